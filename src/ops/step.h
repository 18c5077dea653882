/* ops/step.h: a layer at one concrete shape is a short list of steps, each an operator on named places.
 *
 * Layers write steps when they are planned; running, timing, memory and fusion look at the list only, so they need to
 * know nothing about layers. */
#ifndef CLY_OPS_STEP_H
#define CLY_OPS_STEP_H

#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/batch_norm.h"
#include "ops/contract.h"
#include "ops/conv.h"
#include "ops/draw.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/noise.h"
#include "ops/normalize.h"
#include "ops/pool.h"
#include "ops/recolour.h"
#include "ops/reduce.h"
#include "ops/remap.h"
#include "ops/resample.h"
#include "ops/resize.h"
#include "ops/walk.h"
#include "ops/warp.h"
#include "ops/window.h"

#define CLY_OPS_TEMPORARIES 5 /* tensors between steps: three of the layer's own, two of a change of layout */
#define CLY_OPS_CONSTANTS 2   /* lists of numbers of a layer's config */
#define CLY_OPS_SAVED 2       /* the most tensors a layer keeps from its forward pass to its backward one */

typedef enum cly_ops_place_kind {
    CLY_NOWHERE = 0, /* an operand that is not used, such as a missing bias */
    CLY_INPUT,
    CLY_OUTPUT,
    CLY_WEIGHT,
    CLY_TEMPORARY,
    CLY_SAVED,    /* written by the forward steps of training, read by the backward ones */
    CLY_FOLDED,   /* what was made of weights of a neighbouring layer (src/model/fold.c) */
    CLY_CONSTANT, /* numbers of the layer's config, in a buffer that the layer keeps */
    /* in backward steps, where CLY_INPUT and CLY_OUTPUT are those of the forward pass */
    CLY_OUTPUT_GRADIENT, /* read only: it may be the caller's tensor */
    CLY_INPUT_GRADIENT,  /* written */
    CLY_WEIGHT_GRADIENT  /* written */
} cly_ops_place_kind;

typedef struct cly_ops_place {
    cly_ops_place_kind kind;
    int index; /* which input, weight, temporary, saved tensor or gradient */
} cly_ops_place;

typedef union cly_ops_shape {
    cly_ops_conv_shape conv;
    cly_ops_activation_shape activation;
    cly_ops_softmax_shape softmax;
    cly_ops_window_shape window;
    cly_ops_resize_shape resize;
    cly_ops_pool_shape pool;
    cly_ops_arithmetic_shape arithmetic;
    cly_ops_contract_shape contract;
    cly_ops_arithmetic_gradient_shape arithmetic_gradient;
    cly_ops_batch_norm_shape batch_norm;
    cly_ops_copy_shape copy;
    cly_ops_transpose_shape transpose;
    cly_ops_reduce_shape reduce;
    cly_ops_moments_shape moments;
    cly_ops_batch_norm_gradient_shape batch_norm_gradient;
    cly_ops_moving_average_shape moving_average;
    cly_ops_dropout_shape dropout;
    cly_ops_noise_shape noise;
    cly_ops_gather_shape gather;
    cly_ops_differs_shape differs;
    cly_ops_norm_shape norm;
    cly_ops_resample_shape resample;
    cly_ops_remap_shape remap;
    cly_ops_walk_shape walk;
    cly_ops_draw_shape draw;
    cly_ops_warp_shape warp;
    cly_ops_recolour_shape recolour;
} cly_ops_shape;

typedef struct cly_ops_step {
    const cly_ops_operator *op;
    cly_ops_shape shape;
    cly_ops_place operands[CLY_OPS_OPERANDS];
    cl_mem constants[CLY_OPS_CONSTANTS];          /* what CLY_CONSTANT means; borrowed from the layer */
    const cly_ops_implementation *implementation; /* set by cly_ops_steps_choose */
    uint64_t workspace_bytes;                     /* likewise */
} cly_ops_step;

typedef struct cly_ops_steps {
    cly_ops_step *steps; /* allocated; freed by cly_ops_steps_free */
    size_t count, capacity;
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES];
    uint64_t saved_bytes[CLY_OPS_SAVED]; /* of the forward steps' list; what they leave for the backward ones */
    bool training; /* dropout drops, statistics are those of the batch and move; with what `keeps` asks for */
    bool keeps;    /* a backward pass follows: what it reads and would be lost is written to CLY_SAVED */
    bool logits;   /* what goes into the layer's activation is wanted in CLY_SAVED too, and CLY_OUTPUT_GRADIENT is its
                      gradient: a loss undoes the activation */
    int64_t times; /* how often Keras calls the layer for this one call, 0 stands for once: in a TimeDistributed Keras 3
                      once for each of the `times` steps, which come one behind the other in the batch of each sample,
                      Keras 2 several times for the whole batch */
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
    cl_mem saved[CLY_OPS_SAVED];
    const cl_mem *folded;
    cl_mem output_gradient;
    const cl_mem *input_gradients;  /* an entry may be NULL where no step writes it */
    const cl_mem *weight_gradients; /* likewise */
} cly_ops_bindings;

/* Enqueues all steps in order. */
clayer_status cly_ops_steps_run(clayer_context *context, const cly_ops_steps *steps, const cly_ops_bindings *bindings);

#endif
