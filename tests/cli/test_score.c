/* cli/test_score.c: accuracy and loss against the numbers that Keras 3 gives for the same arrays. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "support/runner.h"

volatile sig_atomic_t cly_cli_interrupted; /* main.c has it in the command */

static clayer_array *make_array(clayer_type type, int rank, const int64_t *dims, const void *values) {
    clayer_array *array = NULL;
    ck_assert(clayer_array_create(type, rank, dims, &array) == CLAYER_OK);
    memcpy(clayer_array_get_data(array), values, (size_t)clayer_array_get_count(array) * clayer_type_size(type));
    return array;
}

static void check_score(clayer_array *output, clayer_array *labels, bool from_logits, int64_t correct, double loss) {
    cly_cli_score score;
    ck_assert_int_eq(cly_cli_compute_score(output, labels, from_logits, "labels.npy", &score), 0);
    ck_assert_int_eq(score.correct, correct);
    ck_assert_double_eq_tol(score.loss, loss, 1e-5 * fabs(loss));
    clayer_array_destroy(output);
    clayer_array_destroy(labels);
}

static int refuse(clayer_array *output, clayer_array *labels) {
    cly_cli_score score;
    int status = cly_cli_compute_score(output, labels, false, "labels.npy", &score);
    clayer_array_destroy(output);
    clayer_array_destroy(labels);
    return status;
}

START_TEST(categorical) {
    const float p[] = {0.7f, 0.2f, 0.1f, 0, 1, 0, 0.25f, 0.25f, 0.5f, 0, 0, 1};
    /* keras.losses.SparseCategoricalCrossentropy()([0, 0, 1, 2], p) */
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){4, 3}, p),
                make_array(CLAYER_INT32, 1, (int64_t[]){4}, (int32_t[]){0, 0, 1, 2}), false, 2, 4.465266);
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){4, 3}, p),
                make_array(CLAYER_UINT8, 2, (int64_t[]){4, 1}, (uint8_t[]){0, 0, 1, 2}), false, 2, 4.465266);
    /* not normalised: Keras' softmax cross-entropy does it */
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){1, 3}, (float[]){0.7f, 0.7f, 0.1f}),
                make_array(CLAYER_INT64, 1, (int64_t[]){1}, (int64_t[]){0}), false, 1, 0.76214004);
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){2, 3}, (float[]){2, -1, 0.5f, -3, 4, 90}),
                make_array(CLAYER_INT64, 1, (int64_t[]){2}, (int64_t[]){2, 1}), true, 0, 43.870655);
}
END_TEST

START_TEST(categorical_with_positions) {
    const float p[] = {0.7f, 0.3f, 0.4f, 0.6f, 0.5f, 0.5f, 0.1f, 0.9f}; /* (2, 2, 2); of equals the first */
    double loss = -(log(0.7) + log(0.4) + log(0.5) + log(0.9)) / 4;
    check_score(make_array(CLAYER_FLOAT32, 3, (int64_t[]){2, 2, 2}, p),
                make_array(CLAYER_INT8, 2, (int64_t[]){2, 2}, (int8_t[]){0, 0, 0, 1}), false, 3, loss);
}
END_TEST

START_TEST(binary) {
    const float p[] = {0.9f, 0.2f, 0.0f, 1.0f, 0.5f};
    const float labels[] = {1, 1, 1, 0, 0};
    float z[5];
    for (int i = 0; i < 5; i++) {
        z[i] = p[i] * 10 - 3;
    }
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){5, 1}, p),
                make_array(CLAYER_FLOAT32, 1, (int64_t[]){5}, labels), false, 2, 6.8936844);
    check_score(make_array(CLAYER_FLOAT32, 2, (int64_t[]){5, 1}, z),
                make_array(CLAYER_FLOAT32, 2, (int64_t[]){5, 1}, labels), true, 1, 2.698433);
}
END_TEST

START_TEST(wrong_labels_are_refused) {
    const float p[] = {0.7f, 0.3f, 0.4f, 0.6f};
    static const double bad[][2] = {{0, 2}, {-1, 0}, {0.5, 0}, {NAN, 0}, {INFINITY, 0}};
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(refuse(make_array(CLAYER_FLOAT32, 2, (int64_t[]){2, 2}, p),
                                make_array(CLAYER_FLOAT64, 1, (int64_t[]){2}, bad[i])),
                         CLY_EXIT_FILE);
    }
    ck_assert_int_eq(refuse(make_array(CLAYER_FLOAT32, 2, (int64_t[]){2, 2}, p),
                            make_array(CLAYER_INT8, 1, (int64_t[]){3}, (int8_t[]){0, 1, 0})),
                     CLY_EXIT_USAGE);
    ck_assert_int_eq(refuse(make_array(CLAYER_FLOAT32, 2, (int64_t[]){2, 2}, p),
                            make_array(CLAYER_INT8, 2, (int64_t[]){2, 2}, (int8_t[]){0, 1, 0, 1})),
                     CLY_EXIT_USAGE);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.score");
    TCase *tests = tcase_create("score");
    tcase_add_test(tests, categorical);
    tcase_add_test(tests, categorical_with_positions);
    tcase_add_test(tests, binary);
    tcase_add_test(tests, wrong_labels_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
