/* ops/pool.h: maximum or average over windows; what lies outside the tensor does not count, but for zeros that a
 * padding before the pooling puts there. Tensors as in window.h. A global pooling is one window of the whole size. */
#ifndef CLY_OPS_POOL_H
#define CLY_OPS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* Which of several equal maxima of one window get its gradient. */
typedef enum cly_ops_pool_ties {
    CLY_FIRST = 0, /* the first: MaxPooling1D and 2D */
    CLY_EVERY,     /* each gets all of it: MaxPooling3D, as TensorFlow's CPU kernel has it */
    CLY_SHARED     /* each gets its share: the global poolings, which are TensorFlow's reduce_max */
} cly_ops_pool_ties;

/* Operands: 0 x, 1 y. */
typedef struct cly_ops_pool_shape {
    int64_t outer, inner;
    int64_t in[3], out[3];
    int64_t window[3], stride[3], pad[3];
    cly_ops_spacing x, y; /* of `inner` floats, the pixels of channels_last */
    int64_t zeros_before[3], zeros_after[3]; /* positions beside the tensor that count, as 0; not for the gradient */
    bool average;           /* else the maximum */
    cly_ops_pool_ties ties; /* for the gradient of the maximum */
} cly_ops_pool_shape;
extern const cly_ops_operator cly_ops_pool_operator; /* "pool" */

/* dx of "pool" with the same shape. Operands: 0 x, 1 y, 2 dy, 3 dx; the average looks at 2 and 3 only. */
extern const cly_ops_operator cly_ops_pool_gradient_operator; /* "pool_gradient" */

#endif
