/* train/monitor.c: when a monitored value has improved: MonitorCallback of Keras 3
 * (keras/src/callbacks/monitor_callback.py), which compares in float32, and the three callbacks of Keras 2
 * (tf_keras/src/callbacks.py), which compare in double. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/callbacks.h"

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Keras 2 looks at the name, and each callback in its own way. */
static bool keras2_goes_up(cly_train_watcher watcher, const char *name) {
    switch (watcher) {
        case CLY_WATCHES_EARLY_STOPPING:
            return ends_with(name, "acc") || ends_with(name, "accuracy") || ends_with(name, "auc");
        case CLY_WATCHES_REDUCE_LR:
            return strstr(name, "acc") != NULL;
        case CLY_WATCHES_CHECKPOINT:
            break;
    }
    return strstr(name, "acc") != NULL || strncmp(name, "fmeasure", strlen("fmeasure")) == 0;
}

/* Keras 3's _direction of a metric; of those that there are here each has one. */
static bool metric_goes_up(const char *text) {
    static const char *const up[] = {"accuracy", "precision", "recall", "auc", "cosine_similarity"};
    cly_spec spec;
    if (cly_base_spec_parse(&cly_train_metrics, text, &spec) != CLAYER_OK || spec.entry == NULL) {
        return false;
    }
    for (size_t i = 0; i < CLY_COUNT(up); i++) {
        if (cly_base_contains_word(spec.entry->name, up[i])) {
            return true;
        }
    }
    return false;
}

static clayer_status keras3_goes_up(const cly_train_session *session, const char *name, bool *up_out) {
    const char *bare = strncmp(name, "val_", 4) == 0 ? name + 4 : name;
    int direction = strcmp(bare, "loss") == 0 ? -1 : 0;
    for (size_t i = 0; i < session->column_count; i++) {
        const cly_train_column *column = &session->columns[i];
        if (column->metric != NULL && strcmp(cly_train_metric_name(column->metric), bare) == 0) {
            direction = metric_goes_up(column->text) ? 1 : -1;
        }
    }
    if (direction == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "monitor '%s': Keras 3 does not know whether it should grow or shrink: give the mode "
                             "\"min\" or \"max\"",
                             name);
    }
    *up_out = direction > 0;
    return CLAYER_OK;
}

clayer_status cly_train_monitor_start(const cly_train_session *session, cly_train_watcher watcher, const char *name,
                                      const char *mode, double min_delta, cly_train_monitor *monitor_out) {
    const int generation = session->model->generation;
    cly_train_monitor monitor = {.name = name,
                                 .generation = generation,
                                 .bare = generation == 2 && watcher == CLY_WATCHES_REDUCE_LR,
                                 .min_delta = fabs(min_delta)};
    clayer_status status = CLAYER_OK;
    if (mode != NULL && strcmp(mode, "min") != 0 && strcmp(mode, "max") != 0 && strcmp(mode, "auto") != 0) {
        CLY_TRY(
            cly_base_fail(CLAYER_INVALID_ARGUMENT, "monitor '%s': mode '%s' is none of auto, min, max", name, mode));
    }
    if (mode != NULL && strcmp(mode, "auto") != 0) {
        monitor.up = strcmp(mode, "max") == 0;
    } else if (generation == 2) {
        monitor.up = keras2_goes_up(watcher, name);
    } else {
        CLY_TRY(keras3_goes_up(session, name, &monitor.up));
    }
    if (generation == 2) {
        monitor.has_best = true;
        monitor.best = monitor.up ? -(double)INFINITY : (double)INFINITY;
    }
    *monitor_out = monitor;
done:
    return status;
}

bool cly_train_monitor_improves(const cly_train_monitor *monitor, double value, double reference) {
    const double delta = monitor->up ? monitor->min_delta : -monitor->min_delta;
    if (monitor->bare) {
        return monitor->up ? value > reference + delta : value < reference + delta;
    }
    const double shifted = value - delta;
    if (monitor->generation == 2) {
        return monitor->up ? shifted > reference : shifted < reference;
    }
    return monitor->up ? (float)shifted > (float)reference : (float)shifted < (float)reference;
}

bool cly_train_monitor_update(cly_train_monitor *monitor, double value) {
    if (monitor->has_best && !cly_train_monitor_improves(monitor, value, monitor->best)) {
        return false;
    }
    monitor->has_best = true;
    monitor->best = value;
    return true;
}
