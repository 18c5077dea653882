/* model/summary_keras2.c: the table of tf_keras' model.summary(): fixed columns, cells broken by characters. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/operation.h"
#include "model/cells.h"
#include "model/summary.h"

#define COLUMNS 4

typedef struct table {
    const cly_model_map *map;
    cly_model_printer printer;
    bool expand_nested;
    int line_length;
    int columns;
    int ends[COLUMNS]; /* where each column ends */
} table;

/* ---- lines ---- */

static clayer_status repeat(cly_base_text *line, const char *mark, int count) {
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < count; i++) {
        CLY_TRY(cly_base_text_add(line, "%s", mark));
    }
done:
    return status;
}

/* A line of `mark` between the bars of `level` frames. */
static clayer_status print_rule(const table *t, const char *mark, int level) {
    clayer_status status = CLAYER_OK;
    cly_base_text line = {0};
    CLY_TRY(repeat(&line, "|", level));
    CLY_TRY(repeat(&line, mark, t->line_length - 2 * level));
    CLY_TRY(repeat(&line, "|", level));
    t->printer.print(line.chars, t->printer.data);
done:
    cly_base_text_free(&line);
    return status;
}

static clayer_status pad_to(cly_base_text *line, int end) {
    clayer_status status = CLAYER_OK;
    for (int have = (int)cly_model_count_points(line->chars, line->length); have < end; have++) {
        CLY_TRY(cly_base_text_add_bytes(line, " ", 1));
    }
done:
    return status;
}

/* How much of a cell goes into one line: what fits, but no further than the end of a tuple or list item. */
static size_t cut_cell(const char *cell, int width) {
    static const char *const breaks[] = {"),", "},", "],", "',"};
    size_t cut = cly_model_fit_points(cell, strlen(cell), (size_t)width), earliest = cut;
    for (size_t i = 0; i < CLY_COUNT(breaks); i++) {
        const char *found = strstr(cell, breaks[i]);
        size_t end = found == NULL ? cut + 1 : (size_t)(found - cell) + strlen(breaks[i]);
        earliest = end <= cut && end < earliest ? end : earliest;
    }
    return earliest;
}

static int room(const table *t, int column) {
    int start = column == 0 ? 0 : t->ends[column - 1];
    return t->ends[column] - start - (column == t->columns - 1 ? 0 : 3);
}

static clayer_status print_row(const table *t, const char *const *fields, int level) {
    clayer_status status = CLAYER_OK;
    cly_base_text line = {0};
    const char *left[COLUMNS];
    bool more = true;
    for (int i = 0; i < t->columns; i++) {
        left[i] = fields[i];
    }
    while (more) {
        more = false;
        CLY_TRY(repeat(&line, "|", level));
        CLY_TRY(cly_base_text_add(&line, " "));
        for (int i = 0; i < t->columns; i++) {
            size_t cut = cut_cell(left[i], room(t, i) - (i == 0 ? level : 0));
            CLY_TRY(cly_base_text_add_bytes(&line, left[i], cut));
            left[i] += cut;
            more = more || left[i][0] != '\0';
            CLY_TRY(cly_base_text_add(&line, i == t->columns - 1 ? "" : "  "));
            CLY_TRY(pad_to(&line, t->ends[i] - (i == t->columns - 1 ? level : 0)));
        }
        CLY_TRY(repeat(&line, "|", level));
        t->printer.print(line.chars, t->printer.data);
        line.length = 0;
    }
done:
    cly_base_text_free(&line);
    return status;
}

/* ---- layers ---- */

/* A nested model shows what it has by itself, whatever it is called on: "(None, 8)" or "[(None, 8), (None, 2)]". */
static clayer_status add_nested_shape(const clayer_model *nested, cly_base_text *text) {
    clayer_status status = CLAYER_OK;
    clayer_node *const *outputs = NULL;
    size_t count = cly_model_outputs(nested, &outputs);
    CLY_TRY(cly_base_text_add(text, count == 1 ? "" : "["));
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(cly_base_text_add(text, i == 0 ? "" : ", "));
        CLY_TRY(cly_model_add_shape(text, &outputs[i]->shape, true));
    }
    CLY_TRY(cly_base_text_add(text, count == 1 ? "" : "]"));
done:
    return status;
}

/* "(None, 8)", "[(None, 8)]" for an input, "multiple" for a layer whose calls differ. */
static clayer_status add_shape(const clayer_model *model, const clayer_layer *layer, cly_base_text *text) {
    clayer_status status = CLAYER_OK;
    const clayer_node *first = NULL;
    clayer_shape shown;
    bool input = layer->class == &cly_layers_input_layer, same = true;
    if (layer->nested != NULL && layer->inner_name == NULL) {
        return add_nested_shape(layer->nested, text);
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->layer == layer) {
            same = same && (first == NULL || cly_layers_same_shape(&first->shape, &model->nodes[i]->shape));
            first = first == NULL ? model->nodes[i] : first;
        }
    }
    if (!same) {
        return cly_base_text_add(text, "multiple");
    }
    CLY_TRY(cly_base_text_add(text, input ? "[" : ""));
    shown = cly_layers_shown_shape(layer, &first->shape);
    CLY_TRY(cly_model_add_shape(text, &shown, true));
    CLY_TRY(cly_base_text_add(text, input ? "]" : ""));
done:
    return status;
}

/* Python's list of "name[call][output]"; empty within nested models, whose calls are not of the network. */
static clayer_status add_connections(const table *t, const clayer_layer *layer, int level, cly_base_text *text) {
    clayer_status status = CLAYER_OK;
    const char *separator = "";
    CLY_TRY(cly_base_text_add(text, "["));
    for (const clayer_node *node = level > 0 ? NULL : cly_model_next_call(t->map, layer, 0); node != NULL;
         node = cly_model_next_call(t->map, layer, node->index + 1)) {
        for (size_t i = 0; i < node->input_count; i++) {
            const clayer_node *input = node->inputs[i];
            CLY_TRY(
                cly_base_text_add(text, "%s'%s[%zu][%zu]'", separator, input->layer->name, input->call, input->tensor));
            separator = ", ";
        }
    }
    CLY_TRY(cly_base_text_add(text, "]"));
done:
    return status;
}

static clayer_status print_layer(const table *t, const clayer_model *model, const clayer_layer *layer, int level) {
    clayer_status status = CLAYER_OK;
    cly_base_text cells[COLUMNS] = {{0}};
    uint64_t parameters = 0;
    CLY_TRY(cly_model_count_parameters(layer, &parameters));
    CLY_TRY(cly_base_text_add(&cells[0], "%s (%s)", layer->name, cly_layers_class_name(layer)));
    CLY_TRY(add_shape(model, layer, &cells[1]));
    CLY_TRY(cly_base_text_add(&cells[2], "%llu", (unsigned long long)parameters));
    CLY_TRY(add_connections(t, layer, level, &cells[3]));
    CLY_TRY(print_row(t, (const char *const[]){cells[0].chars, cells[1].chars, cells[2].chars, cells[3].chars}, level));
done:
    for (int i = 0; i < COLUMNS; i++) {
        cly_base_text_free(&cells[i]);
    }
    return status;
}

/* The layers of one model, `level` models deep; a nested one's stand in a frame. A blank line follows each layer but a
 * frame and the last in it. */
static clayer_status print_layers(const table *t, const cly_model_map *map, int level) {
    clayer_status status = CLAYER_OK;
    cly_model_map inner = {0};
    for (size_t i = 0; i < map->layer_count; i++) {
        const clayer_layer *layer = map->layers[i];
        bool framed = false;
        CLY_TRY(print_layer(t, map->model, layer, level));
        if (t->expand_nested && cly_layers_called_model(layer) != NULL) {
            CLY_TRY(cly_model_map_order(layer->nested, &inner));
            framed = inner.layer_count > 0;
        }
        if (framed) {
            CLY_TRY(print_rule(t, "¯", level + 1));
            CLY_TRY(print_layers(t, &inner, level + 1));
            CLY_TRY(print_rule(t, "¯", level));
        } else if (level == 0 || i + 1 < map->layer_count) {
            CLY_TRY(print_rule(t, " ", level));
        }
        cly_model_map_free(&inner);
    }
done:
    cly_model_map_free(&inner);
    return status;
}

/* ---- the whole ---- */

static clayer_status print_total(const table *t, const char *title, uint64_t parameters, uint64_t bytes) {
    clayer_status status = CLAYER_OK;
    cly_base_text line = {0};
    CLY_TRY(cly_base_text_add(&line, "%s: %llu (", title, (unsigned long long)parameters));
    CLY_TRY(cly_model_add_size(&line, bytes, "Byte"));
    CLY_TRY(cly_base_text_add(&line, ")"));
    t->printer.print(line.chars, t->printer.data);
done:
    cly_base_text_free(&line);
    return status;
}

static clayer_status lay_out(table *t, int line_length) {
    static const double chain_ends[] = {0.45, 0.85, 1.0}, graph_ends[] = {0.3, 0.6, 0.70, 1.0};
    t->columns = t->map->chain ? 3 : 4;
    t->line_length = line_length > 0 ? line_length : t->map->chain ? 65 : 98;
    for (int i = 0; i < t->columns; i++) {
        t->ends[i] = (int)(t->line_length * (t->map->chain ? chain_ends : graph_ends)[i]);
    }
    for (int i = 0; i < t->columns; i++) {
        if (room(t, i) < 1) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: line_length %d is too small",
                                 line_length);
        }
    }
    return CLAYER_OK;
}

clayer_status cly_model_summary_keras2(const cly_model_map *map, const clayer_summary_config *config,
                                       cly_model_printer printer) {
    static const char *const header[COLUMNS] = {"Layer (type)", "Output Shape", "Param #", "Connected to"};
    clayer_status status = CLAYER_OK;
    cly_base_text title = {0};
    table t = {.map = map, .printer = printer, .expand_nested = config->expand_nested};
    CLY_TRY(lay_out(&t, config->line_length));
    CLY_TRY(cly_base_text_add(&title, "Model: \"%s\"", map->model->name));
    printer.print(title.chars, printer.data);
    CLY_TRY(print_rule(&t, "_", 0));
    CLY_TRY(print_row(&t, header, 0));
    CLY_TRY(print_rule(&t, "=", 0));
    CLY_TRY(print_layers(&t, map, 0));
    CLY_TRY(print_rule(&t, "=", 0));
    CLY_TRY(print_total(&t, "Total params", map->trainable + map->fixed, map->trainable_bytes + map->fixed_bytes));
    CLY_TRY(print_total(&t, "Trainable params", map->trainable, map->trainable_bytes));
    CLY_TRY(print_total(&t, "Non-trainable params", map->fixed, map->fixed_bytes));
    CLY_TRY(print_rule(&t, "_", 0));
done:
    cly_base_text_free(&title);
    return status;
}
