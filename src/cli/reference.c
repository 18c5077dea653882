/* cli/reference.c: the operations in plain loops and double precision. Formulas: the Keras documentation. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference_positions.h"

/* ---- convolutions ---- */

/* One output value before the activation. */
static double conv_value(const reference_conv_shape *s, const float *x, const float *w, int64_t image, int64_t o,
                         int64_t channel) {
    const int64_t group_in = s->in_channels / s->groups;
    const int64_t first = channel / (s->out_channels / s->groups) * group_in;
    double sum = 0;
    for (int64_t tap = 0; tap < reference_product(s->kernel); tap++) {
        int64_t pixel = 0;
        if (!reference_tap_position(s, o, tap, &pixel)) {
            continue;
        }
        for (int64_t c = 0; c < group_in; c++) {
            const float value = x[reference_element(s->channels_first, image, pixel, reference_product(s->in),
                                                    first + c, s->in_channels)];
            sum += (double)value * (double)w[(tap * group_in + c) * s->out_channels + channel];
        }
    }
    return sum;
}

void reference_conv(const reference_conv_shape *shape, const float *x, const float *w, const float *b,
                    const reference_activation *activation, double *y) {
    const int64_t pixels = reference_product(shape->out);
    for (int64_t image = 0; image < shape->batch; image++) {
        for (int64_t o = 0; o < pixels; o++) {
            for (int64_t c = 0; c < shape->out_channels; c++) {
                const double sum = conv_value(shape, x, w, image, o, c) + (b != NULL ? (double)b[c] : 0);
                reference_activate(
                    activation, sum,
                    &y[reference_element(shape->channels_first, image, o, pixels, c, shape->out_channels)]);
            }
        }
    }
}

/* Adds what one value of x gives to all taps and channels. */
static void scatter(const reference_conv_shape *s, float value, const float *w, int64_t image, int64_t o,
                    int64_t channel, double *y) {
    const int64_t group_in = s->in_channels / s->groups;
    const int64_t first = channel / (s->out_channels / s->groups) * group_in;
    for (int64_t tap = 0; tap < reference_product(s->kernel); tap++) {
        int64_t pixel = 0;
        if (!reference_tap_position(s, o, tap, &pixel)) {
            continue;
        }
        for (int64_t c = 0; c < group_in; c++) {
            y[reference_element(s->channels_first, image, pixel, reference_product(s->in), first + c,
                                s->in_channels)] +=
                (double)value * (double)w[(tap * group_in + c) * s->out_channels + channel];
        }
    }
}

void reference_conv_transpose(const reference_conv_shape *shape, const float *x, const float *w, const float *b,
                              const reference_activation *activation, double *y) {
    const int64_t in_pixels = reference_product(shape->in), out_pixels = reference_product(shape->out);
    const int64_t count = shape->batch * in_pixels * shape->in_channels;
    for (int64_t i = 0; i < count; i++) {
        const int64_t channel = shape->channels_first ? i / in_pixels % shape->in_channels : i % shape->in_channels;
        y[i] = b != NULL ? (double)b[channel] : 0;
    }
    for (int64_t image = 0; image < shape->batch; image++) {
        for (int64_t o = 0; o < out_pixels; o++) {
            for (int64_t c = 0; c < shape->out_channels; c++) {
                const int64_t from =
                    reference_element(shape->channels_first, image, o, out_pixels, c, shape->out_channels);
                scatter(shape, x[from], w, image, o, c, y);
            }
        }
    }
    for (int64_t i = 0; i < count; i++) {
        reference_activate(activation, y[i], &y[i]);
    }
}

void reference_dense(int64_t rows, int64_t in, int64_t out, const float *x, const float *w, const float *b,
                     const reference_activation *activation, double *y) {
    const reference_conv_shape shape = {.batch = rows,
                                        .in = {1, 1, 1},
                                        .out = {1, 1, 1},
                                        .in_channels = in,
                                        .out_channels = out,
                                        .groups = 1,
                                        .kernel = {1, 1, 1},
                                        .stride = {1, 1, 1},
                                        .dilation = {1, 1, 1}};
    reference_conv(&shape, x, w, b, activation, y);
}

/* ---- windows ---- */

void reference_window(const reference_window_shape *shape, const int64_t before[3], const float *x, double *y) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out);
    for (int64_t outer = 0; outer < shape->outer; outer++) {
        for (int64_t o = 0; o < out; o++) {
            int64_t at[3], from = 0;
            reference_split(o, shape->out, at);
            for (int i = 0; i < 3; i++) {
                at[i] -= before[i];
            }
            const bool inside = reference_join(at, shape->in, &from);
            for (int64_t c = 0; c < shape->inner; c++) {
                y[(outer * out + o) * shape->inner + c] =
                    inside ? (double)x[(outer * in + from) * shape->inner + c] : 0;
            }
        }
    }
}

void reference_nearest(const reference_window_shape *shape, const float *x, double *y) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out);
    for (int64_t outer = 0; outer < shape->outer; outer++) {
        for (int64_t o = 0; o < out; o++) {
            int64_t at[3], from = 0;
            reference_split(o, shape->out, at);
            for (int i = 0; i < 3; i++) {
                at[i] = at[i] * shape->in[i] / shape->out[i];
            }
            reference_join(at, shape->in, &from);
            for (int64_t c = 0; c < shape->inner; c++) {
                y[(outer * out + o) * shape->inner + c] = (double)x[(outer * in + from) * shape->inner + c];
            }
        }
    }
}

void reference_bilinear(const reference_window_shape *shape, const float *x, double *y) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out), width = shape->in[2],
                  inner = shape->inner;
    for (int64_t outer = 0; outer < shape->outer; outer++) {
        for (int64_t o = 0; o < out; o++) {
            int64_t at[3], top, bottom, left, right;
            reference_split(o, shape->out, at);
            const double v = reference_neighbours(at[1], shape->in[1], shape->out[1], &top, &bottom);
            const double h = reference_neighbours(at[2], shape->in[2], shape->out[2], &left, &right);
            for (int64_t c = 0; c < inner; c++) {
                const float *from = x + (outer * in + at[0] * shape->in[1] * width) * inner + c;
                const double above = (1 - h) * (double)from[(top * width + left) * inner] +
                                     h * (double)from[(top * width + right) * inner];
                const double below = (1 - h) * (double)from[(bottom * width + left) * inner] +
                                     h * (double)from[(bottom * width + right) * inner];
                y[(outer * out + o) * inner + c] = (1 - v) * above + v * below;
            }
        }
    }
}

/* The maximum or average of one window. */
static double pool_value(const reference_window_shape *s, const int64_t begin[3], const int64_t window[3], bool average,
                         const float *x) {
    double result = average ? 0 : -INFINITY;
    int64_t counted = 0;
    for (int64_t k = 0; k < reference_product(window); k++) {
        int64_t at[3], from = 0;
        reference_split(k, window, at);
        for (int i = 0; i < 3; i++) {
            at[i] += begin[i];
        }
        if (reference_join(at, s->in, &from)) {
            const double value = (double)x[from * s->inner];
            result = average ? result + value : fmax(result, value);
            counted++;
        }
    }
    return average ? result / (double)counted : result;
}

void reference_pool(const reference_window_shape *shape, const int64_t window[3], const int64_t stride[3],
                    const int64_t pad[3], bool average, const float *x, double *y) {
    const int64_t in = reference_product(shape->in), out = reference_product(shape->out);
    for (int64_t outer = 0; outer < shape->outer; outer++) {
        for (int64_t o = 0; o < out; o++) {
            int64_t begin[3];
            reference_split(o, shape->out, begin);
            for (int i = 0; i < 3; i++) {
                begin[i] = begin[i] * stride[i] - pad[i];
            }
            for (int64_t c = 0; c < shape->inner; c++) {
                y[(outer * out + o) * shape->inner + c] =
                    pool_value(shape, begin, window, average, x + outer * in * shape->inner + c);
            }
        }
    }
}

/* ---- over an axis ---- */

static int descending(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* What Keras' sparsemax takes from every value: as Martins and Astudillo 2016, algorithm 1, but with all the running
 * sums of the support added up where the paper has the last one. */
static double sparsemax_tau(double *sorted, int64_t count) {
    double sum = 0, sums = 0;
    int64_t support = 0;
    qsort(sorted, (size_t)count, sizeof(double), descending);
    for (int64_t k = 0; k < count; k++) {
        sum += sorted[k];
        if (1 + (double)(k + 1) * sorted[k] > sum) {
            sums += sum;
            support++;
        }
    }
    return (sums - 1) / (double)support;
}

bool reference_softmax(const char *name, int64_t outer, int64_t axis, int64_t inner, const float *x, double *y) {
    const bool sparse = strcmp(name, "sparsemax") == 0, logarithm = strcmp(name, "log_softmax") == 0;
    double *values = malloc((size_t)axis * sizeof(double));
    if (values == NULL || (!sparse && !logarithm && strcmp(name, "softmax") != 0)) {
        free(values);
        return false;
    }
    for (int64_t i = 0; i < outer * inner; i++) {
        const int64_t first = i / inner * axis * inner + i % inner;
        double largest = -INFINITY, sum = 0;
        for (int64_t k = 0; k < axis; k++) {
            values[k] = (double)x[first + k * inner];
            largest = fmax(largest, values[k]);
        }
        for (int64_t k = 0; k < axis; k++) {
            sum += exp(values[k] - largest);
        }
        const double tau = sparse ? sparsemax_tau(values, axis) : 0;
        for (int64_t k = 0; k < axis; k++) {
            const double value = (double)x[first + k * inner];
            y[first + k * inner] = sparse      ? fmax(value - tau, 0)
                                   : logarithm ? value - largest - log(sum)
                                               : exp(value - largest) / sum;
        }
    }
    free(values);
    return true;
}

void reference_batch_norm(int64_t outer, int64_t axis, int64_t inner, double epsilon, const float *x,
                          const float *gamma, const float *beta, const float *mean, const float *variance, double *y) {
    for (int64_t i = 0; i < outer * axis * inner; i++) {
        const int64_t c = i / inner % axis;
        const double scale = (gamma != NULL ? (double)gamma[c] : 1) / sqrt((double)variance[c] + epsilon);
        y[i] = ((double)x[i] - (double)mean[c]) * scale + (beta != NULL ? (double)beta[c] : 0);
    }
}
