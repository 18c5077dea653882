/* ops/resize_gradient.c: gradients of upsampling by whole factors, nearest and bilinear. Source: what TensorFlow's
 * ResizeBilinearGrad and ResizeNearestNeighborGrad give, as sums that gather. */
#include "ops/resize_common.h"

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    const int64_t rows = s->outer * s->in[0] * s->in[1];
    cly_launch launch = {.program = "resize_gradient",
                         .kernel = s->method == CLY_NEAREST ? "nearest_gradient_vector" : "bilinear_gradient_vector"};
    const cly_arg split = cly_ops_rows(context, rows, s->in[2] * s->inner, &launch);
    return cly_ops_resize_launch(
        context, s, &launch, rows,
        (const cly_arg[]){CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(rows), split, CLY_OPS_SIZES(s->in),
                          CLY_OPS_SIZES(s->factor), CLY_INT(s->inner), CLY_FLOAT(cly_ops_resize_scale(s, 1)),
                          CLY_FLOAT(cly_ops_resize_scale(s, 2))},
        7);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_resize_shape *s = shape;
    const int64_t count = s->outer * s->in[0] * s->in[1] * s->in[2] * s->inner;
    cly_launch launch = {
        .program = "resize_gradient",
        .kernel = s->method == CLY_NEAREST ? "nearest_gradient_reference" : "bilinear_gradient_reference"};
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

const cly_ops_operator cly_ops_resize_gradient_operator = {.name = "resize_gradient",
                                                           .implementations = implementations};
