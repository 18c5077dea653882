/* Activations: the numbering shared with the kernels, every formula over its whole range, softmax and its kin. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/activation_cases.h"
#include "ops/harness.h"
#include "reference.h"
#include "support/random.h"
#include "support/tolerance.h"

static harness h;
static uint64_t seed;

/* The source of a program as a string, which the caller frees. */
static char *program_text(const char *name) {
    for (const cly_kernel_source *s = cly_kernel_sources; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0) {
            char *text = calloc(s->length + 1, 1);
            ck_assert_ptr_nonnull(text);
            memcpy(text, s->bytes, s->length);
            return text;
        }
    }
    ck_abort_msg("no program '%s'", name);
    return NULL;
}

START_TEST(kernels_number_alike) {
    char *text = program_text("activation");
    int found = 0;
    for (size_t i = 0; i < cly_ops_activations.count; i++) {
        const cly_spec_entry *entry = &cly_ops_activations.entries[i];
        char line[96] = "#define ACT_";
        size_t length = strlen(line);
        for (const char *p = entry->name; *p != '\0'; p++) {
            line[length++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        }
        snprintf(line + length, sizeof(line) - length, " %d\n", entry->id);
        ck_assert_msg(strstr(text, line) != NULL, "common.h lacks: %s", line);
        found += entry->id < CLY_ELEMENTWISE_COUNT;
    }
    ck_assert_int_eq(found, CLY_ELEMENTWISE_COUNT);
    free(text);
}
END_TEST

/* Absolute for results near 1, but relative where a function has small results of its own. */
static void check_variant(const activation_case *v, test_random *random, int64_t count, bool in_place) {
    const cly_ops_activation_shape shape = {.count = count, .activation = activation_case_parse(v)};
    reference_activation reference = {.name = v->name};
    memcpy(reference.arguments, v->arguments, sizeof(reference.arguments));
    float *x = activation_case_values(random, count);
    double *expected = calloc((size_t)count, sizeof(double));
    ck_assert_ptr_nonnull(expected);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(reference_activate(&reference, (double)x[i], &expected[i]));
    }
    harness_case c = {.op = &cly_ops_activation_operator,
                      .shape = &shape,
                      .inputs = {x},
                      .counts = {count, count},
                      .output = 1,
                      .in_place = in_place,
                      .expected = expected,
                      .tolerance = test_tolerance(16)};
    snprintf(c.text, sizeof(c.text), "%s of %" PRId64 " values%s", v->text, count, in_place ? " in place" : "");
    harness_check(&h, &c);
    free(x);
    free(expected);
}

START_TEST(every_formula_agrees) {
    static const int64_t counts[] = {1, 3, 16, 20, 1000, 20001};
    int seen[CLY_ELEMENTWISE_COUNT] = {0};
    for (size_t i = 0; i < activation_case_count; i++) {
        cly_spec spec;
        ck_assert_int_eq(cly_base_spec_find(&cly_ops_activations, activation_cases[i].name, &spec), CLAYER_OK);
        seen[spec.entry->id]++;
        /* Every formula is a program to build: a third of them shows the GPU's ranges well enough. */
        for (size_t j = 0; j < CLY_COUNT(counts) && (!h.as_gpu || i % 3 == seed % 3); j++) {
            test_random random = test_random_start(seed, i * 10 + j);
            check_variant(&activation_cases[i], &random, counts[j], j % 2 == 1);
        }
    }
    for (int i = 0; i < CLY_ELEMENTWISE_COUNT; i++) {
        ck_assert_msg(seen[i] > 0, "activation %d has no case", i);
    }
    harness_expect_runs(&h, &cly_ops_activation_operator, CLY_ELEMENTWISE_COUNT / (h.as_gpu ? 3 : 1), NULL);
}
END_TEST

START_TEST(nan_stays) {
    static const char *const names[] = {"relu", "leaky_relu", "relu6", "sigmoid", "tanh", "elu", "gelu", "softplus"};
    for (size_t i = 0; i < CLY_COUNT(names); i++) {
        cly_spec spec;
        ck_assert_int_eq(cly_base_spec_find(&cly_ops_activations, names[i], &spec), CLAYER_OK);
        const cly_ops_activation_shape shape = {.count = 17, .activation = cly_ops_activation_from_spec(&spec)};
        float x[17];
        double expected[17];
        for (int j = 0; j < 17; j++) {
            x[j] = NAN;
            expected[j] = NAN;
        }
        harness_case c = {.op = &cly_ops_activation_operator,
                          .shape = &shape,
                          .inputs = {x},
                          .counts = {17, 17},
                          .output = 1,
                          .expected = expected};
        snprintf(c.text, sizeof(c.text), "%s of NaN", names[i]);
        harness_check(&h, &c);
    }
}
END_TEST

START_TEST(softmax_agrees) {
    static const char *const names[] = {"softmax", "log_softmax", "sparsemax"};
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 150); i++) {
        test_random random = test_random_start(seed, i);
        const float scale = test_random_chance(&random, 20) ? 200.0f : test_random_float(&random, 0.1f, 5.0f);
        const cly_ops_softmax_shape shape = {
            .outer = test_random_int(&random, 1, 40),
            .axis = test_random_int(&random, 1, test_random_chance(&random, 20) ? 300 : 40),
            .inner = test_random_chance(&random, 60) ? 1 : test_random_int(&random, 1, 9),
            .id = (cly_ops_activation_id)(CLY_SOFTMAX + (int)(i % 3))};
        const int64_t count = shape.outer * shape.axis * shape.inner;
        float *x = test_random_floats(&random, count, -scale, scale);
        double *expected = calloc((size_t)count, sizeof(double));
        ck_assert_ptr_nonnull(expected);
        ck_assert(reference_softmax(names[i % 3], shape.outer, shape.axis, shape.inner, x, expected));
        harness_case c = {.op = &cly_ops_softmax_operator,
                          .shape = &shape,
                          .inputs = {x},
                          .counts = {count, count},
                          .output = 1,
                          .in_place = test_random_chance(&random, 50),
                          .expected = expected,
                          .tolerance = test_tolerance(shape.axis) * (scale > 8 ? (double)scale / 8 : 1)};
        snprintf(c.text, sizeof(c.text), "case %" PRIu64 ": %s of %" PRId64 " x %" PRId64 " x %" PRId64 ", scale %g", i,
                 names[i % 3], shape.outer, shape.axis, shape.inner, (double)scale);
        harness_check(&h, &c);
        free(x);
        free(expected);
    }
    harness_expect_runs(&h, &cly_ops_softmax_operator, harness_cases(&h, 150), "rows");
    harness_expect_run(&h, &cly_ops_softmax_operator, "rows", harness_cases(&h, 150) / 4);
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {kernels_number_alike, HARNESS_PLAIN | HARNESS_AS_GPU},
        {every_formula_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {nan_stays, HARNESS_PLAIN | HARNESS_AS_GPU},
        {softmax_agrees, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.activation", tests, 0, &h, &seed);
}
