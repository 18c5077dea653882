/* metric.cl: what metrics add to their states: weighted means of a value an entry, and weights by threshold and label.
 * No atomics: each work-item leaves its sums in a slot of its own, and metric_add adds the slots to the state. */

#include "weighted.h"

/* The same numbers as cly_ops_metric_id in src/ops/metric.h. */
#define VALUES 0
#define EQUAL 1
#define BINARY 2
#define SQUARED 3
#define CATEGORICAL 4
#define SPARSE 5
#define TOP_K 6
#define SPARSE_TOP_K 7

/* The first of the largest. */
static int largest(__global const float *x, const int n) {
    int place = 0;
    float most = x[0];
    for (int j = 1; j < n; j++) {
        const float value = x[j];
        place = value > most ? j : place;
        most = value > most ? value : most;
    }
    return place;
}

/* Fewer than k are larger; not if any that is looked at is a NaN or infinite, as in TensorFlow's in_top_k. */
static float is_among(__global const float *x, const int n, const int label, const int k) {
    if (label < 0 || label >= n || !isfinite(x[label])) {
        return 0.0f;
    }
    int larger = 0, odd = 0;
    for (int j = 0; j < n; j++) {
        larger += x[j] > x[label];
        odd += !isfinite(x[j]);
    }
    return larger < k && odd == 0 ? 1.0f : 0.0f;
}

/* A label as a whole number, -1 where it is none of the classes. */
static int label_of(const float given, const int classes) {
    return given > -1.0f && given < (float)classes ? (int)given : -1;
}

static float value_of(__global const float *y_pred, __global const float *y_true, const long k,
                      const int id, const int axis, const int top, const float threshold) {
    __global const float *p = y_pred + k * axis;
    switch (id) {
        case EQUAL:
            return y_true[k] == y_pred[k] ? 1.0f : 0.0f;
        case BINARY:
            return y_true[k] == (y_pred[k] > threshold ? 1.0f : 0.0f) ? 1.0f : 0.0f;
        case SQUARED:
            return (y_pred[k] - y_true[k]) * (y_pred[k] - y_true[k]);
        case CATEGORICAL:
            return largest(y_true + k * axis, axis) == largest(p, axis) ? 1.0f : 0.0f;
        case SPARSE:
            return y_true[k] == (float)largest(p, axis) ? 1.0f : 0.0f;
        case TOP_K:
            return is_among(p, axis, largest(y_true + k * axis, axis), top);
        case SPARSE_TOP_K:
            return is_among(p, axis, label_of(y_true[k], axis), top);
    }
    return y_pred[k];
}

/* Two sums a slot: of weight * value and of weight. Entries whose label is `ignored` count only where `masks` is 0. */
__kernel void metric_mean(__global const float *restrict y_pred, __global const float *restrict y_true,
                          __global const float *restrict weight, __global float *restrict slots, const long count,
                          const long each, const int slot_count, const int id, const int axis, const int top,
                          const float threshold, const int weighted, const int4 sizes, const int4 strides,
                          const int masks, const float ignored) {
    const int slot = get_global_id(0);
    if (slot >= slot_count) {
        return;
    }
    float total = 0.0f, carry = 0.0f, weights = 0.0f, weights_carry = 0.0f;
    FOR_SLOT(k, count, slot, slot_count, each) {
        float share = weighted ? weight[weight_at(k, sizes, strides)] : 1.0f;
        if (masks && y_true[k] == ignored) {
            share = 0.0f;
        }
        COMPENSATED(float, total, carry, share * value_of(y_pred, y_true, k, id, axis, top, threshold))
        COMPENSATED(float, weights, weights_carry, share)
    }
    slots[2 * slot] = total;
    slots[2 * slot + 1] = weights;
}

/* x is among the k largest of its row, the earlier of equals first. */
static int is_on_top(__global const float *row, const int n, const int place, const int k) {
    int before = 0;
    for (int j = 0; j < n; j++) {
        before += row[j] > row[place] || (row[j] == row[place] && j < place);
    }
    return before < k;
}

/* Weights by how many of the thresholds a prediction exceeds, and by its label: a slot is (labels, thresholds + 1, 2).
 * Elements are (outer, axis), of which `class_id` picks one column, if it is not below 0. `even`: the thresholds are
 * even steps from 0 to 1, and predictions are clipped; 2: all exceed the first. */
__kernel void metric_bins(__global const float *restrict y_pred, __global const float *restrict y_true,
                          __global const float *restrict weight, __global const float *restrict thresholds,
                          __global const float *restrict label_weights, __global float *restrict slots,
                          const long count, const long each, const int slot_count, const int axis, const int labels,
                          const int threshold_count, const int even, const int from_logits, const int top,
                          const int class_id, const int weighted, const int label_weighted, const int4 sizes,
                          const int4 strides) {
    const int slot = get_global_id(0);
    const long bins = (long)labels * (threshold_count + 1) * 2;
    if (slot >= slot_count) {
        return;
    }
    slots += slot * bins;
    for (long i = 0; i < bins; i++) {
        slots[i] = 0.0f;
    }
    FOR_SLOT(k, count, slot, slot_count, each) {
        const int column = (int)((INDEX)k % (INDEX)axis);
        if (class_id >= 0 && column != class_id) {
            continue;
        }
        float p = y_pred[k];
        if (from_logits) {
            const float small = exp(-fabs(p));
            p = (p < 0.0f ? small : 1.0f) / (1.0f + small);
        }
        if (top > 0 && !is_on_top(y_pred + (k - column), axis, column, top)) {
            p = -1e10f;
        }
        float share = weighted ? weight[weight_at(k, sizes, strides)] : 1.0f;
        if (label_weighted) {
            share *= label_weights[column];
        }
        int exceeded = 0;
        if (even) {
            p = p < 0.0f ? 0.0f : p > 1.0f ? 1.0f : p;
            exceeded = (int)ceil(p * (float)(threshold_count - 1));
            exceeded = even == 2 ? max(exceeded, 1) : exceeded;
        } else {
            for (int i = 0; i < threshold_count; i++) {
                exceeded += p > thresholds[i];
            }
        }
        const int label = labels > 1 ? column : 0;
        slots[((long)label * (threshold_count + 1) + exceeded) * 2 + (y_true[k] != 0.0f ? 0 : 1)] += share;
    }
}

/* state[i] += the sum of slots[slot][i]; what rounding took away is kept in state[count + i]. */
__kernel void metric_add(__global const float *restrict slots, __global float *restrict state, const long count,
                         const int slot_count) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    float total = state[i], carry = state[count + i];
    for (int slot = 0; slot < slot_count; slot++) {
        COMPENSATED(float, total, carry, slots[slot * count + i])
    }
    state[i] = total;
    state[count + i] = carry;
}
