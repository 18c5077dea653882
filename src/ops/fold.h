/* ops/fold.h: a batch normalisation in inference moves into the convolution beside it: into its kernel and bias, if it
 * comes before, or into its last step (operand 4 of conv.h), if it comes behind. */
#ifndef CLY_OPS_FOLD_H
#define CLY_OPS_FOLD_H

#include <stdint.h>

#include "device/device.h"

/* y = gamma * (x - mean) / sqrt(variance + epsilon) + beta; gamma and beta may be NULL (1, 0). */
typedef struct cly_ops_normalisation {
    cl_mem gamma, beta, mean, variance;
    float epsilon;
} cly_ops_normalisation;

/* A kernel (rows, bias_count) of `count` elements, of which element i reads what belongs to channel (i / division) %
 * channels of the normalisation's; bias_count is the convolution's output channels. */
typedef struct cly_ops_fold {
    int64_t count, division, channels, bias_count;
} cly_ops_fold;

/* Writes the kernel and bias of a convolution of what is normalised from w and b (NULL: 0). Enqueues only. */
clayer_status cly_ops_fold_before(clayer_context *context, const cly_ops_fold *fold, const cly_ops_normalisation *from,
                                  cl_mem w, cl_mem b, cl_mem folded_w, cl_mem folded_b);

/* Writes the (CLY_OPS_FOLD_VECTORS, channels) floats by which a convolution normalises what it gives. Enqueues only. */
#define CLY_OPS_FOLD_VECTORS 3
clayer_status cly_ops_fold_behind(clayer_context *context, int64_t channels, const cly_ops_normalisation *from,
                                  cl_mem norm);

#endif
