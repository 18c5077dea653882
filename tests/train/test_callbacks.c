/* train/test_callbacks.c: decisions, files and numbers of the callbacks against Keras' own (tests/golden/callbacks). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clayer/model.h>
#include <clayer/train.h>

#include "base/path.h"
#include "model/model.h"
#include "support/context.h"
#include "support/folder.h"
#include "support/runner.h"
#include "train/callbacks.h"
#include "train/history.h"

#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define MOST 16 /* epochs of a sequence, fields of a line */

static clayer_context *context;
static clayer_model *models[2]; /* of the generations 2 and 3, with metrics made */

static void golden_path(const char *file, char *path, size_t size) {
    (void)snprintf(path, size, "%s/callbacks/%s", CLAYER_TEST_DATA, file);
}

/* The net that the decisions were recorded with; one evaluation makes its metrics. */
static clayer_model *load_model(int generation) {
    static const char *const metrics[] = {"accuracy", "mean_absolute_error", "AUC", NULL};
    char file[32], path[512];
    clayer_model *model = NULL;
    clayer_array *x = NULL, *y = NULL;
    (void)snprintf(file, sizeof(file), "net_g%d.keras", generation);
    golden_path(file, path, sizeof(path));
    MUST(clayer_model_load(context, path, &model));
    MUST(clayer_model_compile(model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                                              .optimizer = "sgd(learning_rate=0.3)",
                                                              .loss = "mean_squared_error",
                                                              .metrics = metrics}));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, (const int64_t[]){2, 2}, &x));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, (const int64_t[]){2, 1}, &y));
    MUST(clayer_model_evaluate(model,
                               &(clayer_dataset){.struct_size = sizeof(clayer_dataset),
                                                 .x = (const clayer_array *const[]){x},
                                                 .y = (const clayer_array *const[]){y}},
                               NULL, NULL, 0, NULL));
    clayer_array_destroy(x);
    clayer_array_destroy(y);
    return model;
}

static void open_all(void) {
    context = cly_test_context(NULL, NULL);
    models[0] = load_model(2);
    models[1] = load_model(3);
}

static void close_all(void) {
    clayer_model_destroy(models[0]);
    clayer_model_destroy(models[1]);
    clayer_context_destroy(context);
}

/* ---- reading ---- */

/* Calls `look` with the fields of each line that begins with `word`; at least one must. */
static void each_line(const char *file, const char *word, const char *separators, void (*look)(char **fields)) {
    char path[512], line[4096];
    int found = 0;
    golden_path(file, path, sizeof(path));
    FILE *stream = fopen(path, "r");
    ck_assert_msg(stream != NULL, "cannot read %s", path);
    while (fgets(line, sizeof(line), stream) != NULL) {
        char *fields[MOST] = {NULL}, *rest = line;
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *field = strtok_r(line, separators, &rest); field != NULL && count < MOST;
             field = strtok_r(NULL, separators, &rest)) {
            fields[count++] = field;
        }
        if (count > 0 && strcmp(fields[0], word) == 0) {
            look(fields);
            found++;
        }
    }
    (void)fclose(stream);
    ck_assert_msg(found > 0, "%s has no '%s'", file, word);
}

static size_t read_numbers(char *text, double *values) {
    size_t count = 0;
    char *rest = NULL;
    for (char *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        ck_assert(count < MOST);
        values[count++] = strtod(item, NULL);
    }
    return count;
}

static size_t read_logs(char *text, clayer_log *logs) {
    size_t count = 0;
    char *rest = NULL;
    for (char *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(item, '=');
        ck_assert(count < MOST && equals != NULL);
        *equals = '\0';
        logs[count++] = (clayer_log){.name = item, .value = strtod(equals + 1, NULL)};
    }
    return count;
}

static clayer_model *model_of(const char *generation) {
    return models[strcmp(generation, "3") == 0];
}

static cly_train_callbacks start(clayer_model *model, const clayer_fit_config *config) {
    cly_train_callbacks callbacks = {0};
    MUST(cly_train_callbacks_start(model->compiled->session, config, &callbacks));
    return callbacks;
}

/* ---- decisions ---- */

static void check_direction(char **f) {
    const cly_train_watcher watcher = strcmp(f[2], "stopping") == 0  ? CLY_WATCHES_EARLY_STOPPING
                                      : strcmp(f[2], "plateau") == 0 ? CLY_WATCHES_REDUCE_LR
                                                                     : CLY_WATCHES_CHECKPOINT;
    cly_train_monitor monitor = {0};
    const clayer_status status =
        cly_train_monitor_start(model_of(f[1])->compiled->session, watcher, f[3], "auto", 0, &monitor);
    const char *answer = status != CLAYER_OK ? "refused" : monitor.up ? "up" : "down";
    ck_assert_msg(strcmp(answer, f[4]) == 0, "Keras %s, %s, monitor %s: %s, Keras says %s", f[1], f[2], f[3], answer,
                  f[4]);
}

START_TEST(monitors_go_the_way_that_keras_says) {
    each_line("decisions.txt", "direction", " ", check_direction);
}
END_TEST

static void check_stopping(char **f) {
    double values[MOST];
    const size_t count = read_numbers(f[7], values);
    const clayer_fit_config config = {.early_stopping = {.monitor = "val_loss",
                                                         .mode = f[2],
                                                         .min_delta = strtod(f[3], NULL),
                                                         .patience = strtoll(f[4], NULL, 10),
                                                         .start_from_epoch = strtoll(f[5], NULL, 10),
                                                         .has_baseline = strcmp(f[6], "-") != 0,
                                                         .baseline = strtod(f[6], NULL)}};
    cly_train_callbacks callbacks = start(model_of(f[1]), &config);
    long stopped = -1;
    for (size_t epoch = 0; epoch < count && stopped < 0; epoch++) {
        const clayer_log log = {.name = "val_loss", .value = values[epoch]};
        bool stop = false;
        MUST(cly_train_callbacks_epoch(&callbacks, (int64_t)epoch, &log, 1, &stop));
        stopped = stop ? (long)epoch : -1;
    }
    ck_assert_msg(stopped == strtol(f[8], NULL, 10), "Keras %s, %s, delta %s, patience %s: stopped at %ld, Keras at %s",
                  f[1], f[2], f[3], f[4], stopped, f[8]);
    cly_train_callbacks_free(&callbacks);
}

START_TEST(early_stopping_stops_where_keras_stops) {
    each_line("decisions.txt", "stopping", " ", check_stopping);
}
END_TEST

static void check_plateau(char **f) {
    double values[MOST], rates[MOST];
    clayer_model *model = model_of(f[1]);
    const size_t count = read_numbers(f[9], values);
    const int64_t patience = strtoll(f[4], NULL, 10);
    ck_assert_uint_eq(read_numbers(f[10], rates), count);
    const clayer_fit_config config = {.reduce_lr = {.monitor = "val_loss",
                                                    .mode = f[2],
                                                    .factor = strtod(f[3], NULL),
                                                    .patience = patience == 0 ? -1 : patience,
                                                    .min_delta = strtod(f[5], NULL),
                                                    .cooldown = strtoll(f[6], NULL, 10),
                                                    .min_lr = strtod(f[7], NULL)}};
    cly_train_callbacks callbacks = start(model, &config);
    MUST(clayer_model_set_learning_rate(model, strtod(f[8], NULL)));
    for (size_t epoch = 0; epoch < count; epoch++) {
        const clayer_log log = {.name = "val_loss", .value = values[epoch]};
        bool stop = false;
        double rate = 0;
        MUST(cly_train_callbacks_epoch(&callbacks, (int64_t)epoch, &log, 1, &stop));
        MUST(clayer_model_get_learning_rate(model, &rate));
        ck_assert_msg(rate == rates[epoch], "Keras %s, %s, factor %s, epoch %zu: rate %.9g, Keras has %.9g", f[1], f[2],
                      f[3], epoch, rate, rates[epoch]);
    }
    cly_train_callbacks_free(&callbacks);
}

START_TEST(rates_fall_on_plateaus_as_keras_lets_them) {
    each_line("decisions.txt", "plateau", " ", check_plateau);
}
END_TEST

static int saves;
static clayer_status count_save(clayer_model *model, const char *path) {
    ck_assert(model != NULL);
    ck_assert_str_eq(path, "x.keras");
    saves++;
    return CLAYER_OK;
}

static void check_saving(char **f) {
    double values[MOST], answers[MOST];
    const size_t count = read_numbers(f[3], values);
    ck_assert_uint_eq(read_numbers(f[4], answers), count);
    const clayer_fit_config config = {
        .checkpoint = {.path = "x.keras", .save_best_only = true, .mode = f[2], .save = count_save}};
    cly_train_callbacks callbacks = start(model_of(f[1]), &config);
    for (size_t epoch = 0; epoch < count; epoch++) {
        const clayer_log log = {.name = "val_loss", .value = values[epoch]};
        bool stop = false;
        saves = 0;
        MUST(cly_train_callbacks_epoch(&callbacks, (int64_t)epoch, &log, 1, &stop));
        ck_assert_msg(saves == (int)answers[epoch], "Keras %s, %s, epoch %zu: %d saves, Keras %g", f[1], f[2], epoch,
                      saves, answers[epoch]);
    }
    cly_train_callbacks_free(&callbacks);
}

START_TEST(checkpoints_keep_the_best) {
    each_line("decisions.txt", "saving", " ", check_saving);
}
END_TEST

START_TEST(callbacks_refuse_what_makes_no_sense) {
    cly_train_callbacks callbacks = {0};
    const struct {
        clayer_fit_config config;
        const char *message;
    } wrong[] = {
        {{.early_stopping = {.monitor = "loss", .mode = "down"}}, "mode 'down' is none of auto, min, max"},
        {{.reduce_lr = {.monitor = "loss", .factor = 1}}, "factor 1 is not below 1"},
        {{.checkpoint = {.path = "x.keras"}}, "no function to save"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(cly_train_callbacks_start(models[1]->compiled->session, &wrong[i].config, &callbacks),
                         CLAYER_INVALID_ARGUMENT);
        cly_test_error_has(wrong[i].message);
    }
}
END_TEST

/* ---- numbers and files ---- */

static void check_repr(char **f) {
    char text[CLY_TRAIN_NUMBER];
    cly_train_write_number(strtod(f[1], NULL), strcmp(f[0], "float32") == 0, text);
    ck_assert_msg(strcmp(text, f[2]) == 0, "%s of %s: %s, Python writes %s", f[0], f[1], text, f[2]);
}

START_TEST(numbers_are_written_as_python_writes_them) {
    each_line("numbers.txt", "repr", " ", check_repr);
    each_line("numbers.txt", "float32", " ", check_repr);
}
END_TEST

static char logs_text[1024];
static void keep_logs(char **f) {
    ck_assert(strlen(f[1]) < sizeof(logs_text));
    strcpy(logs_text, f[1]);
}

static void check_format(char **f) {
    char text[1024];
    clayer_log logs[MOST];
    cly_base_text path = {0};
    strcpy(text, logs_text);
    const size_t count = read_logs(text, logs);
    const clayer_status status = cly_train_format_path(f[1], strtoll(f[2], NULL, 10), logs, count, &path);
    const char *answer = status == CLAYER_OK ? path.chars : "refused";
    ck_assert_msg(status == CLAYER_OK || status == CLAYER_INVALID_ARGUMENT, "%s", clayer_last_error());
    ck_assert_msg(strcmp(answer, f[3]) == 0, "'%s' gives '%s', Python '%s'", f[1], answer, f[3]);
    cly_base_text_free(&path);
}

START_TEST(file_names_are_filled_in_as_python_fills_them_in) {
    each_line("numbers.txt", "logs", " ", keep_logs);
    each_line("numbers.txt", "format", "\t", check_format);
}
END_TEST

/* The file being written, or NULL, and what it is to be. */
static cly_train_csv *csv;
static char *folder, csv_path[512], csv_golden[512];

static void compare_csv(void) {
    void *written = NULL, *golden = NULL;
    size_t written_length = 0, golden_length = 0;
    if (csv == NULL) {
        return;
    }
    MUST(cly_train_csv_close(csv));
    csv = NULL;
    MUST(cly_base_read_file(csv_path, 0, &written, &written_length));
    MUST(cly_base_read_file(csv_golden, 0, &golden, &golden_length));
    ck_assert_msg(written_length == golden_length && memcmp(written, golden, golden_length) == 0,
                  "%s: wrote\n%sKeras wrote\n%s", csv_golden, (char *)written, (char *)golden);
    free(written);
    free(golden);
}

static void run_csv(char **f) {
    if (strcmp(f[0], "csv") == 0) {
        char file[32];
        const bool append = strcmp(f[3], "1") == 0;
        compare_csv();
        (void)snprintf(file, sizeof(file), "csv_%s.csv", f[1]);
        golden_path(file, csv_golden, sizeof(csv_golden));
        (void)snprintf(csv_path, sizeof(csv_path), "%s/%s", folder, file);
        if (append) {
            static const char header[] = "epoch,accuracy,loss\r\n";
            MUST(cly_base_write_file(csv_path, header, strlen(header)));
        }
        MUST(cly_train_csv_open(csv_path, append, (int)strtol(f[2], NULL, 10), &csv));
    } else {
        clayer_log logs[MOST];
        const size_t count = read_logs(f[2], logs);
        MUST(cly_train_csv_add(csv, strtoll(f[1], NULL, 10), logs, count));
    }
}

START_TEST(csv_files_are_keras_byte_for_byte) {
    char path[512], line[4096];
    folder = cly_test_folder();
    golden_path("csv.txt", path, sizeof(path));
    FILE *stream = fopen(path, "r");
    ck_assert(stream != NULL);
    while (fgets(line, sizeof(line), stream) != NULL) {
        char *fields[4] = {NULL}, *rest = NULL;
        line[strcspn(line, "\n")] = '\0';
        fields[0] = strtok_r(line, " ", &rest);
        for (size_t i = 1; i < 4; i++) {
            fields[i] = strtok_r(NULL, " ", &rest);
        }
        run_csv(fields);
    }
    (void)fclose(stream);
    ck_assert(csv != NULL);
    compare_csv();
    cly_test_remove(folder);
}
END_TEST

START_TEST(csv_names_are_quoted_and_faults_are_told) {
    void *bytes = NULL;
    size_t length = 0;
    char path[512];
    clayer_log log = {.name = "a,\"b\"", .value = 1};
    folder = cly_test_folder();
    (void)snprintf(path, sizeof(path), "%s/log.csv", folder);
    MUST(cly_train_csv_open(path, false, 3, &csv));
    MUST(cly_train_csv_add(csv, 0, &log, 1));
    MUST(cly_train_csv_close(csv));
    MUST(cly_base_read_file(path, 0, &bytes, &length));
    ck_assert_str_eq(bytes, "epoch,\"a,\"\"b\"\"\",\"val_a,\"\"b\"\"\"\r\n0,1.0,NA\r\n");
    free(bytes);
    (void)snprintf(path, sizeof(path), "%s/none/log.csv", folder);
    ck_assert_int_eq(cly_train_csv_open(path, false, 3, &csv), CLAYER_IO_ERROR);
    cly_test_error_has(path);
    cly_test_remove(folder);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train.callbacks");
    TCase *tests = tcase_create("keras");
    tcase_add_unchecked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, monitors_go_the_way_that_keras_says);
    tcase_add_test(tests, early_stopping_stops_where_keras_stops);
    tcase_add_test(tests, rates_fall_on_plateaus_as_keras_lets_them);
    tcase_add_test(tests, checkpoints_keep_the_best);
    tcase_add_test(tests, callbacks_refuse_what_makes_no_sense);
    tcase_add_test(tests, numbers_are_written_as_python_writes_them);
    tcase_add_test(tests, file_names_are_filled_in_as_python_fills_them_in);
    tcase_add_test(tests, csv_files_are_keras_byte_for_byte);
    tcase_add_test(tests, csv_names_are_quoted_and_faults_are_told);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
