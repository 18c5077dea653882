/* layers/layer_norm.c: LayerNormalization, GroupNormalization, UnitNormalization: values normalised within one sample,
 * in training as in inference. Keras: keras/src/layers/normalization/{layer,group,unit}_normalization.py. */
#include "base/memory.h"
#include "layers/axes.h"

typedef clayer_layer_normalization_config layer_config;
typedef clayer_group_normalization_config group_config;
typedef clayer_unit_normalization_config unit_config;

#define SCALE_AND_CENTER(config)                                                                          \
    CLY_PARAM(config, epsilon, NUMBER, .fallback = 1e-3), CLY_PARAM_NEGATED(config, "center", no_center), \
        CLY_PARAM_NEGATED(config, "scale", no_scale)
#define GAMMA_AND_BETA(config)                                                                                     \
    CLY_PARAM_INITIALIZER(config, beta_initializer, "zeros"),                                                      \
        CLY_PARAM_INITIALIZER(config, gamma_initializer, "ones"), CLY_PARAM_REGULARIZER(config, beta_regularizer), \
        CLY_PARAM_REGULARIZER(config, gamma_regularizer), CLY_PARAM_CONSTRAINT(config, beta_constraint),           \
        CLY_PARAM_CONSTRAINT(config, gamma_constraint)

static const cly_layers_param layer_params[] = {
    CLY_PARAM_AXES_OF(layer_config),
    SCALE_AND_CENTER(layer_config),
    CLY_PARAM(layer_config, rms_scaling, BOOL, .required = false),
    GAMMA_AND_BETA(layer_config),
    {0},
};

static const cly_layers_param group_params[] = {
    CLY_PARAM(group_config, groups, INT, .fallback = 32, .low = -1, .high = INT32_MAX),
    CLY_PARAM_FLAGGED(group_config, axis, INT, .fallback = -1),
    SCALE_AND_CENTER(group_config),
    GAMMA_AND_BETA(group_config),
    {0},
};

static const cly_layers_param unit_params[] = {
    CLY_PARAM_AXES_OF(unit_config),
    {0},
};

/* ---- weights: gamma, beta, where there are any ---- */

typedef struct specs {
    const char *gamma_initializer, *gamma_regularizer, *gamma_constraint;
    const char *beta_initializer, *beta_regularizer, *beta_constraint;
} specs;

#define SPECS(c)                                                                                      \
    (specs) {                                                                                         \
        (c)->gamma_initializer, (c)->gamma_regularizer, (c)->gamma_constraint, (c)->beta_initializer, \
            (c)->beta_regularizer, (c)->beta_constraint                                               \
    }

static clayer_status declare_weights(clayer_layer *layer, const clayer_shape *shape, bool has_gamma, bool has_beta,
                                     const specs *s) {
    clayer_status status = CLAYER_OK;
    if (has_gamma) {
        CLY_TRY(cly_layers_add_weight(layer, "gamma", shape, true, s->gamma_initializer, s->gamma_regularizer,
                                      s->gamma_constraint));
    }
    if (has_beta) {
        CLY_TRY(cly_layers_add_weight(layer, "beta", shape, true, s->beta_initializer, s->beta_regularizer,
                                      s->beta_constraint));
    }
done:
    return status;
}

/* ---- steps ---- */

/* What a layer computes of one input. */
typedef struct work {
    cly_layers_axes_view view; /* moved: turned first */
    cly_ops_norm_shape norm;
    int gamma, beta; /* weights; -1: missing */
} work;

static void find_weights(work *w, bool has_gamma, bool has_beta) {
    w->norm.has_gamma = has_gamma;
    w->norm.has_beta = has_beta;
    w->gamma = has_gamma ? 0 : -1;
    w->beta = has_beta ? (int)has_gamma : -1;
}

static cly_ops_place weight_place(int index) {
    return index < 0 ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, index);
}

static clayer_status plan_forward(const work *w, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0);
    CLY_TRY(cly_layers_turn_in(&w->view, &x, 0, steps));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_group_norm_operator, &step));
    step->shape.norm = w->norm;
    step->operands[0] = x;
    step->operands[1] = weight_place(w->gamma);
    step->operands[2] = weight_place(w->beta);
    for (int i = 0; i < 2 && cly_layers_keeps(steps); i++) {
        step->operands[3 + i] = CLY_PLACE(CLY_SAVED, i);
        steps->saved_bytes[i] = (uint64_t)(w->norm.outer * w->norm.groups) * sizeof(float);
    }
    step->operands[5] = w->view.moved ? x : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_turn_out(&w->view, 0, CLY_PLACE(CLY_OUTPUT, 0), steps));
done:
    return status;
}

static cly_ops_place gradient_place(const clayer_layer *layer, int index) {
    return index >= 0 && cly_layers_is_trained(layer, index) ? CLY_PLACE(CLY_WEIGHT_GRADIENT, index)
                                                             : CLY_PLACE(CLY_NOWHERE, 0);
}

static clayer_status plan_gradient(const clayer_layer *layer, const work *w, bool wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    CLY_TRY(cly_layers_turn_in(&w->view, &x, 0, steps));
    CLY_TRY(cly_layers_turn_in(&w->view, &dy, 1, steps));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_group_norm_gradient_operator, &step));
    step->shape.norm = w->norm;
    step->operands[0] = x;
    step->operands[1] = weight_place(w->gamma);
    step->operands[2] = CLY_PLACE(CLY_SAVED, 0);
    step->operands[3] = CLY_PLACE(CLY_SAVED, 1);
    step->operands[4] = dy;
    if (wanted) {
        step->operands[5] = w->view.moved ? dy : CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    }
    step->operands[6] = gradient_place(layer, w->gamma);
    step->operands[7] = gradient_place(layer, w->beta);
    if (wanted) {
        CLY_TRY(cly_layers_turn_out(&w->view, 1, CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps));
    }
done:
    return status;
}

/* The values of the listed axes are normalised together, gamma and beta lie along them. */
static clayer_status view_axes(const clayer_layer *layer, const clayer_shape *axes, const clayer_shape *input,
                               work *w) {
    const clayer_status status = cly_layers_view_axes(layer, axes, input, &w->view);
    const cly_layers_axes_view *v = &w->view;
    const bool last = v->inner == 1;
    w->norm.outer = v->outer;
    w->norm.across = last ? 1 : v->axis;
    w->norm.groups = v->inner;
    w->norm.within = last ? v->axis : 1;
    w->norm.channels = v->axis;
    w->norm.inner = v->inner;
    return status;
}

/* ---- LayerNormalization ---- */

static bool layer_has_gamma(const layer_config *c) {
    return !c->no_scale || c->rms_scaling;
}

static bool layer_has_beta(const layer_config *c) {
    return !c->no_center && !c->rms_scaling;
}

static clayer_status layer_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    (void)count;
    bool listed[CLAYER_MAX_RANK];
    *output_out = *inputs;
    return cly_layers_expect_axes(layer, &((const layer_config *)layer->config)->axes, inputs, listed);
}

/* The sizes of the axes: in Keras 2 in the order of the list, in Keras 3 in that of the numbers as they are given. */
static clayer_status layer_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const layer_config *c = layer->config;
    clayer_shape axes = c->axes, shape = {.rank = c->axes.rank};
    for (int i = 1; i < axes.rank && layer->generation == 3; i++) {
        for (int j = i; j > 0 && axes.dims[j] < axes.dims[j - 1]; j--) {
            const int64_t axis = axes.dims[j];
            axes.dims[j] = axes.dims[j - 1];
            axes.dims[j - 1] = axis;
        }
    }
    for (int i = 0; i < axes.rank; i++) {
        shape.dims[i] = inputs->dims[axes.dims[i] < 0 ? axes.dims[i] + inputs->rank : axes.dims[i]];
    }
    return declare_weights(layer, &shape, layer_has_gamma(c), layer_has_beta(c), &SPECS(c));
}

static clayer_status layer_work(const clayer_layer *layer, const clayer_shape *input, work *w) {
    const layer_config *c = layer->config;
    *w = (work){.norm = {.kind = c->rms_scaling ? CLY_NORM_RMS : CLY_NORM_LAYER, .epsilon = (float)c->epsilon}};
    find_weights(w, layer_has_gamma(c), layer_has_beta(c));
    return view_axes(layer, &c->axes, input, w);
}

/* ---- GroupNormalization ---- */

static clayer_status group_check(clayer_layer *layer) {
    const int64_t groups = ((const group_config *)layer->config)->groups;
    if (groups == 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "groups is 0, must be -1 or at least 1");
    }
    return CLAYER_OK;
}

static clayer_status group_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    (void)count;
    clayer_status status = CLAYER_OK;
    const group_config *c = layer->config;
    char text[CLY_LAYERS_SHAPE_TEXT];
    int axis = 0;
    CLY_TRY(cly_layers_expect_axis(layer, c->axis, inputs, &axis));
    (void)cly_layers_shape_text(inputs, text, sizeof(text));
    const int64_t channels = inputs->dims[axis];
    if (axis == 0) {
        status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %lld is the batch of the input %s",
                                 (long long)c->axis, text);
    } else if (channels == -1) {
        status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %d of the input %s is unknown", axis, text);
    } else if (c->groups > 0 && channels % c->groups != 0) {
        status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%lld channels of the input %s make no %lld groups",
                                 (long long)channels, text, (long long)c->groups);
    }
    CLY_TRY(status);
    *output_out = *inputs;
done:
    return status;
}

static clayer_status group_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const group_config *c = layer->config;
    const int64_t axis = c->axis < 0 ? c->axis + inputs->rank : c->axis;
    const clayer_shape shape = {.rank = 1, .dims = {inputs->dims[axis]}};
    return declare_weights(layer, &shape, !c->no_scale, !c->no_center, &SPECS(c));
}

/* (N, before, groups, channels of a group, behind): all but N and groups are normalised together. */
static clayer_status group_work(const clayer_layer *layer, const clayer_shape *input, work *w) {
    const group_config *c = layer->config;
    const int axis = (int)(c->axis < 0 ? c->axis + input->rank : c->axis);
    const int64_t channels = input->dims[axis], groups = c->groups == -1 ? channels : c->groups;
    *w = (work){.norm = {.outer = input->dims[0],
                         .across = cly_layers_product(input, 1, axis),
                         .groups = groups,
                         .inner = cly_layers_product(input, axis + 1, input->rank),
                         .channels = channels,
                         .epsilon = (float)c->epsilon}};
    w->norm.within = channels / groups * w->norm.inner;
    if (w->norm.across == 1 || groups == 1) { /* groups lie whole, one behind the other */
        w->norm.outer *= w->norm.across == 1 ? groups : 1;
        w->norm.within *= w->norm.across;
        w->norm.across = w->norm.groups = 1;
    }
    find_weights(w, !c->no_scale, !c->no_center);
    return CLAYER_OK;
}

/* ---- UnitNormalization ---- */

static clayer_status unit_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                clayer_shape *output_out) {
    (void)count;
    bool listed[CLAYER_MAX_RANK];
    *output_out = *inputs;
    return cly_layers_expect_axes(layer, &((const unit_config *)layer->config)->axes, inputs, listed);
}

/* The sum of squares is at least 1e-12 in Keras 2 (tf.linalg.l2_normalize), the root of it in Keras 3. */
static clayer_status unit_work(const clayer_layer *layer, const clayer_shape *input, work *w) {
    *w = (work){.norm = {.kind = CLY_NORM_UNIT, .floor = layer->generation == 2 ? 1e-12f : 1e-24f}};
    find_weights(w, false, false);
    return view_axes(layer, &((const unit_config *)layer->config)->axes, input, w);
}

/* ---- the classes ---- */

#define PLANS(kind)                                                                                              \
    static clayer_status kind##_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,        \
                                     const clayer_shape *output, cly_ops_steps *steps) {                         \
        (void)count, (void)output;                                                                               \
        work w;                                                                                                  \
        const clayer_status status = kind##_work(layer, inputs, &w);                                             \
        return status == CLAYER_OK ? plan_forward(&w, steps) : status;                                           \
    }                                                                                                            \
    static clayer_status kind##_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,    \
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) { \
        (void)count, (void)output;                                                                               \
        work w;                                                                                                  \
        const clayer_status status = kind##_work(layer, inputs, &w);                                             \
        return status == CLAYER_OK ? plan_gradient(layer, &w, wanted[0], steps) : status;                        \
    }
PLANS(layer)
PLANS(group)
PLANS(unit)

const cly_layers_class cly_layers_layer_normalization = {.name = "LayerNormalization",
                                                         .masks = CLY_MASKS_PASS,
                                                         .auto_name = "layer_normalization",
                                                         .config_size = sizeof(layer_config),
                                                         .params = layer_params,
                                                         .infer = layer_infer,
                                                         .declare = layer_declare,
                                                         .plan = layer_plan,
                                                         .plan_backward = layer_backward};
const cly_layers_class cly_layers_group_normalization = {.name = "GroupNormalization",
                                                         .masks = CLY_MASKS_PASS,
                                                         .auto_name = "group_normalization",
                                                         .config_size = sizeof(group_config),
                                                         .params = group_params,
                                                         .check = group_check,
                                                         .infer = group_infer,
                                                         .declare = group_declare,
                                                         .plan = group_plan,
                                                         .plan_backward = group_backward};
const cly_layers_class cly_layers_unit_normalization = {.name = "UnitNormalization",
                                                        .masks = CLY_MASKS_PASS,
                                                        .auto_name = "unit_normalization",
                                                        .config_size = sizeof(unit_config),
                                                        .params = unit_params,
                                                        .infer = unit_infer,
                                                        .plan = unit_plan,
                                                        .plan_backward = unit_backward};
