/* layers/conv.c: Conv1D, Conv2D, Conv3D. Rank is data. Keras: keras/src/layers/convolutional/base_conv.py. */
#include "layers/layer.h"

typedef clayer_conv_config config;

#define PARAMS(paddings)                                                                                             \
    CLY_PARAM(config, filters, INT, .required = true, .low = 1, .high = INT32_MAX),                                  \
        CLY_PARAM_AXES(config, kernel_size, .required = true), CLY_PARAM_AXES(config, strides, .fallback = 1),       \
        CLY_PARAM_PADDING(config, paddings), CLY_PARAM_DATA_FORMAT(config),                                          \
        CLY_PARAM_AXES(config, dilation_rate, .fallback = 1),                                                        \
        CLY_PARAM(config, groups, INT, .fallback = 1, .low = 1, .high = INT32_MAX), CLY_PARAM_ACTIVATION(config),    \
        CLY_PARAM_NEGATED(config, "use_bias", no_bias),                                                              \
        CLY_PARAM_INITIALIZER(config, kernel_initializer, "glorot_uniform"),                                         \
        CLY_PARAM_INITIALIZER(config, bias_initializer, "zeros"), CLY_PARAM_REGULARIZER(config, kernel_regularizer), \
        CLY_PARAM_REGULARIZER(config, bias_regularizer), CLY_PARAM_REGULARIZER(config, activity_regularizer),        \
        CLY_PARAM_CONSTRAINT(config, kernel_constraint), CLY_PARAM_CONSTRAINT(config, bias_constraint)

static const cly_layers_param params_1d[] = {PARAMS(cly_layers_paddings_1d), {0}};
static const cly_layers_param params[] = {PARAMS(cly_layers_paddings), {0}};

static clayer_status check(clayer_layer *layer) {
    const config *c = layer->config;
    if (c->filters % c->groups != 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "filters %lld is not a multiple of groups %lld",
                               (long long)c->filters, (long long)c->groups);
    }
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
    if (channels != -1 && channels % c->groups != 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                               "the input's %lld channels are not a multiple of groups %lld", (long long)channels,
                               (long long)c->groups);
    }
    *output_out = *inputs;
    output_out->dims[channel_axis] = c->filters;
    return cly_layers_infer_window(layer, inputs, "kernel_size", c->kernel_size, c->strides, c->dilation_rate,
                                   c->padding, output_out);
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    const clayer_shape bias = {.rank = 1, .dims = {c->filters}};
    clayer_shape kernel = {.rank = layer->class->rank + 2};
    int64_t channels = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_known_channels(layer, inputs, &channels));
    for (int i = 0; i < layer->class->rank; i++) {
        kernel.dims[i] = c->kernel_size[i];
    }
    kernel.dims[kernel.rank - 2] = channels / c->groups;
    kernel.dims[kernel.rank - 1] = c->filters;
    CLY_TRY(cly_layers_add_weight(layer, "kernel", &kernel, true, c->kernel_initializer, c->kernel_regularizer,
                                  c->kernel_constraint));
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
    shape->groups = c->groups;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_conv_operator, &step));
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

/* dx is the transposed convolution of dz. */
static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    cly_ops_conv_shape shape = {0};
    fill_shape(layer, inputs, output, &shape);
    const cly_layers_conv_gradients gradients = {
        .weights = &cly_ops_conv_weights_operator, .input = &cly_ops_conv_transpose_operator, .has_bias = !c->no_bias};
    return cly_layers_plan_conv_backward(layer, &gradients, &shape, output, wanted, steps);
}

#define CLASS(rank_, table)                                                                                        \
    {                                                                                                              \
        .name = "Conv" #rank_ "D", .auto_name = "conv" #rank_ "d", .rank = (rank_), .config_size = sizeof(config), \
        .params = (table), .check = check, .infer = infer, .declare = declare, .plan = plan,                       \
        .plan_backward = plan_backward                                                                             \
    }

const cly_layers_class cly_layers_conv1d = CLASS(1, params_1d);
const cly_layers_class cly_layers_conv2d = CLASS(2, params);
const cly_layers_class cly_layers_conv3d = CLASS(3, params);
