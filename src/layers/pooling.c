/* layers/pooling.c: MaxPooling, AveragePooling and their global forms, 1D to 3D. Keras:
 * keras/src/layers/pooling/base_pooling.py, base_global_pooling.py. What lies outside the tensor does not count. */
#include <string.h>

#include "layers/mask.h"

/* ---- windows ---- */

static const cly_layers_param params[] = {
    CLY_PARAM_AXES(clayer_pooling_config, pool_size, .fallback = 2),
    CLY_PARAM_AXES(clayer_pooling_config, strides, .fallback = 0), /* check() puts pool_size in */
    CLY_PARAM_PADDING(clayer_pooling_config, cly_layers_paddings),
    CLY_PARAM_DATA_FORMAT(clayer_pooling_config),
    {0},
};

static clayer_status check(clayer_layer *layer) {
    clayer_pooling_config *c = layer->config;
    if (c->strides[0] == 0) {
        memcpy(c->strides, c->pool_size, sizeof(c->strides));
    }
    return CLAYER_OK;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    const clayer_pooling_config *c = layer->config;
    clayer_status status = cly_layers_expect_rank(layer, inputs);
    if (status != CLAYER_OK) {
        return status;
    }
    *output_out = *inputs;
    return cly_layers_infer_window(layer, inputs, "pool_size", c->pool_size, c->strides, NULL, c->padding, output_out);
}

/* The gradient of an average is the same whatever was averaged. */
static clayer_status add_pool(const clayer_layer *layer, const clayer_shape *input, bool backward, cly_ops_steps *steps,
                              cly_ops_pool_shape **shape_out) {
    const bool average = strstr(layer->class->name, "Average") != NULL;
    cly_ops_step *step = NULL;
    clayer_status status =
        cly_ops_steps_add(steps, backward ? &cly_ops_pool_gradient_operator : &cly_ops_pool_operator, &step);
    if (status != CLAYER_OK) {
        return status;
    }
    cly_layers_outer_inner(layer, input, &step->shape.pool.outer, &step->shape.pool.inner);
    cly_layers_spatial(layer, input, step->shape.pool.in);
    step->shape.pool.average = average;
    if (!backward || !average) {
        step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
        step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
    }
    if (backward) {
        step->operands[2] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
        step->operands[3] = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    }
    *shape_out = &step->shape.pool;
    return CLAYER_OK;
}

static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                 bool backward, cly_ops_steps *steps) {
    const clayer_pooling_config *c = layer->config;
    cly_ops_pool_shape *shape = NULL;
    clayer_status status = add_pool(layer, input, backward, steps, &shape);
    if (status != CLAYER_OK) {
        return status;
    }
    cly_layers_spatial(layer, output, shape->out);
    cly_layers_lead(layer, c->pool_size, 1, shape->window);
    cly_layers_lead(layer, c->strides, 1, shape->stride);
    shape->ties = CLY_FIRST; /* TensorFlow's kernels but the plain one of 3D, as oneDNN and XLA have that too */
    for (int i = 0; i < 3; i++) {
        shape->pad[i] =
            cly_ops_padding_conv(cly_layers_padding(c->padding), shape->in[i], shape->window[i], shape->stride[i], 1)
                .before;
    }
    return CLAYER_OK;
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

/* ---- one window of the whole size ---- */

static const cly_layers_param global_params[] = {
    CLY_PARAM_DATA_FORMAT(clayer_global_pooling_config),
    CLY_PARAM(clayer_global_pooling_config, keepdims, BOOL, .negated = false),
    {0},
};

static clayer_status infer_global(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    clayer_status status = cly_layers_expect_rank(layer, inputs);
    if (status == CLAYER_OK && count == 2) {
        status = cly_layers_expect_mask(layer, inputs, &inputs[1], true);
    }
    if (status != CLAYER_OK) {
        return status;
    }
    int64_t channels = inputs->dims[cly_layers_channel_axis(layer)];
    if (!((const clayer_global_pooling_config *)layer->config)->keepdims) {
        *output_out = (clayer_shape){.rank = 2, .dims = {inputs->dims[0], channels}};
        return CLAYER_OK;
    }
    *output_out = *inputs;
    for (int i = 0; i < layer->class->rank; i++) {
        output_out->dims[cly_layers_spatial_axis(layer, i)] = 1;
    }
    return CLAYER_OK;
}

static clayer_status plan_either_global(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                        cly_ops_steps *steps) {
    cly_ops_pool_shape *shape = NULL;
    clayer_status status = add_pool(layer, input, backward, steps, &shape);
    if (status != CLAYER_OK) {
        return status;
    }
    shape->ties = CLY_SHARED; /* the gradient of TensorFlow's reduce_max */
    for (int i = 0; i < 3; i++) {
        shape->out[i] = 1;
        shape->window[i] = shape->in[i];
        shape->stride[i] = 1;
    }
    return CLAYER_OK;
}

static clayer_status plan_global(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 const clayer_shape *output, cly_ops_steps *steps) {
    (void)output;
    return count == 2 ? cly_layers_plan_masked_mean(layer, inputs, steps)
                      : plan_either_global(layer, inputs, false, steps);
}

static clayer_status plan_global_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)output;
    return count == 2 ? cly_layers_plan_masked_mean_backward(layer, inputs, wanted, steps)
                      : plan_either_global(layer, inputs, true, steps);
}

#define POOLING(kind, word, rank_)                                                                                    \
    {                                                                                                                 \
        .name = kind "Pooling" #rank_ "D", .auto_name = word "_pooling" #rank_ "d", .rank = (rank_),                  \
        .config_size = sizeof(clayer_pooling_config), .params = params, .check = check, .infer = infer, .plan = plan, \
        .plan_backward = plan_backward                                                                                \
    }
#define GLOBAL(kind, word, rank_, ...)                                                                 \
    {                                                                                                  \
        .name = "Global" kind "Pooling" #rank_ "D", .auto_name = "global_" word "_pooling" #rank_ "d", \
        .rank = (rank_), .config_size = sizeof(clayer_global_pooling_config), .params = global_params, \
        .infer = infer_global, .plan = plan_global, .plan_backward = plan_global_backward, __VA_ARGS__ \
    }

const cly_layers_class cly_layers_max_pooling1d = POOLING("Max", "max", 1);
const cly_layers_class cly_layers_max_pooling2d = POOLING("Max", "max", 2);
const cly_layers_class cly_layers_max_pooling3d = POOLING("Max", "max", 3);
const cly_layers_class cly_layers_average_pooling1d = POOLING("Average", "average", 1);
const cly_layers_class cly_layers_average_pooling2d = POOLING("Average", "average", 2);
const cly_layers_class cly_layers_average_pooling3d = POOLING("Average", "average", 3);
const cly_layers_class cly_layers_global_max_pooling1d = GLOBAL("Max", "max", 1, .masks = CLY_MASKS_STOP);
const cly_layers_class cly_layers_global_max_pooling2d = GLOBAL("Max", "max", 2, .masks = CLY_MASKS_STOP);
const cly_layers_class cly_layers_global_max_pooling3d = GLOBAL("Max", "max", 3, .masks = CLY_MASKS_STOP);
const cly_layers_class cly_layers_global_average_pooling1d =
    GLOBAL("Average", "average", 1, .masks = CLY_MASKS_USE, .min_inputs = 1, .max_inputs = 2);
const cly_layers_class cly_layers_global_average_pooling2d = GLOBAL("Average", "average", 2, .masks = CLY_MASKS_STOP);
const cly_layers_class cly_layers_global_average_pooling3d = GLOBAL("Average", "average", 3, .masks = CLY_MASKS_STOP);
