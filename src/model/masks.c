/* model/masks.c: Keras' implicit masks: where they come from, which layers hand them on, join, use or stop them. While
 * a flat model is made each node is given the node of its mask, and layers that use one get it as their last input; all
 * of that stays out of what users and files see.
 *
 * Sources: Layer.__call__ and compute_mask in keras/src/layers/layer.py and tf_keras/src/engine/base_layer.py. A file
 * of Keras 3 may spell the masks out, as operations and the argument `mask`, which then counts. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "layers/mask.h"
#include "model/model.h"
#include "model/training.h"

bool cly_model_makes_masks(const clayer_layer *layer) {
    if (layer->class == &cly_layers_embedding) {
        return ((const clayer_embedding_config *)layer->config)->mask_zero;
    }
    return layer->class == &cly_layers_masking;
}

/* ---- nodes that make masks ---- */

clayer_status cly_model_keep_layer(clayer_model *flat, clayer_layer *layer) {
    clayer_status status = CLAYER_OK;
    void *items = flat->layers;
    CLY_TRY(cly_base_grow(&items, &flat->layer_capacity, flat->layer_count, sizeof(*flat->layers)));
    flat->layers = items;
    flat->layers[flat->layer_count++] = cly_layers_retain(layer);
done:
    return status;
}

/* Appends a call of a layer that only the flat model has, named after `owner`. */
static clayer_status add_node(clayer_model *flat, const clayer_node *owner, const cly_layers_class *layer_class,
                              cly_layers_common_config *settings, clayer_node *const *inputs, size_t count,
                              clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    cly_base_text name = {0};
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS], output;
    CLY_TRY(cly_base_text_add(&name, "%s/mask", cly_model_node_path(owner)));
    settings->name = name.chars;
    CLY_TRY(cly_layers_create(flat->context, layer_class, settings, &layer));
    layer->generation = owner->layer->generation;
    for (size_t i = 0; i < count; i++) {
        shapes[i] = inputs[i]->shape;
    }
    CLY_TRY(clayer_layer_get_output_shape(layer, shapes, count, &output));
    CLY_TRY(cly_model_keep_layer(flat, layer));
    CLY_TRY(cly_model_append(flat, layer, inputs, count, &output, 1));
    *node_out = flat->nodes[flat->node_count - 1];
    (*node_out)->hidden = true;
done:
    cly_base_text_free(&name);
    clayer_layer_destroy(layer);
    return status;
}

static clayer_status add_mask(clayer_model *flat, const clayer_node *owner, cly_layers_mask_kind kind, float value,
                              clayer_node *const *inputs, size_t count, clayer_node **node_out) {
    cly_layers_mask_config config = {.struct_size = sizeof(config), .kind = kind, .value = value};
    return add_node(flat, owner, &cly_layers_mask, (cly_layers_common_config *)&config, inputs, count, node_out);
}

/* ---- what layers do with them ---- */

/* Keras 2 counts what all of the masks count, whichever inputs have one; Keras 3 what any does, if all inputs have. */
static clayer_status merge(clayer_model *flat, clayer_node *node) {
    const bool any = node->layer->generation == 3;
    clayer_node *masks[CLY_LAYERS_MAX_INPUTS];
    size_t count = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i]->mask != NULL) {
            masks[count++] = node->inputs[i]->mask;
        }
    }
    if (count == 0 || (any && count < node->input_count)) {
        return CLAYER_OK;
    }
    if (count == 1) {
        node->mask = masks[0];
        return CLAYER_OK;
    }
    return add_mask(flat, node, any ? CLY_MASK_ANY : CLY_MASK_ALL, 0, masks, count, &node->mask);
}

/* Joined along the axis, where an input without a mask counts throughout; along the last axis, which masks do not have,
 * Keras 2 counts what all count, Keras 3 what any does. */
static clayer_status concatenate(clayer_model *flat, clayer_node *node) {
    clayer_status status = CLAYER_OK;
    clayer_concatenate_config joined = {.struct_size = sizeof(joined), .has_axis = true};
    clayer_node *masks[CLY_LAYERS_MAX_INPUTS];
    const int64_t axis = ((const clayer_concatenate_config *)node->layer->config)->axis;
    size_t given = 0, count = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        given += node->inputs[i]->mask != NULL;
    }
    if (given == 0) {
        return CLAYER_OK;
    }
    joined.axis = axis < 0 ? axis + node->shape.rank : axis;
    const bool last = joined.axis == node->shape.rank - 1, any = node->layer->generation == 3;
    for (size_t i = 0; i < node->input_count; i++) {
        clayer_node *mask = node->inputs[i]->mask;
        if (mask == NULL && last && !any) {
            continue;
        }
        if (mask == NULL) {
            CLY_TRY(add_mask(flat, node, CLY_MASK_ONES, 0, &node->inputs[i], 1, &mask));
        }
        masks[count++] = mask;
    }
    if (count == 1) {
        node->mask = masks[0];
    } else if (last) {
        CLY_TRY(add_mask(flat, node, any ? CLY_MASK_ANY : CLY_MASK_ALL, 0, masks, count, &node->mask));
    } else {
        CLY_TRY(add_node(flat, node, &cly_layers_concatenate, (cly_layers_common_config *)&joined, masks, count,
                         &node->mask));
    }
done:
    return status;
}

static clayer_status make(clayer_model *flat, clayer_node *node) {
    if (!cly_model_makes_masks(node->layer)) {
        return CLAYER_OK; /* an Embedding without mask_zero stops the mask of its numbers, too */
    }
    if (node->layer->class == &cly_layers_embedding) {
        return add_mask(flat, node, CLY_MASK_NUMBERS, 0, &node->inputs[0], 1, &node->mask);
    }
    const double value = ((const clayer_masking_config *)node->layer->config)->mask_value;
    return add_mask(flat, node, CLY_MASK_ROWS, (float)value, &node->inputs[0], 1, &node->mask);
}

size_t cly_model_mask_input(const clayer_node *call, clayer_node **inputs) {
    const cly_layers_masks masks = call->layer->class->masks;
    const bool uses = (masks == CLY_MASKS_USE || masks == CLY_MASKS_USE_AND_PASS) && call->layer->inner_name == NULL;
    if (!uses || call->has_mask || call->input_count != 1 || inputs[0]->mask == NULL) {
        return call->input_count;
    }
    inputs[1] = inputs[0]->mask;
    return 2;
}

clayer_status cly_model_mask_steps(clayer_model *flat, clayer_node *node) {
    clayer_status status = CLAYER_OK;
    while (node->mask != NULL && node->mask->shape.rank > 2) {
        CLY_TRY(add_mask(flat, node, CLY_MASK_ROWS, 0, &node->mask, 1, &node->mask));
    }
done:
    return status;
}

/* The mask of the steps is what a TimeDistributed has and gives, whatever its layer makes of each; in Keras 2 only
 * which steps count, where the layer has no mask for what it gives. */
static clayer_status distribute(clayer_model *flat, clayer_node *node) {
    const cly_layers_masks masks = node->layer->class->masks;
    node->mask = node->inputs[0]->mask;
    if (cly_model_makes_masks(node->layer) ||
        (node->mask != NULL && (masks == CLY_MASKS_USE || masks == CLY_MASKS_USE_AND_PASS))) {
        return cly_layers_fail(node->layer, CLAYER_UNSUPPORTED, "its layer '%s' would %s a mask at every step",
                               node->layer->inner_name, node->mask != NULL ? "use" : "make");
    }
    return node->layer->generation == 2 && (masks == CLY_MASKS_STOP || masks == CLY_MASKS_PASS_KERAS3)
               ? cly_model_mask_steps(flat, node)
               : CLAYER_OK;
}

clayer_status cly_model_mask_output(clayer_model *flat, clayer_node *node) {
    const bool has_input = node->input_count > 0;
    if (node->layer->inner_name != NULL) {
        return distribute(flat, node);
    }
    switch (node->layer->class->masks) {
        case CLY_MASKS_STOP:
        case CLY_MASKS_USE:
            return CLAYER_OK;
        case CLY_MASKS_PASS:
            node->mask = has_input ? node->inputs[0]->mask : NULL;
            return CLAYER_OK;
        case CLY_MASKS_PASS_KERAS3:
            node->mask = has_input && node->layer->generation == 3 ? node->inputs[0]->mask : NULL;
            return CLAYER_OK;
        case CLY_MASKS_USE_AND_PASS:
            node->mask = node->input_count == 2 ? node->inputs[1] : NULL;
            return CLAYER_OK;
        case CLY_MASKS_MERGE:
            return merge(flat, node);
        case CLY_MASKS_CONCATENATE:
            return concatenate(flat, node);
        case CLY_MASKS_MAKE:
            return make(flat, node);
    }
    return CLAYER_OK;
}

/* ---- training ---- */

clayer_status cly_model_output_mask(const clayer_model *model, size_t index, const clayer_shape *shape,
                                    clayer_shape *mask_out) {
    clayer_status status = CLAYER_OK;
    clayer_model *flat = NULL;
    clayer_node *const *outputs = NULL;
    clayer_shape mask = {.rank = 0};
    CLY_TRY(cly_model_flat(model, &flat));
    (void)cly_model_outputs(flat, &outputs);
    if (outputs[index]->mask != NULL) {
        mask = outputs[index]->mask->shape;
        for (int axis = 0; axis < mask.rank; axis++) {
            mask.dims[axis] = mask.dims[axis] >= 0 ? mask.dims[axis] : axis < shape->rank ? shape->dims[axis] : 1;
        }
    }
    *mask_out = mask;
done:
    return status;
}
