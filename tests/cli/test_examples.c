/* cli/test_examples.c: the programs of examples/ do what they say. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "support/runner.h"

/* Runs an example with up to three arguments. */
static command_result run_example(const char *name, const char *a, const char *b, const char *c) {
    char path[1024];
    snprintf(path, sizeof path, "%s/clayer_%s", CLAYER_EXAMPLES, name);
    return command_run_to((const char *const[]){path, a, b, c, NULL}, NULL, NULL);
}

static void expect_output(const char *name, const char *expected) {
    command_result result = run_example(name, NULL, NULL, NULL);
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.err, "");
    ck_assert_str_eq(result.out, expected);
    command_free(&result);
}

START_TEST(small_examples) {
    expect_output("example_functional",
                  "(None, 24, 20, 3)\n(None, 20, 16, 64)\na batch of 5 gives 7200 and 102400 values\n");
    expect_output("example_layer", "4 8 12 16 20 24\n");
    expect_output("example_opencl_interop", "1 1 2 2\n1 1 2 2\n3 3 4 4\n3 3 4 4\n");
}
END_TEST

START_TEST(sequential) {
    command_result result = run_example("example_sequential", NULL, NULL, NULL);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "(None, 14, 14, 8)");
    CHECK_HOLDS(result.out, "Total params: 15770");
    CHECK_HOLDS(result.out, "add up to 1.000");
    command_free(&result);
}
END_TEST

START_TEST(predict) {
    const char *x = command_path("x.npy"), *y = command_path("y.npy");
    clayer_array *input = command_golden_array("k3_classifier", "x"), *actual = NULL,
                 *expected = command_golden_array("k3_classifier", "y");
    ck_assert(clayer_array_save(input, x) == CLAYER_OK);
    command_result result = run_example("example_predict", command_golden("models/k3_classifier.keras"), x, y);
    CHECK_STATUS(result, 0);
    ck_assert_msg(clayer_array_load(y, &actual) == CLAYER_OK, "%s", clayer_last_error());
    command_check_close(actual, expected, "predict");
    clayer_array_destroy(input);
    clayer_array_destroy(actual);
    clayer_array_destroy(expected);
    command_free(&result);
    result = run_example("example_predict", command_golden("models/none.keras"), x, y);
    CHECK_STATUS(result, 1);
    CHECK_HOLDS(result.err, "none.keras");
    command_free(&result);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.examples");
    TCase *tests = tcase_create("examples");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, small_examples);
    tcase_add_test(tests, sequential);
    tcase_add_test(tests, predict);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
