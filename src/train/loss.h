/* train/loss.h: Keras' losses: values, gradients, and what they ask of targets and predictions.
 *
 * A loss is a spec (base/spec.h): "sparse_categorical_crossentropy(from_logits=True)". Formulas, clips, reductions,
 * the handling of weights and of ranks that differ by one are Keras' of the generation given. */
#ifndef CLY_TRAIN_LOSS_H
#define CLY_TRAIN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "base/spec.h"
#include "device/device.h"
#include "model/training.h"
#include "ops/loss.h"

extern const cly_spec_list cly_train_losses;

/* The value of `reduction` of every loss, in this order: sum_over_batch_size, sum, none, mean_with_sample_weight, auto
 * (Keras 2's default), mean. "none" trains as "sum" does, and its value is the mean of the weighted entries, which is
 * what Keras logs. */

/* What the loss undoes (softmax, sigmoid) if its prediction came straight from an activation: Keras' crossentropies
 * then take what went into it for their logits, whichever of the two activations it was. */
cly_model_logits cly_train_loss_undoes(const cly_spec *loss);

/* A loss at concrete shapes. Weights are float32 of a shape that broadcasts to the unreduced loss (one a sample, or one
 * an entry); rank 0: none. */
typedef struct cly_train_loss_shape {
    const cly_spec *loss;
    int generation;
    bool logits; /* y_pred is what went into the activation that the loss undoes */
    clayer_shape y_pred, y_true, weight;
    bool masked; /* the weights come from cly_train_loss_mask, and say what Keras counts */
} cly_train_loss_shape;

/* How a mask and sample weights (rank 0: none) become the weights of a loss whose shapes are those of `shape`, whose
 * own `weight` is not looked at. CLAYER_INVALID_SHAPE, naming `where`, unless they fit each other. */
clayer_status cly_train_loss_mask(const cly_train_loss_shape *shape, const char *where, const clayer_shape *mask,
                                  const clayer_shape *weight, cly_ops_loss_mask *masking_out,
                                  clayer_shape *weights_out);

/* CLAYER_INVALID_SHAPE if target and prediction do not fit, naming `where` ("output 'dense_1'"), both shapes and the
 * loss; for sparse targets one axis fewer, or a last one of 1. */
clayer_status cly_train_loss_check(const cly_train_loss_shape *shape, const char *where);

uint64_t cly_train_loss_workspace_bytes(const clayer_context *context, const cly_train_loss_shape *shape);

/* Where one loss reads and writes. All are float32; labels are whole numbers in float32. */
typedef struct cly_train_loss_run {
    cl_mem y_pred, y_true, weight; /* weight NULL: none */
    cl_mem value;                  /* the reduced loss times `scale` is written at `value_offset` (floats) */
    int64_t value_offset;
    cl_mem gradient; /* scale * d loss / d y_pred, overwritten; NULL: not wanted */
    float scale;
    cl_mem bad_labels; /* one int: 1 is written if a label lies outside 0 .. classes - 1 (and is not ignore_class);
                          NULL where the caller does not ask. Such a row has loss and gradient NaN, as in Keras */
    cl_mem workspace;
} cly_train_loss_run;

/* Enqueues value and gradient in an order of sums that depends on the shapes only. */
clayer_status cly_train_loss_enqueue(clayer_context *context, const cly_train_loss_shape *shape,
                                     const cly_train_loss_run *run);

/* For metrics: the loss of every entry, not reduced and not weighted: `values` gets *count_out floats, in the shape
 * *values_shape_out. */
clayer_status cly_train_loss_values_shape(const cly_train_loss_shape *shape, clayer_shape *values_shape_out);
clayer_status cly_train_loss_values(clayer_context *context, const cly_train_loss_shape *shape, cl_mem y_pred,
                                    cl_mem y_true, cl_mem values, cl_mem workspace);

#endif
