/* layers/merge_arithmetic.c: Add, Subtract, Multiply, Average, Maximum, Minimum: layers of several inputs with Keras'
 * broadcasting. Keras: keras/src/layers/merging/{base_merge, add, subtract, multiply, average, maximum, minimum}.py. */
#include "layers/arithmetic.h"

static const cly_layers_param no_params[] = {{0}};

/* What joins two of the inputs. */
static cly_ops_function function_of(const clayer_layer *layer) {
    return layer->class == &cly_layers_subtract   ? CLY_SUBTRACT
           : layer->class == &cly_layers_multiply ? CLY_MULTIPLY
           : layer->class == &cly_layers_maximum  ? CLY_MAXIMUM
           : layer->class == &cly_layers_minimum  ? CLY_MINIMUM
                                                  : CLY_ADD;
}

static bool is_average(const clayer_layer *layer) {
    return layer->class == &cly_layers_average;
}

static int largest_rank(const clayer_shape *inputs, size_t count) {
    int rank = 0;
    for (size_t i = 0; i < count; i++) {
        rank = inputs[i].rank > rank ? inputs[i].rank : rank;
    }
    return rank;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    int rank = largest_rank(inputs, count);
    *output_out = cly_layers_expand_shape(&inputs[0], rank, true);
    for (size_t i = 1; i < count; i++) {
        clayer_shape next = cly_layers_expand_shape(&inputs[i], rank, true);
        if (!cly_layers_broadcast(output_out, &next, true, output_out)) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input %zu of shape %s does not fit those before it, %s", i,
                                   cly_layers_shape_text(&inputs[i], other, sizeof(other)),
                                   cly_layers_shape_text(output_out, first, sizeof(first)));
        }
    }
    return CLAYER_OK;
}

static cly_layers_operand input_operand(const clayer_shape *inputs, size_t i, int rank) {
    const clayer_shape shape = cly_layers_expand_shape(&inputs[i], rank, true);
    return cly_layers_tensor(CLY_PLACE(CLY_INPUT, (int)i), &shape);
}

/* Appends the function of all inputs but `without` (count: none), input by input from the first, as Keras goes. What is
 * still smaller than the output waits in temporaries 0 and 1; the result is at `target` and has *shape_out. */
static clayer_status plan_chain(const clayer_layer *layer, const clayer_shape *inputs, size_t count, size_t without,
                                const clayer_shape *output, cly_ops_place target, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const size_t first = without == 0 ? 1 : 0;
    cly_layers_operand result = input_operand(inputs, first, output->rank);
    for (size_t i = first + 1; i < count; i++) {
        if (i == without) {
            continue;
        }
        const cly_layers_operand next = input_operand(inputs, i, output->rank);
        clayer_shape shape;
        (void)cly_layers_broadcast(&result.shape, &next.shape, true, &shape); /* `infer` has accepted */
        cly_ops_place place = target;
        if (!cly_layers_same_shape(&shape, output)) {
            const int spare = result.place.kind == CLY_TEMPORARY ? 1 - result.place.index : 0;
            place = cly_layers_temporary(steps, spare, cly_layers_bytes(&shape));
        }
        CLY_TRY(cly_layers_plan_function(steps, function_of(layer), &result, &next, place, &shape, NULL));
        result = cly_layers_tensor(place, &shape);
    }
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const cly_ops_place y = CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(plan_chain(layer, inputs, count, count, output, y, steps));
    if (is_average(layer) && count > 1) {
        const cly_layers_operand sum = cly_layers_tensor(y, output), number = cly_layers_number((double)count);
        CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &sum, &number, y, output, NULL));
    }
done:
    return status;
}

/* ---- backward ---- */

/* Sums: each input gets the output's gradient, added up where it was repeated. */
static clayer_status plan_sum_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count; i++) {
        const clayer_shape input = cly_layers_expand_shape(&inputs[i], output->rank, true);
        const float divisor = is_average(layer) ? (float)count : i > 0 && function_of(layer) == CLY_SUBTRACT ? -1 : 1;
        if (wanted[i]) {
            CLY_TRY(cly_layers_plan_sum(steps, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output,
                                        CLY_PLACE(CLY_INPUT_GRADIENT, (int)i), &input, divisor));
        }
    }
done:
    return status;
}

/* Products: the output's gradient times all other inputs. */
static clayer_status plan_product_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    for (size_t i = 0; i < count; i++) {
        if (!wanted[i]) {
            continue;
        }
        const cly_layers_operand own = input_operand(inputs, i, output->rank);
        cly_layers_operand others = input_operand(inputs, i == 0 ? 1 : 0, output->rank);
        for (size_t j = 0; j < count; j++) { /* the product of the others, of the output's size, in temporary 0 */
            const cly_layers_operand next = input_operand(inputs, j, output->rank);
            if (j == i || j == (size_t)(i == 0 ? 1 : 0)) {
                continue;
            }
            const cly_ops_place product = cly_layers_temporary(steps, 0, cly_layers_bytes(output));
            CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &others, &next, product, output, NULL));
            others = cly_layers_tensor(product, output);
        }
        CLY_TRY(cly_layers_plan_function_gradient(steps, CLY_MULTIPLY, &own, &others, NULL, 0, dy, output,
                                                  CLY_PLACE(CLY_INPUT_GRADIENT, (int)i)));
    }
    (void)layer;
done:
    return status;
}

/* Extremes: the first of the inputs that has the output's value gets its gradient, as joining two at a time gives it.
 * What is left of it for later ones is in temporary 0. */
static clayer_status plan_extreme_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const cly_ops_function function = function_of(layer);
    const cly_layers_operand y = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), output);
    cly_ops_place left = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        last = wanted[i] ? i : last;
    }
    for (size_t i = 0; i <= last; i++) {
        const cly_layers_operand input = input_operand(inputs, i, output->rank);
        if (wanted[i]) {
            CLY_TRY(cly_layers_plan_function_gradient(steps, function, &input, &y, NULL, 0, left, output,
                                                      CLY_PLACE(CLY_INPUT_GRADIENT, (int)i)));
        }
        if (i < last) {
            const cly_ops_place rest = cly_layers_temporary(steps, 0, cly_layers_bytes(output));
            CLY_TRY(cly_layers_plan_function_gradient(steps, function, &input, &y, NULL, 1, left, output, rest));
            left = rest;
        }
    }
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const cly_ops_function function = function_of(layer);
    if (function == CLY_ADD || function == CLY_SUBTRACT) {
        return plan_sum_backward(layer, inputs, count, output, wanted, steps);
    }
    return function == CLY_MULTIPLY ? plan_product_backward(layer, inputs, count, output, wanted, steps)
                                    : plan_extreme_backward(layer, inputs, count, output, wanted, steps);
}

/* ---- the classes ---- */

#define MERGE(symbol, class_name, word, least, most)                                               \
    const cly_layers_class cly_layers_##symbol = {.name = (class_name),                            \
                                                  .masks = CLY_MASKS_MERGE,                        \
                                                  .auto_name = (word),                             \
                                                  .config_size = sizeof(clayer_##symbol##_config), \
                                                  .params = no_params,                             \
                                                  .min_inputs = (least),                           \
                                                  .max_inputs = (most),                            \
                                                  .infer = infer,                                  \
                                                  .plan = plan,                                    \
                                                  .plan_backward = plan_backward}

MERGE(add, "Add", "add", 1, CLY_LAYERS_MAX_INPUTS);
MERGE(subtract, "Subtract", "subtract", 2, 2);
MERGE(multiply, "Multiply", "multiply", 1, CLY_LAYERS_MAX_INPUTS);
MERGE(average, "Average", "average", 1, CLY_LAYERS_MAX_INPUTS);
MERGE(maximum, "Maximum", "maximum", 1, CLY_LAYERS_MAX_INPUTS);
MERGE(minimum, "Minimum", "minimum", 1, CLY_LAYERS_MAX_INPUTS);
