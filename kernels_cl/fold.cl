/* fold.cl: a batch normalisation in inference, made ready for the convolution that stands before or behind it: factor =
 * gamma / sqrt(variance + epsilon), shift = beta. */

#include "epilogue.h"

#define NORMALISATION                                                                                           \
    __global const float *gamma, __global const float *beta, __global const float *mean,                        \
        __global const float *variance, const int has_gamma, const int has_beta, const float epsilon

static float factor_of(__global const float *gamma, __global const float *variance, const int has_gamma,
                       const float epsilon, const long c) {
    return NORMALISATION_FACTOR(has_gamma ? gamma[c] : 1.0f, variance[c], epsilon);
}

/* Behind: norm = mean, factor, shift of each channel, as epilogue.h takes them. */
__kernel void fold_behind(__global float *norm, const int channels, NORMALISATION) {
    const long c = get_global_id(0);
    if (c < channels) {
        norm[c] = mean[c];
        norm[channels + c] = factor_of(gamma, variance, has_gamma, epsilon, c);
        norm[2 * (long)channels + c] = has_beta ? beta[c] : 0.0f;
    }
}

/* Before: folded = w * factor, where element i belongs to channel (i / division) % channels. */
__kernel void fold_kernel(__global const float *w, __global float *folded, const long count, const long division,
                          const int channels, NORMALISATION) {
    const long i = get_global_id(0);
    if (i < count) {
        folded[i] = w[i] * factor_of(gamma, variance, has_gamma, epsilon, (i / division) % channels);
    }
}

/* Before: folded = b + the sum of w (rows, count) times its input channels' summands. */
__kernel void fold_bias(__global const float *w, __global const float *b, __global float *folded, const long rows,
                        const int count, const long division, const int channels, const int has_bias, NORMALISATION) {
    const int i = get_global_id(0);
    if (i >= count) {
        return;
    }
    float sum = has_bias ? b[i] : 0.0f, carry = 0.0f;
    for (long row = 0; row < rows; row++) {
        const long at = row * count + i, c = (at / division) % channels;
        const float summand =
            fma(-mean[c], factor_of(gamma, variance, has_gamma, epsilon, c), has_beta ? beta[c] : 0.0f);
        COMPENSATED(float, sum, carry, w[at] * summand)
    }
    folded[i] = sum;
}
