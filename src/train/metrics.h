/* train/metrics.h: what the files of metrics share: the kinds, and what AUC, Precision and Recall make of their bins.
 */
#ifndef CLY_TRAIN_METRICS_H
#define CLY_TRAIN_METRICS_H

#include "ops/metric.h"
#include "train/losses.h"
#include "train/metric.h"

/* Ids of cly_train_metrics; the ids of losses are their means. */
enum {
    CLY_TRAIN_ACCURACY = 100,
    CLY_TRAIN_BINARY_ACCURACY,
    CLY_TRAIN_CATEGORICAL_ACCURACY,
    CLY_TRAIN_SPARSE_CATEGORICAL_ACCURACY,
    CLY_TRAIN_TOP_K,
    CLY_TRAIN_SPARSE_TOP_K,
    CLY_TRAIN_ROOT_MEAN_SQUARED_ERROR,
    CLY_TRAIN_AUC, /* from here on from bins */
    CLY_TRAIN_PRECISION,
    CLY_TRAIN_RECALL,
    CLY_TRAIN_CROSSENTROPY /* by the shapes */
};

/* The metric that `text` means for these shapes, and its name in logs. */
clayer_status cly_train_metric_parse(const char *text, int generation, const clayer_shape *y_pred,
                                     const clayer_shape *y_true, const char *where, cly_spec *spec_out,
                                     char name_out[CLY_SPEC_NAME]);

/* The loss of a metric that is the mean of one. */
clayer_status cly_train_metric_loss(const cly_spec *metric, cly_spec *loss_out);

/* ---- bins (bins.c) ---- */

/* What is added up for predictions of that shape, without weights, and the thresholds, *count_out of them, ascending;
 * freed with free(). CLAYER_UNSUPPORTED where the result is not one number. */
clayer_status cly_train_bins_describe(const cly_spec *metric, const clayer_shape *y_pred, const char *where,
                                      cly_ops_bins *bins_out, float **thresholds_out);

/* The result from the state's sums. */
clayer_status cly_train_bins_result(const cly_spec *metric, const cly_ops_bins *bins, const double *sums,
                                    double *result_out);

#endif
