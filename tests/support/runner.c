/* support/runner.c: runs one suite in one process; ctest isolates the suites and ends those that hang. */
#include "support/runner.h"

#include <stdio.h>
#include <stdlib.h>

#include "device/internal.h"

static FILE *record;
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

/* A line for the suite vendors.covered, which compares what suites build with what is compiled for GPUs. */
static void record_program(const char *name, const char *options) {
    (void)pthread_mutex_lock(&record_lock);
    fprintf(record, "%s %s\n", name, options);
    (void)pthread_mutex_unlock(&record_lock);
}

int cly_test_main(Suite *(*make)(void)) {
    const char *path = getenv("CLAYER_TEST_PROGRAMS");
    record = path != NULL ? fopen(path, "w") : NULL;
    if (record != NULL) {
        cly_device_program_hook = record_program;
    }
    SRunner *runner = srunner_create(make());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (record != NULL) {
        cly_device_program_hook = NULL;
        fclose(record);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
