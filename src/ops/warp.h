/* ops/warp.h: images looked at through a matrix each: flips, turns, zooms, shifts, crops. Source: TensorFlow's
 * ImageProjectiveTransformV3 (tensorflow/core/kernels/image/image_ops.h). */
#ifndef CLY_OPS_WARP_H
#define CLY_OPS_WARP_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* What is seen beside an image; the three that have no colour of their own move the place back into it. */
typedef enum cly_ops_fill {
    CLY_FILL_REFLECT = 0, /* c b a | a b c | c b a */
    CLY_FILL_CONSTANT,    /* the number fill_value */
    CLY_FILL_WRAP,        /* a b c | a b c | a b c, but as TensorFlow does it: some pixels come twice or not at all */
    CLY_FILL_NEAREST,     /* a a a | a b c | c c c */
} cly_ops_fill;

/* y at row r, column c is x at row m3 c + m4 r + m5, column m0 c + m1 r + m2, m the image's matrix; between pixels it
 * is the nearest one or, bilinear, a mixture of four. Operands: 0 x, 1 matrices (images, 6), 2 y.
 *
 * The gradient is the same operator on the inverse matrices with in and out changed: TensorFlow's own, which is the
 * true one where pixels move as a whole. */
typedef struct cly_ops_warp_shape {
    int64_t images, channels;
    int64_t in[2], out[2]; /* rows, columns */
    bool channels_first, bilinear;
    cly_ops_fill fill_mode;
    float fill_value;
} cly_ops_warp_shape;
extern const cly_ops_operator cly_ops_warp_operator; /* "warp": "reference" */

#endif
