/* ops/penalty.h: penalties on the size of a tensor's values, and on rows or columns of a matrix that are not
 * orthogonal: their values, added to a float on the device, and their gradients, added to a tensor. */
#ifndef CLY_OPS_PENALTY_H
#define CLY_OPS_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"

/* l1 sum |x| + l2 sum x^2 of `count` floats; a factor of 0 leaves its sum out. */
typedef struct cly_ops_penalty {
    int64_t count;
    float l1, l2;
} cly_ops_penalty;

uint64_t cly_ops_penalty_workspace_bytes(const clayer_context *context, const cly_ops_penalty *penalty);
/* value[offset] += scale * penalty */
clayer_status cly_ops_penalty_add(clayer_context *context, const cly_ops_penalty *penalty, cl_mem x, float scale,
                                  cl_mem value, int64_t offset, cl_mem workspace);
/* gradient += scale * (l1 sign(x) + 2 l2 x) */
clayer_status cly_ops_penalty_add_gradient(clayer_context *context, const cly_ops_penalty *penalty, cl_mem x,
                                           float scale, cl_mem gradient);

/* factor * the mean of |dot product| over all pairs of the matrix' rows, or columns, brought to length 1. */
typedef struct cly_ops_orthogonality {
    int64_t rows, columns;
    bool of_columns;
    float factor;
} cly_ops_orthogonality;

uint64_t cly_ops_orthogonality_workspace_bytes(const clayer_context *context, const cly_ops_orthogonality *penalty);
/* value[offset] += scale * penalty; gradient += scale * its gradient; either NULL: not wanted. */
clayer_status cly_ops_orthogonality_add(clayer_context *context, const cly_ops_orthogonality *penalty, cl_mem x,
                                        float scale, cl_mem value, int64_t offset, cl_mem gradient, cl_mem workspace);

#endif
