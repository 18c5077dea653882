/* io/test_save.c: what is saved loads again as it was; what cannot be saved says so and leaves the old file. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clayer/train.h>

#include "io/files.h"
#include "io/support.h"
#include "model/model.h"
#include "support/runner.h"

static const char *const endings[] = {".keras", ".h5"};

/* ---- round trips ---- */

static void loads_the_same(const char *path, clayer_model *model) {
    for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++) {
        clayer_model *again = NULL;
        MUST(clayer_model_save(model, saved_path(endings[e])));
        MUST(clayer_model_load(context, saved_path(endings[e]), &again));
        expect_same_model(again, model, path);
        clayer_model_destroy(again);
    }
    ck_assert_int_eq(count_temporary(), 2);
}

START_TEST(models_load_again_as_they_were) {
    ck_assert_int_ge(with_each_file(loads_the_same), 120);
}
END_TEST

/* Without its training, which a file of weights has not. */
static void loads_in_parts(const char *path, clayer_model *model) {
    static const char *const weights[] = {".weights.h5", "_legacy.h5"};
    if (model->compiled != NULL) {
        return;
    }
    MUST(clayer_model_save_json(model, saved_path(".json")));
    for (size_t w = 0; w < sizeof(weights) / sizeof(weights[0]); w++) {
        clayer_model *again = NULL;
        MUST(clayer_model_save_weights(model, saved_path(weights[w])));
        MUST(clayer_model_load_json(context, saved_path(".json"), saved_path(weights[w]), &again));
        expect_same_model(again, model, path);
        clayer_model_destroy(again);
    }
}

START_TEST(models_load_again_from_json_and_weights) {
    (void)with_each_file(loads_in_parts);
    ck_assert_int_eq(count_temporary(), 3);
}
END_TEST

/* ---- models made in C ---- */

/* A shared layer, two inputs, two outputs, and every kind of argument that tables have. */
static clayer_model *make_model(void) {
    clayer_model *model = NULL;
    clayer_layer *shared = NULL;
    clayer_node *left = NULL, *right = NULL, *nodes[2], *outputs[2], *sum = NULL;
    const clayer_conv_config conv = {.struct_size = sizeof(conv),
                                     .name = "shared",
                                     .filters = 3,
                                     .kernel_size = {3, 2},
                                     .padding = "same",
                                     .activation = "leaky_relu(negative_slope=0.25)",
                                     .kernel_initializer = "variance_scaling(scale=2, mode=fan_avg, seed=7)",
                                     .kernel_regularizer = "l1_l2(l1=0.01)",
                                     .bias_constraint = "min_max_norm(max_value=2, axis=[0])"};
    const clayer_batch_normalization_config norm = {.struct_size = sizeof(norm), .epsilon = -0.0, .no_scale = true};
    const clayer_zero_padding_config padding = {
        .struct_size = sizeof(padding), .has_padding = true, .padding = {{1, 2}, {0, 3}}};
    const clayer_reshape_config reshape = {.struct_size = sizeof(reshape),
                                           .target_shape = {.rank = 2, .dims = {-1, 3}}};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5, .not_trainable = true};
    MUST(clayer_model_create(context, "made", &model));
    MUST(clayer_add_named_input(model, "left", 3, (int64_t[]){6, 5, 2}, &left));
    MUST(clayer_add_named_input(model, "right", 3, (int64_t[]){6, 5, 2}, &right));
    MUST(clayer_layer_create(context, "Conv2D", &conv, &shared));
    MUST(clayer_model_add(model, shared, &left, 1, &nodes[0]));
    MUST(clayer_model_add(model, shared, &right, 1, &nodes[1]));
    clayer_layer_destroy(shared);
    MUST(clayer_add_add(model, nodes, 2, NULL, &sum));
    MUST(clayer_add_batch_normalization(model, sum, &norm, &outputs[0]));
    MUST(clayer_add_zero_padding2d(model, sum, &padding, &sum));
    MUST(clayer_add_dropout(model, sum, &dropout, &sum));
    MUST(clayer_add_reshape(model, sum, &reshape, &outputs[1]));
    MUST(clayer_model_set_outputs(model, outputs, 2));
    return model;
}

START_TEST(models_made_in_c_load_again) {
    clayer_model *model = make_model();
    MUST(clayer_model_compile(
        model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                        .optimizer = "adam(learning_rate=0.5, clipnorm=1, use_ema=True)",
                                        .losses = (const char *const[]){"huber(delta=0.5)", NULL},
                                        .loss_weights = (const double[]){2, 1},
                                        .metrics = (const char *const[]){"mae", "auc(num_thresholds=9)", NULL}}));
    loads_the_same("make_model()", model);
    clayer_model_destroy(model);
}
END_TEST

/* Lists of names that exceed what HDF5 holds in one attribute are split, as Keras does. */
START_TEST(many_long_names_fit_an_hdf5_file) {
    clayer_model *model = NULL;
    char name[220];
    MUST(clayer_model_create(context, "long", &model));
    MUST(clayer_add_input(model, 1, (int64_t[]){2}, NULL));
    for (int i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof(name), "%0200d", i);
        MUST(clayer_add_activation(
            model, NULL,
            &(clayer_activation_config){
                .struct_size = sizeof(clayer_activation_config), .name = name, .activation = "relu"},
            NULL));
    }
    MUST(clayer_add_dense(
        model, NULL, &(clayer_dense_config){.struct_size = sizeof(clayer_dense_config), .name = name + 1, .units = 1},
        NULL));
    loads_the_same("long", model);
    cly_io_hdf5 *file = NULL;
    char **names = NULL;
    size_t count = 0;
    MUST(cly_io_hdf5_open(saved_path(".h5"), &file));
    MUST(cly_io_hdf5_get_texts(file, "model_weights", "layer_names1", &names, &count));
    ck_assert_uint_gt(count, 100);
    cly_io_free_strings(names, count);
    cly_io_hdf5_close(file);
    clayer_model_destroy(model);
}
END_TEST

/* ---- what cannot be saved ---- */

START_TEST(wrong_arguments_are_refused) {
    clayer_model *model = make_model(), *empty = NULL;
    MUST(clayer_model_create(context, "empty", &empty));
    REFUSED(clayer_model_save(NULL, "x.keras"), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_save(model, NULL), CLAYER_INVALID_ARGUMENT, "path is NULL");
    REFUSED(clayer_model_save(model, temporary_path("x.onnx")), CLAYER_INVALID_ARGUMENT, ".keras, .h5 or .hdf5");
    REFUSED(clayer_model_save(model, temporary_path("x.weights.h5")), CLAYER_INVALID_ARGUMENT, "weights alone");
    REFUSED(clayer_model_save_weights(model, temporary_path("x.keras")), CLAYER_INVALID_ARGUMENT, ".weights.h5");
    REFUSED(clayer_model_save(empty, temporary_path("x.keras")), CLAYER_INVALID_ARGUMENT, "'empty' has no input");
    REFUSED(clayer_model_save_json(empty, temporary_path("x.json")), CLAYER_INVALID_ARGUMENT, "'empty' has no input");
    /* An activation that Keras can call but not write. */
    MUST(clayer_add_activation(
        model, NULL,
        &(clayer_activation_config){
            .struct_size = sizeof(clayer_activation_config), .name = "odd", .activation = "gelu(approximate=True)"},
        NULL));
    REFUSED(clayer_model_save(model, temporary_path("x.keras")), CLAYER_UNSUPPORTED, "Activation 'odd': activation");
    ck_assert_int_eq(count_temporary(), 0);
    clayer_model_destroy(empty);
    clayer_model_destroy(model);
}
END_TEST

/* Every way of saving fails with a message that names the file, leaves what was there, and nothing beside it. */
static void expect_failure(clayer_model *model, const char *reason) {
    static const char *const names[] = {"old.keras", "old.h5", "old.weights.h5", "old.json"};
    int before = count_temporary();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = temporary_path(names[i]);
        clayer_status status = i == 3   ? clayer_model_save_json(model, path)
                               : i == 2 ? clayer_model_save_weights(model, path)
                                        : clayer_model_save(model, path);
        ck_assert_msg(status == CLAYER_IO_ERROR, "%s: %s", names[i], clayer_last_error());
        ck_assert_msg(strstr(clayer_last_error(), names[i]) != NULL && strstr(clayer_last_error(), reason) != NULL,
                      "'%s' lacks '%s' or '%s'", clayer_last_error(), names[i], reason);
        size_t length = 0;
        char *bytes = read_bytes(path, &length);
        ck_assert_msg(length == 3 && memcmp(bytes, "old", 3) == 0, "%s is no longer what it was", names[i]);
        free(bytes);
    }
    ck_assert_int_eq(count_temporary(), before);
}

static void write_old_files(void) {
    static const char *const names[] = {"old.keras", "old.h5", "old.weights.h5", "old.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        write_bytes(temporary_path(names[i]), "old", 3);
    }
}

/* A limit on the size of files stands for a full disk: write() fails in the midst of the file. */
START_TEST(a_full_disk_leaves_the_old_file) {
    clayer_model *model = make_model();
    struct rlimit old, small = {.rlim_cur = 100};
    write_old_files();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_failure(model, strerror(EFBIG));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    clayer_model_destroy(model);
}
END_TEST

/* The administrator may write everywhere: the test goes on as somebody else. */
static void lower_rights(void) {
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(temporary_path("."), 65534, 65534), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
}

static void restore_rights(void) {
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
}

START_TEST(a_folder_without_the_right_to_write_is_told) {
    clayer_model *model = make_model();
    write_old_files();
    lower_rights();
    ck_assert_int_eq(chmod(temporary_path("."), 0555), 0);
    bool refused = access(temporary_path("."), W_OK) != 0 || geteuid() != getuid();
    if (refused) {
        expect_failure(model, strerror(EACCES));
    }
    ck_assert_int_eq(chmod(temporary_path("."), 0755), 0);
    restore_rights();
    ck_assert(refused);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_file_that_may_not_be_written_stays) {
    static const char *const names[] = {"old.keras", "old.h5", "old.weights.h5", "old.json"};
    clayer_model *model = make_model();
    write_old_files();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_int_eq(chmod(temporary_path(names[i]), 0444), 0);
    }
    lower_rights();
    expect_failure(model, strerror(EACCES));
    restore_rights();
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_missing_folder_is_named) {
    clayer_model *model = make_model();
    REFUSED(clayer_model_save(model, temporary_path("no/such/model.keras")), CLAYER_IO_ERROR, strerror(ENOENT));
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "no/such/model.keras"));
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.save");
    TCase *cases = tcase_create("save");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, models_load_again_as_they_were);
    tcase_add_test(cases, models_load_again_from_json_and_weights);
    tcase_add_test(cases, models_made_in_c_load_again);
    tcase_add_test(cases, many_long_names_fit_an_hdf5_file);
    tcase_add_test(cases, wrong_arguments_are_refused);
    tcase_add_test(cases, a_full_disk_leaves_the_old_file);
    tcase_add_test(cases, a_folder_without_the_right_to_write_is_told);
    tcase_add_test(cases, a_file_that_may_not_be_written_stays);
    tcase_add_test(cases, a_missing_folder_is_named);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
