/* Normalisation within samples, forward and backward, on random shapes against plain loops in double precision; softmax
 * of long rows has its own suite. Resampling: its gradient is its transpose, and the weights of every output add up
 * to 1. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/harness.h"
#include "ops/normalize.h"
#include "ops/resample.h"
#include "support/random.h"
#include "support/tolerance.h"

#define EPSILON 0.01f

static harness h;
static uint64_t seed;

/* ---- normalisation ---- */

/* Rows, axes before the last, groups of channels in either layout. */
static cly_ops_norm_shape random_shape(test_random *random) {
    cly_ops_norm_shape s = {.outer = test_random_int(random, 1, 40),
                            .across = 1,
                            .groups = 1,
                            .kind = (cly_ops_norm_kind)test_random_int(random, 0, 2),
                            .inner = 1};
    const int64_t channels = test_random_int(random, 1, 70), space = test_random_int(random, 2, 40);
    const int64_t groups = test_random_int(random, 1, 5);
    switch (test_random_int(random, 0, 4)) {
        case 0: /* the axis before the last */
            s.across = s.channels = channels;
            s.groups = s.inner = space;
            s.within = 1;
            break;
        case 1: /* groups, channels last */
            s.outer = test_random_int(random, 1, 5);
            s.across = space;
            s.groups = groups;
            s.within = (channels + 4) / 5;
            s.channels = groups * s.within;
            break;
        case 2: /* groups, channels first */
            s.outer = test_random_int(random, 1, 5) * groups;
            s.inner = space;
            s.channels = groups * ((channels + 4) / 5);
            s.within = s.channels / groups * space;
            break;
        default: /* rows, a few of them long */
            s.outer = test_random_int(random, 1, 150);
            s.within = s.channels = channels * (test_random_chance(random, 20) ? 13 : 1);
            break;
    }
    s.has_gamma = test_random_chance(random, 70);
    s.has_beta = test_random_chance(random, 70);
    s.epsilon = s.kind == CLY_NORM_UNIT ? 0.0f : EPSILON;
    s.floor = s.kind == CLY_NORM_UNIT ? 1e-12f : 0.0f;
    return s;
}

typedef struct sample {
    cly_ops_norm_shape shape;
    int64_t count, statistics;
    float *x, *dy, *gamma, *beta;
    double *y, *dx, *dgamma, *dbeta, *mean, *variance;
} sample;

static int64_t group_of(const cly_ops_norm_shape *s, int64_t i) {
    return i / (s->within * s->groups * s->across) * s->groups + i / s->within % s->groups;
}

/* By the definition, and its derivative by hand. */
static void fill_expected(sample *p) {
    const cly_ops_norm_shape *s = &p->shape;
    const double n = (double)(s->across * s->within);
    const bool unit = s->kind == CLY_NORM_UNIT;
    double *sum = harness_doubles(p->statistics), *product = harness_doubles(p->statistics);
    for (int64_t i = 0; i < p->count && !unit; i++) {
        p->mean[group_of(s, i)] += (double)p->x[i] / n;
    }
    for (int64_t i = 0; i < p->count; i++) {
        const double distance = (double)p->x[i] - p->mean[group_of(s, i)];
        p->variance[group_of(s, i)] += distance * distance / (unit ? 1.0 : n);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < p->count; i++) {
            const int64_t g = group_of(s, i), c = i / s->inner % s->channels;
            const double scale = 1.0 / sqrt(p->variance[g] + (double)s->epsilon);
            const double value = ((double)p->x[i] - (s->kind == CLY_NORM_LAYER ? p->mean[g] : 0.0)) * scale;
            const double slope = (double)p->dy[i] * (s->has_gamma ? (double)p->gamma[c] : 1.0);
            if (pass == 0) {
                p->y[i] = value * (s->has_gamma ? (double)p->gamma[c] : 1.0) + (s->has_beta ? (double)p->beta[c] : 0.0);
                p->dgamma[c] += (double)p->dy[i] * value;
                p->dbeta[c] += (double)p->dy[i];
                sum[g] += s->kind == CLY_NORM_LAYER ? slope / n : 0.0;
                product[g] += slope * value / (unit ? 1.0 : n);
            } else {
                p->dx[i] = (slope - sum[g] - ((double)p->x[i] - p->mean[g]) * scale * product[g]) * scale;
            }
        }
    }
    free(sum);
    free(product);
}

static sample make_sample(test_random *random) {
    sample p = {.shape = random_shape(random)};
    const cly_ops_norm_shape *s = &p.shape;
    p.count = s->outer * s->across * s->groups * s->within;
    p.statistics = s->outer * s->groups;
    p.x = test_random_floats(random, p.count, -1, 2);
    p.dy = test_random_floats(random, p.count, -1, 1);
    p.gamma = test_random_floats(random, s->channels, 0.5f, 1.5f);
    p.beta = test_random_floats(random, s->channels, -1, 1);
    p.y = harness_doubles(p.count);
    p.dx = harness_doubles(p.count);
    p.dgamma = harness_doubles(s->channels);
    p.dbeta = harness_doubles(s->channels);
    p.mean = harness_doubles(p.statistics);
    p.variance = harness_doubles(p.statistics);
    fill_expected(&p);
    return p;
}

static void free_sample(sample *p) {
    float *floats[] = {p->x, p->dy, p->gamma, p->beta};
    double *numbers[] = {p->y, p->dx, p->dgamma, p->dbeta, p->mean, p->variance};
    for (size_t i = 0; i < CLY_COUNT(floats); i++) {
        free(floats[i]);
    }
    for (size_t i = 0; i < CLY_COUNT(numbers); i++) {
        free(numbers[i]);
    }
}

static void describe(harness_case *c, const cly_ops_norm_shape *s, uint64_t index) {
    snprintf(c->text, sizeof(c->text),
             "case %" PRIu64 ": %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64 ", channels %" PRId64
             ", inner %" PRId64 ", kind %d",
             index, s->outer, s->across, s->groups, s->within, s->channels, s->inner, (int)s->kind);
}

START_TEST(results_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 80); i++) {
        test_random random = test_random_start(seed, i);
        sample p = make_sample(&random);
        const bool keeps = test_random_chance(&random, 50);
        const int64_t kept = keeps ? p.statistics : 0;
        harness_case c = {.op = &cly_ops_group_norm_operator,
                          .shape = &p.shape,
                          .inputs = {p.x, p.shape.has_gamma ? p.gamma : NULL, p.shape.has_beta ? p.beta : NULL},
                          .counts = {p.count, p.shape.has_gamma ? p.shape.channels : 0,
                                     p.shape.has_beta ? p.shape.channels : 0, kept, kept, p.count},
                          .output = 5,
                          .in_place = test_random_chance(&random, 30),
                          .twice = true,
                          .expected = p.y,
                          .others = {NULL, NULL, NULL, keeps ? p.mean : NULL, keeps ? p.variance : NULL},
                          .tolerance = test_tolerance(256)};
        describe(&c, &p.shape, i);
        harness_check(&h, &c);
        free_sample(&p);
    }
    harness_expect_run(&h, &cly_ops_group_norm_operator, "reference", harness_cases(&h, 80));
    harness_expect_run(&h, &cly_ops_group_norm_operator, "rows", harness_cases(&h, 80) / 6);
}
END_TEST

START_TEST(gradients_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 80); i++) {
        test_random random = test_random_start(seed, i);
        sample p = make_sample(&random);
        float *mean = calloc((size_t)p.statistics, sizeof(float)),
              *variance = calloc((size_t)p.statistics, sizeof(float));
        ck_assert(mean != NULL && variance != NULL);
        for (int64_t j = 0; j < p.statistics; j++) {
            mean[j] = (float)p.mean[j];
            variance[j] = (float)p.variance[j];
        }
        const int64_t gamma = p.shape.has_gamma ? p.shape.channels : 0, beta = p.shape.has_beta ? p.shape.channels : 0;
        harness_case c = {
            .op = &cly_ops_group_norm_gradient_operator,
            .shape = &p.shape,
            .inputs = {p.x, p.shape.has_gamma ? p.gamma : NULL, mean, variance, p.dy},
            .counts = {p.count, gamma, p.statistics, p.statistics, p.count, p.count, gamma, beta},
            .output = 5,
            .in_place = test_random_chance(&random, 30),
            .place = 4,
            .twice = true,
            .expected = p.dx,
            .others = {NULL, NULL, NULL, NULL, NULL, NULL, gamma > 0 ? p.dgamma : NULL, beta > 0 ? p.dbeta : NULL},
            .tolerance = test_tolerance(512)};
        describe(&c, &p.shape, i);
        harness_check(&h, &c);
        free(mean);
        free(variance);
        free_sample(&p);
    }
    harness_expect_run(&h, &cly_ops_group_norm_gradient_operator, "reference", harness_cases(&h, 80));
    harness_expect_run(&h, &cly_ops_group_norm_gradient_operator, "rows", harness_cases(&h, 80) / 6);
}
END_TEST

/* ---- resampling ---- */

START_TEST(resampling_turns_round) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 32); i++) {
        test_random random = test_random_start(seed, 1000 + i);
        cly_ops_resample_shape s = {.outer = test_random_int(&random, 1, 3),
                                    .inner = test_random_chance(&random, 50) ? 1 : test_random_int(&random, 2, 40),
                                    .method = (cly_ops_resample_method)(i % 8),
                                    .antialias = test_random_chance(&random, 40)};
        for (int axis = 0; axis < 2; axis++) {
            s.in[axis] = test_random_int(&random, 1, 20);
            s.out[axis] = test_random_int(&random, 1, 20);
        }
        const int64_t from = s.outer * s.in[0] * s.in[1] * s.inner, to = s.outer * s.out[0] * s.out[1] * s.inner;
        float *x = test_random_floats(&random, from, -1, 1), *dy = test_random_floats(&random, to, -1, 1);
        float *ones = test_random_floats(&random, from, 1, 1);
        double *all_ones = harness_doubles(to);
        for (int64_t j = 0; j < to; j++) {
            all_ones[j] = 1.0;
        }
        harness_case c = {.op = &cly_ops_resample_operator,
                          .shape = &s,
                          .inputs = {ones},
                          .counts = {from, to},
                          .output = 1,
                          .twice = true,
                          .expected = all_ones,
                          .tolerance = test_tolerance(64)};
        snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": method %d", i, (int)s.method);
        harness_check(&h, &c);
        harness_case forward = {
            .op = &cly_ops_resample_operator, .shape = &s, .inputs = {x}, .counts = {from, to}, .output = 1};
        harness_case backward = {
            .op = &cly_ops_resample_gradient_operator, .shape = &s, .inputs = {dy}, .counts = {to, from}, .output = 1};
        float *y = harness_output(&h, &forward), *dx = harness_output(&h, &backward);
        const double there = harness_dot(y, dy, to), back = harness_dot(x, dx, from);
        ck_assert_msg(fabs(there - back) <= 1e-4 * (double)(1 + to), "case %" PRIu64 ": method %d: %g and %g", i,
                      (int)s.method, there, back);
        free(x);
        free(dy);
        free(ones);
        free(all_ones);
        free(y);
        free(dx);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {results_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {gradients_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {resampling_turns_round, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.normalize", tests, 0, &h, &seed);
}
