/* ops/loss.h: losses over (outer, axis, inner) with weights: their sum, gradient and single values.
 *
 * kernels_cl/loss.cl holds the same numbering. The unreduced loss has one entry for each (outer, inner); the formula of
 * an entry is a sum along the axis, which `scale` makes a mean where one is wanted. */
#ifndef CLY_OPS_LOSS_H
#define CLY_OPS_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"

typedef enum cly_ops_loss_id {
    CLY_LOSS_SQUARED_ERROR = 1,
    CLY_LOSS_ABSOLUTE_ERROR,
    CLY_LOSS_PERCENTAGE_ERROR,
    CLY_LOSS_LOGARITHMIC_ERROR,
    CLY_LOSS_HUBER, /* argument 0: delta */
    CLY_LOSS_LOG_COSH,
    CLY_LOSS_HINGE,         /* if all labels are 0 or 1, they are taken for -1 and 1 */
    CLY_LOSS_SQUARED_HINGE, /* likewise */
    CLY_LOSS_POISSON,
    CLY_LOSS_DIVERGENCE,
    CLY_LOSS_BINARY, /* of probabilities; argument 0: added within the logarithms; 1 and 2: t' = t (1 - a1) + a2 */
    CLY_LOSS_BINARY_LOGITS,                           /* arguments 1 and 2 likewise, as below */
    CLY_LOSS_LAST_POINTWISE = CLY_LOSS_BINARY_LOGITS, /* up to here each element has a term of its own */
    CLY_LOSS_CATEGORICAL_HINGE,
    CLY_LOSS_COSINE, /* arguments: sign; least sum of squares; most of 1 / length */
    CLY_LOSS_CATEGORICAL,
    CLY_LOSS_CATEGORICAL_LOGITS,
    CLY_LOSS_SPARSE, /* a label an entry; argument 0: the ignored one */
    CLY_LOSS_SPARSE_LOGITS
} cly_ops_loss_id;

/* What scale is divided by: a sum over all labels or weights that must be known before. */
typedef enum cly_ops_loss_sum {
    CLY_LOSS_SUM_NONE = 0,   /* 1 */
    CLY_LOSS_SUM_NOT_BINARY, /* labels other than 0 and 1; not a divisor: see the hinges */
    CLY_LOSS_SUM_VALID,      /* labels that are not ignored */
    CLY_LOSS_SUM_WEIGHTS,    /* the weights as they lie */
    CLY_LOSS_SUM_VALID_WEIGHTS
} cly_ops_loss_sum;

/* Where the weight of an entry lies: entries are a tensor of these sizes, along whose axes a weight has these strides,
 * 0 where it is the same. `count` 0: there are no weights. */
typedef struct cly_ops_weighting {
    int64_t count;
    int sizes[4], strides[4];
} cly_ops_weighting;

typedef struct cly_ops_loss {
    cly_ops_loss_id id;
    int64_t outer, inner;
    int axis;
    float arguments[4];
    bool has_ignored;
    cly_ops_weighting weighting;
    cly_ops_loss_sum divisor;
    bool nothing_by_zero; /* a divisor of 0 makes all 0 */
    float scale;
} cly_ops_loss;

static inline int64_t cly_ops_loss_entries(const cly_ops_loss *loss) {
    return loss->outer * loss->inner;
}

/* Whether the sizes fit the kernels. */
bool cly_ops_loss_can(const cly_ops_loss *loss);

int64_t cly_ops_loss_workspace(const clayer_context *context, const cly_ops_loss *loss); /* floats */

/* value[value_offset] = the sum of scale * weight * entry, over divisor; gradient, if not NULL, the sum's derivatives
 * by y_pred. bad_labels may be NULL; else 1 is written there if a label is none of 0 .. axis - 1. */
clayer_status cly_ops_loss_run(clayer_context *context, const cly_ops_loss *loss, cl_mem y_pred, cl_mem y_true,
                               cl_mem weight, cl_mem value, int64_t value_offset, float divisor, cl_mem gradient,
                               cl_mem bad_labels, cl_mem workspace);

/* A mask as weights: product (count) = mask * weight, both spread over `count` things. */
typedef struct cly_ops_loss_mask {
    int64_t count;
    cly_ops_weighting mask, weight; /* weight.count 0: none */
    bool has_ignored;               /* what has that label, of as many as `count`, is masked, too */
    float ignored;
    bool is_mean;         /* what is kept weighs all over kept */
    bool nothing_by_zero; /* likewise, nothing where nothing is kept; else NaN, as 0 / 0 is */
} cly_ops_loss_mask;

int64_t cly_ops_loss_mask_workspace(const clayer_context *context, const cly_ops_loss_mask *masking); /* floats */

/* weight and y_true may be NULL where they are not looked at. */
clayer_status cly_ops_loss_mask_run(clayer_context *context, const cly_ops_loss_mask *masking, cl_mem mask,
                                    cl_mem weight, cl_mem y_true, cl_mem product, cl_mem workspace);

/* values (outer, inner) = scale * entry, not weighted. */
clayer_status cly_ops_loss_values(clayer_context *context, const cly_ops_loss *loss, cl_mem y_pred, cl_mem y_true,
                                  cl_mem values, cl_mem workspace);

/* How `count` things are dealt out to work-items that leave a sum each: how many, and what each takes (0: every
 * slots-th). `rounds` is how often the kernel loops for one of them. */
int64_t cly_ops_slots_of(const clayer_context *context, int64_t count, int64_t rounds, int64_t *each_out);

#endif
