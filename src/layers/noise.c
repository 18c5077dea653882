/* layers/noise.c: GaussianNoise and GaussianDropout: in training a normal number is added to each value, or each is
 * multiplied by one around 1; else the values stay where they are. Keras: keras/src/layers/regularization/
 * gaussian_{noise,dropout}.py. A seed gives the same numbers on every device, up to the last digits of a logarithm,
 * though not those of Keras. */
#include <math.h>

#include "layers/layer.h"

static const cly_layers_param noise_params[] = {
    CLY_PARAM(clayer_gaussian_noise_config, stddev, NUMBER, .low = 0, .high = HUGE_VAL),
    CLY_PARAM_FLAGGED(clayer_gaussian_noise_config, seed, INT, .required = false),
    {0},
};

static const cly_layers_param dropout_params[] = {
    CLY_PARAM(clayer_gaussian_dropout_config, rate, NUMBER, .low = 0, .high = 1),
    CLY_PARAM_FLAGGED(clayer_gaussian_dropout_config, seed, INT, .required = false),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

static bool multiplies(const clayer_layer *layer) {
    return layer->class == &cly_layers_gaussian_dropout;
}

/* The spread of the numbers; 0: the layer does nothing. Keras 2 leaves a rate of 1 out, Keras 3 divides by 0. */
static clayer_status stddev_of(const clayer_layer *layer, double *stddev_out) {
    if (!multiplies(layer)) {
        *stddev_out = ((const clayer_gaussian_noise_config *)layer->config)->stddev;
        return CLAYER_OK;
    }
    const double rate = ((const clayer_gaussian_dropout_config *)layer->config)->rate;
    if (rate == 1 && layer->generation == 3) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "rate is 1, must be below 1 in training");
    }
    *stddev_out = rate < 1 ? sqrt(rate / (1 - rate)) : 0;
    return CLAYER_OK;
}

static uint64_t seed_of(const clayer_layer *layer) {
    const clayer_gaussian_noise_config *n = layer->config;
    const clayer_gaussian_dropout_config *d = layer->config;
    const bool has_seed = multiplies(layer) ? d->has_seed : n->has_seed;
    const int64_t seed = multiplies(layer) ? d->seed : n->seed;
    return has_seed ? (uint64_t)seed : cly_layers_seed(layer, "noise");
}

/* The gradient of a product is the same product of the gradient, with the same numbers drawn once more; that of a sum
 * is the gradient itself, which is the noise of none. */
static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                 cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    double stddev = 0;
    if (!steps->training) {
        return CLAYER_OK;
    }
    CLY_TRY(stddev_of(layer, &stddev));
    if (stddev == 0) {
        return CLAYER_OK;
    }
    const int64_t count = cly_layers_product(input, 0, input->rank);
    if (backward && !multiplies(layer)) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
        step->shape.copy = (cly_ops_copy_shape){.rows = 1, .width = count, .x_length = count, .y_length = count};
    } else {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_noise_operator, &step));
        step->shape.noise = (cly_ops_noise_shape){.count = count,
                                                  .stddev = (float)stddev,
                                                  .multiplies = multiplies(layer),
                                                  .seed = seed_of(layer),
                                                  .step = &layer->training_step};
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
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
    (void)count, (void)output, (void)wanted;
    return plan_either(layer, inputs, true, steps);
}

const cly_layers_class cly_layers_gaussian_noise = {.name = "GaussianNoise",
                                                    .masks = CLY_MASKS_PASS,
                                                    .auto_name = "gaussian_noise",
                                                    .config_size = sizeof(clayer_gaussian_noise_config),
                                                    .params = noise_params,
                                                    .infer = infer,
                                                    .plan = plan,
                                                    .plan_backward = plan_backward};
const cly_layers_class cly_layers_gaussian_dropout = {.name = "GaussianDropout",
                                                      .masks = CLY_MASKS_PASS,
                                                      .auto_name = "gaussian_dropout",
                                                      .config_size = sizeof(clayer_gaussian_dropout_config),
                                                      .params = dropout_params,
                                                      .infer = infer,
                                                      .plan = plan,
                                                      .plan_backward = plan_backward};
