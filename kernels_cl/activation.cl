/* activation.cl: y = f(x) element by element; softmax, log_softmax and sparsemax over an axis. y may be x. */

#include "sparsemax.h"

__kernel void activation_vector(__global const float *x, __global float *y, const long count, const long each,
                                const float4 parameters) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            STOREV(activate_vector(LOADV(x + i), parameters), y + i);
        } else {
            for (long j = i; j < i_end; j++) {
                y[j] = activate(x[j], parameters);
            }
        }
    }
}

__kernel void activation_reference(__global const float *x, __global float *y, const long count, const long each,
                                   const float4 parameters) {
    const long i = (long)get_global_id(0) * each;
    if (i < count) {
        y[i] = activate(x[i], parameters);
    }
}

/* One work-item per (outer, inner) runs along the axis: the maximum, the sum of exponentials, the result. */
__kernel void softmax_reference(__global const float *x, __global float *y, const long outer, const int axis,
                                const long inner, const int logarithm) {
    const long item = get_global_id(0);
    if (item >= outer * inner) {
        return;
    }
    const long first = (long)((INDEX)item / (INDEX)inner) * axis * inner + (INDEX)item % (INDEX)inner;
    float largest = -INFINITY;
    for (int i = 0; i < axis; i++) {
        largest = fmax(largest, x[first + i * inner]);
    }
    float sum = 0.0f;
    for (int i = 0; i < axis; i++) {
        sum += exp(x[first + i * inner] - largest);
    }
    const float log_sum = log(sum);
    for (int i = 0; i < axis; i++) {
        const float value = x[first + i * inner] - largest;
        y[first + i * inner] = logarithm ? value - log_sum : exp(value) / sum;
    }
}

/* Keras' sparsemax: max(x - tau, 0) with tau = (sum of c - 1) / k, where k values support the result and c are the k
 * running sums of those values from the largest down. (The projection on the simplex that the name stands for has the
 * last c alone; every backend of Keras adds them all.) */
__kernel void sparsemax_reference(__global const float *x, __global float *y, const long outer, const int axis,
                                  const long inner) {
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
    for (int i = 0; i < axis; i++) {
        y[first + i * inner] = fmax(x[first + i * inner] - tau, 0.0f);
    }
}
