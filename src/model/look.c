/* model/look.c: what can be asked of a model without running it. */
#include <string.h>

#include "model/model.h"

static const clayer_node *input_at(const clayer_model *model, size_t index) {
    return model != NULL && index < model->input_count ? model->inputs[index] : NULL;
}

static const clayer_node *output_at(const clayer_model *model, size_t index) {
    clayer_node *const *nodes = NULL;
    return model != NULL && index < cly_model_outputs(model, &nodes) ? nodes[index] : NULL;
}

const char *clayer_model_get_name(const clayer_model *model) {
    return model == NULL ? NULL : model->name;
}

size_t clayer_model_get_input_count(const clayer_model *model) {
    return model == NULL ? 0 : model->input_count;
}

size_t clayer_model_get_output_count(const clayer_model *model) {
    clayer_node *const *nodes = NULL;
    return model == NULL ? 0 : cly_model_outputs(model, &nodes);
}

const char *clayer_model_get_input_name(const clayer_model *model, size_t index) {
    const clayer_node *node = input_at(model, index);
    return node == NULL ? NULL : node->layer->name;
}

const char *clayer_model_get_output_name(const clayer_model *model, size_t index) {
    const clayer_node *node = output_at(model, index);
    return node == NULL ? NULL : node->layer->name;
}

const clayer_shape *clayer_model_get_input_shape(const clayer_model *model, size_t index) {
    const clayer_node *node = input_at(model, index);
    return node == NULL ? NULL : &node->shape;
}

const clayer_shape *clayer_model_get_output_shape(const clayer_model *model, size_t index) {
    const clayer_node *node = output_at(model, index);
    return node == NULL ? NULL : &node->shape;
}

size_t clayer_model_get_layer_count(const clayer_model *model) {
    return model == NULL ? 0 : model->layer_count;
}

clayer_layer *clayer_model_get_layer(const clayer_model *model, size_t index) {
    return model == NULL || index >= model->layer_count ? NULL : model->layers[index];
}

clayer_layer *clayer_model_find_layer(const clayer_model *model, const char *name) {
    for (size_t i = 0; model != NULL && name != NULL && i < model->layer_count; i++) {
        if (strcmp(model->layers[i]->name, name) == 0) {
            return model->layers[i];
        }
    }
    return NULL;
}
