/* model/training_plan.h: a model at concrete input shapes, ready to be trained.
 *
 * The forward pass is a run plan (plan.h) whose steps are those of training. The backward pass is a list of actions:
 * the backward steps of a layer, and what lies between them (sums of gradients, penalties). Time is counted in
 * positions: node i runs at position i, the loss at position node_count, action k at node_count + 1 + k. A value is
 * memory that is written at one position and read until another: outputs, what layers keep, gradients. All values of
 * both passes share the run plan's buffers by lifetime.
 *
 * training_plan.c makes plans, training_backward.c writes the actions, training_storage.c shares the memory,
 * training.c keeps plans and memory, training_run.c enqueues, training_numerics.c looks for what is not finite. */
#ifndef CLY_MODEL_TRAINING_PLAN_H
#define CLY_MODEL_TRAINING_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/plan.h"
#include "model/training.h"

#define CLY_MODEL_NO_VALUE SIZE_MAX

typedef enum cly_model_value_kind {
    CLY_VALUE_MEMORY = 0, /* one of the plan's buffers */
    CLY_VALUE_INPUT,      /* the caller's input */
    CLY_VALUE_GRADIENT    /* the gradient of a weight, which that holds itself */
} cly_model_value_kind;

typedef struct cly_model_value {
    cly_model_value_kind kind;
    size_t input;               /* of CLY_VALUE_INPUT */
    cly_weights_weight *weight; /* of CLY_VALUE_GRADIENT */
    size_t over;                /* the value in whose memory this one is written, or CLY_MODEL_NO_VALUE */
    cly_model_lifetime life;
} cly_model_value;

/* The values of one node. */
typedef struct cly_model_train_node {
    size_t output;
    size_t saved[CLY_OPS_SAVED];
    size_t gradient;        /* of the output, summed up so far; none: nothing depends on it */
    size_t logits_gradient; /* where steps.logits is set: of what goes into the activation */
} cly_model_train_node;

typedef struct cly_model_train_output {
    size_t y, logits, gradient, mask; /* values; all but the first may be CLY_MODEL_NO_VALUE */
} cly_model_train_output;

typedef enum cly_model_action_kind {
    CLY_ACTION_LAYER = 0, /* `steps` of `node` from the gradient `source` */
    CLY_ACTION_LOGITS,    /* likewise through its activation alone, into `target` */
    CLY_ACTION_ADD,       /* target += source */
    CLY_ACTION_ZERO,      /* target = 0 */
    CLY_ACTION_PENALTY    /* target += the gradient of the activity regularizer of `node` */
} cly_model_action_kind;

typedef struct cly_model_action {
    cly_model_action_kind kind;
    const clayer_node *node;
    cly_ops_steps steps;
    size_t source, target;
    size_t *input_gradients; /* of LAYER: a value an input, owned */
    size_t weight_gradients[CLY_LAYERS_WEIGHTS];
    size_t activity; /* of PENALTY: which of the plan's */
} cly_model_action;

/* An activity regularizer on one call of its layer. */
typedef struct cly_model_activity {
    const clayer_node *node;
    cly_spec regularizer;
    float share; /* 1 / batch */
} cly_model_activity;

/* A weight's regularizer. */
typedef struct cly_model_penalty {
    clayer_layer *layer;
    size_t weight;
    bool counts;   /* its value belongs to the loss */
    bool acts;     /* its gradient belongs to the weight's */
    bool is_first; /* which is not written before */
} cly_model_penalty;

typedef struct cly_model_train_plan {
    cly_model_run_plan *forward;
    uint64_t version; /* of the graph */
    bool *trainable;  /* every layer's, as it was planned with */
    size_t node_count, layer_count, output_count;
    cly_model_value *values; /* in the order of their first position */
    size_t value_count, value_capacity;
    cly_model_train_node *nodes;
    cly_model_train_output *outputs;
    cly_model_action *actions;
    size_t action_count, action_capacity;
    cly_model_activity *activities;
    size_t activity_count, activity_capacity;
    cly_model_penalty *penalties;
    size_t penalty_count, penalty_capacity;
    cly_model_weight *gradients; /* the weights that have one */
    size_t gradient_count, gradient_capacity;
    uint64_t gradient_bytes;
    size_t checks;        /* that check_numerics makes in one pass at most */
    uint64_t *mask_steps; /* layer->training_step of each node in the last forward pass */
} cly_model_train_plan;

clayer_status cly_model_train_plan_create(clayer_model *model, const cly_model_training_config *config,
                                          const clayer_shape *input_shapes, cly_model_train_plan **plan_out);
void cly_model_train_plan_destroy(cly_model_train_plan *plan);

/* Whether the plan is still one for these shapes, this graph, what is trainable and what is forced. */
bool cly_model_train_plan_fits(const clayer_model *model, const cly_model_train_plan *plan,
                               const clayer_shape *input_shapes);

/* ---- for the files of the plan ---- */

/* Appends a value of `bytes` in the plan's memory, written at `first`. */
clayer_status cly_model_train_value(cly_model_train_plan *plan, uint64_t bytes, size_t first, size_t *value_out);

/* The value is read at that position, too. */
void cly_model_train_touch(cly_model_train_plan *plan, size_t value, size_t position);

/* Writes the actions of the backward pass (training_backward.c). */
clayer_status cly_model_train_plan_backward(const clayer_model *model, const cly_model_training_config *config,
                                            cly_model_train_plan *plan);

/* Gives every value its memory (training_storage.c). */
clayer_status cly_model_train_plan_storage(const clayer_model *model, cly_model_train_plan *plan);

/* Where output `index` of the model gets its values from: the node itself, or the one before layers that only Keras'
 * bookkeeping sees (a linear Activation). */
const clayer_node *cly_model_output_end(const clayer_model *model, size_t index);

/* Whether the logits of such a node are what its layer keeps (else they are its input), as config->logits asks. */
bool cly_model_keeps_logits(const clayer_node *end);
bool cly_model_has_loss(const cly_model_training_config *config, size_t output);
bool cly_model_reads_logits(const cly_model_training_config *config, size_t output);

/* ---- running ---- */

/* What check_numerics looked at in one pass. */
typedef struct cly_model_check {
    const clayer_node *node; /* NULL: output `index` of the model, whose loss gave the gradient */
    bool backward;
    const cly_weights_weight *weight; /* whose gradient it was, or NULL: of input `index`, or the output */
    size_t index;
} cly_model_check;

typedef struct cly_model_numerics {
    cl_mem found; /* two ints a check: a NaN, an infinity */
    uint64_t found_bytes;
    cly_model_check *checks;
    size_t count, capacity;
} cly_model_numerics;

struct cly_model_training {
    clayer_model *model;
    clayer_model *flat;               /* what is trained: the flat model, retained where it is not `model` itself */
    cly_model_training_config config; /* with lists of its own */
    size_t output_count;
    cly_model_train_plan *plans[4]; /* a full batch, the last one, and those of validation */
    uint64_t uses;
    cly_model_pool pool;
    bool holds_gradients;
    cly_model_train_plan *current; /* of the forward pass that awaits its backward pass, or NULL */
    cl_mem *inputs;                /* of that pass */
    int64_t step;
    cly_model_numerics numerics;
};

/* The plan for these shapes, from the last few or made anew; and the memory that it needs. */
clayer_status cly_model_find_train_plan(cly_model_training *training, const clayer_shape *input_shapes,
                                        cly_model_train_plan **plan_out);
clayer_status cly_model_hold_training(cly_model_training *training, const cly_model_train_plan *plan);

/* The memory of a value in the current plan. */
cl_mem cly_model_train_memory(const cly_model_training *training, size_t value);

/* check_numerics: starts a pass, looks at one value of `count` floats, and says what was found. Nothing where it is
 * off. */
clayer_status cly_model_numerics_begin(cly_model_training *training);
clayer_status cly_model_numerics_look(cly_model_training *training, const cly_model_check *check, cl_mem x,
                                      int64_t count);
clayer_status cly_model_numerics_end(cly_model_training *training);
uint64_t cly_model_numerics_bytes(const cly_model_train_plan *plan);

#endif
