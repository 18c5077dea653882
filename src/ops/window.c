/* ops/window.c: zero padding and cropping. */
#include "ops/window.h"

#include <limits.h>

#include "base/integer.h"
#include "ops/range.h"

/* A row is the last axis with what lies inside it: contiguous in x and in y. */
static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_window_shape *s = shape;
    const int64_t most = INT_MAX / 2;
    return s->out[2] * s->inner <= most && s->in[2] * s->inner <= most ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_window_shape *s = shape;
    const int64_t rows = s->outer * s->out[0] * s->out[1];
    const int64_t width = s->out[2] * s->inner;
    const int64_t first = cly_base_clamp(s->before[2], 0, s->out[2]) * s->inner;
    const int64_t last = cly_base_clamp(s->before[2] + s->in[2], 0, s->out[2]) * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "window", .options = options, .kernel = "window_vector"};
    const cly_arg split = cly_ops_rows(context, rows, width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(rows), split,
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->before), CLY_INT(width),
                          CLY_INT(s->in[2] * s->inner), CLY_INT(first), CLY_INT(last),
                          CLY_INT(-s->before[2] * s->inner));
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_window_shape *s = shape;
    const int64_t count = s->outer * s->out[0] * s->out[1] * s->out[2] * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "window", .options = options, .kernel = "window_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->before), CLY_LONG(s->inner));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_window_operator = {.name = "window", .implementations = implementations};
