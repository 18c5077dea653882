/* model/graph.c: nodes and layers of a model: adding, names, outputs, getters.
 *
 * A node can only be joined to nodes that exist, so model->nodes is a topological order by construction. As in Keras a
 * layer may be called several times (its weights exist once), names are unique within a model, and a model that was
 * written as a plain chain is Sequential: in C that is one where no input node was ever named. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device.h"

/* ---- the model ---- */

clayer_status clayer_model_create(clayer_context *context, const char *name, clayer_model **model_out) {
    clayer_status status = CLAYER_OK;
    clayer_model *model = NULL;
    void *memory = NULL;
    if (context == NULL || model_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_create: %s is NULL",
                             context == NULL ? "context" : "model_out");
    }
    CLY_TRY(cly_base_alloc(1, sizeof(*model), &memory));
    model = memory;
    model->context = cly_device_retain(context);
    model->sequential = true;
    model->generation = 3;
    CLY_TRY(cly_base_copy_string(name == NULL ? "model" : name, &model->name));
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    return status;
}

void clayer_model_destroy(clayer_model *model) {
    if (model == NULL) {
        return;
    }
    if (model->compiled != NULL) {
        model->compiled_destroy(model->compiled);
    }
    cly_model_memory_destroy(model);
    for (size_t i = 0; i < model->node_count; i++) {
        free(model->nodes[i]->inputs);
        free(model->nodes[i]);
    }
    for (size_t i = 0; i < model->layer_count; i++) {
        clayer_layer_destroy(model->layers[i]);
    }
    free(model->nodes);
    free(model->inputs);
    free(model->outputs);
    free(model->layers);
    free(model->name);
    free(model->inputs_form);
    free(model->outputs_form);
    cly_device_release(model->context);
    free(model);
}

/* ---- names ---- */

/* True if `name` is `prefix` or `prefix`_N; *number_out is N, 0 for the bare prefix. */
static bool numbered_name(const char *name, const char *prefix, size_t *number_out) {
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0) {
        return false;
    }
    if (name[length] == '\0') {
        *number_out = 0;
        return true;
    }
    char *end = NULL;
    if (name[length] != '_' || name[length + 1] < '1' || name[length + 1] > '9') {
        return false;
    }
    *number_out = (size_t)strtoul(name + length + 1, &end, 10);
    return *end == '\0';
}

/* Keras' automatic name: the class in snake case for the first, then with _1, _2...; names that were given are
 * stepped over. */
static clayer_status automatic_name(const clayer_model *model, const char *prefix, char **name_out) {
    clayer_status status = CLAYER_OK;
    cly_base_text text = {0};
    void *memory = NULL;
    bool *used = NULL;
    size_t number = 0;
    CLY_TRY(cly_base_alloc(model->layer_count + 1, sizeof(bool), &memory));
    used = memory;
    for (size_t i = 0; i < model->layer_count; i++) {
        if (numbered_name(model->layers[i]->name, prefix, &number) && number <= model->layer_count) {
            used[number] = true;
        }
    }
    for (number = 0; used[number]; number++) {
    }
    if (number == 0) {
        CLY_TRY(cly_base_text_add(&text, "%s", prefix));
    } else {
        CLY_TRY(cly_base_text_add(&text, "%s_%zu", prefix, number));
    }
    *name_out = text.chars;
    text.chars = NULL;
done:
    cly_base_text_free(&text);
    free(used);
    return status;
}

/* Names a layer that is new in the model. *name_out is set if the name was made here. */
static clayer_status settle_name(const clayer_model *model, clayer_layer *layer, char **name_out) {
    if (layer->name == NULL) {
        return automatic_name(model, layer->class->auto_name, name_out);
    }
    if (clayer_model_find_layer(model, layer->name) != NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s': %s '%s' has the name of another layer (%s); names must be unique in a model",
                             model->name, layer->class->name, layer->name,
                             clayer_model_find_layer(model, layer->name)->class->name);
    }
    return CLAYER_OK;
}

/* ---- adding ---- */

static bool has_layer(const clayer_model *model, const clayer_layer *layer) {
    for (size_t i = model->layer_count; i > 0; i--) {
        if (model->layers[i - 1] == layer) {
            return true;
        }
    }
    return false;
}

static size_t count_calls(const clayer_model *model, const clayer_layer *layer) {
    size_t calls = 0;
    for (size_t i = 0; i < model->node_count; i++) {
        calls += model->nodes[i]->layer == layer;
    }
    return calls;
}

/* Plans are those of the graph before. */
static void graph_changed(clayer_model *model) {
    cly_model_memory_destroy(model);
    model->version++;
}

/* Makes room first, so that nothing can fail once the lists change. */
static clayer_status reserve(clayer_model *model) {
    clayer_status status = CLAYER_OK;
    void *items = model->nodes;
    CLY_TRY(cly_base_grow(&items, &model->node_capacity, model->node_count, sizeof(*model->nodes)));
    model->nodes = items;
    items = model->layers;
    CLY_TRY(cly_base_grow(&items, &model->layer_capacity, model->layer_count, sizeof(*model->layers)));
    model->layers = items;
    items = model->inputs;
    CLY_TRY(cly_base_grow(&items, &model->input_capacity, model->input_count, sizeof(*model->inputs)));
    model->inputs = items;
done:
    return status;
}

/* Appends a node; takes over `inputs`. `is_new`: the layer is not in the model yet. */
static clayer_status append(clayer_model *model, clayer_layer *layer, bool is_new, clayer_node **inputs,
                            size_t input_count, const clayer_shape *shape, clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    CLY_TRY(reserve(model));
    CLY_TRY(cly_base_alloc(1, sizeof(clayer_node), &memory));
    clayer_node *node = memory;
    *node = (clayer_node){.model = model,
                          .layer = layer,
                          .inputs = inputs,
                          .input_count = input_count,
                          .shape = *shape,
                          .index = model->node_count,
                          .call = is_new ? 0 : count_calls(model, layer)};
    model->nodes[model->node_count++] = node;
    if (is_new) {
        model->layers[model->layer_count++] = cly_layers_retain(layer);
    }
    if (input_count == 0) {
        model->inputs[model->input_count++] = node;
        free(model->inputs_form);
        model->inputs_form = NULL;
        model->sequential = model->sequential && model->input_count == 1 && model->node_count == 1;
    }
    graph_changed(model);
    if (node_out != NULL) {
        *node_out = node;
    }
done:
    return status;
}

/* The input nodes as a list of our own: those given, or the node added last. */
static clayer_status copy_inputs(const clayer_model *model, const clayer_layer *layer, clayer_node *const *inputs,
                                 size_t count, clayer_node ***copy_out) {
    char text[CLY_LAYERS_DESCRIPTION];
    cly_layers_describe(layer, text, sizeof(text));
    if (inputs == NULL && model->node_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s comes first; add an input before it", model->name,
                             text);
    }
    if (count == 0 || count > CLY_LAYERS_MAX_INPUTS) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s is given %zu inputs, takes 1 to %d", model->name,
                             text, count, CLY_LAYERS_MAX_INPUTS);
    }
    for (size_t i = 0; inputs != NULL && i < count; i++) {
        if (inputs[i] == NULL) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': input %zu of %s is NULL", model->name, i, text);
        }
        if (inputs[i]->model != model) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': input %zu of %s is a node of model '%s'",
                                 model->name, i, text, inputs[i]->model->name);
        }
    }
    void *memory = NULL;
    clayer_status status = cly_base_alloc(count, sizeof(clayer_node *), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    clayer_node **copy = memory;
    for (size_t i = 0; i < count; i++) {
        copy[i] = inputs != NULL ? inputs[i] : model->nodes[model->node_count - 1];
    }
    *copy_out = copy;
    return CLAYER_OK;
}

static clayer_status check_layer(const clayer_model *model, const clayer_layer *layer) {
    if (model == NULL || layer == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_add: %s is NULL",
                             model == NULL ? "model" : "layer");
    }
    if (layer->context != model->context) {
        char text[CLY_LAYERS_DESCRIPTION];
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': %s was created on another context", model->name,
                             cly_layers_describe(layer, text, sizeof(text)));
    }
    if (layer->class == &cly_layers_input_layer) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': an InputLayer is added by clayer_add_input",
                             model->name);
    }
    return CLAYER_OK;
}

clayer_status clayer_model_add(clayer_model *model, clayer_layer *layer, clayer_node *const *inputs, size_t input_count,
                               clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_node **own_inputs = NULL;
    char *made_name = NULL;
    bool is_new = false;
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS], output = {0};
    CLY_TRY(check_layer(model, layer));
    is_new = !has_layer(model, layer);
    if (is_new) {
        CLY_TRY(settle_name(model, layer, &made_name));
        layer->name = made_name != NULL ? made_name : layer->name;
    }
    bool explicit_inputs = inputs != NULL;
    size_t count = explicit_inputs ? input_count : 1;
    CLY_TRY(copy_inputs(model, layer, inputs, count, &own_inputs));
    for (size_t i = 0; i < count; i++) {
        shapes[i] = own_inputs[i]->shape;
    }
    CLY_TRY(clayer_layer_get_output_shape(layer, shapes, count, &output));
    if (layer->class->declare != NULL) {
        CLY_TRY(clayer_layer_build(layer, shapes, count));
    }
    CLY_TRY(append(model, layer, is_new, own_inputs, count, &output, node_out));
    model->sequential = model->sequential && !explicit_inputs;
    own_inputs = NULL;
    made_name = NULL;
done:
    if (made_name != NULL) {
        layer->name = NULL;
        free(made_name);
    }
    free(own_inputs);
    return status;
}

/* ---- inputs ---- */

clayer_status cly_model_add_input(clayer_model *model, const char *name, const clayer_shape *batch_shape,
                                  clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    char *made_name = NULL;
    const cly_layers_input_config config = {.struct_size = sizeof(config), .name = name, .batch_shape = *batch_shape};
    CLY_TRY(cly_layers_create(model->context, &cly_layers_input_layer, &config, &layer));
    CLY_TRY(settle_name(model, layer, &made_name));
    layer->name = made_name != NULL ? made_name : layer->name;
    CLY_TRY(append(model, layer, true, NULL, 0, batch_shape, node_out));
done:
    clayer_layer_destroy(layer);
    return status;
}

clayer_status clayer_add_named_input(clayer_model *model, const char *name, int rank, const int64_t *dims,
                                     clayer_node **node_out) {
    if (model == NULL || (dims == NULL && rank > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_add_input: %s is NULL", model == NULL ? "model" : "dims");
    }
    if (rank < 0 || rank > CLAYER_MAX_RANK - 1) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': an input of %d dimensions, allowed are 0 to %d",
                             model->name, rank, CLAYER_MAX_RANK - 1);
    }
    clayer_shape shape = {.rank = rank + 1, .dims = {-1}};
    for (int i = 0; i < rank; i++) {
        if (dims[i] != -1 && dims[i] < 1) {
            return cly_base_fail(CLAYER_INVALID_SHAPE,
                                 "model '%s': dimension %d of an input is %lld, must be at least 1, or -1 for unknown",
                                 model->name, i, (long long)dims[i]);
        }
        shape.dims[i + 1] = dims[i];
    }
    return cly_model_add_input(model, name, &shape, node_out);
}

clayer_status clayer_add_input(clayer_model *model, int rank, const int64_t *dims, clayer_node **node_out) {
    return clayer_add_named_input(model, NULL, rank, dims, node_out);
}

/* ---- outputs ---- */

clayer_status clayer_model_set_outputs(clayer_model *model, clayer_node *const *nodes, size_t count) {
    if (model == NULL || nodes == NULL || count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_outputs: %s",
                             model == NULL ? "model is NULL" : "no nodes are given");
    }
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] == NULL || nodes[i]->model != model) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': output %zu is %s", model->name, i,
                                 nodes[i] == NULL ? "NULL" : "a node of another model");
        }
    }
    void *memory = NULL;
    clayer_status status = cly_base_alloc(count, sizeof(*nodes), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    memcpy(memory, nodes, count * sizeof(*nodes));
    free(model->outputs);
    free(model->outputs_form);
    model->outputs_form = NULL;
    model->outputs = memory;
    model->output_count = count;
    model->sequential = model->sequential && count == 1 && nodes[0]->index == model->node_count - 1;
    graph_changed(model);
    return CLAYER_OK;
}

size_t cly_model_outputs(const clayer_model *model, clayer_node *const **nodes_out) {
    if (model->output_count > 0) {
        *nodes_out = model->outputs;
        return model->output_count;
    }
    *nodes_out = model->node_count == 0 ? NULL : &model->nodes[model->node_count - 1];
    return model->node_count == 0 ? 0 : 1;
}
