/* model/training_plan.c: what training a model at concrete input shapes takes: the forward steps, the values between
 * nodes, the outputs that losses read, and regularizers. */
#include "model/training_plan.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- values ---- */

clayer_status cly_model_train_value(cly_model_train_plan *plan, uint64_t bytes, size_t first, size_t *value_out) {
    clayer_status status = CLAYER_OK;
    void *items = plan->values;
    CLY_TRY(cly_base_grow(&items, &plan->value_capacity, plan->value_count, sizeof(cly_model_value)));
    plan->values = items;
    plan->values[plan->value_count] =
        (cly_model_value){.over = CLY_MODEL_NO_VALUE, .life = {.first = first, .last = first, .bytes = bytes}};
    *value_out = plan->value_count++;
done:
    return status;
}

void cly_model_train_touch(cly_model_train_plan *plan, size_t value, size_t position) {
    if (value != CLY_MODEL_NO_VALUE && plan->values[value].life.last < position) {
        plan->values[value].life.last = position;
    }
}

/* ---- the forward pass ---- */

/* The values that node i writes, and those that it reads. A layer without steps hands its input's value on. */
static clayer_status add_values(const clayer_model *model, cly_model_train_plan *plan, size_t i, size_t *input) {
    clayer_status status = CLAYER_OK;
    const clayer_node *node = model->nodes[i];
    const cly_model_call *call = &plan->forward->calls[i];
    cly_model_train_node *own = &plan->nodes[i];
    if (node->input_count == 0) {
        CLY_TRY(cly_model_train_value(plan, call->output_bytes, i, &own->output));
        plan->values[own->output].kind = CLY_VALUE_INPUT;
        plan->values[own->output].input = (*input)++;
        goto done;
    }
    if (!call->needed) {
        goto done;
    }
    for (size_t j = 0; j < node->input_count; j++) {
        cly_model_train_touch(plan, plan->nodes[node->inputs[j]->index].output, i);
    }
    if (call->steps.count == 0) {
        own->output = plan->nodes[node->inputs[0]->index].output;
    } else {
        CLY_TRY(cly_model_train_value(plan, call->output_bytes, i, &own->output));
    }
    for (size_t k = 0; k < CLY_OPS_SAVED; k++) {
        if (call->steps.saved_bytes[k] > 0) {
            CLY_TRY(cly_model_train_value(plan, call->steps.saved_bytes[k], i, &own->saved[k]));
        }
    }
done:
    return status;
}

static clayer_status add_activity(cly_model_train_plan *plan, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    const cly_model_call *call = &plan->forward->calls[node->index];
    void *items = plan->activities;
    cly_model_activity activity = {.node = node};
    if (!call->needed) {
        goto done;
    }
    CLY_TRY(cly_layers_activity_regularizer(node->layer, &activity.regularizer));
    if (activity.regularizer.entry == NULL) {
        goto done;
    }
    activity.share = (float)(call->steps.times > 0 ? call->steps.times : 1) / (float)call->output.dims[0];
    CLY_TRY(cly_base_grow(&items, &plan->activity_capacity, plan->activity_count, sizeof(activity)));
    plan->activities = items;
    plan->activities[plan->activity_count++] = activity;
    cly_model_train_touch(plan, plan->nodes[node->index].output, plan->node_count); /* its value is asked for there */
done:
    return status;
}

/* What the losses read at their position. */
static void add_outputs(const clayer_model *model, const cly_model_training_config *config,
                        cly_model_train_plan *plan) {
    clayer_node *const *nodes = NULL;
    plan->output_count = cly_model_outputs(model, &nodes);
    for (size_t i = 0; i < plan->output_count; i++) {
        cly_model_train_output *output = &plan->outputs[i];
        *output = (cly_model_train_output){
            .y = plan->nodes[nodes[i]->index].output,
            .logits = CLY_MODEL_NO_VALUE,
            .gradient = CLY_MODEL_NO_VALUE,
            .mask = nodes[i]->mask != NULL ? plan->nodes[nodes[i]->mask->index].output : CLY_MODEL_NO_VALUE};
        if (cly_model_reads_logits(config, i)) {
            const clayer_node *end = cly_model_output_end(model, i);
            output->logits = cly_model_keeps_logits(end) ? plan->nodes[end->index].saved[CLY_LAYERS_SAVED_PREACTIVATION]
                                                         : plan->nodes[end->inputs[0]->index].output;
        }
        cly_model_train_touch(plan, output->y, plan->node_count);
        cly_model_train_touch(plan, output->logits, plan->node_count);
        cly_model_train_touch(plan, output->mask, plan->node_count);
    }
}

static clayer_status plan_forward(clayer_model *model, const cly_model_training_config *config,
                                  const clayer_shape *input_shapes, cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    bool *logits = NULL;
    void *memory = NULL;
    size_t input = 0;
    CLY_TRY(cly_base_alloc(plan->node_count, sizeof(bool), &memory));
    logits = memory;
    for (size_t i = 0; i < clayer_model_get_output_count(model); i++) {
        const clayer_node *end = cly_model_output_end(model, i);
        if (cly_model_reads_logits(config, i) && cly_model_keeps_logits(end)) {
            logits[end->index] = true;
        }
    }
    CLY_TRY(cly_model_plan_steps(model, input_shapes, !config->inference, logits, true, &plan->forward));
    for (size_t i = 0; i < plan->node_count; i++) {
        CLY_TRY(add_values(model, plan, i, &input));
        CLY_TRY(add_activity(plan, model->nodes[i]));
    }
    add_outputs(model, config, plan);
done:
    free(logits);
    return status;
}

/* ---- plans ---- */

static clayer_status allocate(const clayer_model *model, cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(plan->node_count, sizeof(cly_model_train_node), &memory));
    plan->nodes = memory;
    for (size_t i = 0; i < plan->node_count; i++) {
        plan->nodes[i] = (cly_model_train_node){
            .output = CLY_MODEL_NO_VALUE, .gradient = CLY_MODEL_NO_VALUE, .logits_gradient = CLY_MODEL_NO_VALUE};
        for (size_t k = 0; k < CLY_OPS_SAVED; k++) {
            plan->nodes[i].saved[k] = CLY_MODEL_NO_VALUE;
        }
    }
    CLY_TRY(cly_base_alloc(clayer_model_get_output_count(model), sizeof(cly_model_train_output), &memory));
    plan->outputs = memory;
    CLY_TRY(cly_base_alloc(plan->layer_count, sizeof(bool), &memory));
    plan->trainable = memory;
    for (size_t i = 0; i < plan->layer_count; i++) {
        plan->trainable[i] = model->layers[i]->trainable;
    }
    CLY_TRY(cly_base_alloc(plan->node_count, sizeof(uint64_t), &memory));
    plan->mask_steps = memory;
done:
    return status;
}

/* Scratch memory of penalties, which are no steps. */
static void room_for_penalties(const clayer_model *model, cly_model_train_plan *plan) {
    for (size_t i = 0; i < plan->activity_count; i++) {
        const cly_model_activity *a = &plan->activities[i];
        const cly_ops_steps steps = {
            .workspace_bytes = cly_weights_penalty_workspace_bytes(model->context, &a->regularizer,
                                                                   &plan->forward->calls[a->node->index].output)};
        cly_model_plan_room(plan->forward, &steps);
    }
    for (size_t i = 0; i < plan->penalty_count; i++) {
        const cly_weights_weight *weight = &plan->penalties[i].layer->weights[plan->penalties[i].weight];
        const cly_ops_steps steps = {.workspace_bytes =
                                         cly_weights_penalty_workspace_bytes(model->context, &weight->regularizer,
                                                                             clayer_tensor_get_shape(weight->tensor))};
        cly_model_plan_room(plan->forward, &steps);
    }
}

clayer_status cly_model_train_plan_create(clayer_model *model, const cly_model_training_config *config,
                                          const clayer_shape *input_shapes, cly_model_train_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_train_plan *plan = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(1, sizeof(*plan), &memory));
    plan = memory;
    plan->version = model->version;
    plan->node_count = model->node_count;
    plan->layer_count = model->layer_count;
    CLY_TRY(allocate(model, plan));
    CLY_TRY(plan_forward(model, config, input_shapes, plan));
    CLY_TRY(cly_model_train_plan_backward(model, config, plan));
    room_for_penalties(model, plan);
    CLY_TRY(cly_model_train_plan_storage(model, plan));
    *plan_out = plan;
    plan = NULL;
done:
    cly_model_train_plan_destroy(plan);
    return status;
}

void cly_model_train_plan_destroy(cly_model_train_plan *plan) {
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->action_count; i++) {
        cly_ops_steps_free(&plan->actions[i].steps);
        free(plan->actions[i].input_gradients);
    }
    cly_model_plan_destroy(plan->forward);
    free(plan->trainable);
    free(plan->values);
    free(plan->nodes);
    free(plan->outputs);
    free(plan->actions);
    free(plan->activities);
    free(plan->penalties);
    free(plan->gradients);
    free(plan->mask_steps);
    free(plan);
}

bool cly_model_train_plan_fits(const clayer_model *model, const cly_model_train_plan *plan,
                               const clayer_shape *input_shapes) {
    bool fits = plan->version == model->version && cly_model_plan_fits(model, plan->forward, input_shapes);
    for (size_t i = 0; fits && i < plan->layer_count; i++) {
        fits = plan->trainable[i] == model->layers[i]->trainable;
    }
    return fits;
}
