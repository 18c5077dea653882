/* io/test_check.c: an input and output in a model's file: loading holds the device to it, saving leaves out a stale
 * one. */
#include <stdio.h>
#include <stdlib.h>

#include <clayer/train.h>

#include "io/support.h"
#include "model/check.h"
#include "support/runner.h"

static const char *const endings[2] = {"net.keras", "net.h5"};

/* The golden model of that name with a check of its golden inputs. */
static clayer_model *load_with_check(const char *file, const char *arrays) {
    clayer_model *model = NULL;
    clayer_archive *archive = NULL;
    clayer_array *inputs[4];
    MUST(clayer_model_load(context, golden_path(file), &model));
    MUST(clayer_archive_load(golden_path(arrays), &archive));
    const size_t count = clayer_model_get_input_count(model);
    for (size_t i = 0; i < count; i++) {
        char name[128];
        snprintf(name, sizeof(name), count > 1 ? "x.%s" : "x", clayer_model_get_input_name(model, i));
        MUST(clayer_archive_take(archive, name, &inputs[i]));
    }
    MUST(clayer_model_set_check(model, inputs, count));
    for (size_t i = 0; i < count; i++) {
        clayer_array_destroy(inputs[i]);
    }
    clayer_archive_destroy(archive);
    return model;
}

START_TEST(checks_travel_with_the_file) {
    static const char *const models[][2] = {{"models/k2_classifier.h5", "models/k2_classifier.npz"},
                                            {"models/k3_two_in_two_out.keras", "models/k3_two_in_two_out.npz"},
                                            {"models/k3_unknown_dims.keras", "models/k3_unknown_dims.npz"}};
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        clayer_model *model = load_with_check(models[i][0], models[i][1]);
        for (int e = 0; e < 2; e++) {
            clayer_model *again = NULL, *third = NULL;
            double difference = 1;
            MUST(clayer_model_save(model, temporary_path(endings[e])));
            MUST(clayer_model_load(context, temporary_path(endings[e]), &again));
            ck_assert(clayer_model_get_check(again, &difference));
            ck_assert_double_le(difference, 1e-6);
            MUST(clayer_model_save(again, temporary_path(endings[1 - e]))); /* and on, in the other format */
            MUST(clayer_model_load(context, temporary_path(endings[1 - e]), &third));
            ck_assert(clayer_model_get_check(third, NULL));
            MUST(clayer_model_set_check(third, NULL, 0));
            ck_assert(!clayer_model_get_check(third, NULL));
            MUST(clayer_model_save(third, temporary_path(endings[e])));
            clayer_model_destroy(third);
            MUST(clayer_model_load(context, temporary_path(endings[e]), &third));
            ck_assert(!clayer_model_get_check(third, NULL));
            clayer_model_destroy(third);
            clayer_model_destroy(again);
        }
        clayer_model_destroy(model);
    }
}
END_TEST

/* Puts a wrong number where the first output's first value stands. */
static void spoil(char *bytes, size_t length, const clayer_model *model) {
    clayer_array *const *outputs = NULL;
    ck_assert_uint_ge(cly_model_check_outputs(model, &outputs), 1);
    const float *values = clayer_array_get_const_data(outputs[0]);
    const size_t size = (size_t)clayer_array_get_count(outputs[0]) * sizeof(float);
    const float wrong = values[0] + 0.01f;
    size_t found = 0;
    for (size_t i = 0; i + size <= length; i++) {
        if (memcmp(bytes + i, values, size) == 0) {
            memcpy(bytes + i, &wrong, sizeof(wrong));
            found++;
        }
    }
    ck_assert_uint_eq(found, 1);
}

START_TEST(another_output_is_refused) {
    clayer_model *model = load_with_check("models/k3_classifier.keras", "models/k3_classifier.npz"), *again = NULL;
    size_t length = 0;
    MUST(clayer_model_save(model, temporary_path("net.h5")));
    char *bytes = read_bytes(temporary_path("net.h5"), &length);
    spoil(bytes, length, model);
    write_bytes(temporary_path("net.h5"), bytes, length);
    free(bytes);
    REFUSED(clayer_model_load(context, temporary_path("net.h5"), &again), CLAYER_CHECK_FAILED, "net.h5");
    REFUSED(clayer_model_load(context, temporary_path("net.h5"), &again), CLAYER_CHECK_FAILED, "expected");

    /* The same in the archive's member, whose checksum must be right. */
    static const char *const names[4] = {"metadata.json", "config.json", "model.weights.h5", "clayer_check.h5"};
    cly_io_zip_member members[4] = {{.name = NULL}};
    cly_io_zip *zip = NULL;
    void *archive = NULL, *parts[4];
    MUST(clayer_model_save(model, temporary_path("net.keras")));
    MUST(cly_io_zip_open(temporary_path("net.keras"), &zip));
    ck_assert_uint_eq(cly_io_zip_get_count(zip), 4);
    for (int i = 0; i < 4; i++) {
        members[i].name = names[i];
        MUST(cly_io_zip_read(zip, names[i], 0, &parts[i], &members[i].length));
        members[i].bytes = parts[i];
    }
    spoil(parts[3], members[3].length, model);
    MUST(cly_io_zip_write(members, 4, &archive, &length));
    write_bytes(temporary_path("net.keras"), archive, length);
    REFUSED(clayer_model_load(context, temporary_path("net.keras"), &again), CLAYER_CHECK_FAILED, "net.keras");
    ck_assert_ptr_null(again);
    free(archive);
    for (int i = 0; i < 4; i++) {
        free(parts[i]);
    }
    cly_io_zip_close(zip);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_damaged_check_is_a_bad_file) {
    clayer_model *model = load_with_check("models/k3_classifier.keras", "models/k3_classifier.npz"), *again = NULL;
    cly_io_hdf5_image *image = NULL;
    void *bytes = NULL;
    size_t length = 0;
    const float value = 1;
    MUST(clayer_model_save(model, temporary_path("net.h5")));
    /* a group with an input alone, of another shape */
    MUST(cly_io_hdf5_create(&image));
    MUST(cly_io_hdf5_add_floats(image, "clayer_check/inputs/0", &(clayer_shape){.rank = 1, .dims = {1}}, &value));
    MUST(cly_io_hdf5_get_image(image, &bytes, &length));
    cly_io_hdf5_discard(image);
    static const char *const names[3] = {"metadata.json", "config.json", "model.weights.h5"};
    cly_io_zip_member members[4] = {{.name = NULL}};
    cly_io_zip *zip = NULL;
    void *archive = NULL, *parts[3];
    MUST(clayer_model_save(model, temporary_path("net.keras")));
    MUST(cly_io_zip_open(temporary_path("net.keras"), &zip));
    for (int i = 0; i < 3; i++) {
        members[i].name = names[i];
        MUST(cly_io_zip_read(zip, names[i], 0, &parts[i], &members[i].length));
        members[i].bytes = parts[i];
    }
    members[3] = (cly_io_zip_member){.name = "clayer_check.h5", .bytes = bytes, .length = length};
    MUST(cly_io_zip_write(members, 4, &archive, &length));
    write_bytes(temporary_path("net.keras"), archive, length);
    REFUSED(clayer_model_load(context, temporary_path("net.keras"), &again), CLAYER_BAD_FILE, "fewer outputs");
    free(archive);
    members[3] = (cly_io_zip_member){.name = "clayer_check.h5", .bytes = "no HDF5", .length = 7};
    MUST(cly_io_zip_write(members, 4, &archive, &length));
    write_bytes(temporary_path("net.keras"), archive, length);
    REFUSED(clayer_model_load(context, temporary_path("net.keras"), &again), CLAYER_BAD_FILE, "clayer_check.h5");
    free(archive);
    free(bytes);
    for (int i = 0; i < 3; i++) {
        free(parts[i]);
    }
    cly_io_zip_close(zip);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(training_makes_a_check_stale) {
    for (int e = 0; e < 2; e++) {
        clayer_model *model = load_with_check("models/k3_classifier.keras", "models/k3_classifier.npz"), *again = NULL;
        const clayer_compile_config compile = {
            .struct_size = sizeof(compile), .optimizer = "sgd(learning_rate=0.5)", .loss = "mean_squared_error"};
        clayer_array *const *x = NULL;
        clayer_array *y = NULL;
        (void)cly_model_check_inputs(model, &x);
        const clayer_shape *shape = clayer_model_get_output_shape(model, 0);
        int64_t dims[CLAYER_MAX_RANK];
        memcpy(dims, shape->dims, sizeof(shape->dims));
        dims[0] = clayer_array_get_shape(x[0])->dims[0];
        MUST(clayer_array_create(CLAYER_FLOAT32, shape->rank, dims, &y));
        MUST(clayer_model_compile(model, &compile));
        const clayer_array *inputs[1] = {x[0]}, *targets[1] = {y};
        const clayer_dataset data = {.struct_size = sizeof(data), .x = inputs, .y = targets};
        const clayer_fit_config fit = {.struct_size = sizeof(fit), .epochs = 3};
        MUST(clayer_model_fit(model, &data, &fit, NULL));
        MUST(clayer_model_save(model, temporary_path(endings[e])));
        MUST(clayer_model_load(context, temporary_path(endings[e]), &again));
        ck_assert(!clayer_model_get_check(again, NULL));
        ck_assert(!clayer_model_get_check(model, NULL));
        clayer_array_destroy(y);
        clayer_model_destroy(again);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(bad_calls) {
    clayer_model *model = load_with_check("models/k3_classifier.keras", "models/k3_classifier.npz");
    clayer_array *flat = NULL, *none[1] = {NULL};
    MUST(clayer_array_create(CLAYER_FLOAT32, 1, (int64_t[]){3}, &flat));
    REFUSED(clayer_model_set_check(NULL, &flat, 1), CLAYER_INVALID_ARGUMENT, "NULL");
    REFUSED(clayer_model_set_check(model, &flat, 2), CLAYER_INVALID_ARGUMENT, "2 inputs");
    REFUSED(clayer_model_set_check(model, none, 1), CLAYER_INVALID_ARGUMENT, "NULL");
    REFUSED(clayer_model_set_check(model, &flat, 1), CLAYER_INVALID_SHAPE, "");
    ck_assert(clayer_model_get_check(model, NULL)); /* the one that it has is kept */
    ck_assert(!clayer_model_get_check(NULL, NULL));
    clayer_array_destroy(flat);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("check");
    TCase *cases = tcase_create("check");
    suite_add_tcase(suite, cases);
    tcase_set_timeout(cases, 0);
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_add_test(cases, checks_travel_with_the_file);
    tcase_add_test(cases, another_output_is_refused);
    tcase_add_test(cases, a_damaged_check_is_a_bad_file);
    tcase_add_test(cases, training_makes_a_check_stale);
    tcase_add_test(cases, bad_calls);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
