/* Convolution, its transpose and the depthwise one: random shapes by every implementation against plain loops, with a
 * usual workspace and with one so small that the work is cut into pieces. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conv_cases.h"
#include "ops/range.h"
#include "ops/harness.h"
#include "support/random.h"
#include "support/tolerance.h"

#define SMALL_WORKSPACE 2048 /* bytes */

static harness h;
static uint64_t seed;

/* Runs shape `index` forwards, or backwards where `transposed`. */
static void check_shape(const cly_ops_operator *op, cly_ops_conv_shape *s, uint64_t index, test_random *random,
                        bool transposed) {
    const int64_t in = s->batch * conv_cases_product(s->in) * s->in_channels;
    const int64_t out = s->batch * conv_cases_product(s->out) * s->out_channels;
    const int64_t group_in = s->in_channels / s->groups, group_out = s->out_channels / s->groups;
    const int64_t length = conv_cases_product(s->kernel) * (transposed ? group_out : group_in) + 1;
    harness_case c = {.op = op,
                      .shape = s,
                      .counts = {transposed ? out : in, conv_cases_product(s->kernel) * group_in * s->out_channels,
                                 transposed ? s->in_channels : s->out_channels, transposed ? in : out},
                      .output = 3,
                      .tolerance = test_tolerance(length)};
    const reference_conv_shape plain = conv_cases_plain(s);
    const reference_activation activation = {s->activation.id == CLY_LINEAR ? "linear" : "leaky_relu", {0.25}};
    const bool has_bias = test_random_chance(random, 60);
    float *values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = test_random_floats(random, c.counts[i], -1, 1);
        c.inputs[i] = i < 2 || has_bias ? values[i] : NULL;
    }
    double *expected = calloc((size_t)c.counts[3], sizeof(double));
    ck_assert_ptr_nonnull(expected);
    (transposed ? reference_conv_transpose : reference_conv)(&plain, c.inputs[0], c.inputs[1], c.inputs[2], &activation,
                                                             expected);
    c.expected = expected;
    conv_cases_describe(&c, s, index);
    harness_check(&h, &c);
    for (int i = 0; i < 3; i++) {
        free(values[i]);
    }
    free(expected);
}

static void check_random(const cly_ops_operator *op, int usual, bool depthwise, bool transposed) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, usual); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_conv_shape s = conv_cases_random(&random, depthwise);
        check_shape(op, &s, i, &random, transposed);
    }
}

START_TEST(conv_agrees) {
    check_random(&cly_ops_conv_operator, 400, false, false);
    harness_expect_runs(&h, &cly_ops_conv_operator, harness_cases(&h, 400) / 10, "direct");
}
END_TEST

START_TEST(conv_transpose_agrees) {
    check_random(&cly_ops_conv_transpose_operator, 400, false, true);
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, harness_cases(&h, 400), "direct");
}
END_TEST

static void check_wide(const cly_ops_operator *op, bool transposed) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_conv_shape s = conv_cases_wide(&random, transposed);
        check_shape(op, &s, i, &random, transposed);
    }
    harness_expect_run(&h, op, "direct", cly_ops_is_cpu(h.context) ? harness_cases(&h, 100) / 2 : 0);
}

START_TEST(conv_direct_agrees) {
    check_wide(&cly_ops_conv_operator, false);
}
END_TEST

/* Lines of x that are too long to be copied whole, with a rest. In a small workspace, so that no matrix product is as
 * large: what CPUs have for those takes Mesa's llvmpipe minutes to compile. */
START_TEST(conv_direct_agrees_in_stretches) {
    for (int64_t stride = 1; stride <= 2; stride++) {
        test_random random = test_random_start(seed, (uint64_t)stride);
        cly_ops_conv_shape s = {.batch = 1,
                                .in = {1, 4, 301},
                                .out = {1, 2, 299 / stride + stride - 1},
                                .in_channels = 64,
                                .out_channels = 33,
                                .groups = 1,
                                .kernel = {1, 3, 3},
                                .stride = {1, 1, stride},
                                .dilation = {1, 1, 1}};
        check_shape(&cly_ops_conv_operator, &s, (uint64_t)stride, &random, false);
    }
    harness_expect_run(&h, &cly_ops_conv_operator, "direct", cly_ops_is_cpu(h.context) ? 2 : 0);
}
END_TEST

START_TEST(conv_transpose_direct_agrees) {
    check_wide(&cly_ops_conv_transpose_operator, true);
}
END_TEST

START_TEST(depthwise_agrees) {
    check_random(&cly_ops_depthwise_operator, 400, true, false);
    harness_expect_runs(&h, &cly_ops_depthwise_operator, harness_cases(&h, 400), NULL);
}
END_TEST

START_TEST(conv_agrees_in_pieces) {
    check_random(&cly_ops_conv_operator, 150, false, false);
    harness_expect_runs(&h, &cly_ops_conv_operator, harness_cases(&h, 150) / 10, "direct");
}
END_TEST

START_TEST(conv_transpose_agrees_in_pieces) {
    check_random(&cly_ops_conv_transpose_operator, 150, false, true);
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, harness_cases(&h, 150) / 4, "direct");
}
END_TEST

/* What the tests above would run by chance only: a slab of one row, and channels cut within it. */
START_TEST(conv_transpose_cuts_channels) {
    for (int first = 0; first < 2; first++) {
        test_random random = test_random_start(seed, (uint64_t)first);
        cly_ops_conv_shape s = {.batch = 2,
                                .in = {1, 6, 8},
                                .out = {1, 3, 4},
                                .in_channels = 14,
                                .out_channels = 6,
                                .groups = 2,
                                .kernel = {1, 3, 3},
                                .stride = {1, 2, 2},
                                .dilation = {1, 1, 1},
                                .pad = {0, 0, 0},
                                .channels_first = first == 1};
        check_shape(&cly_ops_conv_transpose_operator, &s, (uint64_t)first, &random, true);
    }
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, 2, "direct");
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {conv_direct_agrees, HARNESS_PLAIN},
        {conv_direct_agrees_in_stretches, HARNESS_SMALL},
        {conv_transpose_direct_agrees, HARNESS_PLAIN},
        {conv_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {conv_transpose_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {depthwise_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {conv_agrees_in_pieces, HARNESS_SMALL},
        {conv_transpose_agrees_in_pieces, HARNESS_SMALL},
        {conv_transpose_cuts_channels, HARNESS_SMALL},
        {NULL, 0},
    };
    return harness_main("ops.conv", tests, SMALL_WORKSPACE, &h, &seed);
}
