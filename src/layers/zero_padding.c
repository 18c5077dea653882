/* layers/zero_padding.c: ZeroPadding1D, ZeroPadding2D, ZeroPadding3D: padding[axis] = {zeros before, zeros after}.
 * Keras: keras/src/layers/reshaping/zero_padding{1,2,3}d.py. Keras 3 gave the 1D layer a data_format too. */
#include "layers/layer.h"

typedef clayer_zero_padding_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_FLAGGED(config, padding, AMOUNTS, .fallback = 1, .low = 0, .high = INT32_MAX),
    CLY_PARAM_DATA_FORMAT(config),
    {0},
};

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
            output_out->dims[axis] += c->padding[i][0] + c->padding[i][1];
        }
    }
    return CLAYER_OK;
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                 bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    int64_t before[3] = {0};
    if (cly_layers_same_shape(input, output)) {
        return CLAYER_OK; /* nothing is added */
    }
    for (int i = 0; i < layer->class->rank; i++) {
        before[i] = c->padding[i][0];
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

#define CLASS(rank_)                                                                                                  \
    {                                                                                                                 \
        .name = "ZeroPadding" #rank_ "D", .auto_name = "zero_padding" #rank_ "d", .rank = (rank_),                    \
        .config_size = sizeof(config), .params = params, .infer = infer, .plan = plan, .plan_backward = plan_backward \
    }

const cly_layers_class cly_layers_zero_padding1d = CLASS(1);
const cly_layers_class cly_layers_zero_padding2d = CLASS(2);
const cly_layers_class cly_layers_zero_padding3d = CLASS(3);
