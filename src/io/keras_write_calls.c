/* io/keras_write_calls.c: which tensors layers are called on and which a model gives, as both generations of Keras
 * write it: the other way of keras_calls.c. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"
#include "io/keras_write.h"

bool cly_io_keras_takes_list(const clayer_layer *layer) {
    const cly_layers_class *class = layer->class;
    const size_t masks = class->masks == CLY_MASKS_USE || class->masks == CLY_MASKS_USE_AND_PASS ? 1 : 0;
    const clayer_model *nested = cly_layers_shown_model(layer);
    return nested != NULL ? nested->input_count > 1 : class->max_inputs > 1 + masks;
}

size_t cly_io_keras_count_inputs(const clayer_node *node) {
    return node->input_count - (node->has_mask ? 1 : 0);
}

/* The model's class, as it is written. */
static bool is_functional(const clayer_layer *layer) {
    return cly_layers_called_model(layer) != NULL && !cly_io_keras_is_sequential(layer->nested);
}

/* How Keras counts the calls of a model: from 1 in Keras 2, where it had one when it was made of its Inputs; in Keras 3
 * among a model's outputs, and there a Functional's only. */
static size_t first_number(const clayer_layer *layer, int generation, bool output) {
    bool counted = cly_layers_called_model(layer) != NULL && (generation == 2 || (output && is_functional(layer)));
    return counted ? 1 : 0;
}

/* ["conv2d", 0, 0]; `output`: in output_layers. */
static clayer_status write_history(const clayer_node *node, int generation, bool output, cJSON **json_out) {
    cJSON *list = cJSON_CreateArray();
    size_t number = node->call + first_number(node->layer, generation, output);
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateString(node->layer->name)));
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateNumber((double)number)));
    CLY_TRY(cly_io_json_put(list, NULL, cJSON_CreateNumber((double)node->tensor)));
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
    CLY_TRY(write_history(node, 3, false, &history));
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
static clayer_status write_arguments(const clayer_node *node, int generation, cJSON **json_out) {
    cJSON *arguments = cJSON_CreateObject(), *mask = NULL;
    clayer_status status = CLAYER_OK;
    if (node->inference) {
        CLY_TRY(cly_io_json_put(arguments, "training", cJSON_CreateFalse()));
    }
    if (node->has_mask) {
        const clayer_node *from = node->inputs[node->input_count - 1];
        CLY_TRY(generation == 2 ? write_history(from, 2, false, &mask) : write_tensor(from, &mask));
        CLY_TRY(cly_io_json_put(arguments, "mask", mask));
    }
    *json_out = arguments;
    arguments = NULL;
done:
    cJSON_Delete(arguments);
    return status;
}

/* One tensor that a layer is called on: ["conv2d", 0, 0, {}] in Keras 2. */
static clayer_status write_input(const clayer_node *node, size_t index, int generation, cJSON **json_out) {
    cJSON *history = NULL, *arguments = NULL;
    clayer_status status = CLAYER_OK;
    if (generation == 3) {
        return write_tensor(node->inputs[index], json_out);
    }
    CLY_TRY(write_history(node->inputs[index], 2, false, &history));
    CLY_TRY(write_arguments(node, 2, &arguments));
    CLY_TRY(cly_io_json_put(history, NULL, arguments));
    *json_out = history;
    history = NULL;
done:
    cJSON_Delete(history);
    return status;
}

/* The keys by which a model takes its inputs, in their order: a dict whose JSON is to be deleted; NULL: it has none. */
static cJSON *input_keys(const clayer_layer *layer) {
    const clayer_model *nested = cly_layers_called_model(layer);
    cJSON *form = nested == NULL || nested->inputs_form == NULL ? NULL : cJSON_Parse(nested->inputs_form);
    if (!cJSON_IsObject(form) || (size_t)cJSON_GetArraySize(form) != nested->input_count) {
        cJSON_Delete(form);
        return NULL;
    }
    return form;
}

/* The member of an object whose key follows `key` in order; NULL: the first. */
static cJSON *next_member(const cJSON *object, const char *key) {
    cJSON *found = NULL, *item = NULL;
    cJSON_ArrayForEach(item, object) {
        bool later = key == NULL || strcmp(item->string, key) > 0;
        found = later && (found == NULL || strcmp(item->string, found->string) < 0) ? item : found;
    }
    return found;
}

/* All tensors of a call: a list, or a dict where the model takes one. */
static clayer_status write_inputs(const clayer_node *node, int generation, cJSON **json_out) {
    cJSON *keys = input_keys(node->layer), *json = NULL, *input = NULL;
    const char *key = NULL;
    clayer_status status = CLAYER_OK;
    json = keys == NULL ? cJSON_CreateArray() : cJSON_CreateObject();
    for (size_t i = 0; i < cly_io_keras_count_inputs(node); i++) {
        const cJSON *member = keys == NULL ? NULL : next_member(keys, key);
        key = member == NULL ? NULL : member->string;
        CLY_TRY(write_input(node, i, generation, &input));
        CLY_TRY(cly_io_json_put(json, key, input));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(keys);
    cJSON_Delete(json);
    return status;
}

/* Keras 3: {"args": [tensor], [[tensor, tensor]] or [{"key": tensor}], "kwargs": {}} */
static clayer_status write_keras3_call(const clayer_node *node, cJSON **json_out) {
    cJSON *call = cJSON_CreateObject(), *args = NULL, *inputs = NULL, *arguments = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(write_inputs(node, 3, &inputs));
    if (cly_io_keras_takes_list(node->layer) || cJSON_IsObject(inputs)) {
        args = cJSON_CreateArray();
        status = cly_io_json_put(args, NULL, inputs);
        inputs = NULL;
        CLY_TRY(status);
    } else {
        args = inputs;
        inputs = NULL;
    }
    status = cly_io_json_put(call, "args", args);
    args = NULL;
    CLY_TRY(status);
    CLY_TRY(write_arguments(node, 3, &arguments));
    CLY_TRY(cly_io_json_put(call, "kwargs", arguments));
    *json_out = call;
    call = NULL;
done:
    cJSON_Delete(call);
    cJSON_Delete(inputs);
    cJSON_Delete(args);
    return status;
}

typedef struct origin_inputs {
    const clayer_node *node;
    size_t next;
} origin_inputs;

/* The node's next input in the place of the tensor that the file had there. */
static clayer_status place_input(cJSON *history, void *data) {
    origin_inputs *in = data;
    const clayer_node *node = in->node;
    const int generation = node->model->generation;
    cJSON *fresh = NULL;
    clayer_status status = CLAYER_OK;
    if (in->next >= node->input_count) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s' has fewer inputs than its operation", node->layer->name);
    }
    CLY_TRY(write_history(node->inputs[in->next++], generation, false, &fresh));
    for (int i = 0; i < 3; i++) {
        cJSON *item = cJSON_DetachItemFromArray(fresh, 0);
        if (!cJSON_ReplaceItemInArray(history, i, item)) {
            cJSON_Delete(item);
            status = cly_io_json_put(NULL, "inbound_nodes", NULL);
            goto done;
        }
    }
done:
    cJSON_Delete(fresh);
    return status;
}

static clayer_status make_float(cJSON *parent, cJSON *item) {
    cJSON *number = cly_io_json_float(item->valuedouble);
    const bool named = cJSON_IsObject(parent);
    char *key = number != NULL && named ? item->string : NULL;
    if (number == NULL || (named ? !cJSON_ReplaceItemInObjectCaseSensitive(parent, key, number)
                                 : !cJSON_ReplaceItemViaPointer(parent, item, number))) {
        cJSON_Delete(number);
        return cly_io_json_put(NULL, "inbound_nodes", NULL);
    }
    return CLAYER_OK;
}

/* Numbers that a function is applied to stay floats: TensorFlow would not subtract a float tensor from 1. Those that
 * name tensors are left as they are. */
static clayer_status keep_floats(cJSON *json) {
    const bool named = cJSON_IsArray(json) && cJSON_IsString(json->child) && cJSON_IsNumber(json->child->next);
    const bool constant = named && strcmp(json->child->valuestring, "_CONSTANT_VALUE") == 0;
    clayer_status status = CLAYER_OK;
    int index = 0;
    if (cly_io_keras_text(json, "class_name") != NULL &&
        cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "config")) && cly_io_keras_history(json) != NULL) {
        return CLAYER_OK;
    }
    for (cJSON *item = cJSON_IsArray(json) || cJSON_IsObject(json) ? json->child : NULL, *next = NULL; item != NULL;
         item = next, index++) {
        next = item->next;
        if (named && index < (constant ? 2 : 3)) {
            continue;
        }
        CLY_TRY(cJSON_IsNumber(item) ? make_float(json, item) : keep_floats(item));
    }
done:
    return status;
}

/* A call of an operation as the file had it. */
static clayer_status write_origin_call(const clayer_node *node, cJSON **json_out) {
    cJSON *origin = cJSON_Parse(node->layer->origin);
    cJSON *call = cJSON_DetachItemFromArray(cJSON_GetObjectItemCaseSensitive(origin, "inbound_nodes"), 0);
    origin_inputs in = {.node = node};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_walk_tensors(call, place_input, &in));
    if (node->layer->class == &cly_layers_operation &&
        ((const cly_layers_operation_config *)node->layer->config)->kind == CLY_OPERATION_FUNCTION) {
        CLY_TRY(keep_floats(call));
    }
    *json_out = call;
    call = NULL;
done:
    cJSON_Delete(call);
    cJSON_Delete(origin);
    return status;
}

clayer_status cly_io_keras_write_calls(const clayer_model *model, const clayer_layer *layer, int generation,
                                       cJSON *json) {
    cJSON *calls = cJSON_CreateArray(), *call = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->node_count; i++) {
        const clayer_node *node = model->nodes[i];
        if (node->layer == layer && node->input_count > 0 && node->tensor == 0) {
            CLY_TRY(layer->origin_class != NULL ? write_origin_call(node, &call)
                    : generation == 2           ? write_inputs(node, 2, &call)
                                                : write_keras3_call(node, &call));
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

/* Puts the tensors in the place of those that `form` holds, dicts in the order of their keys. The new JSON is in
 * *json_out. */
static clayer_status fill_form(const cJSON *form, cly_io_keras_tensor_list *in, cJSON **json_out) {
    bool leaf = cJSON_IsArray(form) && cJSON_IsString(form->child);
    cJSON *json = NULL, *part = NULL;
    clayer_status status = CLAYER_OK;
    if (leaf) {
        return in->next < in->count ? write_history(in->nodes[in->next++], in->generation, in->output, json_out)
                                    : cly_base_fail(CLAYER_INVALID_ARGUMENT, "the model has fewer inputs or outputs");
    }
    json = cJSON_IsObject(form) ? cJSON_CreateObject() : cJSON_CreateArray();
    const cJSON *item = cJSON_IsObject(form) ? next_member(form, NULL) : form->child;
    while (item != NULL) {
        CLY_TRY(fill_form(item, in, &part));
        CLY_TRY(cly_io_json_put(json, item->string, part));
        item = cJSON_IsObject(form) ? next_member(form, item->string) : item->next;
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

/* Keras 3 writes one tensor without the list. */
clayer_status cly_io_keras_write_tensors(cJSON *config, const char *key, const char *form,
                                         cly_io_keras_tensor_list *in) {
    cJSON *list = NULL, *wanted = form == NULL ? NULL : cJSON_Parse(form), *part = NULL;
    clayer_status status = CLAYER_OK;
    if (wanted != NULL) {
        CLY_TRY(fill_form(wanted, in, &list));
    } else if (in->count == 1 && in->generation == 3) {
        CLY_TRY(write_history(in->nodes[0], 3, in->output, &list));
    } else {
        list = cJSON_CreateArray();
        for (size_t i = 0; i < in->count; i++) {
            CLY_TRY(write_history(in->nodes[i], in->generation, in->output, &part));
            CLY_TRY(cly_io_json_put(list, NULL, part));
        }
    }
    status = cly_io_json_put(config, key, list);
    list = NULL;
done:
    cJSON_Delete(list);
    cJSON_Delete(wanted);
    return status;
}
