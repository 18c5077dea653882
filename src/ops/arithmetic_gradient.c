/* ops/arithmetic_gradient.c: gradients of functions of two tensors by one of them, of the output's shape; what was
 * repeated is then added up by "reduce". */
#include "base/memory.h"
#include "ops/arithmetic.h"
#include "ops/arithmetic_common.h"
#include "ops/range.h"

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return cly_ops_broadcast_vector_cost(&((const cly_ops_arithmetic_gradient_shape *)shape)->forward);
}

static double rows_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return cly_ops_broadcast_rows_cost(&((const cly_ops_arithmetic_gradient_shape *)shape)->forward);
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return CLY_OPS_BROADCAST_REFERENCE_COST;
}

/* A number's place is taken by dy: not every driver takes a NULL buffer. */
static cl_mem buffer_of(const cl_mem *operands, const int steps[2], int k) {
    return operands[steps[k] < 0 ? 2 : k];
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_gradient_shape *gradient = shape;
    const cly_ops_arithmetic_shape *s = &gradient->forward;
    cly_ops_broadcast broadcast;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    (void)cly_ops_broadcast_collapse(s, &broadcast);
    cly_ops_arithmetic_options(context, s, false, options);
    cly_launch launch = {.program = "arithmetic_gradient", .options = options, .kernel = "arithmetic_gradient_vector"};
    const cly_arg each = cly_ops_span(context, broadcast.width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(buffer_of(operands, broadcast.steps, 0)),
                          CLY_BUFFER(buffer_of(operands, broadcast.steps, 1)), CLY_BUFFER(operands[2]),
                          CLY_BUFFER(operands[3]), CLY_LONG(broadcast.width), each, CLY_INT(broadcast.steps[0]),
                          CLY_INT(broadcast.steps[1]), CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0),
                          CLY_INT(gradient->of));
}

static clayer_status run_rows(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_gradient_shape *gradient = shape;
    const cly_ops_arithmetic_shape *s = &gradient->forward;
    cly_ops_broadcast b;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    (void)cly_ops_broadcast_collapse(s, &b);
    cly_ops_arithmetic_options(context, s, false, options);
    cly_launch launch = {.program = "arithmetic_gradient", .options = options, .kernel = "arithmetic_gradient_rows"};
    const cly_arg split = cly_ops_rows(context, b.outer * b.inner, b.width, &launch);
    const cly_arg args[] = {CLY_BUFFER(buffer_of(operands, b.steps, 0)),
                            CLY_BUFFER(buffer_of(operands, b.steps, 1)),
                            CLY_BUFFER(operands[2]),
                            CLY_BUFFER(operands[3]),
                            CLY_LONG(b.outer * b.inner),
                            CLY_INT(b.width),
                            split,
                            CLY_LONG(b.inner),
                            CLY_LONG(b.strides[0][0]),
                            CLY_LONG(b.strides[0][1]),
                            CLY_INT(b.steps[0]),
                            CLY_LONG(b.strides[1][0]),
                            CLY_LONG(b.strides[1][1]),
                            CLY_INT(b.steps[1]),
                            CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0),
                            CLY_INT(gradient->of)};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args));
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_gradient_shape *gradient = shape;
    const cly_ops_arithmetic_shape *s = &gradient->forward;
    const cly_ops_broadcast_axes axes = cly_ops_broadcast_all_axes(s);
    const int64_t *n = axes.sizes;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    cly_ops_arithmetic_options(context, s, false, options);
    cly_launch launch = {
        .program = "arithmetic_gradient", .options = options, .kernel = "arithmetic_gradient_reference"};
    cly_ops_each(context, axes.count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(buffer_of(operands, axes.steps, 0)),
                          CLY_BUFFER(buffer_of(operands, axes.steps, 1)), CLY_BUFFER(operands[2]),
                          CLY_BUFFER(operands[3]), CLY_LONG(axes.count), CLY_INT4(n[0], n[1], n[2], n[3]),
                          CLY_INT4(n[4], n[5], n[6], n[7]), CLY_INT(axes.repeats[0]), CLY_INT(axes.repeats[1]),
                          CLY_INT(axes.steps[0]), CLY_INT(axes.steps[1]),
                          CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0), CLY_INT(gradient->of));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "rows", .cost = rows_cost, .run = run_rows},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_arithmetic_gradient_operator = {.name = "arithmetic_gradient",
                                                               .implementations = implementations};
