/* ops/batch_norm.h: what batch normalisation needs in training: statistics of a batch, their running average, and the
 * gradients. The normalisation itself is "batch_norm" of elementwise.h, given the batch's own statistics as mean and
 * variance. Keras: keras/src/layers/normalization/batch_normalization.py. */
#ifndef CLY_OPS_BATCH_NORM_H
#define CLY_OPS_BATCH_NORM_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* Mean and biased variance of each of the `axis` channels of x (outer, axis, inner), in two passes. Operands: 0 x,
 * 1 mean (axis), 2 variance (axis). */
typedef struct cly_ops_moments_shape {
    int64_t outer, axis, inner;
} cly_ops_moments_shape;
extern const cly_ops_operator cly_ops_moments_operator; /* "moments": "split", "reference" */

/* With batch_statistics, mean and variance are those of x and carry gradient too (training); without, they are given
 * numbers (inference, or trainable=False). Operands: 0 x, 1 gamma or NULL (1), 2 mean, 3 variance, 4 dy, 5 dx or NULL
 * where it is not wanted (may be dy), 6 dgamma or NULL, 7 dbeta or NULL; the vectors have `axis` elements. */
typedef struct cly_ops_batch_norm_gradient_shape {
    int64_t outer, axis, inner;
    float epsilon;
    bool has_gamma;
    bool batch_statistics;
} cly_ops_batch_norm_gradient_shape;
extern const cly_ops_operator cly_ops_batch_norm_gradient_operator; /* "batch_norm_gradient": "split", "reference" */

/* moving = moving * momentum + factor * batch * (1 - momentum). factor is 1, but for the variance in Keras 2, whose
 * fused kernel has n / (n - 1) of n values a channel. That is done `times` times (0: once), each by the batch's values
 * that lie `pitch` behind those before (0: the same ones). Operands: 0 batch, 1 moving, read and written. */
typedef struct cly_ops_moving_average_shape {
    int64_t count;
    float momentum, factor;
    int64_t times, pitch;
} cly_ops_moving_average_shape;
extern const cly_ops_operator cly_ops_moving_average_operator; /* "moving_average" */

#endif
