/* watch.h: watches a training: a bar on a terminal, the points of its curves, and when its time is over. */
#ifndef WATCH_H
#define WATCH_H

#include <clayer/clayer.h>

enum { WATCH_POINTS = 10000, WATCH_STEPS = 20 };

typedef struct watch {
    double begin, limit;           /* seconds */
    int64_t least;                 /* steps */
    double loss[WATCH_POINTS];     /* each the mean of WATCH_STEPS steps */
    double accuracy[WATCH_POINTS]; /* likewise */
    double loss_sum, accuracy_sum; /* of this epoch's steps up to the last point */
    int64_t points, steps;
} watch;

/* For so many seconds after the first step, which also gets the programs ready, and at least so many steps. */
void watch_start(watch *w, double limit, int64_t least);

/* A clayer_fit_callback for a model compiled with the metric "accuracy"; `data` is the watch. False when the time is
 * over. It needs the logs of every batch (batch_logs). */
bool watch_event(const clayer_fit_state *state, void *data);

/* Seconds since the first step ended. */
double watch_seconds(const watch *w);

/* The value of that name among logs; 0 if there is none. */
double watch_find(const clayer_log *logs, size_t count, const char *name);

/* Draws both curves as SVG. 0, or -1 with errno set. */
int watch_draw(const watch *w, const char *path, const char *title);

#endif
