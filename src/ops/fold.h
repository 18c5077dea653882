/* ops/fold.h: a batch normalisation in inference moves into the kernel and bias of the convolution beside it. */
#ifndef CLY_OPS_FOLD_H
#define CLY_OPS_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"

/* y = gamma * (x - mean) / sqrt(variance + epsilon) + beta; gamma and beta may be NULL (1, 0). */
typedef struct cly_ops_normalisation {
    cl_mem gamma, beta, mean, variance;
    float epsilon;
} cly_ops_normalisation;

/* A kernel of `count` elements, of which element i belongs to channel (i / division) % channels of the side that is
 * normalised. */
typedef struct cly_ops_fold {
    int64_t count, division, channels;
    int64_t bias_count; /* the convolution's output channels */
    bool before;        /* the normalisation is of the convolution's input: the kernel is (rows, bias_count) */
} cly_ops_fold;

/* Writes the folded kernel and bias from w and b (NULL: 0). The results may be w and b themselves, but the kernel not
 * where `before` is set. Enqueues only. */
clayer_status cly_ops_fold_run(clayer_context *context, const cly_ops_fold *fold, const cly_ops_normalisation *from,
                               cl_mem w, cl_mem b, cl_mem folded_w, cl_mem folded_b);

#endif
