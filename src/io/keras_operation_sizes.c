/* io/keras_operation_sizes.c: tf.shape, what functional models of Keras 2 compute of it, and shapes that are made of it
 * (keras.ops.shape gives Python's integers, so that files of Keras 3 have none of this). */
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

bool cly_io_keras_has_sizes(const cly_io_keras_operation_call *call) {
    for (size_t i = 0; i < call->input_count; i++) {
        if (cly_layers_gives_sizes(call->inputs[i]->layer)) {
            return true;
        }
    }
    return false;
}

/* One entry: a number, or the next tensor of the call, which must be of sizes where that is known. */
static clayer_status read_entry(cly_io_keras_operation_call *call, const cJSON *value, cly_layers_sizes *list) {
    const int place = list->count;
    if (place == CLAYER_MAX_RANK) {
        return cly_io_keras_operation_fail(call, "a list of more than %d sizes", CLAYER_MAX_RANK);
    }
    list->numbers[place] = -1;
    list->inputs[place] = 0;
    if (cly_io_keras_history(value) != NULL) {
        list->inputs[place] = ++call->tensors;
        if (call->tensors <= (int)call->input_count &&
            !cly_layers_gives_sizes(call->inputs[call->tensors - 1]->layer)) {
            return cly_io_keras_operation_fail(call, "a size is computed from more than the sizes of tensors");
        }
    } else if (value != NULL && !cJSON_IsNull(value) && !cly_io_keras_integer(value, &list->numbers[place])) {
        return cly_io_keras_operation_fail(call, "a size is no integer");
    }
    list->count++;
    return CLAYER_OK;
}

clayer_status cly_io_keras_read_sizes(cly_io_keras_operation_call *call, const cJSON *value,
                                      cly_layers_sizes *list_out) {
    const cJSON *list = cly_io_keras_history(value) != NULL ? value : cly_io_keras_constant(value), *item = NULL;
    clayer_status status = CLAYER_OK;
    *list_out = (cly_layers_sizes){.count = 0};
    if (!cJSON_IsArray(list) || cly_io_keras_history(list) != NULL) {
        return read_entry(call, list, list_out);
    }
    cJSON_ArrayForEach(item, list) {
        CLY_TRY(read_entry(call, cly_io_keras_history(item) != NULL ? item : cly_io_keras_constant(item), list_out));
    }
done:
    return status;
}

/* tf.shape itself */
clayer_status cly_io_keras_build_shape(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id, .sizes_kind = CLY_SIZES_SHAPE};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    (void)cly_io_keras_argument(call, -1, "out_type", NULL); /* of integers */
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

/* Whether input `index` of the call gives one size and no list. */
static bool is_scalar(const cly_io_keras_operation_call *call, const cly_layers_sizes *list) {
    const int input = list->count == 1 ? list->inputs[0] : 0;
    const clayer_layer *layer = input > 0 && input <= (int)call->input_count ? call->inputs[input - 1]->layer : NULL;
    return list->count == 1 && (layer == NULL || ((const cly_layers_operation_config *)layer->config)->is_scalar);
}

static clayer_status read_function(cly_io_keras_operation_call *call, cly_layers_operation_config *config) {
    static const char *const names[2][2] = {{"x", "x1"}, {"y", "x2"}};
    clayer_status status = CLAYER_OK;
    config->sizes_kind = CLY_SIZES_FUNCTION;
    config->is_scalar = true;
    for (int k = 0; k < 2; k++) {
        const cJSON *value = cly_io_keras_argument(call, k, names[k][0], names[k][1]);
        CLY_TRY(cly_io_keras_read_sizes(call, value, &config->sizes[k]));
        config->is_scalar = config->is_scalar && is_scalar(call, &config->sizes[k]);
    }
done:
    return status;
}

static clayer_status read_part(cly_io_keras_operation_call *call, cly_layers_operation_config *config) {
    clayer_status status = CLAYER_OK;
    config->sizes_kind = CLY_SIZES_PART;
    CLY_TRY(cly_io_keras_read_sizes(call, cly_io_keras_argument(call, 0, "x", "input"), &config->sizes[0]));
    CLY_TRY(cly_io_keras_read_slices(call, cly_io_keras_argument(call, 1, "slice_spec", "key"), config));
    config->is_scalar = config->slices[0].kind == CLY_SLICE_INDEX;
    if (config->slice_count != 1 || config->slices[0].kind > CLY_SLICE_INDEX || config->slices[0].step < 0) {
        return cly_io_keras_operation_fail(call, "a list of sizes is indexed by one integer or slice forwards alone");
    }
done:
    return status;
}

/* A list of sizes, or one that stays as it is. */
static clayer_status read_list(cly_io_keras_operation_call *call, cly_layers_operation_config *config) {
    const cJSON *value = cly_io_keras_argument(call, 0, "values", "x");
    clayer_status status = CLAYER_OK;
    config->sizes_kind = CLY_SIZES_LIST;
    CLY_TRY(cly_io_keras_read_sizes(call, value, &config->sizes[0]));
    config->is_scalar = cly_io_keras_history(value) != NULL && is_scalar(call, &config->sizes[0]);
    (void)cly_io_keras_argument(call, 1, "axis", NULL); /* a list has one */
done:
    return status;
}

static bool is_integer_type(const cJSON *dtype) {
    return dtype == NULL || (cJSON_IsString(dtype) &&
                             (strcmp(dtype->valuestring, "int32") == 0 || strcmp(dtype->valuestring, "int64") == 0));
}

/* What an operation does to sizes of tensors; entry is that of the operation on tensors. */
clayer_status cly_io_keras_build_sizes(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_SIZES};
    const bool function = entry->build == cly_io_keras_build_arithmetic && entry->text == NULL;
    clayer_status status = CLAYER_OK;
    if (function && (entry->id == CLY_ADD || entry->id == CLY_SUBTRACT || entry->id == CLY_MULTIPLY ||
                     entry->id == CLY_FLOOR_DIVIDE || entry->id == CLY_MAXIMUM || entry->id == CLY_MINIMUM)) {
        config.function = (cly_ops_function)entry->id;
        CLY_TRY(read_function(call, &config));
    } else if (entry->build == cly_io_keras_build_getitem) {
        CLY_TRY(read_part(call, &config));
    } else if (entry->build == cly_io_keras_build_stack || entry->build == cly_io_keras_build_concatenate ||
               (entry->build == cly_io_keras_build_same &&
                is_integer_type(cly_io_keras_argument(call, 1, "dtype", NULL)))) {
        CLY_TRY(read_list(call, &config));
    } else {
        return cly_io_keras_operation_fail(call, "of the size of a tensor it is not supported");
    }
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_broadcast(cly_io_keras_operation_call *call, const row *entry,
                                           clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_sizes(call, cly_io_keras_argument(call, 1, "shape", NULL), &config.sizes[0]));
    CLY_TRY(cly_io_keras_make_operation(call, &config, layer_out));
done:
    return status;
}
