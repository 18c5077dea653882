/* noise.cl: y = x + stddev n or x (1 + stddev n) with normal numbers n from a counter; src/ops/noise.h says how. y may
 * be x. */

#include "philox.h"

/* Box and Muller's transform of four words. */
static float4 normals(const ulong block, const int4 stream) {
    const uint4 words = philox(block, stream) >> 8;
    const float2 radius = sqrt(-2.0f * log((convert_float2(words.xz) + 1.0f) * 5.9604644775390625e-8f));
    const float2 angle = convert_float2(words.yw) * 1.1920928955078125e-7f; /* in half turns */
    const float2 across = radius * cospi(angle), up = radius * sinpi(angle);
    return (float4)(across.x, up.x, across.y, up.y);
}

static float noised(const float x, const float n, const float stddev, const int multiplies) {
    return multiplies ? x * fma(n, stddev, 1.0f) : fma(n, stddev, x);
}

__kernel void noise_vector(__global const float *x, __global float *y, const long count, const long each,
                           const int4 stream, const float stddev, const int multiplies) {
    FOR_SPAN(i, count, each) {
        for (long j = i; j < min(i + VECTOR, i_end); j += 4) {
            const float4 n = normals((ulong)j / 4, stream);
            y[j] = noised(x[j], n.x, stddev, multiplies);
            if (j + 1 < i_end) {
                y[j + 1] = noised(x[j + 1], n.y, stddev, multiplies);
            }
            if (j + 2 < i_end) {
                y[j + 2] = noised(x[j + 2], n.z, stddev, multiplies);
            }
            if (j + 3 < i_end) {
                y[j + 3] = noised(x[j + 3], n.w, stddev, multiplies);
            }
        }
    }
}

__kernel void noise_reference(__global const float *x, __global float *y, const long count, const long each,
                              const int4 stream, const float stddev, const int multiplies) {
    const long i = (long)get_global_id(0) * each;
    if (i < count) {
        const float4 n = normals((ulong)i / 4, stream);
        const int lane = (int)(i & 3);
        const float2 pair = lane & 2 ? n.zw : n.xy;
        y[i] = noised(x[i], lane & 1 ? pair.y : pair.x, stddev, multiplies);
    }
}
