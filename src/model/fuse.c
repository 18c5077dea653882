/* model/fuse.c: steps of a plan for inference move into neighbouring ones.
 *
 * A call whose steps another call has taken over stays in the plan without steps: its output is its source's memory, as
 * Flatten's is. One that is passed over is not needed any more. All conditions are on steps and on how tensors lie in
 * memory, so that layers need to know nothing of fusion. fuse_window.c has padding and cropping, fuse_concatenate.c
 * what is written into its place of a concatenation at once. */
#include "model/fuse.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- who reads what ---- */

static void count_readers(cly_model_fuse_state *f) {
    clayer_node *const *outputs = NULL;
    const size_t output_count = cly_model_outputs(f->model, &outputs);
    for (size_t i = 0; i < f->plan->call_count; i++) {
        const cly_model_call *call = &f->plan->calls[i];
        for (size_t j = 0; call->needed && j < call->source_count; j++) {
            f->readers[call->sources[j]]++;
        }
    }
    for (size_t i = 0; i < output_count; i++) {
        f->readers[outputs[i]->index]++;
    }
}

size_t cly_model_fuse_sole_source(const cly_model_fuse_state *f, size_t call) {
    size_t at = f->plan->calls[call].sources[0];
    while (f->readers[at] == 1) {
        const cly_model_call *source = &f->plan->calls[at];
        if (source->steps.count > 0) {
            return at;
        }
        if (source->source_count != 1) {
            break;
        }
        at = source->sources[0];
    }
    return CLY_MODEL_NO_CALL;
}

void cly_model_fuse_take_over(cly_model_fuse_state *f, size_t call, int kind) {
    cly_ops_steps_free(&f->plan->calls[call].steps);
    f->plan->fused[kind]++;
}

cly_ops_step *cly_model_fuse_only_step(const cly_model_fuse_state *f, size_t call, const cly_ops_operator *op) {
    const cly_ops_steps *steps = &f->plan->calls[call].steps;
    return steps->count == 1 && steps->steps[0].op == op ? &steps->steps[0] : NULL;
}

cly_ops_step *cly_model_fuse_last_step(const cly_model_fuse_state *f, size_t call) {
    const cly_ops_steps *steps = &f->plan->calls[call].steps;
    return &steps->steps[steps->count - 1];
}

bool cly_model_fuse_is_convolution(const cly_ops_step *step) {
    return step->op == &cly_ops_conv_operator || step->op == &cly_ops_conv_transpose_operator ||
           step->op == &cly_ops_depthwise_operator;
}

/* ---- activations ---- */

/* What layers merge tensors by. The activation behind other functions stays a step of its own, for each pair of
 * function and activation is a program to build. So does GELU behind all: with two operands to read, a GPU's compiler
 * does not inline its erfc any more. */
static bool merges(cly_ops_function function, cly_ops_activation_id follower) {
    return (function <= CLY_MINIMUM || function == CLY_ADD_SCALED) && function != CLY_DIVIDE && follower != CLY_GELU;
}

/* Where an operator keeps the activation that follows it, as `follower` would, writing to operand *output_out; NULL: it
 * has no such place. */
static cly_ops_activation *epilogue_of(cly_ops_step *step, cly_ops_activation_id follower, int *output_out) {
    if (cly_model_fuse_is_convolution(step)) {
        *output_out = 3;
        return &step->shape.conv.activation;
    }
    if (step->op == &cly_ops_batch_norm_operator) {
        *output_out = 5;
        return &step->shape.batch_norm.activation;
    }
    if (step->op == &cly_ops_arithmetic_operator && merges(step->shape.arithmetic.function, follower)) {
        *output_out = 2;
        return &step->shape.arithmetic.activation;
    }
    return NULL;
}

static void fuse_activation(cly_model_fuse_state *f, size_t call) {
    const cly_ops_step *step = cly_model_fuse_only_step(f, call, &cly_ops_activation_operator);
    const size_t source = step == NULL ? CLY_MODEL_NO_CALL : cly_model_fuse_sole_source(f, call);
    if (source == CLY_MODEL_NO_CALL) {
        return;
    }
    int output = 0;
    cly_ops_step *last = cly_model_fuse_last_step(f, source);
    cly_ops_activation *epilogue = epilogue_of(last, step->shape.activation.activation.id, &output);
    if (epilogue != NULL && epilogue->id == CLY_LINEAR && last->operands[output].kind == CLY_OUTPUT) {
        *epilogue = step->shape.activation.activation;
        cly_model_fuse_take_over(f, call, CLY_MODEL_ACTIVATION);
    }
}

/* ---- batch normalisation ---- */

static cly_model_normalisation describe(clayer_layer *layer, const cly_ops_step *step) {
    int indexes[4];
    for (int i = 0; i < 4; i++) {
        indexes[i] = step->operands[i + 1].kind == CLY_WEIGHT ? step->operands[i + 1].index : -1;
    }
    return (cly_model_normalisation){.layer = layer,
                                     .gamma = indexes[0],
                                     .beta = indexes[1],
                                     .mean = indexes[2],
                                     .variance = indexes[3],
                                     .epsilon = step->shape.batch_norm.epsilon};
}

/* The normalisation's (outer, axis, inner) are the channels of a tensor (batch, pixels, channels) or (batch, channels,
 * pixels). */
static bool is_by_channel(const cly_ops_batch_norm_shape *n, int64_t batch, int64_t channels, const int64_t sizes[3],
                          bool channels_first) {
    const int64_t pixels = sizes[0] * sizes[1] * sizes[2];
    return n->axis == channels && n->outer == (channels_first ? batch : batch * pixels) &&
           n->inner == (channels_first ? pixels : 1);
}

/* The normalisation of what the step, a convolution, gives. */
static bool is_of_output(const cly_ops_step *last, const cly_ops_batch_norm_shape *n) {
    const cly_ops_conv_shape *c = &last->shape.conv;
    const bool transposed = last->op == &cly_ops_conv_transpose_operator;
    return is_by_channel(n, c->batch, transposed ? c->in_channels : c->out_channels, transposed ? c->in : c->out,
                         c->channels_first);
}

/* No tap of any output position lies outside the input: what stands there is zero, not normalised. */
static bool stays_inside(const cly_ops_conv_shape *c) {
    for (int i = 0; i < 3; i++) {
        const int64_t last = (c->out[i] - 1) * c->stride[i] - c->pad[i] + (c->kernel[i] - 1) * c->dilation[i];
        if (c->pad[i] > 0 || last >= c->in[i]) {
            return false;
        }
    }
    return true;
}

/* Each pixel that a Dense reads is one or more (axis, inner) of the normalisation's, as behind a Flatten. */
static bool is_flattened(const cly_ops_batch_norm_shape *n, const cly_ops_conv_shape *c) {
    const int64_t pixels = c->in[0] * c->in[1] * c->in[2];
    return c->kernel[0] * c->kernel[1] * c->kernel[2] == 1 && (!c->channels_first || pixels == 1) &&
           c->in_channels % (n->axis * n->inner) == 0 &&
           n->outer * n->axis * n->inner == c->batch * pixels * c->in_channels;
}

/* The normalisation of a convolution's input. */
static bool fold_before(const cly_ops_step *step, const cly_ops_batch_norm_shape *n, cly_ops_fold *how_out) {
    const cly_ops_conv_shape *c = &step->shape.conv;
    const bool depthwise = step->op == &cly_ops_depthwise_operator;
    const bool flat = !depthwise && is_flattened(n, c);
    if ((step->op != &cly_ops_conv_operator && !depthwise) || (!depthwise && c->groups != 1) ||
        n->activation.id != CLY_LINEAR || step->operands[0].kind != CLY_INPUT || !stays_inside(c) ||
        (!flat && !is_by_channel(n, c->batch, c->in_channels, c->in, c->channels_first))) {
        return false;
    }
    *how_out = (cly_ops_fold){
        .count = c->kernel[0] * c->kernel[1] * c->kernel[2] * (c->in_channels / c->groups) * c->out_channels,
        .division = depthwise ? c->out_channels / c->in_channels : c->out_channels * (flat ? n->inner : 1),
        .channels = flat ? n->axis : c->in_channels,
        .bias_count = c->out_channels};
    return true;
}

static void fuse_behind(cly_model_fuse_state *f, size_t call) {
    const cly_ops_step *step = cly_model_fuse_only_step(f, call, &cly_ops_batch_norm_operator);
    const size_t source = step == NULL ? CLY_MODEL_NO_CALL : cly_model_fuse_sole_source(f, call);
    if (source == CLY_MODEL_NO_CALL) {
        return;
    }
    cly_ops_step *last = cly_model_fuse_last_step(f, source);
    if (cly_model_fuse_is_convolution(last) && last->operands[3].kind == CLY_OUTPUT &&
        last->operands[4].kind == CLY_NOWHERE && last->shape.conv.activation.id == CLY_LINEAR &&
        is_of_output(last, &step->shape.batch_norm)) {
        last->operands[4] = (cly_ops_place){CLY_FOLDED, CLY_MODEL_FOLDED_NORM};
        last->shape.conv.activation = step->shape.batch_norm.activation;
        f->folds[source].behind = describe(f->model->nodes[call]->layer, step);
        f->folds[source].channels = step->shape.batch_norm.axis;
        cly_model_fuse_take_over(f, call, CLY_MODEL_BATCH_NORMALIZATION);
    }
}

/* Only where the convolution is the call's one step, but for a softmax, and its kernel a weight of its own. */
static void fuse_before(cly_model_fuse_state *f, size_t call) {
    cly_ops_steps *steps = &f->plan->calls[call].steps;
    if (steps->count == 0 || !cly_model_fuse_is_convolution(&steps->steps[0]) ||
        (steps->count > 1 && steps->steps[1].op != &cly_ops_softmax_operator)) {
        return;
    }
    const size_t source = cly_model_fuse_sole_source(f, call);
    const cly_ops_step *step =
        source == CLY_MODEL_NO_CALL ? NULL : cly_model_fuse_only_step(f, source, &cly_ops_batch_norm_operator);
    cly_ops_place *operands = steps->steps[0].operands;
    cly_model_fold *fold = &f->folds[call];
    if (step == NULL || operands[1].kind != CLY_WEIGHT ||
        !fold_before(&steps->steps[0], &step->shape.batch_norm, &fold->how)) {
        return;
    }
    fold->layer = f->model->nodes[call]->layer;
    fold->kernel = operands[1].index;
    fold->bias = operands[2].kind == CLY_WEIGHT ? operands[2].index : -1;
    fold->before = describe(f->model->nodes[source]->layer, step);
    operands[1] = (cly_ops_place){CLY_FOLDED, CLY_MODEL_FOLDED_KERNEL};
    operands[2] = (cly_ops_place){CLY_FOLDED, CLY_MODEL_FOLDED_BIAS};
    cly_model_fuse_take_over(f, source, CLY_MODEL_BATCH_NORMALIZATION);
}

/* ---- all of it ---- */

/* Puts the model's folds, which plans share, for those that were found here. */
static clayer_status keep_folds(cly_model_fuse_state *f, cly_model_fold **folds) {
    clayer_status status = CLAYER_OK;
    cly_model_run_plan *plan = f->plan;
    for (size_t i = 0; i < plan->call_count; i++) {
        if (f->folds[i].before.layer != NULL || f->folds[i].behind.layer != NULL) {
            CLY_TRY(cly_model_fold_find(folds, &f->folds[i], &plan->calls[i].fold));
            plan->calls[i].fold->counted = false;
        }
    }
    for (size_t i = 0; i < plan->call_count; i++) {
        cly_model_fold *fold = plan->calls[i].fold;
        if (fold != NULL && !fold->counted) {
            plan->folded_bytes += cly_model_fold_bytes(fold);
            fold->counted = true;
        }
    }
done:
    return status;
}

clayer_status cly_model_fuse(const clayer_model *model, cly_model_fold **folds, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    cly_model_fuse_state f = {.model = model,
                              .plan = plan,
                              .not_fused = model->observer != NULL ? (unsigned)CLAYER_FUSE_ALL : model->not_fused};
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(plan->call_count, sizeof(size_t), &memory));
    f.readers = memory;
    CLY_TRY(cly_base_alloc(plan->call_count, sizeof(cly_model_fold), &memory));
    f.folds = memory;
    count_readers(&f);
    for (size_t i = 0; i < plan->call_count; i++) {
        if (!plan->calls[i].needed || plan->calls[i].steps.count == 0) {
            continue;
        }
        cly_model_fuse_windows(&f, i);
        if ((f.not_fused & CLAYER_FUSE_BATCH_NORMALIZATION) == 0) {
            fuse_before(&f, i);
            fuse_behind(&f, i);
        }
        if ((f.not_fused & CLAYER_FUSE_ACTIVATION) == 0) {
            fuse_activation(&f, i);
        }
    }
    CLY_TRY(keep_folds(&f, folds));
    if ((f.not_fused & CLAYER_FUSE_CONCATENATE) == 0) {
        CLY_TRY(cly_model_fuse_concatenates(&f));
    }
done:
    free(f.readers);
    free(f.folds);
    return status;
}
