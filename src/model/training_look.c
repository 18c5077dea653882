/* model/training_look.c: what can be asked of a model that is trained: the logits behind its outputs, its regularizers
 * and its weights in Keras' order. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/training_plan.h"

/* ---- logits ---- */

/* Layers that give Keras' own tensor back, with what it remembers of its logits: measured with both generations. */
static bool gives_input_back(const clayer_layer *layer) {
    return layer->inner_name == NULL &&
           ((layer->class == &cly_layers_activation && layer->activation.id == CLY_LINEAR) ||
            (layer->class == &cly_layers_dropout && layer->generation == 3 &&
             ((const clayer_dropout_config *)layer->config)->rate == 0));
}

const clayer_node *cly_model_output_end(const clayer_model *model, size_t index) {
    clayer_node *const *nodes = NULL;
    (void)cly_model_outputs(model, &nodes);
    const clayer_node *node = nodes[index];
    while (gives_input_back(node->layer)) {
        node = node->inputs[0];
    }
    return node;
}

bool cly_model_keeps_logits(const clayer_node *end) {
    return end->layer->class != &cly_layers_activation && end->layer->class != &cly_layers_softmax;
}

cly_model_logits cly_model_output_logits(const clayer_model *model, size_t index) {
    clayer_model *flat = NULL;
    if (index >= clayer_model_get_output_count(model) || cly_model_flat(model, &flat) != CLAYER_OK) {
        return CLY_LOGITS_NONE;
    }
    const clayer_layer *layer = cly_model_output_end(flat, index)->layer;
    if (layer->inner_name != NULL) { /* the steps are put together behind it */
        return CLY_LOGITS_NONE;
    }
    const bool softmax =
        layer->class == &cly_layers_softmax &&
        ((const clayer_softmax_config *)layer->config)->axes.rank == 1; /* several are made otherwise */
    if (softmax || layer->activation.id == CLY_SOFTMAX) {
        return CLY_LOGITS_SOFTMAX;
    }
    return layer->activation.id == CLY_SIGMOID ? CLY_LOGITS_SIGMOID : CLY_LOGITS_NONE;
}

bool cly_model_has_loss(const cly_model_training_config *config, size_t output) {
    return config->losses == NULL || config->losses[output];
}

bool cly_model_reads_logits(const cly_model_training_config *config, size_t output) {
    return config->logits != NULL && config->logits[output] && cly_model_has_loss(config, output);
}

/* ---- regularizers ---- */

bool cly_model_has_penalties(const clayer_model *model) {
    clayer_model *flat = NULL;
    if (cly_model_flat(model, &flat) != CLAYER_OK) {
        return false;
    }
    for (size_t i = 0; i < flat->layer_count; i++) {
        const clayer_layer *layer = flat->layers[i];
        cly_spec activity;
        if (cly_layers_activity_regularizer(layer, &activity) == CLAYER_OK && activity.entry != NULL) {
            return true;
        }
        for (size_t j = 0; j < layer->weight_count; j++) {
            const bool counts = model->generation == 2 || cly_layers_is_trained(layer, (int)j);
            if (counts && layer->weights[j].regularizer.entry != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* ---- weights ---- */

clayer_status cly_model_list_weights(const clayer_model *model, bool trainable_only, cly_model_weight **weights_out,
                                     size_t *count_out) {
    clayer_status status = CLAYER_OK;
    cly_model_weight *weights = NULL;
    size_t count = 0;
    void *memory = NULL;
    clayer_model *flat = NULL;
    CLY_TRY(cly_model_flat(model, &flat));
    for (size_t i = 0; i < flat->layer_count; i++) {
        count += flat->layers[i]->weight_count;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(cly_model_weight), &memory));
    weights = memory;
    count = 0;
    for (size_t i = 0; i < flat->layer_count; i++) {
        clayer_layer *layer = flat->layers[i];
        for (size_t j = 0; j < layer->weight_count; j++) {
            if (!trainable_only || cly_layers_is_trained(layer, (int)j)) {
                weights[count++] = (cly_model_weight){.layer = layer, .index = j, .weight = &layer->weights[j]};
            }
        }
    }
    *weights_out = weights;
    *count_out = count;
done:
    return status;
}
