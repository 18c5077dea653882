/* layers/operation_axes.c: axes of tensors that come, go and change places: expand_dims, squeeze, transpose, swapaxes,
 * moveaxis. The batch stays the first one. Sources: keras/src/ops/numpy.py, TensorFlow's functions of these names. */
#include "layers/operation.h"

typedef cly_layers_operation_config config;

clayer_status cly_layers_choose_axes(const clayer_layer *layer, int rank, bool chosen[CLAYER_MAX_RANK]) {
    const config *c = layer->config;
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        chosen[i] = c->all_axes && i > 0;
    }
    for (int i = 0; i < c->axes.rank && !c->all_axes; i++) {
        const int64_t axis = c->axes.dims[i] < 0 ? c->axes.dims[i] + rank : c->axes.dims[i];
        if (axis < 0 || axis >= rank) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %lld is outside of %d axes",
                                   (long long)c->axes.dims[i], rank);
        }
        if (axis == 0) {
            return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "the batch, axis 0, cannot be taken together or apart");
        }
        chosen[axis] = true;
    }
    return CLAYER_OK;
}

/* ---- axes of 1 ---- */

static clayer_status infer_view(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                clayer_shape *output_out) {
    (void)count;
    const config *c = layer->config;
    const bool expands = c->kind == CLY_OPERATION_EXPAND;
    const int rank = expands ? input->rank + c->axes.rank : input->rank;
    bool chosen[CLAYER_MAX_RANK];
    char text[CLY_LAYERS_SHAPE_TEXT];
    clayer_status status = CLAYER_OK;
    int from = 0;
    if (rank > CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "%d axes, more than %d", rank, CLAYER_MAX_RANK);
    }
    CLY_TRY(cly_layers_choose_axes(layer, rank, chosen));
    output_out->rank = 0;
    for (int i = 0; i < rank; i++) {
        if (expands) {
            output_out->dims[output_out->rank++] = chosen[i] ? 1 : input->dims[from++];
        } else if (!chosen[i] || (c->all_axes && input->dims[i] != 1)) {
            output_out->dims[output_out->rank++] = input->dims[i];
        } else if (input->dims[i] != 1) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %d of %s is not 1 and cannot be squeezed", i,
                                   cly_layers_shape_text(input, text, sizeof(text)));
        }
    }
done:
    return status;
}

const cly_layers_operation_work cly_layers_views = {infer_view, cly_layers_plan_nothing, NULL};

/* ---- places of axes ---- */

static clayer_status fail_permutation(const clayer_layer *layer, const clayer_shape *input) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    return cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                           "the permutation of the axes of %s must name each once, the batch first",
                           cly_layers_shape_text(input, text, sizeof(text)));
}

/* Axis i of the output is axis permutation[i] of the input. */
static clayer_status find_permutation(const clayer_layer *layer, const clayer_shape *input,
                                      int permutation[CLAYER_MAX_RANK]) {
    const config *c = layer->config;
    const int rank = input->rank;
    bool seen[CLAYER_MAX_RANK] = {false};
    int axes[CLAYER_MAX_RANK] = {0};
    if (c->axes.rank != (c->kind == CLY_OPERATION_TRANSPOSE ? rank : 2)) {
        return fail_permutation(layer, input);
    }
    for (int i = 0; i < c->axes.rank; i++) {
        const int64_t axis = c->axes.dims[i] < 0 ? c->axes.dims[i] + rank : c->axes.dims[i];
        if (axis < 0 || axis >= rank) {
            return fail_permutation(layer, input);
        }
        axes[i] = (int)axis;
    }
    for (int i = 0; i < rank; i++) {
        const int from = axes[0], to = axes[1]; /* of two axes */
        if (c->kind == CLY_OPERATION_TRANSPOSE) {
            permutation[i] = axes[i];
        } else if (c->kind == CLY_OPERATION_SWAP) {
            permutation[i] = i == from ? to : i == to ? from : i;
        } else {
            permutation[i] = i == to ? from : from <= i && i < to ? i + 1 : to < i && i <= from ? i - 1 : i;
        }
        if (seen[permutation[i]] || (i == 0 && permutation[i] != 0)) {
            return fail_permutation(layer, input);
        }
        seen[permutation[i]] = true;
    }
    return CLAYER_OK;
}

static clayer_status infer_transpose(const clayer_layer *layer, const clayer_shape *input, size_t count,
                                     clayer_shape *output_out) {
    int permutation[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    (void)count;
    CLY_TRY(find_permutation(layer, input, permutation));
    output_out->rank = input->rank;
    for (int i = 0; i < input->rank; i++) {
        output_out->dims[i] = input->dims[permutation[i]];
    }
done:
    return status;
}

static clayer_status add_transpose(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                   bool backward, cly_ops_steps *steps) {
    int permutation[CLAYER_MAX_RANK];
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(find_permutation(layer, input, permutation));
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    step->shape.transpose.x = backward ? *output : *input;
    for (int i = 0; i < input->rank; i++) {
        step->shape.transpose.permutation[backward ? permutation[i] : i] = backward ? i : permutation[i];
    }
    step->operands[0] = backward ? CLY_PLACE(CLY_OUTPUT_GRADIENT, 0) : CLY_PLACE(CLY_INPUT, 0);
    step->operands[1] = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}

static clayer_status plan_transpose(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    const clayer_shape *output, cly_ops_steps *steps) {
    (void)count;
    return add_transpose(layer, inputs, output, false, steps);
}

static clayer_status plan_transpose_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                             const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)count, (void)wanted;
    return add_transpose(layer, inputs, output, true, steps);
}

const cly_layers_operation_work cly_layers_transposes = {infer_transpose, plan_transpose, plan_transpose_backward};
