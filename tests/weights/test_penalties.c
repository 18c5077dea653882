/* weights/test_penalties.c: regularizers' penalties and gradients against Keras and, on random shapes, plain loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- Keras ---- */

/* Keras divides what activities add by the batch, which is the caller's part: the scale. */
static void check_golden(const golden *g) {
    clayer_shape shape;
    cly_spec spec;
    float *w = golden_floats(g, "w", &shape);
    float *gradient = calloc((size_t)shape_count(&shape), sizeof(float));
    ck_assert_ptr_nonnull(gradient);
    const float scale = golden_has_flag(g, "activity") ? 1.0f / (float)shape.dims[0] : 1.0f;
    float value = 0.0f;
    golden_spec(g, &cly_weights_regularizers, NULL, &spec);
    ck_assert_msg(run_penalty(context, &spec, &shape, w, scale, &value, gradient) == CLAYER_OK, "%s",
                  clayer_last_error());
    golden_compare(g, "value", &value, golden_find(g, "value"), 1e-7, 2e-6);
    golden_compare(g, "dw", gradient, golden_find(g, "dw"), 1e-7, 2e-6);
    free(gradient);
    free(w);
}

START_TEST(test_keras) {
    clayer_archive *archive = golden_open("regularizers");
    golden g;
    int count = 0;
    for (; golden_read(archive, "regularizers", count, &g); count++) {
        check_golden(&g);
        golden_free(&g);
    }
    ck_assert_int_ge(count, 50);
    clayer_archive_destroy(archive);
}
END_TEST

/* ---- plain loops ---- */

static double sign(double x) {
    return (double)(x > 0.0) - (double)(x < 0.0);
}

/* Adds scale * (l1 sum |w| + l2 sum w^2). */
static void add_sizes(const float *w, int64_t count, double l1, double l2, double scale, double *value,
                      double *gradient) {
    for (int64_t i = 0; i < count; i++) {
        const double x = (double)w[i];
        *value += scale * (l1 * fabs(x) + l2 * x * x);
        gradient[i] += scale * (l1 * sign(x) + 2.0 * l2 * x);
    }
}

/* The place of element k of vector i. */
static int64_t place(const clayer_shape *shape, bool columns, int64_t i, int64_t k) {
    return columns ? k * shape->dims[1] + i : i * shape->dims[1] + k;
}

static double vector_dot(const clayer_shape *shape, bool columns, const double *a, int64_t i, const double *b,
                         int64_t j) {
    double sum = 0.0;
    for (int64_t k = 0; k < shape->dims[columns ? 0 : 1]; k++) {
        sum += a[place(shape, columns, i, k)] * b[place(shape, columns, j, k)];
    }
    return sum;
}

static void add_orthogonal(const float *w, const clayer_shape *shape, bool columns, double factor, double scale,
                           double *value, double *gradient) {
    const int64_t size = shape->dims[columns ? 1 : 0], length = shape->dims[columns ? 0 : 1];
    const int64_t count = size * length;
    const double share = scale * factor / ((double)size * ((double)size - 1.0) / 2.0);
    double *x = malloc((size_t)count * sizeof(double)), *n = malloc((size_t)count * sizeof(double));
    double *s = calloc((size_t)count, sizeof(double));
    ck_assert(x != NULL && n != NULL && s != NULL);
    for (int64_t i = 0; i < count; i++) {
        x[i] = (double)w[i];
    }
    for (int64_t i = 0; i < size; i++) {
        const double norm = sqrt(vector_dot(shape, columns, x, i, x, i));
        for (int64_t k = 0; k < length; k++) {
            n[place(shape, columns, i, k)] = x[place(shape, columns, i, k)] / norm;
        }
    }
    for (int64_t i = 0; i < size; i++) {
        for (int64_t j = 0; j < size; j++) {
            const double product = i == j ? 0.0 : vector_dot(shape, columns, n, i, n, j);
            *value += 0.5 * share * fabs(product);
            for (int64_t k = 0; k < length; k++) {
                s[place(shape, columns, i, k)] += share * sign(product) * n[place(shape, columns, j, k)];
            }
        }
    }
    for (int64_t i = 0; i < size; i++) {
        const double norm = sqrt(vector_dot(shape, columns, x, i, x, i));
        const double along = vector_dot(shape, columns, n, i, s, i);
        for (int64_t k = 0; k < length; k++) {
            const int64_t at = place(shape, columns, i, k);
            gradient[at] += (s[at] - n[at] * along) / norm;
        }
    }
    free(x);
    free(n);
    free(s);
}

static void check_random(test_random *random, int number) {
    static const char *const texts[] = {"l1(0.125)",
                                        "l2(0.25)",
                                        "l1_l2(l1=0.5)",
                                        "l1_l2(l2=0.5)",
                                        "l1_l2(0.25, 0.5)",
                                        "orthogonal_regularizer(0.5)",
                                        "orthogonal_regularizer(0.25, columns)"};
    static const double factors[][2] = {{0.125, 0}, {0, 0.25}, {0.5, 0}, {0, 0.5}, {0.25, 0.5}};
    const int which = (int)test_random_int(random, 0, 6);
    const bool matrix = which >= 5;
    clayer_shape shape = {.rank = matrix ? 2 : (int)test_random_int(random, 0, 5)};
    for (int i = 0; i < shape.rank; i++) {
        shape.dims[i] = test_random_int(random, matrix ? 2 : 1, matrix ? 40 : 9);
    }
    if (shape.rank == 1 && test_random_chance(random, 50)) {
        shape.dims[0] = test_random_int(random, 1, 300000);
    }
    const int64_t count = shape_count(&shape);
    const float scale = test_random_float(random, 0.5f, 2.0f);
    float *w = test_random_floats(random, count, -1.0f, 1.0f);
    float *gradient = test_random_floats(random, count, -1.0f, 1.0f);
    double *expected = malloc((size_t)count * sizeof(double));
    float value = test_random_float(random, -1.0f, 1.0f);
    double expected_value = (double)value;
    ck_assert_ptr_nonnull(expected);
    for (int64_t i = 0; i < count; i++) {
        expected[i] = (double)gradient[i];
    }
    const cly_spec spec = parse(&cly_weights_regularizers, texts[which]);
    if (matrix) {
        add_orthogonal(w, &shape, which == 6, which == 6 ? 0.25 : 0.5, (double)scale, &expected_value, expected);
    } else {
        add_sizes(w, count, factors[which][0], factors[which][1], (double)scale, &expected_value, expected);
    }
    ck_assert_msg(run_penalty(context, &spec, &shape, w, scale, &value, gradient) == CLAYER_OK, "%s",
                  clayer_last_error());
    int64_t worst = 0;
    const double share = test_worst(gradient, expected, count, test_tolerance(matrix ? 40 : 4), &worst);
    ck_assert_msg(share <= 1.0, "case %d, %s: gradient %lld is %.9g, not %.9g", number, texts[which], (long long)worst,
                  (double)gradient[worst], expected[worst]);
    ck_assert_msg(test_worst(&value, &expected_value, 1, test_tolerance(64), &worst) <= 1.0,
                  "case %d, %s on %lld values: %.9g, not %.9g", number, texts[which], (long long)count, (double)value,
                  expected_value);
    free(w);
    free(gradient);
    free(expected);
}

START_TEST(test_random_shapes) {
    const uint64_t seed = test_seed("weights.penalties");
    for (int i = 0; i < test_cases(120); i++) {
        test_random random = test_random_start(seed, (uint64_t)i);
        check_random(&random, i);
    }
}
END_TEST

START_TEST(test_again_the_same_bits) {
    test_random random = test_random_start(3, 0);
    const clayer_shape shape = {2, {700, 33}};
    float *w = test_random_floats(&random, shape_count(&shape), -1.0f, 1.0f);
    const char *const texts[] = {"l1_l2(0.25, 0.5)", "orthogonal_regularizer(mode=columns)"};
    for (size_t t = 0; t < 2; t++) {
        const cly_spec spec = parse(&cly_weights_regularizers, texts[t]);
        float first = 0.0f;
        for (int i = 0; i < 4; i++) {
            float value = 0.0f;
            ck_assert_int_eq(run_penalty(context, &spec, &shape, w, 1.0f, &value, NULL), CLAYER_OK);
            first = i == 0 ? value : first;
            ck_assert(memcmp(&first, &value, sizeof(value)) == 0);
        }
    }
    free(w);
}
END_TEST

/* ---- edges ---- */

START_TEST(test_no_regularizer) {
    const clayer_shape shape = {1, {3}};
    const cly_spec none = {0}, zero = parse(&cly_weights_regularizers, "l1_l2");
    const float w[3] = {1, 2, INFINITY};
    float value = 5.0f, gradient[3] = {1, 2, 3};
    ck_assert(cly_weights_penalty_workspace_bytes(context, &none, &shape) == 0);
    ck_assert_int_eq(run_penalty(context, &none, &shape, w, 1.0f, &value, gradient), CLAYER_OK);
    ck_assert_int_eq(run_penalty(context, &zero, &shape, w, 1.0f, &value, gradient), CLAYER_OK);
    ck_assert(value == 5.0f && gradient[0] == 1.0f && gradient[2] == 3.0f);
}
END_TEST

/* Zeros have no slope, and a NaN is not hidden. */
START_TEST(test_zero_and_nan) {
    const clayer_shape shape = {1, {3}};
    const cly_spec spec = parse(&cly_weights_regularizers, "l1");
    const float w[3] = {0.0f, -0.0f, NAN};
    float value = 0.0f, gradient[3] = {1, 2, 3};
    ck_assert_int_eq(run_penalty(context, &spec, &shape, w, 1.0f, &value, gradient), CLAYER_OK);
    ck_assert(gradient[0] == 1.0f && gradient[1] == 2.0f && isnan(gradient[2]) && isnan(value));
}
END_TEST

START_TEST(test_refusals) {
    const clayer_shape shape = {3, {2, 3, 4}};
    const cly_spec spec = parse(&cly_weights_regularizers, "orthogonal_regularizer");
    float w[24] = {0}, value = 1.0f;
    cly_spec wrong;
    ck_assert_int_eq(run_penalty(context, &spec, &shape, w, 1.0f, &value, NULL), CLAYER_INVALID_SHAPE);
    cly_test_error_has("needs a matrix, got 3 axes");
    ck_assert(value == 1.0f);
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_regularizers, "l2(-0.5)", &wrong), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_regularizers, "l3", &wrong), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_regularizers, "orthogonal_regularizer(mode=both)", &wrong),
                     CLAYER_INVALID_ARGUMENT);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("weights.penalties");
    TCase *tests = tcase_create("penalties");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_keras);
    tcase_add_test(tests, test_random_shapes);
    tcase_add_test(tests, test_again_the_same_bits);
    tcase_add_test(tests, test_no_regularizer);
    tcase_add_test(tests, test_zero_and_nan);
    tcase_add_test(tests, test_refusals);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
