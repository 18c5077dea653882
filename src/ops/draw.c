/* ops/draw.c: random numbers for whole images, an image a work-item. */
#include "ops/draw.h"

#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 1;
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_draw_shape *s = shape;
    const uint64_t step = s->step != NULL ? *s->step : 0;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->images, options);
    cly_launch launch = {.program = "draw", .options = options, .kernel = "draw_reference"};
    cly_ops_each(context, s->images, &launch);
    return cly_device_run(
        context, &launch, CLY_BUFFER(operands[0]), CLY_LONG(s->images), CLY_INT(s->kind),
        CLY_INT4(s->rows, s->columns, 0, 0), CLY_FLOAT4(s->low[0], s->low[1], s->high[0], s->high[1]),
        CLY_INT4(s->shared, s->together, s->inverse, 0),
        CLY_INT4((uint32_t)s->seed, (uint32_t)(s->seed >> 32), (uint32_t)step, (uint32_t)(step >> 32)));
}

static const cly_ops_implementation implementations[] = {
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_draw_operator = {.name = "draw", .implementations = implementations};
