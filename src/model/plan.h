/* model/plan.h: a model at concrete input shapes, ready to be enqueued: steps of every node and where outputs lie.
 *
 * plan.c infers shapes and lets layers write their steps, fuse.c moves steps into neighbouring ones, storage.c decides
 * which outputs share memory, memory.c keeps the last plans and the buffers (pool.c), run.c enqueues. Training uses the
 * same parts: see training_plan.h. */
#ifndef CLY_MODEL_PLAN_H
#define CLY_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/fold.h"
#include "model/model.h"
#include "ops/step.h"

typedef enum cly_model_place_kind {
    CLY_MODEL_BUFFER = 0, /* one of the model's own buffers */
    CLY_MODEL_INPUT,      /* the caller's input */
    CLY_MODEL_OUTPUT      /* the caller's output */
} cly_model_place_kind;

/* Where a node's output lies. */
typedef struct cly_model_place {
    cly_model_place_kind kind;
    size_t index;
    uint64_t part_offset, part_bytes; /* of that memory; part_bytes 0: it is all of it */
} cly_model_place;

/* One node at concrete shapes. */
typedef struct cly_model_call {
    bool needed; /* by an output; other nodes are not run, and the fields below are empty but an input's shape */
    clayer_shape output;
    uint64_t output_bytes;
    /* What it reads, as indexes of calls: those of the node's inputs until fusion passes over some. */
    size_t *sources;
    size_t source_count;
    cly_ops_steps steps;  /* none: the output is the first source's memory */
    cly_model_fold *fold; /* what CLY_FOLDED means, borrowed from the model's memory; NULL: nothing */
    /* A Concatenate some of whose sources write straight into its output: memory of its own even without steps. The
     * sources' calls have it as their home; those that write rows in it apart know so by their steps. */
    bool gathers;
    size_t home; /* the call in whose output this one's lies, plus 1; 0: it is its own */
    uint64_t part_offset, part_bytes; /* the bytes of that output that it lies in; part_bytes 0: all */
    cly_model_place place;
} cly_model_call;

/* An output that lies elsewhere when all nodes have run: an input, or the memory of another output. */
typedef struct cly_model_copy {
    cly_model_place source;
    size_t output;
    uint64_t bytes;
} cly_model_copy;

/* The kinds of fusion, in the order of clayer_fusion's bits. */
enum {
    CLY_MODEL_BATCH_NORMALIZATION = 0,
    CLY_MODEL_ACTIVATION,
    CLY_MODEL_PADDING,
    CLY_MODEL_CROPPING,
    CLY_MODEL_CONCATENATE,
    CLY_MODEL_FUSIONS
};

typedef struct cly_model_run_plan {
    clayer_shape *input_shapes; /* one a model input */
    cly_model_call *calls;      /* one a node */
    size_t call_count;
    size_t *sources; /* of all calls, one behind the other */
    cly_model_copy *copies;
    size_t copy_count;
    uint64_t *buffer_bytes;
    size_t buffer_count;
    uint64_t unshared_bytes; /* what the buffers would take if every output had its own */
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    uint64_t workspace_bytes;
    uint64_t folded_bytes;           /* of all folds */
    size_t fused[CLY_MODEL_FUSIONS]; /* layers, by kind */
    char **forced; /* the forced implementation of every operator when the steps were chosen; NULL: none */
    uint64_t last_use;
} cly_model_run_plan;

/* The first half of a plan, for input shapes without unknown dimensions, checked against the model's own: shapes and
 * steps. logits[i] is steps.logits of node i; NULL: none. `masks`: those of the outputs are made, too. */
clayer_status cly_model_plan_steps(clayer_model *model, const clayer_shape *input_shapes, bool training,
                                   const bool *logits, bool masks, cly_model_run_plan **plan_out);

/* A whole plan for inference, with what is not switched off fused; `folds` is the model's list. */
clayer_status cly_model_plan_create(clayer_model *model, const clayer_shape *input_shapes, cly_model_fold **folds,
                                    cly_model_run_plan **plan_out);

/* Moves steps of a plan for inference into neighbouring ones, before implementations are chosen (fuse.c,
 * fuse_window.c, fuse_concatenate.c). */
clayer_status cly_model_fuse(const clayer_model *model, cly_model_fold **folds, cly_model_run_plan *plan);
void cly_model_plan_destroy(cly_model_run_plan *plan);

/* Whether the plan is one for these shapes and for the implementations that are forced now. */
bool cly_model_plan_fits(const clayer_model *model, const cly_model_run_plan *plan, const clayer_shape *input_shapes);

/* Makes temporaries and workspace of the plan large enough for chosen steps. */
void cly_model_plan_room(cly_model_run_plan *plan, const cly_ops_steps *steps);

/* Memory that is written, read and then free: from position `first` to position `last`, both included. */
typedef struct cly_model_lifetime {
    size_t first, last;
    uint64_t bytes;
    size_t buffer; /* set by cly_model_share_buffers */
} cly_model_lifetime;

/* Gives each value, in the order of `first`, one of the plan's buffers, which are made here: at its begin the smallest
 * free one that is large enough, else the largest free one made larger, else a new one. Adds up unshared_bytes. */
clayer_status cly_model_share_buffers(cly_model_run_plan *plan, cly_model_lifetime *const *values, size_t count);

/* Whether `steps` may write their output over an input of the same size: each works element by element or within one
 * row, and what lies in that input is read by the first step only, once. */
bool cly_model_works_in_place(const cly_ops_steps *steps, size_t input);

/* Fills places, copies and buffers of a plan whose calls are complete (storage.c). */
clayer_status cly_model_plan_storage(const clayer_model *model, cly_model_run_plan *plan);

/* The plan for these shapes, from the last few or made anew; borrowed until the next call. */
clayer_status cly_model_find_plan(clayer_model *model, const clayer_shape *input_shapes, cly_model_run_plan **plan_out);

/* Device memory for plans: exactly that of the last one, or of an earlier one if each part is large enough. */
typedef struct cly_model_pool {
    cl_mem *buffers;
    uint64_t *buffer_bytes;
    size_t buffer_count;
    cl_mem temporaries[CLY_OPS_TEMPORARIES];
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    cl_mem workspace;
    uint64_t workspace_bytes;
} cly_model_pool;

/* Makes the pool large enough for `plan`; nothing is held after a failure. */
clayer_status cly_model_pool_hold(clayer_context *context, cly_model_pool *pool, const cly_model_run_plan *plan);
void cly_model_pool_release(clayer_context *context, cly_model_pool *pool);

/* The model's own pool, held for `plan`, and folds with today's values; borrowed until the next call. */
clayer_status cly_model_hold_buffers(clayer_model *model, const cly_model_run_plan *plan,
                                     const cly_model_pool **pool_out);

/* The input shapes that a question about a plan means: `input_shapes`, or if NULL the model's own with this batch.
 * Freed with free(). */
clayer_status cly_model_plan_shapes(const clayer_model *model, const clayer_shape *input_shapes, int64_t batch_size,
                                    clayer_shape **shapes_out);

/* Tensors or shapes of inputs as they stand in arguments: count, context, NULL. `what` is "input" or "output". */
clayer_status cly_model_check_tensors(const clayer_model *model, clayer_tensor *const *tensors, size_t count,
                                      size_t wanted, const char *what);

/* Bytes of all weights, and of the numbers of layers' configs that are on the device. */
uint64_t cly_model_weight_bytes(const clayer_model *model);

/* Bytes of a plan's buffers, and of temporaries and workspace. */
uint64_t cly_model_plan_buffer_bytes(const cly_model_run_plan *plan);
uint64_t cly_model_plan_scratch_bytes(const cly_model_run_plan *plan);

#endif
