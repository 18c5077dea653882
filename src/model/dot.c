/* model/dot.c: a model as a graph in Graphviz' DOT language, with what Keras' model_to_dot draws
 * (keras/src/utils/model_visualization.py): a box for each layer, an arrow for each layer that another one reads, and
 * nested models as one box or, expanded, as a frame around theirs.
 *
 * Boxes are numbered, for names may hold anything; names stand in labels, which are Graphviz' HTML. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/operation.h"
#include "model/cells.h"
#include "model/index.h"
#include "model/summary.h"

/* One model in the picture: the whole, or one nested in it that is expanded. */
typedef struct frame {
    cly_model_map map;
    cly_model_table boxes; /* layer: number is its box; of an expanded one item is its frame */
    struct frame *next;    /* all frames of the picture */
} frame;

typedef struct arrow {
    size_t from, to; /* boxes */
} arrow;

typedef struct picture {
    const clayer_dot_config *config;
    cly_model_printer printer;
    cly_base_text line;
    frame *frames;
    arrow *arrows;
    size_t box_count, arrow_count, arrow_capacity;
} picture;

/* ---- text ---- */

static void print_line(picture *p) {
    p->printer.print(p->line.chars, p->printer.data);
    p->line.length = 0;
}

/* What XML may hold at all; a byte that is not UTF-8 reads as a point too, and is no text. */
static bool is_text(cly_model_glyph glyph, const char *chars) {
    uint32_t point = glyph.point;
    bool broken = glyph.bytes == 1 && (unsigned char)*chars >= 0x80;
    return !broken && point >= ' ' && (point < 0x7f || point > 0x9f) && (point < 0xd800 || point > 0xdfff) &&
           point != 0xfffe && point != 0xffff && point <= 0x10ffff;
}

/* Text of a label. Graphviz takes "&lt;" in it for a character even where the ampersand is escaped, so what follows an
 * ampersand becomes a text of its own. */
static clayer_status add_text(cly_base_text *line, const char *text) {
    clayer_status status = CLAYER_OK;
    bool after_ampersand = false;
    while (*text != '\0') {
        cly_model_glyph glyph = cly_model_read_glyph(text);
        CLY_TRY(cly_base_text_add(line, "%s", after_ampersand ? "<font>" : ""));
        if (!is_text(glyph, text)) {
            CLY_TRY(cly_base_text_add(line, "\xef\xbf\xbd")); /* U+FFFD */
        } else if (strchr("&<>\"", *text) != NULL) {
            CLY_TRY(cly_base_text_add(line, "&#%d;", *text));
        } else {
            CLY_TRY(cly_base_text_add_bytes(line, text, (size_t)glyph.bytes));
        }
        CLY_TRY(cly_base_text_add(line, "%s", after_ampersand ? "</font>" : ""));
        after_ampersand = *text == '&';
        text += glyph.bytes;
    }
done:
    return status;
}

/* "<b>conv2d_1</b> (Conv2D)" */
static clayer_status add_title(cly_base_text *line, const clayer_layer *layer) {
    clayer_status status = CLAYER_OK;
    if (layer->name[0] != '\0') { /* an empty <b> is refused */
        CLY_TRY(cly_base_text_add(line, "<b>"));
        CLY_TRY(add_text(line, layer->name));
        CLY_TRY(cly_base_text_add(line, "</b> "));
    }
    CLY_TRY(cly_base_text_add(line, "(%s)", cly_layers_class_name(layer)));
done:
    return status;
}

/* ---- boxes ---- */

/* The layer's first call in the network: its first node. */
static clayer_status add_shapes(cly_base_text *line, const clayer_node *node) {
    clayer_status status = CLAYER_OK;
    const clayer_model *model = node->model;
    clayer_shape shown;
    CLY_TRY(cly_base_text_add(line, "<tr>"));
    for (size_t i = 0; i < node->input_count; i++) {
        CLY_TRY(cly_base_text_add(line, i == 0 ? "<td bgcolor=\"white\">Input shape: " : "<br/>"));
        shown = cly_layers_shown_shape(node->inputs[i]->layer, &node->inputs[i]->shape);
        CLY_TRY(cly_model_add_shape(line, &shown, true));
    }
    CLY_TRY(cly_base_text_add(line, "%s<td bgcolor=\"white\">Output shape: ", node->input_count > 0 ? "</td>" : ""));
    for (size_t i = node->index; i < model->node_count && model->nodes[i]->tensor == i - node->index; i++) {
        CLY_TRY(cly_base_text_add(line, i == node->index ? "" : "<br/>"));
        shown = cly_layers_shown_shape(node->layer, &model->nodes[i]->shape);
        CLY_TRY(cly_model_add_shape(line, &shown, true));
    }
    CLY_TRY(cly_base_text_add(line, "</td></tr>"));
done:
    return status;
}

static clayer_status print_box(picture *p, const frame *f, const clayer_layer *layer, size_t box) {
    clayer_status status = CLAYER_OK;
    const clayer_node *call = cly_model_next_call(&f->map, layer, 0);
    bool shapes = call != NULL && !p->config->hide_shapes;
    int columns = shapes && call->input_count > 0 ? 2 : 1;
    CLY_TRY(cly_base_text_add(&p->line,
                              "  n%zu [label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" "
                              "cellpadding=\"6\"><tr><td colspan=\"%d\" bgcolor=\"black\"><font color=\"white\">",
                              box, columns));
    CLY_TRY(add_title(&p->line, layer));
    CLY_TRY(cly_base_text_add(&p->line, "</font></td></tr>"));
    if (shapes) {
        CLY_TRY(add_shapes(&p->line, call));
    }
    CLY_TRY(cly_base_text_add(&p->line, "</table>>];"));
    print_line(p);
done:
    return status;
}

static clayer_status make_frame(picture *p, const clayer_model *model, frame **frame_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(frame), &memory);
    if (status == CLAYER_OK) {
        frame *f = memory;
        f->next = p->frames;
        p->frames = f;
        *frame_out = f;
        status = cly_model_map_order(model, &f->map);
    }
    return status;
}

/* The boxes of a model, and those of the models in it where they are expanded. */
static clayer_status print_boxes(picture *p, frame *f) {
    clayer_status status = CLAYER_OK;
    frame *inner = NULL;
    for (size_t i = 0; i < f->map.layer_count; i++) {
        const clayer_layer *layer = f->map.layers[i];
        CLY_TRY(cly_model_table_reserve(&f->boxes, false));
        size_t box = p->box_count++;
        cly_model_slot *slot = cly_model_table_put(&f->boxes, layer, false);
        slot->number = box;
        if (cly_layers_shown_model(layer) == NULL || !p->config->expand_nested) {
            CLY_TRY(print_box(p, f, layer, box));
            continue;
        }
        CLY_TRY(make_frame(p, layer->nested, &inner));
        slot->item = inner;
        CLY_TRY(cly_base_text_add(&p->line, "  subgraph cluster_%zu {", box));
        print_line(p);
        CLY_TRY(cly_base_text_add(&p->line, "  style=dashed; labeljust=l; label=<"));
        CLY_TRY(add_title(&p->line, layer));
        CLY_TRY(cly_base_text_add(&p->line, ">;"));
        print_line(p);
        CLY_TRY(print_boxes(p, inner));
        CLY_TRY(cly_base_text_add(&p->line, "  }"));
        print_line(p);
    }
done:
    return status;
}

/* ---- arrows ---- */

/* The box that makes a node's output; false if it is not drawn, as the input of a Sequential. */
static bool find_source(const frame *f, const clayer_node *node, size_t *box_out) {
    for (;;) {
        const cly_model_slot *slot = cly_model_table_find(&f->boxes, node->layer, false);
        clayer_node *const *outputs = NULL;
        if (slot == NULL || slot->item == NULL) {
            *box_out = slot == NULL ? 0 : slot->number;
            return slot != NULL;
        }
        f = slot->item;
        if (node->tensor >= cly_model_outputs(f->map.model, &outputs)) {
            return false;
        }
        node = outputs[node->tensor];
    }
}

/* The box that reads input `input` of a layer: in an expanded one its InputLayer, or the first layer of a Sequential.
 */
static bool find_target(const frame *f, const clayer_layer *layer, size_t input, size_t *box_out) {
    for (;;) {
        const cly_model_slot *slot = cly_model_table_find(&f->boxes, layer, false);
        if (slot == NULL || slot->item == NULL) {
            *box_out = slot == NULL ? 0 : slot->number;
            return slot != NULL;
        }
        f = slot->item;
        const clayer_model *model = f->map.model;
        if (input >= model->input_count || f->map.layer_count == 0) {
            return false;
        }
        layer = model->sequential ? f->map.layers[0] : model->inputs[input]->layer;
        input = model->sequential ? 0 : input;
    }
}

static clayer_status collect_arrows(picture *p, const frame *f) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < f->map.model->node_count; i++) {
        const clayer_node *node = f->map.model->nodes[i];
        for (size_t j = 0; f->map.relevant[i] && j < node->input_count; j++) {
            arrow a = {0};
            if (find_source(f, node->inputs[j], &a.from) && find_target(f, node->layer, j, &a.to)) {
                void *items = p->arrows;
                CLY_TRY(cly_base_grow(&items, &p->arrow_capacity, p->arrow_count, sizeof(arrow)));
                p->arrows = items;
                p->arrows[p->arrow_count++] = a;
            }
        }
    }
done:
    return status;
}

static int compare_arrows(const void *left, const void *right) {
    const arrow *a = left, *b = right;
    if (a->to != b->to) {
        return a->to < b->to ? -1 : 1;
    }
    return a->from < b->from ? -1 : a->from > b->from;
}

/* One from each box to each other, however many tensors go that way. */
static clayer_status print_arrows(picture *p) {
    clayer_status status = CLAYER_OK;
    for (const frame *f = p->frames; f != NULL; f = f->next) {
        CLY_TRY(collect_arrows(p, f));
    }
    if (p->arrow_count > 0) {
        qsort(p->arrows, p->arrow_count, sizeof(arrow), compare_arrows);
    }
    for (size_t i = 0; i < p->arrow_count; i++) {
        if (i == 0 || compare_arrows(&p->arrows[i - 1], &p->arrows[i]) != 0) {
            CLY_TRY(cly_base_text_add(&p->line, "  n%zu -> n%zu;", p->arrows[i].from, p->arrows[i].to));
            print_line(p);
        }
    }
done:
    return status;
}

/* ---- the whole ---- */

static clayer_status check_config(const clayer_dot_config *config) {
    static const char *const directions[] = {"TB", "LR", "BT", "RL"};
    if (config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_to_dot: struct_size is %zu, must be %zu",
                             config->struct_size, sizeof(*config));
    }
    for (size_t i = 0; i < CLY_COUNT(directions); i++) {
        if (config->rankdir == NULL || strcmp(config->rankdir, directions[i]) == 0) {
            return CLAYER_OK;
        }
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_to_dot: rankdir '%s' is none of TB, LR, BT, RL",
                         config->rankdir);
}

clayer_status clayer_model_to_dot(clayer_model *model, const clayer_dot_config *config, clayer_print_callback *print,
                                  void *data) {
    static const clayer_dot_config defaults = {.struct_size = sizeof(defaults)};
    clayer_status status = CLAYER_OK;
    frame *whole = NULL;
    config = config == NULL ? &defaults : config;
    picture p = {.config = config, .printer = {print, data}};
    if (model == NULL || print == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_to_dot: %s is NULL",
                             model == NULL ? "model" : "print");
    }
    CLY_TRY(check_config(config));
    CLY_TRY(make_frame(&p, model, &whole));
    CLY_TRY(cly_base_text_add(&p.line, "digraph model {"));
    print_line(&p);
    CLY_TRY(cly_base_text_add(&p.line, "  charset=\"UTF-8\"; rankdir=%s; fontname=\"Helvetica\"; ranksep=0.35;",
                              config->rankdir == NULL ? "TB" : config->rankdir));
    print_line(&p);
    CLY_TRY(cly_base_text_add(&p.line, "  node [shape=plain, fontname=\"Helvetica\"];"));
    print_line(&p);
    CLY_TRY(print_boxes(&p, whole));
    CLY_TRY(print_arrows(&p));
    CLY_TRY(cly_base_text_add(&p.line, "}"));
    print_line(&p);
done:
    while (p.frames != NULL) {
        frame *next = p.frames->next;
        cly_model_map_free(&p.frames->map);
        cly_model_table_free(&p.frames->boxes);
        free(p.frames);
        p.frames = next;
    }
    free(p.arrows);
    cly_base_text_free(&p.line);
    return status;
}
