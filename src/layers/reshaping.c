/* layers/reshaping.c: Permute and RepeatVector. Keras: keras/src/layers/reshaping/{permute,repeat_vector}.py. */
#include "layers/layer.h"

/* ---- Permute ---- */

static const cly_layers_param permute_params[] = {
    CLY_PARAM(clayer_permute_config, dims, SHAPE, .low = 1, .high = CLAYER_MAX_RANK - 1),
    {0},
};

static clayer_status check_permute(clayer_layer *layer) {
    const clayer_shape *dims = &((const clayer_permute_config *)layer->config)->dims;
    unsigned seen = 0;
    char text[CLY_LAYERS_SHAPE_TEXT];
    for (int i = 0; i < dims->rank; i++) {
        seen |= 1u << dims->dims[i];
    }
    if (dims->rank == 0 || seen != (1u << (dims->rank + 1)) - 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "dims is %s, must have each of 1 to its length once",
                               cly_layers_shape_text(dims, text, sizeof(text)));
    }
    return CLAYER_OK;
}

static clayer_status infer_permute(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    (void)count;
    const clayer_shape *dims = &((const clayer_permute_config *)layer->config)->dims;
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (inputs->rank != dims->rank + 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                               "input %s has %d axes, expects %d: the batch and those of dims",
                               cly_layers_shape_text(inputs, text, sizeof(text)), inputs->rank, dims->rank + 1);
    }
    *output_out = *inputs;
    for (int i = 0; i < dims->rank; i++) {
        output_out->dims[i + 1] = inputs->dims[dims->dims[i]];
    }
    return CLAYER_OK;
}

/* Only axes of 1 change places: the values stay where they are. */
static bool keeps_order(const clayer_shape *dims, const clayer_shape *input) {
    int64_t last = 0;
    for (int i = 0; i < dims->rank; i++) {
        if (input->dims[dims->dims[i]] != 1) {
            if (dims->dims[i] < last) {
                return false;
            }
            last = dims->dims[i];
        }
    }
    return true;
}

static clayer_status plan_either_permute(const clayer_layer *layer, const clayer_shape *input,
                                         const clayer_shape *output, bool backward, cly_ops_steps *steps) {
    const clayer_shape *dims = &((const clayer_permute_config *)layer->config)->dims;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (keeps_order(dims, input)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    step->shape.transpose.x = backward ? *output : *input;
    for (int i = 0; i < dims->rank; i++) {
        const int axis = (int)dims->dims[i];
        step->shape.transpose.permutation[backward ? axis : i + 1] = backward ? i + 1 : axis;
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_permute(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return plan_either_permute(layer, inputs, output, false, steps);
}

static clayer_status plan_permute_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return plan_either_permute(layer, inputs, output, true, steps);
}

const cly_layers_class cly_layers_permute = {.name = "Permute",
                                             .auto_name = "permute",
                                             .config_size = sizeof(clayer_permute_config),
                                             .params = permute_params,
                                             .check = check_permute,
                                             .infer = infer_permute,
                                             .plan = plan_permute,
                                             .plan_backward = plan_permute_backward};

/* ---- RepeatVector ---- */

static const cly_layers_param repeat_params[] = {
    CLY_PARAM(clayer_repeat_vector_config, n, INT, .required = true, .low = 1, .high = INT32_MAX),
    {0},
};

static clayer_status infer_repeat(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    (void)count;
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (inputs->rank != 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input %s has %d axes, expects 2: (N, C)",
                               cly_layers_shape_text(inputs, text, sizeof(text)), inputs->rank);
    }
    *output_out = (clayer_shape){
        .rank = 3, .dims = {inputs->dims[0], ((const clayer_repeat_vector_config *)layer->config)->n, inputs->dims[1]}};
    return CLAYER_OK;
}

/* An upsampling of one pixel whose channels are the vector. */
static clayer_status plan_repeat(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 const clayer_shape *output, cly_ops_steps *steps) {
    (void)layer, (void)count;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (output->dims[1] == 1) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_resize_operator, &step));
    step->shape.resize = (cly_ops_resize_shape){.outer = inputs->dims[0],
                                                .inner = inputs->dims[1],
                                                .in = {1, 1, 1},
                                                .factor = {1, 1, output->dims[1]},
                                                .method = CLY_NEAREST};
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_repeat_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)layer, (void)count, (void)wanted;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (output->dims[1] == 1) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    step->shape.reduce.x = *output;
    step->shape.reduce.y = (clayer_shape){.rank = 3, .dims = {inputs->dims[0], 1, inputs->dims[1]}};
    step->operands[0] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    step->operands[1] = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
done:
    return status;
}

const cly_layers_class cly_layers_repeat_vector = {.name = "RepeatVector",
                                                   .auto_name = "repeat_vector",
                                                   .config_size = sizeof(clayer_repeat_vector_config),
                                                   .params = repeat_params,
                                                   .infer = infer_repeat,
                                                   .plan = plan_repeat,
                                                   .plan_backward = plan_repeat_backward};
