/* model/model.h: the graph inside a model, and what readers of files use to build one. */
#ifndef CLY_MODEL_H
#define CLY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <clayer/model.h>

#include "layers/layer.h"

struct clayer_node {
    clayer_model *model;
    clayer_layer *layer; /* retained */
    clayer_node **inputs;
    size_t input_count;
    clayer_shape shape; /* of the output, unknown dimensions -1 */
    size_t index;       /* in model->nodes, which is a topological order */
};

/* One node at concrete shapes. */
typedef struct cly_model_call {
    clayer_shape *inputs;
    clayer_shape output;
    cly_ops_steps steps; /* none: the output is the first input's memory */
    int buffer;          /* which of the plan's buffers holds the output; -1: the caller's input or output */
} cly_model_call;

/* The whole model at concrete input shapes: made once, used until the shapes change. */
typedef struct cly_model_run_plan cly_model_run_plan;

struct clayer_model {
    clayer_context *context; /* retained */
    char *name;
    bool sequential;    /* Keras' class, for the summary */
    bool has_input_layer; /* a Sequential file that lists its InputLayer shows it in Keras 3's summary alone */
    clayer_node **nodes;
    size_t node_count, node_capacity;
    clayer_node **inputs;
    size_t input_count, input_capacity;
    clayer_node **outputs; /* empty: the last node */
    size_t output_count;
    clayer_layer **layers; /* distinct, in the order in which they were added; retained */
    size_t layer_count, layer_capacity;
    cly_model_run_plan *plan;
};

/* A nameless layer gets Keras' automatic name within the model. An input is a node of class InputLayer. */
clayer_status cly_model_add_input(clayer_model *model, const char *name, const clayer_shape *batch_shape,
                                  clayer_node **node_out);

#endif
