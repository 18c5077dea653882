/* layers/operation_walk.c: places of the largest and smallest values, products over axes, running sums: tf.argmax,
 * tf.reduce_prod, tf.cumsum and their like in keras/src/ops/numpy.py. */
#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* The axes, which stand side by side, as one: from `first`, `count` of them. */
static clayer_status find_run(const clayer_layer *layer, const clayer_shape *input, int *first_out, int *count_out) {
    const config *c = layer->config;
    bool chosen[CLAYER_MAX_RANK];
    int first = -1, count = 0;
    clayer_status status = CLAYER_OK;
    if (c->all_axes) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "over all axes, the batch too, is not supported");
    }
    CLY_TRY(cly_layers_choose_axes(layer, input->rank, chosen));
    for (int i = 0; i < input->rank; i++) {
        first = chosen[i] && first < 0 ? i : first;
        if (chosen[i] && i != first + count++) {
            count = CLAYER_MAX_RANK;
        }
    }
    if (count > (c->kind == CLY_OPERATION_PRODUCT ? CLAYER_MAX_RANK - 1 : 1) || count < 1) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "along other axes than %s is not supported",
                               c->kind == CLY_OPERATION_PRODUCT ? "neighbours" : "one");
    }
    *first_out = first;
    *count_out = count;
done:
    return status;
}

static clayer_status infer_walk(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                clayer_shape *output_out) {
    const config *c = layer->config;
    int first = 0, run = 0;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(find_run(layer, input, &first, &run));
    output_out->rank = 0;
    for (int i = 0; i < input->rank; i++) {
        const bool within = i >= first && i < first + run && c->kind != CLY_OPERATION_CUMSUM;
        if (!within || c->keepdims) {
            output_out->dims[output_out->rank++] = within ? 1 : input->dims[i];
        }
    }
done:
    return status;
}

static clayer_status add_walk(const clayer_layer *layer, const clayer_shape *input, const cly_ops_operator *op,
                              cly_ops_steps *steps, cly_ops_step **step_out) {
    static const cly_ops_walk_function functions[] = {[CLY_OPERATION_ARGMAX] = CLY_WALK_LARGEST,
                                                      [CLY_OPERATION_ARGMIN] = CLY_WALK_SMALLEST,
                                                      [CLY_OPERATION_PRODUCT] = CLY_WALK_PRODUCT,
                                                      [CLY_OPERATION_CUMSUM] = CLY_WALK_SUM};
    const config *c = layer->config;
    int first = 0, run = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(find_run(layer, input, &first, &run));
    CLY_TRY(cly_ops_steps_add(steps, op, step_out));
    (*step_out)->shape.walk = (cly_ops_walk_shape){.outer = cly_layers_product(input, 0, first),
                                                   .axis = cly_layers_product(input, first, first + run),
                                                   .inner = cly_layers_product(input, first + run, input->rank),
                                                   .function = functions[c->kind],
                                                   .exclusive = c->exclusive,
                                                   .back = c->back};
done:
    return status;
}

static clayer_status plan_walk(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                               const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    (void)count, (void)output;
    CLY_TRY(add_walk(layer, inputs, &cly_ops_walk_operator, steps, &step));
    step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

/* Places have no gradient; the one of a running sum runs the other way. */
static clayer_status plan_walk_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                        const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    const cly_ops_place dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0), dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    (void)count, (void)output, (void)wanted;
    if (c->kind == CLY_OPERATION_CUMSUM) {
        CLY_TRY(add_walk(layer, inputs, &cly_ops_walk_operator, steps, &step));
        step->shape.walk.back = !c->back;
        step->operands[0] = dy;
        step->operands[1] = dx;
    } else if (c->kind == CLY_OPERATION_PRODUCT) {
        CLY_TRY(add_walk(layer, inputs, &cly_ops_product_gradient_operator, steps, &step));
        step->operands[0] = x.place;
        step->operands[1] = dy;
        step->operands[2] = dx;
    } else {
        CLY_TRY(cly_layers_plan_function(steps, CLY_FILL, &x, NULL, dx, inputs, NULL));
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_walks = {infer_walk, plan_walk, plan_walk_backward};
