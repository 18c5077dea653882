/* model/costs.c: memory and multiply-adds of each layer, from the steps that a batch is planned as. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/index.h"
#include "model/model.h"
#include "model/plan.h"

static uint64_t count_weights(const clayer_layer *layer) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < layer->weight_count; i++) {
        bytes += (uint64_t)clayer_tensor_get_count(layer->weights[i].tensor) * sizeof(float);
    }
    return bytes;
}

static uint64_t count_multiply_adds(const cly_ops_steps *steps) {
    uint64_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const cly_ops_step *step = &steps->steps[i];
        uint64_t more = step->op->multiply_adds == NULL ? 0 : step->op->multiply_adds(&step->shape);
        count = more > UINT64_MAX - count ? UINT64_MAX : count + more;
    }
    return count;
}

/* Adds up the calls of each layer; `rows` has room for a row a node. */
static clayer_status add_calls(const clayer_model *flat, const cly_model_run_plan *plan, clayer_layer_costs *rows,
                               size_t *count_out) {
    clayer_status status = CLAYER_OK;
    cly_model_table seen = {0};
    size_t count = 0;
    for (size_t i = 0; i < flat->node_count; i++) {
        const clayer_node *node = flat->nodes[i];
        const cly_model_call *call = &plan->calls[i];
        if (!call->needed || node->input_count == 0 || (node->hidden && call->steps.count == 0)) {
            continue;
        }
        CLY_TRY(cly_model_table_reserve(&seen, false));
        const cly_model_slot *slot = cly_model_table_find(&seen, node->layer, false);
        if (slot == NULL) {
            cly_model_table_put(&seen, node->layer, false)->number = count;
            rows[count++] = (clayer_layer_costs){.path = cly_model_node_path(node),
                                                 .layer = node->layer,
                                                 .output = call->output,
                                                 .weight_bytes = count_weights(node->layer)};
        }
        clayer_layer_costs *row = &rows[slot == NULL ? count - 1 : slot->number];
        uint64_t more = count_multiply_adds(&call->steps);
        row->calls++;
        row->output_bytes += call->output_bytes;
        row->multiply_adds = more > UINT64_MAX - row->multiply_adds ? UINT64_MAX : row->multiply_adds + more;
    }
    *count_out = count;
done:
    cly_model_table_free(&seen);
    return status;
}

clayer_status clayer_model_get_costs(clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                     clayer_costs_callback *callback, void *data) {
    clayer_status status = CLAYER_OK;
    clayer_model *flat = NULL;
    clayer_shape *shapes = NULL;
    cly_model_run_plan *plan = NULL;
    clayer_layer_costs *rows = NULL;
    void *memory = NULL;
    size_t count = 0;
    if (model == NULL || callback == NULL || model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_costs: %s",
                             model == NULL      ? "model is NULL"
                             : callback == NULL ? "callback is NULL"
                                                : "the model has no input");
    }
    CLY_TRY(cly_model_flat(model, &flat));
    CLY_TRY(cly_model_plan_shapes(flat, input_shapes, batch_size, &shapes));
    CLY_TRY(cly_model_plan_steps(flat, shapes, false, NULL, false, &plan));
    CLY_TRY(cly_base_alloc(flat->node_count, sizeof(clayer_layer_costs), &memory));
    rows = memory;
    CLY_TRY(add_calls(flat, plan, rows, &count));
    for (size_t i = 0; i < count; i++) {
        callback(&rows[i], data);
    }
done:
    cly_model_plan_destroy(plan);
    free(shapes);
    free(rows);
    return status;
}
