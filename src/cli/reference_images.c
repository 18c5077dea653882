/* cli/reference_images.c: images through matrices, and their colours, in plain loops. */
#include <math.h>

#include "reference.h"

/* ---- places ---- */

/* Where in a line of n pixels the place `at` is seen; reflected, the line is repeated every 2 n. */
static double place_in(double at, int64_t n, char beside) {
    const double last = (double)n - 1, both = 2 * (double)n;
    if (beside == 'c') {
        return at;
    }
    if (beside == 'r') {
        at -= both * floor(at / both);
        at = at < (double)n ? at : both - 1 - at;
    } else if (beside == 'w' && n > 1 && at < 0) {
        at += (double)n * (floor(-at / last) + 1);
    } else if (beside == 'w' && n > 1 && at > last) {
        at -= (double)n * floor(at / last);
    }
    return fmin(fmax(at, 0), last);
}

/* The float of channel c in image n; -1: it lies outside. */
static int64_t find(const reference_images *s, const int64_t size[2], int64_t n, double row, double column, int64_t c) {
    if (row < 0 || row >= (double)size[0] || column < 0 || column >= (double)size[1]) {
        return -1;
    }
    const int64_t pixel = (int64_t)row * size[1] + (int64_t)column, pixels = size[0] * size[1];
    return s->channels_first ? (n * s->channels + c) * pixels + pixel : (n * pixels + pixel) * s->channels + c;
}

void reference_warp(const reference_images *s, bool bilinear, char beside, double value, const float *matrices,
                    const float *x, double *y) {
    for (int64_t i = 0; i < s->images * s->out[0] * s->out[1] * s->channels; i++) {
        const int64_t c = i % s->channels, column = i / s->channels % s->out[1];
        const int64_t row = i / s->channels / s->out[1] % s->out[0], n = i / s->channels / s->out[1] / s->out[0];
        double at[2], sum = 0;
        for (int axis = 0; axis < 2; axis++) {
            const float *m = matrices + 6 * n + 3 * (1 - axis);
            at[axis] = place_in((double)m[0] * (double)column + (double)m[1] * (double)row + (double)m[2], s->in[axis],
                                beside);
        }
        for (int corner = 0; corner < 4; corner++) {
            const double down = floor(at[0]) + corner / 2, right = floor(at[1]) + corner % 2;
            const bool nearest = down == round(at[0]) && right == round(at[1]);
            const double part = bilinear ? (1 - fabs(at[0] - down)) * (1 - fabs(at[1] - right)) : nearest ? 1 : 0;
            const int64_t from = find(s, s->in, n, down, right, c);
            sum += part == 0 ? 0 : part * (from < 0 ? value : (double)x[from]);
        }
        y[find(s, s->out, n, (double)row, (double)column, c)] = sum;
    }
}

/* ---- colours ---- */

void reference_recolour(const reference_images *s, bool adds, double low, double high, const float *f,
                        const float *means, const float *x, double *y) {
    const int64_t pixels = s->in[0] * s->in[1];
    for (int64_t i = 0; i < s->images * s->channels; i++) {
        const int64_t n = i / s->channels, step = s->channels_first ? 1 : s->channels;
        const int64_t start = s->channels_first ? i * pixels : n * pixels * s->channels + i % s->channels;
        double mean = means != NULL ? (double)means[i] : 0;
        for (int64_t p = 0; means == NULL && p < pixels; p++) {
            mean += (double)x[start + p * step] / (double)pixels;
        }
        for (int64_t p = 0; p < pixels; p++) {
            const double v = (double)x[start + p * step], changed = (v - mean) * (double)f[n] + mean;
            y[start + p * step] = fmin(fmax(adds ? v + (double)f[n] : changed, low), high);
        }
    }
}
