/* depthwise.cl: depthwise convolution with what follows it: w is (taps, channels), out channel oc reads input channel
 * oc / multiplier. Sizes are (depth, rows, cols). */

#include "epilogue.h"

#define PIXELS 4 /* neighbouring outputs of a work-item share each weight */

/* One output channel at one position: what is left over at the ends of vectors. `x` is the image's first element of
 * the input channel, `w` the channel's first weight. */
static float one_output(__global const float *x, __global const float *w, const float start, const int4 origin,
                        const int4 in, const int4 window, const int4 dilation, const int pixel_step,
                        const int out_channels) {
    float sum = start;
    for (int kd = 0; kd < window.x; kd++) {
        const int id = origin.x + kd * dilation.x;
        for (int kh = 0; kh < window.y; kh++) {
            const int ih = origin.y + kh * dilation.y;
            if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                continue;
            }
            for (int kw = 0; kw < window.z; kw++) {
                const int iw = origin.z + kw * dilation.z;
                if (iw >= 0 && iw < in.z) {
                    sum = fma(x[(((long)id * in.y + ih) * in.z + iw) * pixel_step],
                              w[(long)((kd * window.y + kh) * window.z + kw) * out_channels], sum);
                }
            }
        }
    }
    return sum;
}

/* The values of VECTOR output channels' input channels: `channels` says which, multiplier 1 that they are neighbours.
 */
static FLOATV channel_vector(__global const float *x, const int *channels, const int multiplier) {
    if (multiplier == 1) {
        return LOADV(x + channels[0]);
    }
    float lanes[VECTOR];
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        lanes[i] = x[channels[i]];
    }
    return PASTE(vload, VECTOR)(0, lanes);
}

/* channels_last: a row is PIXELS neighbouring outputs with all their channels; vectors along the channels. */
__kernel void depthwise_last(__global const float *restrict x, __global const float *restrict w,
                             __global const float *restrict b, __global float *restrict y, const long rows,
                             const int4 split, const int4 in, const int4 out, const int4 window, const int4 stride,
                             const int4 dilation, const int4 pad, const int in_channels, const int out_channels,
                             const long y_pitch, const long y_offset, EPILOGUE_ARGUMENTS) {
    const int multiplier = out_channels / in_channels;
    const int pieces = (out.z + PIXELS - 1) / PIXELS;
    FOR_ROWS(row, rows, split) {
        const int first = (int)((INDEX)row % pieces) * PIXELS;
        const INDEX line = (INDEX)row / pieces; /* image, depth, row of y */
        const int count = min(PIXELS, out.z - first);
        const int4 origin = (int4)((int)(line / out.y % out.x), (int)(line % out.y), first, 0) * stride - pad;
        const bool inside =
            count == PIXELS && origin.z >= 0 && origin.z + (PIXELS - 1) * stride.z + (window.z - 1) * dilation.z < in.z;
        __global const float *image = x + (long)(line / out.y / out.x) * in.x * in.y * in.z * in_channels;
        __global float *to = y + y_offset + ((long)line * out.z + first) * y_pitch;
        FOR_COLUMNS(oc, out_channels) {
            if (oc + VECTOR > out_channels) {
                for (int c = oc; c < out_channels; c++) {
                    for (int i = 0; i < count; i++) {
                        const int4 at = origin + (int4)(0, 0, i * stride.z, 0);
                        const float sum = one_output(image + c / multiplier, w + c, has_bias ? b[c] : 0.0f, at, in,
                                                     window, dilation, in_channels, out_channels);
                        to[i * y_pitch + c] = activate(normalise_one(sum, norm, norm_step, c), parameters);
                    }
                }
                continue;
            }
            int sources[VECTOR]; /* the input channels, by one division */
            int source = multiplier == 1 ? oc : oc / multiplier;
            int repeat = oc - source * multiplier;
            /* All of them even where the first is enough: a GPU keeps an array in registers only if it knows how far
             * each loop over it goes. */
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                const bool next = repeat + 1 == multiplier;
                sources[i] = source;
                repeat = next ? 0 : repeat + 1;
                source += next ? 1 : 0;
            }
            FLOATV sum[PIXELS];
            const FLOATV start = has_bias ? LOADV(b + oc) : (FLOATV)(0.0f);
#pragma unroll
            for (int i = 0; i < PIXELS; i++) {
                sum[i] = start;
            }
            for (int k = 0; k < window.x * window.y; k++) {
                const int id = origin.x + k / window.y * dilation.x;
                const int ih = origin.y + k % window.y * dilation.y;
                if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                    continue;
                }
                __global const float *line_of_x = image + ((long)id * in.y + ih) * in.z * in_channels;
                __global const float *weights = w + (long)k * window.z * out_channels + oc;
                for (int kw = 0; kw < window.z; kw++) {
                    const FLOATV weight = LOADV(weights + (long)kw * out_channels);
                    const int iw = origin.z + kw * dilation.z;
#pragma unroll
                    for (int i = 0; i < PIXELS; i++) {
                        const int column = iw + i * stride.z;
                        if (inside || (column >= 0 && column < in.z)) {
                            sum[i] = fma(channel_vector(line_of_x + (long)column * in_channels, sources, multiplier),
                                         weight, sum[i]);
                        }
                    }
                }
            }
#pragma unroll
            for (int i = 0; i < PIXELS; i++) {
                if (i < count) {
                    STOREV(activate_vector(normalise_channels(sum[i], norm, norm_step, oc), parameters),
                           to + i * y_pitch + oc);
                }
            }
        }
    }
}

/* channels_first: a row is one row of one output channel; vectors along the columns. */
__kernel void depthwise_first(__global const float *restrict x, __global const float *restrict w,
                              __global const float *restrict b, __global float *restrict y, const long rows,
                              const int4 split, const int4 in, const int4 out, const int4 window, const int4 stride,
                              const int4 dilation, const int4 pad, const int in_channels, const int out_channels,
                              const long y_pitch, const long y_offset, EPILOGUE_ARGUMENTS) {
    const int multiplier = out_channels / in_channels;
    const long in_pixels = (long)in.x * in.y * in.z;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const INDEX plane = at / out.y / out.x; /* image and output channel */
        const int oc = (int)(plane % out_channels);
        const int4 origin = (int4)((int)(at / out.y % out.x), (int)(at % out.y), 0, 0) * stride - pad;
        __global const float *image = x + ((long)(plane / out_channels) * in_channels + oc / multiplier) * in_pixels;
        __global float *to = y + y_offset + row * y_pitch;
        const float start = has_bias ? b[oc] : 0.0f;
        FOR_COLUMNS(start_column, out.z) {
            const int ow = MOVED_BACK(start_column, out.z);
            if (ow + VECTOR > out.z) {
                for (int i = ow; i < out.z; i++) {
                    const int4 at = origin + (int4)(0, 0, i * stride.z, 0);
                    const float sum = one_output(image, w + oc, start, at, in, window, dilation, 1, out_channels);
                    to[i] = activate(normalise_one(sum, norm, norm_step, oc), parameters);
                }
                continue;
            }
            FLOATV sum = (FLOATV)(start);
            for (int k = 0; k < window.x * window.y; k++) {
                const int id = origin.x + k / window.y * dilation.x;
                const int ih = origin.y + k % window.y * dilation.y;
                if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                    continue;
                }
                __global const float *line_of_x = image + ((long)id * in.y + ih) * in.z;
                for (int kw = 0; kw < window.z; kw++) {
                    const FLOATV weight = (FLOATV)(w[(long)(k * window.z + kw) * out_channels + oc]);
                    const int iw = origin.z + ow * stride.z + kw * dilation.z;
                    if (stride.z == 1 && iw >= 0 && iw + VECTOR <= in.z) {
                        sum = fma(LOADV(line_of_x + iw), weight, sum);
                    } else {
                        float lanes[VECTOR];
#pragma unroll
                        for (int i = 0; i < VECTOR; i++) {
                            const int column = iw + i * stride.z;
                            lanes[i] = column >= 0 && column < in.z ? line_of_x[column] : 0.0f;
                        }
                        sum = fma(PASTE(vload, VECTOR)(0, lanes), weight, sum);
                    }
                }
            }
            STOREV(activate_vector(normalise_channel(sum, norm, norm_step, oc), parameters), to + ow);
        }
    }
}
