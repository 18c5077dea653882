/* base/spec.h: a thing chosen by name with a few arguments: an activation, initializer, regularizer, constraint.
 *
 * One idea, several lists. A list says which names there are and which arguments each takes; text such as
 * "l1_l2(l1=0.01)" is parsed against it, and a spec is formatted back to such text. Readers of Keras' JSON set the
 * arguments one by one and store the text, so that a layer has one way of getting them. */
#ifndef CLY_BASE_SPEC_H
#define CLY_BASE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/status.h>

#include "base/text.h"

#define CLY_SPEC_PARAMETERS 20
#define CLY_SPEC_LISTS 2    /* list arguments of one entry */
#define CLY_SPEC_NUMBERS 64 /* numbers of such a list */
#define CLY_SPEC_NAME 64    /* bytes of a name of one's own */

typedef enum cly_spec_kind {
    CLY_SPEC_NUMBER = 0, /* value: the number */
    CLY_SPEC_BOOL,       /* value: 0 or 1 */
    CLY_SPEC_SEED,       /* a non-negative integer or None; value: -1 for None */
    CLY_SPEC_CHOICE,     /* one of `choices` (NULL-terminated); value: its index */
    CLY_SPEC_AXES,       /* an integer or a list of them, each -8 .. 7; value: the sum of 1 << (axis + 8) */
    CLY_SPEC_OPTIONAL,   /* a number or None; value: NaN for None, which is also how a fallback says it */
    CLY_SPEC_LIST        /* a number or a list of them; value: how many, 0 for None; they stand in cly_spec.lists */
} cly_spec_kind;

typedef struct cly_spec_parameter {
    const char *name; /* NULL ends the parameters of an entry */
    double fallback;  /* what it is when not given */
    cly_spec_kind kind;
    const char *alias; /* another name that files use ("alpha"), or NULL */
    const char *const *choices;
    double low, high; /* inclusive limits of a number; both 0: any finite one */
} cly_spec_parameter;

typedef struct cly_spec_entry {
    int id;
    const char *name;       /* Keras' snake_case: "truncated_normal" */
    const char *class_name; /* Keras' class: "TruncatedNormal"; NULL if there is none */
    const char *alias;      /* another name ("swish" for silu), or NULL */
    cly_spec_parameter parameters[CLY_SPEC_PARAMETERS];
} cly_spec_entry;

typedef struct cly_spec_list {
    const char *what; /* "activation", for messages */
    const cly_spec_entry *entries;
    size_t count;
    bool named; /* each may be given a name of its own: "auc(name='area')" */
} cly_spec_list;

typedef struct cly_spec {
    const cly_spec_entry *entry; /* NULL: none given */
    double values[CLY_SPEC_PARAMETERS];
    double lists[CLY_SPEC_LISTS][CLY_SPEC_NUMBERS]; /* of the entry's list arguments, in order */
    char name[CLY_SPEC_NAME];                       /* "": none of its own */
} cly_spec;

/* The entry of that name, class name or alias with its fallbacks set. CLAYER_INVALID_ARGUMENT: "unknown activation 'x'"
 * and the names there are. */
clayer_status cly_base_spec_find(const cly_spec_list *list, const char *name, cly_spec *spec_out);

/* Sets one argument by name; a list is one of axes or of numbers. A wrong name, kind or limit is
 * CLAYER_INVALID_ARGUMENT. */
clayer_status cly_base_spec_set_number(const cly_spec_list *list, cly_spec *spec, const char *name, double value);
clayer_status cly_base_spec_set_text(const cly_spec_list *list, cly_spec *spec, const char *name, const char *value);

clayer_status cly_base_spec_set_list(const cly_spec_list *list, cly_spec *spec, const char *name, const double *numbers,
                                     size_t count);

/* "name", "name(3)", "name(a=1, mode=fan_in, axis=[0, 1])"; positional arguments in the entry's order. NULL or "":
 * spec_out->entry is NULL. */
clayer_status cly_base_spec_parse(const cly_spec_list *list, const char *text, cly_spec *spec_out);

/* The text that parses to the same spec; only what differs from the fallbacks is written. */
clayer_status cly_base_spec_format(const cly_spec *spec, cly_base_text *text);

/* The value of one parameter; the name must exist (an internal error otherwise gives 0). */
double cly_base_spec_get(const cly_spec *spec, const char *name);

/* The numbers of a list argument, *count_out of them; NULL where none was given. */
const double *cly_base_spec_get_list(const cly_spec *spec, const char *name, size_t *count_out);

#endif
