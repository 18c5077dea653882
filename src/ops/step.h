/* ops/step.h: a layer at one concrete shape is a short list of steps, each an operator on named places.
 *
 * Layers write steps when they are planned; running, timing, memory and fusion look at the list only, so they need to
 * know nothing about layers. */
#ifndef CLY_OPS_STEP_H
#define CLY_OPS_STEP_H

#include "ops/activation.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/window.h"

#define CLY_OPS_TEMPORARIES 4 /* tensors between steps: two of the layer's own, two of a change of layout */

typedef enum cly_ops_place_kind {
    CLY_NOWHERE = 0, /* an operand that is not used, such as a missing bias */
    CLY_INPUT,
    CLY_OUTPUT,
    CLY_WEIGHT,
    CLY_TEMPORARY
} cly_ops_place_kind;

typedef struct cly_ops_place {
    cly_ops_place_kind kind;
    int index; /* which input, weight or temporary */
} cly_ops_place;

typedef union cly_ops_shape {
    cly_ops_conv_shape conv;
    cly_ops_activation_shape activation;
    cly_ops_softmax_shape softmax;
    cly_ops_window_shape window;
    cly_ops_resize_shape resize;
    cly_ops_pool_shape pool;
    cly_ops_add_shape add;
    cly_ops_batch_norm_shape batch_norm;
    cly_ops_copy_shape copy;
    cly_ops_transpose_shape transpose;
} cly_ops_shape;

typedef struct cly_ops_step {
    const cly_ops_operator *op;
    cly_ops_shape shape;
    cly_ops_place operands[CLY_OPS_OPERANDS];
    const cly_ops_implementation *implementation; /* set by cly_ops_steps_choose */
    uint64_t workspace_bytes;                     /* likewise */
} cly_ops_step;

typedef struct cly_ops_steps {
    cly_ops_step *steps; /* allocated; freed by cly_ops_steps_free */
    size_t count, capacity;
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    uint64_t workspace_bytes; /* the largest of the steps; set by cly_ops_steps_choose */
} cly_ops_steps;

/* Appends a zeroed step for `op` and gives it to be filled in; the pointer is valid until the next one. */
clayer_status cly_ops_steps_add(cly_ops_steps *steps, const cly_ops_operator *op, cly_ops_step **step_out);
void cly_ops_steps_free(cly_ops_steps *steps);

/* Puts channels_first convolutions between two moves where running them channels_last is cheaper (layout.c). */
clayer_status cly_ops_steps_change_layout(clayer_context *context, cly_ops_steps *steps);

/* Changes layouts, then chooses an implementation for every step. */
clayer_status cly_ops_steps_choose(clayer_context *context, cly_ops_steps *steps);

/* The buffers that places mean during one run. */
typedef struct cly_ops_bindings {
    const cl_mem *inputs;
    cl_mem output;
    const cl_mem *weights;
    cl_mem temporaries[CLY_OPS_TEMPORARIES];
    cl_mem workspace;
} cly_ops_bindings;

/* Enqueues all steps in order. */
clayer_status cly_ops_steps_run(clayer_context *context, const cly_ops_steps *steps, const cly_ops_bindings *bindings);

#endif
