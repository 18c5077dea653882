/* cli/test_classes.c: `clayer run --classes`: names from files of every form, the most probable of each sample. */
#include <cjson/cJSON.h>
#include <check.h>
#include <clayer/array.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

static const char *write_text(const char *name, const char *text) {
    const char *path = command_path(name);
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fputs(text, file) >= 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* A model that gives back its input. */
static const char *write_model(int classes) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"module\": \"keras\", \"class_name\": \"Sequential\", \"registered_name\": null, \"config\": {\"name\": "
        "\"s\", \"layers\": [{\"module\": \"keras.layers\", \"class_name\": \"InputLayer\", \"registered_name\": "
        "null, \"config\": {\"batch_shape\": [null, %d], \"dtype\": \"float32\", \"name\": \"x\"}}, {\"module\": "
        "\"keras.layers\", \"class_name\": \"Activation\", \"registered_name\": null, \"config\": {\"name\": \"y\", "
        "\"activation\": \"linear\"}}]}}",
        classes);
    return write_text("model.json", text);
}

static const char *write_input(int samples, int classes, const float *values) {
    clayer_array *array = NULL;
    ck_assert(clayer_array_create(CLAYER_FLOAT32, 2, (int64_t[]){samples, classes}, &array) == CLAYER_OK);
    memcpy(clayer_array_get_data(array), values, (size_t)(samples * classes) * sizeof(float));
    ck_assert(clayer_array_save(array, command_path("x.npy")) == CLAYER_OK);
    clayer_array_destroy(array);
    return command_path("x.npy");
}

static const float VALUES[2][4] = {{0.1f, 0.4f, 0.4f, 0.1f}, {0.7f, 0.05f, 0.15f, 0.1f}};

static void expect_text(command_result result, const char *text) {
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.out, text);
    ck_assert_str_eq(result.err, "");
    command_free(&result);
}

START_TEST(every_form_of_names) {
    const char *model = write_model(4), *x = write_input(2, 4, VALUES[0]);
    static const char *const forms[] = {"cat\ndog\nred fox\nyak\n",
                                        "cat\r\ndog\r\n  red fox \r\nyak\r\n\r\n",
                                        "[\"cat\", \"dog\", \"red fox\", \"yak\"]",
                                        "{\"3\": \"yak\", \"0\": \"cat\", \"1\": \"dog\", \"2\": \"red fox\"}",
                                        "{\"yak\": 3, \"dog\": 1, \"cat\": 0, \"red fox\": 2}",
                                        ("\xef\xbb\xbf"
                                         "cat\ndog\nred fox\nyak")};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        expect_text(RUN("run", model, "-i", x, "--classes", write_text("names", forms[i]), "--top", "2"),
                    "sample 0:\n  0.400000  dog\n  0.400000  red fox\n"
                    "sample 1:\n  0.700000  cat\n  0.150000  red fox\n");
    }
    expect_text(RUN("run", model, "-i", x, "--top", "1", "--classes",
                    write_text("names",
                               "{\"0\": [\"n0\", \"cat\"], \"1\": [\"n1\", \"dog\"], \"2\": [\"n2\", \"fox\"], "
                               "\"3\": [\"n3\", \"yak\"]}")),
                "sample 0:\n  0.400000  dog (n1)\nsample 1:\n  0.700000  cat (n0)\n");
}
END_TEST

START_TEST(five_unless_said_and_no_more_than_there_are) {
    const float values[6] = {0.3f, 0.2f, 0.1f, 0.25f, 0.05f, 0.1f};
    const char *names = write_text("names", "a\nb\nc\nd\ne\nf\n");
    expect_text(RUN("run", write_model(6), "-i", write_input(1, 6, values), "--classes", names),
                "sample 0:\n  0.300000  a\n  0.250000  d\n  0.200000  b\n  0.100000  c\n  0.100000  f\n");
    expect_text(RUN("run", write_model(4), "-i", write_input(1, 4, VALUES[1]), "--classes",
                    write_text("names", "a\nb\nc\nd\n"), "--top", "9"),
                "sample 0:\n  0.700000  a\n  0.150000  c\n  0.100000  d\n  0.050000  b\n");
}
END_TEST

START_TEST(one_output_is_the_second_of_two) {
    const float values[2] = {0.25f, 0};
    const char *names = write_text("names", "no\nyes\n"), *model = write_model(1);
    expect_text(RUN("run", model, "-i", write_input(1, 1, values), "--classes", names),
                "sample 0:\n  0.750000  no\n  0.250000  yes\n");
    expect_text(RUN("run", model, "-i", write_input(1, 1, values + 1), "--classes", names, "--from-logits"),
                "sample 0:\n  0.500000  no\n  0.500000  yes\n");
    const float logits[2] = {0, 1.0986123f};
    expect_text(RUN("run", write_model(2), "-i", write_input(1, 2, logits), "--classes", names, "--from-logits"),
                "sample 0:\n  0.750000  yes\n  0.250000  no\n");
}
END_TEST

START_TEST(json_holds_samples_and_scores) {
    const int64_t labels[2] = {1, 2};
    clayer_array *array = NULL;
    ck_assert(clayer_array_create(CLAYER_INT64, 1, (int64_t[]){2}, &array) == CLAYER_OK);
    memcpy(clayer_array_get_data(array), labels, sizeof labels);
    ck_assert(clayer_array_save(array, command_path("labels.npy")) == CLAYER_OK);
    clayer_array_destroy(array);
    command_result result = RUN("run", write_model(4), "-i", write_input(2, 4, VALUES[0]), "--classes",
                                write_text("names", "[\"c\\\"at\", \"dog\", \"fox\", \"yak\"]"), "--json", "--top", "3",
                                "--labels", command_path("labels.npy"));
    CHECK_STATUS(result, 0);
    cJSON *json = cJSON_ParseWithOpts(result.out, NULL, true);
    ck_assert_msg(json != NULL, "no JSON: %s", result.out);
    const cJSON *samples = cJSON_GetObjectItem(json, "samples");
    ck_assert_int_eq(cJSON_GetArraySize(samples), 2);
    ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(json, "correct")), 1);
    const cJSON *second = cJSON_GetObjectItem(cJSON_GetArrayItem(samples, 1), "top");
    ck_assert_int_eq(cJSON_GetArraySize(second), 3);
    const cJSON *best = cJSON_GetArrayItem(second, 0);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(best, "class")), "c\"at");
    ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(best, "index")), 0);
    ck_assert_double_eq_tol(cJSON_GetNumberValue(cJSON_GetObjectItem(best, "probability")), 0.7, 1e-7);
    cJSON_Delete(json);
    command_free(&result);
}
END_TEST

START_TEST(bad_names) {
    const char *model = write_model(4), *x = write_input(2, 4, VALUES[0]);
    static const char *const files[][2] = {{"", "empty"},
                                           {"[]", "names no class"},
                                           {"[1, 2, 3, 4]", "class 0"},
                                           {"[\"a\", \"b\"", "JSON"},
                                           {"[\"a\"] x", "JSON"},
                                           {"{\"0\": \"a\", \"2\": \"b\"}", "'2'"},
                                           {"{\"0\": \"a\", \"0.5\": \"b\"}", "'0.5'"},
                                           {"{\"a\": 1, \"b\": 1}", "twice"},
                                           {"{\"0\": [\"a\"]}", "class 0"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        command_expect_error(RUN("run", model, "-i", x, "--classes", write_text("names", files[i][0])), 3, files[i][1]);
    }
    command_expect_error(RUN("run", model, "-i", x, "--classes", command_path("not_there")), 3, "not_there");
    command_expect_error(RUN("run", model, "-i", x, "--classes", write_text("names", "a\nb\nc\n")), 2,
                         "3 names, but output 'y' has 4");
    command_expect_error(RUN("run", write_model(1), "-i", x, "--classes", write_text("names", "a\n")), 2, "");
    command_expect_error(RUN("run", model, "-i", x, "--classes", write_text("names", "a\nb\nc\nd\n"), "--top", "0"), 2,
                         "--top");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("classes");
    TCase *cases = tcase_create("classes");
    suite_add_tcase(suite, cases);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, every_form_of_names);
    tcase_add_test(cases, five_unless_said_and_no_more_than_there_are);
    tcase_add_test(cases, one_output_is_the_second_of_two);
    tcase_add_test(cases, json_holds_samples_and_scores);
    tcase_add_test(cases, bad_names);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
