/* ops/normalize.h: normalisation of groups of values within one sample: by layer, by group of channels, to unit length;
 * and by statistics that are given. Keras: keras/src/ops/nn.py (layer_normalization, normalize) and
 * keras/src/layers/normalization/group_normalization.py. */
#ifndef CLY_OPS_NORMALIZE_H
#define CLY_OPS_NORMALIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

typedef enum cly_ops_norm_kind {
    CLY_NORM_LAYER = 0, /* (x - mean) / sqrt(variance + epsilon) */
    CLY_NORM_RMS,       /* x / sqrt(variance + epsilon), the variance about the mean: Keras' rms_scaling */
    CLY_NORM_UNIT       /* x / sqrt(the sum of squares, at least `floor`) */
} cly_ops_norm_kind;

/* x as (outer, across, groups, within): the values of one outer and group are normalised together. The same x as
 * (..., channels, inner) has gamma and beta of length `channels`; `inner` divides `within`, or is `groups`, or 1. */
typedef struct cly_ops_norm_shape {
    int64_t outer, across, groups, within;
    int64_t channels, inner;
    cly_ops_norm_kind kind;
    float epsilon, floor;
    bool has_gamma, has_beta;
    bool has_mean; /* "normalize" alone */
    bool inverted; /* "normalize" alone: y = x sqrt(...) + mean */
} cly_ops_norm_shape;

/* Operands: 0 x, 1 gamma or NULL (1), 2 beta or NULL (0), 3 mean, 4 variance (outer * groups each; of UNIT zeros and
 * the floored sums of squares), both written, or both NULL where they are not wanted, 5 y (may be x). */
extern const cly_ops_operator cly_ops_group_norm_operator; /* "group_norm": "rows", "reference" */

/* By given statistics, of which there are outer * groups; variance + epsilon is raised to `floor`. Operands as above,
 * but 3 is NULL without has_mean, and without 4 nothing is divided. */
extern const cly_ops_operator cly_ops_normalize_operator; /* "normalize" */

/* Gradients of "group_norm". Operands: 0 x, 1 gamma or NULL, 2 mean, 3 variance as they were written, 4 dy, 5 dx or
 * NULL where it is not wanted, 6 dgamma or NULL, 7 dbeta or NULL. */
extern const cly_ops_operator cly_ops_group_norm_gradient_operator; /* "group_norm_gradient": "rows", "reference" */

/* ---- shared by the files of it ---- */

/* Rows of one length that lie within a group and a channel, or run along groups or channels; see normalize.cl. */
typedef struct cly_ops_norm_rows {
    int64_t rows, length;
    int64_t groups_each, group_divisor, channel_rows;
    int flags;
} cly_ops_norm_rows;
cly_ops_norm_rows cly_ops_norm_rows_of(const cly_ops_norm_shape *shape);

/* The same numbers as in kernels_cl/normalize.cl. */
enum {
    CLY_NORM_HAS_STATISTICS = 1,
    CLY_NORM_HAS_MEAN = 2,
    CLY_NORM_HAS_GAMMA = 4,
    CLY_NORM_HAS_BETA = 8,
    CLY_NORM_ALONG_GROUPS = 16,
    CLY_NORM_ALONG_CHANNELS = 32,
    CLY_NORM_INVERTED = 64,
    CLY_NORM_HAS_FACTOR = 128
};

/* y = what the flags say of x; `factor` is multiplied to it. Absent buffers are NULL. */
typedef struct cly_ops_norm_buffers {
    cl_mem x, gamma, beta, mean, variance, factor, y;
    int64_t variance_offset, y_offset; /* floats */
} cly_ops_norm_buffers;
clayer_status cly_ops_norm_apply(clayer_context *context, const cly_ops_norm_shape *shape, int flags,
                                 const cly_ops_norm_buffers *buffers);

/* Rows that are groups, with gamma and beta along them: the last axes of a tensor. */
bool cly_ops_norm_is_rows(const cly_ops_norm_shape *shape);

/* "rows" of both operators (normalize_rows.c). */
double cly_ops_norm_rows_cost(const clayer_context *context, const void *shape);
clayer_status cly_ops_norm_rows_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                    cl_mem workspace);
uint64_t cly_ops_norm_rows_gradient_workspace(const clayer_context *context, const void *shape);
clayer_status cly_ops_norm_rows_gradient_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                             cl_mem workspace);

#endif
