/* io/test_versions.c: files of Keras' versions (golden/versions, by make_versions.py): layers that several models
 * share, operations without names, mixed precision, bfloat16; configurations that do not say which Keras wrote them;
 * models of thousands of layers. */
#include <stdio.h>
#include <stdlib.h>

#include "io/files.h"
#include "io/support.h"
#include "model/model.h"
#include "support/runner.h"

#define FOLDER CLAYER_TEST_DATA "/versions"

START_TEST(files_of_all_versions_predict_as_keras) {
    file_list list;
    list_files(FOLDER, ".keras", &list);
    for (int i = 0; i < list.count; i++) {
        static const char *const endings[] = {".keras", ".h5"};
        const char *values = beside(FOLDER, list.names[i], ".npz");
        clayer_model *model = NULL;
        MUST(clayer_model_load(context, beside(FOLDER, list.names[i], ".keras"), &model));
        expect_prediction(model, values);
        for (size_t e = 0; e < 2; e++) {
            clayer_model *again = NULL;
            MUST(clayer_model_save(model, saved_path(endings[e])));
            MUST(clayer_model_load(context, saved_path(endings[e]), &again));
            expect_prediction(again, values);
            clayer_model_destroy(again);
        }
        clayer_model_destroy(model);
    }
    ck_assert_int_eq(list.count, 10);
    free_files(&list);
}
END_TEST

/* to_json() says nowhere that layers are one, and the file holds their weights once. */
START_TEST(weights_that_are_there_once_are_read_for_all_that_share_them) {
    file_list list;
    list_files(FOLDER, ".json", &list);
    for (int i = 0; i < list.count; i++) {
        clayer_model *model = NULL;
        MUST(clayer_model_load_json(context, beside(FOLDER, list.names[i], ".json"),
                                    beside(FOLDER, list.names[i], ".keras"), &model));
        expect_prediction(model, beside(FOLDER, list.names[i], ".npz"));
        clayer_model_destroy(model);
    }
    ck_assert_int_eq(list.count, 2);
    free_files(&list);
}
END_TEST

/* A layer of another name or shape is no reason to take the weights of one for the other. */
START_TEST(weights_that_are_missing_are_not_made_up) {
    size_t length = 0;
    clayer_model *model = NULL;
    char *text = read_bytes(golden_path("versions/k3_part_of_a_model.json"), &length);
    char *part = strstr(text, "\"part\"");
    ck_assert_ptr_nonnull(part);
    for (char *name = strstr(part, "\"middle\""); name != NULL; name = strstr(name, "\"middle\"")) {
        memcpy(name, "\"muddle\"", strlen("\"muddle\""));
    }
    write_bytes(temporary_path("renamed.json"), text, strlen(text));
    REFUSED(clayer_model_load_json(context, temporary_path("renamed.json"),
                                   golden_path("versions/k3_part_of_a_model.keras"), &model),
            CLAYER_BAD_FILE, "is missing");
    ck_assert_ptr_null(model);
    free(text);
}
END_TEST

/* The config.json of a .keras file, whose version stands elsewhere. */
START_TEST(configurations_without_a_version_tell_who_wrote_them) {
    static const struct {
        const char *path;
        int generation;
    } files[] = {{"versions/k2_crossed.keras", 2},          {"models/k2_classifier.keras", 2},
                 {"models/k2_example_sequential.keras", 2}, {"models/k2_late_build.keras", 2},
                 {"versions/k30_shared.keras", 3},          {"models/k3_classifier.keras", 3},
                 {"models/k3_late_build.keras", 3}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        cly_io_zip *zip = NULL;
        void *text = NULL;
        size_t length = 0;
        clayer_model *model = NULL;
        MUST(cly_io_zip_open(golden_path(files[i].path), &zip));
        MUST(cly_io_zip_read(zip, "config.json", 1 << 20, &text, &length));
        write_bytes(temporary_path("config.json"), text, length);
        MUST(clayer_model_load_json(context, temporary_path("config.json"), golden_path(files[i].path), &model));
        ck_assert_msg(model->generation == files[i].generation, "%s: %d", files[i].path, model->generation);
        clayer_model_destroy(model);
        cly_io_zip_close(zip);
        free(text);
    }
}
END_TEST

/* The names of 5,000 layers exceed what HDF5 holds in one attribute. */
START_TEST(models_of_thousands_of_layers_are_saved_and_loaded) {
    static const char *const endings[] = {".h5", ".keras"};
    clayer_model *model = NULL;
    clayer_node *node = NULL;
    MUST(clayer_model_create(context, "chain", &model));
    MUST(clayer_add_input(model, 1, (int64_t[]){3}, &node));
    for (int i = 0; i < 5000; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "a_layer_with_a_long_name_%d", i);
        const clayer_dense_config dense = {.struct_size = sizeof(dense), .name = name, .units = 3};
        const clayer_activation_config act = {.struct_size = sizeof(act), .name = name, .activation = "tanh"};
        MUST(i % 100 == 0 ? clayer_add_dense(model, node, &dense, &node)
                          : clayer_add_activation(model, node, &act, &node));
    }
    for (size_t e = 0; e < 2; e++) {
        clayer_model *again = NULL;
        MUST(clayer_model_save(model, saved_path(endings[e])));
        MUST(clayer_model_load(context, saved_path(endings[e]), &again));
        expect_same_model(again, model, endings[e]);
        if (e == 0) {
            cly_io_hdf5 *file = NULL;
            char **names = NULL;
            size_t count = 0;
            MUST(cly_io_hdf5_open(saved_path(endings[e]), &file));
            MUST(cly_io_hdf5_get_texts(file, "model_weights", "layer_names", &names, &count));
            ck_assert_uint_eq(count, 5001);
            ck_assert_str_eq(names[5000], "a_layer_with_a_long_name_4999");
            cly_io_free_strings(names, count);
            MUST(cly_io_hdf5_get_texts(file, "model_weights", "layer_names1", &names, &count));
            ck_assert_uint_gt(count, 1000);
            cly_io_free_strings(names, count);
            cly_io_hdf5_close(file);
        }
        clayer_model_destroy(again);
    }
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.versions");
    TCase *cases = tcase_create("versions");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, files_of_all_versions_predict_as_keras);
    tcase_add_test(cases, weights_that_are_there_once_are_read_for_all_that_share_them);
    tcase_add_test(cases, weights_that_are_missing_are_not_made_up);
    tcase_add_test(cases, configurations_without_a_version_tell_who_wrote_them);
    tcase_add_test(cases, models_of_thousands_of_layers_are_saved_and_loaded);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
