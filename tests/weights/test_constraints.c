/* weights/test_constraints.c: constraints against Keras and, on random shapes and axes, plain loops. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/context.h"
#include "support/random.h"
#include "support/runner.h"
#include "support/tolerance.h"
#include "train/golden.h"
#include "weights/support.h"
#include "weights/weight.h"

static clayer_context *context;

static void set_up(void) {
    context = cly_test_context(NULL, NULL);
}

static void tear_down(void) {
    clayer_context_destroy(context);
}

START_TEST(test_keras) {
    clayer_archive *archive = golden_open("constraints");
    golden g;
    int count = 0;
    for (; golden_read(archive, "constraints", count, &g); count++) {
        clayer_shape shape;
        cly_spec spec;
        float *w = golden_floats(&g, "w", &shape);
        golden_spec(&g, &cly_weights_constraints, NULL, &spec);
        ck_assert_msg(run_constraint(context, &spec, &shape, w) == CLAYER_OK, "%s", clayer_last_error());
        golden_compare(&g, "result", w, golden_find(&g, "result"), 1e-7, 1e-6);
        free(w);
        golden_free(&g);
    }
    ck_assert_int_ge(count, 100);
    clayer_archive_destroy(archive);
}
END_TEST

/* ---- plain loops ---- */

/* Which vector along the axes in `along` the element `index` belongs to: its position with these axes at 0. */
static int64_t vector_of(const clayer_shape *shape, unsigned along, int64_t index) {
    int64_t result = 0, stride = 1;
    for (int axis = shape->rank - 1; axis >= 0; axis--) {
        result += (along >> (unsigned)axis & 1u) != 0 ? 0 : index % shape->dims[axis] * stride;
        stride *= shape->dims[axis];
        index /= shape->dims[axis];
    }
    return result;
}

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double bounded(int kind, double x, double norm) {
    switch (kind) {
        case 0:
            return x * clip(norm, 0.0, 0.75) / (1e-7 + norm);
        case 1:
            return x / (1e-7 + norm);
        default:
            return x * (0.25 * clip(norm, 0.5, 1.5) + 0.75 * norm) / (1e-7 + norm);
    }
}

static void check_random(test_random *random, int number) {
    static const char *const starts[] = {"max_norm(0.75, axis=[", "unit_norm(axis=[",
                                         "min_max_norm(0.5, 1.5, 0.25, axis=["};
    const int kind = (int)test_random_int(random, 0, 2);
    clayer_shape shape = {.rank = (int)test_random_int(random, 1, 6)};
    char text[128];
    unsigned along = 0;
    for (int i = 0; i < shape.rank; i++) {
        shape.dims[i] = test_random_int(random, 1, shape.rank > 4 ? 5 : 20);
    }
    int length = snprintf(text, sizeof(text), "%s", starts[kind]);
    for (int i = 0; i < shape.rank; i++) {
        if (test_random_chance(random, 50) || (along == 0 && i == shape.rank - 1)) {
            const int axis = test_random_chance(random, 30) ? i - shape.rank : i;
            length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%d", along == 0 ? "" : ", ", axis);
            along |= 1u << (unsigned)i;
        }
    }
    (void)snprintf(text + length, sizeof(text) - (size_t)length, "])");

    const cly_spec spec = parse(&cly_weights_constraints, text);
    const int64_t count = shape_count(&shape);
    float *w = test_random_floats(random, count, -1.0f, 1.0f);
    double *expected = malloc((size_t)count * sizeof(double)), *squares = calloc((size_t)count, sizeof(double));
    int64_t worst = 0;
    ck_assert(expected != NULL && squares != NULL);
    for (int64_t i = 0; i < count; i++) {
        squares[vector_of(&shape, along, i)] += (double)w[i] * (double)w[i];
    }
    for (int64_t i = 0; i < count; i++) {
        expected[i] = bounded(kind, (double)w[i], sqrt(squares[vector_of(&shape, along, i)]));
    }
    ck_assert_msg(run_constraint(context, &spec, &shape, w) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_msg(test_worst(w, expected, count, test_tolerance(16), &worst) <= 1.0,
                  "case %d, %s on %d axes: element %lld is %.9g, not %.9g", number, text, shape.rank, (long long)worst,
                  (double)w[worst], expected[worst]);
    free(w);
    free(expected);
    free(squares);
}

START_TEST(test_random_axes) {
    const uint64_t seed = test_seed("weights.constraints");
    for (int i = 0; i < test_cases(300); i++) {
        test_random random = test_random_start(seed, (uint64_t)i);
        check_random(&random, i);
    }
}
END_TEST

/* ---- edges ---- */

START_TEST(test_non_neg) {
    const clayer_shape shape = {1, {37}};
    const cly_spec spec = parse(&cly_weights_constraints, "NonNeg");
    float w[37];
    for (int i = 0; i < 37; i++) {
        w[i] = (float)(i % 5 - 2);
    }
    w[5] = NAN;
    w[6] = -INFINITY;
    ck_assert_int_eq(run_constraint(context, &spec, &shape, w), CLAYER_OK);
    for (int i = 0; i < 37; i++) {
        const float expected = i % 5 > 2 ? (float)(i % 5 - 2) : 0.0f;
        ck_assert(i == 5 ? isnan(w[i]) : w[i] == expected);
    }
}
END_TEST

START_TEST(test_none_and_zeros) {
    const clayer_shape shape = {2, {2, 2}};
    const cly_spec none = {0}, unit = parse(&cly_weights_constraints, "unit_norm");
    float w[4] = {0, 3, 0, 4};
    ck_assert(cly_weights_constrain_workspace_bytes(context, &none, &shape) == 0);
    ck_assert_int_eq(run_constraint(context, &none, &shape, w), CLAYER_OK);
    ck_assert(w[1] == 3.0f && w[3] == 4.0f);
    ck_assert_int_eq(run_constraint(context, &unit, &shape, w), CLAYER_OK);
    ck_assert(w[0] == 0.0f && w[2] == 0.0f && fabsf(w[1] - 0.6f) < 1e-6f && fabsf(w[3] - 0.8f) < 1e-6f);
}
END_TEST

START_TEST(test_refusals) {
    const clayer_shape shape = {2, {2, 2}};
    float w[4] = {1, 2, 3, 4};
    const cly_spec beyond = parse(&cly_weights_constraints, "max_norm(axis=[0, 2])");
    const cly_spec before = parse(&cly_weights_constraints, "unit_norm(axis=-3)");
    const cly_spec twice = parse(&cly_weights_constraints, "min_max_norm(axis=[1, -1])");
    ck_assert_int_eq(run_constraint(context, &beyond, &shape, w), CLAYER_INVALID_SHAPE);
    cly_test_error_has("axis 2 is not one of a weight with 2 axes");
    ck_assert_int_eq(run_constraint(context, &before, &shape, w), CLAYER_INVALID_SHAPE);
    cly_test_error_has("axis -3");
    ck_assert_int_eq(run_constraint(context, &twice, &shape, w), CLAYER_INVALID_SHAPE);
    cly_test_error_has("are one");
    ck_assert(w[0] == 1.0f && w[3] == 4.0f);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("weights.constraints");
    TCase *tests = tcase_create("constraints");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_keras);
    tcase_add_test(tests, test_random_axes);
    tcase_add_test(tests, test_non_neg);
    tcase_add_test(tests, test_none_and_zeros);
    tcase_add_test(tests, test_refusals);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
