/* layers/normalization.c: BatchNormalization: in inference by the moving statistics, in training by those of the batch,
 * which also move the former. Keras: keras/src/layers/normalization/batch_normalization.py;
 * tf_keras/src/layers/normalization/batch_normalization.py for what Keras 2 has of its own. */
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

/* ---- steps ---- */

/* One input, in three parts. */
typedef struct parts {
    int64_t outer, axis, inner;
    float epsilon;
    float factor;    /* of the batch's variance on its way to the moving one */
    int gamma, beta; /* weights; -1: missing */
    int mean, variance;
    bool of_batch; /* the statistics are those of the batch */
} parts;

/* Keras 2 runs tensors of 4 and 5 axes by TensorFlow's fused kernel, whose epsilon is at least 1.001e-5
 * (tf.compat.v1.nn.fused_batch_norm) and which moves the variance by the unbiased one of the batch. */
static bool is_fused(const clayer_layer *layer, const clayer_shape *input, int axis) {
    return layer->generation == 2 && (input->rank == 4 || input->rank == 5) && (axis == 1 || axis == input->rank - 1);
}

static clayer_status split(const clayer_layer *layer, const clayer_shape *input, const cly_ops_steps *steps,
                           parts *parts_out) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    parts p = {.epsilon = (float)c->epsilon, .factor = 1, .gamma = -1, .beta = -1};
    int axis = 0, next = 0;
    CLY_TRY(cly_layers_expect_axis(layer, c->axis, input, &axis));
    p.outer = cly_layers_product(input, 0, axis);
    p.axis = input->dims[axis];
    p.inner = cly_layers_product(input, axis + 1, input->rank);
    if (is_fused(layer, input, axis)) {
        const int64_t count = p.outer * p.inner;
        p.epsilon = p.epsilon < 1.001e-5f ? 1.001e-5f : p.epsilon;
        p.factor = count > 1 ? (float)((double)count / (double)(count - 1)) : 1;
    }
    p.gamma = c->no_scale ? -1 : next++;
    p.beta = c->no_center ? -1 : next++;
    p.mean = next++;
    p.variance = next;
    p.of_batch = steps->training && layer->trainable;
    *parts_out = p;
done:
    return status;
}

static cly_ops_place weight_place(int index) {
    return index < 0 ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, index);
}

/* The batch's mean and variance into CLY_SAVED 0 and 1, and from there into the moving ones. */
static clayer_status plan_statistics(const clayer_layer *layer, const parts *p, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_moments_operator, &step));
    step->shape.moments = (cly_ops_moments_shape){.outer = p->outer, .axis = p->axis, .inner = p->inner};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    for (int i = 0; i < 2; i++) {
        step->operands[i + 1] = CLY_PLACE(CLY_SAVED, i);
        steps->saved_bytes[i] = (uint64_t)p->axis * sizeof(float);
    }
    for (int i = 0; i < 2; i++) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_moving_average_operator, &step));
        step->shape.moving_average = (cly_ops_moving_average_shape){
            .count = p->axis, .momentum = (float)c->momentum, .factor = i == 1 ? p->factor : 1};
        step->operands[0] = CLY_PLACE(CLY_SAVED, i);
        step->operands[1] = CLY_PLACE(CLY_WEIGHT, i == 0 ? p->mean : p->variance);
    }
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    parts p;
    CLY_TRY(split(layer, inputs, steps, &p));
    if (p.of_batch) {
        CLY_TRY(plan_statistics(layer, &p, steps));
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_operator, &step));
    step->shape.batch_norm = (cly_ops_batch_norm_shape){.outer = p.outer,
                                                        .axis = p.axis,
                                                        .inner = p.inner,
                                                        .epsilon = p.epsilon,
                                                        .has_gamma = p.gamma >= 0,
                                                        .has_beta = p.beta >= 0};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = weight_place(p.gamma);
    step->operands[2] = weight_place(p.beta);
    step->operands[3] = p.of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p.mean);
    step->operands[4] = p.of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p.variance);
    step->operands[5] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static cly_ops_place gradient_place(const clayer_layer *layer, int index) {
    return index >= 0 && cly_layers_is_trained(layer, index) ? CLY_PLACE(CLY_WEIGHT_GRADIENT, index)
                                                             : CLY_PLACE(CLY_NOWHERE, 0);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    parts p;
    CLY_TRY(split(layer, inputs, steps, &p));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_gradient_operator, &step));
    step->shape.batch_norm_gradient = (cly_ops_batch_norm_gradient_shape){.outer = p.outer,
                                                                          .axis = p.axis,
                                                                          .inner = p.inner,
                                                                          .epsilon = p.epsilon,
                                                                          .has_gamma = p.gamma >= 0,
                                                                          .batch_statistics = p.of_batch};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = weight_place(p.gamma);
    step->operands[2] = p.of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p.mean);
    step->operands[3] = p.of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p.variance);
    step->operands[4] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    step->operands[5] = wanted[0] ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_NOWHERE, 0);
    step->operands[6] = gradient_place(layer, p.gamma);
    step->operands[7] = gradient_place(layer, p.beta);
done:
    return status;
}

const cly_layers_class cly_layers_batch_normalization = {.name = "BatchNormalization",
                                                         .auto_name = "batch_normalization",
                                                         .config_size = sizeof(config),
                                                         .params = params,
                                                         .infer = infer,
                                                         .declare = declare,
                                                         .plan = plan,
                                                         .plan_backward = plan_backward};
