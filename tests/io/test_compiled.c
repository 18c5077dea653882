/* io/test_compiled.c: what models were compiled with, read from Keras' files: the texts, the state, training that goes
 * on as if it had not stopped, the older forms, and what cannot be used here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <clayer/train.h>

#include "io/files.h"
#include "io/keras.h"
#include "io/support.h"
#include "model/model.h"
#include "support/context.h"
#include "support/runner.h"

#define FOLDER CLAYER_TEST_DATA "/compiled"

static clayer_model *load(const char *name, const char *ending) {
    clayer_model *model = NULL;
    MUST(clayer_model_load(context, beside(FOLDER, name, ending), &model));
    return model;
}

/* ---- what the files say ---- */

/* "a, b; c" for two lists. */
static const char *join(const char *const *const *lists, size_t count) {
    static char texts[2][512];
    static int next;
    char *text = texts[next++ % 2];
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        (void)strcat(text, i == 0 ? "" : "; ");
        for (size_t m = 0; lists[i] != NULL && lists[i][m] != NULL; m++) {
            (void)strcat(text, m == 0 ? "" : ", ");
            (void)strcat(text, lists[i][m]);
        }
    }
    return text;
}

static const struct {
    const char *name, *optimizer, *schedule, *losses[2], *metrics, *weighted;
    double loss_weights[2];
    int64_t iterations;
} texts[] = {
    {"strings", "sgd", NULL, {"mse"}, "mae, mean_squared_error", "", {1}, 3},
    {"momentum", "sgd(learning_rate=0.05", NULL, {"sparse_categorical_crossentropy"}, "accuracy", "", {1}, 3},
    {"objects",
     "adam(learning_rate=0.02",
     NULL,
     {"categorical_crossentropy(label_smoothing=0.125)"},
     "acc, top_k_categorical_accuracy(k=2), auc(num_thresholds=20, name='area'), precision(thresholds=[0.25])",
     "mse",
     {1},
     3},
    {"schedule",
     "rmsprop(",
     "exponential_decay(initial_learning_rate=0.125, decay_steps=2, decay_rate=0.5, "
     "staircase=True)",
     {"sparse_categorical_crossentropy"},
     "",
     "",
     {1},
     3},
    {"pieces",
     "adagrad",
     "piecewise_constant_decay(boundaries=[1, 4], values=[0.25, 0.125, 0.0625])",
     {"sparse_categorical_crossentropy"},
     "",
     "",
     {1},
     3},
    {"average", "adamax(learning_rate=0.02", NULL, {"kl_divergence"}, "categorical_accuracy(name='hits')", "", {1}, 3},
    {"lists",
     "nadam(learning_rate=0.02",
     NULL,
     {"sparse_categorical_crossentropy", "huber"},
     "accuracy; mae, mse",
     "; ",
     {1, 0.25},
     3},
    {"dicts",
     "adadelta(learning_rate=1, rho=0.75",
     NULL,
     {"categorical_crossentropy", "mean_squared_error"},
     "accuracy, recall(name='found'); mae",
     "; mse",
     {2, 0.5},
     3},
    {"one_loss", "ftrl(learning_rate=0.125", NULL, {"mean_squared_error", "mean_squared_error"}, "; ", "; ", {1, 1}, 3},
    {"partial", "lion(learning_rate=0.01", NULL, {NULL, "mean_squared_error"}, "; mae", "; ", {1, 1}, 3},
    {"fresh", "sgd(learning_rate=0.5", NULL, {"sparse_categorical_crossentropy"}, "", "", {1}, 0},
};

/* Keras 2 keeps words of metrics in .keras files, and in .h5 files what they were found to be: the names stay. */
static void expect_metrics(const char *where, const char *found, const char *wanted) {
    bool same = strcmp(found, wanted) == 0;
    bool resolved = ends_with(where, ".h5") && strstr(found, "name=") != NULL;
    /* Keras 2 writes into its .keras the names with the output's name in front, and puts it there again. */
    ck_assert_msg(same || resolved || strstr(where, "k2_dicts.keras") != NULL, "%s: metrics '%s', not '%s'", where,
                  found, wanted);
}

static void expect_texts(size_t index, int generation, const char *ending) {
    char name[64];
    clayer_compile_config config;
    int64_t iterations = 0;
    (void)snprintf(name, sizeof(name), "k%d_%s", generation, texts[index].name);
    clayer_model *model = load(name, ending);
    MUST(clayer_model_get_compile_config(model, &config));
    MUST(clayer_model_get_iterations(model, &iterations));
    const char *where = beside(FOLDER, name, ending);
    const size_t outputs = clayer_model_get_output_count(model);
    const char *schedule = config.learning_rate_schedule;
    const char *optimizer = texts[index].optimizer;
    ck_assert_msg(strncmp(config.optimizer, optimizer, strcspn(optimizer, "(,")) == 0, "%s: %s", where,
                  config.optimizer);
    ck_assert_msg(
        (schedule == NULL) == (texts[index].schedule == NULL) &&
            (schedule == NULL || strncmp(schedule, texts[index].schedule, strlen(texts[index].schedule) - 1) == 0),
        "%s: schedule '%s'", where, schedule == NULL ? "(none)" : schedule);
    ck_assert_msg(iterations == texts[index].iterations, "%s: %lld iterations", where, (long long)iterations);
    for (size_t i = 0; i < outputs; i++) {
        const char *loss = config.losses != NULL ? config.losses[i] : config.loss;
        const char *wanted = texts[index].losses[i];
        ck_assert_msg(
            (loss == NULL) == (wanted == NULL) && (loss == NULL || strncmp(loss, wanted, strlen(wanted)) == 0),
            "%s: loss %zu is '%s'", where, i, loss == NULL ? "(none)" : loss);
        double weight = config.loss_weights == NULL ? 1.0 : config.loss_weights[i];
        ck_assert_msg(weight == texts[index].loss_weights[i], "%s: loss weight %zu is %g", where, i, weight);
    }
    expect_metrics(where, join(config.output_metrics, outputs), texts[index].metrics);
    expect_metrics(where, join(config.output_weighted_metrics, outputs), texts[index].weighted);
    clayer_model_destroy(model);
}

START_TEST(models_are_compiled_as_keras_compiled_them) {
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int generation = 2; generation <= 3; generation++) {
            expect_texts(i, generation, ".keras");
            expect_texts(i, generation, ".h5");
        }
    }
}
END_TEST

/* ---- training goes on ---- */

typedef struct example {
    clayer_archive *archive;
    const clayer_array *x, *y[2];
} example;

static void open_example(const char *name, example *out) {
    char part[8];
    MUST(clayer_archive_load(beside(FOLDER, name, ".npz"), &out->archive));
    out->x = clayer_archive_find(out->archive, "x");
    for (int i = 0; i < 2; i++) {
        (void)snprintf(part, sizeof(part), "y.%d", i);
        out->y[i] = clayer_archive_find(out->archive, part);
    }
}

static void train(clayer_model *model, const example *data, int steps) {
    for (int i = 0; i < steps; i++) {
        const clayer_batch batch = {.inputs = &data->x, .targets = data->y};
        MUST(clayer_model_train_on_batch(model, &batch, NULL, 0, NULL));
    }
}

/* Keras' weights after two more steps; get_weights() has those that training moves first. */
static void expect_weights(clayer_model *model, const example *data, const char *where) {
    size_t number = 0;
    for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
        clayer_layer *layer = clayer_model_get_layer(model, i);
        for (size_t w = 0; w < clayer_layer_get_weight_count(layer); w++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "w.%zu", number++);
            const clayer_array *wanted = clayer_archive_find(data->archive, name);
            ck_assert_msg(wanted != NULL, "%s: no %s", where, name);
            const float *values = clayer_array_get_const_data(wanted);
            int64_t count = clayer_array_get_count(wanted);
            float *found = malloc((size_t)count * sizeof(float));
            ck_assert_ptr_nonnull(found);
            MUST(clayer_tensor_read(clayer_layer_get_weight(layer, w), found, count));
            for (int64_t k = 0; k < count; k++) {
                double difference = fabs((double)found[k] - (double)values[k]);
                ck_assert_msg(difference <= 2e-4 * (1 + fabs((double)values[k])),
                              "%s: %s %s[%lld] is %.8g, Keras has %.8g", where, clayer_layer_get_name(layer),
                              clayer_layer_get_weight_name(layer, w), (long long)k, (double)found[k],
                              (double)values[k]);
            }
            free(found);
        }
    }
}

START_TEST(training_goes_on_as_keras_goes_on) {
    static const char *const endings[] = {".keras", ".h5"};
    file_list list;
    int trained = 0;
    list_files(FOLDER, ".npz", &list);
    for (int i = 0; i < list.count; i++) {
        for (int e = 0; e < 2; e++) {
            example data = {.archive = NULL};
            open_example(list.names[i], &data);
            if (data.y[0] != NULL) {
                clayer_model *model = load(list.names[i], endings[e]);
                train(model, &data, 2);
                expect_weights(model, &data, beside(FOLDER, list.names[i], endings[e]));
                clayer_model_destroy(model);
                trained++;
            }
            clayer_archive_destroy(data.archive);
        }
    }
    ck_assert_int_ge(trained, 44);
    free_files(&list);
}
END_TEST

/* To the bit: one step, a file, another step; and two steps. */
START_TEST(a_saved_training_goes_on_as_if_it_had_not_stopped) {
    static const char *const endings[] = {".keras", ".h5"};
    file_list list;
    list_files(FOLDER, ".npz", &list);
    for (int i = 0; i < list.count; i++) {
        example data = {.archive = NULL};
        open_example(list.names[i], &data);
        if (data.y[0] != NULL) {
            clayer_model *whole = load(list.names[i], ".keras"), *parts = load(list.names[i], ".keras"), *again = NULL;
            train(parts, &data, 1);
            train(whole, &data, 2);
            const char *path = saved_path(endings[i % 2]);
            MUST(clayer_model_save(parts, path));
            MUST(clayer_model_load(context, path, &again));
            train(again, &data, 1);
            expect_same_model(again, whole, list.names[i]);
            clayer_model_destroy(whole);
            clayer_model_destroy(parts);
            clayer_model_destroy(again);
        }
        clayer_archive_destroy(data.archive);
    }
    free_files(&list);
}
END_TEST

/* ---- older forms ---- */

/* A model with one output, compiled from a text. */
static clayer_model *compile_from(const char *training) {
    clayer_model *model = load("k2_strings", ".h5");
    cJSON *json = NULL;
    MUST(cly_io_json_parse(training, strlen(training), "a test", &json));
    MUST(cly_io_keras_training(model, json));
    cJSON_Delete(json);
    return model;
}

START_TEST(older_forms_are_read) {
    clayer_compile_config config;
    clayer_model *model = compile_from(
        "{\"optimizer_config\": {\"class_name\": \"SGD\", \"config\": {\"lr\": 0.5, "
        "\"decay\": 0.25, \"momentum\": 0.75, \"nesterov\": false, \"name\": \"SGD\"}}, "
        "\"loss\": {\"class_name\": \"MeanSquaredError\", \"config\": {\"reduction\": "
        "\"auto\", \"name\": null}}, \"metrics\": [[\"mae\"]], \"sample_weight_mode\": null, "
        "\"loss_weights\": null}");
    MUST(clayer_model_get_compile_config(model, &config));
    ck_assert_str_eq(config.learning_rate_schedule,
                     "inverse_time_decay(initial_learning_rate=0.5, decay_steps=1, decay_rate=0.25)");
    ck_assert_str_eq(config.loss, "mean_squared_error");
    ck_assert_str_eq(config.output_metrics[0][0], "mae");
    clayer_model_destroy(model);
    model = compile_from("{\"optimizer\": \"adam\", \"loss\": [\"mae\"], \"metrics\": \"mse\", \"loss_weights\": 0.5}");
    MUST(clayer_model_get_compile_config(model, &config));
    ck_assert_str_eq(config.optimizer, "adam");
    ck_assert_double_eq(config.loss_weights[0], 0.5);
    clayer_model_destroy(model);
}
END_TEST

/* ---- what cannot be used ---- */

static void expect_problem(clayer_model *model, const char *part) {
    const clayer_array *none = NULL;
    const clayer_batch batch = {.inputs = &none, .targets = &none};
    ck_assert(!clayer_model_is_compiled(model));
    REFUSED(clayer_model_train_on_batch(model, &batch, NULL, 0, NULL), CLAYER_UNSUPPORTED, part);
}

START_TEST(models_run_that_cannot_be_trained_here) {
    static const char *const parts[] = {"Adafactor", "smallest_loss", "metric"};
    static const char *const names[] = {"other_optimizer", "other_loss", "other_metric"};
    for (int generation = 2; generation <= 3; generation++) {
        for (int i = 0; i < 3; i++) {
            char name[64];
            (void)snprintf(name, sizeof(name), "k%d_%s", generation, names[i]);
            clayer_model *model = load(name, ".keras"), *again = NULL;
            clayer_array *x = make_array(CLAYER_FLOAT32, 4, (int64_t[]){2, 5, 6, 2}), *y = NULL;
            expect_problem(model, parts[i]);
            MUST(clayer_model_predict(model, &x, 1, NULL, &y));
            /* Saved without what it was compiled with. */
            MUST(clayer_model_save(model, saved_path(".keras")));
            MUST(clayer_model_load(context, saved_path(".keras"), &again));
            ck_assert(!clayer_model_is_compiled(again));
            clayer_array_destroy(x);
            clayer_array_destroy(y);
            clayer_model_destroy(model);
            clayer_model_destroy(again);
        }
    }
}
END_TEST

START_TEST(odd_configurations_are_told) {
    static const char *const cases[][2] = {
        {"[]", "no object"},
        {"{\"loss\": \"mse\"}", "no optimizer"},
        {"{\"optimizer\": 3}", "not one of Keras' own"},
        {"{\"optimizer\": {\"class_name\": \"Mine>Adam\", \"config\": {}}}", "Mine>Adam"},
        {"{\"optimizer\": {\"class_name\": \"Adam\", \"config\": {\"beta_3\": 1}}}", "beta_3"},
        {"{\"optimizer\": {\"class_name\": \"Adam\", \"config\": {\"learning_rate\": {\"class_name\": \"Mine\", "
         "\"config\": {}}}}}",
         "Mine"},
        {"{\"optimizer\": \"sgd\", \"loss\": {\"nowhere\": \"mse\"}}", "'nowhere'"},
        {"{\"optimizer\": \"sgd\", \"loss\": [\"mse\", \"mse\"]}", "more entries"},
        {"{\"optimizer\": \"sgd\", \"loss\": 3}", "loss is neither"},
        {"{\"optimizer\": \"sgd\", \"loss\": {\"class_name\": \"__lambda__\", \"config\": {}}}", "Lambda"},
        {"{\"optimizer\": \"sgd\", \"loss\": \"mse\", \"loss_weights\": [\"x\"]}", "no number"},
        {"{\"optimizer\": \"sgd\", \"loss\": \"mse\", \"metrics\": [\"mine\"]}", "'mine'"},
        {"{\"optimizer\": \"sgd\", \"loss\": \"mse\", \"metrics\": 3}", "metrics is neither"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clayer_model *model = compile_from(cases[i][0]);
        expect_problem(model, cases[i][1]);
        clayer_model_destroy(model);
    }
}
END_TEST

/* Letters to letters, digits to digits: most stay JSON, of other names and numbers. */
START_TEST(damaged_configurations_do_no_harm) {
    static const char *const names[] = {"k2_dicts", "k3_dicts", "k3_objects", "k2_schedule", "k3_pieces"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        clayer_model *model = load(names[n], ".keras");
        cJSON *json = read_model_json(beside(FOLDER, names[n], ".h5"), true);
        char *text = cJSON_PrintUnformatted(json);
        size_t length = strlen(text);
        for (int turn = 0; turn < 300; turn++) {
            test_random random = test_random_start(6, (uint64_t)turn);
            char *copy = malloc(length + 1);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, text, length + 1);
            for (int flips = 0; flips < 3; flips++) {
                size_t place = (size_t)test_random_int(&random, 0, (int64_t)length - 1);
                if (copy[place] >= '0' && copy[place] <= '9') {
                    copy[place] = (char)('0' + test_random_int(&random, 0, 9));
                } else if (copy[place] >= 'a' && copy[place] <= 'z') {
                    copy[place] = (char)('a' + test_random_int(&random, 0, 25));
                } else if (copy[place] == '{' || copy[place] == '[' || copy[place] == ',') {
                    copy[place] = ",[{"[test_random_int(&random, 0, 2)];
                }
            }
            cJSON *damaged = NULL;
            if (cly_io_json_parse(copy, length, "damaged", &damaged) == CLAYER_OK) {
                MUST(cly_io_keras_training(model, damaged));
            }
            cJSON_Delete(damaged);
            free(copy);
        }
        cJSON_free(text);
        cJSON_Delete(json);
        clayer_model_destroy(model);
    }
}
END_TEST

/* The weights that training moves changed: as in Keras the state starts anew, and the log says so. */
START_TEST(another_state_is_told_and_left) {
    cly_test_log log = {.count = 0};
    clayer_context *own = cly_test_context(NULL, &log);
    clayer_model *model = load("k3_momentum", ".keras"), *again = NULL;
    int64_t iterations = 0;
    clayer_layer_set_trainable(clayer_model_get_layer(model, 1), false);
    MUST(clayer_model_save(model, saved_path(".keras")));
    MUST(clayer_model_load(own, saved_path(".keras"), &again));
    MUST(clayer_model_get_iterations(again, &iterations));
    ck_assert_int_eq(iterations, 0);
    ck_assert_msg(strstr(log.all, "starts with a fresh state") != NULL, "the log has '%s'", log.all);
    clayer_model_destroy(model);
    clayer_model_destroy(again);
    clayer_context_destroy(own);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.compiled");
    TCase *cases = tcase_create("compiled");
    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, models_are_compiled_as_keras_compiled_them);
    tcase_add_test(cases, training_goes_on_as_keras_goes_on);
    tcase_add_test(cases, a_saved_training_goes_on_as_if_it_had_not_stopped);
    tcase_add_test(cases, older_forms_are_read);
    tcase_add_test(cases, models_run_that_cannot_be_trained_here);
    tcase_add_test(cases, odd_configurations_are_told);
    tcase_add_test(cases, damaged_configurations_do_no_harm);
    tcase_add_test(cases, another_state_is_told_and_left);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
