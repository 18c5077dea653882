/* model/fold.c: the device memory and values of kernels and biases that have a BatchNormalization in them.
 *
 * The layers' own weights stay as they are, for saving and training; the copies follow them by their versions. */
#include "model/fold.h"

#include <stdlib.h>

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
            same_normalisation(&fold->before, &like->before) && same_normalisation(&fold->after, &like->after)) {
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

static const cly_ops_fold *how(const cly_model_fold *fold) {
    return fold->before.layer != NULL ? &fold->before.how : &fold->after.how;
}

uint64_t cly_model_fold_bytes(const cly_model_fold *fold) {
    return (uint64_t)(how(fold)->count + how(fold)->bias_count) * sizeof(float);
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
    const cly_model_normalisation *const both[] = {&fold->before, &fold->after};
    for (int i = 0; i < 2; i++) {
        const int indexes[] = {both[i]->gamma, both[i]->beta, both[i]->mean, both[i]->variance};
        changed = note_versions(both[i]->layer, indexes, 4, &fold->versions[2 + 4 * i]) || changed;
    }
    return changed;
}

static clayer_status make_values(clayer_context *context, const cly_model_fold *fold) {
    clayer_status status = CLAYER_OK;
    cl_mem w = weight_of(fold->layer, fold->kernel), b = weight_of(fold->layer, fold->bias);
    const cly_model_normalisation *const both[] = {&fold->before, &fold->after};
    for (int i = 0; i < 2; i++) {
        const cly_model_normalisation *n = both[i];
        if (n->layer != NULL) {
            const cly_ops_normalisation from = {.gamma = weight_of(n->layer, n->gamma),
                                                .beta = weight_of(n->layer, n->beta),
                                                .mean = weight_of(n->layer, n->mean),
                                                .variance = weight_of(n->layer, n->variance),
                                                .epsilon = n->epsilon};
            CLY_TRY(cly_ops_fold_run(context, &n->how, &from, w, b, fold->buffers[0], fold->buffers[1]));
            w = fold->buffers[0];
            b = fold->buffers[1];
        }
    }
done:
    return status;
}

clayer_status cly_model_fold_update(clayer_context *context, cly_model_fold *fold) {
    clayer_status status = CLAYER_OK;
    const uint64_t bytes[] = {(uint64_t)how(fold)->count * sizeof(float),
                              (uint64_t)how(fold)->bias_count * sizeof(float)};
    for (int i = 0; i < 2; i++) {
        if (fold->buffers[i] == NULL) {
            CLY_TRY(cly_device_buffer_create(context, bytes[i], &fold->buffers[i]));
        }
    }
    if (notice_change(fold)) {
        status = make_values(context, fold);
        if (status != CLAYER_OK) {
            fold->versions[0] = 0; /* no weight has that one: made anew next time */
        }
    }
done:
    return status;
}

void cly_model_folds_destroy(clayer_context *context, cly_model_fold *list) {
    while (list != NULL) {
        cly_model_fold *next = list->next;
        for (int i = 0; i < 2; i++) {
            cly_device_buffer_destroy(context, list->buffers[i]);
        }
        free(list);
        list = next;
    }
}
