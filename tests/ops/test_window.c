/* Padding and cropping, resizing and pooling: random shapes by every implementation against the plain reference. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/window_cases.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

/* Runs the case on random input; `expected` is filled by the caller through the shared arrays. */
typedef struct arrays {
    float *x;
    double *y;
    int64_t x_count, y_count;
} arrays;

static arrays make_arrays(test_random *random, const reference_window_shape *s) {
    arrays a = {.x_count = s->outer * s->inner * window_cases_product(s->in),
                .y_count = s->outer * s->inner * window_cases_product(s->out)};
    a.x = test_random_floats(random, a.x_count, -1, 1);
    a.y = calloc((size_t)a.y_count, sizeof(double));
    ck_assert_ptr_nonnull(a.y);
    return a;
}

static void check_arrays(harness_case *c, arrays *a) {
    c->inputs[0] = a->x;
    c->counts[0] = a->x_count;
    c->counts[1] = a->y_count;
    c->output = 1;
    c->expected = a->y;
    harness_check(&h, c);
    free(a->x);
    free(a->y);
}

START_TEST(window_moves_exactly) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 400); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 9);
        const cly_ops_window_shape shape = window_cases_window(&random, &s);
        harness_case c = {.op = &cly_ops_window_operator, .shape = &shape};
        window_cases_describe(&c, &s, shape.before, "before", i);
        arrays a = make_arrays(&random, &s);
        reference_window(&s, shape.before, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_window_operator, harness_cases(&h, 400), NULL);
}
END_TEST

START_TEST(resize_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 400); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 7);
        const cly_ops_resize_shape shape = window_cases_resize(&random, &s);
        const bool bilinear = shape.method == CLY_BILINEAR;
        harness_case c = {.op = &cly_ops_resize_operator,
                          .shape = &shape,
                          /* positions are floats: their rounding grows with the size */
                          .tolerance = bilinear ? test_tolerance(2 * (s.out[1] + s.out[2])) : 0};
        window_cases_describe(&c, &s, shape.factor, bilinear ? "bilinear" : "nearest", i);
        arrays a = make_arrays(&random, &s);
        (bilinear ? reference_bilinear : reference_nearest)(&s, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_resize_operator, harness_cases(&h, 400), NULL);
}
END_TEST

START_TEST(pool_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 400); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = window_cases_random(&random, 8);
        const cly_ops_pool_shape shape = window_cases_pool(&random, &s);
        harness_case c = {.op = &cly_ops_pool_operator,
                          .shape = &shape,
                          .tolerance = shape.average ? test_tolerance(window_cases_product(shape.window)) : 0};
        window_cases_describe(&c, &s, shape.window, shape.average ? "average over" : "maximum over", i);
        arrays a = make_arrays(&random, &s);
        reference_pool(&s, shape.window, shape.stride, shape.pad, shape.average, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_pool_operator, harness_cases(&h, 400), NULL);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {window_moves_exactly, HARNESS_PLAIN | HARNESS_AS_GPU},
        {resize_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {pool_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.window", tests, 0, &h, &seed);
}
