/* layers/dropout.c: Dropout: in training a part of the values becomes 0 and the others grow by 1 / (1 - rate); else the
 * values stay where they are. Keras: keras/src/layers/regularization/dropout.py. A seed gives the same numbers on every
 * device, though not those of Keras. */
#include "layers/layer.h"

typedef clayer_dropout_config config;

static const cly_layers_param params[] = {
    CLY_PARAM(config, rate, NUMBER, .low = 0, .high = 1),
    CLY_PARAM_FLAGGED(config, seed, INT, .required = false),
    CLY_PARAM(config, noise_shape, SHAPE, .low = -1, .high = INT32_MAX),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = *inputs;
    return CLAYER_OK;
}

/* (outer, repeat, inner): one number serves for all of an axis where noise_shape has a 1, and such axes must lie side
 * by side. False: they do not. */
static bool fill_sizes(const clayer_shape *noise, const clayer_shape *input, cly_ops_dropout_shape *shape) {
    int64_t *const sizes[3] = {&shape->outer, &shape->repeat, &shape->inner};
    int part = 0;
    for (int i = 0; i < input->rank; i++) {
        const bool repeated = noise->rank != 0 && noise->dims[i] == 1;
        if (input->dims[i] == 1) {
            continue;
        }
        part += repeated != (part == 1);
        if (part > 2) {
            return false;
        }
        *sizes[part] *= input->dims[i];
    }
    return true;
}

static clayer_status fill_shape(const clayer_layer *layer, const clayer_shape *input, cly_ops_dropout_shape *shape) {
    const config *c = layer->config;
    const clayer_shape *noise = &c->noise_shape;
    char given[CLY_LAYERS_SHAPE_TEXT], wanted[CLY_LAYERS_SHAPE_TEXT];
    bool fits = noise->rank == 0 || noise->rank == input->rank;
    for (int i = 0; i < noise->rank && fits; i++) {
        fits = noise->dims[i] == -1 || noise->dims[i] == 1 || noise->dims[i] == input->dims[i];
    }
    *shape = (cly_ops_dropout_shape){.outer = 1,
                                     .repeat = 1,
                                     .inner = 1,
                                     .rate = (float)c->rate,
                                     .seed = c->has_seed ? (uint64_t)c->seed : cly_layers_seed(layer, "dropout"),
                                     .step = &layer->training_step};
    if (fits && fill_sizes(noise, input, shape)) {
        return CLAYER_OK;
    }
    return cly_layers_fail(layer, fits ? CLAYER_UNSUPPORTED : CLAYER_INVALID_SHAPE,
                           "noise_shape %s for the input %s: %s", cly_layers_shape_text(noise, given, sizeof(given)),
                           cly_layers_shape_text(input, wanted, sizeof(wanted)),
                           fits ? "only axes of 1 that lie side by side are supported in training"
                                : "it must have as many axes, each of the same size or 1");
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                 cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (!steps->training || ((const config *)layer->config)->rate == 0) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_dropout_operator, &step));
    CLY_TRY(fill_shape(layer, input, &step->shape.dropout));
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

/* The same numbers are drawn once more. */
static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return plan_either(layer, inputs, true, steps);
}

const cly_layers_class cly_layers_dropout = {.name = "Dropout",
                                             .auto_name = "dropout",
                                             .config_size = sizeof(config),
                                             .params = params,
                                             .infer = infer,
                                             .plan = plan,
                                             .plan_backward = plan_backward};
