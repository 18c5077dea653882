/* layers/softmax.c: Softmax over one axis or several, of what a mask leaves. Keras:
 * keras/src/layers/activations/softmax.py. */
#include "base/memory.h"
#include "layers/axes.h"
#include "layers/mask.h"

typedef clayer_softmax_config config;

static const cly_layers_param params[] = {
    CLY_PARAM_AXES_OF(config),
    {0},
};

static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    bool listed[CLAYER_MAX_RANK];
    if (count == 2) {
        const clayer_status status = cly_layers_expect_mask(layer, inputs, &inputs[1], false);
        if (status != CLAYER_OK) {
            return status;
        }
    }
    *output_out = *inputs;
    return cly_layers_expect_axes(layer, &((const config *)layer->config)->axes, inputs, listed);
}

/* From the logits or, backward, the output in `x`; axes that lie apart are turned to the end and back, in place in the
 * temporary `spare` or, backward, 1. */
static clayer_status plan_either(const clayer_layer *layer, const clayer_shape *shape, cly_ops_place x, int spare,
                                 bool backward, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    cly_layers_axes_view view;
    cly_ops_place dy = CLY_PLACE(CLY_OUTPUT_GRADIENT, 0);
    const cly_ops_place target = backward ? CLY_PLACE(CLY_INPUT_GRADIENT, 0) : CLY_PLACE(CLY_OUTPUT, 0);
    CLY_TRY(cly_layers_view_axes(layer, &((const config *)layer->config)->axes, shape, &view));
    CLY_TRY(cly_layers_turn_in(&view, &x, spare, steps));
    if (backward) {
        CLY_TRY(cly_layers_turn_in(&view, &dy, 1, steps));
    }
    CLY_TRY(cly_ops_steps_add(steps, backward ? &cly_ops_softmax_gradient_operator : &cly_ops_softmax_operator, &step));
    step->shape.softmax =
        (cly_ops_softmax_shape){.outer = view.outer, .axis = view.axis, .inner = view.inner, .id = CLY_SOFTMAX};
    const cly_ops_place result = view.moved ? (backward ? dy : x) : target; /* in place where it was turned */
    step->operands[0] = x;
    step->operands[1] = backward ? dy : result;
    step->operands[2] = backward ? result : CLY_PLACE(CLY_NOWHERE, 0);
    CLY_TRY(cly_layers_turn_out(&view, backward ? 1 : spare, target, steps));
done:
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)output;
    clayer_status status = CLAYER_OK;
    cly_ops_place logits = CLY_PLACE(CLY_INPUT, 0);
    if (count == 2) {
        CLY_TRY(cly_layers_plan_masked_softmax(layer, inputs, steps, &logits)); /* in temporary 0, 1 is done with */
    }
    CLY_TRY(plan_either(layer, inputs, logits, count == 2 ? 1 : 0, false, steps));
    if (count == 2) {
        CLY_TRY(cly_layers_plan_masked_result(layer, inputs, steps));
    }
done:
    return status;
}

static clayer_status plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    (void)output;
    clayer_status status = CLAYER_OK;
    if (wanted[0]) {
        CLY_TRY(plan_either(layer, inputs, CLY_PLACE(CLY_OUTPUT, 0), 0, true, steps));
    }
    if (count == 2 && wanted[1]) {
        CLY_TRY(cly_layers_plan_no_gradient(&inputs[1], 1, steps));
    }
done:
    return status;
}

const cly_layers_class cly_layers_softmax = {.name = "Softmax",
                                             .auto_name = "softmax",
                                             .config_size = sizeof(config),
                                             .params = params,
                                             .infer = infer,
                                             .plan = plan,
                                             .plan_backward = plan_backward,
                                             .masks = CLY_MASKS_USE_AND_PASS,
                                             .min_inputs = 1,
                                             .max_inputs = 2};
