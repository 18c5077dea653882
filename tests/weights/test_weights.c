/* weights/test_weights.c: initial values against Keras 3 on TensorFlow, the distributions' moments and limits, and the
 * names and arguments of initializers, regularizers and constraints. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/runner.h"
#include "weights/weight.h"

#define MANY 20000

static const clayer_shape four_axes = {.rank = 4, .dims = {3, 3, 2, 4}};

/* `text` for `shape`, into newly allocated values. */
static float *fill(const char *text, const clayer_shape *shape, uint64_t seed) {
    cly_spec spec;
    size_t count = 1;
    ck_assert_msg(cly_base_spec_parse(&cly_weights_initializers, text, &spec) == CLAYER_OK, "%s", clayer_last_error());
    for (int i = 0; i < shape->rank; i++) {
        count *= (size_t)shape->dims[i];
    }
    float *values = malloc(count * sizeof(float));
    ck_assert_ptr_nonnull(values);
    ck_assert_msg(cly_weights_initialize(&spec, shape, seed, values) == CLAYER_OK, "%s: %s", text, clayer_last_error());
    return values;
}

/* ---- what Keras 3.15 on TensorFlow 2.21 gives for a seed: keras.initializers.<text>(shape) ---- */

static const struct {
    const char *text;
    clayer_shape shape;
    int64_t at[4]; /* places in the flat values */
    float values[4];
    float tolerance; /* 0: bit for bit */
} keras[] = {
    {"random_uniform(seed=7)",
     {2, {3, 3}},
     {0, 1, 2, 8},
     {0x1.94d05cp-6f, 0x1.1a199cp-6f, -0x1.6a445ap-5f, 0x1.dcaaap-8f},
     0},
    {"RandomUniform(seed=4294967295)",
     {1, {5}},
     {0, 1, 2, 4},
     {-0x1.f23766p-6f, 0x1.67e962p-5f, 0x1.a709ap-9f, -0x1.03d73ap-5f},
     0},
    {"uniform(-1, 2, seed=0)",
     {1, {10}},
     {0, 1, 2, 9},
     {-0x1.77c2bp-2f, 0x1.1e3738p+0f, 0x1.6672dcp+0f, 0x1.3db5dcp-1f},
     0},
    {"glorot_uniform(seed=42)",
     {4, {3, 3, 2, 4}},
     {0, 1, 3, 71},
     {-0x1.290d2p-3f, -0x1.14aap-10f, -0x1.478ac6p-2f, 0x1.2b2af2p-2f},
     0},
    {"he_uniform(3)", {2, {5, 2}}, {0, 1, 2, 9}, {-0x1.551bp-1f, 0x1.ecd45p-1f, 0x1.21a24p-4f, 0x1.3b62ap-1f}, 0},
    {"LecunUniform(seed=3)",
     {1, {5}},
     {0, 1, 2, 4},
     {-0x1.e2655ep-2f, 0x1.5c7bap-1f, 0x1.999acp-5f, -0x1.f72deep-2f},
     0},
    {"random_normal(seed=5)",
     {1, {7}},
     {0, 1, 3, 6},
     {-0.10276892f, 0.0579093881f, -0.00648894534f, -0.0467268042f},
     1e-6f},
    {"RandomNormal(1, 2, seed=123456)",
     {1, {70}},
     {0, 1, 4, 69},
     {1.21521437f, -0.740856528f, 4.45458221f, -2.04789281f},
     1e-6f},
    {"truncated_normal(seed=5)",
     {1, {70}},
     {0, 1, 5, 69},
     {0.0579093881f, 0.00958043151f, -0.0525749326f, -0.0472386293f},
     1e-6f},
    {"he_normal(seed=11)",
     {4, {3, 3, 4, 5}},
     {0, 1, 5, 179},
     {0.149412259f, 0.0182400122f, -0.38426283f, 0.338063627f},
     1e-6f},
    {"variance_scaling(2, fan_out, untruncated_normal, seed=11)",
     {4, {3, 3, 4, 5}},
     {0, 1, 5, 179},
     {0.117551766f, 0.0143505326f, 0.22342205f, -0.159663543f},
     1e-6f},
    {"orthogonal(seed=1)",
     {3, {2, 3, 4}},
     {0, 1, 5, 23},
     {0.0373804569f, -0.275767803f, -0.817589045f, -0.394663274f},
     2e-6f},
    {"orthogonal(gain=2, seed=1)",
     {2, {2, 5}},
     {0, 1, 5, 9},
     {0.0897243023f, 0.447160959f, -0.567787707f, -0.198203295f},
     2e-6f},
};

START_TEST(test_keras_values) {
    for (size_t i = 0; i < CLY_COUNT(keras); i++) {
        float *values = fill(keras[i].text, &keras[i].shape, 99);
        for (int j = 0; j < 4; j++) {
            float got = values[keras[i].at[j]];
            ck_assert_msg(fabsf(got - keras[i].values[j]) <= keras[i].tolerance, "%s: value %lld is %a, Keras has %a",
                          keras[i].text, (long long)keras[i].at[j], (double)got, (double)keras[i].values[j]);
        }
        free(values);
    }
}
END_TEST

/* ---- without a seed in the text ---- */

START_TEST(test_seed_of_the_caller) {
    float *a = fill("glorot_uniform", &four_axes, 1), *b = fill("glorot_uniform", &four_axes, 1);
    float *c = fill("glorot_uniform", &four_axes, 2), *d = fill("glorot_uniform(seed=1)", &four_axes, 7);
    ck_assert_int_eq(memcmp(a, b, 72 * sizeof(float)), 0);
    ck_assert_int_ne(memcmp(a, c, 72 * sizeof(float)), 0);
    ck_assert_int_eq(memcmp(a, d, 72 * sizeof(float)), 0);
    free(a), free(b), free(c), free(d);
}
END_TEST

/* ---- distributions ---- */

static const struct {
    const char *text;
    clayer_shape shape;
    double mean, deviation, limit; /* |value - mean| <= limit */
} distributions[] = {
    {"random_normal", {1, {MANY}}, 0, 0.05, HUGE_VAL},
    {"random_normal(mean=3, stddev=2)", {1, {MANY}}, 3, 2, HUGE_VAL},
    {"random_uniform", {1, {MANY}}, 0, 0.1 / 3.4641016, 0.05},
    {"truncated_normal(stddev=1)", {1, {MANY}}, 0, 0.87962566, 2},
    /* fans: 5 * 4 * 10 = 200 in, 5 * 4 * 100 = 2000 out */
    {"glorot_uniform", {4, {5, 4, 10, 100}}, 0, 0.0301511, 0.0522233},
    {"glorot_normal", {4, {5, 4, 10, 100}}, 0, 0.0301511, 0.0685545},
    {"he_uniform", {4, {5, 4, 10, 100}}, 0, 0.1, 0.1732051},
    {"he_normal", {4, {5, 4, 10, 100}}, 0, 0.1, 0.2273699},
    {"lecun_uniform", {4, {5, 4, 10, 100}}, 0, 0.0707107, 0.1224745},
    {"lecun_normal", {4, {5, 4, 10, 100}}, 0, 0.0707107, 0.1607748},
    {"variance_scaling(mode=fan_out, distribution=uniform)", {4, {5, 4, 10, 100}}, 0, 0.0223607, 0.0387298},
    {"variance_scaling(input_axes=[0], output_axes=[-1], distribution=uniform)",
     {4, {5, 4, 10, 100}},
     0,
     0.4472136,
     0.7745967},
    {"variance_scaling(distribution=normal)", {4, {5, 4, 10, 100}}, 0, 0.0707107, 0.1607748},
    {"variance_scaling(distribution=untruncated_normal)", {4, {5, 4, 10, 100}}, 0, 0.0707107, HUGE_VAL},
    {"lecun_uniform", {2, {200, 100}}, 0, 0.0707107, 0.1224745},
    {"constant(0.25)", {1, {MANY}}, 0.25, 0, 0},
    {"zeros", {1, {MANY}}, 0, 0, 0},
    {"Ones", {1, {MANY}}, 1, 0, 0},
};

START_TEST(test_distributions) {
    for (size_t i = 0; i < CLY_COUNT(distributions); i++) {
        float *values = fill(distributions[i].text, &distributions[i].shape, 12345);
        double sum = 0, squares = 0, mean = distributions[i].mean, deviation = distributions[i].deviation;
        for (int j = 0; j < MANY; j++) {
            double off = (double)values[j] - mean;
            ck_assert_msg(fabs(off) <= distributions[i].limit * 1.000001, "%s: %g", distributions[i].text, off);
            sum += off;
            squares += off * off;
        }
        /* five standard errors of the mean; 3% of the deviation are more than five of its own */
        ck_assert_msg(fabs(sum / MANY) <= 5 * deviation / sqrt(MANY), "%s: mean is off by %g", distributions[i].text,
                      sum / MANY);
        ck_assert_msg(fabs(sqrt(squares / MANY) - deviation) <= 0.03 * deviation, "%s: deviation %g, wanted %g",
                      distributions[i].text, sqrt(squares / MANY), deviation);
        free(values);
    }
}
END_TEST

/* ---- matrices ---- */

START_TEST(test_orthogonal) {
    static const clayer_shape matrices[] = {{2, {7, 7}}, {2, {3, 11}}, {2, {11, 3}}, {4, {3, 2, 4, 5}}};
    for (size_t m = 0; m < CLY_COUNT(matrices); m++) {
        const clayer_shape *shape = &matrices[m];
        int64_t columns = shape->dims[shape->rank - 1], rows = 1;
        for (int i = 0; i < shape->rank - 1; i++) {
            rows *= shape->dims[i];
        }
        bool wide = rows < columns;
        int64_t count = wide ? rows : columns, length = wide ? columns : rows;
        float *w = fill("orthogonal(gain=3)", shape, 5);
        for (int64_t i = 0; i < count * count; i++) {
            double sum = 0;
            for (int64_t k = 0; k < length; k++) {
                int64_t a = wide ? i / count * columns + k : k * columns + i / count;
                int64_t b = wide ? i % count * columns + k : k * columns + i % count;
                sum += (double)w[a] * (double)w[b];
            }
            ck_assert_double_eq_tol(sum, i / count == i % count ? 9.0 : 0.0, 1e-5);
        }
        free(w);
    }
}
END_TEST

START_TEST(test_identity) {
    const clayer_shape shape = {2, {2, 3}};
    const float expected[] = {4, 0, 0, 0, 4, 0};
    float *w = fill("identity(gain=4)", &shape, 5);
    ck_assert_int_eq(memcmp(w, expected, sizeof(expected)), 0);
    free(w);
}
END_TEST

START_TEST(test_shapes_that_do_not_fit) {
    static const struct {
        const char *text;
        clayer_shape shape;
        const char *wanted;
    } rows[] = {
        {"identity", {1, {3}}, "'identity' needs a weight of 2 axes, got 1"},
        {"Identity", {3, {3, 3, 3}}, "got 3"},
        {"orthogonal", {1, {3}}, "'orthogonal' needs a weight of 2 or more axes, got 1"},
        {"he_normal(input_axes=[0], output_axes=[3])", {2, {3, 3}}, "axis 3 is not one of a weight with 2 axes"},
    };
    for (size_t i = 0; i < CLY_COUNT(rows); i++) {
        float values[27];
        cly_spec spec;
        ck_assert_int_eq(cly_base_spec_parse(&cly_weights_initializers, rows[i].text, &spec), CLAYER_OK);
        ck_assert_int_eq(cly_weights_initialize(&spec, &rows[i].shape, 1, values), CLAYER_INVALID_SHAPE);
        ck_assert_msg(strstr(clayer_last_error(), rows[i].wanted) != NULL, "%s", clayer_last_error());
    }
}
END_TEST

/* ---- names, aliases, defaults: text in, the shortest text out ---- */

static const struct {
    const cly_spec_list *list;
    const char *text, *formatted; /* NULL: refused */
} names[] = {
    {&cly_weights_initializers, "Zeros", "zeros"},
    {&cly_weights_initializers, "zero", "zeros"},
    {&cly_weights_initializers, "one", "ones"},
    {&cly_weights_initializers, "normal", "random_normal"},
    {&cly_weights_initializers, "uniform", "random_uniform"},
    {&cly_weights_initializers, "OrthogonalInitializer(2)", "orthogonal(gain=2)"},
    {&cly_weights_initializers, "IdentityInitializer", "identity"},
    {&cly_weights_initializers, "GlorotNormal(seed=3)", "glorot_normal(seed=3)"},
    {&cly_weights_initializers, "GlorotNormal(seed=None)", "glorot_normal"},
    {&cly_weights_initializers, "RandomNormal(0, 0.05)", "random_normal"},
    {&cly_weights_initializers, "VarianceScaling(scale=2, mode=fan_avg)", "variance_scaling(scale=2, mode=fan_avg)"},
    {&cly_weights_initializers, "VarianceScaling(scale=0)", NULL},
    {&cly_weights_initializers, "VarianceScaling(mode=fan_all)", NULL},
    {&cly_weights_initializers, "GlorotNormal(seed=-1)", NULL},
    {&cly_weights_initializers, "stft", NULL},
    {&cly_weights_regularizers, "L1", "l1"},
    {&cly_weights_regularizers, "l1(0.01)", "l1"},
    {&cly_weights_regularizers, "L2(l=0.5)", "l2(l2=0.5)"},
    {&cly_weights_regularizers, "L1L2(l1=0.5)", "l1_l2(l1=0.5)"},
    {&cly_weights_regularizers, "l1l2(0.5, 0.25)", "l1_l2(l1=0.5, l2=0.25)"},
    {&cly_weights_regularizers, "OrthogonalRegularizer(mode=columns)", "orthogonal_regularizer(mode=columns)"},
    {&cly_weights_regularizers, "OrthogonalRegularizer(mode=planes)", NULL},
    {&cly_weights_constraints, "MaxNorm", "max_norm"},
    {&cly_weights_constraints, "maxnorm(m=3, axis=[0, 1, 2])", "max_norm(max_value=3, axis=[0, 1, 2])"},
    {&cly_weights_constraints, "NonNeg", "non_neg"},
    {&cly_weights_constraints, "nonneg", "non_neg"},
    {&cly_weights_constraints, "UnitNorm(axis=-1)", "unit_norm(axis=-1)"},
    {&cly_weights_constraints, "MinMaxNorm(0.5, 2, 0.9, 0)", "min_max_norm(min_value=0.5, max_value=2, rate=0.9)"},
    {&cly_weights_constraints, "max_norm(2, 0, 1)", NULL},
};

START_TEST(test_names) {
    for (size_t i = 0; i < CLY_COUNT(names); i++) {
        cly_spec spec;
        cly_base_text text = {0};
        clayer_status status = cly_base_spec_parse(names[i].list, names[i].text, &spec);
        if (names[i].formatted == NULL) {
            ck_assert_msg(status == CLAYER_INVALID_ARGUMENT, "\"%s\" was taken", names[i].text);
            continue;
        }
        ck_assert_msg(status == CLAYER_OK, "%s", clayer_last_error());
        ck_assert_int_eq(cly_base_spec_format(&spec, &text), CLAYER_OK);
        ck_assert_str_eq(text.chars, names[i].formatted);
        cly_base_text_free(&text);
    }
}
END_TEST

/* ---- on a device ---- */

START_TEST(test_create) {
    clayer_context *context = NULL;
    cly_weights_weight weight = {.name = "kernel"};
    float values[72], *expected = fill("he_normal(seed=4)", &four_axes, 0);
    ck_assert_msg(clayer_context_create(NULL, &context) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_initializers, "he_normal(seed=4)", &weight.initializer),
                     CLAYER_OK);
    ck_assert_msg(cly_weights_create(&weight, context, &four_axes, 0) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_int_eq(clayer_tensor_read(weight.tensor, values, 72), CLAYER_OK);
    ck_assert_int_eq(memcmp(values, expected, sizeof(values)), 0);
    cly_weights_free(&weight);
    ck_assert_ptr_null(weight.tensor);
    cly_weights_free(NULL);

    const clayer_shape huge = {3, {INT32_MAX, INT32_MAX, INT32_MAX}};
    weight.name = "kernel";
    ck_assert_int_eq(cly_weights_create(&weight, context, &huge, 0), CLAYER_INVALID_SHAPE);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "weight 'kernel' is too large"));
    clayer_context_destroy(context);
    free(expected);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("weights.weights");
    TCase *tcase = tcase_create("weights");
    tcase_add_test(tcase, test_keras_values);
    tcase_add_test(tcase, test_seed_of_the_caller);
    tcase_add_test(tcase, test_distributions);
    tcase_add_test(tcase, test_orthogonal);
    tcase_add_test(tcase, test_identity);
    tcase_add_test(tcase, test_shapes_that_do_not_fit);
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_create);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
