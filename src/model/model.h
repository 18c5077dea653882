/* model/model.h: the graph inside a model, and what readers of files use to build one. */
#ifndef CLY_MODEL_H
#define CLY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <clayer/model.h>

#include "layers/layer.h"

struct clayer_node {
    clayer_model *model;
    clayer_layer *layer; /* retained by the model */
    clayer_node **inputs;
    size_t input_count; /* 0 for an input of the model */
    clayer_shape shape; /* of the output, unknown dimensions -1 */
    size_t index;       /* in model->nodes, which is a topological order */
    size_t call;        /* how many calls of the same layer stand before it: Keras' node index */
    bool inference;     /* the file calls the layer with training=False: see cly_model_stays_in_inference */
};

/* What a model keeps between runs: plans for the last input shapes and the device memory they share (memory.c). */
typedef struct cly_model_memory cly_model_memory;

struct clayer_model {
    clayer_context *context; /* retained */
    char *name;
    bool sequential;      /* Keras' class, for the summary; true until a node is joined explicitly */
    bool has_input_layer; /* whether a Sequential file lists its InputLayer; no summary shows it */
    clayer_node **nodes;
    size_t node_count, node_capacity;
    clayer_node **inputs;
    size_t input_count, input_capacity;
    clayer_node **outputs; /* empty: the last node */
    size_t output_count;
    clayer_layer **layers; /* distinct, in the order in which they were added; retained */
    size_t layer_count, layer_capacity;
    cly_model_memory *memory;
    /* How the file nests its inputs and outputs (JSON), for writing them so again; NULL: as a list, or they changed. */
    char *inputs_form, *outputs_form;
    int generation;        /* of Keras that wrote the file, 2 or 3; 3 for models made in C */
    /* What clayer_model_compile made (train/compiled.h), or NULL; its functions are set with it: this folder does not
     * know src/train. */
    struct cly_train_compiled *compiled;
    void (*compiled_destroy)(struct cly_train_compiled *compiled);
    /* What it means for clayer_model_get_training_plan, set with it: per output, whether there is a loss and whether
     * that reads the logits (both lists or NULL), and the bytes of the optimizer's slots. */
    clayer_status (*compiled_needs)(const clayer_model *model, bool *losses, bool *logits,
                                    uint64_t *optimizer_bytes_out);
    uint64_t version; /* increased by every change of the graph */
};

/* A call with training=False runs so in training too: in Keras 2. A model of Keras 3 passes its own `training` over
 * what its layers were called with (operation_fn in keras/src/models/functional.py). */
static inline bool cly_model_stays_in_inference(const clayer_node *node) {
    return node->inference && node->model->generation == 2;
}

/* A nameless layer gets Keras' automatic name within the model. An input is a node of class InputLayer. */
clayer_status cly_model_add_input(clayer_model *model, const char *name, const clayer_shape *batch_shape,
                                  clayer_node **node_out);

/* The outputs in effect: those that were set, else the node added last. 0 for an empty model. */
size_t cly_model_outputs(const clayer_model *model, clayer_node *const **nodes_out);

/* Frees plans and device memory: the graph changed, or the model goes. NULL does nothing. */
void cly_model_memory_destroy(clayer_model *model);

#endif
