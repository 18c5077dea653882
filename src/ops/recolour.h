/* ops/recolour.h: contrast and brightness of images. Keras:
 * keras/src/layers/preprocessing/image_preprocessing/random_{contrast,brightness}.py. */
#ifndef CLY_OPS_RECOLOUR_H
#define CLY_OPS_RECOLOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* y = (x - mean) f + mean, or with `adds` x + f, not below `low` nor above `high`; an image has a number f and each of
 * its channels a mean. Operands: 0 x, 1 f (images), 2 means (images, channels; CLY_NOWHERE with `adds`), 3 y (may be
 * x). */
typedef struct cly_ops_recolour_shape {
    int64_t images, channels, pixels; /* pixels: of an image */
    bool channels_first, adds;
    float low, high;
} cly_ops_recolour_shape;
extern const cly_ops_operator cly_ops_recolour_operator; /* "recolour": "reference" */

/* dy where y is neither limit's, else 0: what is left of the gradient behind the limits. Operands: 0 x, 1 f, 2 means, 3
 * dy, 4 g. */
extern const cly_ops_operator cly_ops_recolour_gradient_operator; /* "recolour_gradient": "reference" */

#endif
