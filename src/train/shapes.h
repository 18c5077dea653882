/* train/shapes.h: how Keras brings targets, predictions and weights to shapes that fit each other. */
#ifndef CLY_TRAIN_SHAPES_H
#define CLY_TRAIN_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "ops/loss.h"

int64_t cly_train_count(const clayer_shape *shape);

/* Ranks that differ by one: the longer one loses a last axis of 1, and a vector against a matrix gets one. False if the
 * shapes then differ; they are what they became all the same. */
bool cly_train_same_rank(clayer_shape *y_pred, clayer_shape *y_true);

/* For classes along the last axis of y_pred, targets are one label for each place: one axis fewer, or a last axis of 1;
 * Keras 2 takes any shape with as many labels and the same batch. */
bool cly_train_labels_fit(int generation, const clayer_shape *y_pred, const clayer_shape *y_true);

/* `shape` without axis `axis`. */
clayer_shape cly_train_without(const clayer_shape *shape, int axis);

/* The weights of the entries of an unreduced loss, as its reduction takes them: after a last axis of 1 was added or
 * removed where ranks differ by one, by NumPy's rule from the last axis on. `weight` of rank 0: none. */
bool cly_train_weigh_loss(int generation, const clayer_shape *entries, const clayer_shape *weight,
                          cly_ops_weighting *weighting_out);

/* A mask times sample weights (rank 0: none) as weights of the shape *product_out: ranks that differ by one are mended
 * as for a loss, then both are spread by NumPy's rule; so is the product over `places`, if that is not NULL.
 * CLAYER_INVALID_SHAPE, naming `where`, unless they fit. What is ignored, and a mean, are left to the caller. */
clayer_status cly_train_mask_weights(int generation, const char *where, const clayer_shape *mask,
                                     const clayer_shape *weight, const clayer_shape *places,
                                     cly_ops_loss_mask *masking_out, clayer_shape *product_out);

/* As Keras' Mean takes them: from the batch on; what lies behind the weights' axes has one weight. */
bool cly_train_weigh_mean(const clayer_shape *entries, const clayer_shape *weight, cly_ops_weighting *weighting_out);

/* As AUC, Precision and Recall take them: one axis more, then by NumPy's rule. */
bool cly_train_weigh_elements(int generation, const clayer_shape *entries, const clayer_shape *weight,
                              cly_ops_weighting *weighting_out);

#endif
