/* layers/conv_transpose.c: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: the gradient of the convolution with the
 * same parameters with respect to its input, so input and output change places in the operator's shape. Keras:
 * keras/src/layers/convolutional/base_conv_transpose.py; sizes as TensorFlow runs them. */
#include "layers/layer.h"

typedef clayer_conv_transpose_config config;

static const cly_layers_param params[] = {
    CLY_PARAM(config, filters, INT, .required = true, .low = 1, .high = INT32_MAX),
    CLY_PARAM_AXES(config, kernel_size, .required = true),
    CLY_PARAM_AXES(config, strides, .fallback = 1),
    CLY_PARAM_PADDING(config, cly_layers_paddings),
    CLY_PARAM_FLAGGED(config, output_padding, SIZES, .low = 0, .high = INT32_MAX),
    CLY_PARAM_DATA_FORMAT(config),
    CLY_PARAM_AXES(config, dilation_rate, .fallback = 1),
    CLY_PARAM_ACTIVATION(config),
    CLY_PARAM_NEGATED(config, "use_bias", no_bias),
    CLY_PARAM_INITIALIZER(config, kernel_initializer, "glorot_uniform"),
    CLY_PARAM_INITIALIZER(config, bias_initializer, "zeros"),
    CLY_PARAM_REGULARIZER(config, kernel_regularizer),
    CLY_PARAM_REGULARIZER(config, bias_regularizer),
    CLY_PARAM_REGULARIZER(config, activity_regularizer),
    CLY_PARAM_CONSTRAINT(config, kernel_constraint),
    CLY_PARAM_CONSTRAINT(config, bias_constraint),
    {0},
};

static clayer_status check(clayer_layer *layer) {
    const config *c = layer->config;
    for (int i = 0; i < layer->class->rank; i++) {
        if (c->has_output_padding && c->output_padding[i] >= c->strides[i]) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                                   "output_padding %lld on axis %d must be less than the stride %lld",
                                   (long long)c->output_padding[i], i, (long long)c->strides[i]);
        }
        /* Keras 2 ignores it, Keras 3 applies it: no answer would be right for both. */
        if (layer->class->rank == 3 && c->dilation_rate[i] != 1) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "dilation_rate is %lld; this layer takes only 1",
                                   (long long)c->dilation_rate[i]);
        }
    }
    return cly_layers_check_window(layer, c->kernel_size, c->strides, c->dilation_rate);
}

static bool transpose_axis(const config *c, int i, int64_t n, cly_ops_axis *axis_out) {
    return cly_ops_padding_transpose(cly_layers_padding(c->padding), n, c->kernel_size[i], c->strides[i],
                                     c->dilation_rate[i], c->has_output_padding ? c->output_padding[i] : -1, axis_out);
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = cly_layers_expect_rank(layer, inputs);
    if (status != CLAYER_OK) {
        return status;
    }
    *output_out = *inputs;
    output_out->dims[cly_layers_channel_axis(layer)] = c->filters;
    for (int i = 0; i < layer->class->rank; i++) {
        int axis = cly_layers_spatial_axis(layer, i);
        int64_t n = inputs->dims[axis];
        cly_ops_axis made = {.out = -1};
        if (n != -1 && !transpose_axis(c, i, n, &made)) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input %lld on axis %d: with kernel_size %lld, strides %lld, padding '%s' and "
                                   "output_padding %lld no convolution maps the output back to it",
                                   (long long)n, axis, (long long)c->kernel_size[i], (long long)c->strides[i],
                                   c->padding, (long long)c->output_padding[i]);
        }
        output_out->dims[axis] = made.out;
    }
    return CLAYER_OK;
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
    kernel.dims[kernel.rank - 2] = c->filters;
    kernel.dims[kernel.rank - 1] = channels;
    CLY_TRY(cly_layers_add_weight(layer, "kernel", &kernel, true, c->kernel_initializer, c->kernel_regularizer,
                                  c->kernel_constraint));
    if (!c->no_bias) {
        CLY_TRY(cly_layers_add_weight(layer, "bias", &bias, true, c->bias_initializer, c->bias_regularizer,
                                      c->bias_constraint));
    }
done:
    return status;
}

/* The convolution that maps our output back to our input. */
static void fill_shape(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                       cly_ops_conv_shape *shape) {
    const config *c = layer->config;
    int64_t before[3] = {0};
    cly_layers_conv_shape(layer, output, input, c->kernel_size, c->strides, c->dilation_rate, c->padding, shape);
    for (int i = 0; i < layer->class->rank; i++) {
        cly_ops_axis made = {0};
        (void)transpose_axis(c, i, input->dims[cly_layers_spatial_axis(layer, i)], &made); /* `infer` has accepted */
        before[i] = made.before;
    }
    cly_layers_lead(layer, before, 0, shape->pad);
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_conv_transpose_operator, &step));
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

/* dx is the convolution of dz, and dz takes the place of its input in the gradient of the kernel. */
static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    cly_ops_conv_shape shape = {0};
    fill_shape(layer, inputs, output, &shape);
    const cly_layers_conv_gradients gradients = {.weights = &cly_ops_conv_weights_operator,
                                                 .input = &cly_ops_conv_operator,
                                                 .transposed = true,
                                                 .has_bias = !c->no_bias};
    return cly_layers_plan_conv_backward(layer, &gradients, &shape, output, wanted, steps);
}

#define CLASS(rank_)                                                                                         \
    {                                                                                                        \
        .name = "Conv" #rank_ "DTranspose", .auto_name = "conv" #rank_ "d_transpose", .rank = (rank_),       \
        .config_size = sizeof(config), .params = params, .check = check, .infer = infer, .declare = declare, \
        .plan = plan, .plan_backward = plan_backward                                                         \
    }

const cly_layers_class cly_layers_conv1d_transpose = CLASS(1);
const cly_layers_class cly_layers_conv2d_transpose = CLASS(2);
const cly_layers_class cly_layers_conv3d_transpose = CLASS(3);
