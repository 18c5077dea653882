/* watch.h: watches a training: a bar on a terminal, the points of its curves, and when its time is over. */
#ifndef WATCH_H
#define WATCH_H

#include <clayer/clayer.h>

enum { WATCH_POINTS = 10000, WATCH_STEPS = 20 };

typedef struct watch {
    double begin, limit;           /* seconds */
    double loss[WATCH_POINTS];     /* each the mean of WATCH_STEPS steps */
    double accuracy[WATCH_POINTS]; /* likewise */
    double loss_sum, accuracy_sum; /* of this epoch's steps up to the last point */
    int64_t points, steps;
} watch;

/* From now on, for so many seconds. */
void watch_start(watch *w, double limit);

/* A clayer_fit_callback for a model compiled with the metric "accuracy"; `data` is the watch. False when the time is
 * over. It needs the logs of every batch (batch_logs). */
bool watch_event(const clayer_fit_state *state, void *data);

/* Seconds since watch_start. */
double watch_seconds(const watch *w);

/* The value of that name among logs; 0 if there is none. */
double watch_find(const clayer_log *logs, size_t count, const char *name);

/* Draws both curves as SVG. 0, or -1 with errno set. */
int watch_draw(const watch *w, const char *path, const char *title);

#endif
