/* layers/up_sampling.c: UpSampling1D, UpSampling2D, UpSampling3D: every value repeated size[axis] times, or in 2D
 * interpolated. Keras: keras/src/layers/reshaping/up_sampling{1,2,3}d.py. */
#include <string.h>

#include "layers/resampling.h"

typedef clayer_up_sampling_config config;

#define SIZE CLY_PARAM_AXES(config, size, .fallback = 2)

static const cly_layers_param params_1d[] = {SIZE, {0}};
static const cly_layers_param params_2d[] = {
    SIZE,
    CLY_PARAM_DATA_FORMAT(config),
    CLY_PARAM(config, interpolation, CHOICE, .fallback_text = "nearest", .choices = cly_layers_interpolations),
    {0}};
static const cly_layers_param params_3d[] = {SIZE, CLY_PARAM_DATA_FORMAT(config), {0}};

static bool is_bilinear(const clayer_layer *layer) {
    const config *c = layer->config;
    return layer->class->rank == 2 && strcmp(c->interpolation, "bilinear") == 0;
}

/* Filters that change an image of the same size, too. */
static bool is_smoothing(const clayer_layer *layer) {
    const config *c = layer->config;
    return layer->class->rank == 2 &&
           (strcmp(c->interpolation, "gaussian") == 0 || strcmp(c->interpolation, "mitchellcubic") == 0);
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
    for (int i = 0; i < layer->class->rank; i++) {
        int axis = cly_layers_spatial_axis(layer, i);
        if (inputs->dims[axis] != -1) {
            output_out->dims[axis] *= c->size[i];
        }
    }
    if (layer->class->rank == 2) {
        cly_layers_forget_sizes(layer, output_out);
    }
    return CLAYER_OK;
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                 bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (cly_layers_same_shape(input, output) && !is_smoothing(layer)) {
        return CLAYER_OK; /* every factor is 1 */
    }
    if (layer->class->rank == 2 && !is_bilinear(layer) && strcmp(c->interpolation, "nearest") != 0) {
        const cly_layers_resampling r = {.method = cly_layers_interpolation(c->interpolation),
                                         .from = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0),
                                         .to = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0)};
        return cly_layers_plan_resample(layer, input, output, &r, backward, steps);
    }
    CLY_TRY(cly_ops_steps_add(steps, backward ? &cly_ops_resize_gradient_operator : &cly_ops_resize_operator, &step));
    cly_layers_outer_inner(layer, input, &step->shape.resize.outer, &step->shape.resize.inner);
    cly_layers_spatial(layer, input, step->shape.resize.in);
    cly_layers_lead(layer, c->size, 1, step->shape.resize.factor);
    step->shape.resize.method = is_bilinear(layer) ? CLY_BILINEAR : CLY_NEAREST;
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_either(layer, inputs, output, false, steps);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_either(layer, inputs, output, true, steps);
}

#define CLASS(rank_)                                                                              \
    {                                                                                             \
        .name = "UpSampling" #rank_ "D", .auto_name = "up_sampling" #rank_ "d", .rank = (rank_),  \
        .config_size = sizeof(config), .params = params_##rank_##d, .infer = infer, .plan = plan, \
        .plan_backward = plan_backward                                                            \
    }

const cly_layers_class cly_layers_up_sampling1d = CLASS(1);
const cly_layers_class cly_layers_up_sampling2d = CLASS(2);
const cly_layers_class cly_layers_up_sampling3d = CLASS(3);
