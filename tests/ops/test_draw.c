/* Random numbers for whole images, as numbers and as matrices, against plain loops; that they fill their limits; that
 * inverse matrices lead back. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/draw.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

enum { KINDS = CLY_DRAW_CROP + 1 };

static int64_t floats_of(const cly_ops_draw_shape *s) {
    return s->images * (s->kind == CLY_DRAW_NUMBER ? 1 : CLY_OPS_MATRIX);
}

static cly_ops_draw_shape draw_case(test_random *random, uint64_t i, const uint64_t *step) {
    cly_ops_draw_shape s = {.images = test_random_int(random, 1, 40),
                            .rows = test_random_int(random, 1, 30),
                            .columns = test_random_int(random, 1, 30),
                            .kind = (cly_ops_draw_kind)(i % KINDS),
                            .shared = test_random_chance(random, 30),
                            .together = test_random_chance(random, 30),
                            .seed = test_random_next(random),
                            .step = step};
    for (int j = 0; j < 2; j++) { /* a zoom is not 0, a crop begins in the image */
        s.low[j] = s.kind == CLY_DRAW_CROP ? 0 : s.kind == CLY_DRAW_ZOOM ? 0.25f : test_random_float(random, -1, 0);
        s.high[j] =
            s.kind == CLY_DRAW_CROP ? (float)test_random_int(random, 1, 20) : test_random_float(random, 0.25f, 1);
    }
    return s;
}

/* The matrix of a and b; across in m[0..2], down in m[3..5]. */
static void plain_matrix(const cly_ops_draw_shape *s, double a, double b, double m[6]) {
    const double right = (double)s->columns - 1, bottom = (double)s->rows - 1, turn = a * 6.283185307179586;
    double x = 1, y = 1, sine = 0, shift[2] = {0, 0}; /* across, down: at the middle for turns and zooms */
    bool centred = false;
    switch (s->kind) {
        case CLY_DRAW_FLIP:
            x = b <= 0 ? -1 : 1;
            y = a <= 0 ? -1 : 1;
            centred = true;
            break;
        case CLY_DRAW_ROTATION:
            x = y = cos(turn);
            sine = sin(turn);
            centred = true;
            break;
        case CLY_DRAW_ZOOM:
            x = b;
            y = a;
            centred = true;
            break;
        case CLY_DRAW_SHIFT:
            shift[0] = -b * (double)s->columns;
            shift[1] = -a * (double)s->rows;
            break;
        default:
            shift[0] = fmin(floor(b), (double)s->high[1] - 1);
            shift[1] = fmin(floor(a), (double)s->high[0] - 1);
    }
    const double matrix[6] = {x, -sine, shift[0], sine, y, shift[1]};
    memcpy(m, matrix, sizeof(matrix));
    if (centred) { /* the middle stays */
        m[2] = right / 2 - x * right / 2 + sine * bottom / 2;
        m[5] = bottom / 2 - sine * right / 2 - y * bottom / 2;
    }
}

START_TEST(numbers_agree) {
    const int cases = harness_cases(&h, 300);
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const uint64_t step = test_random_next(&random);
        const cly_ops_draw_shape s = draw_case(&random, i, &step);
        double *expected = harness_doubles(floats_of(&s));
        for (int64_t n = 0; n < s.images; n++) {
            double ab[2];
            for (int j = 0; j < 2; j++) { /* rounded as the kernel does, since a floor may follow */
                const double u = reference_uniform(s.seed, s.shared ? 0 : (uint64_t)n, step, s.together ? 0 : j);
                ab[j] = (double)(float)((double)s.low[j] + u * (double)(s.high[j] - s.low[j]));
            }
            if (s.kind == CLY_DRAW_NUMBER) {
                expected[n] = ab[0];
            } else {
                plain_matrix(&s, ab[0], ab[1], expected + 6 * n);
            }
        }
        harness_case c = {.op = &cly_ops_draw_operator,
                          .shape = &s,
                          .counts = {floats_of(&s)},
                          .output = 0,
                          .twice = true,
                          .expected = expected,
                          .tolerance = 32 * test_tolerance(4)};
        (void)snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": kind %d, %" PRId64 " images of %" PRId64 "x%" PRId64,
                       i, (int)s.kind, s.images, s.rows, s.columns);
        harness_check(&h, &c);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_draw_operator, cases, NULL);
}
END_TEST

START_TEST(inverses_lead_back) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_draw_shape s = draw_case(&random, i % (KINDS - 1) + 1, NULL);
        const harness_case c = {.op = &cly_ops_draw_operator, .shape = &s, .counts = {floats_of(&s)}, .output = 0};
        float *there = harness_output(&h, &c);
        s.inverse = true;
        float *back = harness_output(&h, &c);
        for (int64_t n = 0; n < s.images; n++) {
            const float *a = there + 6 * n, *b = back + 6 * n;
            const float at[2] = {a[0] * 3 + a[1] * 5 + a[2], a[3] * 3 + a[4] * 5 + a[5]};
            ck_assert_float_eq_tol(b[0] * at[0] + b[1] * at[1] + b[2], 3, 1e-3f);
            ck_assert_float_eq_tol(b[3] * at[0] + b[4] * at[1] + b[5], 5, 1e-3f);
        }
        free(there);
        free(back);
    }
}
END_TEST

/* A fixed seed: the same numbers in every run. */
START_TEST(numbers_fill_their_limits) {
    enum { MANY = 10000, BINS = 10 };
    const cly_ops_draw_shape s = {.images = MANY, .low = {-0.5f, 0}, .high = {1.5f, 0}, .seed = 5};
    const harness_case c = {.op = &cly_ops_draw_operator, .shape = &s, .counts = {MANY}, .output = 0};
    float *numbers = harness_output(&h, &c);
    int bins[BINS] = {0};
    for (int i = 0; i < MANY; i++) {
        ck_assert(numbers[i] >= -0.5f && numbers[i] < 1.5f);
        bins[(int)((numbers[i] + 0.5f) / 2 * BINS)]++;
    }
    for (int i = 0; i < BINS; i++) {
        ck_assert_msg(abs(bins[i] - MANY / BINS) < 5 * 30, "bin %d has %d of %d", i, bins[i], MANY);
    }
    free(numbers);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {numbers_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {inverses_lead_back, HARNESS_PLAIN},
        {numbers_fill_their_limits, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.draw", tests, 0, &h, &seed);
}
