/* ops/elementwise.h: normalisation by given statistics, and moves of whole tensors. */
#ifndef CLY_OPS_ELEMENTWISE_H
#define CLY_OPS_ELEMENTWISE_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "ops/activation.h"
#include "ops/operator.h"

/* y = activation(gamma * (x - mean) / sqrt(variance + epsilon) + beta), x of (outer, axis, inner), the four vectors of
 * length `axis`. Operands: 0 x, 1 gamma or NULL (1), 2 beta or NULL (0), 3 mean, 4 variance, 5 y (may be x). */
typedef struct cly_ops_batch_norm_shape {
    int64_t outer, axis, inner;
    float epsilon;
    bool has_gamma, has_beta;
    cly_ops_activation activation; /* element by element */
    cly_ops_spacing x, y;             /* of `axis` floats, where inner is 1 */
} cly_ops_batch_norm_shape;
extern const cly_ops_operator cly_ops_batch_norm_operator; /* "batch_norm" */

/* A slab between two tensors of rows: y[r][y_offset + i] = x[r][x_offset + i], i < width, r < rows; lengths and offsets
 * in floats. Concatenation is one such copy an input. Operands: 0 x, 1 y. */
typedef struct cly_ops_copy_shape {
    int64_t rows, width;
    int64_t x_length, x_offset; /* floats of a row of x */
    int64_t y_length, y_offset;
} cly_ops_copy_shape;
extern const cly_ops_operator cly_ops_copy_operator; /* "copy" */

/* y = x with its axes permuted: axis i of y is axis permutation[i] of x. Operands: 0 x, 1 y. */
typedef struct cly_ops_transpose_shape {
    clayer_shape x;
    int permutation[CLAYER_MAX_RANK];
} cly_ops_transpose_shape;
extern const cly_ops_operator cly_ops_transpose_operator; /* "transpose" */

#endif
