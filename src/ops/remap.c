/* ops/remap.c: steps along an axis and padding by other things than zeros, and the gradients of both. */
#include "ops/remap.h"

#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 1;
}

static clayer_status run(clayer_context *context, const cly_ops_remap_shape *s, bool gradient, const cl_mem *operands) {
    const int64_t count = s->outer * (gradient ? s->in : s->out) * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {
        .program = "remap", .options = options, .kernel = gradient ? "remap_gradient_reference" : "remap_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_LONG(s->in), CLY_LONG(s->out), CLY_LONG(s->inner), CLY_LONG(s->first), CLY_LONG(s->step),
                          CLY_INT(s->edge), CLY_FLOAT(s->fill));
}

static clayer_status run_forward(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    return run(context, shape, false, operands);
}

static clayer_status run_gradient(clayer_context *context, const void *shape, const cl_mem *operands,
                                  cl_mem workspace) {
    (void)workspace;
    return run(context, shape, true, operands);
}

static const cly_ops_implementation forward[] = {
    {.name = "reference", .cost = reference_cost, .run = run_forward},
    {0},
};

static const cly_ops_implementation gradient[] = {
    {.name = "reference", .cost = reference_cost, .run = run_gradient},
    {0},
};

const cly_ops_operator cly_ops_remap_operator = {.name = "remap", .implementations = forward};
const cly_ops_operator cly_ops_remap_gradient_operator = {.name = "remap_gradient", .implementations = gradient};
