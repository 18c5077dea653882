/* train/test_session.c: what training promises besides Keras' numbers: the same bits, going on, stopping, flat memory,
 * and clear refusals that change nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/context.h"
#include "support/folder.h"
#include "support/runner.h"
#include "train/nets.h"

static clayer_context *context;

static void open_context(void) {
    context = cly_test_context(NULL, NULL);
}

static void close_context(void) {
    clayer_context_destroy(context);
}

static clayer_fit_config config_of(int64_t epochs) {
    return (clayer_fit_config){.struct_size = sizeof(clayer_fit_config), .batch_size = 4, .epochs = epochs, .seed = 11};
}

/* The net of images after that fit. */
static clayer_model *trained(const clayer_fit_config *config, const net_data *data) {
    clayer_model *model = net_images(context);
    net_compile(model, NULL, "sparse_categorical_crossentropy", "accuracy");
    MUST(clayer_model_fit(model, &data->dataset, config, NULL));
    return model;
}

static void make_image_data(net_data *data) {
    clayer_model *model = net_images(context);
    net_make_data(model, 5, 18, 3, data);
    clayer_model_destroy(model);
}

/* ---- the same bits ---- */

START_TEST(two_runs_give_the_same_bits) {
    net_data data;
    make_image_data(&data);
    const clayer_fit_config config = config_of(3);
    clayer_fit_config other = config;
    other.seed = 12;
    clayer_model *a = trained(&config, &data), *b = trained(&config, &data), *c = trained(&other, &data);
    ck_assert(net_same_weights(a, b));
    ck_assert(!net_same_weights(a, c)); /* the seed orders the samples */
    clayer_model_destroy(a);
    clayer_model_destroy(b);
    clayer_model_destroy(c);
    net_free_data(&data);
}
END_TEST

START_TEST(training_that_goes_on_is_training_that_never_stopped) {
    net_data data;
    make_image_data(&data);
    clayer_fit_config config = config_of(4);
    clayer_model *whole = trained(&config, &data);
    config.epochs = 2;
    clayer_model *parts = trained(&config, &data);
    config.initial_epoch = 2;
    config.epochs = 4;
    MUST(clayer_model_fit(parts, &data.dataset, &config, NULL));
    ck_assert(net_same_weights(whole, parts));
    clayer_model_destroy(whole);
    clayer_model_destroy(parts);
    net_free_data(&data);
}
END_TEST

/* Batches of four, from the arrays of a net_data. */
typedef struct dealer {
    const net_data *data;
    clayer_array *x, *y;
    const clayer_array *xs[1], *ys[1];
    int64_t fails_at;
} dealer;

static clayer_status deal(int64_t epoch, int64_t index, clayer_batch *batch_out, void *argument) {
    dealer *d = argument;
    clayer_shape shape = *clayer_array_get_shape(d->data->x);
    const int64_t width = clayer_array_get_count(d->data->x) / shape.dims[0];
    const int64_t samples = shape.dims[0] - 4 * index < 4 ? shape.dims[0] - 4 * index : 4;
    ck_assert(epoch >= 0);
    if (index == d->fails_at) {
        return CLAYER_IO_ERROR;
    }
    clayer_array_destroy(d->x);
    clayer_array_destroy(d->y);
    shape.dims[0] = samples;
    MUST(clayer_array_create(CLAYER_FLOAT32, shape.rank, shape.dims, &d->x));
    MUST(clayer_array_create(CLAYER_INT32, 1, &samples, &d->y));
    memcpy(clayer_array_get_data(d->x), (const float *)clayer_array_get_const_data(d->data->x) + 4 * index * width,
           (size_t)(samples * width) * sizeof(float));
    memcpy(clayer_array_get_data(d->y), (const int32_t *)clayer_array_get_const_data(d->data->y) + 4 * index,
           (size_t)samples * sizeof(int32_t));
    d->xs[0] = d->x;
    d->ys[0] = d->y;
    *batch_out = (clayer_batch){.inputs = d->xs, .targets = d->ys};
    return CLAYER_OK;
}

START_TEST(batches_from_a_callback_or_one_by_one_are_batches_from_arrays) {
    net_data data;
    make_image_data(&data);
    clayer_fit_config config = config_of(2);
    config.no_shuffle = true;
    clayer_model *arrays = trained(&config, &data), *called = NULL, *single = net_images(context);
    dealer d = {.data = &data, .fails_at = -1};
    net_data dealt = {
        .dataset = {.struct_size = sizeof(clayer_dataset), .batches = deal, .batches_data = &d, .steps = 5}};
    called = trained(&config, &dealt);
    ck_assert(net_same_weights(arrays, called));
    net_compile(single, NULL, "sparse_categorical_crossentropy", "accuracy");
    for (int64_t step = 0; step < 10; step++) {
        clayer_batch batch = {0};
        clayer_log logs[4];
        size_t count = 0;
        MUST(deal(0, step % 5, &batch, &d));
        if (step % 2 == 0) {
            MUST(clayer_model_train_on_batch(single, &batch, logs, 4, &count));
            ck_assert(count == 2 && strcmp(logs[0].name, "accuracy") == 0 && strcmp(logs[1].name, "loss") == 0);
            ck_assert(logs[1].value > 0 && logs[1].value < 10);
        } else {
            MUST(clayer_model_train_on_batch(single, &batch, NULL, 0, NULL));
        }
    }
    ck_assert(net_same_weights(arrays, single));
    d.fails_at = 3;
    REFUSED(clayer_model_fit(called, &dealt.dataset, &config, NULL), CLAYER_IO_ERROR,
            "epoch 0, batch 3 of the callback");
    clayer_array_destroy(d.x);
    clayer_array_destroy(d.y);
    clayer_model_destroy(arrays);
    clayer_model_destroy(called);
    clayer_model_destroy(single);
    net_free_data(&data);
}
END_TEST

/* ---- memory ---- */

START_TEST(a_thousand_steps_keep_the_memory_flat) {
    net_data data;
    make_image_data(&data);
    clayer_fit_config config = config_of(1);
    config.validation_split = 0.3;
    clayer_model *model = trained(&config, &data);
    const uint64_t before = cly_test_counters(context).device_bytes;
    config.initial_epoch = 1;
    config.epochs = 251; /* four steps each, the last of another size, and validation */
    MUST(clayer_model_fit(model, &data.dataset, &config, NULL));
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, before);
    clayer_model_destroy(model);
    net_free_data(&data);
}
END_TEST

START_TEST(a_model_gives_all_its_memory_back) {
    net_data data;
    const uint64_t before = cly_test_counters(context).device_bytes;
    make_image_data(&data);
    const clayer_fit_config config = config_of(1);
    clayer_model *model = trained(&config, &data);
    ck_assert(cly_test_counters(context).device_bytes > before);
    clayer_model_destroy(model);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, before);
    net_free_data(&data);
}
END_TEST

START_TEST(memory_limits_are_kept_before_the_first_step) {
    net_data data;
    clayer_model *model = net_images(context), *fresh = net_images(context);
    net_make_data(model, 1, 18, 3, &data);
    net_compile(model, NULL, "sparse_categorical_crossentropy", NULL);
    clayer_fit_config config = config_of(1);
    config.memory_limit_bytes = 1000;
    REFUSED(clayer_model_fit(model, &data.dataset, &config, NULL), CLAYER_OUT_OF_MEMORY, "1000");
    ck_assert(net_same_weights(model, fresh));
    config.memory_limit_bytes = 1 << 20;
    MUST(clayer_model_fit(model, &data.dataset, &config, NULL));
    clayer_model_destroy(model);
    clayer_model_destroy(fresh);
    net_free_data(&data);
}
END_TEST

/* ---- callbacks ---- */

typedef struct witness {
    int begun, ended, batches;
    int64_t stop_epoch, stop_batch; /* -1: none */
    bool loss_seen;
} witness;

static bool watch(const clayer_fit_state *state, void *data) {
    witness *w = data;
    ck_assert(state->model != NULL && state->epochs == 3 && state->batches == 5 && state->seconds >= 0);
    switch (state->event) {
        case CLAYER_EPOCH_BEGIN:
            ck_assert_int_eq(state->epoch, w->begun++);
            ck_assert_uint_eq(state->log_count, 0);
            break;
        case CLAYER_BATCH_END:
            ck_assert_int_eq(state->batch, w->batches++ % 5);
            ck_assert_int_eq(state->samples_done, state->batch == 4 ? 18 : 4 * (state->batch + 1));
            ck_assert_uint_eq(state->log_count, 2);
            ck_assert_str_eq(state->logs[1].name, "loss");
            w->loss_seen = state->logs[1].value > 0;
            return state->epoch != w->stop_epoch || state->batch != w->stop_batch;
        case CLAYER_EPOCH_END:
            w->ended++;
            return state->epoch != w->stop_epoch || w->stop_batch >= 0;
    }
    return true;
}

START_TEST(callbacks_see_every_event_and_may_stop) {
    net_data data;
    make_image_data(&data);
    const struct {
        int64_t epoch, batch, rows, steps;
    } stops[] = {{-1, -1, 3, 15}, {1, -1, 2, 10}, {1, 2, 1, 8}, {0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        witness w = {.stop_epoch = stops[i].epoch, .stop_batch = stops[i].batch};
        clayer_history *history = NULL;
        int64_t iterations = 0;
        clayer_model *model = net_images(context);
        net_compile(model, NULL, "sparse_categorical_crossentropy", "accuracy");
        clayer_fit_config config = config_of(3);
        config.callback = watch;
        config.callback_data = &w;
        config.batch_logs = i % 2 == 0;
        MUST(clayer_model_fit(model, &data.dataset, &config, &history));
        MUST(clayer_model_get_iterations(model, &iterations));
        ck_assert_int_eq(clayer_history_get_epochs(history), stops[i].rows);
        ck_assert_int_eq(iterations, stops[i].steps);
        ck_assert_int_eq(w.batches, stops[i].steps);
        ck_assert_int_eq(w.ended, stops[i].rows);
        ck_assert(w.loss_seen);
        clayer_history_destroy(history);
        clayer_model_destroy(model);
    }
    net_free_data(&data);
}
END_TEST

START_TEST(early_stopping_brings_the_best_weights_back) {
    net_data data;
    clayer_model *model = net_numbers(context, NULL), *best = net_numbers(context, NULL);
    clayer_history *history = NULL;
    net_make_data(model, 2, 12, 0, &data);
    net_compile(model, "sgd(learning_rate=0.1)", "mean_squared_error", NULL);
    net_compile(best, "sgd(learning_rate=0.1)", "mean_squared_error", NULL);
    clayer_fit_config config = config_of(1);
    MUST(clayer_model_fit(best, &data.dataset, &config, NULL)); /* the best is the first: the next must not beat it */
    config.epochs = 20;
    config.early_stopping =
        (clayer_early_stopping){.monitor = "loss", .min_delta = 1e6, .patience = 3, .restore_best_weights = true};
    MUST(clayer_model_fit(model, &data.dataset, &config, &history));
    ck_assert_int_eq(clayer_history_get_epochs(history), 4);
    ck_assert(net_same_weights(model, best));
    clayer_history_destroy(history);
    clayer_model_destroy(model);
    clayer_model_destroy(best);
    net_free_data(&data);
}
END_TEST

static clayer_status touch(clayer_model *model, const char *path) {
    FILE *file = fopen(path, "w");
    ck_assert_msg(model != NULL && file != NULL, "%s", path);
    (void)fclose(file);
    return CLAYER_OK;
}

static clayer_status fail_to_save(clayer_model *model, const char *path) {
    (void)model;
    (void)path;
    return CLAYER_IO_ERROR;
}

START_TEST(checkpoints_and_history_are_written_as_epochs_end) {
    net_data data;
    char pattern[512], csv[512];
    char *folder = cly_test_folder();
    clayer_model *model = net_numbers(context, NULL);
    net_make_data(model, 2, 12, 0, &data);
    net_compile(model, NULL, "mean_squared_error", NULL);
    clayer_fit_config config = config_of(3);
    (void)snprintf(pattern, sizeof(pattern), "%s/deep/er/{epoch:03d}.keras", folder);
    (void)snprintf(csv, sizeof(csv), "%s/log.csv", folder);
    config.checkpoint = (clayer_checkpoint){.path = pattern, .save = touch};
    config.csv_path = csv;
    MUST(clayer_model_fit(model, &data.dataset, &config, NULL));
    (void)snprintf(pattern, sizeof(pattern), "%s/deep/er", folder);
    ck_assert_int_eq(cly_test_count_files(pattern), 3);
    ck_assert_int_eq(cly_test_count_files(folder), 2);
    config.checkpoint.save = fail_to_save;
    REFUSED(clayer_model_fit(model, &data.dataset, &config, NULL), CLAYER_IO_ERROR, "checkpoint of epoch 1");
    cly_test_remove(folder);
    clayer_model_destroy(model);
    net_free_data(&data);
}
END_TEST

START_TEST(learning_rates_can_be_set_but_not_under_a_schedule) {
    double rate = 0;
    clayer_model *model = net_numbers(context, NULL);
    REFUSED(clayer_model_get_learning_rate(model, &rate), CLAYER_INVALID_ARGUMENT, "is not compiled");
    net_compile(model, "sgd(learning_rate=0.5)", "mean_squared_error", NULL);
    MUST(clayer_model_get_learning_rate(model, &rate));
    ck_assert(rate == 0.5);
    MUST(clayer_model_set_learning_rate(model, 0.25));
    MUST(clayer_model_get_learning_rate(model, &rate));
    ck_assert(rate == 0.25);
    MUST(clayer_model_compile(model,
                              &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                                       .optimizer = "sgd",
                                                       .learning_rate_schedule = "inverse_time_decay(0.1, 10, 0.5)",
                                                       .loss = "mean_squared_error"}));
    ck_assert_int_eq(clayer_model_set_learning_rate(model, 0.25), CLAYER_INVALID_ARGUMENT);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train.session");
    TCase *tests = tcase_create("training");
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, two_runs_give_the_same_bits);
    tcase_add_test(tests, training_that_goes_on_is_training_that_never_stopped);
    tcase_add_test(tests, batches_from_a_callback_or_one_by_one_are_batches_from_arrays);
    tcase_add_test(tests, a_thousand_steps_keep_the_memory_flat);
    tcase_add_test(tests, a_model_gives_all_its_memory_back);
    tcase_add_test(tests, memory_limits_are_kept_before_the_first_step);
    tcase_add_test(tests, callbacks_see_every_event_and_may_stop);
    tcase_add_test(tests, early_stopping_brings_the_best_weights_back);
    tcase_add_test(tests, checkpoints_and_history_are_written_as_epochs_end);
    tcase_add_test(tests, learning_rates_can_be_set_but_not_under_a_schedule);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
