/* io/keras_write_model.c: the JSON of a whole model: the other way of keras_config.c and keras_graph.c.
 *
 * Follows get_config of keras/src/models/{sequential,functional}.py and of Keras 2's engine/{sequential,functional}.py,
 * and what serialize_keras_object puts around it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"

/* ---- shapes that things were built for ---- */

static cJSON *input_shapes(const clayer_node *node) {
    if (!cly_io_keras_takes_list(node->layer)) {
        return cly_io_keras_write_shape(&node->inputs[0]->shape);
    }
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < cly_io_keras_count_inputs(node); i++) {
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

static clayer_status write_model(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out);

/* A model as a layer, under the layer's name. */
static clayer_status write_nested(const clayer_layer *layer, const cly_io_keras_style *style, cJSON **json_out) {
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(write_model(layer->nested, style, &json));
    cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    cJSON *name = cJSON_CreateString(layer->name);
    if (name == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(config, "name", name)) {
        cJSON_Delete(name);
        status = cly_io_json_put(NULL, "name", NULL);
        goto done;
    }
    if (style->generation == 3 && !style->legacy) {
        CLY_TRY(cly_io_json_put(json, "compile_config", cJSON_CreateObject()));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

/* A layer that stands in several models of the file says so in each; not by Keras' own shared_object_id, with which it
 * takes the layer's calls in one model for those in the other. */
static clayer_status put_identity(cJSON *json, const clayer_layer *layer, const cly_io_keras_style *style) {
    for (size_t i = 0; style->shared != NULL && i < style->shared->count; i++) {
        if (style->shared->layers[i] == layer) {
            return cly_io_json_put(json, CLY_IO_KERAS_SHARED, cJSON_CreateNumber((double)i + 1));
        }
    }
    return CLAYER_OK;
}

/* What the layer in a TimeDistributed is built for. */
static clayer_status put_step_shape(cJSON *json, const clayer_layer *layer, const clayer_node *call) {
    cJSON *inner = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "config"), "layer");
    clayer_shape step = {0};
    if (layer->inner_name == NULL || cJSON_GetObjectItemCaseSensitive(inner, "build_config") != NULL) {
        return CLAYER_OK;
    }
    clayer_status status = cly_layers_fold_steps(layer, &call->inputs[0]->shape, &step);
    step.dims[0] = call->inputs[0]->shape.dims[0];
    return status == CLAYER_OK ? put_build_config(inner, cly_io_keras_write_shape(&step)) : status;
}

static clayer_status write_layer(const clayer_model *model, const clayer_layer *layer, const cly_io_keras_style *style,
                                 cJSON **json_out) {
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    const clayer_node *call = first_call(model, layer);
    if (cly_layers_called_model(layer) != NULL) {
        CLY_TRY(write_nested(layer, style, &json));
    } else {
        CLY_TRY(cly_layers_shown_model(layer) != NULL
                    ? cly_io_keras_write_distributed(layer, style, write_nested, &json)
                    : cly_io_keras_write_layer(layer, style, &json));
        if (!style->legacy && layer->origin == NULL && call != NULL && call->input_count > 0) {
            CLY_TRY(put_build_config(json, input_shapes(call)));
            CLY_TRY(put_step_shape(json, layer, call));
        }
    }
    CLY_TRY(put_identity(json, layer, style));
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

/* ---- the two kinds of models ---- */

/* A model that is not makes none of its layers trainable when Keras reads it. */
static bool is_trainable(const clayer_model *model) {
    bool only_inputs = true;
    for (size_t i = 0; i < model->layer_count; i++) {
        const clayer_layer *layer = model->layers[i];
        bool input = layer->class == &cly_layers_input_layer;
        only_inputs = only_inputs && input;
        if (!input && (cly_layers_shown_model(layer) != NULL ? is_trainable(layer->nested) : layer->trainable)) {
            return true;
        }
    }
    return only_inputs;
}

static clayer_status write_sequential(const clayer_model *model, const cly_io_keras_style *style, cJSON *config) {
    cJSON *layers = cJSON_CreateArray(), *item = NULL;
    clayer_status status = CLAYER_OK;
    if (style->generation == 3) {
        CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateBool(is_trainable(model))));
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
    CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateBool(is_trainable(model))));
    for (size_t i = 0; i < model->layer_count; i++) {
        CLY_TRY(write_layer(model, model->layers[i], style, &item));
        status = cly_io_keras_write_calls(model, model->layers[i], style->generation, item);
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
    cly_io_keras_tensor_list ins = {
        .nodes = model->inputs, .count = model->input_count, .generation = style->generation};
    cly_io_keras_tensor_list outs = {.nodes = outputs, .count = count, .generation = style->generation, .output = true};
    CLY_TRY(cly_io_keras_write_tensors(config, "input_layers", model->inputs_form, &ins));
    CLY_TRY(cly_io_keras_write_tensors(config, "output_layers", model->outputs_form, &outs));
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

static clayer_status write_model(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out) {
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

/* Layers and models that stand in several models, below `model`. */
static clayer_status find_shared(const clayer_model *model, cly_io_keras_layers *all, cly_io_keras_layers *shared) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->layer_count; i++) {
        clayer_layer *layer = model->layers[i];
        if (cly_io_keras_holds(all, layer)) {
            CLY_TRY(cly_io_keras_holds(shared, layer) ? CLAYER_OK : cly_io_keras_append(shared, layer));
            continue;
        }
        CLY_TRY(cly_io_keras_append(all, layer));
        if (cly_layers_shown_model(layer) != NULL) {
            CLY_TRY(find_shared(layer->nested, all, shared));
        }
    }
done:
    return status;
}

clayer_status cly_io_keras_write_model(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out) {
    cly_io_keras_layers all = {.layers = NULL}, shared = {.layers = NULL};
    cly_io_keras_style inner = *style;
    clayer_status status = CLAYER_OK;
    CLY_TRY(find_shared(model, &all, &shared));
    inner.shared = &shared;
    CLY_TRY(write_model(model, &inner, json_out));
done:
    free(all.layers);
    free(shared.layers);
    return status;
}
