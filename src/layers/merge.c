/* layers/merge.c: Concatenate: several inputs behind each other on one axis. Keras:
 * keras/src/layers/merging/concatenate.py. */
#include "layers/layer.h"

static const cly_layers_param concatenate_params[] = {
    CLY_PARAM_FLAGGED(clayer_concatenate_config, axis, INT, .fallback = -1),
    {0},
};

static clayer_status infer_concatenate(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    int axis = 0;
    clayer_status status =
        cly_layers_expect_axis(layer, ((const clayer_concatenate_config *)layer->config)->axis, inputs, &axis);
    if (status != CLAYER_OK) {
        return status;
    }
    *output_out = inputs[0];
    for (size_t i = 1; i < count; i++) {
        bool fits = inputs[i].rank == inputs[0].rank;
        for (int d = 0; fits && d < inputs[i].rank; d++) {
            int64_t sum = output_out->dims[d], n = inputs[i].dims[d];
            if (d == axis) {
                output_out->dims[d] = sum == -1 || n == -1 ? -1 : sum + n;
            } else {
                fits = sum == n || sum == -1 || n == -1;
                output_out->dims[d] = sum == -1 ? n : sum;
            }
        }
        if (!fits) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input %zu of shape %s differs from the first, %s, on an axis other than %d", i,
                                   cly_layers_shape_text(&inputs[i], other, sizeof(other)),
                                   cly_layers_shape_text(&inputs[0], first, sizeof(first)), axis);
        }
    }
    return CLAYER_OK;
}

/* Each input is a slab of every row of the output. wanted NULL: forward. */
static clayer_status plan_slabs(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    int axis = 0;
    int64_t offset = 0;
    CLY_TRY(cly_layers_expect_axis(layer, ((const clayer_concatenate_config *)layer->config)->axis, inputs, &axis));
    const int64_t rows = cly_layers_product(output, 0, axis), length = cly_layers_product(output, axis, output->rank);
    for (size_t i = 0; i < count && count > 1; i++) {
        cly_ops_step *step = NULL;
        const int64_t width = cly_layers_product(&inputs[i], axis, inputs[i].rank);
        if (wanted == NULL) {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
            step->shape.copy = (cly_ops_copy_shape){
                .rows = rows, .width = width, .x_length = width, .y_length = length, .y_offset = offset};
            step->operands[0] = CLY_PLACE(CLY_INPUT, (int)i);
            step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
        } else if (wanted[i]) {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
            step->shape.copy = (cly_ops_copy_shape){
                .rows = rows, .width = width, .x_length = length, .x_offset = offset, .y_length = width};
            step->operands[0] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
            step->operands[1] = CLY_PLACE(CLY_INPUT_GRADIENT, (int)i);
        }
        offset += width;
    }
done:
    return status;
}

static clayer_status plan_concatenate(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps) {
    return plan_slabs(layer, inputs, count, output, NULL, steps);
}

const cly_layers_class cly_layers_concatenate = {.name = "Concatenate",
                                                 .masks = CLY_MASKS_CONCATENATE,
                                                 .auto_name = "concatenate",
                                                 .config_size = sizeof(clayer_concatenate_config),
                                                 .params = concatenate_params,
                                                 .min_inputs = 1,
                                                 .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                                 .infer = infer_concatenate,
                                                 .plan = plan_concatenate,
                                                 .plan_backward = plan_slabs};
