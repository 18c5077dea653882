/* cli/selftest_scale.c: LayerNormalization, Rescaling and Resizing by plain loops. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "selftest.h"

#define EPSILON 0.1

/* ---- LayerNormalization, over the last axis ---- */

static bool expect_layer_norm(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    for (int64_t row = 0; row < test->outer; row++) {
        const float *from = x[0] + row * test->axis;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < test->axis; i++) {
            mean += (double)from[i] / (double)test->axis;
        }
        for (int64_t i = 0; i < test->axis; i++) {
            variance += ((double)from[i] - mean) * ((double)from[i] - mean) / (double)test->axis;
        }
        for (int64_t i = 0; i < test->axis; i++) {
            y[row * test->axis + i] =
                (double)weights[0][i] * ((double)from[i] - mean) / sqrt(variance + EPSILON) + (double)weights[1][i];
        }
    }
    return true;
}

void cly_selftest_layer_norm(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int64_t rows = cly_selftest_between(random, 1, 9);
    test->outer = 2 * rows;
    test->axis = cly_selftest_between(random, 2, 70);
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){3, {2, rows, test->axis}};
    test->output = test->inputs[0];
    test->terms = (double)test->axis;
    test->expect = expect_layer_norm;
    test->config.layer_norm =
        (clayer_layer_normalization_config){.struct_size = sizeof test->config.layer_norm, .epsilon = EPSILON};
    snprintf(test->text, sizeof test->text, "2x%" PRId64 "x%" PRId64, rows, test->axis);
}

/* ---- Rescaling, of three channels ---- */

static const double scales[3] = {0.5, -1.25, 2.0}, offsets[3] = {-0.25, 0.5, 0.0};

static bool expect_rescaling(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        y[i] = scales[i % 3] * (double)x[0][i] + offsets[i % 3];
    }
    return true;
}

void cly_selftest_rescaling(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int64_t rows = cly_selftest_between(random, 1, 12);
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){3, {2, rows, 3}};
    test->output = test->inputs[0];
    test->terms = 2;
    test->expect = expect_rescaling;
    test->config.rescaling = (clayer_rescaling_config){.struct_size = sizeof test->config.rescaling,
                                                       .scale = scales,
                                                       .scale_count = 3,
                                                       .offset = offsets,
                                                       .offset_count = 3};
    snprintf(test->text, sizeof test->text, "2x%" PRId64 "x3", rows);
}

/* ---- Resizing, bilinear ---- */

/* The two positions that output `i` lies between and the weight of the second, with half-pixel centres. */
static double between(int64_t i, int64_t in, int64_t out, int64_t at_out[2]) {
    const double at = ((double)i + 0.5) * (double)in / (double)out - 0.5, low = floor(at);
    at_out[0] = (int64_t)fmin(fmax(low, 0), (double)(in - 1));
    at_out[1] = (int64_t)fmin(fmax(low + 1, 0), (double)(in - 1));
    return at - low;
}

static bool expect_resizing(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const int64_t *in = test->inputs[0].dims, *out = test->output.dims;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const int64_t channel = i % out[3], col = i / out[3] % out[2], row = i / out[3] / out[2] % out[1];
        const int64_t image = i / out[3] / out[2] / out[1];
        int64_t rows[2], cols[2];
        const double down = between(row, in[1], out[1], rows), right = between(col, in[2], out[2], cols);
        y[i] = 0;
        for (int corner = 0; corner < 4; corner++) {
            const double part = (corner / 2 ? down : 1 - down) * (corner % 2 ? right : 1 - right);
            const int64_t from = ((image * in[1] + rows[corner / 2]) * in[2] + cols[corner % 2]) * in[3] + channel;
            y[i] += part * (double)x[0][from];
        }
    }
    return true;
}

void cly_selftest_resizing(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int64_t channels = cly_selftest_between(random, 1, 5);
    test->input_count = 1;
    test->inputs[0] =
        (clayer_shape){4, {2, cly_selftest_between(random, 1, 9), cly_selftest_between(random, 1, 9), channels}};
    test->output =
        (clayer_shape){4, {2, cly_selftest_between(random, 1, 12), cly_selftest_between(random, 1, 12), channels}};
    test->terms = 4;
    test->expect = expect_resizing;
    test->config.resizing = (clayer_resizing_config){.struct_size = sizeof test->config.resizing,
                                                     .height = test->output.dims[1],
                                                     .width = test->output.dims[2],
                                                     .data_format = "channels_last"};
    snprintf(test->text, sizeof test->text, "%" PRId64 "x%" PRId64 " to %" PRId64 "x%" PRId64 ", %" PRId64 " channels",
             test->inputs[0].dims[1], test->inputs[0].dims[2], test->output.dims[1], test->output.dims[2], channels);
}
