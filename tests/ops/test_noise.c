/* Normal noise: the reference's numbers, mean and variance and tails of many, and that seed and step alone decide. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/harness.h"
#include "ops/noise.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

START_TEST(numbers_agree) {
    const int cases = harness_cases(&h, 60);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const uint64_t step = i % 3 == 0 ? UINT64_MAX - i : test_random_next(&random);
        const cly_ops_noise_shape s = {.count = test_random_int(&random, 1, 5000),
                                       .stddev = 0.5f,
                                       .multiplies = i % 2 == 1,
                                       .seed = test_random_next(&random),
                                       .step = &step};
        float *x = test_random_floats(&random, s.count, -1, 1);
        double *expected = calloc((size_t)s.count, sizeof(double));
        ck_assert_ptr_nonnull(expected);
        reference_noise(s.count, 0.5, s.multiplies, s.seed, step, x, expected);
        harness_case c = {.op = &cly_ops_noise_operator,
                          .shape = &s,
                          .inputs = {x},
                          .counts = {s.count, s.count},
                          .output = 1,
                          .in_place = test_random_chance(&random, 50),
                          .twice = true,
                          .expected = expected,
                          .tolerance = test_tolerance(32)};
        (void)snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %" PRId64 " numbers", i, s.count);
        harness_check(&h, &c);
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_noise_operator, cases / 2, NULL);
}
END_TEST

#define MANY 400000

START_TEST(numbers_are_normal) {
    float *x = calloc(MANY, sizeof(float));
    ck_assert_ptr_nonnull(x);
    uint64_t step = 5;
    const cly_ops_noise_shape s = {.count = MANY, .stddev = 2, .seed = 3, .step = &step};
    const harness_case c = {
        .op = &cly_ops_noise_operator, .shape = &s, .inputs = {x}, .counts = {MANY, MANY}, .output = 1};
    float *first = harness_output(&h, &c);
    step++;
    float *next = harness_output(&h, &c);
    double sum = 0, squares = 0, together = 0, neighbours = 0;
    int within = 0, beyond = 0;
    for (int i = 0; i < MANY; i++) {
        const double n = (double)first[i] / 2;
        sum += n;
        squares += n * n;
        together += n * (double)next[i] / 2;
        neighbours += i > 0 ? n * (double)first[i - 1] / 2 : 0;
        within += fabs(n) < 1;
        beyond += fabs(n) > 3;
    }
    const double deviation = sqrt(MANY); /* of a sum of numbers of variance 1 */
    ck_assert_msg(fabs(sum) < 5 * deviation, "mean %g", sum / MANY);
    ck_assert_msg(fabs(squares - MANY) < 5 * deviation * sqrt(2), "variance %g", squares / MANY);
    ck_assert_msg(fabs(together) < 5 * deviation, "two steps: correlation %g", together / MANY);
    ck_assert_msg(fabs(neighbours) < 5 * deviation, "neighbours: correlation %g", neighbours / MANY);
    ck_assert_msg(fabs(within - 0.682689 * MANY) < 5 * sqrt(MANY * 0.22), "%d within one deviation", within);
    ck_assert_msg(fabs(beyond - 0.0026998 * MANY) < 5 * sqrt(MANY * 0.0027), "%d beyond three", beyond);
    free(first);
    free(next);
    free(x);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {numbers_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {numbers_are_normal, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.noise", tests, 0, &h, &seed);
}
