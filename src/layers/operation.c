/* layers/operation.c: operations on tensors: arithmetic with constants, sums over axes, axes that come, go and change
 * places, slices. NumPy's rules, as keras/src/ops/numpy.py and TensorFlow have them. */
#include "layers/operation.h"

#include "layers/arithmetic.h"

typedef cly_layers_operation_config config;

/* ---- functions ---- */

static bool is_binary(const config *c) {
    return !cly_ops_is_unary(c->function);
}

/* The operand's shape before it is expanded; a number has no axes. */
static clayer_shape source_shape(const clayer_layer *layer, const clayer_shape *inputs, int k) {
    const config *c = layer->config;
    return c->sources[k] == CLY_SOURCE_INPUT      ? inputs[c->inputs[k]]
           : c->sources[k] == CLY_SOURCE_CONSTANT ? c->constants[k]
                                                  : (clayer_shape){.rank = 0};
}

static cly_layers_operand operand_of(const clayer_layer *layer, const clayer_shape *inputs, int k, int rank) {
    const config *c = layer->config;
    if (c->sources[k] == CLY_SOURCE_NUMBER) {
        return cly_layers_number(c->numbers[k]);
    }
    const clayer_shape own = source_shape(layer, inputs, k), shape = cly_layers_expand_shape(&own, rank, false);
    if (c->sources[k] == CLY_SOURCE_CONSTANT) {
        cly_layers_operand operand = cly_layers_tensor(CLY_PLACE(CLY_CONSTANT, k), &shape);
        operand.constant = layer->constants[k];
        return operand;
    }
    return cly_layers_tensor(CLY_PLACE(CLY_INPUT, c->inputs[k]), &shape);
}

static clayer_status infer_function(const clayer_layer *layer, const clayer_shape *inputs, clayer_shape *output_out) {
    const config *c = layer->config;
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    const clayer_shape a = source_shape(layer, inputs, 0);
    if (!is_binary(c)) {
        *output_out = a;
        return CLAYER_OK;
    }
    const clayer_shape b = source_shape(layer, inputs, 1);
    const int rank = a.rank > b.rank ? a.rank : b.rank;
    const clayer_shape left = cly_layers_expand_shape(&a, rank, false),
                       right = cly_layers_expand_shape(&b, rank, false);
    if (!cly_layers_broadcast(&left, &right, false, output_out)) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "operands of shapes %s and %s do not fit",
                               cly_layers_shape_text(&a, first, sizeof(first)),
                               cly_layers_shape_text(&b, other, sizeof(other)));
    }
    return CLAYER_OK;
}

static clayer_status plan_function(const clayer_layer *layer, const clayer_shape *inputs, const clayer_shape *output,
                                   cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const cly_layers_operand a = operand_of(layer, inputs, 0, output->rank);
    const cly_layers_operand b = is_binary(c) ? operand_of(layer, inputs, 1, output->rank) : a;
    CLY_TRY(cly_layers_plan_function(steps, c->function, &a, is_binary(c) ? &b : NULL, CLY_PLACE(CLY_OUTPUT, 0), output,
                                     &step));
    step->shape.arithmetic.limits[0] = c->limits[0];
    step->shape.arithmetic.limits[1] = c->limits[1];
done:
    return status;
}

static clayer_status plan_function_backward(const clayer_layer *layer, const clayer_shape *inputs,
                                            const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    const cly_layers_operand a = operand_of(layer, inputs, 0, output->rank);
    const cly_layers_operand b = is_binary(c) ? operand_of(layer, inputs, 1, output->rank) : a;
    for (int k = 0; k < (is_binary(c) ? 2 : 1); k++) {
        if (c->sources[k] == CLY_SOURCE_INPUT && wanted[c->inputs[k]]) {
            CLY_TRY(cly_layers_plan_function_gradient(steps, c->function, &a, is_binary(c) ? &b : NULL, c->limits, k,
                                                      CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output,
                                                      CLY_PLACE(CLY_INPUT_GRADIENT, c->inputs[k])));
        }
    }
done:
    return status;
}

/* ---- axes ---- */

/* Which of `rank` axes are meant; the batch stays out of it. */
static clayer_status find_axes(const clayer_layer *layer, int rank, bool chosen[CLAYER_MAX_RANK]) {
    const config *c = layer->config;
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        chosen[i] = c->all_axes && i > 0;
    }
    for (int i = 0; i < c->axes.rank && !c->all_axes; i++) {
        const int64_t axis = c->axes.dims[i] < 0 ? c->axes.dims[i] + rank : c->axes.dims[i];
        if (axis < 0 || axis >= rank) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %lld is outside of %d axes",
                                   (long long)c->axes.dims[i], rank);
        }
        if (axis == 0) {
            return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the batch, axis 0, cannot be taken together or apart");
        }
        chosen[axis] = true;
    }
    return CLAYER_OK;
}

/* With ones on the axes that are summed over. */
static clayer_status keep_shape(const clayer_layer *layer, const clayer_shape *input, clayer_shape *kept_out) {
    bool chosen[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    if (((const config *)layer->config)->all_axes) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "over all axes, the batch too, is not supported");
    }
    CLY_TRY(find_axes(layer, input->rank, chosen));
    *kept_out = *input;
    for (int i = 0; i < input->rank; i++) {
        kept_out->dims[i] = chosen[i] ? 1 : input->dims[i];
    }
done:
    return status;
}

static clayer_status infer_sum(const clayer_layer *layer, const clayer_shape *input, clayer_shape *output_out) {
    const config *c = layer->config;
    bool chosen[CLAYER_MAX_RANK];
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    CLY_TRY(keep_shape(layer, input, &kept));
    CLY_TRY(find_axes(layer, input->rank, chosen));
    output_out->rank = 0;
    for (int i = 0; i < input->rank; i++) {
        if (c->keepdims || !chosen[i]) {
            output_out->dims[output_out->rank++] = kept.dims[i];
        }
    }
done:
    return status;
}

static clayer_status infer_view(const clayer_layer *layer, const clayer_shape *input, clayer_shape *output_out) {
    const config *c = layer->config;
    const bool expands = c->kind == CLY_OPERATION_EXPAND;
    const int rank = expands ? input->rank + c->axes.rank : input->rank;
    bool chosen[CLAYER_MAX_RANK];
    char text[CLY_LAYERS_SHAPE_TEXT];
    clayer_status status = CLAYER_OK;
    int from = 0;
    if (rank > CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "%d axes, more than %d", rank, CLAYER_MAX_RANK);
    }
    CLY_TRY(find_axes(layer, rank, chosen));
    output_out->rank = 0;
    for (int i = 0; i < rank; i++) {
        if (expands) {
            output_out->dims[output_out->rank++] = chosen[i] ? 1 : input->dims[from++];
        } else if (!chosen[i] || (c->all_axes && input->dims[i] != 1)) {
            output_out->dims[output_out->rank++] = input->dims[i];
        } else if (input->dims[i] != 1) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %d of %s is not 1 and cannot be squeezed", i,
                                   cly_layers_shape_text(input, text, sizeof(text)));
        }
    }
done:
    return status;
}

static clayer_status infer_transpose(const clayer_layer *layer, const clayer_shape *input, clayer_shape *output_out) {
    const config *c = layer->config;
    char text[CLY_LAYERS_SHAPE_TEXT];
    bool seen[CLAYER_MAX_RANK] = {false};
    bool fits = c->axes.rank == input->rank;
    output_out->rank = input->rank;
    for (int i = 0; fits && i < input->rank; i++) {
        const int64_t axis = c->axes.dims[i] < 0 ? c->axes.dims[i] + input->rank : c->axes.dims[i];
        fits = axis >= 0 && axis < input->rank && !seen[axis] && (i > 0 || axis == 0);
        if (fits) {
            seen[axis] = true;
            output_out->dims[i] = input->dims[axis];
        }
    }
    if (!fits) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                               "the permutation of the axes of %s must name each once, the batch first",
                               cly_layers_shape_text(input, text, sizeof(text)));
    }
    return CLAYER_OK;
}

/* ---- steps ---- */

static clayer_status plan_sum(const clayer_layer *layer, const clayer_shape *input, cly_ops_steps *steps) {
    const config *c = layer->config;
    const cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), y = CLY_PLACE(CLY_OUTPUT, 0);
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    CLY_TRY(keep_shape(layer, input, &kept));
    if (c->kind == CLY_OPERATION_ANY) {
        const cly_ops_place truth = cly_layers_temporary(steps, 0, cly_layers_bytes(input));
        const cly_layers_operand values = cly_layers_tensor(x, input), zero = cly_layers_number(0);
        const cly_layers_operand sum = cly_layers_tensor(y, &kept);
        CLY_TRY(cly_layers_plan_function(steps, CLY_NOT_EQUAL, &values, &zero, truth, input, NULL));
        CLY_TRY(cly_layers_plan_sum(steps, truth, input, y, &kept, 1));
        CLY_TRY(cly_layers_plan_function(steps, CLY_NOT_EQUAL, &sum, &zero, y, &kept, NULL));
        goto done;
    }
    const int64_t length = cly_layers_product(input, 0, input->rank) / cly_layers_product(&kept, 0, kept.rank);
    CLY_TRY(cly_layers_plan_sum(steps, x, input, y, &kept, c->kind == CLY_OPERATION_MEAN ? (float)length : 1));
done:
    return status;
}

/* Every element gets the gradient of its sum. */
static clayer_status plan_sum_backward(const clayer_layer *layer, const clayer_shape *input, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    CLY_TRY(keep_shape(layer, input, &kept));
    const int64_t length = cly_layers_product(input, 0, input->rank) / cly_layers_product(&kept, 0, kept.rank);
    const double factor = c->kind == CLY_OPERATION_ANY ? 0 : c->kind == CLY_OPERATION_MEAN ? 1.0 / (double)length : 1;
    const cly_layers_operand dy = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), &kept);
    const cly_layers_operand number = cly_layers_number(factor);
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &dy, &number, CLY_PLACE(CLY_INPUT_GRADIENT, 0), input, NULL));
done:
    return status;
}

static clayer_status plan_transpose(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                    bool backward, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    step->shape.transpose.x = backward ? *output : *input;
    for (int i = 0; i < input->rank; i++) {
        const int axis = (int)(c->axes.dims[i] < 0 ? c->axes.dims[i] + input->rank : c->axes.dims[i]);
        step->shape.transpose.permutation[backward ? axis : i] = backward ? i : axis;
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

/* ---- the class ---- */

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    (void)count;
    switch (((const config *)layer->config)->kind) {
        case CLY_OPERATION_FUNCTION:
            return infer_function(layer, inputs, output_out);
        case CLY_OPERATION_SUM:
        case CLY_OPERATION_MEAN:
        case CLY_OPERATION_ANY:
            return infer_sum(layer, inputs, output_out);
        case CLY_OPERATION_EXPAND:
        case CLY_OPERATION_SQUEEZE:
            return infer_view(layer, inputs, output_out);
        case CLY_OPERATION_TRANSPOSE:
            return infer_transpose(layer, inputs, output_out);
        case CLY_OPERATION_SLICE:
            return cly_layers_infer_slice(layer, inputs, output_out);
        case CLY_OPERATION_SAME:
            break;
    }
    *output_out = inputs[0];
    return CLAYER_OK;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    switch (((const config *)layer->config)->kind) {
        case CLY_OPERATION_FUNCTION:
            return plan_function(layer, inputs, output, steps);
        case CLY_OPERATION_SUM:
        case CLY_OPERATION_MEAN:
        case CLY_OPERATION_ANY:
            return plan_sum(layer, inputs, steps);
        case CLY_OPERATION_TRANSPOSE:
            return plan_transpose(layer, inputs, output, false, steps);
        case CLY_OPERATION_SLICE:
            return cly_layers_plan_slice(layer, inputs, false, steps);
        case CLY_OPERATION_EXPAND:
        case CLY_OPERATION_SQUEEZE:
        case CLY_OPERATION_SAME:
            break;
    }
    return CLAYER_OK;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
    switch (((const config *)layer->config)->kind) {
        case CLY_OPERATION_FUNCTION:
            return plan_function_backward(layer, inputs, output, wanted, steps);
        case CLY_OPERATION_SUM:
        case CLY_OPERATION_MEAN:
        case CLY_OPERATION_ANY:
            return plan_sum_backward(layer, inputs, steps);
        case CLY_OPERATION_TRANSPOSE:
            return plan_transpose(layer, inputs, output, true, steps);
        case CLY_OPERATION_SLICE:
            return cly_layers_plan_slice(layer, inputs, true, steps);
        case CLY_OPERATION_EXPAND:
        case CLY_OPERATION_SQUEEZE:
        case CLY_OPERATION_SAME:
            break;
    }
    return CLAYER_OK;
}

static const cly_layers_param no_params[] = {{0}};

const cly_layers_class cly_layers_operation = {.name = "Operation",
                                               .auto_name = "operation",
                                               .config_size = sizeof(config),
                                               .params = no_params,
                                               .min_inputs = 1,
                                               .max_inputs = 2,
                                               .infer = infer,
                                               .plan = plan,
                                               .plan_backward = plan_backward};
