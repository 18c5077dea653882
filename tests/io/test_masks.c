/* io/test_masks.c: models through which Keras' masks go, from files of both generations: they predict and learn what
 * Keras does, also nested, where a file of Keras 3 spells the masks out, and where a mask weighs losses, metrics and
 * the statistics of a BatchNormalization. */
#include <clayer/train.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/files.h"
#include "io/support.h"
#include "model/model.h"
#include "support/runner.h"

typedef struct example {
    clayer_model *model;
    clayer_archive *archive;
    const clayer_array *inputs[4];
    const clayer_array *targets[1];
    size_t input_count;
} example;

static void open_example(const char *stem, example *e) {
    char path[256];
    *e = (example){0};
    (void)snprintf(path, sizeof(path), "masks/%s.%s", stem, strncmp(stem, "k3f_", 4) == 0 ? "keras" : "h5");
    ck_assert_msg(clayer_model_load(context, golden_path(path), &e->model) == CLAYER_OK, "%s: %s", stem,
                  clayer_last_error());
    (void)snprintf(path, sizeof(path), "masks/%s.npz", stem);
    MUST(clayer_archive_load(golden_path(path), &e->archive));
    e->input_count = clayer_model_get_input_count(e->model);
    for (size_t i = 0; i < e->input_count; i++) {
        e->inputs[i] = clayer_archive_get_array(e->archive, i);
    }
    e->targets[0] = clayer_archive_find(e->archive, "t");
}

static void close_example(example *e) {
    clayer_archive_destroy(e->archive);
    clayer_model_destroy(e->model);
}

static void expect_near(const char *stem, const char *name, const float *values, const clayer_array *wanted) {
    const float *y = clayer_array_get_const_data(wanted);
    double largest = 0.1;
    for (int64_t i = 0; i < clayer_array_get_count(wanted); i++) {
        largest = fmax(largest, fabs((double)y[i]));
    }
    for (int64_t i = 0; i < clayer_array_get_count(wanted); i++) {
        ck_assert_msg(fabs((double)values[i] - (double)y[i]) <= 2e-5 * largest, "%s, %s[%d]: %g, expected %g", stem,
                      name, (int)i, (double)values[i], (double)y[i]);
    }
}

static void expect_output(const char *stem, example *e) {
    clayer_array *inputs[4], *y = NULL;
    for (size_t i = 0; i < e->input_count; i++) {
        MUST(clayer_array_convert(e->inputs[i], CLAYER_FLOAT32, &inputs[i]));
    }
    ck_assert_msg(clayer_model_predict(e->model, inputs, e->input_count, NULL, &y) == CLAYER_OK, "%s: %s", stem,
                  clayer_last_error());
    expect_near(stem, "y", clayer_array_get_const_data(y), clayer_archive_find(e->archive, "y"));
    for (size_t i = 0; i < e->input_count; i++) {
        clayer_array_destroy(inputs[i]);
    }
    clayer_array_destroy(y);
}

static clayer_status train(example *e) {
    const clayer_compile_config compile = {
        .struct_size = sizeof(compile), .optimizer = "sgd(learning_rate=0.5)", .loss = "mean_squared_error"};
    const clayer_dataset data = {.struct_size = sizeof(data), .x = e->inputs, .y = e->targets};
    const clayer_fit_config fit = {.struct_size = sizeof(fit), .no_shuffle = true};
    MUST(clayer_model_compile(e->model, &compile));
    return clayer_model_fit(e->model, &data, &fit, NULL);
}

/* The weights are the archive's w0, w1, ... */
static void expect_weights(const char *stem, const example *e) {
    clayer_model *flat = NULL;
    int number = 0;
    MUST(cly_model_flat(e->model, &flat));
    for (size_t i = 0; i < flat->layer_count; i++) {
        for (size_t w = 0; w < flat->layers[i]->weight_count; w++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "w%d", number++);
            const clayer_array *wanted = clayer_archive_find(e->archive, name);
            ck_assert_msg(wanted != NULL, "%s has no %s", stem, name);
            const clayer_tensor *tensor = flat->layers[i]->weights[w].tensor;
            float *values = calloc((size_t)clayer_array_get_count(wanted), sizeof(float));
            ck_assert_ptr_nonnull(values);
            MUST(clayer_tensor_read(tensor, values, clayer_array_get_count(wanted)));
            expect_near(stem, name, values, wanted);
            free(values);
        }
    }
    ck_assert_int_gt(number, 0);
}

static void expect_learnt(const char *stem, example *e) {
    ck_assert_msg(train(e) == CLAYER_OK, "%s: %s", stem, clayer_last_error());
    expect_weights(stem, e);
}

static const char *const learning[] = {"k2_embedding_mean",
                                       "k2_masking_mean",
                                       "k2_stopped",
                                       "k2_nested",
                                       "k2_added",
                                       "k2_added_part",
                                       "k2_side_by_side",
                                       "k2_behind",
                                       "k2_softmax",
                                       "k3_embedding_mean",
                                       "k3_masking_mean",
                                       "k3_stopped",
                                       "k3_nested",
                                       "k3f_stopped",
                                       "k3_softmax",
                                       "k3f_embedding_mean",
                                       "k3f_masking_mean",
                                       "k3f_nested",
                                       "k3f_added_part",
                                       "k3f_added",
                                       "k3f_side_by_side",
                                       "k3f_behind",
                                       "k2_reaching_loss",
                                       "k3_reaching_loss",
                                       "k3f_reaching_loss",
                                       "k2_reaching_statistics",
                                       "k3_reaching_statistics",
                                       "k3f_reaching_statistics"};

START_TEST(models_predict_and_learn_as_keras) {
    example e;
    open_example(learning[_i], &e);
    expect_output(learning[_i], &e);
    expect_learnt(learning[_i], &e);
    close_example(&e);
}
END_TEST

/* The steps that the mask leaves out have no say: another value there changes nothing. */
START_TEST(masked_steps_have_no_say) {
    static const float numbers[2][6] = {{3, 1, 0, 0, 5, 0}, {3, 1, 5, 0, 0, 0}};
    clayer_model *model = NULL;
    float y[2][4];
    const clayer_embedding_config embedding = {
        .struct_size = sizeof(embedding), .input_dim = 7, .output_dim = 4, .mask_zero = true};
    MUST(clayer_model_create(context, "net", &model));
    MUST(clayer_add_input(model, 1, (int64_t[]){-1}, NULL));
    MUST(clayer_add_embedding(model, NULL, &embedding, NULL));
    MUST(clayer_add_global_average_pooling1d(model, NULL, NULL, NULL));
    for (int i = 0; i < 2; i++) {
        clayer_array *x = NULL, *out = NULL;
        MUST(clayer_array_create(CLAYER_FLOAT32, 2, (int64_t[]){1, 6}, &x));
        memcpy(clayer_array_get_data(x), numbers[i], sizeof(numbers[i]));
        MUST(clayer_model_predict(model, &x, 1, NULL, &out));
        memcpy(y[i], clayer_array_get_const_data(out), sizeof(y[i]));
        clayer_array_destroy(x);
        clayer_array_destroy(out);
    }
    for (int c = 0; c < 4; c++) { /* the same three numbers in another order and place */
        ck_assert_msg(fabsf(y[0][c] - y[1][c]) < 1e-7f && y[0][c] != 0, "%g, %g", (double)y[0][c], (double)y[1][c]);
    }
    clayer_model_destroy(model);
}
END_TEST

/* TensorFlow fails on a CPU, too; Keras 3 counts negative numbers from the end. */
START_TEST(numbers_without_a_row_are_refused) {
    static const char *const stems[] = {"k2_embedding_mean", "k3_embedding_mean"};
    static const float bad[][2] = {{7, -1}, {7, -8}};
    for (int i = 0; i < 4; i++) {
        example e;
        clayer_array *x = NULL, *y = NULL;
        open_example(stems[i / 2], &e);
        MUST(clayer_array_convert(e.inputs[0], CLAYER_FLOAT32, &x));
        ((float *)clayer_array_get_data(x))[13] = bad[i / 2][i % 2]; /* of sample 2 */
        e.inputs[0] = x;
        REFUSED(clayer_model_predict(e.model, &x, 1, NULL, &y), CLAYER_INVALID_ARGUMENT,
                i / 2 == 0 ? "of sample 2 is outside 0 to 6" : "of sample 2 is outside -7 to 6");
        REFUSED(train(&e), CLAYER_INVALID_ARGUMENT, "of sample 2 is outside ");
        clayer_array_destroy(x);
        close_example(&e);
    }
}
END_TEST

/* ---- masks at losses and metrics ---- */

static const char *const numbers_metrics[] = {"mean_absolute_error", "accuracy", "root_mean_squared_error", NULL};
static const char *const numbers_weighted[] = {"mean_squared_error", "root_mean_squared_error(name=rmse)", NULL};
static const char *const labels_metrics[] = {"sparse_categorical_accuracy", "sparse_categorical_crossentropy", NULL};
static const char *const labels_weighted[] = {"sparse_categorical_accuracy", NULL};

static const struct {
    const char *name, *loss;
    bool labels;
    int only; /* the generation that has it; 0: both */
} weighing[] = {
    {"plain", "mean_absolute_error", false, 0},
    {"weighted", "mean_squared_error", false, 0},
    {"labels", "sparse_categorical_crossentropy(from_logits=True)", true, 0},
    {"ignored", "sparse_categorical_crossentropy(from_logits=True,ignore_class=1)", true, 0},
    {"ignored_weighted", "sparse_categorical_crossentropy(from_logits=True,ignore_class=1)", true, 0},
    {"sum", "mean_squared_error(reduction=sum)", false, 0},
    {"by_weights", "sparse_categorical_crossentropy(from_logits=True,ignore_class=1,reduction=mean_with_sample_weight)",
     true, 3},
    {"samples", "mean_squared_error", false, 2},
};
#define WEIGHING (sizeof(weighing) / sizeof(weighing[0]))

/* Every log that Keras has under `prefix`. */
static void expect_logs(const char *stem, const clayer_archive *archive, const char *prefix, const clayer_log *logs,
                        size_t count) {
    size_t told = 0;
    for (size_t i = 0; i < clayer_archive_get_count(archive); i++) {
        const char *name = clayer_archive_get_name(archive, i);
        if (strncmp(name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        size_t at = 0;
        while (at < count && strcmp(logs[at].name, name + strlen(prefix)) != 0) {
            at++;
        }
        ck_assert_msg(at < count, "%s: no log %s", stem, name);
        const float value = (float)logs[at].value;
        expect_near(stem, name, &value, clayer_archive_get_array(archive, i));
        told++;
    }
    ck_assert_uint_eq(told, count);
}

START_TEST(masks_weigh_losses_and_metrics_as_keras) {
    const int generation = 2 + _i / (int)WEIGHING;
    const size_t which = (size_t)_i % WEIGHING;
    char stem[64], path[128];
    example e;
    clayer_archive *answers = NULL;
    clayer_log logs[16];
    size_t count = 0;
    clayer_history *history = NULL;
    if (weighing[which].only != 0 && weighing[which].only != generation) {
        return; /* the other generation has no such case */
    }
    (void)snprintf(stem, sizeof(stem), "k%d_reaching_loss", generation);
    open_example(stem, &e);
    (void)snprintf(path, sizeof(path), "masks/%s.%s.npz", stem, weighing[which].name);
    MUST(clayer_archive_load(golden_path(path), &answers));
    const clayer_compile_config compile = {
        .struct_size = sizeof(compile),
        .optimizer = "sgd(learning_rate=0.5)",
        .loss = weighing[which].loss,
        .metrics = weighing[which].labels ? labels_metrics : numbers_metrics,
        .weighted_metrics = weighing[which].labels ? labels_weighted : numbers_weighted};
    MUST(clayer_model_compile(e.model, &compile));
    const clayer_array *y = clayer_archive_find(answers, "t"), *weight = clayer_archive_find(answers, "s");
    const clayer_dataset data = {
        .struct_size = sizeof(data), .x = e.inputs, .y = &y, .sample_weight = weight != NULL ? &weight : NULL};
    const clayer_fit_config fit = {.struct_size = sizeof(fit), .no_shuffle = true};
    ck_assert_msg(clayer_model_fit(e.model, &data, &fit, &history) == CLAYER_OK, "%s: %s", path, clayer_last_error());
    for (count = 0; count < clayer_history_get_count(history) && count < 16; count++) {
        logs[count] = (clayer_log){.name = clayer_history_get_name(history, count),
                                   .value = clayer_history_get_value(history, count, 0)};
    }
    expect_logs(path, answers, "log.", logs, count);
    const example trained = {.model = e.model, .archive = answers};
    expect_weights(path, &trained);
    MUST(clayer_model_evaluate(e.model, &data, NULL, logs, 16, &count));
    expect_logs(path, answers, "test.", logs, count);
    clayer_history_destroy(history);
    clayer_archive_destroy(answers);
    close_example(&e);
}
END_TEST

/* Of two outputs a mask reaches the first alone. */
START_TEST(a_mask_weighs_its_own_output) {
    static const char *const stems[] = {"k2_heads", "k3f_heads"};
    static const char *const each[] = {"mean_absolute_error", NULL}, *const whole[] = {"mean_squared_error", NULL};
    example e;
    clayer_log logs[8];
    clayer_history *history = NULL;
    size_t count = 0;
    open_example(stems[_i], &e);
    const clayer_compile_config compile = {.struct_size = sizeof(compile),
                                           .optimizer = "sgd(learning_rate=0.5)",
                                           .losses = (const char *const[]){"mean_squared_error", "mean_absolute_error"},
                                           .loss_weights = (const double[]){0.5, 2.0},
                                           .output_metrics = (const char *const *const[]){each, whole}};
    MUST(clayer_model_compile(e.model, &compile));
    const clayer_array *const targets[] = {clayer_archive_find(e.archive, "t0"), clayer_archive_find(e.archive, "t1")};
    const clayer_dataset data = {.struct_size = sizeof(data), .x = e.inputs, .y = targets};
    const clayer_fit_config fit = {.struct_size = sizeof(fit), .no_shuffle = true};
    ck_assert_msg(clayer_model_fit(e.model, &data, &fit, &history) == CLAYER_OK, "%s", clayer_last_error());
    for (count = 0; count < clayer_history_get_count(history) && count < 8; count++) {
        logs[count] = (clayer_log){.name = clayer_history_get_name(history, count),
                                   .value = clayer_history_get_value(history, count, 0)};
    }
    expect_logs(stems[_i], e.archive, "log.", logs, count);
    expect_weights(stems[_i], &e);
    clayer_history_destroy(history);
    close_example(&e);
}
END_TEST

/* A weight a sample does not fit a mask of steps in Keras 3, nor one of other sizes in Keras 2. */
START_TEST(weights_that_do_not_fit_the_mask_are_refused) {
    static const struct {
        const char *stem;
        int rank;
        int64_t shape[2];
    } cases[] = {{"k3_reaching_loss", 1, {3}}, {"k2_reaching_loss", 2, {3, 4}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        example e;
        clayer_array *weight = NULL;
        open_example(cases[i].stem, &e);
        const clayer_compile_config compile = {
            .struct_size = sizeof(compile), .optimizer = "sgd", .loss = "mean_squared_error"};
        MUST(clayer_model_compile(e.model, &compile));
        MUST(clayer_array_create(CLAYER_FLOAT32, cases[i].rank, cases[i].shape, &weight));
        const clayer_array *weights = weight;
        const clayer_dataset data = {
            .struct_size = sizeof(data), .x = e.inputs, .y = e.targets, .sample_weight = &weights};
        REFUSED(clayer_model_fit(e.model, &data, NULL, NULL), CLAYER_INVALID_SHAPE,
                "do not fit Keras' mask of the output");
        clayer_array_destroy(weight);
        close_example(&e);
    }
}
END_TEST

/* Keras 3's SpatialDropout takes no argument `trainable`, unlike all other layers. */
START_TEST(spatial_dropout_is_written_as_keras_reads_it) {
    clayer_model *model = NULL;
    size_t length = 0;
    const clayer_spatial_dropout_config config = {.struct_size = sizeof(config), .rate = 0.25};
    MUST(clayer_model_create(context, "net", &model));
    MUST(clayer_add_input(model, 2, (int64_t[]){5, 3}, NULL));
    MUST(clayer_add_spatial_dropout1d(model, NULL, &config, NULL));
    open_folder();
    MUST(clayer_model_save_json(model, temporary_path("net.json")));
    char *text = read_bytes(temporary_path("net.json"), &length);
    const char *place = strstr(text, "SpatialDropout1D");
    ck_assert_msg(place != NULL && strstr(place, "\"rate\"") != NULL, "%s", text);
    ck_assert_msg(strstr(place, "trainable") == NULL, "%s", text);
    free(text);
    close_folder();
    clayer_model_destroy(model);
}
END_TEST

/* A mask that does not fit is an error of shapes, as in Keras. */
START_TEST(masks_that_do_not_fit_are_refused) {
    clayer_layer *layer = NULL;
    clayer_shape y;
    const clayer_shape fits[2] = {{.rank = 3, .dims = {2, 5, 3}}, {.rank = 2, .dims = {2, 5}}};
    const clayer_shape longer[2] = {{.rank = 3, .dims = {2, 5, 3}}, {.rank = 2, .dims = {2, 6}}};
    const clayer_shape softmax[2] = {{.rank = 3, .dims = {2, 5, 3}}, {.rank = 2, .dims = {2, 5}}};
    MUST(clayer_layer_create(context, "GlobalAveragePooling1D", NULL, &layer));
    MUST(clayer_layer_get_output_shape(layer, fits, 2, &y));
    REFUSED(clayer_layer_get_output_shape(layer, longer, 2, &y), CLAYER_INVALID_SHAPE,
            "a mask of shape (2, 6) does not fit the input (2, 5, 3)");
    clayer_layer_destroy(layer);
    MUST(clayer_layer_create(context, "Softmax", NULL, &layer));
    REFUSED(clayer_layer_get_output_shape(layer, softmax, 2, &y), CLAYER_INVALID_SHAPE, "a mask of shape (2, 5)");
    clayer_layer_destroy(layer);
    const clayer_shape twice[2] = {fits[0], fits[0]};
    MUST(clayer_layer_create(context, "BatchNormalization", NULL, &layer));
    REFUSED(clayer_layer_get_output_shape(layer, twice, 2, &y), CLAYER_INVALID_SHAPE, "the mask has 3 axes, expects 2");
    clayer_layer_destroy(layer);
}
END_TEST

/* Statistics of axes 1 and 3, which do not lie side by side. */
START_TEST(masks_for_axes_that_lie_apart_are_refused_in_training) {
    const clayer_shape shapes[2] = {{.rank = 4, .dims = {2, 3, 4, 5}}, {.rank = 3, .dims = {2, 3, 4}}};
    const clayer_batch_normalization_config config = {.struct_size = sizeof(config),
                                                      .axes = {.rank = 2, .dims = {1, 3}}};
    clayer_layer *layer = NULL;
    clayer_tensor *inputs[2] = {NULL, NULL}, *output = NULL;
    MUST(clayer_layer_create(context, "BatchNormalization", &config, &layer));
    for (int i = 0; i < 2; i++) {
        MUST(clayer_tensor_create(context, shapes[i].rank, shapes[i].dims, &inputs[i]));
    }
    MUST(clayer_tensor_create(context, 4, shapes[0].dims, &output));
    MUST(clayer_layer_forward(layer, inputs, 2, output));
    MUST(clayer_layer_set_training(layer, true));
    REFUSED(clayer_layer_forward(layer, inputs, 2, output), CLAYER_UNSUPPORTED, "axes that lie apart");
    clayer_tensor_destroy(inputs[0]);
    clayer_tensor_destroy(inputs[1]);
    clayer_tensor_destroy(output);
    clayer_layer_destroy(layer);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.masks");
    TCase *cases = tcase_create("masks");
    tcase_add_checked_fixture(cases, open_context, close_context);
    tcase_add_loop_test(cases, models_predict_and_learn_as_keras, 0, (int)(sizeof(learning) / sizeof(learning[0])));
    tcase_add_test(cases, masked_steps_have_no_say);
    tcase_add_test(cases, numbers_without_a_row_are_refused);
    tcase_add_loop_test(cases, masks_weigh_losses_and_metrics_as_keras, 0, (int)(2 * WEIGHING));
    tcase_add_loop_test(cases, a_mask_weighs_its_own_output, 0, 2);
    tcase_add_test(cases, weights_that_do_not_fit_the_mask_are_refused);
    tcase_add_test(cases, spatial_dropout_is_written_as_keras_reads_it);
    tcase_add_test(cases, masks_that_do_not_fit_are_refused);
    tcase_add_test(cases, masks_for_axes_that_lie_apart_are_refused_in_training);
    tcase_set_timeout(cases, 300);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
