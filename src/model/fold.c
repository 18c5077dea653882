/* model/fold.c: the device memory and values of what convolutions take of BatchNormalizations beside them: kernel and
 * bias with the one before in them, and vectors by which they do the one behind.
 *
 * The layers' own weights stay as they are, for saving and training; what is made of them follows their versions. */
#include "model/fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"

static bool same_normalisation(const cly_model_normalisation *a, const cly_model_normalisation *b) {
    return a->layer == b->layer && (a->layer == NULL || a->epsilon == b->epsilon);
}

clayer_status cly_model_fold_find(cly_model_fold **list, const cly_model_fold *like, cly_model_fold **fold_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    for (cly_model_fold *fold = *list; fold != NULL; fold = fold->next) {
        if (fold->layer == like->layer && fold->kernel == like->kernel &&
            same_normalisation(&fold->before, &like->before) && same_normalisation(&fold->behind, &like->behind)) {
            *fold_out = fold;
            return CLAYER_OK;
        }
    }
    CLY_TRY(cly_base_alloc(1, sizeof(cly_model_fold), &memory));
    cly_model_fold *made = memory;
    *made = *like;
    made->next = *list;
    *list = made;
    *fold_out = made;
done:
    return status;
}

/* 0: not wanted. */
static uint64_t bytes_of(const cly_model_fold *fold, int result) {
    const int64_t counts[] = {fold->how.count, fold->how.bias_count, CLY_OPS_FOLD_VECTORS * fold->channels};
    return (uint64_t)counts[result] * sizeof(float);
}

uint64_t cly_model_fold_bytes(const cly_model_fold *fold) {
    uint64_t bytes = 0;
    for (int i = 0; i < CLY_MODEL_FOLDED; i++) {
        bytes += bytes_of(fold, i);
    }
    return bytes;
}

/* ---- values ---- */

static cl_mem weight_of(const clayer_layer *layer, int index) {
    return index < 0 ? NULL : cly_device_tensor_buffer(layer->weights[index].tensor);
}

/* Compares the versions of a layer's weights with those kept, and keeps them. */
static bool note_versions(const clayer_layer *layer, const int *indexes, int count, uint64_t *versions) {
    bool changed = false;
    for (int i = 0; i < count && layer != NULL; i++) {
        if (indexes[i] >= 0) {
            const uint64_t version = cly_device_tensor_version(layer->weights[indexes[i]].tensor);
            changed = changed || version == 0 || version != versions[i];
            versions[i] = version;
        }
    }
    return changed;
}

static bool notice_change(cly_model_fold *fold) {
    const int own[] = {fold->kernel, fold->bias};
    bool changed = note_versions(fold->layer, own, 2, fold->versions);
    const cly_model_normalisation *const both[] = {&fold->before, &fold->behind};
    for (int i = 0; i < 2; i++) {
        const int indexes[] = {both[i]->gamma, both[i]->beta, both[i]->mean, both[i]->variance};
        changed = note_versions(both[i]->layer, indexes, 4, &fold->versions[2 + 4 * i]) || changed;
    }
    return changed;
}

static cly_ops_normalisation values_of(const cly_model_normalisation *n) {
    return (cly_ops_normalisation){.gamma = weight_of(n->layer, n->gamma),
                                   .beta = weight_of(n->layer, n->beta),
                                   .mean = weight_of(n->layer, n->mean),
                                   .variance = weight_of(n->layer, n->variance),
                                   .epsilon = n->epsilon};
}

static clayer_status make_values(clayer_context *context, const cly_model_fold *fold) {
    clayer_status status = CLAYER_OK;
    if (fold->before.layer != NULL) {
        const cly_ops_normalisation from = values_of(&fold->before);
        CLY_TRY(cly_ops_fold_before(context, &fold->how, &from, weight_of(fold->layer, fold->kernel),
                                    weight_of(fold->layer, fold->bias), fold->buffers[CLY_MODEL_FOLDED_KERNEL],
                                    fold->buffers[CLY_MODEL_FOLDED_BIAS]));
    }
    if (fold->behind.layer != NULL) {
        const cly_ops_normalisation from = values_of(&fold->behind);
        CLY_TRY(cly_ops_fold_behind(context, fold->channels, &from, fold->buffers[CLY_MODEL_FOLDED_NORM]));
    }
done:
    return status;
}

clayer_status cly_model_fold_update(clayer_context *context, cly_model_fold *fold) {
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < CLY_MODEL_FOLDED; i++) {
        if (fold->buffers[i] == NULL && bytes_of(fold, i) > 0) {
            CLY_TRY(cly_device_buffer_create(context, bytes_of(fold, i), &fold->buffers[i]));
        }
    }
    if (notice_change(fold)) {
        status = make_values(context, fold);
        if (status != CLAYER_OK) {
            memset(fold->versions, 0, sizeof(fold->versions)); /* no weight has that one: made anew next time */
        }
    }
done:
    return status;
}

void cly_model_folds_destroy(clayer_context *context, cly_model_fold *list) {
    while (list != NULL) {
        cly_model_fold *next = list->next;
        for (int i = 0; i < CLY_MODEL_FOLDED; i++) {
            cly_device_buffer_destroy(context, list->buffers[i]);
        }
        free(list);
        list = next;
    }
}
