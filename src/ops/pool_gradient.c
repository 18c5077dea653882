/* ops/pool_gradient.c: gradients of pooling: "vector" marks what each window chose and gathers, "reference" searches
 * the windows anew for each element. */
#include <limits.h>

#include "base/memory.h"
#include "ops/pool.h"
#include "ops/range.h"

static bool has_marks(const cly_ops_pool_shape *s) {
    return !s->average && s->ties != CLY_EVERY;
}

static uint64_t vector_workspace(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_pool_shape *s = shape;
    return has_marks(s) ? (uint64_t)(s->outer * s->out[0] * s->out[1] * s->out[2] * s->inner) * sizeof(float) : 0;
}

static double vector_cost(const clayer_context *context, const void *shape) {
    const cly_ops_pool_shape *s = shape;
    const int64_t most = INT_MAX / 2;
    return s->in[2] * s->inner <= most && s->out[2] * s->inner <= most && s->in[0] * s->in[1] * s->in[2] <= most &&
                   vector_workspace(context, shape) <= cly_device_workspace_limit(context)
               ? 1
               : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status mark(clayer_context *context, const cly_ops_pool_shape *s, cl_mem x, cl_mem marks) {
    const int64_t rows = s->outer * s->out[0] * s->out[1];
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "pool_gradient", .options = options, .kernel = "pool_mark"};
    const cly_arg split = cly_ops_rows(context, rows, s->out[2] * s->inner, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(marks), CLY_LONG(rows), split,
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->window),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->pad), CLY_INT(s->inner), CLY_INT(s->ties));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_pool_shape *s = shape;
    const int64_t rows = s->outer * s->in[0] * s->in[1];
    if (has_marks(s)) {
        CLY_TRY(mark(context, s, operands[0], workspace));
    }
    const bool compares = !s->average && s->ties != CLY_FIRST;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "pool_gradient", .options = options, .kernel = "pool_gradient_vector"};
    const cly_arg split = cly_ops_rows(context, rows, s->in[2] * s->inner, &launch);
    CLY_TRY(cly_device_run(
        context, &launch, CLY_BUFFER(operands[compares ? 0 : 2]), CLY_BUFFER(operands[compares ? 1 : 2]),
        CLY_BUFFER(has_marks(s) ? workspace : operands[2]), CLY_BUFFER(operands[2]), CLY_BUFFER(operands[3]),
        CLY_LONG(rows), split, CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->window),
        CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->pad), CLY_INT(s->inner), CLY_INT(s->average), CLY_INT(s->ties)));
done:
    return status;
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_pool_shape *s = shape;
    const int64_t count = s->outer * s->in[0] * s->in[1] * s->in[2] * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "pool_gradient", .options = options, .kernel = "pool_gradient_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[s->average ? 2 : 0]), CLY_BUFFER(operands[2]),
                          CLY_BUFFER(operands[3]), CLY_LONG(count), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->window), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->pad), CLY_LONG(s->inner),
                          CLY_INT(s->average), CLY_INT(s->ties));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .workspace_bytes = vector_workspace, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_pool_gradient_operator = {.name = "pool_gradient", .implementations = implementations};
