/* ops/resize_gradient.c: gradients of upsampling by whole factors, nearest and bilinear. Source: what TensorFlow's
 * ResizeBilinearGrad and ResizeNearestNeighborGrad give, as sums that gather. */
#include <limits.h>

#include "ops/range.h"
#include "ops/resize.h"

#define SIZES(a) CLY_INT4((a)[0], (a)[1], (a)[2], 0)

static bool is_known(const cly_ops_resize_shape *s) {
    return s->method == CLY_NEAREST || s->factor[0] == 1;
}

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_resize_shape *s = shape;
    return is_known(s) && s->in[2] * s->factor[2] * s->inner <= INT_MAX / 2 ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return is_known(shape) ? 10 : -1;
}

/* As in resize.c. */
static float scale_of(const cly_ops_resize_shape *s, int axis) {
    return (float)s->in[axis] / (float)(s->in[axis] * s->factor[axis]);
}

static clayer_status run(clayer_context *context, const cly_ops_resize_shape *s, cly_launch *launch, int64_t count,
                         const cly_arg *args, size_t nearest_count) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    launch->program = "resize_gradient";
    launch->options = options;
    return cly_device_launch(context, launch, args, nearest_count + (s->method == CLY_BILINEAR ? 2 : 0));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    const int64_t rows = s->outer * s->in[0] * s->in[1];
    cly_launch launch = {.kernel = s->method == CLY_NEAREST ? "nearest_gradient_vector" : "bilinear_gradient_vector"};
    const cly_arg split = cly_ops_rows(context, rows, s->in[2] * s->inner, &launch);
    return run(
        context, s, &launch, rows,
        (const cly_arg[]){CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(rows), split, SIZES(s->in),
                          SIZES(s->factor), CLY_INT(s->inner), CLY_FLOAT(scale_of(s, 1)), CLY_FLOAT(scale_of(s, 2))},
        7);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    const int64_t count = s->outer * s->in[0] * s->in[1] * s->in[2] * s->inner;
    cly_launch launch = {.kernel =
                             s->method == CLY_NEAREST ? "nearest_gradient_reference" : "bilinear_gradient_reference"};
    cly_ops_each(context, count, &launch);
    return run(
        context, s, &launch, count,
        (const cly_arg[]){CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count), SIZES(s->in),
                          SIZES(s->factor), CLY_LONG(s->inner), CLY_FLOAT(scale_of(s, 1)), CLY_FLOAT(scale_of(s, 2))},
        6);
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_resize_gradient_operator = {.name = "resize_gradient",
                                                           .implementations = implementations};
