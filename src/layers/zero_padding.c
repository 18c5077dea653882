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

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    int64_t before[3] = {0};
    if (cly_layers_same_shape(inputs, output)) {
        return CLAYER_OK; /* nothing is added */
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, &step));
    for (int i = 0; i < layer->class->rank; i++) {
        before[i] = c->padding[i][0];
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

#define CLASS(rank_)                                                                               \
    {                                                                                              \
        .name = "ZeroPadding" #rank_ "D", .auto_name = "zero_padding" #rank_ "d", .rank = (rank_), \
        .config_size = sizeof(config), .params = params, .infer = infer, .plan = plan              \
    }

const cly_layers_class cly_layers_zero_padding1d = CLASS(1);
const cly_layers_class cly_layers_zero_padding2d = CLASS(2);
const cly_layers_class cly_layers_zero_padding3d = CLASS(3);
