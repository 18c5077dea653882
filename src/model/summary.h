/* model/summary.h: what both generations' tables are made from. */
#ifndef CLY_MODEL_SUMMARY_H
#define CLY_MODEL_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "model/model.h"

/* The model as Keras orders it: what the outputs need, and inputs that nothing needs. */
typedef struct cly_model_map {
    const clayer_model *model;
    bool *relevant;              /* a call of the network: one a node, true for the first node of a call only */
    const clayer_layer **layers; /* deepest first, then in order of traversal from the outputs */
    size_t layer_count;
    bool chain;                            /* no branch, no layer called twice: printed without connections */
    uint64_t trainable, fixed;             /* parameters */
    uint64_t trainable_bytes, fixed_bytes; /* as Keras stores them */
} cly_model_map;

clayer_status cly_model_map_create(const clayer_model *model, cly_model_map *map_out);
/* The same without the parameters. */
clayer_status cly_model_map_order(const clayer_model *model, cly_model_map *map_out);

/* The indexes of all nodes in the order in which Keras runs their calls; those that no output needs come last. Freed
 * with free(). */
clayer_status cly_model_run_order(const clayer_model *model, size_t **order_out);
void cly_model_map_free(cly_model_map *map);

/* Where the lines go. */
typedef struct cly_model_printer {
    clayer_print_callback *print;
    void *data;
} cly_model_printer;

clayer_status cly_model_summary_keras2(const cly_model_map *map, const clayer_summary_config *config,
                                       cly_model_printer printer);
clayer_status cly_model_summary_keras3(const cly_model_map *map, const clayer_summary_config *config,
                                       cly_model_printer printer);

/* Parameters of a layer, trainable and not; those of a nested model are each counted once. */
clayer_status cly_model_count_parameters(const clayer_layer *layer, uint64_t *count_out);

/* The next relevant call of `layer` from node index `from` on: its first node. NULL if there is none. */
const clayer_node *cly_model_next_call(const cly_model_map *map, const clayer_layer *layer, size_t from);

/* "7.00 KB"; `unit` is what bytes are called ("B", "Byte"). */
clayer_status cly_model_add_size(cly_base_text *text, uint64_t bytes, const char *unit);

/* "(None, 28, 28, 3)". */
clayer_status cly_model_add_shape(cly_base_text *text, const clayer_shape *shape, bool python_tuple);

#endif
