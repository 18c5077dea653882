/* support/clock.h: the time that a test bounds. */
#ifndef CLY_TEST_CLOCK_H
#define CLY_TEST_CLOCK_H

/* Milliseconds that this thread has computed: what other programs do meanwhile does not count, as it would on a clock
 * on the wall. */
double cly_test_cpu_ms(void);

#endif
