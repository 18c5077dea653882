/* layers/run.c: a layer on its own gets its weights and runs on the application's tensors: plan once for the shapes,
 * choose implementations at every run (they may have been forced anew), keep memory between runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"

/* ---- weights ---- */

/* FNV-1a over "first" and "second", after what led to `hash`; 0: nothing. */
static uint64_t hash_words(uint64_t hash, const char *first, const char *second) {
    const char *const words[] = {first, second};
    hash = hash == 0 ? 0xcbf29ce484222325u : hash;
    for (size_t i = 0; i < CLY_COUNT(words); i++) {
        for (const char *c = words[i]; *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        }
    }
    return hash;
}

uint64_t cly_layers_place(uint64_t place, const char *name) {
    return hash_words(place, name, "/");
}

uint64_t cly_layers_seed(const clayer_layer *layer, const char *word) {
    return hash_words(cly_layers_place(layer->place, clayer_layer_get_name(layer)), word, "");
}

clayer_status cly_layers_settle(clayer_layer *layer, uint64_t place) {
    clayer_status status = CLAYER_OK;
    if (layer->place == place) {
        return CLAYER_OK;
    }
    layer->place = place;
    layer->planned_count = 0; /* of Dropout the steps are others */
    for (size_t i = 0; i < layer->weight_count; i++) {
        CLY_TRY(cly_weights_redraw(&layer->weights[i], cly_layers_seed(layer, layer->weights[i].name)));
    }
done:
    return status;
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
    CLY_TRY(cly_weights_create(&weight, layer->context, shape, cly_layers_seed(layer, name)));
    layer->weights[layer->weight_count++] = weight;
done:
    return status == CLAYER_OK ? status : cly_layers_fail(layer, status, "weight '%s': %s", name, clayer_last_error());
}

clayer_status cly_layers_hold_constant(clayer_layer *layer, int index, const double *values, size_t count,
                                       size_t total) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    cl_mem buffer = NULL;
    if (layer->constants[index] != NULL && layer->constant_counts[index] == total) {
        return CLAYER_OK;
    }
    if (layer->constants[index] != NULL) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "was built for %zu numbers, this input needs %zu",
                               layer->constant_counts[index], total);
    }
    CLY_TRY(cly_base_alloc(total, sizeof(float), &memory));
    float *floats = memory;
    for (size_t i = 0; i < total; i++) {
        floats[i] = (float)values[i % count];
    }
    CLY_TRY(cly_device_buffer_create(layer->context, total * sizeof(float), &buffer));
    CLY_TRY(cly_device_write(layer->context, buffer, 0, floats, total * sizeof(float)));
    layer->constants[index] = buffer;
    layer->constant_counts[index] = total;
    buffer = NULL;
done:
    cly_device_buffer_destroy(layer->context, buffer);
    free(memory);
    return status;
}

void cly_layers_use_constant(const clayer_layer *layer, int index, cly_ops_step *step, int operand) {
    step->constants[index] = layer->constants[index];
    step->operands[operand] = CLY_PLACE(CLY_CONSTANT, index);
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
    status = cly_layers_declare(layer, inputs, input_count);
done:
    if (status != CLAYER_OK && layer != NULL && !layer->built) {
        while (layer->weight_count > 0) {
            cly_weights_free(&layer->weights[--layer->weight_count]);
        }
    }
    return status;
}

/* ---- tensors of the caller ---- */

clayer_status cly_layers_check_tensor(const clayer_layer *layer, const clayer_tensor *tensor, const char *what,
                                      const clayer_tensor *apart, const char *apart_what) {
    if (tensor == NULL) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%s is NULL", what);
    }
    if (cly_device_tensor_context(tensor) != layer->context) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%s is a tensor of another context", what);
    }
    if (apart != NULL && cly_device_tensor_buffer(tensor) == cly_device_tensor_buffer(apart)) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%s shares its memory with %s", apart_what, what);
    }
    return CLAYER_OK;
}

clayer_status cly_layers_expect_shape(const clayer_layer *layer, const clayer_tensor *tensor, const char *what,
                                      const clayer_shape *shape) {
    char wanted[CLY_LAYERS_SHAPE_TEXT], given[CLY_LAYERS_SHAPE_TEXT];
    if (cly_layers_same_shape(shape, clayer_tensor_get_shape(tensor))) {
        return CLAYER_OK;
    }
    return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s has shape %s, must have %s", what,
                           cly_layers_shape_text(clayer_tensor_get_shape(tensor), given, sizeof(given)),
                           cly_layers_shape_text(shape, wanted, sizeof(wanted)));
}

static clayer_status check_tensors(const clayer_layer *layer, clayer_tensor *const *inputs, size_t count,
                                   const clayer_tensor *output) {
    clayer_status status = CLAYER_OK;
    char what[32];
    if (count == 0 || count > CLY_LAYERS_MAX_INPUTS) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT, "%zu inputs; allowed are 1 to %d", count,
                               CLY_LAYERS_MAX_INPUTS);
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(what, sizeof(what), "input %zu", i);
        CLY_TRY(cly_layers_check_tensor(layer, inputs[i], what, output, "the output"));
    }
    CLY_TRY(cly_layers_check_tensor(layer, output, "the output", NULL, NULL));
done:
    return status;
}

/* ---- plans and memory ---- */

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
    free(layer->ran_inputs);
    layer->planned_inputs = NULL;
    layer->ran_inputs = NULL;
    CLY_TRY(cly_base_alloc(count, sizeof(*inputs), &memory));
    layer->planned_inputs = memory;
    memcpy(layer->planned_inputs, inputs, count * sizeof(*inputs));
    CLY_TRY(cly_base_alloc(count, sizeof(cl_mem), &memory));
    layer->ran_inputs = memory;
    layer->steps.training = layer->training;
    layer->steps.keeps = layer->keeps;
    CLY_TRY(cly_layers_plan(layer, inputs, count, output, &layer->steps));
    layer->planned_count = count;
done:
    return status;
}

/* A smaller buffer than the last stays as it is. */
static clayer_status hold_buffer(clayer_layer *layer, uint64_t bytes, cl_mem *buffer, uint64_t *held_bytes) {
    clayer_status status = CLAYER_OK;
    if (bytes > *held_bytes) {
        cly_device_buffer_destroy(layer->context, *buffer);
        *buffer = NULL;
        *held_bytes = 0;
        CLY_TRY(cly_device_buffer_create(layer->context, bytes, buffer));
        *held_bytes = bytes;
    }
done:
    return status;
}

static clayer_status hold(clayer_layer *layer, const cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        CLY_TRY(hold_buffer(layer, steps->temporary_bytes[i], &layer->temporaries[i], &layer->temporary_bytes[i]));
    }
    for (size_t i = 0; i < CLY_OPS_SAVED; i++) {
        CLY_TRY(hold_buffer(layer, steps->saved_bytes[i], &layer->saved[i], &layer->saved_bytes[i]));
    }
    CLY_TRY(hold_buffer(layer, steps->workspace_bytes, &layer->workspace, &layer->workspace_bytes));
done:
    return status;
}

/* ---- running ---- */

/* Products that a convolution or one of its gradients forms; other operators only pass over their data. */
static double step_weight(const cly_ops_step *step) {
    static const cly_ops_operator *const convolutions[] = {
        &cly_ops_conv_operator,         &cly_ops_conv_transpose_operator,      &cly_ops_depthwise_operator,
        &cly_ops_conv_weights_operator, &cly_ops_depthwise_transpose_operator, &cly_ops_depthwise_weights_operator};
    const cly_ops_conv_shape *c = &step->shape.conv;
    bool is_convolution = false;
    for (size_t i = 0; i < CLY_COUNT(convolutions); i++) {
        is_convolution = is_convolution || step->op == convolutions[i];
    }
    if (!is_convolution) {
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

clayer_status cly_layers_run_steps(clayer_layer *layer, cly_ops_steps *steps, cly_ops_bindings *bindings) {
    clayer_status status = CLAYER_OK;
    cl_mem weights[CLY_LAYERS_WEIGHTS];
    double device_ms = -1.0;
    CLY_TRY(cly_ops_steps_choose(layer->context, steps));
    CLY_TRY(hold(layer, steps));
    for (size_t i = 0; i < layer->weight_count; i++) {
        weights[i] = cly_device_tensor_buffer(layer->weights[i].tensor);
        if (steps->training) {
            cly_device_tensor_changed(layer->weights[i].tensor); /* moving statistics */
        }
    }
    bindings->weights = weights;
    bindings->workspace = layer->workspace;
    memcpy(bindings->temporaries, layer->temporaries, sizeof(bindings->temporaries));
    memcpy(bindings->saved, layer->saved, sizeof(bindings->saved));
    cly_device_timer_begin(layer->context);
    status = cly_ops_steps_run(layer->context, steps, bindings);
    clayer_status timed = cly_device_timer_end(layer->context, &device_ms);
    status = status == CLAYER_OK ? timed : status;
    if (status == CLAYER_OK) {
        cly_layers_note_run(layer, steps, device_ms);
    }
done:
    return status;
}

clayer_status cly_layers_run_copy(clayer_layer *layer, const clayer_tensor *source, clayer_tensor *target) {
    double device_ms = -1.0;
    const uint64_t bytes = (uint64_t)clayer_tensor_get_count(target) * sizeof(float);
    cly_device_timer_begin(layer->context);
    clayer_status status = cly_device_copy(layer->context, cly_device_tensor_buffer(source), 0,
                                           cly_device_tensor_buffer(target), 0, bytes);
    clayer_status timed = cly_device_timer_end(layer->context, &device_ms);
    status = status == CLAYER_OK ? timed : status;
    if (status == CLAYER_OK) {
        cly_layers_note_run(layer, &(cly_ops_steps){0}, device_ms);
    }
    return status;
}

static clayer_status run(clayer_layer *layer, clayer_tensor *const *inputs, size_t count, clayer_tensor *output) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count; i++) {
        layer->ran_inputs[i] = cly_device_tensor_buffer(inputs[i]);
    }
    layer->training_step += layer->training;
    if (layer->steps.count == 0) {
        CLY_TRY(cly_layers_run_copy(layer, inputs[0], output));
    } else {
        cly_ops_bindings bindings = {.inputs = layer->ran_inputs, .output = cly_device_tensor_buffer(output)};
        CLY_TRY(cly_layers_run_steps(layer, &layer->steps, &bindings));
    }
    if (cly_layers_keeps(&layer->steps)) {
        layer->ran_output = cly_device_tensor_buffer(output);
    }
done:
    return status;
}

clayer_status clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                   clayer_tensor *output) {
    clayer_status status = CLAYER_OK;
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS], expected;
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
    CLY_TRY(cly_layers_expect_shape(layer, output, "the output tensor", &expected));
    CLY_TRY(clayer_layer_build(layer, shapes, input_count));
    cly_device_tensor_changed(output);
    layer->ran_output = NULL;
    if (!is_planned(layer, shapes, input_count)) {
        CLY_TRY(plan(layer, shapes, input_count, &expected));
    }
    CLY_TRY(run(layer, inputs, input_count, output));
done:
    return status;
}
