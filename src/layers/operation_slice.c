/* layers/operation_slice.c: parts of tensors and what stands beside them: slices x[:, 1:3, ::-1, 0] as NumPy has them,
 * axes turned round, padding by a value or by reflection (tf.pad, keras.ops.pad). The batch stays whole. */
#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* How each axis of the input is walked: from `first` in steps, `length` elements; -1 for a length that is not known. */
typedef struct walk {
    int64_t first[CLAYER_MAX_RANK], length[CLAYER_MAX_RANK], step[CLAYER_MAX_RANK];
} walk;

static void walk_whole(const clayer_shape *input, walk *w) {
    for (int i = 0; i < input->rank; i++) {
        w->first[i] = 0;
        w->step[i] = 1;
        w->length[i] = input->dims[i];
    }
}

static bool is_walked(const walk *w, const clayer_shape *input, int axis) {
    return w->first[axis] != 0 || w->step[axis] != 1 || w->length[axis] != input->dims[axis];
}

/* ---- slices ---- */

/* An index of Python's slices, which going back stop before 0 at -1. */
static int64_t position(int64_t index, int64_t size, bool back) {
    const int64_t counted = index < 0 ? index + size : index;
    const int64_t least = back ? -1 : 0, most = back ? size - 1 : size;
    return counted < least ? least : counted > most ? most : counted;
}

static clayer_status walk_axis(const clayer_layer *layer, const cly_layers_slice *slice, const clayer_shape *input,
                               int axis, walk *w) {
    const int64_t size = input->dims[axis], step = slice->step == 0 ? 1 : slice->step;
    const bool back = step < 0;
    if (slice->kind == CLY_SLICE_RANGE && (!slice->has_start || slice->start == 0) && !slice->has_stop && step == 1) {
        return CLAYER_OK;
    }
    if (axis == 0) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a slice of the batch, axis 0, is not supported");
    }
    if (size == -1) { /* where it begins is known once the size is */
        w->length[axis] = slice->kind == CLY_SLICE_INDEX ? 1 : -1;
        return CLAYER_OK;
    }
    if (slice->kind == CLY_SLICE_INDEX) {
        w->first[axis] = slice->start < 0 ? slice->start + size : slice->start;
        w->length[axis] = 1;
    } else {
        const int64_t start = slice->has_start ? position(slice->start, size, back) : back ? size - 1 : 0;
        const int64_t stop = slice->has_stop ? position(slice->stop, size, back) : back ? -1 : size;
        const int64_t reach = back ? start - stop : stop - start, stride = back ? -step : step;
        w->first[axis] = start;
        w->step[axis] = step;
        w->length[axis] = reach <= 0 ? 0 : (reach - 1) / stride + 1;
    }
    if (w->first[axis] < 0 || w->first[axis] >= size || w->length[axis] < 1) {
        char text[CLY_LAYERS_SHAPE_TEXT];
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the slice of axis %d of %s is empty or outside", axis,
                               cly_layers_shape_text(input, text, sizeof(text)));
    }
    return CLAYER_OK;
}

static clayer_status walk_slices(const clayer_layer *layer, const clayer_shape *input, walk *w,
                                 clayer_shape *output_out) {
    const config *c = layer->config;
    const cly_layers_slice whole = {.kind = CLY_SLICE_RANGE}, ellipsis = {.kind = CLY_SLICE_ELLIPSIS};
    clayer_shape output = {.rank = 0};
    clayer_status status = CLAYER_OK;
    int named = 0, axis = 0;
    bool has_ellipsis = false;
    for (size_t i = 0; i < c->slice_count; i++) {
        named += c->slices[i].kind == CLY_SLICE_RANGE || c->slices[i].kind == CLY_SLICE_INDEX;
        has_ellipsis = has_ellipsis || c->slices[i].kind == CLY_SLICE_ELLIPSIS;
    }
    if (named > input->rank) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%d axes are indexed, the input has %d", named,
                               input->rank);
    }
    for (size_t i = 0; i < c->slice_count + (has_ellipsis ? 0 : 1); i++) {
        const cly_layers_slice *slice = i < c->slice_count ? &c->slices[i] : &ellipsis;
        const int count = slice->kind == CLY_SLICE_ELLIPSIS ? input->rank - named : 1;
        for (int k = 0; k < count; k++) {
            if (output.rank == CLAYER_MAX_RANK) {
                return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "more than %d axes", CLAYER_MAX_RANK);
            }
            if (slice->kind == CLY_SLICE_NEW_AXIS) {
                output.dims[output.rank++] = 1;
                continue;
            }
            CLY_TRY(walk_axis(layer, slice->kind == CLY_SLICE_ELLIPSIS ? &whole : slice, input, axis, w));
            if (slice->kind != CLY_SLICE_INDEX) {
                output.dims[output.rank++] = w->length[axis];
            }
            axis++;
        }
    }
    *output_out = output;
done:
    return status;
}

/* ---- flips and padding ---- */

static clayer_status walk_flip(const clayer_layer *layer, const clayer_shape *input, walk *w,
                               clayer_shape *output_out) {
    bool chosen[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    if (((const config *)layer->config)->all_axes) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "all axes turned round, the batch too, is not supported");
    }
    CLY_TRY(cly_layers_choose_axes(layer, input->rank, chosen));
    for (int i = 0; i < input->rank; i++) {
        w->first[i] = chosen[i] ? input->dims[i] - 1 : 0; /* of an unknown size: no matter yet */
        w->step[i] = chosen[i] ? -1 : 1;
    }
    *output_out = *input;
done:
    return status;
}

static clayer_status walk_pads(const clayer_layer *layer, const clayer_shape *input, walk *w,
                               clayer_shape *output_out) {
    const config *c = layer->config;
    if (c->axes.rank != input->rank || c->pads[0][0] != 0 || c->pads[0][1] != 0) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                               "the padding of %d axes does not leave the batch of %d as it is", c->axes.rank,
                               input->rank);
    }
    *output_out = *input;
    for (int i = 0; i < input->rank; i++) {
        const int64_t size = input->dims[i], most = c->edge == CLY_EDGE_REFLECT ? size - 1 : size;
        for (int side = 0; side < 2; side++) {
            if (size != -1 && c->edge != CLY_EDGE_FILL && c->pads[i][side] > most) {
                return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the padding %lld of axis %d exceeds its size %lld",
                                       (long long)c->pads[i][side], i, (long long)size);
            }
        }
        w->first[i] = -c->pads[i][0];
        w->length[i] = size == -1 ? -1 : size + c->pads[i][0] + c->pads[i][1];
        output_out->dims[i] = w->length[i];
    }
    return CLAYER_OK;
}

/* ---- steps ---- */

static clayer_status walk_axes(const clayer_layer *layer, const clayer_shape *input, walk *w,
                               clayer_shape *output_out) {
    const cly_layers_operation_kind kind = ((const config *)layer->config)->kind;
    walk_whole(input, w);
    return kind == CLY_OPERATION_SLICE  ? walk_slices(layer, input, w, output_out)
           : kind == CLY_OPERATION_FLIP ? walk_flip(layer, input, w, output_out)
                                        : walk_pads(layer, input, w, output_out);
}

static clayer_status infer_slice(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                 clayer_shape *output_out) {
    walk w;
    (void)count;
    return walk_axes(layer, input, &w, output_out);
}

/* One axis of a tensor of `shape`, which is that before the walk or, backward, behind it. */
static clayer_status add_axis(const config *c, const walk *w, const clayer_shape *input, const clayer_shape *shape,
                              int axis, bool backward, cly_ops_steps *steps, cly_ops_step **step_out) {
    const bool pads = c->kind == CLY_OPERATION_PAD;
    const bool is_window = w->step[axis] == 1 && !(pads && (c->edge != CLY_EDGE_FILL || c->numbers[0] != 0));
    const int64_t outer = cly_layers_product(shape, 0, axis), inner = cly_layers_product(shape, axis + 1, shape->rank);
    const int64_t in = input->dims[axis], out = w->length[axis];
    clayer_status status = CLAYER_OK;
    if (is_window) {
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, step_out));
        (*step_out)->shape.window =
            (cly_ops_window_shape){.outer = outer,
                                   .inner = inner,
                                   .in = {1, 1, backward ? out : in},
                                   .out = {1, 1, backward ? in : out},
                                   .before = {0, 0, backward ? w->first[axis] : -w->first[axis]}};
    } else {
        CLY_TRY(
            cly_ops_steps_add(steps, backward ? &cly_ops_remap_gradient_operator : &cly_ops_remap_operator, step_out));
        (*step_out)->shape.remap = (cly_ops_remap_shape){.outer = outer,
                                                         .in = in,
                                                         .out = out,
                                                         .inner = inner,
                                                         .first = w->first[axis],
                                                         .step = w->step[axis],
                                                         .edge = pads ? c->edge : CLY_EDGE_FILL,
                                                         .fill = pads ? (float)c->numbers[0] : 0};
    }
done:
    return status;
}

/* A step an axis, from the first on, through temporaries 0 and 1; backward from the last on. */
static clayer_status add_walk(const clayer_layer *layer, const clayer_shape *input, bool backward,
                              cly_ops_steps *steps) {
    const cly_ops_place target = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    clayer_status status = CLAYER_OK;
    walk w;
    int axes[CLAYER_MAX_RANK], count = 0;
    clayer_shape shape = *input, output;
    cly_ops_place place = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    CLY_TRY(walk_axes(layer, input, &w, &output));
    for (int i = 0; i < input->rank; i++) {
        if (is_walked(&w, input, i)) {
            axes[count++] = i;
        }
        shape.dims[i] = backward ? w.length[i] : input->dims[i];
    }
    for (int i = 0; i < count; i++) {
        const int axis = axes[backward ? count - 1 - i : i];
        cly_ops_step *step = NULL;
        CLY_TRY(add_axis(layer->config, &w, input, &shape, axis, backward, steps, &step));
        shape.dims[axis] = backward ? input->dims[axis] : w.length[axis];
        step->operands[0] = place;
        place = i + 1 < count ? cly_layers_temporary(steps, i % 2, cly_layers_bytes(&shape)) : target;
        step->operands[1] = place;
    }
done:
    return status;
}

static clayer_status plan_slice(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, cly_ops_steps *steps) {
    (void)count, (void)output;
    return add_walk(layer, inputs, false, steps);
}

static clayer_status plan_slice_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                         const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)output, (void)wanted;
    return add_walk(layer, inputs, true, steps);
}

const cly_layers_operation_work cly_layers_slices = {infer_slice, plan_slice, plan_slice_backward};
