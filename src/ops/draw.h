/* ops/draw.h: random numbers for whole images: amounts, and the matrices of flips, turns, shifts, zooms and crops.
 * Keras: keras/src/layers/preprocessing/image_preprocessing/random_{flip,rotation,translation,zoom,crop}.py. */
#ifndef CLY_OPS_DRAW_H
#define CLY_OPS_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

#define CLY_OPS_MATRIX 6 /* floats of one; ops/warp.h says what they mean */

/* What is made of an image's numbers a and b. Those of NUMBER take one float an image, the others a matrix. */
typedef enum cly_ops_draw_kind {
    CLY_DRAW_NUMBER = 0, /* a */
    CLY_DRAW_FLIP,       /* rows change places if a <= 0, columns if b <= 0 */
    CLY_DRAW_ROTATION,   /* by a whole turns around the middle */
    CLY_DRAW_SHIFT,      /* by a times the rows and b times the columns */
    CLY_DRAW_ZOOM,       /* a: how many times the rows are seen, b: the columns; the middle stays */
    CLY_DRAW_CROP,       /* begins at row floor(a), column floor(b), below their limits */
} cly_ops_draw_kind;

/* a = low[0] + u (high[0] - low[0]), b likewise, u uniform in [0, 1): the upper 24 bits of words 0 and 1 of block n of
 * the stream of ops/dropout.h, n the image. Operand: 0 y. */
typedef struct cly_ops_draw_shape {
    int64_t images;
    int64_t rows, columns; /* of an image */
    cly_ops_draw_kind kind;
    float low[2], high[2];
    bool shared;   /* block 0 for all images */
    bool together; /* word 0 for b, too */
    bool inverse;  /* the inverse matrix */
    uint64_t seed;
    const uint64_t *step; /* as in ops/dropout.h */
} cly_ops_draw_shape;
extern const cly_ops_operator cly_ops_draw_operator; /* "draw": "reference" */

#endif
