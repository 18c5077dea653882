/* Gradients of activations: every formula over its whole range from what it is made of, kinks as TensorFlow has them,
 * softmax and its kin; the references against finite differences. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/activation_cases.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static reference_activation reference_of(const activation_case *v) {
    reference_activation reference = {.name = v->name};
    memcpy(reference.arguments, v->arguments, sizeof(reference.arguments));
    return reference;
}

/* x is overwritten by y where the gradient is made from that. */
static void check_values(const activation_case *v, float *x, const float *dy, int64_t count, bool in_place) {
    const cly_ops_activation_shape shape = {.count = count, .activation = activation_case_parse(v)};
    const reference_activation reference = reference_of(v);
    double *expected = harness_doubles(count);
    for (int64_t i = 0; i < count; i++) {
        double y = 0;
        ck_assert(reference_activation_slope(&reference, (double)x[i], &expected[i]));
        ck_assert(reference_activate(&reference, (double)x[i], &y));
        expected[i] *= (double)dy[i];
        x[i] = cly_ops_activation_needs_input(&shape.activation) ? x[i] : (float)y;
    }
    harness_case c = {.op = &cly_ops_activation_gradient_operator,
                      .shape = &shape,
                      .inputs = {x, dy},
                      .counts = {count, count, count},
                      .output = 2,
                      .in_place = in_place,
                      .place = 1,
                      .twice = true,
                      .expected = expected,
                      .tolerance = test_tolerance(16)};
    snprintf(c.text, sizeof(c.text), "%s of %" PRId64 " values%s", v->text, count, in_place ? " in place" : "");
    harness_check(&h, &c);
    free(expected);
}

START_TEST(every_formula_agrees) {
    static const int64_t counts[] = {1, 20, 1000, 20001};
    int seen[CLY_ELEMENTWISE_COUNT] = {0};
    for (size_t i = 0; i < activation_case_count; i++) {
        seen[activation_case_parse(&activation_cases[i]).id]++;
        /* Every formula is a program to build: a third of them shows the GPU's ranges well enough. */
        for (size_t j = 0; j < CLY_COUNT(counts) && (!h.as_gpu || i % 3 == seed % 3); j++) {
            test_random random = test_random_start(seed, i * 10 + j);
            float *x = activation_case_values(&random, counts[j]);
            float *dy = test_random_floats(&random, counts[j], -1, 1);
            check_values(&activation_cases[i], x, dy, counts[j], j % 2 == 1);
            free(x);
            free(dy);
        }
    }
    for (int i = 0; i < CLY_ELEMENTWISE_COUNT; i++) {
        ck_assert_msg(seen[i] > 0, "activation %d has no case", i);
    }
    harness_expect_runs(&h, &cly_ops_activation_gradient_operator, CLY_ELEMENTWISE_COUNT / (h.as_gpu ? 3 : 1), NULL);
}
END_TEST

#define KINKS 12
static const float kinks[KINKS] = {0, -0.0f, 1, -1, 2.5f, -2.5f, 3, -3, 6, -6, 0.5f, -0.5f};

/* tf.GradientTape over Keras' functions at the kinks. */
static const struct {
    activation_case activation;
    double slopes[KINKS];
} measured[] = {
    {{"relu", "relu", {0, INFINITY, 0}}, {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0}},
    {{"relu(max_value=6)", "relu", {0, 6, 0}}, {0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0}},
    {{"relu(max_value=2.5)", "relu", {0, 2.5, 0}}, {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0}},
    {{"relu(0.25, 3, 1)", "relu", {0.25, 3, 1}}, {0.25, 0.25, 0, 0.25, 1, 0.25, 1, 0.25, 0, 0.25, 0.25, 0.25}},
    {{"relu(threshold=-1)", "relu", {0, INFINITY, -1}}, {1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1}},
    {{"relu(threshold=1)", "relu", {0, INFINITY, 1}}, {0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0}},
    {{"relu(0.25, 6)", "relu", {0.25, 6, 0}}, {0, 0, 1, 0.25, 1, 0.25, 1, 0.25, 0, 0.25, 1, 0.25}},
    {{"relu(0.25, 2.5)", "relu", {0.25, 2.5, 0}}, {0, 0, 1, 0.25, 1, 0.25, 0, 0.25, 0, 0.25, 1, 0.25}},
    {{"elu(0.5)", "elu", {0.5}}, {0.5, 0.5, 1, 0.18394, 1, 0.04104, 1, 0.02489, 1, 0.00124, 1, 0.30327}},
    {{"hard_sigmoid", "hard_sigmoid", {0}},
     {0.16667, 0.16667, 0.16667, 0.16667, 0.16667, 0.16667, 0, 0, 0, 0, 0.16667, 0.16667}},
    {{"keras2_hard_sigmoid", "keras2_hard_sigmoid", {0}}, {0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0, 0, 0, 0.2, 0.2}},
    {{"relu6", "relu6", {0}}, {0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0}},
    {{"leaky_relu", "leaky_relu", {0.2}}, {0.2, 0.2, 1, 0.2, 1, 0.2, 1, 0.2, 1, 0.2, 1, 0.2}},
    {{"hard_silu", "hard_silu", {0}}, {0.5, 0.5, 0.83333, 0.16667, 1.33333, -0.33333, 1, 0, 1, 0, 0.66667, 0.33333}},
    {{"hard_tanh", "hard_tanh", {0}}, {1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1}},
    {{"soft_shrink", "soft_shrink", {0.5}}, {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}},
    {{"hard_shrink", "hard_shrink", {0.5}}, {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}},
    {{"sparse_plus", "sparse_plus", {0}}, {0.5, 0.5, 1, 0, 1, 0, 1, 0, 1, 0, 0.75, 0.25}},
    {{"sparse_sigmoid", "sparse_sigmoid", {0}}, {0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5}},
    {{"celu(2)", "celu", {2}}, {2, 2, 1, 0.60653, 1, 0.2865, 1, 0.22313, 1, 0.04979, 1, 0.7788}},
    {{"threshold(0.5, -3)", "threshold", {0.5, -3}}, {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0}},
};

START_TEST(kinks_are_tensorflows) {
    for (size_t i = 0; i < CLY_COUNT(measured); i++) {
        const activation_case *v = &measured[i].activation;
        const reference_activation reference = reference_of(v);
        float x[KINKS], ones[KINKS];
        for (int j = 0; j < KINKS; j++) {
            double slope = 0;
            ck_assert(reference_activation_slope(&reference, (double)kinks[j], &slope));
            ck_assert_msg(fabs(slope - measured[i].slopes[j]) < 1e-5, "%s at %g: %g, TensorFlow has %g", v->text,
                          (double)kinks[j], slope, measured[i].slopes[j]);
            x[j] = kinks[j];
            ones[j] = 1;
        }
        check_values(v, x, ones, KINKS, false);
    }
}
END_TEST

/* Away from kinks the reference's slope is what its function does. */
START_TEST(slopes_are_finite_differences) {
    const double step = 1e-5;
    for (size_t i = 0; i < activation_case_count; i++) {
        const reference_activation reference = reference_of(&activation_cases[i]);
        for (double x = -7.013; x < 7; x += 0.37) {
            double below = 0, above = 0, slope = 0;
            ck_assert(reference_activate(&reference, x - step, &below));
            ck_assert(reference_activate(&reference, x + step, &above));
            ck_assert(reference_activation_slope(&reference, x, &slope));
            const double difference = (above - below) / (2 * step);
            ck_assert_msg(fabs(slope - difference) < 1e-6 * (1 + fabs(slope)), "%s at %g: %g, by differences %g",
                          activation_cases[i].text, x, slope, difference);
        }
    }
}
END_TEST

static const char *const over_axis[] = {"softmax", "log_softmax", "sparsemax"};

START_TEST(softmax_gradient_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 150); i++) {
        test_random random = test_random_start(seed, i);
        const float scale = test_random_float(&random, 0.1f, 5.0f);
        const cly_ops_softmax_shape shape = {
            .outer = test_random_int(&random, 1, 40),
            .axis = test_random_int(&random, 1, test_random_chance(&random, 20) ? 300 : 40),
            .inner = test_random_chance(&random, 60) ? 1 : test_random_int(&random, 1, 9),
            .id = (cly_ops_activation_id)(CLY_SOFTMAX + (int)(i % 3))};
        const cly_ops_activation activation = {.id = shape.id};
        const int64_t count = shape.outer * shape.axis * shape.inner;
        float *x = test_random_floats(&random, count, -scale, scale), *dy = test_random_floats(&random, count, -1, 1);
        double *y = harness_doubles(count), *expected = harness_doubles(count);
        ck_assert(reference_softmax(over_axis[i % 3], shape.outer, shape.axis, shape.inner, x, y));
        ck_assert(reference_softmax_gradient(over_axis[i % 3], shape.outer, shape.axis, shape.inner, x, dy, expected));
        for (int64_t j = 0; j < count && !cly_ops_activation_needs_input(&activation); j++) {
            x[j] = (float)y[j];
        }
        harness_case c = {.op = &cly_ops_softmax_gradient_operator,
                          .shape = &shape,
                          .inputs = {x, dy},
                          .counts = {count, count, count},
                          .output = 2,
                          .in_place = test_random_chance(&random, 50),
                          .place = 1,
                          .twice = true,
                          .expected = expected,
                          .tolerance = test_tolerance(4 * shape.axis)};
        snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %s of %" PRId64 " x %" PRId64 " x %" PRId64, i,
                 over_axis[i % 3], shape.outer, shape.axis, shape.inner);
        harness_check(&h, &c);
        free(x);
        free(dy);
        free(y);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_softmax_gradient_operator, harness_cases(&h, 150), "rows");
    harness_expect_run(&h, &cly_ops_softmax_gradient_operator, "rows", harness_cases(&h, 150) / 4);
}
END_TEST

#define AXIS 6

START_TEST(softmax_gradients_are_finite_differences) {
    test_random random = test_random_start(seed, 0);
    for (size_t name = 0; name < CLY_COUNT(over_axis); name++) {
        float *x = test_random_floats(&random, AXIS, -1, 1), *dy = test_random_floats(&random, AXIS, -1, 1);
        double gradient[AXIS], y[2][AXIS];
        ck_assert(reference_softmax_gradient(over_axis[name], 1, AXIS, 1, x, dy, gradient));
        for (int i = 0; i < AXIS; i++) {
            const float kept = x[i], steps[2] = {kept - 0x1p-13f, kept + 0x1p-13f};
            double sum = 0;
            for (int side = 0; side < 2; side++) {
                x[i] = steps[side];
                ck_assert(reference_softmax(over_axis[name], 1, AXIS, 1, x, y[side]));
            }
            x[i] = kept;
            for (int j = 0; j < AXIS; j++) {
                sum += (double)dy[j] * (y[1][j] - y[0][j]) / ((double)steps[1] - (double)steps[0]);
            }
            ck_assert_msg(fabs(sum - gradient[i]) < 1e-4, "%s: %g, by differences %g", over_axis[name], gradient[i],
                          sum);
        }
        free(x);
        free(dy);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {every_formula_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {softmax_gradient_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {kinks_are_tensorflows, HARNESS_PLAIN},
        {slopes_are_finite_differences, HARNESS_PLAIN},
        {softmax_gradients_are_finite_differences, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.activation_gradient", tests, 0, &h, &seed);
}
