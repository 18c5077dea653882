/* layers/mask.c: Keras' masks: 1 where a step counts, 0 where it does not, float numbers of the shape of a tensor
 * without its last axis. The layer that makes and joins them, which no file holds (src/model/masks.c puts it between
 * the others), and the steps of what uses them. Keras: compute_mask in keras/src/layers/core/{masking,embedding}.py and
 * keras/src/layers/merging/base_merge.py; keras/src/layers/pooling/global_average_pooling1d.py;
 * keras/src/layers/activations/softmax.py, and their namesakes in tf_keras. */
#include "layers/mask.h"

#include <math.h>

#include "layers/arithmetic.h"

typedef cly_layers_mask_config config;

static const cly_layers_param params[] = {{0}};

/* ---- making and joining ---- */

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    const config *c = layer->config;
    *output_out = inputs[0];
    if (c->kind == CLY_MASK_ROWS || c->kind == CLY_MASK_ONES) {
        output_out->rank--;
    }
    for (size_t i = 1; i < count; i++) {
        if (inputs[i].rank != inputs[0].rank || !cly_layers_broadcast(output_out, &inputs[i], true, output_out)) {
            return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the masks of the inputs differ in shape");
        }
    }
    return CLAYER_OK;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    const config *c = layer->config;
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_layers_operand joined = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), &inputs[0]);
    if (c->kind != CLY_MASK_ALL && c->kind != CLY_MASK_ANY) {
        const int64_t rows = cly_layers_product(output, 0, output->rank);
        CLY_TRY(cly_ops_steps_add(steps, &cly_ops_differs_operator, &step));
        step->shape.differs = (cly_ops_differs_shape){
            .rows = rows,
            .width = c->kind == CLY_MASK_NUMBERS ? 1 : inputs[0].dims[inputs[0].rank - 1],
            .value = c->kind == CLY_MASK_ONES ? NAN : c->value}; /* everything differs from that */
        step->operands[0] = CLY_PLACE(CLY_INPUT, 0);
        step->operands[2] = CLY_PLACE(CLY_OUTPUT, 0);
        goto done;
    }
    for (size_t i = 1; i < count; i++) {
        const cly_layers_operand next = cly_layers_tensor(CLY_PLACE(CLY_INPUT, (int)i), &inputs[i]);
        CLY_TRY(cly_layers_plan_function(steps, c->kind == CLY_MASK_ALL ? CLY_MULTIPLY : CLY_MAXIMUM, &joined, &next,
                                         CLY_PLACE(CLY_OUTPUT, 0), output, NULL));
        joined = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), output);
    }
done:
    return status;
}

clayer_status cly_layers_plan_no_gradient(const clayer_shape *input, int index, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    const int64_t length = cly_layers_product(input, 0, input->rank);
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_window_operator, &step));
    step->shape.window = (cly_ops_window_shape){
        .outer = 1, .inner = 1, .in = {1, 1, length}, .out = {1, 1, length}, .before = {0, 0, length}};
    step->operands[0] = CLY_PLACE(CLY_INPUT, index);
    step->operands[1] = CLY_PLACE(CLY_INPUT_GRADIENT, index);
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)layer, (void)output;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count; i++) {
        if (wanted[i]) {
            CLY_TRY(cly_layers_plan_no_gradient(&inputs[i], (int)i, steps));
        }
    }
done:
    return status;
}

const cly_layers_class cly_layers_mask = {.name = "Mask",
                                          .auto_name = "mask",
                                          .config_size = sizeof(config),
                                          .params = params,
                                          .min_inputs = 1,
                                          .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                          .infer = infer,
                                          .plan = plan,
                                          .plan_backward = plan_backward};

/* ---- the mean over steps ---- */

static int steps_axis(const clayer_layer *layer) {
    return layer->channels_first ? 2 : 1;
}

clayer_status cly_layers_expect_mask(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *mask,
                                     bool of_steps) {
    char from[CLY_LAYERS_SHAPE_TEXT], to[CLY_LAYERS_SHAPE_TEXT];
    bool fits = of_steps ? mask->rank == 2 : mask->rank <= input->rank;
    for (int i = 0; i < mask->rank && fits; i++) {
        const int axis = !of_steps ? i + input->rank - mask->rank : i == 0 ? 0 : steps_axis(layer);
        const int64_t m = mask->dims[i], n = input->dims[axis];
        fits = m == n || m == -1 || n == -1 || (m == 1 && !of_steps);
    }
    return fits ? CLAYER_OK
                : cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "a mask of shape %s does not fit the input %s",
                                  cly_layers_shape_text(mask, from, sizeof(from)),
                                  cly_layers_shape_text(input, to, sizeof(to)));
}

/* The tensors of a masked mean as (N, steps, C), or with channels_first (N, C, steps). */
typedef struct mean {
    clayer_shape x, mask, sum, count; /* sum: steps 1; count: C, too */
} mean;

static mean describe_mean(const clayer_layer *layer, const clayer_shape *input) {
    const int axis = steps_axis(layer), channels = 3 - axis;
    mean m = {.x = *input, .mask = *input, .sum = *input, .count = *input};
    m.mask.dims[channels] = m.count.dims[channels] = 1;
    m.sum.dims[axis] = m.count.dims[axis] = 1;
    return m;
}

/* How many steps of each sample count, in CLY_TEMPORARY 1. */
static clayer_status plan_count(const mean *m, cly_ops_steps *steps, cly_layers_operand *count_out) {
    const cly_ops_place place = cly_layers_temporary(steps, 1, cly_layers_bytes(&m->count));
    *count_out = cly_layers_tensor(place, &m->count);
    return cly_layers_plan_sum(steps, CLY_PLACE(CLY_INPUT, 1), &m->mask, place, &m->count, 1);
}

clayer_status cly_layers_plan_masked_mean(const clayer_layer *layer, const clayer_shape *input, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const mean m = describe_mean(layer, input);
    const cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), &m.x);
    const cly_layers_operand mask = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 1), &m.mask);
    const cly_layers_operand sum = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), &m.sum);
    const cly_ops_place kept = cly_layers_temporary(steps, 0, cly_layers_bytes(&m.x));
    cly_layers_operand count;
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &mask, kept, &m.x, NULL));
    CLY_TRY(cly_layers_plan_sum(steps, kept, &m.x, sum.place, &m.sum, 1));
    CLY_TRY(plan_count(&m, steps, &count));
    CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &sum, &count, sum.place, &m.sum, NULL));
done:
    return status;
}

clayer_status cly_layers_plan_masked_mean_backward(const clayer_layer *layer, const clayer_shape *inputs,
                                                   const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    const mean m = describe_mean(layer, inputs);
    const cly_layers_operand mask = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 1), &m.mask);
    const cly_layers_operand dy = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT_GRADIENT, 0), &m.sum);
    cly_layers_operand count;
    if (wanted[0]) {
        const cly_layers_operand share =
            cly_layers_tensor(cly_layers_temporary(steps, 0, cly_layers_bytes(&m.sum)), &m.sum);
        CLY_TRY(plan_count(&m, steps, &count));
        CLY_TRY(cly_layers_plan_function(steps, CLY_DIVIDE, &dy, &count, share.place, &m.sum, NULL));
        CLY_TRY(
            cly_layers_plan_function(steps, CLY_MULTIPLY, &share, &mask, CLY_PLACE(CLY_INPUT_GRADIENT, 0), &m.x, NULL));
    }
    if (wanted[1]) {
        CLY_TRY(cly_layers_plan_no_gradient(&inputs[1], 1, steps));
    }
done:
    return status;
}

/* ---- softmax ---- */

/* Keras 2 adds -1e9 where the mask is 0, Keras 3 puts that in the place of what lies there, which is the same but for a
 * sample of which nothing counts: Keras 3 then gives 0 (cly_layers_plan_masked_result). */
clayer_status cly_layers_plan_masked_softmax(const clayer_layer *layer, const clayer_shape *inputs,
                                             cly_ops_steps *steps, cly_ops_place *logits_out) {
    clayer_status status = CLAYER_OK;
    const clayer_shape shape = cly_layers_expand_shape(&inputs[1], inputs->rank, false);
    const cly_layers_operand mask = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 1), &shape);
    const cly_layers_operand one = cly_layers_number(1), large = cly_layers_number(1e9);
    const cly_ops_place added = cly_layers_temporary(steps, 1, cly_layers_bytes(&shape));
    const cly_ops_place logits = cly_layers_temporary(steps, 0, cly_layers_bytes(inputs));
    const cly_layers_operand less = cly_layers_tensor(added, &shape);
    cly_layers_operand x = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 0), inputs);
    CLY_TRY(cly_layers_plan_function(steps, CLY_SUBTRACT, &mask, &one, added, &shape, NULL));
    CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &less, &large, added, &shape, NULL));
    if (layer->generation == 3) {
        CLY_TRY(cly_layers_plan_function(steps, CLY_MULTIPLY, &x, &mask, logits, inputs, NULL));
        x = cly_layers_tensor(logits, inputs);
    }
    CLY_TRY(cly_layers_plan_function(steps, CLY_ADD, &x, &less, logits, inputs, NULL));
    *logits_out = logits;
done:
    return status;
}

clayer_status cly_layers_plan_masked_result(const clayer_layer *layer, const clayer_shape *inputs,
                                            cly_ops_steps *steps) {
    const clayer_shape shape = cly_layers_expand_shape(&inputs[1], inputs->rank, false);
    const cly_layers_operand y = cly_layers_tensor(CLY_PLACE(CLY_OUTPUT, 0), inputs);
    const cly_layers_operand mask = cly_layers_tensor(CLY_PLACE(CLY_INPUT, 1), &shape);
    if (layer->generation == 2) {
        return CLAYER_OK;
    }
    return cly_layers_plan_function(steps, CLY_MULTIPLY, &y, &mask, y.place, inputs, NULL);
}
