/* io/keras_operation.c: operations on tensors in files: TFOpLambda and SlicingOpLambda of Keras 2, the operations of
 * keras.ops in Keras 3, which a Functional lists among its layers.
 *
 * Follows tf_keras/src/layers/core/tf_op_layer.py and keras/src/ops/operation.py: keras_operation_table.c says which is
 * which. Where a layer computes the same (an activation, a concatenation) the operation becomes that layer; the rest is
 * layers/operation.c. The JSON is kept and written again, with the tensors' places filled in anew. What is not in the
 * table is refused by name. */
#include "io/keras_operation.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* ---- which operation ---- */

/* Keras 3's legacy files leave the module out, and then an operation has no dtype, which layers have. A merging layer
 * of its name takes a list of tensors; what else is a layer's name too computes the same as one. */
static bool is_unnamed_operation(const cJSON *json, const char *class_name) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(json, "inbound_nodes");
    const cJSON *args = cJSON_IsArray(calls) ? cly_io_keras_get(calls->child, "args") : NULL;
    const cly_layers_class *layer = cly_layers_find_class(class_name);
    if (args == NULL || cJSON_GetObjectItemCaseSensitive(config, "trainable") != NULL ||
        cly_io_keras_find_operation(3, class_name) == NULL) {
        return false;
    }
    return layer == NULL || cJSON_GetObjectItemCaseSensitive(config, "newshape") != NULL ||
           (layer->max_inputs > 1 && !cJSON_IsArray(cly_io_keras_unwrap(args->child)));
}

bool cly_io_keras_is_operation(const cJSON *json) {
    static const char *const folders[] = {"keras.src.ops.", "keras.ops", "keras.src.activations."};
    const char *class_name = cly_io_keras_text(json, "class_name"), *module = cly_io_keras_text(json, "module");
    if (class_name == NULL) {
        return false;
    }
    bool found = strcmp(class_name, "TFOpLambda") == 0 || strcmp(class_name, "SlicingOpLambda") == 0;
    for (size_t i = 0; module != NULL && i < CLY_COUNT(folders); i++) {
        found = found || strncmp(module, folders[i], strlen(folders[i])) == 0;
    }
    return found || (module == NULL && is_unnamed_operation(json, class_name));
}

/* The module of what is not in that of NumPy's functions. */
static const struct {
    const char *module, *class_names;
} modules[] = {
    {"keras.src.activations.activations", " ReLU Mish "},
    {"keras.src.ops.nn",
     " MaxPool AveragePool Relu Relu6 LeakyRelu Elu Selu Celu Silu Gelu Sigmoid LogSigmoid Threshold SoftShrink "
     "HardShrink TanhShrink SparsePlus SparseSigmoid Squareplus HardSigmoid HardSilu HardTanh Softplus Softsign "
     "Softmax LogSoftmax Normalize Moments Glu DepthToSpace SpaceToDepth "},
    {"keras.src.ops.math", " Rsqrt Erf Logsumexp "},
    {"keras.src.ops.core", " StopGradient Unstack Cast "},
    {"keras.src.ops.image", " CropImages PadImages Resize "},
    {"keras.src.ops.linalg", " Norm "},
};

const char *cly_io_keras_operation_module(const char *class_name) {
    char word[64];
    (void)snprintf(word, sizeof(word), " %s ", class_name);
    for (size_t i = 0; i < CLY_COUNT(modules); i++) {
        if (strstr(modules[i].class_names, word) != NULL) {
            return modules[i].module;
        }
    }
    return cly_io_keras_find_operation(3, class_name) != NULL ? "keras.src.ops.numpy" : NULL;
}

/* ---- calls ---- */

/* The first leaf of nested lists of tensors: Keras 2 repeats the arguments beside each. */
static const cJSON *first_leaf(const cJSON *json) {
    while (cJSON_IsArray(json) && cJSON_IsArray(json->child)) {
        json = json->child;
    }
    return json;
}

static clayer_status open_call(const cJSON *json, const cJSON *inbound, cly_io_keras_operation_call *call) {
    call->config = cJSON_GetObjectItemCaseSensitive(json, "config");
    if (call->generation == 2) {
        const cJSON *leaf = first_leaf(inbound);
        call->positional[call->positional_count++] = inbound;
        call->keywords = cJSON_GetArraySize(leaf) > 3 ? cJSON_GetArrayItem(leaf, 3) : NULL;
        call->config = NULL;
        return CLAYER_OK;
    }
    const cJSON *args = cly_io_keras_get(inbound, "args"), *item = NULL;
    call->keywords = cJSON_GetObjectItemCaseSensitive(inbound, "kwargs");
    cJSON_ArrayForEach(item, args) {
        if (call->positional_count == CLY_COUNT(call->positional)) {
            return cly_io_keras_operation_fail(call, "it has more than %zu arguments", CLY_COUNT(call->positional));
        }
        call->positional[call->positional_count++] = item;
    }
    return CLAYER_OK;
}

/* An argument that nobody asked for could mean another result. */
static clayer_status check_used(const cly_io_keras_operation_call *call) {
    static const char *const common[] = {"name", "trainable", "dtype"};
    const cJSON *lists[2] = {call->keywords, call->config}, *item = NULL;
    for (size_t k = 0; k < 2; k++) {
        cJSON_ArrayForEach(item, lists[k]) {
            bool known = cJSON_IsNull(item);
            for (size_t i = 0; i < call->used_count; i++) {
                known = known || call->used[i] == item;
            }
            for (size_t i = 0; i < CLY_COUNT(common); i++) {
                known = known || strcmp(item->string, common[i]) == 0;
            }
            if (!known) {
                return cly_io_keras_operation_fail(call, "its argument '%s' is not supported", item->string);
            }
        }
    }
    for (size_t i = 0; i < call->positional_count; i++) {
        bool known = cJSON_IsNull(call->positional[i]);
        for (size_t k = 0; k < call->used_count; k++) {
            known = known || call->used[k] == call->positional[i];
        }
        if (!known) {
            return cly_io_keras_operation_fail(call, "its argument %zu is not supported", i);
        }
    }
    return CLAYER_OK;
}

/* `call` has the context, the generation and the inputs. */
static clayer_status build_call(cly_io_keras_operation_call call, const cJSON *json, const cJSON *inbound,
                                clayer_layer **layer_out) {
    const int generation = call.generation;
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const char *class_name = cly_io_keras_text(json, "class_name"), *module = cly_io_keras_text(json, "module");
    const char *function = generation == 2 ? cly_io_keras_text(config, "function") : class_name;
    const char *name = cly_io_keras_text(json, "name");
    char full[300];
    clayer_status status = CLAYER_OK;
    (void)snprintf(full, sizeof(full), "%s%s%s", generation == 2 || module == NULL ? "" : module,
                   generation == 2 || module == NULL ? "" : ".", function == NULL ? "?" : function);
    name = name != NULL ? name : cly_io_keras_text(config, "name");
    call.layer_name = name != NULL ? name : "?";
    call.operation = full;
    const cly_io_keras_operation_row *found =
        function == NULL ? NULL : cly_io_keras_find_operation(generation, function);
    if (found == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "layer '%s': the operation %s is not known", call.layer_name, full);
    }
    CLY_TRY(open_call(json, inbound, &call));
    CLY_TRY(cly_io_keras_has_sizes(&call) && !found->takes_sizes ? cly_io_keras_build_sizes(&call, found, layer_out)
                                                                 : found->build(&call, found, layer_out));
    status = check_used(&call);
    if (status != CLAYER_OK) {
        clayer_layer_destroy(*layer_out);
        *layer_out = NULL;
    }
done:
    return status;
}

/* Whether two calls have the same arguments beside their tensors. */
static bool are_alike(const cJSON *a, const cJSON *b) {
    const cJSON *history_a = cly_io_keras_history(a), *history_b = cly_io_keras_history(b);
    if ((history_a == NULL) != (history_b == NULL)) {
        return false;
    }
    if (history_a != NULL) { /* Keras 2 has arguments behind each */
        const cJSON *rest_a = cJSON_GetArrayItem(history_a, 3), *rest_b = cJSON_GetArrayItem(history_b, 3);
        return rest_a == NULL || rest_b == NULL ? rest_a == rest_b : are_alike(rest_a, rest_b);
    }
    if (!cJSON_IsArray(a) && !cJSON_IsObject(a)) {
        return cJSON_Compare(a, b, true);
    }
    if (cJSON_IsArray(a) != cJSON_IsArray(b) || cJSON_IsObject(a) != cJSON_IsObject(b)) {
        return false;
    }
    const cJSON *item_a = a->child, *item_b = b->child;
    while (item_a != NULL && item_b != NULL && are_alike(item_a, item_b) &&
           (item_a->string == NULL || strcmp(item_a->string, item_b->string) == 0)) {
        item_a = item_a->next;
        item_b = item_b->next;
    }
    return item_a == NULL && item_b == NULL;
}

clayer_status cly_io_keras_operation(clayer_context *context, const cJSON *json, int generation,
                                     clayer_node *const *inputs, size_t input_count, clayer_layer **layer_out) {
    const cly_io_keras_operation_call made = {
        .context = context, .generation = generation, .inputs = inputs, .input_count = input_count};
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(json, "inbound_nodes");
    clayer_layer *layer = NULL;
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(calls) || calls->child == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "operation '%s' is not called on anything",
                             cly_io_keras_text(json, "name") == NULL ? "?" : cly_io_keras_text(json, "name"));
    }
    CLY_TRY(build_call(made, json, calls->child, &layer));
    for (const cJSON *call = calls->child->next; call != NULL; call = call->next) {
        if (!are_alike(calls->child, call)) {
            status = cly_base_fail(CLAYER_UNSUPPORTED,
                                   "layer '%s': an operation that is called several times, with different arguments",
                                   layer->name);
            goto done;
        }
    }
    layer->generation = generation;
    CLY_TRY(cly_io_json_print(json, &layer->origin));
    CLY_TRY(cly_base_copy_string(cly_io_keras_text(json, "class_name"), &layer->origin_class));
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}

/* ---- the tensors of a call ---- */

clayer_status cly_io_keras_walk_tensors(cJSON *json, cly_io_keras_visit *visit, void *data) {
    clayer_status status = CLAYER_OK;
    cJSON *history = (cJSON *)cly_io_keras_history(json); /* within json, which is not const */
    if (history != NULL) {
        CLY_TRY(visit(history, data));
        json = history == json ? history->child->next->next->next : NULL; /* Keras 2's arguments behind it */
        return json == NULL ? CLAYER_OK : cly_io_keras_walk_tensors(json, visit, data);
    }
    for (cJSON *item = cJSON_IsArray(json) || cJSON_IsObject(json) ? json->child : NULL; item != NULL;
         item = item->next) {
        CLY_TRY(cly_io_keras_walk_tensors(item, visit, data));
    }
done:
    return status;
}
