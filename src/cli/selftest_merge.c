/* cli/selftest_merge.c: Subtract, Multiply, Average, Maximum, Minimum, Dot, CustomScaleLayer and LayerScale by plain
 * loops. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"

/* What joins two inputs; in test->multiplier. */
enum { SUBTRACT, MULTIPLY, AVERAGE, MAXIMUM, MINIMUM, CUSTOM_SCALE };

static const char *const joining[] = {"Subtract", "Multiply", "Average", "Maximum", "Minimum", "CustomScaleLayer"};

static double join(int64_t function, double a, double b) {
    switch (function) {
        case SUBTRACT:
            return a - b;
        case MULTIPLY:
            return a * b;
        case MAXIMUM:
            return fmax(a, b);
        case MINIMUM:
            return fmin(a, b);
        case CUSTOM_SCALE:
            return a + 0.17 * b;
        default:
            return a + b;
    }
}

/* Axes of length 1 repeat. */
static bool expect_join(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const int64_t *dims = test->output.dims;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const int64_t at[3] = {i / dims[2] / dims[1], i / dims[2] % dims[1], i % dims[2]};
        for (size_t input = 0; input < test->input_count; input++) {
            const int64_t *in = test->inputs[input].dims;
            const int64_t from = (at[0] * in[1] + (in[1] > 1 ? at[1] : 0)) * in[2] + (in[2] > 1 ? at[2] : 0);
            y[i] = input == 0 ? (double)x[0][from] : join(test->multiplier, y[i], (double)x[input][from]);
        }
        y[i] = test->multiplier == AVERAGE ? y[i] / (double)test->input_count : y[i];
    }
    return true;
}

void cly_selftest_join(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    while (strcmp(joining[test->multiplier], layer->class_name) != 0) {
        test->multiplier++;
    }
    const bool pair = test->multiplier == SUBTRACT || test->multiplier == CUSTOM_SCALE;
    test->output = (clayer_shape){
        3,
        {cly_selftest_between(random, 1, 4), cly_selftest_between(random, 1, 9), cly_selftest_between(random, 1, 40)}};
    test->input_count = pair ? 2 : (size_t)cly_selftest_between(random, 2, SELFTEST_INPUTS);
    for (size_t i = 0; i < test->input_count; i++) {
        test->inputs[i] = test->output;
        if (i > 0 && cly_selftest_flip(random)) {
            test->inputs[i].dims[1 + cly_selftest_between(random, 0, 1)] = 1;
        }
    }
    test->terms = (double)test->input_count;
    test->expect = expect_join;
    test->config.add = (clayer_add_config){.struct_size = sizeof test->config.add};
    if (test->multiplier == CUSTOM_SCALE) {
        test->config.custom_scale = (clayer_custom_scale_config){
            .struct_size = sizeof test->config.custom_scale, .has_scale = true, .scale = 0.17};
    }
    snprintf(test->text, sizeof test->text, "%" PRId64 "x%" PRId64 "x%" PRId64 ", %zu inputs", test->output.dims[0],
             test->output.dims[1], test->output.dims[2], test->input_count);
}

/* (N, outer, axis) and (N, inner, axis) give (N, outer, inner). */
static bool expect_dot(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const int64_t a = i / test->inner, b = i / test->inner / test->outer * test->inner + i % test->inner;
        y[i] = 0;
        for (int64_t k = 0; k < test->axis; k++) {
            y[i] += (double)x[0][a * test->axis + k] * (double)x[1][b * test->axis + k];
        }
    }
    return true;
}

void cly_selftest_dot(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int64_t batch = cly_selftest_between(random, 1, 3);
    test->outer = cly_selftest_between(random, 1, 7);
    test->inner = cly_selftest_between(random, 1, 7);
    test->axis = cly_selftest_between(random, 1, 90);
    test->input_count = 2;
    test->inputs[0] = (clayer_shape){3, {batch, test->outer, test->axis}};
    test->inputs[1] = (clayer_shape){3, {batch, test->inner, test->axis}};
    test->output = (clayer_shape){3, {batch, test->outer, test->inner}};
    test->terms = (double)test->axis;
    test->expect = expect_dot;
    test->config.dot = (clayer_dot_layer_config){.struct_size = sizeof test->config.dot, .axes = {1, {-1}}};
    snprintf(test->text, sizeof test->text, "%" PRId64 " of %" PRId64 "x%" PRId64 " and %" PRId64 "x%" PRId64, batch,
             test->outer, test->axis, test->inner, test->axis);
}

static bool expect_layer_scale(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        y[i] = (double)x[0][i] * (double)weights[0][i % test->axis];
    }
    return true;
}

void cly_selftest_layer_scale(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    test->outer = cly_selftest_between(random, 1, 9);
    test->axis = cly_selftest_between(random, 1, 40);
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){3, {2, test->outer, test->axis}};
    test->output = test->inputs[0];
    test->terms = 1;
    test->expect = expect_layer_scale;
    test->config.layer_scale =
        (clayer_layer_scale_config){.struct_size = sizeof test->config.layer_scale, .projection_dim = test->axis};
    snprintf(test->text, sizeof test->text, "2x%" PRId64 "x%" PRId64, test->outer, test->axis);
}
