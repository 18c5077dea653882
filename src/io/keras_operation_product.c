/* io/keras_operation_product.c: products of matrices and of tensors by the names of their axes: matmul, dot, tensordot,
 * einsum. Sources: TensorFlow's functions of these names (whose einsum keeps no tensors in files of Keras 2),
 * keras/src/ops/numpy.py. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

/* The factors, of which the second may be a constant. */
static clayer_status read_factors(cly_io_keras_operation_call *call, cly_io_keras_operand operands[2]) {
    static const char *const names[2][2] = {{"a", "x1"}, {"b", "x2"}};
    clayer_status status = CLAYER_OK;
    for (int k = 0; k < 2; k++) {
        const cJSON *value = cly_io_keras_argument(call, k, names[k][0], names[k][1]);
        if (value == NULL || (k == 0 && cly_io_keras_history(value) == NULL)) {
            return cly_io_keras_operation_fail(call, "a factor is no tensor");
        }
        CLY_TRY(cly_io_keras_read_operand(call, value, &operands[k]));
        if (operands[k].source == CLY_SOURCE_NUMBER) {
            return cly_io_keras_operation_fail(call, "a factor is no tensor");
        }
    }
done:
    return status;
}

/* "abc", "cd" and "abd": the last axis of a tensor of `rank` axes with a matrix. */
static void name_axes(int rank, const cly_io_keras_operand *matrix, bool turned, cly_layers_operation_config *config) {
    const char last = (char)('a' + rank - 1), added = (char)('a' + rank);
    for (int i = 0; i < rank; i++) {
        config->labels[0][i] = (char)('a' + i);
        config->labels[2][i] = i == rank - 1 ? added : (char)('a' + i);
    }
    config->labels[1][turned ? 1 : 0] = last;
    config->labels[1][turned ? 0 : 1] = matrix->shape.rank == 2 ? added : '\0';
    config->labels[2][matrix->shape.rank == 2 ? rank : rank - 1] = '\0';
}

/* A tensor with a constant matrix. */
static clayer_status make_by_matrix(cly_io_keras_operation_call *call, const cly_io_keras_operand operands[2],
                                    bool turned, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = CLY_OPERATION_EINSUM};
    const clayer_shape *shape = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_shape(call, 0, &shape));
    if (operands[1].shape.rank != 2 || shape->rank >= CLAYER_MAX_RANK) {
        return cly_io_keras_operation_fail(call, "its constant is no matrix");
    }
    name_axes(shape->rank, &operands[1], turned, &config);
    CLY_TRY(cly_io_keras_make_function(call, &config, operands, 2, layer_out));
done:
    return status;
}

clayer_status cly_io_keras_build_matmul(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    static const char *const flags[2] = {"transpose_a", "transpose_b"};
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    cly_io_keras_operand operands[2] = {{0}};
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_factors(call, operands));
    for (int k = 0; k < 2; k++) {
        config.transposes[k] = cJSON_IsTrue(cly_io_keras_argument(call, -1, flags[k], NULL));
    }
    if (operands[1].source == CLY_SOURCE_CONSTANT) {
        status = config.transposes[0] ? cly_io_keras_operation_fail(call, "a tensor that is turned with a constant")
                                      : make_by_matrix(call, operands, config.transposes[1], layer_out);
    } else {
        status = cly_io_keras_make_operation(call, &config, layer_out);
    }
done:
    free(operands[1].values);
    return status;
}

/* 1, or [last axis, 0] or [[last axis], [0]] */
static bool sums_last(const cJSON *axes, int rank) {
    const cJSON *list = cly_io_keras_unwrap(axes), *pair[2];
    int64_t both[2] = {-1, 0};
    if (cly_io_keras_integer(list, &both[1])) {
        return both[1] == 1;
    }
    if (cJSON_GetArraySize(list) != 2) {
        return false;
    }
    for (int k = 0; k < 2; k++) {
        const cJSON *item = cly_io_keras_unwrap(cJSON_GetArrayItem(list, k));
        pair[k] = cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1 ? item->child : item;
        if (!cly_io_keras_integer(pair[k], &both[k])) {
            return false;
        }
    }
    return (both[0] == -1 || both[0] == rank - 1) && (both[1] == 0 || both[1] == -2);
}

/* dot and tensordot multiply every element of one batch with every one of the other where both are tensors. */
clayer_status cly_io_keras_build_dot(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_io_keras_operand operands[2] = {{0}};
    const clayer_shape *shape = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_factors(call, operands));
    CLY_TRY(cly_io_keras_read_shape(call, 0, &shape));
    const cJSON *axes = entry->text == NULL ? NULL : cly_io_keras_argument(call, 2, "axes", NULL);
    if (operands[1].source != CLY_SOURCE_CONSTANT || (entry->text != NULL && !sums_last(axes, shape->rank))) {
        status = cly_io_keras_operation_fail(call, "of other than the last axis of a tensor with a constant matrix");
        goto done;
    }
    CLY_TRY(make_by_matrix(call, operands, false, layer_out));
done:
    free(operands[1].values);
    return status;
}

/* "bij, bjk -> bik" */
static bool read_labels(const char *text, char labels[3][CLAYER_MAX_RANK + 1]) {
    int place = 0, count = 0;
    for (; *text != '\0'; text++) {
        const bool comma = *text == ',' && place == 0, arrow = text[0] == '-' && text[1] == '>' && place == 1;
        if (*text == ' ') {
            continue;
        }
        if (comma || arrow) {
            place++;
            count = 0;
            text += arrow ? 1 : 0;
        } else if (!isalpha((unsigned char)*text) || count == CLAYER_MAX_RANK) {
            return false;
        } else {
            labels[place][count++] = *text;
        }
    }
    return place == 2;
}

clayer_status cly_io_keras_build_einsum(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    cly_layers_operation_config config = {.kind = (cly_layers_operation_kind)entry->id};
    cly_io_keras_operand operands[2] = {{0}};
    clayer_status status = CLAYER_OK;
    const cJSON *subscripts = cly_io_keras_argument(call, -1, "subscripts", NULL);
    if (!cJSON_IsString(subscripts) || !read_labels(subscripts->valuestring, config.labels) ||
        call->positional_count != 2) {
        return cly_io_keras_operation_fail(call, "of %s: of two operands with a named result alone",
                                           cJSON_IsString(subscripts) ? subscripts->valuestring : "no subscripts");
    }
    CLY_TRY(read_factors(call, operands));
    CLY_TRY(cly_io_keras_make_function(call, &config, operands, 2, layer_out));
done:
    free(operands[1].values);
    return status;
}
