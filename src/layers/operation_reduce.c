/* layers/operation_reduce.c: sums, means, variances, largest and smallest values and truths over axes of tensors, and
 * vectors scaled to length 1, with the gradients of TensorFlow (tensorflow/python/ops/math_grad.py): equal maxima share
 * theirs. Sources: keras/src/ops/{numpy,nn}.py, tf.math.reduce_*, tf.math.l2_normalize. */
#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* ---- shapes ---- */

static bool finds_largest(const config *c) {
    return c->kind == CLY_OPERATION_MAX || c->kind == CLY_OPERATION_MIN;
}

/* With ones on the axes that are summed over. */
static clayer_status keep_shape(const clayer_layer *layer, const clayer_shape *input, clayer_shape *kept_out) {
    bool chosen[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    if (((const config *)layer->config)->all_axes) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "over all axes, the batch too, is not supported");
    }
    CLY_TRY(cly_layers_choose_axes(layer, input->rank, chosen));
    *kept_out = *input;
    for (int i = 0; i < input->rank; i++) {
        kept_out->dims[i] = chosen[i] ? 1 : input->dims[i];
    }
done:
    return status;
}

/* A maximum over axes is a pooling whose windows are two runs of axes, whole, with what lies between them kept. False:
 * there are more runs. pool_out NULL: only asked. */
static bool find_runs(const clayer_shape *input, const clayer_shape *kept, cly_ops_pool_shape *pool_out) {
    cly_ops_pool_shape pool = {.outer = 1, .inner = 1, .in = {1, 1, 1}, .ties = CLY_SHARED};
    int64_t *const sizes[5] = {&pool.outer, &pool.in[0], &pool.in[1], &pool.in[2], &pool.inner};
    int place = 0; /* odd: taken together */
    for (int i = 0; i < input->rank; i++) {
        const bool together = kept->dims[i] != input->dims[i];
        if (input->dims[i] == 1) {
            continue;
        }
        if ((place % 2 == 1) != together && ++place == 5) {
            return false;
        }
        *sizes[place] *= input->dims[i];
    }
    for (int i = 0; i < 3; i++) {
        pool.out[i] = i == 1 ? pool.in[i] : 1;
        pool.window[i] = i == 1 ? 1 : pool.in[i];
        pool.stride[i] = 1;
    }
    if (pool_out != NULL) {
        *pool_out = pool;
    }
    return true;
}

static clayer_status infer_reduction(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                     clayer_shape *output_out) {
    const config *c = layer->config;
    bool chosen[CLAYER_MAX_RANK];
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(keep_shape(layer, input, &kept));
    CLY_TRY(cly_layers_choose_axes(layer, input->rank, chosen));
    if (finds_largest(c) && !find_runs(input, &kept, NULL)) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the largest values over more than two runs of axes");
    }
    output_out->rank = 0;
    for (int i = 0; i < input->rank; i++) {
        if (c->keepdims || !chosen[i]) {
            output_out->dims[output_out->rank++] = kept.dims[i];
        }
    }
done:
    return status;
}

static int64_t length_of(const clayer_shape *input, const clayer_shape *kept) {
    return cly_layers_product(input, 0, input->rank) / cly_layers_product(kept, 0, kept->rank);
}

/* ---- parts ---- */

static clayer_status add_pool(cly_ops_steps *steps, const clayer_shape *input, const clayer_shape *kept,
                              const cly_ops_operator *op, const cly_ops_place places[4]) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, op, &step));
    (void)find_runs(input, kept, &step->shape.pool);
    for (int i = 0; i < (op == &cly_ops_pool_operator ? 2 : 4); i++) {
        step->operands[i] = places[i];
    }
done:
    return status;
}

/* to = factor * from */
static clayer_status add_scaled(cly_ops_steps *steps, cly_ops_place from, double factor, cly_ops_place to,
                                const clayer_shape *shape) {
    const cly_layers_operand x = cly_layers_tensor(from, shape), number = cly_layers_number(factor);
    return cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &number, to, shape, NULL);
}

/* Temporary 0: the mean. */
static clayer_status add_mean(cly_ops_steps *steps, const clayer_shape *input, const clayer_shape *kept,
                              cly_layers_operand *mean_out) {
    clayer_status status = CLAYER_OK;
    const cly_ops_place mean = cly_layers_temporary(steps, 0, cly_layers_bytes(kept));
    CLY_TRY(cly_layers_plan_sum(steps, CLY_PLACE(CLY_INPUT, 0), input, mean, kept, (float)length_of(input, kept)));
    *mean_out = cly_layers_tensor(mean, kept);
done:
    return status;
}

/* ---- forward ---- */

static clayer_status plan_truth(const clayer_shape *input, const clayer_shape *kept, bool all, cly_ops_steps *steps) {
    const cly_ops_place y = CLY_PLACE(CLY_OUTPUT, 0), truth = cly_layers_temporary(steps, 0, cly_layers_bytes(input));
    const cly_layers_operand values = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), input), zero = cly_layers_number(0),
                             sum = cly_layers_tensor(y, kept);
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_plan_function(steps, all ? CLY_EQUAL : CLY_NOT_EQUAL, &values, &zero, truth, input, NULL));
    CLY_TRY(cly_layers_plan_sum(steps, truth, input, y, kept, 1));
    CLY_TRY(cly_layers_plan_function(steps, all ? CLY_EQUAL : CLY_NOT_EQUAL, &sum, &zero, y, kept, NULL));
done:
    return status;
}

static clayer_status plan_largest(const config *c, const clayer_shape *input, const clayer_shape *kept,
                                  cly_ops_steps *steps) {
    cly_ops_place places[4] = {CLY_PLACE(CLY_INPUT, 0), CLY_PLACE(CLY_OUTPUT, 0)};
    clayer_status status = CLAYER_OK;
    if (c->kind == CLY_OPERATION_MIN) {
        places[0] = cly_layers_temporary(steps, 0, cly_layers_bytes(input));
        CLY_TRY(add_scaled(steps, CLY_PLACE(CLY_INPUT, 0), -1, places[0], input));
    }
    CLY_TRY(add_pool(steps, input, kept, &cly_ops_pool_operator, places));
    if (c->kind == CLY_OPERATION_MIN) {
        CLY_TRY(add_scaled(steps, places[1], -1, places[1], kept));
    }
done:
    return status;
}

static clayer_status plan_variance(const config *c, const clayer_shape *input, const clayer_shape *kept,
                                   cly_ops_steps *steps) {
    const cly_ops_place y = CLY_PLACE(CLY_OUTPUT, 0), squares = cly_layers_temporary(steps, 1, cly_layers_bytes(input));
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), input), sum = cly_layers_tensor(y, kept);
    cly_layers_operand mean;
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_mean(steps, input, kept, &mean));
    CLY_TRY(cly_layers_plan_function(steps, CLY_SQUARED_DIFFERENCE, &x, &mean, squares, input, NULL));
    CLY_TRY(cly_layers_plan_sum(steps, squares, input, y, kept, (float)length_of(input, kept)));
    if (c->kind == CLY_OPERATION_DEVIATION) {
        CLY_TRY(cly_layers_plan_function(steps, CLY_SQRT, &sum, NULL, y, kept, NULL));
    }
done:
    return status;
}

static clayer_status plan_reduction(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                    const clayer_shape *output, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count, (void)output;
    CLY_TRY(keep_shape(layer, input, &kept));
    if (finds_largest(c)) {
        status = plan_largest(c, input, &kept, steps);
    } else if (c->kind == CLY_OPERATION_VARIANCE || c->kind == CLY_OPERATION_DEVIATION) {
        status = plan_variance(c, input, &kept, steps);
    } else if (c->kind == CLY_OPERATION_ANY || c->kind == CLY_OPERATION_ALL) {
        status = plan_truth(input, &kept, c->kind == CLY_OPERATION_ALL, steps);
    } else {
        const float divisor = c->kind == CLY_OPERATION_MEAN ? (float)length_of(input, &kept) : 1;
        status = cly_layers_plan_sum(steps, CLY_PLACE(CLY_INPUT, 0), input, CLY_PLACE(CLY_OUTPUT, 0), &kept, divisor);
    }
done:
    return status;
}

/* ---- backward ---- */

static clayer_status plan_largest_backward(const config *c, const clayer_shape *input, const clayer_shape *kept,
                                           cly_ops_steps *steps) {
    cly_ops_place places[4] = {CLY_PLACE(CLY_INPUT, 0), CLY_PLACE(CLY_OUTPUT, 0), CLY_PLACE(CLY_OUTPUT_GRADIENT, 0),
                               CLY_PLACE(CLY_INPUT_GRADIENT, 0)};
    clayer_status status = CLAYER_OK;
    if (c->kind == CLY_OPERATION_MIN) {
        places[0] = cly_layers_temporary(steps, 0, cly_layers_bytes(input));
        places[1] = cly_layers_temporary(steps, 1, cly_layers_bytes(kept));
        CLY_TRY(add_scaled(steps, CLY_PLACE(CLY_INPUT, 0), -1, places[0], input));
        CLY_TRY(add_scaled(steps, CLY_PLACE(CLY_OUTPUT, 0), -1, places[1], kept));
    }
    CLY_TRY(add_pool(steps, input, kept, &cly_ops_pool_gradient_operator, places));
done:
    return status;
}

/* 2 / n (x - mean) dy, and of the deviation 1 / n (x - mean) dy / y. */
static clayer_status plan_variance_backward(const config *c, const clayer_shape *input, const clayer_shape *kept,
                                            cly_ops_steps *steps) {
    const bool root = c->kind == CLY_OPERATION_DEVIATION;
    const cly_ops_place dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), input),
                             centred = cly_layers_tensor(dx, input),
                             y = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), kept);
    cly_layers_operand mean, dy = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), kept);
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_mean(steps, input, kept, &mean));
    if (root) {
        const cly_layers_operand whole = dy;
        dy.place = cly_layers_temporary(steps, 1, cly_layers_bytes(kept));
        CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &whole, &y, dy.place, kept, NULL));
    }
    CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &x, &mean, dx, input, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &centred, &dy, dx, input, NULL));
    CLY_TRY(add_scaled(steps, dx, (root ? 1.0 : 2.0) / (double)length_of(input, kept), dx, input));
done:
    return status;
}

/* Every element gets the gradient of its sum; truths have none. */
static clayer_status plan_reduction_backward(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                             const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    const cly_ops_place dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count, (void)output, (void)wanted;
    CLY_TRY(keep_shape(layer, input, &kept));
    if (finds_largest(c)) {
        status = plan_largest_backward(c, input, &kept, steps);
    } else if (c->kind == CLY_OPERATION_VARIANCE || c->kind == CLY_OPERATION_DEVIATION) {
        status = plan_variance_backward(c, input, &kept, steps);
    } else {
        const cly_layers_operand dy = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), &kept);
        const cly_layers_operand number =
            cly_layers_number(c->kind == CLY_OPERATION_SUM    ? 1
                              : c->kind == CLY_OPERATION_MEAN ? 1.0 / (double)length_of(input, &kept)
                                                              : 0);
        status = cly_layers_plan_function(steps, CLY_MULTIPLY, &dy, &number, dx, input, NULL);
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_reductions = {infer_reduction, plan_reduction, plan_reduction_backward};

/* ---- vectors of length 1 ---- */

static clayer_status infer_unit(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                clayer_shape *output_out) {
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(keep_shape(layer, input, &kept));
    *output_out = *input;
done:
    return status;
}

/* to (kept) = the sum of a b */
static clayer_status add_products(cly_ops_steps *steps, cly_ops_place a, cly_ops_place b, const clayer_shape *input,
                                  cly_ops_place to, const clayer_shape *kept) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    step->shape.reduce = (cly_ops_reduce_shape){.x = *input, .y = *kept, .has_factor = true};
    step->operands[0] = a;
    step->operands[1] = to;
    step->operands[2] = b;
done:
    return status;
}

/* Temporary 0: 1 over the length of each vector. */
static clayer_status add_inverses(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *kept,
                                  cly_layers_operand *inverse_out, cly_ops_steps *steps) {
    const cly_ops_place x = CLY_PLACE(CLY_INPUT, 0), place = cly_layers_temporary(steps, 0, cly_layers_bytes(kept));
    const cly_layers_operand length = cly_layers_tensor(place, kept),
                             least = cly_layers_number(((const config *)layer->config)->numbers[0]);
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_products(steps, x, x, input, place, kept));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MAXIMUM, &length, &least, place, kept, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_RSQRT, &length, NULL, place, kept, NULL));
    *inverse_out = length;
done:
    return status;
}

static clayer_status plan_unit(const clayer_layer *layer, const clayer_shape *input, size_t count,
                               const clayer_shape *output, cly_ops_steps *steps) {
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), input);
    cly_layers_operand inverse;
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(keep_shape(layer, input, &kept));
    CLY_TRY(add_inverses(layer, input, &kept, &inverse, steps));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &inverse, CLY_PLACE(CLY_OUTPUT, 0), output, NULL));
done:
    return status;
}

/* (dy - y (dy . y)) / length */
static clayer_status plan_unit_backward(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                        const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const cly_ops_place dx = CLY_PLACE(CLY_INPUT_GRADIENT, 0);
    const cly_layers_operand y = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), output),
                             dy = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output),
                             sum = cly_layers_tensor(dx, input);
    cly_layers_operand inverse, dot;
    clayer_shape kept;
    clayer_status status = CLAYER_OK;
    (void)count, (void)wanted;
    CLY_TRY(keep_shape(layer, input, &kept));
    CLY_TRY(add_inverses(layer, input, &kept, &inverse, steps));
    dot = cly_layers_tensor(cly_layers_temporary(steps, 1, cly_layers_bytes(&kept)), &kept);
    CLY_TRY(add_products(steps, dy.place, y.place, input, dot.place, &kept));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &y, &dot, dx, input, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &dy, &sum, dx, input, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &sum, &inverse, dx, input, NULL));
done:
    return status;
}

const cly_layers_operation_work cly_layers_unit = {infer_unit, plan_unit, plan_unit_backward};
