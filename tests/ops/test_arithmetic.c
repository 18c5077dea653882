/* Functions of two tensors with broadcasting, and their gradients, on random shapes against plain loops in double. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/arithmetic.h"
#include "ops/harness.h"
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

/* ---- the plain form ---- */

static double apply(const cly_ops_arithmetic_shape *s, double a, double b) {
    switch (s->function) {
        case CLY_ADD:
            return a + b;
        case CLY_SUBTRACT:
            return a - b;
        case CLY_MULTIPLY:
            return a * b;
        case CLY_DIVIDE:
            return a / b;
        case CLY_MAXIMUM:
            return fmax(a, b);
        case CLY_MINIMUM:
            return fmin(a, b);
        case CLY_POWER:
            return pow(a, b);
        case CLY_SQUARED_DIFFERENCE:
            return (a - b) * (a - b);
        case CLY_EQUAL:
            return a == b;
        case CLY_NOT_EQUAL:
            return a != b;
        case CLY_GREATER:
            return a > b;
        case CLY_GREATER_EQUAL:
            return a >= b;
        case CLY_LESS:
            return a < b;
        case CLY_LESS_EQUAL:
            return a <= b;
        case CLY_PRELU:
            return a > 0 ? a : a * b;
        case CLY_ADD_SCALED:
            return a + (double)s->scalar * b;
        case CLY_LOGICAL_AND:
            return a != 0 && b != 0;
        case CLY_LOGICAL_OR:
            return a != 0 || b != 0;
        case CLY_LOGICAL_XOR:
            return (a != 0) != (b != 0);
        case CLY_MODULO:
            return a - b * floor(a / b);
        case CLY_FLOOR_DIVIDE:
            return floor(a / b);
        case CLY_SELECT:
            return a != 0 ? b : 0;
        case CLY_SELECT_NOT:
            return a != 0 ? 0 : b;
        case CLY_SQUARE:
            return a * a;
        case CLY_SQRT:
            return sqrt(a);
        case CLY_RSQRT:
            return 1 / sqrt(a);
        case CLY_LOG:
            return log(a);
        case CLY_ABSOLUTE:
            return fabs(a);
        case CLY_CLIP:
            return fmin(fmax(a, (double)s->limits[0]), (double)s->limits[1]);
        case CLY_SIN:
            return sin(a);
        case CLY_COS:
            return cos(a);
        case CLY_SIGN:
            return (a > 0) - (a < 0);
        case CLY_FLOOR:
            return floor(a);
        case CLY_CEIL:
            return ceil(a);
        case CLY_ROUND:
            return nearbyint(a);
        case CLY_ERF:
            return erf(a);
        case CLY_LOG1P:
            return log1p(a);
        case CLY_EXPM1:
            return expm1(a);
        case CLY_FILL:
            return (double)s->limits[0];
        case CLY_STOP:
            return a;
        case CLY_TAN:
            return tan(a);
        case CLY_ARCSIN:
            return asin(a);
        case CLY_ARCCOS:
            return acos(a);
        case CLY_ARCTAN:
            return atan(a);
        case CLY_SINH:
            return sinh(a);
        case CLY_COSH:
            return cosh(a);
        case CLY_ARCSINH:
            return asinh(a);
        case CLY_ARCCOSH:
            return acosh(a);
        case CLY_ARCTANH:
            return atanh(a);
        case CLY_EXP2:
            return exp2(a);
        case CLY_LOG2:
            return log2(a);
        case CLY_LOG10:
            return log10(a);
        case CLY_IS_NAN:
            return isnan(a);
        case CLY_IS_FINITE:
            return isfinite(a);
        case CLY_FUNCTION_COUNT:
            break;
    }
    return (double)NAN;
}

/* The derivative by a, or by b. */
static double slope(const cly_ops_arithmetic_shape *s, int of, double a, double b) {
    switch (s->function) {
        case CLY_ADD:
            return 1;
        case CLY_SUBTRACT:
            return of == 0 ? 1 : -1;
        case CLY_MULTIPLY:
            return of == 0 ? b : a;
        case CLY_DIVIDE:
            return of == 0 ? 1 / b : -a / (b * b);
        case CLY_MAXIMUM:
            return (a >= b) == (of == 0);
        case CLY_MINIMUM:
            return (a <= b) == (of == 0);
        case CLY_POWER:
            return of == 0 ? b * pow(a, b - 1) : pow(a, b) * log(a);
        case CLY_SQUARED_DIFFERENCE:
            return (of == 0 ? 2 : -2) * (a - b);
        case CLY_PRELU:
            return of == 0 ? (a > 0 ? 1 : a < 0 ? b : 0) : fmin(a, 0);
        case CLY_ADD_SCALED:
            return of == 0 ? 1 : (double)s->scalar;
        case CLY_SQUARE:
            return 2 * a;
        case CLY_SQRT:
            return 0.5 / sqrt(a);
        case CLY_RSQRT:
            return -0.5 / (a * sqrt(a));
        case CLY_LOG:
            return 1 / a;
        case CLY_ABSOLUTE:
            return a > 0 ? 1 : a < 0 ? -1 : 0;
        case CLY_CLIP:
            return a >= (double)s->limits[0] && a <= (double)s->limits[1];
        case CLY_MODULO:
            return of == 0 ? 1 : -floor(a / b);
        case CLY_SELECT:
            return of == 1 && a != 0;
        case CLY_SELECT_NOT:
            return of == 1 && a == 0;
        case CLY_SIN:
            return cos(a);
        case CLY_COS:
            return -sin(a);
        case CLY_ERF:
            return 2 / sqrt(acos(-1)) * exp(-a * a);
        case CLY_LOG1P:
            return 1 / (1 + a);
        case CLY_EXPM1:
            return exp(a);
        case CLY_TAN:
            return 1 + tan(a) * tan(a);
        case CLY_ARCSIN:
            return 1 / sqrt(1 - a * a);
        case CLY_ARCCOS:
            return -1 / sqrt(1 - a * a);
        case CLY_ARCTAN:
            return 1 / (1 + a * a);
        case CLY_SINH:
            return cosh(a);
        case CLY_COSH:
            return sinh(a);
        case CLY_ARCSINH:
            return 1 / sqrt(1 + a * a);
        case CLY_ARCCOSH:
            return 1 / sqrt(a * a - 1);
        case CLY_ARCTANH:
            return 1 / (1 - a * a);
        case CLY_EXP2:
            return exp2(a) * log(2);
        case CLY_LOG2:
            return 1 / (a * log(2));
        case CLY_LOG10:
            return 1 / (a * log(10));
        default:
            return 0; /* comparisons, truth values, steps */
    }
}

/* The index into a tensor of `shape`, whose ones repeat, of the element at `position` in a tensor of `whole`. */
static int64_t broadcast_index(const clayer_shape *shape, const clayer_shape *whole, int64_t position) {
    int64_t index = 0, stride = 1;
    for (int i = whole->rank - 1; i >= 0; i--) {
        index += shape->dims[i] == 1 ? 0 : position % whole->dims[i] * stride;
        stride *= shape->dims[i];
        position /= whole->dims[i];
    }
    return index;
}

/* ---- random cases ---- */

/* At most a few thousand elements, whatever the rank; y may be larger than both. */
static void draw_shapes(test_random *random, cly_ops_arithmetic_shape *s) {
    int64_t left = 6000;
    s->y.rank = (int)test_random_int(random, 1, CLAYER_MAX_RANK);
    const int repeats = test_random_chance(random, 40) ? 0 : 40;
    bool a_repeats = false, b_repeats = false;
    for (int i = 0; i < s->y.rank; i++) {
        const int64_t most = left < 40 ? left : 40;
        s->y.dims[i] = test_random_chance(random, 20) ? 1 : test_random_int(random, 1, most);
        left /= s->y.dims[i];
        if (test_random_chance(random, 60)) { /* runs of axes of one kind */
            a_repeats = test_random_chance(random, repeats);
            b_repeats = test_random_chance(random, repeats);
        }
        s->a.dims[i] = a_repeats ? 1 : s->y.dims[i];
        s->b.dims[i] = b_repeats ? 1 : s->y.dims[i];
    }
    s->a.rank = s->b.rank = s->y.rank;
}

static cly_ops_arithmetic_shape draw_case(test_random *random, uint64_t index) {
    cly_ops_arithmetic_shape s = {.function = (cly_ops_function)(index % CLY_FUNCTION_COUNT),
                                  .scalar = (float)test_random_int(random, 1, 40) / 16.0f,
                                  .limits = {-0.5f, 0.75f}};
    draw_shapes(random, &s);
    if (!cly_ops_is_unary(s.function) && s.function != CLY_ADD_SCALED && test_random_chance(random, 30)) {
        s.is_scalar[test_random_int(random, 0, 1)] = true;
    }
    return s;
}

/* Multiples of 1/16 or 1/32, so that some are equal; above 0 or within 1 where the function asks for it. */
static float *draw_values(test_random *random, const cly_ops_arithmetic_shape *s, int64_t count) {
    const cly_ops_function f = s->function;
    const bool positive = f == CLY_POWER || f == CLY_SQRT || f == CLY_RSQRT || f == CLY_LOG || f == CLY_LOG1P ||
                          f == CLY_LOG2 || f == CLY_LOG10 || f == CLY_ARCCOSH;
    const bool small = f == CLY_TAN || f == CLY_ARCSIN || f == CLY_ARCCOS || f == CLY_ARCTANH;
    const bool divides = f == CLY_DIVIDE || f == CLY_MODULO || f == CLY_FLOOR_DIVIDE;
    float *values = test_random_floats(random, count, -1, 1);
    for (int64_t i = 0; i < count; i++) {
        values[i] = roundf(values[i] * 24) / 16;
        values[i] = positive ? fabsf(values[i]) + 0.0625f : values[i];
        values[i] += f == CLY_ARCCOSH ? 1.0f : 0.0f;
        values[i] *= small ? 0.5f : 1.0f;
        values[i] = divides && values[i] == 0 ? 0.5f : values[i];
    }
    return values;
}

static double value_at(const cly_ops_arithmetic_shape *s, int k, const float *values, int64_t position) {
    return s->is_scalar[k] ? (double)s->scalar
                           : (double)values[broadcast_index(k == 0 ? &s->a : &s->b, &s->y, position)];
}

static void describe(const cly_ops_arithmetic_shape *s, uint64_t index, harness_case *c) {
    int length = snprintf(c->text, sizeof(c->text), "case %" PRIu64 ": function %d, scalars %d %d, ", index,
                          (int)s->function, s->is_scalar[0], s->is_scalar[1]);
    for (int i = 0; i < s->y.rank; i++) {
        length += snprintf(c->text + length, sizeof(c->text) - (size_t)length, "%" PRId64 "%s%s ", s->y.dims[i],
                           s->a.dims[i] == s->y.dims[i] ? "" : "a", s->b.dims[i] == s->y.dims[i] ? "" : "b");
    }
}

/* The values that came from far more digits are compared by their size. */
static double tolerance_of(const cly_ops_arithmetic_shape *s) {
    return s->function == CLY_POWER || s->function == CLY_DIVIDE || s->function >= CLY_SQRT ? test_tolerance(64)
                                                                                            : test_tolerance(4);
}

START_TEST(functions_agree) {
    const uint64_t cases = (uint64_t)harness_cases(&h, 400);
    for (uint64_t i = 0; i < cases; i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_arithmetic_shape s = draw_case(&random, i);
        const bool relu = s.function == CLY_ADD && test_random_chance(&random, 50);
        if (relu) {
            s.activation = (cly_ops_activation){.id = CLY_RELU, .parameters = {0, INFINITY, 0}};
        }
        const int64_t count = count_of(&s.y), a_count = count_of(&s.a), b_count = count_of(&s.b);
        float *a = draw_values(&random, &s, a_count), *b = draw_values(&random, &s, b_count);
        double *expected = calloc((size_t)count, sizeof(double));
        ck_assert_ptr_nonnull(expected);
        for (int64_t j = 0; j < count; j++) {
            const double y = apply(&s, value_at(&s, 0, a, j), value_at(&s, 1, b, j));
            expected[j] = relu ? fmax(y, 0) : y;
        }
        const bool over_b = !s.is_scalar[1] && !cly_ops_is_unary(s.function) && test_random_chance(&random, 50);
        harness_case c = {
            .op = &cly_ops_arithmetic_operator,
            .shape = &s,
            .inputs = {s.is_scalar[0] ? NULL : a, s.is_scalar[1] || cly_ops_is_unary(s.function) ? NULL : b},
            .counts = {a_count, b_count, count},
            .output = 2,
            .in_place =
                (over_b ? b_count == count : a_count == count && !s.is_scalar[0]) && test_random_chance(&random, 50),
            .place = over_b ? 1 : 0,
            .expected = expected,
            .tolerance = tolerance_of(&s)};
        describe(&s, i, &c);
        harness_check(&h, &c);
        free(a);
        free(b);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_arithmetic_operator, (int)cases / 5, NULL);
}
END_TEST

START_TEST(gradients_agree) {
    const uint64_t cases = (uint64_t)harness_cases(&h, 400);
    for (uint64_t i = 0; i < cases; i++) {
        test_random random = test_random_start(seed, i);
        cly_ops_arithmetic_gradient_shape g = {.forward = draw_case(&random, i)};
        const cly_ops_arithmetic_shape *s = &g.forward;
        const bool unary = cly_ops_is_unary(s->function);
        g.of = s->is_scalar[0] ? 1 : s->is_scalar[1] || unary ? 0 : (int)test_random_int(&random, 0, 1);
        const int64_t count = count_of(&s->y), a_count = count_of(&s->a), b_count = count_of(&s->b);
        float *a = draw_values(&random, s, a_count), *b = draw_values(&random, s, b_count);
        float *dy = test_random_floats(&random, count, -1, 1);
        double *expected = calloc((size_t)count, sizeof(double));
        ck_assert_ptr_nonnull(expected);
        for (int64_t j = 0; j < count; j++) {
            expected[j] = (double)dy[j] * slope(s, g.of, value_at(s, 0, a, j), value_at(s, 1, b, j));
        }
        harness_case c = {.op = &cly_ops_arithmetic_gradient_operator,
                          .shape = &g,
                          .inputs = {s->is_scalar[0] ? NULL : a, s->is_scalar[1] || unary ? NULL : b, dy},
                          .counts = {a_count, b_count, count, count},
                          .output = 3,
                          .in_place = test_random_chance(&random, 50),
                          .place = 2,
                          .expected = expected,
                          .tolerance = test_tolerance(256)};
        describe(s, i, &c);
        harness_check(&h, &c);
        free(a);
        free(b);
        free(dy);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_arithmetic_gradient_operator, (int)cases / 5, NULL);
}
END_TEST

/* Broadcasts of real networks go by rows, not by finding each element's place. */
START_TEST(common_broadcasts_are_fast) {
    static const struct {
        clayer_shape a, b;
        const char *name;
    } cases[] = {
        {{4, {2, 5, 5, 8}}, {4, {2, 5, 5, 8}}, "vector"},    {{4, {2, 5, 5, 8}}, {4, {1, 1, 1, 1}}, "vector"},
        {{4, {2, 5, 5, 8}}, {4, {2, 1, 1, 8}}, "rows"},      {{4, {2, 5, 5, 8}}, {4, {1, 1, 1, 8}}, "rows"},
        {{4, {2, 5, 5, 8}}, {4, {2, 5, 5, 1}}, "rows"},      {{4, {2, 8, 5, 5}}, {4, {2, 8, 1, 1}}, "rows"},
        {{4, {2, 3, 1, 5}}, {4, {2, 1, 4, 1}}, "reference"},
    };
    for (size_t i = 0; i < CLY_COUNT(cases); i++) {
        cly_ops_arithmetic_shape s = {.a = cases[i].a, .b = cases[i].b, .y = cases[i].a};
        for (int d = 0; d < s.y.rank; d++) {
            s.y.dims[d] = s.a.dims[d] > s.b.dims[d] ? s.a.dims[d] : s.b.dims[d];
        }
        const cly_ops_implementation *chosen = NULL;
        ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_arithmetic_operator, &s, &chosen), CLAYER_OK);
        ck_assert_msg(strcmp(chosen->name, cases[i].name) == 0, "case %zu: %s", i, chosen->name);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {functions_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {gradients_agree, HARNESS_PLAIN | HARNESS_AS_GPU},
        {common_broadcasts_are_fast, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.arithmetic", tests, 0, &h, &seed);
}
