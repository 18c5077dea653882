/* ops/step.c: the list of steps of one layer at one shape: built, planned, run. */
#include "ops/step.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

clayer_status cly_ops_steps_add(cly_ops_steps *steps, const cly_ops_operator *op, cly_ops_step **step_out) {
    clayer_status status = CLAYER_OK;
    void *items = steps->steps;
    CLY_TRY(cly_base_grow(&items, &steps->capacity, steps->count, sizeof(cly_ops_step)));
    steps->steps = items;
    cly_ops_step *step = &steps->steps[steps->count++];
    memset(step, 0, sizeof(*step));
    step->op = op;
    *step_out = step;
done:
    return status;
}

void cly_ops_steps_free(cly_ops_steps *steps) {
    free(steps->steps);
    *steps = (cly_ops_steps){0};
}

clayer_status cly_ops_steps_choose(clayer_context *context, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    steps->workspace_bytes = 0;
    CLY_TRY(cly_ops_steps_change_layout(context, steps));
    for (size_t i = 0; i < steps->count; i++) {
        cly_ops_step *step = &steps->steps[i];
        CLY_TRY(cly_ops_choose(context, step->op, &step->shape, &step->implementation));
        step->workspace_bytes = step->implementation->workspace_bytes == NULL
                                    ? 0
                                    : step->implementation->workspace_bytes(context, &step->shape);
        if (step->workspace_bytes > steps->workspace_bytes) {
            steps->workspace_bytes = step->workspace_bytes;
        }
    }
done:
    return status;
}

static cl_mem buffer_at(const cly_ops_place *place, const cly_ops_bindings *bindings) {
    switch (place->kind) {
        case CLY_INPUT:
            return bindings->inputs[place->index];
        case CLY_OUTPUT:
            return bindings->output;
        case CLY_WEIGHT:
            return bindings->weights[place->index];
        case CLY_TEMPORARY:
            return bindings->temporaries[place->index];
        case CLY_SAVED:
            return bindings->saved[place->index];
        case CLY_FOLDED:
            return bindings->folded[place->index];
        case CLY_OUTPUT_GRADIENT:
            return bindings->output_gradient;
        case CLY_INPUT_GRADIENT:
            return bindings->input_gradients[place->index];
        case CLY_WEIGHT_GRADIENT:
            return bindings->weight_gradients[place->index];
        case CLY_CONSTANT: /* the step's own */
        case CLY_NOWHERE:
            break;
    }
    return NULL;
}

clayer_status cly_ops_steps_run(clayer_context *context, const cly_ops_steps *steps, const cly_ops_bindings *bindings) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < steps->count; i++) {
        const cly_ops_step *step = &steps->steps[i];
        cl_mem operands[CLY_OPS_OPERANDS];
        for (size_t j = 0; j < CLY_OPS_OPERANDS; j++) {
            const cly_ops_place *place = &step->operands[j];
            operands[j] = place->kind == CLY_CONSTANT ? step->constants[place->index] : buffer_at(place, bindings);
        }
        CLY_TRY(step->implementation->run(context, &step->shape, operands, bindings->workspace));
    }
done:
    return status;
}
