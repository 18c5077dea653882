/* layers/activation.c: Activation, ReLU, LeakyReLU, Softmax: activations as layers of their own. Keras:
 * keras/src/layers/activations/. */
#include <math.h>

#include "layers/layer.h"

static const cly_layers_param activation_params[] = {
    CLY_PARAM(clayer_activation_config, activation, SPEC, .required = true, .list = &cly_ops_activations),
    CLY_PARAM_REGULARIZER(clayer_activation_config, activity_regularizer),
    {0},
};

static const cly_layers_param relu_params[] = {
    CLY_PARAM_FLAGGED(clayer_relu_config, max_value, NUMBER, .low = 0, .high = HUGE_VAL),
    CLY_PARAM(clayer_relu_config, negative_slope, NUMBER, .low = 0, .high = HUGE_VAL),
    CLY_PARAM(clayer_relu_config, threshold, NUMBER, .low = 0, .high = HUGE_VAL),
    {0},
};

/* Keras 2 calls it alpha and lets it be negative, Keras 3 refuses that. */
static const cly_layers_param leaky_relu_params[] = {
    CLY_PARAM_FLAGGED(clayer_leaky_relu_config, negative_slope, NUMBER, .alias = "alpha", .fallback = 0.3),
    {0},
};

static const cly_layers_param softmax_params[] = {
    CLY_PARAM_FLAGGED(clayer_softmax_config, axis, INT, .fallback = -1),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

static clayer_status plan_elementwise(const cly_ops_activation *activation, const clayer_shape *output,
                                      cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_activation_operator, &step));
    step->shape.activation =
        (cly_ops_activation_shape){.count = cly_layers_product(output, 0, output->rank), .activation = *activation};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_over_axis(cly_ops_activation_id id, int axis, const clayer_shape *shape,
                                    cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_softmax_operator, &step));
    step->shape.softmax = (cly_ops_softmax_shape){.outer = cly_layers_product(shape, 0, axis),
                                                  .axis = shape->dims[axis],
                                                  .inner = cly_layers_product(shape, axis + 1, shape->rank),
                                                  .id = id};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_activation(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                     const clayer_shape *output, cly_ops_steps *steps) {
    (void)inputs, (void)count;
    if (layer->activation.id == CLY_LINEAR) {
        return CLAYER_OK;
    }
    if (cly_ops_activation_is_elementwise(&layer->activation)) {
        return plan_elementwise(&layer->activation, output, steps);
    }
    return plan_over_axis(layer->activation.id, output->rank - 1, output, steps);
}

static clayer_status plan_relu(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                               const clayer_shape *output, cly_ops_steps *steps) {
    (void)inputs, (void)count;
    const clayer_relu_config *c = layer->config;
    const cly_ops_activation activation = {
        .id = CLY_RELU,
        .parameters = {(float)c->negative_slope, c->has_max_value ? (float)c->max_value : INFINITY,
                       (float)c->threshold}};
    return plan_elementwise(&activation, output, steps);
}

static clayer_status plan_leaky_relu(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                     const clayer_shape *output, cly_ops_steps *steps) {
    (void)inputs, (void)count;
    const clayer_leaky_relu_config *c = layer->config;
    const cly_ops_activation activation = {.id = CLY_LEAKY_RELU, .parameters = {(float)c->negative_slope}};
    return plan_elementwise(&activation, output, steps);
}

static clayer_status infer_softmax(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    (void)count;
    int axis = 0;
    *output_out = *inputs;
    return cly_layers_expect_axis(layer, ((const clayer_softmax_config *)layer->config)->axis, inputs, &axis);
}

static clayer_status plan_softmax(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    int axis = 0;
    clayer_status status =
        cly_layers_expect_axis(layer, ((const clayer_softmax_config *)layer->config)->axis, inputs, &axis);
    return status != CLAYER_OK ? status : plan_over_axis(CLY_SOFTMAX, axis, output, steps);
}

const cly_layers_class cly_layers_activation = {.name = "Activation",
                                                .auto_name = "activation",
                                                .config_size = sizeof(clayer_activation_config),
                                                .params = activation_params,
                                                .infer = infer,
                                                .plan = plan_activation};
const cly_layers_class cly_layers_relu = {.name = "ReLU",
                                          .auto_name = "re_lu",
                                          .config_size = sizeof(clayer_relu_config),
                                          .params = relu_params,
                                          .infer = infer,
                                          .plan = plan_relu};
const cly_layers_class cly_layers_leaky_relu = {.name = "LeakyReLU",
                                                .auto_name = "leaky_re_lu",
                                                .config_size = sizeof(clayer_leaky_relu_config),
                                                .params = leaky_relu_params,
                                                .infer = infer,
                                                .plan = plan_leaky_relu};
const cly_layers_class cly_layers_softmax = {.name = "Softmax",
                                             .auto_name = "softmax",
                                             .config_size = sizeof(clayer_softmax_config),
                                             .params = softmax_params,
                                             .infer = infer_softmax,
                                             .plan = plan_softmax};
