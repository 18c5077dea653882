/* ops/depthwise.c: depthwise convolution: "direct" in vectors, and "reference", the grouped convolution's plain kernel:
 * with as many groups as input channels the weights lie the same way. */
#include <limits.h>

#include "ops/conv.h"
#include "ops/conv_common.h"

#define PIXELS 4 /* as in depthwise.cl */

static double direct_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    return n.group_in == 1 && s->out_channels <= INT_MAX / 2 && s->out[2] <= INT_MAX / 2 ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status run_direct(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_conv_shape *s = shape;
    const int64_t lines = s->batch * s->out[0] * s->out[1];
    const int64_t rows = s->channels_first ? lines * s->out_channels : lines * ((s->out[2] + PIXELS - 1) / PIXELS);
    const int64_t width = s->channels_first ? s->out[2] : s->out_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, rows, options);
    cly_launch launch = {
        .program = "depthwise", .options = options, .kernel = s->channels_first ? "depthwise_first" : "depthwise_last"};
    const cly_arg split = cly_ops_rows(context, rows, width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_OPS_BIAS(operands),
                          CLY_BUFFER(operands[3]), CLY_LONG(rows), split, CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation),
                          CLY_OPS_SIZES(s->pad), CLY_INT(s->in_channels), CLY_INT(s->out_channels),
                          CLY_OPS_SPACING(s->y, width), CLY_OPS_EPILOGUE(s, operands, s->out_channels));
}

static const cly_ops_implementation implementations[] = {
    {.name = "direct", .cost = direct_cost, .run = run_direct},
    {.name = "reference", .cost = reference_cost, .run = cly_ops_conv_run_reference},
    {0},
};

const cly_ops_operator cly_ops_depthwise_operator = {
    .name = "depthwise", .implementations = implementations, .multiply_adds = cly_ops_conv_multiply_adds};
