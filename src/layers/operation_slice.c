/* layers/operation_slice.c: slices of tensors, x[:, 1:3, 0], as NumPy has them; the batch stays whole. */
#include "layers/arithmetic.h"
#include "layers/operation.h"

typedef cly_layers_operation_config config;

/* Where each axis of the input begins and how long it is after slicing; -1 for an unknown one that is whole. */
typedef struct cut {
    int64_t first[CLAYER_MAX_RANK], length[CLAYER_MAX_RANK];
} cut;

static int64_t position(int64_t index, int64_t size) {
    const int64_t counted = index < 0 ? index + size : index;
    return counted < 0 ? 0 : counted > size ? size : counted;
}

static clayer_status cut_axis(const clayer_layer *layer, const cly_layers_slice *slice, const clayer_shape *input,
                              int axis, cut *cut_out) {
    const int64_t size = input->dims[axis];
    const bool whole = slice->kind == CLY_SLICE_RANGE && (!slice->has_start || slice->start == 0) && !slice->has_stop;
    cut_out->first[axis] = 0;
    cut_out->length[axis] = size;
    if (whole) {
        return CLAYER_OK;
    }
    if (axis == 0) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a slice of the batch, axis 0, is not supported");
    }
    if (size == -1) { /* where it begins is known once the size is */
        cut_out->length[axis] = slice->kind == CLY_SLICE_INDEX ? 1 : -1;
        return CLAYER_OK;
    }
    if (slice->kind == CLY_SLICE_INDEX) {
        cut_out->first[axis] = slice->start < 0 ? slice->start + size : slice->start;
        cut_out->length[axis] = 1;
    } else {
        cut_out->first[axis] = slice->has_start ? position(slice->start, size) : 0;
        cut_out->length[axis] = (slice->has_stop ? position(slice->stop, size) : size) - cut_out->first[axis];
    }
    if (cut_out->first[axis] < 0 || cut_out->first[axis] >= size || cut_out->length[axis] < 1) {
        char text[CLY_LAYERS_SHAPE_TEXT];
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the slice of axis %d of %s is empty or outside", axis,
                               cly_layers_shape_text(input, text, sizeof(text)));
    }
    return CLAYER_OK;
}

/* output_out NULL: the cut alone. */
static clayer_status slice_shape(const clayer_layer *layer, const clayer_shape *input, cut *cut_out,
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
            CLY_TRY(cut_axis(layer, slice->kind == CLY_SLICE_ELLIPSIS ? &whole : slice, input, axis, cut_out));
            if (slice->kind != CLY_SLICE_INDEX) {
                output.dims[output.rank++] = cut_out->length[axis];
            }
            axis++;
        }
    }
    if (output_out != NULL) {
        *output_out = output;
    }
done:
    return status;
}

clayer_status cly_layers_infer_slice(const clayer_layer *layer, const clayer_shape *input, clayer_shape *output_out) {
    cut cuts;
    return slice_shape(layer, input, &cuts, output_out);
}

clayer_status cly_layers_plan_slice(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                    cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cut cuts;
    int axes[CLAYER_MAX_RANK], count = 0;
    clayer_shape shape = *input;
    cly_ops_place place = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    CLY_TRY(slice_shape(layer, input, &cuts, NULL));
    for (int i = 0; i < input->rank; i++) {
        if (cuts.length[i] != input->dims[i]) {
            axes[count++] = i;
        }
        shape.dims[i] = backward ? cuts.length[i] : input->dims[i];
    }
    for (int i = 0; i < count; i++) {
        const int axis = axes[backward ? count - 1 - i : i];
        cly_ops_step *step = NULL;
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, &step));
        step->shape.window = (cly_ops_window_shape){.outer = cly_layers_product(&shape, 0, axis),
                                                    .inner = cly_layers_product(&shape, axis + 1, shape.rank),
                                                    .in = {1, 1, shape.dims[axis]},
                                                    .out = {1, 1, backward ? input->dims[axis] : cuts.length[axis]},
                                                    .before = {0, 0, backward ? cuts.first[axis] : -cuts.first[axis]}};
        shape.dims[axis] = step->shape.window.out[2];
        step->operands[0] = place;
        place = i + 1 < count ? cly_layers_temporary(steps, i % 2, cly_layers_bytes(&shape))
                : backward    ? CLY_PLACE(CLY_INPUT_GRADIENT, 0)
                              : CLY_PLACE(CLY_OUTPUT, 0);
        step->operands[1] = place;
    }
done:
    return status;
}
