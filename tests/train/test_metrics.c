/* train/test_metrics.c: every metric against Keras' results after each of three updates, and what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/context.h"
#include "support/random.h"
#include "support/runner.h"
#include "train/golden.h"
#include "train/metric.h"

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

static cl_mem upload(const float *values, const clayer_shape *shape) {
    cl_mem buffer = NULL;
    if (values != NULL) {
        const uint64_t bytes = (uint64_t)count_of(shape) * sizeof(float);
        ck_assert_int_eq(cly_device_buffer_create(context, bytes, &buffer), CLAYER_OK);
        ck_assert_int_eq(cly_device_write(context, buffer, 0, values, bytes), CLAYER_OK);
    }
    return buffer;
}

static void update(cly_train_metric *metric, const float *y_pred, const clayer_shape *pred_shape, const float *y_true,
                   const clayer_shape *true_shape, const float *weight, const clayer_shape *weight_shape) {
    const cl_mem pred = upload(y_pred, pred_shape), labels = upload(y_true, true_shape);
    const cl_mem weights = upload(weight, weight_shape);
    ck_assert_msg(
        cly_train_metric_update(metric, pred_shape, pred, true_shape, labels, weight_shape, weights) == CLAYER_OK, "%s",
        clayer_last_error());
    cly_device_buffer_destroy(context, pred);
    cly_device_buffer_destroy(context, labels);
    cly_device_buffer_destroy(context, weights);
}

/* ---- Keras' results ---- */

/* Adds update `number` of the case; the metric is made at the first one. */
static void golden_update(const golden *g, const char *text, int number, cly_train_metric **metric) {
    char part[3][32];
    static const char *const parts[] = {"y_pred", "y_true", "sample_weight"};
    clayer_shape shapes[3] = {{0}, {0}, {0}};
    float *values[3];
    for (int i = 0; i < 3; i++) {
        (void)snprintf(part[i], sizeof(part[i]), "%s.%d", parts[i], number);
        values[i] = golden_floats(g, part[i], &shapes[i]);
    }
    if (*metric == NULL) {
        ck_assert_msg(
            cly_train_metric_create(context, text, g->generation, &shapes[0], &shapes[1], "test", metric) == CLAYER_OK,
            "%s\n%s", clayer_last_error(), g->text);
    }
    update(*metric, values[0], &shapes[0], values[1], &shapes[1], values[2], &shapes[2]);
    for (int i = 0; i < 3; i++) {
        free(values[i]);
    }
}

/* Three results at once cannot stand in a log. */
static void refuse_lists(const golden *g, const char *text) {
    clayer_shape y_pred, y_true;
    cly_train_metric *metric = NULL;
    free(golden_floats(g, "y_pred.1", &y_pred));
    free(golden_floats(g, "y_true.1", &y_true));
    ck_assert_int_eq(cly_train_metric_create(context, text, g->generation, &y_pred, &y_true, "output 'x'", &metric),
                     CLAYER_UNSUPPORTED);
    cly_test_error_has("output 'x'");
    cly_test_error_has("3 thresholds");
}

static int refused, compared;

static void compare_case(const golden *g) {
    cly_spec spec;
    cly_base_text text = {0};
    cly_train_metric *metric = NULL;
    golden_spec(g, &cly_train_metrics, NULL, &spec);
    ck_assert_int_eq(cly_base_spec_format(&spec, &text), CLAYER_OK);
    if (clayer_array_get_count(golden_find(g, "value.1")) > 1) {
        refuse_lists(g, text.chars);
        refused++;
    } else {
        /* The whole twice: after a reset nothing of the first time is left. */
        for (int step = 0; step < 6; step++) {
            char name[16];
            double result = NAN;
            golden_update(g, text.chars, step % 3 + 1, &metric);
            (void)snprintf(name, sizeof(name), "value.%d", step % 3 + 1);
            ck_assert_int_eq(cly_train_metric_result(metric, &result), CLAYER_OK);
            const float actual = (float)result;
            golden_compare(g, name, &actual, golden_find(g, name), 2e-6, 1e-5);
            if (step == 2) {
                ck_assert_int_eq(cly_train_metric_reset(metric), CLAYER_OK);
            }
        }
        ck_assert_str_eq(cly_train_metric_name(metric),
                         cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(g->config, "name")));
        compared++;
    }
    cly_train_metric_destroy(metric);
    cly_base_text_free(&text);
}

START_TEST(metrics_are_keras) {
    clayer_archive *archive = golden_open("metrics");
    golden g;
    int number = 0;
    for (; golden_read(archive, "metrics", number, &g); number++) {
        compare_case(&g);
        golden_free(&g);
    }
    ck_assert_int_eq(number, 174);
    ck_assert_int_eq(refused, 4);
    ck_assert_int_eq(compared, 170);
    clayer_archive_destroy(archive);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.metrics");
    TCase *tests = tcase_create("metrics");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, metrics_are_keras);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
