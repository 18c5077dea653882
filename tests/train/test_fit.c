/* train/test_fit.c: whole trainings against Keras': weights, history and evaluation of small nets, both generations. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Relative to 1 below 1. */
static void check_value(const fit_case *c, const char *what, const char *name, double actual, double expected) {
    const bool same = isnan(expected) ? isnan(actual) : fabs(actual - expected) <= 1e-4 * (fabs(expected) + 1);
    ck_assert_msg(same, "%s: %s of %s is %.9g, Keras has %.9g", c->name, name, what, actual, expected);
}

static void check_history(const fit_case *c, const clayer_history *history) {
    const clayer_array *wanted = clayer_archive_find(c->arrays, "history");
    const double *values = clayer_array_get_const_data(wanted);
    const clayer_shape *shape = clayer_array_get_shape(wanted);
    char what[64];
    ck_assert_msg(clayer_history_get_epochs(history) == shape->dims[0], "%s: %lld epochs, Keras has %lld", c->name,
                  (long long)clayer_history_get_epochs(history), (long long)shape->dims[0]);
    for (size_t i = 0; c->names[i] != NULL; i++) {
        const char *name = clayer_history_get_name(history, i);
        ck_assert_msg(name != NULL && strcmp(name, c->names[i]) == 0, "%s: log %zu is '%s', Keras has '%s'", c->name, i,
                      name == NULL ? "(none)" : name, c->names[i]);
    }
    ck_assert_uint_eq(clayer_history_get_count(history), (size_t)shape->dims[1]);
    for (int64_t row = 0; row < shape->dims[0]; row++) {
        (void)snprintf(what, sizeof(what), "epoch %lld", (long long)row);
        for (int64_t i = 0; i < shape->dims[1]; i++) {
            check_value(c, what, c->names[i], clayer_history_get_value(history, (size_t)i, row),
                        values[row * shape->dims[1] + i]);
        }
    }
}

static void check_evaluate(const fit_case *c, clayer_model *model, const clayer_dataset *data) {
    const double *values = clayer_array_get_const_data(clayer_archive_find(c->arrays, "evaluate"));
    clayer_log logs[FIT_NAMES];
    size_t count = 0;
    MUST(clayer_model_evaluate(
        model, data, &(clayer_evaluate_config){.struct_size = sizeof(clayer_evaluate_config), .batch_size = 4}, logs,
        FIT_NAMES, &count));
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(c->evaluate[i] != NULL && strcmp(logs[i].name, c->evaluate[i]) == 0,
                      "%s: evaluate's log %zu is '%s', Keras has '%s'", c->name, i, logs[i].name,
                      c->evaluate[i] == NULL ? "(none)" : c->evaluate[i]);
        check_value(c, "evaluate", logs[i].name, logs[i].value, values[i]);
    }
    ck_assert(c->evaluate[count] == NULL);
}

START_TEST(nets_train_as_keras_trains_them) {
    const fit_case *c = &cases[_i];
    fit_data data, validation;
    clayer_history *history = NULL;
    int64_t iterations = 0;
    clayer_model *model = fit_load(context, c);
    fit_compile(model, c);
    ck_assert(fit_get_data(c, "", &data));
    const bool validated = fit_get_data(c, "v", &validation);
    const clayer_fit_config config = fit_get_config(c, validated ? &validation : NULL);
    MUST(clayer_model_fit(model, &data.dataset, &config, &history));
    check_history(c, history);
    const double distance = fit_distance(model, c);
    ck_assert_msg(distance < 1e-3, "%s: weights are %.3g of their way from Keras'", c->name, distance);
    MUST(clayer_model_get_iterations(model, &iterations));
    ck_assert(c->iterations == 0 || iterations == c->iterations);
    check_evaluate(c, model, &data.dataset);
    clayer_history_destroy(history);
    clayer_model_destroy(model);
}
END_TEST

/* The configuration that Keras wrote into the file. */
START_TEST(files_say_how_to_train) {
    const fit_case *c = &cases[_i];
    fit_data data, validation;
    clayer_history *history = NULL;
    clayer_model *model = fit_load(context, c);
    ck_assert_msg(clayer_model_is_compiled(model), "%s", c->name);
    ck_assert(fit_get_data(c, "", &data));
    const bool validated = fit_get_data(c, "v", &validation);
    const clayer_fit_config config = fit_get_config(c, validated ? &validation : NULL);
    MUST(clayer_model_fit(model, &data.dataset, &config, &history));
    const double distance = fit_distance(model, c);
    ck_assert_msg(distance < 1e-3, "%s: weights are %.3g of their way from Keras'", c->name, distance);
    check_history(c, history);
    clayer_history_destroy(history);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train.fit");
    TCase *tests = tcase_create("keras");
    tcase_add_unchecked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, nets_train_as_keras_trains_them, 0, (int)fit_cases_count());
    tcase_add_loop_test(tests, files_say_how_to_train, 0, (int)fit_cases_count());
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
