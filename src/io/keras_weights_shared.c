/* io/keras_weights_shared.c: layers that stand in several models of a file, in Keras 3's layout of weights.
 *
 * Keras writes such a layer where it comes first (_save_state in keras/src/saving/saving_lib.py skips what it has
 * visited). Keras 2 then does not count it where it comes again either, and neither generation says in every
 * configuration that the layers are one: Keras 2 not of the layers of the outermost model, to_json() of Keras 3
 * nowhere. What is written once for two layers of the same name, class and shapes is read for both. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/device.h"
#include "io/keras.h"

/* ---- twins: layers that the configuration takes for two and the weights for one ---- */

static bool are_twins(const clayer_layer *a, const clayer_layer *b) {
    bool twins = a != b && a->class == b->class && a->weight_count == b->weight_count &&
                 (a->nested == NULL) == (b->nested == NULL) && strcmp(a->name, b->name) == 0;
    for (size_t w = 0; twins && w < a->weight_count; w++) {
        twins = cly_layers_same_shape(clayer_tensor_get_shape(a->weights[w].tensor),
                                      clayer_tensor_get_shape(b->weights[w].tensor));
    }
    if (!twins || a->nested == NULL) {
        return twins;
    }
    twins = a->nested->layer_count == b->nested->layer_count;
    for (size_t i = 0; twins && i < a->nested->layer_count; i++) {
        const clayer_layer *inner = a->nested->layers[i], *other = b->nested->layers[i];
        twins = inner == other || are_twins(inner, other);
    }
    return twins;
}

clayer_layer *cly_io_keras_find_twin(const cly_io_keras_layers *visited, const clayer_layer *layer) {
    for (size_t i = 0; i < visited->count; i++) {
        if (are_twins(visited->layers[i], layer)) {
            return visited->layers[i];
        }
    }
    return NULL;
}

static clayer_status copy_weights(const clayer_layer *from, clayer_layer *to) {
    void *values = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t w = 0; w < to->weight_count; w++) {
        const int64_t count = clayer_tensor_get_count(to->weights[w].tensor);
        free(values);
        values = NULL;
        CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
        CLY_TRY(clayer_tensor_read(from->weights[w].tensor, values, count));
        CLY_TRY(clayer_tensor_write(to->weights[w].tensor, values, count));
    }
    for (size_t i = 0; to->nested != NULL && i < to->nested->layer_count; i++) {
        CLY_TRY(copy_weights(from->nested->layers[i], to->nested->layers[i]));
    }
done:
    free(values);
    return status;
}

clayer_status cly_io_keras_copy_twin(const clayer_layer *from, clayer_layer *to) {
    if (cly_io_keras_has_weights(to)) {
        cly_device_log(to->context, CLAYER_LOG_WARNING,
                       "%s '%s': the file has the weights of one layer of that name for two, which are separate here",
                       to->class->name, to->name);
    }
    return copy_weights(from, to);
}

/* ---- the numbers of groups ---- */

clayer_status cly_io_keras_number_layers(const clayer_model *model, size_t **numbers_out) {
    size_t *numbers = NULL, *firsts = NULL, *counts = NULL; /* of each name the first layer, and how many there are */
    size_t kinds = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(model->layer_count, sizeof(size_t), (void **)&numbers));
    CLY_TRY(cly_base_alloc(model->layer_count, sizeof(size_t), (void **)&firsts));
    CLY_TRY(cly_base_alloc(model->layer_count, sizeof(size_t), (void **)&counts));
    for (size_t i = 0; i < model->layer_count; i++) {
        const char *name = cly_layers_auto_name(model->layers[i]);
        size_t kind = 0;
        while (kind < kinds && strcmp(cly_layers_auto_name(model->layers[firsts[kind]]), name) != 0) {
            kind++;
        }
        if (kind == kinds) {
            firsts[kinds++] = i;
        }
        numbers[i] = counts[kind]++;
    }
    *numbers_out = numbers;
    numbers = NULL;
done:
    free(numbers);
    free(firsts);
    free(counts);
    return status;
}

static clayer_status has_group(cly_io_hdf5 *file, const char *prefix, const char *name, size_t number, bool *has_out) {
    cly_base_text path = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(number == 0 ? cly_base_text_add(&path, "%s%s", prefix, name)
                        : cly_base_text_add(&path, "%s%s_%zu", prefix, name, number));
    *has_out = cly_io_hdf5_exists(file, path.chars);
done:
    cly_base_text_free(&path);
    return status;
}

/* How many of the groups "conv2d", "conv2d_1"... of `layers` layers are missing at the end; 0 if others are too. */
static clayer_status count_missing(cly_io_hdf5 *file, const char *prefix, const char *name, size_t layers,
                                   size_t *missing_out) {
    size_t end = layers;
    bool has = false;
    clayer_status status = CLAYER_OK;
    while (end > 0 && !has) {
        CLY_TRY(has_group(file, prefix, name, end - 1, &has));
        end -= !has;
    }
    *missing_out = layers - end;
    for (size_t number = 0; number < end && end < layers; number++) {
        CLY_TRY(has_group(file, prefix, name, number, &has));
        *missing_out = has ? *missing_out : 0;
    }
done:
    return status;
}

clayer_status cly_io_keras_settle_group(const cly_io_keras_layers *visited, const clayer_model *model, size_t index,
                                        cly_io_hdf5 *file, const char *prefix, size_t *numbers) {
    const clayer_layer *layer = model->layers[index];
    const char *name = cly_layers_auto_name(layer);
    size_t layers = numbers[index] + 1, missing = 0, known = 0;
    clayer_status status = CLAYER_OK;
    for (size_t i = index + 1; i < model->layer_count; i++) {
        if (strcmp(cly_layers_auto_name(model->layers[i]), name) == 0) {
            layers++;
            known += cly_io_keras_holds(visited, model->layers[i]);
        }
    }
    CLY_TRY(count_missing(file, prefix, name, layers, &missing));
    const bool shared = cly_io_keras_holds(visited, layer);
    if (missing == 0 || (!shared && (missing <= known || cly_io_keras_find_twin(visited, layer) == NULL))) {
        goto done;
    }
    numbers[index] = CLY_IO_KERAS_NO_GROUP;
    for (size_t i = index + 1; i < model->layer_count; i++) {
        numbers[i] -= strcmp(cly_layers_auto_name(model->layers[i]), name) == 0;
    }
done:
    return status;
}
