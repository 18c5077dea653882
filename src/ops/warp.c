/* ops/warp.c: images through matrices, a pixel of the output with all its channels a work-item. */
#include "ops/warp.h"

#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 1;
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_warp_shape *s = shape;
    const int64_t count = s->images * s->out[0] * s->out[1];
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "warp", .options = options, .kernel = "warp_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(count), CLY_INT4(s->in[0], s->in[1], s->out[0], s->out[1]), CLY_INT(s->channels),
                          CLY_INT(s->channels_first), CLY_INT(s->bilinear), CLY_INT(s->fill_mode),
                          CLY_FLOAT(s->fill_value));
}

static const cly_ops_implementation implementations[] = {
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_warp_operator = {.name = "warp", .implementations = implementations};
