/* cli/reference.h: every operation once more on the host, in plain loops and double precision: what the selftest and
 * the tests hold the device against. Nothing of the library is used, so that one mistake cannot hide in both.
 *
 * Sizes have three spatial axes, lower ranks with leading ones. Tensors are (batch, spatial..., channels) or, with
 * channels_first, (batch, channels, spatial...); others are (outer, three axes, inner). */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An activation by Keras' name with its arguments in Keras' order; name NULL is linear. */
typedef struct reference_activation {
    const char *name;
    double arguments[4];
} reference_activation;

/* A convolution from `in` to `out`; the transposed one runs from `out` to `in`. */
typedef struct reference_conv_shape {
    int64_t batch;
    int64_t in[3], out[3];
    int64_t in_channels, out_channels, groups;
    int64_t kernel[3], stride[3], dilation[3];
    int64_t pad[3]; /* zeros before */
    bool channels_first;
} reference_conv_shape;

typedef struct reference_window_shape {
    int64_t outer, inner;
    int64_t in[3], out[3];
} reference_window_shape;

/* False for a name that is not known. */
bool reference_activate(const reference_activation *activation, double x, double *y_out);

/* w (k..., in_channels / groups, out_channels), b (out_channels) or NULL; y of size `out`. A depthwise convolution has
 * in_channels groups. */
void reference_conv(const reference_conv_shape *shape, const float *x, const float *w, const float *b,
                    const reference_activation *activation, double *y);

/* By scattering every value of x, of size `out`, into y, of size `in`; w as above, b (in_channels) or NULL. */
void reference_conv_transpose(const reference_conv_shape *shape, const float *x, const float *w, const float *b,
                              const reference_activation *activation, double *y);

/* x (rows, in), w (in, out), b (out) or NULL. */
void reference_dense(int64_t rows, int64_t in, int64_t out, const float *x, const float *w, const float *b,
                     const reference_activation *activation, double *y);

/* y[o] = x[o - before] or 0: padding and, with before < 0, cropping. */
void reference_window(const reference_window_shape *shape, const int64_t before[3], const float *x, double *y);

/* out = in * factor; half-pixel centres and clamped edges for bilinear, which leaves the first axis alone. */
void reference_nearest(const reference_window_shape *shape, const float *x, double *y);
void reference_bilinear(const reference_window_shape *shape, const float *x, double *y);

/* What lies outside does not count. */
void reference_pool(const reference_window_shape *shape, const int64_t window[3], const int64_t stride[3],
                    const int64_t pad[3], bool average, const float *x, double *y);

/* Over the middle of (outer, axis, inner): "softmax", "log_softmax" or "sparsemax"; false for another name or without
 * memory. */
bool reference_softmax(const char *name, int64_t outer, int64_t axis, int64_t inner, const float *x, double *y);

/* gamma, beta NULL: 1, 0. */
void reference_batch_norm(int64_t outer, int64_t axis, int64_t inner, double epsilon, const float *x,
                          const float *gamma, const float *beta, const float *mean, const float *variance, double *y);

/* ---- gradients ----
 *
 * Of a function's input, given that of its output. reference_conv_transpose is that of reference_conv, and the other
 * way round; reference_window with the opposite sign that of reference_window. */

/* What the activation's gradient is multiplied by at x; at kinks what TensorFlow has. False for an unknown name. */
bool reference_activation_slope(const reference_activation *activation, double x, double *slope_out);

/* dw (k..., in_channels / groups, out_channels) from x of size `in` and dy of size `out`. */
void reference_conv_weights(const reference_conv_shape *shape, const float *x, const float *dy, double *dw);

/* y (axis) = the sum over outer and inner. */
void reference_sum(int64_t outer, int64_t axis, int64_t inner, const float *x, double *y);

void reference_nearest_gradient(const reference_window_shape *shape, const float *dy, double *dx);
void reference_bilinear_gradient(const reference_window_shape *shape, const float *dy, double *dx);

/* Which of equal maxima of a window get its gradient: the first, each all of it, or each its share. */
typedef enum reference_ties { REFERENCE_FIRST, REFERENCE_EVERY, REFERENCE_SHARED } reference_ties;
void reference_pool_gradient(const reference_window_shape *shape, const int64_t window[3], const int64_t stride[3],
                             const int64_t pad[3], bool average, reference_ties ties, const float *x, const float *dy,
                             double *dx);

/* Of reference_softmax at x; false for an unknown name or without memory. */
bool reference_softmax_gradient(const char *name, int64_t outer, int64_t axis, int64_t inner, const float *x,
                                const float *dy, double *dx);

/* Mean and biased variance of each channel. */
void reference_moments(int64_t outer, int64_t axis, int64_t inner, const float *x, double *mean, double *variance);

/* The statistics are x's own, and carry gradient, where mean and variance are NULL. gamma NULL: 1. */
void reference_batch_norm_gradient(int64_t outer, int64_t axis, int64_t inner, double epsilon, const float *x,
                                   const float *gamma, const float *mean, const float *variance, const float *dy,
                                   double *dx, double *dgamma, double *dbeta);

/* A number in [0, 1): the upper 24 bits of a word, 0 to 3, of Philox4x32-10 with key `seed` and counter (block, step).
 */
double reference_uniform(uint64_t seed, uint64_t block, uint64_t step, int word);

/* Values of (outer, repeat, inner) are kept, by 1 / (1 - rate), where number (outer, inner) of the stream is at least
 * `rate`: word number % 4 of block number / 4. */
void reference_dropout(int64_t outer, int64_t repeat, int64_t inner, double rate, uint64_t seed, uint64_t step,
                       const float *x, double *y);

/* y = x + stddev n, or x (1 + stddev n), with normal numbers n by Box and Muller from the words of that stream, four of
 * a counter: n0 = r(u0) cos(2 pi v1), n1 = r(u0) sin(2 pi v1), and so of u2, v3; r(u) = sqrt(-2 log((u + 1) / 2^24)).
 */
void reference_noise(int64_t count, double stddev, bool multiplies, uint64_t seed, uint64_t step, const float *x,
                     double *y);

/* Images (images, rows, columns, channels), or with channels_first (images, channels, rows, columns). */
typedef struct reference_images {
    int64_t images, channels;
    int64_t in[2], out[2]; /* rows, columns */
    bool channels_first;
} reference_images;

/* y at (r, c) is x at row m3 c + m4 r + m5, column m0 c + m1 r + m2 of the image's six numbers m, the nearest pixel or
 * four mixed. `beside` is what TensorFlow sees beside an image: 'r' reflected, 'c' the value, 'w' wrapped, 'n' the
 * nearest edge. */
void reference_warp(const reference_images *shape, bool bilinear, char beside, double value, const float *matrices,
                    const float *x, double *y);

/* (x - mean) f + mean, a mean for each channel of each image, or with `adds` x + f, between two limits; f: one an
 * image. `in` counts. means NULL: those of x. */
void reference_recolour(const reference_images *shape, bool adds, double low, double high, const float *f,
                        const float *means, const float *x, double *y);

#endif
