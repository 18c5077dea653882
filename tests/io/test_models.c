/* io/test_models.c: models that real Keras saved load from every format, predict what Keras predicts and print its
 * summary; files that must be refused are, with the words that the user needs; damaged ones do no harm. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/files.h"
#include "io/support.h"
#include "support/runner.h"

/* ---- good models ---- */

static int load_all(const char *folder, const char *end) {
    file_list list;
    list_files(folder, end, &list);
    int loaded = 0;
    for (int i = 0; i < list.count; i++) {
        const char *name = list.names[i];
        clayer_model *model = NULL;
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (!is_model_file(name)) {
            continue;
        }
        clayer_status status = clayer_model_load(context, path, &model);
        ck_assert_msg(status == CLAYER_OK, "%s", clayer_last_error());
        if (strstr(name, "_nested.") == NULL) { /* of which there is no prediction */
            expect_prediction(model, beside(folder, name, ".npz"));
        }
        clayer_model_destroy(model);
        loaded++;
    }
    free_files(&list);
    return loaded;
}

START_TEST(archives_of_both_generations_predict_as_keras) {
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/models", ".keras"), 28);
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/nested", ".keras"), 23);
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/../io/data", ".keras"), 10);
}
END_TEST

START_TEST(hdf5_files_of_both_generations_predict_as_keras) {
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/models", ".h5"), 28);
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/nested", ".h5"), 24);
    ck_assert_int_ge(load_all(CLAYER_TEST_DATA "/../io/data", ".h5"), 6);
}
END_TEST

/* Each .json with every file beside it that has its weights. */
static int load_json(const char *folder) {
    static const char *const weights[] = {".weights.h5", ".old_weights.h5", ".old.weights.h5", ".h5", ".keras"};
    file_list list;
    list_files(folder, ".json", &list);
    int loaded = 0;
    for (int i = 0; i < list.count; i++) {
        for (size_t w = 0; w < sizeof(weights) / sizeof(weights[0]); w++) {
            const char *path = beside(folder, list.names[i], weights[w]);
            clayer_model *model = NULL;
            if (access(path, R_OK) != 0) {
                continue;
            }
            const char *json = beside(folder, list.names[i], ".json");
            clayer_status status = clayer_model_load_json(context, json, path, &model);
            ck_assert_msg(status == CLAYER_OK, "%s", clayer_last_error());
            expect_prediction(model, beside(folder, list.names[i], ".npz"));
            clayer_model_destroy(model);
            loaded++;
        }
    }
    free_files(&list);
    return loaded;
}

START_TEST(json_with_weights_of_every_layout_predicts_as_keras) {
    ck_assert_int_ge(load_json(CLAYER_TEST_DATA "/models"), 21);
    ck_assert_int_ge(load_json(CLAYER_TEST_DATA "/nested"), 18);
    ck_assert_int_ge(load_json(CLAYER_TEST_DATA "/../io/data"), 4);
}
END_TEST

START_TEST(json_alone_has_initial_weights) {
    clayer_model *model = NULL;
    MUST(clayer_model_load_json(context, golden_path("models/k3_branches.json"), NULL, &model));
    ck_assert_str_eq(clayer_model_get_name(model), "branches");
    ck_assert_str_eq(clayer_model_get_input_name(model, 0), "image");
    clayer_model_destroy(model);
}
END_TEST

typedef struct printed {
    char *text;
    size_t length;
} printed;

static void print_line(const char *line, void *data) {
    printed *out = data;
    size_t length = strlen(line);
    out->text = realloc(out->text, out->length + length + 2);
    ck_assert_ptr_nonnull(out->text);
    memcpy(out->text + out->length, line, length);
    memcpy(out->text + out->length + length, "\n", 2);
    out->length += length + 1;
}

START_TEST(loaded_models_print_the_summary_of_keras) {
    const char *folder = CLAYER_TEST_DATA "/models";
    file_list list;
    list_files(folder, ".keras", &list);
    for (int i = 0; i < list.count; i++) {
        bool keras2 = strncmp(list.names[i], "k2", 2) == 0;
        clayer_model *model = NULL;
        printed out = {.text = NULL};
        size_t length = 0;
        MUST(clayer_model_load(context, beside(folder, list.names[i], ".keras"), &model));
        const clayer_summary_config config = {.struct_size = sizeof(config),
                                              .style = keras2 ? CLAYER_SUMMARY_KERAS2 : CLAYER_SUMMARY_KERAS3};
        MUST(clayer_model_summary(model, &config, print_line, &out));
        char *expected = read_bytes(beside(folder, list.names[i], ".summary.txt"), &length);
        length--; /* the last line's end */
        ck_assert_msg(out.length >= length && strncmp(out.text, expected, length) == 0,
                      "%s prints\n%s\nKeras prints\n%s", list.names[i], out.text, expected);
        free(expected);
        free(out.text);
        clayer_model_destroy(model);
    }
    free_files(&list);
}
END_TEST

/* ---- refused files ---- */

START_TEST(bad_files_are_refused_with_a_reason) {
    size_t length = 0;
    char *list = read_bytes(golden_path("bad/bad.txt"), &length);
    int refused = 0;
    for (char *line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *part = strchr(line, '\t');
        ck_assert_ptr_nonnull(part);
        *part++ = '\0';
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/bad/%s", CLAYER_TEST_DATA, line);
        clayer_model *model = NULL;
        clayer_status status = clayer_model_load(context, path, &model);
        ck_assert_msg(status == CLAYER_BAD_FILE || status == CLAYER_UNSUPPORTED, "%s: %s", line,
                      clayer_status_string(status));
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "%s: '%s' lacks '%s'", line, clayer_last_error(),
                      part);
        ck_assert_msg(strstr(clayer_last_error(), path) != NULL, "'%s' does not name the file", clayer_last_error());
        if (ends_with(line, ".json")) {
            REFUSED(clayer_model_load_json(context, path, NULL, &model), CLAYER_BAD_FILE, part);
        }
        refused++;
    }
    ck_assert_int_ge(refused, 25);
    free(list);
}
END_TEST

START_TEST(what_is_no_model_says_so) {
    clayer_model *model = NULL;
    const char *json = CLAYER_TEST_DATA "/models/k3_branches.json";
    REFUSED(clayer_model_load(context, data_path("nothing.keras"), &model), CLAYER_IO_ERROR, "nothing.keras");
    REFUSED(clayer_model_load(context, data_path("kinds.h5"), &model), CLAYER_BAD_FILE, "model_config");
    REFUSED(clayer_model_load(context, json, &model), CLAYER_BAD_FILE, "clayer_model_load_json");
    REFUSED(clayer_model_load(context, golden_path("models/k3_branches.npz"), &model), CLAYER_BAD_FILE, "config.json");
    REFUSED(clayer_model_load(context, golden_path("models/k2_branches.weights.h5"), &model), CLAYER_BAD_FILE,
            "clayer_model_load_json");
    REFUSED(clayer_model_load_json(context, json, data_path("kinds.h5"), &model), CLAYER_BAD_FILE, "no weights");
    REFUSED(clayer_model_load_json(context, json, json, &model), CLAYER_BAD_FILE, "neither");
    REFUSED(clayer_model_load_json(context, json, data_path("nothing.h5"), &model), CLAYER_IO_ERROR, "nothing.h5");
    /* The weights of another model, in each layout. */
    REFUSED(clayer_model_load_json(context, json, golden_path("models/k3_classifier.weights.h5"), &model),
            CLAYER_BAD_FILE, "k3_classifier.weights.h5");
    REFUSED(clayer_model_load_json(context, json, golden_path("models/k3_classifier.h5"), &model), CLAYER_BAD_FILE,
            "k3_classifier.h5");
    REFUSED(clayer_model_load(NULL, json, &model), CLAYER_INVALID_ARGUMENT, "context");
    ck_assert_ptr_null(model);
}
END_TEST

/* ---- damaged files ---- */

static void load_damaged(const char *name, const char *bytes, size_t length, const char *archive) {
    clayer_model *model = NULL;
    const char *path = temporary_path(name);
    write_bytes(path, bytes, length);
    if (clayer_model_load(context, path, &model) == CLAYER_OK && archive != NULL) {
        expect_prediction(model, archive);
    }
    clayer_model_destroy(model);
}

static void cut_all(const char *folder, const char *end) {
    file_list list;
    list_files(folder, end, &list);
    for (int i = 0; i < list.count; i++) {
        size_t length = 0;
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, list.names[i]);
        char *bytes = read_bytes(path, &length);
        for (size_t cut = 0; cut < 50; cut++) {
            clayer_model *model = NULL;
            size_t part = cut < 25 ? length * cut / 25 : length - 1 - (cut - 25) * (cut - 25) % length;
            write_bytes(temporary_path("cut"), bytes, part);
            clayer_status status = clayer_model_load(context, temporary_path("cut"), &model);
            ck_assert_msg(status != CLAYER_OK, "%s cut to %zu of %zu bytes loads", list.names[i], part, length);
            ck_assert_ptr_null(model);
        }
        free(bytes);
    }
    free_files(&list);
}

START_TEST(files_that_are_cut_off_are_refused) {
    cut_all(CLAYER_TEST_DATA "/models", ".keras");
    cut_all(CLAYER_TEST_DATA "/models", ".h5");
}
END_TEST

/* The checksums of a .keras stand before libhdf5, which is not safe on damaged files: what loads is unharmed. */
START_TEST(archives_with_flipped_bytes_do_no_harm) {
    static const char *const names[] = {"k2_trained", "k3_trained", "k3_two_in_two_out"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        size_t length = 0;
        const char *path = beside(CLAYER_TEST_DATA "/models", names[n], ".keras");
        const char *archive = beside(CLAYER_TEST_DATA "/models", names[n], ".npz");
        char *bytes = read_bytes(path, &length);
        char *copy = malloc(length);
        ck_assert_ptr_nonnull(copy);
        for (int turn = 0; turn < 150; turn++) {
            test_random random = test_random_start(4, (uint64_t)turn);
            memcpy(copy, bytes, length);
            /* Half of the flips in the directory at the end, where the structure of the archive lies. */
            size_t start = turn % 2 == 0 ? length - 300 : 0;
            damage(&random, copy + start, length - start);
            load_damaged("damaged.keras", copy, length, archive);
        }
        free(copy);
        free(bytes);
    }
}
END_TEST

/* Configurations whose JSON is damaged but still JSON: other names, other numbers, missing keys. */
START_TEST(damaged_configurations_do_no_harm) {
    static const char *const names[] = {"models/k2_branches.json", "models/k3_branches.json",
                                        "models/k3_classifier.json", "../io/data/g2_shared.json"};
    int parsed = 0;
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        size_t length = 0;
        char *text = read_bytes(golden_path(names[n]), &length);
        char *copy = malloc(length + 1);
        ck_assert_ptr_nonnull(copy);
        for (int turn = 0; turn < 300; turn++) {
            test_random random = test_random_start(5, (uint64_t)turn);
            memcpy(copy, text, length + 1);
            /* Letters to letters and digits to digits, so that most stay JSON. */
            for (int flips = 0; flips < 3; flips++) {
                size_t place = (size_t)test_random_int(&random, 0, (int64_t)length - 1);
                if (copy[place] >= '0' && copy[place] <= '9') {
                    copy[place] = (char)('0' + test_random_int(&random, 0, 9));
                } else if (copy[place] >= 'a' && copy[place] <= 'z') {
                    copy[place] = (char)('a' + test_random_int(&random, 0, 25));
                }
            }
            cJSON *json = NULL;
            clayer_model *model = NULL;
            if (cly_io_json_parse(copy, length, "damaged", &json) == CLAYER_OK) {
                parsed++;
                (void)cly_io_keras_model(context, json, n == 0 || n == 3 ? 2 : 3, &model);
            }
            clayer_model_destroy(model);
            cJSON_Delete(json);
        }
        free(copy);
        free(text);
    }
    ck_assert_int_gt(parsed, 400);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.models");
    TCase *cases = tcase_create("models");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, archives_of_both_generations_predict_as_keras);
    tcase_add_test(cases, hdf5_files_of_both_generations_predict_as_keras);
    tcase_add_test(cases, json_with_weights_of_every_layout_predicts_as_keras);
    tcase_add_test(cases, json_alone_has_initial_weights);
    tcase_add_test(cases, loaded_models_print_the_summary_of_keras);
    tcase_add_test(cases, bad_files_are_refused_with_a_reason);
    tcase_add_test(cases, what_is_no_model_says_so);
    tcase_add_test(cases, files_that_are_cut_off_are_refused);
    tcase_add_test(cases, archives_with_flipped_bytes_do_no_harm);
    tcase_add_test(cases, damaged_configurations_do_no_harm);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
