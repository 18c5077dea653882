/* layers/applications.c: the layers of its own that keras.applications has: CustomScaleLayer, LayerScale,
 * StochasticDepth. Keras: keras/src/applications/{inception_resnet_v2, convnext}.py. */
#include <stdio.h>

#include "base/number.h"
#include "layers/arithmetic.h"

/* ---- CustomScaleLayer ---- */

static const cly_layers_param custom_scale_params[] = {
    CLY_PARAM_FLAGGED(clayer_custom_scale_config, scale, NUMBER, .fallback = 1),
    {0},
};

static int common_rank(const clayer_shape *inputs) {
    return inputs[0].rank > inputs[1].rank ? inputs[0].rank : inputs[1].rank;
}

static clayer_status infer_custom_scale(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                        clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    const clayer_shape a = cly_layers_expand_shape(&inputs[0], common_rank(inputs), false);
    const clayer_shape b = cly_layers_expand_shape(&inputs[1], common_rank(inputs), false);
    (void)count;
    if (!cly_layers_broadcast(&a, &b, false, output_out)) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "inputs of shapes %s and %s do not fit",
                               cly_layers_shape_text(&inputs[0], first, sizeof(first)),
                               cly_layers_shape_text(&inputs[1], other, sizeof(other)));
    }
    return CLAYER_OK;
}

static void custom_scale_operands(const clayer_layer *layer, const clayer_shape *inputs, int rank,
                                  cly_layers_operand operands[2]) {
    for (int k = 0; k < 2; k++) {
        const clayer_shape shape = cly_layers_expand_shape(&inputs[k], rank, false);
        operands[k] = cly_layers_tensor(CLY_PLACE(CLY_INPUT, k), &shape);
    }
    operands[1].scalar = (float)((const clayer_custom_scale_config *)layer->config)->scale;
}

static clayer_status plan_custom_scale(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, cly_ops_steps *steps) {
    cly_layers_operand operands[2];
    (void)count;
    custom_scale_operands(layer, inputs, output->rank, operands);
    return cly_layers_plan_function(steps, CLY_ADD_SCALED, &operands[0], &operands[1], CLY_PLACE(CLY_OUTPUT, 0), output,
                                    NULL);
}

static clayer_status plan_custom_scale_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                                const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_layers_operand operands[2];
    (void)count;
    custom_scale_operands(layer, inputs, output->rank, operands);
    for (int k = 0; k < 2; k++) {
        if (wanted[k]) {
            CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_ADD_SCALED, &operands[0], &operands[1], NULL, k,
                                                      CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output,
                                                      CLY_PLACE(CLY_INPUT_GRADIENT, k)));
        }
    }
done:
    return status;
}

const cly_layers_class cly_layers_custom_scale_layer = {.name = "CustomScaleLayer",
                                                        .auto_name = "custom_scale_layer",
                                                        .config_size = sizeof(clayer_custom_scale_config),
                                                        .params = custom_scale_params,
                                                        .min_inputs = 2,
                                                        .max_inputs = 2,
                                                        .infer = infer_custom_scale,
                                                        .plan = plan_custom_scale,
                                                        .plan_backward = plan_custom_scale_backward};

/* ---- LayerScale ---- */

static const cly_layers_param layer_scale_params[] = {
    CLY_PARAM(clayer_layer_scale_config, init_values, NUMBER, .fallback = 1e-6),
    CLY_PARAM(clayer_layer_scale_config, projection_dim, INT, .required = true, .low = 1, .high = INT32_MAX),
    {0},
};

static clayer_status infer_layer_scale(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       clayer_shape *output_out) {
    const int64_t width = ((const clayer_layer_scale_config *)layer->config)->projection_dim;
    char text[CLY_LAYERS_SHAPE_TEXT];
    (void)count;
    if (inputs->dims[inputs->rank - 1] != width) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the last axis of the input %s is not projection_dim, %lld",
                               cly_layers_shape_text(inputs, text, sizeof(text)), (long long)width);
    }
    *output_out = *inputs;
    return CLAYER_OK;
}

static clayer_status declare_layer_scale(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    const clayer_layer_scale_config *c = layer->config;
    const clayer_shape shape = {.rank = 1, .dims = {c->projection_dim}};
    char number[32], initializer[64];
    (void)inputs, (void)count;
    cly_base_write_number(c->init_values, number, sizeof(number));
    (void)snprintf(initializer, sizeof(initializer), "constant(%s)", number);
    return cly_layers_add_weight(layer, "gamma", &shape, true, initializer, NULL, NULL);
}

static cly_layers_operand layer_scale_gamma(const clayer_layer *layer, int rank) {
    const clayer_shape own = {.rank = 1, .dims = {((const clayer_layer_scale_config *)layer->config)->projection_dim}};
    const clayer_shape shape = cly_layers_expand_shape(&own, rank, false);
    return cly_layers_tensor(CLY_PLACE(CLY_WEIGHT, 0), &shape);
}

static clayer_status plan_layer_scale(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps) {
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    const cly_layers_operand gamma = layer_scale_gamma(layer, inputs->rank);
    (void)count;
    return cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &gamma, CLY_PLACE(CLY_OUTPUT, 0), output, NULL);
}

static clayer_status plan_layer_scale_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                               const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    const cly_layers_operand gamma = layer_scale_gamma(layer, inputs->rank);
    const cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    (void)count;
    if (cly_layers_is_trained(layer, 0)) {
        CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_MULTIPLY, &x, &gamma, NULL, 1, dy, output,
                                                  CLY_PLACE(CLY_WEIGHT_GRADIENT, 0)));
    }
    if (wanted[0]) {
        CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_MULTIPLY, &x, &gamma, NULL, 0, dy, output,
                                                  CLY_PLACE(CLY_INPUT_GRADIENT, 0)));
    }
done:
    return status;
}

const cly_layers_class cly_layers_layer_scale = {.name = "LayerScale",
                                                 .auto_name = "layer_scale",
                                                 .config_size = sizeof(clayer_layer_scale_config),
                                                 .params = layer_scale_params,
                                                 .infer = infer_layer_scale,
                                                 .declare = declare_layer_scale,
                                                 .plan = plan_layer_scale,
                                                 .plan_backward = plan_layer_scale_backward};

/* ---- StochasticDepth ---- */

static const cly_layers_param stochastic_depth_params[] = {
    CLY_PARAM(clayer_stochastic_depth_config, drop_path_rate, NUMBER, .low = 0, .high = 1),
    {0},
};

static clayer_status infer_stochastic_depth(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                            clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

/* floor(1 - rate + u) / (1 - rate) with one u a sample is dropout whose numbers serve for all of a sample; the backward
 * pass draws them once more. */
static clayer_status plan_depth(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                cly_ops_steps *steps) {
    const clayer_stochastic_depth_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (!steps->training || c->drop_path_rate == 0) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_dropout_operator, &step));
    step->shape.dropout = (cly_ops_dropout_shape){.outer = input->dims[0],
                                                  .repeat = cly_layers_product(input, 1, input->rank),
                                                  .inner = 1,
                                                  .rate = (float)c->drop_path_rate,
                                                  .seed = cly_layers_seed(layer, "depth"),
                                                  .step = &layer->training_step};
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_stochastic_depth(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return plan_depth(layer, inputs, false, steps);
}

static clayer_status plan_stochastic_depth_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                                    const clayer_shape *output, const bool *wanted,
                                                    cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return plan_depth(layer, inputs, true, steps);
}

const cly_layers_class cly_layers_stochastic_depth = {.name = "StochasticDepth",
                                                      .auto_name = "stochastic_depth",
                                                      .config_size = sizeof(clayer_stochastic_depth_config),
                                                      .params = stochastic_depth_params,
                                                      .infer = infer_stochastic_depth,
                                                      .plan = plan_stochastic_depth,
                                                      .plan_backward = plan_stochastic_depth_backward};
