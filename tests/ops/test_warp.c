/* Images through random matrices against plain loops, with all that can be seen beside them, and known cases. Matrices
 * have sixteenths, so that every place is exact and no rounding decides between two pixels. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/warp.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static cly_ops_warp_shape draw_case(test_random *random) {
    return (cly_ops_warp_shape){.images = test_random_int(random, 1, 4),
                                .channels = test_random_int(random, 1, 5),
                                .in = {test_random_int(random, 1, 9), test_random_int(random, 1, 9)},
                                .out = {test_random_int(random, 1, 9), test_random_int(random, 1, 9)},
                                .channels_first = test_random_chance(random, 50),
                                .bilinear = test_random_chance(random, 50),
                                .fill_mode = (cly_ops_fill)test_random_int(random, 0, 3),
                                .fill_value = (float)test_random_int(random, -3, 3) / 4};
}

START_TEST(images_agree) {
    const int cases = harness_cases(&h, 400);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_warp_shape s = draw_case(&random);
        const reference_images images = {
            s.images, s.channels, {s.in[0], s.in[1]}, {s.out[0], s.out[1]}, s.channels_first};
        const int64_t x_count = s.images * s.channels * s.in[0] * s.in[1];
        const int64_t y_count = s.images * s.channels * s.out[0] * s.out[1];
        float *x = test_random_floats(&random, x_count, -1, 1);
        float *matrices = test_random_floats(&random, 6 * s.images, 0, 1);
        double *expected = harness_doubles(y_count);
        for (int64_t m = 0; m < 6 * s.images; m++) {
            const int64_t most = m % 3 == 2 ? 400 : 32;
            matrices[m] = (float)test_random_int(&random, -most, most) / 16;
        }
        reference_warp(&images, s.bilinear, "rcwn"[s.fill_mode], (double)s.fill_value, matrices, x, expected);
        harness_case c = {.op = &cly_ops_warp_operator,
                          .shape = &s,
                          .inputs = {x, matrices},
                          .counts = {x_count, 6 * s.images, y_count},
                          .output = 2,
                          .expected = expected,
                          .tolerance = s.bilinear ? test_tolerance(8) : 0};
        (void)snprintf(c.text, sizeof(c.text),
                       "case %" PRIu64 ": %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 " to %" PRId64 "x%" PRId64
                       ", channels_first %d, bilinear %d, fill_mode %d",
                       i, s.images, s.in[0], s.in[1], s.channels, s.out[0], s.out[1], s.channels_first, s.bilinear,
                       (int)s.fill_mode);
        harness_check(&h, &c);
        free(x);
        free(matrices);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_warp_operator, cases, NULL);
}
END_TEST

/* A row of four pixels and what TensorFlow has beside it, which when wrapped is not quite what the name promises. */
START_TEST(what_is_seen_beside_an_image) {
    static const double seen[4][12] = {{4, 3, 2, 1, 1, 2, 3, 4, 4, 3, 2, 1},
                                       {9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9},
                                       {4, 4, 3, 4, 1, 2, 3, 4, 1, 2, 1, 1},
                                       {1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4}};
    const float x[4] = {1, 2, 3, 4}, matrix[6] = {1, 0, -4, 0, 1, 0};
    for (int mode = 0; mode < 4; mode++) {
        const cly_ops_warp_shape s = {
            .images = 1, .channels = 1, .in = {1, 4}, .out = {1, 12}, .fill_mode = (cly_ops_fill)mode, .fill_value = 9};
        harness_case c = {.op = &cly_ops_warp_operator,
                          .shape = &s,
                          .inputs = {x, matrix},
                          .counts = {4, 6, 12},
                          .output = 2,
                          .expected = seen[mode]};
        (void)snprintf(c.text, sizeof(c.text), "fill_mode %d", mode);
        harness_check(&h, &c);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {images_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {what_is_seen_beside_an_image, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.warp", tests, 0, &h, &seed);
}
