/* layers/cropping.c: Cropping1D, Cropping2D, Cropping3D: cropping[axis] = {removed before, removed after}. Keras:
 * keras/src/layers/reshaping/cropping{1,2,3}d.py. */
#include "layers/layer.h"

typedef clayer_cropping_config config;

/* Keras' default is one on every side, but nothing in 2D. */
#define AMOUNTS(value) CLY_PARAM_FLAGGED(config, cropping, AMOUNTS, .fallback = (value), .low = 0, .high = INT32_MAX)

static const cly_layers_param params_1d[] = {AMOUNTS(1), {0}};
static const cly_layers_param params_2d[] = {AMOUNTS(0), CLY_PARAM_DATA_FORMAT(config), {0}};
static const cly_layers_param params_3d[] = {AMOUNTS(1), CLY_PARAM_DATA_FORMAT(config), {0}};

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
        int64_t n = inputs->dims[axis];
        if (n == -1) {
            continue;
        }
        output_out->dims[axis] = n - c->cropping[i][0] - c->cropping[i][1];
        if (output_out->dims[axis] < 1) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "cropping (%lld, %lld) leaves nothing of the input %lld on axis %d",
                                   (long long)c->cropping[i][0], (long long)c->cropping[i][1], (long long)n, axis);
        }
    }
    return CLAYER_OK;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    int64_t before[3] = {0};
    if (cly_layers_same_shape(inputs, output)) {
        return CLAYER_OK; /* nothing is removed */
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, &step));
    for (int i = 0; i < layer->class->rank; i++) {
        before[i] = -c->cropping[i][0];
    }
    cly_layers_outer_inner(layer, inputs, &step->shape.window.outer, &step->shape.window.inner);
    cly_layers_spatial(layer, inputs, step->shape.window.in);
    cly_layers_spatial(layer, output, step->shape.window.out);
    cly_layers_lead(layer, before, 0, step->shape.window.before);
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

#define CLASS(rank_)                                                                             \
    {                                                                                            \
        .name = "Cropping" #rank_ "D", .auto_name = "cropping" #rank_ "d", .rank = (rank_),      \
        .config_size = sizeof(config), .params = params_##rank_##d, .infer = infer, .plan = plan \
    }

const cly_layers_class cly_layers_cropping1d = CLASS(1);
const cly_layers_class cly_layers_cropping2d = CLASS(2);
const cly_layers_class cly_layers_cropping3d = CLASS(3);
