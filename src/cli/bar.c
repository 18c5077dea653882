/* cli/bar.c: how training is seen: on a terminal the bar of Keras 3 (keras/src/utils/progbar.py), elsewhere one line an
 * epoch. Both go to standard error. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 20, LINE = 2048 };

/* Bold, green and white, as Keras colours its bar. */
#define BOLD "\x1b[1m"
#define GREEN "\x1b[32m"
#define WHITE "\x1b[37m"
#define PLAIN "\x1b[0m"
#define TO_LINE_END "\x1b[K"

/* A line under way, and the columns that it takes on the screen. */
typedef struct line {
    char text[LINE];
    size_t length;
    int columns, limit;
} line;

/* Adds `text`, which takes `columns`; what does not fit on the screen is left out, so that the line never wraps and can
 * be drawn over. */
static void add(line *to, const char *text, int columns) {
    const size_t length = strlen(text);
    if (to->columns + columns < to->limit && to->length + length < sizeof to->text) {
        memcpy(to->text + to->length, text, length + 1);
        to->length += length;
        to->columns += columns;
    }
}

static int screen_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void add_bar(line *to, int64_t done, int64_t total) {
    char text[128];
    int digits = snprintf(text, sizeof text, "%" PRId64, total);
    int columns = snprintf(text, sizeof text, "%*" PRId64 "/%" PRId64, digits, done, total);
    add(to, BOLD, 0);
    add(to, text, columns);
    add(to, PLAIN " ", 1);
    const int filled = total > 0 ? (int)((double)done / (double)total * WIDTH) : 0;
    for (int i = 0; i < WIDTH; i++) {
        if (i == 0 || i == filled) {
            add(to, i < filled ? GREEN : WHITE, 0);
        }
        add(to, "\xe2\x94\x81", 1); /* U+2501, a heavy line */
    }
    add(to, PLAIN, 0);
}

/* What is left of the epoch, or after its last step what it took, and the time of a step. */
static void add_times(line *to, double left, double step) {
    char text[64];
    int columns;
    const long whole = (long)left;
    if (left > 3600) {
        columns = snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole % 3600 / 60, whole % 60);
    } else if (left > 60) {
        columns = snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
    } else {
        columns = snprintf(text, sizeof text, "%lds", whole);
    }
    add(to, " " BOLD, 1);
    add(to, text, columns);
    columns = step >= 1 || step == 0 ? snprintf(text, sizeof text, " %.0fs/step", step)
              : step >= 1e-3         ? snprintf(text, sizeof text, " %.0fms/step", 1e3 * step)
                                     : snprintf(text, sizeof text, " %.0fus/step", 1e6 * step);
    add(to, PLAIN, 0);
    add(to, text, columns);
}

static void add_logs(line *to, const clayer_fit_state *state) {
    for (size_t i = 0; i < state->log_count; i++) {
        char text[256];
        const double value = state->logs[i].value;
        int columns =
            snprintf(text, sizeof text, fabs(value) > 1e-3 ? " - %s: %.4f" : " - %s: %.4e", state->logs[i].name, value);
        add(to, text, columns);
    }
}

/* Ignores the first step for the time of the others, because it gets the programs ready. */
static double step_seconds(cly_cli_bar *bar, int64_t done, double now) {
    double step = done > 1 && bar->first_step > 0 ? (now - bar->first_step) / (double)(done - 1)
                                                  : (now - bar->epoch_started) / (double)(done > 0 ? done : 1);
    if (done == 1) {
        bar->first_step = now;
    }
    return step;
}

static void draw(cly_cli_bar *bar, const clayer_fit_state *state) {
    enum { SHOWN_EVERY_MS = 50 };
    const bool ended = state->event == CLAYER_EPOCH_END;
    const int64_t done = state->event == CLAYER_BATCH_END ? state->batch + 1 : state->batches;
    const double now = cly_cli_now(), step = step_seconds(bar, done, now);
    if (!ended && now - bar->shown < SHOWN_EVERY_MS * 1e-3) {
        return;
    }
    /* The last line of an epoch is not drawn over, so it may wrap: its logs are the result. */
    line bar_line = {.limit = ended ? LINE : screen_columns()};
    add_bar(&bar_line, done, state->batches);
    add_times(&bar_line, ended ? now - bar->epoch_started : step * (double)(state->batches - done), step);
    add_logs(&bar_line, state);
    fprintf(stderr, "\r%s" TO_LINE_END "%s", bar_line.text, ended ? "\n" : "");
    fflush(stderr);
    bar->shown = now;
    bar->drawn = !ended;
}

/* "Epoch 1/2: loss 0.5, accuracy 0.9, 3.2 s" */
static void print_epoch(const clayer_fit_state *state) {
    fprintf(stderr, "Epoch %" PRId64 "/%" PRId64 ": ", state->epoch + 1, state->epochs);
    for (int others = 0; others < 2; others++) { /* the loss first */
        for (size_t i = 0; i < state->log_count; i++) {
            if ((strcmp(state->logs[i].name, "loss") != 0) == others) {
                fprintf(stderr, "%s %.6g, ", state->logs[i].name, state->logs[i].value);
            }
        }
    }
    fprintf(stderr, "%.1f s\n", state->seconds);
}

void cly_cli_show_training(cly_cli_bar *bar, const clayer_fit_state *state) {
    const bool terminal = isatty(STDERR_FILENO);
    if (state->event == CLAYER_EPOCH_BEGIN) {
        *bar = (cly_cli_bar){.epoch_started = cly_cli_now()};
        if (terminal) {
            fprintf(stderr, "Epoch %" PRId64 "/%" PRId64 "\n", state->epoch + 1, state->epochs);
        }
    } else if (terminal) {
        draw(bar, state);
    } else if (state->event == CLAYER_EPOCH_END) {
        print_epoch(state);
    }
}

void cly_cli_end_training(cly_cli_bar *bar) {
    if (bar->drawn) {
        fputc('\n', stderr);
        bar->drawn = false;
    }
}
