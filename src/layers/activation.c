/* layers/activation.c: Activation, ReLU, LeakyReLU, ELU, ThresholdedReLU: activations as layers of their own.
 * Keras: keras/src/layers/activations/, tf_keras/src/layers/activation/thresholded_relu.py. */
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

static const cly_layers_param elu_params[] = {
    CLY_PARAM_FLAGGED(clayer_elu_config, alpha, NUMBER, .fallback = 1),
    {0},
};

/* Keras 2 alone has it. */
static const cly_layers_param thresholded_relu_params[] = {
    CLY_PARAM_FLAGGED(clayer_thresholded_relu_config, theta, NUMBER, .low = 0, .high = HUGE_VAL, .fallback = 1),
    {0},
};

/* What the layer computes of an input. */
static cly_ops_activation describe(const clayer_layer *layer) {
    if (layer->class == &cly_layers_relu) {
        const clayer_relu_config *c = layer->config;
        return (cly_ops_activation){
            .id = CLY_RELU,
            .parameters = {(float)c->negative_slope, c->has_max_value ? (float)c->max_value : INFINITY,
                           (float)c->threshold}};
    } else if (layer->class == &cly_layers_leaky_relu) {
        const clayer_leaky_relu_config *c = layer->config;
        return (cly_ops_activation){.id = CLY_LEAKY_RELU, .parameters = {(float)c->negative_slope}};
    } else if (layer->class == &cly_layers_elu) {
        const clayer_elu_config *c = layer->config;
        return (cly_ops_activation){.id = CLY_ELU, .parameters = {(float)c->alpha}};
    } else if (layer->class == &cly_layers_thresholded_relu) {
        const clayer_thresholded_relu_config *c = layer->config;
        return (cly_ops_activation){.id = CLY_THRESHOLD, .parameters = {(float)c->theta}};
    }
    return layer->activation;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *shape, bool backward,
                                 cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const cly_ops_activation activation = describe(layer);
    const int axis = shape->rank - 1; /* of softmax and its like */
    if (activation.id == CLY_LINEAR) {
        return CLAYER_OK;
    }
    if (cly_ops_activation_is_elementwise(&activation)) {
        CLY_TRY(cly_ops_steps_add(
            steps, backward ? &cly_ops_activation_gradient_operator : &cly_ops_activation_operator, &step));
        step->shape.activation =
            (cly_ops_activation_shape){.count = cly_layers_product(shape, 0, shape->rank), .activation = activation};
    } else {
        CLY_TRY(
            cly_ops_steps_add(steps, backward ? &cly_ops_softmax_gradient_operator : &cly_ops_softmax_operator, &step));
        step->shape.softmax = (cly_ops_softmax_shape){
            .outer = cly_layers_product(shape, 0, axis), .axis = shape->dims[axis], .inner = 1, .id = activation.id};
    }
    const bool from_output = backward && !cly_ops_activation_needs_input(&activation);
    step->operands[0] = from_output ? CLY_PLACE(CLY_OUTPUT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    step->operands[2] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_NOWHERE, 0);
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return plan_either(layer, inputs, false, steps);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output;
    return wanted[0] ? plan_either(layer, inputs, true, steps) : CLAYER_OK;
}

const cly_layers_class cly_layers_activation = {.name = "Activation",
                                                .masks = CLY_MASKS_PASS,
                                                .auto_name = "activation",
                                                .config_size = sizeof(clayer_activation_config),
                                                .params = activation_params,
                                                .infer = infer,
                                                .plan = plan,
                                                .plan_backward = plan_backward};
const cly_layers_class cly_layers_relu = {.name = "ReLU",
                                          .masks = CLY_MASKS_PASS,
                                          .auto_name = "re_lu",
                                          .config_size = sizeof(clayer_relu_config),
                                          .params = relu_params,
                                          .infer = infer,
                                          .plan = plan,
                                          .plan_backward = plan_backward};
const cly_layers_class cly_layers_leaky_relu = {.name = "LeakyReLU",
                                                .masks = CLY_MASKS_PASS,
                                                .auto_name = "leaky_re_lu",
                                                .config_size = sizeof(clayer_leaky_relu_config),
                                                .params = leaky_relu_params,
                                                .infer = infer,
                                                .plan = plan,
                                                .plan_backward = plan_backward};
const cly_layers_class cly_layers_elu = {.name = "ELU",
                                         .masks = CLY_MASKS_PASS,
                                         .auto_name = "elu",
                                         .config_size = sizeof(clayer_elu_config),
                                         .params = elu_params,
                                         .infer = infer,
                                         .plan = plan,
                                         .plan_backward = plan_backward};
const cly_layers_class cly_layers_thresholded_relu = {.name = "ThresholdedReLU",
                                                      .masks = CLY_MASKS_PASS,
                                                      .auto_name = "thresholded_re_lu",
                                                      .config_size = sizeof(clayer_thresholded_relu_config),
                                                      .params = thresholded_relu_params,
                                                      .infer = infer,
                                                      .plan = plan,
                                                      .plan_backward = plan_backward};
