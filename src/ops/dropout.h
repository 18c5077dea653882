/* ops/dropout.h: dropout with a mask that is computed, not kept: the same in the backward pass as in the forward one.
 * Keras: keras/src/layers/regularization/dropout.py and spatial_dropout.py. */
#ifndef CLY_OPS_DROPOUT_H
#define CLY_OPS_DROPOUT_H

#include <stdint.h>

#include <clayer/tensor.h>

#include "ops/operator.h"

/* y = x * factor + shift where a uniform number in [0, 1) is at least `rate`, else `dropped`; Dropout has factor 1 / (1
 * - rate). Tensors are (outer, repeat, inner), and the numbers of (outer, inner) serve for all of `repeat`: 1 for
 * Dropout; SpatialDropout drops whole channels and has outer N, repeat the pixels, inner C (channels_first: outer N *
 * C, inner 1). Or, where that is not enough, they have the shape `x`, and bit i of `repeats` says that one number
 * serves for all of axis i; the three sizes are then not looked at.
 *
 * Number i of a step comes from Philox4x32-10 with the key `seed` and the counter (i / 4, *step), so it depends on
 * these alone. `step` is the owner's and read when the operator runs; it is increased between training steps, after the
 * backward pass. NULL: 0. Operands: 0 x, 1 y (may be x); in the backward pass 0 dy, 1 dx. */
typedef struct cly_ops_dropout_shape {
    int64_t outer, repeat, inner;
    clayer_shape x; /* rank 0: the three sizes */
    unsigned repeats;
    float rate; /* 0 to 1 */
    float factor, shift, dropped;
    uint64_t seed;
    const uint64_t *step;
} cly_ops_dropout_shape;
extern const cly_ops_operator cly_ops_dropout_operator; /* "dropout": "vector", "reference" */

#endif
