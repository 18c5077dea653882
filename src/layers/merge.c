/* layers/merge.c: Add and Concatenate: layers of several inputs. Keras: keras/src/layers/merging/{base_merge,
 * concatenate}.py. */
#include "layers/layer.h"

/* ---- Add ---- */

static const cly_layers_param add_params[] = {{0}};

/* Keras puts axes of 1 behind the batch until the ranks are equal. */
static clayer_shape expand(const clayer_shape *shape, int rank) {
    clayer_shape result = {.rank = rank, .dims = {shape->dims[0]}};
    for (int i = 1; i < rank; i++) {
        int from = i - (rank - shape->rank);
        result.dims[i] = from < 1 ? 1 : shape->dims[from];
    }
    return result;
}

/* The shape of a + b, both of one rank; false where they do not fit. The batch must be equal; elsewhere 1 repeats. */
static bool broadcast(const clayer_shape *a, const clayer_shape *b, clayer_shape *sum_out) {
    clayer_shape sum = *a;
    for (int i = 0; i < a->rank; i++) {
        int64_t m = a->dims[i], n = b->dims[i];
        if (i == 0) {
            sum.dims[i] = m == -1 ? n : m;
        } else if (m == -1 || n == -1) { /* an unknown size is at least the known one, unless that is 1 */
            sum.dims[i] = m > 1 ? m : n > 1 ? n : -1;
        } else {
            sum.dims[i] = m == 1 ? n : m;
        }
        bool repeats = i > 0 && (m == 1 || n == 1);
        if (m != n && m != -1 && n != -1 && !repeats) {
            return false;
        }
    }
    *sum_out = sum;
    return true;
}

static int largest_rank(const clayer_shape *inputs, size_t count) {
    int rank = 0;
    for (size_t i = 0; i < count; i++) {
        rank = inputs[i].rank > rank ? inputs[i].rank : rank;
    }
    return rank;
}

static clayer_status infer_add(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                               clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    int rank = largest_rank(inputs, count);
    *output_out = expand(&inputs[0], rank);
    for (size_t i = 1; i < count; i++) {
        clayer_shape next = expand(&inputs[i], rank);
        if (!broadcast(output_out, &next, output_out)) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input %zu of shape %s does not fit those before it, %s", i,
                                   cly_layers_shape_text(&inputs[i], other, sizeof(other)),
                                   cly_layers_shape_text(output_out, first, sizeof(first)));
        }
    }
    return CLAYER_OK;
}

/* Input by input from the first, as Keras adds. Sums that are still smaller than the output wait in temporaries. */
static clayer_status plan_add(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                              const clayer_shape *output, cly_ops_steps *steps) {
    (void)layer;
    clayer_status status = CLAYER_OK;
    clayer_shape sum = expand(&inputs[0], output->rank);
    cly_ops_place place = CLY_PLACE(CLY_INPUT, 0);
    for (size_t i = 1; i < count; i++) {
        cly_ops_step *step = NULL;
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_add_operator, &step));
        cly_ops_add_shape *shape = &step->shape.add;
        shape->a = sum;
        shape->b = expand(&inputs[i], output->rank);
        (void)broadcast(&shape->a, &shape->b, &shape->y); /* `infer` has accepted */
        step->operands[0] = place;
        step->operands[1] = CLY_PLACE(CLY_INPUT, (int)i);
        if (cly_layers_same_shape(&shape->y, output)) {
            place = CLY_PLACE(CLY_OUTPUT, 0);
        } else {
            int spare = place.kind == CLY_TEMPORARY ? 1 - place.index : 0;
            uint64_t bytes = (uint64_t)cly_layers_product(&shape->y, 0, shape->y.rank) * sizeof(float);
            place = CLY_PLACE(CLY_TEMPORARY, spare);
            steps->temporary_bytes[spare] =
                bytes > steps->temporary_bytes[spare] ? bytes : steps->temporary_bytes[spare];
        }
        step->operands[2] = place;
        sum = shape->y;
    }
done:
    return status;
}

/* Each input gets the output's gradient, added up where it was repeated. */
static clayer_status plan_add_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)layer;
    clayer_status status = CLAYER_OK;
    const int64_t elements = cly_layers_product(output, 0, output->rank);
    for (size_t i = 0; i < count && count > 1; i++) {
        cly_ops_step *step = NULL;
        const clayer_shape input = expand(&inputs[i], output->rank);
        if (!wanted[i]) {
            continue;
        }
        if (cly_layers_same_shape(&input, output)) {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
            step->shape.copy =
                (cly_ops_copy_shape){.rows = 1, .width = elements, .x_length = elements, .y_length = elements};
        } else {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_reduce_operator, &step));
            step->shape.reduce = (cly_ops_reduce_shape){.x = *output, .y = input};
        }
        step->operands[0] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
        step->operands[1] = CLY_PLACE(CLY_INPUT_GRADIENT, (int)i);
    }
done:
    return status;
}

const cly_layers_class cly_layers_add = {.name = "Add",
                                         .auto_name = "add",
                                         .config_size = sizeof(clayer_add_config),
                                         .params = add_params,
                                         .min_inputs = 1,
                                         .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                         .infer = infer_add,
                                         .plan = plan_add,
                                         .plan_backward = plan_add_backward};

/* ---- Concatenate ---- */

static const cly_layers_param concatenate_params[] = {
    CLY_PARAM_FLAGGED(clayer_concatenate_config, axis, INT, .fallback = -1),
    {0},
};

static clayer_status infer_concatenate(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       clayer_shape *output_out) {
    char first[CLY_LAYERS_SHAPE_TEXT], other[CLY_LAYERS_SHAPE_TEXT];
    int axis = 0;
    clayer_status status =
        cly_layers_expect_axis(layer, ((const clayer_concatenate_config *)layer->config)->axis, inputs, &axis);
    if (status != CLAYER_OK) {
        return status;
    }
    *output_out = inputs[0];
    for (size_t i = 1; i < count; i++) {
        bool fits = inputs[i].rank == inputs[0].rank;
        for (int d = 0; fits && d < inputs[i].rank; d++) {
            int64_t sum = output_out->dims[d], n = inputs[i].dims[d];
            if (d == axis) {
                output_out->dims[d] = sum == -1 || n == -1 ? -1 : sum + n;
            } else {
                fits = sum == n || sum == -1 || n == -1;
                output_out->dims[d] = sum == -1 ? n : sum;
            }
        }
        if (!fits) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                                   "input %zu of shape %s differs from the first, %s, on an axis other than %d", i,
                                   cly_layers_shape_text(&inputs[i], other, sizeof(other)),
                                   cly_layers_shape_text(&inputs[0], first, sizeof(first)), axis);
        }
    }
    return CLAYER_OK;
}

/* Each input is a slab of every row of the output. wanted NULL: forward. */
static clayer_status plan_slabs(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    int axis = 0;
    int64_t offset = 0;
    CLY_TRY(cly_layers_expect_axis(layer, ((const clayer_concatenate_config *)layer->config)->axis, inputs, &axis));
    const int64_t rows = cly_layers_product(output, 0, axis), length = cly_layers_product(output, axis, output->rank);
    for (size_t i = 0; i < count && count > 1; i++) {
        cly_ops_step *step = NULL;
        const int64_t width = cly_layers_product(&inputs[i], axis, inputs[i].rank);
        if (wanted == NULL) {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
            step->shape.copy = (cly_ops_copy_shape){
                .rows = rows, .width = width, .x_length = width, .y_length = length, .y_offset = offset};
            step->operands[0] = CLY_PLACE(CLY_INPUT, (int)i);
            step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
        } else if (wanted[i]) {
            CLY_TRY(cly_ops_steps_add(steps, &cly_ops_copy_operator, &step));
            step->shape.copy = (cly_ops_copy_shape){
                .rows = rows, .width = width, .x_length = length, .x_offset = offset, .y_length = width};
            step->operands[0] = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
            step->operands[1] = CLY_PLACE(CLY_INPUT_GRADIENT, (int)i);
        }
        offset += width;
    }
done:
    return status;
}

static clayer_status plan_concatenate(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps) {
    return plan_slabs(layer, inputs, count, output, NULL, steps);
}

const cly_layers_class cly_layers_concatenate = {.name = "Concatenate",
                                                 .auto_name = "concatenate",
                                                 .config_size = sizeof(clayer_concatenate_config),
                                                 .params = concatenate_params,
                                                 .min_inputs = 1,
                                                 .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                                 .infer = infer_concatenate,
                                                 .plan = plan_concatenate,
                                                 .plan_backward = plan_slabs};
