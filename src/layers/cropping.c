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

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                 bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    int64_t before[3] = {0};
    if (cly_layers_same_shape(input, output)) {
        return CLAYER_OK; /* nothing is removed */
    }
    for (int i = 0; i < layer->class->rank; i++) {
        before[i] = -c->cropping[i][0];
    }
    return cly_layers_plan_window(layer, input, output, before, backward, steps);
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
        .name = "Cropping" #rank_ "D", .auto_name = "cropping" #rank_ "d", .rank = (rank_),       \
        .config_size = sizeof(config), .params = params_##rank_##d, .infer = infer, .plan = plan, \
        .plan_backward = plan_backward                                                            \
    }

const cly_layers_class cly_layers_cropping1d = CLASS(1);
const cly_layers_class cly_layers_cropping2d = CLASS(2);
const cly_layers_class cly_layers_cropping3d = CLASS(3);
