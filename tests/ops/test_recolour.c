/* Contrast and brightness on random images against plain loops, and what the limits leave of the gradient. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/recolour.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

/* Numbers are eighths and sixteenths, so that nothing is rounded and what lies on a limit does so exactly. */
static float *sixteenths(test_random *random, int64_t count, int64_t most) {
    float *values = test_random_floats(random, count, 0, 1);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (float)test_random_int(random, -most, most) / 16;
    }
    return values;
}

static void check(bool gradient) {
    const int cases = harness_cases(&h, 200);
    const cly_ops_operator *op = gradient ? &cly_ops_recolour_gradient_operator : &cly_ops_recolour_operator;
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const reference_images images = {.images = test_random_int(&random, 1, 4),
                                         .channels = test_random_int(&random, 1, 5),
                                         .in = {test_random_int(&random, 1, 9), test_random_int(&random, 1, 9)},
                                         .channels_first = test_random_chance(&random, 50)};
        const cly_ops_recolour_shape s = {.images = images.images,
                                          .channels = images.channels,
                                          .pixels = images.in[0] * images.in[1],
                                          .channels_first = images.channels_first,
                                          .adds = i % 2 == 1,
                                          .low = -0.75f,
                                          .high = 0.5f};
        const int64_t count = s.images * s.channels * s.pixels;
        float *x = sixteenths(&random, count, 20), *f = sixteenths(&random, s.images, 24);
        float *means = sixteenths(&random, s.images * s.channels, 8), *dy = sixteenths(&random, count, 16);
        double *expected = harness_doubles(count);
        reference_recolour(&images, s.adds, gradient ? -1e9 : -0.75, gradient ? 1e9 : 0.5, f, means, x, expected);
        for (int64_t j = 0; gradient && j < count; j++) {
            expected[j] = expected[j] < -0.75 || expected[j] > 0.5 ? 0 : (double)dy[j];
        }
        harness_case c = {.op = op,
                          .shape = &s,
                          .inputs = {x, f, s.adds ? NULL : means, gradient ? dy : NULL},
                          .counts = {count, s.images, s.adds ? 0 : s.images * s.channels, count, gradient ? count : 0},
                          .output = gradient ? 4 : 3,
                          .in_place = !gradient && test_random_chance(&random, 50),
                          .expected = expected};
        (void)snprintf(c.text, sizeof(c.text),
                       "case %" PRIu64 ": %" PRId64 " images of %" PRId64 " pixels, %" PRId64
                       " channels, channels_first %d, adds %d",
                       i, s.images, s.pixels, s.channels, s.channels_first, s.adds);
        harness_check(&h, &c);
        free(x);
        free(f);
        free(means);
        free(dy);
        free(expected);
    }
    harness_expect_runs(&h, op, cases, NULL);
}

START_TEST(colours_agree) {
    check(false);
}
END_TEST

START_TEST(limits_cut_gradients_off) {
    check(true);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {colours_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {limits_cut_gradients_off, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.recolour", tests, 0, &h, &seed);
}
