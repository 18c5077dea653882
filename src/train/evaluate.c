/* train/evaluate.c: Keras' evaluate: loss and metrics of a model in inference mode, batch by batch. */
#include "train/evaluate.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/check.h"

#define DEFAULT_BATCH 32 /* Keras' */

clayer_status cly_train_open_feed(clayer_model *model, cly_train_feed_config config, const char *what,
                                  cly_train_feed **feed_out) {
    int64_t samples = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_data_check(model, config.data, what, &samples));
    if (config.batch_size < 0) {
        CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: batch_size is %lld, must be at least 1", what,
                              (long long)config.batch_size));
    }
    const int64_t fixed = clayer_model_get_input_shape(model, 0)->dims[0];
    config.batch_size = fixed > 0 ? fixed : config.batch_size > 0 ? config.batch_size : DEFAULT_BATCH;
    config.samples = config.samples > 0 ? config.samples : samples - config.first;
    if (config.class_weight != NULL) {
        CLY_TRY(cly_train_check_class_weight(model, config.data, config.class_weight_count));
    }
    CLY_TRY(cly_train_feed_create(model, &config, feed_out));
done:
    return status;
}

clayer_status cly_train_prepare_feed(cly_train_session *session, int mode, const cly_train_feed *feed) {
    const int64_t sizes[2] = {cly_train_feed_largest(feed), cly_train_feed_last(feed)};
    cly_train_host_batch shapes = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_host_batch_create(session->model, &shapes));
    for (int i = 0; i < 2 && sizes[i] > 0; i++) {
        cly_train_feed_shapes(feed, sizes[i], &shapes);
        CLY_TRY(cly_train_session_prepare(session, mode, &shapes));
    }
done:
    cly_train_host_batch_free(session->model, &shapes);
    return status;
}

clayer_status cly_train_evaluate_feed(cly_train_session *session, cly_train_feed *feed,
                                      const clayer_evaluate_config *config, double *values) {
    const int64_t total = cly_train_feed_samples(feed);
    int64_t bad = -1, done_samples = 0;
    int slot = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_train_session_reset(session));
    (void)cly_train_feed_begin(feed, 0);
    CLY_TRY(cly_train_session_load(session, feed, slot));
    while (session->slots[slot].host.samples > 0) {
        CLY_TRY(cly_train_session_step(session, CLY_TRAIN_EVALUATES, slot));
        done_samples += session->slots[slot].host.samples;
        slot = 1 - slot;
        CLY_TRY(cly_train_session_load(session, feed, slot));
        if (config != NULL && config->progress != NULL &&
            !config->progress(done_samples, total, config->progress_data)) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "stopped by the progress callback after %lld samples",
                                  (long long)done_samples));
        }
    }
    CLY_TRY(cly_train_session_read(session, values, &bad));
done:
    return status;
}

/* Gives the logs to the caller. */
static clayer_status hand_out(const cly_train_session *session, const double *values, clayer_log *logs, size_t capacity,
                              size_t *count_out) {
    for (size_t i = 0; i < session->column_count && i < capacity; i++) {
        logs[i] = (clayer_log){.name = session->columns[i].name, .value = values[i]};
    }
    if (count_out != NULL) {
        *count_out = session->column_count;
    }
    return CLAYER_OK;
}

clayer_status clayer_model_evaluate(clayer_model *model, const clayer_dataset *data,
                                    const clayer_evaluate_config *config, clayer_log *logs, size_t capacity,
                                    size_t *count_out) {
    cly_train_session *session = NULL;
    cly_train_feed *feed = NULL;
    double *values = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    if (model == NULL || (logs == NULL && capacity > 0) || (config != NULL && config->struct_size != sizeof(*config))) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_evaluate: %s",
                             model == NULL  ? "model is NULL"
                             : logs == NULL ? "logs is NULL"
                                            : "the config's struct_size is not its size");
    }
    CLY_TRY(cly_train_open_feed(
        model,
        (cly_train_feed_config){.data = data, .batch_size = config != NULL ? config->batch_size : 0, .epochs = 1},
        "evaluate", &feed));
    CLY_TRY(cly_train_session_get(model, &session));
    CLY_TRY(cly_train_prepare_feed(session, CLY_TRAIN_EVALUATES, feed));
    CLY_TRY(cly_base_alloc(cly_train_session_most_columns(session), sizeof(double), &memory));
    values = memory;
    CLY_TRY(cly_train_evaluate_feed(session, feed, config, values));
    CLY_TRY(hand_out(session, values, logs, capacity, count_out));
done:
    cly_train_feed_destroy(feed);
    free(values);
    return status;
}

clayer_status clayer_model_train_on_batch(clayer_model *model, const clayer_batch *batch, clayer_log *logs,
                                          size_t capacity, size_t *count_out) {
    cly_train_session *session = NULL;
    double *values = NULL;
    void *memory = NULL;
    int64_t bad = -1;
    const bool reads = logs != NULL || count_out != NULL;
    clayer_status status = CLAYER_OK;
    if (batch == NULL || (logs == NULL && capacity > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_train_on_batch: %s",
                             batch == NULL ? "batch is NULL" : "logs is NULL");
    }
    CLY_TRY(cly_train_session_get(model, &session));
    session->turn = 1 - session->turn;
    CLY_TRY(cly_train_session_load_batch(session, batch, session->turn));
    CLY_TRY(cly_train_session_prepare(session, CLY_TRAIN_TRAINS, &session->slots[session->turn].host));
    if (reads) {
        CLY_TRY(cly_train_session_reset(session));
    }
    CLY_TRY(cly_train_session_step(session, CLY_TRAIN_TRAINS, session->turn));
    if (reads) {
        CLY_TRY(cly_base_alloc(session->column_count, sizeof(double), &memory));
        values = memory;
        CLY_TRY(cly_train_session_read(session, values, &bad));
        CLY_TRY(hand_out(session, values, logs, capacity, count_out));
    }
done:
    free(values);
    return status;
}
