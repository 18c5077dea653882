/* io/keras_config.c: a model from Keras' JSON: Sequential here, the graph of a Functional in keras_graph.c.
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
static bool find_written_shape(const cJSON *model_json, const cJSON *config, const cJSON *first,
                               clayer_shape *shape_out) {
    const cJSON *first_config = cJSON_GetObjectItemCaseSensitive(first, "config");
    const cJSON *build = cJSON_GetObjectItemCaseSensitive(model_json, "build_config");
    return cly_io_keras_shape(cly_io_keras_get(first_config, "batch_input_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(first_config, "batch_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(config, "build_input_shape"), shape_out) ||
           cly_io_keras_shape(cly_io_keras_get(build, "input_shape"), shape_out);
}

/* That shape, or that of the first layer, which may be a model, or what the Sequential is called on. */
static bool find_input_shape(const cJSON *model_json, const cJSON *config, const cJSON *first,
                             const clayer_layer *first_layer, const clayer_shape *called_on, clayer_shape *shape_out) {
    const clayer_model *model = cly_layers_called_model(first_layer);
    const clayer_shape *nested = model == NULL ? NULL : clayer_model_get_input_shape(model, 0);
    if (find_written_shape(model_json, config, first, shape_out)) {
        return true;
    }
    if (nested == NULL && called_on == NULL) {
        return false;
    }
    *shape_out = nested != NULL ? *nested : *called_on;
    return true;
}

bool cly_io_keras_needs_shape(const cJSON *json) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *layers = cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    const cJSON *first = cJSON_IsArray(layers) ? layers->child : NULL;
    const char *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *distributed = cly_io_keras_distributed_model(json);
    clayer_shape shape = {0};
    if (cly_io_keras_is_operation(json)) {
        return true;
    }
    if (distributed != NULL) {
        return cly_io_keras_needs_shape(distributed);
    }
    if (class_name == NULL || strcmp(class_name, "Sequential") != 0 || cly_io_keras_is_input(first)) {
        return false;
    }
    if (cly_io_keras_is_model(first) || cly_io_keras_distributed_model(first) != NULL) {
        return cly_io_keras_needs_shape(first);
    }
    return !find_written_shape(json, config, first, &shape);
}

/* Keras' automatic name of such an input: "conv2d_input" in Keras 2, "input_layer" in Keras 3. */
static clayer_status add_unlisted_input(clayer_model *model, const cJSON *first, const clayer_shape *shape) {
    cly_base_text name = {0};
    clayer_status status = CLAYER_OK;
    const char *first_name = cly_io_keras_text(cJSON_GetObjectItemCaseSensitive(first, "config"), "name");
    if (model->generation == 2 && first_name != NULL) {
        CLY_TRY(cly_base_text_add(&name, "%s_input", first_name));
    } else {
        CLY_TRY(cly_base_text_add(&name, "input_layer"));
    }
    CLY_TRY(cly_model_add_input(model, name.chars, shape, NULL));
done:
    cly_base_text_free(&name);
    return status;
}

/* A model among the layers of a Sequential has one output. */
static clayer_status add_layer(clayer_model *model, clayer_layer *layer) {
    if (cly_model_count_tensors(layer) != 1) {
        return cly_base_fail(CLAYER_BAD_FILE, "Sequential '%s': its layer '%s' has several outputs", model->name,
                             layer->name);
    }
    return clayer_model_add(model, layer, NULL, 0, NULL);
}

/* Adds one layer behind those that are there. */
static clayer_status read_item(cly_io_keras_scope *scope, clayer_model *model, const cJSON *item) {
    clayer_layer *layer = NULL;
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_is_input(item)) {
        return cly_base_fail(CLAYER_BAD_FILE, "Sequential '%s' has an InputLayer that is not its first layer",
                             model->name);
    }
    CLY_TRY(cly_io_keras_read_layer(scope, item, &model->nodes[model->node_count - 1]->shape, &layer));
    CLY_TRY(add_layer(model, layer));
done:
    clayer_layer_destroy(layer);
    return status;
}

/* The input and the first layer of a Sequential that lists no InputLayer. */
static clayer_status read_first(cly_io_keras_scope *scope, clayer_model *model, const cJSON *json, const cJSON *first,
                                const clayer_shape *called_on) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    clayer_layer *layer = NULL;
    clayer_shape shape = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_layer(scope, first, called_on, &layer));
    if (!find_input_shape(json, config, first, layer, called_on, &shape) || shape.rank < 1) {
        status = cly_base_fail(CLAYER_UNSUPPORTED,
                               "Sequential '%s' was saved before it was built: it has no input shape", model->name);
        goto done;
    }
    CLY_TRY(add_unlisted_input(model, first, &shape));
    CLY_TRY(add_layer(model, layer));
done:
    clayer_layer_destroy(layer);
    return status;
}

static clayer_status read_sequential(cly_io_keras_scope *scope, clayer_model *model, const cJSON *json,
                                     const clayer_shape *called_on) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    /* Before 2.2.3 Keras wrote the list of layers alone. */
    const cJSON *layers = cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    const cJSON *first = layers == NULL ? NULL : layers->child;
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(layers) || first == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "Sequential '%s' has no layers", model->name);
    }
    model->has_input_layer = cly_io_keras_is_input(first);
    CLY_TRY(model->has_input_layer ? cly_io_keras_input(model, first, scope->generation, NULL)
                                   : read_first(scope, model, json, first, called_on));
    for (const cJSON *item = first->next; item != NULL; item = item->next) {
        CLY_TRY(read_item(scope, model, item));
    }
done:
    return status;
}

/* A model that is not trainable has no layer that is, whatever the layer says. */
static void freeze(const clayer_model *model, const cJSON *config) {
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(config, "trainable"))) {
        for (size_t i = 0; i < model->layer_count; i++) {
            clayer_layer_set_trainable(model->layers[i], false);
        }
    }
}

clayer_status cly_io_keras_read_model(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                                      clayer_model **model_out) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    clayer_model *model = NULL;
    clayer_status status = CLAYER_OK;
    if (class_name == NULL || config == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE,
                             "not the configuration of a Keras model: class_name or config is missing");
    }
    if (!cly_io_keras_is_model(json)) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "the model is of class '%s': only Sequential and Functional models are read, because the "
                             "code of others is not in the file",
                             class_name);
    }
    bool sequential = strcmp(class_name, "Sequential") == 0;
    CLY_TRY(cly_io_keras_own(json, "the model"));
    const char *name = cly_io_keras_text(config, "name");
    name =
        name == NULL ? cly_io_keras_text(json, "name") : name; /* old lists of layers have it beside them, if at all */
    CLY_TRY(clayer_model_create(scope->context, name == NULL ? (sequential ? "sequential" : "model") : name, &model));
    model->generation = scope->generation;
    CLY_TRY(sequential ? read_sequential(scope, model, json, shape) : cly_io_keras_graph(scope, model, config));
    freeze(model, config);
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    return status;
}

clayer_status cly_io_keras_model(clayer_context *context, const cJSON *json, int generation, clayer_model **model_out) {
    cly_io_keras_scope scope = {.context = context, .generation = generation};
    clayer_status status = cly_io_keras_read_model(&scope, json, NULL, model_out);
    cly_io_keras_close_scope(&scope);
    return status;
}
