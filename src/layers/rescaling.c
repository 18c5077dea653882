/* layers/rescaling.c: Rescaling and Normalization: what puts inputs in range, by numbers of the config or, for
 * Normalization without any, by the mean and variance that adapt() left as weights. Keras:
 * keras/src/layers/preprocessing/{rescaling,normalization}.py. */
#include "base/memory.h"
#include "layers/axes.h"

typedef clayer_rescaling_config rescaling_config;
typedef clayer_normalization_config normalization_config;

#define LEAST_ROW 1024        /* floats that a row of one factor has at least */
#define LEAST_VARIANCE 1e-14f /* Keras takes no root below its epsilon() of 1e-7 */

static const cly_layers_param rescaling_params[] = {
    CLY_PARAM_NUMBER_LIST(rescaling_config, scale, .required = true),
    CLY_PARAM_NUMBER_LIST(rescaling_config, offset, .fallback = -0.0),
    {0},
};

static const cly_layers_param normalization_params[] = {
    CLY_PARAM_AXES_OR_NONE(normalization_config),
    CLY_PARAM(normalization_config, invert, BOOL, .required = false),
    CLY_PARAM_NUMBER_LIST(normalization_config, mean, .required = false),
    CLY_PARAM_NUMBER_LIST(normalization_config, variance, .required = false),
    {0},
};

/* ---- Rescaling ---- */

enum { SCALE, OFFSET };

/* Where a list lies. Keras 3 sets the scale, and the scale alone, at the third axis from the end where keras.json says
 * channels_first; all other lists follow the last axis. */
static clayer_status list_axis(const clayer_layer *layer, const clayer_shape *input, int which, int *axis_out) {
    const char *format = "channels_last";
    clayer_status status = CLAYER_OK;
    if (layer->generation == 3 && which == SCALE) {
        CLY_TRY(cly_layers_default_data_format(&format));
    }
    *axis_out = input->rank - (format[9] == 'f' ? 3 : 1);
done:
    return status;
}

static clayer_status check_list(const clayer_layer *layer, const clayer_shape *input, int which, size_t length) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    clayer_status status = CLAYER_OK;
    int axis = 0;
    if (length == 1) {
        return CLAYER_OK;
    }
    CLY_TRY(list_axis(layer, input, which, &axis));
    if (axis < 1 || (input->dims[axis] != -1 && input->dims[axis] != (int64_t)length)) {
        status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s has %zu values, which do not fit the input %s",
                                 which == SCALE ? "scale" : "offset", length,
                                 cly_layers_shape_text(input, text, sizeof(text)));
    }
done:
    return status;
}

static clayer_status rescaling_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                     clayer_shape *output_out) {
    (void)count;
    const rescaling_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    CLY_TRY(check_list(layer, inputs, SCALE, c->scale_count));
    CLY_TRY(check_list(layer, inputs, OFFSET, c->offset_count));
    *output_out = *inputs;
done:
    return status;
}

static clayer_status rescaling_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)inputs, (void)count;
    const rescaling_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_hold_constant(layer, SCALE, c->scale, c->scale_count, c->scale_count));
    CLY_TRY(cly_layers_hold_constant(layer, OFFSET, c->offset, c->offset_count, c->offset_count));
done:
    return status;
}

/* One factor or summand, or a list along an axis: the shape in which "normalize" takes it as gamma or beta. */
static clayer_status list_view(const clayer_layer *layer, const clayer_shape *input, int which, size_t length,
                               cly_ops_norm_shape *norm_out) {
    cly_ops_norm_shape norm = {.outer = 1, .across = 1, .groups = 1, .channels = (int64_t)length, .inner = 1};
    clayer_status status = CLAYER_OK;
    int axis = 0;
    if (length == 1) {
        for (axis = input->rank - 1; axis > 0 && norm.inner < LEAST_ROW; axis--) {
            norm.inner *= input->dims[axis];
        }
        norm.outer = cly_layers_product(input, 0, axis + 1);
    } else {
        CLY_TRY(list_axis(layer, input, which, &axis));
        norm.outer = cly_layers_product(input, 0, axis);
        norm.inner = cly_layers_product(input, axis + 1, input->rank);
    }
    norm.within = norm.channels * norm.inner;
    *norm_out = norm;
done:
    return status;
}

static bool is_same_view(const cly_ops_norm_shape *a, const cly_ops_norm_shape *b) {
    return a->channels == b->channels && a->inner == b->inner;
}

/* Scale and offset in one step where they lie alike, else in two; backward the scale alone. */
static clayer_status plan_rescaling(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                    cly_ops_steps *steps) {
    const rescaling_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_ops_norm_shape scale, offset;
    const cly_ops_place y = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(list_view(layer, input, SCALE, c->scale_count, &scale));
    CLY_TRY(list_view(layer, input, OFFSET, c->offset_count, &offset));
    const bool together = is_same_view(&scale, &offset);
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_normalize_operator, &step));
    step->shape.norm = scale;
    step->shape.norm.has_gamma = true;
    step->shape.norm.has_beta = !backward && together;
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    cly_layers_use_constant(layer, SCALE, step, 1);
    if (step->shape.norm.has_beta) {
        cly_layers_use_constant(layer, OFFSET, step, 2);
    }
    step->operands[5] = y;
    if (!backward && !together) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_normalize_operator, &step));
        step->shape.norm = offset;
        step->shape.norm.has_beta = true;
        step->operands[0] = y;
        cly_layers_use_constant(layer, OFFSET, step, 2);
        step->operands[5] = y;
    }
done:
    return status;
}

static clayer_status rescaling_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return plan_rescaling(layer, inputs, false, steps);
}

static clayer_status rescaling_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                        const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return plan_rescaling(layer, inputs, true, steps);
}

/* ---- Normalization ---- */

enum { MEAN, VARIANCE };

static clayer_status normalization_check(clayer_layer *layer) {
    const normalization_config *c = layer->config;
    if (c->mean_count != c->variance_count) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "mean has %zu values and variance %zu: both must be given, and of one length",
                               c->mean_count, c->variance_count);
    }
    return CLAYER_OK;
}

static clayer_status normalization_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         clayer_shape *output_out) {
    (void)count;
    bool listed[CLAYER_MAX_RANK];
    *output_out = *inputs;
    return cly_layers_expect_axes(layer, &((const normalization_config *)layer->config)->axes, inputs, listed);
}

/* Numbers of the config are repeated as NumPy's broadcasting does: one for all, or the last axis' for the others. */
static clayer_status hold_numbers(clayer_layer *layer, const clayer_shape *shape, const clayer_shape *input) {
    const normalization_config *c = layer->config;
    const int64_t total = cly_layers_product(shape, 0, shape->rank), given = (int64_t)c->mean_count;
    int64_t tail = 1;
    bool fits = given == 1;
    char text[CLY_LAYERS_SHAPE_TEXT];
    clayer_status status = CLAYER_OK;
    for (int i = shape->rank - 1; i >= 0; i--) {
        tail *= shape->dims[i];
        fits = fits || tail == given;
    }
    if (total < 0 || !fits) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "mean has %lld values, which do not fit the input %s",
                               (long long)given, cly_layers_shape_text(input, text, sizeof(text)));
    }
    CLY_TRY(cly_layers_hold_constant(layer, MEAN, c->mean, c->mean_count, (size_t)total));
    CLY_TRY(cly_layers_hold_constant(layer, VARIANCE, c->variance, c->variance_count, (size_t)total));
done:
    return status;
}

/* The sizes of the axes in the input's order. "count" is the number of samples that adapt() saw. */
static clayer_status normalization_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const normalization_config *c = layer->config;
    const clayer_shape scalar = {.rank = 0};
    clayer_shape shape = {.rank = 0};
    bool listed[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_expect_axes(layer, &c->axes, inputs, listed));
    for (int i = 0; i < inputs->rank; i++) {
        if (listed[i]) {
            shape.dims[shape.rank++] = inputs->dims[i];
        }
    }
    if (c->mean_count > 0) {
        CLY_TRY(hold_numbers(layer, &shape, inputs));
        goto done;
    }
    CLY_TRY(cly_layers_add_weight(layer, "mean", &shape, false, "zeros", NULL, NULL));
    CLY_TRY(cly_layers_add_weight(layer, "variance", &shape, false, "ones", NULL, NULL));
    CLY_TRY(cly_layers_add_weight(layer, "count", &scalar, false, "zeros", NULL, NULL));
done:
    return status;
}

static clayer_status plan_normalization(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                        cly_ops_steps *steps) {
    const normalization_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_layers_axes_view view;
    cly_ops_place x = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    const cly_ops_place y = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_view_axes(layer, &c->axes, input, &view));
    CLY_TRY(cly_layers_turn_in(&view, &x, 0, steps));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_normalize_operator, &step));
    step->shape.norm = (cly_ops_norm_shape){.outer = 1,
                                            .across = view.outer,
                                            .groups = view.axis,
                                            .within = view.inner,
                                            .channels = view.axis,
                                            .inner = view.inner,
                                            .floor = LEAST_VARIANCE,
                                            .has_mean = !backward,
                                            .inverted = c->invert};
    if (view.axis == 1) { /* one mean for all: any rows will do */
        CLY_TRY(list_view(layer, input, MEAN, 1, &step->shape.norm));
        step->shape.norm.across = step->shape.norm.outer;
        step->shape.norm.outer = 1;
        step->shape.norm.floor = LEAST_VARIANCE;
        step->shape.norm.has_mean = !backward;
        step->shape.norm.inverted = c->invert;
    }
    step->operands[0] = x;
    for (int i = backward ? VARIANCE : MEAN; i <= VARIANCE; i++) {
        step->operands[3 + i] = CLY_PLACE(CLY_WEIGHT, i);
        if (c->mean_count > 0) {
            cly_layers_use_constant(layer, i, step, 3 + i);
        }
    }
    step->operands[5] = view.moved ? CLY_PLACE(CLY_TEMPORARY, 1) : y;
    steps->temporary_bytes[1] = view.moved ? cly_layers_bytes(input) : steps->temporary_bytes[1];
    CLY_TRY(cly_layers_turn_out(&view, 1, y, steps));
done:
    return status;
}

static clayer_status normalization_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                        const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return plan_normalization(layer, inputs, false, steps);
}

static clayer_status normalization_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                            const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return plan_normalization(layer, inputs, true, steps);
}

const cly_layers_class cly_layers_rescaling = {.name = "Rescaling",
                                               .masks = CLY_MASKS_PASS_KERAS3,
                                               .auto_name = "rescaling",
                                               .config_size = sizeof(rescaling_config),
                                               .params = rescaling_params,
                                               .infer = rescaling_infer,
                                               .declare = rescaling_declare,
                                               .plan = rescaling_plan,
                                               .plan_backward = rescaling_backward};
const cly_layers_class cly_layers_normalization = {.name = "Normalization",
                                                   .masks = CLY_MASKS_PASS_KERAS3,
                                                   .auto_name = "normalization",
                                                   .config_size = sizeof(normalization_config),
                                                   .params = normalization_params,
                                                   .check = normalization_check,
                                                   .infer = normalization_infer,
                                                   .declare = normalization_declare,
                                                   .plan = normalization_plan,
                                                   .plan_backward = normalization_backward};
