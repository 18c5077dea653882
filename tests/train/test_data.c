/* train/test_data.c: what comes of arrays before a step: order, types, splits, weights of classes, and what is refused
 * before anything changes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "support/context.h"
#include "support/runner.h"
#include "train/data.h"
#include "train/gather.h"
#include "train/nets.h"

static clayer_context *context;

static void open_context(void) {
    context = cly_test_context(NULL, NULL);
}

static void close_context(void) {
    clayer_context_destroy(context);
}

static clayer_fit_config config_of(int64_t epochs) {
    return (clayer_fit_config){
        .struct_size = sizeof(clayer_fit_config), .batch_size = 4, .epochs = epochs, .no_shuffle = true};
}

/* ---- rows and their order ---- */

START_TEST(rows_of_every_type_become_floats) {
    static const clayer_type types[] = {CLAYER_FLOAT32, CLAYER_FLOAT64, CLAYER_FLOAT16, CLAYER_INT8,
                                        CLAYER_INT16,   CLAYER_INT32,   CLAYER_INT64,   CLAYER_UINT8,
                                        CLAYER_UINT16,  CLAYER_UINT32,  CLAYER_UINT64,  CLAYER_BOOL};
    static const float numbers[] = {0, 1, 2, 3, 100, 5, 6, 7, -8, 9};
    static const int64_t order[] = {4, 0, 2};
    const int64_t dims[] = {5, 2};
    clayer_array *floats = NULL;
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, dims, &floats));
    memcpy(clayer_array_get_data(floats), numbers, sizeof(numbers));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        clayer_array *typed = NULL, *back = NULL;
        float values[6] = {0};
        MUST(clayer_array_convert(floats, types[i], &typed));
        MUST(clayer_array_convert(typed, CLAYER_FLOAT32, &back));
        const float *expected = clayer_array_get_const_data(back);
        cly_train_gather(typed, order, 0, 3, values);
        for (int j = 0; j < 6; j++) {
            ck_assert_msg(values[j] == expected[2 * order[j / 2] + j % 2], "%s: %g", clayer_type_name(types[i]),
                          (double)values[j]);
        }
        cly_train_gather(typed, NULL, 1, 3, values);
        ck_assert_int_eq(memcmp(values, expected + 2, sizeof(values)), 0);
        clayer_array_destroy(typed);
        clayer_array_destroy(back);
    }
    clayer_array_destroy(floats);
}
END_TEST

START_TEST(orders_are_permutations_of_a_seed_and_a_pass) {
    static const int64_t known[] = {5, 7, 3, 8, 0, 9, 4, 2, 1, 6}; /* the same on every machine */
    int64_t first[1000], second[1000];
    bool seen[1000];
    for (int64_t count = 1; count <= 1000; count = count * 7 / 3 + 1) {
        memset(seen, 0, sizeof(seen));
        cly_train_permute(3, 5, first, count);
        cly_train_permute(3, 5, second, count);
        ck_assert_int_eq(memcmp(first, second, (size_t)count * sizeof(*first)), 0);
        for (int64_t i = 0; i < count; i++) {
            ck_assert(first[i] >= 0 && first[i] < count && !seen[first[i]]);
            seen[first[i]] = true;
        }
    }
    cly_train_permute(3, 5, first, 1000);
    cly_train_permute(3, 6, second, 1000);
    ck_assert_int_ne(memcmp(first, second, sizeof(first)), 0);
    cly_train_permute(4, 5, second, 1000);
    ck_assert_int_ne(memcmp(first, second, sizeof(first)), 0);
    cly_train_permute(1, 0, first, 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_msg(first[i] == known[i], "%lld %lld %lld %lld %lld %lld %lld %lld %lld %lld", (long long)first[0],
                      (long long)first[1], (long long)first[2], (long long)first[3], (long long)first[4],
                      (long long)first[5], (long long)first[6], (long long)first[7], (long long)first[8],
                      (long long)first[9]);
    }
}
END_TEST

START_TEST(an_order_puts_each_sample_anywhere) {
    int64_t order[4], counts[4][4] = {{0}};
    for (int64_t pass = 0; pass < 4000; pass++) {
        cly_train_permute(0, pass, order, 4);
        for (int i = 0; i < 4; i++) {
            counts[i][order[i]]++;
        }
    }
    for (int i = 0; i < 16; i++) { /* six standard deviations */
        ck_assert_msg(llabs(counts[i / 4][i % 4] - 1000) < 165, "place %d: %lld", i, (long long)counts[i / 4][i % 4]);
    }
}
END_TEST

/* ---- feeds ---- */

START_TEST(epochs_take_every_sample_once_and_the_last_batch_is_smaller) {
    net_data data;
    cly_train_feed *feed = NULL;
    cly_train_host_batch batch = {0};
    clayer_model *model = net_images(context);
    net_compile(model, NULL, "sparse_categorical_crossentropy", NULL);
    net_make_data(model, 1, 18, 3, &data);
    for (int64_t i = 0; i < 18; i++) {
        ((float *)clayer_array_get_data(data.x))[i * 36] = (float)i;
    }
    const cly_train_feed_config config = {
        .data = &data.dataset, .first = 2, .samples = 15, .batch_size = 4, .epochs = 3, .shuffle = true, .seed = 1};
    MUST(cly_train_feed_create(model, &config, &feed));
    MUST(cly_train_host_batch_create(model, &batch));
    ck_assert_int_eq(cly_train_feed_steps(feed), 4);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[18] = {false};
        int64_t count = 0;
        ck_assert(cly_train_feed_begin(feed, epoch));
        MUST(cly_train_feed_next(feed, &batch));
        for (int64_t index = 0; batch.samples > 0; index++) {
            ck_assert_int_eq(batch.samples, index == 3 ? 3 : 4);
            ck_assert_int_eq(batch.arrays[0].shape.dims[0], batch.samples);
            for (int64_t i = 0; i < batch.samples; i++, count++) {
                const int sample = (int)batch.arrays[0].values[i * 36];
                ck_assert(sample >= 2 && sample < 17 && !seen[sample]);
                seen[sample] = true;
                ck_assert(batch.arrays[1].values[i] == (float)((int32_t *)clayer_array_get_data(data.y))[sample]);
            }
            MUST(cly_train_feed_next(feed, &batch));
        }
        ck_assert_int_eq(count, 15);
    }
    cly_train_host_batch_free(model, &batch);
    cly_train_feed_destroy(feed);
    clayer_model_destroy(model);
    net_free_data(&data);
}
END_TEST

START_TEST(inputs_may_lack_a_last_axis_of_one) {
    net_data data;
    clayer_array *flat = NULL;
    clayer_model *a = net_images(context), *b = net_images(context);
    net_make_data(a, 1, 8, 3, &data);
    MUST(clayer_array_create(CLAYER_FLOAT32, 3, (const int64_t[]){8, 6, 6}, &flat));
    memcpy(clayer_array_get_data(flat), clayer_array_get_const_data(data.x), 8 * 36 * sizeof(float));
    net_compile(a, NULL, "sparse_categorical_crossentropy", NULL);
    net_compile(b, NULL, "sparse_categorical_crossentropy", NULL);
    const clayer_fit_config config = config_of(1);
    MUST(clayer_model_fit(a, &data.dataset, &config, NULL));
    data.xs[0] = flat;
    MUST(clayer_model_fit(b, &data.dataset, &config, NULL));
    ck_assert(net_same_weights(a, b));
    clayer_array_destroy(flat);
    clayer_model_destroy(a);
    clayer_model_destroy(b);
    net_free_data(&data);
}
END_TEST

/* ---- what is refused ---- */

/* A net of three classes, its data, and a copy of the net that must stay the same. */
typedef struct refusal {
    clayer_model *model, *fresh;
    net_data data;
    clayer_fit_config config;
} refusal;

static void open_refusal(refusal *r) {
    r->model = net_images(context);
    r->fresh = net_images(context);
    net_make_data(r->model, 1, 10, 3, &r->data);
    net_compile(r->model, NULL, "sparse_categorical_crossentropy", NULL);
    r->config = config_of(1);
}

static void check_refusal(refusal *r, clayer_status expected, const char *part) {
    clayer_history *history = NULL;
    REFUSED(clayer_model_fit(r->model, &r->data.dataset, &r->config, &history), expected, part);
    ck_assert(history == NULL && net_same_weights(r->model, r->fresh));
}

static void close_refusal(refusal *r) {
    clayer_model_destroy(r->model);
    clayer_model_destroy(r->fresh);
    net_free_data(&r->data);
}

START_TEST(labels_out_of_range_are_refused_before_they_are_learnt) {
    static const int32_t wrong[] = {3, -1, 1000};
    refusal r;
    open_refusal(&r);
    int32_t *labels = clayer_array_get_data(r.data.y);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char part[128];
        const int32_t kept = labels[2];
        labels[2] = wrong[i];
        (void)snprintf(part, sizeof(part), "output 'dense': label %d of sample 2 is outside 0 to 2", (int)wrong[i]);
        check_refusal(&r, CLAYER_INVALID_ARGUMENT, part);
        labels[2] = kept;
    }
    labels[9] = 7; /* shuffled: still the sample in the array */
    r.config.no_shuffle = false;
    r.config.batch_size = 16;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "label 7 of sample 9 is outside");
    clayer_log log;
    REFUSED(clayer_model_evaluate(r.model, &r.data.dataset, NULL, &log, 1, NULL), CLAYER_INVALID_ARGUMENT,
            "label 7 of sample 9");
    close_refusal(&r);
}
END_TEST

START_TEST(arrays_that_do_not_fit_are_refused) {
    refusal r;
    clayer_array *few = NULL, *wide = NULL, *narrow = NULL;
    open_refusal(&r);
    MUST(clayer_array_create(CLAYER_INT32, 1, (const int64_t[]){9}, &few));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, (const int64_t[]){10, 5}, &wide));
    MUST(clayer_array_create(CLAYER_FLOAT32, 4, (const int64_t[]){10, 6, 6, 2}, &narrow));
    r.data.ys[0] = few;
    check_refusal(&r, CLAYER_INVALID_SHAPE, "target 'dense' has 9 samples, input 'x' has 10");
    r.data.ys[0] = wide;
    check_refusal(&r, CLAYER_INVALID_SHAPE, "output 'dense'");
    r.data.ys[0] = NULL;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "target 'dense' is NULL");
    r.data.ys[0] = r.data.y;
    r.data.xs[0] = narrow;
    check_refusal(&r, CLAYER_INVALID_SHAPE, "x");
    r.data.xs[0] = r.data.x;
    r.data.dataset.y = NULL;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "no targets");
    clayer_array_destroy(few);
    clayer_array_destroy(wide);
    clayer_array_destroy(narrow);
    close_refusal(&r);
}
END_TEST

START_TEST(configurations_that_make_no_sense_are_refused) {
    refusal r;
    open_refusal(&r);
    const double weights[] = {1, 2, 3};
    r.config.validation_split = 1.5;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "validation_split: 1.5 is not between 0 and 1");
    r.config.validation_split = 0.99;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "leaves nothing to train with");
    r.config = config_of(1);
    r.config.batch_size = -1;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "batch_size is -1");
    r.config = config_of(1);
    r.config.struct_size = 3;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "struct_size is 3");
    r.config = config_of(1);
    r.config.class_weight = weights;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "class_weight_count is 0");
    r.config.class_weight_count = 3;
    r.data.dataset.sample_weight = r.data.ys;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "there is a sample_weight too");
    r.data.dataset.sample_weight = NULL;
    r.config = config_of(1);
    r.config.early_stopping.monitor = "val_dense_accuracy";
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "does not know whether it should grow or shrink");
    r.data.dataset.struct_size = 1;
    check_refusal(&r, CLAYER_INVALID_ARGUMENT, "struct_size");
    REFUSED(clayer_model_fit(r.fresh, &r.data.dataset, &r.config, NULL), CLAYER_INVALID_ARGUMENT, "is not compiled");
    REFUSED(clayer_model_fit(NULL, &r.data.dataset, &r.config, NULL), CLAYER_INVALID_ARGUMENT, "model is NULL");
    close_refusal(&r);
}
END_TEST

START_TEST(compile_names_what_it_does_not_know) {
    clayer_model *model = net_images(context);
    clayer_compile_config config = {.struct_size = sizeof(config), .loss = "mean_cubed_error"};
    REFUSED(clayer_model_compile(model, &config), CLAYER_INVALID_ARGUMENT,
            "output 'dense': unknown loss 'mean_cubed_error'");
    config.loss = "mse";
    config.optimizer = "sgdd";
    REFUSED(clayer_model_compile(model, &config), CLAYER_INVALID_ARGUMENT, "unknown optimizer 'sgdd'");
    config.optimizer = "sgd(rate=1)";
    REFUSED(clayer_model_compile(model, &config), CLAYER_INVALID_ARGUMENT, "rate");
    config.optimizer = NULL;
    config.metrics = (const char *const[]){"accurate", NULL};
    REFUSED(clayer_model_compile(model, &config), CLAYER_INVALID_ARGUMENT, "unknown metric 'accurate'");
    ck_assert(!clayer_model_is_compiled(model));
    config.metrics = NULL;
    config.loss = NULL;
    MUST(clayer_model_compile(model, &config));
    ck_assert(clayer_model_is_compiled(model));
    net_data data;
    net_make_data(model, 1, 4, 3, &data);
    REFUSED(clayer_model_fit(model, &data.dataset, NULL, NULL), CLAYER_INVALID_ARGUMENT, "without a loss");
    MUST(cly_train_set_problem(model, "its loss 'custom' is not known here"));
    ck_assert(!clayer_model_is_compiled(model));
    REFUSED(clayer_model_fit(model, &data.dataset, NULL, NULL), CLAYER_UNSUPPORTED,
            "its loss 'custom' is not known here");
    net_free_data(&data);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(losses_that_are_no_numbers_end_training) {
    net_data data;
    clayer_model *model = net_numbers(context, NULL);
    net_make_data(model, 1, 18, 0, &data);
    net_compile(model, "sgd(learning_rate=0.01)", "mean_squared_error", NULL);
    clayer_fit_config config = config_of(2);
    ((float *)clayer_array_get_data(data.y))[9] = NAN;
    REFUSED(clayer_model_fit(model, &data.dataset, &config, NULL), CLAYER_NOT_FINITE, "epoch 1 of 2, step 3: the loss");
    clayer_model_destroy(model);
    model = net_numbers(context, NULL);
    net_compile(model, "sgd(learning_rate=1e30)", "mean_squared_error", NULL);
    ((float *)clayer_array_get_data(data.y))[9] = 0;
    config.check_numerics = true;
    REFUSED(clayer_model_fit(model, &data.dataset, &config, NULL), CLAYER_NOT_FINITE, "epoch 1 of 2: step");
    cly_test_error_has("layer 'dense' (Dense)");
    clayer_model_destroy(model);
    net_free_data(&data);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train.data");
    TCase *tests = tcase_create("data");
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, rows_of_every_type_become_floats);
    tcase_add_test(tests, orders_are_permutations_of_a_seed_and_a_pass);
    tcase_add_test(tests, an_order_puts_each_sample_anywhere);
    tcase_add_test(tests, epochs_take_every_sample_once_and_the_last_batch_is_smaller);
    tcase_add_test(tests, inputs_may_lack_a_last_axis_of_one);
    tcase_add_test(tests, labels_out_of_range_are_refused_before_they_are_learnt);
    tcase_add_test(tests, arrays_that_do_not_fit_are_refused);
    tcase_add_test(tests, configurations_that_make_no_sense_are_refused);
    tcase_add_test(tests, compile_names_what_it_does_not_know);
    tcase_add_test(tests, losses_that_are_no_numbers_end_training);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
