/* ops/reduce.h: sums of a tensor over some of its axes: gradients of biases and of what was broadcast. */
#ifndef CLY_OPS_REDUCE_H
#define CLY_OPS_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "ops/operator.h"

/* y = x, or its products with a tensor of the same size, added up over the axes on which y has one element and divided;
 * on the others both have the same size; ranks are equal. Sums run pairwise or with compensation, in an order that
 * depends on shape and device only. Operands: 0 x, 1 y, 2 the other factor if has_factor. */
typedef struct cly_ops_reduce_shape {
    clayer_shape x, y;
    bool has_factor;
    float divisor; /* 0: 1 */
} cly_ops_reduce_shape;
extern const cly_ops_operator cly_ops_reduce_operator; /* "reduce": "split", "reference" */

/* y (axis) from x (outer, axis, inner): the gradient of a bias, with channels_last outer = N * pixels and inner = 1. */
static inline cly_ops_reduce_shape cly_ops_reduce_to_axis(int64_t outer, int64_t axis, int64_t inner) {
    return (cly_ops_reduce_shape){.x = {.rank = 3, .dims = {outer, axis, inner}},
                                  .y = {.rank = 3, .dims = {1, axis, 1}}};
}

#endif
