/* Gradients of padding and cropping, resizing and pooling: random shapes by every implementation against plain loops
 * that scatter, and that the gradients of the linear ones are their adjoints: <A x, y> = <x, A' y>. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/window_cases.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static int64_t in_count(const reference_window_shape *s) {
    return s->outer * s->inner * window_cases_product(s->in);
}

static int64_t out_count(const reference_window_shape *s) {
    return s->outer * s->inner * window_cases_product(s->out);
}

/* op of one operand, to `count` elements. */
static float *apply(const cly_ops_operator *op, const void *shape, const float *x, int64_t x_count, int64_t count) {
    const harness_case c = {.op = op, .shape = shape, .inputs = {x}, .counts = {x_count, count}, .output = 1};
    return harness_output(&h, &c);
}

/* The windows here are sums of few products. */
static void check_adjoint(const char *name, const float *forward, const float *y, int64_t y_count, const float *x,
                          const float *backward, int64_t x_count) {
    const double left = harness_dot(forward, y, y_count), right = harness_dot(x, backward, x_count);
    ck_assert_msg(fabs(left - right) <= 1e-5 * (1 + sqrt((double)y_count)), "%s: <A x, y> is %.9g, <x, A' y> %.9g",
                  name, left, right);
}

START_TEST(window_is_its_own_gradient) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 60); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 9);
        const cly_ops_window_shape shape = window_cases_window(&random, &s);
        cly_ops_window_shape back = {.outer = s.outer, .inner = s.inner};
        for (int axis = 0; axis < 3; axis++) {
            back.in[axis] = shape.out[axis];
            back.out[axis] = shape.in[axis];
            back.before[axis] = -shape.before[axis];
        }
        const int64_t in = in_count(&s), out = out_count(&s);
        float *x = test_random_floats(&random, in, -1, 1), *y = test_random_floats(&random, out, -1, 1);
        float *forward = apply(&cly_ops_window_operator, &shape, x, in, out);
        float *backward = apply(&cly_ops_window_operator, &back, y, out, in);
        check_adjoint("window", forward, y, out, x, backward, in);
        free(x);
        free(y);
        free(forward);
        free(backward);
    }
}
END_TEST

START_TEST(resize_gradient_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 7);
        const cly_ops_resize_shape shape = window_cases_resize(&random, &s);
        const bool bilinear = shape.method == CLY_BILINEAR;
        const int64_t in = in_count(&s), out = out_count(&s);
        float *x = test_random_floats(&random, in, -1, 1), *dy = test_random_floats(&random, out, -1, 1);
        double *expected = harness_doubles(in);
        (bilinear ? reference_bilinear_gradient : reference_nearest_gradient)(&s, dy, expected);
        harness_case c = {.op = &cly_ops_resize_gradient_operator,
                          .shape = &shape,
                          .inputs = {dy},
                          .counts = {out, in},
                          .output = 1,
                          .twice = i % 4 == 0,
                          .expected = expected,
                          .tolerance = test_tolerance(bilinear ? 4 * (s.out[1] + s.out[2]) : 64)};
        window_cases_describe(&c, &s, shape.factor, bilinear ? "bilinear" : "nearest", i);
        harness_check(&h, &c);
        float *forward = apply(&cly_ops_resize_operator, &shape, x, in, out);
        float *backward = apply(&cly_ops_resize_gradient_operator, &shape, dy, out, in);
        check_adjoint("resize", forward, dy, out, x, backward, in);
        free(x);
        free(dy);
        free(forward);
        free(backward);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_resize_gradient_operator, harness_cases(&h, 100), NULL);
}
END_TEST

/* Few different values, so that windows have several maxima; y as the forward operator has it. */
static void check_pool(const cly_ops_pool_shape *shape, const reference_window_shape *s, test_random *random,
                       uint64_t index) {
    static const char *const names[] = {"first of maxima over", "every one of maxima over", "share of maxima over"};
    const int64_t in = in_count(s), out = out_count(s);
    float *x = test_random_floats(random, in, -1, 1), *dy = test_random_floats(random, out, -1, 1);
    for (int64_t i = 0; i < in && index % 2 == 0; i++) {
        x[i] = roundf(x[i] * 3);
    }
    double *y = harness_doubles(out), *expected = harness_doubles(in);
    float *y_values = test_random_floats(random, out, 0, 1);
    reference_pool(s, shape->window, shape->stride, shape->pad, shape->average, x, y);
    for (int64_t i = 0; i < out; i++) {
        y_values[i] = (float)y[i];
    }
    reference_pool_gradient(s, shape->window, shape->stride, shape->pad, shape->average, (reference_ties)shape->ties, x,
                            dy, expected);
    harness_case c = {.op = &cly_ops_pool_gradient_operator,
                      .shape = shape,
                      .inputs = {shape->average ? NULL : x, shape->average ? NULL : y_values, dy},
                      .counts = {in, out, out, in},
                      .output = 3,
                      .twice = index % 4 == 0,
                      .expected = expected,
                      .tolerance = test_tolerance(window_cases_product(shape->window))};
    window_cases_describe(&c, s, shape->window, shape->average ? "average over" : names[shape->ties], index);
    harness_check(&h, &c);
    free(x);
    free(dy);
    free(y);
    free(y_values);
    free(expected);
}

START_TEST(pool_gradient_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 120); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 8);
        cly_ops_pool_shape shape = window_cases_pool(&random, &s);
        shape.ties = (cly_ops_pool_ties)test_random_int(&random, 0, 2);
        check_pool(&shape, &s, &random, i);
    }
    harness_expect_runs(&h, &cly_ops_pool_gradient_operator, harness_cases(&h, 120), NULL);
}
END_TEST

/* One window of the whole size, as the global poolings have it. */
START_TEST(global_pool_gradient_agrees) {
    for (uint64_t i = 0; i < 8; i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 9);
        cly_ops_pool_shape shape = {.outer = s.outer, .inner = s.inner, .average = i % 2 == 1, .ties = CLY_SHARED};
        for (int axis = 0; axis < 3; axis++) {
            shape.in[axis] = shape.window[axis] = s.in[axis];
            shape.out[axis] = s.out[axis] = shape.stride[axis] = 1;
        }
        check_pool(&shape, &s, &random, i);
    }
}
END_TEST

/* The average is linear, so its gradient is its adjoint. */
START_TEST(average_is_adjoint) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 40); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 8);
        cly_ops_pool_shape shape = window_cases_pool(&random, &s);
        shape.average = true;
        const int64_t in = in_count(&s), out = out_count(&s);
        float *x = test_random_floats(&random, in, -1, 1), *dy = test_random_floats(&random, out, -1, 1);
        const harness_case c = {.op = &cly_ops_pool_gradient_operator,
                                .shape = &shape,
                                .inputs = {NULL, NULL, dy},
                                .counts = {0, 0, out, in},
                                .output = 3};
        float *forward = apply(&cly_ops_pool_operator, &shape, x, in, out);
        float *backward = harness_output(&h, &c);
        check_adjoint("pool", forward, dy, out, x, backward, in);
        free(x);
        free(dy);
        free(forward);
        free(backward);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {window_is_its_own_gradient, HARNESS_PLAIN | HARNESS_AS_GPU},
        {resize_gradient_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {pool_gradient_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {global_pool_gradient_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {average_is_adjoint, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.window_gradient", tests, 0, &h, &seed);
}
