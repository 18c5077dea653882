/* Sums over axes, on random shapes by every implementation, long ones too, and what they are the gradient of. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/harness.h"
#include "ops/reduce.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static int64_t count_of(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

/* At most `left` elements, whatever the rank. */
static cly_ops_reduce_shape random_shape(test_random *random, int64_t left) {
    cly_ops_reduce_shape s = {.x = {.rank = (int)test_random_int(random, 1, CLAYER_MAX_RANK)}};
    s.y.rank = s.x.rank;
    bool kept = test_random_chance(random, 50);
    for (int i = 0; i < s.x.rank; i++) {
        const int64_t most = test_random_chance(random, 15) ? 400 : 20;
        s.x.dims[i] = test_random_chance(random, 20) ? 1 : test_random_int(random, 1, left < most ? left : most);
        left /= s.x.dims[i];
        kept = test_random_chance(random, 60) ? kept : !kept; /* runs of axes of one kind */
        s.y.dims[i] = kept ? s.x.dims[i] : 1;
    }
    return s;
}

/* Where element `position` of x goes. */
static int64_t target(const cly_ops_reduce_shape *s, int64_t position) {
    int64_t index = 0, stride = 1;
    for (int i = s->x.rank - 1; i >= 0; i--) {
        index += s->y.dims[i] == 1 ? 0 : position % s->x.dims[i] * stride;
        stride *= s->y.dims[i];
        position /= s->x.dims[i];
    }
    return index;
}

/* The tolerance hardly grows with the length: runs of 64 are what is added up plainly. Sums of both signs come out near
 * zero, though, and the roundings within the runs, random as they are, do not. */
static void check(const cly_ops_reduce_shape *s, test_random *random, float low, uint64_t index) {
    const int64_t x_count = count_of(&s->x), y_count = count_of(&s->y);
    float *x = test_random_floats(random, x_count, low, 1);
    float *factor = test_random_floats(random, s->has_factor ? x_count : 1, 0.5f, 1);
    double *expected = calloc((size_t)y_count, sizeof(double));
    const int64_t length_of_sum = x_count / y_count;
    const int64_t roundings = low < 0 ? (int64_t)(8 * sqrt((double)length_of_sum)) : 0;
    ck_assert_ptr_nonnull(expected);
    for (int64_t i = 0; i < x_count; i++) {
        const double term = s->has_factor ? (double)x[i] * (double)factor[i] : (double)x[i];
        expected[target(s, i)] += s->divisor == 0 ? term : term / (double)s->divisor;
    }
    harness_case c = {.op = &cly_ops_reduce_operator,
                      .shape = s,
                      .inputs = {x, NULL, s->has_factor ? factor : NULL},
                      .counts = {x_count, y_count, s->has_factor ? x_count : 0},
                      .output = 1,
                      .twice = true,
                      .expected = expected,
                      .tolerance = test_tolerance(64 + length_of_sum / 64 + roundings)};
    int length = snprintf(c.text, sizeof(c.text), "case %" PRIu64 ":", index);
    for (int i = 0; i < s->x.rank; i++) {
        length += snprintf(c.text + length, sizeof(c.text) - (size_t)length, " %" PRId64 "%s", s->x.dims[i],
                           s->y.dims[i] == 1 ? " summed" : "");
    }
    harness_check(&h, &c);
    free(x);
    free(factor);
    free(expected);
}

START_TEST(sums_agree) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 200); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_reduce_shape s = random_shape(&random, i % 10 == 0 ? 200000 : 6000);
        s.has_factor = i % 3 == 1;
        s.divisor = i % 4 == 1 ? -1.0f : i % 4 == 2 ? 2.5f : 0.0f;
        check(&s, &random, -1, i);
    }
    harness_expect_runs(&h, &cly_ops_reduce_operator, harness_cases(&h, 200) / 2, NULL);
}
END_TEST

/* A bias' gradient over many pixels, channels in any number and place. */
START_TEST(long_sums_keep_their_digits) {
    static const cly_ops_reduce_shape shapes[] = {
        {{3, {300000, 1, 1}}, {3, {1, 1, 1}}, false, 0},  {{3, {100000, 3, 1}}, {3, {1, 3, 1}}, false, 0},
        {{3, {40000, 20, 1}}, {3, {1, 20, 1}}, false, 0}, {{3, {2, 3, 100003}}, {3, {1, 3, 1}}, false, 0},
        {{3, {30, 5, 2000}}, {3, {1, 5, 1}}, false, 0},   {{4, {3, 10007, 2, 7}}, {4, {3, 1, 2, 1}}, false, 0},
    };
    for (uint64_t i = 0; i < CLY_COUNT(shapes); i++) {
        test_random random = test_random_start(seed, i);
        check(&shapes[i], &random, 0.5f, i);
    }
}
END_TEST

START_TEST(sums_agree_in_little_memory) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 60); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_reduce_shape s = random_shape(&random, 50000);
        check(&s, &random, -1, i);
    }
}
END_TEST

START_TEST(bias_gradient) {
    test_random random = test_random_start(seed, 0);
    const cly_ops_reduce_shape s = cly_ops_reduce_to_axis(7, 5, 3);
    float *x = test_random_floats(&random, 105, -1, 1);
    double expected[5];
    reference_sum(7, 5, 3, x, expected);
    harness_case c = {.op = &cly_ops_reduce_operator,
                      .shape = &s,
                      .inputs = {x},
                      .counts = {105, 5},
                      .output = 1,
                      .expected = expected,
                      .tolerance = test_tolerance(21)};
    harness_check(&h, &c);
    free(x);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {sums_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {long_sums_keep_their_digits, HARNESS_PLAIN | HARNESS_AS_GPU},
        {bias_gradient, HARNESS_PLAIN | HARNESS_AS_GPU},
        {sums_agree_in_little_memory, HARNESS_SMALL},
        {NULL, 0},
    };
    return harness_main("ops.reduce", tests, 1024, &h, &seed);
}
