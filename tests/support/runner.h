/* support/runner.h: runs one suite in one process. */
#ifndef CLY_TEST_RUNNER_H
#define CLY_TEST_RUNNER_H

#include <check.h>

/* Runs the suite without forking (PoCL hangs after fork) and returns the exit status: 0 when all passed. */
int cly_test_main(Suite *(*make)(void));

#endif
