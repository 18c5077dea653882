/* loss.cl: losses with their gradients in one pass. Built with -DLOSS=<id>.
 *
 * y_pred lies as (outer, axis, inner); the unreduced loss has an entry for each (outer, inner). The losses up to
 * LAST_POINTWISE are sums of terms of one element each, which work-items share out freely; the others need a whole row
 * along the axis. Each work-item leaves one sum in its slot. Formulas, clips and what happens on kinks are those of
 * TensorFlow's gradients of Keras' expressions. `a` are the formula's own arguments: see src/ops/loss.h. */

/* The same numbers as cly_ops_loss_id in src/ops/loss.h. */
#define SQUARED_ERROR 1
#define ABSOLUTE_ERROR 2
#define PERCENTAGE_ERROR 3
#define LOGARITHMIC_ERROR 4
#define HUBER 5
#define LOG_COSH 6
#define HINGE 7
#define SQUARED_HINGE 8
#define POISSON 9
#define DIVERGENCE 10
#define BINARY 11
#define BINARY_LOGITS 12
#define LAST_POINTWISE 12
#define CATEGORICAL_HINGE 13
#define COSINE 14
#define CATEGORICAL 15
#define CATEGORICAL_LOGITS 16
#define SPARSE 17
#define SPARSE_LOGITS 18

#ifndef LOSS
#define LOSS 0 /* sums before losses */
#endif

#include "weighted.h"

#define EPSILON 1e-7f
#define BLOCK 64

/* Flags. */
#define WEIGHTED 1
#define WANTS_GRADIENT 2
#define TELLS_BAD_LABELS 4
#define HAS_IGNORED 8
#define DIVIDES 16        /* by the prepared sum */
#define DIVIDES_NO_NAN 32 /* likewise, with 0 for a division by 0 */

/* Comparisons that let a NaN through, unlike fmin and fmax. */
#define AT_LEAST(x, low) ((x) < (low) ? (low) : (x))
#define CLIPPED(x) ((x) < EPSILON ? EPSILON : (x) > 1.0f - EPSILON ? 1.0f - EPSILON : (x))
#define IS_INSIDE(x) ((x) >= EPSILON && (x) <= 1.0f - EPSILON)
#define SIGN(x) ((x) > 0.0f ? 1.0f : (x) < 0.0f ? -1.0f : (x))

#if LOSS == 0
/* The same numbers as cly_ops_loss_sum in src/ops/loss.h. */
#define NOT_BINARY 1    /* labels other than 0 and 1 */
#define VALID 2         /* labels other than `ignored` */
#define WEIGHTS 3       /* the weights as they lie */
#define VALID_WEIGHTS 4 /* the weights of the entries whose labels are valid */

/* What a loss must know of all its labels or weights before its first entry: `kind` is a cly_ops_loss_sum. */
__kernel void loss_sum(__global const float *restrict y_true, __global const float *restrict weight,
                       __global float *restrict slots, const long offset, const long count, const long each,
                       const int slot_count, const int4 sizes, const int4 strides, const int kind,
                       const float ignored) {
    const int slot = get_global_id(0);
    if (slot >= slot_count) {
        return;
    }
    float total = 0.0f, carry = 0.0f;
    FOR_SLOT(k, count, slot, slot_count, each) {
        float value = 1.0f;
        if (kind == NOT_BINARY) {
            value = y_true[k] != 0.0f && y_true[k] != 1.0f ? 1.0f : 0.0f;
        } else if (kind == WEIGHTS) {
            value = weight[k];
        } else if (y_true[k] == ignored) {
            value = 0.0f;
        } else if (kind == VALID_WEIGHTS) {
            value = weight[weight_at(k, sizes, strides)];
        }
        COMPENSATED(float, total, carry, value)
    }
    slots[offset + slot] = total;
}

/* Where entries differ from `ignored` and the mask is not 0: the weight, if there is one, and `total` times that over
 * sums[0], if `total` is not 0. By 0: `nothing` says 0, else a NaN or an infinity stays. */
__kernel void loss_mask(__global const float *restrict mask, __global const float *restrict weight,
                        __global const float *restrict y_true, __global const float *restrict sums,
                        __global float *restrict product, const long count, const int4 mask_sizes,
                        const int4 mask_strides, const int weighted, const int4 weight_sizes,
                        const int4 weight_strides, const int has_ignored, const float ignored, const float total,
                        const int nothing) {
    const long k = get_global_id(0);
    if (k >= count) {
        return;
    }
    float value = mask[weight_at(k, mask_sizes, mask_strides)];
    if (has_ignored && y_true[k] == ignored) {
        value = 0.0f;
    }
    if (total != 0.0f) {
        value *= nothing && sums[0] == 0.0f ? 0.0f : total / sums[0];
    }
    product[k] = weighted ? value * weight[weight_at(k, weight_sizes, weight_strides)] : value;
}

#else
#if LOSS <= LAST_POINTWISE
/* (value, derivative by p) of one element. `binary`: the labels of a hinge are 0 and 1. */
static float2 term(const float given, const float p, const float4 a, const int binary) {
#if LOSS == SQUARED_ERROR
    const float e = p - given;
    return (float2)(e * e, 2.0f * e);
#elif LOSS == ABSOLUTE_ERROR
    const float e = p - given;
    return (float2)(fabs(e), SIGN(e));
#elif LOSS == PERCENTAGE_ERROR
    const float size = AT_LEAST(fabs(given), EPSILON);
    const float e = (given - p) / size;
    return (float2)(100.0f * fabs(e), -100.0f * SIGN(e) / size);
#elif LOSS == LOGARITHMIC_ERROR
    const float q = AT_LEAST(p, EPSILON) + 1.0f;
    const float d = log(q) - log(AT_LEAST(given, EPSILON) + 1.0f);
    return (float2)(d * d, p < EPSILON ? 0.0f : 2.0f * d / q);
#elif LOSS == HUBER
    const float e = p - given;
    const float size = fabs(e);
    return size <= a.x ? (float2)(0.5f * e * e, e) : (float2)(a.x * size - 0.5f * a.x * a.x, a.x * SIGN(e));
#elif LOSS == LOG_COSH
    const float e = p - given;
    const float twice = -2.0f * e;
    const float softplus = AT_LEAST(twice, 0.0f) + log1p(exp(-fabs(twice)));
    return (float2)(e + softplus - M_LN2_F, tanh(e));
#elif LOSS == HINGE || LOSS == SQUARED_HINGE
    const float t = binary ? 2.0f * given - 1.0f : given;
    const float margin = AT_LEAST(1.0f - t * p, 0.0f);
#if LOSS == HINGE
    return (float2)(margin, 1.0f - t * p < 0.0f ? 0.0f : -t);
#else
    return (float2)(margin * margin, -2.0f * margin * t);
#endif
#elif LOSS == POISSON
    const float q = p + EPSILON;
    return (float2)(p - given * log(q), 1.0f - given / q);
#elif LOSS == DIVERGENCE
    const float t = given < EPSILON ? EPSILON : given > 1.0f ? 1.0f : given;
    const float q = p < EPSILON ? EPSILON : p > 1.0f ? 1.0f : p;
    return (float2)(t * log(t / q), p < EPSILON || p > 1.0f ? 0.0f : -t / q);
#elif LOSS == BINARY
    const float t = a.y != 0.0f ? given * (1.0f - a.y) + a.z : given;
    const float o = CLIPPED(p);
    const float yes = o + a.x, no = 1.0f - o + a.x;
    const float sum = (t == 0.0f ? 0.0f : t * log(yes)) + (t == 1.0f ? 0.0f : (1.0f - t) * log(no));
    return (float2)(-sum, IS_INSIDE(p) ? (1.0f - t) / no - t / yes : 0.0f);
#else
    const float t = a.y != 0.0f ? given * (1.0f - a.y) + a.z : given;
    const float small = exp(-fabs(p));
    const float sigmoid = (p < 0.0f ? small : 1.0f) / (1.0f + small);
    return (float2)(AT_LEAST(p, 0.0f) - p * t + log1p(small), sigmoid - t);
#endif
}

#else
/* The loss of one row, whose elements lie `stride` apart; `factor` times its gradient is written where wanted. */
static float row(__global const float *p, __global const float *t, __global float *dp, const int n, const long stride,
                 const float4 a, const float factor, const int wanted) {
#if LOSS == CATEGORICAL_HINGE
    float pos = 0.0f, neg = -INFINITY;
    int ties = 0; /* share the gradient of the maximum */
    for (int j = 0; j < n; j++) {
        const float q = p[j * stride], s = t[j * stride], other = (1.0f - s) * q;
        pos += s * q;
        ties = other > neg || j == 0 ? 1 : ties + (other == neg);
        neg = other > neg || j == 0 ? other : neg;
    }
    const float margin = neg - pos + 1.0f;
    for (int j = 0; wanted && j < n; j++) {
        const float s = t[j * stride], other = (1.0f - s) * p[j * stride];
        const float slope = (other == neg ? (1.0f - s) / (float)ties : 0.0f) - s;
        dp[j * stride] = margin < 0.0f ? 0.0f : factor * slope;
    }
    return AT_LEAST(margin, 0.0f);
#elif LOSS == COSINE
    /* a.x: -1 for a loss, 1 for a metric; a.y: the least sum of squares; a.z: the most of 1 / length */
    float squares_p = 0.0f, squares_t = 0.0f, product = 0.0f;
    for (int j = 0; j < n; j++) {
        const float q = p[j * stride], s = t[j * stride];
        squares_p += q * q;
        squares_t += s * s;
        product += q * s;
    }
    const float free_p = rsqrt(AT_LEAST(squares_p, a.y));
    const float inverse_p = free_p > a.z ? a.z : free_p;
    const float inverse_t = fmin(rsqrt(AT_LEAST(squares_t, a.y)), a.z);
    const int moves = squares_p >= a.y && free_p <= a.z; /* the length is not held */
    const float across = moves ? product * inverse_t * inverse_p * inverse_p * inverse_p : 0.0f;
    for (int j = 0; wanted && j < n; j++) {
        dp[j * stride] = factor * a.x * (t[j * stride] * inverse_t * inverse_p - across * p[j * stride]);
    }
    return a.x * product * inverse_p * inverse_t;
#elif LOSS == CATEGORICAL
    float sum = 0.0f, value = 0.0f, product = 0.0f;
    for (int j = 0; j < n; j++) {
        sum += p[j * stride];
    }
    for (int j = 0; j < n; j++) {
        const float given = t[j * stride], s = a.y != 0.0f ? given * (1.0f - a.y) + a.z : given;
        const float share = p[j * stride] / sum, o = CLIPPED(share);
        value -= s == 0.0f ? 0.0f : s * log(o);
        product -= IS_INSIDE(share) ? s / o * share : 0.0f;
    }
    for (int j = 0; wanted && j < n; j++) {
        const float given = t[j * stride], s = a.y != 0.0f ? given * (1.0f - a.y) + a.z : given;
        const float share = p[j * stride] / sum, slope = IS_INSIDE(share) ? -s / share : 0.0f;
        dp[j * stride] = factor * (slope - product) / sum;
    }
    return value;
#else
    float most = p[0], sum = 0.0f, value = 0.0f;
    for (int j = 1; j < n; j++) {
        const float z = p[j * stride];
        most = z > most ? z : most;
    }
    for (int j = 0; j < n; j++) {
        sum += exp(p[j * stride] - most);
    }
    const float log_sum = log(sum);
    for (int j = 0; j < n; j++) {
        const float z = p[j * stride] - most;
        const float given = t[j * stride], s = a.y != 0.0f ? given * (1.0f - a.y) + a.z : given;
        value += s == 0.0f ? 0.0f : s * (log_sum - z);
        if (wanted) {
            dp[j * stride] = factor * (exp(z) / sum - s); /* as if the labels added up to 1 */
        }
    }
    return value;
#endif
}

/* The same for a label, which is a whole number. */
static float labelled(__global const float *p, const int label, __global float *dp, const int n, const long stride,
                      const float factor, const int wanted) {
    float most = 0.0f, sum = 0.0f;
#if LOSS == SPARSE
    for (int j = 0; j < n; j++) {
        sum += CLIPPED(p[j * stride]);
    }
    for (int j = 0; wanted && j < n; j++) {
        const float q = p[j * stride];
        dp[j * stride] = IS_INSIDE(q) ? factor * (1.0f / sum - (j == label ? 1.0f / q : 0.0f)) : 0.0f;
    }
    return log(sum) - log(CLIPPED(p[label * stride]));
#else
    most = p[0];
    for (int j = 1; j < n; j++) {
        const float z = p[j * stride];
        most = z > most ? z : most;
    }
    for (int j = 0; j < n; j++) {
        sum += exp(p[j * stride] - most);
    }
    for (int j = 0; wanted && j < n; j++) {
        dp[j * stride] = factor * (exp(p[j * stride] - most) / sum - (j == label ? 1.0f : 0.0f));
    }
    return log(sum) - (p[label * stride] - most);
#endif
}

/* One entry: its value, unweighted, and `factor` times its gradient. */
static float entry_loss(__global const float *y_pred, __global const float *y_true, __global float *gradient,
                        __global int *bad_labels, const long entry, const int axis, const long inner, const float4 a,
                        const float factor, const int flags) {
    const long first =
        (long)((INDEX)entry / (INDEX)inner) * inner * axis + (long)((INDEX)entry % (INDEX)inner);
    const int wanted = (flags & WANTS_GRADIENT) != 0;
#if LOSS == SPARSE || LOSS == SPARSE_LOGITS
    const float given = y_true[entry];
    const int ignored = (flags & HAS_IGNORED) && given == a.x;
    if (!ignored && given > -1.0f && given < (float)axis) {
        return labelled(y_pred + first, (int)given, gradient + first, axis, inner, factor, wanted);
    }
    if (!ignored && (flags & TELLS_BAD_LABELS)) {
        *bad_labels = 1;
    }
    const float nothing = ignored ? 0.0f : NAN;
    for (int j = 0; wanted && j < axis; j++) {
        gradient[first + j * inner] = nothing;
    }
    return nothing;
#else
    return row(y_pred + first, y_true + first, gradient + first, axis, inner, a, factor, wanted);
#endif
}
#endif

/* Slot s, sums[offset + s], is the sum of factor * weight * loss over its part of the `count` elements or entries.
 * sums[0] is what all is divided by and sums[1] the number of labels that make a hinge take its labels as they are,
 * where these are wanted. Buffers that the flags say nothing of are stood in for by others. */
__kernel void loss_gradient(__global const float *restrict y_pred, __global const float *restrict y_true,
                            __global const float *restrict weight, __global float *restrict gradient,
                            __global float *sums, const long offset, __global int *bad_labels, const long count,
                            const long each, const int slot_count, const int axis, const long inner, const int4 sizes,
                            const int4 strides, const float4 a, const float scale, const int flags) {
    const int slot = get_global_id(0);
    if (slot >= slot_count) {
        return;
    }
    float factor = scale;
    if (flags & (DIVIDES | DIVIDES_NO_NAN)) {
        factor = sums[0] == 0.0f && (flags & DIVIDES_NO_NAN) ? 0.0f : scale / sums[0];
    }
    float total = 0.0f, carry = 0.0f, part = 0.0f;
    int pending = 0;
#if LOSS == HINGE || LOSS == SQUARED_HINGE
    const int binary = sums[1] == 0.0f; /* labels other than 0 and 1 */
#elif LOSS <= LAST_POINTWISE
    const int binary = 0;
#endif
    FOR_SLOT(k, count, slot, slot_count, each) {
        float share = factor;
#if LOSS <= LAST_POINTWISE
        if (flags & WEIGHTED) {
            const long entry = (long)((INDEX)k / (INDEX)(inner * axis)) * inner + (long)((INDEX)k % (INDEX)inner);
            share *= weight[weight_at(entry, sizes, strides)];
        }
        const float2 both = term(y_true[k], y_pred[k], a, binary);
        if (flags & WANTS_GRADIENT) {
            gradient[k] = share * both.y;
        }
        part += share * both.x;
#else
        if (flags & WEIGHTED) {
            share *= weight[weight_at(k, sizes, strides)];
        }
        part += share * entry_loss(y_pred, y_true, gradient, bad_labels, k, axis, inner, a, share, flags);
#endif
        if (++pending == BLOCK) {
            COMPENSATED(float, total, carry, part)
            part = 0.0f;
            pending = 0;
        }
    }
    COMPENSATED(float, total, carry, part)
    sums[offset + slot] = total;
}

/* values[entry], neither weighted nor reduced; `scale` is 1 / axis where an entry is a mean. */
__kernel void loss_values(__global const float *restrict y_pred, __global const float *restrict y_true,
                          __global const float *restrict sums, __global float *restrict values, const long count,
                          const int axis, const long inner, const float4 a, const float scale, const int flags) {
    const long entry = get_global_id(0);
    if (entry >= count) {
        return;
    }
#if LOSS <= LAST_POINTWISE
    const long first =
        (long)((INDEX)entry / (INDEX)inner) * inner * axis + (long)((INDEX)entry % (INDEX)inner);
#if LOSS == HINGE || LOSS == SQUARED_HINGE
    const int binary = sums[1] == 0.0f;
#else
    const int binary = 0;
#endif
    float total = 0.0f, carry = 0.0f;
    for (int j = 0; j < axis; j++) {
        COMPENSATED(float, total, carry, term(y_true[first + j * inner], y_pred[first + j * inner], a, binary).x)
    }
    values[entry] = total * scale;
#else
    values[entry] = scale * entry_loss(y_pred, y_true, values, 0, entry, axis, inner, a, 1.0f,
                                       flags & ~(WANTS_GRADIENT | TELLS_BAD_LABELS));
#endif
}
#endif
