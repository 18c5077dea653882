/* model/index.h: names, layers and calls of a model found at once, so that a graph of thousands of layers is built in
 * a time that grows as its size does. */
#ifndef CLY_MODEL_INDEX_H
#define CLY_MODEL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/status.h>

#include "layers/layer.h"

/* One key and what is known of it. Keys are borrowed: texts that live as long as the table, or addresses. */
typedef struct cly_model_slot {
    const void *key; /* NULL: free */
    void *item;
    size_t number;
} cly_model_slot;

typedef struct cly_model_table {
    cly_model_slot *slots;
    size_t count, capacity; /* a power of two, or 0 */
} cly_model_table;

/* `text`: keys are compared as NUL-terminated texts, else as addresses. A table has keys of one kind. */
cly_model_slot *cly_model_table_find(const cly_model_table *table, const void *key, bool text);
/* Makes room for one more key, so that the next put cannot fail. */
clayer_status cly_model_table_reserve(cly_model_table *table, bool text);
/* The slot of `key`, which is made where it is new; there must be room. */
cly_model_slot *cly_model_table_put(cly_model_table *table, const void *key, bool text);
void cly_model_table_free(cly_model_table *table);

/* What a model knows of its layers. */
typedef struct cly_model_index {
    cly_model_table names;    /* name: item is the layer */
    cly_model_table calls;    /* layer: number is how often it is called */
    cly_model_table prefixes; /* automatic name: number is the lowest one that may be free */
} cly_model_index;

clayer_status cly_model_index_reserve(cly_model_index *index);
void cly_model_index_free(cly_model_index *index);

clayer_layer *cly_model_index_find(const cly_model_index *index, const char *name);
bool cly_model_index_has(const cly_model_index *index, const clayer_layer *layer);

/* Notes one more call of `layer` and returns how many there were before; room was reserved. Where the layer is new its
 * name is noted too, unless `nameless`. */
size_t cly_model_index_call(cly_model_index *index, clayer_layer *layer, bool nameless);

/* Keras' automatic name: the class in snake case for the first, then with _1, _2...; names that were given are stepped
 * over. Freed with free(). */
clayer_status cly_model_index_new_name(cly_model_index *index, const char *prefix, char **name_out);

#endif
