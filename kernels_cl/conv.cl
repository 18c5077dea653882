/* conv.cl: convolution of rank 1 to 3 with groups: the plain kernel, and what stands around a GEMM.
 *
 * Sizes are (depth, rows, cols). A tensor's element lies at image * size + pixel * pixel_step + channel * channel_step:
 * channels_last has steps (C, 1), channels_first (1, pixels). `channels` is (in per group, out per group, in, out). */

#include "epilogue.h"

/* One output element per work-item, in the order in which y lies. */
__kernel void conv_reference(__global const float *restrict x, __global const float *restrict w,
                             __global const float *restrict b, __global float *restrict y, const long count,
                             const int4 in, const int4 out, const int4 window, const int4 stride, const int4 dilation,
                             const int4 pad, const int4 channels, const int channels_first, const long y_pitch,
                             const long y_offset, EPILOGUE_ARGUMENTS) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const long in_pixels = (long)in.x * in.y * in.z;
    const long out_pixels = (long)out.x * out.y * out.z;
    const INDEX at = (INDEX)i, pixels = (INDEX)out_pixels;
    const int oc = (int)(channels_first ? at / pixels % channels.w : at % channels.w);
    const INDEX pixel = channels_first ? at % pixels : at / channels.w % pixels;
    const long image = at / pixels / channels.w;
    const long pixel_step = channels_first ? 1 : channels.z;
    const long channel_step = channels_first ? in_pixels : 1;
    const int4 origin =
        (int4)((int)(pixel / out.z / out.y), (int)(pixel / out.z % out.y), (int)(pixel % out.z), 0) * stride - pad;
    x += image * in_pixels * channels.z + (oc / channels.y) * channels.x * channel_step;
    w += oc;
    float sum = has_bias ? b[oc] : 0.0f;
    for (int kd = 0; kd < window.x; kd++) {
        const int id = origin.x + kd * dilation.x;
        for (int kh = 0; kh < window.y; kh++) {
            const int ih = origin.y + kh * dilation.y;
            for (int kw = 0; kw < window.z; kw++) {
                const int iw = origin.z + kw * dilation.z;
                if (id < 0 || id >= in.x || ih < 0 || ih >= in.y || iw < 0 || iw >= in.z) {
                    continue;
                }
                __global const float *from = x + (((long)id * in.y + ih) * in.z + iw) * pixel_step;
                __global const float *weight =
                    w + (long)((kd * window.y + kh) * window.z + kw) * channels.x * channels.w;
                for (int c = 0; c < channels.x; c++) {
                    sum = fma(from[c * channel_step], weight[(long)c * channels.w], sum);
                }
            }
        }
    }
    y[y_offset + (channels_first ? i : at / channels.w * y_pitch + oc)] =
        activate(normalise_one(sum, norm, norm_step, oc), parameters);
}

/* channels_last: rows of one tap's channels, for pixels from `first` on (counted over all images):
 * columns[group][pixel][tap][channel]. A row is contiguous in x too. */
__kernel void im2col_last(__global const float *restrict x, __global float *restrict columns, const long rows,
                          const int4 split, const long first, const int pixels, const int4 in, const int4 out,
                          const int4 window, const int4 stride, const int4 dilation, const int4 pad,
                          const int4 channels) {
    const int taps = window.x * window.y * window.z;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int tap = (int)(at % taps);
        const INDEX pixel = (INDEX)first + at / taps % pixels;
        const int group = (int)(at / taps / pixels);
        const int iw = (int)(pixel % out.z) * stride.z - pad.z + tap % window.z * dilation.z;
        const int ih = (int)(pixel / out.z % out.y) * stride.y - pad.y + tap / window.z % window.y * dilation.y;
        const int id = (int)(pixel / out.z / out.y % out.x) * stride.x - pad.x + tap / window.z / window.y * dilation.x;
        const bool inside = id >= 0 && id < in.x && ih >= 0 && ih < in.y && iw >= 0 && iw < in.z;
        const long image = pixel / out.z / out.y / out.x;
        __global const float *from =
            x + (inside ? (((image * in.x + id) * in.y + ih) * in.z + iw) * channels.z + group * channels.x : 0);
        __global float *to = columns + row * channels.x;
        FOR_COLUMNS(i, channels.x) {
            if (i + VECTOR <= channels.x) {
                STOREV(inside ? LOADV(from + i) : (FLOATV)(0.0f), to + i);
            } else {
                for (int c = i; c < channels.x; c++) {
                    to[c] = inside ? from[c] : 0.0f;
                }
            }
        }
    }
}

/* channels_first: rows of one channel and tap over `pixels` pixels from `first` on of each image:
 * columns[image][group][tap][channel][pixel], images from first_image on. */
__kernel void im2col_first(__global const float *restrict x, __global float *restrict columns, const long rows,
                           const int4 split, const int first_image, const int first, const int pixels, const int4 in,
                           const int4 out, const int4 window, const int4 stride, const int4 dilation, const int4 pad,
                           const int4 channels) {
    const int taps = window.x * window.y * window.z;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int channel = (int)(at % channels.x);
        const int tap = (int)(at / channels.x % taps);
        const long block = at / channels.x / taps; /* image and group: also the group-th channels of the image */
        const int dw = tap % window.z * dilation.z - pad.z;
        const int dh = tap / window.z % window.y * dilation.y - pad.y;
        const int dd = tap / window.z / window.y * dilation.x - pad.x;
        const int groups = channels.z / channels.x;
        __global const float *from =
            x + (((first_image * (long)groups + block) * channels.x + channel) * in.x) * in.y * in.z;
        __global float *to = columns + row * pixels;
        FOR_COLUMNS(i, pixels) {
            int ow = (first + i) % out.z;
            int oh = (first + i) / out.z % out.y;
            int od = (first + i) / out.z / out.y;
            for (int j = i; j < min(i + VECTOR, pixels); j++) {
                const int id = od * stride.x + dd;
                const int ih = oh * stride.y + dh;
                const int iw = ow * stride.z + dw;
                const bool inside = id >= 0 && id < in.x && ih >= 0 && ih < in.y && iw >= 0 && iw < in.z;
                to[j] = inside ? from[((long)id * in.y + ih) * in.z + iw] : 0.0f;
                if (++ow == out.z) {
                    ow = 0;
                    if (++oh == out.y) {
                        oh = 0;
                        od++;
                    }
                }
            }
        }
    }
}

/* y = activation(normalised(y + b)) in place. Rows of `width` floats: of all channels where by_column (channels_last),
 * else of one channel, row % channels. */
__kernel void epilogue(__global float *y, __global const float *b, const long rows, const int4 split, const int width,
                       const int channels, const int by_column, const long pitch, const long offset,
                       EPILOGUE_ARGUMENTS) {
    FOR_ROWS(row, rows, split) {
        __global float *to = y + row * pitch + offset;
        const int channel = by_column ? 0 : (int)((INDEX)row % channels);
        const float same = has_bias && !by_column ? b[channel] : 0.0f;
        FOR_COLUMNS(i, width) {
            if (i + VECTOR <= width) {
                const FLOATV bias = has_bias && by_column ? LOADV(b + i) : (FLOATV)(same);
                const FLOATV sum = LOADV(to + i) + bias;
                STOREV(activate_vector(by_column ? normalise_channels(sum, norm, norm_step, i)
                                                 : normalise_channel(sum, norm, norm_step, channel),
                                       parameters),
                       to + i);
            } else {
                for (int j = i; j < width; j++) {
                    const float sum = to[j] + (has_bias && by_column ? b[j] : same);
                    to[j] = activate(normalise_one(sum, norm, norm_step, by_column ? j : channel), parameters);
                }
            }
        }
    }
}
