/* layers/prelu.c: PReLU: below 0 a trained slope for each place or channel. Keras:
 * keras/src/layers/activations/prelu.py. */
#include "layers/arithmetic.h"

typedef clayer_prelu_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_INITIALIZER(config, alpha_initializer, "zeros"),
    CLY_PARAM_REGULARIZER(config, alpha_regularizer),
    CLY_PARAM_CONSTRAINT(config, alpha_constraint),
    CLY_PARAM(config, shared_axes, SHAPE, .low = 1, .high = CLAYER_MAX_RANK - 1),
    {0},
};

/* The shape of alpha with an axis of 1 for the batch, which is that of the weight behind it. */
static clayer_shape shape_of_alpha(const clayer_layer *layer, const clayer_shape *input) {
    const clayer_shape *shared = &((const config *)layer->config)->shared_axes;
    clayer_shape alpha = *input;
    alpha.dims[0] = 1;
    for (int i = 0; i < shared->rank; i++) {
        alpha.dims[shared->dims[i]] = 1;
    }
    return alpha;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    const clayer_shape *shared = &((const config *)layer->config)->shared_axes;
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (inputs->rank < 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input has %d axis, expects 2 or more: (N, ...)",
                               inputs->rank);
    }
    for (int i = 0; i < shared->rank; i++) {
        if (shared->dims[i] >= inputs->rank) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "shared_axes has %lld, outside the input %s",
                                   (long long)shared->dims[i], cly_layers_shape_text(inputs, text, sizeof(text)));
        }
    }
    *output_out = *inputs;
    return CLAYER_OK;
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    const clayer_shape alpha = shape_of_alpha(layer, inputs);
    clayer_shape shape = {.rank = alpha.rank - 1};
    for (int i = 0; i < shape.rank; i++) {
        shape.dims[i] = alpha.dims[i + 1];
    }
    return cly_layers_add_weight(layer, "alpha", &shape, true, c->alpha_initializer, c->alpha_regularizer,
                                 c->alpha_constraint);
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const clayer_shape alpha_shape = shape_of_alpha(layer, inputs);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    const cly_layers_operand alpha = cly_layers_tensor(CLY_PLACE(CLY_WEIGHT, 0), &alpha_shape);
    return cly_layers_plan_function(steps, CLY_PRELU, &x, &alpha, CLY_PLACE(CLY_OUTPUT, 0), output, NULL);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    clayer_status status = CLAYER_OK;
    const clayer_shape alpha_shape = shape_of_alpha(layer, inputs);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    const cly_layers_operand alpha = cly_layers_tensor(CLY_PLACE(CLY_WEIGHT, 0), &alpha_shape);
    const cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    if (cly_layers_is_trained(layer, 0)) {
        CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_PRELU, &x, &alpha, NULL, 1, dy, output,
                                                  CLY_PLACE(CLY_WEIGHT_GRADIENT, 0)));
    }
    if (wanted[0]) {
        CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_PRELU, &x, &alpha, NULL, 0, dy, output,
                                                  CLY_PLACE(CLY_INPUT_GRADIENT, 0)));
    }
done:
    return status;
}

const cly_layers_class cly_layers_prelu = {.name = "PReLU",
                                           .masks = CLY_MASKS_PASS,
                                           .auto_name = "p_re_lu",
                                           .config_size = sizeof(config),
                                           .params = params,
                                           .infer = infer,
                                           .declare = declare,
                                           .plan = plan,
                                           .plan_backward = plan_backward};
