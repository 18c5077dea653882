/* model/training_run.c: enqueues the two passes of training, and the penalties between them. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/training_plan.h"

/* ---- memory ---- */

cl_mem cly_model_train_memory(const cly_model_training *training, size_t value) {
    if (value == CLY_MODEL_NO_VALUE) {
        return NULL;
    }
    const cly_model_value *v = &training->current->values[value];
    switch (v->kind) {
        case CLY_VALUE_INPUT:
            return training->inputs[v->input];
        case CLY_VALUE_GRADIENT:
            return cly_device_tensor_buffer(v->weight->gradient);
        case CLY_VALUE_MEMORY:
            break;
    }
    v = v->over == CLY_MODEL_NO_VALUE ? v : &training->current->values[v->over];
    return training->pool.buffers[v->life.buffer];
}

static int64_t floats_of(const cly_model_training *training, size_t value) {
    return (int64_t)(training->current->values[value].life.bytes / sizeof(float));
}

/* Runs `steps` of a node; `bindings` has what only one of the passes has. */
static clayer_status run_steps(const cly_model_training *training, const clayer_node *node, const cly_ops_steps *steps,
                               cly_ops_bindings *bindings) {
    const cly_model_train_node *own = &training->current->nodes[node->index];
    clayer_layer *layer = node->layer;
    cl_mem inputs[CLY_LAYERS_MAX_INPUTS], weights[CLY_LAYERS_WEIGHTS] = {NULL};
    char text[CLY_LAYERS_DESCRIPTION];
    for (size_t i = 0; i < node->input_count; i++) {
        inputs[i] = cly_model_train_memory(training, training->current->nodes[node->inputs[i]->index].output);
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        weights[i] = cly_device_tensor_buffer(layer->weights[i].tensor);
        if (steps->training) {
            cly_device_tensor_changed(layer->weights[i].tensor); /* moving statistics */
        }
    }
    bindings->inputs = inputs;
    bindings->output = cly_model_train_memory(training, own->output);
    bindings->weights = weights;
    bindings->workspace = training->pool.workspace;
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        bindings->temporaries[i] = training->pool.temporaries[i];
    }
    for (int i = 0; i < CLY_OPS_SAVED; i++) {
        bindings->saved[i] = cly_model_train_memory(training, own->saved[i]);
    }
    clayer_status status = cly_ops_steps_run(layer->context, steps, bindings);
    return status == CLAYER_OK ? status
                               : cly_base_prefix(status, "%s", cly_model_describe_node(node, text, sizeof(text)));
}

/* ---- forward ---- */

static clayer_status run_node(cly_model_training *training, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = node->layer;
    const cly_ops_steps *steps = &training->current->forward->calls[node->index].steps;
    const cly_model_check check = {.node = node};
    const size_t output = training->current->nodes[node->index].output;
    cly_ops_bindings bindings = {.inputs = NULL};
    double device_ms = 0;
    if (!training->config.inference) {
        training->current->mask_steps[node->index] = ++layer->training_step; /* each call drops by a mask of its own */
    }
    if (steps->count > 0) {
        cly_device_timer_begin(layer->context);
        status = run_steps(training, node, steps, &bindings);
        clayer_status timed = cly_device_timer_end(layer->context, &device_ms);
        CLY_TRY(status == CLAYER_OK ? timed : status);
        cly_layers_note_run(layer, steps, device_ms);
        CLY_TRY(cly_model_numerics_look(training, &check, cly_model_train_memory(training, output),
                                        floats_of(training, output)));
    }
done:
    return status;
}

/* Plans for the shapes of these tensors and keeps what the passes need of them. */
static clayer_status begin(cly_model_training *training, clayer_tensor *const *inputs, int64_t step) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    void *memory = NULL;
    cly_model_train_plan *plan = NULL;
    const size_t count = training->model->input_count;
    training->current = NULL;
    training->step = step;
    CLY_TRY(cly_model_check_tensors(training->model, inputs, count, count, "input"));
    CLY_TRY(cly_base_alloc(count, sizeof(clayer_shape), &memory));
    shapes = memory;
    free(training->inputs);
    training->inputs = NULL;
    CLY_TRY(cly_base_alloc(count, sizeof(cl_mem), &memory));
    training->inputs = memory;
    for (size_t i = 0; i < count; i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
        training->inputs[i] = cly_device_tensor_buffer(inputs[i]);
    }
    CLY_TRY(cly_model_find_train_plan(training, shapes, &plan));
    CLY_TRY(cly_model_hold_training(training, plan));
    training->current = plan;
done:
    free(shapes);
    return status;
}

clayer_status cly_model_training_forward(cly_model_training *training, clayer_tensor *const *inputs, int64_t step) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(begin(training, inputs, step));
    const clayer_model *model = training->flat;
    CLY_TRY(cly_model_numerics_begin(training));
    for (size_t i = 0; i < model->input_count; i++) {
        const size_t value = training->current->nodes[model->inputs[i]->index].output;
        const cly_model_check check = {.node = model->inputs[i]};
        CLY_TRY(cly_model_numerics_look(training, &check, cly_model_train_memory(training, value),
                                        floats_of(training, value)));
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (training->current->forward->calls[i].needed && model->nodes[i]->input_count > 0) {
            CLY_TRY(run_node(training, model->nodes[i]));
        }
    }
    CLY_TRY(cly_model_numerics_end(training));
done:
    if (status != CLAYER_OK) {
        training->current = NULL;
    }
    return status;
}

/* ---- between the passes ---- */

static clayer_status expect_forward(const cly_model_training *training, const char *what) {
    return training->current != NULL
               ? CLAYER_OK
               : cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s without a forward pass of training before it",
                               training->model->name, what);
}

clayer_status cly_model_training_get_output(cly_model_training *training, size_t index,
                                            cly_model_training_output *output_out) {
    clayer_status status = CLAYER_OK;
    clayer_node *const *nodes = NULL;
    CLY_TRY(expect_forward(training, "an output is asked for"));
    if (index >= cly_model_outputs(training->flat, &nodes)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has no output %zu", training->model->name, index);
    }
    const cly_model_train_output *output = &training->current->outputs[index];
    *output_out = (cly_model_training_output){.shape = training->current->forward->calls[nodes[index]->index].output,
                                              .y = cly_model_train_memory(training, output->y),
                                              .logits = cly_model_train_memory(training, output->logits),
                                              .gradient = cly_model_train_memory(training, output->gradient),
                                              .mask = cly_model_train_memory(training, output->mask)};
    if (nodes[index]->mask != NULL) {
        output_out->mask_shape = training->current->forward->calls[nodes[index]->mask->index].output;
    }
done:
    return status;
}

clayer_status cly_model_training_add_penalties(cly_model_training *training, cl_mem value, int64_t offset) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = training->model->context;
    CLY_TRY(expect_forward(training, "penalties are asked for"));
    const cly_model_train_plan *plan = training->current;
    for (size_t i = 0; i < plan->activity_count; i++) {
        const cly_model_activity *a = &plan->activities[i];
        CLY_TRY(cly_weights_penalty(context, &a->regularizer, &plan->forward->calls[a->node->index].output,
                                    cly_model_train_memory(training, plan->nodes[a->node->index].output), a->share,
                                    value, offset, NULL, training->pool.workspace));
    }
    for (size_t i = 0; i < plan->penalty_count; i++) {
        const cly_weights_weight *w = &plan->penalties[i].layer->weights[plan->penalties[i].weight];
        if (plan->penalties[i].counts) {
            CLY_TRY(cly_weights_penalty(context, &w->regularizer, clayer_tensor_get_shape(w->tensor),
                                        cly_device_tensor_buffer(w->tensor), 1.0f, value, offset, NULL,
                                        training->pool.workspace));
        }
    }
done:
    return status;
}

/* ---- backward ---- */

static clayer_status look_at_results(cly_model_training *training, const cly_model_action *action) {
    clayer_status status = CLAYER_OK;
    const clayer_node *node = action->node;
    for (size_t i = 0; i < node->layer->weight_count; i++) {
        const size_t value = action->weight_gradients[i];
        const cly_model_check check = {.node = node, .backward = true, .weight = &node->layer->weights[i]};
        if (value != CLY_MODEL_NO_VALUE) {
            CLY_TRY(cly_model_numerics_look(training, &check, cly_model_train_memory(training, value),
                                            floats_of(training, value)));
        }
    }
    for (size_t i = 0; i < node->input_count; i++) {
        const size_t value = action->input_gradients[i];
        const cly_model_check check = {.node = node, .backward = true, .index = i};
        if (value != CLY_MODEL_NO_VALUE) {
            CLY_TRY(cly_model_numerics_look(training, &check, cly_model_train_memory(training, value),
                                            floats_of(training, value)));
        }
    }
done:
    return status;
}

static clayer_status run_layer(cly_model_training *training, const cly_model_action *action) {
    clayer_status status = CLAYER_OK;
    const clayer_node *node = action->node;
    const uint64_t step = node->layer->training_step;
    cl_mem inputs[CLY_LAYERS_MAX_INPUTS] = {NULL}, weights[CLY_LAYERS_WEIGHTS];
    cly_ops_bindings bindings = {.output_gradient = cly_model_train_memory(training, action->source),
                                 .input_gradients = inputs,
                                 .weight_gradients = weights};
    for (size_t i = 0; i < node->input_count && action->kind == CLY_ACTION_LAYER; i++) {
        inputs[i] = cly_model_train_memory(training, action->input_gradients[i]);
    }
    if (action->kind == CLY_ACTION_LOGITS) {
        inputs[0] = cly_model_train_memory(training, action->target);
    }
    for (size_t i = 0; i < CLY_LAYERS_WEIGHTS; i++) {
        weights[i] = cly_model_train_memory(training, action->weight_gradients[i]);
    }
    node->layer->training_step = training->current->mask_steps[node->index];
    status = run_steps(training, node, &action->steps, &bindings);
    node->layer->training_step = step;
    if (status == CLAYER_OK && action->kind == CLY_ACTION_LAYER) {
        status = look_at_results(training, action);
    }
    return status;
}

static clayer_status run_action(cly_model_training *training, const cly_model_action *action, float scale) {
    clayer_context *context = training->model->context;
    const cly_model_train_plan *plan = training->current;
    const cl_mem source = cly_model_train_memory(training, action->source);
    const cl_mem target = cly_model_train_memory(training, action->target);
    switch (action->kind) {
        case CLY_ACTION_ADD:
            return cly_ops_steps_run(context, &action->steps, &(cly_ops_bindings){.inputs = &source, .output = target});
        case CLY_ACTION_ZERO:
            return cly_device_zero(context, target, 0, plan->values[action->target].life.bytes);
        case CLY_ACTION_PENALTY: {
            const cly_model_activity *a = &plan->activities[action->activity];
            return cly_weights_penalty(context, &a->regularizer, &plan->forward->calls[a->node->index].output,
                                       cly_model_train_memory(training, plan->nodes[a->node->index].output),
                                       scale * a->share, NULL, 0, target, training->pool.workspace);
        }
        case CLY_ACTION_LAYER:
        case CLY_ACTION_LOGITS:
            break;
    }
    return run_layer(training, action);
}

/* The gradients of the weights' own regularizers, into those of the weights. */
static clayer_status add_penalties(const cly_model_training *training, float scale) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = training->model->context;
    for (size_t i = 0; i < training->current->penalty_count; i++) {
        const cly_model_penalty *p = &training->current->penalties[i];
        const cly_weights_weight *w = &p->layer->weights[p->weight];
        if (!p->acts) {
            continue;
        }
        const cl_mem gradient = cly_device_tensor_buffer(w->gradient);
        if (p->is_first) {
            CLY_TRY(
                cly_device_zero(context, gradient, 0, (uint64_t)clayer_tensor_get_count(w->gradient) * sizeof(float)));
        }
        CLY_TRY(cly_weights_penalty(context, &w->regularizer, clayer_tensor_get_shape(w->tensor),
                                    cly_device_tensor_buffer(w->tensor), scale, NULL, 0, gradient,
                                    training->pool.workspace));
    }
done:
    return status;
}

clayer_status cly_model_training_backward(cly_model_training *training, float scale) {
    clayer_status status = CLAYER_OK;
    if (training->config.inference) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': a backward pass in evaluation",
                             training->model->name);
    }
    CLY_TRY(expect_forward(training, "a backward pass"));
    CLY_TRY(cly_model_numerics_begin(training));
    for (size_t i = 0; i < training->output_count; i++) {
        const size_t value = training->current->outputs[i].gradient;
        const cly_model_check check = {.backward = true, .index = i};
        if (value != CLY_MODEL_NO_VALUE) {
            CLY_TRY(cly_model_numerics_look(training, &check, cly_model_train_memory(training, value),
                                            floats_of(training, value)));
        }
    }
    for (size_t i = 0; i < training->current->action_count; i++) {
        CLY_TRY(run_action(training, &training->current->actions[i], scale));
    }
    CLY_TRY(add_penalties(training, scale));
    CLY_TRY(cly_model_numerics_end(training));
done:
    training->current = NULL; /* its outputs were written over */
    return status;
}
