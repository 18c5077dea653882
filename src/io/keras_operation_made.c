/* io/keras_operation_made.c: operations that are made of several others: logarithms of sums, lengths, normalizations.
 * Sources: TensorFlow's functions of these names, keras/src/ops/{math,linalg,nn}.py. */
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

/* The tensor of a reduction, its axes, which must be said, and keepdims. */
static clayer_status read_reduction(cly_io_keras_operation_call *call, int position, clayer_shape *axes_out,
                                    bool *keepdims_out) {
    bool none = true;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_read_tensor(call));
    CLY_TRY(cly_io_keras_read_axes(call, cly_io_keras_argument(call, position, "axis", NULL), axes_out, &none));
    *keepdims_out = cJSON_IsTrue(cly_io_keras_argument(call, position + 1, "keepdims", NULL));
    if (none) {
        return cly_io_keras_operation_fail(call, "over all axes, the batch too, is not supported");
    }
done:
    return status;
}

/* The axes of 1 that a sum with keepdims left go where they are not wanted. */
static clayer_node *drop_axes(cly_io_keras_parts *parts, clayer_node *node, const clayer_shape *axes, bool keepdims) {
    return keepdims ? node : cly_io_keras_over(parts, CLY_OPERATION_SQUEEZE, node, axes, false);
}

/* largest + log of the sum of exp(x - largest): nothing overflows. */
clayer_status cly_io_keras_build_logsumexp(cly_io_keras_operation_call *call, const row *entry,
                                           clayer_layer **layer_out) {
    const clayer_activation_config exponential = {.struct_size = sizeof(exponential), .activation = "exponential"};
    clayer_shape axes;
    bool keepdims = false;
    clayer_status status = CLAYER_OK;
    (void)entry;
    CLY_TRY(read_reduction(call, 1, &axes, &keepdims));
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *x = parts.inputs[0];
    clayer_node *largest =
        cly_io_keras_unary(&parts, CLY_STOP, cly_io_keras_over(&parts, CLY_OPERATION_MAX, x, &axes, true));
    clayer_node *y = cly_io_keras_binary(&parts, CLY_SUBTRACT, x, largest);
    y = cly_io_keras_layer_part(&parts, &cly_layers_activation, &exponential, &y, 1);
    y = cly_io_keras_unary(&parts, CLY_LOG, cly_io_keras_over(&parts, CLY_OPERATION_SUM, y, &axes, true));
    y = drop_axes(&parts, cly_io_keras_binary(&parts, CLY_ADD, y, largest), &axes, keepdims);
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}

/* The order of a norm: 2 where nothing is said; 0: it is not known. Of several axes the numbers are those of matrices,
 * which are something else. */
static double read_order(const cJSON *order, int axes) {
    const char *word = cJSON_IsString(order) ? order->valuestring : "";
    if (order == NULL || cJSON_IsNull(order) || strcmp(word, "euclidean") == 0 || strcmp(word, "fro") == 0) {
        return 2;
    }
    return cJSON_IsNumber(order) && axes == 1 ? order->valuedouble : 0;
}

clayer_status cly_io_keras_build_norm(cly_io_keras_operation_call *call, const row *entry, clayer_layer **layer_out) {
    clayer_shape axes;
    bool keepdims = false;
    clayer_status status = CLAYER_OK;
    (void)entry;
    const cJSON *value = cly_io_keras_unwrap(cly_io_keras_argument(call, 1, "ord", NULL));
    CLY_TRY(read_reduction(call, 2, &axes, &keepdims));
    const double order = read_order(value, axes.rank);
    if (order != 1 && order != 2) {
        return cly_io_keras_operation_fail(call, "of an order that is not supported");
    }
    cly_io_keras_parts parts = cly_io_keras_open_parts(call);
    clayer_node *y = cly_io_keras_unary(&parts, order == 2 ? CLY_SQUARE : CLY_ABSOLUTE, parts.inputs[0]);
    y = cly_io_keras_over(&parts, CLY_OPERATION_SUM, y, &axes, keepdims);
    y = order == 2 ? cly_io_keras_unary(&parts, CLY_SQRT, y) : y;
    CLY_TRY(cly_io_keras_close_parts(&parts, &y, 1, layer_out));
done:
    return status;
}
