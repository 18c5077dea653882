/* model/summary_map.c: the order of layers and the counts behind both generations' summary().
 *
 * The order of layers is that of Keras' Functional: by depth, which is the longest way to an output, then as met when
 * walking from the outputs back to the inputs. A Sequential shows its layers as they were added, its input never. A
 * nested model is one layer here, and a call of it with several outputs one call. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/index.h"
#include "model/summary.h"

#define UNVISITED ((size_t)-1)

/* ---- walking from the outputs ---- */

/* The node that stands for a call: that of its first output. */
static const clayer_node *call_of(const clayer_node *node) {
    return node->model->nodes[node->index - node->tensor];
}

typedef struct frame {
    const clayer_node *node;
    size_t next_input;
} frame;

typedef struct walk {
    const clayer_model *model;
    bool *visited;             /* per node; only those that stand for calls are used, here and below */
    size_t *depth;             /* per node */
    size_t *met;               /* per node: when its depth was first thought of; 0: never */
    size_t *layer_depth;       /* per layer, in model->layers */
    size_t *layer_order;       /* per layer: when it was met first; UNVISITED: never */
    size_t *layer_of;          /* per node: its layer's index in model->layers */
    const clayer_node **order; /* inputs before what uses them */
    size_t count, layers_met;
    frame *stack;
} walk;

static void visit(walk *w, const clayer_node *start) {
    size_t height = 0;
    w->stack[height++] = (frame){start, 0};
    while (height > 0) {
        frame *top = &w->stack[height - 1];
        size_t index = top->node->index;
        if (top->next_input == 0 && !w->visited[index]) {
            w->visited[index] = true;
            if (w->layer_order[w->layer_of[index]] == UNVISITED) {
                w->layer_order[w->layer_of[index]] = ++w->layers_met;
            }
        }
        if (top->next_input < top->node->input_count) {
            const clayer_node *input = call_of(top->node->inputs[top->next_input++]);
            if (!w->visited[input->index]) {
                w->stack[height++] = (frame){input, 0};
            }
        } else {
            w->order[w->count++] = top->node;
            height--;
        }
    }
}

static void measure_depths(walk *w) {
    size_t met = 0;
    for (size_t i = w->count; i > 0; i--) {
        const clayer_node *node = w->order[i - 1];
        w->met[node->index] = w->met[node->index] > 0 ? w->met[node->index] : ++met;
        size_t layer = w->layer_of[node->index];
        size_t depth = w->depth[node->index];
        depth = w->layer_depth[layer] > depth ? w->layer_depth[layer] : depth;
        w->layer_depth[layer] = depth;
        w->depth[node->index] = depth;
        for (size_t j = 0; j < node->input_count; j++) {
            const size_t source = call_of(node->inputs[j])->index;
            w->met[source] = w->met[source] > 0 ? w->met[source] : ++met;
            w->depth[source] = depth + 1 > w->depth[source] ? depth + 1 : w->depth[source];
        }
    }
}

/* Inputs that no output needs stand at depth 0, before what else is there. */
static void add_unused_inputs(walk *w) {
    for (size_t i = 0; i < w->model->input_count; i++) {
        size_t index = w->model->inputs[i]->index;
        if (!w->visited[index]) {
            w->visited[index] = true;
            w->layer_order[w->layer_of[index]] = 0;
        }
    }
}

static void free_walk(walk *w) {
    free(w->depth);
    free(w->met);
    free(w->layer_depth);
    free(w->layer_order);
    free(w->layer_of);
    free((void *)w->order);
    free(w->stack);
}

static clayer_status allocate_walk(walk *w) {
    clayer_status status = CLAYER_OK;
    void *memory = NULL;
    size_t nodes = w->model->node_count, layers = w->model->layer_count;
    cly_model_table places = {0}; /* a layer: its index in model->layers, where a file's order is its own */
    CLY_TRY(cly_base_alloc(nodes, sizeof(size_t), &memory));
    w->depth = memory;
    CLY_TRY(cly_base_alloc(nodes, sizeof(size_t), &memory));
    w->met = memory;
    CLY_TRY(cly_base_alloc(layers, sizeof(size_t), &memory));
    w->layer_depth = memory;
    CLY_TRY(cly_base_alloc(layers, sizeof(size_t), &memory));
    w->layer_order = memory;
    CLY_TRY(cly_base_alloc(nodes, sizeof(size_t), &memory));
    w->layer_of = memory;
    CLY_TRY(cly_base_alloc(nodes, sizeof(clayer_node *), &memory));
    w->order = memory;
    CLY_TRY(cly_base_alloc(nodes + 1, sizeof(frame), &memory));
    w->stack = memory;
    for (size_t i = 0; i < layers; i++) {
        w->layer_order[i] = UNVISITED;
        CLY_TRY(cly_model_table_reserve(&places, false));
        cly_model_table_put(&places, w->model->layers[i], false)->number = i;
    }
    for (size_t i = 0; i < nodes; i++) {
        const clayer_node *node = w->model->nodes[i];
        w->layer_of[i] = cly_model_table_find(&places, node->layer, false)->number;
    }
done:
    cly_model_table_free(&places);
    return status;
}

/* ---- the order of layers ---- */

typedef struct rank {
    const clayer_layer *layer;
    size_t depth, order, position;
} rank;

static int compare_ranks(const void *left, const void *right) {
    const rank *a = left, *b = right;
    if (a->depth != b->depth) {
        return a->depth > b->depth ? -1 : 1;
    }
    if (a->order != b->order) {
        return a->order < b->order ? -1 : 1;
    }
    return a->position < b->position ? -1 : a->position > b->position;
}

static clayer_status order_layers(const walk *w, cly_model_map *map) {
    clayer_status status = CLAYER_OK;
    rank *ranks = NULL;
    void *memory = NULL;
    size_t count = 0;
    CLY_TRY(cly_base_alloc(w->model->layer_count, sizeof(rank), &memory));
    ranks = memory;
    for (size_t i = 0; i < w->model->layer_count; i++) {
        if (w->layer_order[i] != UNVISITED) {
            ranks[count++] = (rank){w->model->layers[i], w->layer_depth[i], w->layer_order[i], i};
        }
    }
    qsort(ranks, count, sizeof(rank), compare_ranks);
    CLY_TRY(cly_base_alloc(count, sizeof(clayer_layer *), &memory));
    map->layers = memory;
    map->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        map->layers[i] = ranks[i].layer;
    }
done:
    free(ranks);
    return status;
}

/* Keras' test: no two nodes of one depth, none with several inputs, no layer called twice. */
static clayer_status find_chain(const walk *w, cly_model_map *map) {
    clayer_status status = CLAYER_OK;
    bool *taken = NULL, *called = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(w->model->node_count, sizeof(bool), &memory));
    taken = memory;
    CLY_TRY(cly_base_alloc(w->model->layer_count, sizeof(bool), &memory));
    called = memory;
    map->chain = true;
    for (size_t i = 0; i < w->model->node_count; i++) {
        if (map->relevant[i]) {
            size_t depth = w->depth[i], layer = w->layer_of[i];
            map->chain = map->chain && !taken[depth] && !called[layer] && w->model->nodes[i]->input_count <= 1;
            taken[depth] = true;
            called[layer] = true;
        }
    }
done:
    free(taken);
    free(called);
    return status;
}

/* ---- the map ---- */

/* A Sequential is shown as it was written. */
static void show_sequential(cly_model_map *map) {
    map->layer_count = 0;
    map->chain = true;
    for (size_t i = 0; i < map->model->layer_count; i++) {
        if (map->model->layers[i]->class != &cly_layers_input_layer) {
            map->layers[map->layer_count++] = map->model->layers[i];
        }
    }
}

/* Visits all that the outputs need; w->visited is there. */
static clayer_status walk_graph(walk *w) {
    clayer_status status = CLAYER_OK;
    clayer_node *const *outputs = NULL;
    CLY_TRY(allocate_walk(w));
    const size_t output_count = cly_model_outputs(w->model, &outputs);
    for (size_t i = 0; i < output_count; i++) {
        if (!w->visited[call_of(outputs[i])->index]) {
            visit(w, call_of(outputs[i]));
        }
    }
    measure_depths(w);
done:
    return status;
}

clayer_status cly_model_map_order(const clayer_model *model, cly_model_map *map_out) {
    clayer_status status = CLAYER_OK;
    walk w = {.model = model};
    cly_model_map map = {.model = model};
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(bool), &memory));
    map.relevant = memory;
    w.visited = map.relevant;
    CLY_TRY(walk_graph(&w));
    add_unused_inputs(&w);
    CLY_TRY(order_layers(&w, &map));
    CLY_TRY(find_chain(&w, &map));
    if (model->sequential && model->layer_count > 1) {
        show_sequential(&map);
    }
    *map_out = map;
    map = (cly_model_map){0};
done:
    cly_model_map_free(&map);
    free_walk(&w);
    return status;
}

/* By depth, then as Keras' map_graph comes upon them: _nodes_by_depth. */
clayer_status cly_model_run_order(const clayer_model *model, size_t **order_out) {
    clayer_status status = CLAYER_OK;
    walk w = {.model = model};
    rank *ranks = NULL;
    size_t *order = NULL;
    void *memory = NULL;
    const size_t count = model->node_count;
    CLY_TRY(cly_base_alloc(count, sizeof(bool), &memory));
    w.visited = memory;
    CLY_TRY(walk_graph(&w));
    CLY_TRY(cly_base_alloc(count, sizeof(rank), &memory));
    ranks = memory;
    for (size_t i = 0; i < count; i++) {
        const size_t call = call_of(model->nodes[i])->index;
        ranks[i] = (rank){.depth = w.depth[call], .order = w.met[call] > 0 ? w.met[call] : SIZE_MAX, .position = i};
    }
    qsort(ranks, count, sizeof(rank), compare_ranks);
    CLY_TRY(cly_base_alloc(count, sizeof(size_t), &memory));
    order = memory;
    for (size_t i = 0; i < count; i++) {
        order[i] = ranks[i].position;
    }
    *order_out = order;
done:
    free(ranks);
    free(w.visited);
    free_walk(&w);
    return status;
}

void cly_model_map_free(cly_model_map *map) {
    free(map->relevant);
    free((void *)map->layers);
    *map = (cly_model_map){0};
}

/* ---- parameters ---- */

/* A layer of the model or of one nested in it; those are met several times where they are shared. */
typedef struct leaf {
    const clayer_layer *layer;
    bool trainable; /* it and all that it is nested in */
} leaf;

typedef struct leaves {
    leaf *items;
    size_t count, capacity;
} leaves;

static clayer_status collect(const cly_model_map *map, bool trainable, leaves *l) {
    clayer_status status = CLAYER_OK;
    cly_model_map inner = {0};
    for (size_t i = 0; i < map->layer_count; i++) {
        const clayer_layer *layer = map->layers[i];
        bool learns = trainable && layer->trainable;
        if (cly_layers_shown_model(layer) != NULL) {
            CLY_TRY(cly_model_map_order(layer->nested, &inner));
            CLY_TRY(collect(&inner, learns, l));
            cly_model_map_free(&inner);
        } else if (layer->weight_count > 0) {
            void *items = l->items;
            CLY_TRY(cly_base_grow(&items, &l->capacity, l->count, sizeof(leaf)));
            l->items = items;
            l->items[l->count++] = (leaf){layer, learns};
        }
    }
done:
    cly_model_map_free(&inner);
    return status;
}

/* Those of one layer side by side, the trainable ones first. */
static int compare_leaves(const void *left, const void *right) {
    const leaf *a = left, *b = right;
    uintptr_t x = (uintptr_t)a->layer, y = (uintptr_t)b->layer;
    return x != y ? (x < y ? -1 : 1) : (int)b->trainable - (int)a->trainable;
}

static clayer_status count_totals(cly_model_map *map) {
    clayer_status status = CLAYER_OK;
    leaves l = {0};
    CLY_TRY(collect(map, true, &l));
    if (l.count > 0) {
        qsort(l.items, l.count, sizeof(leaf), compare_leaves);
    }
    for (size_t i = 0; i < l.count; i++) {
        const clayer_layer *layer = l.items[i].layer;
        for (size_t j = 0; (i == 0 || l.items[i - 1].layer != layer) && j < layer->weight_count; j++) {
            const cly_weights_weight *weight = &layer->weights[j];
            uint64_t count = (uint64_t)clayer_tensor_get_count(weight->tensor);
            bool learns = l.items[i].trainable && weight->trainable;
            *(learns ? &map->trainable : &map->fixed) += count;
            /* The one weight that is no float32: Normalization's number of samples. */
            *(learns ? &map->trainable_bytes : &map->fixed_bytes) +=
                count * (strcmp(weight->name, "count") == 0 ? sizeof(int64_t) : sizeof(float));
        }
    }
done:
    free(l.items);
    return status;
}

clayer_status cly_model_map_create(const clayer_model *model, cly_model_map *map_out) {
    clayer_status status = CLAYER_OK;
    cly_model_map map = {0};
    CLY_TRY(cly_model_map_order(model, &map));
    CLY_TRY(count_totals(&map));
    *map_out = map;
    map = (cly_model_map){0};
done:
    cly_model_map_free(&map);
    return status;
}

clayer_status cly_model_count_parameters(const clayer_layer *layer, uint64_t *count_out) {
    clayer_status status = CLAYER_OK;
    cly_model_map map = {0};
    uint64_t count = 0;
    if (cly_layers_shown_model(layer) != NULL) {
        CLY_TRY(cly_model_map_create(layer->nested, &map));
        count = map.trainable + map.fixed;
    }
    for (size_t i = 0; i < layer->weight_count; i++) {
        count += (uint64_t)clayer_tensor_get_count(layer->weights[i].tensor);
    }
    *count_out = count;
done:
    cly_model_map_free(&map);
    return status;
}
