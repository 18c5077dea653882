/* ops/noise.c: normal noise from a counter: "vector" makes four numbers at once, "reference" one an element. */
#include "ops/noise.h"

#include "ops/range.h"

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 10;
}

static clayer_status run(clayer_context *context, const cly_ops_noise_shape *s, const cl_mem *operands,
                         cly_launch *launch, cly_arg each) {
    const uint64_t step = s->step != NULL ? *s->step : 0;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->count, options);
    launch->program = "noise";
    launch->options = options;
    return cly_device_run(
        context, launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->count), each,
        CLY_INT4((uint32_t)s->seed, (uint32_t)(s->seed >> 32), (uint32_t)step, (uint32_t)(step >> 32)),
        CLY_FLOAT(s->stddev), CLY_INT(s->multiplies));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_noise_shape *s = shape;
    cly_launch launch = {.kernel = "noise_vector"};
    const cly_arg each = cly_ops_span(context, s->count, &launch);
    return run(context, s, operands, &launch, each);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_noise_shape *s = shape;
    cly_launch launch = {.kernel = "noise_reference"};
    cly_ops_each(context, s->count, &launch);
    return run(context, s, operands, &launch, CLY_LONG(1));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_noise_operator = {.name = "noise", .implementations = implementations};
