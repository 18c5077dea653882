/* train/metric.h: Keras' metrics, whose state lies on the device and is read when somebody asks. */
#ifndef CLY_TRAIN_METRIC_H
#define CLY_TRAIN_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "base/spec.h"
#include "device/device.h"
#include "model/training.h"

/* Classes with arguments ("auc(num_thresholds=50)", "top_k_categorical_accuracy(k=3)") and every loss that Keras also
 * lists as a metric. */
extern const cly_spec_list cly_train_metrics;

typedef struct cly_train_metric cly_train_metric;

/* A metric from its text, in Keras' meaning: "accuracy" / "acc" and "crossentropy" / "ce" become binary, categorical or
 * sparse by the shapes of prediction and target (batch in front, sizes known), as compile() does; the name stays the
 * one that was given. Shapes that do not fit, unknown names and arguments are refused, naming `where`. */
clayer_status cly_train_metric_create(clayer_context *context, const char *text, int generation,
                                      const clayer_shape *y_pred, const clayer_shape *y_true, const char *where,
                                      cly_train_metric **metric_out);
void cly_train_metric_destroy(cly_train_metric *metric);

/* Keras' name in logs without the output's name in front: "accuracy", "auc", or the name given in its config. */
const char *cly_train_metric_name(const cly_train_metric *metric);

/* As for a loss: Keras' crossentropies take what went into a softmax or sigmoid, if their prediction came straight from
 * one, also as metrics. Where this is not CLY_LOGITS_NONE and cly_model_output_logits is not, take_logits(true), and
 * the y_pred of updates is what went into the activation. */
cly_model_logits cly_train_metric_undoes(const cly_train_metric *metric);
void cly_train_metric_take_logits(cly_train_metric *metric, bool logits);

/* Whether a mask that reaches the prediction is a weight of this metric: in Keras 2 always, in Keras 3 only where a
 * function of each entry is averaged (MeanMetricWrapper). */
bool cly_train_metric_takes_mask(const cly_train_metric *metric);

/* Adds a batch; sample_weight NULL: none, else of `weight_shape` as for losses. Enqueues only. */
clayer_status cly_train_metric_update(cly_train_metric *metric, const clayer_shape *y_pred_shape, cl_mem y_pred,
                                      const clayer_shape *y_true_shape, cl_mem y_true, const clayer_shape *weight_shape,
                                      cl_mem sample_weight);
clayer_status cly_train_metric_reset(cly_train_metric *metric);
/* Waits for the device. Keras' result(): 0 / 0 gives what Keras gives. */
clayer_status cly_train_metric_result(cly_train_metric *metric, double *result_out);

#endif
