/* train/test_metrics.c: every metric against Keras' results after each of three updates, large batches against plain
 * sums; names in logs, and what is refused. */
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

/* ---- names and shapes ---- */

static const clayer_shape matrix = {2, {4, 3}}, column = {2, {4, 1}}, vector = {1, {4}}, none = {0};

static cly_train_metric *make_metric(const char *text, int generation, clayer_shape y_pred, clayer_shape y_true) {
    cly_train_metric *metric = NULL;
    ck_assert_msg(cly_train_metric_create(context, text, generation, &y_pred, &y_true, "test", &metric) == CLAYER_OK,
                  "%s", clayer_last_error());
    return metric;
}

/* What fit() of each generation logs it as. */
START_TEST(names_are_those_of_logs) {
    static const struct {
        const char *text;
        int generation;
        const char *name;
    } cases[] = {{"mse", 2, "mse"},
                 {"MSE", 3, "MSE"},
                 {"MeanSquaredError", 2, "mean_squared_error"},
                 {"MeanSquaredError", 3, "MeanSquaredError"},
                 {"mean_squared_error", 3, "mean_squared_error"},
                 {"acc", 2, "acc"},
                 {"Accuracy", 2, "Accuracy"},
                 {"accuracy", 3, "accuracy"},
                 {"binary_accuracy(threshold=0.25)", 3, "binary_accuracy"},
                 {"BinaryAccuracy(name='right')", 3, "right"},
                 {"AUC", 2, "auc"},
                 {"AUC", 3, "AUC"},
                 {"auc(num_thresholds=5)", 3, "auc"},
                 {"KLDivergence()", 2, "kullback_leibler_divergence"},
                 {"KLDivergence()", 3, "kl_divergence"},
                 {"LogCoshError()", 3, "logcosh"},
                 {"Huber(delta=2)", 3, "huber_loss"},
                 {" cosine_similarity ", 2, "cosine_similarity"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cly_train_metric *metric = make_metric(cases[i].text, cases[i].generation, matrix, matrix);
        ck_assert_str_eq(cly_train_metric_name(metric), cases[i].name);
        cly_train_metric_destroy(metric);
    }
}
END_TEST

static double result_of(const char *text, clayer_shape y_pred, clayer_shape y_true, const float *pred,
                        const float *labels) {
    double result = NAN;
    cly_train_metric *metric = make_metric(text, 3, y_pred, y_true);
    update(metric, pred, &y_pred, labels, &y_true, NULL, &none);
    ck_assert_int_eq(cly_train_metric_result(metric, &result), CLAYER_OK);
    cly_train_metric_destroy(metric);
    return result;
}

START_TEST(accuracy_goes_by_the_shapes) {
    static const float scores[12] = {1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1}, labels[4] = {0, 1, 2, 2};
    static const float hot[12] = {1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1};
    static const float chances[4] = {0.1f, 0.6f, 0.7f, 0.4f}, yes[4] = {0, 1, 0, 0};
    ck_assert(result_of("accuracy", matrix, vector, scores, labels) == 0.75);
    ck_assert(result_of("acc", matrix, column, scores, labels) == 0.75);
    ck_assert(result_of("accuracy", matrix, matrix, scores, hot) == 0.75);
    ck_assert(result_of("accuracy", column, vector, chances, yes) == 0.75);
    ck_assert(result_of("Accuracy()", column, vector, chances, chances) == 1.0);
    const double sparse = result_of("sparse_categorical_crossentropy", matrix, vector, scores, labels);
    ck_assert(result_of("crossentropy", matrix, vector, scores, labels) == sparse && sparse > 1.0);
}
END_TEST

START_TEST(nothing_gives_zero) {
    static const char *const texts[] = {"accuracy", "mse", "auc", "precision", "recall", "root_mean_squared_error"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double result = NAN;
        cly_train_metric *metric = make_metric(texts[i], 3, column, column);
        ck_assert_int_eq(cly_train_metric_result(metric, &result), CLAYER_OK);
        ck_assert_msg(result == 0.0, "%s of nothing is %g", texts[i], result);
        cly_train_metric_destroy(metric);
    }
}
END_TEST

START_TEST(crossentropies_take_logits) {
    static const float z[12] = {40, 0, 0, 0, -60, 0, 1, 2, 3, 0, 0, 0}, labels[4] = {1, 1, 2, 0};
    double result = NAN;
    cly_train_metric *metric = make_metric("sparse_categorical_crossentropy", 3, matrix, vector);
    cly_train_metric *other = make_metric("accuracy", 3, matrix, vector);
    ck_assert_int_ne(cly_train_metric_undoes(metric), CLY_LOGITS_NONE);
    ck_assert_int_eq(cly_train_metric_undoes(other), CLY_LOGITS_NONE);
    cly_train_metric_take_logits(metric, true);
    update(metric, z, &matrix, labels, &vector, NULL, &none);
    ck_assert_int_eq(cly_train_metric_result(metric, &result), CLAYER_OK);
    const double expected = (40.0 + 60.0 + log(2.0) + log(1.0 + exp(-1.0) + exp(-2.0)) + log(3.0)) / 4.0;
    ck_assert_msg(fabs(result - expected) < 1e-5, "%.9g, not %.9g", result, expected);
    cly_train_metric_destroy(metric);
    cly_train_metric_destroy(other);
}
END_TEST

static double weighted_result(const char *text, int generation, clayer_shape y_pred, clayer_shape y_true,
                              const float *pred, const float *labels, const float *weight) {
    double result = NAN;
    const clayer_shape rows = {1, {y_pred.dims[0]}};
    cly_train_metric *metric = make_metric(text, generation, y_pred, y_true);
    update(metric, pred, &y_pred, labels, &y_true, weight, weight != NULL ? &rows : &none);
    ck_assert_int_eq(cly_train_metric_result(metric, &result), CLAYER_OK);
    cly_train_metric_destroy(metric);
    return result;
}

/* Keras 3 counts ignored entries as zeros unless there are weights, Keras 2 never does. The numbers are theirs. */
START_TEST(ignored_labels_count_as_in_keras) {
    static const float pred[12] = {0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f};
    static const float labels[4] = {0, 1, 2, 1}, weight[4] = {1, 2, 0.5f, 3};
    static const char *const text = "sparse_categorical_crossentropy(ignore_class=1)";
    const double expected[2][2] = {{1.1512925625, 1.3040076494}, {0.5756462812, 1.3040076494}};
    for (int generation = 2; generation <= 3; generation++) {
        for (int weighted = 0; weighted < 2; weighted++) {
            const double result =
                weighted_result(text, generation, matrix, vector, pred, labels, weighted ? weight : NULL);
            ck_assert_msg(fabs(result - expected[generation - 2][weighted]) < 1e-6, "Keras %d: %.9g", generation,
                          result);
        }
    }
}
END_TEST

/* Arguments of AUC that metrics.npz has not, with sample weights; the numbers are Keras'. */
START_TEST(auc_has_keras_other_arguments) {
    static const float sixteenths[18] = {11, 13, 1, 13, 8, 8, 10, 5, 15, 1, 5, 6, 9, 7, 2, 1, 1, 1};
    static const float labels[18] = {0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0};
    static const float weight[6] = {1, 2, 0.5f, 3, 1, 2};
    static const struct {
        const char *text;
        double expected;
    } cases[] = {{"auc(multi_label=True, label_weights=[1, 2, 0.5])", 0.6321297883987427},
                 {"auc(multi_label=True, num_labels=3, label_weights=[1, 2, 0.5])", 0.6321297883987427},
                 {"auc(label_weights=[1, 2, 0.5])", 0.6069930195808411},
                 {"auc", 0.6024690866470337},
                 {"auc(curve=PRGAIN)", 0.22001758217811584},
                 {"auc(thresholds=[0.625, 0.25, 0.5], summation_method=minoring)", 0.41234567761421204}};
    const clayer_shape shape = {2, {6, 3}};
    float pred[18];
    for (int i = 0; i < 18; i++) {
        pred[i] = sixteenths[i] / 16.0f;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const double result = weighted_result(cases[i].text, 3, shape, shape, pred, labels, weight);
        ck_assert_msg(fabs(result - cases[i].expected) < 1e-6, "%s: %.9g, not %.9g", cases[i].text, result,
                      cases[i].expected);
    }
}
END_TEST

static void refuse(const char *text, clayer_shape y_pred, clayer_shape y_true, clayer_status expected,
                   const char *said) {
    cly_train_metric *metric = NULL;
    ck_assert_msg(cly_train_metric_create(context, text, 3, &y_pred, &y_true, "output 'x'", &metric) == expected,
                  "%s is not refused", text);
    ck_assert_ptr_null(metric);
    cly_test_error_has(said);
}

START_TEST(what_does_not_fit_is_refused) {
    const clayer_shape wide = {2, {4, 5}}, cube = {3, {4, 2, 3}};
    const clayer_status shape = CLAYER_INVALID_SHAPE, argument = CLAYER_INVALID_ARGUMENT;
    refuse("certainty", matrix, matrix, argument, "unknown metric 'certainty'");
    refuse("auc(steps=3)", matrix, matrix, argument, "steps");
    refuse("auc(num_thresholds=2.5)", matrix, matrix, argument, "num_thresholds = 2.5 is not an integer");
    refuse("auc(num_labels=3)", matrix, matrix, argument, "multi_label");
    refuse("auc(multi_label=True, num_labels=5)", matrix, matrix, shape, "output 'x'");
    refuse("auc(multi_label=True)", cube, cube, shape, "(batch, 3)");
    refuse("auc(label_weights=[1, 2])", matrix, matrix, shape, "2 label_weights for 3 labels");
    refuse("precision(class_id=3)", matrix, matrix, shape, "class_id = 3");
    refuse("recall(top_k=4)", matrix, matrix, shape, "top_k = 4");
    refuse("recall(thresholds=[0.1, 0.2])", matrix, matrix, CLAYER_UNSUPPORTED, "2 thresholds");
    refuse("top_k_categorical_accuracy(k=2.5)", matrix, matrix, argument, "k = 2.5");
    refuse("categorical_accuracy", matrix, vector, shape, "(4,)");
    refuse("sparse_categorical_accuracy", matrix, wide, shape, "(4, 5)");
    refuse("mse", matrix, wide, shape, "output 'x'");
    cly_train_metric *metric = make_metric("accuracy", 3, matrix, vector);
    ck_assert_int_eq(cly_train_metric_update(metric, &matrix, NULL, &wide, NULL, NULL, NULL), shape);
    cly_train_metric_destroy(metric);
}
END_TEST

/* ---- large batches ---- */

#define ROWS 6007
#define CLASSES 7

/* Weighted accuracy, RMSE, precision and AUC of many rows against plain sums, twice to the bit. */
static void measure_large(test_random *random, double results[4]) {
    static const char *const texts[4] = {"sparse_categorical_accuracy", "root_mean_squared_error",
                                         "precision(thresholds=0.6)", "auc(num_thresholds=21)"};
    const clayer_shape scores = {2, {ROWS, CLASSES}}, labels = {1, {ROWS}};
    float *pred = test_random_floats(random, ROWS * CLASSES, 0.0f, 1.0f);
    float *weight = test_random_floats(random, ROWS, 0.0f, 2.0f);
    float *label = test_random_floats(random, ROWS, 0.0f, (float)CLASSES), *hot = calloc(ROWS * CLASSES, sizeof(float));
    double right = 0.0, total = 0.0, squares = 0.0, tp = 0.0, fp = 0.0, above[21][2] = {{0.0}};
    ck_assert_ptr_nonnull(hot);
    for (int r = 0; r < ROWS; r++) {
        const float *row = pred + r * CLASSES;
        int best = 0;
        label[r] = floorf(label[r]);
        hot[r * CLASSES + (int)label[r]] = 1.0f;
        for (int c = 0; c < CLASSES; c++) {
            const float truth = hot[r * CLASSES + c];
            best = row[c] > row[best] ? c : best;
            squares += (double)weight[r] * pow((double)row[c] - (double)truth, 2.0);
            *(truth != 0.0f ? &tp : &fp) += row[c] > 0.6f ? (double)weight[r] : 0.0;
            const int exceeded = (int)ceilf(row[c] * 20.0f); /* as Keras finds even thresholds */
            for (int i = 0; i < exceeded || i == 0; i++) {
                above[i][truth != 0.0f] += (double)weight[r];
            }
        }
        right += best == (int)label[r] ? (double)weight[r] : 0.0;
        total += (double)weight[r];
    }
    double area = 0.0;
    for (int i = 0; i < 20; i++) {
        area += (above[i][0] - above[i + 1][0]) * (above[i][1] + above[i + 1][1]) / 2.0 / (above[0][0] * above[0][1]);
    }
    const double expected[4] = {right / total, sqrt(squares / total / CLASSES), tp / (tp + fp), area};
    for (int m = 0; m < 4; m++) {
        const clayer_shape *const shape = m == 0 ? &labels : &scores;
        cly_train_metric *metric = make_metric(texts[m], 3, scores, *shape);
        update(metric, pred, &scores, m == 0 ? label : hot, shape, weight, &labels);
        ck_assert_int_eq(cly_train_metric_result(metric, &results[m]), CLAYER_OK);
        ck_assert_msg(fabs(results[m] - expected[m]) < 1e-6, "%s: %.9g, not %.9g", texts[m], results[m], expected[m]);
        cly_train_metric_destroy(metric);
    }
    free(pred);
    free(weight);
    free(label);
    free(hot);
}

START_TEST(large_batches_are_plain_sums) {
    double first[4], second[4];
    const uint64_t seed = test_seed("train.metrics");
    test_random random = test_random_start(seed, 0), again = random;
    measure_large(&random, first);
    measure_large(&again, second);
    ck_assert(memcmp(first, second, sizeof(first)) == 0);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.metrics");
    TCase *tests = tcase_create("metrics");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, metrics_are_keras);
    tcase_add_test(tests, names_are_those_of_logs);
    tcase_add_test(tests, accuracy_goes_by_the_shapes);
    tcase_add_test(tests, nothing_gives_zero);
    tcase_add_test(tests, crossentropies_take_logits);
    tcase_add_test(tests, ignored_labels_count_as_in_keras);
    tcase_add_test(tests, auc_has_keras_other_arguments);
    tcase_add_test(tests, what_does_not_fit_is_refused);
    tcase_add_test(tests, large_batches_are_plain_sums);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
