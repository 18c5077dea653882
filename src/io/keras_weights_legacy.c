/* io/keras_weights_legacy.c: weights in the layout of .h5 files: the attribute layer_names, for each a group with the
 * attribute weight_names (keras/src/legacy/saving/legacy_h5_format.py).
 *
 * Layers with weights are taken in their order, whatever they are called. A nested model's group holds the weights of
 * all layers in it in one list: those that training moves first, then the others. Which those were when the file was
 * written may not be said in it (old versions did not write a model's `trainable`), so the order is the one in
 * which all shapes and the ends of most names ("kernel", "gamma") fit. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/keras.h"

typedef struct group {
    cly_io_hdf5 *file;
    cly_io_keras_origin origin;
    const char *path;
    char **names; /* of its weights */
    clayer_shape *shapes;
    size_t count;
} group;

/* "kernel" of "block/conv2d/kernel:0" and of "conv2d_1/kernel_1:0", but "moving_mean" stays. */
static size_t end_of_name(const char *name, const char **end_out) {
    const char *slash = strrchr(name, '/');
    const char *end = slash == NULL ? name : slash + 1;
    size_t length = strcspn(end, ":");
    while (length > 0 && end[length - 1] >= '0' && end[length - 1] <= '9') {
        length--;
    }
    length -= length > 0 && end[length - 1] == '_';
    *end_out = end;
    return length;
}

/* How well the weights fit the file's: 0 not at all, else by shape, and one more for each name. */
static size_t rate(const group *in, const cly_io_keras_slot *slots) {
    size_t rating = 1;
    for (size_t i = 0; i < in->count; i++) {
        const cly_weights_weight *weight = &slots[i].layer->weights[slots[i].index];
        const char *end = NULL;
        size_t length = end_of_name(in->names[i], &end);
        clayer_shape shape = in->shapes[i];
        cly_io_keras_modern_shape(&in->origin, slots[i].layer, slots[i].index, &shape);
        if (!cly_layers_same_shape(&shape, clayer_tensor_get_shape(weight->tensor))) {
            return 0;
        }
        rating += length == strlen(weight->name) && strncmp(end, weight->name, length) == 0;
    }
    return rating;
}

/* The weights of `layer` in the file's order; where none fits, in Keras' own order, which then tells what is wrong. */
static clayer_status find_order(const group *in, clayer_layer *layer, cly_io_keras_slot **slots_out) {
    cly_io_keras_slot *best = NULL;
    size_t best_rating = 0;
    clayer_status status = CLAYER_OK;
    for (cly_io_keras_order order = 0; order < CLY_IO_KERAS_ORDERS && best_rating <= in->count; order++) {
        cly_io_keras_slot *slots = NULL;
        size_t count = 0;
        CLY_TRY(cly_io_keras_list_slots(layer, order, &slots, &count));
        if (count != in->count) {
            status = cly_base_fail(CLAYER_BAD_FILE, "%s '%s' has %zu weights, the file has %zu for it in '%s'",
                                   layer->class->name, layer->name, count, in->count, in->path);
            free(slots);
            goto done;
        }
        size_t rating = rate(in, slots);
        bool better = best == NULL || rating > best_rating;
        free(better ? best : slots);
        best = better ? slots : best;
        best_rating = better ? rating : best_rating;
    }
    *slots_out = best;
    best = NULL;
done:
    free(best);
    return status;
}

static clayer_status weight_path(const group *in, size_t index, cly_base_text *path) {
    cly_base_text_free(path);
    *path = (cly_base_text){0};
    return cly_base_text_add(path, "%s/%s", in->path, in->names[index]);
}

static clayer_status read_slot(const group *in, const cly_io_keras_slot *slot, const clayer_shape *shape,
                               const char *path) {
    clayer_shape modern = *shape;
    cly_io_keras_modern_shape(&in->origin, slot->layer, slot->index, &modern);
    bool fits = cly_layers_same_shape(&modern, clayer_tensor_get_shape(slot->layer->weights[slot->index].tensor));
    return fits && cly_io_keras_is_old_kernel(&in->origin, slot->layer, slot->index, shape)
               ? cly_io_keras_read_old_kernel(&in->origin, slot->layer, slot->index, in->file, path)
               : cly_io_keras_read_weight(slot->layer, slot->index, in->file, path);
}

static clayer_status read_group(group *in, clayer_layer *layer) {
    cly_io_keras_slot *slots = NULL;
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(in->count, sizeof(clayer_shape), (void **)&in->shapes));
    for (size_t i = 0; i < in->count; i++) {
        CLY_TRY(weight_path(in, i, &path));
        in->shapes[i] = (clayer_shape){.rank = -1}; /* one that is missing fits nothing */
        if (cly_io_hdf5_exists(in->file, path.chars)) {
            CLY_TRY(cly_io_hdf5_get_shape(in->file, path.chars, &in->shapes[i]));
        }
    }
    CLY_TRY(find_order(in, layer, &slots));
    for (size_t i = 0; i < in->count; i++) {
        CLY_TRY(weight_path(in, i, &path));
        status = read_slot(in, &slots[i], &in->shapes[i], path.chars);
        if (status != CLAYER_OK) {
            status =
                layer->nested == NULL ? status : cly_base_prefix(status, "%s '%s'", layer->class->name, layer->name);
            goto done;
        }
    }
done:
    free(in->shapes);
    free(slots);
    cly_base_text_free(&path);
    return status;
}

static clayer_status read_layer(const clayer_model *model, cly_io_hdf5 *file, const cly_io_keras_origin *origin,
                                const char *path, const char *layer_name, size_t *next) {
    group in = {.file = file, .origin = *origin, .path = path};
    clayer_status status = CLAYER_OK;
    if (!cly_io_hdf5_exists(file, path)) {
        return cly_base_fail(CLAYER_BAD_FILE, "layer '%s': the file has no group '%s'", layer_name, path);
    }
    CLY_TRY(cly_io_hdf5_get_texts(file, path, "weight_names", &in.names, &in.count));
    if (in.count > 0) {
        clayer_layer *layer = cly_io_keras_next_weighted(model, next);
        if (layer == NULL) {
            status = cly_base_fail(CLAYER_BAD_FILE, "the file has weights of a layer '%s' that the model has not",
                                   layer_name);
            goto done;
        }
        CLY_TRY(read_group(&in, layer));
    }
done:
    cly_io_free_strings(in.names, in.count);
    return status;
}

/* Of a model the steps stand in groups within its own: keras_write_weights.c. */
static clayer_status read_steps(clayer_layer *layer, cly_io_hdf5 *file, const char *path) {
    cly_base_text inner = {0};
    clayer_status status = CLAYER_OK;
    if (layer == NULL || cly_layers_shown_model(layer) == NULL) {
        return cly_io_keras_read_step(layer, file, path);
    }
    for (size_t i = 0; i < layer->nested->layer_count; i++) {
        cly_base_text_free(&inner);
        inner = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&inner, "%s/%s", path, layer->nested->layers[i]->name));
        CLY_TRY(read_steps(layer->nested->layers[i], file, inner.chars));
    }
done:
    cly_base_text_free(&inner);
    return status;
}

clayer_status cly_io_keras_legacy_weights(const clayer_model *model, cly_io_hdf5 *file, const char *top) {
    char **layers = NULL;
    size_t count = 0, next = 0;
    cly_base_text path = {0};
    cly_io_keras_origin origin = {false, false};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_origin(file, top, &origin));
    CLY_TRY(cly_io_hdf5_get_texts(file, top, "layer_names", &layers, &count));
    for (size_t i = 0; i < count; i++) {
        cly_base_text_free(&path);
        path = (cly_base_text){0};
        CLY_TRY(cly_base_text_add(&path, "%s/%s", top, layers[i]));
        CLY_TRY(read_layer(model, file, &origin, path.chars, layers[i], &next));
        CLY_TRY(read_steps(clayer_model_find_layer(model, layers[i]), file, path.chars));
    }
    const clayer_layer *left = cly_io_keras_next_weighted(model, &next);
    if (left != NULL) {
        status = cly_base_fail(CLAYER_BAD_FILE, "%s '%s': its weights are missing in the file", left->class->name,
                               left->name);
    }
done:
    cly_io_free_strings(layers, count);
    cly_base_text_free(&path);
    return status;
}
