/* model/training_backward.c: the actions of the backward pass, from the last node to the first.
 *
 * A gradient that several readers of an output contribute to is summed up in the order in which they come: losses
 * first, then nodes from the last one on. The first contribution is written where the sum will be, the others beside it
 * and then added. Nodes that no loss depends on, and those that no trainable weight lies at or before, get no actions.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/operation.h"
#include "model/training_plan.h"

/* A layer and its place in the model. */
typedef struct entry {
    const clayer_layer *layer;
    size_t index;
} entry;

typedef struct builder {
    const clayer_model *model;
    const cly_model_training_config *config;
    cly_model_train_plan *plan;
    bool *leads;         /* per node: a trained weight lies at it or before it */
    bool *used;          /* per layer: a node that is needed calls it */
    entry *entries;      /* sorted by address */
    size_t *of_weight;   /* per layer and weight: the value of the gradient, or none yet */
    size_t *activity_of; /* per node: which of the plan's activities, or CLY_MODEL_NO_VALUE */
} builder;

/* ---- where layers stand ---- */

static int compare_entries(const void *a, const void *b) {
    const clayer_layer *x = ((const entry *)a)->layer, *y = ((const entry *)b)->layer;
    return (x > y) - (x < y);
}

static size_t index_of(const builder *b, const clayer_layer *layer) {
    const entry wanted = {.layer = layer};
    const entry *found = bsearch(&wanted, b->entries, b->model->layer_count, sizeof(entry), compare_entries);
    return found->index; /* every node's layer is in the model */
}

static bool has_trained_weight(const clayer_layer *layer) {
    bool any = false;
    for (size_t i = 0; i < layer->weight_count; i++) {
        any = any || cly_layers_is_trained(layer, (int)i);
    }
    return any;
}

static clayer_status open_builder(builder *b) {
    clayer_status status = CLAYER_OK;
    const size_t nodes = b->model->node_count, layers = b->model->layer_count;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(nodes, sizeof(bool), &memory));
    b->leads = memory;
    CLY_TRY(cly_base_alloc(layers, sizeof(bool), &memory));
    b->used = memory;
    CLY_TRY(cly_base_alloc(layers, sizeof(entry), &memory));
    b->entries = memory;
    CLY_TRY(cly_base_alloc(layers * CLY_LAYERS_WEIGHTS, sizeof(size_t), &memory));
    b->of_weight = memory;
    CLY_TRY(cly_base_alloc(nodes, sizeof(size_t), &memory));
    b->activity_of = memory;
    for (size_t i = 0; i < layers; i++) {
        b->entries[i] = (entry){.layer = b->model->layers[i], .index = i};
    }
    qsort(b->entries, layers, sizeof(entry), compare_entries);
    for (size_t i = 0; i < layers * CLY_LAYERS_WEIGHTS; i++) {
        b->of_weight[i] = CLY_MODEL_NO_VALUE;
    }
    for (size_t i = 0; i < nodes; i++) {
        const clayer_node *node = b->model->nodes[i];
        b->activity_of[i] = CLY_MODEL_NO_VALUE;
        b->leads[i] = b->plan->forward->calls[i].needed && has_trained_weight(node->layer);
        for (size_t j = 0; j < node->input_count; j++) {
            b->leads[i] = b->leads[i] || b->leads[node->inputs[j]->index];
        }
        b->leads[i] = b->leads[i] && !cly_layers_gives_sizes(node->layer);
        if (b->plan->forward->calls[i].needed) {
            b->used[index_of(b, node->layer)] = true;
        }
    }
    for (size_t i = 0; i < b->plan->activity_count; i++) {
        b->activity_of[b->plan->activities[i].node->index] = i;
    }
done:
    return status;
}

static void close_builder(builder *b) {
    free(b->leads);
    free(b->used);
    free(b->entries);
    free(b->of_weight);
    free(b->activity_of);
}

/* ---- actions ---- */

/* The position of the action that is added next. */
static size_t now(const builder *b) {
    return b->plan->node_count + 1 + b->plan->action_count;
}

/* Appends an action; the values it reads are still to be touched. */
static clayer_status add_action(builder *b, cly_model_action_kind kind, const clayer_node *node,
                                cly_model_action **action_out) {
    clayer_status status = CLAYER_OK;
    void *items = b->plan->actions;
    CLY_TRY(cly_base_grow(&items, &b->plan->action_capacity, b->plan->action_count, sizeof(cly_model_action)));
    b->plan->actions = items;
    cly_model_action *action = &b->plan->actions[b->plan->action_count++];
    *action =
        (cly_model_action){.kind = kind,
                           .node = node,
                           .steps = {.training = node == NULL || !cly_model_stays_in_inference(node), .keeps = true},
                           .source = CLY_MODEL_NO_VALUE,
                           .target = CLY_MODEL_NO_VALUE};
    for (size_t i = 0; i < CLY_LAYERS_WEIGHTS; i++) {
        action->weight_gradients[i] = CLY_MODEL_NO_VALUE;
    }
    *action_out = action;
done:
    return status;
}

static clayer_status choose(builder *b, cly_model_action *action) {
    clayer_status status = cly_ops_steps_choose(b->model->context, &action->steps);
    if (status == CLAYER_OK) {
        cly_model_plan_room(b->plan->forward, &action->steps);
    }
    return status;
}

/* target += source */
static clayer_status add_sum(builder *b, size_t target, size_t source) {
    clayer_status status = CLAYER_OK;
    const size_t position = now(b);
    const uint64_t bytes = b->plan->values[source].life.bytes;
    const clayer_shape shape = {.rank = 1, .dims = {(int64_t)(bytes / sizeof(float))}};
    cly_model_action *action = NULL;
    cly_ops_step *step = NULL;
    CLY_TRY(add_action(b, CLY_ACTION_ADD, NULL, &action));
    CLY_TRY(cly_ops_steps_add(&action->steps, &cly_ops_arithmetic_operator, &step));
    step->shape.arithmetic = (cly_ops_arithmetic_shape){.a = shape, .b = shape, .y = shape};
    step->operands[0] = CLY_PLACE(CLY_OUTPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_INPUT, 0);
    step->operands[2] = CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(choose(b, action));
    action->target = target;
    action->source = source;
    cly_model_train_touch(b->plan, target, position);
    cly_model_train_touch(b->plan, source, position);
done:
    return status;
}

/* One more part of the gradient of a node's output, or of its logits. */
static clayer_status contribute(builder *b, const clayer_node *node, bool logits, size_t value) {
    cly_model_train_node *own = &b->plan->nodes[node->index];
    size_t *sum = logits ? &own->logits_gradient : &own->gradient;
    if (*sum != CLY_MODEL_NO_VALUE) {
        return add_sum(b, *sum, value);
    }
    *sum = value;
    return CLAYER_OK;
}

/* What the losses write at their position. */
static clayer_status add_losses(builder *b) {
    clayer_status status = CLAYER_OK;
    clayer_node *const *nodes = NULL;
    const size_t count = cly_model_outputs(b->model, &nodes);
    for (size_t i = 0; i < count; i++) { /* all values first: they are in the order of time */
        const bool logits = cly_model_reads_logits(b->config, i);
        const clayer_node *end = cly_model_output_end(b->model, i);
        const clayer_node *target = !logits ? nodes[i] : cly_model_keeps_logits(end) ? end : end->inputs[0];
        if (cly_model_has_loss(b->config, i) && b->leads[target->index]) {
            CLY_TRY(cly_model_train_value(b->plan, b->plan->forward->calls[target->index].output_bytes,
                                          b->plan->node_count, &b->plan->outputs[i].gradient));
        }
    }
    for (size_t i = 0; i < count; i++) {
        const bool logits = cly_model_reads_logits(b->config, i);
        const clayer_node *end = cly_model_output_end(b->model, i);
        const bool kept = logits && cly_model_keeps_logits(end);
        if (b->plan->outputs[i].gradient != CLY_MODEL_NO_VALUE) {
            CLY_TRY(contribute(b,
                               !logits ? nodes[i]
                               : kept  ? end
                                       : end->inputs[0],
                               kept, b->plan->outputs[i].gradient));
        }
    }
done:
    return status;
}

/* ---- one node ---- */

/* The penalty on a node's output is a part of its gradient. */
static clayer_status add_activity(builder *b, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    cly_model_train_node *own = &b->plan->nodes[node->index];
    cly_model_action *action = NULL;
    if (b->activity_of[node->index] == CLY_MODEL_NO_VALUE || !b->leads[node->index]) {
        return CLAYER_OK;
    }
    if (own->gradient == CLY_MODEL_NO_VALUE) {
        CLY_TRY(
            cly_model_train_value(b->plan, b->plan->forward->calls[node->index].output_bytes, now(b), &own->gradient));
        CLY_TRY(add_action(b, CLY_ACTION_ZERO, NULL, &action));
        action->target = own->gradient;
    }
    const size_t position = now(b);
    CLY_TRY(add_action(b, CLY_ACTION_PENALTY, node, &action));
    action->target = own->gradient;
    action->activity = b->activity_of[node->index];
    cly_model_train_touch(b->plan, own->gradient, position);
    cly_model_train_touch(b->plan, own->output, position);
done:
    return status;
}

/* Whatever the steps of an action at `position` read was kept until then. */
static void touch_operands(builder *b, const cly_model_action *action, size_t position) {
    const cly_model_train_node *own = &b->plan->nodes[action->node->index];
    for (size_t i = 0; i < action->steps.count; i++) {
        for (size_t j = 0; j < CLY_OPS_OPERANDS; j++) {
            const cly_ops_place *place = &action->steps.steps[i].operands[j];
            if (place->kind == CLY_INPUT) {
                const clayer_node *input = action->node->inputs[place->index];
                cly_model_train_touch(b->plan, b->plan->nodes[input->index].output, position);
            } else if (place->kind == CLY_OUTPUT) {
                cly_model_train_touch(b->plan, own->output, position);
            } else if (place->kind == CLY_SAVED) {
                cly_model_train_touch(b->plan, own->saved[place->index], position);
            }
        }
    }
    cly_model_train_touch(b->plan, action->source, position);
}

/* What other readers than the loss say of an output whose logits the loss reads goes through the activation. */
static clayer_status add_logits(builder *b, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    const cly_model_train_node *own = &b->plan->nodes[node->index];
    const cly_model_call *call = &b->plan->forward->calls[node->index];
    const size_t position = now(b);
    cly_model_action *action = NULL;
    size_t target = CLY_MODEL_NO_VALUE;
    if (!call->steps.logits || own->gradient == CLY_MODEL_NO_VALUE) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_model_train_value(b->plan, call->output_bytes, position, &target));
    CLY_TRY(add_action(b, CLY_ACTION_LOGITS, node, &action));
    action->steps.logits = true;
    CLY_TRY(cly_layers_plan_logits_gradient(node->layer, &call->output, &action->steps));
    CLY_TRY(choose(b, action));
    action->source = own->gradient;
    action->target = target;
    touch_operands(b, action, position);
    CLY_TRY(contribute(b, node, true, target));
done:
    return status;
}

/* The value that a trained weight's gradient is written to: the weight's own, or where a later call of the layer was
 * there before, one that is added to it. */
static clayer_status place_weight(builder *b, const clayer_node *node, size_t weight, size_t position,
                                  size_t *value_out) {
    clayer_status status = CLAYER_OK;
    size_t *own = &b->of_weight[index_of(b, node->layer) * CLY_LAYERS_WEIGHTS + weight];
    cly_weights_weight *w = &node->layer->weights[weight];
    const uint64_t bytes = (uint64_t)clayer_tensor_get_count(w->tensor) * sizeof(float);
    CLY_TRY(cly_model_train_value(b->plan, bytes, position, value_out));
    if (*own == CLY_MODEL_NO_VALUE) {
        *own = *value_out;
        b->plan->values[*value_out].kind = CLY_VALUE_GRADIENT;
        b->plan->values[*value_out].weight = w;
    }
done:
    return status;
}

/* The sums after an action of a layer. */
static clayer_status add_results(builder *b, const clayer_node *node, size_t index) {
    clayer_status status = CLAYER_OK;
    const size_t first_weight = index_of(b, node->layer) * CLY_LAYERS_WEIGHTS;
    for (size_t i = 0; i < node->layer->weight_count; i++) {
        const size_t value = b->plan->actions[index].weight_gradients[i];
        if (value != CLY_MODEL_NO_VALUE && value != b->of_weight[first_weight + i]) {
            CLY_TRY(add_sum(b, b->of_weight[first_weight + i], value));
        }
    }
    for (size_t i = 0; i < node->input_count; i++) {
        const size_t value = b->plan->actions[index].input_gradients[i];
        if (value != CLY_MODEL_NO_VALUE) {
            CLY_TRY(contribute(b, node->inputs[i], false, value));
        }
    }
done:
    return status;
}

/* The backward steps of a layer from the gradient `source` of its output. */
static clayer_status add_layer(builder *b, const clayer_node *node, size_t source) {
    clayer_status status = CLAYER_OK;
    const cly_model_call *calls = b->plan->forward->calls;
    const size_t position = now(b), index = b->plan->action_count;
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS];
    bool wanted[CLY_LAYERS_MAX_INPUTS];
    cly_model_action *action = NULL;
    void *memory = NULL;
    char text[CLY_LAYERS_DESCRIPTION];
    if (node->layer->class->plan_backward == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s cannot be trained through",
                             cly_model_describe_node(node, text, sizeof(text)));
    }
    CLY_TRY(add_action(b, CLY_ACTION_LAYER, node, &action));
    CLY_TRY(cly_base_alloc(node->input_count, sizeof(size_t), &memory));
    action->input_gradients = memory;
    action->source = source;
    action->steps.logits = calls[node->index].steps.logits;
    action->steps.times = calls[node->index].steps.times;
    for (size_t i = 0; i < node->input_count; i++) {
        shapes[i] = calls[node->inputs[i]->index].output;
        wanted[i] = b->leads[node->inputs[i]->index];
        action->input_gradients[i] = CLY_MODEL_NO_VALUE;
        if (wanted[i]) {
            CLY_TRY(cly_model_train_value(b->plan, calls[node->inputs[i]->index].output_bytes, position,
                                          &action->input_gradients[i]));
        }
    }
    for (size_t i = 0; i < node->layer->weight_count; i++) {
        if (cly_layers_is_trained(node->layer, (int)i)) {
            CLY_TRY(place_weight(b, node, i, position, &action->weight_gradients[i]));
        }
    }
    CLY_TRY(cly_layers_plan_backward(node->layer, shapes, node->input_count, &calls[node->index].output, wanted,
                                     &action->steps));
    CLY_TRY(choose(b, action));
    touch_operands(b, action, position);
    CLY_TRY(add_results(b, node, index));
done:
    return status;
}

static clayer_status add_node(builder *b, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    const cly_model_call *call = &b->plan->forward->calls[node->index];
    const cly_model_train_node *own = &b->plan->nodes[node->index];
    CLY_TRY(add_activity(b, node));
    CLY_TRY(add_logits(b, node));
    const size_t gradient = call->steps.logits ? own->logits_gradient : own->gradient;
    if (gradient == CLY_MODEL_NO_VALUE) {
        goto done;
    }
    if (call->steps.count > 0) {
        CLY_TRY(add_layer(b, node, gradient));
    } else { /* the output is the input's memory, and so it is with their gradients */
        CLY_TRY(contribute(b, node->inputs[0], false, gradient));
    }
done:
    return status;
}

/* ---- weights ---- */

/* Which weights' regularizers count: in Keras 2 all, in Keras 3 those of trainable weights. */
static clayer_status add_penalties(builder *b) {
    clayer_status status = CLAYER_OK;
    cly_model_train_plan *plan = b->plan;
    for (size_t i = 0; i < b->model->layer_count * CLY_LAYERS_WEIGHTS; i++) {
        clayer_layer *layer = b->model->layers[i / CLY_LAYERS_WEIGHTS];
        const size_t index = i % CLY_LAYERS_WEIGHTS;
        if (!b->used[i / CLY_LAYERS_WEIGHTS] || index >= layer->weight_count ||
            layer->weights[index].regularizer.entry == NULL) {
            continue;
        }
        const bool trained = cly_layers_is_trained(layer, (int)index);
        void *items = plan->penalties;
        CLY_TRY(cly_base_grow(&items, &plan->penalty_capacity, plan->penalty_count, sizeof(cly_model_penalty)));
        plan->penalties = items;
        plan->penalties[plan->penalty_count++] = (cly_model_penalty){.layer = layer,
                                                                     .weight = index,
                                                                     .counts = trained || b->model->generation == 2,
                                                                     .acts = trained && !b->config->inference,
                                                                     .is_first = b->of_weight[i] == CLY_MODEL_NO_VALUE};
    }
done:
    return status;
}

/* The weights that get a gradient, by the losses or by a penalty. */
static clayer_status list_gradients(builder *b) {
    clayer_status status = CLAYER_OK;
    cly_model_train_plan *plan = b->plan;
    for (size_t i = 0; i < b->model->layer_count * CLY_LAYERS_WEIGHTS; i++) {
        clayer_layer *layer = b->model->layers[i / CLY_LAYERS_WEIGHTS];
        const size_t index = i % CLY_LAYERS_WEIGHTS;
        const bool by_penalty = index < layer->weight_count && b->used[i / CLY_LAYERS_WEIGHTS] &&
                                layer->weights[index].regularizer.entry != NULL &&
                                cly_layers_is_trained(layer, (int)index);
        if (b->of_weight[i] == CLY_MODEL_NO_VALUE && !by_penalty) {
            continue;
        }
        void *items = plan->gradients;
        CLY_TRY(cly_base_grow(&items, &plan->gradient_capacity, plan->gradient_count, sizeof(cly_model_weight)));
        plan->gradients = items;
        plan->gradients[plan->gradient_count++] =
            (cly_model_weight){.layer = layer, .index = index, .weight = &layer->weights[index]};
        plan->gradient_bytes += (uint64_t)clayer_tensor_get_count(layer->weights[index].tensor) * sizeof(float);
    }
done:
    return status;
}

clayer_status cly_model_train_plan_backward(const clayer_model *model, const cly_model_training_config *config,
                                            cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    builder b = {.model = model, .config = config, .plan = plan};
    CLY_TRY(open_builder(&b));
    if (!config->inference) {
        CLY_TRY(add_losses(&b));
        for (size_t i = model->node_count; i > 0; i--) {
            if (plan->forward->calls[i - 1].needed && model->nodes[i - 1]->input_count > 0) {
                CLY_TRY(add_node(&b, model->nodes[i - 1]));
            }
        }
        CLY_TRY(list_gradients(&b));
    }
    CLY_TRY(add_penalties(&b));
done:
    close_builder(&b);
    return status;
}
