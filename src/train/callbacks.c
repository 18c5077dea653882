/* train/callbacks.c: Keras' EarlyStopping, ReduceLROnPlateau and ModelCheckpoint. */
#include "train/callbacks.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/path.h"
#include "train/history.h"

#define PLATEAU_FACTOR 0.1
#define PLATEAU_PATIENCE 10
#define PLATEAU_DELTA 1e-4

/* ---- start and end ---- */

clayer_status cly_train_callbacks_start(const cly_train_session *session, const clayer_fit_config *config,
                                        cly_train_callbacks *callbacks_out) {
    cly_train_callbacks callbacks = {.model = session->model, .config = config};
    const clayer_early_stopping *stopping = &config->early_stopping;
    const clayer_reduce_lr *plateau = &config->reduce_lr;
    const clayer_checkpoint *checkpoint = &config->checkpoint;
    clayer_status status = CLAYER_OK;
    if (stopping->monitor != NULL) {
        CLY_TRY(cly_train_monitor_start(session, CLY_WATCHES_EARLY_STOPPING, stopping->monitor, stopping->mode,
                                        stopping->min_delta, &callbacks.stopping));
    }
    if (plateau->monitor != NULL) {
        const double delta = plateau->min_delta == 0 ? PLATEAU_DELTA : plateau->min_delta < 0 ? 0 : plateau->min_delta;
        if (!(plateau->factor >= 0 && plateau->factor < 1)) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "reduce_lr: factor %g is not below 1", plateau->factor));
        }
        CLY_TRY(cly_train_monitor_start(session, CLY_WATCHES_REDUCE_LR, plateau->monitor, plateau->mode, delta,
                                        &callbacks.plateau));
    }
    if (checkpoint->path != NULL) {
        if (checkpoint->save == NULL) {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT,
                                  "checkpoint: no function to save '%s' with; clayer_model_save is one",
                                  checkpoint->path));
        }
        if (checkpoint->save_best_only) {
            CLY_TRY(cly_train_monitor_start(session, CLY_WATCHES_CHECKPOINT,
                                            checkpoint->monitor != NULL ? checkpoint->monitor : "val_loss",
                                            checkpoint->mode, 0, &callbacks.saving));
        }
    }
    *callbacks_out = callbacks;
done:
    return status;
}

void cly_train_callbacks_free(cly_train_callbacks *callbacks) {
    for (size_t i = 0; callbacks->best_weights != NULL && i < callbacks->best_count; i++) {
        free(callbacks->best_weights[i]);
    }
    free(callbacks->best_weights);
    callbacks->best_weights = NULL;
}

/* False and a warning if the log is not there: Keras goes on, too. */
static bool find(const cly_train_callbacks *callbacks, const char *what, const char *name, const clayer_log *logs,
                 size_t count, double *value_out) {
    if (cly_train_find_log(logs, count, name, value_out)) {
        return true;
    }
    cly_device_log(callbacks->model->context, CLAYER_LOG_WARNING, "%s: there is no log '%s' in this epoch", what, name);
    return false;
}

/* ---- EarlyStopping ---- */

static clayer_status keep_weights(cly_train_callbacks *callbacks) {
    cly_model_weight *weights = NULL;
    size_t count = 0;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_model_list_weights(callbacks->model, false, &weights, &count));
    if (callbacks->best_weights == NULL) {
        CLY_TRY(cly_base_alloc(count, sizeof(float *), &memory));
        callbacks->best_weights = memory;
        callbacks->best_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t values = clayer_tensor_get_count(weights[i].weight->tensor);
        if (callbacks->best_weights[i] == NULL) {
            CLY_TRY(cly_base_alloc((size_t)values, sizeof(float), &memory));
            callbacks->best_weights[i] = memory;
        }
        CLY_TRY(clayer_tensor_read(weights[i].weight->tensor, callbacks->best_weights[i], values));
    }
done:
    free(weights);
    return status;
}

clayer_status cly_train_callbacks_restore(cly_train_callbacks *callbacks) {
    cly_model_weight *weights = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    if (callbacks->best_weights == NULL) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_model_list_weights(callbacks->model, false, &weights, &count));
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(clayer_tensor_write(weights[i].weight->tensor, callbacks->best_weights[i],
                                    clayer_tensor_get_count(weights[i].weight->tensor)));
    }
done:
    free(weights);
    return status;
}

static clayer_status stop_early(cly_train_callbacks *callbacks, int64_t epoch, const clayer_log *logs, size_t count,
                                bool *stop_out) {
    const clayer_early_stopping *config = &callbacks->config->early_stopping;
    double value = 0;
    clayer_status status = CLAYER_OK;
    if (!find(callbacks, "early_stopping", callbacks->stopping.name, logs, count, &value) ||
        epoch < config->start_from_epoch) {
        return CLAYER_OK;
    }
    if (config->restore_best_weights && callbacks->best_weights == NULL) {
        CLY_TRY(keep_weights(callbacks));
    }
    callbacks->stopping_wait++;
    if (cly_train_monitor_update(&callbacks->stopping, value)) {
        if (config->restore_best_weights) {
            CLY_TRY(keep_weights(callbacks));
        }
        if (!config->has_baseline || cly_train_monitor_improves(&callbacks->stopping, value, config->baseline)) {
            callbacks->stopping_wait = 0;
        }
    } else if (callbacks->stopping_wait >= config->patience && epoch > 0) {
        *stop_out = true;
    }
done:
    return status;
}

/* ---- ReduceLROnPlateau ---- */

static clayer_status reduce_rate(cly_train_callbacks *callbacks) {
    const clayer_reduce_lr *config = &callbacks->config->reduce_lr;
    double rate = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(clayer_model_get_learning_rate(callbacks->model, &rate));
    if (rate > (double)(float)config->min_lr) {
        const double factor = config->factor == 0 ? PLATEAU_FACTOR : config->factor;
        const bool single = callbacks->model->generation == 2; /* NumPy's float32, there */
        const double reduced = single ? (double)((float)rate * (float)factor) : rate * factor;
        CLY_TRY(clayer_model_set_learning_rate(callbacks->model, reduced > config->min_lr ? reduced : config->min_lr));
        callbacks->plateau_cooldown = config->cooldown;
        callbacks->plateau_wait = 0;
    }
done:
    return status;
}

static clayer_status look_for_plateau(cly_train_callbacks *callbacks, const clayer_log *logs, size_t count) {
    const clayer_reduce_lr *config = &callbacks->config->reduce_lr;
    const int64_t patience = config->patience == 0 ? PLATEAU_PATIENCE : config->patience < 0 ? 0 : config->patience;
    double value = 0;
    if (!find(callbacks, "reduce_lr", callbacks->plateau.name, logs, count, &value)) {
        return CLAYER_OK;
    }
    if (callbacks->plateau_cooldown > 0) {
        callbacks->plateau_cooldown--;
        callbacks->plateau_wait = 0;
    }
    if (cly_train_monitor_update(&callbacks->plateau, value)) {
        callbacks->plateau_wait = 0;
    } else if (callbacks->plateau_cooldown <= 0) {
        callbacks->plateau_wait++;
        if (callbacks->plateau_wait >= patience) {
            return reduce_rate(callbacks);
        }
    }
    return CLAYER_OK;
}

/* ---- ModelCheckpoint ---- */

static clayer_status make_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    clayer_status status = CLAYER_OK;
    if (slash == NULL || slash == path) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_copy_string(path, &folder));
    folder[slash - path] = '\0';
    CLY_TRY(cly_base_make_folders(folder));
done:
    free(folder);
    return status;
}

static clayer_status save(cly_train_callbacks *callbacks, int64_t epoch, const clayer_log *logs, size_t count) {
    const clayer_checkpoint *config = &callbacks->config->checkpoint;
    cly_base_text path = {0};
    bool wanted = true;
    double value = 0;
    clayer_status status = CLAYER_OK;
    if (config->save_best_only) {
        if (find(callbacks, "checkpoint", callbacks->saving.name, logs, count, &value)) {
            wanted = cly_train_monitor_update(&callbacks->saving, value);
        } else {
            wanted = callbacks->model->generation == 3; /* Keras 3 saves then, Keras 2 does not */
        }
    }
    if (!wanted) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_train_format_path(config->path, epoch + 1, logs, count, &path));
    CLY_TRY(make_folder(path.chars));
    CLY_TRY(config->save(callbacks->model, path.chars));
done:
    cly_base_text_free(&path);
    return status != CLAYER_OK ? cly_base_prefix(status, "checkpoint of epoch %lld", (long long)epoch + 1) : status;
}

clayer_status cly_train_callbacks_epoch(cly_train_callbacks *callbacks, int64_t epoch, const clayer_log *logs,
                                        size_t count, bool *stop_out) {
    clayer_status status = CLAYER_OK;
    if (callbacks->plateau.name != NULL) {
        CLY_TRY(look_for_plateau(callbacks, logs, count));
    }
    if (callbacks->stopping.name != NULL) {
        CLY_TRY(stop_early(callbacks, epoch, logs, count, stop_out));
    }
    if (callbacks->config->checkpoint.path != NULL) {
        CLY_TRY(save(callbacks, epoch, logs, count));
    }
done:
    return status;
}
