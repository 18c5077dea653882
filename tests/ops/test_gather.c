/* ops/test_gather.c: rows of a table by their numbers, the table's gradient, and which rows differ from a value,
 * against plain loops: every width of a vector and its rest, numbers with a fraction, from the end, outside, and NaN.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/gather.h"
#include "ops/harness.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static int64_t row_of(const cly_ops_gather_shape *s, float x) {
    const double number = trunc((double)x);
    if (!(number >= (s->wraps ? -(double)s->rows : 0) && number < (double)s->rows)) {
        return -1;
    }
    return (int64_t)number < 0 ? (int64_t)number + s->rows : (int64_t)number;
}

static float *draw_numbers(test_random *random, const cly_ops_gather_shape *s) {
    float *x = calloc((size_t)s->count, sizeof(float));
    ck_assert_ptr_nonnull(x);
    for (int64_t i = 0; i < s->count; i++) {
        x[i] = (float)test_random_int(random, s->wraps ? -s->rows : 0, s->rows - 1);
        x[i] += x[i] >= 0 && test_random_chance(random, 20) ? 0.75f : 0;
        if (test_random_chance(random, 5)) {
            const float outside[] = {(float)s->rows, -(float)s->rows - 1, 3e9f, -INFINITY, NAN};
            x[i] = outside[test_random_int(random, 0, 4)];
        }
    }
    return x;
}

static cly_ops_gather_shape draw_shape(test_random *random, uint64_t i) {
    return (cly_ops_gather_shape){.count = test_random_int(random, 1, 200),
                                  .rows = test_random_int(random, 1, i % 2 == 0 ? 5 : 60),
                                  .width = test_random_int(random, 1, 40),
                                  .wraps = i % 3 == 0};
}

static void describe(const cly_ops_gather_shape *s, uint64_t i, harness_case *c) {
    (void)snprintf(c->text, sizeof(c->text), "case %" PRIu64 ": %" PRId64 " of %" PRId64 " x %" PRId64 "%s", i,
                   s->count, s->rows, s->width, s->wraps ? ", from the end, too" : "");
}

START_TEST(rows_are_gathered) {
    const int cases = harness_cases(&h, 100);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_gather_shape s = draw_shape(&random, i);
        float *x = draw_numbers(&random, &s), *table = test_random_floats(&random, s.rows * s.width, -1, 1);
        harness_case c = {.op = &cly_ops_gather_operator,
                          .shape = &s,
                          .inputs = {x, table},
                          .counts = {s.count, s.rows * s.width, s.count * s.width},
                          .output = 2};
        describe(&s, i, &c);
        float *y = harness_output(&h, &c);
        double *expected = calloc((size_t)(s.count * s.width), sizeof(double));
        ck_assert_ptr_nonnull(expected);
        for (int64_t j = 0; j < s.count * s.width; j++) {
            const int64_t row = row_of(&s, x[j / s.width]);
            expected[j] = row < 0 ? (double)NAN : (double)table[row * s.width + j % s.width];
            ck_assert_msg(row >= 0 ? (double)y[j] == expected[j] : isnan(y[j]), "%s: element %" PRId64, c.text, j);
        }
        c.expected = expected; /* by every implementation; where that is NaN nothing need be written */
        c.tolerance = test_tolerance(1);
        harness_check(&h, &c);
        free(x);
        free(table);
        free(y);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_gather_operator, cases / 2, NULL);
}
END_TEST

START_TEST(gradients_are_summed) {
    const int cases = harness_cases(&h, 100);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, 1000 + i);
        const cly_ops_gather_shape s = draw_shape(&random, i);
        float *x = draw_numbers(&random, &s), *dy = test_random_floats(&random, s.count * s.width, -1, 1);
        double *expected = calloc((size_t)(s.rows * s.width), sizeof(double));
        ck_assert_ptr_nonnull(expected);
        for (int64_t j = 0; j < s.count * s.width; j++) {
            const int64_t row = row_of(&s, x[j / s.width]);
            if (row >= 0) {
                expected[row * s.width + j % s.width] += (double)dy[j];
            }
        }
        harness_case c = {.op = &cly_ops_gather_gradient_operator,
                          .shape = &s,
                          .inputs = {x, dy},
                          .counts = {s.count, s.count * s.width, s.rows * s.width},
                          .output = 2,
                          .twice = true,
                          .expected = expected,
                          .tolerance = test_tolerance(8)};
        describe(&s, i, &c);
        harness_check(&h, &c);
        free(x);
        free(dy);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_gather_gradient_operator, cases / 2, NULL);
}
END_TEST

START_TEST(rows_that_differ_are_found) {
    const int cases = harness_cases(&h, 60);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, 2000 + i);
        const cly_ops_differs_shape s = {.rows = test_random_int(&random, 1, 70),
                                         .width = test_random_int(&random, 1, 9),
                                         .value = i % 4 == 0 ? NAN : 0.5f,
                                         .keeps = i % 2 == 1};
        const int64_t count = s.rows * s.width, results = s.keeps ? count : s.rows;
        float *x = calloc((size_t)count, sizeof(float)), *z = test_random_floats(&random, count, -1, 1);
        double *expected = calloc((size_t)results, sizeof(double));
        ck_assert(x != NULL && expected != NULL);
        for (int64_t row = 0; row < s.rows; row++) {
            bool differs = false;
            const bool same = test_random_chance(&random, 50);
            for (int64_t c = row * s.width; c < (row + 1) * s.width; c++) {
                x[c] = same || test_random_chance(&random, 50) ? 0.5f : -0.5f;
                differs = differs || x[c] != s.value;
            }
            for (int64_t c = 0; c < (s.keeps ? s.width : 1); c++) {
                const int64_t at = s.keeps ? row * s.width + c : row;
                expected[at] = !differs ? 0 : s.keeps ? (double)z[at] : 1;
            }
        }
        harness_case c = {.op = &cly_ops_differs_operator,
                          .shape = &s,
                          .inputs = {x, s.keeps ? z : NULL},
                          .counts = {count, s.keeps ? count : 0, results},
                          .output = 2,
                          .in_place = s.keeps && test_random_chance(&random, 50),
                          .place = (int)test_random_int(&random, 0, 1),
                          .expected = expected,
                          .tolerance = test_tolerance(1)};
        (void)snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %" PRId64 " x %" PRId64, i, s.rows, s.width);
        harness_check(&h, &c);
        free(x);
        free(z);
        free(expected);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {rows_are_gathered, HARNESS_PLAIN | HARNESS_AS_GPU},
        {gradients_are_summed, HARNESS_PLAIN | HARNESS_AS_GPU},
        {rows_that_differ_are_found, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.gather", tests, 0, &h, &seed);
}
