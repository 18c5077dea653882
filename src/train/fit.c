/* train/fit.c: Keras' fit: epochs of steps, validation, callbacks, history (keras/src/backend/tensorflow/trainer.py and
 * tf_keras/src/engine/training.py).
 *
 * While the device computes a step, the host converts the next batch and sends it. Nothing waits for the device but the
 * refresh of the logs, about ten times a second, and the end of an epoch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/callbacks.h"
#include "train/evaluate.h"
#include "train/history.h"

#define REFRESH_SECONDS 0.1 /* of the logs that a callback sees */
#define LOOK_SECONDS 1.0    /* at the loss, where nobody sees it */

typedef struct fit {
    clayer_model *model;
    const clayer_fit_config *config;
    int64_t epochs;
    cly_train_session *session;
    cly_train_feed *feed;
    cly_train_feed *validation; /* NULL: none */
    double *values;             /* of the columns */
    clayer_log *logs;           /* of the epoch: columns, their val_ twins, the learning rate */
    size_t log_count;
    char **validation_names; /* "val_" and the column's */
    cly_train_callbacks callbacks;
    bool has_callbacks; /* they have started */
    cly_train_csv *csv;
    clayer_history *history;
    clayer_fit_state state;
    double begun, refreshed; /* seconds of the clock: the epoch, the logs */
    bool stops;
} fit;

static double now(void) {
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- making ---- */

static clayer_status check_config(const clayer_fit_config *config) {
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"batch_size", config->batch_size},
                  {"epochs", config->epochs},
                  {"initial_epoch", config->initial_epoch},
                  {"steps_per_epoch", config->steps_per_epoch},
                  {"validation_batch_size", config->validation_batch_size},
                  {"validation_freq", config->validation_freq}};
    if (config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_fit: struct_size is %zu, must be %zu",
                             config->struct_size, sizeof(*config));
    }
    for (size_t i = 0; i < CLY_COUNT(counts); i++) {
        if (counts[i].value < 0) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_fit: %s is %lld, must not be negative",
                                 counts[i].name, (long long)counts[i].value);
        }
    }
    return CLAYER_OK;
}

/* Keras' train_validation_split: the last part, before shuffling. */
static clayer_status split(const fit *f, const clayer_dataset *data, cly_train_feed_config *train,
                           cly_train_feed_config *validation) {
    const double part = f->config->validation_split;
    int64_t samples = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_data_check(f->model, data, "fit", &samples));
    if (data->batches != NULL) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "validation_split: batches of a callback cannot be split"));
    }
    if (!(part > 0 && part < 1)) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "validation_split: %g is not between 0 and 1", part));
    }
    const int64_t kept = (int64_t)floor((double)samples * (1.0 - part));
    if (kept == 0 || kept == samples) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "validation_split: %g of %lld samples leaves nothing to %s",
                              part, (long long)samples, kept == 0 ? "train with" : "validate with"));
    }
    train->samples = kept;
    validation->data = data;
    validation->first = kept;
    validation->samples = samples - kept;
done:
    return status;
}

static clayer_status open_feeds(fit *f, const clayer_dataset *data) {
    const clayer_fit_config *config = f->config;
    const int64_t validation_batch =
        config->validation_batch_size > 0 ? config->validation_batch_size : config->batch_size;
    cly_train_feed_config train = {.data = data,
                                   .batch_size = config->batch_size,
                                   .steps = config->steps_per_epoch,
                                   .epochs = f->epochs - config->initial_epoch,
                                   .first_epoch = config->initial_epoch,
                                   .shuffle = !config->no_shuffle,
                                   .seed = config->seed,
                                   .class_weight = config->class_weight,
                                   .class_weight_count = config->class_weight_count};
    cly_train_feed_config validation = {.data = config->validation, .batch_size = validation_batch, .epochs = 1};
    clayer_status status = CLAYER_OK;
    if (config->validation == NULL && config->validation_split != 0) {
        CLY_TRY(split(f, data, &train, &validation));
    }
    CLY_TRY(cly_train_open_feed(f->model, train, "fit", &f->feed));
    if (validation.data != NULL) {
        CLY_TRY(cly_train_open_feed(f->model, validation, "validation", &f->validation));
    }
done:
    return status;
}

static clayer_status make(fit *f, const clayer_dataset *data) {
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(open_feeds(f, data));
    CLY_TRY(cly_train_session_get(f->model, &f->session));
    const size_t most = cly_train_session_most_columns(f->session);
    cly_train_session_limit(f->session, f->config->memory_limit_bytes, f->config->check_numerics);
    CLY_TRY(cly_train_prepare_feed(f->session, CLY_TRAIN_TRAINS, f->feed));
    if (f->validation != NULL) {
        CLY_TRY(cly_train_prepare_feed(f->session, CLY_TRAIN_EVALUATES, f->validation));
    }
    CLY_TRY(cly_base_alloc(most, sizeof(double), &memory));
    f->values = memory;
    CLY_TRY(cly_base_alloc(2 * most + 1, sizeof(clayer_log), &memory));
    f->logs = memory;
    CLY_TRY(cly_base_alloc(most, sizeof(char *), &memory));
    f->validation_names = memory;
    CLY_TRY(cly_train_history_create(&f->history));
    f->state = (clayer_fit_state){
        .model = f->model, .epochs = f->epochs, .batches = cly_train_feed_steps(f->feed), .logs = f->logs};
done:
    return status;
}

/* What needs the names of the logs, which stand once the shapes of a batch are known. */
static clayer_status start_callbacks(fit *f) {
    clayer_status status = CLAYER_OK;
    if (f->has_callbacks) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_train_callbacks_start(f->session, f->config, &f->callbacks));
    f->has_callbacks = true;
    for (size_t i = 0; i < f->session->column_count; i++) {
        cly_base_text name = {0};
        status = cly_base_text_add(&name, "val_%s", f->session->columns[i].name);
        f->validation_names[i] = name.chars;
        CLY_TRY(status);
    }
    if (f->config->csv_path != NULL) {
        CLY_TRY(cly_train_csv_open(f->config->csv_path, f->config->csv_append, f->model->generation, &f->csv));
    }
done:
    return status;
}

static void destroy(fit *f) {
    const size_t names = f->session != NULL && f->validation_names != NULL ? f->session->column_count : 0;
    for (size_t i = 0; i < names; i++) {
        free(f->validation_names[i]);
    }
    if (f->session != NULL) {
        cly_train_session_limit(f->session, 0, false);
    }
    if (f->has_callbacks) {
        cly_train_callbacks_free(&f->callbacks);
    }
    cly_train_feed_destroy(f->feed);
    cly_train_feed_destroy(f->validation);
    (void)cly_train_csv_close(f->csv);
    clayer_history_destroy(f->history);
    free(f->validation_names);
    free(f->values);
    free(f->logs);
}

/* ---- logs ---- */

static clayer_status tell(fit *f, clayer_fit_event event) {
    f->state.event = event;
    f->state.log_count = event == CLAYER_EPOCH_BEGIN ? 0 : f->log_count;
    f->state.seconds = now() - f->begun;
    if (f->config->callback != NULL && !f->config->callback(&f->state, f->config->callback_data)) {
        f->stops = true;
    }
    return CLAYER_OK;
}

/* Reads the sums so far into the logs; waits for the device. */
static clayer_status refresh(fit *f) {
    int64_t bad = -1;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_session_read(f->session, f->values, &bad));
    if (bad >= 0) {
        CLY_TRY(
            cly_base_fail(CLAYER_NOT_FINITE,
                          "epoch %lld of %lld, step %lld: the loss is not a finite number; check_numerics finds the "
                          "layer",
                          (long long)f->state.epoch + 1, (long long)f->epochs, (long long)bad + 1));
    }
    for (size_t i = 0; i < f->session->column_count; i++) {
        f->logs[i] = (clayer_log){.name = f->session->columns[i].name, .value = f->values[i]};
    }
    f->log_count = f->session->column_count;
    f->refreshed = now();
done:
    return status;
}

/* ---- an epoch ---- */

static clayer_status end_batch(fit *f, int64_t samples) {
    const bool watched = f->config->callback != NULL;
    clayer_status status = CLAYER_OK;
    f->state.batch++;
    f->state.samples_done += samples;
    if ((watched && f->config->batch_logs) || now() - f->refreshed >= (watched ? REFRESH_SECONDS : LOOK_SECONDS)) {
        CLY_TRY(refresh(f));
    }
    f->state.batch--; /* the callback sees the number of the batch that ended, from 0 */
    CLY_TRY(tell(f, CLAYER_BATCH_END));
    f->state.batch++;
done:
    return status;
}

static clayer_status train_epoch(fit *f) {
    cly_train_session *session = f->session;
    int slot = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_session_load(session, f->feed, slot));
    CLY_TRY(cly_train_session_prepare(session, CLY_TRAIN_TRAINS, &session->slots[slot].host));
    CLY_TRY(start_callbacks(f));
    CLY_TRY(cly_train_session_reset(session));
    f->refreshed = f->config->callback != NULL ? 0 : now();
    while (session->slots[slot].host.samples > 0 && !f->stops) {
        const int64_t samples = session->slots[slot].host.samples;
        CLY_TRY(cly_train_session_step(session, CLY_TRAIN_TRAINS, slot));
        slot = 1 - slot;
        CLY_TRY(cly_train_session_load(session, f->feed, slot));
        CLY_TRY(end_batch(f, samples));
    }
    CLY_TRY(refresh(f));
done:
    return status;
}

static clayer_status validate(fit *f) {
    const int64_t frequency = f->config->validation_freq > 0 ? f->config->validation_freq : 1;
    clayer_status status = CLAYER_OK;
    if (f->validation == NULL || (f->state.epoch + 1) % frequency != 0) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_train_evaluate_feed(f->session, f->validation, NULL, f->values));
    for (size_t i = 0; i < f->session->column_count; i++) {
        f->logs[f->log_count++] = (clayer_log){.name = f->validation_names[i], .value = f->values[i]};
    }
done:
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const clayer_log *)a)->name, ((const clayer_log *)b)->name);
}

/* Keras' ReduceLROnPlateau adds the rate to the logs before it changes it. */
static clayer_status end_epoch(fit *f) {
    clayer_status status = CLAYER_OK;
    if (f->model->generation == 3) { /* with the validation's, as pythonify_logs sorts them */
        qsort(f->logs, f->log_count, sizeof(*f->logs), by_name);
    }
    if (f->config->reduce_lr.monitor != NULL) {
        clayer_log *log = &f->logs[f->log_count];
        log->name = f->model->generation == 2 ? "lr" : "learning_rate";
        CLY_TRY(clayer_model_get_learning_rate(f->model, &log->value));
        f->log_count++;
    }
    CLY_TRY(cly_train_callbacks_epoch(&f->callbacks, f->state.epoch, f->logs, f->log_count, &f->stops));
    if (f->csv != NULL) {
        CLY_TRY(cly_train_csv_add(f->csv, f->state.epoch, f->logs, f->log_count));
    }
    CLY_TRY(cly_train_history_add(f->history, f->state.epoch, f->logs, f->log_count));
    CLY_TRY(tell(f, CLAYER_EPOCH_END));
done:
    return status;
}

static clayer_status run_epoch(fit *f) {
    clayer_status status = CLAYER_OK;
    f->begun = now();
    f->state.batch = 0;
    f->state.samples_done = 0;
    f->log_count = 0;
    CLY_TRY(tell(f, CLAYER_EPOCH_BEGIN));
    if (f->stops) {
        return CLAYER_OK;
    }
    CLY_TRY(train_epoch(f));
    if (f->stops) { /* within the epoch, which has not ended */
        return CLAYER_OK;
    }
    CLY_TRY(validate(f));
    CLY_TRY(end_epoch(f));
done:
    return status;
}

/* ---- fit ---- */

static clayer_status run(fit *f) {
    clayer_status status = CLAYER_OK;
    for (int64_t epoch = f->config->initial_epoch; epoch < f->epochs && !f->stops; epoch++) {
        if (!cly_train_feed_begin(f->feed, epoch)) {
            break;
        }
        f->state.epoch = epoch;
        status = run_epoch(f);
        if (status == CLAYER_NOT_FINITE && f->config->check_numerics) {
            (void)cly_base_prefix(status, "epoch %lld of %lld", (long long)epoch + 1, (long long)f->epochs);
        }
        CLY_TRY(status);
    }
    CLY_TRY(cly_train_optimizer_finalize(f->model->compiled->optimizer));
    if (f->has_callbacks) {
        CLY_TRY(cly_train_callbacks_restore(&f->callbacks));
    }
    cly_train_csv *csv = f->csv;
    f->csv = NULL;
    CLY_TRY(cly_train_csv_close(csv));
done:
    return status;
}

clayer_status clayer_model_fit(clayer_model *model, const clayer_dataset *data, const clayer_fit_config *config,
                               clayer_history **history_out) {
    static const clayer_fit_config defaults = {.struct_size = sizeof(defaults)};
    fit f = {.model = model, .config = config == NULL ? &defaults : config};
    cly_train_compiled *compiled = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_get_compiled(model, &compiled));
    CLY_TRY(check_config(f.config));
    f.epochs = f.config->epochs > 0 ? f.config->epochs : 1;
    CLY_TRY(make(&f, data));
    CLY_TRY(run(&f));
    if (history_out != NULL) {
        *history_out = f.history;
        f.history = NULL;
    }
done:
    destroy(&f);
    return status;
}
