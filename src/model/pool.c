/* model/pool.c: the device memory that plans share: buffers between nodes, temporaries within them, workspace. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/plan.h"

void cly_model_pool_release(clayer_context *context, cly_model_pool *pool) {
    for (size_t i = 0; i < pool->buffer_count; i++) {
        cly_device_buffer_destroy(context, pool->buffers[i]);
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        cly_device_buffer_destroy(context, pool->temporaries[i]);
    }
    cly_device_buffer_destroy(context, pool->workspace);
    free(pool->buffers);
    free(pool->buffer_bytes);
    *pool = (cly_model_pool){0};
}

static bool suffices(const cly_model_pool *pool, const cly_model_run_plan *plan) {
    if (pool->buffer_count < plan->buffer_count || pool->workspace_bytes < plan->workspace_bytes) {
        return false;
    }
    for (size_t i = 0; i < plan->buffer_count; i++) {
        if (pool->buffer_bytes[i] < plan->buffer_bytes[i]) {
            return false;
        }
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        if (pool->temporary_bytes[i] < plan->temporary_bytes[i]) {
            return false;
        }
    }
    return true;
}

static clayer_status allocate(clayer_context *context, cly_model_pool *pool, const cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    void *items = NULL;
    CLY_TRY(cly_base_alloc(plan->buffer_count, sizeof(cl_mem), &items));
    pool->buffers = items;
    CLY_TRY(cly_base_alloc(plan->buffer_count, sizeof(uint64_t), &items));
    pool->buffer_bytes = items;
    for (size_t i = 0; i < plan->buffer_count; i++) {
        CLY_TRY(cly_device_buffer_create(context, plan->buffer_bytes[i], &pool->buffers[i]));
        pool->buffer_bytes[i] = plan->buffer_bytes[i];
        pool->buffer_count = i + 1;
    }
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        if (plan->temporary_bytes[i] > 0) {
            CLY_TRY(cly_device_buffer_create(context, plan->temporary_bytes[i], &pool->temporaries[i]));
            pool->temporary_bytes[i] = plan->temporary_bytes[i];
        }
    }
    if (plan->workspace_bytes > 0) {
        CLY_TRY(cly_device_buffer_create(context, plan->workspace_bytes, &pool->workspace));
        pool->workspace_bytes = plan->workspace_bytes;
    }
done:
    return status;
}

clayer_status cly_model_pool_hold(clayer_context *context, cly_model_pool *pool, const cly_model_run_plan *plan) {
    clayer_status status = CLAYER_OK;
    if (!suffices(pool, plan)) {
        cly_model_pool_release(context, pool); /* first, so that the peak is one set */
        status = allocate(context, pool, plan);
        if (status != CLAYER_OK) {
            cly_model_pool_release(context, pool);
        }
    }
    return status;
}
