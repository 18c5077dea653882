/* layers/backward.c: a layer on its own in training: gradients after a forward pass on the same tensors. What is kept
 * between the two passes, and the gradients of the weights, take memory only while training is on. */
#include <stdio.h>
#include <stdlib.h>

#include "layers/layer.h"

/* ---- training on and off ---- */

void cly_layers_release_training(clayer_layer *layer) {
    for (size_t i = 0; i < CLY_OPS_SAVED; i++) {
        cly_device_buffer_destroy(layer->context, layer->saved[i]);
        layer->saved[i] = NULL;
        layer->saved_bytes[i] = 0;
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        cly_weights_drop_gradient(&layer->weights[i]);
    }
    layer->ran_output = NULL;
}

clayer_status clayer_layer_set_training(clayer_layer *layer, bool training) {
    if (layer == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_set_training: layer is NULL");
    }
    if (layer->training != training) {
        layer->training = training;
        layer->planned_count = 0; /* the steps are others */
        cly_layers_release_training(layer);
    }
    return CLAYER_OK;
}

clayer_tensor *clayer_layer_get_weight_gradient(const clayer_layer *layer, size_t index) {
    return clayer_layer_is_weight_trainable(layer, index) ? layer->weights[index].gradient : NULL;
}

/* ---- what the caller gives ---- */

/* The forward pass whose tensors these are. */
static clayer_status check_forward(const clayer_layer *layer, clayer_tensor *const *inputs, size_t count,
                                   const clayer_tensor *output) {
    if (layer->ran_output == NULL) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "the backward pass needs a forward pass before it, with training set to true");
    }
    if (count != layer->planned_count) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%zu inputs, the forward pass had %zu", count,
                               layer->planned_count);
    }
    for (size_t i = 0; i < count; i++) {
        if (inputs[i] == NULL || cly_device_tensor_buffer(inputs[i]) != layer->ran_inputs[i] ||
            !cly_layers_same_shape(clayer_tensor_get_shape(inputs[i]), &layer->planned_inputs[i])) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "input %zu is %s that of the last forward pass", i,
                                   inputs[i] == NULL ? "NULL, not" : "not");
        }
    }
    if (cly_device_tensor_buffer(output) != layer->ran_output) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "the output is not that of the last forward pass");
    }
    return CLAYER_OK;
}

/* A gradient that is written shares its memory with nothing else. */
static clayer_status check_apart(const clayer_layer *layer, clayer_tensor *const *inputs, size_t count,
                                 const clayer_tensor *output, const clayer_tensor *output_gradient,
                                 clayer_tensor *const *gradients, size_t index) {
    clayer_status status = CLAYER_OK;
    const clayer_tensor *gradient = gradients[index];
    char what[48], other[48];
    (void)snprintf(what, sizeof(what), "the gradient of input %zu", index);
    CLY_TRY(cly_layers_check_tensor(layer, gradient, what, NULL, NULL));
    CLY_TRY(cly_layers_expect_shape(layer, gradient, what, &layer->planned_inputs[index]));
    CLY_TRY(cly_layers_check_tensor(layer, output, "the output", gradient, what));
    CLY_TRY(cly_layers_check_tensor(layer, output_gradient, "the output's gradient", gradient, what));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(other, sizeof(other), "input %zu", i);
        CLY_TRY(cly_layers_check_tensor(layer, inputs[i], other, gradient, what));
        if (i != index && gradients[i] != NULL) {
            (void)snprintf(other, sizeof(other), "the gradient of input %zu", i);
            CLY_TRY(cly_layers_check_tensor(layer, gradients[i], other, gradient, what));
        }
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        (void)snprintf(other, sizeof(other), "weight '%s'", layer->weights[i].name);
        CLY_TRY(cly_layers_check_tensor(layer, layer->weights[i].tensor, other, gradient, what));
        if (layer->weights[i].gradient != NULL) {
            (void)snprintf(other, sizeof(other), "the gradient of weight '%s'", layer->weights[i].name);
            CLY_TRY(cly_layers_check_tensor(layer, layer->weights[i].gradient, other, gradient, what));
        }
    }
done:
    return status;
}

/* ---- running ---- */

static clayer_status run(clayer_layer *layer, const clayer_tensor *output, const clayer_tensor *output_gradient,
                         clayer_tensor *const *input_gradients) {
    clayer_status status = CLAYER_OK;
    cl_mem inputs[CLY_LAYERS_MAX_INPUTS], weights[CLY_LAYERS_WEIGHTS];
    bool wanted[CLY_LAYERS_MAX_INPUTS];
    cly_ops_steps steps = {.training = layer->training, .keeps = layer->keeps};
    const size_t count = layer->planned_count;
    for (size_t i = 0; i < count; i++) {
        wanted[i] = input_gradients != NULL && input_gradients[i] != NULL;
        inputs[i] = wanted[i] ? cly_device_tensor_buffer(input_gradients[i]) : NULL;
    }
    if (layer->steps.count == 0) {
        if (wanted[0]) {
            CLY_TRY(cly_layers_run_copy(layer, output_gradient, input_gradients[0]));
        }
        goto done;
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        weights[i] = NULL;
        if (cly_layers_is_trained(layer, (int)i)) {
            CLY_TRY(cly_weights_hold_gradient(&layer->weights[i], layer->context));
            weights[i] = cly_device_tensor_buffer(layer->weights[i].gradient);
        }
    }
    CLY_TRY(
        cly_layers_plan_backward(layer, layer->planned_inputs, count, clayer_tensor_get_shape(output), wanted, &steps));
    cly_ops_bindings bindings = {.inputs = layer->ran_inputs,
                                 .output = layer->ran_output,
                                 .output_gradient = cly_device_tensor_buffer(output_gradient),
                                 .input_gradients = inputs,
                                 .weight_gradients = weights};
    CLY_TRY(cly_layers_run_steps(layer, &steps, &bindings));
done:
    cly_ops_steps_free(&steps);
    return status;
}

clayer_status clayer_layer_backward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                    clayer_tensor *output, clayer_tensor *output_gradient,
                                    clayer_tensor *const *input_gradients) {
    clayer_status status = CLAYER_OK;
    if (layer == NULL || inputs == NULL || output == NULL || output_gradient == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_backward: %s is NULL",
                             layer == NULL    ? "layer"
                             : inputs == NULL ? "inputs"
                             : output == NULL ? "output"
                                              : "output_gradient");
    }
    CLY_TRY(check_forward(layer, inputs, input_count, output));
    CLY_TRY(cly_layers_check_tensor(layer, output_gradient, "the output's gradient", NULL, NULL));
    CLY_TRY(cly_layers_expect_shape(layer, output_gradient, "the output's gradient", clayer_tensor_get_shape(output)));
    for (size_t i = 0; i < input_count && input_gradients != NULL; i++) {
        if (input_gradients[i] != NULL) {
            CLY_TRY(check_apart(layer, inputs, input_count, output, output_gradient, input_gradients, i));
        }
    }
    CLY_TRY(run(layer, output, output_gradient, input_gradients));
done:
    return status;
}
