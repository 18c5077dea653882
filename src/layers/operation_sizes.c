/* layers/operation_sizes.c: sizes of tensors as TensorFlow's functional models read them (tf.shape), and what takes
 * them: reshape, broadcast_to, image.resize. Sizes are part of the shapes, which are inferred anew for each shape of
 * the inputs; nothing is computed on the device. */
#include "base/integer.h"
#include "base/memory.h"
#include "layers/arithmetic.h"
#include "layers/operation.h"
#include "layers/resampling.h"

typedef cly_layers_operation_config config;

bool cly_layers_gives_sizes(const clayer_layer *layer) {
    return layer->class == &cly_layers_operation && ((const config *)layer->config)->kind == CLY_OPERATION_SIZES;
}

clayer_shape cly_layers_shown_shape(const clayer_layer *layer, const clayer_shape *output) {
    if (!cly_layers_gives_sizes(layer)) {
        return *output;
    }
    return ((const config *)layer->config)->is_scalar ? (clayer_shape){.rank = 0}
                                                      : (clayer_shape){.rank = 1, .dims = {output->rank}};
}

/* ---- lists ---- */

/* The list with the sizes of inputs in it. */
static clayer_status read_list(const clayer_layer *layer, const cly_layers_sizes *list, const clayer_shape *inputs,
                               clayer_shape *sizes_out) {
    sizes_out->rank = 0;
    for (int i = 0; i < list->count; i++) {
        const clayer_shape one = {.rank = 1, .dims = {list->numbers[i]}};
        const clayer_shape *part = list->inputs[i] > 0 ? &inputs[list->inputs[i] - 1] : &one;
        for (int k = 0; k < part->rank; k++) {
            if (sizes_out->rank == CLAYER_MAX_RANK) {
                return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a list of more than %d sizes", CLAYER_MAX_RANK);
            }
            sizes_out->dims[sizes_out->rank++] = part->dims[k];
        }
    }
    return CLAYER_OK;
}

/* Of two sizes; -1 where one is not known; -2: it cannot be. */
static int64_t apply(cly_ops_function function, int64_t a, int64_t b) {
    int64_t product = a;
    if (a == -1 || b == -1) {
        return -1;
    }
    switch (function) {
        case CLY_ADD:
            return a > INT64_MAX / 2 || b > INT64_MAX / 2 || a + b < 0 ? -2 : a + b;
        case CLY_SUBTRACT:
            return a < b ? -2 : a - b;
        case CLY_MULTIPLY:
            return a >= 0 && b >= 0 && cly_base_multiply(&product, b) ? product : -2;
        case CLY_FLOOR_DIVIDE:
            return a < 0 || b < 1 ? -2 : a / b;
        case CLY_MAXIMUM:
            return a > b ? a : b;
        case CLY_MINIMUM:
            return a < b ? a : b;
        default:
            return -2;
    }
}

static clayer_status apply_all(const clayer_layer *layer, const clayer_shape *a, const clayer_shape *b,
                               clayer_shape *sizes_out) {
    const cly_ops_function function = ((const config *)layer->config)->function;
    const int count = a->rank > b->rank ? a->rank : b->rank;
    if (a->rank != b->rank && a->rank != 1 && b->rank != 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "lists of %d and %d sizes do not fit", a->rank, b->rank);
    }
    sizes_out->rank = count;
    for (int i = 0; i < count; i++) {
        const int64_t left = a->dims[a->rank == 1 ? 0 : i], right = b->dims[b->rank == 1 ? 0 : i];
        sizes_out->dims[i] = apply(function, left, right);
        if (sizes_out->dims[i] < -1) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "of %lld and %lld no size comes", (long long)left,
                                   (long long)right);
        }
    }
    return CLAYER_OK;
}

/* slices[0] of the list, forwards. */
static clayer_status cut(const clayer_layer *layer, const clayer_shape *list, clayer_shape *sizes_out) {
    const cly_layers_slice *slice = &((const config *)layer->config)->slices[0];
    const int64_t rank = list->rank, step = slice->step == 0 ? 1 : slice->step;
    const bool is_index = slice->kind == CLY_SLICE_INDEX;
    int64_t start = slice->has_start || is_index ? slice->start : 0;
    int64_t stop = slice->has_stop ? slice->stop : rank;
    start += start < 0 ? rank : 0;
    stop += stop < 0 ? rank : 0;
    stop = is_index ? start + 1 : cly_base_smaller(stop, rank);
    sizes_out->rank = 0;
    for (int64_t i = start; i >= 0 && i < stop && i < rank && step > 0; i += step) {
        sizes_out->dims[sizes_out->rank++] = list->dims[i];
    }
    return sizes_out->rank > 0 ? CLAYER_OK
                               : cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "of %d sizes none is left", list->rank);
}

static clayer_status infer_sizes(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 clayer_shape *output_out) {
    const config *c = layer->config;
    clayer_shape lists[2];
    clayer_status status = CLAYER_OK;
    (void)count;
    if (c->sizes_kind == CLY_SIZES_SHAPE) {
        *output_out = inputs[0];
        return CLAYER_OK;
    }
    CLY_TRY(read_list(layer, &c->sizes[0], inputs, &lists[0]));
    CLY_TRY(read_list(layer, &c->sizes[1], inputs, &lists[1]));
    if (c->sizes_kind == CLY_SIZES_FUNCTION) {
        CLY_TRY(apply_all(layer, &lists[0], &lists[1], output_out));
    } else if (c->sizes_kind == CLY_SIZES_PART) {
        CLY_TRY(cut(layer, &lists[0], output_out));
    } else {
        *output_out = lists[0];
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_sizes_of = {infer_sizes, cly_layers_plan_nothing, NULL};

/* ---- reshape ---- */

static clayer_status infer_reshape(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *output_out) {
    char from[CLY_LAYERS_SHAPE_TEXT], to[CLY_LAYERS_SHAPE_TEXT];
    clayer_status status = CLAYER_OK;
    int open = -1, unknown = 0;
    int64_t known = 1;
    (void)count;
    CLY_TRY(read_list(layer, &((const config *)layer->config)->sizes[0], inputs, output_out));
    const int64_t whole = cly_layers_product(inputs, 0, inputs->rank);
    for (int i = 0; i < output_out->rank; i++) {
        unknown += output_out->dims[i] == -1;
        open = output_out->dims[i] == -1 ? i : open;
        known = output_out->dims[i] != -1 && !cly_base_multiply(&known, output_out->dims[i]) ? 0 : known;
    }
    if (whole > 0 && unknown == 1 && known > 0 && whole % known == 0) { /* -1 says: what is left */
        output_out->dims[open] = whole / known;
        known = whole;
        unknown = 0;
    }
    if (whole > 0 && (unknown > 0 || known != whole)) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s cannot be reshaped to %s",
                               cly_layers_shape_text(inputs, from, sizeof(from)),
                               cly_layers_shape_text(output_out, to, sizeof(to)));
    }
    if (output_out->rank < 1 || output_out->dims[0] != inputs->dims[0]) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the batch of %s is not the first axis of %s: not supported",
                               cly_layers_shape_text(inputs, from, sizeof(from)),
                               cly_layers_shape_text(output_out, to, sizeof(to)));
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_reshapes = {infer_reshape, cly_layers_plan_nothing, NULL};

/* ---- resize ---- */

/* As the layer of Keras that has the sizes in its config. */
static clayer_status as_resizing(const clayer_layer *layer, const clayer_shape *inputs,
                                 clayer_resizing_config *resizing_out, clayer_layer *layer_out) {
    const config *c = layer->config;
    clayer_shape sizes;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_list(layer, &c->sizes[0], inputs, &sizes));
    if (sizes.rank != 2) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "images are resized to %d sizes, not 2", sizes.rank);
    }
    *resizing_out = (clayer_resizing_config){.struct_size = sizeof(*resizing_out),
                                             .height = sizes.dims[0],
                                             .width = sizes.dims[1],
                                             .interpolation = cly_layers_interpolations[c->method],
                                             .antialias = c->antialias};
    *layer_out = *layer;
    layer_out->class = &cly_layers_resizing;
    layer_out->config = resizing_out;
done:
    return status;
}

static clayer_status infer_resize(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    clayer_resizing_config resizing;
    clayer_layer inner;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(as_resizing(layer, inputs, &resizing, &inner));
    CLY_TRY(inner.class->infer(&inner, inputs, 1, output_out));
done:
    return status;
}

static clayer_status plan_resize(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                 const clayer_shape *output, cly_ops_steps *steps) {
    clayer_resizing_config resizing;
    clayer_layer inner;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(as_resizing(layer, inputs, &resizing, &inner));
    CLY_TRY(inner.class->plan(&inner, inputs, 1, output, steps));
done:
    return status;
}

static clayer_status plan_resize_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_resizing_config resizing;
    clayer_layer inner;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(as_resizing(layer, inputs, &resizing, &inner));
    CLY_TRY(inner.class->plan_backward(&inner, inputs, 1, output, wanted, steps));
done:
    return status;
}

const cly_layers_operation_work cly_layers_resizes = {infer_resize, plan_resize, plan_resize_backward};

/* ---- broadcast_to ---- */

static clayer_status infer_broadcast(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                     clayer_shape *output_out) {
    char from[CLY_LAYERS_SHAPE_TEXT], to[CLY_LAYERS_SHAPE_TEXT];
    clayer_shape joined;
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(read_list(layer, &((const config *)layer->config)->sizes[0], inputs, output_out));
    const clayer_shape own = cly_layers_expand_shape(inputs, output_out->rank, false);
    bool fits = inputs->rank <= output_out->rank && cly_layers_broadcast(&own, output_out, true, &joined);
    for (int i = 0; fits && i < own.rank; i++) {
        fits = output_out->dims[i] == -1 || joined.dims[i] == output_out->dims[i];
    }
    if (!fits) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s cannot be broadcast to %s",
                               cly_layers_shape_text(inputs, from, sizeof(from)),
                               cly_layers_shape_text(output_out, to, sizeof(to)));
    }
done:
    return status;
}

static clayer_status plan_broadcast(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    const clayer_shape *output, cly_ops_steps *steps) {
    const clayer_shape own = cly_layers_expand_shape(inputs, output->rank, false);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), &own), one = cly_layers_number(1);
    (void)layer, (void)count;
    return cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &one, CLY_PLACE(CLY_OUTPUT, 0), output, NULL);
}

static clayer_status plan_broadcast_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                             const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    const clayer_shape own = cly_layers_expand_shape(inputs, output->rank, false);
    (void)layer, (void)count, (void)wanted;
    return cly_layers_plan_sum(steps, CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), output, CLY_PLACE(CLY_INPUT_GRADIENT, 0), &own,
                               1);
}

const cly_layers_operation_work cly_layers_broadcasts = {infer_broadcast, plan_broadcast, plan_broadcast_backward};
