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
    cly_model_pool pool;
    cly_model_fold *folds;
};

void cly_model_memory_destroy(clayer_model *model) {
    if (model != NULL && model->flat != NULL && *model->flat != model) {
        cly_model_memory_destroy(*model->flat);
    }
    if (model == NULL || model->memory == NULL) {
        return;
    }
    cly_model_pool_release(model->context, &model->memory->pool);
    for (size_t i = 0; i < PLANS; i++) {
        cly_model_plan_destroy(model->memory->plans[i]);
    }
    cly_model_folds_destroy(model->context, model->memory->folds);
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

clayer_status clayer_model_set_fusion(clayer_model *model, unsigned set) {
    if (model == NULL || (set & ~(unsigned)CLAYER_FUSE_ALL) != 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_fusion: %s",
                             model == NULL ? "model is NULL" : "unknown fusions");
    }
    if (model->not_fused != (~set & (unsigned)CLAYER_FUSE_ALL)) {
        cly_model_memory_destroy(model);
        model->not_fused = ~set & (unsigned)CLAYER_FUSE_ALL;
    }
    return CLAYER_OK;
}

clayer_status cly_model_find_plan(clayer_model *model, const clayer_shape *input_shapes,
                                  cly_model_run_plan **plan_out) {
    clayer_status status = CLAYER_OK;
    cly_model_memory *memory = NULL;
    cly_model_run_plan *plan = NULL;
    size_t oldest = 0;
    CLY_TRY(get_memory(model, &memory));
    for (size_t i = 0; i < PLANS && memory->plans[i] != NULL; i++) {
        if (cly_model_plan_fits(model, memory->plans[i], input_shapes)) {
            plan = memory->plans[i];
        }
        if (memory->plans[i]->last_use < memory->plans[oldest]->last_use) {
            oldest = i;
        }
    }
    if (plan == NULL) {
        CLY_TRY(cly_model_plan_create(model, input_shapes, &memory->folds, &plan));
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

clayer_status cly_model_hold_buffers(clayer_model *model, const cly_model_run_plan *plan,
                                     const cly_model_pool **pool_out) {
    clayer_status status = CLAYER_OK;
    cly_model_memory *memory = NULL;
    CLY_TRY(get_memory(model, &memory));
    CLY_TRY(cly_model_pool_hold(model->context, &memory->pool, plan));
    for (size_t i = 0; i < plan->call_count; i++) {
        if (plan->calls[i].fold != NULL) {
            CLY_TRY(cly_model_fold_update(model->context, plan->calls[i].fold));
        }
    }
    *pool_out = &memory->pool;
done:
    return status;
}

/* ---- the public view of a plan ---- */

uint64_t cly_model_weight_bytes(const clayer_model *model) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->layer_count; i++) {
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            const clayer_tensor *tensor = model->layers[i]->weights[j].tensor;
            bytes += tensor == NULL ? 0 : (uint64_t)clayer_tensor_get_count(tensor) * sizeof(float);
        }
        for (int j = 0; j < CLY_OPS_CONSTANTS; j++) {
            bytes += (uint64_t)model->layers[i]->constant_counts[j] * sizeof(float);
        }
    }
    return bytes;
}

uint64_t cly_model_plan_buffer_bytes(const cly_model_run_plan *plan) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->buffer_count; i++) {
        bytes += plan->buffer_bytes[i];
    }
    return bytes;
}

uint64_t cly_model_plan_scratch_bytes(const cly_model_run_plan *plan) {
    uint64_t bytes = plan->workspace_bytes;
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        bytes += plan->temporary_bytes[i];
    }
    return bytes;
}

clayer_status cly_model_plan_shapes(const clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                    clayer_shape **shapes_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    if (input_shapes == NULL && batch_size < 1) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': batch_size is %lld, must be at least 1", model->name,
                             (long long)batch_size);
    }
    CLY_TRY(cly_base_alloc(model->input_count, sizeof(clayer_shape), &memory));
    clayer_shape *shapes = memory;
    for (size_t i = 0; i < model->input_count; i++) {
        shapes[i] = input_shapes != NULL ? input_shapes[i] : model->inputs[i]->shape;
        if (input_shapes == NULL && shapes[i].rank > 0 && shapes[i].dims[0] == -1) {
            shapes[i].dims[0] = batch_size;
        }
    }
    *shapes_out = shapes;
done:
    return status;
}

clayer_status clayer_model_get_plan(clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                    clayer_model_plan *plan_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    cly_model_run_plan *plan = NULL;
    clayer_model *flat = NULL;
    clayer_model_plan result = {0};
    if (model == NULL || plan_out == NULL || model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_plan: %s",
                             model == NULL      ? "model is NULL"
                             : plan_out == NULL ? "plan_out is NULL"
                                                : "the model has no input");
    }
    CLY_TRY(cly_model_flat(model, &flat));
    CLY_TRY(cly_model_plan_shapes(flat, input_shapes, batch_size, &shapes));
    CLY_TRY(cly_model_find_plan(flat, shapes, &plan));
    result.weight_bytes = cly_model_weight_bytes(flat);
    result.activation_bytes = cly_model_plan_buffer_bytes(plan);
    result.activation_sum_bytes = plan->unshared_bytes;
    result.workspace_bytes = cly_model_plan_scratch_bytes(plan);
    result.folded_bytes = plan->folded_bytes;
    result.total_bytes = result.weight_bytes + result.activation_bytes + result.workspace_bytes + result.folded_bytes;
    result.fused_batch_normalizations = plan->fused[CLY_MODEL_BATCH_NORMALIZATION];
    result.fused_activations = plan->fused[CLY_MODEL_ACTIVATION];
    result.fused_paddings = plan->fused[CLY_MODEL_PADDING];
    result.fused_croppings = plan->fused[CLY_MODEL_CROPPING];
    result.fused_inputs = plan->fused[CLY_MODEL_CONCATENATE];
    *plan_out = result;
done:
    free(shapes);
    return status;
}
