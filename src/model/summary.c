/* model/summary.c: the order, the counts and the sizes behind both generations' summary().
 *
 * The order of layers is that of Keras' Functional: by depth, which is the longest way to an output, then as met when
 * walking from the outputs back to the inputs. A Sequential shows its layers as they were added, its input never. */
#include "model/summary.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define UNVISITED ((size_t)-1)

/* ---- walking from the outputs ---- */

typedef struct frame {
    const clayer_node *node;
    size_t next_input;
} frame;

typedef struct walk {
    const clayer_model *model;
    bool *visited;             /* per node */
    size_t *depth;             /* per node */
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
            const clayer_node *input = top->node->inputs[top->next_input++];
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
    for (size_t i = w->count; i > 0; i--) {
        const clayer_node *node = w->order[i - 1];
        size_t layer = w->layer_of[node->index];
        size_t depth = w->depth[node->index];
        depth = w->layer_depth[layer] > depth ? w->layer_depth[layer] : depth;
        w->layer_depth[layer] = depth;
        w->depth[node->index] = depth;
        for (size_t j = 0; j < node->input_count; j++) {
            size_t *input = &w->depth[node->inputs[j]->index];
            *input = depth + 1 > *input ? depth + 1 : *input;
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
    CLY_TRY(cly_base_alloc(nodes, sizeof(size_t), &memory));
    w->depth = memory;
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
    }
    for (size_t i = 0, fresh = 0; i < nodes; i++) {
        const clayer_node *node = w->model->nodes[i];
        if (node->call == 0) {
            w->layer_of[i] = fresh++; /* layers are listed in the order of their first call */
        } else {
            size_t j = 0;
            while (w->model->layers[j] != node->layer) {
                j++;
            }
            w->layer_of[i] = j;
        }
    }
done:
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

static void count_totals(cly_model_map *map) {
    for (size_t i = 0; i < map->layer_count; i++) {
        const clayer_layer *layer = map->layers[i];
        for (size_t j = 0; j < layer->weight_count; j++) {
            uint64_t count = (uint64_t)clayer_tensor_get_count(layer->weights[j].tensor);
            *(layer->trainable && layer->weights[j].trainable ? &map->trainable : &map->fixed) += count;
        }
    }
}

clayer_status cly_model_map_create(const clayer_model *model, cly_model_map *map_out) {
    clayer_status status = CLAYER_OK;
    walk w = {.model = model};
    cly_model_map map = {.model = model};
    clayer_node *const *outputs = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(model->node_count, sizeof(bool), &memory));
    map.relevant = memory;
    w.visited = map.relevant;
    CLY_TRY(allocate_walk(&w));
    size_t output_count = cly_model_outputs(model, &outputs);
    for (size_t i = 0; i < output_count; i++) {
        if (!w.visited[outputs[i]->index]) {
            visit(&w, outputs[i]);
        }
    }
    measure_depths(&w);
    add_unused_inputs(&w);
    CLY_TRY(order_layers(&w, &map));
    CLY_TRY(find_chain(&w, &map));
    if (model->sequential && model->layer_count > 1) {
        show_sequential(&map);
    }
    count_totals(&map);
    *map_out = map;
    map = (cly_model_map){0};
done:
    cly_model_map_free(&map);
    free_walk(&w);
    return status;
}

void cly_model_map_free(cly_model_map *map) {
    free(map->relevant);
    free((void *)map->layers);
    *map = (cly_model_map){0};
}

/* ---- what both tables print ---- */

const clayer_node *cly_model_next_call(const cly_model_map *map, const clayer_layer *layer, size_t from) {
    for (size_t i = from; i < map->model->node_count; i++) {
        if (map->relevant[i] && map->model->nodes[i]->layer == layer) {
            return map->model->nodes[i];
        }
    }
    return NULL;
}

uint64_t cly_model_count_parameters(const clayer_layer *layer) {
    uint64_t count = 0;
    for (size_t i = 0; i < layer->weight_count; i++) {
        count += (uint64_t)clayer_tensor_get_count(layer->weights[i].tensor);
    }
    return count;
}

/* Two decimals, as Python rounds them: to nearest, and an exact half to even. Bytes and powers of 1024 are exact in
 * binary, so whole numbers give the same digits without the locale's decimal point. */
clayer_status cly_model_add_size(cly_base_text *text, uint64_t parameters, const char *unit) {
    static const char *const larger[] = {"KB", "MB", "GB", "TB", "PB"};
    uint64_t bytes = parameters * sizeof(float);
    int shift = 0;
    size_t scale = 0;
    while (bytes >> shift >= 1024 && scale < CLY_COUNT(larger)) {
        shift += 10;
        unit = larger[scale++];
    }
    uint64_t whole = bytes >> shift;
    uint64_t rest = (bytes - (whole << shift)) * 100;
    uint64_t hundredths = rest >> shift;
    uint64_t left = rest - (hundredths << shift), half = shift == 0 ? 1 : (uint64_t)1 << (shift - 1);
    if (left > half || (left == half && hundredths % 2 == 1)) {
        hundredths++;
    }
    if (hundredths == 100) {
        whole++;
        hundredths = 0;
    }
    return cly_base_text_add(text, "%llu.%02llu %s", (unsigned long long)whole, (unsigned long long)hundredths, unit);
}

clayer_status cly_model_add_shape(cly_base_text *text, const clayer_shape *shape, bool python_tuple) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_text_add(text, "("));
    for (int i = 0; i < shape->rank; i++) {
        CLY_TRY(cly_base_text_add(text, i == 0 ? "" : ", "));
        if (shape->dims[i] == -1) {
            CLY_TRY(cly_base_text_add(text, "None"));
        } else {
            CLY_TRY(cly_base_text_add(text, "%lld", (long long)shape->dims[i]));
        }
    }
    CLY_TRY(cly_base_text_add(text, python_tuple && shape->rank == 1 ? ",)" : ")"));
done:
    return status;
}

clayer_status clayer_model_summary(clayer_model *model, clayer_summary_style style, int line_length,
                                   clayer_print_callback *print, void *data) {
    clayer_status status = CLAYER_OK;
    cly_model_map map = {0};
    cly_model_printer printer = {print, data};
    if (model == NULL || print == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: %s is NULL",
                             model == NULL ? "model" : "print");
    }
    if (line_length < 0 || (style != CLAYER_SUMMARY_KERAS2 && style != CLAYER_SUMMARY_KERAS3)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: %s %d",
                             line_length < 0 ? "line_length is negative:" : "unknown style",
                             line_length < 0 ? line_length : (int)style);
    }
    CLY_TRY(cly_model_map_create(model, &map));
    if (style == CLAYER_SUMMARY_KERAS2) {
        CLY_TRY(cly_model_summary_keras2(&map, line_length, printer));
    } else {
        CLY_TRY(cly_model_summary_keras3(&map, line_length, printer));
    }
done:
    cly_model_map_free(&map);
    return status;
}
