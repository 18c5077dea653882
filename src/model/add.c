/* model/add.c: clayer_add_conv2d and its siblings: create a layer from its config and call it, one function a line of
 * layers.def. */
#include "base/error.h"
#include "model/model.h"

static clayer_status create_and_add(clayer_model *model, const cly_layers_class *layer_class, const void *config,
                                    clayer_node *const *inputs, size_t input_count, clayer_node **node_out) {
    clayer_layer *layer = NULL;
    if (model == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: model is NULL", layer_class->name);
    }
    clayer_status status = cly_layers_create(model->context, layer_class, config, &layer);
    if (status == CLAYER_OK) {
        status = clayer_model_add(model, layer, inputs, input_count, node_out);
    }
    clayer_layer_destroy(layer); /* the model holds its own reference */
    return status;
}

/* Several inputs must be named: "the last one" would be one only. */
static clayer_status create_and_merge(clayer_model *model, const cly_layers_class *layer_class, const void *config,
                                      clayer_node *const *inputs, size_t input_count, clayer_node **node_out) {
    if (inputs == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: inputs is NULL", layer_class->name);
    }
    return create_and_add(model, layer_class, config, inputs, input_count, node_out);
}

#define CLY_LAYER(class_name, function, config_type)                                                              \
    clayer_status clayer_add_##function(clayer_model *model, clayer_node *input, const config_type *config,       \
                                        clayer_node **node_out) {                                                 \
        return create_and_add(model, &cly_layers_##function, config, input == NULL ? NULL : &input, 1, node_out); \
    }
#define CLY_MERGE(class_name, function, config_type)                                                         \
    clayer_status clayer_add_##function(clayer_model *model, clayer_node *const *inputs, size_t input_count, \
                                        const config_type *config, clayer_node **node_out) {                 \
        return create_and_merge(model, &cly_layers_##function, config, inputs, input_count, node_out);       \
    }
#define CLY_INPUT_LAYER(class_name, function, config_type)
#include "layers/layers.def"
