/* layers/merge_dot.c: Dot: sums of products of two inputs over one axis of each, of vectors scaled to length 1 where
 * `normalize` says so. Keras: keras/src/layers/merging/dot.py, batch_dot. */
#include "layers/arithmetic.h"

typedef clayer_dot_layer_config config;

static const cly_layers_param params[] = {
    CLY_PARAM(config, axes, SHAPE, .low = -CLAYER_MAX_RANK, .high = CLAYER_MAX_RANK),
    CLY_PARAM(config, normalize, BOOL, .required = false),
    {0},
};

static clayer_status check(clayer_layer *layer) {
    const clayer_shape *axes = &((const config *)layer->config)->axes;
    if (axes->rank < 1 || axes->rank > 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "axes must be an integer or two, one an input");
    }
    return CLAYER_OK;
}

/* An input as (N, pre, axis, post). */
typedef struct side {
    int at;
    int64_t axis, post, free; /* free: pre * post */
} side;

static clayer_status find_side(const clayer_layer *layer, const clayer_shape *input, int k, side *side_out) {
    const clayer_shape *axes = &((const config *)layer->config)->axes;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_layers_expect_axis(layer, axes->dims[k < axes->rank ? k : 0], input, &side_out->at));
    if (side_out->at == 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axes: the batch, axis 0, cannot be summed over");
    }
    side_out->axis = input->dims[side_out->at];
    side_out->post = cly_layers_product(input, side_out->at + 1, input->rank);
    side_out->free = cly_layers_product(input, 1, side_out->at) * side_out->post;
done:
    return status;
}

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    clayer_shape output = {.rank = 1, .dims = {inputs[0].dims[0] == -1 ? inputs[1].dims[0] : inputs[0].dims[0]}};
    clayer_status status = CLAYER_OK;
    side sides[2];
    (void)count;
    if (inputs[0].rank + inputs[1].rank - 3 > CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "an output of more than %d axes", CLAYER_MAX_RANK);
    }
    for (int k = 0; k < 2; k++) {
        CLY_TRY(find_side(layer, &inputs[k], k, &sides[k]));
        for (int i = 1; i < inputs[k].rank; i++) {
            if (i != sides[k].at) {
                output.dims[output.rank++] = inputs[k].dims[i];
            }
        }
    }
    const bool batches = inputs[0].dims[0] == inputs[1].dims[0] || inputs[0].dims[0] == -1 || inputs[1].dims[0] == -1;
    const bool axes = sides[0].axis == sides[1].axis || sides[0].axis == -1 || sides[1].axis == -1;
    if (!batches || !axes) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the inputs %s and %s differ in %s",
                               cly_layers_shape_text(&inputs[0], first, sizeof(first)),
                               cly_layers_shape_text(&inputs[1], other, sizeof(other)),
                               batches ? "the axes that are summed over" : "their batches");
    }
    if (output.rank == 1) {
        output.dims[output.rank++] = 1;
    }
    *output_out = output;
done:
    return status;
}

/* ---- lengths ---- */

/* The shape of one length a vector. */
static clayer_shape length_shape(const clayer_shape *input, const side *s) {
    clayer_shape shape = *input;
    shape.dims[s->at] = 1;
    return shape;
}

/* Appends 1 / length of the vectors of input k at `inverse` and the scaled vectors at `scaled`. TensorFlow's
 * l2_normalize in Keras 2 and keras.ops.normalize in Keras 3 bound tiny lengths from below. */
static clayer_status plan_scaled(const clayer_layer *layer, const clayer_shape *input, int k, const side *s,
                                 cly_ops_place inverse, cly_ops_place scaled, cly_ops_steps *steps) {
    const clayer_shape lengths = length_shape(input, s);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, k), input);
    const cly_layers_operand length = cly_layers_tensor(inverse, &lengths);
    const cly_layers_operand least = cly_layers_number(layer->generation == 2 ? 1e-12 : 1e-14);
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    step->shape.reduce = (cly_ops_reduce_shape){.x = *input, .y = lengths, .has_factor = true};
    step->operands[0] = x.place;
    step->operands[1] = inverse;
    step->operands[2] = x.place;
    CLY_TRY(cly_layers_plan_function(steps, CLY_MAXIMUM, &length, &least, inverse, &lengths, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_RSQRT, &length, NULL, inverse, &lengths, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &length, scaled, input, NULL));
done:
    return status;
}

/* From d, the gradient by the scaled vectors u = x r: r (d - u (d . u)). `target` holds d . u meanwhile. */
static clayer_status plan_unscaled(const clayer_shape *input, const side *s, cly_ops_place inverse,
                                   cly_ops_place scaled, cly_ops_place gradient, cly_ops_place target,
                                   cly_ops_steps *steps) {
    const clayer_shape lengths = length_shape(input, s);
    const cly_layers_operand u = cly_layers_tensor(scaled, input), d = cly_layers_tensor(gradient, input);
    const cly_layers_operand r = cly_layers_tensor(inverse, &lengths), dot = cly_layers_tensor(target, &lengths);
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
    step->shape.reduce = (cly_ops_reduce_shape){.x = *input, .y = lengths, .has_factor = true};
    step->operands[0] = gradient;
    step->operands[1] = target;
    step->operands[2] = scaled;
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &u, &dot, scaled, input, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &d, &u, gradient, input, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &d, &r, target, input, NULL));
done:
    return status;
}

/* ---- steps ---- */

/* Where the free index and the axis of one side lie. */
static cly_ops_contract_axis free_axis(const side *s) {
    return (cly_ops_contract_axis){.low = s->post, .high = s->axis * s->post};
}

static cly_ops_contract_axis summed_axis(const side *s) {
    return (cly_ops_contract_axis){.low = 1, .high = s->post};
}

static clayer_status add_contract(cly_ops_steps *steps, const cly_ops_contract_shape *shape, cly_ops_place a,
                                  cly_ops_place b, cly_ops_place y) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_contract_operator, &step));
    step->shape.contract = *shape;
    step->operands[0] = a;
    step->operands[1] = b;
    step->operands[2] = y;
done:
    return status;
}

/* The inputs, or in temporaries 0 and 1 their scaled vectors; temporary 2 holds the lengths of input `last`. */
static clayer_status plan_inputs(const clayer_layer *layer, const clayer_shape *inputs, const side sides[2], int last,
                                 cly_ops_place places[2], cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < 2; i++) {
        const int k = i == 0 ? 1 - last : last;
        const clayer_shape lengths = length_shape(&inputs[k], &sides[k]);
        places[k] = CLY_PLACE(CLY_INPUT, k);
        if (((const config *)layer->config)->normalize) {
            places[k] = cly_layers_temporary(steps, k, cly_layers_bytes(&inputs[k]));
            CLY_TRY(plan_scaled(layer, &inputs[k], k, &sides[k],
                                cly_layers_temporary(steps, 2, cly_layers_bytes(&lengths)), places[k], steps));
        }
    }
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_place places[2];
    side s[2];
    (void)count;
    CLY_TRY(find_side(layer, &inputs[0], 0, &s[0]));
    CLY_TRY(find_side(layer, &inputs[1], 1, &s[1]));
    const cly_ops_contract_shape shape = {.batch = output->dims[0],
                                          .rows = s[0].free,
                                          .columns = s[1].free,
                                          .depth = s[0].axis,
                                          .a_batch = s[0].free * s[0].axis,
                                          .b_batch = s[1].free * s[1].axis,
                                          .y_batch = s[0].free * s[1].free,
                                          .a_row = free_axis(&s[0]),
                                          .a_depth = summed_axis(&s[0]),
                                          .b_column = free_axis(&s[1]),
                                          .b_depth = summed_axis(&s[1]),
                                          .y_row = {1, s[1].free},
                                          .y_column = {1, 1}};
    CLY_TRY(plan_inputs(layer, inputs, s, 1, places, steps));
    CLY_TRY(add_contract(steps, &shape, places[0], places[1], CLY_PLACE(CLY_OUTPUT, 0)));
done:
    return status;
}

/* The gradient of input k: the output's gradient times the other input, summed over that one's free axes. */
static clayer_status plan_side_backward(const clayer_layer *layer, const clayer_shape *inputs, const side s[2], int k,
                                        cly_ops_steps *steps) {
    const side *own = &s[k], *other = &s[1 - k];
    const cly_ops_place target = CLY_PLACE(CLY_INPUT_GRADIENT, k);
    const bool normalize = ((const config *)layer->config)->normalize;
    clayer_status status = CLAYER_OK;
    cly_ops_place places[2];
    const int64_t columns = s[1].free; /* of the output */
    const cly_ops_contract_shape shape = {.batch = inputs[0].dims[0],
                                          .rows = own->free,
                                          .columns = own->axis,
                                          .depth = other->free,
                                          .a_batch = s[0].free * s[1].free,
                                          .b_batch = other->free * other->axis,
                                          .y_batch = own->free * own->axis,
                                          .a_row = {1, k == 0 ? columns : 1},
                                          .a_depth = {1, k == 0 ? 1 : columns},
                                          .b_column = summed_axis(other),
                                          .b_depth = free_axis(other),
                                          .y_row = free_axis(own),
                                          .y_column = summed_axis(own)};
    CLY_TRY(plan_inputs(layer, inputs, s, k, places, steps));
    const cly_ops_place gradient = normalize ? cly_layers_temporary(steps, 3, cly_layers_bytes(&inputs[k])) : target;
    CLY_TRY(add_contract(steps, &shape, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), places[1 - k], gradient));
    if (normalize) {
        CLY_TRY(plan_unscaled(&inputs[k], own, CLY_PLACE(CLY_TEMPORARY, 2), places[k], gradient, target, steps));
    }
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    side s[2];
    (void)count, (void)output;
    CLY_TRY(find_side(layer, &inputs[0], 0, &s[0]));
    CLY_TRY(find_side(layer, &inputs[1], 1, &s[1]));
    for (int k = 0; k < 2; k++) {
        if (wanted[k]) {
            CLY_TRY(plan_side_backward(layer, inputs, s, k, steps));
        }
    }
done:
    return status;
}

const cly_layers_class cly_layers_dot = {.name = "Dot",
                                         .auto_name = "dot",
                                         .config_size = sizeof(config),
                                         .params = params,
                                         .min_inputs = 2,
                                         .max_inputs = 2,
                                         .check = check,
                                         .infer = infer,
                                         .plan = plan,
                                         .plan_backward = plan_backward};
