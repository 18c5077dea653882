/* ops/depthwise_gradient.c: gradients of a depthwise convolution: "direct" in vectors, and "reference", the grouped
 * convolution's plain kernels. */
#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/conv.h"
#include "ops/conv_common.h"
#include "ops/sums.h"

#define PIXELS 4 /* as in depthwise_gradient.cl */
#define TAPS 4
#define MOST_SLOTS 2048
#define LEAST_LINES 4 /* of dy that a slot adds up */

static double direct_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t most = INT_MAX / 2;
    return n.group_in == 1 && s->out_channels <= most && s->in[2] <= most && s->batch * s->out[0] * s->out[1] <= most
               ? 1
               : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

/* ---- input ---- */

static clayer_status run_input(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_conv_shape *s = shape;
    const int64_t lines = s->batch * s->in[0] * s->in[1];
    const int64_t rows = s->channels_first ? lines * s->in_channels : lines * cly_base_divide_up(s->in[2], PIXELS);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "depthwise_gradient",
                         .options = options,
                         .kernel = s->channels_first ? "depthwise_input_first" : "depthwise_input_last"};
    const cly_arg split = cly_ops_rows(context, rows, s->channels_first ? s->in[2] : s->in_channels, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[3]),
                          CLY_LONG(rows), split, CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->kernel),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad),
                          CLY_INT(s->in_channels), CLY_INT(s->out_channels));
}

/* As the transposed convolution with a group a channel; dy and w lie the same way. What follows the sums of the forward
 * pass is dropped. */
static clayer_status run_input_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                         cl_mem workspace) {
    cly_ops_conv_shape plain = *(const cly_ops_conv_shape *)shape;
    const cl_mem own[CLY_OPS_OPERANDS] = {operands[0], operands[1], NULL, operands[3]};
    plain.activation = (cly_ops_activation){.id = CLY_LINEAR};
    return cly_ops_conv_transpose_run_reference(context, &plain, own, workspace);
}

static const cly_ops_implementation transpose_implementations[] = {
    {.name = "direct", .cost = direct_cost, .run = run_input},
    {.name = "reference", .cost = reference_cost, .run = run_input_reference},
    {0},
};

const cly_ops_operator cly_ops_depthwise_transpose_operator = {.name = "depthwise_transpose",
                                                               .implementations = transpose_implementations};

/* ---- weights ---- */

/* Lines of dy (rows of the tensor, counted over all images) are dealt out to slots. */
typedef struct deal {
    int64_t lines, each, slots;
    int64_t blocks; /* of taps */
    int64_t weights;
    int64_t floats; /* of workspace */
} deal;

static int64_t floats_of(const deal *d) {
    return d->slots > 1 ? d->slots * d->weights + cly_ops_slots_floats(d->slots, d->weights) : 0;
}

static deal deal_of(const clayer_context *context, const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const bool cpu = cly_ops_is_cpu(context);
    const int64_t limit = (int64_t)(cly_device_workspace_limit(context) / sizeof(float) / 4);
    const int64_t units = cly_device_info(context)->compute_units > 0 ? cly_device_info(context)->compute_units : 1;
    deal d = {.lines = s->batch * s->out[0] * s->out[1],
              .blocks = s->kernel[0] * s->kernel[1] * cly_base_divide_up(s->kernel[2], TAPS),
              .weights = n.taps * s->out_channels};
    const int64_t across = s->channels_first ? s->out_channels
                           : cpu             ? 1
                                             : cly_base_divide_up(s->out_channels, cly_ops_vector(context));
    d.slots = cly_base_divide_up(units * (cpu ? 4 : 512), d.blocks * across);
    d.slots = d.slots < d.lines / LEAST_LINES ? d.slots : d.lines / LEAST_LINES;
    d.slots = d.slots < MOST_SLOTS ? d.slots : MOST_SLOTS;
    while (d.slots > 1 && floats_of(&d) > limit) {
        d.slots /= 2;
    }
    d.slots = d.slots > 1 ? d.slots : 1;
    d.each = cly_base_divide_up(d.lines, d.slots);
    d.slots = cly_base_divide_up(d.lines, d.each);
    d.floats = floats_of(&d);
    return d;
}

static uint64_t weights_workspace(const clayer_context *context, const void *shape) {
    return (uint64_t)deal_of(context, shape).floats * sizeof(float);
}

static clayer_status run_weights(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    const deal d = deal_of(context, s);
    const int64_t rows = d.slots * d.blocks * (s->channels_first ? s->out_channels : 1);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "depthwise_gradient",
                         .options = options,
                         .kernel = s->channels_first ? "depthwise_weights_first" : "depthwise_weights_last"};
    const cly_arg split = cly_ops_rows(context, rows, s->channels_first ? 1 : s->out_channels, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]),
                           CLY_BUFFER(d.slots > 1 ? workspace : operands[2]), CLY_LONG(rows), split, CLY_INT(d.lines),
                           CLY_INT(d.each), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->kernel),
                           CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad),
                           CLY_INT(s->in_channels), CLY_INT(s->out_channels)));
    if (d.slots > 1) {
        CLY_TRY(cly_ops_slots_add(context, workspace, 0, d.slots, d.weights, 1.0f, operands[2], 0));
    }
done:
    return status;
}

static const cly_ops_implementation weights_implementations[] = {
    {.name = "direct", .cost = direct_cost, .workspace_bytes = weights_workspace, .run = run_weights},
    {.name = "reference", .cost = reference_cost, .run = cly_ops_conv_weights_run_reference},
    {0},
};

const cly_ops_operator cly_ops_depthwise_weights_operator = {.name = "depthwise_weights",
                                                             .implementations = weights_implementations};
