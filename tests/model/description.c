/* model/description.c: the C side of the .model files that make_summaries.py explains. */
#include "model/description.h"

#include <stdio.h>
#include <stdlib.h>

#include "layers/layer.h"
#include "model/support.h"

#define NODES 64
#define WORDS 16

typedef struct reader {
    description result;
    clayer_node *nodes[NODES];
    size_t node_count;
    bool sequential;
    char *words[WORDS]; /* of the line before its colon */
    int word_count;
    clayer_node *given[WORDS]; /* the nodes after it */
    size_t given_count;
} reader;

static int64_t number(const reader *r, int index) {
    ck_assert_int_lt(index, r->word_count);
    return strtoll(r->words[index], NULL, 10);
}

static clayer_node *node_at(const reader *r, const char *word) {
    size_t index = (size_t)strtoul(word, NULL, 10);
    ck_assert_uint_lt(index, r->node_count);
    return r->nodes[index];
}

static void split(reader *r, char *line) {
    char *tail = strchr(line, ':');
    r->word_count = 0;
    r->given_count = 0;
    if (tail != NULL) {
        *tail++ = '\0';
        for (char *word = strtok(tail, " "); word != NULL; word = strtok(NULL, " ")) {
            ck_assert_uint_lt(r->given_count, WORDS);
            r->given[r->given_count++] = node_at(r, word);
        }
    }
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(r->word_count, WORDS);
        r->words[r->word_count++] = word;
    }
}

static void create_layer(const reader *r, clayer_layer **layer_out) {
    const char *kind = r->words[0], *name = r->words[1];
    if (strcmp(kind, "conv2d") == 0) {
        const clayer_conv_config config = {.struct_size = sizeof(config),
                                           .name = name,
                                           .padding = "same",
                                           .filters = number(r, 2),
                                           .kernel_size = {number(r, 3)}};
        MUST(clayer_layer_create(context, "Conv2D", &config, layer_out));
    } else if (strcmp(kind, "cropping2d") == 0) {
        int64_t rows = number(r, 2), cols = number(r, 3);
        const clayer_cropping_config config = {.struct_size = sizeof(config),
                                               .name = name,
                                               .has_cropping = true,
                                               .cropping = {{rows, rows}, {cols, cols}}};
        MUST(clayer_layer_create(context, "Cropping2D", &config, layer_out));
    } else if (strcmp(kind, "dense") == 0) {
        const clayer_dense_config config = {
            .struct_size = sizeof(config), .name = name, .units = number(r, 2), .kernel_initializer = "zeros"};
        MUST(clayer_layer_create(context, "Dense", &config, layer_out));
    } else if (strcmp(kind, "flatten") == 0) {
        const clayer_flatten_config config = {.struct_size = sizeof(config), .name = name};
        MUST(clayer_layer_create(context, "Flatten", &config, layer_out));
    } else if (strcmp(kind, "dropout") == 0) {
        const clayer_dropout_config config = {.struct_size = sizeof(config), .name = name, .rate = 0.5};
        MUST(clayer_layer_create(context, "Dropout", &config, layer_out));
    } else if (strcmp(kind, "batch_normalization") == 0) {
        const clayer_batch_normalization_config config = {.struct_size = sizeof(config), .name = name};
        MUST(clayer_layer_create(context, "BatchNormalization", &config, layer_out));
    } else if (strcmp(kind, "global_average_pooling2d") == 0) {
        const clayer_global_pooling_config config = {.struct_size = sizeof(config), .name = name};
        MUST(clayer_layer_create(context, "GlobalAveragePooling2D", &config, layer_out));
    } else if (strcmp(kind, "add") == 0) {
        const clayer_add_config config = {.struct_size = sizeof(config), .name = name};
        MUST(clayer_layer_create(context, "Add", &config, layer_out));
    } else if (strcmp(kind, "concatenate") == 0) {
        const clayer_concatenate_config config = {.struct_size = sizeof(config), .name = name};
        MUST(clayer_layer_create(context, "Concatenate", &config, layer_out));
    } else {
        ck_abort_msg("unknown line '%s'", kind);
    }
}

static void add_node(reader *r) {
    clayer_layer *layer = NULL;
    if (strcmp(r->words[0], "call") == 0) {
        layer = clayer_model_find_layer(r->result.model, r->words[1]);
        ck_assert_ptr_nonnull(layer);
    } else {
        create_layer(r, &layer);
    }
    ck_assert_uint_lt(r->node_count, NODES);
    MUST(clayer_model_add(r->result.model, layer, r->sequential ? NULL : r->given, r->given_count,
                          &r->nodes[r->node_count++]));
    if (strcmp(r->words[0], "call") != 0) {
        clayer_layer_destroy(layer);
    }
}

static void add_named_input(reader *r) {
    int64_t dims[CLAYER_MAX_RANK];
    for (int i = 2; i < r->word_count; i++) {
        dims[i - 2] = number(r, i);
    }
    r->nodes[r->node_count++] = add_input(r->result.model, r->words[1], r->word_count - 2, dims);
}

static void read_line(reader *r, char *line) {
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "name ", 5) == 0) {
        r->result.model = new_model(line + 5);
        return;
    }
    split(r, line);
    if (strcmp(r->words[0], "sequential") == 0) {
        r->sequential = true;
    } else if (strcmp(r->words[0], "lengths") == 0) {
        for (int i = 1; i < r->word_count; i++) {
            r->result.lengths[r->result.length_count++] = (int)number(r, i);
        }
    } else if (strcmp(r->words[0], "frozen") == 0) {
        clayer_model_find_layer(r->result.model, r->words[1])->trainable = false;
    } else if (strcmp(r->words[0], "outputs") == 0) {
        clayer_node *outputs[WORDS];
        for (int i = 1; i < r->word_count; i++) {
            outputs[i - 1] = node_at(r, r->words[i]);
        }
        MUST(clayer_model_set_outputs(r->result.model, outputs, (size_t)(r->word_count - 1)));
    } else if (strcmp(r->words[0], "input") == 0) {
        add_named_input(r);
    } else {
        add_node(r);
    }
}

description description_read(const char *path) {
    char line[1024];
    reader r = {.result = {.length_count = 1}};
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        read_line(&r, line);
    }
    (void)fclose(file);
    return r.result;
}
