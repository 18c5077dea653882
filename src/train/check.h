/* train/check.h: what is asked of data before anything is computed: numbers, samples, labels, class weights. */
#ifndef CLY_TRAIN_CHECK_H
#define CLY_TRAIN_CHECK_H

#include "train/data.h"

/* Keras' functional models take an input that lacks a last axis of 1, or has one too many. */
void cly_train_fit_rank(const clayer_model *model, size_t input, clayer_shape *shape);

/* CLAYER_INVALID_ARGUMENT for the first label of a sparse loss that is no class, naming output, label and sample. Row r
 * of the batch is sample order[r], or first + r. */
clayer_status cly_train_check_labels(const clayer_model *model, const cly_train_host_batch *batch, const int64_t *order,
                                     int64_t first);

/* The same for numbers that an Embedding has no row for. */
clayer_status cly_train_check_numbers(const clayer_model *model, const cly_train_host_batch *batch,
                                      const int64_t *order, int64_t first);

/* The weight of the class that `y` names: `width` values of which the largest counts, or one that is rounded. */
clayer_status cly_train_class_weight(const clayer_model *model, const double *weights, size_t count, const float *y,
                                     int64_t width, double *weight_out);

/* Refuses class weights that Keras refuses for this model and these targets. */
clayer_status cly_train_check_class_weight(const clayer_model *model, const clayer_dataset *data, size_t count);

#endif
