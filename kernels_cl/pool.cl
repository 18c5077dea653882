/* pool.cl: maximum or average over windows of (outer, three axes, inner); what lies outside does not count, but for
 * `before` and `after` positions beside the tensor, which count as zeros. Pixels of `inner` floats lie `x_pitch` and
 * `y_pitch` floats apart. */

#include "pool.h"

/* The positions of a window that count, of which those inside the tensor are reach_at's. */
static int counted(const int o, const int window, const int stride, const int pad, const int size, const int before,
                   const int after) {
    return min(o * stride - pad + window, size + after) - max(o * stride - pad, -before);
}

#define COUNTED(od, oh, ow)                                                         \
    ((long)counted(od, window.x, stride.x, pad.x, in.x, before.x, after.x) *        \
     counted(oh, window.y, stride.y, pad.y, in.y, before.y, after.y) *              \
     counted(ow, window.z, stride.z, pad.z, in.z, before.z, after.z))
#define LENGTH(r) max((r).end - (r).begin, 0)

/* A NaN stays. */
#define LARGER(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))

/* One work-item per output pixel and vector of channels. */
__kernel void pool_vector(__global const float *x, __global float *y, const long rows, const int4 split, const int4 in,
                          const int4 out, const int4 window, const int4 stride, const int4 pad, const int4 before,
                          const int4 after, const int inner, const int average, const long x_pitch,
                          const long x_offset, const long y_pitch, const long y_offset) {
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const reach w = reach_at((int)(at % out.z), window.z, stride.z, pad.z, in.z);
        const reach h = reach_at((int)(at / out.z % out.y), window.y, stride.y, pad.y, in.y);
        const reach d = reach_at((int)(at / out.z / out.y % out.x), window.x, stride.x, pad.x, in.x);
        __global const float *image = x + x_offset + (long)(at / out.z / out.y / out.x) * in.x * in.y * in.z * x_pitch;
        __global float *to = y + y_offset + row * y_pitch;
        const long size = COUNTED((int)(at / out.z / out.y % out.x), (int)(at / out.z % out.y), (int)(at % out.z));
        const float least = average || size > (long)LENGTH(w) * LENGTH(h) * LENGTH(d) ? 0.0f : -INFINITY;
        FOR_COLUMNS(i, inner) {
            const bool whole = i + VECTOR <= inner;
            for (int c = i; c < (whole ? i + 1 : inner); c++) {
                FLOATV result = (FLOATV)(least);
                for (int id = d.begin; id < d.end; id++) {
                    for (int ih = h.begin; ih < h.end; ih++) {
                        __global const float *from = image + ((long)id * in.y + ih) * in.z * x_pitch + c;
                        for (int iw = w.begin; iw < w.end; iw++) {
                            const FLOATV value =
                                whole ? LOADV(from + iw * x_pitch) : (FLOATV)(from[iw * x_pitch]);
                            result = average ? result + value : LARGER(result, value);
                        }
                    }
                }
                result = average ? result / (FLOATV)((float)size) : result;
                if (whole) {
                    STOREV(result, to + c);
                } else {
                    to[c] = result.s0;
                }
            }
        }
    }
}

/* For few channels: a row of y is a row of the tensor, and work-items run along it. */
__kernel void pool_line(__global const float *x, __global float *y, const long rows, const int4 split, const int4 in,
                        const int4 out, const int4 window, const int4 stride, const int4 pad, const int4 before,
                        const int4 after, const int inner, const int average, const long x_pitch,
                        const long x_offset, const long y_pitch, const long y_offset) {
    const int width = out.z * inner;
    const long x_width = in.z * x_pitch;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const reach h = reach_at((int)(at % out.y), window.y, stride.y, pad.y, in.y);
        const reach d = reach_at((int)(at / out.y % out.x), window.x, stride.x, pad.x, in.x);
        __global const float *image = x + x_offset + (long)(at / out.y / out.x) * in.x * in.y * x_width;
        __global float *to = y + y_offset + row * out.z * y_pitch;
        FOR_COLUMNS(i, width) {
            int ow = i / inner;
            int c = i - ow * inner;
            for (int j = i; j < min(i + VECTOR, width); j++) {
                const reach w = reach_at(ow, window.z, stride.z, pad.z, in.z);
                const long size = COUNTED((int)(at / out.y % out.x), (int)(at % out.y), ow);
                float result = average || size > (long)LENGTH(w) * LENGTH(h) * LENGTH(d) ? 0.0f : -INFINITY;
                for (int id = d.begin; id < d.end; id++) {
                    for (int ih = h.begin; ih < h.end; ih++) {
                        __global const float *from = image + ((long)id * in.y + ih) * x_width + c;
                        for (int iw = w.begin; iw < w.end; iw++) {
                            const float value = from[iw * x_pitch];
                            result = average ? result + value : LARGER(result, value);
                        }
                    }
                }
                to[ow * y_pitch + c] = average ? result / (float)size : result;
                if (++c == inner) {
                    c = 0;
                    ow++;
                }
            }
        }
    }
}

__kernel void pool_reference(__global const float *x, __global float *y, const long count, const int4 in,
                             const int4 out, const int4 window, const int4 stride, const int4 pad, const int4 before,
                             const int4 after, const long inner, const int average, const long x_pitch,
                             const long x_offset, const long y_pitch, const long y_offset) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const reach w = reach_at((int)(pixel % out.z), window.z, stride.z, pad.z, in.z);
    const reach h = reach_at((int)(pixel / out.z % out.y), window.y, stride.y, pad.y, in.y);
    const reach d = reach_at((int)(pixel / out.z / out.y % out.x), window.x, stride.x, pad.x, in.x);
    const long c = (INDEX)i % (INDEX)inner;
    __global const float *image =
        x + x_offset + (long)(pixel / out.z / out.y / out.x) * in.x * in.y * in.z * x_pitch + c;
    const long size = COUNTED((int)(pixel / out.z / out.y % out.x), (int)(pixel / out.z % out.y), (int)(pixel % out.z));
    float result = average || size > (long)LENGTH(w) * LENGTH(h) * LENGTH(d) ? 0.0f : -INFINITY;
    for (int id = d.begin; id < d.end; id++) {
        for (int ih = h.begin; ih < h.end; ih++) {
            for (int iw = w.begin; iw < w.end; iw++) {
                const float value = image[(((long)id * in.y + ih) * in.z + iw) * x_pitch];
                result = average ? result + value : LARGER(result, value);
            }
        }
    }
    y[y_offset + pixel * y_pitch + c] = average ? result / (float)size : result;
}
