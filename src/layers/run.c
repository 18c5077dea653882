/* layers/run.c: a layer on its own gets its weights and runs on the application's tensors: plan once for the shapes,
 * choose implementations at every run (they may have been forced anew), keep memory between runs. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"

/* ---- weights ---- */

/* FNV-1a over "layer/weight": without a seed in the initializer a layer of one name starts alike in every run. */
static uint64_t seed_of(const clayer_layer *layer, const char *weight) {
    const char *const words[] = {clayer_layer_get_name(layer), "/", weight};
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < CLY_COUNT(words); i++) {
        for (const char *c = words[i]; *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        }
    }
    return hash;
}

/* A built layer is shown inputs again: they must lead to the weights that it has. */
static clayer_status compare_weight(clayer_layer *layer, const char *name, const clayer_shape *shape) {
    char now[CLY_LAYERS_SHAPE_TEXT], then[CLY_LAYERS_SHAPE_TEXT];
    const clayer_shape *built = clayer_tensor_get_shape(layer->weights[layer->declared].tensor);
    layer->declared++;
    if (cly_layers_same_shape(built, shape)) {
        return CLAYER_OK;
    }
    return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "was built with weight '%s' of shape %s, this input needs %s",
                           name, cly_layers_shape_text(built, then, sizeof(then)),
                           cly_layers_shape_text(shape, now, sizeof(now)));
}

clayer_status cly_layers_add_weight(clayer_layer *layer, const char *name, const clayer_shape *shape, bool trainable,
                                    const char *initializer, const char *regularizer, const char *constraint) {
    clayer_status status = CLAYER_OK;
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (layer->built) {
        return compare_weight(layer, name, shape);
    }
    if (cly_layers_product(shape, 0, shape->rank) < 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "weight '%s' of shape %s: the size %s", name,
                               cly_layers_shape_text(shape, text, sizeof(text)),
                               cly_layers_product(shape, 0, shape->rank) == -1 ? "is unknown" : "overflows");
    }
    cly_weights_weight weight = {.name = name, .trainable = trainable};
    CLY_TRY(cly_base_spec_parse(&cly_weights_initializers, initializer, &weight.initializer));
    CLY_TRY(cly_base_spec_parse(&cly_weights_regularizers, regularizer, &weight.regularizer));
    CLY_TRY(cly_base_spec_parse(&cly_weights_constraints, constraint, &weight.constraint));
    CLY_TRY(cly_weights_create(&weight, layer->context, shape, seed_of(layer, name)));
    layer->weights[layer->weight_count++] = weight;
done:
    return status == CLAYER_OK ? status : cly_layers_fail(layer, status, "weight '%s': %s", name, clayer_last_error());
}

clayer_status clayer_layer_build(clayer_layer *layer, const clayer_shape *inputs, size_t input_count) {
    clayer_status status = CLAYER_OK;
    clayer_shape output;
    if (layer == NULL || inputs == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_build: %s is NULL",
                             layer == NULL ? "layer" : "inputs");
    }
    CLY_TRY(clayer_layer_get_output_shape(layer, inputs, input_count, &output));
    layer->declared = 0;
    if (layer->class->declare != NULL) {
        status = layer->class->declare(layer, inputs, input_count);
    }
    if (status == CLAYER_OK && !layer->built) {
        layer->built = true;
        layer->built_for = inputs[0];
    }
done:
    if (status != CLAYER_OK && layer != NULL && !layer->built) {
        while (layer->weight_count > 0) {
            cly_weights_free(&layer->weights[--layer->weight_count]);
        }
    }
    return status;
}

/* ---- running ---- */

static clayer_status check_tensors(const clayer_layer *layer, clayer_tensor *const *inputs, size_t count,
                                   const clayer_tensor *output) {
    if (count == 0 || count > CLY_LAYERS_MAX_INPUTS) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%zu inputs; allowed are 1 to %d", count,
                               CLY_LAYERS_MAX_INPUTS);
    }
    for (size_t i = 0; i < count; i++) {
        if (inputs[i] == NULL) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "input %zu is NULL", i);
        }
        if (cly_device_tensor_context(inputs[i]) != layer->context) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "input %zu is a tensor of another context", i);
        }
        if (cly_device_tensor_buffer(inputs[i]) == cly_device_tensor_buffer(output)) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "the output shares its memory with input %zu", i);
        }
    }
    if (cly_device_tensor_context(output) != layer->context) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "the output is a tensor of another context");
    }
    return CLAYER_OK;
}

static bool is_planned(const clayer_layer *layer, const clayer_shape *inputs, size_t count) {
    bool same = layer->planned_count == count;
    for (size_t i = 0; same && i < count; i++) {
        same = cly_layers_same_shape(&layer->planned_inputs[i], &inputs[i]);
    }
    return same;
}

static clayer_status plan(clayer_layer *layer, const clayer_shape *inputs, size_t count, const clayer_shape *output) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    layer->planned_count = 0;
    cly_ops_steps_free(&layer->steps);
    free(layer->planned_inputs);
    layer->planned_inputs = NULL;
    for (size_t i = 0; i < CLY_COUNT(layer->temporaries); i++) {
        cly_device_buffer_destroy(layer->context, layer->temporaries[i]);
        layer->temporaries[i] = NULL;
    }
    CLY_TRY(cly_base_alloc(count, sizeof(*inputs), &memory));
    layer->planned_inputs = memory;
    memcpy(layer->planned_inputs, inputs, count * sizeof(*inputs));
    CLY_TRY(layer->class->plan(layer, inputs, count, output, &layer->steps));
    layer->planned_count = count;
done:
    return status;
}

/* Chooses implementations and makes the memory they need; a smaller workspace than the last stays as it is. */
static clayer_status choose(clayer_layer *layer) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_ops_steps_choose(layer->context, &layer->steps));
    for (size_t i = 0; i < CLY_COUNT(layer->temporaries); i++) {
        if (layer->steps.temporary_bytes[i] > 0 && layer->temporaries[i] == NULL) {
            CLY_TRY(cly_device_buffer_create(layer->context, layer->steps.temporary_bytes[i], &layer->temporaries[i]));
        }
    }
    if (layer->steps.workspace_bytes > layer->workspace_bytes) {
        cly_device_buffer_destroy(layer->context, layer->workspace);
        layer->workspace = NULL;
        layer->workspace_bytes = 0;
        CLY_TRY(cly_device_buffer_create(layer->context, layer->steps.workspace_bytes, &layer->workspace));
        layer->workspace_bytes = layer->steps.workspace_bytes;
    }
done:
    return status;
}

/* Products that a convolution forms; other operators only pass over their data. */
static double step_weight(const cly_ops_step *step) {
    const cly_ops_conv_shape *c = &step->shape.conv;
    if (step->op != &cly_ops_conv_operator && step->op != &cly_ops_conv_transpose_operator &&
        step->op != &cly_ops_depthwise_operator) {
        return 0;
    }
    double weight = (double)c->batch * (double)c->out_channels * (double)c->in_channels / (double)c->groups;
    for (int i = 0; i < 3; i++) {
        weight *= (double)c->out[i] * (double)c->kernel[i];
    }
    return weight;
}

void cly_layers_note_run(clayer_layer *layer, const cly_ops_steps *steps, double device_ms) {
    const cly_ops_step *heaviest = steps->count == 0 ? NULL : &steps->steps[0];
    for (size_t i = 1; i < steps->count; i++) {
        heaviest = step_weight(&steps->steps[i]) > step_weight(heaviest) ? &steps->steps[i] : heaviest;
    }
    layer->profile = (clayer_layer_profile){.operator_name = heaviest == NULL ? "" : heaviest->op->name,
                                            .implementation = heaviest == NULL ? "" : heaviest->implementation->name,
                                            .workspace_bytes = steps->workspace_bytes,
                                            .device_ms = device_ms};
}

static clayer_status run(clayer_layer *layer, clayer_tensor *const *inputs, size_t count, clayer_tensor *output) {
    cl_mem buffers[CLY_LAYERS_MAX_INPUTS], weights[CLY_LAYERS_WEIGHTS];
    for (size_t i = 0; i < count; i++) {
        buffers[i] = cly_device_tensor_buffer(inputs[i]);
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        weights[i] = cly_device_tensor_buffer(layer->weights[i].tensor);
    }
    if (layer->steps.count == 0) {
        uint64_t bytes = (uint64_t)clayer_tensor_get_count(output) * sizeof(float);
        return cly_device_copy(layer->context, buffers[0], 0, cly_device_tensor_buffer(output), 0, bytes);
    }
    cly_ops_bindings bindings = {.inputs = buffers,
                                 .output = cly_device_tensor_buffer(output),
                                 .weights = weights,
                                 .workspace = layer->workspace};
    memcpy(bindings.temporaries, layer->temporaries, sizeof(bindings.temporaries));
    return cly_ops_steps_run(layer->context, &layer->steps, &bindings);
}

static clayer_status run_timed(clayer_layer *layer, clayer_tensor *const *inputs, size_t count, clayer_tensor *output) {
    double device_ms = -1.0;
    cly_device_timer_begin(layer->context);
    clayer_status status = run(layer, inputs, count, output);
    clayer_status timed = cly_device_timer_end(layer->context, &device_ms);
    status = status == CLAYER_OK ? timed : status;
    if (status == CLAYER_OK) {
        cly_layers_note_run(layer, &layer->steps, device_ms);
    }
    return status;
}

clayer_status clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                   clayer_tensor *output) {
    clayer_status status = CLAYER_OK;
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS], expected;
    char wanted[CLY_LAYERS_SHAPE_TEXT], given[CLY_LAYERS_SHAPE_TEXT];
    if (layer == NULL || inputs == NULL || output == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_layer_forward: %s is NULL",
                             layer == NULL    ? "layer"
                             : inputs == NULL ? "inputs"
                                              : "output");
    }
    CLY_TRY(check_tensors(layer, inputs, input_count, output));
    for (size_t i = 0; i < input_count; i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
    }
    CLY_TRY(clayer_layer_get_output_shape(layer, shapes, input_count, &expected));
    if (!cly_layers_same_shape(&expected, clayer_tensor_get_shape(output))) {
        status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "the output tensor has shape %s, must have %s",
                                 cly_layers_shape_text(clayer_tensor_get_shape(output), given, sizeof(given)),
                                 cly_layers_shape_text(&expected, wanted, sizeof(wanted)));
        goto done;
    }
    CLY_TRY(clayer_layer_build(layer, shapes, input_count));
    if (!is_planned(layer, shapes, input_count)) {
        CLY_TRY(plan(layer, shapes, input_count, &expected));
    }
    CLY_TRY(choose(layer));
    CLY_TRY(run_timed(layer, inputs, input_count, output));
done:
    return status;
}

/* ---- steps that layers share ---- */

clayer_status cly_layers_plan_nothing(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps) {
    (void)layer, (void)inputs, (void)count, (void)output, (void)steps;
    return CLAYER_OK;
}

cly_ops_activation cly_layers_fused_activation(const clayer_layer *layer) {
    const cly_ops_activation linear = {.id = CLY_LINEAR};
    return cly_ops_activation_is_elementwise(&layer->activation) ? layer->activation : linear;
}

clayer_status cly_layers_plan_activation(const clayer_layer *layer, const clayer_shape *output, cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    if (cly_ops_activation_is_elementwise(&layer->activation)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_softmax_operator, &step));
    step->shape.softmax = (cly_ops_softmax_shape){.outer = cly_layers_product(output, 0, output->rank - 1),
                                                  .axis = output->dims[output->rank - 1],
                                                  .inner = 1,
                                                  .id = layer->activation.id};
    step->operands[0] = CLY_PLACE(CLY_OUTPUT, 0);
    step->operands[1] = CLY_PLACE(CLY_OUTPUT, 0);
done:
    return status;
}
