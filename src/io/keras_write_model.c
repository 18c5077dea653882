/* io/keras_write_model.c: the JSON of a whole model: the other way of keras_config.c, keras_graph.c and keras_calls.c.
 *
 * Follows get_config of keras/src/models/{sequential,functional}.py and of Keras 2's engine/{sequential,functional}.py,
 * and what serialize_keras_object puts around it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"

static bool takes_list(const clayer_layer *layer) {
    return layer->class->max_inputs > 1;
}

/* ---- shapes that things were built for ---- */

static cJSON *input_shapes(const clayer_node *node) {
    if (!takes_list(node->layer)) {
        return cly_io_keras_write_shape(&node->inputs[0]->shape);
    }
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < node->input_count; i++) {
        cJSON *shape = cly_io_keras_write_shape(&node->inputs[i]->shape);
        if (shape == NULL || !cJSON_AddItemToArray(list, shape)) {
            cJSON_Delete(shape);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static clayer_status put_build_config(cJSON *json, cJSON *shape) {
    cJSON *build = cJSON_CreateObject();
    clayer_status status = cly_io_json_put(build, "input_shape", shape);
    if (status != CLAYER_OK) {
        cJSON_Delete(build);
        return status;
    }
    return cly_io_json_put(json, "build_config", build);
}

static const clayer_node *first_call(const clayer_model *model, const clayer_layer *layer) {
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->layer == layer) {
            return model->nodes[i];
        }
    }
    return NULL;
}

static clayer_status write_layer(const clayer_model *model, const clayer_layer *layer, const cly_io_keras_style *style,
                                 cJSON **json_out) {
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_layer(layer, style, &json));
    const clayer_node *call = first_call(model, layer);
    if (!style->legacy && call != NULL && call->input_count > 0) {
        CLY_TRY(put_build_config(json, input_shapes(call)));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

/* ---- calls ---- */

/* ["conv2d", 0, 0] */
static clayer_status write_history(const clayer_node *node, cJSON **json_out) {
    cJSON *list = cJSON_CreateArray();
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateString(node->layer->name)));
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateNumber((double)node->call)));
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateNumber(0)));
    *json_out = list;
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* Keras 3: {"class_name": "__keras_tensor__", "config": {"shape", "dtype", "keras_history"}} */
static clayer_status write_tensor(const clayer_node *node, cJSON **json_out) {
    cJSON *tensor = cJSON_CreateObject(), *config = cJSON_CreateObject(), *history = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(tensor, "class_name", cJSON_CreateString("__keras_tensor__")));
    CLY_TRY(cly_io_json_put(config, "shape", cly_io_keras_write_shape(&node->shape)));
    CLY_TRY(cly_io_json_put(config, "dtype", cJSON_CreateString("float32")));
    CLY_TRY(write_history(node, &history));
    CLY_TRY(cly_io_json_put(config, "keras_history", history));
    status = cly_io_json_put(tensor, "config", config);
    config = NULL;
    if (status == CLAYER_OK) {
        *json_out = tensor;
        tensor = NULL;
    }
done:
    cJSON_Delete(tensor);
    cJSON_Delete(config);
    return status;
}

/* What a layer is called with besides tensors. */
static clayer_status put_arguments(cJSON *json, const char *key, const clayer_node *node) {
    cJSON *arguments = cJSON_CreateObject();
    clayer_status status = CLAYER_OK;
    if (node->inference) {
        status = cly_io_json_put(arguments, "training", cJSON_CreateFalse());
    }
    if (status != CLAYER_OK) {
        cJSON_Delete(arguments);
        return status;
    }
    return cly_io_json_put(json, key, arguments);
}

/* Keras 2: [["conv2d", 0, 0, {}], ...] */
static clayer_status write_keras2_call(const clayer_node *node, cJSON **json_out) {
    cJSON *list = cJSON_CreateArray(), *history = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < node->input_count; i++) {
        CLY_TRY(write_history(node->inputs[i], &history));
        status = put_arguments(history, NULL, node);
        if (status != CLAYER_OK) {
            cJSON_Delete(history);
            goto done;
        }
        CLY_TRY(cly_io_json_put(list, NULL, history));
    }
    *json_out = list;
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* Keras 3: {"args": [tensor] or [[tensor, tensor]], "kwargs": {}} */
static clayer_status write_keras3_call(const clayer_node *node, cJSON **json_out) {
    cJSON *call = cJSON_CreateObject(), *list = cJSON_CreateArray(), *args = NULL, *tensor = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < node->input_count; i++) {
        CLY_TRY(write_tensor(node->inputs[i], &tensor));
        CLY_TRY(cly_io_json_put(list, NULL, tensor));
    }
    if (takes_list(node->layer)) {
        args = cJSON_CreateArray();
        status = cly_io_json_put(args, NULL, list);
        list = NULL;
        CLY_TRY(status);
    } else {
        args = list;
        list = NULL;
    }
    status = cly_io_json_put(call, "args", args);
    args = NULL;
    CLY_TRY(status);
    CLY_TRY(put_arguments(call, "kwargs", node));
    *json_out = call;
    call = NULL;
done:
    cJSON_Delete(call);
    cJSON_Delete(list);
    cJSON_Delete(args);
    return status;
}

static clayer_status put_calls(const clayer_model *model, const clayer_layer *layer, int generation, cJSON *json) {
    cJSON *calls = cJSON_CreateArray(), *call = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->node_count; i++) {
        const clayer_node *node = model->nodes[i];
        if (node->layer == layer && node->input_count > 0) {
            CLY_TRY(generation == 2 ? write_keras2_call(node, &call) : write_keras3_call(node, &call));
            CLY_TRY(cly_io_json_put(calls, NULL, call));
        }
    }
    CLY_TRY(cly_io_json_put(json, "name", cJSON_CreateString(layer->name)));
    status = cly_io_json_put(json, "inbound_nodes", calls);
    calls = NULL;
done:
    cJSON_Delete(calls);
    return status;
}

/* input_layers or output_layers: as the file had them, or a list. Keras 3 writes one tensor without the list. */
static clayer_status put_tensors(cJSON *config, const char *key, const char *form, clayer_node *const *nodes,
                                 size_t count, int generation) {
    cJSON *list = NULL, *history = NULL;
    clayer_status status = CLAYER_OK;
    if (form != NULL) {
        return cly_io_json_put(config, key, cJSON_Parse(form));
    }
    if (count == 1 && generation == 3) {
        CLY_TRY(write_history(nodes[0], &history));
        return cly_io_json_put(config, key, history);
    }
    list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(write_history(nodes[i], &history));
        CLY_TRY(cly_io_json_put(list, NULL, history));
    }
    status = cly_io_json_put(config, key, list);
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* ---- the two kinds of models ---- */

static clayer_status write_sequential(const clayer_model *model, const cly_io_keras_style *style, cJSON *config) {
    cJSON *layers = cJSON_CreateArray(), *item = NULL;
    clayer_status status = CLAYER_OK;
    if (style->generation == 3) {
        CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateTrue()));
        CLY_TRY(cly_io_keras_write_policy(NULL, style, &item));
        CLY_TRY(cly_io_json_put(config, "dtype", item));
        CLY_TRY(cly_io_json_put(config, "build_input_shape", cly_io_keras_write_shape(&model->inputs[0]->shape)));
    }
    for (size_t i = 0; i < model->node_count; i++) {
        CLY_TRY(write_layer(model, model->nodes[i]->layer, style, &item));
        CLY_TRY(cly_io_json_put(layers, NULL, item));
    }
    status = cly_io_json_put(config, "layers", layers);
    layers = NULL;
done:
    cJSON_Delete(layers);
    return status;
}

static clayer_status write_functional(const clayer_model *model, const cly_io_keras_style *style, cJSON *config) {
    cJSON *layers = cJSON_CreateArray(), *item = NULL;
    clayer_node *const *outputs = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateTrue()));
    for (size_t i = 0; i < model->layer_count; i++) {
        CLY_TRY(write_layer(model, model->layers[i], style, &item));
        status = put_calls(model, model->layers[i], style->generation, item);
        if (status != CLAYER_OK) {
            cJSON_Delete(item);
            goto done;
        }
        CLY_TRY(cly_io_json_put(layers, NULL, item));
    }
    status = cly_io_json_put(config, "layers", layers);
    layers = NULL;
    CLY_TRY(status);
    size_t count = cly_model_outputs(model, &outputs);
    CLY_TRY(
        put_tensors(config, "input_layers", model->inputs_form, model->inputs, model->input_count, style->generation));
    CLY_TRY(put_tensors(config, "output_layers", model->outputs_form, outputs, count, style->generation));
done:
    cJSON_Delete(layers);
    return status;
}

static cJSON *model_shape(const clayer_model *model) {
    if (model->input_count == 1) {
        return cly_io_keras_write_shape(&model->inputs[0]->shape);
    }
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < model->input_count; i++) {
        cJSON *shape = cly_io_keras_write_shape(&model->inputs[i]->shape);
        if (shape == NULL || !cJSON_AddItemToArray(list, shape)) {
            cJSON_Delete(shape);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

/* What stands around the config of a model. A Functional is no public class: it goes by the module that has it in
 * Keras 3, and as keras.Model in Keras 2, whose modules were moved several times. */
static clayer_status wrap(const clayer_model *model, const cly_io_keras_style *style, cJSON *config, cJSON **json_out) {
    bool functional = !cly_io_keras_is_sequential(model);
    const char *class_name = functional ? "Functional" : "Sequential";
    const char *module = functional && style->generation == 3 ? "keras.src.models.functional" : "keras";
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    if (functional && style->generation == 2 && !style->legacy) {
        class_name = "Model";
    }
    CLY_TRY(cly_io_keras_write_object(module, class_name, config, style->legacy, &json));
    if (!style->legacy && functional && style->generation == 3) {
        cJSON_DeleteItemFromObjectCaseSensitive(json, "registered_name");
        CLY_TRY(cly_io_json_put(json, "registered_name", cJSON_CreateString(class_name)));
    }
    if (!style->legacy) {
        CLY_TRY(put_build_config(json, functional && style->generation == 3 ? cJSON_CreateNull() : model_shape(model)));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

clayer_status cly_io_keras_write_model(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out) {
    cJSON *config = cJSON_CreateObject();
    clayer_status status = CLAYER_OK;
    if (model->node_count == 0 || model->input_count == 0) {
        status =
            cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has no input: there is nothing to save", model->name);
        goto done;
    }
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(model->name)));
    CLY_TRY(cly_io_keras_is_sequential(model) ? write_sequential(model, style, config)
                                              : write_functional(model, style, config));
    status = wrap(model, style, config, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}
