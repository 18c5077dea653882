/* layers/operation.c: operations on tensors: functions of tensors and numbers, and which file has the other kinds.
 * NumPy's rules, as keras/src/ops/numpy.py and TensorFlow have them. */
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
        const int index = cly_layers_constant_of(k);
        cly_layers_operand operand = cly_layers_tensor(CLY_PLACE(CLY_CONSTANT, index), &shape);
        operand.constant = layer->constants[index];
        return operand;
    }
    return cly_layers_tensor(CLY_PLACE(CLY_INPUT, c->inputs[k]), &shape);
}

static clayer_status join_shapes(const clayer_layer *layer, const clayer_shape *a, const clayer_shape *b,
                                 clayer_shape *sum_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    const clayer_shape left = cly_layers_expand_shape(a, rank, false), right = cly_layers_expand_shape(b, rank, false);
    return cly_layers_broadcast(&left, &right, false, sum_out)
               ? CLAYER_OK
               : cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "operands of shapes %s and %s do not fit",
                                 cly_layers_shape_text(a, first, sizeof(first)),
                                 cly_layers_shape_text(b, other, sizeof(other)));
}

/* The function's value has the shape of its operands broadcast to each other. */
static clayer_status infer_function(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    clayer_shape *output_out) {
    const config *c = layer->config;
    const int operands = c->kind == CLY_OPERATION_WHERE ? 3 : is_binary(c) ? 2 : 1;
    clayer_shape output = source_shape(layer, inputs, 0);
    clayer_status status = CLAYER_OK;
    (void)count;
    for (int k = 1; k < operands; k++) {
        const clayer_shape other = source_shape(layer, inputs, k), joined = output;
        CLY_TRY(join_shapes(layer, &joined, &other, &output));
    }
    *output_out = output;
done:
    return status;
}

static clayer_status plan_function(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
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

static clayer_status plan_function_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                            const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count;
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

static const cly_layers_operation_work functions = {infer_function, plan_function, plan_function_backward};

/* ---- where ---- */

/* The operand kept by the condition, then the other kept by its opposite, and their sum: 0 plus either, which also
 * leaves out what is no number in the one that is not chosen. */
static clayer_status plan_where(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, cly_ops_steps *steps) {
    const cly_ops_place target = CLY_PLACE(CLY_OUTPUT, 0),
                        other = cly_layers_temporary(steps, 0, cly_layers_bytes(output));
    const cly_layers_operand condition = operand_of(layer, inputs, 0, output->rank),
                             a = operand_of(layer, inputs, 1, output->rank),
                             b = operand_of(layer, inputs, 2, output->rank);
    const cly_layers_operand sum[2] = {cly_layers_tensor(target, output), cly_layers_tensor(other, output)};
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(cly_layers_plan_function(steps, CLY_SELECT, &condition, &a, target, output, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_SELECT_NOT, &condition, &b, other, output, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_ADD, &sum[0], &sum[1], target, output, NULL));
done:
    return status;
}

/* The condition's gradient is 0: that of the function by its first operand. */
static clayer_status plan_where_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    const cly_layers_operand condition = operand_of(layer, inputs, 0, output->rank);
    clayer_status status = CLAYER_OK;
    (void)count;
    for (int k = 0; k < 3; k++) {
        const cly_layers_operand value = operand_of(layer, inputs, k == 0 ? 1 : k, output->rank);
        if (c->sources[k] == CLY_SOURCE_INPUT && wanted[c->inputs[k]]) {
            CLY_TRY(cly_layers_plan_function_gradient(steps, k == 2 ? CLY_SELECT_NOT : CLY_SELECT, &condition, &value,
                                                      NULL, k == 0 ? 0 : 1, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output,
                                                      CLY_PLACE(CLY_INPUT_GRADIENT, c->inputs[k])));
        }
    }
done:
    return status;
}

static const cly_layers_operation_work wheres = {infer_function, plan_where, plan_where_backward};

/* ---- what stays as it is ---- */

static clayer_status infer_same(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                clayer_shape *output_out) {
    (void)layer, (void)count;
    *output_out = inputs[0];
    return CLAYER_OK;
}

static const cly_layers_operation_work sames = {infer_same, cly_layers_plan_nothing, NULL};

/* ---- the class ---- */

static const cly_layers_operation_work *work_of(const clayer_layer *layer) {
    static const cly_layers_operation_work *const works[] = {
        [CLY_OPERATION_FUNCTION] = &functions,
        [CLY_OPERATION_WHERE] = &wheres,
        [CLY_OPERATION_SUM] = &cly_layers_reductions,
        [CLY_OPERATION_MEAN] = &cly_layers_reductions,
        [CLY_OPERATION_ANY] = &cly_layers_reductions,
        [CLY_OPERATION_ALL] = &cly_layers_reductions,
        [CLY_OPERATION_MAX] = &cly_layers_reductions,
        [CLY_OPERATION_MIN] = &cly_layers_reductions,
        [CLY_OPERATION_VARIANCE] = &cly_layers_reductions,
        [CLY_OPERATION_DEVIATION] = &cly_layers_reductions,
        [CLY_OPERATION_UNIT] = &cly_layers_unit,
        [CLY_OPERATION_EXPAND] = &cly_layers_views,
        [CLY_OPERATION_SQUEEZE] = &cly_layers_views,
        [CLY_OPERATION_TRANSPOSE] = &cly_layers_transposes,
        [CLY_OPERATION_SWAP] = &cly_layers_transposes,
        [CLY_OPERATION_MOVE] = &cly_layers_transposes,
        [CLY_OPERATION_STACK] = &cly_layers_stacks,
        [CLY_OPERATION_DEPTH_TO_SPACE] = &cly_layers_blocks,
        [CLY_OPERATION_SPACE_TO_DEPTH] = &cly_layers_blocks,
        [CLY_OPERATION_TILE] = &cly_layers_repeats,
        [CLY_OPERATION_REPEAT] = &cly_layers_repeats,
        [CLY_OPERATION_SLICE] = &cly_layers_slices,
        [CLY_OPERATION_FLIP] = &cly_layers_slices,
        [CLY_OPERATION_PAD] = &cly_layers_slices,
        [CLY_OPERATION_MATMUL] = &cly_layers_matmul,
        [CLY_OPERATION_SAME] = &sames,
        [CLY_OPERATION_ARGMAX] = &cly_layers_walks,
        [CLY_OPERATION_ARGMIN] = &cly_layers_walks,
        [CLY_OPERATION_PRODUCT] = &cly_layers_walks,
        [CLY_OPERATION_CUMSUM] = &cly_layers_walks,
        [CLY_OPERATION_EINSUM] = &cly_layers_einsum,
        [CLY_OPERATION_SIZES] = &cly_layers_sizes_of,
        [CLY_OPERATION_RESHAPE] = &cly_layers_reshapes,
        [CLY_OPERATION_RESIZE] = &cly_layers_resizes,
        [CLY_OPERATION_BROADCAST] = &cly_layers_broadcasts,
    };
    return works[((const config *)layer->config)->kind];
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    return work_of(layer)->infer(layer, inputs, count, output_out);
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    return work_of(layer)->plan(layer, inputs, count, output, steps);
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    return work_of(layer)->plan_backward(layer, inputs, count, output, wanted, steps);
}

static const cly_layers_param no_params[] = {{0}};

const cly_layers_class cly_layers_operation = {.name = "Operation",
                                               .auto_name = "operation",
                                               .config_size = sizeof(config),
                                               .params = no_params,
                                               .min_inputs = 1,
                                               .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                               .infer = infer,
                                               .plan = plan,
                                               .plan_backward = plan_backward};
