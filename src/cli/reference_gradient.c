/* cli/reference_gradient.c: the gradients in plain loops and double precision, each by scattering what the forward loop
 * gathers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "reference_positions.h"

void reference_conv_weights(const reference_conv_shape *shape, const float *x, const float *dy, double *dw) {
    const reference_conv_shape *s = shape;
    const int64_t group_in = s->in_channels / s->groups, group_out = s->out_channels / s->groups;
    const int64_t in_pixels = reference_product(s->in), out_pixels = reference_product(s->out);
    const int64_t taps = reference_product(s->kernel);
    memset(dw, 0, (size_t)(taps * group_in * s->out_channels) * sizeof(double));
    for (int64_t image = 0; image < s->batch; image++) {
        for (int64_t i = 0; i < out_pixels * taps; i++) {
            int64_t pixel = 0;
            if (!reference_tap_position(s, i / taps, i % taps, &pixel)) {
                continue;
            }
            for (int64_t j = 0; j < group_in * s->out_channels; j++) {
                const int64_t out = j % s->out_channels, in = out / group_out * group_in + j / s->out_channels;
                const int64_t from = reference_element(s->channels_first, image, pixel, in_pixels, in, s->in_channels);
                const int64_t by =
                    reference_element(s->channels_first, image, i / taps, out_pixels, out, s->out_channels);
                dw[i % taps * group_in * s->out_channels + j] += (double)x[from] * (double)dy[by];
            }
        }
    }
}

void reference_sum(int64_t outer, int64_t axis, int64_t inner, const float *x, double *y) {
    memset(y, 0, (size_t)axis * sizeof(double));
    for (int64_t i = 0; i < outer * axis * inner; i++) {
        y[i / inner % axis] += (double)x[i];
    }
}

/* ---- windows ---- */

void reference_nearest_gradient(const reference_window_shape *shape, const float *dy, double *dx) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out), inner = shape->inner;
    memset(dx, 0, (size_t)(shape->outer * in * inner) * sizeof(double));
    for (int64_t i = 0; i < shape->outer * out * inner; i++) {
        int64_t at[3], to = 0;
        reference_split(i / inner % out, shape->out, at);
        for (int axis = 0; axis < 3; axis++) {
            at[axis] = at[axis] * shape->in[axis] / shape->out[axis];
        }
        reference_join(at, shape->in, &to);
        dx[(i / inner / out * in + to) * inner + i % inner] += (double)dy[i];
    }
}

void reference_bilinear_gradient(const reference_window_shape *shape, const float *dy, double *dx) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out), inner = shape->inner;
    const int64_t width = shape->in[2];
    memset(dx, 0, (size_t)(shape->outer * in * inner) * sizeof(double));
    for (int64_t i = 0; i < shape->outer * out * inner; i++) {
        int64_t at[3], top, bottom, left, right;
        reference_split(i / inner % out, shape->out, at);
        const double v = reference_neighbours(at[1], shape->in[1], shape->out[1], &top, &bottom);
        const double h = reference_neighbours(at[2], shape->in[2], shape->out[2], &left, &right);
        double *to = dx + (i / inner / out * in + at[0] * shape->in[1] * width) * inner + i % inner;
        to[(top * width + left) * inner] += (1 - v) * (1 - h) * (double)dy[i];
        to[(top * width + right) * inner] += (1 - v) * h * (double)dy[i];
        to[(bottom * width + left) * inner] += v * (1 - h) * (double)dy[i];
        to[(bottom * width + right) * inner] += v * h * (double)dy[i];
    }
}

/* What is counted of one window, and what then is given to each that counts. */
typedef struct window_share {
    double largest;
    int64_t counted, equal;
} window_share;

/* Position `k` of the window that begins at `begin`; false outside. */
static bool window_position(const reference_window_shape *s, const int64_t begin[3], const int64_t window[3], int64_t k,
                            int64_t *position_out) {
    int64_t at[3];
    reference_split(k, window, at);
    for (int i = 0; i < 3; i++) {
        at[i] += begin[i];
    }
    return reference_join(at, s->in, position_out);
}

/* x, dx: the first element of a channel. */
static void pool_scatter(const reference_window_shape *s, const int64_t begin[3], const int64_t window[3], bool average,
                         reference_ties ties, const float *x, double gradient, double *dx) {
    window_share share = {.largest = -INFINITY};
    int64_t from = 0;
    for (int64_t k = 0; k < reference_product(window); k++) {
        if (window_position(s, begin, window, k, &from)) {
            const double value = (double)x[from * s->inner];
            share.equal = value > share.largest ? 1 : share.equal + (value == share.largest);
            share.largest = fmax(share.largest, value);
            share.counted++;
        }
    }
    bool given = false;
    for (int64_t k = 0; k < reference_product(window); k++) {
        if (!window_position(s, begin, window, k, &from)) {
            continue;
        }
        if (average) {
            dx[from * s->inner] += gradient / (double)share.counted;
        } else if ((double)x[from * s->inner] == share.largest && !(given && ties == REFERENCE_FIRST)) {
            dx[from * s->inner] += ties == REFERENCE_SHARED ? gradient / (double)share.equal : gradient;
            given = true;
        }
    }
}

void reference_pool_gradient(const reference_window_shape *shape, const int64_t window[3], const int64_t stride[3],
                             const int64_t pad[3], bool average, reference_ties ties, const float *x, const float *dy,
                             double *dx) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out), inner = shape->inner;
    memset(dx, 0, (size_t)(shape->outer * in * inner) * sizeof(double));
    for (int64_t i = 0; i < shape->outer * out * inner; i++) {
        int64_t begin[3];
        reference_split(i / inner % out, shape->out, begin);
        for (int axis = 0; axis < 3; axis++) {
            begin[axis] = begin[axis] * stride[axis] - pad[axis];
        }
        const int64_t first = i / inner / out * in * inner + i % inner;
        pool_scatter(shape, begin, window, average, ties, x + first, (double)dy[i], dx + first);
    }
}

/* ---- over an axis ---- */

/* One run along the axis: values of x, gradients g, and y as the forward pass has it; all gathered. */
static void softmax_run(const char *name, int64_t axis, const double *x, const double *y, const double *g, double *dx) {
    double sum = 0;
    for (int64_t k = 0; k < axis; k++) {
        sum += strcmp(name, "softmax") == 0       ? g[k] * y[k]
               : strcmp(name, "log_softmax") == 0 ? g[k]
               : y[k] > 0                         ? g[k]
                                                  : 0;
    }
    if (strcmp(name, "softmax") == 0 || strcmp(name, "log_softmax") == 0) {
        for (int64_t k = 0; k < axis; k++) {
            dx[k] = strcmp(name, "softmax") == 0 ? y[k] * (g[k] - sum) : g[k] - exp(y[k]) * sum;
        }
        return;
    }
    /* sparsemax: tau is the mean of the running sums of the support, less 1 / its size; a value stands in those from
     * its place in the order on. */
    int64_t support = 0;
    for (int64_t k = 0; k < axis; k++) {
        double larger = 0;
        int64_t place = 0;
        for (int64_t j = 0; j < axis; j++) {
            if (x[j] > x[k] || (x[j] == x[k] && j < k)) {
                larger += x[j];
                place++;
            }
        }
        dx[k] = 1 + (double)(place + 1) * x[k] > larger + x[k] ? (double)place : -1;
        support += dx[k] >= 0;
    }
    for (int64_t k = 0; k < axis; k++) {
        const double share = dx[k] >= 0 ? ((double)support - dx[k]) / (double)support : 0;
        dx[k] = (y[k] > 0 ? g[k] : 0) - share * sum;
    }
}

bool reference_softmax_gradient(const char *name, int64_t outer, int64_t axis, int64_t inner, const float *x,
                                const float *dy, double *dx) {
    double *y = malloc((size_t)(outer * axis * inner) * sizeof(double));
    double *runs = malloc((size_t)axis * 4 * sizeof(double));
    const bool good = y != NULL && runs != NULL && reference_softmax(name, outer, axis, inner, x, y);
    for (int64_t i = 0; good && i < outer * inner; i++) {
        const int64_t first = i / inner * axis * inner + i % inner;
        for (int64_t k = 0; k < axis; k++) {
            runs[k] = (double)x[first + k * inner];
            runs[axis + k] = y[first + k * inner];
            runs[2 * axis + k] = (double)dy[first + k * inner];
        }
        softmax_run(name, axis, runs, runs + axis, runs + 2 * axis, runs + 3 * axis);
        for (int64_t k = 0; k < axis; k++) {
            dx[first + k * inner] = runs[3 * axis + k];
        }
    }
    free(runs);
    free(y);
    return good;
}
