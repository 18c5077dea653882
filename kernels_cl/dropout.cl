/* dropout.cl: y = fma(x, factor, shift) where a random number is at least `least`, else `dropped`. Numbers are the
 * upper 24 bits of the words of philox.h, four a counter. y may be x. */

#include "element.h"
#include "philox.h"

/* change: factor, shift, dropped */
static float4 kept(const float4 x, const ulong block, const int4 stream, const uint least, const float4 change) {
    return (philox(block, stream) >> 8) >= (uint4)(least) ? fma(x, (float4)(change.x), (float4)(change.y))
                                                          : (float4)(change.z);
}

static float kept_one(const float x, const uint word, const uint least, const float4 change) {
    return (word >> 8) >= least ? fma(x, change.x, change.y) : change.z;
}

static uint word_of(const long number, const int4 stream) {
    const uint4 words = philox((ulong)number / 4, stream);
    const int lane = (int)(number & 3);
    const uint2 pair = lane & 2 ? words.zw : words.xy;
    return lane & 1 ? pair.y : pair.x;
}

/* A number an element. */
__kernel void dropout_vector(__global const float *x, __global float *y, const long count, const long each,
                             const int4 stream, const int least, const float4 change) {
    FOR_SPAN(i, count, each) {
        for (long j = i; j < min(i + VECTOR, i_end); j += 4) {
            if (j + 4 <= i_end) {
                vstore4(kept(vload4(0, x + j), (ulong)j / 4, stream, (uint)least, change), 0, y + j);
            } else {
                const uint4 words = philox((ulong)j / 4, stream);
                y[j] = kept_one(x[j], words.x, (uint)least, change);
                if (j + 1 < i_end) {
                    y[j + 1] = kept_one(x[j + 1], words.y, (uint)least, change);
                }
                if (j + 2 < i_end) {
                    y[j + 2] = kept_one(x[j + 2], words.z, (uint)least, change);
                }
            }
        }
    }
}

/* Elements of (outer, repeat, inner) share the number of (outer, inner). */
__kernel void dropout_reference(__global const float *x, __global float *y, const long count, const long repeat,
                                const long inner, const int4 stream, const int least, const float4 change) {
    const long i = get_global_id(0);
    if (i < count) {
        const INDEX at = (INDEX)i;
        const long number = (long)(at / (INDEX)inner / (INDEX)repeat) * inner + at % (INDEX)inner;
        y[i] = kept_one(x[i], word_of(number, stream), (uint)least, change);
    }
}

/* Elements share a number along the axes that `repeats` names: see element.h. */
__kernel void dropout_axes(__global const float *x, __global float *y, const long count, const int4 low,
                           const int4 high, const int repeats, const int4 stream, const int least,
                           const float4 change) {
    const long i = get_global_id(0);
    if (i < count) {
        y[i] = kept_one(x[i], word_of(find_element(i, low, high, repeats), stream), (uint)least, change);
    }
}
