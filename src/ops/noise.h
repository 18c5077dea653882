/* ops/noise.h: normal numbers that are computed, not kept: the same in the backward pass as in the forward one.
 * Keras: keras/src/layers/regularization/gaussian_noise.py and gaussian_dropout.py. */
#ifndef CLY_OPS_NOISE_H
#define CLY_OPS_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* y = x + stddev n, or with `multiplies` y = x (1 + stddev n), a normal number n an element.
 *
 * Four numbers come from one counter of the stream of ops/dropout.h by the transform of Box and Muller: words 0 and 1
 * give radius and angle of the first two, 2 and 3 those of the others: radius sqrt(-2 log((u + 1) / 2^24)), angle
 * 2 pi v / 2^24, u and v the upper 24 bits. So no number is further than 5.77 from 0. Operands: 0 x, 1 y (may be x). */
typedef struct cly_ops_noise_shape {
    int64_t count;
    float stddev;
    bool multiplies;
    uint64_t seed;
    const uint64_t *step; /* as in ops/dropout.h */
} cly_ops_noise_shape;
extern const cly_ops_operator cly_ops_noise_operator; /* "noise": "vector", "reference" */

#endif
