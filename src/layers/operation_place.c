/* layers/operation_place.c: tensors stacked along a new axis, channels that become pixels and back, axes and elements
 * that are repeated. Sources: tf.stack, tf.nn.depth_to_space, tf.tile, tf.repeat and their like in keras/src/ops. */
#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* An axis of config->axes that may be negative; -1: it is outside, or the batch. */
static int axis_of(const config *c, int rank) {
    const int64_t axis = c->axes.dims[0] < 0 ? c->axes.dims[0] + rank : c->axes.dims[0];
    return axis > 0 && axis < rank ? (int)axis : -1;
}

/* ---- stacks ---- */

static clayer_status infer_stack(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    const config *c = layer->config;
    const int rank = inputs->rank + 1, axis = axis_of(c, rank);
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    clayer_shape whole = *inputs;
    if (axis < 0 || rank > CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "stacked along axis %lld of %d: the batch, or outside",
                               (long long)c->axes.dims[0], rank);
    }
    for (size_t i = 1; i < count; i++) {
        bool fits = inputs[i].rank == whole.rank;
        for (int d = 0; fits && d < whole.rank; d++) {
            fits = whole.dims[d] == inputs[i].dims[d] || whole.dims[d] == -1 || inputs[i].dims[d] == -1;
            whole.dims[d] = whole.dims[d] == -1 ? inputs[i].dims[d] : whole.dims[d];
        }
        if (!fits) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s and %s cannot be stacked",
                                   cly_layers_shape_text(&inputs[0], first, sizeof(first)),
                                   cly_layers_shape_text(&inputs[i], other, sizeof(other)));
        }
    }
    output_out->rank = rank;
    for (int d = 0; d < rank; d++) {
        output_out->dims[d] = d == axis ? (int64_t)count : whole.dims[d < axis ? d : d - 1];
    }
    return CLAYER_OK;
}

/* Rows of input i between those of the others. */
static clayer_status add_stacked(const clayer_layer *layer, const clayer_shape *output, size_t i, bool backward,
                                 cly_ops_steps *steps) {
    const int axis = axis_of(layer->config, output->rank);
    const int64_t width = cly_layers_product(output, axis + 1, output->rank), whole = width * output->dims[axis];
    const int64_t place = (int64_t)i * width;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
    step->shape.copy = (cly_ops_copy_shape){.rows = cly_layers_product(output, 0, axis),
                                            .width = width,
                                            .x_length = backward ? whole : width,
                                            .x_offset = backward ? place : 0,
                                            .y_length = backward ? width : whole,
                                            .y_offset = backward ? 0 : place};
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, (int)i);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, (int)i) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_stack(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    (void)inputs;
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(add_stacked(layer, output, i, false, steps));
    }
done:
    return status;
}

static clayer_status plan_stack_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    (void)inputs;
    for (size_t i = 0; i < count; i++) {
        if (wanted[i]) {
            CLY_TRY(add_stacked(layer, output, i, true, steps));
        }
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_stacks = {infer_stack, plan_stack, plan_stack_backward};

/* ---- depth to space and back ---- */

static clayer_status infer_block(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                 clayer_shape *output_out) {
    const config *c = layer->config;
    const bool to_space = c->kind == CLY_OPERATION_DEPTH_TO_SPACE;
    const int64_t block = c->block, square = block * block;
    char text[CLY_LAYERS_SHAPE_TEXT];
    bool fits = input->rank == 4;
    (void)count;
    *output_out = *input;
    for (int i = 1; fits && i < 4; i++) {
        const int64_t size = input->dims[i];
        const bool grows = to_space == (i < 3); /* pixels into space, channels out of it */
        const int64_t factor = i < 3 ? block : square;
        fits = size == -1 || (grows ? size <= INT64_MAX / factor : size % factor == 0);
        output_out->dims[i] = size == -1 ? -1 : grows ? size * factor : size / factor;
    }
    return fits ? CLAYER_OK
                : cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                  "blocks of %lld do not fit into %s, of (N, rows, cols, C)", (long long)block,
                                  cly_layers_shape_text(input, text, sizeof(text)));
}

/* (N, rows, cols, b, b, C) and (N, rows, b, cols, b, C): either way axes 2 and 3 change places. */
static clayer_status add_block(const config *c, const clayer_shape *x, bool to_space, cly_ops_place from,
                               cly_ops_place to, cly_ops_steps *steps) {
    const int64_t b = c->block;
    const clayer_shape deep = {.rank = 6, .dims = {x->dims[0], x->dims[1], x->dims[2], b, b, x->dims[3] / (b * b)}};
    const clayer_shape wide = {.rank = 6, .dims = {x->dims[0], x->dims[1] / b, b, x->dims[2] / b, b, x->dims[3]}};
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    step->shape.transpose = (cly_ops_transpose_shape){.x = to_space ? deep : wide, .permutation = {0, 1, 3, 2, 4, 5}};
    step->operands[0] = from;
    step->operands[1] = to;
done:
    return status;
}

static clayer_status plan_block(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, cly_ops_steps *steps) {
    const config *c = layer->config;
    (void)count, (void)output;
    return add_block(c, inputs, c->kind == CLY_OPERATION_DEPTH_TO_SPACE, CLY_PLACE(CLY_INPUT, 0),
                     CLY_PLACE(CLY_OUTPUT, 0), steps);
}

static clayer_status plan_block_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const config *c = layer->config;
    (void)inputs, (void)count, (void)wanted;
    return add_block(c, output, c->kind == CLY_OPERATION_SPACE_TO_DEPTH, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0),
                     CLY_PLACE(CLY_INPUT_GRADIENT, 0), steps);
}

const cly_layers_operation_work cly_layers_blocks = {infer_block, plan_block, plan_block_backward};

/* ---- repeats ---- */

static clayer_status find_repeats(const clayer_layer *layer, const clayer_shape *input,
                                  int64_t repeats[CLAYER_MAX_RANK]) {
    const config *c = layer->config;
    const bool tiles = c->kind == CLY_OPERATION_TILE;
    const int axis = tiles ? 1 : axis_of(c, input->rank);
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (axis < 0 || (tiles && (c->axes.rank != input->rank || c->axes.dims[0] != 1))) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "%s is not repeated along axes behind the batch, each named",
                               cly_layers_shape_text(input, text, sizeof(text)));
    }
    for (int i = 0; i < input->rank; i++) {
        repeats[i] = tiles ? c->axes.dims[i] : i == axis ? c->block : 1;
        if (repeats[i] < 1 || (input->dims[i] > 0 && repeats[i] > INT64_MAX / input->dims[i])) {
            return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "axis %d is repeated %lld times", i,
                                   (long long)repeats[i]);
        }
    }
    return CLAYER_OK;
}

/* The input and the output with an axis more for each that is repeated, on which the input has one element. */
static clayer_status split_axes(const clayer_layer *layer, const clayer_shape *input, clayer_shape *from,
                                clayer_shape *to) {
    const bool tiles = ((const config *)layer->config)->kind == CLY_OPERATION_TILE;
    int64_t repeats[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    CLY_TRY(find_repeats(layer, input, repeats));
    from->rank = 0;
    for (int i = 0; i < input->rank; i++) {
        const int parts = repeats[i] == 1 ? 1 : 2;
        if (from->rank + parts > CLAYER_MAX_RANK) {
            return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "too many of %d axes are repeated", input->rank);
        }
        for (int k = 0; k < parts; k++) {
            const bool repeated = parts == 2 && (k == 0) == tiles;
            from->dims[from->rank] = repeated ? 1 : input->dims[i];
            to->dims[from->rank++] = repeated ? repeats[i] : input->dims[i];
        }
    }
    to->rank = from->rank;
done:
    return status;
}

static clayer_status infer_repeats(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                   clayer_shape *output_out) {
    int64_t repeats[CLAYER_MAX_RANK];
    clayer_shape from, to;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(split_axes(layer, input, &from, &to)); /* for its refusals */
    CLY_TRY(find_repeats(layer, input, repeats));
    *output_out = *input;
    for (int i = 0; i < input->rank; i++) {
        output_out->dims[i] = input->dims[i] == -1 ? -1 : input->dims[i] * repeats[i];
    }
done:
    return status;
}

static clayer_status plan_repeats(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  const clayer_shape *output, cly_ops_steps *steps) {
    const cly_layers_operand one = cly_layers_number(1);
    clayer_shape from, to;
    clayer_status status = CLAYER_OK;
    (void)count, (void)output;
    CLY_TRY(split_axes(layer, inputs, &from, &to));
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), &from);
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &one, CLY_PLACE(CLY_OUTPUT, 0), &to, NULL));
done:
    return status;
}

static clayer_status plan_repeats_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                           const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_shape from, to;
    clayer_status status = CLAYER_OK;
    (void)count, (void)output, (void)wanted;
    CLY_TRY(split_axes(layer, inputs, &from, &to));
    CLY_TRY(
        cly_layers_plan_sum(steps, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), &to, CLY_PLACE(CLY_INPUT_GRADIENT, 0), &from, 1));
done:
    return status;
}

const cly_layers_operation_work cly_layers_repeats = {infer_repeats, plan_repeats, plan_repeats_backward};
