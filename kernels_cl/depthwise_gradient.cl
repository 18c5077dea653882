/* depthwise_gradient.cl: gradients of a depthwise convolution with respect to its input (a gather) and its weights
 * (sums in slots). w is (taps, channels), out channel oc reads input channel oc / multiplier. Sizes are (depth, rows,
 * cols). */

#define PIXELS 4 /* neighbouring positions of dx that share each weight */
#define TAPS 4   /* neighbouring taps of a row that share each value of dy */

/* The o that tap k takes for position i, or -1. */
static int source(const int i, const int k, const int stride, const int dilation, const int pad, const int size) {
    const int distance = i + pad - k * dilation;
    const int o = distance / stride;
    return distance >= 0 && o * stride == distance && o < size ? o : -1;
}

/* VECTOR values that lie `step` apart. */
static FLOATV spread_vector(__global const float *from, const int step) {
    if (step == 1) {
        return LOADV(from);
    }
    float lanes[VECTOR];
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        lanes[i] = from[i * step];
    }
    return PASTE(vload, VECTOR)(0, lanes);
}

/* channels_last: a row is PIXELS neighbouring positions of dx with all their channels; vectors along the channels. */
__kernel void depthwise_input_last(__global const float *restrict dy, __global const float *restrict w,
                                   __global float *restrict dx, const long rows, const int4 split, const int4 in,
                                   const int4 out, const int4 window, const int4 stride, const int4 dilation,
                                   const int4 pad, const int in_channels, const int out_channels) {
    const int multiplier = out_channels / in_channels;
    const int pieces = (in.z + PIXELS - 1) / PIXELS;
    FOR_ROWS(row, rows, split) {
        const int first = (int)((INDEX)row % pieces) * PIXELS;
        const INDEX line = (INDEX)row / pieces; /* image, depth, row of dx */
        const int ih = (int)(line % in.y);
        const int id = (int)(line / in.y % in.x);
        const int count = min(PIXELS, in.z - first);
        __global const float *image = dy + (long)(line / in.y / in.x) * out.x * out.y * out.z * out_channels;
        __global float *to = dx + ((long)line * in.z + first) * in_channels;
        FOR_COLUMNS(start, in_channels) {
            const bool whole = start + VECTOR <= in_channels; /* a vector, else one by one */
            for (int ic = start; ic < (whole ? start + 1 : in_channels); ic++) {
                FLOATV sum[PIXELS];
#pragma unroll
                for (int i = 0; i < PIXELS; i++) {
                    sum[i] = (FLOATV)(0.0f);
                }
                for (int k = 0; k < window.x * window.y; k++) {
                    const int od = source(id, k / window.y, stride.x, dilation.x, pad.x, out.x);
                    const int oh = source(ih, k % window.y, stride.y, dilation.y, pad.y, out.y);
                    if (od < 0 || oh < 0) {
                        continue;
                    }
                    __global const float *line_of_dy = image + ((long)od * out.y + oh) * out.z * out_channels;
                    for (int kw = 0; kw < window.z; kw++) {
                        for (int m = ic * multiplier; m < (ic + 1) * multiplier; m++) {
                            __global const float *weights = w + (long)(k * window.z + kw) * out_channels + m;
                            const FLOATV weight = whole ? spread_vector(weights, multiplier) : (FLOATV)(weights[0]);
#pragma unroll
                            for (int i = 0; i < PIXELS; i++) {
                                const int ow = source(first + i, kw, stride.z, dilation.z, pad.z, out.z);
                                if (ow >= 0 && i < count) {
                                    __global const float *from = line_of_dy + (long)ow * out_channels + m;
                                    sum[i] = fma(whole ? spread_vector(from, multiplier) : (FLOATV)(from[0]), weight,
                                                 sum[i]);
                                }
                            }
                        }
                    }
                }
#pragma unroll
                for (int i = 0; i < PIXELS; i++) {
                    if (i < count && whole) {
                        STOREV(sum[i], to + (long)i * in_channels + ic);
                    } else if (i < count) {
                        to[(long)i * in_channels + ic] = sum[i].s0;
                    }
                }
            }
        }
    }
}

/* channels_first: a row is one row of one channel of dx; vectors along the columns. */
__kernel void depthwise_input_first(__global const float *restrict dy, __global const float *restrict w,
                                    __global float *restrict dx, const long rows, const int4 split, const int4 in,
                                    const int4 out, const int4 window, const int4 stride, const int4 dilation,
                                    const int4 pad, const int in_channels, const int out_channels) {
    const int multiplier = out_channels / in_channels;
    const long out_pixels = (long)out.x * out.y * out.z;
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int ih = (int)(at % in.y);
        const int id = (int)(at / in.y % in.x);
        const INDEX plane = at / in.y / in.x; /* image and channel of dx: multiplier times of dy */
        const int first = (int)(plane % in_channels) * multiplier;
        __global float *to = dx + row * in.z;
        FOR_COLUMNS(i, in.z) {
            const int count = min(VECTOR, in.z - i);
            FLOATV sum = (FLOATV)(0.0f);
            for (int k = 0; k < window.x * window.y * multiplier; k++) {
                const int m = k % multiplier;
                const int od = source(id, k / multiplier / window.y, stride.x, dilation.x, pad.x, out.x);
                const int oh = source(ih, k / multiplier % window.y, stride.y, dilation.y, pad.y, out.y);
                if (od < 0 || oh < 0) {
                    continue;
                }
                __global const float *line =
                    dy + ((long)plane * multiplier + m) * out_pixels + ((long)od * out.y + oh) * out.z;
                for (int kw = 0; kw < window.z; kw++) {
                    const float weight = w[(long)(k / multiplier * window.z + kw) * out_channels + first + m];
                    const int ow = i + pad.z - kw * dilation.z; /* with stride 1 */
                    if (stride.z == 1 && ow >= 0 && ow + VECTOR <= out.z) {
                        sum = fma(LOADV(line + ow), (FLOATV)(weight), sum);
                        continue;
                    }
                    float lanes[VECTOR];
#pragma unroll
                    for (int j = 0; j < VECTOR; j++) {
                        const int o = source(i + j, kw, stride.z, dilation.z, pad.z, out.z);
                        lanes[j] = o >= 0 ? line[o] : 0.0f;
                    }
                    sum = fma(PASTE(vload, VECTOR)(0, lanes), (FLOATV)(weight), sum);
                }
            }
            if (count == VECTOR) {
                STOREV(sum, to + i);
            } else {
                float lanes[VECTOR];
                PASTE(vstore, VECTOR)(sum, 0, lanes);
#pragma unroll
                for (int j = 0; j < VECTOR; j++) {
                    if (j < count) {
                        to[i + j] = lanes[j];
                    }
                }
            }
        }
    }
}

/* The inputs of VECTOR output channels from oc on, or in all lanes that of one. */
static FLOATV input_vector(__global const float *x, const int oc, const int multiplier, const bool whole) {
    if (!whole) {
        return (FLOATV)(x[oc / multiplier]);
    }
    if (multiplier == 1) {
        return LOADV(x + oc);
    }
    float lanes[VECTOR];
    int channel = oc / multiplier;
    int repeat = oc - channel * multiplier;
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        const bool next = repeat + 1 == multiplier;
        lanes[i] = x[channel];
        repeat = next ? 0 : repeat + 1;
        channel += next ? 1 : 0;
    }
    return PASTE(vload, VECTOR)(0, lanes);
}

/* A row of the window is cut into blocks of TAPS taps. */
#define BLOCKS(window) (((window).z + TAPS - 1) / TAPS)

/* channels_last: rows are (slot, block of taps), a slot being `each` lines of dy, counted over all images; vectors
 * along dy's channels. slots[slot][tap][channel]. */
__kernel void depthwise_weights_last(__global const float *restrict x, __global const float *restrict dy,
                                     __global float *restrict slots, const long rows, const int4 split, const int lines,
                                     const int each, const int4 in, const int4 out, const int4 window,
                                     const int4 stride, const int4 dilation, const int4 pad, const int in_channels,
                                     const int out_channels) {
    const int multiplier = out_channels / in_channels;
    const int blocks = window.x * window.y * BLOCKS(window);
    FOR_ROWS(row, rows, split) {
        const int block = (int)(row % blocks);
        const int slot = (int)(row / blocks);
        const int kw = block % BLOCKS(window) * TAPS;
        const int k = block / BLOCKS(window); /* depth and row of the window */
        const int taps = min(TAPS, window.z - kw);
        __global float *to = slots + ((long)slot * window.x * window.y * window.z + k * window.z + kw) * out_channels;
        FOR_COLUMNS(start, out_channels) {
            const bool whole = start + VECTOR <= out_channels;
            for (int oc = start; oc < (whole ? start + 1 : out_channels); oc++) {
                FLOATV total[TAPS];
#pragma unroll
                for (int t = 0; t < TAPS; t++) {
                    total[t] = (FLOATV)(0.0f);
                }
                for (int line = slot * each; line < min(lines, (slot + 1) * each); line++) {
                    const int id = line / out.y % out.x * stride.x - pad.x + k / window.y * dilation.x;
                    const int ih = line % out.y * stride.y - pad.y + k % window.y * dilation.y;
                    if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                        continue;
                    }
                    __global const float *from =
                        x + ((((long)(line / out.y / out.x)) * in.x + id) * in.y + ih) * in.z * in_channels;
                    __global const float *by = dy + (long)line * out.z * out_channels + oc;
                    FLOATV sum[TAPS]; /* of this line: long sums are made of shorter ones */
#pragma unroll
                    for (int t = 0; t < TAPS; t++) {
                        sum[t] = (FLOATV)(0.0f);
                    }
                    for (int ow = 0; ow < out.z; ow++) {
                        const FLOATV gradient =
                            whole ? LOADV(by + (long)ow * out_channels) : (FLOATV)(by[(long)ow * out_channels]);
#pragma unroll
                        for (int t = 0; t < TAPS; t++) {
                            const int iw = ow * stride.z - pad.z + (kw + t) * dilation.z;
                            if (t < taps && iw >= 0 && iw < in.z) {
                                sum[t] = fma(input_vector(from + (long)iw * in_channels, oc, multiplier, whole),
                                             gradient, sum[t]);
                            }
                        }
                    }
#pragma unroll
                    for (int t = 0; t < TAPS; t++) {
                        total[t] += sum[t];
                    }
                }
#pragma unroll
                for (int t = 0; t < TAPS; t++) {
                    if (t < taps && whole) {
                        STOREV(total[t], to + (long)t * out_channels + oc);
                    } else if (t < taps) {
                        to[(long)t * out_channels + oc] = total[t].s0;
                    }
                }
            }
        }
    }
}

static float across(const FLOATV v) {
    float lanes[VECTOR];
    float sum = 0.0f;
    PASTE(vstore, VECTOR)(v, 0, lanes);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        sum += lanes[i];
    }
    return sum;
}

/* channels_first: rows are (slot, block of taps, channel of dy); vectors along the columns of dy. */
__kernel void depthwise_weights_first(__global const float *restrict x, __global const float *restrict dy,
                                      __global float *restrict slots, const long rows, const int4 split,
                                      const int lines, const int each, const int4 in, const int4 out, const int4 window,
                                      const int4 stride, const int4 dilation, const int4 pad, const int in_channels,
                                      const int out_channels) {
    const int multiplier = out_channels / in_channels;
    const int blocks = window.x * window.y * BLOCKS(window);
    const int out_lines = out.x * out.y;
    if (get_global_id(0) > 0) {
        return;
    }
    FOR_ROWS(row, rows, split) {
        const int oc = (int)((INDEX)row % out_channels);
        const int block = (int)((INDEX)row / out_channels % blocks);
        const int slot = (int)((INDEX)row / out_channels / blocks);
        const int kw = block % BLOCKS(window) * TAPS;
        const int k = block / BLOCKS(window); /* depth and row of the window */
        const int taps = min(TAPS, window.z - kw);
        float total[TAPS];
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            total[t] = 0.0f;
        }
        for (int line = slot * each; line < min(lines, (slot + 1) * each); line++) {
            const int od = line % out_lines / out.y;
            const int oh = line % out.y;
            const int id = od * stride.x - pad.x + k / window.y * dilation.x;
            const int ih = oh * stride.y - pad.y + k % window.y * dilation.y;
            if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                continue;
            }
            const long image = line / out_lines;
            __global const float *from = x + (((image * in_channels + oc / multiplier) * in.x + id) * in.y + ih) * in.z;
            __global const float *by = dy + ((image * out_channels + oc) * out_lines + od * out.y + oh) * out.z;
            FLOATV sum[TAPS]; /* of this line */
            float tail[TAPS];
#pragma unroll
            for (int t = 0; t < TAPS; t++) {
                sum[t] = (FLOATV)(0.0f);
                tail[t] = 0.0f;
            }
            for (int ow = 0; ow < out.z; ow += VECTOR) {
                const bool whole = ow + VECTOR <= out.z;
                const FLOATV gradient = whole ? LOADV(by + ow) : (FLOATV)(0.0f);
#pragma unroll
                for (int t = 0; t < TAPS; t++) {
                    const int iw = ow * stride.z - pad.z + (kw + t) * dilation.z;
                    if (t < taps && whole && stride.z == 1 && iw >= 0 && iw + VECTOR <= in.z) {
                        sum[t] = fma(LOADV(from + iw), gradient, sum[t]);
                    } else if (t < taps) {
                        for (int j = 0; j < min(VECTOR, out.z - ow); j++) {
                            const int column = iw + j * stride.z;
                            tail[t] = column >= 0 && column < in.z ? fma(from[column], by[ow + j], tail[t]) : tail[t];
                        }
                    }
                }
            }
#pragma unroll
            for (int t = 0; t < TAPS; t++) {
                total[t] += across(sum[t]) + tail[t];
            }
        }
        const long first = ((long)slot * window.x * window.y * window.z + k * window.z + kw) * out_channels + oc;
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            if (t < taps) {
                slots[first + (long)t * out_channels] = total[t];
            }
        }
    }
}
