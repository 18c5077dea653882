/* bench.h: what the benchmarks share: a clock, medians, implementations by name. */
#ifndef BENCH_H
#define BENCH_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/operator.h"

static inline double bench_now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline int bench_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof(*values), bench_compare);
    return values[count / 2];
}

/* The implementation of that name, which the operator has. */
static inline const cly_ops_implementation *bench_find(const cly_ops_operator *op, const char *name) {
    const cly_ops_implementation *i = op->implementations;
    while (strcmp(i->name, name) != 0) {
        i++;
    }
    return i;
}

#endif
