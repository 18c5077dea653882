/* Steps along an axis and padding by reflection, and the gradients of both, on random shapes against plain loops. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "ops/remap.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

static cly_ops_remap_shape draw_case(test_random *random) {
    cly_ops_remap_shape s = {.outer = test_random_int(random, 1, 5),
                             .in = test_random_int(random, 1, 12),
                             .inner = test_random_int(random, 1, 9),
                             .edge = (cly_ops_edge)test_random_int(random, 0, 2),
                             .step = 1,
                             .fill = (float)test_random_int(random, -3, 3) / 4.0f};
    const int64_t most = s.edge == CLY_EDGE_REFLECT ? s.in - 1 : s.in;
    if (s.edge == CLY_EDGE_FILL) { /* also positions that lie wholly beside the tensor */
        s.step = test_random_int(random, 1, 3) * (test_random_chance(random, 50) ? -1 : 1);
        s.first = test_random_int(random, -4, s.in + 3);
        s.out = test_random_int(random, 1, 15);
    } else {
        s.first = -test_random_int(random, 0, most);
        s.out = s.in - s.first + test_random_int(random, 0, most);
    }
    return s;
}

/* Where position i of y comes from, walking as a reader of the edge's definition would; -1: from nowhere. */
static int64_t source_of(const cly_ops_remap_shape *s, int64_t i) {
    int64_t at = s->first + i * s->step;
    if (s->edge == CLY_EDGE_FILL) {
        return at >= 0 && at < s->in ? at : -1;
    }
    const int64_t period = s->edge == CLY_EDGE_REFLECT ? 2 * s->in - 2 : 2 * s->in;
    if (period == 0) {
        return 0;
    }
    at = (at % period + period) % period;
    return at < s->in ? at : s->edge == CLY_EDGE_REFLECT ? period - at : period - 1 - at;
}

/* forward: y from x; else dx from dy. */
static void plain(const cly_ops_remap_shape *s, bool gradient, const float *from, double *to) {
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t i = 0; i < s->out; i++) {
            const int64_t source = source_of(s, i);
            for (int64_t n = 0; n < s->inner; n++) {
                const int64_t y = (o * s->out + i) * s->inner + n, x = (o * s->in + source) * s->inner + n;
                if (!gradient) {
                    to[y] = (double)(source < 0 ? s->fill : from[x]);
                } else if (source >= 0) {
                    to[x] += (double)from[y];
                }
            }
        }
    }
}

static void check(bool gradient) {
    const int cases = harness_cases(&h, 400);
    const cly_ops_operator *op = gradient ? &cly_ops_remap_gradient_operator : &cly_ops_remap_operator;
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_remap_shape s = draw_case(&random);
        const int64_t x_count = s.outer * s.in * s.inner, y_count = s.outer * s.out * s.inner;
        float *from = test_random_floats(&random, gradient ? y_count : x_count, -1, 1);
        double *expected = harness_doubles(gradient ? x_count : y_count);
        plain(&s, gradient, from, expected);
        harness_case c = {.op = op,
                          .shape = &s,
                          .inputs = {from},
                          .counts = {gradient ? y_count : x_count, gradient ? x_count : y_count},
                          .output = 1,
                          .expected = expected,
                          .tolerance = gradient ? test_tolerance(4) : 0};
        (void)snprintf(c.text, sizeof(c.text),
                       "case %" PRIu64 ": %" PRId64 "x%" PRId64 "x%" PRId64 " to %" PRId64 ", first %" PRId64
                       ", step %" PRId64 ", edge %d",
                       i, s.outer, s.in, s.inner, s.out, s.first, s.step, (int)s.edge);
        harness_check(&h, &c);
        free(from);
        free(expected);
    }
    harness_expect_runs(&h, op, cases, NULL);
}

START_TEST(positions_are_moved_exactly) {
    check(false);
}
END_TEST

START_TEST(gradients_agree) {
    check(true);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {positions_are_moved_exactly, HARNESS_PLAIN | HARNESS_AS_GPU},
        {gradients_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.remap", tests, 0, &h, &seed);
}
