/* model/plan.h: a model at concrete input shapes, ready to be enqueued: steps of every node and where outputs lie.
 *
 * plan.c infers shapes and lets layers write their steps, storage.c decides which outputs share memory, memory.c keeps
 * the last plans and the buffers, run.c enqueues. */
#ifndef CLY_MODEL_PLAN_H
#define CLY_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
} cly_model_place;

/* One node at concrete shapes. */
typedef struct cly_model_call {
    bool needed; /* by an output; other nodes are not run, and the fields below are empty but an input's shape */
    clayer_shape output;
    uint64_t output_bytes;
    cly_ops_steps steps; /* none: the output is the first input's memory */
    cly_model_place place;
} cly_model_call;

/* An output that lies elsewhere when all nodes have run: an input, or the memory of another output. */
typedef struct cly_model_copy {
    cly_model_place source;
    size_t output;
    uint64_t bytes;
} cly_model_copy;

typedef struct cly_model_run_plan {
    clayer_shape *input_shapes; /* one a model input */
    cly_model_call *calls;      /* one a node */
    size_t call_count;
    cly_model_copy *copies;
    size_t copy_count;
    uint64_t *buffer_bytes;
    size_t buffer_count;
    uint64_t unshared_bytes; /* what the buffers would take if every output had its own */
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    uint64_t workspace_bytes;
    char **forced; /* the forced implementation of every operator when the steps were chosen; NULL: none */
    uint64_t last_use;
} cly_model_run_plan;

/* Plans `model` for input shapes without unknown dimensions, checked against the model's own. */
clayer_status cly_model_plan_create(clayer_model *model, const clayer_shape *input_shapes,
                                    cly_model_run_plan **plan_out);
void cly_model_plan_destroy(cly_model_run_plan *plan);

/* Fills places, copies and buffers of a plan whose calls are complete (storage.c). */
clayer_status cly_model_plan_storage(const clayer_model *model, cly_model_run_plan *plan);

/* The plan for these shapes, from the last few or made anew; borrowed until the next call. */
clayer_status cly_model_find_plan(clayer_model *model, const clayer_shape *input_shapes, cly_model_run_plan **plan_out);

/* Device memory for one plan, borrowed from the model until the next call. */
typedef struct cly_model_buffers {
    const cl_mem *buffers;
    cl_mem temporaries[CLY_OPS_TEMPORARIES];
    cl_mem workspace;
} cly_model_buffers;
clayer_status cly_model_hold_buffers(clayer_model *model, const cly_model_run_plan *plan,
                                     cly_model_buffers *buffers_out);

#endif
