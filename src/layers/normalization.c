/* layers/normalization.c: BatchNormalization: in inference by the moving statistics, in training by those of the batch,
 * which also move the former; in a TimeDistributed of Keras 3 by those of each step. Keras:
 * keras/src/layers/normalization/batch_normalization.py; tf_keras/src/layers/normalization/batch_normalization.py for
 * what Keras 2 has of its own. */
#include "base/memory.h"
#include "layers/arithmetic.h"
#include "layers/axes.h"
#include "layers/mask.h"

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
    bool listed[CLAYER_MAX_RANK];
    *output_out = *inputs;
    if (count == 2 && inputs[1].rank != inputs->rank - 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the mask has %d axes, expects %d: one less than the input",
                               inputs[1].rank, inputs->rank - 1);
    }
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
    bool of_batch;  /* the statistics are those of the batch */
    int64_t times;  /* how often they move */
    int64_t groups; /* 1, or with statistics of each step of a TimeDistributed: `axis` is (groups, channels) */
} parts;

/* Keras 2 runs tensors of 4 and 5 axes by TensorFlow's fused kernel, which moves the variance by the unbiased one of
 * the batch. Its epsilon was at least 1.001e-5 once; today it is the layer's. */
static bool is_fused(const clayer_layer *layer, const clayer_shape *input) {
    const clayer_shape *axes = &((const config *)layer->config)->axes;
    const int64_t axis = axes->dims[0] < 0 ? axes->dims[0] + input->rank : axes->dims[0];
    return layer->generation == 2 && (input->rank == 4 || input->rank == 5) && axes->rank == 1 &&
           (axis == 1 || axis == input->rank - 1);
}

/* The steps beside the channels: (N steps, ...) as (N, steps, ...), whose axis 1 has statistics of its own. */
static clayer_status take_steps_apart(const clayer_layer *layer, int64_t steps, clayer_shape *shape,
                                      clayer_shape *axes) {
    if (shape->rank == CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "statistics of each step of an input of %d axes",
                               shape->rank);
    }
    for (int i = axes->rank++; i > 0; i--) {
        axes->dims[i] = axes->dims[i - 1] < 0 ? axes->dims[i - 1] : axes->dims[i - 1] + 1;
    }
    axes->dims[0] = 1;
    for (int i = shape->rank++; i > 1; i--) {
        shape->dims[i] = shape->dims[i - 1];
    }
    shape->dims[0] /= steps;
    shape->dims[1] = steps;
    return CLAYER_OK;
}

static clayer_status split(const clayer_layer *layer, const clayer_shape *input, const cly_ops_steps *steps,
                           parts *parts_out) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    parts p = {.epsilon = (float)c->epsilon, .factor = 1, .gamma = -1, .beta = -1};
    int next = 0;
    clayer_shape shape = *input, axes = c->axes;
    p.of_batch = steps->training && layer->trainable;
    p.times = p.of_batch && steps->times > 1 ? steps->times : 1;
    p.groups = layer->generation == 3 ? p.times : 1;
    if (p.groups > 1) {
        CLY_TRY(take_steps_apart(layer, p.groups, &shape, &axes));
    }
    CLY_TRY(cly_layers_view_axes(layer, &axes, &shape, &p.view));
    p.outer = p.view.outer;
    p.axis = p.view.axis;
    p.inner = p.view.inner;
    if (is_fused(layer, input)) {
        const int64_t count = p.outer * p.inner;
        p.factor = count > 1 ? (float)((double)count / (double)(count - 1)) : 1;
    }
    p.gamma = c->no_scale ? -1 : next++;
    p.beta = c->no_center ? -1 : next++;
    p.mean = next++;
    p.variance = next;
    *parts_out = p;
done:
    return status;
}

/* gamma or beta; of every step, which has the same, in that temporary. */
static clayer_status plan_weight(const parts *p, int index, int temporary, cly_ops_steps *steps,
                                 cly_ops_place *place_out) {
    *place_out = index < 0 ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, index);
    if (index < 0 || p->groups == 1) {
        return CLAYER_OK;
    }
    const clayer_shape all = {.rank = 2, .dims = {p->groups, p->axis / p->groups}};
    const clayer_shape one = {.rank = 2, .dims = {1, p->axis / p->groups}};
    const cly_layers_operand weight = cly_layers_tensor(*place_out, &one), zero = cly_layers_number(0);
    *place_out = cly_layers_temporary(steps, temporary, cly_layers_bytes(&all));
    return cly_layers_plan_function(steps, CLY_ADD, &weight, &zero, *place_out, &all, NULL);
}

/* Keras 3 takes the statistics of what a mask keeps, Keras 2 where TensorFlow's fused kernel does not run. */
static bool looks_at_mask(const clayer_layer *layer, const clayer_shape *inputs, size_t count, const parts *p) {
    return count == 2 && p->of_batch && !is_fused(layer, inputs);
}

/* What a mask makes of the statistics: shapes of one rank. */
typedef struct masked {
    clayer_shape mask, statistics, kept; /* kept: how many entries, of every channel for itself */
    cly_layers_operand mask_operand;
    double all; /* as many where nothing is masked */
} masked;

/* `kept` is left in CLY_TEMPORARY 1. */
static clayer_status plan_kept(const clayer_layer *layer, const clayer_shape *inputs, const parts *p, masked *m,
                               cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    bool listed[CLAYER_MAX_RANK];
    CLY_TRY(cly_layers_expect_axes(layer, &c->axes, inputs, listed));
    const int last = inputs->rank - 1;
    *m = (masked){.mask = inputs[1], .statistics = *inputs, .all = (double)(p->outer * p->inner)};
    m->mask.dims[m->mask.rank++] = 1;
    m->kept = m->mask;
    for (int i = 0; i < inputs->rank; i++) {
        m->statistics.dims[i] = listed[i] ? inputs->dims[i] : 1;
        m->kept.dims[i] = listed[i] ? m->mask.dims[i] : 1;
    }
    m->mask_operand = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 1), &m->mask);
    const float share = listed[last] ? 1.0f : 1.0f / (float)inputs->dims[last];
    const cly_ops_place place = cly_layers_temporary(steps, 1, cly_layers_bytes(&m->kept));
    const cly_layers_operand kept = cly_layers_tensor(place, &m->kept), least = cly_layers_number(1e-7);
    CLY_TRY(cly_layers_plan_sum(steps, CLY_PLACE(CLY_INPUT, 1), &m->mask, place, &m->kept, share));
    if (layer->generation == 3) {
        CLY_TRY(cly_layers_plan_function(steps, CLY_ADD, &kept, &least, place, &m->kept, NULL));
    }
done:
    return status;
}

/* Mean and variance of what the mask keeps into CLY_SAVED 0 and 1. */
static clayer_status plan_masked_moments(const clayer_layer *layer, const clayer_shape *inputs, const parts *p,
                                         cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    masked m;
    CLY_TRY(plan_kept(layer, inputs, p, &m, steps));
    const cly_ops_place work = cly_layers_temporary(steps, 0, cly_layers_bytes(inputs));
    const cly_layers_operand kept = cly_layers_tensor(CLY_PLACE(CLY_TEMPORARY, 1), &m.kept);
    const cly_layers_operand terms = cly_layers_tensor(work, inputs);
    cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    for (int i = 0; i < 2; i++) {
        const cly_layers_operand sum = cly_layers_tensor(CLY_PLACE(CLY_SAVED, i), &m.statistics);
        const cly_layers_operand mean = cly_layers_tensor(CLY_PLACE(CLY_SAVED, 0), &m.statistics);
        if (i == 1) {
            CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &x, &mean, work, inputs, NULL));
            CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &terms, &terms, work, inputs, NULL));
            x = terms;
        }
        CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &m.mask_operand, work, inputs, NULL));
        CLY_TRY(cly_layers_plan_sum(steps, work, inputs, sum.place, &m.statistics, 1));
        CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &sum, &kept, sum.place, &m.statistics, NULL));
    }
done:
    return status;
}

/* The batch's mean and variance into CLY_SAVED 0 and 1, and from there into the moving ones. */
static clayer_status plan_statistics(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                     const parts *p, cly_ops_place x, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    for (int i = 0; i < 2; i++) {
        steps->saved_bytes[i] = (uint64_t)p->axis * sizeof(float);
    }
    if (looks_at_mask(layer, inputs, count, p)) {
        CLY_TRY(plan_masked_moments(layer, inputs, p, steps));
    } else {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_moments_operator, &step));
        step->shape.moments = (cly_ops_moments_shape){.outer = p->outer, .axis = p->axis, .inner = p->inner};
        step->operands[0] = x;
        step->operands[1] = CLY_PLACE(CLY_SAVED, 0);
        step->operands[2] = CLY_PLACE(CLY_SAVED, 1);
    }
    for (int i = 0; i < 2; i++) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_moving_average_operator, &step));
        step->shape.moving_average = (cly_ops_moving_average_shape){.count = p->axis / p->groups,
                                                                    .momentum = (float)c->momentum,
                                                                    .factor = i == 1 ? p->factor : 1,
                                                                    .times = p->times,
                                                                    .pitch = p->groups > 1 ? p->axis / p->groups : 0};
        step->operands[0] = CLY_PLACE(CLY_SAVED, i);
        step->operands[1] = CLY_PLACE(CLY_WEIGHT, i == 0 ? p->mean : p->variance);
    }
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    parts p;
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), gamma, beta;
    CLY_TRY(split(layer, inputs, steps, &p));
    CLY_TRY(cly_layers_turn_in(&p.view, &x, 0, steps));
    if ((p.view.moved || p.groups > 1) && looks_at_mask(layer, inputs, count, &p)) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                               "a mask for the statistics of %s is not supported in training",
                               p.groups > 1 ? "each step of a TimeDistributed" : "axes that lie apart");
    }
    if (p.of_batch) {
        CLY_TRY(plan_statistics(layer, inputs, count, &p, x, steps));
    }
    CLY_TRY(plan_weight(&p, p.gamma, 2, steps, &gamma));
    CLY_TRY(plan_weight(&p, p.beta, 3, steps, &beta));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_operator, &step));
    step->shape.batch_norm = (cly_ops_batch_norm_shape){.outer = p.outer,
                                                        .axis = p.axis,
                                                        .inner = p.inner,
                                                        .epsilon = p.epsilon,
                                                        .has_gamma = p.gamma >= 0,
                                                        .has_beta = p.beta >= 0};
    step->operands[0] = x;
    step->operands[1] = gamma;
    step->operands[2] = beta;
    step->operands[3] = p.of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p.mean);
    step->operands[4] = p.of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p.variance);
    step->operands[5] = p.view.moved ? x : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_turn_out(&p.view, 0, CLY_PLACE(CLY_OUTPUT, 0), steps));
done:
    return status;
}

/* Where the gradient of gamma or beta goes; that of every step to a temporary, to be summed up. */
static cly_ops_place gradient_place(const clayer_layer *layer, const parts *p, int index, int temporary,
                                    cly_ops_steps *steps) {
    if (index < 0 || !cly_layers_is_trained(layer, index)) {
        return CLY_PLACE(CLY_NOWHERE, 0);
    }
    return p->groups == 1 ? CLY_PLACE(CLY_WEIGHT_GRADIENT, index)
                          : cly_layers_temporary(steps, temporary, (uint64_t)p->axis * sizeof(float));
}

/* The sum over the steps. */
static clayer_status plan_step_sum(const parts *p, int index, cly_ops_place source, cly_ops_steps *steps) {
    const clayer_shape all = {.rank = 2, .dims = {p->groups, p->axis / p->groups}};
    const clayer_shape one = {.rank = 2, .dims = {1, p->axis / p->groups}};
    return source.kind != CLY_TEMPORARY
               ? CLAYER_OK
               : cly_layers_plan_sum(steps, source, &all, CLY_PLACE(CLY_WEIGHT_GRADIENT, index), &one, 1);
}

/* Appends the gradients that statistics of everything would give, of the input at `dx` (CLY_NOWHERE: not wanted). */
static clayer_status plan_gradient(const clayer_layer *layer, const parts *p, bool of_batch, cly_ops_place x,
                                   cly_ops_place dy, cly_ops_place dx, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_ops_place gamma;
    const cly_ops_place dgamma = gradient_place(layer, p, p->gamma, 3, steps);
    const cly_ops_place dbeta = gradient_place(layer, p, p->beta, 4, steps);
    CLY_TRY(plan_weight(p, p->gamma, 2, steps, &gamma));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_batch_norm_gradient_operator, &step));
    step->shape.batch_norm_gradient = (cly_ops_batch_norm_gradient_shape){.outer = p->outer,
                                                                          .axis = p->axis,
                                                                          .inner = p->inner,
                                                                          .epsilon = p->epsilon,
                                                                          .has_gamma = p->gamma >= 0,
                                                                          .batch_statistics = of_batch};
    step->operands[0] = x;
    step->operands[1] = gamma;
    step->operands[2] = p->of_batch ? CLY_PLACE(CLY_SAVED, 0) : CLY_PLACE(CLY_WEIGHT, p->mean);
    step->operands[3] = p->of_batch ? CLY_PLACE(CLY_SAVED, 1) : CLY_PLACE(CLY_WEIGHT, p->variance);
    step->operands[4] = dy;
    step->operands[5] = dx;
    step->operands[6] = dgamma;
    step->operands[7] = dbeta;
    CLY_TRY(plan_step_sum(p, p->gamma, dgamma, steps));
    CLY_TRY(plan_step_sum(p, p->beta, dbeta, steps));
done:
    return status;
}

/* Where the mask keeps an entry the statistics depend on it as if they were those of everything, but all / kept times
 * as much; elsewhere they do not. So dx = given + (batch - given) mask all / kept of the gradients with statistics that
 * are given, and with those of everything. */
static clayer_status plan_masked_gradient(const clayer_layer *layer, const clayer_shape *inputs, const parts *p,
                                          cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    masked m;
    const cly_ops_place dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0), x = CLY_PLACE(CLY_INPUT, 0);
    const cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    const cly_ops_place work = cly_layers_temporary(steps, 0, cly_layers_bytes(inputs));
    CLY_TRY(plan_gradient(layer, p, true, x, dy, work, steps));
    CLY_TRY(plan_gradient(layer, p, false, x, dy, dx, steps));
    CLY_TRY(plan_kept(layer, inputs, p, &m, steps));
    const cly_layers_operand kept = cly_layers_tensor(CLY_PLACE(CLY_TEMPORARY, 1), &m.kept);
    const cly_layers_operand given = cly_layers_tensor(dx, inputs), change = cly_layers_tensor(work, inputs);
    const cly_layers_operand all = cly_layers_number(m.all);
    CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &change, &given, work, inputs, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &change, &m.mask_operand, work, inputs, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &change, &all, work, inputs, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &change, &kept, work, inputs, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_ADD, &given, &change, dx, inputs, NULL));
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)output;
    clayer_status status = CLAYER_OK;
    parts p;
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    CLY_TRY(split(layer, inputs, steps, &p));
    if (count == 2 && wanted[1]) {
        CLY_TRY(cly_layers_plan_no_gradient(&inputs[1], 1, steps));
    }
    if (wanted[0] && looks_at_mask(layer, inputs, count, &p)) {
        return plan_masked_gradient(layer, inputs, &p, steps);
    }
    CLY_TRY(cly_layers_turn_in(&p.view, &x, 0, steps));
    CLY_TRY(cly_layers_turn_in(&p.view, &dy, 1, steps));
    CLY_TRY(plan_gradient(layer, &p, p.of_batch, x, dy,
                          !wanted[0]     ? CLY_PLACE(CLY_NOWHERE, 0)
                          : p.view.moved ? dy
                                         : CLY_PLACE(CLY_INPUT_GRADIENT, 0),
                          steps));
    if (wanted[0]) {
        CLY_TRY(cly_layers_turn_out(&p.view, 1, CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
    }
done:
    return status;
}

const cly_layers_class cly_layers_batch_normalization = {.name = "BatchNormalization",
                                                         .masks = CLY_MASKS_USE_AND_PASS,
                                                         .min_inputs = 1,
                                                         .max_inputs = 2,
                                                         .auto_name = "batch_normalization",
                                                         .config_size = sizeof(config),
                                                         .params = params,
                                                         .infer = infer,
                                                         .declare = declare,
                                                         .plan = plan,
                                                         .plan_backward = plan_backward};
