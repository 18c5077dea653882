/* ops/pool.c: maximum and average pooling. */
#include "ops/pool.h"

#include <limits.h>

#include "ops/range.h"

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_pool_shape *s = shape;
    const int64_t most = INT_MAX / 2;
    return s->in[2] * s->inner <= most && s->out[2] * s->inner <= most ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_pool_shape *s = shape;
    /* Vectors lie along the channels; with too few of them work-items run along the rows of the tensor. */
    const bool line = s->inner < cly_ops_vector(context);
    const int64_t rows = s->outer * s->out[0] * s->out[1] * (line ? 1 : s->out[2]);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "pool", .options = options, .kernel = line ? "pool_line" : "pool_vector"};
    const cly_arg split = cly_ops_rows(context, rows, line ? s->out[2] * s->inner : s->inner, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(rows), split,
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->window),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->pad), CLY_OPS_SIZES(s->zeros_before),
                          CLY_OPS_SIZES(s->zeros_after), CLY_INT(s->inner), CLY_INT(s->average),
                          CLY_OPS_SPACING(s->x, s->inner), CLY_OPS_SPACING(s->y, s->inner));
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_pool_shape *s = shape;
    const int64_t count = s->outer * s->out[0] * s->out[1] * s->out[2] * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "pool", .options = options, .kernel = "pool_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->window),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->pad), CLY_OPS_SIZES(s->zeros_before),
                          CLY_OPS_SIZES(s->zeros_after), CLY_LONG(s->inner), CLY_INT(s->average),
                          CLY_OPS_SPACING(s->x, s->inner), CLY_OPS_SPACING(s->y, s->inner));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_pool_operator = {.name = "pool", .implementations = implementations};
