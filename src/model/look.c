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
    if (model != NULL && model->facade != NULL) { /* there the layer may be a nested model */
        return clayer_model_get_output_name(model->facade, index);
    }
    const clayer_node *node = output_at(model, index);
    if (node != NULL && model->output_names != NULL) {
        return model->output_names[index];
    }
    return node == NULL ? NULL : node->layer->name;
}

const char *cly_model_loss_name(const clayer_model *model, size_t index) {
    const bool keyed = model->generation == 3 && model->output_keys != NULL && index < model->output_count;
    return keyed ? model->output_keys[index] : clayer_model_get_output_name(model, index);
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

/* Names may hold a "/" themselves, as many of Keras 2 do: the whole name goes before a path. */
clayer_layer *clayer_model_find_layer(const clayer_model *model, const char *name) {
    if (model == NULL || name == NULL) {
        return NULL;
    }
    clayer_layer *found = cly_model_index_find(&model->index, name);
    for (const char *end = strchr(name, '/'); found == NULL && end != NULL; end = strchr(end + 1, '/')) {
        for (size_t i = 0; found == NULL && i < model->layer_count; i++) {
            const clayer_layer *layer = model->layers[i];
            const size_t length = (size_t)(end - name);
            if (cly_layers_shown_model(layer) != NULL && strncmp(layer->name, name, length) == 0 &&
                layer->name[length] == '\0') {
                found = clayer_model_find_layer(layer->nested, end + 1);
            }
        }
    }
    return found;
}
