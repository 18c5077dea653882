/* io/test_augmentation.c: networks that begin with layers that change images at random, from files of both generations:
 * they predict what Keras does, are written back with every argument, and learn, or are refused. */
#include <cJSON.h>
#include <clayer/train.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/files.h"
#include "io/support.h"
#include "model/model.h"
#include "support/runner.h"

static const char *const files[] = {"k2.h5", "k2.keras", "k2_crop.h5", "k2_wide_crop.h5", "k3.keras"};
#define FILES (sizeof(files) / sizeof(files[0]))

static const char *path_of(const char *file, const char *suffix) {
    static char path[256];
    const size_t stem = suffix == NULL ? strlen(file) : strcspn(file, ".");
    (void)snprintf(path, sizeof(path), "augmentation/%.*s%s", (int)stem, file, suffix == NULL ? "" : suffix);
    return golden_path(path);
}

static clayer_model *load(const char *file) {
    clayer_model *model = NULL;
    ck_assert_msg(clayer_model_load(context, path_of(file, NULL), &model) == CLAYER_OK, "%s: %s", file,
                  clayer_last_error());
    return model;
}

static void expect_keras_prediction(const char *file, clayer_model *model) {
    clayer_archive *archive = NULL;
    clayer_array *y = NULL, *x = NULL;
    MUST(clayer_archive_load(path_of(file, ".npz"), &archive));
    MUST(clayer_array_convert(clayer_archive_find(archive, "x"), CLAYER_FLOAT32, &x));
    const clayer_array *wanted = clayer_archive_find(archive, "y");
    ck_assert_msg(clayer_model_predict(model, &x, 1, NULL, &y) == CLAYER_OK, "%s: %s", file, clayer_last_error());
    ck_assert_int_eq(clayer_array_get_count(y), clayer_array_get_count(wanted));
    const float *got = clayer_array_get_const_data(y), *expected = clayer_array_get_const_data(wanted);
    for (int64_t i = 0; i < clayer_array_get_count(y); i++) {
        const float difference = got[i] - expected[i];
        ck_assert_msg(difference < 1e-6f && difference > -1e-6f, "%s, y[%d]: %g, expected %g", file, (int)i,
                      (double)got[i], (double)expected[i]);
    }
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    clayer_archive_destroy(archive);
}

START_TEST(augmenting_layers_predict_as_keras) {
    clayer_model *model = load(files[_i]);
    expect_keras_prediction(files[_i], model);
    clayer_model_destroy(model);
}
END_TEST

/* ---- written back ---- */

static cJSON *parse(const char *path) {
    size_t length = 0;
    char *text = read_bytes(path, &length);
    cJSON *json = cJSON_ParseWithLength(text, length);
    ck_assert_msg(json != NULL, "%s is no JSON", path);
    free(text);
    return json;
}

static const cJSON *layers_of(const cJSON *model) {
    return cJSON_GetObjectItem(cJSON_GetObjectItem(model, "config"), "layers");
}

/* The config of the layer of that name. */
static const cJSON *find_config(const cJSON *model, const char *name) {
    const cJSON *layer = NULL;
    cJSON_ArrayForEach(layer, layers_of(model)) {
        const cJSON *config = cJSON_GetObjectItem(layer, "config");
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(config, "name")), name) == 0) {
            return config;
        }
    }
    ck_abort_msg("no layer %s", name);
    return NULL;
}

/* What Keras wrote and clayer does not: how Keras 2 keeps the state of random numbers. */
START_TEST(arguments_are_written_back_as_they_were_read) {
    clayer_model *model = load(files[_i]);
    open_folder();
    MUST(clayer_model_save_json(model, temporary_path("net.json")));
    cJSON *written = parse(temporary_path("net.json")), *keras = parse(path_of(files[_i], ".json"));
    const cJSON *layer = NULL, *argument = NULL;
    int seen = 0;
    cJSON_ArrayForEach(layer, layers_of(keras)) {
        const cJSON *config = cJSON_GetObjectItem(layer, "config");
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(config, "name"));
        if (strcmp(name, "image") == 0 || strcmp(name, "rescaling") == 0) {
            continue;
        }
        const cJSON *own = find_config(written, name);
        cJSON_ArrayForEach(argument, config) {
            if (strcmp(argument->string, "rng_type") == 0 || strcmp(argument->string, "batch_input_shape") == 0) {
                continue;
            }
            const cJSON *value = cJSON_GetObjectItem(own, argument->string);
            ck_assert_msg(value != NULL && cJSON_Compare(value, argument, true), "%s: %s: %s is %s, was %s", files[_i],
                          name, argument->string, value == NULL ? "missing" : cJSON_PrintUnformatted(value),
                          cJSON_PrintUnformatted(argument));
            seen++;
        }
    }
    ck_assert_int_gt(seen, 3);
    cJSON_Delete(written);
    cJSON_Delete(keras);
    close_folder();
    clayer_model_destroy(model);
}
END_TEST

START_TEST(saved_models_load_and_predict_again) {
    static const char *const names[] = {"net.h5", "net.keras"};
    clayer_model *model = load(files[_i]);
    open_folder();
    for (int i = 0; i < 2; i++) {
        clayer_model *again = NULL;
        MUST(clayer_model_save(model, temporary_path(names[i])));
        ck_assert_msg(clayer_model_load(context, temporary_path(names[i]), &again) == CLAYER_OK, "%s: %s", files[_i],
                      clayer_last_error());
        expect_keras_prediction(files[_i], again);
        clayer_model_destroy(again);
    }
    close_folder();
    clayer_model_destroy(model);
}
END_TEST

/* ---- shapes ---- */

static const clayer_shape *shape_after(clayer_model *model, const char *layer) {
    for (size_t i = 0; i < model->node_count; i++) {
        if (strcmp(model->nodes[i]->layer->name, layer) == 0) {
            return &model->nodes[i]->shape;
        }
    }
    ck_abort_msg("no layer %s", layer);
    return NULL;
}

/* As Keras 2 shows them: sizes that training would change are unknown. */
START_TEST(sizes_that_vary_are_unknown) {
    clayer_model *model = load("k2.h5");
    const clayer_shape *shape = shape_after(model, "random_height");
    ck_assert(shape->dims[1] == -1 && shape->dims[2] == 6);
    shape = shape_after(model, "random_width");
    ck_assert(shape->dims[1] == -1 && shape->dims[2] == -1 && shape->dims[3] == 3);
    clayer_model_destroy(model);
}
END_TEST

/* ---- training ---- */

static const char *const untrainable[] = {"k2.h5", "k2.keras", "k3.keras"};

START_TEST(training_through_others_is_refused_by_name) {
    clayer_model *model = load(untrainable[_i]);
    clayer_archive *archive = NULL;
    MUST(clayer_archive_load(path_of(untrainable[_i], ".npz"), &archive));
    const clayer_array *x = clayer_archive_find(archive, "x"), *y = clayer_archive_find(archive, "y");
    const clayer_compile_config compile = {.struct_size = sizeof(compile), .optimizer = "sgd", .loss = "mse"};
    const clayer_dataset data = {.struct_size = sizeof(data), .x = &x, .y = &y};
    clayer_log logs[2];
    size_t count = 0;
    MUST(clayer_model_compile(model, &compile));
    REFUSED(clayer_model_fit(model, &data, NULL, NULL), CLAYER_UNSUPPORTED, "it runs in inference only");
    ck_assert_msg(strstr(clayer_last_error(), _i < 2 ? "RandomHeight 'random_height'" : "RandomShear 'random_shear'"),
                  "%s", clayer_last_error());
    MUST(clayer_model_evaluate(model, &data, NULL, logs, 2, &count));
    ck_assert_msg(logs[0].value < 1e-9, "%g", logs[0].value); /* towards its own predictions */
    clayer_archive_destroy(archive);
    clayer_model_destroy(model);
}
END_TEST

enum { SAMPLES = 96, SIDE = 10 };

/* Stripes that lie or stand, two pixels wide and moved by 0 to 3: whatever becomes of them shows which. */
static void make_stripes(clayer_array **x_out, clayer_array **y_out) {
    MUST(clayer_array_create(CLAYER_FLOAT32, 4, (int64_t[]){SAMPLES, SIDE, SIDE, 1}, x_out));
    MUST(clayer_array_create(CLAYER_FLOAT32, 1, (int64_t[]){SAMPLES}, y_out));
    float *x = clayer_array_get_data(*x_out), *y = clayer_array_get_data(*y_out);
    for (int i = 0; i < SAMPLES * SIDE * SIDE; i++) {
        const int sample = i / (SIDE * SIDE), row = i / SIDE % SIDE, column = i % SIDE;
        const int across = sample % 2 == 0 ? row : column;
        x[i] = (across + sample / 2) % 4 < 2 ? 200 : (float)(20 + sample % 5);
        y[sample] = (float)(sample % 2);
    }
}

/* The model after some epochs; *loss_out: the last one's. */
static clayer_model *train(const char *file, const clayer_dataset *data, int epochs, double *loss_out) {
    clayer_model *model = load(file);
    clayer_history *history = NULL;
    const clayer_compile_config compile = {.struct_size = sizeof(compile),
                                           .optimizer = "adam(learning_rate=0.02)",
                                           .loss = "sparse_categorical_crossentropy"};
    const clayer_fit_config fit = {.struct_size = sizeof(fit), .epochs = epochs, .batch_size = 16};
    MUST(clayer_model_compile(model, &compile));
    ck_assert_msg(clayer_model_fit(model, data, &fit, &history) == CLAYER_OK, "%s: %s", file, clayer_last_error());
    *loss_out = clayer_history_get_value(history, 0, epochs - 1);
    clayer_history_destroy(history);
    return model;
}

static float *predict(clayer_model *model, clayer_array *x, int64_t *count_out) {
    clayer_array *y = NULL;
    MUST(clayer_model_predict(model, &x, 1, NULL, &y));
    *count_out = clayer_array_get_count(y);
    float *values = malloc((size_t)*count_out * sizeof(*values));
    ck_assert_ptr_nonnull(values);
    memcpy(values, clayer_array_get_const_data(y), (size_t)*count_out * sizeof(*values));
    clayer_array_destroy(y);
    return values;
}

static const char *const trainable[] = {"k2_train.keras", "k3_train.keras"};

START_TEST(a_classifier_learns_from_changed_images) {
    clayer_array *x = NULL, *y = NULL;
    double loss = 0, again = 0, longer = 0;
    int64_t count = 0;
    int right = 0;
    make_stripes(&x, &y);
    const clayer_array *const_x = x, *const_y = y;
    const clayer_dataset data = {.struct_size = sizeof(data), .x = &const_x, .y = &const_y};
    clayer_model_destroy(train(trainable[_i], &data, 2, &loss));
    clayer_model_destroy(train(trainable[_i], &data, 2, &again));
    ck_assert_double_eq(loss, again); /* the same random numbers */
    clayer_model *model = train(trainable[_i], &data, 25, &longer);
    ck_assert_msg(longer < 0.4 && longer < loss, "%s: a loss of %g after %g", trainable[_i], longer, loss);
    float *got = predict(model, x, &count); /* of the images as they are */
    for (int64_t i = 0; i < SAMPLES; i++) {
        right += (got[2 * i + 1] > got[2 * i]) == (i % 2 == 1);
    }
    ck_assert_msg(right >= SAMPLES * 9 / 10, "%s: %d of %d", trainable[_i], right, SAMPLES);
    free(got);
    clayer_model_destroy(model);
    clayer_array_destroy(x);
    clayer_array_destroy(y);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *class;
    clayer_augmentation_config config;
    const char *named;
} refused[] = {
    {"RandomRotation", {.struct_size = sizeof(clayer_augmentation_config)}, "factor is required"},
    {"RandomCrop", {.struct_size = sizeof(clayer_augmentation_config), .height = 3}, "width is required"},
    {"RandomFlip", {.struct_size = sizeof(clayer_augmentation_config), .mode = "sideways"}, "mode is 'sideways'"},
    {"RandomContrast",
     {.struct_size = sizeof(clayer_augmentation_config),
      .factor = (double[]){0.5},
      .factor_count = 1,
      .value_range = (double[]){1, 0},
      .value_range_count = 2},
     "value_range has 2 numbers, of which the first is the larger"},
    {"RandomContrast",
     {.struct_size = sizeof(clayer_augmentation_config), .factor = (double[]){0, 1, 2}, .factor_count = 3},
     "factor has 3 numbers"},
    {"RandomInvert",
     {.struct_size = sizeof(clayer_augmentation_config), .value_range = (double[]){1}, .value_range_count = 1},
     "value_range has 1 numbers, must have two"},
};

START_TEST(arguments_are_checked) {
    clayer_layer *layer = NULL;
    REFUSED(clayer_layer_create(context, refused[_i].class, &refused[_i].config, &layer), CLAYER_INVALID_ARGUMENT,
            refused[_i].named);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.augmentation");
    TCase *cases = tcase_create("augmentation");
    tcase_add_checked_fixture(cases, open_context, close_context);
    tcase_add_loop_test(cases, augmenting_layers_predict_as_keras, 0, (int)FILES);
    tcase_add_loop_test(cases, arguments_are_written_back_as_they_were_read, 0, (int)FILES);
    tcase_add_loop_test(cases, saved_models_load_and_predict_again, 0, (int)FILES);
    tcase_add_test(cases, sizes_that_vary_are_unknown);
    tcase_add_loop_test(cases, training_through_others_is_refused_by_name, 0, 3);
    tcase_add_loop_test(cases, a_classifier_learns_from_changed_images, 0, 2);
    tcase_add_loop_test(cases, arguments_are_checked, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_set_timeout(cases, 300);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
