/* ops/sums.h: long sums in slots, which reductions, moments and gradients of weights share. */
#ifndef CLY_OPS_SUMS_H
#define CLY_OPS_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"

/* What is added up; kernels_cl/reduce.cl has the same numbers. */
typedef enum cly_ops_term {
    CLY_TERM_VALUE = 0, /* x */
    CLY_TERM_SQUARE,    /* (x - mean)^2 */
    CLY_TERM_PRODUCT,   /* dy (x - mean) / sqrt(variance + epsilon) */
    CLY_TERM_POWER,     /* x^2 */
    CLY_TERM_SIZE,      /* |x| */
    CLY_TERM_FACTOR     /* dy x */
} cly_ops_term;

/* y (kept0, kept1) = the sum over outer and inner of a term of x (kept0, outer, kept1, inner), over `divisor`. dy has
 * the size of x; mean and variance have that of y. */
typedef struct cly_ops_sums {
    int64_t kept0, outer, kept1, inner;
    cly_ops_term term;
    cl_mem x, dy, mean, variance, y;
    int64_t y_offset, workspace_offset; /* floats */
    float epsilon, divisor;
} cly_ops_sums;

/* The sum over all of `count` floats, dealt out to the device; term, buffers and offsets are left to the caller. */
cly_ops_sums cly_ops_sums_of_all(const clayer_context *context, int64_t count);

/* Whether the sizes fit the kernels; the workspace in floats, which looks at the sizes alone. */
bool cly_ops_sums_can(const cly_ops_sums *sums);
int64_t cly_ops_sums_workspace(const clayer_context *context, const cly_ops_sums *sums);
clayer_status cly_ops_sums_run(clayer_context *context, const cly_ops_sums *sums, cl_mem workspace);

/* y, from y_offset on, (count) = the sum of slots (slot_count, count), `offset` floats into `slots`, over divisor. The
 * slots are followed by cly_ops_slots_floats more floats of scratch memory. */
int64_t cly_ops_slots_floats(int64_t slot_count, int64_t count);
clayer_status cly_ops_slots_add(clayer_context *context, cl_mem slots, int64_t offset, int64_t slot_count,
                                int64_t count, float divisor, cl_mem y, int64_t y_offset);

#endif
