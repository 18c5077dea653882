/* conv_weights.cl: the gradient of a convolution with respect to its weights, by the plain kernel. What stands before
 * the GEMM is in conv.cl.
 *
 * Sizes, steps and `channels` as in conv.cl. */

/* One element of dw (tap, channel of the group, out channel) per work-item; each row of dy is added up by itself first,
 * which keeps long sums exact. */
__kernel void conv_weights_reference(__global const float *restrict x, __global const float *restrict dy,
                                     __global float *restrict dw, const long count, const int batch, const int4 in,
                                     const int4 out, const int4 window, const int4 stride, const int4 dilation,
                                     const int4 pad, const int4 channels, const int channels_first) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const int oc = (int)((INDEX)i % channels.w);
    const int ic = (int)((INDEX)i / channels.w % channels.x) + oc / channels.y * channels.x;
    const int tap = (int)((INDEX)i / channels.w / channels.x);
    const long in_pixels = (long)in.x * in.y * in.z;
    const long out_pixels = (long)out.x * out.y * out.z;
    const long x_step = channels_first ? 1 : channels.z;
    const long dy_step = channels_first ? 1 : channels.w;
    const int dd = tap / window.z / window.y * dilation.x - pad.x;
    const int dh = tap / window.z % window.y * dilation.y - pad.y;
    const int dc = tap % window.z * dilation.z - pad.z;
    x += channels_first ? ic * in_pixels : ic;
    dy += channels_first ? oc * out_pixels : oc;
    float total = 0.0f;
    for (int image = 0; image < batch; image++) {
        float sum = 0.0f;
        for (int line = 0; line < out.x * out.y; line++) {
            const int id = line / out.y * stride.x + dd;
            const int ih = line % out.y * stride.y + dh;
            if (id < 0 || id >= in.x || ih < 0 || ih >= in.y) {
                continue;
            }
            __global const float *from = x + image * in_pixels * channels.z + ((long)id * in.y + ih) * in.z * x_step;
            __global const float *by = dy + image * out_pixels * channels.w + (long)line * out.z * dy_step;
            float row = 0.0f;
            for (int ow = 0; ow < out.z; ow++) {
                const int iw = ow * stride.z + dc;
                if (iw >= 0 && iw < in.z) {
                    row = fma(from[iw * x_step], by[ow * dy_step], row);
                }
            }
            sum += row;
        }
        total += sum;
    }
    dw[i] = total;
}
