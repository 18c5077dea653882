/* conv_transpose.cl: the transpose of a convolution that maps `in` to `out`: x has the size of `out`, y that of `in`.
 *
 * Both kernels gather: position i of y takes tap k from position o of x where o * stride - pad + k * dilation == i, so
 * nothing is added up by several work-items. Steps between pixels and channels as in conv.cl; `channels` is (in per
 * group, out per group, in, out). */

#include "epilogue.h"

/* The o that tap k takes for position i, or -1. */
static int source(const int i, const int k, const int stride, const int dilation, const int pad, const int begin,
                  const int end) {
    const int distance = i + pad - k * dilation;
    const int o = distance / stride;
    return distance >= 0 && o * stride == distance && o >= begin && o < end ? o : -1;
}

/* One element of y per work-item, in the order in which y lies. */
__kernel void conv_transpose_reference(__global const float *restrict x, __global const float *restrict w,
                                       __global const float *restrict b, __global float *restrict y, const long count,
                                       const int4 in, const int4 out, const int4 window, const int4 stride,
                                       const int4 dilation, const int4 pad, const int4 channels,
                                       const int channels_first, const long y_pitch, const long y_offset,
                                       EPILOGUE_ARGUMENTS) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const long in_pixels = (long)in.x * in.y * in.z;
    const long out_pixels = (long)out.x * out.y * out.z;
    const INDEX at = (INDEX)i, pixels = (INDEX)in_pixels;
    const int ic = (int)(channels_first ? at / pixels % channels.z : at % channels.z);
    const INDEX pixel = channels_first ? at % pixels : at / channels.z % pixels;
    const long image = at / pixels / channels.z;
    const long pixel_step = channels_first ? 1 : channels.w;
    const long channel_step = channels_first ? out_pixels : 1;
    const int iw = (int)(pixel % in.z);
    const int ih = (int)(pixel / in.z % in.y);
    const int id = (int)(pixel / in.z / in.y);
    const int first = ic / channels.x * channels.y; /* the group's first channel of x */
    x += image * out_pixels * channels.w + first * channel_step;
    w += (long)(ic % channels.x) * channels.w + first;
    float sum = has_bias ? b[ic] : 0.0f;
    for (int kd = 0; kd < window.x; kd++) {
        const int od = source(id, kd, stride.x, dilation.x, pad.x, 0, out.x);
        for (int kh = 0; kh < window.y && od >= 0; kh++) {
            const int oh = source(ih, kh, stride.y, dilation.y, pad.y, 0, out.y);
            for (int kw = 0; kw < window.z && oh >= 0; kw++) {
                const int ow = source(iw, kw, stride.z, dilation.z, pad.z, 0, out.z);
                if (ow < 0) {
                    continue;
                }
                __global const float *from = x + (((long)od * out.y + oh) * out.z + ow) * pixel_step;
                __global const float *weight =
                    w + (long)((kd * window.y + kh) * window.z + kw) * channels.x * channels.w;
                for (int c = 0; c < channels.y; c++) {
                    sum = fma(from[c * channel_step], weight[c], sum);
                }
            }
        }
    }
    y[y_offset + (channels_first ? i : at / channels.z * y_pitch + ic)] =
        activate(normalise_one(sum, norm, norm_step, ic), parameters);
}

/* After the GEMM: products[...] holds x's pixels times w for every tap and channel, and each element of y adds up its
 * taps. The work is a box of y: images from `first_image`, positions from `begin` with `size`, channels from
 * first_channel with `box_channels` of each group. products cover x's positions from `x_begin` with `x_size`; their
 * steps are for (image, group, pixel, tap and channel). */
__kernel void conv_transpose_gather_first(__global const float *restrict products, __global const float *restrict b,
                                          __global float *restrict y, const long count, const int first_image,
                                          const int4 begin, const int4 size, const int first_channel,
                                          const int box_channels, const int4 x_begin, const int4 x_size,
                                          const long image_step, const long group_step, const long pixel_step,
                                          const long row_step, const int4 in, const int4 window, const int4 stride,
                                          const int4 dilation, const int4 pad, const int4 channels,
                                          const int channels_first, EPILOGUE_ARGUMENTS) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX at = (INDEX)i, pixels = (INDEX)size.x * size.y * size.z;
    const int units = channels.z / channels.x * box_channels;
    const int unit = (int)(channels_first ? at / pixels % units : at % units);
    const INDEX pixel = channels_first ? at % pixels : at / units % pixels;
    const long image = at / pixels / units;
    const int group = unit / box_channels;
    const int c = unit % box_channels;
    const int ic = group * channels.x + first_channel + c;
    const int iw = begin.z + (int)(pixel % size.z);
    const int ih = begin.y + (int)(pixel / size.z % size.y);
    const int id = begin.x + (int)(pixel / size.z / size.y);
    __global const float *from = products + image * image_step + group * group_step + c * row_step;
    float sum = has_bias ? b[ic] : 0.0f;
    for (int kd = 0; kd < window.x; kd++) {
        const int od = source(id, kd, stride.x, dilation.x, pad.x, x_begin.x, x_begin.x + x_size.x);
        for (int kh = 0; kh < window.y && od >= 0; kh++) {
            const int oh = source(ih, kh, stride.y, dilation.y, pad.y, x_begin.y, x_begin.y + x_size.y);
            for (int kw = 0; kw < window.z && oh >= 0; kw++) {
                const int ow = source(iw, kw, stride.z, dilation.z, pad.z, x_begin.z, x_begin.z + x_size.z);
                if (ow >= 0) {
                    const long x_pixel =
                        ((long)(od - x_begin.x) * x_size.y + oh - x_begin.y) * x_size.z + ow - x_begin.z;
                    const long tap = (kd * window.y + kh) * window.z + kw;
                    sum += from[x_pixel * pixel_step + tap * box_channels * row_step];
                }
            }
        }
    }
    const long y_pixel = ((long)id * in.y + ih) * in.z + iw;
    const long in_pixels = (long)in.x * in.y * in.z;
    const long to = (first_image + image) * in_pixels * channels.z +
                    (channels_first ? ic * in_pixels + y_pixel : y_pixel * channels.z + ic);
    y[to] = activate(normalise_one(sum, norm, norm_step, ic), parameters);
}

/* The same for channels_last, where the products of one tap's channels lie side by side (row_step 1): rows are one
 * position's channels of one group, in vectors. */
__kernel void conv_transpose_gather_last(__global const float *restrict products, __global const float *restrict b,
                                         __global float *restrict y, const long rows, const int4 split,
                                         const int first_image, const int4 begin, const int4 size,
                                         const int first_channel, const int box_channels, const int4 x_begin,
                                         const int4 x_size, const long image_step, const long group_step,
                                         const long pixel_step, const int4 in, const int4 window, const int4 stride,
                                         const int4 dilation, const int4 pad, const int4 channels, const long y_pitch,
                                         const long y_offset, EPILOGUE_ARGUMENTS) {
    const INDEX pixels = (INDEX)size.x * size.y * size.z;
    const int groups = channels.z / channels.x;
    const int4 x_end = x_begin + x_size;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int group = (int)(at % groups);
        const INDEX pixel = at / groups % pixels;
        const long image = at / groups / pixels;
        const int iw = begin.z + (int)(pixel % size.z);
        const int ih = begin.y + (int)(pixel / size.z % size.y);
        const int id = begin.x + (int)(pixel / size.z / size.y);
        const int first = group * channels.x + first_channel; /* of y's channels */
        __global const float *from = products + image * image_step + group * group_step;
        __global float *to =
            y + y_offset + ((((first_image + image) * in.x + id) * in.y + ih) * in.z + iw) * y_pitch + first;
        FOR_COLUMNS(i, box_channels) {
            const bool whole = i + VECTOR <= box_channels; /* a vector, else one by one */
            for (int c = i; c < (whole ? i + 1 : box_channels); c++) {
                FLOATV sum = (FLOATV)(0.0f);
                if (has_bias) {
                    sum = whole ? LOADV(b + first + c) : (FLOATV)(b[first + c]);
                }
                for (int kd = 0; kd < window.x; kd++) {
                    const int od = source(id, kd, stride.x, dilation.x, pad.x, x_begin.x, x_end.x);
                    for (int kh = 0; kh < window.y && od >= 0; kh++) {
                        const int oh = source(ih, kh, stride.y, dilation.y, pad.y, x_begin.y, x_end.y);
                        for (int kw = 0; kw < window.z && oh >= 0; kw++) {
                            const int ow = source(iw, kw, stride.z, dilation.z, pad.z, x_begin.z, x_end.z);
                            if (ow >= 0) {
                                const long x_pixel =
                                    ((long)(od - x_begin.x) * x_size.y + oh - x_begin.y) * x_size.z + ow - x_begin.z;
                                const int tap = (kd * window.y + kh) * window.z + kw;
                                __global const float *value =
                                    from + x_pixel * pixel_step + (long)tap * box_channels + c;
                                sum += whole ? LOADV(value) : (FLOATV)(value[0]);
                            }
                        }
                    }
                }
                if (whole) {
                    sum = normalise_channels(sum, norm, norm_step, first + c);
                    STOREV(activate_vector(sum, parameters), to + c);
                } else {
                    to[c] = activate(normalise_one(sum.s0, norm, norm_step, first + c), parameters);
                }
            }
        }
    }
}
