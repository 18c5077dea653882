/* model/model.h: the graph inside a model, and what readers of files use to build one. */
#ifndef CLY_MODEL_H
#define CLY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <clayer/model.h>

#include "layers/layer.h"
#include "model/index.h"

/* A nested model is called as a layer is, and a call of it with n outputs is n nodes, one behind the other: of the same
 * layer, call and inputs, with tensor 0 to n - 1. */
struct clayer_node {
    clayer_model *model;
    clayer_layer *layer; /* retained by the model */
    clayer_node **inputs;
    size_t input_count; /* 0 for an input of the model */
    clayer_shape shape; /* of the output, unknown dimensions -1 */
    size_t index;       /* in model->nodes, which is a topological order */
    size_t call;        /* how many calls of the same layer stand before it: Keras' node index */
    size_t tensor;      /* which output of the call: not 0 for nested models only */
    char *path;         /* in a flat model: where the layer stands, "encoder/conv2d_1"; else NULL */
    bool inference;     /* the file calls the layer with training=False: see cly_model_stays_in_inference */
    bool has_mask;      /* the last input is the argument `mask` of the call */
    clayer_node *fold;  /* in a flat model: the call that put the steps of the distributed model around this one into
                           the batch; of the call that takes them out again: the one that did so for it; else NULL */
    bool hidden;        /* in a flat model: the call is of a layer of our own, which no observer sees */
    clayer_node *mask;  /* in a flat model: which node says what of this one counts; NULL: everything */
};

/* What a model keeps between runs: plans for the last input shapes and the device memory they share (memory.c). */
typedef struct cly_model_memory cly_model_memory;

/* Sizes that a nested model's input has, to be compared once they are known. */
typedef struct cly_model_guard {
    const clayer_node *node; /* of the flat model, which gives the input */
    clayer_shape wanted;     /* -1: any */
    char *path;              /* "encoder/input_1" */
} cly_model_guard;

/* What Keras 3's summary says of an optimizer: all it holds or will hold, or, of an .h5 file, which its loader builds
 * for no weights, the step and the learning rate alone. */
typedef enum cly_model_optimizer {
    CLY_MODEL_OPTIMIZER_MADE = 0, /* compiled in C: all once it has made a step */
    CLY_MODEL_OPTIMIZER_ALL,
    CLY_MODEL_OPTIMIZER_SCALARS,
    CLY_MODEL_OPTIMIZER_NONE
} cly_model_optimizer;

struct clayer_model {
    int references;          /* the caller's, and one a layer of another model that it is nested as */
    size_t nested;           /* the latter: while there are some the graph cannot be changed */
    clayer_context *context; /* retained */
    char *name;
    bool nameless;        /* the name is not the caller's: nested it gets an automatic one */
    bool sequential;      /* Keras' class, for the summary; true until a node is joined explicitly */
    bool has_input_layer; /* whether a Sequential file lists its InputLayer; no summary shows it */
    clayer_node **nodes;
    size_t node_count, node_capacity;
    clayer_node **inputs;
    size_t input_count, input_capacity;
    clayer_node **outputs; /* empty: the last node */
    char **output_names;   /* one each; NULL where outputs is */
    char **output_keys;    /* of the dict that they are in Keras; NULL: it is none */
    size_t output_count;
    clayer_layer **layers; /* distinct, in the order in which they were added; retained */
    size_t layer_count, layer_capacity;
    cly_model_index index; /* of the layers and their calls */
    bool has_nested;       /* or masks, or statistics that several calls move: the flat model is another one */
    size_t flat_count;     /* nodes of the flat model, unneeded ones included */
    cly_model_memory *memory;
    clayer_model **flat; /* one place: this model itself, or where some are nested the flat one, NULL until asked for */
    /* of a flat model: what nested models ask of their inputs, where shapes were not known */
    cly_model_guard *guards;
    size_t guard_count, guard_capacity;
    const clayer_model *facade; /* of a flat model: what it was derived from, borrowed; else NULL */
    clayer_observe_callback *observer;
    void *observer_data;
    /* How the file nests its inputs and outputs (JSON), for writing them so again; NULL: as a list, or they changed. */
    char *inputs_form, *outputs_form;
    int generation; /* of Keras that wrote the file, 2 or 3; 3 for models made in C */
    /* What clayer_model_compile made (train/compiled.h), or NULL; its functions are set with it: this folder does not
     * know src/train. */
    struct cly_train_compiled *compiled;
    void (*compiled_destroy)(struct cly_train_compiled *compiled);
    /* What it means for clayer_model_get_training_plan, set with it: per output, whether there is a loss and whether
     * that reads the logits (both lists or NULL), and the bytes of the optimizer's slots. */
    clayer_status (*compiled_needs)(const clayer_model *model, bool *losses, bool *logits,
                                    uint64_t *optimizer_bytes_out);
    /* Likewise for summaries: numbers in the optimizer and their bytes. */
    clayer_status (*compiled_holds)(const clayer_model *model, uint64_t *count_out, uint64_t *bytes_out);
    cly_model_optimizer optimizer;
    uint64_t version;              /* increased by every change of the graph */
    unsigned not_fused;            /* of clayer_fusion, what is switched off */
    struct cly_model_check *check; /* an input and what was answered to it (check.c), or NULL */
};

/* A call with training=False runs so in training too: in Keras 2. A model of Keras 3 passes its own `training` over
 * what its layers were called with (operation_fn in keras/src/models/functional.py). */
static inline bool cly_model_stays_in_inference(const clayer_node *node) {
    return node->inference && node->model->generation == 2;
}

/* ---- nested models (nested.c) ---- */

/* The classes of nested models; no reader finds them by name. The layer's `nested` is the model. */
extern const cly_layers_class cly_model_functional_layer, cly_model_sequential_layer;

/* A layer that is `nested`, which it retains, for clayer_model_add; the caller destroys it. name NULL: the model's own,
 * or where that is nameless an automatic one once the layer is added. */
clayer_status cly_model_wrap(clayer_model *nested, const char *name, clayer_layer **layer_out);

/* A layer that is `nested` in a TimeDistributed of that name (NULL: automatic), in which it has the name inner_name
 * (NULL: as above). CLAYER_UNSUPPORTED for a model of several inputs or outputs. */
clayer_status cly_model_distribute(clayer_model *nested, const char *inner_name, const char *name,
                                   clayer_layer **layer_out);

/* CLAYER_INVALID_SHAPE unless the rank and all sizes that both know are equal. */
clayer_status cly_model_fit_input(const clayer_shape *wanted, const clayer_shape *given, const char *model,
                                  const char *input);

/* The shapes of all outputs of one call of any layer: `outputs` has room for cly_model_count_tensors(layer). */
clayer_status cly_model_infer_call(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   clayer_shape *outputs);

/* How many outputs a call of `layer` has: 1 but for nested models. */
size_t cly_model_count_tensors(const clayer_layer *layer);

/* ---- the flat model (flat.c) ---- */

/* What runs and trains: `model` itself where nothing is nested, else a model in which the layers of nested ones stand
 * in their calls' place. Its layers are all layers once, in Keras' order of weights, and retained; its inputs and
 * outputs are those of `model` in number, order and name. Borrowed until the graph changes or `model` goes;
 * cly_model_retain keeps it. */
clayer_status cly_model_flat(const clayer_model *model, clayer_model **flat_out);

/* CLAYER_INVALID_ARGUMENT where an Embedding that reads input `input` has no row for one of the `count` values of
 * `samples` samples, naming number and sample: order[r], or first + r (numbers.c). */
clayer_status cly_model_check_numbers(const clayer_model *model, size_t input, const float *values, int64_t count,
                                      int64_t samples, const int64_t *order, int64_t first);

/* ---- masks (masks.c) ---- */

/* Whether a model of this layer has masks, so that its flat model is another one. */
bool cly_model_makes_masks(const clayer_layer *layer);

/* While a flat model is made: appends the mask of inputs[0] to the inputs of `call`, where its layer uses it. Returns
 * how many there are then. */
size_t cly_model_mask_input(const clayer_node *call, clayer_node **inputs);

/* Likewise, once the node is there: finds or makes its mask. */
clayer_status cly_model_mask_output(clayer_model *flat, clayer_node *node);

/* Makes the mask of a node that of its steps: of (N, T, ...), which of the T count anywhere. */
clayer_status cly_model_mask_steps(clayer_model *flat, clayer_node *node);

/* The flat model retains a layer that only it has. */
clayer_status cly_model_keep_layer(clayer_model *flat, clayer_layer *layer);

clayer_model *cly_model_retain(clayer_model *model);

/* Where a node's layer stands in the model: "conv2d_1", in a flat model "encoder/conv2d_1". */
static inline const char *cly_model_node_path(const clayer_node *node) {
    return node->path != NULL ? node->path : node->layer->name;
}

/* "Conv2D 'encoder/conv2d_1'", for messages; `text` holds CLY_LAYERS_DESCRIPTION bytes. Returns text. */
const char *cly_model_describe_node(const clayer_node *node, char *text, size_t capacity);

/* Puts the path before a layer's own message where the layer's name does not say it. */
clayer_status cly_model_prefix(clayer_status status, const clayer_node *node);

/* ---- building ---- */

/* The most calls of layers in a model, those in nested ones counted: a file of a few lines can nest and call without
 * an end. */
#define CLY_MODEL_CALL_LIMIT 200000

/* Appends one call with everything checked: a node for each of its `tensors` outputs. In a flat model the layer is not
 * put on the list of layers. */
clayer_status cly_model_append(clayer_model *model, clayer_layer *layer, clayer_node *const *inputs, size_t input_count,
                               const clayer_shape *shapes, size_t tensors);

/* Forgets plans and the flat model, which are those of the graph before. */
void cly_model_graph_changed(clayer_model *model);

void cly_model_free_names(char **names, size_t count);

/* Fails where the graph cannot be changed. */
clayer_status cly_model_check_changeable(const clayer_model *model);

/* A nameless layer gets Keras' automatic name within the model. An input is a node of class InputLayer. */
clayer_status cly_model_add_input(clayer_model *model, const char *name, const clayer_shape *batch_shape,
                                  clayer_node **node_out);

/* How often `layer` is called in this model, calls of nested ones not counted. */
size_t cly_model_count_calls(const clayer_model *model, const clayer_layer *layer);

/* The outputs in effect: those that were set, else the node added last. 0 for an empty model. */
size_t cly_model_outputs(const clayer_model *model, clayer_node *const **nodes_out);
/* What losses and metrics of an output are called by: in Keras 3 its key, where the outputs are a dict, else its
 * name. */
const char *cly_model_loss_name(const clayer_model *model, size_t index);

/* Frees plans and device memory, and those of the flat model: the graph changed, or the model goes. NULL does nothing.
 */
void cly_model_memory_destroy(clayer_model *model);

/* Forgets the flat model (flat.c); graph_changed and clayer_model_destroy call it. */
void cly_model_flat_destroy(clayer_model *model);

#endif
