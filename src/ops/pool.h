/* ops/pool.h: maximum or average over windows; what lies outside the tensor does not count. Tensors as in window.h.
 * A global pooling is one window of the whole size. */
#ifndef CLY_OPS_POOL_H
#define CLY_OPS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* Operands: 0 x, 1 y. */
typedef struct cly_ops_pool_shape {
    int64_t outer, inner;
    int64_t in[3], out[3];
    int64_t window[3], stride[3], pad[3];
    bool average; /* else the maximum */
} cly_ops_pool_shape;
extern const cly_ops_operator cly_ops_pool_operator; /* "pool" */

#endif
