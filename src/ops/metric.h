/* ops/metric.h: sums that metrics keep on the device: weighted means, and weights by threshold and label.
 *
 * A state is `count` sums followed by `count` carries of Kahan's sum, all zero at first: what it holds is sum - carry.
 * kernels_cl/metric.cl has the same numbering. */
#ifndef CLY_OPS_METRIC_H
#define CLY_OPS_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/loss.h"

typedef enum cly_ops_metric_id {
    CLY_METRIC_VALUES = 0, /* y_pred are the values */
    CLY_METRIC_EQUAL,
    CLY_METRIC_BINARY, /* whether y_pred > threshold is what the label says */
    CLY_METRIC_SQUARED,
    /* from here on an entry is a row of `axis` predictions */
    CLY_METRIC_CATEGORICAL, /* the largest of labels and predictions in one place */
    CLY_METRIC_SPARSE,      /* a label a row */
    CLY_METRIC_TOP_K,       /* fewer than `top` predictions are larger */
    CLY_METRIC_SPARSE_TOP_K
} cly_ops_metric_id;

typedef struct cly_ops_metric {
    cly_ops_metric_id id;
    int64_t entries;
    int axis;
    int top;
    float threshold;
    bool masks; /* entries whose label is `ignored` have no weight; their labels are y_true */
    float ignored;
    cly_ops_weighting weighting;
} cly_ops_metric;

#define CLY_OPS_METRIC_STATE 4 /* floats: sum of weight * value, of weight, and carries */

int64_t cly_ops_metric_workspace(const clayer_context *context, const cly_ops_metric *metric); /* floats */
clayer_status cly_ops_metric_add(clayer_context *context, const cly_ops_metric *metric, cl_mem y_pred, cl_mem y_true,
                                 cl_mem weight, cl_mem state, cl_mem workspace);

/* The state is (labels, thresholds + 1, 2), and carries: the weights of elements that exceed so many thresholds, with a
 * true label and with a false one. Elements are (outer, axis). */
typedef struct cly_ops_bins {
    int64_t outer;
    int axis;
    int labels; /* 1, or axis: each column for itself */
    int threshold_count;
    bool even;         /* predictions are clipped to 0 .. 1 and the thresholds lie evenly there */
    bool all_exceed;   /* with even: the first threshold is below 0 */
    cl_mem thresholds; /* ascending; only looked at if not even */
    bool from_logits;
    int top;              /* all but the largest ones of a row are taken for -1e10; 0: none */
    int class_id;         /* the only column that counts; -1: all */
    cl_mem label_weights; /* one a column, or NULL */
    cly_ops_weighting weighting;
} cly_ops_bins;

int64_t cly_ops_bins_count(const cly_ops_bins *bins); /* sums of the state */
int64_t cly_ops_bins_workspace(const clayer_context *context, const cly_ops_bins *bins);
clayer_status cly_ops_bins_add(clayer_context *context, const cly_ops_bins *bins, cl_mem y_pred, cl_mem y_true,
                               cl_mem weight, cl_mem state, cl_mem workspace);

#endif
