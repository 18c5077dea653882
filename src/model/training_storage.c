/* model/training_storage.c: memory for the values of both passes of training, shared by lifetime as storage.c does for
 * inference. An element-by-element layer writes over the value it reads if neither a later node nor the backward pass
 * reads that. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/training_plan.h"

/* The value in whose memory `value` lies. */
static size_t root_of(const cly_model_train_plan *plan, size_t value) {
    return plan->values[value].over == CLY_MODEL_NO_VALUE ? value : plan->values[value].over;
}

/* The value that `node` may write over, or CLY_MODEL_NO_VALUE. */
static size_t dying_input(const cly_model_train_plan *plan, const clayer_node *node) {
    const cly_model_call *call = &plan->forward->calls[node->index];
    const size_t value = root_of(plan, plan->nodes[node->inputs[0]->index].output);
    const cly_model_value *v = &plan->values[value];
    if (v->kind != CLY_VALUE_MEMORY || v->life.last != node->index || v->life.bytes != call->output_bytes ||
        !cly_model_works_in_place(&call->steps, 0)) {
        return CLY_MODEL_NO_VALUE;
    }
    for (size_t i = 1; i < node->input_count; i++) {
        if (root_of(plan, plan->nodes[node->inputs[i]->index].output) == value) {
            return CLY_MODEL_NO_VALUE;
        }
    }
    return value;
}

static void merge_in_place(const clayer_model *model, cly_model_train_plan *plan) {
    for (size_t i = 0; i < model->node_count; i++) {
        const clayer_node *node = model->nodes[i];
        const cly_model_call *call = &plan->forward->calls[i];
        if (!call->needed || node->input_count == 0 || call->steps.count == 0) {
            continue;
        }
        const size_t over = dying_input(plan, node);
        if (over != CLY_MODEL_NO_VALUE) {
            cly_model_value *own = &plan->values[plan->nodes[i].output];
            own->over = over;
            plan->values[over].life.last = own->life.last;
            plan->forward->unshared_bytes += own->life.bytes;
        }
    }
}

static clayer_status check_buffers(const clayer_model *model, const cly_model_run_plan *plan) {
    const uint64_t limit = cly_device_info(model->context)->max_allocation_bytes;
    for (size_t i = 0; i < plan->buffer_count; i++) {
        if (plan->buffer_bytes[i] > limit) {
            return cly_base_fail(CLAYER_OUT_OF_MEMORY,
                                 "model '%s': training needs a buffer of %llu bytes, the device's largest is %llu",
                                 model->name, (unsigned long long)plan->buffer_bytes[i], (unsigned long long)limit);
        }
    }
    return CLAYER_OK;
}

clayer_status cly_model_train_plan_storage(const clayer_model *model, cly_model_train_plan *plan) {
    clayer_status status = CLAYER_OK;
    cly_model_lifetime **lives = NULL;
    size_t count = 0, backward = plan->output_count;
    void *memory = NULL;
    merge_in_place(model, plan);
    CLY_TRY(cly_base_alloc(plan->value_count, sizeof(*lives), &memory));
    lives = memory;
    for (size_t i = 0; i < plan->value_count; i++) {
        if (plan->values[i].kind == CLY_VALUE_MEMORY && plan->values[i].over == CLY_MODEL_NO_VALUE) {
            lives[count++] = &plan->values[i].life;
        }
    }
    CLY_TRY(cly_model_share_buffers(plan->forward, lives, count));
    CLY_TRY(check_buffers(model, plan->forward));
    for (size_t i = 0; i < plan->action_count; i++) {
        const clayer_node *node = plan->actions[i].kind == CLY_ACTION_LAYER ? plan->actions[i].node : NULL;
        backward += node == NULL ? 0 : node->input_count + node->layer->weight_count;
    }
    plan->checks = backward > plan->node_count ? backward : plan->node_count;
done:
    free(lives);
    return status;
}
