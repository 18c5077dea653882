/* activation_gradient.cl: dx = dy f'(x) element by element, from x or, where it is enough, from y = f(x); the gradients
 * of softmax, log_softmax and sparsemax. dx may be dy.
 *
 * SLOPE(T, v, p) is an expression of the type T (float or a vector of it), v being x or y as
 * cly_ops_activation_needs_input of src/ops/activation_gradient.c says, and p the parameters. At kinks each gives what
 * TensorFlow's gradients of Keras' expressions give: a clip lets its limits through, relu and relu6 do not. */

#include "sparsemax.h"

#define ONE(T) ((T)(1.0f))
#define SIGMOID(T, x) (ONE(T) / (ONE(T) + exp(-(x))))
#define STEP(T, condition) ((condition) ? ONE(T) : ZERO(T))

#if ACTIVATION == ACT_LINEAR
#define SLOPE(T, v, p) ONE(T)
#elif ACTIVATION == ACT_RELU
/* From y where threshold is 0 and there is no max_value, or it is 6 and there is no slope; x does as well. */
#define RELU_SIMPLE(T, v, p) ((v) > ZERO(T) ? ONE(T) : (T)((p).x))
#define RELU_SIX(T, v, p) (STEP(T, (v) > ZERO(T) && (v) < (T)(6.0f)) + ((v) < ZERO(T) ? (T)((p).x) : ZERO(T)))
#define RELU_OPEN(T, v, p) (STEP(T, (v) > (T)((p).z)) + ((v) < (T)((p).z) ? (T)((p).x) : ZERO(T)))
#define RELU_CLIPPED_SLOPE(T, v, p) \
    (STEP(T, (v) > (T)((p).z) && (v) >= ZERO(T) && (v) <= (T)((p).y)) + ((v) < (T)((p).z) ? (T)((p).x) : ZERO(T)))
#define SLOPE(T, v, p)                                                               \
    ((p).y == INFINITY ? ((p).z == 0.0f ? RELU_SIMPLE(T, v, p) : RELU_OPEN(T, v, p)) \
                       : ((p).z == 0.0f && (p).y == 6.0f ? RELU_SIX(T, v, p) : RELU_CLIPPED_SLOPE(T, v, p)))
#elif ACTIVATION == ACT_SIGMOID
#define SLOPE(T, v, p) ((v) * (ONE(T) - (v)))
#elif ACTIVATION == ACT_TANH
#define SLOPE(T, v, p) (ONE(T) - (v) * (v))
#elif ACTIVATION == ACT_ELU
/* alpha < 0: from x */
#define SLOPE(T, v, p) ((v) > ZERO(T) ? ONE(T) : ((p).x < 0.0f ? (T)((p).x) * exp(v) : (v) + (T)((p).x)))
#elif ACTIVATION == ACT_SELU
#define SLOPE(T, v, p) ((v) < ZERO(T) ? (v) + (T)(1.7580993408473766f) : (T)(1.0507009873554805f))
#elif ACTIVATION == ACT_SOFTPLUS
#define SLOPE(T, v, p) (-expm1(-(v)))
#elif ACTIVATION == ACT_SOFTSIGN
#define SLOPE(T, v, p) ((ONE(T) - fabs(v)) * (ONE(T) - fabs(v)))
#elif ACTIVATION == ACT_EXPONENTIAL
#define SLOPE(T, v, p) (v)
#elif ACTIVATION == ACT_HARD_SIGMOID
#define SLOPE(T, v, p) ((v) > ZERO(T) && (v) < ONE(T) ? (T)(1.0f / 6.0f) : ZERO(T))
#elif ACTIVATION == ACT_KERAS2_HARD_SIGMOID
#define SLOPE(T, v, p) (fabs((T)(0.2f) * (v)) <= (T)(0.5f) ? (T)(0.2f) : ZERO(T))
#elif ACTIVATION == ACT_SILU
#define SLOPE(T, v, p) (SIGMOID(T, v) * (ONE(T) + (v)*SIGMOID(T, -(v))))
#elif ACTIVATION == ACT_GELU
/* exact: the distribution function and x times the density; approximate: s + x s (1 - s) 2 u' with s = (1 + tanh u) /
 * 2, where s (1 - s) is 0 long before x x overflows */
#define GELU_EXACT(T, x)                                  \
    ((T)(0.5f) * erfc((x) * (T)(-0.70710678118654752f)) + \
     (x) * ((T)(0.39894228040143268f) * exp((T)(-0.5f) * (x) * (x))))
#define GELU_S(T, x) SIGMOID(T, (T)(1.5957691216057308f) * ((x) + (T)(0.044715f) * (x) * (x) * (x)))
#define GELU_U(T, x) ((T)(1.5957691216057308f) * (ONE(T) + (T)(0.134145f) * (x) * (x)))
#define GELU_BOUNDED(T, x) fmax(fmin(x, (T)(30.0f)), (T)(-30.0f))
#define GELU_APPROXIMATE(T, x) (GELU_S(T, x) + (x)*GELU_S(T, x) * GELU_S(T, -(x)) * GELU_U(T, GELU_BOUNDED(T, x)))
#define SLOPE(T, v, p) ((p).x != 0.0f ? GELU_APPROXIMATE(T, v) : GELU_EXACT(T, v))
#elif ACTIVATION == ACT_RELU6
#define SLOPE(T, v, p) STEP(T, (v) > ZERO(T) && (v) < (T)(6.0f))
#elif ACTIVATION == ACT_LEAKY_RELU
#define SLOPE(T, v, p) ((v) > ZERO(T) ? ONE(T) : (T)((p).x))
#elif ACTIVATION == ACT_MISH
/* t + x (1 - t^2) sigmoid(x), where t = n / (n + 2) with n = e (e + 2) and e = exp(x), so 1 - t^2 is
 * 4 (n + 1) / (n + 2)^2, which is 0 where e would overflow */
#define MISH_SLOPE_E(T, x) exp(fmin(x, (T)(20.0f)))
#define MISH_SLOPE_N(T, x) (MISH_SLOPE_E(T, x) * (MISH_SLOPE_E(T, x) + (T)(2.0f)))
#define MISH_REST(T, x) \
    ((T)(4.0f) * ((MISH_SLOPE_N(T, x) + ONE(T)) / (MISH_SLOPE_N(T, x) + (T)(2.0f))) / (MISH_SLOPE_N(T, x) + (T)(2.0f)))
#define SLOPE(T, v, p) (MISH_SLOPE_N(T, v) / (MISH_SLOPE_N(T, v) + (T)(2.0f)) + (v) * (MISH_REST(T, v) * SIGMOID(T, v)))
#elif ACTIVATION == ACT_HARD_SILU
#define SLOPE(T, v, p) ((v) <= (T)(-3.0f) ? ZERO(T) : ((v) < (T)(3.0f) ? (v) / (T)(3.0f) + (T)(0.5f) : ONE(T)))
#elif ACTIVATION == ACT_HARD_TANH
#define SLOPE(T, v, p) STEP(T, (v) >= (T)(-1.0f) && (v) <= ONE(T))
#elif ACTIVATION == ACT_TANH_SHRINK
#define SLOPE(T, v, p) (tanh(v) * tanh(v))
#elif ACTIVATION == ACT_SOFT_SHRINK || ACTIVATION == ACT_HARD_SHRINK
#define SLOPE(T, v, p) ((p).x < 0.0f ? ONE(T) : STEP(T, (v) != ZERO(T)))
#elif ACTIVATION == ACT_SQUAREPLUS
/* (1 + x / root) / 2 in terms of y */
#define SLOPE(T, v, p) ((v) > ZERO(T) ? ONE(T) / (ONE(T) + (T)((p).x) / ((T)(4.0f) * (v) * (v))) : ZERO(T))
#elif ACTIVATION == ACT_SPARSE_PLUS
#define SLOPE(T, v, p) sqrt(fmin(v, ONE(T)))
#elif ACTIVATION == ACT_SPARSE_SIGMOID
#define SLOPE(T, v, p) ((v) > ZERO(T) && (v) < ONE(T) ? (T)(0.5f) : ZERO(T))
#elif ACTIVATION == ACT_CELU
/* Keras writes it as a sum, both terms of which have a gradient at 0. */
#define SLOPE(T, v, p) (STEP(T, (v) >= ZERO(T)) + ((v) <= ZERO(T) ? (v) / (T)((p).x) + ONE(T) : ZERO(T)))
#elif ACTIVATION == ACT_LOG_SIGMOID
#define SLOPE(T, v, p) (-expm1(v))
#elif ACTIVATION == ACT_THRESHOLD
#define SLOPE(T, v, p) STEP(T, (v) > (T)((p).x))
#endif

static float slope(const float v, const float4 p) {
    return SLOPE(float, v, p);
}

static FLOATV slope_vector(const FLOATV v, const float4 p) {
    return SLOPE(FLOATV, v, p);
}

__kernel void activation_gradient_vector(__global const float *v, __global const float *dy, __global float *dx,
                                         const long count, const long each, const float4 parameters) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            STOREV(LOADV(dy + i) * slope_vector(LOADV(v + i), parameters), dx + i);
        } else {
            for (long j = i; j < i_end; j++) {
                dx[j] = dy[j] * slope(v[j], parameters);
            }
        }
    }
}

__kernel void activation_gradient_reference(__global const float *v, __global const float *dy, __global float *dx,
                                            const long count, const long each, const float4 parameters) {
    const long i = (long)get_global_id(0) * each;
    if (i < count) {
        dx[i] = dy[i] * slope(v[i], parameters);
    }
}

/* One work-item per (outer, inner): dx = y (dy - sum of dy y), or for log_softmax dy - exp(y) (sum of dy). */
__kernel void softmax_gradient_reference(__global const float *y, __global const float *dy, __global float *dx,
                                         const long outer, const int axis, const long inner, const int logarithm) {
    const long item = get_global_id(0);
    if (item >= outer * inner) {
        return;
    }
    const long first = (long)((INDEX)item / (INDEX)inner) * axis * inner + (INDEX)item % (INDEX)inner;
    float sum = 0.0f;
    for (int i = 0; i < axis; i++) {
        const long at = first + i * inner;
        sum = logarithm ? sum + dy[at] : fma(dy[at], y[at], sum);
    }
    for (int i = 0; i < axis; i++) {
        const long at = first + i * inner;
        dx[at] = logarithm ? dy[at] - exp(y[at]) * sum : y[at] * (dy[at] - sum);
    }
}

/* Through max(x - tau, 0) and tau, in which the value in place j of a support of k counts (k - j) / k times. */
__kernel void sparsemax_gradient_reference(__global const float *x, __global const float *dy, __global float *dx,
                                           const long outer, const int axis, const long inner) {
    const long item = get_global_id(0);
    if (item >= outer * inner) {
        return;
    }
    const long first = (long)((INDEX)item / (INDEX)inner) * axis * inner + (INDEX)item % (INDEX)inner;
    float largest = -INFINITY, limit;
    for (int i = 0; i < axis; i++) {
        largest = fmax(largest, x[first + i * inner]);
    }
    const int support = sparsemax_support(x + first, axis, inner, largest, &limit);
    const float tau = sparsemax_tau(x + first, axis, inner, largest, limit, support);
    float sum = 0.0f;
    for (int i = 0; i < axis; i++) {
        sum += x[first + i * inner] - tau >= 0.0f ? dy[first + i * inner] : 0.0f;
    }
    for (int i = 0; i < axis; i++) {
        const long at = first + i * inner;
        const float direct = x[at] - tau >= 0.0f ? dy[at] : 0.0f;
        const float share = x[at] - largest > limit
                                ? (float)(support - sparsemax_place(x + first, axis, inner, i)) / (float)support
                                : 0.0f;
        dx[at] = direct - share * sum;
    }
}
