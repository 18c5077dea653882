/* layers/normalization.c: BatchNormalization: in inference by the moving statistics, in training by those of the batch,
 * which also move the former. Keras: keras/src/layers/normalization/batch_normalization.py;
 * tf_keras/src/layers/normalization/batch_normalization.py for what Keras 2 has of its own. */
#include "base/memory.h"
#include "layers/axes.h"

typedef clayer_batch_normalization_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_AXES_OF(config),
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
    bool listed[CLAYER_MAX_RANK];
    *output_out = *inputs;
    return cly_layers_expect_axes(layer, &((const config *)layer->config)->axes, inputs, listed);
}

/* Of one axis its size, of several the input's rank with ones on the other axes. */
static clayer_status weight_shape(const clayer_layer *layer, const clayer_shape *input, clayer_shape *shape_out) {
    const config *c = layer->config;
    bool listed[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    clayer_shape shape = {.rank = c->axes.rank == 1 ? 1 : input->rank};
    CLY_TRY(cly_layers_expect_axes(layer, &c->axes, input, listed));
    for (int i = 0; i < input->rank; i++) {
        if (c->axes.rank > 1) {
            shape.dims[i] = listed[i] ? input->dims[i] : 1;
        } else if (listed[i]) {
            shape.dims[0] = input->dims[i];
        }
    }
    *shape_out = shape;
done:
    return status;
}

static clayer_status declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    clayer_shape shape = {0};
    CLY_TRY(weight_shape(layer, inputs, &shape));
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

/* One input, in three parts, turned where its axes lie apart. */
typedef struct parts {
    cly_layers_axes_view view;
    int64_t outer, axis, inner;
    float epsilon;
    float factor;    /* of the batch's variance on its way to the moving one */
    int gamma, beta; /* weights; -1: missing */
    int mean, variance;
    bool of_batch; /* the statistics are those of the batch */
} parts;

/* Keras 2 runs tensors of 4 and 5 axes by TensorFlow's fused kernel, whose epsilon is at least 1.001e-5
 * (tf.compat.v1.nn.fused_batch_norm) and which moves the variance by the unbiased one of the batch. */
static bool is_fused(const clayer_layer *layer, const clayer_shape *input) {
    const clayer_shape *axes = &((const config *)layer->config)->axes;
    const int64_t axis = axes->dims[0] < 0 ? axes->dims[0] + input->rank : axes->dims[0];
    return layer->generation == 2 && (input->rank == 4 || input->rank == 5) && axes->rank == 1 &&
           (axis == 1 || axis == input->rank - 1);
}

static clayer_status split(const clayer_layer *layer, const clayer_shape *input, const cly_ops_steps *steps,
                           parts *parts_out) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    parts p = {.epsilon = (float)c->epsilon, .factor = 1, .gamma = -1, .beta = -1};
    int next = 0;
    CLY_TRY(cly_layers_view_axes(layer, &c->axes, input, &p.view));
    p.outer = p.view.outer;
    p.axis = p.view.axis;
    p.inner = p.view.inner;
    if (is_fused(layer, input)) {
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
static clayer_status plan_statistics(const clayer_layer *layer, const parts *p, cly_ops_place x, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_moments_operator, &step));
    step->shape.moments = (cly_ops_moments_shape){.outer = p->outer, .axis = p->axis, .inner = p->inner};
    step->operands[0] = x;
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
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0);
    CLY_TRY(split(layer, inputs, steps, &p));
    CLY_TRY(cly_layers_turn_in(&p.view, &x, 0, steps));
    if (p.of_batch) {
        CLY_TRY(plan_statistics(layer, &p, x, steps));
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_operator, &step));
    step->shape.batch_norm = (cly_ops_batch_norm_shape){.outer = p.outer,
                                                        .axis = p.axis,
                                                        .inner = p.inner,
                                                        .epsilon = p.epsilon,
                                                        .has_gamma = p.gamma >= 0,
                                                        .has_beta = p.beta >= 0};
    step->operands[0] = x;
    step->operands[1] = weight_place(p.gamma);
    step->operands[2] = weight_place(p.beta);
    step->operands[3] = p.of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p.mean);
    step->operands[4] = p.of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p.variance);
    step->operands[5] = p.view.moved ? x : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_turn_out(&p.view, 0, CLY_PLACE(CLY_OUTPUT, 0), steps));
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
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    CLY_TRY(split(layer, inputs, steps, &p));
    CLY_TRY(cly_layers_turn_in(&p.view, &x, 0, steps));
    CLY_TRY(cly_layers_turn_in(&p.view, &dy, 1, steps));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_gradient_operator, &step));
    step->shape.batch_norm_gradient = (cly_ops_batch_norm_gradient_shape){.outer = p.outer,
                                                                          .axis = p.axis,
                                                                          .inner = p.inner,
                                                                          .epsilon = p.epsilon,
                                                                          .has_gamma = p.gamma >= 0,
                                                                          .batch_statistics = p.of_batch};
    step->operands[0] = x;
    step->operands[1] = weight_place(p.gamma);
    step->operands[2] = p.of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p.mean);
    step->operands[3] = p.of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p.variance);
    step->operands[4] = dy;
    step->operands[5] = !wanted[0] ? CLY_PLACE(CLY_NOWHERE, 0) : p.view.moved ? dy : CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    step->operands[6] = gradient_place(layer, p.gamma);
    step->operands[7] = gradient_place(layer, p.beta);
    if (wanted[0]) {
        CLY_TRY(cly_layers_turn_out(&p.view, 1, CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
    }
done:
    return status;
}

const cly_layers_class cly_layers_batch_normalization = {.name = "BatchNormalization",
                                                         .masks = CLY_MASKS_PASS,
                                                         .auto_name = "batch_normalization",
                                                         .config_size = sizeof(config),
                                                         .params = params,
                                                         .infer = infer,
                                                         .declare = declare,
                                                         .plan = plan,
                                                         .plan_backward = plan_backward};
