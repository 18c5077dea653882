/* Dropout: the reference's mask bit for bit, known answers of the generator, the share that is kept, and that seed and
 * step alone decide. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/dropout.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

START_TEST(masks_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        const uint64_t step = i % 3 == 0 ? UINT64_MAX - i : test_random_next(&random);
        static const float rates[] = {0, 0.1f, 0.25f, 0.5f, 0.9f, 1};
        const cly_ops_dropout_shape s = {.outer = test_random_int(&random, 1, 50),
                                         .repeat = i % 2 == 0 ? 1 : test_random_int(&random, 1, 20),
                                         .inner = test_random_int(&random, 1, 50),
                                         .rate = rates[i % 6],
                                         .factor = rates[i % 6] < 1 ? 1 / (1 - rates[i % 6]) : 0,
                                         .seed = test_random_next(&random),
                                         .step = &step};
        const int64_t count = s.outer * s.repeat * s.inner;
        float *x = test_random_floats(&random, count, -1, 1);
        double *expected = calloc((size_t)count, sizeof(double));
        ck_assert_ptr_nonnull(expected);
        reference_dropout(s.outer, s.repeat, s.inner, (double)s.rate, s.seed, step, x, expected);
        harness_case c = {.op = &cly_ops_dropout_operator,
                          .shape = &s,
                          .inputs = {x},
                          .counts = {count, count},
                          .output = 1,
                          .in_place = test_random_chance(&random, 50),
                          .twice = true,
                          .expected = expected,
                          .tolerance = test_tolerance(2)};
        snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %" PRId64 " x %" PRId64 " x %" PRId64 ", rate %g", i,
                 s.outer, s.repeat, s.inner, (double)s.rate);
        harness_check(&h, &c);
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_dropout_operator, harness_cases(&h, 100) / 2, NULL);
}
END_TEST

/* Random123's known answers for philox4x32-10: counter and key 0 give 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
 * Rates are set just above and below each word's upper 24 bits. */
START_TEST(generator_is_philox) {
    static const uint32_t words[4] = {0x6627e8, 0xe169c5, 0xbc57ac, 0x9b00db};
    const float x[4] = {1, 1, 1, 1};
    for (int i = 0; i < 4; i++) {
        double y[4];
        reference_dropout(1, 1, 4, (double)words[i] / 0x1p24, 0, 0, x, y);
        ck_assert(y[i] != 0);
        reference_dropout(1, 1, 4, (double)(words[i] + 1) / 0x1p24, 0, 0, x, y);
        ck_assert(y[i] == 0);
    }
}
END_TEST

#define MANY 100000

START_TEST(share_is_kept_and_steps_differ) {
    static const float rates[] = {0.1f, 0.5f, 0.8f};
    float *x = malloc(MANY * sizeof(float));
    ck_assert_ptr_nonnull(x);
    for (int i = 0; i < MANY; i++) {
        x[i] = 1;
    }
    for (size_t i = 0; i < 3; i++) {
        uint64_t step = 7;
        const cly_ops_dropout_shape s = {
            .outer = 1, .repeat = 1, .inner = MANY, .rate = rates[i], .factor = 1, .seed = 3, .step = &step};
        const harness_case c = {
            .op = &cly_ops_dropout_operator, .shape = &s, .inputs = {x}, .counts = {MANY, MANY}, .output = 1};
        float *first = harness_output(&h, &c), *again = harness_output(&h, &c);
        step++;
        float *next = harness_output(&h, &c);
        int kept = 0, both = 0;
        for (int j = 0; j < MANY; j++) {
            kept += first[j] != 0;
            both += first[j] != 0 && next[j] != 0;
        }
        const double p = 1 - (double)rates[i], deviation = sqrt(MANY * p * (1 - p));
        ck_assert_msg(fabs(kept - MANY * p) < 5 * deviation, "rate %g: %d of %d kept", (double)rates[i], kept, MANY);
        ck_assert_msg(fabs(both - MANY * p * p) < 5 * sqrt(MANY * p * p * (1 - p * p)),
                      "rate %g: %d of %d kept in two steps", (double)rates[i], both, MANY);
        ck_assert(memcmp(first, again, MANY * sizeof(float)) == 0);
        free(first);
        free(again);
        free(next);
    }
    free(x);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {masks_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {generator_is_philox, HARNESS_PLAIN},
        {share_is_kept_and_steps_differ, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.dropout", tests, 0, &h, &seed);
}
