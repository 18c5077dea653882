/* model/test_predict.c: prediction on host arrays: batches, types, unknown sizes, progress, refusals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/support.h"
#include "support/runner.h"

static clayer_model *small_model(void) {
    clayer_model *model = new_model("net");
    add_input(model, "image", RANK(-1, 5, 2), DIMS(-1, 5, 2));
    add_conv(model, NULL, 3, 3, "tanh");
    add_conv(model, NULL, 2, 1, NULL);
    return model;
}

static clayer_array *predict(clayer_model *model, clayer_array *x, int64_t batch) {
    const clayer_predict_config config = {.struct_size = sizeof(config), .batch_size = batch};
    clayer_array *y = NULL;
    MUST(clayer_model_predict(model, &x, 1, &config, &y));
    return y;
}

/* Batches of different sizes may be computed by different implementations. */
static void check_close(const clayer_array *a, const clayer_array *b) {
    const float *p = clayer_array_get_const_data(a), *q = clayer_array_get_const_data(b);
    ck_assert_int_eq(clayer_array_get_type(a), CLAYER_FLOAT32);
    ck_assert_int_eq(clayer_array_get_count(a), clayer_array_get_count(b));
    for (int64_t i = 0; i < clayer_array_get_count(a); i++) {
        ck_assert_msg(fabsf(p[i] - q[i]) <= 1e-5f * (1 + fabsf(q[i])), "at %lld: %g and %g", (long long)i, (double)p[i],
                      (double)q[i]);
    }
}

START_TEST(batches_that_do_not_divide_give_the_same) {
    static const int64_t batches[] = {1, 2, 3, 7, 9, 10, 11, 0};
    test_random random = test_random_start(1, 0);
    clayer_model *model = small_model();
    clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(10, 4, 5, 2));
    clayer_array *whole = predict(model, x, 10);
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        clayer_array *y = predict(model, x, batches[i]);
        const clayer_shape *shape = clayer_array_get_shape(y);
        ck_assert(shape->rank == 4 && shape->dims[0] == 10 && shape->dims[1] == 4 && shape->dims[3] == 2);
        check_close(y, whole);
        clayer_array_destroy(y);
    }
    clayer_array_destroy(x);
    clayer_array_destroy(whole);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(every_type_is_converted) {
    static const clayer_type types[] = {CLAYER_FLOAT64, CLAYER_FLOAT16, CLAYER_INT8,  CLAYER_INT16,
                                        CLAYER_INT32,   CLAYER_INT64,   CLAYER_UINT8, CLAYER_UINT16,
                                        CLAYER_UINT32,  CLAYER_UINT64,  CLAYER_BOOL};
    clayer_model *model = small_model();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        test_random random = test_random_start(2, i);
        clayer_array *x = random_array(&random, types[i], 4, DIMS(5, 3, 5, 2)), *floats = NULL;
        MUST(clayer_array_convert(x, CLAYER_FLOAT32, &floats));
        clayer_array *y = predict(model, x, 2), *expected = predict(model, floats, 2);
        check_close(y, expected);
        clayer_array *const all[] = {x, floats, y, expected};
        for (size_t j = 0; j < 4; j++) {
            clayer_array_destroy(all[j]);
        }
    }
    clayer_model_destroy(model);
}
END_TEST

START_TEST(unknown_sizes_may_change_from_call_to_call) {
    clayer_model *model = small_model();
    test_random random = test_random_start(3, 0);
    for (int64_t call = 0; call < 14; call++) { /* more sizes than plans are kept, then again */
        int64_t rows = 1 + call % 7;
        clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(3, rows, 5, 2));
        clayer_array *y = predict(model, x, 2), *whole = predict(model, x, 3);
        ck_assert_int_eq(clayer_array_get_shape(y)->dims[1], rows);
        check_close(y, whole);
        clayer_array_destroy(x);
        clayer_array_destroy(y);
        clayer_array_destroy(whole);
    }
    clayer_model_destroy(model);
}
END_TEST

START_TEST(several_inputs_and_outputs_keep_their_order) {
    clayer_model *model = new_model("net");
    clayer_node *a = add_input(model, "a", RANK(3), DIMS(3)), *b = add_input(model, "b", RANK(3), DIMS(3));
    clayer_node *sum = add_sum(model, a, b);
    test_random random = test_random_start(4, 0);
    clayer_array *inputs[2] = {random_array(&random, CLAYER_FLOAT32, 2, DIMS(5, 3)),
                               random_array(&random, CLAYER_UINT8, 2, DIMS(5, 3))};
    clayer_array *outputs[3] = {NULL};
    const clayer_predict_config config = {.struct_size = sizeof(config), .batch_size = 2};
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){b, sum, a}, 3));
    MUST(clayer_model_predict(model, inputs, 2, &config, outputs));
    const float *x = clayer_array_get_const_data(inputs[0]), *out_b = clayer_array_get_const_data(outputs[0]);
    const float *out_sum = clayer_array_get_const_data(outputs[1]), *out_a = clayer_array_get_const_data(outputs[2]);
    const unsigned char *y = clayer_array_get_const_data(inputs[1]);
    for (int i = 0; i < 15; i++) {
        ck_assert(out_a[i] == x[i] && out_b[i] == (float)y[i] && out_sum[i] == x[i] + (float)y[i]);
    }
    for (int i = 0; i < 3; i++) {
        clayer_array_destroy(outputs[i]);
    }
    clayer_array_destroy(inputs[0]);
    clayer_array_destroy(inputs[1]);
    clayer_model_destroy(model);
}
END_TEST

typedef struct progress {
    int64_t seen[8];
    int calls, stop_after;
} progress;

static bool note_progress(int64_t done, int64_t total, void *data) {
    progress *p = data;
    p->seen[p->calls++] = done * 100 + total;
    return p->calls != p->stop_after;
}

START_TEST(progress_is_told_and_may_stop) {
    clayer_model *model = small_model();
    test_random random = test_random_start(5, 0);
    clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(7, 3, 5, 2)), *y = NULL;
    progress p = {.stop_after = -1};
    clayer_predict_config config = {
        .struct_size = sizeof(config), .batch_size = 3, .progress = note_progress, .progress_data = &p};
    MUST(clayer_model_predict(model, &x, 1, &config, &y));
    ck_assert(p.calls == 3 && p.seen[0] == 307 && p.seen[1] == 607 && p.seen[2] == 707);
    clayer_array_destroy(y);
    y = NULL;
    p = (progress){.stop_after = 2};
    uint64_t before = device_bytes();
    REFUSED(clayer_model_predict(model, &x, 1, &config, &y), CLAYER_INVALID_ARGUMENT, "after 6 of 7 samples");
    ck_assert_int_eq(p.calls, 2);
    ck_assert_ptr_null(y);
    ck_assert_uint_eq(device_bytes(), before);
    clayer_array_destroy(x);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_fixed_batch_is_kept_to) {
    clayer_model *model = new_model("fixed");
    clayer_array *four = NULL, *five = NULL, *y = NULL;
    MUST(cly_model_add_input(model, "x", &(clayer_shape){2, {2, 3}}, NULL));
    add_activation(model, NULL, "relu");
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(4, 3), &four));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(5, 3), &five));
    MUST(clayer_model_predict(model, &four, 1, NULL, &y));
    ck_assert_int_eq(clayer_array_get_shape(y)->dims[0], 4);
    clayer_array_destroy(y);
    REFUSED(clayer_model_predict(model, &five, 1, NULL, &y), CLAYER_INVALID_SHAPE,
            "input 'x': axis 0: expected 2, got 1");
    clayer_array_destroy(four);
    clayer_array_destroy(five);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(wrong_arrays_are_refused) {
    clayer_model *model = new_model("net"), *empty = new_model("empty");
    clayer_node *a = add_input(model, "a", RANK(3), DIMS(3)), *b = add_input(model, "b", RANK(3), DIMS(3));
    clayer_array *y[2] = {NULL}, *five = NULL, *four = NULL, *wide = NULL, *none = NULL, *deep = NULL, *scalar = NULL;
    add_sum(model, a, b);
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(5, 3), &five));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(4, 3), &four));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(5, 4), &wide));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(0, 3), &none));
    MUST(clayer_array_create(CLAYER_FLOAT32, 3, DIMS(5, 3, 1), &deep));
    MUST(clayer_array_create(CLAYER_FLOAT32, 0, NULL, &scalar));
    clayer_predict_config config = {.struct_size = sizeof(config), .batch_size = -1};
#define PREDICT(first, second) clayer_model_predict(model, (clayer_array *[]){first, second}, 2, NULL, y)
    REFUSED(PREDICT(five, four), CLAYER_INVALID_SHAPE, "input 'b' has 4 samples, input 'a' has 5");
    REFUSED(PREDICT(five, wide), CLAYER_INVALID_SHAPE, "input 'b': axis 1: expected 3, got 4");
    REFUSED(PREDICT(five, deep), CLAYER_INVALID_SHAPE, "input 'b' has 3 axes, expected 2");
    REFUSED(PREDICT(none, none), CLAYER_INVALID_SHAPE, "input 'a' has no samples");
    REFUSED(PREDICT(scalar, five), CLAYER_INVALID_SHAPE, "input 'a' has no samples");
    REFUSED(PREDICT(five, NULL), CLAYER_INVALID_ARGUMENT, "input 'b' is NULL");
#undef PREDICT
    clayer_array *const three[] = {five, five, five};
    REFUSED(clayer_model_predict(model, three, 1, NULL, y), CLAYER_INVALID_ARGUMENT, "has 2 inputs, got 1");
    REFUSED(clayer_model_predict(model, three, 3, NULL, y), CLAYER_INVALID_ARGUMENT, "has 2 inputs, got 3");
    REFUSED(clayer_model_predict(model, NULL, 2, NULL, y), CLAYER_INVALID_ARGUMENT, "has 2 inputs, got 0");
    REFUSED(clayer_model_predict(model, three, 2, &config, y), CLAYER_INVALID_ARGUMENT, "batch_size is -1");
    config.struct_size = 3;
    REFUSED(clayer_model_predict(model, three, 2, &config, y), CLAYER_INVALID_ARGUMENT, "struct_size is 3");
    REFUSED(clayer_model_predict(empty, three, 0, NULL, y), CLAYER_INVALID_ARGUMENT, "no input");
    REFUSED(clayer_model_predict(NULL, three, 2, NULL, y), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_predict(model, three, 2, NULL, NULL), CLAYER_INVALID_ARGUMENT, "outputs_out is NULL");
    ck_assert_ptr_null(y[0]);
    clayer_array *const all[] = {five, four, wide, none, deep, scalar};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        clayer_array_destroy(all[i]);
    }
    clayer_model_destroy(model);
    clayer_model_destroy(empty);
}
END_TEST

/* Concatenate along the batch runs, but its rows belong to no sample. */
START_TEST(outputs_without_a_row_a_sample_are_refused) {
    clayer_model *model = new_model("net");
    clayer_node *a = add_input(model, "a", RANK(3), DIMS(3)), *node = NULL;
    clayer_array *x = NULL, *y = NULL;
    const clayer_concatenate_config config = {.struct_size = sizeof(config), .has_axis = true, .axis = 0};
    MUST(clayer_add_concatenate(model, (clayer_node *[]){a, a}, 2, &config, &node));
    MUST(clayer_array_create(CLAYER_FLOAT32, 2, DIMS(5, 3), &x));
    REFUSED(clayer_model_predict(model, &x, 1, NULL, &y), CLAYER_UNSUPPORTED, "output 'concatenate'");
    clayer_array_destroy(x);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.predict");
    TCase *tcase = tcase_create("predict");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, batches_that_do_not_divide_give_the_same);
    tcase_add_test(tcase, every_type_is_converted);
    tcase_add_test(tcase, unknown_sizes_may_change_from_call_to_call);
    tcase_add_test(tcase, several_inputs_and_outputs_keep_their_order);
    tcase_add_test(tcase, progress_is_told_and_may_stop);
    tcase_add_test(tcase, a_fixed_batch_is_kept_to);
    tcase_add_test(tcase, wrong_arrays_are_refused);
    tcase_add_test(tcase, outputs_without_a_row_a_sample_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
