/* model/summary_keras3.c: the table of Keras 3's model.summary(), as the Python package rich draws it on a plain
 * output of 80 columns: box characters, cells wrapped at words, long words cut with an ellipsis. */
#include "base/error.h"
#include "model/cells.h"
#include "model/summary.h"
#include "model/wrap.h"

#define COLUMNS 4
#define CONSOLE 80        /* what is wider is cut, as rich does */
#define DEFAULT_LENGTH 76 /* Keras leaves 4 columns */
#define PADDING 2         /* a space on either side of a cell */

typedef struct table {
    const cly_model_map *map;
    cly_model_printer printer;
    bool expand_nested;
    int columns;
    int widths[COLUMNS]; /* with padding */
} table;

/* ---- lines of the table ---- */

/* Prints what the console has room for. */
static clayer_status print_line(const table *t, cly_base_text *line) {
    clayer_status status = CLAYER_OK;
    if (cly_model_count_cells(line->chars, line->length) > CONSOLE) {
        line->length = cly_model_fit_cells(line->chars, line->length, CONSOLE);
        CLY_TRY(cly_model_add_blanks(line, CONSOLE - cly_model_count_cells(line->chars, line->length)));
        line->chars[line->length] = '\0';
    }
    t->printer.print(line->chars, t->printer.data);
    line->length = 0;
done:
    return status;
}

static clayer_status print_border(const table *t, const char *left, const char *bar, const char *joint,
                                  const char *right) {
    clayer_status status = CLAYER_OK;
    cly_base_text line = {0};
    for (int i = 0; i < t->columns; i++) {
        CLY_TRY(cly_base_text_add(&line, "%s", i == 0 ? left : joint));
        for (int j = 0; j < t->widths[i]; j++) {
            CLY_TRY(cly_base_text_add(&line, "%s", bar));
        }
    }
    CLY_TRY(cly_base_text_add(&line, "%s", right));
    CLY_TRY(print_line(t, &line));
done:
    cly_base_text_free(&line);
    return status;
}

/* A header's cells stand at the bottom of the row, others at the top. */
static clayer_status print_row(const table *t, const char *const *cells, const char *bar, bool header) {
    clayer_status status = CLAYER_OK;
    cly_model_lines l[COLUMNS] = {{0}};
    cly_base_text line = {0};
    size_t height = 1;
    for (int i = 0; i < t->columns; i++) {
        CLY_TRY(cly_model_break_lines(cells[i], t->widths[i] - PADDING, false, &l[i]));
        height = l[i].count - 1 > height ? l[i].count - 1 : height;
    }
    for (size_t row = 0; row < height; row++) {
        for (int i = 0; i < t->columns; i++) {
            size_t count = l[i].count - 1, above = header ? height - count : 0;
            int inside = t->widths[i] < PADDING ? 0 : t->widths[i] - PADDING;
            CLY_TRY(cly_base_text_add(&line, "%s", bar));
            CLY_TRY(cly_model_add_blanks(&line, t->widths[i] > 0));
            if (row >= above && row - above < count) {
                const size_t *starts = &l[i].starts[row - above];
                CLY_TRY(cly_model_add_cell_line(&line, cells[i], starts[0], starts[1], inside, i == 2));
            } else {
                CLY_TRY(cly_model_add_blanks(&line, inside));
            }
            CLY_TRY(cly_model_add_blanks(&line, t->widths[i] > 1));
        }
        CLY_TRY(cly_base_text_add(&line, "%s", bar));
        CLY_TRY(print_line(t, &line));
    }
done:
    for (int i = 0; i < COLUMNS; i++) {
        cly_model_lines_free(&l[i]);
    }
    cly_base_text_free(&line);
    return status;
}

/* ---- layers ---- */

/* "1,234,567" */
static clayer_status add_count(cly_base_text *text, uint64_t count) {
    clayer_status status = CLAYER_OK;
    uint64_t group = 1;
    while (count / group >= 1000) {
        group *= 1000;
    }
    CLY_TRY(cly_base_text_add(text, "%llu", (unsigned long long)(count / group)));
    for (group /= 1000; group > 0; group /= 1000) {
        CLY_TRY(cly_base_text_add(text, ",%03llu", (unsigned long long)(count / group % 1000)));
    }
done:
    return status;
}

/* The shape of the layer's last call, whether or not it belongs to the network; "[(None, 5), (None, 3)]" where that has
 * several outputs. */
static clayer_status add_shape(const clayer_model *model, const clayer_layer *layer, cly_base_text *text) {
    clayer_status status = CLAYER_OK;
    size_t i = model->node_count;
    while (i > 0 && model->nodes[i - 1]->layer != layer) {
        i--;
    }
    if (i == 0) {
        return cly_base_text_add(text, "?");
    }
    size_t count = model->nodes[i - 1]->tensor + 1;
    CLY_TRY(cly_base_text_add(text, count == 1 ? "" : "["));
    for (size_t j = 0; j < count; j++) {
        CLY_TRY(cly_base_text_add(text, j == 0 ? "" : ", "));
        CLY_TRY(cly_model_add_shape(text, &model->nodes[i - count + j]->shape, false));
    }
    CLY_TRY(cly_base_text_add(text, count == 1 ? "" : "]"));
done:
    return status;
}

/* None within nested models, whose calls are not of the network. */
static clayer_status add_connections(const table *t, const clayer_layer *layer, int level, cly_base_text *text) {
    clayer_status status = CLAYER_OK;
    for (const clayer_node *node = level > 0 ? NULL : cly_model_next_call(t->map, layer, 0); node != NULL;
         node = cly_model_next_call(t->map, layer, node->index + 1)) {
        for (size_t i = 0; i < node->input_count; i++) {
            const clayer_node *input = node->inputs[i];
            CLY_TRY(cly_base_text_add(text, "%s%s[%zu][%zu]", text->length > 0 ? ", " : "", input->layer->name,
                                      input->call, input->tensor));
        }
    }
    if (text->length == 0) {
        CLY_TRY(cly_base_text_add(text, "-"));
    }
done:
    return status;
}

static clayer_status print_layer(const table *t, const clayer_model *model, const clayer_layer *layer, int level) {
    clayer_status status = CLAYER_OK;
    cly_base_text cells[COLUMNS] = {{0}};
    uint64_t parameters = 0;
    CLY_TRY(cly_model_count_parameters(layer, &parameters));
    CLY_TRY(cly_model_add_blanks(&cells[0], 3 * level));
    CLY_TRY(
        cly_base_text_add(&cells[0], "%s%s (%s)", level > 0 ? "└ " : "", layer->name, cly_layers_class_name(layer)));
    CLY_TRY(add_shape(model, layer, &cells[1]));
    CLY_TRY(add_count(&cells[2], parameters));
    CLY_TRY(add_connections(t, layer, level, &cells[3]));
    CLY_TRY(print_row(t, (const char *const[]){cells[0].chars, cells[1].chars, cells[2].chars, cells[3].chars}, "│",
                      false));
done:
    for (int i = 0; i < COLUMNS; i++) {
        cly_base_text_free(&cells[i]);
    }
    return status;
}

/* What Keras 3 calls a layer: operations on tensors are none, and are shown in the model itself only. */
static bool is_layer(const clayer_layer *layer) {
    return layer->origin == NULL || layer->generation != 3;
}

/* The layers of one model, `level` models deep, each behind a border. */
static clayer_status print_layers(const table *t, const cly_model_map *map, int level) {
    clayer_status status = CLAYER_OK;
    cly_model_map inner = {0};
    for (size_t i = 0; i < map->layer_count; i++) {
        const clayer_layer *layer = map->layers[i];
        if (level > 0 && !is_layer(layer)) {
            continue;
        }
        if (level > 0 || i > 0) {
            CLY_TRY(print_border(t, "├", "─", "┼", "┤"));
        }
        CLY_TRY(print_layer(t, map->model, layer, level));
        if (t->expand_nested && cly_layers_called_model(layer) != NULL) {
            CLY_TRY(cly_model_map_order(layer->nested, &inner));
            CLY_TRY(print_layers(t, &inner, level + 1));
            cly_model_map_free(&inner);
        }
    }
done:
    cly_model_map_free(&inner);
    return status;
}

/* ---- the whole ---- */

/* A line outside the table: folded at the console's width. */
static clayer_status print_text(const table *t, const char *text) {
    clayer_status status = CLAYER_OK;
    cly_model_lines l = {0};
    cly_base_text line = {0};
    CLY_TRY(cly_model_break_lines(text, CONSOLE, true, &l));
    for (size_t i = 0; i + 1 < l.count; i++) {
        size_t start = l.starts[i];
        size_t end = cly_model_trim_edge(text, start, l.starts[i + 1], CONSOLE);
        CLY_TRY(cly_base_text_add_bytes(&line, text + start, end - start));
        CLY_TRY(print_line(t, &line));
    }
done:
    cly_model_lines_free(&l);
    cly_base_text_free(&line);
    return status;
}

static clayer_status print_total(const table *t, const char *title, uint64_t parameters, uint64_t bytes) {
    clayer_status status = CLAYER_OK;
    cly_base_text line = {0};
    CLY_TRY(cly_base_text_add(&line, " %s: ", title));
    CLY_TRY(add_count(&line, parameters));
    CLY_TRY(cly_base_text_add(&line, " ("));
    CLY_TRY(cly_model_add_size(&line, bytes, "B"));
    CLY_TRY(cly_base_text_add(&line, ")"));
    CLY_TRY(print_text(t, line.chars));
done:
    cly_base_text_free(&line);
    return status;
}

/* With what the optimizer holds, if that is built: Keras counts it in the total. */
static clayer_status print_totals(const table *t) {
    clayer_status status = CLAYER_OK;
    const cly_model_map *map = t->map;
    uint64_t held = 0, held_bytes = 0;
    if (map->model->compiled_holds != NULL && map->model->generation == 3) {
        CLY_TRY(map->model->compiled_holds(map->model, &held, &held_bytes));
    }
    CLY_TRY(print_total(t, "Total params", map->trainable + map->fixed + held,
                        map->trainable_bytes + map->fixed_bytes + held_bytes));
    CLY_TRY(print_total(t, "Trainable params", map->trainable, map->trainable_bytes));
    CLY_TRY(print_total(t, "Non-trainable params", map->fixed, map->fixed_bytes));
    if (held > 0) {
        CLY_TRY(print_total(t, "Optimizer params", held, held_bytes));
    }
done:
    return status;
}

/* Keras gives each column a share of the line; rich adds the padding and takes the excess away evenly, rounding as
 * Python does (half to even). */
static clayer_status lay_out(table *t, int line_length) {
    static const double chain_ends[] = {0.45, 0.80, 1.0}, graph_ends[] = {0.3, 0.56, 0.74, 1.0};
    int length = line_length > 0 ? line_length : DEFAULT_LENGTH, end = 0, total = 0;
    t->columns = t->map->chain ? 3 : 4;
    for (int i = 0; i < t->columns; i++) {
        int width = (int)((t->map->chain ? chain_ends : graph_ends)[i] * length) - end;
        if (width < 4) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: line_length %d is too small",
                                 line_length);
        }
        end += width;
        t->widths[i] = width + PADDING;
        total += t->widths[i];
    }
    int excess = total - (length - t->columns - 1);
    for (int i = 0; i < t->columns; i++) {
        int left = t->columns - i, share = excess / left, rest = excess % left;
        if (2 * rest > left || (2 * rest == left && share % 2 == 1)) {
            share++;
        }
        share = share < t->widths[i] ? share : t->widths[i];
        t->widths[i] -= share;
        excess -= share;
    }
    return CLAYER_OK;
}

clayer_status cly_model_summary_keras3(const cly_model_map *map, const clayer_summary_config *config,
                                       cly_model_printer printer) {
    static const char *const header[COLUMNS] = {"Layer (type)", "Output Shape", "Param #", "Connected to"};
    clayer_status status = CLAYER_OK;
    cly_base_text title = {0};
    table t = {.map = map, .printer = printer, .expand_nested = config->expand_nested};
    CLY_TRY(lay_out(&t, config->line_length));
    CLY_TRY(cly_base_text_add(&title, "Model: \"%s\"", map->model->name));
    CLY_TRY(print_text(&t, title.chars));
    CLY_TRY(print_border(&t, "┏", "━", "┳", "┓"));
    CLY_TRY(print_row(&t, header, "┃", true));
    CLY_TRY(print_border(&t, "┡", "━", "╇", "┩"));
    CLY_TRY(print_layers(&t, map, 0));
    CLY_TRY(print_border(&t, "└", "─", "┴", "┘"));
    CLY_TRY(print_totals(&t));
done:
    cly_base_text_free(&title);
    return status;
}
