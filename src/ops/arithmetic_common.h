/* ops/arithmetic_common.h: how arithmetic.c and arithmetic_gradient.c deal out the work of one broadcast. */
#ifndef CLY_OPS_ARITHMETIC_COMMON_H
#define CLY_OPS_ARITHMETIC_COMMON_H

#include "ops/arithmetic.h"

/* y as (outer, inner, width) with an operand's distances along the first two axes and its step along the last: 1, 0
 * (one element) or -1 (a number). Axes of one element aside, neighbouring axes on which the same operands repeat are
 * one. */
typedef struct cly_ops_broadcast {
    int64_t outer, inner, width;
    int64_t strides[2][2]; /* of a and b, along outer and inner */
    int steps[2];
} cly_ops_broadcast;

/* False: more axes remain. */
bool cly_ops_broadcast_collapse(const cly_ops_arithmetic_shape *s, cly_ops_broadcast *broadcast_out);

/* Either: one row, which needs no positions. */
static inline bool cly_ops_broadcast_is_span(const cly_ops_broadcast *broadcast) {
    return broadcast->outer == 1 && broadcast->inner == 1;
}

/* The arguments that only the plain kernels take: y's sizes, last axis first, and on which axes operands repeat. */
typedef struct cly_ops_broadcast_axes {
    int64_t count, sizes[CLAYER_MAX_RANK];
    int repeats[2], steps[2];
} cly_ops_broadcast_axes;
cly_ops_broadcast_axes cly_ops_broadcast_all_axes(const cly_ops_arithmetic_shape *s);

/* "-DVECTOR=4 -DACTIVATION=0 -DFUNCTION=2" */
#define CLY_OPS_ARITHMETIC_OPTIONS (CLY_OPS_OPTIONS + 24)
void cly_ops_arithmetic_options(const clayer_context *context, const cly_ops_arithmetic_shape *s, bool activates,
                                char options[]);

/* The costs of "vector", "rows" and "reference" for `s`. */
double cly_ops_broadcast_vector_cost(const cly_ops_arithmetic_shape *s);
double cly_ops_broadcast_rows_cost(const cly_ops_arithmetic_shape *s);
#define CLY_OPS_BROADCAST_REFERENCE_COST 10

#endif
