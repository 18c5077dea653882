/* ops/remap.h: one axis of a tensor read in other steps, backwards, or over its edges: slices with steps, and padding
 * by a value or by reflection. Whole runs without a step are window.h's. */
#ifndef CLY_OPS_REMAP_H
#define CLY_OPS_REMAP_H

#include <stdint.h>

#include "ops/operator.h"

/* What stands beside the tensor. */
typedef enum cly_ops_edge {
    CLY_EDGE_FILL = 0,  /* the number `fill` */
    CLY_EDGE_REFLECT,   /* c b | a b c | b a */
    CLY_EDGE_SYMMETRIC, /* b a | a b c | c b */
} cly_ops_edge;

/* y[o, i, n] = x[o, first + i * step, n], of (outer, out, inner) and (outer, in, inner). Over the edges by `edge`,
 * which but for CLY_EDGE_FILL asks for step 1 and positions less than one size away. Operands: 0 x, 1 y. */
typedef struct cly_ops_remap_shape {
    int64_t outer, in, out, inner;
    int64_t first, step;
    cly_ops_edge edge;
    float fill;
} cly_ops_remap_shape;
extern const cly_ops_operator cly_ops_remap_operator; /* "remap": "reference" */

/* dx of "remap" with the same shape: what went nowhere has the gradient 0, what went to several places their sum.
 * Operands: 0 dy, 1 dx. */
extern const cly_ops_operator cly_ops_remap_gradient_operator; /* "remap_gradient": "reference" */

#endif
