/* io/keras_operation_arguments.c: the arguments of operations on tensors: tensors, numbers, constant arrays, axes,
 * slices, as both generations of Keras write them (tf_keras/src/engine/node.py, keras/src/saving/serialization_lib.py).
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

#define CONSTANT_LIMIT (1 << 24) /* numbers of one */

clayer_status cly_io_keras_operation_fail(const cly_io_keras_operation_call *call, const char *format, ...) {
    char reason[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    return cly_base_fail(CLAYER_UNSUPPORTED, "layer '%s': the operation %s: %s", call->layer_name, call->operation,
                         reason);
}

const cJSON *cly_io_keras_argument(cly_io_keras_operation_call *call, int position, const char *name,
                                   const char *other) {
    const char *const names[2] = {name, other};
    const cJSON *found = position >= 0 && (size_t)position < call->positional_count ? call->positional[position] : NULL;
    for (size_t i = 0; found == NULL && i < 2 && names[i] != NULL; i++) {
        found = cJSON_GetObjectItemCaseSensitive(call->keywords, names[i]);
        found = found != NULL ? found : cJSON_GetObjectItemCaseSensitive(call->config, names[i]);
    }
    if (found != NULL && call->used_count < CLY_IO_KERAS_MOST_ARGUMENTS) {
        call->used[call->used_count++] = found;
    }
    return found;
}

const cJSON *cly_io_keras_history(const cJSON *value) {
    const char *class_name = cly_io_keras_text(value, "class_name");
    if (class_name != NULL && strcmp(class_name, "__keras_tensor__") == 0) {
        value = cly_io_keras_get(cJSON_GetObjectItemCaseSensitive(value, "config"), "keras_history");
    }
    const bool is_history = cJSON_IsArray(value) && cJSON_IsString(value->child) &&
                            cJSON_IsNumber(value->child->next) && value->child->next->next != NULL;
    return is_history && strcmp(value->child->valuestring, "_CONSTANT_VALUE") != 0 ? value : NULL;
}

const cJSON *cly_io_keras_constant(const cJSON *value) {
    if (cJSON_IsArray(value) && cJSON_IsString(value->child) &&
        strcmp(value->child->valuestring, "_CONSTANT_VALUE") == 0 && value->child->next != NULL) {
        value = value->child->next->next;
    }
    return cly_io_keras_unwrap(value);
}

/* ---- operands ---- */

static bool read_number(const cJSON *value, double *number_out) {
    if (!cJSON_IsNumber(value) && !cJSON_IsBool(value)) {
        return false;
    }
    *number_out = cJSON_IsNumber(value) ? value->valuedouble : (double)cJSON_IsTrue(value);
    return true;
}

/* The shape of nested lists by their first entries. */
static bool list_shape(const cJSON *value, clayer_shape *shape_out, int64_t *count_out) {
    *shape_out = (clayer_shape){.rank = 0};
    *count_out = 1;
    for (const cJSON *item = value; cJSON_IsArray(item); item = item->child) {
        const int64_t length = cJSON_GetArraySize(item);
        if (length == 0 || shape_out->rank == CLAYER_MAX_RANK || *count_out > CONSTANT_LIMIT / length) {
            return false;
        }
        shape_out->dims[shape_out->rank++] = length;
        *count_out *= length;
    }
    return true;
}

static bool fill_list(const cJSON *value, const clayer_shape *shape, int depth, double **next) {
    const cJSON *item = NULL;
    double number = 0;
    if (depth == shape->rank) {
        if (!read_number(value, &number)) {
            return false;
        }
        *(*next)++ = number;
        return true;
    }
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != shape->dims[depth]) {
        return false;
    }
    cJSON_ArrayForEach(item, value) {
        if (!fill_list(item, shape, depth + 1, next)) {
            return false;
        }
    }
    return true;
}

clayer_status cly_io_keras_read_operand(cly_io_keras_operation_call *call, const cJSON *value,
                                        cly_io_keras_operand *operand_out) {
    cly_io_keras_operand operand = {.source = CLY_SOURCE_INPUT};
    clayer_status status = CLAYER_OK;
    int64_t count = 0;
    void *memory = NULL;
    if (value == NULL || cly_io_keras_history(value) != NULL) {
        operand.input = call->tensors++;
        *operand_out = operand;
        return value == NULL ? cly_io_keras_operation_fail(call, "an operand is missing") : CLAYER_OK;
    }
    value = cly_io_keras_constant(value);
    if (read_number(value, &operand.number)) {
        operand.source = CLY_SOURCE_NUMBER;
        *operand_out = operand;
        return CLAYER_OK;
    }
    if (!cJSON_IsArray(value) || !list_shape(value, &operand.shape, &count)) {
        return cly_io_keras_operation_fail(call, "an operand is neither a tensor nor numbers");
    }
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(double), &memory));
    operand.source = CLY_SOURCE_CONSTANT;
    operand.values = memory;
    double *next = operand.values;
    if (!fill_list(value, &operand.shape, 0, &next)) {
        status = cly_io_keras_operation_fail(call, "an operand's lists of numbers have different lengths");
        goto done;
    }
    *operand_out = operand;
    operand.values = NULL;
done:
    free(operand.values);
    return status;
}

clayer_status cly_io_keras_read_tensor(cly_io_keras_operation_call *call) {
    const cJSON *value = cly_io_keras_argument(call, 0, "x", "input");
    if (cly_io_keras_history(value) == NULL) {
        return cly_io_keras_operation_fail(call, "its first argument is no tensor");
    }
    call->tensors++;
    return CLAYER_OK;
}

clayer_status cly_io_keras_read_shape(const cly_io_keras_operation_call *call, size_t index,
                                      const clayer_shape **shape_out) {
    if (index >= call->input_count) {
        return cly_io_keras_operation_fail(call, "the shape of its tensor is not known outside of a model");
    }
    *shape_out = &call->inputs[index]->shape;
    return CLAYER_OK;
}

/* ---- axes and slices ---- */

clayer_status cly_io_keras_read_axes(cly_io_keras_operation_call *call, const cJSON *value, clayer_shape *axes_out,
                                     bool *none_out) {
    const cJSON *axes = cly_io_keras_unwrap(value);
    *axes_out = (clayer_shape){.rank = 1};
    *none_out = axes == NULL || cJSON_IsNull(axes);
    if (*none_out || cly_io_keras_integer(axes, &axes_out->dims[0])) {
        return CLAYER_OK;
    }
    return cly_io_keras_shape(axes, axes_out) ? CLAYER_OK
                                              : cly_io_keras_operation_fail(call, "its axes are no integers");
}

/* start, stop or step; false: something else than an integer or null */
static bool read_bound(const cJSON *slice, const char *key, bool *has_out, int64_t *value_out) {
    const cJSON *value = cly_io_keras_get(slice, key);
    *has_out = value != NULL && !cJSON_IsNull(value);
    return !*has_out || cly_io_keras_integer(value, value_out);
}

static clayer_status read_slice(cly_io_keras_operation_call *call, const cJSON *value, cly_layers_slice *slice) {
    const char *class_name = cly_io_keras_text(value, "class_name");
    bool has_step = false;
    int64_t step = 1;
    value = cly_io_keras_unwrap(value);
    *slice = (cly_layers_slice){.kind = CLY_SLICE_RANGE};
    if (cJSON_IsNull(value)) {
        slice->kind = CLY_SLICE_NEW_AXIS;
        return CLAYER_OK;
    }
    if (cly_io_keras_integer(value, &slice->start)) {
        slice->kind = CLY_SLICE_INDEX;
        return CLAYER_OK;
    }
    if (class_name != NULL && strcmp(class_name, "__ellipsis__") == 0) {
        slice->kind = CLY_SLICE_ELLIPSIS;
        return CLAYER_OK;
    }
    if (class_name != NULL && strcmp(class_name, "__slice__") == 0) {
        value = cJSON_GetObjectItemCaseSensitive(value, "config");
    }
    if (!cJSON_IsObject(value) || !read_bound(value, "start", &slice->has_start, &slice->start) ||
        !read_bound(value, "stop", &slice->has_stop, &slice->stop) || !read_bound(value, "step", &has_step, &step)) {
        return cly_io_keras_operation_fail(call, "it is indexed by something else than integers and slices of them");
    }
    if (has_step && step == 0) {
        return cly_io_keras_operation_fail(call, "a slice with the step 0");
    }
    slice->step = step;
    return CLAYER_OK;
}

clayer_status cly_io_keras_read_slices(cly_io_keras_operation_call *call, const cJSON *value,
                                       cly_layers_operation_config *config) {
    const cJSON *list = cly_io_keras_unwrap(value), *item = NULL;
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(list)) {
        config->slice_count = 1;
        return read_slice(call, value, &config->slices[0]);
    }
    cJSON_ArrayForEach(item, list) {
        if (config->slice_count == CLY_LAYERS_SLICES) {
            return cly_io_keras_operation_fail(call, "it is indexed by more than %d entries", CLY_LAYERS_SLICES);
        }
        CLY_TRY(read_slice(call, item, &config->slices[config->slice_count++]));
    }
done:
    return status;
}
