/* cli/classes.h: names of classes, and the most probable ones of each sample. */
#ifndef CLY_CLI_CLASSES_H
#define CLY_CLI_CLASSES_H

#include "cli.h"

typedef struct cly_cli_class {
    char *name;
    char *code; /* "n01440764" of Keras' imagenet_class_index.json; NULL: none */
} cly_cli_class;

typedef struct cly_cli_classes {
    cly_cli_class *items;
    size_t count;
} cly_cli_classes;

/* A name a line; or, told by content, a JSON list of names, an object {"0": "name"} or {"0": ["code", "name"]} as
 * Keras' class index has it, or {"name": 0} as an image generator's class_indices. */
int cly_cli_read_classes(const char *path, cly_cli_classes *classes_out);
void cly_cli_free_classes(cly_cli_classes *classes);

typedef struct cly_cli_ranking { /* what is to be printed */
    const cly_cli_classes *classes;
    const char *classes_path;
    int64_t top;
    bool from_logits;          /* the output is made probabilities by softmax (one class: sigmoid) */
    char *const *sample_names; /* NULL: samples are numbered */
    bool json;
} cly_cli_ranking;

/* Whether the output (samples, classes) has as many classes as there are names; an output of one number is the
 * probability of the second of two. `output` names it. */
int cly_cli_check_classes(const clayer_shape *shape, const char *output, const cly_cli_ranking *ranking);

/* Prints the `top` most probable classes of each sample, the first of equals first; as JSON a list without a newline
 * behind it. */
int cly_cli_print_classes(const clayer_array *output, const cly_cli_ranking *ranking);

#endif
