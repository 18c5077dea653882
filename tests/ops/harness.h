/* ops/harness.h: one operator against its expected result, by every implementation.
 *
 * Every buffer lies between guard zones that must stay as they were; inputs must not change; outputs and workspace are
 * full of NaN before, so that what is not written or is read too early shows. */
#ifndef CLY_TEST_HARNESS_H
#define CLY_TEST_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

typedef struct harness {
    clayer_context *context;
    int runs[16]; /* cases by implementation, in the operator's order */
    bool as_gpu;
} harness;

/* workspace_limit_bytes 0: the library's own. */
void harness_open(harness *h, uint64_t workspace_limit_bytes);
/* The operators then deal out work as they do for a GPU: the vectors, ranges and kernels' branches that a CPU alone
 * would never see. */
void harness_open_as_gpu(harness *h);
void harness_close(harness *h);

/* A test, and where it runs, each in a context of its own: on the device as it is, where the device plays a GPU, with a
 * small workspace. */
enum { HARNESS_PLAIN = 1, HARNESS_AS_GPU = 2, HARNESS_SMALL = 4 };
typedef struct harness_test {
    const TTest *test; /* NULL: the list's end */
    unsigned where;
} harness_test;

/* What main() returns: draws the seed and runs the suite; `h` is open within each test. small_bytes: the workspace's
 * limit of HARNESS_SMALL. */
int harness_main(const char *suite, const harness_test *tests, uint64_t small_bytes, harness *h, uint64_t *seed_out);

/* That many zeros, freed by the caller. */
double *harness_doubles(int64_t count);

/* How many random cases: CLAYER_TEST_CASES or `usual`; a quarter of it where the device plays a GPU. */
int harness_cases(const harness *h, int usual);

typedef struct harness_case {
    const cly_ops_operator *op;
    const void *shape;
    const float *inputs[CLY_OPS_OPERANDS]; /* NULL: absent, or the output */
    int64_t counts[CLY_OPS_OPERANDS];
    int output;                             /* which operand */
    bool in_place;                          /* the output is another operand's buffer ... */
    int place;                              /* ... this one's */
    bool twice;                             /* run again, and the same bits expected */
    const double *expected;                 /* counts[output]; NaN where nothing may be written */
    double tolerance;                       /* as test_worst */
    const double *others[CLY_OPS_OPERANDS]; /* expected of further outputs; NULL: not an output */
    char text[512];                         /* the case, for messages */
} harness_case;

/* Runs the case by every implementation that can, forced by name. Fails the test at the first that is wrong. */
void harness_check(harness *h, const harness_case *c);

/* The output of the case by the first implementation in the list that can; freed by the caller. Nothing is checked. */
float *harness_output(harness *h, const harness_case *c);

/* The sum of the products. */
double harness_dot(const float *a, const float *b, int64_t count);

/* Fails unless every implementation of `op` ran at least `least` cases; without the one named `but` (NULL: all), which
 * is for few of these shapes and has tests of its own. */
void harness_expect_runs(const harness *h, const cly_ops_operator *op, int least, const char *but);
/* Fails unless the implementation `name` ran at least `least` cases. */
void harness_expect_run(const harness *h, const cly_ops_operator *op, const char *name, int least);

/* "3x5x7" */
const char *harness_sizes(const int64_t sizes[3], char text[64]);

#endif
