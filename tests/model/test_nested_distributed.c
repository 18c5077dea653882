/* model/test_nested_distributed.c: a model on every step gives bit for bit what it gives for all steps as one batch;
 * its names, paths and calls; what cannot be distributed; and that layers of one name in two models start differently.
 */
#include <stdio.h>

#include "model/nested_support.h"
#include "support/runner.h"

static clayer_node *distribute(clayer_model *model, clayer_model *nested, const char *name, clayer_node *input) {
    clayer_node *node = NULL;
    MUST(clayer_model_add_distributed(model, nested, name, input, &node));
    return node;
}

/* Runs `outer` on (samples, steps, 6, 5, 2), and `each` on the same memory as (samples * steps, 6, 5, 2). */
static void check_steps(clayer_model *outer, clayer_model *each, int64_t samples, int64_t steps) {
    test_random random = test_random_start(1, (uint64_t)steps);
    clayer_tensor *x = random_tensor(&random, 5, DIMS(samples, steps, 6, 5, 2));
    clayer_tensor *y = new_tensor(5, DIMS(samples, steps, 6, 5, 3));
    clayer_tensor *batch = new_tensor(4, DIMS(samples * steps, 6, 5, 2));
    clayer_tensor *wanted = new_tensor(4, DIMS(samples * steps, 6, 5, 3));
    float *values = read_tensor(x);
    MUST(clayer_tensor_write(batch, values, clayer_tensor_get_count(batch)));
    MUST(clayer_model_run(outer, &x, 1, &y, 1));
    MUST(clayer_model_run(each, &batch, 1, &wanted, 1));
    float *a = read_tensor(y), *b = read_tensor(wanted);
    ck_assert_mem_eq(a, b, (size_t)clayer_tensor_get_count(y) * sizeof(float));
    free(values);
    free(a);
    free(b);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(batch);
    clayer_tensor_destroy(wanted);
}

START_TEST(steps_are_a_batch) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer"), *flat = NULL;
    add_input(outer, NULL, 4, DIMS(-1, 6, 5, 2));
    const clayer_node *node = distribute(outer, encoder, "frames", NULL);
    ck_assert_int_eq(node->shape.rank, 5);
    ck_assert(node->shape.dims[0] == -1 && node->shape.dims[1] == -1 && node->shape.dims[4] == 3);
    const clayer_layer *layer = clayer_model_get_layer(outer, 1);
    ck_assert_str_eq(clayer_layer_get_class_name(layer), "TimeDistributed");
    ck_assert_str_eq(clayer_layer_get_name(layer), "frames");
    ck_assert_ptr_eq(clayer_layer_get_nested(layer), encoder);
    ck_assert_ptr_eq(clayer_model_find_layer(outer, "frames/first"), clayer_model_find_layer(encoder, "first"));
    check_steps(outer, encoder, 2, 3);
    check_steps(outer, encoder, 1, 4);
    check_steps(outer, encoder, 2, 3);
    MUST(cly_model_flat(outer, &flat)); /* input, fold, two layers, unfold */
    ck_assert_uint_eq(flat->node_count, 5);
    ck_assert_str_eq(cly_model_node_path(flat->nodes[2]), "frames/first");
    ck_assert_str_eq(cly_model_node_path(flat->nodes[4]), "frames");
    ck_assert(flat->nodes[1]->hidden && !flat->nodes[4]->hidden);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* The same model under one name is one layer; beside that it may stand under another one, and by itself. */
START_TEST(a_model_may_be_distributed_again) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer");
    clayer_node *a = add_input(outer, "a", 4, DIMS(3, 6, 5, 2)), *b = add_input(outer, "b", 4, DIMS(2, 6, 5, 2));
    clayer_node *c = add_input(outer, "c", 3, DIMS(6, 5, 2));
    ck_assert_uint_eq(distribute(outer, encoder, "frames", a)->call, 0);
    ck_assert_uint_eq(distribute(outer, encoder, "frames", b)->call, 1);
    ck_assert_uint_eq(distribute(outer, encoder, "others", b)->call, 0);
    ck_assert_str_eq(distribute(outer, encoder, NULL, a)->layer->name, "time_distributed");
    ck_assert_str_eq(distribute(outer, encoder, NULL, a)->layer->name, "time_distributed_1");
    call_model(outer, encoder, c);
    ck_assert_uint_eq(clayer_model_get_layer_count(outer), 3 + 5);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

START_TEST(what_cannot_be_distributed_says_so) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer"), *two = new_model("two");
    clayer_node *a = add_input(two, "a", 1, DIMS(2)), *b = add_input(two, "b", 1, DIMS(2)), *node = NULL;
    add_sum(two, a, b);
    clayer_node *frames = add_input(outer, "frames", 4, DIMS(3, 6, 5, 2)), *flat = add_input(outer, "x", 1, DIMS(4));
    clayer_node *other = add_input(outer, "other", 4, DIMS(3, 6, 6, 2));
    REFUSED(clayer_model_add_distributed(NULL, encoder, NULL, NULL, &node), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_add_distributed(outer, NULL, NULL, NULL, &node), CLAYER_INVALID_ARGUMENT, "nested is NULL");
    REFUSED(clayer_model_add_distributed(outer, outer, NULL, NULL, &node), CLAYER_INVALID_ARGUMENT, "in itself");
    REFUSED(clayer_model_add_distributed(outer, two, "t", frames, &node), CLAYER_UNSUPPORTED,
            "model 'two' has 2 inputs and 1 outputs; a TimeDistributed takes models with one of each");
    REFUSED(clayer_model_add_distributed(outer, encoder, "t", flat, &node), CLAYER_INVALID_SHAPE,
            "TimeDistributed 't': input (None, 4) has 2 axes, expects at least 3");
    REFUSED(clayer_model_add_distributed(outer, encoder, "t", other, &node), CLAYER_INVALID_SHAPE,
            "TimeDistributed 't': model 'encoder': input 'input_layer': axis 2: expected 5, got 6");
    distribute(outer, encoder, "t", frames);
    const clayer_layer *layer = clayer_model_find_layer(outer, "t");
    REFUSED(clayer_model_add(outer, (clayer_layer *)layer, (clayer_node *[]){frames, frames, frames}, 3, NULL),
            CLAYER_INVALID_ARGUMENT, "TimeDistributed 't': 3 inputs, takes 1 to 2");
    REFUSED(clayer_model_add(outer, (clayer_layer *)layer, (clayer_node *[]){frames, flat}, 2, NULL),
            CLAYER_INVALID_SHAPE, "TimeDistributed 't': a mask of shape (None, 4) does not begin with its steps");
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
    clayer_model_destroy(two);
}
END_TEST

/* ---- where weights start ---- */

static float first_value(const clayer_model *model, const char *path) {
    float *values = read_tensor(clayer_layer_get_weight(clayer_model_find_layer(model, path), 0));
    const float value = values[0];
    free(values);
    return value;
}

/* Two encoders, called one after the other, under those names. */
static clayer_model *new_pair(const char *first, const char *second, bool distributed, float written) {
    clayer_model *outer = new_model("outer"), *a = new_encoder(first), *b = new_encoder(second);
    clayer_node *x = add_input(outer, NULL, distributed ? 4 : 3, distributed ? DIMS(3, 6, 5, 2) : DIMS(6, 5, 2));
    if (written != 0) {
        clayer_tensor *kernel = clayer_layer_get_weight(clayer_model_find_layer(a, "first"), 0);
        float *values = read_tensor(kernel);
        values[0] = written;
        MUST(clayer_tensor_write(kernel, values, clayer_tensor_get_count(kernel)));
        free(values);
    }
    distributed ? distribute(outer, a, first, x) : call_model(outer, a, x);
    distributed ? distribute(outer, b, second, x) : call_model(outer, b, x);
    clayer_model_destroy(a);
    clayer_model_destroy(b);
    return outer;
}

START_TEST(equal_names_start_differently) {
    for (int i = 0; i < 2; i++) {
        clayer_model *outer = new_pair("a", "b", i == 1, 0), *again = new_pair("a", "b", i == 1, 0);
        clayer_model *written = new_pair("a", "b", i == 1, 7);
        ck_assert(first_value(outer, "a/first") != first_value(outer, "b/first"));
        ck_assert(first_value(outer, "a/first") == first_value(again, "a/first"));
        ck_assert(first_value(outer, "b/first") == first_value(written, "b/first"));
        ck_assert(first_value(written, "a/first") == 7);
        clayer_model_destroy(outer);
        clayer_model_destroy(again);
        clayer_model_destroy(written);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.nested_distributed");
    TCase *tcase = tcase_create("nested_distributed");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, steps_are_a_batch);
    tcase_add_test(tcase, a_model_may_be_distributed_again);
    tcase_add_test(tcase, what_cannot_be_distributed_says_so);
    tcase_add_test(tcase, equal_names_start_differently);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
