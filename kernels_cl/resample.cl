/* resample.cl: images resized by separable filters: a table of each axis' weights, then one pass along each axis.
 *
 * The table has for each output position the first input position, their number, and their weights (which add up to 1),
 * in `stride` floats. */

/* The same numbers as in src/ops/resample.h. */
#define NEAREST 0
#define BILINEAR 1
#define BICUBIC 2
#define LANCZOS3 3
#define LANCZOS5 4
#define GAUSSIAN 5
#define MITCHELL 6
#define AREA 7

static float cubic(const float x, const float b, const float c) {
    const float x2 = x * x, x3 = x2 * x;
    return x < 1.0f
               ? ((12.0f - 9.0f * b - 6.0f * c) * x3 + (-18.0f + 12.0f * b + 6.0f * c) * x2 + (6.0f - 2.0f * b)) / 6.0f
           : x < 2.0f ? ((-b - 6.0f * c) * x3 + (6.0f * b + 30.0f * c) * x2 + (-12.0f * b - 48.0f * c) * x +
                         (8.0f * b + 24.0f * c)) /
                            6.0f
                      : 0.0f;
}

static float lanczos(const float x, const float radius) {
    return x > radius ? 0.0f : x <= 1e-3f ? 1.0f : radius * sinpi(x) * sinpi(x / radius) / (M_PI_F * M_PI_F * x * x);
}

static float filter_at(const int method, const float x) {
    switch (method) {
        case BILINEAR:
            return fmax(1.0f - x, 0.0f);
        case BICUBIC:
            return cubic(x, 0.0f, 0.5f);
        case LANCZOS3:
            return lanczos(x, 3.0f);
        case LANCZOS5:
            return lanczos(x, 5.0f);
        case GAUSSIAN:
            return x >= 1.5f ? 0.0f : exp(-2.0f * x * x);
        default:
            return cubic(x, 1.0f / 3.0f, 1.0f / 3.0f);
    }
}

/* Of the weights that `first` and `count` name those within the image, made to add up to 1. */
static void store_span(__global float *entry, const int first, const int count, const float total) {
    entry[0] = (float)first;
    entry[1] = (float)count;
    if (fabs(total) >= 1000.0f * FLT_MIN) {
        for (int k = 0; k < count; k++) {
            entry[2 + k] /= total;
        }
    }
}

/* One output position a work-item. Without antialiasing TensorFlow looks bicubic weights up in a table of 1024 steps,
 * and so do we; `widening` is 1 or more. */
__kernel void resample_weights(__global float *table, const long offset, const int stride, const int in, const int out,
                               const int method, const int in_steps, const float radius, const float widening) {
    const int o = get_global_id(0);
    if (o >= out) {
        return;
    }
    __global float *entry = table + offset + (long)o * stride;
    const float scale = (float)in / (float)out;
    float total = 0.0f;
    if (method == NEAREST) {
        entry[2] = 1.0f;
        store_span(entry, min((int)floor(((float)o + 0.5f) * scale), in - 1), 1, 1.0f);
    } else if (method == AREA) {
        const float low = (float)o * scale, high = (float)(o + 1) * scale;
        const int first = min((int)floor(low), in - 1), last = min((int)ceil(high), in);
        for (int i = first; i < last; i++) {
            entry[2 + i - first] = fmin(high, (float)(i + 1)) - fmax(low, (float)i);
            total += entry[2 + i - first];
        }
        store_span(entry, first, last - first, total);
    } else {
        const float centre = ((float)o + 0.5f) * scale;
        int first = max((int)ceil(centre - radius * widening - 0.5f), 0);
        int last = min((int)floor(centre + radius * widening - 0.5f), in - 1);
        float position = centre;
        if (in_steps) {
            const float low = floor(centre - 0.5f);
            position = low + rint((centre - 0.5f - low) * 1024.0f) / 1024.0f + 0.5f;
            first = max((int)low - 1, 0);
            last = min((int)low + 2, in - 1);
        }
        for (int i = first; i <= last; i++) {
            const float weight = filter_at(method, fabs((float)i + 0.5f - position) / widening);
            entry[2 + i - first] = weight;
            total += weight;
        }
        store_span(entry, first, last - first + 1, total);
    }
}

/* For each input position which output positions take from it: the first and the number, two integers. */
__kernel void resample_readers(__global const float *table, const long offset, const int stride,
                               __global float *readers, const long readers_offset, const int in, const int out) {
    const int i = get_global_id(0);
    if (i >= in) {
        return;
    }
    int first = 0, count = 0;
    for (int o = 0; o < out; o++) {
        const int begin = (int)table[offset + (long)o * stride];
        const int end = begin + (int)table[offset + (long)o * stride + 1];
        if (i >= begin && i < end) {
            first = count == 0 ? o : first;
            count = o - first + 1;
        }
    }
    readers[readers_offset + 2 * i] = (float)first;
    readers[readers_offset + 2 * i + 1] = (float)count;
}

/* (outer, in, inner) -> (outer, out, inner), rows of `inner`. */
__kernel void resample_axis(__global const float *x, const long x_offset, __global const float *table,
                            const long offset, const int stride, __global float *y, const long y_offset,
                            const long rows, const int4 split, const int in, const int out, const int inner) {
    FOR_ROWS(row, rows, split) {
        const long image = (INDEX)row / out;
        __global const float *entry = table + offset + (row - image * out) * stride;
        const int first = (int)entry[0], count = (int)entry[1];
        __global const float *from = x + x_offset + (image * in + first) * inner;
        __global float *to = y + y_offset + row * inner;
        FOR_COLUMNS(i, inner) {
            if (i + VECTOR <= inner) {
                FLOATV sum = (FLOATV)(0.0f);
                for (int k = 0; k < count; k++) {
                    sum = fma(LOADV(from + (long)k * inner + i), (FLOATV)(entry[2 + k]), sum);
                }
                STOREV(sum, to + i);
            } else {
                for (int j = i; j < inner; j++) {
                    float sum = 0.0f;
                    for (int k = 0; k < count; k++) {
                        sum = fma(from[(long)k * inner + j], entry[2 + k], sum);
                    }
                    to[j] = sum;
                }
            }
        }
    }
}

/* The other way: (outer, out, inner) -> (outer, in, inner). */
__kernel void resample_axis_gradient(__global const float *dy, const long dy_offset, __global const float *table,
                                     const long offset, const int stride, const long readers_offset, __global float *dx,
                                     const long dx_offset, const long rows, const int4 split, const int in,
                                     const int out, const int inner) {
    FOR_ROWS(row, rows, split) {
        const long image = (INDEX)row / in;
        const int position = (int)(row - image * in);
        const int first = (int)table[readers_offset + 2 * position];
        const int count = (int)table[readers_offset + 2 * position + 1];
        __global const float *entry = table + offset + (long)first * stride;
        __global const float *from = dy + dy_offset + (image * out + first) * inner;
        __global float *to = dx + dx_offset + row * inner;
        FOR_COLUMNS(i, inner) {
            const bool whole = i + VECTOR <= inner;
            for (int j = i; j < (whole ? i + 1 : inner); j++) {
                FLOATV sum = (FLOATV)(0.0f);
                for (int k = 0; k < count; k++) {
                    __global const float *reader = entry + (long)k * stride;
                    const int place = position - (int)reader[0];
                    if (place >= 0 && place < (int)reader[1]) {
                        const FLOATV slope =
                            whole ? LOADV(from + (long)k * inner + j) : (FLOATV)(from[(long)k * inner + j]);
                        sum = fma(slope, (FLOATV)(reader[2 + place]), sum);
                    }
                }
                if (whole) {
                    STOREV(sum, to + j);
                } else {
                    to[j] = sum.s0;
                }
            }
        }
    }
}
