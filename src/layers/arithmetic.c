/* layers/arithmetic.c: steps for functions of two tensors and for their gradients, of which those of sums and products
 * take one pass, without a tensor of the output's size between. */
#include "layers/arithmetic.h"

bool cly_layers_broadcast(const clayer_shape *a, const clayer_shape *b, bool same_batch, clayer_shape *sum_out) {
    clayer_shape sum = *a;
    for (int i = 0; i < a->rank; i++) {
        const int64_t m = a->dims[i], n = b->dims[i];
        const bool may_repeat = i > 0 || !same_batch;
        if (!may_repeat) {
            sum.dims[i] = m == -1 ? n : m;
        } else if (m == -1 || n == -1) {
            sum.dims[i] = m > 1 ? m : n > 1 ? n : -1;
        } else {
            sum.dims[i] = m == 1 ? n : m;
        }
        if (m != n && m != -1 && n != -1 && !(may_repeat && (m == 1 || n == 1))) {
            return false;
        }
    }
    *sum_out = sum;
    return true;
}

clayer_shape cly_layers_expand_shape(const clayer_shape *shape, int rank, bool behind_batch) {
    clayer_shape result = {.rank = rank};
    const int added = rank - shape->rank, begin = behind_batch && shape->rank > 0 ? 1 : 0;
    for (int i = 0; i < rank; i++) {
        const bool is_new = i >= begin && i < begin + added;
        result.dims[i] = is_new ? 1 : shape->dims[i < begin ? i : i - added];
    }
    return result;
}

cly_ops_place cly_layers_temporary(cly_ops_steps *steps, int index, uint64_t bytes) {
    if (steps->temporary_bytes[index] < bytes) {
        steps->temporary_bytes[index] = bytes;
    }
    return CLY_PLACE(CLY_TEMPORARY, index);
}

/* ---- forward ---- */

static void fill_shape(cly_ops_function function, const cly_layers_operand *a, const cly_layers_operand *b,
                       const clayer_shape *y, cly_ops_arithmetic_shape *shape) {
    *shape = (cly_ops_arithmetic_shape){
        .a = a->is_scalar ? *y : a->shape, .y = *y, .function = function, .is_scalar = {a->is_scalar}};
    shape->b = b == NULL || b->is_scalar ? *y : b->shape;
    shape->is_scalar[1] = b != NULL && b->is_scalar;
    shape->scalar = a->is_scalar ? a->scalar : b != NULL ? b->scalar : 0; /* of a tensor: what scales it */
}

/* The operand's place in the step; b may be NULL. */
static void set_operand(cly_ops_step *step, int index, const cly_layers_operand *operand) {
    if (operand == NULL || operand->is_scalar) {
        return; /* nowhere */
    }
    step->operands[index] = operand->place;
    if (operand->place.kind == CLY_CONSTANT) {
        step->constants[operand->place.index] = operand->constant;
    }
}

clayer_status cly_layers_plan_function(cly_ops_steps *steps, cly_ops_function function, const cly_layers_operand *a,
                                       const cly_layers_operand *b, cly_ops_place y, const clayer_shape *y_shape,
                                       cly_ops_step **step_out) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_layers_operand inverse;
    if (function == CLY_DIVIDE && b->is_scalar && b->scalar != 0) {
        inverse = cly_layers_number(1.0 / (double)b->scalar);
        b = &inverse;
        function = CLY_MULTIPLY;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_arithmetic_operator, &step));
    fill_shape(function, a, b, y_shape, &step->shape.arithmetic);
    set_operand(step, 0, a);
    set_operand(step, 1, b);
    step->operands[2] = y;
    if (step_out != NULL) {
        *step_out = step;
    }
done:
    return status;
}

/* ---- backward ---- */

clayer_status cly_layers_plan_sum(cly_ops_steps *steps, cly_ops_place source, const clayer_shape *from,
                                  cly_ops_place target, const clayer_shape *to, float divisor) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const int64_t count = cly_layers_product(from, 0, from->rank);
    if (!cly_layers_same_shape(from, to)) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
        step->shape.reduce = (cly_ops_reduce_shape){.x = *from, .y = *to, .divisor = divisor};
    } else if (divisor == 1) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
        step->shape.copy = (cly_ops_copy_shape){.rows = 1, .width = count, .x_length = count, .y_length = count};
    } else {
        const cly_layers_operand x = cly_layers_tensor(source, from), number = cly_layers_number(divisor);
        return cly_layers_plan_function(steps, CLY_DIVIDE, &x, &number, target, from, NULL);
    }
    step->operands[0] = source;
    step->operands[1] = target;
done:
    return status;
}

/* dy times the other factor, which is a tensor. */
static clayer_status plan_factor(cly_ops_steps *steps, const cly_layers_operand *own, const cly_layers_operand *other,
                                 cly_ops_place dy, const clayer_shape *y, cly_ops_place target) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const cly_layers_operand gradient = cly_layers_tensor(dy, y);
    const bool reduces = !cly_layers_same_shape(&own->shape, y);
    if (reduces && cly_layers_same_shape(&other->shape, y)) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
        step->shape.reduce = (cly_ops_reduce_shape){.x = *y, .y = own->shape, .has_factor = true};
        step->operands[0] = dy;
        step->operands[1] = target;
        set_operand(step, 2, other);
        goto done;
    }
    const cly_ops_place product = reduces ? cly_layers_temporary(steps, 1, cly_layers_bytes(y)) : target;
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &gradient, other, product, y, NULL));
    if (reduces) {
        CLY_TRY(cly_layers_plan_sum(steps, product, y, target, &own->shape, 1));
    }
done:
    return status;
}

/* Any function, by its own kernel. */
static clayer_status plan_any(cly_ops_steps *steps, cly_ops_function function, const cly_layers_operand *a,
                              const cly_layers_operand *b, const float *limits, int of, cly_ops_place dy,
                              const clayer_shape *y, cly_ops_place target) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const clayer_shape *own = of == 0 ? &a->shape : &b->shape;
    const bool reduces = !cly_layers_same_shape(own, y);
    const cly_ops_place whole = reduces ? cly_layers_temporary(steps, 1, cly_layers_bytes(y)) : target;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_arithmetic_gradient_operator, &step));
    cly_ops_arithmetic_gradient_shape *shape = &step->shape.arithmetic_gradient;
    fill_shape(function, a, b, y, &shape->forward);
    shape->of = of;
    if (limits != NULL) {
        shape->forward.limits[0] = limits[0];
        shape->forward.limits[1] = limits[1];
    }
    set_operand(step, 0, a);
    set_operand(step, 1, b);
    step->operands[2] = dy;
    step->operands[3] = whole;
    if (reduces) {
        CLY_TRY(cly_layers_plan_sum(steps, whole, y, target, own, 1));
    }
done:
    return status;
}

clayer_status cly_layers_plan_function_gradient(cly_ops_steps *steps, cly_ops_function function,
                                                const cly_layers_operand *a, const cly_layers_operand *b,
                                                const float *limits, int of, cly_ops_place dy,
                                                const clayer_shape *y_shape, cly_ops_place target) {
    const cly_layers_operand *own = of == 0 ? a : b, *other = of == 0 ? b : a;
    if (function == CLY_ADD || function == CLY_SUBTRACT || (function == CLY_ADD_SCALED && of == 0)) {
        const float divisor = function == CLY_SUBTRACT && of == 1 ? -1 : 1;
        return cly_layers_plan_sum(steps, dy, y_shape, target, &own->shape, divisor);
    }
    const bool by_number = other != NULL && other->is_scalar && (function == CLY_MULTIPLY || function == CLY_DIVIDE);
    if (by_number && (function == CLY_MULTIPLY || of == 0) && cly_layers_same_shape(&own->shape, y_shape)) {
        const cly_layers_operand gradient = cly_layers_tensor(dy, y_shape);
        return cly_layers_plan_function(steps, function, &gradient, other, target, y_shape, NULL);
    }
    if (function == CLY_MULTIPLY && !other->is_scalar) {
        return plan_factor(steps, own, other, dy, y_shape, target);
    }
    return plan_any(steps, function, a, b, limits, of, dy, y_shape, target);
}
