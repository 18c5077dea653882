/* model/run.c: enqueues a planned model on the caller's tensors. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/plan.h"

/* One run: the plan, the caller's memory, the model's. */
typedef struct run {
    clayer_model *model; /* the flat one */
    const cly_model_run_plan *plan;
    clayer_tensor *const *inputs;
    clayer_tensor *const *outputs;
    const cly_model_pool *memory;
} run;

/* ---- checks ---- */

clayer_status cly_model_check_tensors(const clayer_model *model, clayer_tensor *const *tensors, size_t count,
                                      size_t wanted, const char *what) {
    if (count != wanted || tensors == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has %zu %s%s, got %zu", model->name, wanted, what,
                             wanted == 1 ? "" : "s", tensors == NULL ? 0 : count);
    }
    for (size_t i = 0; i < count; i++) {
        if (tensors[i] == NULL) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s %zu is NULL", model->name, what, i);
        }
        if (cly_device_tensor_context(tensors[i]) != model->context) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s %zu is a tensor of another context",
                                 model->name, what, i);
        }
    }
    return CLAYER_OK;
}

static clayer_status check_output(const run *r, size_t index) {
    clayer_node *const *nodes = NULL;
    cly_model_outputs(r->model, &nodes);
    const char *name = clayer_model_get_output_name(r->model, index);
    const clayer_shape *wanted = &r->plan->calls[nodes[index]->index].output;
    const clayer_shape *got = clayer_tensor_get_shape(r->outputs[index]);
    if (got->rank != wanted->rank) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': output '%s' has %d axes, the tensor %d", r->model->name,
                             name, wanted->rank, got->rank);
    }
    for (int i = 0; i < wanted->rank; i++) {
        if (got->dims[i] != wanted->dims[i]) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': output '%s': axis %d: expected %lld, got %lld",
                                 r->model->name, name, i, (long long)wanted->dims[i], (long long)got->dims[i]);
        }
    }
    return CLAYER_OK;
}

/* Outputs are written while inputs are still read, so they must be memory of their own. */
static clayer_status check_apart(const run *r, size_t output, size_t output_count) {
    cl_mem memory = cly_device_tensor_buffer(r->outputs[output]);
    for (size_t i = 0; i < r->model->input_count; i++) {
        if (cly_device_tensor_buffer(r->inputs[i]) == memory) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': output %zu and input %zu are the same memory",
                                 r->model->name, output, i);
        }
    }
    for (size_t i = output + 1; i < output_count; i++) {
        if (cly_device_tensor_buffer(r->outputs[i]) == memory) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': outputs %zu and %zu are the same memory",
                                 r->model->name, output, i);
        }
    }
    return CLAYER_OK;
}

/* ---- running ---- */

static cl_mem memory_at(const run *r, cly_model_place place) {
    switch (place.kind) {
        case CLY_MODEL_INPUT:
            return cly_device_tensor_buffer(r->inputs[place.index]);
        case CLY_MODEL_OUTPUT:
            return cly_device_tensor_buffer(r->outputs[place.index]);
        case CLY_MODEL_BUFFER:
            break;
    }
    return r->memory->buffers[place.index];
}

/* The memory objects of one call's tensors; those of parts are made for it. */
typedef struct tensors {
    cl_mem objects[CLY_LAYERS_MAX_INPUTS + 1]; /* the sources', the output */
    cl_mem parts[CLY_LAYERS_MAX_INPUTS + 1];   /* those to be given back */
} tensors;

static clayer_status open_tensors(const run *r, const cly_model_call *call, tensors *t) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i <= call->source_count; i++) {
        const bool reads = i < call->source_count;
        const cly_model_place *place = reads ? &r->plan->calls[call->sources[i]].place : &call->place;
        t->objects[i] = memory_at(r, *place);
        if (place->part_bytes > 0) {
            CLY_TRY(cly_device_part_create(t->objects[i], place->part_offset, place->part_bytes, &t->parts[i]));
            t->objects[i] = t->parts[i];
        }
    }
done:
    return status;
}

static void close_tensors(const cly_model_call *call, const tensors *t) {
    for (size_t i = 0; i <= call->source_count; i++) {
        cly_device_part_release(t->parts[i]);
    }
}

static clayer_status run_steps(const run *r, const cly_model_call *call, clayer_layer *layer, const cl_mem *weights) {
    tensors t = {{NULL}, {NULL}};
    clayer_status status = CLAYER_OK;
    if (call->steps.count == 0) { /* its source's memory, handed on */
        return CLAYER_OK;
    }
    CLY_TRY(open_tensors(r, call, &t));
    cly_ops_bindings bindings = {.inputs = t.objects,
                                 .output = t.objects[call->source_count],
                                 .weights = weights,
                                 .folded = call->fold == NULL ? NULL : call->fold->buffers,
                                 .workspace = r->memory->workspace};
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        bindings.temporaries[i] = r->memory->temporaries[i];
    }
    CLY_TRY(cly_ops_steps_run(layer->context, &call->steps, &bindings));
done:
    close_tensors(call, &t);
    return status;
}

static clayer_status run_node(const run *r, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = node->layer;
    const cly_model_call *call = &r->plan->calls[node->index];
    cl_mem weights[CLY_LAYERS_WEIGHTS] = {NULL};
    double device_ms = 0;
    for (size_t i = 0; i < layer->weight_count; i++) {
        weights[i] = cly_device_tensor_buffer(layer->weights[i].tensor);
    }
    cly_device_timer_begin(layer->context);
    status = run_steps(r, call, layer, weights);
    clayer_status timer_status = cly_device_timer_end(layer->context, &device_ms);
    status = status == CLAYER_OK ? timer_status : status;
    if (status != CLAYER_OK) {
        char text[CLY_LAYERS_DESCRIPTION];
        return cly_base_prefix(status, "%s", cly_model_describe_node(node, text, sizeof(text)));
    }
    cly_layers_note_run(layer, &call->steps, device_ms);
    return status;
}

/* Shows the observer what the node gave. */
static clayer_status observe(const run *r, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    const cly_model_call *call = &r->plan->calls[node->index];
    void *values = NULL;
    if (r->model->observer == NULL || node->hidden) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(1, (size_t)call->output_bytes, &values));
    CLY_TRY(cly_device_read(r->model->context, memory_at(r, call->place), 0, values, call->output_bytes));
    r->model->observer(cly_model_node_path(node), node->call, &call->output, values,
                       (int64_t)(call->output_bytes / sizeof(float)), r->model->observer_data);
done:
    free(values);
    return status;
}

static clayer_status run_nodes(const run *r) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < r->model->node_count; i++) {
        if (r->plan->calls[i].needed && r->model->nodes[i]->input_count > 0) {
            CLY_TRY(run_node(r, r->model->nodes[i]));
            CLY_TRY(observe(r, r->model->nodes[i]));
        }
    }
    for (size_t i = 0; i < r->plan->copy_count; i++) {
        const cly_model_copy *copy = &r->plan->copies[i];
        CLY_TRY(cly_device_copy(r->model->context, memory_at(r, copy->source), 0,
                                cly_device_tensor_buffer(r->outputs[copy->output]), 0, copy->bytes));
    }
done:
    return status;
}

clayer_status clayer_model_run(clayer_model *model, clayer_tensor *const *inputs, size_t input_count,
                               clayer_tensor *const *outputs, size_t output_count) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    void *memory = NULL;
    cly_model_run_plan *plan = NULL;
    run r = {.inputs = inputs, .outputs = outputs};
    if (model == NULL || model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_run: %s",
                             model == NULL ? "model is NULL" : "the model has no input");
    }
    CLY_TRY(cly_model_check_tensors(model, inputs, input_count, model->input_count, "input"));
    CLY_TRY(cly_model_check_tensors(model, outputs, output_count, clayer_model_get_output_count(model), "output"));
    CLY_TRY(cly_base_alloc(input_count, sizeof(clayer_shape), &memory));
    shapes = memory;
    for (size_t i = 0; i < input_count; i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
    }
    CLY_TRY(cly_model_flat(model, &r.model));
    CLY_TRY(cly_model_find_plan(r.model, shapes, &plan));
    r.plan = plan;
    for (size_t i = 0; i < output_count; i++) {
        CLY_TRY(check_output(&r, i));
        CLY_TRY(check_apart(&r, i, output_count));
        cly_device_tensor_changed(outputs[i]);
    }
    CLY_TRY(cly_model_hold_buffers(r.model, plan, &r.memory));
    CLY_TRY(run_nodes(&r));
done:
    free(shapes);
    return status;
}

clayer_status clayer_model_observe(clayer_model *model, clayer_observe_callback *callback, void *data) {
    if (model == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_observe: model is NULL");
    }
    if ((callback == NULL) != (model->observer == NULL)) { /* fused plans show less */
        cly_model_memory_destroy(model);
    }
    model->observer = callback;
    model->observer_data = data;
    return CLAYER_OK;
}
