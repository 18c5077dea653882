/* io/keras_calls.c: which tensors a layer is called on, in the forms of both generations of Keras.
 *
 * Keras 2 writes a call as nested lists of ["layer", call, tensor, {arguments}] (tf_keras/src/engine/node.py), Keras 3
 * as {"args": [...], "kwargs": {...}} with the tensors as objects that have a keras_history
 * (keras/src/models/functional.py, serialize_node). Of the arguments only `training` and a tensor as `mask` are taken.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"

static clayer_status fail_form(void) {
    return cly_base_fail(CLAYER_BAD_FILE, "it is called on something that is no tensor of another layer");
}

/* ["layer", call, tensor] */
static clayer_status add_history(const cJSON *json, const char *key, cly_io_keras_refs *refs) {
    const cJSON *call = json->child->next;
    const cJSON *tensor = call == NULL ? NULL : call->next;
    int64_t call_index = 0, tensor_index = 0;
    const char *layer = json->child->valuestring;
    if (!cly_io_keras_integer(call, &call_index) || call_index < 0 || !cly_io_keras_integer(tensor, &tensor_index) ||
        tensor_index < 0) {
        return fail_form();
    }
    void *items = refs->refs;
    clayer_status status = cly_base_grow(&items, &refs->capacity, refs->count, sizeof(*refs->refs));
    if (status == CLAYER_OK) {
        refs->refs = items;
        refs->refs[refs->count++] =
            (cly_io_keras_ref){.layer = layer, .call = (size_t)call_index, .tensor = (size_t)tensor_index, .key = key};
    }
    return status;
}

static bool is_history(const cJSON *json) {
    return cJSON_IsArray(json) && cJSON_IsString(json->child) && cJSON_IsNumber(json->child->next);
}

/* The ["layer", call, tensor] of a tensor in Keras 3's form, or NULL. */
static const cJSON *tensor_history(const cJSON *json) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    if (class_name == NULL || strcmp(class_name, "__keras_tensor__") != 0) {
        return NULL;
    }
    const cJSON *history = cly_io_keras_get(cJSON_GetObjectItemCaseSensitive(json, "config"), "keras_history");
    return is_history(history) ? history : NULL;
}

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

typedef clayer_status add_function(const cJSON *json, const char *key, cly_io_keras_refs *refs);

/* The entries of a dict in the order of their keys. */
static clayer_status add_dict(const cJSON *json, add_function *add, cly_io_keras_refs *refs) {
    size_t count = (size_t)cJSON_GetArraySize(json);
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(count, sizeof(cJSON *), &memory));
    const cJSON **items = memory;
    size_t i = 0;
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        items[i++] = item;
    }
    qsort(items, count, sizeof(*items), compare_keys);
    for (i = 0; i < count; i++) {
        CLY_TRY(add(items[i], items[i]->string, refs));
    }
done:
    free(memory);
    return status;
}

/* ---- arguments of a call besides its tensors ---- */

/* null, or a list or dict of nothing else: what layers with several inputs are given as `mask` */
static bool is_nothing(const cJSON *value) {
    const cJSON *item = NULL;
    if (!cJSON_IsArray(value) && !cJSON_IsObject(value)) {
        return cJSON_IsNull(value);
    }
    cJSON_ArrayForEach(item, value) {
        if (!cJSON_IsNull(item)) {
            return false;
        }
    }
    return true;
}

static void note_training(const cJSON *value, cly_io_keras_refs *refs) {
    refs->inference = refs->inference || cJSON_IsFalse(value);
    refs->training = refs->training || cJSON_IsTrue(value);
}

/* training, mask=tensor, and what says nothing. Keras 2 repeats the arguments beside each input. */
static clayer_status read_arguments(const cJSON *arguments, cly_io_keras_ref *mask, bool *has_mask,
                                    cly_io_keras_refs *refs) {
    const cJSON *argument = NULL;
    clayer_status status = CLAYER_OK;
    cJSON_ArrayForEach(argument, arguments) {
        const char *name = argument->string == NULL ? "?" : argument->string;
        const cJSON *value = cly_io_keras_unwrap(argument);
        const cJSON *history = is_history(value) ? value : tensor_history(value);
        if (is_nothing(value)) {
            continue;
        }
        if (strcmp(name, "training") == 0 && cJSON_IsBool(value)) {
            note_training(value, refs);
        } else if (strcmp(name, "mask") == 0 && history != NULL) {
            CLY_TRY(add_history(history, NULL, refs));
            *mask = refs->refs[--refs->count];
            *has_mask = true;
        } else {
            return cly_base_fail(CLAYER_UNSUPPORTED, "it is called with the argument '%s', which is not supported",
                                 name);
        }
    }
done:
    return status;
}

/* ---- Keras 2 ---- */

typedef struct call {
    cly_io_keras_ref mask;
    bool has_mask;
    cly_io_keras_refs *refs;
} call;

/* The tensors of a call without its arguments. */
static clayer_status add_keras2(const cJSON *json, const char *key, cly_io_keras_refs *refs) {
    clayer_status status = CLAYER_OK;
    if (is_history(json)) {
        if (strcmp(json->child->valuestring, "_CONSTANT_VALUE") == 0) {
            return cly_base_fail(CLAYER_UNSUPPORTED, "it is called on a constant, which is not supported");
        }
        return add_history(json, key, refs);
    }
    if (cJSON_IsObject(json)) {
        return add_dict(json, add_keras2, refs);
    }
    if (!cJSON_IsArray(json)) {
        return fail_form();
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_keras2(item, key, refs));
    }
done:
    return status;
}

/* The arguments beside the tensors. */
static clayer_status add_keras2_arguments(const cJSON *json, call *in) {
    clayer_status status = CLAYER_OK;
    if (is_history(json)) {
        const cJSON *tensor = json->child->next->next;
        return read_arguments(tensor->next, &in->mask, &in->has_mask, in->refs);
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_keras2_arguments(item, in));
    }
done:
    return status;
}

/* ---- Keras 3 ---- */

static clayer_status add_keras3(const cJSON *json, const char *key, cly_io_keras_refs *refs) {
    const cJSON *history = tensor_history(json);
    clayer_status status = CLAYER_OK;
    if (history != NULL) {
        return add_history(history, key, refs);
    }
    const bool is_object = cly_io_keras_text(json, "class_name") != NULL;
    json = cly_io_keras_unwrap(json);
    if (cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    if (cJSON_IsObject(json) && !is_object) {
        return add_dict(json, add_keras3, refs);
    }
    if (!cJSON_IsArray(json)) {
        return fail_form();
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_keras3(item, key, refs));
    }
done:
    return status;
}

/* The first positional argument has the tensors; a second one that is true or false is `training`. */
static clayer_status add_positional(const cJSON *args, cly_io_keras_refs *refs) {
    clayer_status status = CLAYER_OK;
    for (const cJSON *item = args->child; item != NULL; item = item->next) {
        if (item != args->child && cJSON_IsBool(item)) {
            note_training(item, refs);
            continue;
        }
        CLY_TRY(add_keras3(item, NULL, refs));
    }
done:
    return status;
}

clayer_status cly_io_keras_call(const cJSON *json, cly_io_keras_refs *refs) {
    call in = {.refs = refs};
    clayer_status status = CLAYER_OK;
    refs->objects = cJSON_GetObjectItemCaseSensitive(json, "args") != NULL;
    if (refs->objects) {
        const cJSON *args = cly_io_keras_get(json, "args");
        if (!cJSON_IsArray(args)) {
            return fail_form();
        }
        CLY_TRY(add_positional(args, refs));
        CLY_TRY(read_arguments(cJSON_GetObjectItemCaseSensitive(json, "kwargs"), &in.mask, &in.has_mask, refs));
    } else {
        CLY_TRY(add_keras2(json, NULL, refs));
        CLY_TRY(add_keras2_arguments(json, &in));
    }
    if (in.has_mask) {
        void *items = refs->refs;
        CLY_TRY(cly_base_grow(&items, &refs->capacity, refs->count, sizeof(*refs->refs)));
        refs->refs = items;
        refs->refs[refs->count++] = in.mask;
        refs->has_mask = true;
    }
done:
    return status;
}

/* ---- operations ---- */

static clayer_status add_visited(cJSON *history, void *data) {
    return add_history(history, NULL, data);
}

clayer_status cly_io_keras_operation_tensors(const cJSON *json, cly_io_keras_refs *refs) {
    refs->objects = cJSON_GetObjectItemCaseSensitive(json, "args") != NULL;
    return cly_io_keras_walk_tensors((cJSON *)json, add_visited, refs); /* which is not changed */
}

/* ---- inputs and outputs of the model ---- */

static clayer_status add_tensors(const cJSON *json, const char *key, cly_io_keras_refs *refs) {
    clayer_status status = CLAYER_OK;
    json = cly_io_keras_unwrap(json);
    if (is_history(json)) {
        return add_history(json, key, refs);
    }
    if (cJSON_IsObject(json)) {
        return add_dict(json, add_tensors, refs);
    }
    if (!cJSON_IsArray(json)) {
        return cly_base_fail(CLAYER_BAD_FILE, "input_layers or output_layers is no list of tensors");
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_tensors(item, key, refs));
    }
done:
    return status;
}

clayer_status cly_io_keras_tensors(const cJSON *json, cly_io_keras_refs *refs) {
    return add_tensors(json, NULL, refs);
}

/* The keys of a dict of tensors; nothing where `refs` come from anything else. */
static clayer_status copy_keys(const cJSON *json, const cly_io_keras_refs *refs, char ***keys_out) {
    clayer_status status = CLAYER_OK;
    char **keys = NULL;
    bool all = cJSON_IsObject(json) && (size_t)cJSON_GetArraySize(json) == refs->count;
    for (size_t i = 0; i < refs->count; i++) {
        all = all && refs->refs[i].key != NULL;
    }
    if (!all) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(refs->count, sizeof(*keys), (void **)&keys));
    for (size_t i = 0; i < refs->count; i++) {
        CLY_TRY(cly_base_copy_string(refs->refs[i].key, &keys[i]));
    }
    *keys_out = keys;
    keys = NULL;
done:
    cly_model_free_names(keys, refs->count);
    return status;
}

clayer_status cly_io_keras_keep_forms(clayer_model *model, const cJSON *config, const cly_io_keras_refs *outputs) {
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(config, "output_layers");
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_print(cJSON_GetObjectItemCaseSensitive(config, "input_layers"), &model->inputs_form));
    CLY_TRY(cly_io_json_print(json, &model->outputs_form));
    CLY_TRY(copy_keys(json, outputs, &model->output_keys));
done:
    return status;
}
