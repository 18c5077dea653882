/* layers/separable_conv.c: SeparableConv1D, SeparableConv2D: a depthwise convolution without bias or activation, then a
 * 1x1 convolution over its channels, then bias and activation. Keras:
 * keras/src/layers/convolutional/base_separable_conv.py. Keras 2 also runs "causal" in 1D. Unequal strides, which
 * TensorFlow's CPU kernel refuses, mean what they mean elsewhere. */
#include "base/memory.h"
#include "layers/layer.h"

typedef clayer_separable_conv_config config;

#define PARAMS(paddings)                                                                                            \
    CLY_PARAM(config, filters, INT, .required = true, .low = 1, .high = INT32_MAX),                                 \
        CLY_PARAM_AXES(config, kernel_size, .required = true), CLY_PARAM_AXES(config, strides, .fallback = 1),      \
        CLY_PARAM_PADDING(config, paddings), CLY_PARAM_DATA_FORMAT(config),                                         \
        CLY_PARAM_AXES(config, dilation_rate, .fallback = 1),                                                       \
        CLY_PARAM(config, depth_multiplier, INT, .fallback = 1, .low = 1, .high = INT32_MAX),                       \
        CLY_PARAM_ACTIVATION(config), CLY_PARAM_NEGATED(config, "use_bias", no_bias),                               \
        CLY_PARAM_INITIALIZER(config, depthwise_initializer, "glorot_uniform"),                                     \
        CLY_PARAM_INITIALIZER(config, pointwise_initializer, "glorot_uniform"),                                     \
        CLY_PARAM_INITIALIZER(config, bias_initializer, "zeros"),                                                   \
        CLY_PARAM_REGULARIZER(config, depthwise_regularizer), CLY_PARAM_REGULARIZER(config, pointwise_regularizer), \
        CLY_PARAM_REGULARIZER(config, bias_regularizer), CLY_PARAM_REGULARIZER(config, activity_regularizer),       \
        CLY_PARAM_CONSTRAINT(config, depthwise_constraint), CLY_PARAM_CONSTRAINT(config, pointwise_constraint),     \
        CLY_PARAM_CONSTRAINT(config, bias_constraint)

static const cly_layers_param params_1d[] = {PARAMS(cly_layers_paddings_1d), {0}};
static const cly_layers_param params[] = {PARAMS(cly_layers_paddings), {0}};

static clayer_status check(clayer_layer *layer) {
    const config *c = layer->config;
    return cly_layers_check_window(layer, c->kernel_size, c->strides, c->dilation_rate);
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = cly_layers_expect_rank(layer, inputs);
    if (status != CLAYER_OK) {
        return status;
    }
    int channel_axis = cly_layers_channel_axis(layer);
    int64_t channels = inputs->dims[channel_axis];
    if (channels != -1 && channels * c->depth_multiplier > INT32_MAX) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%lld channels times depth_multiplier %lld exceed %d",
                               (long long)channels, (long long)c->depth_multiplier, INT32_MAX);
    }
    *output_out = *inputs;
    output_out->dims[channel_axis] = c->filters;
    return cly_layers_infer_depthwise(layer, inputs, c->kernel_size, c->strides, c->dilation_rate, c->padding,
                                      output_out);
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    const clayer_shape bias = {.rank = 1, .dims = {c->filters}};
    clayer_shape depthwise = {.rank = layer->class->rank + 2}, pointwise = {.rank = layer->class->rank + 2};
    int64_t channels = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_known_channels(layer, inputs, &channels));
    for (int i = 0; i < layer->class->rank; i++) {
        depthwise.dims[i] = c->kernel_size[i];
        pointwise.dims[i] = 1;
    }
    depthwise.dims[depthwise.rank - 2] = channels;
    depthwise.dims[depthwise.rank - 1] = c->depth_multiplier;
    pointwise.dims[pointwise.rank - 2] = channels * c->depth_multiplier;
    pointwise.dims[pointwise.rank - 1] = c->filters;
    CLY_TRY(cly_layers_add_weight(layer, "depthwise_kernel", &depthwise, true, c->depthwise_initializer,
                                  c->depthwise_regularizer, c->depthwise_constraint));
    CLY_TRY(cly_layers_add_weight(layer, "pointwise_kernel", &pointwise, true, c->pointwise_initializer,
                                  c->pointwise_regularizer, c->pointwise_constraint));
    if (!c->no_bias) {
        CLY_TRY(cly_layers_add_weight(layer, "bias", &bias, true, c->bias_initializer, c->bias_regularizer,
                                      c->bias_constraint));
    }
done:
    return status;
}

/* ---- the two convolutions ---- */

#define SAVED_MIDDLE 1 /* beside CLY_LAYERS_SAVED_PREACTIVATION */

typedef struct parts {
    clayer_shape middle; /* what lies between: the output's shape with the depthwise channels */
    uint64_t middle_bytes;
    cly_ops_conv_shape depthwise, pointwise;
} parts;

static clayer_status split(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                           parts *parts_out) {
    static const int64_t ones[3] = {1, 1, 1};
    const config *c = layer->config;
    const int channel_axis = cly_layers_channel_axis(layer);
    parts p = {.middle = *output};
    p.middle.dims[channel_axis] = input->dims[channel_axis] * c->depth_multiplier;
    int64_t bytes = cly_layers_product(&p.middle, 0, p.middle.rank);
    if (bytes < 0 || !cly_base_multiply(&bytes, sizeof(float))) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the size of the depthwise result overflows");
    }
    p.middle_bytes = (uint64_t)bytes;
    cly_layers_conv_shape(layer, input, &p.middle, c->kernel_size, c->strides, c->dilation_rate, c->padding,
                          &p.depthwise);
    p.depthwise.groups = p.depthwise.in_channels;
    cly_layers_conv_shape(layer, &p.middle, output, ones, ones, ones, "valid", &p.pointwise);
    *parts_out = p;
    return CLAYER_OK;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    const bool keeps = cly_layers_keeps(steps);
    const cly_ops_place middle = keeps ? CLY_PLACE(CLY_SAVED, SAVED_MIDDLE) : CLY_PLACE(CLY_TEMPORARY, 0);
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    parts p;
    CLY_TRY(split(layer, inputs, output, &p));
    if (keeps) {
        steps->saved_bytes[SAVED_MIDDLE] = p.middle_bytes;
    } else {
        steps->temporary_bytes[0] = p.middle_bytes;
    }

    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_depthwise_operator, &step));
    step->shape.conv = p.depthwise;
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_WEIGHT, 0);
    step->operands[3] = middle;

    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_conv_operator, &step));
    step->shape.conv = p.pointwise;
    step->shape.conv.activation = cly_layers_fused_activation(layer, steps);
    step->operands[0] = middle;
    step->operands[1] = CLY_PLACE(CLY_WEIGHT, 1);
    step->operands[2] = c->no_bias ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, 2);
    step->operands[3] = cly_layers_preactivation(layer, steps);
    CLY_TRY(cly_layers_plan_activation(layer, output, steps));
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    const cly_ops_place dmiddle = CLY_PLACE(CLY_TEMPORARY, 1); /* dz may be in the other one */
    clayer_status status = CLAYER_OK;
    cly_ops_place dz;
    parts p;
    CLY_TRY(split(layer, inputs, output, &p));
    CLY_TRY(cly_layers_plan_activation_gradient(layer, output, steps, &dz));
    if (!c->no_bias) {
        CLY_TRY(cly_layers_plan_bias_gradient(layer, output, 2, dz, steps));
    }
    if (cly_layers_is_trained(layer, 1)) {
        CLY_TRY(cly_layers_plan_conv_gradient(&cly_ops_conv_weights_operator, &p.pointwise,
                                              CLY_PLACE(CLY_SAVED, SAVED_MIDDLE), dz, CLY_PLACE(CLY_WEIGHT_GRADIENT, 1),
                                              steps));
    }
    CLY_TRY(cly_layers_plan_conv_gradient(&cly_ops_conv_transpose_operator, &p.pointwise, dz, CLY_PLACE(CLY_WEIGHT, 1),
                                          dmiddle, steps));
    steps->temporary_bytes[1] = p.middle_bytes;
    if (cly_layers_is_trained(layer, 0)) {
        CLY_TRY(cly_layers_plan_conv_gradient(&cly_ops_depthwise_weights_operator, &p.depthwise,
                                              CLY_PLACE(CLY_INPUT, 0), dmiddle, CLY_PLACE(CLY_WEIGHT_GRADIENT, 0),
                                              steps));
    }
    if (wanted[0]) {
        CLY_TRY(cly_layers_plan_conv_gradient(&cly_ops_depthwise_transpose_operator, &p.depthwise, dmiddle,
                                              CLY_PLACE(CLY_WEIGHT, 0), CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
    }
done:
    return status;
}

#define CLASS(rank_, table)                                                                                   \
    {                                                                                                         \
        .name = "SeparableConv" #rank_ "D", .auto_name = "separable_conv" #rank_ "d", .rank = (rank_),        \
        .config_size = sizeof(config), .params = (table), .check = check, .infer = infer, .declare = declare, \
        .plan = plan, .plan_backward = plan_backward                                                          \
    }

const cly_layers_class cly_layers_separable_conv1d = CLASS(1, params_1d);
const cly_layers_class cly_layers_separable_conv2d = CLASS(2, params);
