/* model/flat.c: a model without nested ones: what runs and trains.
 *
 * Every call of a nested model is replaced by calls of its layers, as deep as they are nested; its inputs and outputs
 * are nodes that are there anyway, so nesting costs nothing. Around the layers of a distributed model stand two calls
 * that put its steps into the batch and take them out again, without a copy. Calls come in the order in which Keras
 * runs them, which is that in which they move the statistics of a layer that is called again. Layers come in the order
 * of Keras' model.weights: those of a nested model where it stands in the list of layers, each layer once
 * (keras/src/layers/layer.py, weights). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model.h"
#include "model/summary.h"

/* ---- messages ---- */

const char *cly_model_describe_node(const clayer_node *node, char *text, size_t capacity) {
    if (node->path == NULL) {
        return cly_layers_describe(node->layer, text, capacity);
    }
    (void)snprintf(text, capacity, "%s '%.120s'", node->layer->class->name, node->path);
    return text;
}

clayer_status cly_model_prefix(clayer_status status, const clayer_node *node) {
    return status == CLAYER_OK || node->path == NULL ? status : cly_base_prefix(status, "%s", node->path);
}

/* ---- calls ---- */

/* One call of a model on the way down. */
typedef struct scope {
    const clayer_model *model;
    const char *prefix; /* of paths: "" or "encoder/" */
    bool inference;     /* the call, or one around it, is made with training=False */
    clayer_node *fold;  /* of a distributed model, or of one around it */
} scope;

static clayer_status add_scope(clayer_model *flat, const scope *s, clayer_node **nodes);

/* "encoder/" and "conv2d" give "encoder/conv2d". Freed with free(). */
static clayer_status join_path(const char *prefix, const char *name, const char *end, char **path_out) {
    clayer_status status = CLAYER_OK;
    cly_base_text text = {0};
    CLY_TRY(cly_base_text_add(&text, "%s%s%s", prefix, name, end));
    *path_out = text.chars;
    text.chars = NULL;
done:
    cly_base_text_free(&text);
    return status;
}

/* A layer's call on the flat nodes of its inputs. */
static clayer_status add_call(clayer_model *flat, const scope *s, const clayer_node *node, clayer_node **inputs,
                              clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_shape shapes[CLY_LAYERS_MAX_INPUTS], output = node->shape;
    const size_t count = cly_model_mask_input(node, inputs);
    for (size_t i = 0; i < count; i++) {
        shapes[i] = inputs[i]->shape;
    }
    if (count > 0) {
        CLY_TRY(clayer_layer_get_output_shape(node->layer, shapes, count, &output));
    }
    CLY_TRY(cly_model_append(flat, node->layer, inputs, count, &output, 1));
    clayer_node *made = flat->nodes[flat->node_count - 1];
    made->inference = node->inference || s->inference;
    made->fold = s->fold;
    if (s->prefix[0] != '\0') {
        CLY_TRY(join_path(s->prefix, node->layer->name, "", &made->path));
    }
    made->has_mask = node->has_mask || count > node->input_count;
    CLY_TRY(cly_model_mask_output(flat, made));
    *node_out = made;
done:
    return status;
}

/* What a nested model's input asks of a node whose shape is not known yet. */
static clayer_status add_guard(clayer_model *flat, const clayer_node *given, const clayer_node *input,
                               const char *prefix) {
    clayer_status status = CLAYER_OK;
    bool open = false;
    cly_model_guard guard = {.node = given, .wanted = input->shape};
    void *items = flat->guards;
    for (int i = 0; i < input->shape.rank; i++) {
        open = open || (input->shape.dims[i] != -1 && given->shape.dims[i] == -1);
    }
    if (!open) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_grow(&items, &flat->guard_capacity, flat->guard_count, sizeof(guard)));
    flat->guards = items;
    CLY_TRY(join_path(prefix, input->layer->name, "", &guard.path));
    flat->guards[flat->guard_count++] = guard;
done:
    return status;
}

/* ---- distributed models ---- */

/* A call of an internal layer around a distributed model, of the name of its TimeDistributed and the `end`. `unfolds`:
 * what that call folded; NULL: it folds. */
static clayer_status add_view(clayer_model *flat, const scope *s, const clayer_node *call, const char *end,
                              clayer_node *input, clayer_node *unfolds, clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_layer *layer = NULL;
    const cly_layers_common_config config = {.struct_size = sizeof(config), .name = call->layer->name};
    clayer_shape shapes[2] = {input->shape}, output;
    if (unfolds != NULL) {
        shapes[1] = unfolds->inputs[0]->shape;
    }
    CLY_TRY(cly_layers_create(flat->context, unfolds != NULL ? &cly_layers_unfold : &cly_layers_fold, &config, &layer));
    CLY_TRY(clayer_layer_get_output_shape(layer, shapes, unfolds != NULL ? 2 : 1, &output));
    CLY_TRY(cly_model_keep_layer(flat, layer));
    CLY_TRY(cly_model_append(flat, layer, &input, 1, &output, 1));
    clayer_node *made = flat->nodes[flat->node_count - 1];
    CLY_TRY(join_path(s->prefix, call->layer->name, end, &made->path));
    made->fold = unfolds != NULL ? unfolds : s->fold;
    made->hidden = unfolds == NULL || end[0] != '\0';
    *node_out = made;
done:
    clayer_layer_destroy(layer);
    return status;
}

/* The steps of the input of a call and of its mask, which may be given as another input, in the batch. */
static clayer_status fold(clayer_model *flat, const scope *s, const clayer_node *call, clayer_node *const *inputs,
                          clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    clayer_node *mask = call->input_count == 2 ? inputs[1] : inputs[0]->mask;
    CLY_TRY(add_view(flat, s, call, "", inputs[0], NULL, node_out));
    if (mask != NULL && mask->shape.rank < 2) {
        return cly_layers_fail(call->layer, CLAYER_UNSUPPORTED, "its mask says nothing of each step");
    }
    if (mask != NULL) {
        CLY_TRY(add_view(flat, s, call, "/mask", mask, NULL, &(*node_out)->mask));
    }
done:
    return status;
}

/* The steps taken out of the batch. In Keras 3 the mask is that of the input, in Keras 2 what the model says, or of it
 * which steps count. */
static clayer_status unfold(clayer_model *flat, const scope *s, const clayer_node *call, clayer_node *input,
                            clayer_node *folded, clayer_node **node_out) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(add_view(flat, s, call, "", input, folded, node_out));
    (*node_out)->mask = folded->inputs[0]->mask;
    if (call->layer->generation == 2) {
        CLY_TRY(input->mask != NULL ? add_view(flat, s, call, "/mask", input->mask, folded, &(*node_out)->mask)
                                    : cly_model_mask_steps(flat, *node_out));
    }
done:
    return status;
}

/* ---- calls of models ---- */

/* The layers of a nested model in the place of its call; outputs_out gets a node for each of its outputs. */
static clayer_status add_nested(clayer_model *flat, const scope *s, const clayer_node *node, clayer_node **inputs,
                                clayer_node **outputs_out) {
    clayer_status status = CLAYER_OK;
    const clayer_model *nested = node->layer->nested;
    scope inner = {.model = nested, .inference = s->inference || node->inference, .fold = s->fold};
    clayer_node *const *outputs = NULL;
    const size_t output_count = cly_model_outputs(nested, &outputs);
    clayer_node **nodes = NULL;
    char *prefix = NULL;
    void *memory = NULL;
    CLY_TRY(join_path(s->prefix, node->layer->name, "/", &prefix));
    inner.prefix = prefix;
    CLY_TRY(cly_base_alloc(nested->node_count, sizeof(*nodes), &memory));
    nodes = memory;
    if (node->layer->inner_name != NULL) {
        CLY_TRY(fold(flat, s, node, inputs, &inner.fold));
        inputs = &inner.fold;
    }
    for (size_t i = 0; i < nested->input_count; i++) {
        nodes[nested->inputs[i]->index] = inputs[i];
        CLY_TRY(add_guard(flat, inputs[i], nested->inputs[i], prefix));
    }
    CLY_TRY(add_scope(flat, &inner, nodes));
    for (size_t i = 0; i < output_count; i++) {
        outputs_out[i] = nodes[outputs[i]->index];
    }
    if (node->layer->inner_name != NULL) {
        CLY_TRY(unfold(flat, s, node, outputs_out[0], inner.fold, &outputs_out[0]));
    }
done:
    free(nodes);
    free(prefix);
    return status;
}

/* Puts the flat nodes of each call, which lie from begins[i] to begins[i + 1], in Keras' order of calls. */
static clayer_status order_calls(clayer_model *flat, const clayer_model *model, const size_t *begins) {
    clayer_status status = CLAYER_OK;
    size_t *order = NULL, count = 0;
    clayer_node **sorted = NULL;
    const size_t first = begins[0], all = flat->node_count - first;
    void *memory = NULL;
    CLY_TRY(cly_model_run_order(model, &order));
    CLY_TRY(cly_base_alloc(all, sizeof(*sorted), &memory));
    sorted = memory;
    for (size_t i = 0; i < model->node_count; i++) {
        for (size_t j = begins[order[i]]; j < begins[order[i] + 1]; j++) {
            sorted[count++] = flat->nodes[j];
        }
    }
    for (size_t i = 0; i < all; i++) {
        flat->nodes[first + i] = sorted[i];
        sorted[i]->index = first + i;
    }
done:
    free(order);
    free(sorted);
    return status;
}

/* All calls of a model. nodes[i] becomes the flat node that stands for its node i; those that are there, its inputs,
 * stay. They are made, and so counted, in the model's own order. */
static clayer_status add_scope(clayer_model *flat, const scope *s, clayer_node **nodes) {
    clayer_status status = CLAYER_OK;
    clayer_node *inputs[CLY_LAYERS_MAX_INPUTS];
    size_t *begins = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(s->model->node_count + 1, sizeof(*begins), &memory));
    begins = memory;
    for (size_t i = 0; i < s->model->node_count; i++) {
        const clayer_node *node = s->model->nodes[i];
        begins[i] = flat->node_count;
        if (nodes[i] != NULL) {
            continue;
        }
        for (size_t j = 0; j < node->input_count; j++) {
            inputs[j] = nodes[node->inputs[j]->index];
        }
        if (node->layer->nested != NULL) {
            CLY_TRY(add_nested(flat, s, node, inputs, &nodes[i]));
        } else {
            CLY_TRY(add_call(flat, s, node, inputs, &nodes[i]));
        }
    }
    begins[s->model->node_count] = flat->node_count;
    CLY_TRY(order_calls(flat, s->model, begins));
done:
    free(begins);
    return status;
}

/* ---- layers ---- */

/* Appends those of `model` that are not there yet. Inputs of nested models are no layers of the flat one. */
static clayer_status add_layers(clayer_model *flat, const clayer_model *model, cly_model_table *seen) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < model->layer_count; i++) {
        clayer_layer *layer = model->layers[i];
        void *items = flat->layers;
        CLY_TRY(cly_model_table_reserve(seen, false));
        if (cly_model_table_find(seen, layer, false) != NULL ||
            (model != flat->facade && layer->class == &cly_layers_input_layer)) {
            continue;
        }
        (void)cly_model_table_put(seen, layer, false);
        if (layer->nested != NULL) {
            CLY_TRY(add_layers(flat, layer->nested, seen));
            continue;
        }
        CLY_TRY(cly_base_grow(&items, &flat->layer_capacity, flat->layer_count, sizeof(*flat->layers)));
        flat->layers = items;
        flat->layers[flat->layer_count++] = cly_layers_retain(layer);
    }
done:
    return status;
}

/* ---- the flat model ---- */

static clayer_status make_flat(const clayer_model *model, clayer_model **flat_out) {
    clayer_status status = CLAYER_OK;
    const scope s = {.model = model, .prefix = ""};
    clayer_model *flat = NULL;
    clayer_node **nodes = NULL;
    cly_model_table seen = {0};
    clayer_node *const *outputs = NULL;
    const size_t output_count = cly_model_outputs(model, &outputs);
    void *memory = NULL;
    CLY_TRY(clayer_model_create(model->context, model->name, &flat));
    flat->facade = model;
    flat->generation = model->generation;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(*nodes), &memory));
    nodes = memory;
    for (size_t i = 0; i < model->input_count; i++) { /* in their order, whatever that of the nodes */
        CLY_TRY(add_call(flat, &s, model->inputs[i], NULL, &nodes[model->inputs[i]->index]));
    }
    CLY_TRY(add_scope(flat, &s, nodes));
    CLY_TRY(add_layers(flat, model, &seen));
    CLY_TRY(cly_base_alloc(output_count, sizeof(*outputs), &memory));
    flat->outputs = memory;
    flat->output_count = output_count;
    for (size_t i = 0; i < output_count; i++) {
        flat->outputs[i] = nodes[outputs[i]->index];
    }
    flat->version = model->version;
    *flat_out = flat;
    flat = NULL;
done:
    cly_model_table_free(&seen);
    free(nodes);
    clayer_model_destroy(flat);
    return status;
}

/* Switches that may be set at any time. */
static void follow(const clayer_model *model, clayer_model *flat) {
    flat->generation = model->generation;
    flat->not_fused = model->not_fused;
    flat->observer = model->observer;
    flat->observer_data = model->observer_data;
}

clayer_status cly_model_flat(const clayer_model *model, clayer_model **flat_out) {
    clayer_status status = CLAYER_OK;
    if (*model->flat == NULL) {
        CLY_TRY(make_flat(model, model->flat));
    }
    if (*model->flat != model) {
        follow(model, *model->flat);
    }
    *flat_out = *model->flat;
done:
    return status;
}

void cly_model_flat_destroy(clayer_model *model) {
    if (model->flat != NULL && *model->flat != model) {
        clayer_model_destroy(*model->flat);
        *model->flat = NULL;
    }
    if (model->flat != NULL && *model->flat == NULL && !model->has_nested) {
        *model->flat = model;
    }
}
