/* model/graph.c: nodes and layers of a model: adding, names, inputs.
 *
 * A node can only be joined to nodes that exist, so model->nodes is a topological order by construction. As in Keras a
 * layer may be called several times (its weights exist once), names are unique within a model, and a model that was
 * written as a plain chain is Sequential: in C that is one where no input node was ever named. */
#include "model/check.h"
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
    model->references = 1;
    model->nameless = name == NULL;
    model->context = cly_device_retain(context);
    model->sequential = true;
    model->generation = 3;
    CLY_TRY(cly_base_alloc(1, sizeof(*model->flat), &memory));
    model->flat = memory;
    *model->flat = model;
    CLY_TRY(cly_base_copy_string(name == NULL ? "model" : name, &model->name));
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    return status;
}

clayer_model *cly_model_retain(clayer_model *model) {
    model->references++;
    return model;
}

static void free_node(clayer_node *node) {
    if (node != NULL) {
        free(node->inputs);
        free(node->path);
        free(node);
    }
}

void clayer_model_destroy(clayer_model *model) {
    if (model == NULL || --model->references > 0) {
        return;
    }
    if (model->compiled != NULL) {
        model->compiled_destroy(model->compiled);
    }
    cly_model_drop_check(model);
    cly_model_memory_destroy(model);
    cly_model_flat_destroy(model);
    cly_model_index_free(&model->index);
    for (size_t i = 0; i < model->node_count; i++) {
        free_node(model->nodes[i]);
    }
    for (size_t i = 0; i < model->guard_count; i++) {
        free(model->guards[i].path);
    }
    free(model->guards);
    free(model->flat);
    for (size_t i = 0; i < model->layer_count; i++) {
        clayer_layer_destroy(model->layers[i]);
    }
    free(model->nodes);
    free(model->inputs);
    free(model->outputs);
    cly_model_free_names(model->output_names, model->output_count);
    cly_model_free_names(model->output_keys, model->output_count);
    free(model->layers);
    free(model->name);
    free(model->inputs_form);
    free(model->outputs_form);
    cly_device_release(model->context);
    free(model);
}

/* ---- names ---- */

/* Names a layer that is new in the model. *name_out is set if the name was made here. */
static clayer_status settle_name(clayer_model *model, clayer_layer *layer, char **name_out) {
    if (layer->name == NULL) {
        return cly_model_index_new_name(&model->index, cly_layers_auto_name(layer), name_out);
    }
    const clayer_layer *other = cly_model_index_find(&model->index, layer->name);
    if (other != NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s': %s '%s' has the name of another layer (%s); names must be unique in a model",
                             model->name, cly_layers_class_name(layer), layer->name, cly_layers_class_name(other));
    }
    return CLAYER_OK;
}

/* ---- adding ---- */

void cly_model_graph_changed(clayer_model *model) {
    cly_model_memory_destroy(model);
    cly_model_flat_destroy(model);
    model->version++;
}

clayer_status cly_model_check_changeable(const clayer_model *model) {
    if (model->nested > 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s' is nested in another model, so its graph cannot be changed any more",
                             model->name);
    }
    return CLAYER_OK;
}

/* Makes room for `nodes` nodes of one layer first, so that nothing can fail once the lists change. */
static clayer_status reserve(clayer_model *model, size_t nodes) {
    clayer_status status = CLAYER_OK;
    void *items = NULL;
    while (model->node_capacity < model->node_count + nodes) {
        items = model->nodes;
        CLY_TRY(cly_base_grow(&items, &model->node_capacity, model->node_capacity, sizeof(*model->nodes)));
        model->nodes = items;
    }
    items = model->layers;
    CLY_TRY(cly_base_grow(&items, &model->layer_capacity, model->layer_count, sizeof(*model->layers)));
    model->layers = items;
    items = model->inputs;
    CLY_TRY(cly_base_grow(&items, &model->input_capacity, model->input_count, sizeof(*model->inputs)));
    model->inputs = items;
    CLY_TRY(cly_model_index_reserve(&model->index));
done:
    return status;
}

/* A node that is in no list yet. */
static clayer_status new_node(const clayer_node *values, clayer_node *const *inputs, clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_node *node = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(1, sizeof(clayer_node), &memory));
    node = memory;
    *node = *values;
    CLY_TRY(cly_base_alloc(node->input_count, sizeof(*inputs), &memory));
    node->inputs = memory;
    if (node->input_count > 0) {
        memcpy(node->inputs, inputs, node->input_count * sizeof(*inputs));
    }
    *node_out = node;
    node = NULL;
done:
    free_node(node);
    return status;
}

clayer_status cly_model_append(clayer_model *model, clayer_layer *layer, clayer_node *const *inputs, size_t input_count,
                               const clayer_shape *shapes, size_t tensors) {
    clayer_status status = CLAYER_OK;
    size_t made = 0;
    CLY_TRY(reserve(model, tensors));
    for (; made < tensors; made++) {
        const size_t index = model->node_count + made;
        const clayer_node values = {.model = model,
                                    .layer = layer,
                                    .input_count = input_count,
                                    .shape = shapes[made],
                                    .index = index,
                                    .tensor = made};
        CLY_TRY(new_node(&values, inputs, &model->nodes[index]));
    }
    const bool is_new = !cly_model_index_has(&model->index, layer);
    const size_t call = cly_model_index_call(&model->index, layer, model->facade != NULL);
    for (size_t i = 0; i < tensors; i++) {
        model->nodes[model->node_count++]->call = call;
    }
    if (is_new && model->facade == NULL) {
        model->layers[model->layer_count++] = cly_layers_retain(layer);
    }
    if (input_count == 0) {
        model->inputs[model->input_count++] = model->nodes[model->node_count - 1];
        free(model->inputs_form);
        model->inputs_form = NULL;
        model->sequential = model->sequential && model->input_count == 1 && model->node_count == 1;
    }
    const bool moves_again = !is_new && layer->class == &cly_layers_batch_normalization;
    const bool other =
        layer->nested != NULL || (model->facade == NULL && (cly_model_makes_masks(layer) || moves_again));
    if (other && !model->has_nested) {
        model->has_nested = true;
        *model->flat = NULL;
    }
    model->flat_count += layer->nested == NULL ? 1 : layer->nested->flat_count;
    cly_model_graph_changed(model);
done:
    while (status != CLAYER_OK && made > 0) {
        free_node(model->nodes[model->node_count + --made]);
    }
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

/* The shapes of all outputs of the call; its weights exist afterwards. */
static clayer_status prepare_call(const clayer_model *model, clayer_layer *layer, clayer_node *const *inputs,
                                  size_t count, clayer_shape **shapes_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape given[CLY_LAYERS_MAX_INPUTS];
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(cly_model_count_tensors(layer), sizeof(clayer_shape), &memory));
    for (size_t i = 0; i < count; i++) {
        given[i] = inputs[i]->shape;
    }
    if (layer->nested != NULL && model->flat_count + layer->nested->flat_count > CLY_MODEL_CALL_LIMIT) {
        CLY_TRY(cly_layers_fail(layer, CLAYER_UNSUPPORTED,
                                "model '%s' would have more than %d calls of layers, nested ones counted", model->name,
                                CLY_MODEL_CALL_LIMIT));
    }
    CLY_TRY(cly_model_infer_call(layer, given, count, memory));
    if (layer->class->declare != NULL) {
        CLY_TRY(clayer_layer_build(layer, given, count));
    }
    *shapes_out = memory;
    memory = NULL;
done:
    free(memory);
    return status;
}

clayer_status clayer_model_add(clayer_model *model, clayer_layer *layer, clayer_node *const *inputs, size_t input_count,
                               clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_node **own_inputs = NULL;
    char *made_name = NULL;
    clayer_shape *shapes = NULL;
    CLY_TRY(check_layer(model, layer));
    CLY_TRY(cly_model_check_changeable(model));
    if (!cly_model_index_has(&model->index, layer)) {
        CLY_TRY(settle_name(model, layer, &made_name));
        layer->name = made_name != NULL ? made_name : layer->name;
    }
    const size_t count = inputs != NULL ? input_count : 1;
    const size_t first = model->node_count;
    CLY_TRY(copy_inputs(model, layer, inputs, count, &own_inputs));
    CLY_TRY(prepare_call(model, layer, own_inputs, count, &shapes));
    CLY_TRY(cly_model_append(model, layer, own_inputs, count, shapes, cly_model_count_tensors(layer)));
    model->sequential = model->sequential && inputs == NULL;
    made_name = NULL;
    if (node_out != NULL) {
        *node_out = model->nodes[first];
    }
done:
    if (made_name != NULL) {
        layer->name = NULL;
        free(made_name);
    }
    free(own_inputs);
    free(shapes);
    return status;
}

size_t cly_model_count_calls(const clayer_model *model, const clayer_layer *layer) {
    const cly_model_slot *slot = cly_model_table_find(&model->index.calls, layer, false);
    return slot == NULL ? 0 : slot->number;
}

/* ---- inputs ---- */

clayer_status cly_model_add_input(clayer_model *model, const char *name, const clayer_shape *batch_shape,
                                  clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    char *made_name = NULL;
    const cly_layers_input_config config = {.struct_size = sizeof(config), .name = name, .batch_shape = *batch_shape};
    CLY_TRY(cly_model_check_changeable(model));
    CLY_TRY(cly_layers_create(model->context, &cly_layers_input_layer, &config, &layer));
    CLY_TRY(settle_name(model, layer, &made_name));
    layer->name = made_name != NULL ? made_name : layer->name;
    CLY_TRY(cly_model_append(model, layer, NULL, 0, batch_shape, 1));
    if (node_out != NULL) {
        *node_out = model->nodes[model->node_count - 1];
    }
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
