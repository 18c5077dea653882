/* train/test_networks.c: whole networks of kinds that people use (U-Nets, a WaveNet, an autoencoder, ...) as both
 * generations of Keras saved them, predicted and trained them: tests/golden/network_cases.py. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <clayer/model.h>
#include <clayer/train.h>

#include "support/context.h"
#include "support/runner.h"
#include "train/fit_cases.h"

#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())

static clayer_context *context;
static fit_case *cases;
static size_t case_count;

static void open_all(void) {
    context = cly_test_context(NULL, NULL);
    case_count = fit_cases_read(&cases);
}

static void close_all(void) {
    fit_cases_free(cases, case_count);
    clayer_context_destroy(context);
}

/* Within 3e-4 of the largest value. */
static void check_output(const fit_case *c, size_t index, const clayer_array *output) {
    char name[32];
    (void)snprintf(name, sizeof(name), "p%zu", index);
    const clayer_array *wanted = clayer_archive_find(c->arrays, name);
    ck_assert_msg(wanted != NULL, "%s: %s is missing", c->name, name);
    const float *expected = clayer_array_get_const_data(wanted), *actual = clayer_array_get_const_data(output);
    const int64_t count = clayer_array_get_count(wanted);
    double largest = 0, off = 0;
    ck_assert_int_eq(clayer_array_get_count(output), count);
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(expected[i]));
        off = fmax(off, isnan(actual[i]) ? INFINITY : fabs((double)actual[i] - expected[i]));
    }
    ck_assert_msg(off <= 3e-4 * largest, "%s: output %zu is off by %.3g, its largest value is %.3g", c->name, index,
                  off, largest);
}

START_TEST(networks_predict_as_in_keras) {
    const fit_case *c = &cases[_i];
    clayer_model *model = fit_load(context, c);
    clayer_array *inputs[FIT_OUTPUTS] = {NULL}, *outputs[FIT_OUTPUTS] = {NULL};
    const size_t count = clayer_model_get_input_count(model);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "x%zu", i);
        inputs[i] = (clayer_array *)clayer_archive_find(c->arrays, name);
        ck_assert(inputs[i] != NULL);
    }
    MUST(clayer_model_predict(model, inputs, count, NULL, outputs));
    for (size_t i = 0; i < clayer_model_get_output_count(model); i++) {
        check_output(c, i, outputs[i]);
        clayer_array_destroy(outputs[i]);
    }
    clayer_model_destroy(model);
}
END_TEST

/* From the file's own compile configuration; the last weights say that every step was Keras'. */
START_TEST(networks_train_as_in_keras) {
    const fit_case *c = &cases[_i];
    fit_data data;
    clayer_history *history = NULL;
    clayer_model *model = fit_load(context, c);
    ck_assert_msg(clayer_model_is_compiled(model), "%s", c->name);
    ck_assert(fit_get_data(c, "", &data));
    const clayer_fit_config config = fit_get_config(c, NULL);
    MUST(clayer_model_fit(model, &data.dataset, &config, &history));
    const clayer_array *wanted = clayer_archive_find(c->arrays, "history");
    const double *values = clayer_array_get_const_data(wanted);
    const int64_t columns = clayer_array_get_shape(wanted)->dims[1];
    for (int64_t row = 0; row < c->epochs; row++) {
        for (int64_t i = 0; i < columns; i++) {
            const double actual = clayer_history_get_value(history, (size_t)i, row),
                         expected = values[row * columns + i];
            ck_assert_msg(fabs(actual - expected) <= 3e-4 * (fabs(expected) + 1),
                          "%s: %s of epoch %lld is %.9g, Keras has %.9g", c->name, c->names[i], (long long)row, actual,
                          expected);
        }
    }
    const double distance = fit_distance(model, c);
    ck_assert_msg(distance < 1e-2, "%s: weights are %.3g of their way from Keras'", c->name, distance);
    clayer_history_destroy(history);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train.networks");
    TCase *tests = tcase_create("keras");
    tcase_add_unchecked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, networks_predict_as_in_keras, 0, (int)fit_cases_count());
    tcase_add_loop_test(tests, networks_train_as_in_keras, 0, (int)fit_cases_count());
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
