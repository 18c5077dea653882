/* train/test_schedules.c: learning-rate schedules against Keras, as texts, and what they refuse. */
#include <stdlib.h>

#include "base/text.h"
#include "support/context.h"
#include "support/runner.h"
#include "train/golden.h"
#include "train/optimizer.h"

START_TEST(test_keras) {
    clayer_archive *archive = golden_open("schedules");
    golden g;
    int count = 0;
    for (; golden_read(archive, "schedules", count, &g); count++) {
        cly_spec schedule;
        const clayer_array *expected = golden_find(&g, "value");
        float rates[64];
        golden_spec(&g, &cly_train_schedules, NULL, &schedule);
        ck_assert_int_eq(clayer_array_get_count(expected), 31);
        for (int64_t step = 0; step <= 30; step++) {
            ck_assert_msg(cly_train_schedule_rate(&schedule, step, &rates[step]) == CLAYER_OK, "%s",
                          clayer_last_error());
        }
        golden_compare(&g, "rate", rates, expected, 1e-9, 3e-7);
        golden_free(&g);
    }
    ck_assert_int_eq(count, 34);
    clayer_archive_destroy(archive);
}
END_TEST

static clayer_status rate_of(const char *text, int64_t step, float *rate_out) {
    cly_spec schedule;
    const clayer_status status = cly_base_spec_parse(&cly_train_schedules, text, &schedule);
    return status != CLAYER_OK ? status : cly_train_schedule_rate(&schedule, step, rate_out);
}

/* The last step of a piece is the boundary itself; steps far behind the end keep the last rate. */
START_TEST(test_texts) {
    static const struct {
        const char *text;
        int64_t step;
        float rate;
    } cases[] = {
        {"piecewise_constant_decay(boundaries=[1, 3], values=[1, 0.5, 0.25])", 1, 1.0f},
        {"PiecewiseConstantDecay([1, 3], [1, 0.5, 0.25])", 2, 0.5f},
        {"piecewise_constant_decay([1, 3], [1, 0.5, 0.25])", 4000000000, 0.25f},
        {"piecewise_constant_decay([2.75], [1, 0.5], name='steps')", 3, 0.5f},
        {"ExponentialDecay(0.5, 2, 0.5, staircase=True)", 5, 0.125f},
        {"polynomial_decay(1, 10, 0.5)", 1000, 0.5f},
        {"polynomial_decay(initial_learning_rate=1, decay_steps=10, end_learning_rate=0, cycle=True)", 10, 0.0f},
        {"inverse_time_decay(1, 1, 1)", 3, 0.25f},
        {"cosine_decay(1, 10, warmup_target=None)", 10, 0.0f},
        {"cosine_decay(0, 10, warmup_target=2, warmup_steps=4)", 2, 1.0f},
        {"cosine_decay_restarts(0.5, 4, t_mul=1)", 8, 0.5f},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float rate = -1.0f;
        ck_assert_msg(rate_of(cases[i].text, cases[i].step, &rate) == CLAYER_OK, "%s", clayer_last_error());
        ck_assert_msg(rate == cases[i].rate, "%s at %lld: %g", cases[i].text, (long long)cases[i].step, (double)rate);
    }
}
END_TEST

START_TEST(test_refusals) {
    static const char *const cases[][2] = {
        {"exponential_decay(0.5)", "needs decay_steps"},
        {"exponential_decay(decay_steps=3, decay_rate=1)", "needs initial_learning_rate"},
        {"exponential_decay(0.5, 0, 0.5)", "decay_steps = 0 is outside"},
        {"polynomial_decay(0.5, -1)", "decay_steps = -1 is outside"},
        {"inverse_time_decay(0.5, 1, None)", "needs decay_rate"},
        {"piecewise_constant_decay", "0 boundaries and 0 values"},
        {"piecewise_constant_decay([1, 2], [1, 2])", "2 boundaries and 2 values"},
        {"piecewise_constant_decay([3, 2], [1, 2, 3])", "boundaries must increase"},
        {"linear_decay(1)", "unknown learning rate schedule"},
        {"cosine_decay(1, 2, beta=3)", "no argument 'beta'"},
        {"", "there is no learning rate schedule"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float rate = -1.0f;
        ck_assert_msg(rate_of(cases[i][0], 0, &rate) == CLAYER_INVALID_ARGUMENT, "%s", cases[i][0]);
        cly_test_error_has(cases[i][1]);
        ck_assert(rate == -1.0f);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.schedules");
    TCase *tests = tcase_create("schedules");
    tcase_add_test(tests, test_keras);
    tcase_add_test(tests, test_texts);
    tcase_add_test(tests, test_refusals);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
