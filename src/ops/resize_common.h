/* ops/resize_common.h: what upsampling and its gradient share. */
#ifndef CLY_OPS_RESIZE_COMMON_H
#define CLY_OPS_RESIZE_COMMON_H

#include <stddef.h>

#include "ops/range.h"
#include "ops/resize.h"

double cly_ops_resize_vector_cost(const clayer_context *context, const void *shape);
double cly_ops_resize_reference_cost(const clayer_context *context, const void *shape);

/* in / out of an axis, as TensorFlow computes it: a division of floats. */
float cly_ops_resize_scale(const cly_ops_resize_shape *shape, int axis);

/* Launches a kernel of launch->program that counts up to `count`. The last two of `args`, behind `nearest_count`
 * others, are scales that only bilinear kernels take. */
clayer_status cly_ops_resize_launch(clayer_context *context, const cly_ops_resize_shape *shape, cly_launch *launch,
                                    int64_t count, const cly_arg *args, size_t nearest_count);

#endif
