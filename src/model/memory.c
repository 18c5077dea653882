/* model/memory.c: what a model keeps between runs: the plans of the last input shapes, and one set of device buffers
 * that all of them use.
 *
 * The buffers are exactly those of the plan that was run, or of an earlier one if each is large enough (the last,
 * smaller batch of a prediction): so the device memory held is what clayer_model_get_plan foretold for the largest. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/plan.h"

#define PLANS 4 /* input shapes remembered: a full batch, the last one of two data sets, and one to spare */

struct cly_model_memory {
    cly_model_run_plan *plans[PLANS];
    uint64_t uses;
    cl_mem *buffers;
    uint64_t *buffer_bytes;
    size_t buffer_count;
    cl_mem temporaries[CLY_OPS_TEMPORARIES];
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    cl_mem workspace;
    uint64_t workspace_bytes;
};

static void release_buffers(clayer_context *context, cly_model_memory *memory) {
    for (size_t i = 0; i < memory->buffer_count; i++) {
        cly_device_buffer_destroy(context, memory->buffers[i]);
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        cly_device_buffer_destroy(context, memory->temporaries[i]);
        memory->temporaries[i] = NULL;
        memory->temporary_bytes[i] = 0;
    }
    cly_device_buffer_destroy(context, memory->workspace);
    free(memory->buffers);
    free(memory->buffer_bytes);
    memory->buffers = NULL;
    memory->buffer_bytes = NULL;
    memory->buffer_count = 0;
    memory->workspace = NULL;
    memory->workspace_bytes = 0;
}

void cly_model_memory_destroy(clayer_model *model) {
    if (model == NULL || model->memory == NULL) {
        return;
    }
    release_buffers(model->context, model->memory);
    for (size_t i = 0; i < PLANS; i++) {
        cly_model_plan_destroy(model->memory->plans[i]);
    }
    free(model->memory);
    model->memory = NULL;
}

static clayer_status get_memory(clayer_model *model, cly_model_memory **memory_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    if (model->memory == NULL) {
        CLY_TRY(cly_base_alloc(1, sizeof(*model->memory), &memory));
        model->memory = memory;
    }
    *memory_out = model->memory;
done:
    return status;
}

/* ---- plans ---- */

static bool same_name(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool plan_fits(const clayer_model *model, const cly_model_run_plan *plan, const clayer_shape *input_shapes) {
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

clayer_status cly_model_find_plan(clayer_model *model, const clayer_shape *input_shapes,
                                  cly_model_run_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_memory *memory = NULL;
    cly_model_run_plan *plan = NULL;
    size_t oldest = 0;
    CLY_TRY(get_memory(model, &memory));
    for (size_t i = 0; i < PLANS && memory->plans[i] != NULL; i++) {
        if (plan_fits(model, memory->plans[i], input_shapes)) {
            plan = memory->plans[i];
        }
        if (memory->plans[i]->last_use < memory->plans[oldest]->last_use) {
            oldest = i;
        }
    }
    if (plan == NULL) {
        CLY_TRY(cly_model_plan_create(model, input_shapes, &plan));
        for (size_t i = 0; i < PLANS; i++) {
            if (memory->plans[i] == NULL) {
                oldest = i;
                break;
            }
        }
        cly_model_plan_destroy(memory->plans[oldest]);
        memory->plans[oldest] = plan;
    }
    plan->last_use = ++memory->uses;
    *plan_out = plan;
done:
    return status;
}

/* ---- buffers ---- */

static bool buffers_suffice(const cly_model_memory *memory, const cly_model_run_plan *plan) {
    if (memory->buffer_count < plan->buffer_count || memory->workspace_bytes < plan->workspace_bytes) {
        return false;
    }
    for (size_t i = 0; i < plan->buffer_count; i++) {
        if (memory->buffer_bytes[i] < plan->buffer_bytes[i]) {
            return false;
        }
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        if (memory->temporary_bytes[i] < plan->temporary_bytes[i]) {
            return false;
        }
    }
    return true;
}

static clayer_status allocate_buffers(clayer_context *context, cly_model_memory *memory,
                                      const cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    void *items = NULL;
    CLY_TRY(cly_base_alloc(plan->buffer_count, sizeof(cl_mem), &items));
    memory->buffers = items;
    CLY_TRY(cly_base_alloc(plan->buffer_count, sizeof(uint64_t), &items));
    memory->buffer_bytes = items;
    for (size_t i = 0; i < plan->buffer_count; i++) {
        CLY_TRY(cly_device_buffer_create(context, plan->buffer_bytes[i], &memory->buffers[i]));
        memory->buffer_bytes[i] = plan->buffer_bytes[i];
        memory->buffer_count = i + 1;
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        if (plan->temporary_bytes[i] > 0) {
            CLY_TRY(cly_device_buffer_create(context, plan->temporary_bytes[i], &memory->temporaries[i]));
            memory->temporary_bytes[i] = plan->temporary_bytes[i];
        }
    }
    if (plan->workspace_bytes > 0) {
        CLY_TRY(cly_device_buffer_create(context, plan->workspace_bytes, &memory->workspace));
        memory->workspace_bytes = plan->workspace_bytes;
    }
done:
    return status;
}

clayer_status cly_model_hold_buffers(clayer_model *model, const cly_model_run_plan *plan,
                                     cly_model_buffers *buffers_out) {
    clayer_status status = CLAYER_OK;
    cly_model_memory *memory = NULL;
    CLY_TRY(get_memory(model, &memory));
    if (!buffers_suffice(memory, plan)) {
        release_buffers(model->context, memory); /* first, so that the peak is one set */
        CLY_TRY(allocate_buffers(model->context, memory, plan));
    }
    buffers_out->buffers = memory->buffers;
    memcpy(buffers_out->temporaries, memory->temporaries, sizeof(memory->temporaries));
    buffers_out->workspace = memory->workspace;
done:
    if (status != CLAYER_OK && memory != NULL) {
        release_buffers(model->context, memory);
    }
    return status;
}

/* ---- the public view of a plan ---- */

static clayer_status own_shapes(const clayer_model *model, int64_t batch_size, clayer_shape *shapes) {
    if (batch_size < 1) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': batch_size is %lld, must be at least 1", model->name,
                             (long long)batch_size);
    }
    for (size_t i = 0; i < model->input_count; i++) {
        shapes[i] = model->inputs[i]->shape;
        if (shapes[i].rank > 0 && shapes[i].dims[0] == -1) {
            shapes[i].dims[0] = batch_size;
        }
    }
    return CLAYER_OK;
}

clayer_status clayer_model_get_plan(clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                    clayer_model_plan *plan_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    void *memory = NULL;
    cly_model_run_plan *plan = NULL;
    clayer_model_plan result = {0};
    if (model == NULL || plan_out == NULL || model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_plan: %s",
                             model == NULL      ? "model is NULL"
                             : plan_out == NULL ? "plan_out is NULL"
                                                : "the model has no input");
    }
    CLY_TRY(cly_base_alloc(model->input_count, sizeof(clayer_shape), &memory));
    shapes = memory;
    if (input_shapes == NULL) {
        CLY_TRY(own_shapes(model, batch_size, shapes));
    } else {
        memcpy(shapes, input_shapes, model->input_count * sizeof(clayer_shape));
    }
    CLY_TRY(cly_model_find_plan(model, shapes, &plan));
    for (size_t i = 0; i < model->layer_count; i++) {
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            const clayer_tensor *tensor = model->layers[i]->weights[j].tensor;
            result.weight_bytes += tensor == NULL ? 0 : (uint64_t)clayer_tensor_get_count(tensor) * sizeof(float);
        }
    }
    for (size_t i = 0; i < plan->buffer_count; i++) {
        result.activation_bytes += plan->buffer_bytes[i];
    }
    result.activation_sum_bytes = plan->unshared_bytes;
    result.workspace_bytes = plan->workspace_bytes;
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        result.workspace_bytes += plan->temporary_bytes[i];
    }
    result.total_bytes = result.weight_bytes + result.activation_bytes + result.workspace_bytes;
    *plan_out = result;
done:
    free(shapes);
    return status;
}
