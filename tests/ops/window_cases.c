/* ops/window_cases.c: random windows, resizings and poolings. */
#include "ops/window_cases.h"

#include <inttypes.h>
#include <stdio.h>

int64_t window_cases_product(const int64_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

/* Sizes of a rank between 1 and 3, channels among which are whole vectors, less and a bit more. */
reference_window_shape window_cases_random(test_random *random, int64_t most) {
    static const int64_t inner[] = {1, 1, 2, 3, 4, 7, 8, 16, 17, 32, 37};
    reference_window_shape s = {
        .outer = test_random_int(random, 1, 3), .inner = inner[test_random_int(random, 0, 10)], .in = {1, 1, 1}};
    const int64_t rank = test_random_int(random, 1, 3);
    for (int64_t i = 3 - rank; i < 3; i++) {
        s.in[i] = test_random_int(random, 1, i == 2 && test_random_chance(random, 20) ? 4 * most : most);
    }
    return s;
}

void window_cases_describe(harness_case *c, const reference_window_shape *s, const int64_t a[3], const char *what,
                           uint64_t index) {
    char in[64], out[64], other[64];
    snprintf(c->text, sizeof(c->text), "case %" PRIu64 ": outer %" PRId64 ", in %s, out %s, inner %" PRId64 ", %s %s",
             index, s->outer, harness_sizes(s->in, in), harness_sizes(s->out, out), s->inner, what,
             harness_sizes(a, other));
}

cly_ops_window_shape window_cases_window(test_random *random, reference_window_shape *s) {
    cly_ops_window_shape shape = {.outer = s->outer, .inner = s->inner};
    for (int axis = 0; axis < 3; axis++) {
        const bool used = s->in[axis] > 1 || axis == 2;
        int64_t before = used ? test_random_int(random, -(s->in[axis] - 1), 5) : 0;
        before = test_random_chance(random, 30) ? 0 : before;
        const int64_t least = 1 - s->in[axis] - before; /* at least one position stays */
        const int64_t after = used ? test_random_int(random, least > -4 ? least : -4, 5) : 0;
        shape.in[axis] = s->in[axis];
        shape.before[axis] = before;
        shape.out[axis] = s->out[axis] = s->in[axis] + before + after;
    }
    return shape;
}

cly_ops_resize_shape window_cases_resize(test_random *random, reference_window_shape *s) {
    const bool bilinear = test_random_chance(random, 50);
    cly_ops_resize_shape shape = {
        .outer = s->outer, .inner = s->inner, .method = bilinear ? CLY_BILINEAR : CLY_NEAREST};
    for (int axis = 0; axis < 3; axis++) {
        shape.in[axis] = s->in[axis];
        shape.factor[axis] = bilinear && axis == 0 ? 1 : test_random_int(random, 1, 4);
        s->out[axis] = s->in[axis] * shape.factor[axis];
    }
    return shape;
}

cly_ops_pool_shape window_cases_pool(test_random *random, reference_window_shape *s) {
    cly_ops_pool_shape shape = {.outer = s->outer, .inner = s->inner, .average = test_random_chance(random, 50)};
    for (int axis = 0; axis < 3; axis++) {
        const int64_t most = s->in[axis] < 4 || test_random_chance(random, 10) ? s->in[axis] : 4;
        shape.in[axis] = s->in[axis];
        shape.window[axis] = test_random_int(random, 1, most);
        shape.stride[axis] = test_random_int(random, 1, 3);
        shape.pad[axis] = test_random_int(random, 0, shape.window[axis] - 1);
        /* every window holds at least one element */
        shape.out[axis] = s->out[axis] = (s->in[axis] - 1 + shape.pad[axis]) / shape.stride[axis] + 1;
    }
    return shape;
}
