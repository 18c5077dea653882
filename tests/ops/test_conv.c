/* Convolution, its transpose and the depthwise one: random shapes by every implementation against plain loops, with a
 * usual workspace and with one so small that the work is cut into pieces. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conv.h"
#include "ops/harness.h"
#include "ops/padding.h"
#include "reference.h"
#include "support/random.h"
#include "support/runner.h"
#include "support/tolerance.h"

#define SMALL_WORKSPACE 2048 /* bytes */
#define MOST_PRODUCTS 200000 /* multiply-adds of a case: the plain reference does them one by one */

static harness h;
static uint64_t seed;

static void setup(void) {
    harness_open(&h, 0);
}

static void setup_small(void) {
    harness_open(&h, SMALL_WORKSPACE);
}

static void setup_as_gpu(void) {
    harness_open_as_gpu(&h);
}

static void teardown(void) {
    harness_close(&h);
}

static int64_t product(const int64_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

static double products(const cly_ops_conv_shape *s) {
    return (double)(s->batch * product(s->out) * product(s->kernel) * (s->in_channels / s->groups) * s->out_channels);
}

/* One axis: any kernel, stride, dilation and padding, as long as one output remains. */
static void random_axis(test_random *random, cly_ops_conv_shape *s, int axis, bool pointwise) {
    s->kernel[axis] = pointwise ? 1 : test_random_int(random, 1, test_random_chance(random, 15) ? 7 : 4);
    s->stride[axis] = pointwise || test_random_chance(random, 50) ? 1 : test_random_int(random, 1, 4);
    s->dilation[axis] = pointwise || test_random_chance(random, 60) ? 1 : test_random_int(random, 1, 3);
    s->in[axis] = test_random_int(random, 1, test_random_chance(random, 15) ? 40 : 10);
    const int64_t effective = cly_ops_effective_kernel(s->kernel[axis], s->dilation[axis]);
    switch (pointwise ? 3 : test_random_int(random, 0, 3)) {
        case 0: {
            const cly_ops_axis same =
                cly_ops_padding_conv(CLY_SAME, s->in[axis], s->kernel[axis], s->stride[axis], s->dilation[axis]);
            s->pad[axis] = same.before;
            s->out[axis] = same.out;
            break;
        }
        case 1: {
            s->pad[axis] = test_random_int(random, 0, effective - 1);
            int64_t after = test_random_int(random, 0, effective - 1);
            after = s->in[axis] + s->pad[axis] + after < effective ? effective - s->in[axis] - s->pad[axis] : after;
            s->out[axis] = (s->in[axis] + s->pad[axis] + after - effective) / s->stride[axis] + 1;
            break;
        }
        default:
            s->in[axis] = s->in[axis] < effective ? effective + s->in[axis] - 1 : s->in[axis];
            s->pad[axis] = 0;
            s->out[axis] = (s->in[axis] - effective) / s->stride[axis] + 1;
    }
}

static cly_ops_conv_shape random_shape(test_random *random, bool depthwise) {
    static const int64_t channels[] = {1, 2, 3, 4, 5, 8, 13, 16, 17, 32, 35};
    cly_ops_conv_shape s;
    do {
        memset(&s, 0, sizeof(s));
        const int64_t rank = test_random_int(random, 1, 3);
        const bool pointwise = !depthwise && test_random_chance(random, 20);
        for (int axis = 0; axis < 3; axis++) {
            s.in[axis] = s.out[axis] = s.kernel[axis] = s.stride[axis] = s.dilation[axis] = 1;
            if (axis >= 3 - rank) {
                random_axis(random, &s, axis, pointwise);
            }
        }
        s.batch = test_random_int(random, 1, 4);
        s.groups = test_random_chance(random, 60) ? 1 : test_random_int(random, 2, 5);
        s.in_channels = s.groups * channels[test_random_int(random, 0, s.groups > 1 ? 5 : 10)];
        s.out_channels = s.groups * channels[test_random_int(random, 0, s.groups > 1 ? 5 : 10)];
        if (depthwise) {
            s.groups = s.in_channels = channels[test_random_int(random, 0, 10)];
            s.out_channels = s.groups * (test_random_chance(random, 60) ? 1 : test_random_int(random, 2, 4));
        }
        s.channels_first = test_random_chance(random, 50);
        s.has_bias = test_random_chance(random, 60);
    } while (products(&s) > MOST_PRODUCTS);
    /* Each activation is one more program to build, and they have their own test. */
    s.activation.id = test_random_chance(random, 40) ? CLY_LEAKY_RELU : CLY_LINEAR;
    s.activation.parameters[0] = 0.25f;
    return s;
}

static reference_conv_shape plain_shape(const cly_ops_conv_shape *s) {
    reference_conv_shape r = {.batch = s->batch,
                              .in_channels = s->in_channels,
                              .out_channels = s->out_channels,
                              .groups = s->groups,
                              .channels_first = s->channels_first};
    memcpy(r.in, s->in, sizeof(r.in));
    memcpy(r.out, s->out, sizeof(r.out));
    memcpy(r.kernel, s->kernel, sizeof(r.kernel));
    memcpy(r.stride, s->stride, sizeof(r.stride));
    memcpy(r.dilation, s->dilation, sizeof(r.dilation));
    memcpy(r.pad, s->pad, sizeof(r.pad));
    return r;
}

static void describe(harness_case *c, const cly_ops_conv_shape *s, uint64_t index) {
    char text[6][64];
    snprintf(c->text, sizeof(c->text),
             "case %" PRIu64 ": %s batch %" PRId64 ", in %s x %" PRId64 ", out %s x %" PRId64 ", groups %" PRId64
             ", kernel %s, stride %s, dilation %s, pad %s%s, activation %d",
             index, s->channels_first ? "channels_first" : "channels_last", s->batch, harness_sizes(s->in, text[0]),
             s->in_channels, harness_sizes(s->out, text[1]), s->out_channels, s->groups,
             harness_sizes(s->kernel, text[2]), harness_sizes(s->stride, text[3]), harness_sizes(s->dilation, text[4]),
             harness_sizes(s->pad, text[5]), s->has_bias ? ", bias" : "", (int)s->activation.id);
}

/* Runs shape `index` forwards, or backwards where `transposed`. */
static void check_shape(const cly_ops_operator *op, cly_ops_conv_shape *s, uint64_t index, test_random *random,
                        bool transposed) {
    const int64_t in = s->batch * product(s->in) * s->in_channels;
    const int64_t out = s->batch * product(s->out) * s->out_channels;
    const int64_t group_in = s->in_channels / s->groups, group_out = s->out_channels / s->groups;
    const int64_t length = product(s->kernel) * (transposed ? group_out : group_in) + 1;
    harness_case c = {.op = op,
                      .shape = s,
                      .counts = {transposed ? out : in, product(s->kernel) * group_in * s->out_channels,
                                 transposed ? s->in_channels : s->out_channels, transposed ? in : out},
                      .output = 3,
                      .tolerance = test_tolerance(length)};
    const reference_conv_shape plain = plain_shape(s);
    const reference_activation activation = {s->activation.id == CLY_LINEAR ? "linear" : "leaky_relu", {0.25}};
    float *values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = test_random_floats(random, c.counts[i], -1, 1);
        c.inputs[i] = i < 2 || s->has_bias ? values[i] : NULL;
    }
    double *expected = calloc((size_t)c.counts[3], sizeof(double));
    ck_assert_ptr_nonnull(expected);
    (transposed ? reference_conv_transpose : reference_conv)(&plain, c.inputs[0], c.inputs[1], c.inputs[2], &activation,
                                                             expected);
    c.expected = expected;
    describe(&c, s, index);
    harness_check(&h, &c);
    for (int i = 0; i < 3; i++) {
        free(values[i]);
    }
    free(expected);
}

static void check_random(const cly_ops_operator *op, int usual, bool depthwise, bool transposed) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, usual); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_conv_shape s = random_shape(&random, depthwise);
        check_shape(op, &s, i, &random, transposed);
    }
}

START_TEST(conv_agrees) {
    check_random(&cly_ops_conv_operator, 400, false, false);
    harness_expect_runs(&h, &cly_ops_conv_operator, harness_cases(&h, 400) / 10);
}
END_TEST

START_TEST(conv_transpose_agrees) {
    check_random(&cly_ops_conv_transpose_operator, 400, false, true);
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, harness_cases(&h, 400));
}
END_TEST

START_TEST(depthwise_agrees) {
    check_random(&cly_ops_depthwise_operator, 400, true, false);
    harness_expect_runs(&h, &cly_ops_depthwise_operator, harness_cases(&h, 400));
}
END_TEST

START_TEST(conv_agrees_in_pieces) {
    check_random(&cly_ops_conv_operator, 150, false, false);
    harness_expect_runs(&h, &cly_ops_conv_operator, harness_cases(&h, 150) / 10);
}
END_TEST

START_TEST(conv_transpose_agrees_in_pieces) {
    check_random(&cly_ops_conv_transpose_operator, 150, false, true);
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, harness_cases(&h, 150) / 4);
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
                                .channels_first = first == 1,
                                .has_bias = true};
        check_shape(&cly_ops_conv_transpose_operator, &s, (uint64_t)first, &random, true);
    }
    harness_expect_runs(&h, &cly_ops_conv_transpose_operator, 2);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, conv_agrees);
    tcase_add_test(cases, conv_transpose_agrees);
    tcase_add_test(cases, depthwise_agrees);
}

static Suite *make_suite(void) {
    Suite *suite = suite_create("ops.conv");
    TCase *usual = tcase_create("random");
    tcase_add_checked_fixture(usual, setup, teardown);
    add_tests(usual);
    suite_add_tcase(suite, usual);
    TCase *gpu = tcase_create("as on a GPU");
    tcase_add_checked_fixture(gpu, setup_as_gpu, teardown);
    add_tests(gpu);
    suite_add_tcase(suite, gpu);
    TCase *small = tcase_create("small workspace");
    tcase_add_checked_fixture(small, setup_small, teardown);
    tcase_set_timeout(small, 0);
    tcase_add_test(small, conv_agrees_in_pieces);
    tcase_add_test(small, conv_transpose_agrees_in_pieces);
    tcase_add_test(small, conv_transpose_cuts_channels);
    suite_add_tcase(suite, small);
    return suite;
}

int main(void) {
    seed = test_seed("ops.conv");
    return cly_test_main(make_suite);
}
