/* layers/normalization.c: BatchNormalization in inference: by the moving statistics. Keras:
 * keras/src/layers/normalization/batch_normalization.py. */
#include "layers/layer.h"

typedef clayer_batch_normalization_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_FLAGGED(config, axis, INT, .fallback = -1),
    CLY_PARAM(config, momentum, NUMBER, .fallback = 0.99),
    CLY_PARAM(config, epsilon, NUMBER, .fallback = 1e-3),
    CLY_PARAM_NEGATED(config, "center", no_center),
    CLY_PARAM_NEGATED(config, "scale", no_scale),
    CLY_PARAM_INITIALIZER(config, beta_initializer, "zeros"),
    CLY_PARAM_INITIALIZER(config, gamma_initializer, "ones"),
    CLY_PARAM_INITIALIZER(config, moving_mean_initializer, "zeros"),
    CLY_PARAM_INITIALIZER(config, moving_variance_initializer, "ones"),
    CLY_PARAM_REGULARIZER(config, beta_regularizer),
    CLY_PARAM_REGULARIZER(config, gamma_regularizer),
    CLY_PARAM_CONSTRAINT(config, beta_constraint),
    CLY_PARAM_CONSTRAINT(config, gamma_constraint),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    int axis = 0;
    *output_out = *inputs;
    return cly_layers_expect_axis(layer, ((const config *)layer->config)->axis, inputs, &axis);
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    int axis = 0;
    CLY_TRY(cly_layers_expect_axis(layer, c->axis, inputs, &axis));
    const clayer_shape shape = {.rank = 1, .dims = {inputs->dims[axis]}};
    if (!c->no_scale) {
        CLY_TRY(cly_layers_add_weight(layer, "gamma", &shape, true, c->gamma_initializer, c->gamma_regularizer,
                                      c->gamma_constraint));
    }
    if (!c->no_center) {
        CLY_TRY(cly_layers_add_weight(layer, "beta", &shape, true, c->beta_initializer, c->beta_regularizer,
                                      c->beta_constraint));
    }
    CLY_TRY(cly_layers_add_weight(layer, "moving_mean", &shape, false, c->moving_mean_initializer, NULL, NULL));
    CLY_TRY(cly_layers_add_weight(layer, "moving_variance", &shape, false, c->moving_variance_initializer, NULL, NULL));
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    int axis = 0, next = 0; /* gamma and beta may be missing, so the statistics' places vary */
    CLY_TRY(cly_layers_expect_axis(layer, c->axis, inputs, &axis));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_operator, &step));
    step->shape.batch_norm = (cly_ops_batch_norm_shape){.outer = cly_layers_product(inputs, 0, axis),
                                                        .axis = inputs->dims[axis],
                                                        .inner = cly_layers_product(inputs, axis + 1, inputs->rank),
                                                        .epsilon = (float)c->epsilon,
                                                        .has_gamma = !c->no_scale,
                                                        .has_beta = !c->no_center};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    if (!c->no_scale) {
        step->operands[1] = CLY_PLACE(CLY_WEIGHT, next++);
    }
    if (!c->no_center) {
        step->operands[2] = CLY_PLACE(CLY_WEIGHT, next++);
    }
    step->operands[3] = CLY_PLACE(CLY_WEIGHT, next++);
    step->operands[4] = CLY_PLACE(CLY_WEIGHT, next);
    step->operands[5] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

const cly_layers_class cly_layers_batch_normalization = {.name = "BatchNormalization",
                                                         .auto_name = "batch_normalization",
                                                         .config_size = sizeof(config),
                                                         .params = params,
                                                         .infer = infer,
                                                         .declare = declare,
                                                         .plan = plan};
