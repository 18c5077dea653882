/* watch.c: what is seen of a training: a bar on a terminal, a line an epoch elsewhere, and two curves. */
#include "watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "curve.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void watch_start(watch *w, double limit, int64_t least) {
    memset(w, 0, sizeof *w);
    w->begin = now();
    w->limit = limit;
    w->least = least;
}

double watch_seconds(const watch *w) {
    return now() - w->begin;
}

double watch_find(const clayer_log *logs, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(logs[i].name, name) == 0) {
            return logs[i].value;
        }
    }
    return 0;
}

/* Logs are means over the epoch so far: times the steps they are sums, and the difference of two sums is what the steps
 * between had. */
static void add_point(watch *w, int64_t step, double loss, double accuracy) {
    if (step % WATCH_STEPS == 0 && w->points < WATCH_POINTS) {
        w->loss[w->points] = (loss * (double)step - w->loss_sum) / WATCH_STEPS;
        w->accuracy[w->points] = (accuracy * (double)step - w->accuracy_sum) / WATCH_STEPS;
        w->loss_sum = loss * (double)step;
        w->accuracy_sum = accuracy * (double)step;
        w->points++;
    }
}

static void show(const clayer_fit_state *state, int64_t step, double loss, double accuracy) {
    static const char marks[] = "########################################";
    const bool ended = state->event == CLAYER_EPOCH_END;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\rEpoch %" PRId64 " %4" PRId64 "/%" PRId64 " [%-40.*s] %.0f s, loss %.4f, accuracy %.4f%s",
                state->epoch + 1, step, state->batches, (int)(40 * step / state->batches), marks, state->seconds, loss,
                accuracy, ended ? "\n" : "");
    } else if (ended) {
        fprintf(stderr, "Epoch %" PRId64 ": loss %.4f, accuracy %.4f, %.1f s\n", state->epoch + 1, loss, accuracy,
                state->seconds);
    }
}

bool watch_event(const clayer_fit_state *state, void *data) {
    watch *w = data;
    const double loss = watch_find(state->logs, state->log_count, "loss");
    const double accuracy = watch_find(state->logs, state->log_count, "accuracy");
    const int64_t step = state->event == CLAYER_BATCH_END ? state->batch + 1 : state->batches;
    if (state->event == CLAYER_EPOCH_BEGIN) {
        w->loss_sum = w->accuracy_sum = 0;
        return true;
    }
    if (state->event == CLAYER_BATCH_END) {
        if (w->steps++ == 0) {
            w->begin = now();
        }
        add_point(w, step, loss, accuracy);
    }
    show(state, step, loss, accuracy);
    const bool over = watch_seconds(w) >= w->limit && w->steps >= w->least;
    if (over && state->event == CLAYER_BATCH_END && isatty(STDERR_FILENO)) {
        fputc('\n', stderr); /* below the bar */
    }
    return !over;
}

int watch_draw(const watch *w, const char *path, const char *title) {
    const double last = (double)(w->points * WATCH_STEPS);
    const curve curves[] = {{"loss", w->loss, (size_t)w->points, last},
                            {"accuracy", w->accuracy, (size_t)w->points, last}};
    return curve_write_svg(path, title, "step", curves, 2);
}
