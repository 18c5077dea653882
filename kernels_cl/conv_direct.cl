/* conv_direct.cl: convolution, channels_last, on a CPU: a work-item takes a stretch of one output line, copies the
 * lines of x that reach it into local memory with their padding, and multiplies from there by register tiles. No
 * columns are written, and padding, stride and groups cost nothing in the inner loops.
 *
 * Built with -DVECTOR=16 and, for conv_direct, -DPIXELS=<pixels of a tile> -DTILE=<vectors of filters>; for
 * conv_weights_direct -DROWS=<taps and channels of a tile> -DTILE. Sizes are (depth, rows, cols); `channels` is (in per
 * group, out per group, in, out). */

#include "epilogue.h"

#if defined(PIXELS)
#define LENGTH PIXELS
#elif defined(ROWS)
#define LENGTH ROWS
#else
#define LENGTH 0
#endif
#if LENGTH == 1
#define EACH(DO) DO(0)
#elif LENGTH == 2
#define EACH(DO) DO(0) DO(1)
#elif LENGTH == 4
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)
#elif LENGTH == 6
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#elif LENGTH == 7
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)
#elif LENGTH == 8
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#elif LENGTH == 12
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#endif

/* As STOREV of common.h. */
#if defined(__clang__) && VECTOR == 16
#define STORE_LOCAL(value, pointer) (*(__local unaligned_vector *)(pointer) = (value))
#else
#define STORE_LOCAL(value, pointer) PASTE(vstore, VECTOR)(value, 0, pointer)
#endif

static void copy_floats(__local float *to, __global const float *from, const int count) {
    int i = 0;
    for (; i + VECTOR <= count; i += VECTOR) {
        STORE_LOCAL(LOADV(from + i), to + i);
    }
    for (; i < count; i++) {
        to[i] = from[i];
    }
}

static void zero_floats(__local float *to, const int count) {
    for (int i = 0; i < count; i++) {
        to[i] = 0.0f;
    }
}

/* The lines of one image's x that output line (od, oh) reads, from column `left` on and `width` columns, of channels
 * [channel, channel + channels.x): lines[kd][kh][column][channel], zero where x ends. */
static void copy_lines(__local float *lines, __global const float *x, const int od, const int oh, const int left,
                       const int width, const int channel, const int4 in, const int4 window, const int4 stride,
                       const int4 dilation, const int4 pad, const int4 channels) {
    const int before = clamp(-left, 0, width), inside = clamp(in.z - max(left, 0), 0, width - before);
    for (int line = 0; line < window.x * window.y; line++) {
        const int id = od * stride.x - pad.x + line / window.y * dilation.x;
        const int ih = oh * stride.y - pad.y + line % window.y * dilation.y;
        __local float *to = lines + line * width * channels.x;
        if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
            zero_floats(to, width * channels.x);
            continue;
        }
        __global const float *from = x + (((long)id * in.y + ih) * in.z + max(left, 0)) * channels.z + channel;
        zero_floats(to, before * channels.x);
        to += before * channels.x;
        if (channels.x == channels.z) {
            copy_floats(to, from, inside * channels.x);
        } else {
            for (int column = 0; column < inside; column++) {
                copy_floats(to + column * channels.x, from + (long)column * channels.z, channels.x);
            }
        }
        zero_floats(to + inside * channels.x, (width - before - inside) * channels.x);
    }
}

#if defined(PIXELS)

/* Filters that the tile before stored already are left alone. */
static void store_sixteen(__global float *y, const float16 value, const int skip) {
    if (skip <= 0) {
        STOREV(value, y);
        return;
    }
    float values[16];
    vstore16(value, 0, values);
    for (int i = skip; i < 16; i++) {
        y[i] = values[i];
    }
}

/* y = activation(normalised(conv(x, w) + b)). Axis 0: blocks of 16 * TILE filters, `each` a work-item, group by group.
 * Axis 1: image, output line and stretch of `stretch` pixels of it. The last tile of pixels and filters moves back. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_direct(
    __global const float *restrict x, __global const float *restrict w, __global const float *restrict b,
    __global float *restrict y, __local float *lines, const int4 in, const int4 out, const int4 window,
    const int4 stride, const int4 dilation, const int4 pad, const int4 channels, const int stretch, const int each,
    const long y_pitch, const long y_offset, EPILOGUE_ARGUMENTS) {
    const int stretches = (out.z + stretch - 1) / stretch;
    const int blocks = (channels.y + 16 * TILE - 1) / (16 * TILE), shares = (blocks + each - 1) / each;
    const int group = (int)get_global_id(0) / shares, first_block = (int)get_global_id(0) % shares * each;
    const long line = get_global_id(1) / stretches;
    const int begin = (int)(get_global_id(1) % stretches) * stretch, count = min(stretch, out.z - begin);
    const int oh = (int)(line % out.y), od = (int)(line / out.y % out.x);
    const int width = (count - 1) * stride.z + (window.z - 1) * dilation.z + 1;
    const int run = dilation.z == 1 ? window.z * channels.x : channels.x, runs = dilation.z == 1 ? 1 : window.z;
    const int step = stride.z * channels.x;
    copy_lines(lines, x + line / out.y / out.x * in.x * in.y * in.z * channels.z, od, oh, begin * stride.z - pad.z,
               width, group * channels.x, in, window, stride, dilation, pad, channels);
    y += y_offset + (line * out.z + begin) * y_pitch;
    for (int block = first_block; block < min(first_block + each, blocks); block++) {
        const int filter = min(block * 16 * TILE, channels.y - 16 * TILE), skip = block * 16 * TILE - filter;
        const int at = group * channels.y + filter;
        for (int tile = 0; tile < count; tile += PIXELS) {
            const int first = min(tile, count - PIXELS);
            __global const float *weight = w + at;
#define ZERO_SUMS(p) float16 low##p = (float16)(0.0f), high##p = low##p;
            EACH(ZERO_SUMS)
            for (int r = 0; r < window.x * window.y; r++) {
                __local const float *from = lines + (r * width + first * stride.z) * channels.x;
                for (int t = 0; t < runs; t++, from += dilation.z * channels.x) {
                    for (int k = 0; k < run; k++, weight += channels.w) {
                        const float16 u = LOADV(weight);
#if TILE == 2
                        const float16 v = LOADV(weight + 16);
#define ADD_PIXEL(p)                                       \
    {                                                      \
        const float16 value = (float16)(from[p * step + k]); \
        low##p = fma(value, u, low##p);                    \
        high##p = fma(value, v, high##p);                  \
    }
#else
#define ADD_PIXEL(p) low##p = fma((float16)(from[p * step + k]), u, low##p);
#endif
                        EACH(ADD_PIXEL)
                    }
                }
            }
            const float16 low_bias = has_bias ? LOADV(b + at) : (float16)(0.0f);
            __global float *to = y + first * y_pitch + at;
#define STORE_SIXTEEN(p, sum, from, skipped)                                                                 \
    store_sixteen(to + p * y_pitch + from,                                                                   \
                  activate_vector(normalise_channels(sum, norm, norm_step, at + from), parameters), skipped);
#if TILE == 2
            const float16 high_bias = has_bias ? LOADV(b + at + 16) : (float16)(0.0f);
#define STORE_PIXEL(p)                                 \
    if (skip < 16) {                                   \
        STORE_SIXTEEN(p, low##p + low_bias, 0, skip)   \
    }                                                  \
    STORE_SIXTEEN(p, high##p + high_bias, 16, skip - 16)
#else
#define STORE_PIXEL(p) STORE_SIXTEEN(p, low##p + low_bias, 0, skip)
#endif
            EACH(STORE_PIXEL)
        }
    }
}

#elif defined(ROWS)

static void add_sixteen(__global float *sum, const float16 value, const int skip) {
    if (skip <= 0) {
        STOREV(LOADV(sum) + value, sum);
        return;
    }
    float values[16];
    vstore16(value, 0, values);
    for (int i = skip; i < 16; i++) {
        sum[i] += values[i];
    }
}

/* slots[slot][tap, channel][filter]: what the gradient of w is over lines [slot * each, slot * each + each) of dy,
 * counted over all images, as far as there are. Axis 0: shares of the blocks of 16 * TILE filters, group by group;
 * axis 1: slots. Where the columns of a tap's channels are few the lines are laid out as columns first. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_weights_direct(
    __global const float *restrict x, __global const float *restrict dy, __global float *restrict slots,
    __local float *lines, const long all_lines, const int each, const int4 in, const int4 out, const int4 window,
    const int4 stride, const int4 dilation, const int4 pad, const int4 channels, const int as_columns) {
    const int taps = window.x * window.y * window.z;
    const int blocks = (channels.y + 16 * TILE - 1) / (16 * TILE);
    const int group = (int)get_global_id(0) / blocks, block = (int)get_global_id(0) % blocks;
    const int filter = min(block * 16 * TILE, channels.y - 16 * TILE), skip = block * 16 * TILE - filter;
    const int width = (out.z - 1) * stride.z + (window.z - 1) * dilation.z + 1;
    const int run = as_columns ? taps * channels.x : dilation.z == 1 ? window.z * channels.x : channels.x;
    const int runs = as_columns || dilation.z == 1 ? 1 : window.z, rows = as_columns ? 1 : window.x * window.y;
    const int step = as_columns ? run : stride.z * channels.x;
    const long first = (long)get_global_id(1) * each;
    __global float *slot =
        slots + (long)get_global_id(1) * taps * channels.x * channels.w + group * channels.y + filter;
    __local float *columns = lines + (long)window.x * window.y * width * channels.x;
    for (int i = 0; i < taps * channels.x; i++) {
        for (int j = max(skip, 0); j < 16 * TILE; j++) {
            slot[(long)i * channels.w + j] = 0.0f;
        }
    }
    for (long line = first; line < min(first + each, all_lines); line++) {
        const int oh = (int)(line % out.y), od = (int)(line / out.y % out.x);
        copy_lines(lines, x + line / out.y / out.x * in.x * in.y * in.z * channels.z, od, oh, -pad.z, width,
                   group * channels.x, in, window, stride, dilation, pad, channels);
        if (as_columns) {
            for (int ow = 0; ow < out.z; ow++) {
                __local float *to = columns + ow * run;
                for (int tap = 0; tap < taps; tap++) {
                    __local const float *from =
                        lines + ((tap / window.z * width) + ow * stride.z + tap % window.z * dilation.z) * channels.x;
                    for (int c = 0; c < channels.x; c++) {
                        *to++ = from[c];
                    }
                }
            }
        }
        for (int r = 0; r < rows * runs; r++) {
            __local const float *source =
                as_columns ? columns : lines + (r / runs * width + r % runs * dilation.z) * channels.x;
            for (int tile = 0; tile < run; tile += ROWS) {
                const int row = min(tile, run - ROWS), skip_rows = tile - row;
                __local const float *from = source + row;
                __global const float *by = dy + line * out.z * channels.w + group * channels.y + filter;
#define ZERO_SUMS(i) float16 low##i = (float16)(0.0f), high##i = low##i;
                EACH(ZERO_SUMS)
                for (int ow = 0; ow < out.z; ow++, by += channels.w, from += step) {
                    const float16 u = LOADV(by);
#if TILE == 2
                    const float16 v = LOADV(by + 16);
#define ADD_ROW(i)                                \
    {                                             \
        const float16 value = (float16)(from[i]); \
        low##i = fma(value, u, low##i);           \
        high##i = fma(value, v, high##i);         \
    }
#else
#define ADD_ROW(i) low##i = fma((float16)(from[i]), u, low##i);
#endif
                    EACH(ADD_ROW)
                }
                __global float *to = slot + ((long)r * run + row) * channels.w;
#if TILE == 2
#define FLUSH_ROW(i)                                                                     \
    if (i >= skip_rows) {                                                                \
        if (skip < 16) {                                                                 \
            add_sixteen(to + (long)i * channels.w, low##i, skip);                        \
        }                                                                                \
        add_sixteen(to + (long)i * channels.w + 16, high##i, skip - 16);                 \
    }
#else
#define FLUSH_ROW(i)                                          \
    if (i >= skip_rows) {                                     \
        add_sixteen(to + (long)i * channels.w, low##i, skip); \
    }
#endif
                EACH(FLUSH_ROW)
            }
        }
    }
}

#else

/* For a transposed convolution of stride 1, which is a convolution by weights turned round: turned[tap][out of its
 * group][in] of w[tap][in of its group][out]. Rows are (tap, out of its group). */
__kernel void turn_weights(__global const float *restrict w, __global float *restrict turned, const long rows,
                           const int4 split, const int taps, const int4 channels) {
    FOR_ROWS(row, rows, split) {
        const int tap = (int)((INDEX)row / channels.y), oc = (int)((INDEX)row % channels.y);
        __global const float *from = w + (long)(taps - 1 - tap) * channels.x * channels.w + oc;
        __global float *to = turned + row * channels.z;
        FOR_COLUMNS(i, channels.z) {
            for (int ic = i; ic < min(i + VECTOR, channels.z); ic++) {
                to[ic] = from[(long)(ic % channels.x) * channels.w + ic / channels.x * channels.y];
            }
        }
    }
}

#endif
