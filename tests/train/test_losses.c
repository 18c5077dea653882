/* train/test_losses.c: every loss against Keras' values and gradients, and against plain sums in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/context.h"
#include "support/random.h"
#include "support/runner.h"
#include "train/golden.h"
#include "train/loss.h"

static clayer_context *context;

static void open_context(void) {
    context = cly_test_context(NULL, NULL);
}

static void close_context(void) {
    clayer_context_destroy(context);
    context = NULL;
}

static int64_t count_of(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

static cl_mem upload(const float *values, int64_t count) {
    cl_mem buffer = NULL;
    if (values != NULL) {
        const uint64_t bytes = (uint64_t)count * sizeof(float);
        ck_assert_int_eq(cly_device_buffer_create(context, bytes, &buffer), CLAYER_OK);
        ck_assert_int_eq(cly_device_write(context, buffer, 0, values, bytes), CLAYER_OK);
    }
    return buffer;
}

/* What one evaluation gave; freed by drop. */
typedef struct outcome {
    float value;
    float *gradient, *values;
    clayer_shape values_shape;
    int bad_labels;
} outcome;

static void drop(outcome *o) {
    free(o->gradient);
    free(o->values);
}

/* Value and gradient of scale * loss, with poisoned memory behind them, and the unreduced values. */
static outcome evaluate(const cly_train_loss_shape *shape, const float *y_pred, const float *y_true,
                        const float *weight, float scale) {
    outcome out = {0};
    const int64_t count = count_of(&shape->y_pred);
    const float poison[2] = {NAN, NAN};
    int flag = 0;
    cl_mem workspace = NULL, values = NULL, bad = NULL;
    ck_assert_msg(cly_train_loss_check(shape, "test") == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_int_eq(cly_train_loss_values_shape(shape, &out.values_shape), CLAYER_OK);
    const int64_t entries = count_of(&out.values_shape);
    out.gradient = malloc((size_t)count * sizeof(float));
    out.values = malloc((size_t)entries * sizeof(float));
    ck_assert(out.gradient != NULL && out.values != NULL);
    for (int64_t i = 0; i < count; i++) {
        out.gradient[i] = NAN;
    }
    const cl_mem pred = upload(y_pred, count), labels = upload(y_true, count_of(&shape->y_true));
    const cl_mem weights = upload(weight, count_of(&shape->weight)), value = upload(poison, 2);
    const cl_mem gradient = upload(out.gradient, count);
    ck_assert_int_eq(cly_device_buffer_create(context, cly_train_loss_workspace_bytes(context, shape), &workspace),
                     CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(context, (uint64_t)entries * sizeof(float), &values), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(context, sizeof(int), &bad), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(context, bad, 0, &flag, sizeof(flag)), CLAYER_OK);
    const cly_train_loss_run run = {.y_pred = pred,
                                    .y_true = labels,
                                    .weight = weights,
                                    .value = value,
                                    .value_offset = 1,
                                    .gradient = gradient,
                                    .scale = scale,
                                    .bad_labels = bad,
                                    .workspace = workspace};
    ck_assert_msg(cly_train_loss_enqueue(context, shape, &run) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_msg(cly_train_loss_values(context, shape, pred, labels, values, workspace) == CLAYER_OK, "%s",
                  clayer_last_error());
    const uint64_t bytes = sizeof(float);
    ck_assert_int_eq(cly_device_read(context, value, bytes, &out.value, bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, gradient, 0, out.gradient, (uint64_t)count * bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, values, 0, out.values, (uint64_t)entries * bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, bad, 0, &out.bad_labels, sizeof(int)), CLAYER_OK);
    const cl_mem buffers[] = {pred, labels, weights, value, gradient, workspace, values, bad};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        cly_device_buffer_destroy(context, buffers[i]);
    }
    return out;
}

/* ---- Keras' values ---- */

static const char *const ignored_arguments[] = {NULL};

/* y_pred came from softmax or sigmoid of x, and the loss does not undo that: the gradient by x. */
static void through_activation(const char *activation, const float *y, float *gradient, const clayer_shape *shape) {
    const int64_t n = shape->dims[shape->rank - 1];
    for (int64_t row = 0; row < count_of(shape) / n; row++) {
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
    ck_assert_int_eq(clayer_array_get_count(value), count_of(&out->values_shape));
    for (int64_t i = 0; i < clayer_array_get_count(value); i++) {
        ck_assert(weight == NULL || weight_shape->rank == 1);
        const int64_t inner = count_of(&out->values_shape) / out->values_shape.dims[0];
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
    outcome out = evaluate(&shape, y_pred, y_true, weight, 1.0f);
    if (through && !undone) {
        through_activation(activation, y_pred, out.gradient, &shape.y_pred);
    }
    const clayer_array *value = golden_find(expected, "value");
    const clayer_array *gradient = golden_find(expected, through ? "dlogits" : "dy_pred");
    const double length = (double)count_of(&shape.y_pred);
    if (clayer_array_get_count(value) == 1) {
        golden_compare(expected, "value", &out.value, value, 1e-7 * length, 4e-6);
    } else {
        compare_unreduced(expected, &out, value, weight, &shape.weight);
    }
    golden_compare(expected, "gradient", out.gradient, gradient, 1e-7, 4e-6);
    ck_assert_int_eq(out.bad_labels, 0);
    drop(&out);
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

static Suite *make(void) {
    Suite *suite = suite_create("train.losses");
    TCase *tests = tcase_create("losses");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, losses_are_keras);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
