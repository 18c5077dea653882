/* layers/core.c: InputLayer, Dense, Flatten, Reshape. Keras: keras/src/layers/core/dense.py,
 * keras/src/layers/reshaping/{flatten,reshape}.py. Flatten and Reshape leave the values where they are. */
#include "base/memory.h"
#include "layers/layer.h"

/* ---- InputLayer ---- */

static const cly_layers_param input_params[] = {
    CLY_PARAM(cly_layers_input_config, batch_shape, SHAPE, .alias = "batch_input_shape"),
    {0},
};

static clayer_status infer_input(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    (void)inputs, (void)count;
    *output_out = ((const cly_layers_input_config *)layer->config)->batch_shape;
    return CLAYER_OK;
}

const cly_layers_class cly_layers_input_layer = {.name = "InputLayer",
                                                 .auto_name = "input_layer",
                                                 .config_size = sizeof(cly_layers_input_config),
                                                 .params = input_params,
                                                 .infer = infer_input,
                                                 .plan = cly_layers_plan_nothing};

/* ---- Dense ---- */

static const cly_layers_param dense_params[] = {
    CLY_PARAM(clayer_dense_config, units, INT, .required = true, .low = 1, .high = INT32_MAX),
    CLY_PARAM_ACTIVATION(clayer_dense_config),
    CLY_PARAM_NEGATED(clayer_dense_config, "use_bias", no_bias),
    CLY_PARAM_INITIALIZER(clayer_dense_config, kernel_initializer, "glorot_uniform"),
    CLY_PARAM_INITIALIZER(clayer_dense_config, bias_initializer, "zeros"),
    CLY_PARAM_REGULARIZER(clayer_dense_config, kernel_regularizer),
    CLY_PARAM_REGULARIZER(clayer_dense_config, bias_regularizer),
    CLY_PARAM_REGULARIZER(clayer_dense_config, activity_regularizer),
    CLY_PARAM_CONSTRAINT(clayer_dense_config, kernel_constraint),
    CLY_PARAM_CONSTRAINT(clayer_dense_config, bias_constraint),
    {0},
};

static clayer_status infer_dense(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    (void)count;
    if (inputs->rank < 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input has %d axis, expects 2 or more: (N, ..., C)",
                               inputs->rank);
    }
    *output_out = *inputs;
    output_out->dims[inputs->rank - 1] = ((const clayer_dense_config *)layer->config)->units;
    return CLAYER_OK;
}

static clayer_status declare_dense(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    (void)count;
    const clayer_dense_config *c = layer->config;
    const clayer_shape kernel = {.rank = 2, .dims = {inputs->dims[inputs->rank - 1], c->units}};
    const clayer_shape bias = {.rank = 1, .dims = {c->units}};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_add_weight(layer, "kernel", &kernel, true, c->kernel_initializer, c->kernel_regularizer,
                                  c->kernel_constraint));
    if (!c->no_bias) {
        CLY_TRY(cly_layers_add_weight(layer, "bias", &bias, true, c->bias_initializer, c->bias_regularizer,
                                      c->bias_constraint));
    }
done:
    return status;
}

/* A 1x1 convolution on one image whose pixels are all the rows of the input. */
static void fill_dense(const clayer_layer *layer, const clayer_shape *input, cly_ops_conv_shape *shape) {
    const clayer_dense_config *c = layer->config;
    const int64_t rows = cly_layers_product(input, 0, input->rank - 1);
    *shape = (cly_ops_conv_shape){.batch = 1,
                                  .in = {1, 1, rows},
                                  .out = {1, 1, rows},
                                  .in_channels = input->dims[input->rank - 1],
                                  .out_channels = c->units,
                                  .groups = 1,
                                  .kernel = {1, 1, 1},
                                  .stride = {1, 1, 1},
                                  .dilation = {1, 1, 1}};
}

static clayer_status plan_dense(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    const clayer_dense_config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_conv_operator, &step));
    fill_dense(layer, inputs, &step->shape.conv);
    step->shape.conv.activation = cly_layers_fused_activation(layer, steps);
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_WEIGHT, 0);
    step->operands[2] = c->no_bias ? CLY_PLACE(CLY_NOWHERE, 0) : CLY_PLACE(CLY_WEIGHT, 1);
    step->operands[3] = cly_layers_preactivation(layer, steps);
    CLY_TRY(cly_layers_plan_activation(layer, output, steps));
done:
    return status;
}

static clayer_status plan_dense_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    const clayer_dense_config *c = layer->config;
    cly_ops_conv_shape shape;
    fill_dense(layer, inputs, &shape);
    const cly_layers_conv_gradients gradients = {
        .weights = &cly_ops_conv_weights_operator, .input = &cly_ops_conv_transpose_operator, .has_bias = !c->no_bias};
    return cly_layers_plan_conv_backward(layer, &gradients, &shape, output, wanted, steps);
}

const cly_layers_class cly_layers_dense = {.name = "Dense",
                                           .masks = CLY_MASKS_PASS,
                                           .auto_name = "dense",
                                           .config_size = sizeof(clayer_dense_config),
                                           .params = dense_params,
                                           .infer = infer_dense,
                                           .declare = declare_dense,
                                           .plan = plan_dense,
                                           .plan_backward = plan_dense_backward};

/* ---- Flatten ---- */

static const cly_layers_param flatten_params[] = {CLY_PARAM_DATA_FORMAT(clayer_flatten_config), {0}};

static clayer_status infer_flatten(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    (void)count;
    int64_t length = cly_layers_product(inputs, 1, inputs->rank);
    if (length == -2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the size of the output overflows");
    }
    *output_out = (clayer_shape){.rank = 2, .dims = {inputs->dims[0], length}};
    return CLAYER_OK;
}

/* With channels_first the channels move last before, unless there is one channel or one place only. */
static clayer_status plan_either_flatten(const clayer_layer *layer, const clayer_shape *input,
                                         const clayer_shape *output, bool backward, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const int last = input->rank - 1;
    if (!layer->channels_first || input->rank <= 2 || input->dims[1] == 1 || input->dims[1] == output->dims[1]) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    cly_ops_transpose_shape *shape = &step->shape.transpose;
    shape->x = *input;
    for (int i = 1; i <= last; i++) {
        int from = backward ? i - 1 : i + 1; /* which axis becomes axis i, but for the channels */
        shape->permutation[i] = backward && i == 1 ? last : !backward && i == last ? 1 : from;
        shape->x.dims[i] = !backward ? input->dims[i] : i == last ? input->dims[1] : input->dims[i + 1];
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_flatten(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_either_flatten(layer, inputs, output, false, steps);
}

static clayer_status plan_flatten_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_either_flatten(layer, inputs, output, true, steps);
}

const cly_layers_class cly_layers_flatten = {.name = "Flatten",
                                             .auto_name = "flatten",
                                             .config_size = sizeof(clayer_flatten_config),
                                             .params = flatten_params,
                                             .infer = infer_flatten,
                                             .plan = plan_flatten,
                                             .plan_backward = plan_flatten_backward};

/* ---- Reshape ---- */

static const cly_layers_param reshape_params[] = {
    CLY_PARAM(clayer_reshape_config, target_shape, SHAPE, .low = -1, .high = INT32_MAX),
    {0},
};

static clayer_status check_reshape(clayer_layer *layer) {
    const clayer_shape *target = &((const clayer_reshape_config *)layer->config)->target_shape;
    int open = 0;
    for (int i = 0; i < target->rank; i++) {
        open += target->dims[i] == -1;
        if (target->dims[i] == 0) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "target_shape has a 0; dimensions are at least 1");
        }
    }
    if (open > 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "target_shape has %d dimensions of -1, allowed is one",
                               open);
    }
    if (target->rank >= CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "target_shape has %d dimensions, more than %d", target->rank,
                               CLAYER_MAX_RANK - 1);
    }
    return CLAYER_OK;
}

static clayer_status infer_reshape(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    (void)count;
    const clayer_shape *target = &((const clayer_reshape_config *)layer->config)->target_shape;
    char from[CLY_LAYERS_SHAPE_TEXT], to[CLY_LAYERS_SHAPE_TEXT];
    int64_t length = cly_layers_product(inputs, 1, inputs->rank), fixed = 1;
    int open = -1;
    bool fits = length != -2;
    *output_out = (clayer_shape){.rank = target->rank + 1, .dims = {inputs->dims[0]}};
    for (int i = 0; i < target->rank; i++) {
        output_out->dims[i + 1] = target->dims[i];
        if (target->dims[i] == -1) {
            open = i + 1;
        } else {
            fits = cly_base_multiply(&fixed, target->dims[i]) && fits;
        }
    }
    if (fits && length != -1) {
        fits = open == -1 ? fixed == length : length % fixed == 0;
        if (fits && open != -1) {
            output_out->dims[open] = length / fixed;
        }
    }
    if (!fits) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input %s cannot take target_shape %s",
                               cly_layers_shape_text(inputs, from, sizeof(from)),
                               cly_layers_shape_text(target, to, sizeof(to)));
    }
    return CLAYER_OK;
}

const cly_layers_class cly_layers_reshape = {.name = "Reshape",
                                             .auto_name = "reshape",
                                             .config_size = sizeof(clayer_reshape_config),
                                             .params = reshape_params,
                                             .check = check_reshape,
                                             .infer = infer_reshape,
                                             .plan = cly_layers_plan_nothing};
