/* Batch normalisation in training: statistics, running averages and gradients on random shapes by every implementation,
 * and the references against finite differences. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/batch_norm.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

#define EPSILON 1e-3f

static harness h;
static uint64_t seed;

/* Sizes of either layout; a few are long. */
static cly_ops_moments_shape random_shape(test_random *random) {
    cly_ops_moments_shape s = {.outer = test_random_int(random, 1, 40),
                               .axis = test_random_int(random, 1, 40),
                               .inner = test_random_chance(random, 50) ? 1 : test_random_int(random, 2, 60)};
    if (test_random_chance(random, 10)) {
        s.outer *= 100;
        s.axis = (s.axis + 9) / 10;
    }
    return s;
}

static void describe(harness_case *c, int64_t outer, int64_t axis, int64_t inner, uint64_t index) {
    snprintf(c->text, sizeof(c->text), "case %" PRIu64 ": %" PRId64 " x %" PRId64 " x %" PRId64, index, outer, axis,
             inner);
}

/* Values far from 0, where the difference of two large sums would have lost the variance. */
START_TEST(moments_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 50); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_moments_shape s = random_shape(&random);
        const int64_t count = s.outer * s.axis * s.inner;
        const float from = i % 3 == 0 ? 100.0f : -1.0f;
        float *x = test_random_floats(&random, count, from, from + 2);
        double *mean = harness_doubles(s.axis), *variance = harness_doubles(s.axis);
        reference_moments(s.outer, s.axis, s.inner, x, mean, variance);
        harness_case c = {.op = &cly_ops_moments_operator,
                          .shape = &s,
                          .inputs = {x},
                          .counts = {count, s.axis, s.axis},
                          .output = 1,
                          .twice = true,
                          .expected = mean,
                          .others = {NULL, NULL, variance},
                          .tolerance = test_tolerance(64)};
        describe(&c, s.outer, s.axis, s.inner, i);
        harness_check(&h, &c);
        free(x);
        free(mean);
        free(variance);
    }
    harness_expect_runs(&h, &cly_ops_moments_operator, harness_cases(&h, 50), NULL);
}
END_TEST

/* What one case of the gradient needs. */
typedef struct batch {
    cly_ops_batch_norm_gradient_shape shape;
    int64_t count;
    float *x, *dy, *gamma, *mean, *variance;
    double *dx, *dgamma, *dbeta;
} batch;

static batch make_batch(test_random *random) {
    const cly_ops_moments_shape s = random_shape(random);
    batch b = {.shape = {.outer = s.outer,
                         .axis = s.axis,
                         .inner = s.inner,
                         .epsilon = EPSILON,
                         .has_gamma = test_random_chance(random, 70),
                         .batch_statistics = test_random_chance(random, 70)},
               .count = s.outer * s.axis * s.inner};
    b.x = test_random_floats(random, b.count, -1, 1);
    b.dy = test_random_floats(random, b.count, -1, 1);
    b.gamma = test_random_floats(random, s.axis, 0.5f, 1.5f);
    b.mean = test_random_floats(random, s.axis, -1, 1);
    b.variance = test_random_floats(random, s.axis, 0.2f, 2);
    b.dx = harness_doubles(b.count);
    b.dgamma = harness_doubles(s.axis);
    b.dbeta = harness_doubles(s.axis);
    if (b.shape.batch_statistics) {
        reference_moments(s.outer, s.axis, s.inner, b.x, b.dgamma, b.dbeta);
        for (int64_t c = 0; c < s.axis; c++) {
            b.mean[c] = (float)b.dgamma[c];
            b.variance[c] = (float)b.dbeta[c];
        }
    }
    reference_batch_norm_gradient(s.outer, s.axis, s.inner, (double)EPSILON, b.x, b.shape.has_gamma ? b.gamma : NULL,
                                  b.shape.batch_statistics ? NULL : b.mean, b.variance, b.dy, b.dx, b.dgamma, b.dbeta);
    return b;
}

static void free_batch(batch *b) {
    float *const floats[] = {b->x, b->dy, b->gamma, b->mean, b->variance};
    double *const results[] = {b->dx, b->dgamma, b->dbeta};
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        free(floats[i]);
    }
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        free(results[i]);
    }
}

START_TEST(gradients_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 50); i++) {
        test_random random = test_random_start(seed, i);
        batch b = make_batch(&random);
        const int64_t axis = b.shape.axis, length = b.shape.outer * b.shape.inner;
        const int wanted = (int)test_random_int(&random, 0, 3); /* which of dgamma and dbeta */
        /* few values a channel: the variance may be near 0, and then 1 / root is large and the bracket a difference */
        const double steep = length < 8 ? 40 : 4;
        harness_case c = {
            .op = &cly_ops_batch_norm_gradient_operator,
            .shape = &b.shape,
            .inputs = {b.x, b.shape.has_gamma ? b.gamma : NULL, b.mean, b.variance, b.dy},
            .counts = {b.count, axis, axis, axis, b.count, b.count, axis, axis},
            .output = 5,
            .in_place = test_random_chance(&random, 30),
            .place = 4,
            .twice = i % 4 == 0,
            .expected = b.dx,
            .others = {NULL, NULL, NULL, NULL, NULL, NULL, wanted & 1 ? b.dgamma : NULL, wanted & 2 ? b.dbeta : NULL},
            .tolerance = test_tolerance(length) * steep};
        describe(&c, b.shape.outer, axis, b.shape.inner, i);
        harness_check(&h, &c);
        free_batch(&b);
    }
}
END_TEST

/* Without dx: the vectors alone. */
START_TEST(gradients_without_input) {
    test_random random = test_random_start(seed, 0);
    batch b = make_batch(&random);
    const int64_t axis = b.shape.axis;
    harness_case c = {.op = &cly_ops_batch_norm_gradient_operator,
                      .shape = &b.shape,
                      .inputs = {b.x, b.shape.has_gamma ? b.gamma : NULL, b.mean, b.variance, b.dy},
                      .counts = {b.count, axis, axis, axis, b.count, 0, axis, axis},
                      .output = 6,
                      .expected = b.dgamma,
                      .others = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, b.dbeta},
                      .tolerance = test_tolerance(b.shape.outer * b.shape.inner) * 40};
    harness_check(&h, &c);
    free_batch(&b);
}
END_TEST

/* The sum of dy times the normalised x, for the finite differences. */
static double loss(const float *x, const float *dy, int64_t outer, int64_t axis, const float *gamma) {
    double *mean = harness_doubles(axis), *variance = harness_doubles(axis), sum = 0;
    reference_moments(outer, axis, 1, x, mean, variance);
    for (int64_t i = 0; i < outer * axis; i++) {
        const int64_t c = i % axis;
        sum += (double)dy[i] * (double)gamma[c] * ((double)x[i] - mean[c]) / sqrt(variance[c] + (double)EPSILON);
    }
    free(mean);
    free(variance);
    return sum;
}

START_TEST(gradients_are_finite_differences) {
    enum { OUTER = 7, AXIS = 3 };
    test_random random = test_random_start(seed, 0);
    float *x = test_random_floats(&random, OUTER * AXIS, -1, 1), *dy = test_random_floats(&random, OUTER * AXIS, -1, 1);
    float *gamma = test_random_floats(&random, AXIS, 0.5f, 1.5f);
    double dx[OUTER * AXIS], dgamma[AXIS], dbeta[AXIS];
    reference_batch_norm_gradient(OUTER, AXIS, 1, (double)EPSILON, x, gamma, NULL, NULL, dy, dx, dgamma, dbeta);
    for (int i = 0; i < OUTER * AXIS; i++) {
        const float kept = x[i], low = kept - 0x1p-12f, high = kept + 0x1p-12f;
        x[i] = low;
        const double below = loss(x, dy, OUTER, AXIS, gamma);
        x[i] = high;
        const double above = loss(x, dy, OUTER, AXIS, gamma);
        x[i] = kept;
        const double difference = (above - below) / ((double)high - (double)low);
        ck_assert_msg(fabs(difference - dx[i]) < 1e-4, "element %d: %g, by differences %g", i, dx[i], difference);
    }
    free(x);
    free(dy);
    free(gamma);
}
END_TEST

static void check_average(test_random *random, int64_t times, int64_t pitch) {
    const cly_ops_moving_average_shape s = {
        .count = 37, .momentum = 0.9f, .factor = 1.25f, .times = times, .pitch = pitch};
    const int64_t batches = s.count + (times > 0 ? times - 1 : 0) * pitch;
    float *batch_values = test_random_floats(random, batches, -1, 1);
    float *moving = test_random_floats(random, s.count, -1, 1);
    double expected[37];
    for (int i = 0; i < 37; i++) {
        expected[i] = (double)moving[i];
        for (int64_t t = 0; t == 0 || t < times; t++) {
            expected[i] = expected[i] * 0.9 + 1.25 * (double)batch_values[t * pitch + i] * 0.1;
        }
    }
    harness_case c = {.op = &cly_ops_moving_average_operator,
                      .shape = &s,
                      .inputs = {batch_values, moving},
                      .counts = {batches, 37},
                      .output = 1,
                      .twice = true,
                      .expected = expected,
                      .tolerance = test_tolerance(2)};
    harness_check(&h, &c);
    free(batch_values);
    free(moving);
}

/* Once, several times by the same values, and by others each time. */
START_TEST(averages_move) {
    test_random random = test_random_start(seed, 0);
    static const int64_t ways[][2] = {{0, 0}, {2, 0}, {3, 40}};
    for (size_t way = 0; way < CLY_COUNT(ways); way++) {
        check_average(&random, ways[way][0], ways[way][1]);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {moments_agree, HARNESS_PLAIN | HARNESS_AS_GPU | HARNESS_SMALL},
        {gradients_agree, HARNESS_PLAIN | HARNESS_AS_GPU | HARNESS_SMALL},
        {gradients_without_input, HARNESS_PLAIN | HARNESS_AS_GPU | HARNESS_SMALL},
        {gradients_are_finite_differences, HARNESS_PLAIN},
        {averages_move, HARNESS_PLAIN},
        {NULL, 0},
    };
    return harness_main("ops.batch_norm", tests, 2048, &h, &seed);
}
