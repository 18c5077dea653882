/* support/runner.c: runs one suite in one process; ctest isolates the suites and ends those that hang. */
#include "support/runner.h"

#include <stdlib.h>

int cly_test_main(Suite *(*make)(void)) {
    SRunner *runner = srunner_create(make());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
