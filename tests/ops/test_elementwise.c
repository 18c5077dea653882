/* Batch normalisation, copies of slabs and transposes on random shapes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/elementwise.h"
#include "ops/harness.h"
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

static void describe(harness_case *c, uint64_t index, const clayer_shape *a, const clayer_shape *b) {
    int length = snprintf(c->text, sizeof(c->text), "case %" PRIu64 ":", index);
    const clayer_shape *shapes[] = {a, b};
    for (size_t k = 0; k < 2; k++) {
        for (int i = 0; shapes[k] != NULL && i < shapes[k]->rank; i++) {
            length += snprintf(c->text + length, sizeof(c->text) - (size_t)length, "%s%" PRId64,
                               i == 0 ? (k == 0 ? " " : " and ") : "x", shapes[k]->dims[i]);
        }
    }
}

/* At most a few thousand elements, whatever the rank. */
static clayer_shape random_shape(test_random *random) {
    clayer_shape s = {.rank = (int)test_random_int(random, 1, CLAYER_MAX_RANK)};
    int64_t left = 6000;
    for (int i = 0; i < s.rank; i++) {
        const int64_t most = left < 20 ? left : 20;
        s.dims[i] = test_random_chance(random, 20) ? 1 : test_random_int(random, 1, most);
        left /= s.dims[i];
    }
    return s;
}

START_TEST(batch_norm_agrees) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 200); i++) {
        test_random random = test_random_start(seed, i);
        const cly_ops_batch_norm_shape shape = {
            .outer = test_random_int(&random, 1, 30),
            .axis = test_random_int(&random, 1, 50),
            .inner = test_random_chance(&random, 50) ? 1 : test_random_int(&random, 1, 40),
            .epsilon = 1e-3f,
            .has_gamma = test_random_chance(&random, 70),
            .has_beta = test_random_chance(&random, 70)};
        const int64_t count = shape.outer * shape.axis * shape.inner;
        float *x = test_random_floats(&random, count, -2, 2);
        float *vectors[4];
        for (int j = 0; j < 4; j++) {
            vectors[j] = test_random_floats(&random, shape.axis, j == 3 ? 0.1f : -1, j == 3 ? 2 : 1);
        }
        const float *gamma = shape.has_gamma ? vectors[0] : NULL, *beta = shape.has_beta ? vectors[1] : NULL;
        double *expected = harness_doubles(count);
        reference_batch_norm(shape.outer, shape.axis, shape.inner, 1e-3, x, gamma, beta, vectors[2], vectors[3],
                             expected);
        harness_case c = {.op = &cly_ops_batch_norm_operator,
                          .shape = &shape,
                          .inputs = {x, gamma, beta, vectors[2], vectors[3]},
                          .counts = {count, shape.axis, shape.axis, shape.axis, shape.axis, count},
                          .output = 5,
                          .in_place = test_random_chance(&random, 50),
                          .expected = expected,
                          .tolerance = test_tolerance(8)};
        snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %" PRId64 " x %" PRId64 " x %" PRId64, i, shape.outer,
                 shape.axis, shape.inner);
        harness_check(&h, &c);
        for (int j = 0; j < 4; j++) {
            free(vectors[j]);
        }
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_batch_norm_operator, harness_cases(&h, 200), NULL);
}
END_TEST

START_TEST(copy_is_exact) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 200); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_copy_shape s = {.rows = test_random_int(&random, 1, 40), .width = test_random_int(&random, 1, 70)};
        s.x_offset = test_random_int(&random, 0, 20);
        s.y_offset = test_random_int(&random, 0, 20);
        s.x_length = s.x_offset + s.width + test_random_int(&random, 0, 20);
        s.y_length = s.y_offset + s.width + test_random_int(&random, 0, 20);
        float *x = test_random_floats(&random, s.rows * s.x_length, -1, 1);
        double *expected = harness_doubles(s.rows * s.y_length);
        for (int64_t j = 0; j < s.rows * s.y_length; j++) {
            const int64_t column = j % s.y_length - s.y_offset;
            expected[j] = column >= 0 && column < s.width ? (double)x[j / s.y_length * s.x_length + s.x_offset + column]
                                                          : (double)NAN; /* not written */
        }
        harness_case c = {.op = &cly_ops_copy_operator,
                          .shape = &s,
                          .inputs = {x},
                          .counts = {s.rows * s.x_length, s.rows * s.y_length},
                          .output = 1,
                          .expected = expected};
        snprintf(c.text, sizeof(c.text),
                 "case %" PRIu64 ": %" PRId64 " rows of %" PRId64 ", x %" PRId64 " + %" PRId64 ", y %" PRId64
                 " + %" PRId64,
                 i, s.rows, s.width, s.x_length, s.x_offset, s.y_length, s.y_offset);
        harness_check(&h, &c);
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_copy_operator, harness_cases(&h, 200), NULL);
}
END_TEST

/* Where element `position` of the permuted tensor comes from. */
static int64_t source_index(const cly_ops_transpose_shape *s, int64_t position) {
    int64_t at[CLAYER_MAX_RANK] = {0}, index = 0;
    for (int i = s->x.rank - 1; i >= 0; i--) {
        const int axis = s->permutation[i];
        at[axis] = position % s->x.dims[axis];
        position /= s->x.dims[axis];
    }
    for (int i = 0; i < s->x.rank; i++) {
        index = index * s->x.dims[i] + at[i];
    }
    return index;
}

START_TEST(transpose_is_exact) {
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 200); i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_transpose_shape shape = {.x = random_shape(&random)};
        for (int axis = 0; axis < shape.x.rank; axis++) {
            shape.permutation[axis] = axis;
        }
        const int from = (int)test_random_int(&random, 0, shape.x.rank - 1);
        const int rotate = test_random_chance(&random, 50) ? (int)test_random_int(&random, 0, shape.x.rank - 1) : 0;
        for (int axis = from; rotate > 0 && axis < shape.x.rank; axis++) {
            shape.permutation[axis] = from + (axis - from + rotate) % (shape.x.rank - from);
        }
        for (int axis = shape.x.rank - 1; rotate == 0 && axis > 0; axis--) {
            const int other = (int)test_random_int(&random, 0, axis);
            const int kept = shape.permutation[axis];
            shape.permutation[axis] = shape.permutation[other];
            shape.permutation[other] = kept;
        }
        const int64_t count = count_of(&shape.x);
        float *x = test_random_floats(&random, count, -1, 1);
        double *expected = harness_doubles(count);
        for (int64_t j = 0; j < count; j++) {
            expected[j] = (double)x[source_index(&shape, j)];
        }
        harness_case c = {.op = &cly_ops_transpose_operator,
                          .shape = &shape,
                          .inputs = {x},
                          .counts = {count, count},
                          .output = 1,
                          .expected = expected};
        describe(&c, i, &shape.x, NULL);
        harness_check(&h, &c);
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_transpose_operator, harness_cases(&h, 200) / 10, NULL);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {batch_norm_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {copy_is_exact, HARNESS_PLAIN | HARNESS_AS_GPU},
        {transpose_is_exact, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.elementwise", tests, 0, &h, &seed);
}
