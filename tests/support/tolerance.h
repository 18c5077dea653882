/* support/tolerance.h: how far a float may be from a double that was summed in another order. */
#ifndef CLY_TEST_TOLERANCE_H
#define CLY_TEST_TOLERANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For a sum of `length` products of numbers up to 1, followed by a function of a few roundings: absolute up to results
 * of 1, relative above. It grows with the length: half a rounding for each term. */
double test_tolerance(int64_t length);

/* The worst difference, as a multiple of the tolerance: at most 1 is good. tolerance 0: bit for bit. A NaN in
 * `expected` wants a NaN. */
double test_worst(const float *actual, const double *expected, int64_t count, double tolerance, int64_t *index_out);

#endif
