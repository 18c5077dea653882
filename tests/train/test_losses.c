/* train/test_losses.c: every loss against Keras' values and gradients; names, bad labels, shapes that do not fit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/context.h"
#include "support/runner.h"
#include "train/golden.h"
#include "train/loss_bench.h"

/* ---- Keras' values ---- */

static const char *const ignored_arguments[] = {NULL};

/* y_pred came from softmax or sigmoid of x, and the loss does not undo that: the gradient by x. */
static void through_activation(const char *activation, const float *y, float *gradient, const clayer_shape *shape) {
    const int64_t n = shape->dims[shape->rank - 1];
    for (int64_t row = 0; row < bench_count(shape) / n; row++) {
        const float *p = y + row * n;
        float *g = gradient + row * n, dot = 0.0f;
        for (int64_t j = 0; j < n; j++) {
            dot += p[j] * g[j];
        }
        for (int64_t j = 0; j < n; j++) {
            g[j] = strcmp(activation, "softmax") == 0 ? p[j] * (g[j] - dot) : g[j] * p[j] * (1.0f - p[j]);
        }
    }
}

/* Keras 2 called with NumPy's arrays spreads a vector of targets over a column of predictions; in fit() it first gives
 * them the axis that is missing, as Keras 3 does, which the next case shows with the same data. */
static bool is_spread(const golden *g, const clayer_shape *y_pred, const clayer_shape *y_true) {
    return g->generation == 2 && y_true->rank == 1 && y_pred->rank == 2 && y_pred->dims[1] == 1;
}

static void compare_unreduced(const golden *g, const outcome *out, const clayer_array *value, const float *weight,
                              const clayer_shape *weight_shape) {
    float *weighted = malloc((size_t)clayer_array_get_count(value) * sizeof(float));
    double mean = 0.0;
    ck_assert_int_eq(clayer_array_get_count(value), bench_count(&out->values_shape));
    for (int64_t i = 0; i < clayer_array_get_count(value); i++) {
        ck_assert(weight == NULL || weight_shape->rank == 1);
        const int64_t inner = bench_count(&out->values_shape) / out->values_shape.dims[0];
        weighted[i] = out->values[i] * (weight != NULL ? weight[i / inner] : 1.0f);
        mean += (double)weighted[i] / (double)clayer_array_get_count(value);
    }
    golden_compare(g, "value", weighted, value, 1e-6, 4e-6);
    ck_assert_msg(fabs((double)out->value - mean) <= 1e-6 + 4e-6 * fabs(mean), "case %03d: the mean is %g, not %g",
                  g->number, (double)out->value, mean);
    free(weighted);
}

static void compare_case(const golden *g, const golden *next) {
    const bool through = golden_find(g, "logits") != NULL;
    const char *activation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(g->json, "through"));
    cly_spec spec;
    golden_spec(g, &cly_train_losses, ignored_arguments, &spec);
    const bool undone = through && cly_train_loss_undoes(&spec) != CLY_LOGITS_NONE;
    cly_train_loss_shape shape = {.loss = &spec, .generation = g->generation, .logits = undone};
    float *y_pred = golden_floats(g, undone ? "logits" : "y_pred", &shape.y_pred);
    float *y_true = golden_floats(g, "y_true", &shape.y_true);
    float *weight = golden_floats(g, "sample_weight", &shape.weight);
    const bool spread = is_spread(g, &shape.y_pred, &shape.y_true);
    const golden *expected = spread ? next : g;
    outcome out = bench_evaluate(&shape, y_pred, y_true, weight, 1.0f);
    if (through && !undone) {
        through_activation(activation, y_pred, out.gradient, &shape.y_pred);
    }
    const clayer_array *value = golden_find(expected, "value");
    const clayer_array *gradient = golden_find(expected, through ? "dlogits" : "dy_pred");
    const double length = (double)bench_count(&shape.y_pred);
    if (clayer_array_get_count(value) == 1) {
        golden_compare(expected, "value", &out.value, value, 1e-7 * length, 4e-6);
    } else {
        compare_unreduced(expected, &out, value, weight, &shape.weight);
    }
    golden_compare(expected, "gradient", out.gradient, gradient, 1e-7, 4e-6);
    ck_assert_int_eq(out.bad_labels, 0);
    bench_drop(&out);
    free(y_pred);
    free(y_true);
    free(weight);
}

START_TEST(losses_are_keras) {
    clayer_archive *archive = golden_open("losses");
    golden g, next;
    int number = 0;
    for (; golden_read(archive, "losses", number, &g); number++) {
        const bool has_next = golden_read(archive, "losses", number + 1, &next);
        compare_case(&g, has_next ? &next : &g);
        golden_free(&g);
        if (has_next) {
            golden_free(&next);
        }
    }
    ck_assert_int_eq(number, 283);
    clayer_archive_destroy(archive);
}
END_TEST

/* ---- what is wrong ---- */

static cly_spec parse(const char *text) {
    cly_spec spec;
    ck_assert_msg(cly_base_spec_parse(&cly_train_losses, text, &spec) == CLAYER_OK, "%s", clayer_last_error());
    return spec;
}

static const clayer_shape matrix = {2, {4, 3}}, vector = {1, {4}};

START_TEST(labels_out_of_range_are_told) {
    static const float y_pred[12] = {0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f};
    static const float labels[4] = {0, 3, -1, 2}, ignorable[4] = {0, 1, -1, 2};
    for (int logits = 0; logits < 2; logits++) {
        cly_spec spec = parse("sparse_categorical_crossentropy");
        const cly_train_loss_shape shape = {
            .loss = &spec, .generation = 3, .logits = logits, .y_pred = matrix, .y_true = vector};
        outcome out = bench_evaluate(&shape, y_pred, labels, NULL, 1.0f);
        ck_assert_int_eq(out.bad_labels, 1);
        ck_assert(isnan(out.value));
        for (int i = 0; i < 12; i++) {
            ck_assert_int_eq(isnan(out.gradient[i]) != 0, i / 3 == 1 || i / 3 == 2);
            ck_assert_int_eq(isnan(out.values[i / 3]) != 0, i / 3 == 1 || i / 3 == 2);
        }
        bench_drop(&out);
        spec = parse("sparse_categorical_crossentropy(ignore_class=-1)");
        out = bench_evaluate(&shape, y_pred, ignorable, NULL, 1.0f);
        ck_assert_int_eq(out.bad_labels, 0);
        ck_assert(isfinite(out.value) && out.gradient[6] == 0.0f && out.gradient[7] == 0.0f && out.gradient[0] < 0.0f);
        bench_drop(&out);
    }
}
END_TEST

/* What Keras 2 and 3 gave for labels 0, 1, 2, 1 of which 1 is ignored. */
START_TEST(ignored_labels_are_left_out_as_in_keras) {
    static const float y_pred[12] = {0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f};
    static const float labels[4] = {0, 1, 2, 1}, all[4] = {1, 1, 1, 1}, weight[4] = {1, 2, 0.5f, 3};
    static const struct {
        const char *reduction;
        bool weighted, keras3;
        double value, first, third; /* and the gradients of rows 0 and 2 by their first columns */
    } cases[] = {{"sum_over_batch_size", false, false, 1.1512926, -2.0, 0.5},
                 {"sum", false, false, 2.3025851, -4.0, 1.0},
                 {"mean_with_sample_weight", false, true, 1.1512926, -2.0, 0.5},
                 {"mean", false, true, 1.1512926, -2.0, 0.5},
                 {"sum_over_batch_size", true, false, 0.97800577, -2.0, 0.25},
                 {"sum", true, false, 1.9560115, -4.0, 0.5},
                 {"none", true, false, 1.9560115 / 4.0, -4.0, 0.5},
                 {"mean_with_sample_weight", true, true, 1.3040076, -8.0 / 3.0, 1.0 / 3.0},
                 {"mean", true, true, 0.97800577, -2.0, 0.25}};
    cly_spec spec = parse("sparse_categorical_crossentropy(ignore_class=1)");
    for (int generation = 2; generation <= 3; generation++) {
        cly_train_loss_shape shape = {.loss = &spec, .generation = generation, .y_pred = matrix, .y_true = vector};
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            if (cases[i].keras3 && generation == 2) {
                continue;
            }
            ck_assert_int_eq(cly_base_spec_set_text(&cly_train_losses, &spec, "reduction", cases[i].reduction),
                             CLAYER_OK);
            shape.weight = cases[i].weighted ? vector : (clayer_shape){0};
            outcome out = bench_evaluate(&shape, y_pred, labels, cases[i].weighted ? weight : NULL, 1.0f);
            ck_assert_msg(fabs((double)out.value - cases[i].value) < 1e-6 &&
                              fabs((double)out.gradient[0] - cases[i].first) < 1e-5 &&
                              fabs((double)out.gradient[6] - cases[i].third) < 1e-5 && out.gradient[3] == 0.0f,
                          "Keras %d, %s: %g, %g, %g", generation, cases[i].reduction, (double)out.value,
                          (double)out.gradient[0], (double)out.gradient[6]);
            bench_drop(&out);
        }
        spec = parse("sparse_categorical_crossentropy(ignore_class=1)");
        shape.weight.rank = 0;
        outcome out = bench_evaluate(&shape, y_pred, all, NULL, 1.0f);
        ck_assert(generation == 2 ? isnan(out.value) : out.value == 0.0f);
        ck_assert(out.gradient[0] == 0.0f && out.bad_labels == 0);
        bench_drop(&out);
    }
}
END_TEST

static void refuse(const char *text, int generation, clayer_shape y_pred, clayer_shape y_true, clayer_shape weight,
                   clayer_status expected, const char *said) {
    cly_spec spec = parse(text);
    const cly_train_loss_shape shape = {
        .loss = &spec, .generation = generation, .y_pred = y_pred, .y_true = y_true, .weight = weight};
    ck_assert_msg(cly_train_loss_check(&shape, "output 'scores'") == expected, "%s is not refused", text);
    cly_test_error_has("output 'scores'");
    cly_test_error_has(said);
}

START_TEST(shapes_that_do_not_fit_are_refused) {
    const clayer_shape none = {0}, wide = {2, {4, 5}}, cube = {3, {4, 6, 3}}, other = {1, {5}}, pairs = {2, {4, 6}};
    const clayer_status shape = CLAYER_INVALID_SHAPE, argument = CLAYER_INVALID_ARGUMENT;
    refuse("mse", 3, matrix, wide, none, shape, "target of shape (4, 5) for a prediction of shape (4, 3)");
    refuse("mse", 2, matrix, vector, none, shape, "'mse'");
    refuse("categorical_crossentropy", 3, matrix, vector, none, shape, "(4,)");
    refuse("sparse_categorical_crossentropy", 3, matrix, matrix, none, shape, "(4, 3)");
    refuse("sparse_categorical_crossentropy", 3, cube, vector, none, shape, "(4,)");
    refuse("mse", 3, matrix, matrix, other, shape, "sample weights of shape (5,)");
    refuse("mse", 3, cube, cube, vector, shape, "sample weights of shape (4,)");
    refuse("cosine_similarity(axis=2)", 3, matrix, matrix, none, argument, "axis = 2");
    refuse("categorical_crossentropy(axis=0.5)", 3, matrix, matrix, none, argument, "axis = 0.5");
    refuse("sparse_categorical_crossentropy(axis=0)", 3, cube, pairs, none, CLAYER_UNSUPPORTED, "axis = 0");
    refuse("mse(reduction=mean_with_sample_weight)", 2, matrix, matrix, none, argument, "Keras 2");
    refuse("mse(reduction=auto)", 3, matrix, matrix, none, argument, "'auto'");
    refuse("crossentropy", 2, matrix, matrix, none, argument, "Keras 2 has no loss 'crossentropy'");
}
END_TEST

START_TEST(names_are_keras) {
    static const char *const same[][2] = {{"mse", "MeanSquaredError"},
                                          {"MAE", "mean_absolute_error"},
                                          {"mape", "MAPE"},
                                          {"msle", "MSLE"},
                                          {"logcosh", "LogCosh"},
                                          {"huber_loss", "Huber"},
                                          {"bce", "BCE"},
                                          {"kullback_leibler_divergence", "KLD"},
                                          {"kl_divergence", "kld"},
                                          {"ce", "crossentropy"}};
    cly_spec spec;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        ck_assert_int_eq(parse(same[i][0]).entry->id, parse(same[i][1]).entry->id);
    }
    ck_assert_str_eq(parse("huber(delta=0.5, name='mine')").name, "mine");
    ck_assert_int_eq(cly_base_spec_parse(&cly_train_losses, "mean_cubed_error", &spec), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("unknown loss 'mean_cubed_error'");
    cly_test_error_has("mean_squared_error");
    ck_assert_int_eq(cly_base_spec_parse(&cly_train_losses, "mse(delta=1)", &spec), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("delta");
}
END_TEST

START_TEST(crossentropy_goes_by_the_shapes) {
    static const float y_pred[12] = {0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f};
    static const float labels[4] = {0, 1, 1, 2};
    const cly_spec by_shape = parse("ce(reduction=sum)");
    const cly_spec sparse = parse("sparse_categorical_crossentropy(reduction=sum)");
    cly_train_loss_shape shape = {.loss = &by_shape, .generation = 3, .y_pred = matrix, .y_true = vector};
    outcome first = bench_evaluate(&shape, y_pred, labels, NULL, 1.0f);
    shape.loss = &sparse;
    outcome second = bench_evaluate(&shape, y_pred, labels, NULL, 1.0f);
    ck_assert(first.value == second.value && first.value > 0.0f);
    bench_drop(&first);
    bench_drop(&second);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.losses");
    TCase *tests = tcase_create("losses");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, bench_open, bench_close);
    tcase_add_test(tests, losses_are_keras);
    tcase_add_test(tests, labels_out_of_range_are_told);
    tcase_add_test(tests, ignored_labels_are_left_out_as_in_keras);
    tcase_add_test(tests, shapes_that_do_not_fit_are_refused);
    tcase_add_test(tests, names_are_keras);
    tcase_add_test(tests, crossentropy_goes_by_the_shapes);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
