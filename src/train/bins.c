/* train/bins.c: AUC, Precision and Recall from weights by threshold and label. Source: keras/src/metrics/
 * confusion_metrics.py and metrics_utils.py, tf_keras/src/utils/metrics_utils.py. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/metrics.h"

enum { ROC, PR, PRGAIN };
enum { INTERPOLATION, MINORING, MAJORING };

#define EPSILON 1e-7 /* thresholds below 0 and above 1 take in what lies on the border */

static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Whether NumPy's allclose takes them for even steps from 0 to 1; Keras then finds a prediction's place by a formula.
 */
static bool are_even(const float *thresholds, int count) {
    bool even = count >= 3;
    for (int i = 0; even && i < count; i++) {
        const double step = (double)((float)i / (float)(count - 1));
        even = fabs((double)thresholds[i] - step) <= EPSILON + 1e-5 * step;
    }
    return even;
}

/* An integer argument that may be None. */
static clayer_status get_integer(const cly_spec *metric, const char *name, const char *where, int none, int *out) {
    const double value = cly_base_spec_get(metric, name);
    if (!isnan(value) && value != floor(value)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: metric '%s': %s = %g is not an integer", where,
                             metric->entry->name, name, value);
    }
    *out = isnan(value) ? none : (int)value;
    return CLAYER_OK;
}

static clayer_status describe_auc(const cly_spec *metric, const clayer_shape *y_pred, const char *where,
                                  cly_ops_bins *bins, float **thresholds_out) {
    clayer_status status = CLAYER_OK;
    size_t given = 0, label_weights = 0;
    int steps = 0, labels = 0;
    const bool multi_label = cly_base_spec_get(metric, "multi_label") != 0.0;
    const double *list = cly_base_spec_get_list(metric, "thresholds", &given);
    (void)cly_base_spec_get_list(metric, "label_weights", &label_weights);
    CLY_TRY(get_integer(metric, "num_thresholds", where, 200, &steps));
    CLY_TRY(get_integer(metric, "num_labels", where, bins->axis, &labels));
    if (!multi_label && !isnan(cly_base_spec_get(metric, "num_labels"))) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT,
                               "%s: metric 'auc': num_labels is needed only when multi_label is True", where);
        goto done;
    }
    if (multi_label && (y_pred->rank != 2 || labels != bins->axis)) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE,
                               "%s: metric 'auc' with multi_label wants predictions (batch, %d), not %d axes of which "
                               "the last has %d",
                               where, labels, y_pred->rank, bins->axis);
        goto done;
    }
    if (label_weights > 0 && label_weights != (size_t)bins->axis) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE, "%s: metric 'auc': %zu label_weights for %d labels", where,
                               label_weights, bins->axis);
        goto done;
    }
    bins->threshold_count = given > 0 ? (int)given + 2 : steps;
    bins->labels = multi_label ? bins->axis : 1;
    bins->from_logits = cly_base_spec_get(metric, "from_logits") != 0.0;
    CLY_TRY(cly_base_alloc((size_t)bins->threshold_count, sizeof(float), (void **)thresholds_out));
    float *const thresholds = *thresholds_out;
    const int last = bins->threshold_count - 1;
    for (int i = 1; i < last; i++) {
        thresholds[i] = (float)(given > 0 ? list[i - 1] : (double)i / last);
    }
    if (given > 0) {
        qsort(thresholds + 1, given, sizeof(float), compare_floats);
    }
    thresholds[last] = 1.0f;
    bins->even = given == 0 || are_even(thresholds, bins->threshold_count);
    bins->all_exceed = true;
    thresholds[0] = (float)-EPSILON;
    thresholds[last] = (float)(1.0 + EPSILON);
done:
    return status;
}

static clayer_status describe_confusion(const cly_spec *metric, const clayer_shape *y_pred, const char *where,
                                        cly_ops_bins *bins, float **thresholds_out) {
    clayer_status status = CLAYER_OK;
    size_t given = 0;
    const double *list = cly_base_spec_get_list(metric, "thresholds", &given);
    if (given > 1) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "%s: metric '%s' with %zu thresholds has as many results, and logs hold one number: give "
                             "each threshold a metric of its own",
                             where, metric->entry->name, given);
    }
    CLY_TRY(get_integer(metric, "top_k", where, 0, &bins->top));
    CLY_TRY(get_integer(metric, "class_id", where, -1, &bins->class_id));
    if (bins->class_id >= bins->axis || (bins->class_id >= 0 && y_pred->rank < 2)) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE, "%s: metric '%s': class_id = %d is none of the %d columns", where,
                               metric->entry->name, bins->class_id, bins->axis);
        goto done;
    }
    if (bins->top > bins->axis) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE, "%s: metric '%s': top_k = %d of %d columns", where,
                               metric->entry->name, bins->top, bins->axis);
        goto done;
    }
    CLY_TRY(cly_base_alloc(1, sizeof(float), (void **)thresholds_out));
    bins->threshold_count = 1;
    **thresholds_out = given > 0 ? (float)list[0] : bins->top > 0 ? -1e10f : 0.5f;
done:
    return status;
}

clayer_status cly_train_bins_describe(const cly_spec *metric, const clayer_shape *y_pred, const char *where,
                                      cly_ops_bins *bins_out, float **thresholds_out) {
    clayer_status status = CLAYER_OK;
    cly_ops_bins bins = {.outer = 1, .labels = 1, .class_id = -1, .axis = 1};
    float *thresholds = NULL;
    for (int i = 0; i < y_pred->rank - 1; i++) {
        bins.outer *= y_pred->dims[i];
    }
    if (y_pred->rank < 1 || y_pred->dims[y_pred->rank - 1] > INT32_MAX) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: metric '%s' cannot use predictions of this shape", where,
                             metric->entry->name);
    }
    bins.axis = (int)y_pred->dims[y_pred->rank - 1];
    if (metric->entry->id == CLY_TRAIN_AUC) {
        CLY_TRY(describe_auc(metric, y_pred, where, &bins, &thresholds));
    } else {
        CLY_TRY(describe_confusion(metric, y_pred, where, &bins, &thresholds));
    }
    *bins_out = bins;
    *thresholds_out = thresholds;
    thresholds = NULL;
done:
    free(thresholds);
    return status;
}

/* ---- results ---- */

static double divide_no_nan(double a, double b) {
    return b == 0.0 ? 0.0 : a / b;
}

/* Weights of predictions above one threshold and not above it, by label. */
typedef struct confusion {
    double tp, fp, tn, fn;
} confusion;

/* For each threshold; `sums` are one label's. */
static void add_up(const double *sums, int threshold_count, confusion *out) {
    double positives = 0.0, negatives = 0.0, tp = 0.0, fp = 0.0;
    for (int b = 0; b <= threshold_count; b++) {
        positives += sums[2 * b];
        negatives += sums[2 * b + 1];
    }
    for (int i = threshold_count - 1; i >= 0; i--) {
        tp += sums[2 * (i + 1)];
        fp += sums[2 * (i + 1) + 1];
        out[i] = (confusion){.tp = tp, .fp = fp, .tn = negatives - fp, .fn = positives - tp};
    }
}

/* Davis and Goadrich (2006), "The relationship between precision-recall and ROC curves". */
static double interpolated(const confusion *c, int count) {
    double area = 0.0;
    for (int i = 0; i + 1 < count; i++) {
        const double p = c[i].tp + c[i].fp, next = c[i + 1].tp + c[i + 1].fp, dtp = c[i].tp - c[i + 1].tp;
        const double slope = divide_no_nan(dtp, fmax(p - next, 0.0));
        const double intercept = c[i + 1].tp - slope * next;
        const double ratio = p > 0.0 && next > 0.0 ? p / next : 1.0;
        area += divide_no_nan(slope * (dtp + intercept * log(ratio)), fmax(c[i + 1].tp + c[i + 1].fn, 0.0));
    }
    return area;
}

static void point_of(const confusion *c, int curve, double *x, double *y) {
    const double recall = divide_no_nan(c->tp, c->tp + c->fn);
    if (curve == ROC) {
        *x = divide_no_nan(c->fp, c->fp + c->tn);
        *y = recall;
    } else if (curve == PR) {
        *x = recall;
        *y = divide_no_nan(c->tp, c->tp + c->fp);
    } else {
        const double factor = divide_no_nan(c->tp + c->fn, c->tn + c->fp);
        *x = c->tp == 0.0 ? 0.0 : fmax(1.0 - factor * (c->fn / c->tp), 0.0);
        *y = c->tp == 0.0 ? 1.0 : 1.0 - factor * (c->fp / c->tp);
    }
}

static double area_under(const cly_spec *metric, const confusion *c, int count) {
    const int curve = (int)cly_base_spec_get(metric, "curve");
    const int summation = (int)cly_base_spec_get(metric, "summation_method");
    if (curve == PR && summation == INTERPOLATION) {
        return interpolated(c, count);
    }
    double area = 0.0, x = 0.0, y = 0.0, next_x = 0.0, next_y = 0.0;
    point_of(&c[0], curve, &x, &y);
    for (int i = 1; i < count; i++) {
        point_of(&c[i], curve, &next_x, &next_y);
        const double height = summation == INTERPOLATION ? (y + next_y) / 2.0
                              : summation == MINORING    ? fmin(y, next_y)
                                                         : fmax(y, next_y);
        area += (x - next_x) * height;
        x = next_x;
        y = next_y;
    }
    return area;
}

clayer_status cly_train_bins_result(const cly_spec *metric, const cly_ops_bins *bins, const double *sums,
                                    double *result_out) {
    clayer_status status = CLAYER_OK;
    confusion *c = NULL;
    const int count = bins->threshold_count;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(*c), (void **)&c));
    if (metric->entry->id != CLY_TRAIN_AUC) {
        add_up(sums, count, c);
        const double missed = metric->entry->id == CLY_TRAIN_PRECISION ? c->fp : c->fn;
        *result_out = divide_no_nan(c->tp, c->tp + missed);
        goto done;
    }
    size_t given = 0;
    const double *weights = cly_base_spec_get_list(metric, "label_weights", &given);
    double total = 0.0, weight_total = 0.0;
    for (int label = 0; label < bins->labels; label++) {
        const double weight = given > 0 && bins->labels > 1 ? weights[label] : 1.0;
        add_up(sums + (size_t)label * (size_t)(count + 1) * 2, count, c);
        total += weight * area_under(metric, c, count);
        weight_total += weight;
    }
    *result_out = divide_no_nan(total, weight_total);
done:
    free(c);
    return status;
}
