/* Gradients of convolutions: with respect to weights and, for depthwise ones, input, on random shapes by every
 * implementation against plain loops, with a usual workspace and with one so small that the work is cut into pieces;
 * and that each is the adjoint of the forward operator: <A x, y> = <x, A' y>. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conv_cases.h"
#include "ops/range.h"
#include "support/tolerance.h"

#define SMALL_WORKSPACE 2048 /* bytes */

static harness h;
static uint64_t seed;

/* Elements of x, w and y. */
typedef struct sizes {
    int64_t x, w, y;
} sizes;

static sizes sizes_of(const cly_ops_conv_shape *s) {
    return (sizes){.x = s->batch * conv_cases_product(s->in) * s->in_channels,
                   .w = conv_cases_product(s->kernel) * (s->in_channels / s->groups) * s->out_channels,
                   .y = s->batch * conv_cases_product(s->out) * s->out_channels};
}

static void check_weights(const cly_ops_operator *op, const cly_ops_conv_shape *s, uint64_t index,
                          test_random *random) {
    const sizes n = sizes_of(s);
    const reference_conv_shape plain = conv_cases_plain(s);
    float *x = test_random_floats(random, n.x, -1, 1), *dy = test_random_floats(random, n.y, -1, 1);
    double *expected = harness_doubles(n.w);
    reference_conv_weights(&plain, x, dy, expected);
    harness_case c = {.op = op,
                      .shape = s,
                      .inputs = {x, dy},
                      .counts = {n.x, n.y, n.w},
                      .output = 2,
                      .twice = index % 4 == 0,
                      .expected = expected,
                      .tolerance = test_tolerance(s->batch * conv_cases_product(s->out))};
    conv_cases_describe(&c, s, index);
    harness_check(&h, &c);
    free(x);
    free(dy);
    free(expected);
}

static void check_depthwise_input(const cly_ops_conv_shape *s, uint64_t index, test_random *random) {
    const sizes n = sizes_of(s);
    const reference_conv_shape plain = conv_cases_plain(s);
    float *dy = test_random_floats(random, n.y, -1, 1), *w = test_random_floats(random, n.w, -1, 1);
    double *expected = harness_doubles(n.x);
    float *unread = test_random_floats(random, 3 * s->out_channels, NAN, NAN); /* as bias and normalisation */
    reference_conv_transpose(&plain, dy, w, NULL, NULL, expected);
    const bool more = index % 2 == 0;
    harness_case c = {.op = &cly_ops_depthwise_transpose_operator,
                      .shape = s,
                      .inputs = {dy, w, more ? unread : NULL, NULL, more ? unread : NULL},
                      .counts = {n.y, n.w, s->out_channels, n.x, 3 * s->out_channels},
                      .output = 3,
                      .twice = index % 4 == 0,
                      .expected = expected,
                      .tolerance = test_tolerance(conv_cases_product(s->kernel) * s->out_channels / s->in_channels)};
    conv_cases_describe(&c, s, index);
    harness_check(&h, &c);
    free(dy);
    free(w);
    free(unread);
    free(expected);
}

static void check_random(const cly_ops_operator *op, int usual, bool depthwise) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, usual); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_conv_shape s = conv_cases_random(&random, depthwise);
        if (op == &cly_ops_depthwise_transpose_operator) {
            check_depthwise_input(&s, i, &random);
        } else {
            check_weights(op, &s, i, &random);
        }
    }
}

START_TEST(weights_agree) {
    check_random(&cly_ops_conv_weights_operator, 160, false);
    harness_expect_runs(&h, &cly_ops_conv_weights_operator, harness_cases(&h, 160), "direct");
}
END_TEST

START_TEST(weights_direct_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_conv_shape s = conv_cases_wide(&random, false);
        check_weights(&cly_ops_conv_weights_operator, &s, i, &random);
    }
    harness_expect_run(&h, &cly_ops_conv_weights_operator, "direct",
                       cly_ops_is_cpu(h.context) ? harness_cases(&h, 100) * 9 / 10 : 0);
}
END_TEST

START_TEST(weights_agree_in_pieces) {
    check_random(&cly_ops_conv_weights_operator, 80, false);
    harness_expect_runs(&h, &cly_ops_conv_weights_operator, harness_cases(&h, 80) / 4, "direct");
}
END_TEST

/* Few weights and many pixels: sums in slots, with rests, in both layouts, with groups and without columns. */
START_TEST(weights_agree_in_slots) {
    for (uint64_t i = 0; i < 16; i++) {
        test_random random = test_random_start(seed, i);
        const int64_t kernel = i & 1 ? 3 : 1, groups = i & 2 ? 2 : 1;
        const cly_ops_conv_shape s = {.batch = i & 8 ? 37 : 5,
                                      .in = {1, 25, 23},
                                      .out = {1, 26 - kernel, 24 - kernel},
                                      .in_channels = 3 * groups,
                                      .out_channels = 4 * groups,
                                      .groups = groups,
                                      .kernel = {1, kernel, kernel},
                                      .stride = {1, 1, 1},
                                      .dilation = {1, 1, 1},
                                      .channels_first = (i & 4) != 0};
        check_weights(&cly_ops_conv_weights_operator, &s, i * 4, &random);
    }
    harness_expect_runs(&h, &cly_ops_conv_weights_operator, 16, "direct");
}
END_TEST

START_TEST(depthwise_weights_agree) {
    check_random(&cly_ops_depthwise_weights_operator, 160, true);
    harness_expect_runs(&h, &cly_ops_depthwise_weights_operator, harness_cases(&h, 160), NULL);
}
END_TEST

START_TEST(depthwise_weights_agree_in_pieces) {
    check_random(&cly_ops_depthwise_weights_operator, 60, true);
    harness_expect_runs(&h, &cly_ops_depthwise_weights_operator, harness_cases(&h, 60), NULL);
}
END_TEST

START_TEST(depthwise_transpose_agrees) {
    check_random(&cly_ops_depthwise_transpose_operator, 160, true);
    harness_expect_runs(&h, &cly_ops_depthwise_transpose_operator, harness_cases(&h, 160), NULL);
}
END_TEST

/* Operators of one shape: forward, input gradient, weight gradient. */
typedef struct family {
    const cly_ops_operator *forward, *input, *weights;
} family;

static float *apply(const cly_ops_operator *op, const cly_ops_conv_shape *s, const float *a, int64_t a_count,
                    const float *b, int64_t b_count, int output, int64_t count) {
    harness_case c = {.op = op, .shape = s, .inputs = {a, b}, .counts = {a_count, b_count}, .output = output};
    c.counts[output] = count;
    conv_cases_describe(&c, s, 0);
    return harness_output(&h, &c);
}

/* <conv(x, w), y> = <x, input(y, w)> = <w, weights(x, y)>, and the same with the first two exchanged: the gradient of
 * the transposed convolution is the convolution. */
static void check_adjoint(const family *f, const cly_ops_conv_shape *s, test_random *random) {
    const sizes n = sizes_of(s);
    float *x = test_random_floats(random, n.x, -1, 1), *w = test_random_floats(random, n.w, -1, 1);
    float *y = test_random_floats(random, n.y, -1, 1);
    float *forward = apply(f->forward, s, x, n.x, w, n.w, 3, n.y);
    float *input = apply(f->input, s, y, n.y, w, n.w, 3, n.x);
    float *weights = apply(f->weights, s, x, n.x, y, n.y, 2, n.w);
    const double value = harness_dot(forward, y, n.y);
    const double products = sqrt((double)n.y * (double)conv_cases_product(s->kernel) * (double)s->in_channels);
    const double tolerance = 1e-6 * (1 + products) * 10;
    ck_assert_msg(fabs(value - harness_dot(x, input, n.x)) <= tolerance, "%s: %.9g, by the input's gradient %.9g",
                  f->forward->name, value, harness_dot(x, input, n.x));
    ck_assert_msg(fabs(value - harness_dot(w, weights, n.w)) <= tolerance, "%s: %.9g, by the weights' gradient %.9g",
                  f->forward->name, value, harness_dot(w, weights, n.w));
    float *const all[] = {x, w, y, forward, input, weights};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
}

START_TEST(gradients_are_adjoint) {
    static const family conv = {&cly_ops_conv_operator, &cly_ops_conv_transpose_operator,
                                &cly_ops_conv_weights_operator};
    static const family depthwise = {&cly_ops_depthwise_operator, &cly_ops_depthwise_transpose_operator,
                                     &cly_ops_depthwise_weights_operator};
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 80); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_conv_shape s = conv_cases_random(&random, i % 3 == 2);
        s.activation.id = CLY_LINEAR;
        check_adjoint(i % 3 == 2 ? &depthwise : &conv, &s, &random);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {weights_direct_agree, HARNESS_PLAIN},
        {weights_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {weights_agree_in_slots, HARNESS_PLAIN | HARNESS_AS_GPU},
        {depthwise_weights_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {depthwise_transpose_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {gradients_are_adjoint, HARNESS_PLAIN | HARNESS_AS_GPU},
        {weights_agree_in_pieces, HARNESS_SMALL},
        {depthwise_weights_agree_in_pieces, HARNESS_SMALL},
        {NULL, 0},
    };
    return harness_main("ops.conv_gradient", tests, SMALL_WORKSPACE, &h, &seed);
}
