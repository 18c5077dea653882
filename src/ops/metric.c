/* ops/metric.c: adds batches to the states of metrics by metric.cl. */
#include "ops/metric.h"

#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/range.h"
#include "ops/sums.h"

#define MOST_AT_ONCE 64           /* slots that one work-item adds up */
#define MOST_FLOATS (4 * 1048576) /* of all slots of bins */
#define LEAST_OF_BIN 32           /* elements of a slot, for each of its bins */

static cly_arg int4_of(const int values[4]) {
    return CLY_INT4(values[0], values[1], values[2], values[3]);
}

static int64_t workspace_of(int64_t slots, int64_t count) {
    return slots * count + cly_ops_slots_floats(slots, count);
}

/* The state of `count` sums gets the slots at the start of the workspace. */
static clayer_status add_slots(clayer_context *context, int64_t slots, int64_t count, cl_mem state, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    if (slots > MOST_AT_ONCE) {
        /* The sum takes the place of the first slot. */
        CLY_TRY(cly_ops_slots_add(context, workspace, 0, slots, count, 1.0f, workspace, 0));
        slots = 1;
    }
    cly_launch launch = {.program = "metric", .options = options, .kernel = "metric_add"};
    cly_ops_each(context, count, &launch);
    CLY_TRY(
        cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_BUFFER(state), CLY_LONG(count), CLY_INT(slots)));
done:
    return status;
}

/* ---- means ---- */

static int64_t mean_slots(const clayer_context *context, const cly_ops_metric *metric, int64_t *each_out) {
    const bool rows = metric->id >= CLY_METRIC_CATEGORICAL;
    return cly_ops_slots_of(context, metric->entries, rows ? 2 * (int64_t)metric->axis : 1, each_out);
}

int64_t cly_ops_metric_workspace(const clayer_context *context, const cly_ops_metric *metric) {
    int64_t each = 0;
    return workspace_of(mean_slots(context, metric, &each), 2);
}

clayer_status cly_ops_metric_add(clayer_context *context, const cly_ops_metric *metric, cl_mem y_pred, cl_mem y_true,
                                 cl_mem weight, cl_mem state, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    int64_t each = 0;
    const int64_t slots = mean_slots(context, metric, &each);
    const bool weighted = metric->weighting.count > 0;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, metric->entries, options);
    cly_launch launch = {.program = "metric", .options = options, .kernel = "metric_mean"};
    cly_ops_each(context, slots, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(y_pred), CLY_BUFFER(y_true),
                           CLY_BUFFER(weighted ? weight : y_true), CLY_BUFFER(workspace), CLY_LONG(metric->entries),
                           CLY_LONG(each), CLY_INT(slots), CLY_INT(metric->id), CLY_INT(metric->axis),
                           CLY_INT(metric->top), CLY_FLOAT(metric->threshold), CLY_INT(weighted),
                           int4_of(metric->weighting.sizes), int4_of(metric->weighting.strides), CLY_INT(metric->masks),
                           CLY_FLOAT(metric->ignored)));
    CLY_TRY(add_slots(context, slots, 2, state, workspace));
done:
    return status;
}

/* ---- bins ---- */

int64_t cly_ops_bins_count(const cly_ops_bins *bins) {
    return (int64_t)bins->labels * (bins->threshold_count + 1) * 2;
}

/* Few enough slots that emptying and adding them up is little beside filling them. */
static int64_t bins_slots(const clayer_context *context, const cly_ops_bins *bins, int64_t *each_out) {
    const int64_t elements = bins->outer * bins->axis, count = cly_ops_bins_count(bins);
    const int64_t rounds = (bins->even ? 1 : bins->threshold_count) + (bins->top > 0 ? bins->axis : 0);
    int64_t slots = cly_ops_slots_of(context, elements, rounds, each_out);
    const int64_t useful = elements / LEAST_OF_BIN, fitting = MOST_FLOATS / count;
    slots = slots > useful ? useful : slots;
    slots = slots > fitting ? fitting : slots;
    slots = slots < 1 ? 1 : slots;
    if (*each_out > 0) {
        *each_out = cly_base_divide_up(elements, slots);
        slots = (elements + *each_out - 1) / *each_out;
    }
    return slots;
}

int64_t cly_ops_bins_workspace(const clayer_context *context, const cly_ops_bins *bins) {
    int64_t each = 0;
    return workspace_of(bins_slots(context, bins, &each), cly_ops_bins_count(bins));
}

clayer_status cly_ops_bins_add(clayer_context *context, const cly_ops_bins *bins, cl_mem y_pred, cl_mem y_true,
                               cl_mem weight, cl_mem state, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    int64_t each = 0;
    const int64_t slots = bins_slots(context, bins, &each), count = bins->outer * bins->axis;
    const bool weighted = bins->weighting.count > 0, labelled = bins->label_weights != NULL;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "metric", .options = options, .kernel = "metric_bins"};
    cly_ops_each(context, slots, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(y_pred), CLY_BUFFER(y_true),
                           CLY_BUFFER(weighted ? weight : y_true), CLY_BUFFER(bins->even ? y_true : bins->thresholds),
                           CLY_BUFFER(labelled ? bins->label_weights : y_true), CLY_BUFFER(workspace), CLY_LONG(count),
                           CLY_LONG(each), CLY_INT(slots), CLY_INT(bins->axis), CLY_INT(bins->labels),
                           CLY_INT(bins->threshold_count),
                           CLY_INT(!bins->even        ? 0
                                   : bins->all_exceed ? 2
                                                      : 1),
                           CLY_INT(bins->from_logits), CLY_INT(bins->top), CLY_INT(bins->class_id), CLY_INT(weighted),
                           CLY_INT(labelled), int4_of(bins->weighting.sizes), int4_of(bins->weighting.strides)));
    CLY_TRY(add_slots(context, slots, cly_ops_bins_count(bins), state, workspace));
done:
    return status;
}
