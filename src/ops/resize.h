/* ops/resize.h: upsampling by whole factors, nearest or bilinear (half-pixel centres, edge clamped, no antialiasing).
 * Source: tf.image.resize as Keras' UpSampling2D calls it. Tensors as in window.h. */
#ifndef CLY_OPS_RESIZE_H
#define CLY_OPS_RESIZE_H

#include <stdint.h>

#include "ops/operator.h"

typedef enum cly_ops_resize_method { CLY_NEAREST = 0, CLY_BILINEAR } cly_ops_resize_method;

/* Size in[i] * factor[i] on each axis; bilinear takes factor[0] == 1 only. Operands: 0 x, 1 y. */
typedef struct cly_ops_resize_shape {
    int64_t outer, inner;
    int64_t in[3], factor[3];
    cly_ops_resize_method method;
} cly_ops_resize_shape;
extern const cly_ops_operator cly_ops_resize_operator; /* "resize": "vector", "reference" */

/* dx of "resize" with the same shape: each element of dx gathers from the dy that it went into. Operands: 0 dy (of size
 * in * factor), 1 dx (of size in). */
extern const cly_ops_operator cly_ops_resize_gradient_operator; /* "resize_gradient": "vector", "reference" */

#endif
