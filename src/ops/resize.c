/* ops/resize.c: upsampling by whole factors, nearest and bilinear. */
#include <limits.h>

#include "ops/resize_common.h"

/* Bilinear is a matter of images: the header leaves it to the last two axes. */
static bool is_known(const cly_ops_resize_shape *s) {
    return s->method == CLY_NEAREST || s->factor[0] == 1;
}

double cly_ops_resize_vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_resize_shape *s = shape;
    return is_known(s) && s->in[2] * s->factor[2] * s->inner <= INT_MAX / 2 ? 1 : -1;
}

double cly_ops_resize_reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return is_known(shape) ? 10 : -1;
}

float cly_ops_resize_scale(const cly_ops_resize_shape *s, int axis) {
    return (float)s->in[axis] / (float)(s->in[axis] * s->factor[axis]);
}

clayer_status cly_ops_resize_launch(clayer_context *context, const cly_ops_resize_shape *s, cly_launch *launch,
                                    int64_t count, const cly_arg *args, size_t nearest_count) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    launch->options = options;
    return cly_device_launch(context, launch, args, nearest_count + (s->method == CLY_BILINEAR ? 2 : 0));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    const int64_t rows = s->outer * s->in[0] * s->factor[0] * s->in[1] * s->factor[1];
    const int64_t width = s->in[2] * s->factor[2] * s->inner;
    cly_launch launch = {.program = "resize",
                         .kernel = s->method == CLY_NEAREST ? "nearest_vector" : "bilinear_vector"};
    const cly_arg split = cly_ops_rows(context, rows, width, &launch);
    return cly_ops_resize_launch(
        context, s, &launch, rows,
        (const cly_arg[]){CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(rows), split, CLY_OPS_SIZES(s->in),
                          CLY_OPS_SIZES(s->factor), CLY_INT(width), CLY_INT(s->inner),
                          CLY_FLOAT(cly_ops_resize_scale(s, 1)), CLY_FLOAT(cly_ops_resize_scale(s, 2))},
        8);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    int64_t count = s->outer * s->inner;
    for (int i = 0; i < 3; i++) {
        count *= s->in[i] * s->factor[i];
    }
    cly_launch launch = {.program = "resize",
                         .kernel = s->method == CLY_NEAREST ? "nearest_reference" : "bilinear_reference"};
    cly_ops_each(context, count, &launch);
    return cly_ops_resize_launch(
        context, s, &launch, count,
        (const cly_arg[]){CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count), CLY_OPS_SIZES(s->in),
                          CLY_OPS_SIZES(s->factor), CLY_LONG(s->inner), CLY_FLOAT(cly_ops_resize_scale(s, 1)),
                          CLY_FLOAT(cly_ops_resize_scale(s, 2))},
        6);
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = cly_ops_resize_vector_cost, .run = run_vector},
    {.name = "reference", .cost = cly_ops_resize_reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_resize_operator = {.name = "resize", .implementations = implementations};
