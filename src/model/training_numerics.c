/* model/training_numerics.c: finds the first value of a pass that holds a NaN or an infinity. Each look is a kernel
 * that leaves a mark in a place of its own; the marks are read once, at the end of the pass. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"
#include "model/training_plan.h"
#include "ops/finite.h"

uint64_t cly_model_numerics_bytes(const cly_model_train_plan *plan) {
    return (uint64_t)plan->checks * CLY_OPS_FINITE_MARKS * sizeof(cl_int);
}

clayer_status cly_model_numerics_begin(cly_model_training *training) {
    clayer_status status = CLAYER_OK;
    if (training->config.check_numerics) {
        training->numerics.count = 0;
        CLY_TRY(cly_device_zero(training->model->context, training->numerics.found, 0, training->numerics.found_bytes));
    }
done:
    return status;
}

clayer_status cly_model_numerics_look(cly_model_training *training, const cly_model_check *check, cl_mem x,
                                      int64_t count) {
    clayer_status status = CLAYER_OK;
    cly_model_numerics *n = &training->numerics;
    void *items = n->checks;
    if (!training->config.check_numerics) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_grow(&items, &n->capacity, n->count, sizeof(*check)));
    n->checks = items;
    n->checks[n->count] = *check;
    CLY_TRY(cly_ops_finite(training->model->context, x, count, n->found, (int64_t)n->count));
    n->count++;
done:
    return status;
}

static clayer_status fail(const cly_model_training *training, const cly_model_check *check, const char *what) {
    const long long step = training->step;
    const clayer_layer *layer = check->node == NULL ? NULL : check->node->layer;
    if (layer == NULL) {
        return cly_base_fail(CLAYER_NOT_FINITE, "step %lld: the gradient of the loss of output '%s' holds %s", step,
                             clayer_model_get_output_name(training->model, check->index), what);
    }
    if (check->node->input_count == 0) {
        return cly_base_fail(CLAYER_NOT_FINITE, "step %lld: input '%s' holds %s", step, layer->name, what);
    }
    if (!check->backward) {
        return cly_base_fail(CLAYER_NOT_FINITE, "step %lld: layer '%s' (%s), forward: its output holds %s", step,
                             cly_model_node_path(check->node), layer->class->name, what);
    }
    if (check->weight != NULL) {
        return cly_base_fail(CLAYER_NOT_FINITE,
                             "step %lld: layer '%s' (%s), backward: the gradient of weight '%s' holds %s", step,
                             cly_model_node_path(check->node), layer->class->name, check->weight->name, what);
    }
    return cly_base_fail(CLAYER_NOT_FINITE, "step %lld: layer '%s' (%s), backward: the gradient of input %zu holds %s",
                         step, cly_model_node_path(check->node), layer->class->name, check->index, what);
}

clayer_status cly_model_numerics_end(cly_model_training *training) {
    clayer_status status = CLAYER_OK;
    const cly_model_numerics *n = &training->numerics;
    cl_int *found = NULL;
    void *memory = NULL;
    if (!training->config.check_numerics || n->count == 0) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(n->count, CLY_OPS_FINITE_MARKS * sizeof(cl_int), &memory));
    found = memory;
    CLY_TRY(cly_device_read(training->model->context, n->found, 0, found,
                            (uint64_t)n->count * CLY_OPS_FINITE_MARKS * sizeof(cl_int)));
    for (size_t i = 0; i < n->count; i++) {
        const cl_int *marks = found + i * CLY_OPS_FINITE_MARKS;
        if (marks[0] != 0 || marks[1] != 0) {
            CLY_TRY(fail(training, &n->checks[i], marks[0] != 0 ? "a NaN" : "an infinity"));
        }
    }
done:
    free(found);
    return status;
}
