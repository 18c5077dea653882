/* layers/dropout.c: Dropout, SpatialDropout1D-3D, AlphaDropout: in training a part of the values is dropped, alone or
 * with whole channels, and the others are changed so that the mean, for AlphaDropout the variance too, stays; else the
 * values stay where they are. Keras: keras/src/layers/regularization/{dropout,spatial_dropout,alpha_dropout}.py. A seed
 * gives the same numbers on every device, though not those of Keras. */
#include <math.h>

#include "layers/layer.h"

typedef clayer_dropout_config config; /* of AlphaDropout, too */
typedef clayer_spatial_dropout_config spatial_config;

static const cly_layers_param params[] = {
    CLY_PARAM(config, rate, NUMBER, .low = 0, .high = 1),
    CLY_PARAM_FLAGGED(config, seed, INT, .required = false),
    CLY_PARAM(config, noise_shape, SHAPE, .low = -1, .high = INT32_MAX),
    {0},
};

#define SPATIAL                                                   \
    CLY_PARAM(spatial_config, rate, NUMBER, .low = 0, .high = 1), \
        CLY_PARAM_FLAGGED(spatial_config, seed, INT, .required = false)

static const cly_layers_param spatial_params_1d[] = {SPATIAL, {0}};
static const cly_layers_param spatial_params[] = {SPATIAL, CLY_PARAM_DATA_FORMAT(spatial_config), {0}};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    clayer_status status = layer->class->rank > 0 ? cly_layers_expect_rank(layer, inputs) : CLAYER_OK;
    if (status == CLAYER_OK) {
        *output_out = *inputs;
    }
    return status;
}

/* (outer, repeat, inner) where the axes that share a number lie side by side; false: they do not. */
static bool fill_sizes(unsigned repeats, const clayer_shape *input, cly_ops_dropout_shape *shape) {
    int64_t *const sizes[3] = {&shape->outer, &shape->repeat, &shape->inner};
    int part = 0;
    for (int i = 0; i < input->rank; i++) {
        const bool repeated = repeats >> i & 1u;
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

/* The axes for all of which one number serves, as bits. A shorter noise_shape stands for the last axes, as NumPy
 * broadcasts; None means the size of the axis of the same number, so it needs all of them. */
static clayer_status find_repeats(const clayer_layer *layer, const clayer_shape *input, unsigned *repeats_out) {
    unsigned repeats = 0;
    if (layer->class->rank > 0) {
        for (int i = 0; i < layer->class->rank; i++) {
            repeats |= 1u << cly_layers_spatial_axis(layer, i);
        }
        *repeats_out = repeats;
        return CLAYER_OK;
    }
    const clayer_shape *noise = &((const config *)layer->config)->noise_shape;
    const int missing = noise->rank == 0 ? 0 : input->rank - noise->rank;
    char given[CLY_LAYERS_SHAPE_TEXT], wanted[CLY_LAYERS_SHAPE_TEXT];
    bool fits = missing >= 0;
    for (int i = 0; i < input->rank && noise->rank > 0 && fits; i++) {
        const int64_t size = i < missing ? 1 : noise->dims[i - missing];
        fits = (size == -1 && missing == 0) || size == 1 || size == input->dims[i];
        repeats |= size == 1 ? 1u << i : 0;
    }
    if (!fits) {
        return cly_layers_fail(
            layer, CLAYER_INVALID_SHAPE, "noise_shape %s for the input %s: each axis must be of the same size or 1",
            cly_layers_shape_text(noise, given, sizeof(given)), cly_layers_shape_text(input, wanted, sizeof(wanted)));
    }
    *repeats_out = repeats;
    return CLAYER_OK;
}

static double rate_of(const clayer_layer *layer) {
    return layer->class->rank > 0 ? ((const spatial_config *)layer->config)->rate
                                  : ((const config *)layer->config)->rate;
}

static uint64_t seed_of(const clayer_layer *layer) {
    const config *c = layer->config;
    const spatial_config *s = layer->config;
    const bool has_seed = layer->class->rank > 0 ? s->has_seed : c->has_seed;
    const int64_t seed = layer->class->rank > 0 ? s->seed : c->seed;
    return has_seed ? (uint64_t)seed : cly_layers_seed(layer, "dropout");
}

/* What becomes of kept and dropped values. AlphaDropout drops to the lower limit of SELU, -scale * alpha, and then
 * moves and scales so that mean 0 and variance 1 stay. */
static void fill_change(const clayer_layer *layer, double rate, bool backward, cly_ops_dropout_shape *shape) {
    if (layer->class != &cly_layers_alpha_dropout) {
        shape->factor = rate < 1 ? 1.0f / (1.0f - (float)rate) : 0.0f;
        return;
    }
    const double lowest = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946;
    const double factor = 1 / sqrt((1 - rate) * (1 + rate * lowest * lowest)), shift = -factor * lowest * rate;
    shape->factor = (float)factor;
    shape->shift = backward ? 0 : (float)shift;
    shape->dropped = backward ? 0 : (float)(factor * lowest + shift);
}

static clayer_status fill_shape(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                cly_ops_dropout_shape *shape) {
    const double rate = rate_of(layer);
    unsigned repeats = 0;
    clayer_status status = find_repeats(layer, input, &repeats);
    *shape = (cly_ops_dropout_shape){.outer = 1,
                                     .repeat = 1,
                                     .inner = 1,
                                     .rate = (float)rate,
                                     .seed = seed_of(layer),
                                     .step = &layer->training_step};
    if (status == CLAYER_OK && !fill_sizes(repeats, input, shape)) {
        shape->x = *input;
        shape->repeats = repeats;
    }
    fill_change(layer, rate, backward, shape);
    return status;
}

/* Keras 2 leaves an AlphaDropout of rate 1 out, Keras 3 divides by 0. */
static clayer_status check_rate(const clayer_layer *layer, bool *drops_out) {
    const double rate = rate_of(layer);
    const bool all = layer->class == &cly_layers_alpha_dropout && rate == 1;
    if (all && layer->generation == 3) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "rate is 1, must be below 1 in training");
    }
    *drops_out = rate > 0 && !all;
    return CLAYER_OK;
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                 cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    bool drops = false;
    if (!steps->training) {
        return CLAYER_OK;
    }
    CLY_TRY(check_rate(layer, &drops));
    if (!drops) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_dropout_operator, &step));
    CLY_TRY(fill_shape(layer, input, backward, &step->shape.dropout));
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

#define CLASS(name_, auto_name_, rank_, config_, params_)                                                          \
    {                                                                                                              \
        .name = (name_), .auto_name = (auto_name_), .rank = (rank_), .config_size = sizeof(config_),               \
        .params = (params_), .masks = CLY_MASKS_PASS, .infer = infer, .plan = plan, .plan_backward = plan_backward \
    }

const cly_layers_class cly_layers_dropout = CLASS("Dropout", "dropout", 0, config, params);
const cly_layers_class cly_layers_alpha_dropout = CLASS("AlphaDropout", "alpha_dropout", 0, config, params);
const cly_layers_class cly_layers_spatial_dropout1d =
    CLASS("SpatialDropout1D", "spatial_dropout1d", 1, spatial_config, spatial_params_1d);
const cly_layers_class cly_layers_spatial_dropout2d =
    CLASS("SpatialDropout2D", "spatial_dropout2d", 2, spatial_config, spatial_params);
const cly_layers_class cly_layers_spatial_dropout3d =
    CLASS("SpatialDropout3D", "spatial_dropout3d", 3, spatial_config, spatial_params);
