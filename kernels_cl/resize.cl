/* resize.cl: upsampling of (outer, three axes, inner) by whole factors: nearest, or bilinear on the last two axes.
 *
 * Bilinear follows tensorflow/core/kernels/image/resize_bilinear_op.cc step by step (half-pixel centres, lerp along the
 * columns, then along the rows), without contraction, so that results agree to the last bit. */
#pragma OPENCL FP_CONTRACT OFF

#define HALF_LENGTH PASTE(HALF_OF_, VECTOR)
#define HALF_OF_4 2
#define HALF_OF_16 8
#define HALFV PASTE(float, HALF_LENGTH)
#if defined(__clang__) && VECTOR == 16
typedef HALFV __attribute__((aligned(4))) unaligned_half; /* as LOADV */
#define LOAD_HALF(pointer) ((HALFV) * (__global const unaligned_half *)(pointer))
#else
#define LOAD_HALF(pointer) PASTE(vload, HALF_LENGTH)(0, pointer)
#endif

/* ---- nearest ---- */

/* `count` floats of a row of y from i on, where neighbours come from several columns of x: one division, then steps. */
static void nearest_run(__global const float *from, __global float *to, const int i, const int count, const int factor,
                        const int inner) {
    const int ow = i / inner;
    int c = i - ow * inner;
    int column = ow / factor;
    int repeat = ow - column * factor;
    for (int j = 0; j < count; j++) {
        to[i + j] = from[column * inner + c];
        if (++c == inner) {
            c = 0;
            if (++repeat == factor) {
                repeat = 0;
                column++;
            }
        }
    }
}

__kernel void nearest_vector(__global const float *x, __global float *y, const long rows, const int4 split,
                             const int4 in, const int4 factor, const int width, const int inner) {
    const int out_h = in.y * factor.y;
    const int out_d = in.x * factor.x;
    FOR_ROWS(row, rows, split) {
        const int ih = (int)(row % out_h) / factor.y;
        const int id = (int)(row / out_h % out_d) / factor.x;
        __global const float *from = x + ((row / out_h / out_d * in.x + id) * in.y + ih) * in.z * inner;
        __global float *to = y + row * width;
        FOR_COLUMNS(start, width) {
            const int i = MOVED_BACK(start, width);
            const int ow = i / inner;
            const int c = i - ow * inner;
            if (c + VECTOR <= inner) {
                STOREV(LOADV(from + ow / factor.z * inner + c), to + i);
            } else if (inner == 1 && factor.z == 2 && i + VECTOR <= width) {
                const HALFV values = LOAD_HALF(from + i / 2);
                FLOATV both;
                both.even = values;
                both.odd = values;
                STOREV(both, to + i);
            } else {
                nearest_run(from, to, i, min(VECTOR, width - i), factor.z, inner);
            }
        }
    }
}

__kernel void nearest_reference(__global const float *x, __global float *y, const long count, const int4 in,
                                const int4 factor, const long inner) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const int out_w = in.z * factor.z;
    const int out_h = in.y * factor.y;
    const int out_d = in.x * factor.x;
    const int iw = (int)(pixel % out_w) / factor.z;
    const int ih = (int)(pixel / out_w % out_h) / factor.y;
    const int id = (int)(pixel / out_w / out_h % out_d) / factor.x;
    const long outer = pixel / out_w / out_h / out_d;
    y[i] = x[(((outer * in.x + id) * in.y + ih) * in.z + iw) * inner + (INDEX)i % (INDEX)inner];
}

/* ---- bilinear ---- */

#include "resize.h"

static float lerp(const float a, const float b, const float weight) {
    return a + (b - a) * weight;
}

static FLOATV lerp_vector(const FLOATV a, const FLOATV b, const float weight) {
    return a + (b - a) * (FLOATV)(weight);
}

static HALFV lerp_half(const HALFV a, const HALFV b, const float weight) {
    return a + (b - a) * (HALFV)(weight);
}

/* Half a vector of a row of `size` floats; what lies outside repeats the edge. */
static HALFV load_clamped(__global const float *row, const int first, const int size) {
    if (first >= 0 && first + HALF_LENGTH <= size) {
        return LOAD_HALF(row + first);
    }
#if HALF_LENGTH == 2 /* without an array, which some GPUs would keep in slow memory */
    return (HALFV)(row[clamp(first, 0, size - 1)], row[clamp(first + 1, 0, size - 1)]);
#else
    float lanes[HALF_LENGTH];
    for (int i = 0; i < HALF_LENGTH; i++) {
        lanes[i] = row[clamp(first + i, 0, size - 1)];
    }
    return PASTE(vload, HALF_LENGTH)(0, lanes);
#endif
}

/* VECTOR columns of a row doubled in width, from column `first` of x on: the weights are 3/4 and 1/4, in floats
 * exactly. */
static FLOATV doubled(__global const float *row, const int first, const int size) {
    const HALFV left = load_clamped(row, first - 1, size);
    const HALFV middle = load_clamped(row, first, size);
    const HALFV right = load_clamped(row, first + 1, size);
    FLOATV result;
    result.even = lerp_half(left, middle, 0.75f);
    result.odd = lerp_half(middle, right, 0.25f);
    return result;
}

__kernel void bilinear_vector(__global const float *x, __global float *y, const long rows, const int4 split,
                              const int4 in, const int4 factor, const int width, const int inner, const float scale_h,
                              const float scale_w) {
    const int out_h = in.y * factor.y;
    const long x_width = (long)in.z * inner;
    FOR_ROWS(row, rows, split) {
        const blend v = blend_at((int)(row % out_h), scale_h, in.y);
        __global const float *image = x + row / out_h * in.y * x_width;
        __global const float *top = image + v.low * x_width;
        __global const float *bottom = image + v.high * x_width;
        __global float *to = y + row * width;
        FOR_COLUMNS(start, width) {
            const int i = MOVED_BACK(start, width);
            const int ow = i / inner;
            const int c = i - ow * inner;
            if (c + VECTOR <= inner) {
                const blend h = blend_at(ow, scale_w, in.z);
                const int low = h.low * inner + c;
                const int high = h.high * inner + c;
                STOREV(lerp_vector(lerp_vector(LOADV(top + low), LOADV(top + high), h.weight),
                                   lerp_vector(LOADV(bottom + low), LOADV(bottom + high), h.weight), v.weight),
                       to + i);
            } else if (inner == 1 && factor.z == 2 && i + VECTOR <= width) {
                STOREV(lerp_vector(doubled(top, i / 2, in.z), doubled(bottom, i / 2, in.z), v.weight), to + i);
            } else {
                int column = ow;
                int channel = c;
                blend h = blend_at(column, scale_w, in.z);
                for (int j = i; j < min(i + VECTOR, width); j++) {
                    const int low = h.low * inner + channel;
                    const int high = h.high * inner + channel;
                    to[j] =
                        lerp(lerp(top[low], top[high], h.weight), lerp(bottom[low], bottom[high], h.weight), v.weight);
                    if (++channel == inner) {
                        channel = 0;
                        h = blend_at(++column, scale_w, in.z);
                    }
                }
            }
        }
    }
}

__kernel void bilinear_reference(__global const float *x, __global float *y, const long count, const int4 in,
                                 const int4 factor, const long inner, const float scale_h, const float scale_w) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const int out_w = in.z * factor.z;
    const int out_h = in.y * factor.y;
    const blend h = blend_at((int)(pixel % out_w), scale_w, in.z);
    const blend v = blend_at((int)(pixel / out_w % out_h), scale_h, in.y);
    __global const float *image = x + (long)(pixel / out_w / out_h) * in.y * in.z * inner + (INDEX)i % (INDEX)inner;
    const float top =
        lerp(image[((long)v.low * in.z + h.low) * inner], image[((long)v.low * in.z + h.high) * inner], h.weight);
    const float bottom =
        lerp(image[((long)v.high * in.z + h.low) * inner], image[((long)v.high * in.z + h.high) * inner], h.weight);
    y[i] = lerp(top, bottom, v.weight);
}
