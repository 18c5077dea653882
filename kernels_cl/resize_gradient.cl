/* resize_gradient.cl: gradients of upsampling: each element of dx, of size `in`, gathers from the dy, of size in *
 * factor, that it went into. A row is a line of dx with all its columns and channels. */
#pragma OPENCL FP_CONTRACT OFF

#include "resize.h"

/* ---- nearest: the sum of a block ---- */

__kernel void nearest_gradient_vector(__global const float *restrict dy, __global float *restrict dx, const long rows,
                                      const int4 split, const int4 in, const int4 factor, const int inner) {
    const int width = in.z * inner;
    const long out_width = (long)width * factor.z;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const long plane = at / in.y; /* image and depth: factor.x of them in dy */
        __global const float *first = dy + (plane * factor.x * in.y + (long)(at % in.y)) * factor.y * out_width;
        __global float *to = dx + row * width;
        FOR_COLUMNS(i, width) {
            int iw = i / inner;
            int c = i - iw * inner;
            const bool whole = c + VECTOR <= inner; /* a vector, else one by one */
            for (int j = i; j < (whole ? i + 1 : min(i + VECTOR, width)); j++) {
                FLOATV sum = (FLOATV)(0.0f);
                for (int line = 0; line < factor.x * factor.y; line++) {
                    __global const float *from =
                        first + ((long)(line / factor.y) * in.y * factor.y + line % factor.y) * out_width +
                        (long)iw * factor.z * inner + c;
                    for (int column = 0; column < factor.z; column++) {
                        sum += whole ? LOADV(from + (long)column * inner) : (FLOATV)(from[(long)column * inner]);
                    }
                }
                if (whole) {
                    STOREV(sum, to + j);
                } else {
                    to[j] = sum.s0;
                    c = c + 1 == inner ? 0 : c + 1;
                    iw += c == 0 ? 1 : 0;
                }
            }
        }
    }
}

__kernel void nearest_gradient_reference(__global const float *restrict dy, __global float *restrict dx,
                                         const long count, const int4 in, const int4 factor, const long inner) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const int iw = (int)(pixel % in.z);
    const int ih = (int)(pixel / in.z % in.y);
    const long plane = pixel / in.z / in.y; /* image and depth */
    float sum = 0.0f;
    for (int k = 0; k < factor.x * factor.y * factor.z; k++) {
        const int ow = iw * factor.z + k % factor.z;
        const int oh = ih * factor.y + k / factor.z % factor.y;
        const long od = plane * factor.x + k / factor.z / factor.y;
        sum += dy[((od * in.y * factor.y + oh) * in.z * factor.z + ow) * inner + (INDEX)i % (INDEX)inner];
    }
    dx[i] = sum;
}

/* ---- bilinear: what lies less than a position of x away ---- */

typedef struct span {
    int begin, end;
} span;

/* The outputs that position i may go into; at the edges, which are repeated, all that lie beyond too. */
static span span_at(const int i, const int factor, const int size) {
    span result;
    result.begin = max((i - 1) * factor, 0);
    result.end = min((i + 2) * factor, size * factor);
    return result;
}

/* How much of position i output o holds. */
static float weight_at(const int o, const int i, const float scale, const int size) {
    const blend b = blend_at(o, scale, size);
    return (b.low == i ? 1.0f - b.weight : 0.0f) + (b.high == i ? b.weight : 0.0f);
}

__kernel void bilinear_gradient_vector(__global const float *restrict dy, __global float *restrict dx, const long rows,
                                       const int4 split, const int4 in, const int4 factor, const int inner,
                                       const float scale_h, const float scale_w) {
    const int width = in.z * inner;
    const long out_width = (long)width * factor.z;
    FOR_ROWS(row, rows, split) {
        const int ih = (int)((INDEX)row % in.y);
        const span v = span_at(ih, factor.y, in.y);
        __global const float *image = dy + (long)((INDEX)row / in.y) * in.y * factor.y * out_width;
        __global float *to = dx + row * width;
        FOR_COLUMNS(i, width) {
            int iw = i / inner;
            int c = i - iw * inner;
            const bool whole = c + VECTOR <= inner; /* a vector, else one by one */
            for (int j = i; j < (whole ? i + 1 : min(i + VECTOR, width)); j++) {
                const span h = span_at(iw, factor.z, in.z);
                FLOATV sum = (FLOATV)(0.0f);
                for (int oh = v.begin; oh < v.end; oh++) {
                    const float below = weight_at(oh, ih, scale_h, in.y);
                    if (below == 0.0f) {
                        continue;
                    }
                    for (int ow = h.begin; ow < h.end; ow++) {
                        const float weight = below * weight_at(ow, iw, scale_w, in.z);
                        __global const float *from = image + oh * out_width + (long)ow * inner + c;
                        if (weight != 0.0f) {
                            sum += (FLOATV)(weight) * (whole ? LOADV(from) : (FLOATV)(from[0]));
                        }
                    }
                }
                if (whole) {
                    STOREV(sum, to + j);
                } else {
                    to[j] = sum.s0;
                    c = c + 1 == inner ? 0 : c + 1;
                    iw += c == 0 ? 1 : 0;
                }
            }
        }
    }
}

__kernel void bilinear_gradient_reference(__global const float *restrict dy, __global float *restrict dx,
                                          const long count, const int4 in, const int4 factor, const long inner,
                                          const float scale_h, const float scale_w) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const int iw = (int)(pixel % in.z);
    const int ih = (int)(pixel / in.z % in.y);
    const span v = span_at(ih, factor.y, in.y), h = span_at(iw, factor.z, in.z);
    __global const float *image =
        dy + (long)(pixel / in.z / in.y) * in.y * factor.y * in.z * factor.z * inner + (INDEX)i % (INDEX)inner;
    float sum = 0.0f;
    for (int oh = v.begin; oh < v.end; oh++) {
        float line = 0.0f;
        for (int ow = h.begin; ow < h.end; ow++) {
            line += weight_at(ow, iw, scale_w, in.z) * image[((long)oh * in.z * factor.z + ow) * inner];
        }
        sum += weight_at(oh, ih, scale_h, in.y) * line;
    }
    dx[i] = sum;
}
