/* ops/constrain.h: a tensor put back into bounds: values that are not negative, or vectors scaled by their lengths. */
#ifndef CLY_OPS_CONSTRAIN_H
#define CLY_OPS_CONSTRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "device/device.h"

/* x = max(x, 0) */
clayer_status cly_ops_constrain_sign(clayer_context *context, int64_t count, cl_mem x);

/* Each vector along the `along` axes (bit i: axis i), of length n, is multiplied by desired / (epsilon + n), where
 * desired = rate * clip(n, low, high) + (1 - rate) * n, or divided by epsilon + n (`to_unit`). */
typedef struct cly_ops_constrain {
    clayer_shape shape;
    unsigned along;
    bool to_unit;
    float low, high, rate, rest; /* rest: 1 - rate */
    float epsilon;
} cly_ops_constrain;

uint64_t cly_ops_constrain_workspace_bytes(const clayer_context *context, const cly_ops_constrain *constrain);
clayer_status cly_ops_constrain_lengths(clayer_context *context, const cly_ops_constrain *constrain, cl_mem x,
                                        cl_mem workspace);

#endif
