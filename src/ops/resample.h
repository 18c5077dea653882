/* ops/resample.h: images of one size from those of another, by any of TensorFlow's methods (half-pixel centres): along
 * the rows, then along the columns. Source: tf.image.resize; tensorflow/core/kernels/image/{scale_and_translate_op,
 * resize_bicubic_op,resize_area_op}.cc. */
#ifndef CLY_OPS_RESAMPLE_H
#define CLY_OPS_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* The same numbers as in kernels_cl/resample.cl. */
typedef enum cly_ops_resample_method {
    CLY_RESAMPLE_NEAREST = 0,
    CLY_RESAMPLE_BILINEAR,
    CLY_RESAMPLE_BICUBIC,
    CLY_RESAMPLE_LANCZOS3,
    CLY_RESAMPLE_LANCZOS5,
    CLY_RESAMPLE_GAUSSIAN,
    CLY_RESAMPLE_MITCHELL,
    CLY_RESAMPLE_AREA
} cly_ops_resample_method;

/* x (outer, in[0], in[1], inner) to y (outer, out[0], out[1], inner). Operands: 0 x, 1 y. */
typedef struct cly_ops_resample_shape {
    int64_t outer, inner;
    int64_t in[2], out[2];
    cly_ops_resample_method method;
    bool antialias; /* the filter is widened where the image shrinks; nothing for nearest and area */
} cly_ops_resample_shape;
extern const cly_ops_operator cly_ops_resample_operator; /* "resample" */

/* dx of "resample" with the same shape. Operands: 0 dy (of y's size), 1 dx (of x's size). */
extern const cly_ops_operator cly_ops_resample_gradient_operator; /* "resample_gradient" */

#endif
