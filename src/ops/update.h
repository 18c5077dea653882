/* ops/update.h: one step of gradient descent on one tensor as one fused kernel: the gradient unscaled and clipped,
 * decay, the update by a rule with up to three slots of state, a moving average. */
#ifndef CLY_OPS_UPDATE_H
#define CLY_OPS_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"

#define CLY_OPS_SLOTS 3

/* kernels_cl/update.cl has the same numbers. Beside each: its slots, the flags it looks at, and what a and b hold. */
typedef enum cly_ops_rule {
    CLY_RULE_NONE = 0, /* the average alone */
    CLY_RULE_SGD,      /* [momentum]; MOMENTUM, NESTEROV; a: momentum */
    CLY_RULE_RMSPROP,  /* velocity, [momentum], [mean]; MOMENTUM, CENTERED; a: rho, 1 - rho, epsilon, momentum */
    CLY_RULE_ADAGRAD,  /* accumulator; a: -, -, epsilon */
    CLY_RULE_ADADELTA, /* accumulated gradient, accumulated move; a: rho, 1 - rho, epsilon */
    CLY_RULE_ADAM,     /* m, v, [largest v]; LARGEST; a: 1 - beta_1, 1 - beta_2, epsilon, corrected rate */
    CLY_RULE_ADAMAX,   /* m, u; a: 1 - beta_1, beta_2, epsilon, 1 - beta_1^t */
    CLY_RULE_NADAM,    /* m, v; a: 1 - beta_1, 1 - beta_2, epsilon, 1 - beta_2^t;
                          b: u_(t+1), 1 - product_(t+1), 1 - u_t, 1 - product_t */
    CLY_RULE_FTRL,     /* accumulator, linear; ROOT (the power is 1/2); a: power, l1, 2 shrinkage, 2 l2 */
    CLY_RULE_LION      /* m; a: beta_1, 1 - beta_1, beta_2, 1 - beta_2 */
} cly_ops_rule;

typedef enum cly_ops_clip {
    CLY_CLIP_NONE = 0,
    CLY_CLIP_VALUE,  /* each to -limit .. limit */
    CLY_CLIP_LENGTH, /* the gradient to a length of limit */
    CLY_CLIP_GLOBAL  /* by the factor that brings the length of all gradients to limit */
} cly_ops_clip;

enum {
    CLY_UPDATE_MOMENTUM = 1,
    CLY_UPDATE_NESTEROV = 2,
    CLY_UPDATE_CENTERED = 4,
    CLY_UPDATE_LARGEST = 8,
    CLY_UPDATE_ROOT = 16,
    CLY_UPDATE_AVERAGE = 32,  /* the moving average moves */
    CLY_UPDATE_OVERWRITE = 64 /* and the weight becomes the average */
};

/* What a step is, for all tensors; the numbers are in Keras' float32. */
typedef struct cly_ops_update {
    cly_ops_rule rule;
    unsigned flags;
    cly_ops_clip clip;
    float limit;
    float unscale; /* gradients are divided by it first */
    float decay;   /* weight -= weight * decay * rate, before the update */
    float rate;
    float a[4], b[4];
    float average_momentum, average_rest;
} cly_ops_update;

/* The buffers of one tensor; those that the step does not use may be NULL. */
typedef struct cly_ops_update_tensors {
    int64_t count;
    cl_mem gradient, weight, slots[CLY_OPS_SLOTS], average;
    cl_mem squares; /* the sum of squares that CLIP_LENGTH (this gradient) and CLIP_GLOBAL (all) look at */
    int64_t square_offset;
} cly_ops_update_tensors;

clayer_status cly_ops_update_run(clayer_context *context, const cly_ops_update *update,
                                 const cly_ops_update_tensors *tensors);

/* total += gradient / unscale; with `last` the gradient becomes the mean over `steps`, and the total 0. */
clayer_status cly_ops_update_accumulate(clayer_context *context, cl_mem gradient, cl_mem total, int64_t count,
                                        float unscale, float steps, bool last);

#endif
