/* io/keras_calls.c: which tensors a layer is called on, in the forms of both generations of Keras.
 *
 * Keras 2 writes a call as nested lists of ["layer", call, tensor, {arguments}] (tf_keras/src/engine/node.py), Keras 3
 * as {"args": [...], "kwargs": {...}} with the tensors as objects that have a keras_history
 * (keras/src/models/functional.py, serialize_node). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"

static clayer_status fail_form(void) {
    return cly_base_fail(CLAYER_BAD_FILE, "it is called on something that is no tensor of another layer");
}

/* ["layer", call, tensor]; every layer here has one output tensor. */
static clayer_status add_history(const cJSON *json, cly_io_keras_refs *refs) {
    const cJSON *call = json->child->next;
    const cJSON *tensor = call == NULL ? NULL : call->next;
    int64_t call_index = 0, tensor_index = 0;
    const char *layer = json->child->valuestring;
    if (!cly_io_keras_integer(call, &call_index) || call_index < 0 || !cly_io_keras_integer(tensor, &tensor_index)) {
        return fail_form();
    }
    if (tensor_index != 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "output %lld of layer '%s' is used, which has one output",
                             (long long)tensor_index, layer);
    }
    void *items = refs->refs;
    clayer_status status = cly_base_grow(&items, &refs->capacity, refs->count, sizeof(*refs->refs));
    if (status == CLAYER_OK) {
        refs->refs = items;
        refs->refs[refs->count++] = (cly_io_keras_ref){.layer = layer, .call = (size_t)call_index};
    }
    return status;
}

static bool is_history(const cJSON *json) {
    return cJSON_IsArray(json) && cJSON_IsString(json->child) && cJSON_IsNumber(json->child->next);
}

/* ---- arguments of a call besides its tensors ---- */

/* Only training=False, which matters in Keras 2's training, and what says nothing. */
static clayer_status check_arguments(const cJSON *arguments, cly_io_keras_refs *refs) {
    const cJSON *argument = NULL;
    cJSON_ArrayForEach(argument, arguments) {
        bool inference =
            cJSON_IsFalse(argument) && argument->string != NULL && strcmp(argument->string, "training") == 0;
        refs->inference = refs->inference || inference;
        if (!inference && !cJSON_IsNull(argument)) {
            return cly_base_fail(CLAYER_UNSUPPORTED, "it is called with the argument '%s', which is not supported",
                                 argument->string == NULL ? "?" : argument->string);
        }
    }
    return CLAYER_OK;
}

/* ---- Keras 2 ---- */

static clayer_status add_keras2(const cJSON *json, cly_io_keras_refs *refs) {
    clayer_status status = CLAYER_OK;
    if (is_history(json)) {
        if (json->child->valuestring[0] == '_' && strcmp(json->child->valuestring, "_CONSTANT_VALUE") == 0) {
            return cly_base_fail(CLAYER_UNSUPPORTED, "it is called on a constant, which is not supported");
        }
        CLY_TRY(add_history(json, refs));
        const cJSON *tensor = json->child->next->next;
        CLY_TRY(check_arguments(tensor->next, refs));
        return CLAYER_OK;
    }
    if (!cJSON_IsArray(json)) {
        return fail_form();
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_keras2(item, refs));
    }
done:
    return status;
}

/* ---- Keras 3 ---- */

static clayer_status add_keras3(const cJSON *json, cly_io_keras_refs *refs) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    clayer_status status = CLAYER_OK;
    json = cly_io_keras_unwrap(json);
    if (class_name != NULL && strcmp(class_name, "__keras_tensor__") == 0) {
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
        const cJSON *history = cly_io_keras_get(config, "keras_history");
        return is_history(history) ? add_history(history, refs) : fail_form();
    }
    if (cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    if (!cJSON_IsArray(json)) {
        return fail_form();
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_keras3(item, refs));
    }
done:
    return status;
}

clayer_status cly_io_keras_call(const cJSON *json, cly_io_keras_refs *refs) {
    if (!cJSON_IsObject(json)) {
        return add_keras2(json, refs);
    }
    const cJSON *args = cly_io_keras_get(json, "args");
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(args)) {
        return fail_form();
    }
    CLY_TRY(add_keras3(args, refs));
    CLY_TRY(check_arguments(cJSON_GetObjectItemCaseSensitive(json, "kwargs"), refs));
done:
    return status;
}

/* ---- inputs and outputs of the model ---- */

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static clayer_status add_dict(const cJSON *json, cly_io_keras_refs *refs) {
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
        CLY_TRY(cly_io_keras_tensors(items[i], refs));
    }
done:
    free(memory);
    return status;
}

clayer_status cly_io_keras_tensors(const cJSON *json, cly_io_keras_refs *refs) {
    clayer_status status = CLAYER_OK;
    json = cly_io_keras_unwrap(json);
    if (is_history(json)) {
        return add_history(json, refs);
    }
    if (cJSON_IsObject(json)) {
        return add_dict(json, refs);
    }
    if (!cJSON_IsArray(json)) {
        return cly_base_fail(CLAYER_BAD_FILE, "input_layers or output_layers is no list of tensors");
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(cly_io_keras_tensors(item, refs));
    }
done:
    return status;
}
