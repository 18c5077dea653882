/* cli/test_summary.c: `clayer summary` prints Keras' own table, then the planned memory. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read '%s'", path);
    char *text = calloc(1, 1 << 16);
    ck_assert(text != NULL);
    ck_assert(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

static char *read_golden(const char *stem) {
    char name[256];
    snprintf(name, sizeof name, "models/%s.summary.txt", stem);
    return read_file(command_golden(name));
}

/* The table byte for byte, a blank line, the plan. */
static void check_summary(const char *stem, const char *extension, bool known) {
    char model[256];
    snprintf(model, sizeof model, "models/%s.%s", stem, extension);
    command_result result = RUN("summary", command_golden(model), "--style", stem[1] == '3' ? "keras3" : "keras2");
    CHECK_STATUS(result, 0);
    char *expected = read_golden(stem);
    size_t length = strlen(expected);
    ck_assert_msg(strncmp(result.out, expected, length) == 0, "%s differs from Keras:\n%s", model, result.out);
    const char *rest = result.out + length;
    while (*rest == '\n') {
        rest++;
    }
    ck_assert_msg(rest > result.out + length, "no blank line after the table:\n%s", result.out);
    ck_assert_msg(strncmp(rest, "Planned device memory for a batch of 32: ", 41) == 0, "no plan: %s", rest);
    ck_assert_msg((strstr(rest, "not known") == NULL) == known, "%s", rest);
    ck_assert_msg((strstr(rest, "\n  to train: ") != NULL) == known, "%s", rest);
    ck_assert_msg(strstr(rest, "not possible") == NULL, "%s", rest);
    ck_assert_str_eq(result.err, "");
    free(expected);
    command_free(&result);
}

START_TEST(tables_are_keras_own) {
    static const char *const stems[] = {"k2_two_in_two_out", "k3_two_in_two_out", "k2_classifier", "k3_classifier",
                                        "k2_late_build",     "k3_one_dim",        "k3_trained"};
    for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++) {
        check_summary(stems[i], "keras", true);
    }
    check_summary("k2_trained", "h5", true);
    check_summary("k3_unknown_dims", "keras", false);
}
END_TEST

/* Nested models, several outputs, arithmetic: golden/make_summaries.py asked both generations. */
START_TEST(nested_tables_are_keras_own) {
    static const char *const cases[] = {
        "siamese", "chain",      "sequential", "several_outputs", "second_output",     "deep",        "unknown_sizes",
        "frozen",  "long_names", "normalised", "arithmetic",      "arithmetic_inside", "late_inputs", "fixed_batch"};
    static const struct {
        const char *suffix, *options[3];
    } tables[] = {{"summary", {NULL}},
                  {"expanded", {"--expand-nested", NULL}},
                  {"expanded.120", {"--expand-nested", "--line-length", "120"}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int generation = 2; generation <= 3; generation++) {
            for (size_t j = 0; j < sizeof tables / sizeof tables[0]; j++) {
                char config[256], golden[256];
                snprintf(config, sizeof config, "summaries/k%d_%s.json", generation, cases[i]);
                snprintf(golden, sizeof golden, "summaries/k%d_%s.%s.txt", generation, cases[i], tables[j].suffix);
                const char *const argv[] = {CLAYER_COMMAND,
                                            "summary",
                                            command_golden(config),
                                            "--style",
                                            generation == 2 ? "keras2" : "keras3",
                                            tables[j].options[0],
                                            tables[j].options[1],
                                            tables[j].options[2],
                                            NULL};
                command_result result = command_run_to(argv, NULL, NULL);
                CHECK_STATUS(result, 0);
                char *expected = read_file(command_golden(golden));
                ck_assert_msg(strncmp(result.out, expected, strlen(expected)) == 0, "%s: expected\n%s\ngot\n%s", golden,
                              expected, result.out);
                ck_assert_msg(strncmp(result.out + strlen(expected), "\nPlanned", 8) == 0, "%s: more rows", golden);
                free(expected);
                command_free(&result);
            }
        }
    }
}
END_TEST

/* The number that follows "name": in JSON, at its last place. */
static double json_number(const char *json, const char *name) {
    const char *found = NULL;
    for (const char *at = strstr(json, name); at != NULL; at = strstr(at + 1, name)) {
        found = at;
    }
    ck_assert_msg(found != NULL, "no %s in %s", name, json);
    return strtod(found + strlen(name) + 1, NULL);
}

/* MobileNet at 224: 569 million multiply-adds, 4.2 million parameters (arXiv:1704.04861, table 4). */
START_TEST(costs_of_mobilenet_are_those_of_its_paper) {
    const char *model = command_golden("summaries/k2_mobilenet.json");
    command_result table = RUN("summary", model, "--costs", "--batch-size", "2");
    CHECK_STATUS(table, 0);
    char *expected = read_file(command_golden("summaries/k2_mobilenet.summary.txt"));
    ck_assert_msg(strncmp(table.out, expected, strlen(expected)) == 0, "not Keras' table:\n%s", table.out);
    free(expected);
    CHECK_HOLDS(table.out, "\nCosts of a batch of 2:\n");
    CHECK_HOLDS(table.out, "1,137,480,704");
    CHECK_HOLDS(table.out, "\nMultiply-adds a sample: 568,740,352\n");
    CHECK_HOLDS(table.out, "\nPlanned device memory for a batch of 2: ");
    command_free(&table);
    command_result json = RUN("summary", model, "--json", "--batch-size", "1");
    CHECK_STATUS(json, 0);
    ck_assert_uint_eq(json.out[0], '{');
    CHECK_HOLDS(json.out,
                "{\"layer\": \"conv1\", \"class\": \"Conv2D\", \"calls\": 1, \"output_shape\": [1, 112, "
                "112, 32], \"output_bytes\": 1605632, \"weight_bytes\": 3456, \"multiply_adds\": 10838016}");
    ck_assert_double_eq(json_number(json.out, "\"multiply_adds\""), 568740352);
    double sum = json_number(json.out, "\"output_bytes\"");
    const char *plan = strstr(json.out, "\"plan\": ");
    ck_assert_ptr_nonnull(plan);
    ck_assert_double_eq(strtod(strstr(plan, "\"weight_bytes\": ") + 16, NULL), 4253864 * 4.0);
    double planned = strtod(strstr(plan, "\"activation_bytes\": ") + 20, NULL);
    ck_assert_msg(planned > 0 && planned < sum / 4, "%g bytes are planned for %g", planned, sum);
    command_free(&json);
}
END_TEST

START_TEST(costs_of_unknown_sizes_are_not_known) {
    const char *model = command_golden("models/k3_unknown_dims.keras");
    command_result table = RUN("summary", model, "--costs");
    CHECK_STATUS(table, 0);
    CHECK_HOLDS(table.out, "\nCosts of a batch of 32: not known before an input is (");
    command_free(&table);
    command_result json = RUN("summary", model, "--json");
    CHECK_STATUS(json, 0);
    CHECK_HOLDS(json.out, "\"layers\": null,");
    CHECK_HOLDS(json.out, "\"plan\": null,");
    command_free(&json);
}
END_TEST

START_TEST(options_change_the_table) {
    const char *model = command_golden("models/k2_classifier.json");
    command_result narrow = RUN("summary", model, "--line-length", "80", "--batch-size", "7");
    CHECK_STATUS(narrow, 0);
    const char *line = strchr(narrow.out, '\n') + 1;
    ck_assert_int_eq((int)strcspn(line, "\n"), 80);
    CHECK_HOLDS(narrow.out, "for a batch of 7: ");
    command_free(&narrow);
}
END_TEST

START_TEST(memory_grows_with_the_batch) {
    const char *model = command_golden("models/k3_classifier.keras");
    command_result one = RUN("summary", model, "--batch-size", "1"),
                   many = RUN("summary", model, "--batch-size", "4096");
    CHECK_STATUS(one, 0);
    CHECK_STATUS(many, 0);
    double small, large;
    char small_unit[8], large_unit[8];
    ck_assert_int_eq(sscanf(strstr(one.out, "batch of 1: "), "batch of 1: %lf %7s", &small, small_unit), 2);
    ck_assert_int_eq(sscanf(strstr(many.out, "batch of 4096: "), "batch of 4096: %lf %7s", &large, large_unit), 2);
    ck_assert_str_eq(small_unit, "KiB");
    ck_assert_str_eq(large_unit, "MiB");
    command_free(&one);
    command_free(&many);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.summary");
    TCase *tests = tcase_create("summary");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, tables_are_keras_own);
    tcase_add_test(tests, nested_tables_are_keras_own);
    tcase_add_test(tests, costs_of_mobilenet_are_those_of_its_paper);
    tcase_add_test(tests, costs_of_unknown_sizes_are_not_known);
    tcase_add_test(tests, options_change_the_table);
    tcase_add_test(tests, memory_grows_with_the_batch);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
