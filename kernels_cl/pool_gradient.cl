/* pool_gradient.cl: gradients of pooling: each element of dx gathers from the windows that it lies in. For the maximum,
 * pool_mark says first what each window gave its value to, so that windows need not be searched for each element. */

#include "pool.h"

/* The same numbers as cly_ops_pool_ties in src/ops/pool.h. */
#define TIES_FIRST 0
#define TIES_EVERY 1
#define TIES_SHARED 2

#define INTV PASTE(int, VECTOR)
#define AS_INTV(v) PASTE(as_int, VECTOR)(v)
#define AS_FLOATV(v) PASTE(as_float, VECTOR)(v)

/* The windows that position i lies in: [begin, end). */
static reach windows_at(const int i, const int window, const int stride, const int pad, const int size) {
    reach result;
    const int first = i + pad - window + 1;
    result.begin = first <= 0 ? 0 : (first + stride - 1) / stride;
    result.end = min((i + pad) / stride + 1, size);
    return result;
}

/* marks, of y's size: for TIES_FIRST which pixel of the image is the window's first maximum, for TIES_SHARED how many
 * are. A row is a line of y with all its columns and channels. */
__kernel void pool_mark(__global const float *restrict x, __global float *restrict marks, const long rows,
                        const int4 split, const int4 in, const int4 out, const int4 window, const int4 stride,
                        const int4 pad, const int inner, const int ties) {
    const int width = out.z * inner;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const reach h = reach_at((int)(at % out.y), window.y, stride.y, pad.y, in.y);
        const reach d = reach_at((int)(at / out.y % out.x), window.x, stride.x, pad.x, in.x);
        __global const float *image = x + (long)(at / out.y / out.x) * in.x * in.y * in.z * inner;
        __global float *to = marks + row * width;
        FOR_COLUMNS(i, width) {
            int ow = i / inner;
            int c = i - ow * inner;
            const bool whole = c + VECTOR <= inner; /* a vector, else one by one */
            for (int j = i; j < (whole ? i + 1 : min(i + VECTOR, width)); j++) {
                const reach w = reach_at(ow, window.z, stride.z, pad.z, in.z);
                FLOATV largest = (FLOATV)(-INFINITY);
                INTV mark = (INTV)(ties == TIES_FIRST ? -1 : 0);
                for (int id = d.begin; id < d.end; id++) {
                    for (int ih = h.begin; ih < h.end; ih++) {
                        const int line = (id * in.y + ih) * in.z;
                        for (int iw = w.begin; iw < w.end; iw++) {
                            __global const float *from = image + (long)(line + iw) * inner + c;
                            const FLOATV value = whole ? LOADV(from) : (FLOATV)(from[0]);
                            const INTV larger = value > largest;
                            const INTV equal = value == largest;
                            if (ties == TIES_FIRST) {
                                mark = (larger || mark < (INTV)(0)) ? (INTV)(line + iw) : mark;
                            } else {
                                mark = larger ? (INTV)(1) : mark - equal;
                            }
                            largest = larger ? value : largest;
                        }
                    }
                }
                if (whole) {
                    STOREV(AS_FLOATV(mark), to + j);
                } else {
                    to[j] = as_float(mark.s0);
                    c = c + 1 == inner ? 0 : c + 1;
                    ow += c == 0 ? 1 : 0;
                }
            }
        }
    }
}

/* A row is a line of dx with all its columns and channels. x, y and marks are stood in for by dy where they are not
 * looked at. */
__kernel void pool_gradient_vector(__global const float *restrict x, __global const float *restrict y,
                                   __global const float *restrict marks, __global const float *restrict dy,
                                   __global float *restrict dx, const long rows, const int4 split, const int4 in,
                                   const int4 out, const int4 window, const int4 stride, const int4 pad,
                                   const int inner, const int average, const int ties) {
    const int width = in.z * inner;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int ih = (int)(at % in.y);
        const int id = (int)(at / in.y % in.x);
        const reach h = windows_at(ih, window.y, stride.y, pad.y, out.y);
        const reach d = windows_at(id, window.x, stride.x, pad.x, out.x);
        const long image = (long)(at / in.y / in.x) * out.x * out.y * out.z * inner;
        FOR_COLUMNS(i, width) {
            int iw = i / inner;
            int c = i - iw * inner;
            const bool whole = c + VECTOR <= inner;
            for (int j = i; j < (whole ? i + 1 : min(i + VECTOR, width)); j++) {
                const reach w = windows_at(iw, window.z, stride.z, pad.z, out.z);
                const INTV pixel = (INTV)((id * in.y + ih) * in.z + iw);
                FLOATV value = (FLOATV)(0.0f), sum = value;
                if (!average && ties != TIES_FIRST) {
                    value = whole ? LOADV(x + row * width + j) : (FLOATV)(x[row * width + j]);
                }
                for (int od = d.begin; od < d.end; od++) {
                    const reach rd = reach_at(od, window.x, stride.x, pad.x, in.x);
                    for (int oh = h.begin; oh < h.end; oh++) {
                        const reach rh = reach_at(oh, window.y, stride.y, pad.y, in.y);
                        for (int ow = w.begin; ow < w.end; ow++) {
                            const long from = image + (((long)od * out.y + oh) * out.z + ow) * inner + c;
                            const FLOATV gradient = whole ? LOADV(dy + from) : (FLOATV)(dy[from]);
                            if (average) {
                                const reach rw = reach_at(ow, window.z, stride.z, pad.z, in.z);
                                sum += gradient / (FLOATV)((float)((long)(rd.end - rd.begin) * (rh.end - rh.begin) *
                                                                   (rw.end - rw.begin)));
                                continue;
                            }
                            INTV mark = (INTV)(1);
                            FLOATV largest = value;
                            if (ties != TIES_EVERY) {
                                mark = AS_INTV(whole ? LOADV(marks + from) : (FLOATV)(marks[from]));
                            }
                            if (ties != TIES_FIRST) {
                                largest = whole ? LOADV(y + from) : (FLOATV)(y[from]);
                            }
                            const INTV chosen = ties == TIES_FIRST ? mark == pixel : value == largest;
                            const FLOATV share =
                                ties == TIES_SHARED ? gradient / PASTE(convert_float, VECTOR)(mark) : gradient;
                            sum += chosen ? share : (FLOATV)(0.0f);
                        }
                    }
                }
                if (whole) {
                    STOREV(sum, dx + row * width + j);
                } else {
                    dx[row * width + j] = sum.s0;
                    c = c + 1 == inner ? 0 : c + 1;
                    iw += c == 0 ? 1 : 0;
                }
            }
        }
    }
}

/* What one window gives the element at `pixel`; `image` is the first element of the channel. */
static float share_of(__global const float *image, const reach d, const reach h, const reach w, const int4 in,
                      const long inner, const int pixel, const int average, const int ties) {
    if (average) {
        return 1.0f / (float)((long)(w.end - w.begin) * (h.end - h.begin) * (d.end - d.begin));
    }
    const float value = image[pixel * inner];
    int equal = 0;
    for (int id = d.begin; id < d.end; id++) {
        for (int ih = h.begin; ih < h.end; ih++) {
            for (int iw = w.begin; iw < w.end; iw++) {
                const int other = (id * in.y + ih) * in.z + iw;
                const float by = image[other * inner];
                if (by > value || (by == value && other < pixel && ties == TIES_FIRST)) {
                    return 0.0f;
                }
                equal += by == value;
            }
        }
    }
    return ties == TIES_SHARED ? 1.0f / (float)equal : 1.0f;
}

__kernel void pool_gradient_reference(__global const float *restrict x, __global const float *restrict dy,
                                      __global float *restrict dx, const long count, const int4 in, const int4 out,
                                      const int4 window, const int4 stride, const int4 pad, const long inner,
                                      const int average, const int ties) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX at = (INDEX)i / (INDEX)inner;
    const long c = (INDEX)i % (INDEX)inner;
    const int in_pixels = in.x * in.y * in.z;
    const int pixel = (int)(at % in_pixels);
    const long image = at / in_pixels;
    const reach w = windows_at(pixel % in.z, window.z, stride.z, pad.z, out.z);
    const reach h = windows_at(pixel / in.z % in.y, window.y, stride.y, pad.y, out.y);
    const reach d = windows_at(pixel / in.z / in.y, window.x, stride.x, pad.x, out.x);
    float sum = 0.0f;
    for (int od = d.begin; od < d.end; od++) {
        for (int oh = h.begin; oh < h.end; oh++) {
            for (int ow = w.begin; ow < w.end; ow++) {
                const float share = share_of(
                    x + (average ? 0 : image * in_pixels * inner + c), reach_at(od, window.x, stride.x, pad.x, in.x),
                    reach_at(oh, window.y, stride.y, pad.y, in.y), reach_at(ow, window.z, stride.z, pad.z, in.z), in,
                    inner, pixel, average, ties);
                sum += share * dy[(((image * out.x + od) * out.y + oh) * out.z + ow) * inner + c];
            }
        }
    }
    dx[i] = sum;
}
