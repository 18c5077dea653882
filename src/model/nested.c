/* model/nested.c: a model as a layer of another: its shapes, its names, what setting `trainable` does to it.
 *
 * As in Keras' Functional and Sequential a model is a layer: it may be called several times and on other shapes than
 * its own input's where those leave a dimension open; each call infers all shapes anew. It shares its layers with every
 * call. Keras: keras/src/models/functional.py; layer.trainable in keras/src/layers/layer.py. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/model.h"

/* ---- shapes ---- */

size_t cly_model_count_tensors(const clayer_layer *layer) {
    return layer->nested == NULL ? 1 : clayer_model_get_output_count(layer->nested);
}

clayer_status cly_model_fit_input(const clayer_shape *wanted, const clayer_shape *given, const char *model,
                                  const char *input) {
    if (given->rank != wanted->rank) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': input '%s' has %d axes, expected %d", model, input,
                             given->rank, wanted->rank);
    }
    for (int i = 0; i < wanted->rank; i++) {
        if (wanted->dims[i] != -1 && given->dims[i] != -1 && wanted->dims[i] != given->dims[i]) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "model '%s': input '%s': axis %d: expected %lld, got %lld",
                                 model, input, i, (long long)wanted->dims[i], (long long)given->dims[i]);
        }
    }
    return CLAYER_OK;
}

/* The shapes of the call that begins at `node`. */
static clayer_status infer_node(const clayer_node *node, clayer_shape *shapes) {
    clayer_shape given[CLY_LAYERS_MAX_INPUTS];
    for (size_t i = 0; i < node->input_count; i++) {
        given[i] = shapes[node->inputs[i]->index];
    }
    return cly_model_infer_call(node->layer, given, node->input_count, &shapes[node->index]);
}

/* The shapes of all outputs of `model` for these input shapes, unknown dimensions -1. */
static clayer_status infer_model(const clayer_model *model, const clayer_shape *inputs, size_t count,
                                 clayer_shape *outputs) {
    clayer_status status = CLAYER_OK;
    clayer_shape *shapes = NULL;
    void *memory = NULL;
    clayer_node *const *nodes = NULL;
    const size_t output_count = cly_model_outputs(model, &nodes);
    if (count != model->input_count) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' has %zu input%s, got %zu", model->name,
                             model->input_count, model->input_count == 1 ? "" : "s", count);
    }
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(clayer_shape), &memory));
    shapes = memory;
    for (size_t i = 0; i < count; i++) {
        const clayer_node *input = model->inputs[i];
        CLY_TRY(cly_model_fit_input(&input->shape, &inputs[i], model->name, input->layer->name));
        shapes[input->index] = inputs[i];
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->input_count > 0 && model->nodes[i]->tensor == 0) {
            CLY_TRY(infer_node(model->nodes[i], shapes));
        }
    }
    for (size_t i = 0; i < output_count; i++) {
        outputs[i] = shapes[nodes[i]->index];
    }
done:
    free(shapes);
    return status;
}

static clayer_status infer_all(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                               clayer_shape *outputs) {
    char text[CLY_LAYERS_DESCRIPTION];
    const clayer_status status = infer_model(layer->nested, inputs, count, outputs);
    return status == CLAYER_OK ? status : cly_base_prefix(status, "%s", cly_layers_describe(layer, text, sizeof(text)));
}

clayer_status cly_model_infer_call(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *outputs) {
    if (layer->nested == NULL || layer->inner_name != NULL) {
        return clayer_layer_get_output_shape(layer, inputs, count, outputs);
    }
    return infer_all(layer, inputs, count, outputs);
}

/* ---- the classes ---- */

/* The first output's, for whoever asks the layer alone. */
static clayer_status infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape *outputs = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(cly_model_count_tensors(layer), sizeof(clayer_shape), &memory));
    outputs = memory;
    CLY_TRY(infer_all(layer, inputs, count, outputs));
    *output_out = outputs[0];
done:
    free(outputs);
    return status;
}

static clayer_status plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps) {
    (void)inputs, (void)count, (void)output, (void)steps;
    return cly_layers_fail(layer, CLAYER_UNSUPPORTED, "a model does not run as one layer; clayer_model_run runs it");
}

static const cly_layers_param params[] = {{0}};

const cly_layers_class cly_model_functional_layer = {.name = "Functional",
                                                     .auto_name = "functional",
                                                     .config_size = sizeof(cly_layers_common_config),
                                                     .params = params,
                                                     .min_inputs = 1,
                                                     .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                                     .infer = infer,
                                                     .plan = plan};

const cly_layers_class cly_model_sequential_layer = {.name = "Sequential",
                                                     .auto_name = "sequential",
                                                     .config_size = sizeof(cly_layers_common_config),
                                                     .params = params,
                                                     .min_inputs = 1,
                                                     .max_inputs = CLY_LAYERS_MAX_INPUTS,
                                                     .infer = infer,
                                                     .plan = plan};

/* ---- wrapping ---- */

static void destroy_nested(clayer_model *nested) {
    nested->nested--;
    clayer_model_destroy(nested);
}

static void set_trainable(clayer_model *nested, bool trainable) {
    for (size_t i = 0; i < nested->layer_count; i++) {
        clayer_layer_set_trainable(nested->layers[i], trainable);
    }
}

clayer_status cly_model_wrap(clayer_model *nested, const char *name, clayer_layer **layer_out) {
    static const cly_layers_nesting nesting = {.destroy = destroy_nested, .set_trainable = set_trainable};
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    const cly_layers_common_config config = {.struct_size = sizeof(config),
                                             .name = name != NULL || nested->nameless ? name : nested->name};
    if (nested->input_count == 0 || nested->input_count > CLY_LAYERS_MAX_INPUTS) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s' cannot be nested: it has %zu inputs, allowed are 1 "
                             "to %d",
                             nested->name, nested->input_count, CLY_LAYERS_MAX_INPUTS);
    }
    CLY_TRY(cly_layers_create(nested->context,
                              nested->sequential ? &cly_model_sequential_layer : &cly_model_functional_layer, &config,
                              &layer));
    layer->generation = nested->generation;
    layer->nested = cly_model_retain(nested);
    layer->nesting = &nesting;
    nested->nested++;
    *layer_out = layer;
done:
    return status;
}

clayer_status cly_model_distribute(clayer_model *nested, const char *inner_name, const char *name,
                                   clayer_layer **layer_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    const size_t outputs = clayer_model_get_output_count(nested);
    if (nested->input_count != 1 || outputs != 1) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "model '%s' has %zu inputs and %zu outputs; a TimeDistributed takes models with one of "
                             "each",
                             nested->name, nested->input_count, outputs);
    }
    CLY_TRY(cly_model_wrap(nested, inner_name, &layer));
    CLY_TRY(clayer_layer_distribute(layer, name));
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}

clayer_model *clayer_layer_get_nested(const clayer_layer *layer) {
    return layer == NULL ? NULL : layer->nested;
}

/* ---- adding ---- */

static clayer_status check_models(const clayer_model *model, const clayer_model *nested, const char *function) {
    if (model == NULL || nested == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %s is NULL", function, model == NULL ? "model" : "nested");
    }
    if (model == nested) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s' cannot be nested in itself", model->name);
    }
    return cly_model_check_changeable(model);
}

/* The layer that `nested` already is in `model`, or NULL; a distributed one where `name` is not NULL: of that name. */
static clayer_layer *find_wrapped(const clayer_model *model, const clayer_model *nested, const char *name) {
    for (size_t i = 0; nested->nested > 0 && i < model->layer_count; i++) {
        clayer_layer *layer = model->layers[i];
        if (layer->nested == nested &&
            (name == NULL ? layer->inner_name == NULL : layer->inner_name != NULL && strcmp(layer->name, name) == 0)) {
            return layer;
        }
    }
    return NULL;
}

/* Layers of equal names in several models start from weights of their own: by their paths, as far as those are
 * known. */
static clayer_status settle(clayer_layer *layer, uint64_t place) {
    clayer_status status = CLAYER_OK;
    if (layer->nested == NULL) {
        return cly_layers_settle(layer, place);
    }
    place = cly_layers_place(place, layer->name);
    place = layer->inner_name != NULL ? cly_layers_place(place, layer->inner_name) : place;
    for (size_t i = 0; i < layer->nested->layer_count; i++) {
        CLY_TRY(settle(layer->nested->layers[i], place));
    }
done:
    return status;
}

clayer_status clayer_model_add_model(clayer_model *model, clayer_model *nested, clayer_node *const *inputs,
                                     size_t input_count, clayer_node **nodes_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *made = NULL;
    clayer_node *first = NULL;
    CLY_TRY(check_models(model, nested, "clayer_model_add_model"));
    clayer_layer *layer = find_wrapped(model, nested, NULL);
    if (layer == NULL) {
        CLY_TRY(cly_model_wrap(nested, NULL, &made));
        layer = made;
    }
    CLY_TRY(clayer_model_add(model, layer, inputs, input_count, &first));
    if (made != NULL) {
        CLY_TRY(settle(made, 0));
    }
    for (size_t i = 0; nodes_out != NULL && i < cly_model_count_tensors(layer); i++) {
        nodes_out[i] = model->nodes[first->index + i];
    }
done:
    clayer_layer_destroy(made);
    return status;
}

clayer_status clayer_model_add_distributed(clayer_model *model, clayer_model *nested, const char *name,
                                           clayer_node *input, clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *made = NULL;
    CLY_TRY(check_models(model, nested, "clayer_model_add_distributed"));
    clayer_layer *layer = name == NULL ? NULL : find_wrapped(model, nested, name);
    if (layer == NULL) {
        CLY_TRY(cly_model_distribute(nested, NULL, name, &made));
        layer = made;
    }
    CLY_TRY(clayer_model_add(model, layer, input == NULL ? NULL : &input, 1, node_out));
    if (made != NULL) {
        CLY_TRY(settle(made, 0));
    }
done:
    clayer_layer_destroy(made);
    return status;
}
