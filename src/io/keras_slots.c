/* io/keras_slots.c: the weights of a layer in the orders in which Keras' files have them, nested models taken apart.
 *
 * Follows _legacy_weights of keras/src/legacy/saving/legacy_h5_format.py: layer.trainable_weights, then
 * layer.non_trainable_weights, where a model's are those of all layers in it. */
#include <stdlib.h>

#include "base/memory.h"
#include "io/keras.h"

bool cly_io_keras_holds(const cly_io_keras_layers *list, const clayer_layer *layer) {
    for (size_t i = list->count; i > 0; i--) {
        if (list->layers[i - 1] == layer) {
            return true;
        }
    }
    return false;
}

clayer_status cly_io_keras_append(cly_io_keras_layers *list, clayer_layer *layer) {
    void *items = list->layers;
    clayer_status status = cly_base_grow(&items, &list->capacity, list->count, sizeof(*list->layers));
    if (status == CLAYER_OK) {
        list->layers = items;
        list->layers[list->count++] = layer;
    }
    return status;
}

clayer_status cly_io_keras_flatten(clayer_layer *layer, cly_io_keras_layers *list) {
    clayer_status status = CLAYER_OK;
    if (cly_layers_shown_model(layer) == NULL) {
        return cly_io_keras_holds(list, layer) ? CLAYER_OK : cly_io_keras_append(list, layer);
    }
    for (size_t i = 0; i < layer->nested->layer_count; i++) {
        CLY_TRY(cly_io_keras_flatten(layer->nested->layers[i], list));
    }
done:
    return status;
}

bool cly_io_keras_has_weights(const clayer_layer *layer) {
    if (cly_layers_shown_model(layer) == NULL) {
        return layer->weight_count > 0;
    }
    for (size_t i = 0; i < layer->nested->layer_count; i++) {
        if (cly_io_keras_has_weights(layer->nested->layers[i])) {
            return true;
        }
    }
    return false;
}

/* Whether the weight stands in the first of two parts. */
static bool is_first(const cly_io_keras_slot *slot, cly_io_keras_order order) {
    return order == CLY_IO_KERAS_BY_LAYER ||
           (order == CLY_IO_KERAS_STATISTICS_LAST ? slot->layer->weights[slot->index].trainable
                                                  : cly_layers_is_trained(slot->layer, (int)slot->index));
}

clayer_status cly_io_keras_list_slots(clayer_layer *layer, cly_io_keras_order order, cly_io_keras_slot **slots_out,
                                      size_t *count_out) {
    cly_io_keras_layers list = {.layers = NULL};
    cly_io_keras_slot *slots = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_flatten(layer, &list));
    for (size_t i = 0; i < list.count; i++) {
        count += list.layers[i]->weight_count;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(*slots), (void **)&slots));
    count = 0;
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < list.count; i++) {
            for (size_t w = 0; w < list.layers[i]->weight_count; w++) {
                const cly_io_keras_slot slot = {.layer = list.layers[i], .index = w};
                if (is_first(&slot, order) == (part == 0)) {
                    slots[count++] = slot;
                }
            }
        }
    }
    *slots_out = slots;
    *count_out = count;
done:
    free(list.layers);
    return status;
}

const char *cly_io_keras_within(const clayer_layer *layer) {
    return layer->inner_name != NULL ? "/layer" : "";
}
