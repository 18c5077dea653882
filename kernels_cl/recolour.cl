/* recolour.cl: contrast and brightness of images: src/ops/recolour.h. An element a work-item. */

/* Before the limits: x of element i, of images of `image` floats whose channels lie `inner` apart. */
static float recoloured(const float x, __global const float *f, __global const float *means, const long i,
                        const long image, const int channels, const long inner, const int adds) {
    const INDEX at = (INDEX)i / (INDEX)image;
    if (adds) {
        return x + f[at];
    }
    const float mean = means[(long)at * channels + (long)((INDEX)i / (INDEX)inner % channels)];
    return fma(x - mean, f[at], mean);
}

__kernel void recolour_reference(__global const float *x, __global const float *f, __global const float *means,
                                 __global float *y, const long count, const long image, const int channels,
                                 const long inner, const int adds, const float low, const float high) {
    const long i = get_global_id(0);
    if (i < count) {
        const float v = recoloured(x[i], f, means, i, image, channels, inner, adds);
        y[i] = CLIP(float, v, low, high);
    }
}

__kernel void recolour_gradient_reference(__global const float *x, __global const float *f, __global const float *means,
                                          __global const float *dy, __global float *g, const long count,
                                          const long image, const int channels, const long inner, const int adds,
                                          const float low, const float high) {
    const long i = get_global_id(0);
    if (i < count) {
        const float v = recoloured(x[i], f, means, i, image, channels, inner, adds);
        g[i] = v < low || v > high ? 0.0f : dy[i];
    }
}
