/* layers/depthwise_conv.c: DepthwiseConv1D, DepthwiseConv2D: each input channel c gives the output channels
 * c * depth_multiplier .. c * depth_multiplier + depth_multiplier - 1. Keras:
 * keras/src/layers/convolutional/base_depthwise_conv.py. */
#include "layers/layer.h"

typedef clayer_depthwise_conv_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_AXES(config, kernel_size, .required = true),
    CLY_PARAM_AXES(config, strides, .fallback = 1),
    CLY_PARAM_PADDING(config, cly_layers_paddings),
    CLY_PARAM(config, depth_multiplier, INT, .fallback = 1, .low = 1, .high = INT32_MAX),
    CLY_PARAM_DATA_FORMAT(config),
    CLY_PARAM_AXES(config, dilation_rate, .fallback = 1),
    CLY_PARAM_ACTIVATION(config),
    CLY_PARAM_NEGATED(config, "use_bias", no_bias),
    CLY_PARAM_INITIALIZER(config, depthwise_initializer, "glorot_uniform"),
    CLY_PARAM_INITIALIZER(config, bias_initializer, "zeros"),
    CLY_PARAM_REGULARIZER(config, depthwise_regularizer),
    CLY_PARAM_REGULARIZER(config, bias_regularizer),
    CLY_PARAM_REGULARIZER(config, activity_regularizer),
    CLY_PARAM_CONSTRAINT(config, depthwise_constraint),
    CLY_PARAM_CONSTRAINT(config, bias_constraint),
    {0},
};

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
    *output_out = *inputs;
    output_out->dims[channel_axis] = channels == -1 ? -1 : channels * c->depth_multiplier;
    return cly_layers_infer_depthwise(layer, inputs, c->kernel_size, c->strides, c->dilation_rate, c->padding,
                                      output_out);
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    clayer_shape bias = {.rank = 1}, kernel = {.rank = layer->class->rank + 2};
    int64_t channels = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_known_channels(layer, inputs, &channels));
    for (int i = 0; i < layer->class->rank; i++) {
        kernel.dims[i] = c->kernel_size[i];
    }
    kernel.dims[kernel.rank - 2] = channels;
    kernel.dims[kernel.rank - 1] = c->depth_multiplier;
    bias.dims[0] = channels * c->depth_multiplier;
    CLY_TRY(cly_layers_add_weight(layer, "depthwise_kernel", &kernel, true, c->depthwise_initializer,
                                  c->depthwise_regularizer, c->depthwise_constraint));
    if (!c->no_bias) {
        CLY_TRY(cly_layers_add_weight(layer, "bias", &bias, true, c->bias_initializer, c->bias_regularizer,
                                      c->bias_constraint));
    }
done:
    return status;
}

static void fill_shape(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                       cly_ops_conv_shape *shape) {
    const config *c = layer->config;
    cly_layers_conv_shape(layer, input, output, c->kernel_size, c->strides, c->dilation_rate, c->padding, shape);
    shape->groups = shape->in_channels;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_depthwise_operator, &step));
    fill_shape(layer, inputs, output, &step->shape.conv);
    step->shape.conv.activation = cly_layers_fused_activation(layer, steps);
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_WEIGHT, 0);
    step->operands[2] = c->no_bias ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, 1);
    step->operands[3] = cly_layers_preactivation(layer, steps);
    CLY_TRY(cly_layers_plan_activation(layer, output, steps));
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    cly_ops_conv_shape shape = {0};
    fill_shape(layer, inputs, output, &shape);
    const cly_layers_conv_gradients gradients = {.weights = &cly_ops_depthwise_weights_operator,
                                                 .input = &cly_ops_depthwise_transpose_operator,
                                                 .has_bias = !c->no_bias};
    return cly_layers_plan_conv_backward(layer, &gradients, &shape, output, wanted, steps);
}

#define CLASS(rank_)                                                                                         \
    {                                                                                                        \
        .name = "DepthwiseConv" #rank_ "D", .auto_name = "depthwise_conv" #rank_ "d", .rank = (rank_),       \
        .config_size = sizeof(config), .params = params, .check = check, .infer = infer, .declare = declare, \
        .plan = plan, .plan_backward = plan_backward                                                         \
    }

const cly_layers_class cly_layers_depthwise_conv1d = CLASS(1);
const cly_layers_class cly_layers_depthwise_conv2d = CLASS(2);
