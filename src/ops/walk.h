/* ops/walk.h: what is found by walking along one axis of a tensor (outer, axis, inner): places of the largest and
 * smallest values, products, running sums. */
#ifndef CLY_OPS_WALK_H
#define CLY_OPS_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

typedef enum cly_ops_walk_function {
    CLY_WALK_LARGEST = 0, /* y (outer, inner): the place of the first largest value, as a float */
    CLY_WALK_SMALLEST,
    CLY_WALK_PRODUCT, /* y (outer, inner) */
    CLY_WALK_SUM /* y as x: the sum of all up to here; with `exclusive` without the own one, with `back` from the end */
} cly_ops_walk_function;

/* Operands: 0 x, 1 y. */
typedef struct cly_ops_walk_shape {
    int64_t outer, axis, inner;
    cly_ops_walk_function function;
    bool exclusive, back;
} cly_ops_walk_shape;
extern const cly_ops_operator cly_ops_walk_operator; /* "walk": "reference" */

/* dx of CLY_WALK_PRODUCT: dy times all the others, whatever is 0. Operands: 0 x, 1 dy, 2 dx. */
extern const cly_ops_operator cly_ops_product_gradient_operator; /* "product_gradient": "reference" */

#endif
