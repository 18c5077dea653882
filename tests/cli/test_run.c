/* cli/test_run.c: `clayer run` on models that Keras saved, against Keras' own outputs. */
#include <cjson/cJSON.h>
#include <check.h>
#include <clayer/array.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "support/runner.h"

/* Saves an array of a golden model as a file of this test; returns its path. */
static const char *save_golden(const char *stem, const char *name, const char *file) {
    clayer_array *array = command_golden_array(stem, name);
    const char *path = command_path(file);
    ck_assert_msg(clayer_array_save(array, path) == CLAYER_OK, "%s", clayer_last_error());
    clayer_array_destroy(array);
    return path;
}

static void save_array(clayer_type type, int rank, const int64_t *dims, const void *values, const char *path) {
    clayer_array *array = NULL;
    ck_assert(clayer_array_create(type, rank, dims, &array) == CLAYER_OK);
    memcpy(clayer_array_get_data(array), values, (size_t)clayer_array_get_count(array) * clayer_type_size(type));
    ck_assert_msg(clayer_array_save(array, path) == CLAYER_OK, "%s", clayer_last_error());
    clayer_array_destroy(array);
}

/* Holds a written .npy against a golden array. */
static void check_file(const char *path, const char *stem, const char *name) {
    clayer_array *expected = command_golden_array(stem, name), *actual = NULL;
    ck_assert_msg(clayer_array_load(path, &actual) == CLAYER_OK, "%s", clayer_last_error());
    command_check_close(actual, expected, stem);
    clayer_array_destroy(actual);
    clayer_array_destroy(expected);
}

static void expect_done(command_result result) {
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.out, "");
    ck_assert_str_eq(result.err, "");
    command_free(&result);
}

START_TEST(outputs_equal_keras) {
    static const char *const models[][2] = {{"k2_classifier", "h5"},    {"k3_classifier", "keras"},
                                            {"k2_classifier", "keras"}, {"k3_channels_first", "keras"},
                                            {"k2_unknown_dims", "h5"},  {"k3_three_dim", "h5"},
                                            {"k3_one_dim", "keras"},    {"k3_activations", "keras"}};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        char file[256];
        snprintf(file, sizeof file, "models/%s.%s", models[i][0], models[i][1]);
        const char *x = save_golden(models[i][0], "x", "x.npy"), *y = command_path("y.npy");
        (void)unlink(y);
        expect_done(RUN("run", command_golden(file), "-i", x, "-o", y, "--batch-size", i % 2 == 0 ? "1" : "32"));
        check_file(y, models[i][0], "y");
    }
}
END_TEST

START_TEST(json_config_takes_weights) {
    const char *x = save_golden("k2_classifier", "x", "x.npy"), *y = command_path("y.npy");
    const char *config = command_golden("models/k2_classifier.json");
    static const char *const weights[] = {"models/k2_classifier.weights.h5", "models/k2_classifier.old_weights.h5",
                                          "models/k2_classifier.h5"};
    for (int i = 0; i < 3; i++) {
        (void)unlink(y);
        expect_done(RUN("run", config, "--weights", command_golden(weights[i]), "-i", x, "-o", y));
        check_file(y, "k2_classifier", "y");
    }
    command_result result = RUN("run", config, "-i", x, "-o", y);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.err, "without weights");
    command_free(&result);
    command_expect_error(RUN("run", command_golden("models/k2_classifier.h5"), "--weights", command_golden(weights[0]),
                             "-i", x, "-o", y),
                         2, "--weights");
}
END_TEST

/* Two inputs and two outputs, given in every way there is. */
START_TEST(several_inputs_and_outputs) {
    const char *stem = "k3_two_in_two_out", *model = command_golden("models/k3_two_in_two_out.keras");
    const char *left = save_golden(stem, "x.left", "left.npy"), *right = save_golden(stem, "x.right", "right.npy");
    const char *score = command_path("score.npy"), *picture = command_path("picture.npy");
    char named_left[512], named_right[512];
    snprintf(named_left, sizeof named_left, "left=%s", left);
    snprintf(named_right, sizeof named_right, "right=%s", right);

    expect_done(RUN("run", model, "-i", left, "-i", right, "-o", score, "-o", picture));
    check_file(score, stem, "y.score");
    check_file(picture, stem, "y.picture");
    expect_done(RUN("run", model, "-i", named_right, "-i", left, "-o", score, "-o", picture));
    check_file(score, stem, "y.score");
    expect_done(RUN("run", model, "-i", named_right, "-i", named_left, "-o", score, "-o", picture));
    check_file(picture, stem, "y.picture");

    command_expect_error(RUN("run", model, "-i", left, "-o", score, "-o", picture), 2, "'right'");
    command_expect_error(RUN("run", model, "-i", left, "-i", right, "-i", left, "-o", score, "-o", picture), 2,
                         "too many");
    command_expect_error(RUN("run", model, "-i", named_left, "-i", named_left, "-o", score, "-o", picture), 2, "twice");
    command_expect_error(RUN("run", model, "-i", left, "-i", right, "-o", score), 2, "2 outputs");
}
END_TEST

/* The last array of an archive for all inputs is not taken for the one that is left. */
START_TEST(misspelt_names_are_refused) {
    const char *model = command_golden("models/k3_two_in_two_out.keras");
    const char *in = command_path("in.npz"), *out = command_path("out.npz");
    clayer_archive *archive = NULL;
    clayer_array *left = command_golden_array("k3_two_in_two_out", "x.left");
    clayer_array *right = command_golden_array("k3_two_in_two_out", "x.right");
    ck_assert(clayer_archive_create(&archive) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "left", left) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "rigth", right) == CLAYER_OK);
    ck_assert(clayer_archive_save(archive, in) == CLAYER_OK);
    clayer_archive_destroy(archive);
    clayer_array_destroy(left);
    clayer_array_destroy(right);
    command_expect_error(RUN("run", model, "-i", in, "-o", out), 2, "'right'");
    command_expect_error(RUN("run", model, "-i", "lefd=x.npy", "-i", "right=x.npy", "-o", out), 2, "'lefd=x.npy'");
}
END_TEST

START_TEST(npz_in_and_out) {
    const char *stem = "k3_two_in_two_out", *model = command_golden("models/k3_two_in_two_out.keras");
    const char *in = command_path("in.npz"), *out = command_path("out.npz");
    clayer_archive *archive = NULL;
    clayer_array *left = command_golden_array(stem, "x.left"), *right = command_golden_array(stem, "x.right");
    ck_assert(clayer_archive_create(&archive) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "right", right) == CLAYER_OK);
    ck_assert(clayer_archive_add(archive, "left", left) == CLAYER_OK);
    ck_assert_msg(clayer_archive_save(archive, in) == CLAYER_OK, "%s", clayer_last_error());
    clayer_archive_destroy(archive);
    clayer_array_destroy(left);
    clayer_array_destroy(right);

    expect_done(RUN("run", model, "-i", in, "-o", out));
    ck_assert_msg(clayer_archive_load(out, &archive) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_uint_eq(clayer_archive_get_count(archive), 2);
    static const char *const names[] = {"score", "picture"}, *const golden[] = {"y.score", "y.picture"};
    for (int i = 0; i < 2; i++) {
        const clayer_array *actual = clayer_archive_find(archive, names[i]);
        clayer_array *expected = command_golden_array(stem, golden[i]);
        ck_assert_msg(actual != NULL, "no '%s'", names[i]);
        command_check_close(actual, expected, names[i]);
        clayer_array_destroy(expected);
    }
    clayer_archive_destroy(archive);
    command_expect_error(RUN("run", command_golden("models/k3_branches.keras"), "-i", in, "-o", out), 2, "'image'");
}
END_TEST

/* Integers and doubles are converted; the values here are exact in each type. */
START_TEST(any_numeric_type_is_read) {
    const char *model = command_golden("models/k3_example_sequential.keras");
    const char *bytes = command_path("bytes.npy"), *doubles = command_path("doubles.npy");
    const char *y1 = command_path("y1.npy"), *y2 = command_path("y2.npy");
    static const int64_t dims[4] = {1, 28, 28, 3};
    static uint8_t small[28 * 28 * 3];
    static double large[28 * 28 * 3];
    for (int i = 0; i < 28 * 28 * 3; i++) {
        small[i] = (uint8_t)(i % 7);
        large[i] = i % 7;
    }
    save_array(CLAYER_UINT8, 4, dims, small, bytes);
    save_array(CLAYER_FLOAT64, 4, dims, large, doubles);
    expect_done(RUN("run", model, "-i", bytes, "-o", y1));
    expect_done(RUN("run", model, "-i", doubles, "-o", y2));
    clayer_array *a = NULL, *b = NULL;
    ck_assert(clayer_array_load(y1, &a) == CLAYER_OK && clayer_array_load(y2, &b) == CLAYER_OK);
    command_check_close(a, b, "uint8 and float64");
    clayer_array_destroy(a);
    clayer_array_destroy(b);
}
END_TEST

START_TEST(wrong_shapes_are_2_and_named) {
    const char *model = command_golden("models/k3_trained.keras"); /* (None, 6, 6, 1) */
    const char *x = command_path("wrong.npy"), *y = command_path("none.npy");
    static const float zeros[2 * 7 * 6];
    save_array(CLAYER_FLOAT32, 3, (int64_t[]){2, 6, 6}, zeros, x);
    command_expect_error(RUN("run", model, "-i", x, "-o", y), 2, "channel axis is not guessed");
    save_array(CLAYER_FLOAT32, 4, (int64_t[]){2, 7, 6, 1}, zeros, x);
    command_expect_error(RUN("run", model, "-i", x, "-o", y), 2, "axis 1 is 7");
    save_array(CLAYER_FLOAT32, 4, (int64_t[]){0, 6, 6, 1}, zeros, x);
    command_expect_error(RUN("run", model, "-i", x, "-o", y), 2, "empty");
    ck_assert_int_ne(access(y, F_OK), 0);

    const char *stem = "k3_two_in_two_out", *two = command_golden("models/k3_two_in_two_out.keras");
    const char *left = save_golden(stem, "x.left", "left.npy");
    save_array(CLAYER_FLOAT32, 4, (int64_t[]){1, 5, 7, 2}, zeros, x);
    command_expect_error(RUN("run", two, "-i", left, "-i", x, "-o", command_path("o.npz")), 2, "input 'right'");
}
END_TEST

START_TEST(bad_files_are_3) {
    const char *model = command_golden("models/k3_trained.keras"), *y = command_path("y.npy");
    const char *x = save_golden("k3_trained", "x", "x.npy");
    static const char *const bad[] = {"bad/empty.keras",           "bad/truncated.h5",       "bad/unknown_class.keras",
                                      "bad/weight_misshapen.h5",   "bad/lambda.keras",       "bad/other_contents.keras",
                                      "bad/weight_missing.keras",  "bad/trailing_text.json", "models/missing.keras",
                                      "bad/unknown_argument.keras"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        command_expect_error(RUN("run", command_golden(bad[i]), "-i", x, "-o", y), 3, strrchr(bad[i], '/') + 1);
        command_expect_error(RUN("summary", command_golden(bad[i])), 3, strrchr(bad[i], '/') + 1);
    }
    command_expect_error(RUN("run", model, "-i", "/nonexistent/x.npy", "-o", y), 3, "/nonexistent/x.npy");
    command_expect_error(RUN("run", model, "-i", model, "-o", y), 3, "k3_trained.keras"); /* a zip, but no arrays */
}
END_TEST

START_TEST(failed_writes_are_3_and_keep_the_old_file) {
    const char *model = command_golden("models/k3_trained.keras"), *x = save_golden("k3_trained", "x", "x.npy");
    command_expect_error(RUN("run", model, "-i", x, "-o", "/dev/full"), 3, "/dev/full");
    command_expect_error(RUN("run", model, "-i", x, "-o", "/nonexistent/y.npy"), 3, "/nonexistent/y.npy");

    /* A limit of 1 MiB on the size of files stands for a full disk: the output is larger, what the driver writes not.
     */
    const char *y = command_path("old.npy"), *big = command_path("big.npy");
    static const float old[1] = {1}, images[64 * 28 * 28 * 3];
    save_array(CLAYER_FLOAT32, 1, (int64_t[]){1}, old, y);
    save_array(CLAYER_FLOAT32, 4, (int64_t[]){64, 28, 28, 3}, images, big);
    char script[4096];
    snprintf(script, sizeof script, "trap '' XFSZ; ulimit -f 2048; exec '%s' run '%s' -i '%s' -o '%s'", CLAYER_COMMAND,
             command_golden("models/k3_example_sequential.keras"), big, y);
    command_expect_error(command_run_to((const char *const[]){"/bin/sh", "-c", script, NULL}, NULL, NULL), 3,
                         "old.npy");
    clayer_array *kept = NULL;
    ck_assert(clayer_array_load(y, &kept) == CLAYER_OK);
    ck_assert_int_eq(clayer_array_get_count(kept), 1);
    glob_t left;
    ck_assert_int_eq(glob(command_path("old.npy.*"), 0, NULL, &left), GLOB_NOMATCH); /* no temporary file stays */
    clayer_array_destroy(kept);
}
END_TEST

/* What Keras' evaluate would print, from Keras' own outputs. */
static void expected_score(const clayer_array *y, const int32_t *labels, double *accuracy, double *loss) {
    const float *p = clayer_array_get_const_data(y);
    const int64_t samples = clayer_array_get_shape(y)->dims[0], classes = clayer_array_get_shape(y)->dims[1];
    *accuracy = *loss = 0;
    for (int64_t i = 0; i < samples; i++, p += classes) {
        bool best = true;
        for (int64_t c = 0; c < classes; c++) {
            best = best && p[c] <= p[labels[i]];
        }
        *accuracy += (best ? 1.0 : 0.0) / (double)samples;
        *loss -= log((double)p[labels[i]]) / (double)samples;
    }
}

START_TEST(labels_give_accuracy_and_loss) {
    const char *stem = "k3_classifier", *model = command_golden("models/k3_classifier.keras");
    const char *x = save_golden(stem, "x", "x.npy"), *labels_path = command_path("labels.npy");
    const int32_t labels[2] = {1, 3};
    double accuracy, loss;
    clayer_array *y = command_golden_array(stem, "y");
    expected_score(y, labels, &accuracy, &loss);
    clayer_array_destroy(y);
    save_array(CLAYER_INT32, 1, (int64_t[]){2}, labels, labels_path);

    command_result text = RUN("run", model, "-i", x, "--labels", labels_path);
    CHECK_STATUS(text, 0);
    double seen_accuracy, seen_loss;
    ck_assert_int_eq(sscanf(text.out, "accuracy: %lf (%*d of 2)\nloss: %lf", &seen_accuracy, &seen_loss), 2);
    ck_assert_double_eq_tol(seen_accuracy, accuracy, 1e-6);
    ck_assert_double_eq_tol(seen_loss, loss, 1e-5 * loss + 1e-6);
    command_free(&text);

    command_result json = RUN("run", model, "-i", x, "--labels", labels_path, "--json");
    CHECK_STATUS(json, 0);
    cJSON *object = cJSON_ParseWithOpts(json.out, NULL, 1);
    ck_assert_msg(object != NULL, "not JSON: %s", json.out);
    ck_assert_double_eq_tol(cJSON_GetObjectItem(object, "loss")->valuedouble, loss, 1e-5 * loss);
    cJSON_Delete(object);
    command_free(&json);

    save_array(CLAYER_INT32, 1, (int64_t[]){2}, (int32_t[]){1, 4}, labels_path);
    command_expect_error(RUN("run", model, "-i", x, "--labels", labels_path), 3, "label 1 is 4");
    save_array(CLAYER_INT32, 1, (int64_t[]){1}, labels, labels_path);
    command_expect_error(RUN("run", model, "-i", x, "--labels", labels_path), 2, "does not fit");
}
END_TEST

START_TEST(verbose_json_is_a_profile) {
    const char *model = command_golden("models/k3_classifier.keras"), *x = save_golden("k3_classifier", "x", "x.npy");
    command_result result = RUN("run", model, "-i", x, "-v", "--json");
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.err, "clayer: info: ");
    cJSON *json = cJSON_ParseWithOpts(result.out, NULL, 1);
    ck_assert_msg(json != NULL, "not JSON: %s", result.out);
    const cJSON *layers = cJSON_GetObjectItem(json, "layers"), *layer;
    ck_assert_int_eq(cJSON_GetArraySize(layers), 9);
    bool convolution = false;
    cJSON_ArrayForEach(layer, layers) {
        if (strcmp(cJSON_GetObjectItem(layer, "class")->valuestring, "Conv2D") == 0) {
            convolution = true;
            ck_assert_str_eq(cJSON_GetObjectItem(layer, "operator")->valuestring, "conv");
            ck_assert_str_ne(cJSON_GetObjectItem(layer, "implementation")->valuestring, "");
            ck_assert(cJSON_GetObjectItem(layer, "device_ms")->valuedouble > 0);
        }
    }
    ck_assert(convolution);
    const cJSON *counters = cJSON_GetObjectItem(json, "counters");
    ck_assert(cJSON_GetObjectItem(counters, "launches")->valuedouble > 0);
    ck_assert(cJSON_GetObjectItem(counters, "program_ms")->valuedouble > 0);
    cJSON_Delete(json);
    command_free(&result);

    command_result text = RUN("run", model, "-i", x, "-v");
    CHECK_STATUS(text, 0);
    CHECK_HOLDS(text.out, "Implementation");
    CHECK_HOLDS(text.out, "program_ms");
    CHECK_HOLDS(text.out, "gemm_ms");
    command_free(&text);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.run");
    TCase *tests = tcase_create("run");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, outputs_equal_keras);
    tcase_add_test(tests, json_config_takes_weights);
    tcase_add_test(tests, several_inputs_and_outputs);
    tcase_add_test(tests, misspelt_names_are_refused);
    tcase_add_test(tests, npz_in_and_out);
    tcase_add_test(tests, any_numeric_type_is_read);
    tcase_add_test(tests, wrong_shapes_are_2_and_named);
    tcase_add_test(tests, bad_files_are_3);
    tcase_add_test(tests, failed_writes_are_3_and_keep_the_old_file);
    tcase_add_test(tests, labels_give_accuracy_and_loss);
    tcase_add_test(tests, verbose_json_is_a_profile);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
