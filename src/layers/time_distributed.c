/* layers/time_distributed.c: a layer that is applied to every step of axis 1, as Keras' TimeDistributed applies
 * another.
 *
 * Follows keras/src/layers/rnn/time_distributed.py and that of tf_keras: the steps go into the batch, (N, T, ...) ->
 * (N T, ...), which memory does not notice, so that the layer's own functions do all the work. What Keras does to each
 * step for itself, they are told by steps->times. Of a model the flat one (src/model/flat.c) does this once, by two
 * layers around those of the model. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"
#include "layers/mask.h"

const char *cly_layers_auto_name(const clayer_layer *layer) {
    return layer->inner_name != NULL ? "time_distributed" : layer->class->auto_name;
}

static bool takes_mask(const cly_layers_class *class) {
    return class->masks == CLY_MASKS_USE || class->masks == CLY_MASKS_USE_AND_PASS;
}

clayer_status clayer_layer_distribute(clayer_layer *layer, const char *name) {
    clayer_status status = CLAYER_OK;
    char *outer = NULL, *inner = NULL;
    if (layer == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_distribute: layer is NULL");
    }
    if (layer->inner_name != NULL || layer->built || layer->references > 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "it is %s",
                               layer->inner_name != NULL ? "distributed already" : "in use already");
    }
    if (layer->origin != NULL || layer->class == &cly_layers_masking || layer->class == &cly_layers_input_layer ||
        (layer->nested == NULL && layer->class->max_inputs > (takes_mask(layer->class) ? 2 : 1))) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "it cannot be applied to every step of a TimeDistributed");
    }
    CLY_TRY(cly_base_copy_string(clayer_layer_get_name(layer), &inner));
    if (name != NULL && name[0] != '\0') {
        CLY_TRY(cly_base_copy_string(name, &outer));
    }
    free(layer->name);
    layer->name = outer;
    layer->inner_name = inner;
    inner = outer = NULL;
done:
    free(inner);
    free(outer);
    return status;
}

/* ---- shapes ---- */

clayer_status cly_layers_fold_steps(const clayer_layer *layer, const clayer_shape *shape, clayer_shape *folded_out) {
    clayer_shape folded = {.rank = shape->rank - 1, .dims = {cly_layers_product(shape, 0, 2)}};
    memcpy(folded.dims + 1, shape->dims + 2, (size_t)(shape->rank - 2) * sizeof(*shape->dims));
    if (folded.dims[0] > INT32_MAX) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%lld steps of %lld samples are more than %d in all",
                               (long long)shape->dims[1], (long long)shape->dims[0], INT32_MAX);
    }
    *folded_out = folded;
    return CLAYER_OK;
}

/* What a layer made of that as (N, T, ...) again, N and T those of `input`. */
static clayer_status unfold_steps(const clayer_layer *layer, const clayer_shape *folded, const clayer_shape *input,
                                  clayer_shape *output_out) {
    clayer_shape output = {.rank = folded->rank + 1, .dims = {input->dims[0], input->dims[1]}};
    if (folded->rank == CLAYER_MAX_RANK) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the output has more than %d axes", CLAYER_MAX_RANK);
    }
    memcpy(output.dims + 2, folded->dims + 1, (size_t)(folded->rank - 1) * sizeof(*folded->dims));
    *output_out = output;
    return CLAYER_OK;
}

/* The shape that the layer itself sees; as it is where the layer is not distributed. */
static clayer_status fold(const clayer_layer *layer, const clayer_shape *shape, clayer_shape *folded_out) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (layer->inner_name == NULL) {
        *folded_out = *shape;
        return CLAYER_OK;
    }
    return shape->rank >= 3
               ? cly_layers_fold_steps(layer, shape, folded_out)
               : cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input %s has %d axes, expects at least 3: (N, T, ...)",
                                 cly_layers_shape_text(shape, text, sizeof(text)), shape->rank);
}

/* The mask, which Keras hands to a model, and to a layer if that takes one: inputs[1] says of the steps of inputs[0],
 * or of more of it, what counts. */
static clayer_status check_mask(const clayer_layer *layer, const clayer_shape *inputs) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    bool fits = inputs[1].rank >= 2;
    for (int i = 0; fits && i < 2; i++) {
        const int64_t m = inputs[1].dims[i], n = inputs[0].dims[i];
        fits = m == n || m == -1 || n == -1;
    }
    return fits ? CLAYER_OK
                : cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "a mask of shape %s does not begin with its steps",
                                  cly_layers_shape_text(&inputs[1], text, sizeof(text)));
}

/* ---- the functions of a layer ---- */

clayer_status cly_layers_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count, bool training,
                               clayer_shape *output_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape input, output = {0};
    clayer_status (*const infer)(const clayer_layer *, const clayer_shape *, size_t, clayer_shape *) =
        training && layer->class->infer_training != NULL ? layer->class->infer_training : layer->class->infer;
    if (layer->inner_name == NULL) {
        return infer(layer, inputs, count, output_out);
    }
    if (count > 1 && takes_mask(layer->class)) {
        return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a mask for its layer '%s'", layer->inner_name);
    }
    CLY_TRY(fold(layer, inputs, &input));
    CLY_TRY(count == 2 ? check_mask(layer, inputs) : CLAYER_OK);
    CLY_TRY(infer(layer, &input, 1, &output));
    CLY_TRY(unfold_steps(layer, &output, inputs, output_out));
done:
    return status;
}

clayer_status cly_layers_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    clayer_status status = CLAYER_OK;
    clayer_shape input;
    CLY_TRY(fold(layer, inputs, &input));
    if (layer->class->declare != NULL) {
        status = layer->class->declare(layer, layer->inner_name == NULL ? inputs : &input, count);
    }
    if (status == CLAYER_OK && !layer->built) {
        layer->built = true;
        layer->built_for = input;
    }
done:
    return status;
}

/* Keras 3 calls the layer for each step, Keras 2 once. */
static int64_t count_calls(const clayer_layer *layer, const clayer_shape *input, int64_t times) {
    return layer->generation == 3 ? (times > 0 ? times : 1) * input->dims[1] : times;
}

clayer_status cly_layers_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                              const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    clayer_shape input, inner_output;
    const int64_t times = steps->times;
    if (layer->inner_name == NULL) {
        return layer->class->plan(layer, inputs, count, output, steps);
    }
    CLY_TRY(fold(layer, inputs, &input));
    CLY_TRY(fold(layer, output, &inner_output));
    steps->times = count_calls(layer, inputs, times);
    CLY_TRY(layer->class->plan(layer, &input, 1, &inner_output, steps));
done:
    steps->times = times;
    return status;
}

clayer_status cly_layers_plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, const bool *wanted, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    clayer_shape input, inner_output;
    const int64_t times = steps->times;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any = any || wanted[i];
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        any = any || cly_layers_is_trained(layer, (int)i);
    }
    if (!any || layer->class->plan_backward == NULL) {
        return CLAYER_OK;
    }
    if (layer->inner_name == NULL) {
        return layer->class->plan_backward(layer, inputs, count, output, wanted, steps);
    }
    CLY_TRY(fold(layer, inputs, &input));
    CLY_TRY(fold(layer, output, &inner_output));
    steps->times = count_calls(layer, inputs, times);
    CLY_TRY(layer->class->plan_backward(layer, &input, 1, &inner_output, wanted, steps));
    CLY_TRY(count > 1 && wanted[1] ? cly_layers_plan_no_gradient(&inputs[1], 1, steps) : CLAYER_OK);
done:
    steps->times = times;
    return status;
}

/* ---- around the layers of a model ---- */

static const cly_layers_param params[] = {{0}};

static clayer_status infer_fold(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                clayer_shape *output_out) {
    (void)count;
    return cly_layers_fold_steps(layer, inputs, output_out);
}

static clayer_status infer_unfold(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                  clayer_shape *output_out) {
    (void)count;
    return unfold_steps(layer, &inputs[0], &inputs[1], output_out);
}

const cly_layers_class cly_layers_fold = {.name = "Fold",
                                          .auto_name = "fold",
                                          .config_size = sizeof(cly_layers_common_config),
                                          .params = params,
                                          .infer = infer_fold,
                                          .plan = cly_layers_plan_nothing};

const cly_layers_class cly_layers_unfold = {.name = "TimeDistributed",
                                            .auto_name = "time_distributed",
                                            .config_size = sizeof(cly_layers_common_config),
                                            .params = params,
                                            .min_inputs = 2,
                                            .max_inputs = 2,
                                            .infer = infer_unfold,
                                            .plan = cly_layers_plan_nothing};
