/* layers/steps.c: steps that several layers write, forward and backward: the activation after an operator, and the
 * gradients of activation, bias, convolution and window. */
#include "base/memory.h"
#include "layers/layer.h"

clayer_status cly_layers_plan_nothing(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps) {
    (void)layer, (void)inputs, (void)count, (void)output, (void)steps;
    return CLAYER_OK;
}

uint64_t cly_layers_bytes(const clayer_shape *shape) {
    return (uint64_t)cly_layers_product(shape, 0, shape->rank) * sizeof(float);
}

bool cly_layers_is_trained(const clayer_layer *layer, int index) {
    return clayer_layer_is_weight_trainable(layer, (size_t)index);
}

/* ---- the activation after an operator ---- */

static bool keeps_preactivation(const clayer_layer *layer, const cly_ops_steps *steps) {
    return steps->logits || (cly_layers_keeps(steps) && cly_ops_activation_needs_input(&layer->activation));
}

cly_ops_activation cly_layers_fused_activation(const clayer_layer *layer, const cly_ops_steps *steps) {
    const cly_ops_activation linear = {.id = CLY_LINEAR};
    const bool fused = cly_ops_activation_is_elementwise(&layer->activation) && !keeps_preactivation(layer, steps);
    return fused ? layer->activation : linear;
}

cly_ops_place cly_layers_preactivation(const clayer_layer *layer, const cly_ops_steps *steps) {
    return keeps_preactivation(layer, steps) ? CLY_PLACE(CLY_SAVED, CLY_LAYERS_SAVED_PREACTIVATION)
                                             : CLY_PLACE(CLY_OUTPUT, 0);
}

/* A step of the layer's activation or its gradient for a tensor of this shape; softmax acts on the last axis. */
static clayer_status add_activation(const clayer_layer *layer, const clayer_shape *shape, bool backward,
                                    cly_ops_steps *steps, cly_ops_step **step_out) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (cly_ops_activation_is_elementwise(&layer->activation)) {
        CLY_TRY(cly_ops_steps_add(
            steps, backward ? &cly_ops_activation_gradient_operator : &cly_ops_activation_operator, &step));
        step->shape.activation = (cly_ops_activation_shape){.count = cly_layers_product(shape, 0, shape->rank),
                                                            .activation = layer->activation};
    } else {
        CLY_TRY(
            cly_ops_steps_add(steps, backward ? &cly_ops_softmax_gradient_operator : &cly_ops_softmax_operator, &step));
        step->shape.softmax = (cly_ops_softmax_shape){.outer = cly_layers_product(shape, 0, shape->rank - 1),
                                                      .axis = shape->dims[shape->rank - 1],
                                                      .inner = 1,
                                                      .id = layer->activation.id};
    }
    *step_out = step;
done:
    return status;
}

clayer_status cly_layers_plan_activation(const clayer_layer *layer, const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const bool keeps = keeps_preactivation(layer, steps);
    if (cly_ops_activation_is_elementwise(&layer->activation) && !keeps) {
        return CLAYER_OK;
    }
    CLY_TRY(add_activation(layer, output, false, steps, &step));
    step->operands[0] = cly_layers_preactivation(layer, steps);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
    if (keeps) {
        steps->saved_bytes[CLY_LAYERS_SAVED_PREACTIVATION] = cly_layers_bytes(output);
    }
done:
    return status;
}

/* ---- gradients ---- */

clayer_status cly_layers_plan_activation_gradient(const clayer_layer *layer, const clayer_shape *output,
                                                  cly_ops_steps *steps, cly_ops_place *dz_out) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (layer->activation.id == CLY_LINEAR || steps->logits) {
        *dz_out = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
        return CLAYER_OK;
    }
    CLY_TRY(add_activation(layer, output, true, steps, &step));
    step->operands[0] = cly_layers_preactivation(layer, steps);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    step->operands[2] = CLY_PLACE(CLY_TEMPORARY, 0);
    steps->temporary_bytes[0] = cly_layers_bytes(output);
    *dz_out = CLY_PLACE(CLY_TEMPORARY, 0);
done:
    return status;
}

clayer_status cly_layers_plan_logits_gradient(const clayer_layer *layer, const clayer_shape *output,
                                              cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(add_activation(layer, output, true, steps, &step));
    step->operands[0] = cly_ops_activation_needs_input(&layer->activation)
                            ? CLY_PLACE(CLY_SAVED, CLY_LAYERS_SAVED_PREACTIVATION)
                            : CLY_PLACE(CLY_OUTPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    step->operands[2] = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
done:
    return status;
}

clayer_status cly_layers_plan_bias_gradient(const clayer_layer *layer, const clayer_shape *output, int index,
                                            cly_ops_place dz, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (!cly_layers_is_trained(layer, index)) {
        return CLAYER_OK;
    }
    const int axis = layer->channels_first ? 1 : output->rank - 1;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    step->shape.reduce = cly_ops_reduce_to_axis(cly_layers_product(output, 0, axis), output->dims[axis],
                                                cly_layers_product(output, axis + 1, output->rank));
    step->operands[0] = dz;
    step->operands[1] = CLY_PLACE(CLY_WEIGHT_GRADIENT, index);
done:
    return status;
}

clayer_status cly_layers_plan_conv_gradient(const cly_ops_operator *op, const cly_ops_conv_shape *shape,
                                            cly_ops_place first, cly_ops_place second, cly_ops_place result,
                                            cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const bool of_weights = op == &cly_ops_conv_weights_operator || op == &cly_ops_depthwise_weights_operator;
    CLY_TRY(cly_ops_steps_add(steps, op, &step));
    step->shape.conv = *shape;
    step->shape.conv.activation = (cly_ops_activation){.id = CLY_LINEAR};
    step->operands[0] = first;
    step->operands[1] = second;
    step->operands[of_weights ? 2 : 3] = result;
done:
    return status;
}

clayer_status cly_layers_plan_conv_backward(const clayer_layer *layer, const cly_layers_conv_gradients *gradients,
                                            const cly_ops_conv_shape *shape, const clayer_shape *output,
                                            const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const cly_ops_place x = CLY_PLACE(CLY_INPUT, 0);
    cly_ops_place dz;
    CLY_TRY(cly_layers_plan_activation_gradient(layer, output, steps, &dz));
    if (gradients->has_bias) {
        CLY_TRY(cly_layers_plan_bias_gradient(layer, output, 1, dz, steps));
    }
    if (cly_layers_is_trained(layer, 0)) {
        CLY_TRY(cly_layers_plan_conv_gradient(gradients->weights, shape, gradients->transposed ? dz : x,
                                              gradients->transposed ? x : dz, CLY_PLACE(CLY_WEIGHT_GRADIENT, 0),
                                              steps));
    }
    if (wanted[0]) {
        CLY_TRY(cly_layers_plan_conv_gradient(gradients->input, shape, dz, CLY_PLACE(CLY_WEIGHT, 0),
                                              CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
    }
done:
    return status;
}

clayer_status cly_layers_plan_window(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                     const int64_t before[3], bool backward, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    int64_t lead[3];
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, &step));
    cly_ops_window_shape *shape = &step->shape.window;
    cly_layers_outer_inner(layer, input, &shape->outer, &shape->inner);
    cly_layers_spatial(layer, backward ? output : input, shape->in);
    cly_layers_spatial(layer, backward ? input : output, shape->out);
    cly_layers_lead(layer, before, 0, lead);
    for (int i = 0; i < 3; i++) {
        shape->before[i] = backward ? -lead[i] : lead[i];
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}
