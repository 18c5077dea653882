/* model/plan.c: shapes and steps of every node for concrete input shapes.
 *
 * Unknown dimensions are resolved here by inferring all shapes again, as Keras does at each call. Nodes that no output
 * needs are left out. */
#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "layers/operation.h"

/* ---- inputs ---- */

static clayer_status check_input(const clayer_model *model, size_t index, const clayer_shape *got) {
    const clayer_node *node = model->inputs[index];
    for (int i = 0; i < got->rank && got->rank == node->shape.rank; i++) {
        if (got->dims[i] < 1) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': input '%s': axis %d is %s, a size is needed to run",
                                 model->name, node->layer->name, i, got->dims[i] == -1 ? "unknown" : "empty");
        }
    }
    return cly_model_fit_input(&node->shape, got, model->name, node->layer->name);
}

/* What the inputs of nested models ask for. */
static clayer_status check_guards(const clayer_model *model, const cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->guard_count; i++) {
        const cly_model_guard *guard = &model->guards[i];
        const cly_model_call *call = &plan->calls[guard->node->index];
        if (call->needed) {
            CLY_TRY(cly_model_fit_input(&guard->wanted, &call->output, model->name, guard->path));
        }
    }
done:
    return status;
}

/* ---- calls ---- */

/* In training Keras runs all of a nested model, whoever reads its outputs, and so moves these statistics. */
static bool moves_statistics(const clayer_node *node) {
    return node->path != NULL && strchr(node->path, '/') != NULL &&
           node->layer->class == &cly_layers_batch_normalization && node->layer->trainable &&
           !cly_model_stays_in_inference(node);
}

/* `masks`: those of the outputs, too, which losses read. */
static void mark_needed(const clayer_model *model, bool training, bool masks, cly_model_call *calls) {
    clayer_node *const *outputs = NULL;
    size_t output_count = cly_model_outputs(model, &outputs);
    for (size_t i = 0; i < output_count; i++) {
        calls[outputs[i]->index].needed = true;
        if (masks && outputs[i]->mask != NULL) {
            calls[outputs[i]->mask->index].needed = true;
        }
    }
    for (size_t i = model->node_count; i > 0; i--) {
        const clayer_node *node = model->nodes[i - 1];
        calls[i - 1].needed = calls[i - 1].needed || (training && moves_statistics(node));
        for (size_t j = 0; calls[i - 1].needed && j < node->input_count; j++) {
            calls[node->inputs[j]->index].needed = true;
        }
    }
}

static clayer_status measure(const clayer_layer *layer, const clayer_shape *shape, uint64_t *bytes_out) {
    char text[CLY_LAYERS_DESCRIPTION];
    int64_t bytes = (int64_t)sizeof(float);
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 1 || !cly_base_multiply(&bytes, shape->dims[i])) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: axis %d of its output is %lld: %s",
                                 cly_layers_describe(layer, text, sizeof(text)), i, (long long)shape->dims[i],
                                 shape->dims[i] < 1 ? "nothing is left" : "the size in bytes overflows");
        }
    }
    uint64_t limit = cly_device_info(layer->context)->max_allocation_bytes;
    if ((uint64_t)bytes > limit) {
        return cly_base_fail(
            CLAYER_OUT_OF_MEMORY, "%s: its output takes %lld bytes, the device's largest buffer is %llu",
            cly_layers_describe(layer, text, sizeof(text)), (long long)bytes, (unsigned long long)limit);
    }
    *bytes_out = (uint64_t)bytes;
    return CLAYER_OK;
}

void cly_model_plan_room(cly_model_run_plan *plan, const cly_ops_steps *steps) {
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        if (steps->temporary_bytes[i] > plan->temporary_bytes[i]) {
            plan->temporary_bytes[i] = steps->temporary_bytes[i];
        }
    }
    if (steps->workspace_bytes > plan->workspace_bytes) {
        plan->workspace_bytes = steps->workspace_bytes;
    }
}

/* How often Keras calls the layer of a distributed model: Keras 3 for each step, Keras 2 for all and once more to see
 * what becomes of masks. */
static int64_t count_calls(const cly_model_run_plan *plan, const clayer_node *node) {
    int64_t times = node->fold == NULL ? 0 : 1;
    for (const clayer_node *fold = node->fold; fold != NULL; fold = fold->fold) {
        times *= node->layer->generation == 2 ? 2 : plan->calls[fold->inputs[0]->index].output.dims[1];
    }
    return times;
}

static clayer_status plan_call(const clayer_node *node, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = node->layer;
    cly_model_call *call = &plan->calls[node->index];
    clayer_shape inputs[CLY_LAYERS_MAX_INPUTS];
    size_t count = node->input_count;
    for (size_t i = 0; i < count; i++) {
        inputs[i] = plan->calls[node->inputs[i]->index].output;
    }
    if (layer->class == &cly_layers_unfold) {
        inputs[count++] = plan->calls[node->fold->inputs[0]->index].output;
    }
    CLY_TRY(cly_layers_get_output_shape(layer, inputs, count, call->steps.training, &call->output));
    if (!cly_layers_gives_sizes(layer)) {
        CLY_TRY(measure(layer, &call->output, &call->output_bytes));
    }
    if (layer->class->declare != NULL) {
        CLY_TRY(clayer_layer_build(layer, inputs, node->input_count));
    }
    CLY_TRY(cly_layers_plan(layer, inputs, node->input_count, &call->output, &call->steps));
done:
    return status;
}

static clayer_status choose_implementations(clayer_model *model, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < plan->call_count; i++) {
        cly_ops_steps *steps = &plan->calls[i].steps;
        if (plan->calls[i].needed && steps->count > 0) {
            CLY_TRY(cly_model_prefix(cly_ops_steps_choose(model->context, steps), model->nodes[i]));
            cly_model_plan_room(plan, steps);
        }
    }
done:
    return status;
}

static clayer_status list_sources(const clayer_model *model, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    size_t count = 0;
    for (size_t i = 0; i < model->node_count; i++) {
        count += model->nodes[i]->input_count;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(size_t), &memory));
    plan->sources = memory;
    count = 0;
    for (size_t i = 0; i < model->node_count; i++) {
        const clayer_node *node = model->nodes[i];
        plan->calls[i].sources = plan->sources + count;
        plan->calls[i].source_count = node->input_count;
        for (size_t j = 0; j < node->input_count; j++) {
            plan->sources[count++] = node->inputs[j]->index;
        }
    }
done:
    return status;
}

/* ---- forced implementations: a plan is stale once they change ---- */

static clayer_status note_forced(clayer_context *context, cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    size_t count = 0;
    void *memory = NULL;
    while (cly_ops_operators[count] != NULL) {
        count++;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(char *), &memory));
    plan->forced = memory;
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(cly_base_copy_string(cly_device_forced(context, cly_ops_operators[i]->name), &plan->forced[i]));
    }
done:
    return status;
}

static bool same_name(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool cly_model_plan_fits(const clayer_model *model, const cly_model_run_plan *plan, const clayer_shape *input_shapes) {
    for (size_t i = 0; i < model->input_count; i++) {
        if (!cly_layers_same_shape(&plan->input_shapes[i], &input_shapes[i])) {
            return false;
        }
    }
    for (size_t i = 0; cly_ops_operators[i] != NULL; i++) {
        if (!same_name(plan->forced[i], cly_device_forced(model->context, cly_ops_operators[i]->name))) {
            return false;
        }
    }
    return true;
}

/* ---- plans ---- */

/* Shapes and steps, without implementations. */
static clayer_status plan_calls(clayer_model *model, const clayer_shape *input_shapes, bool training,
                                const bool *logits, bool masks, cly_model_run_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_run_plan *plan = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(1, sizeof(*plan), &memory));
    plan = memory;
    CLY_TRY(cly_base_alloc(model->input_count, sizeof(clayer_shape), &memory));
    plan->input_shapes = memory;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(cly_model_call), &memory));
    plan->calls = memory;
    plan->call_count = model->node_count;
    CLY_TRY(note_forced(model->context, plan));
    for (size_t i = 0; i < model->input_count; i++) {
        cly_model_call *call = &plan->calls[model->inputs[i]->index];
        CLY_TRY(check_input(model, i, &input_shapes[i]));
        plan->input_shapes[i] = input_shapes[i];
        call->output = input_shapes[i];
        CLY_TRY(measure(model->inputs[i]->layer, &call->output, &call->output_bytes));
    }
    mark_needed(model, training, masks, plan->calls);
    CLY_TRY(list_sources(model, plan));
    for (size_t i = 0; i < model->node_count; i++) {
        if (plan->calls[i].needed && model->nodes[i]->input_count > 0) {
            plan->calls[i].steps.training = training && !cly_model_stays_in_inference(model->nodes[i]);
            plan->calls[i].steps.keeps = training && cly_model_stays_in_inference(model->nodes[i]);
            plan->calls[i].steps.logits = logits != NULL && logits[i];
            plan->calls[i].steps.times = count_calls(plan, model->nodes[i]);
            CLY_TRY(cly_model_prefix(plan_call(model->nodes[i], plan), model->nodes[i]));
        }
    }
    CLY_TRY(check_guards(model, plan));
    *plan_out = plan;
    plan = NULL;
done:
    cly_model_plan_destroy(plan);
    return status;
}

clayer_status cly_model_plan_steps(clayer_model *model, const clayer_shape *input_shapes, bool training,
                                   const bool *logits, bool masks, cly_model_run_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_run_plan *plan = NULL;
    CLY_TRY(plan_calls(model, input_shapes, training, logits, masks, &plan));
    CLY_TRY(choose_implementations(model, plan));
    *plan_out = plan;
    plan = NULL;
done:
    cly_model_plan_destroy(plan);
    return status;
}

clayer_status cly_model_plan_create(clayer_model *model, const clayer_shape *input_shapes, cly_model_fold **folds,
                                    cly_model_run_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_run_plan *plan = NULL;
    CLY_TRY(plan_calls(model, input_shapes, false, NULL, false, &plan));
    CLY_TRY(cly_model_fuse(model, folds, plan));
    CLY_TRY(choose_implementations(model, plan));
    CLY_TRY(cly_model_plan_storage(model, plan));
    *plan_out = plan;
    plan = NULL;
done:
    cly_model_plan_destroy(plan);
    return status;
}

void cly_model_plan_destroy(cly_model_run_plan *plan) {
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->call_count; i++) {
        cly_ops_steps_free(&plan->calls[i].steps);
    }
    for (size_t i = 0; plan->forced != NULL && cly_ops_operators[i] != NULL; i++) {
        free(plan->forced[i]);
    }
    free(plan->forced);
    free(plan->input_shapes);
    free(plan->calls);
    free(plan->sources);
    free(plan->copies);
    free(plan->buffer_bytes);
    free(plan);
}
