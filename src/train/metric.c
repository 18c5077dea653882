/* train/metric.c: a metric's state on the device: made, fed with batches, read. */
#include "train/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "layers/layer.h"
#include "train/metrics.h"
#include "train/shapes.h"

struct cly_train_metric {
    clayer_context *context;
    cly_spec spec;
    cly_spec loss; /* entry NULL: not the mean of a loss */
    int generation;
    bool logits; /* predictions come as logits */
    char name[CLY_SPEC_NAME];
    int64_t state_count; /* sums; as many carries behind them */
    cl_mem state;
    cl_mem thresholds, label_weights; /* of bins, or NULL */
    cly_ops_bins bins;                /* without weights */
    cl_mem workspace, values;         /* grow; values: the unreduced loss */
    uint64_t workspace_bytes, values_bytes;
};

static bool has_bins(const cly_spec *spec) {
    return spec->entry->id >= CLY_TRAIN_AUC && spec->entry->id <= CLY_TRAIN_RECALL;
}

/* ---- shapes ---- */

static clayer_status fail_shapes(const cly_train_metric *metric, const char *where, const char *what,
                                 const clayer_shape *y_pred, const clayer_shape *other) {
    char pred[128], text[128];
    return cly_base_fail(CLAYER_INVALID_SHAPE, "%s: metric '%s' takes no %s of shape %s for a prediction of shape %s",
                         where, metric->spec.entry->name, what, cly_layers_shape_text(other, text, sizeof(text)),
                         cly_layers_shape_text(y_pred, pred, sizeof(pred)));
}

/* What one update computes: a loss's values and their mean, a mean, or bins. */
typedef struct work {
    cly_ops_loss loss;
    cly_ops_metric mean;
    cly_ops_bins bins;
} work;

static clayer_status describe_loss(const cly_train_metric *metric, const char *where, const clayer_shape *y_pred,
                                   const clayer_shape *y_true, const clayer_shape *weight, work *out) {
    clayer_status status = CLAYER_OK;
    const cly_train_loss_shape shape = {.loss = &metric->loss,
                                        .generation = metric->generation,
                                        .logits = metric->logits,
                                        .y_pred = *y_pred,
                                        .y_true = *y_true};
    clayer_shape entries;
    CLY_TRY(cly_train_loss_describe(&shape, where, &out->loss, &entries));
    out->mean = (cly_ops_metric){.id = CLY_METRIC_VALUES, .entries = cly_ops_loss_entries(&out->loss), .axis = 1};
    if (!cly_train_weigh_mean(&entries, weight, &out->mean.weighting)) {
        status = fail_shapes(metric, where, "sample weights", y_pred, weight);
        goto done;
    }
    if (out->loss.id == CLY_LOSS_COSINE) {
        out->loss.arguments[0] = 1.0f; /* the metric is the similarity itself */
    }
    /* Keras 3 leaves ignored entries out only where there are weights. */
    out->mean.masks = out->loss.has_ignored && (metric->generation == 2 || weight->rank > 0);
    out->mean.ignored = out->loss.arguments[0];
done:
    return status;
}

static clayer_status describe_mean(const cly_train_metric *metric, const char *where, const clayer_shape *given_pred,
                                   const clayer_shape *given_true, const clayer_shape *weight, work *out) {
    clayer_shape y_pred = *given_pred, y_true = *given_true;
    cly_ops_metric mean = {.axis = 1};
    bool sparse = false;
    switch (metric->spec.entry->id) {
        case CLY_TRAIN_ACCURACY:
            mean.id = CLY_METRIC_EQUAL;
            break;
        case CLY_TRAIN_BINARY_ACCURACY:
            mean.id = CLY_METRIC_BINARY;
            mean.threshold = (float)cly_base_spec_get(&metric->spec, "threshold");
            break;
        case CLY_TRAIN_ROOT_MEAN_SQUARED_ERROR:
            mean.id = CLY_METRIC_SQUARED;
            break;
        case CLY_TRAIN_CATEGORICAL_ACCURACY:
            mean.id = CLY_METRIC_CATEGORICAL;
            break;
        case CLY_TRAIN_SPARSE_CATEGORICAL_ACCURACY:
            mean.id = CLY_METRIC_SPARSE;
            sparse = true;
            break;
        case CLY_TRAIN_TOP_K:
            mean.id = CLY_METRIC_TOP_K;
            break;
        default:
            mean.id = CLY_METRIC_SPARSE_TOP_K;
            sparse = true;
    }
    const double k = cly_base_spec_get(&metric->spec, "k");
    if (k != floor(k)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: metric '%s': k = %g is not an integer", where,
                             metric->spec.entry->name, k);
    }
    mean.top = (int)k;
    if (y_pred.rank < 1 || !(sparse ? cly_train_labels_fit(metric->generation, &y_pred, &y_true)
                                    : cly_train_same_rank(&y_pred, &y_true))) {
        return fail_shapes(metric, where, "target", given_pred, given_true);
    }
    const bool rows = mean.id >= CLY_METRIC_CATEGORICAL;
    const clayer_shape entries = rows ? cly_train_without(&y_pred, y_pred.rank - 1) : y_pred;
    if (rows && y_pred.dims[y_pred.rank - 1] > INT32_MAX) {
        return fail_shapes(metric, where, "more than 2^31 classes: target", given_pred, given_true);
    }
    mean.axis = rows ? (int)y_pred.dims[y_pred.rank - 1] : 1;
    mean.entries = cly_train_count(&entries);
    if (!cly_train_weigh_mean(&entries, weight, &mean.weighting)) {
        return fail_shapes(metric, where, "sample weights", given_pred, weight);
    }
    out->mean = mean;
    return CLAYER_OK;
}

/* At creation thresholds_out gets the thresholds, to be freed; at updates it is NULL and only the batch may change. */
static clayer_status describe_bins(const cly_train_metric *metric, const char *where, const clayer_shape *given_pred,
                                   const clayer_shape *given_true, const clayer_shape *weight, work *out,
                                   float **thresholds_out) {
    clayer_shape y_pred = *given_pred, y_true = *given_true;
    if (!cly_train_same_rank(&y_pred, &y_true)) {
        return fail_shapes(metric, where, "target", given_pred, given_true);
    }
    if (thresholds_out != NULL) {
        return cly_train_bins_describe(&metric->spec, &y_pred, where, &out->bins, thresholds_out);
    }
    out->bins = metric->bins;
    out->bins.outer = cly_train_count(&y_pred) / out->bins.axis;
    if (y_pred.dims[y_pred.rank - 1] != out->bins.axis) {
        return fail_shapes(metric, where, "longer be fed with a target", given_pred, given_true);
    }
    if (!cly_train_weigh_elements(metric->generation, &y_pred, weight, &out->bins.weighting)) {
        return fail_shapes(metric, where, "sample weights", given_pred, weight);
    }
    return CLAYER_OK;
}

static clayer_status describe(const cly_train_metric *metric, const char *where, const clayer_shape *y_pred,
                              const clayer_shape *y_true, const clayer_shape *weight, work *out,
                              float **thresholds_out) {
    const clayer_shape none = {.rank = 0};
    *out = (work){.mean = {.entries = 0}};
    weight = weight != NULL ? weight : &none;
    if (metric->loss.entry != NULL) {
        return describe_loss(metric, where, y_pred, y_true, weight, out);
    }
    if (has_bins(&metric->spec)) {
        return describe_bins(metric, where, y_pred, y_true, weight, out, thresholds_out);
    }
    return describe_mean(metric, where, y_pred, y_true, weight, out);
}

/* ---- making ---- */

static clayer_status create_floats(clayer_context *context, const float *values, int64_t count, cl_mem *buffer_out) {
    clayer_status status = CLAYER_OK;
    const uint64_t bytes = (uint64_t)count * sizeof(float);
    cl_mem buffer = NULL;
    CLY_TRY(cly_device_buffer_create(context, bytes, &buffer));
    CLY_TRY(cly_device_write(context, buffer, 0, values, bytes));
    *buffer_out = buffer;
    buffer = NULL;
done:
    cly_device_buffer_destroy(context, buffer);
    return status;
}

/* AUC over all labels at once weighs them as it adds up. */
static clayer_status create_label_weights(cly_train_metric *metric, const cly_ops_bins *bins) {
    size_t count = 0;
    float values[CLY_SPEC_NUMBERS];
    const double *list = cly_base_spec_get_list(&metric->spec, "label_weights", &count);
    if (count == 0 || bins->labels > 1) {
        return CLAYER_OK;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)list[i];
    }
    return create_floats(metric->context, values, (int64_t)count, &metric->label_weights);
}

clayer_status cly_train_metric_create(clayer_context *context, const char *text, int generation,
                                      const clayer_shape *y_pred, const clayer_shape *y_true, const char *where,
                                      cly_train_metric **metric_out) {
    clayer_status status = CLAYER_OK;
    cly_train_metric *metric = NULL;
    float *thresholds = NULL;
    work first;
    CLY_TRY(cly_base_alloc(1, sizeof(*metric), (void **)&metric));
    metric->context = cly_device_retain(context);
    metric->generation = generation;
    CLY_TRY(cly_train_metric_parse(text, generation, y_pred, y_true, where, &metric->spec, metric->name));
    if (metric->spec.entry->id <= CLY_COSINE_SIMILARITY) {
        CLY_TRY(cly_train_metric_loss(&metric->spec, &metric->loss));
    }
    CLY_TRY(describe(metric, where, y_pred, y_true, NULL, &first, &thresholds));
    metric->state_count = CLY_OPS_METRIC_STATE / 2;
    if (has_bins(&metric->spec)) {
        metric->state_count = cly_ops_bins_count(&first.bins);
        CLY_TRY(create_floats(context, thresholds, first.bins.threshold_count, &metric->thresholds));
        CLY_TRY(create_label_weights(metric, &first.bins));
        metric->bins = first.bins;
        metric->bins.thresholds = metric->thresholds;
        metric->bins.label_weights = metric->label_weights;
    }
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)metric->state_count * 2 * sizeof(float), &metric->state));
    CLY_TRY(cly_train_metric_reset(metric));
    *metric_out = metric;
    metric = NULL;
done:
    free(thresholds);
    cly_train_metric_destroy(metric);
    return status;
}

void cly_train_metric_destroy(cly_train_metric *metric) {
    if (metric != NULL) {
        cly_device_buffer_destroy(metric->context, metric->state);
        cly_device_buffer_destroy(metric->context, metric->thresholds);
        cly_device_buffer_destroy(metric->context, metric->label_weights);
        cly_device_buffer_destroy(metric->context, metric->workspace);
        cly_device_buffer_destroy(metric->context, metric->values);
        cly_device_release(metric->context);
        free(metric);
    }
}

const char *cly_train_metric_name(const cly_train_metric *metric) {
    return metric->name;
}

cly_model_logits cly_train_metric_undoes(const cly_train_metric *metric) {
    return cly_train_loss_undoes(&metric->loss);
}

void cly_train_metric_take_logits(cly_train_metric *metric, bool logits) {
    metric->logits = logits;
}

bool cly_train_metric_takes_mask(const cly_train_metric *metric) {
    return metric->generation == 2 ||
           !(has_bins(&metric->spec) || metric->spec.entry->id == CLY_TRAIN_ROOT_MEAN_SQUARED_ERROR);
}

/* ---- feeding and reading ---- */

/* At least `floats` floats; what was enqueued keeps the old buffer until it is done. */
static clayer_status hold(cly_train_metric *metric, int64_t floats, cl_mem *buffer, uint64_t *bytes) {
    clayer_status status = CLAYER_OK;
    const uint64_t wanted = (uint64_t)floats * sizeof(float);
    if (wanted > *bytes) {
        cl_mem larger = NULL;
        CLY_TRY(cly_device_buffer_create(metric->context, wanted, &larger));
        cly_device_buffer_destroy(metric->context, *buffer);
        *buffer = larger;
        *bytes = wanted;
    }
done:
    return status;
}

static clayer_status hold_workspace(cly_train_metric *metric, int64_t floats) {
    return hold(metric, floats, &metric->workspace, &metric->workspace_bytes);
}

static clayer_status update_loss(cly_train_metric *metric, const work *w, cl_mem y_pred, cl_mem y_true,
                                 cl_mem sample_weight) {
    clayer_status status = CLAYER_OK;
    clayer_context *const context = metric->context;
    const int64_t loss = cly_ops_loss_workspace(context, &w->loss), mean = cly_ops_metric_workspace(context, &w->mean);
    CLY_TRY(hold_workspace(metric, loss > mean ? loss : mean));
    CLY_TRY(hold(metric, cly_ops_loss_entries(&w->loss), &metric->values, &metric->values_bytes));
    CLY_TRY(cly_ops_loss_values(context, &w->loss, y_pred, y_true, metric->values, metric->workspace));
    CLY_TRY(
        cly_ops_metric_add(context, &w->mean, metric->values, y_true, sample_weight, metric->state, metric->workspace));
done:
    return status;
}

clayer_status cly_train_metric_update(cly_train_metric *metric, const clayer_shape *y_pred_shape, cl_mem y_pred,
                                      const clayer_shape *y_true_shape, cl_mem y_true, const clayer_shape *weight_shape,
                                      cl_mem sample_weight) {
    clayer_status status = CLAYER_OK;
    work w;
    CLY_TRY(
        describe(metric, "metric", y_pred_shape, y_true_shape, sample_weight != NULL ? weight_shape : NULL, &w, NULL));
    if (metric->loss.entry != NULL) {
        CLY_TRY(update_loss(metric, &w, y_pred, y_true, sample_weight));
    } else if (has_bins(&metric->spec)) {
        CLY_TRY(hold_workspace(metric, cly_ops_bins_workspace(metric->context, &w.bins)));
        CLY_TRY(cly_ops_bins_add(metric->context, &w.bins, y_pred, y_true, sample_weight, metric->state,
                                 metric->workspace));
    } else {
        CLY_TRY(hold_workspace(metric, cly_ops_metric_workspace(metric->context, &w.mean)));
        CLY_TRY(cly_ops_metric_add(metric->context, &w.mean, y_pred, y_true, sample_weight, metric->state,
                                   metric->workspace));
    }
done:
    return status;
}

clayer_status cly_train_metric_reset(cly_train_metric *metric) {
    clayer_status status = CLAYER_OK;
    float *zeros = NULL;
    CLY_TRY(cly_base_alloc((size_t)metric->state_count * 2, sizeof(float), (void **)&zeros));
    CLY_TRY(
        cly_device_write(metric->context, metric->state, 0, zeros, (uint64_t)metric->state_count * 2 * sizeof(float)));
done:
    free(zeros);
    return status;
}

/* The state's sums, with what their carries hold. */
static clayer_status read_state(cly_train_metric *metric, double *sums) {
    clayer_status status = CLAYER_OK;
    float *state = NULL;
    const size_t count = (size_t)metric->state_count;
    CLY_TRY(cly_base_alloc(count * 2, sizeof(float), (void **)&state));
    CLY_TRY(cly_device_read(metric->context, metric->state, 0, state, count * 2 * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        sums[i] = (double)state[i] - (double)state[count + i];
    }
done:
    free(state);
    return status;
}

clayer_status cly_train_metric_result(cly_train_metric *metric, double *result_out) {
    clayer_status status = CLAYER_OK;
    double *sums = NULL;
    CLY_TRY(cly_base_alloc((size_t)metric->state_count, sizeof(double), (void **)&sums));
    CLY_TRY(read_state(metric, sums));
    if (has_bins(&metric->spec)) {
        CLY_TRY(cly_train_bins_result(&metric->spec, &metric->bins, sums, result_out));
    } else {
        const double mean = sums[1] == 0.0 ? 0.0 : sums[0] / sums[1];
        *result_out = metric->spec.entry->id == CLY_TRAIN_ROOT_MEAN_SQUARED_ERROR ? sqrt(mean) : mean;
    }
done:
    free(sums);
    return status;
}
