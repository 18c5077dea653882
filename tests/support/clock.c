/* support/clock.c: this thread's share of the processor. */
#include "support/clock.h"

#include <check.h>
#include <time.h>

double cly_test_cpu_ms(void) {
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}
