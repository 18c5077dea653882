/* io/keras_config.c: a model from Keras' JSON: Sequential here, the graph of a Functional in keras_nodes.c.
 *
 * Follows keras/src/models/sequential.py and Keras 2's: the layers are a list, the input is an InputLayer before them,
 * the first layer's batch_input_shape, or the shape that the model was built for. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/keras.h"
#include "model/model.h"

clayer_status cly_io_keras_input(clayer_model *model, const cJSON *json, int generation, clayer_node **node_out) {
    clayer_layer *layer = NULL;
    clayer_node *node = NULL;
    clayer_status status = CLAYER_OK;
    /* The layer is made to have its arguments checked, and the model makes its own. */
    CLY_TRY(cly_io_keras_layer(model->context, json, generation, &layer));
    const cly_layers_input_config *config = layer->config;
    if (config->batch_shape.rank < 1) {
        status = cly_base_fail(CLAYER_BAD_FILE, "InputLayer '%s' has no batch_shape", layer->name);
        goto done;
    }
    CLY_TRY(cly_model_add_input(model, layer->name, &config->batch_shape, &node));
    node->layer->dtype = layer->dtype;
    if (node_out != NULL) {
        *node_out = node;
    }
done:
    clayer_layer_destroy(layer);
    return status;
}

bool cly_io_keras_is_input(const cJSON *json) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    return class_name != NULL && strcmp(class_name, "InputLayer") == 0;
}

/* The shape of a Sequential that lists no InputLayer: from its first layer, or from how it was built. */
static bool find_input_shape(const cJSON *model_json, const cJSON *config, const cJSON *first,
                             clayer_shape *shape_out) {
    const cJSON *first_config = cJSON_GetObjectItemCaseSensitive(first, "config");
    const cJSON *build = cJSON_GetObjectItemCaseSensitive(model_json, "build_config");
    return cly_io_keras_shape(cly_io_keras_get(first_config, "batch_input_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(first_config, "batch_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(config, "build_input_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(build, "input_shape"), shape_out);
}

/* Keras' automatic name of such an input: "conv2d_input" in Keras 2, "input_layer" in Keras 3. */
static clayer_status add_unlisted_input(clayer_model *model, const cJSON *json, const cJSON *config, const cJSON *first,
                                        int generation) {
    clayer_shape shape = {0};
    cly_base_text name = {0};
    clayer_status status = CLAYER_OK;
    if (!find_input_shape(json, config, first, &shape) || shape.rank < 1) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "Sequential '%s' was saved before it was built: it has no input shape",
                             model->name);
    }
    const char *first_name = cly_io_keras_text(cJSON_GetObjectItemCaseSensitive(first, "config"), "name");
    if (generation == 2 && first_name != NULL) {
        CLY_TRY(cly_base_text_add(&name, "%s_input", first_name));
    } else {
        CLY_TRY(cly_base_text_add(&name, "input_layer"));
    }
    CLY_TRY(cly_model_add_input(model, name.chars, &shape, NULL));
done:
    cly_base_text_free(&name);
    return status;
}

static clayer_status add_layer(clayer_model *model, const cJSON *json, int generation) {
    clayer_layer *layer = NULL;
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_is_input(json)) {
        return cly_base_fail(CLAYER_BAD_FILE, "Sequential '%s' has an InputLayer that is not its first layer",
                             model->name);
    }
    CLY_TRY(cly_io_keras_layer(model->context, json, generation, &layer));
    CLY_TRY(clayer_model_add(model, layer, NULL, 0, NULL));
done:
    clayer_layer_destroy(layer);
    return status;
}

static clayer_status read_sequential(clayer_model *model, const cJSON *json, const cJSON *config, int generation) {
    /* Before 2.3 Keras wrote the list of layers alone. */
    const cJSON *layers = cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    const cJSON *first = layers == NULL ? NULL : layers->child;
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(layers) || first == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "Sequential '%s' has no layers", model->name);
    }
    model->has_input_layer = cly_io_keras_is_input(first);
    if (model->has_input_layer) {
        CLY_TRY(cly_io_keras_input(model, first, generation, NULL));
        first = first->next;
    } else {
        CLY_TRY(add_unlisted_input(model, json, config, first, generation));
    }
    for (const cJSON *item = first; item != NULL; item = item->next) {
        CLY_TRY(add_layer(model, item, generation));
    }
done:
    return status;
}

clayer_status cly_io_keras_model(clayer_context *context, const cJSON *json, int generation, clayer_model **model_out) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    clayer_model *model = NULL;
    clayer_status status = CLAYER_OK;
    if (class_name == NULL || config == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE,
                             "not the configuration of a Keras model: class_name or config is missing");
    }
    bool sequential = strcmp(class_name, "Sequential") == 0;
    if (!sequential && strcmp(class_name, "Functional") != 0 && strcmp(class_name, "Model") != 0) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "the model is of class '%s': only Sequential and Functional models are read, because the "
                             "code of others is not in the file",
                             class_name);
    }
    CLY_TRY(cly_io_keras_own(json, "the model"));
    const char *name = cly_io_keras_text(config, "name");
    CLY_TRY(clayer_model_create(context, name == NULL ? (sequential ? "sequential" : "model") : name, &model));
    model->generation = generation;
    if (sequential) {
        CLY_TRY(read_sequential(model, json, config, generation));
    } else {
        CLY_TRY(cly_io_keras_graph(model, config, generation));
    }
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    return status;
}
