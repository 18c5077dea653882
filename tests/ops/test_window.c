/* Padding and cropping, resizing and pooling: random shapes by every implementation against the plain reference. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/window.h"
#include "reference.h"
#include "support/random.h"
#include "support/runner.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static void setup(void) {
    harness_open(&h, 0);
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

/* Sizes of a rank between 1 and 3, channels among which are whole vectors, less and a bit more. */
static reference_window_shape random_shape(test_random *random, int64_t most) {
    static const int64_t inner[] = {1, 1, 2, 3, 4, 7, 8, 16, 17, 32, 37};
    reference_window_shape s = {
        .outer = test_random_int(random, 1, 3), .inner = inner[test_random_int(random, 0, 10)], .in = {1, 1, 1}};
    const int64_t rank = test_random_int(random, 1, 3);
    for (int64_t i = 3 - rank; i < 3; i++) {
        s.in[i] = test_random_int(random, 1, i == 2 && test_random_chance(random, 20) ? 4 * most : most);
    }
    return s;
}

static void describe(harness_case *c, const reference_window_shape *s, const int64_t a[3], const char *what,
                     uint64_t index) {
    char in[64], out[64], other[64];
    snprintf(c->text, sizeof(c->text), "case %" PRIu64 ": outer %" PRId64 ", in %s, out %s, inner %" PRId64 ", %s %s",
             index, s->outer, harness_sizes(s->in, in), harness_sizes(s->out, out), s->inner, what,
             harness_sizes(a, other));
}

/* Runs the case on random input; `expected` is filled by the caller through the shared arrays. */
typedef struct arrays {
    float *x;
    double *y;
    int64_t x_count, y_count;
} arrays;

static arrays make_arrays(test_random *random, const reference_window_shape *s) {
    arrays a = {.x_count = s->outer * s->inner * product(s->in), .y_count = s->outer * s->inner * product(s->out)};
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
        reference_window_shape s = random_shape(&random, 9);
        cly_ops_window_shape shape = {.outer = s.outer, .inner = s.inner};
        for (int axis = 0; axis < 3; axis++) {
            const bool used = s.in[axis] > 1 || axis == 2;
            int64_t before = used ? test_random_int(&random, -(s.in[axis] - 1), 5) : 0;
            before = test_random_chance(&random, 30) ? 0 : before;
            const int64_t least = 1 - s.in[axis] - before; /* at least one position stays */
            const int64_t after = used ? test_random_int(&random, least > -4 ? least : -4, 5) : 0;
            shape.in[axis] = s.in[axis];
            shape.before[axis] = before;
            shape.out[axis] = s.out[axis] = s.in[axis] + before + after;
        }
        harness_case c = {.op = &cly_ops_window_operator, .shape = &shape};
        describe(&c, &s, shape.before, "before", i);
        arrays a = make_arrays(&random, &s);
        reference_window(&s, shape.before, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_window_operator, harness_cases(&h, 400));
}
END_TEST

START_TEST(resize_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 400); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = random_shape(&random, 7);
        const bool bilinear = test_random_chance(&random, 50);
        cly_ops_resize_shape shape = {
            .outer = s.outer, .inner = s.inner, .method = bilinear ? CLY_BILINEAR : CLY_NEAREST};
        for (int axis = 0; axis < 3; axis++) {
            shape.in[axis] = s.in[axis];
            shape.factor[axis] = bilinear && axis == 0 ? 1 : test_random_int(&random, 1, 4);
            s.out[axis] = s.in[axis] * shape.factor[axis];
        }
        harness_case c = {.op = &cly_ops_resize_operator,
                          .shape = &shape,
                          /* positions are floats: their rounding grows with the size */
                          .tolerance = bilinear ? test_tolerance(2 * (s.out[1] + s.out[2])) : 0};
        describe(&c, &s, shape.factor, bilinear ? "bilinear" : "nearest", i);
        arrays a = make_arrays(&random, &s);
        (bilinear ? reference_bilinear : reference_nearest)(&s, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_resize_operator, harness_cases(&h, 400));
}
END_TEST

START_TEST(pool_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 400); i++) {
        test_random random = test_random_start(seed, i);
        reference_window_shape s = random_shape(&random, 8);
        cly_ops_pool_shape shape = {.outer = s.outer, .inner = s.inner, .average = test_random_chance(&random, 50)};
        for (int axis = 0; axis < 3; axis++) {
            const int64_t most = s.in[axis] < 4 || test_random_chance(&random, 10) ? s.in[axis] : 4;
            shape.in[axis] = s.in[axis];
            shape.window[axis] = test_random_int(&random, 1, most);
            shape.stride[axis] = test_random_int(&random, 1, 3);
            shape.pad[axis] = test_random_int(&random, 0, shape.window[axis] - 1);
            /* every window holds at least one element */
            shape.out[axis] = s.out[axis] = (s.in[axis] - 1 + shape.pad[axis]) / shape.stride[axis] + 1;
        }
        harness_case c = {.op = &cly_ops_pool_operator,
                          .shape = &shape,
                          .tolerance = shape.average ? test_tolerance(product(shape.window)) : 0};
        describe(&c, &s, shape.window, shape.average ? "average over" : "maximum over", i);
        arrays a = make_arrays(&random, &s);
        reference_pool(&s, shape.window, shape.stride, shape.pad, shape.average, a.x, a.y);
        check_arrays(&c, &a);
    }
    harness_expect_runs(&h, &cly_ops_pool_operator, harness_cases(&h, 400));
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, window_moves_exactly);
    tcase_add_test(cases, resize_agrees);
    tcase_add_test(cases, pool_agrees);
}

static Suite *make_suite(void) {
    Suite *suite = suite_create("ops.window");
    TCase *cases = tcase_create("random");
    tcase_add_checked_fixture(cases, setup, teardown);
    add_tests(cases);
    suite_add_tcase(suite, cases);
    TCase *gpu = tcase_create("as on a GPU");
    tcase_add_checked_fixture(gpu, setup_as_gpu, teardown);
    add_tests(gpu);
    suite_add_tcase(suite, gpu);
    return suite;
}

int main(void) {
    seed = test_seed("ops.window");
    return cly_test_main(make_suite);
}
