/* Walks along one axis: places of extreme values, products and their gradients, running sums, on random shapes against
 * plain loops in double. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/walk.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

/* One line of x at `x`, whose elements are `inner` apart. */
static void walk_line(const cly_ops_walk_shape *s, const float *x, double *y) {
    double product = 1, sum = 0;
    int64_t place = 0;
    for (int64_t i = 0; i < s->axis; i++) {
        const double value = (double)x[(s->back ? s->axis - 1 - i : i) * s->inner];
        const double best = (double)x[place * s->inner];
        place = (s->function == CLY_WALK_SMALLEST ? value < best : value > best) ? i : place;
        product *= value;
        if (s->function == CLY_WALK_SUM) {
            y[(s->back ? s->axis - 1 - i : i) * s->inner] = s->exclusive ? sum : sum + value;
        }
        sum += value;
    }
    if (s->function != CLY_WALK_SUM) {
        *y = s->function == CLY_WALK_PRODUCT ? product : (double)place;
    }
}

static void product_gradient_line(const cly_ops_walk_shape *s, const float *x, double dy, double *dx) {
    for (int64_t i = 0; i < s->axis; i++) {
        dx[i * s->inner] = dy;
        for (int64_t j = 0; j < s->axis; j++) {
            dx[i * s->inner] *= i == j ? 1 : (double)x[j * s->inner];
        }
    }
}

static cly_ops_walk_shape draw_case(test_random *random, bool gradient) {
    cly_ops_walk_shape s = {
        .outer = test_random_int(random, 1, 5),
        .axis = test_random_int(random, 1, 12),
        .inner = test_random_int(random, 1, 9),
        .function = gradient ? CLY_WALK_PRODUCT : (cly_ops_walk_function)test_random_int(random, 0, 3)};
    s.back = s.function == CLY_WALK_SUM && test_random_chance(random, 50);
    s.exclusive = s.function == CLY_WALK_SUM && test_random_chance(random, 50);
    return s;
}

static void check(bool gradient) {
    const int cases = harness_cases(&h, 300);
    const cly_ops_operator *op = gradient ? &cly_ops_product_gradient_operator : &cly_ops_walk_operator;
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_walk_shape s = draw_case(&random, gradient);
        const int64_t lines = s.outer * s.inner, whole = lines * s.axis;
        const int64_t count = gradient || s.function == CLY_WALK_SUM ? whole : lines;
        float *x = test_random_floats(&random, whole, -1, 1), *dy = test_random_floats(&random, lines, -1, 1);
        double *expected = harness_doubles(count);
        for (int64_t j = 0; j < whole; j++) {
            x[j] = roundf(x[j] * 8) / 4; /* some are equal, some 0 */
        }
        for (int64_t line = 0; line < lines; line++) {
            const int64_t first = line / s.inner * s.axis * s.inner + line % s.inner;
            if (gradient) {
                product_gradient_line(&s, x + first, (double)dy[line], expected + first);
            } else {
                walk_line(&s, x + first, expected + (count == whole ? first : line));
            }
        }
        harness_case c = {.op = op,
                          .shape = &s,
                          .inputs = {x, gradient ? dy : NULL},
                          .counts = {whole, gradient ? lines : count, count},
                          .output = gradient ? 2 : 1,
                          .expected = expected,
                          .tolerance = test_tolerance(s.axis + 4)};
        (void)snprintf(c.text, sizeof(c.text),
                       "case %" PRIu64 ": %" PRId64 "x%" PRId64 "x%" PRId64 ", function %d, back %d, exclusive %d", i,
                       s.outer, s.axis, s.inner, (int)s.function, s.back, s.exclusive);
        harness_check(&h, &c);
        free(x);
        free(dy);
        free(expected);
    }
    harness_expect_runs(&h, op, cases, NULL);
}

START_TEST(walks_agree) {
    check(false);
}
END_TEST

START_TEST(product_gradients_agree) {
    check(true);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {walks_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {product_gradients_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.walk", tests, 0, &h, &seed);
}
