/* epilogue.h: a batch normalisation by given statistics, alone and as a convolution's last step before its activation.
 * Both write it with the same operations, so that they give the same bits. */

#define NORMALISATION_FACTOR(gamma, variance, epsilon) ((gamma) / sqrt((variance) + (epsilon)))
#define NORMALISED(x, mean, factor, shift) fma((x) - (mean), factor, shift)

/* The last arguments of convolutions, which CLY_OPS_EPILOGUE of src/ops/conv_common.h gives. `norm` is three vectors of
 * norm_step floats, one a channel: mean, factor, shift; norm_step 0: there is no normalisation. */
#define EPILOGUE_ARGUMENTS \
    const int has_bias, __global const float *restrict norm, const int norm_step, const float4 parameters

/* One value of channel c. */
static float normalise_one(const float x, __global const float *norm, const int norm_step, const int c) {
    return norm_step > 0 ? NORMALISED(x, norm[c], norm[(long)norm_step + c], norm[2 * (long)norm_step + c]) : x;
}

/* Values of channel c and those behind it. */
static FLOATV normalise_channels(const FLOATV x, __global const float *norm, const int norm_step, const int c) {
    return norm_step > 0
               ? NORMALISED(x, LOADV(norm + c), LOADV(norm + norm_step + c), LOADV(norm + 2 * (long)norm_step + c))
               : x;
}

/* Values of channel c all. */
static FLOATV normalise_channel(const FLOATV x, __global const float *norm, const int norm_step, const int c) {
    return norm_step > 0 ? NORMALISED(x, (FLOATV)(norm[c]), (FLOATV)(norm[(long)norm_step + c]),
                                      (FLOATV)(norm[2 * (long)norm_step + c]))
                         : x;
}
