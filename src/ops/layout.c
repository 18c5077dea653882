/* ops/layout.c: channels_first convolutions by a change of layout at their border, where that is cheaper.
 *
 * A convolution that lies channels_last reads and writes whole vectors of channels; where the arithmetic is worth it,
 * moving the tensor there and back costs less than running the other layout (bench/layout measures both). */
#include "ops/conv_common.h"
#include "ops/step.h"

/* The last two temporaries are kept for the two tensors between the steps; layers use the ones before. */
#define MOVED_X (CLY_OPS_TEMPORARIES - 2)
#define MOVED_Y (CLY_OPS_TEMPORARIES - 1)

/* The two tensors of a convolution: `from` is read, `to` is written. */
typedef struct border {
    clayer_shape from, to; /* (batch, channels, pixels) */
} border;

static border border_of(const cly_ops_step *step) {
    const cly_ops_conv_shape *s = &step->shape.conv;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const clayer_shape in = {.rank = 3, .dims = {s->batch, s->in_channels, n.in_pixels}};
    const clayer_shape out = {.rank = 3, .dims = {s->batch, s->out_channels, n.out_pixels}};
    const bool transposed = step->op == &cly_ops_conv_transpose_operator;
    return (border){.from = transposed ? out : in, .to = transposed ? in : out};
}

static uint64_t floats_of(const clayer_shape *shape) {
    return (uint64_t)shape->dims[0] * (uint64_t)shape->dims[1] * (uint64_t)shape->dims[2];
}

/* Negative if no implementation (or not the forced one) can do it. */
static double best_cost(clayer_context *context, const cly_ops_operator *op, const cly_ops_shape *shape) {
    const cly_ops_implementation *best = NULL;
    return cly_ops_choose(context, op, shape, &best) == CLAYER_OK ? best->cost(context, shape) : -1;
}

static bool is_worth_it(clayer_context *context, const cly_ops_step *step) {
    if ((step->op != &cly_ops_conv_operator && step->op != &cly_ops_conv_transpose_operator) ||
        !step->shape.conv.channels_first) {
        return false;
    }
    cly_ops_shape last = step->shape;
    last.conv.channels_first = false;
    const double native = best_cost(context, step->op, &step->shape), moved = best_cost(context, step->op, &last);
    const border b = border_of(step);
    return moved >= 0 &&
           moved + 2 * CLY_OPS_LAUNCH + CLY_OPS_MOVE * (double)(floats_of(&b.from) + floats_of(&b.to)) < native;
}

/* A copy of `x` with its last two axes exchanged. */
static clayer_status add_move(cly_ops_steps *steps, const clayer_shape *x, cly_ops_place from, cly_ops_place to) {
    cly_ops_step *step = NULL;
    clayer_status status = cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step);
    if (status == CLAYER_OK) {
        step->shape.transpose = (cly_ops_transpose_shape){.x = *x, .permutation = {0, 2, 1}};
        step->operands[0] = from;
        step->operands[1] = to;
    }
    return status;
}

static void keep_bytes(cly_ops_steps *steps, int temporary, const clayer_shape *shape) {
    const uint64_t bytes = floats_of(shape) * sizeof(float);
    if (steps->temporary_bytes[temporary] < bytes) {
        steps->temporary_bytes[temporary] = bytes;
    }
}

/* The step between its two moves. */
static clayer_status add_moved(cly_ops_steps *steps, const cly_ops_step *native) {
    clayer_status status = CLAYER_OK;
    const cly_ops_place moved_x = {CLY_TEMPORARY, MOVED_X}, moved_y = {CLY_TEMPORARY, MOVED_Y};
    const border b = border_of(native);
    const clayer_shape y = {.rank = 3, .dims = {b.to.dims[0], b.to.dims[2], b.to.dims[1]}};
    cly_ops_step *step = NULL;
    CLY_TRY(add_move(steps, &b.from, native->operands[0], moved_x));
    CLY_TRY(cly_ops_steps_add(steps, native->op, &step));
    *step = *native;
    step->shape.conv.channels_first = false;
    step->operands[0] = moved_x;
    step->operands[3] = moved_y;
    CLY_TRY(add_move(steps, &y, moved_y, native->operands[3]));
    keep_bytes(steps, MOVED_X, &b.from);
    keep_bytes(steps, MOVED_Y, &b.to);
done:
    return status;
}

clayer_status cly_ops_steps_change_layout(clayer_context *context, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    bool wanted = false;
    for (size_t i = 0; i < steps->count; i++) {
        wanted = wanted || is_worth_it(context, &steps->steps[i]);
    }
    if (!wanted) {
        return CLAYER_OK;
    }
    cly_ops_steps native = *steps;
    steps->steps = NULL;
    steps->count = steps->capacity = 0;
    for (size_t i = 0; i < native.count; i++) {
        cly_ops_step *step = NULL;
        if (is_worth_it(context, &native.steps[i])) {
            CLY_TRY(add_moved(steps, &native.steps[i]));
        } else {
            CLY_TRY(cly_ops_steps_add(steps, native.steps[i].op, &step));
            *step = native.steps[i];
        }
    }
done:
    cly_ops_steps_free(&native);
    return status;
}
