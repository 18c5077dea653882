/* support/tolerance.c: comparing floats with doubles. */
#include "support/tolerance.h"

#include <float.h>
#include <math.h>

double test_tolerance(int64_t length) {
    return (double)FLT_EPSILON * (8 + 0.5 * (double)length);
}

static double difference(float actual, double expected, double tolerance) {
    if (isnan(expected) || isnan(actual)) {
        return isnan(expected) && isnan(actual) ? 0 : INFINITY;
    }
    const double error = fabs((double)actual - expected);
    if (error == 0 || (double)actual == expected) { /* infinities */
        return 0;
    }
    return tolerance == 0 ? INFINITY : error / (tolerance * fmax(1, fabs(expected)));
}

double test_worst(const float *actual, const double *expected, int64_t count, double tolerance, int64_t *index_out) {
    double worst = 0;
    *index_out = 0;
    for (int64_t i = 0; i < count; i++) {
        const double d = difference(actual[i], expected[i], tolerance);
        if (d > worst) {
            worst = d;
            *index_out = i;
        }
    }
    return worst;
}
