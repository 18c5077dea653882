/* model/test_nested.c: models within models give bit for bit what the same layers give without them; their names, paths
 * and shapes at each call. */
#include <stdio.h>

#include "model/nested_support.h"
#include "model/plan.h"
#include "support/runner.h"

/* ---- one nested model ---- */

START_TEST(a_nested_chain_is_its_layers) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer"), *plain = new_model("plain");
    MUST(clayer_add_input(outer, 3, DIMS(6, 5, 2), NULL));
    named_conv(outer, NULL, "before", 2);
    call_model(outer, encoder, NULL);
    named_conv(outer, NULL, "after", 2);
    ck_assert_uint_eq(clayer_model_get_layer_count(outer), 4);
    clayer_layer *layer = clayer_model_get_layer(outer, 2);
    ck_assert_str_eq(clayer_layer_get_class_name(layer), "Sequential");
    ck_assert_str_eq(clayer_layer_get_name(layer), "encoder");
    ck_assert_ptr_eq(clayer_layer_get_nested(layer), encoder);
    ck_assert_ptr_null(clayer_layer_get_nested(clayer_model_get_layer(outer, 1)));
    ck_assert_ptr_eq(clayer_model_find_layer(outer, "encoder/first"), clayer_model_find_layer(encoder, "first"));
    ck_assert_ptr_null(clayer_model_find_layer(outer, "first"));
    ck_assert_ptr_null(clayer_model_find_layer(outer, "encoder/"));
    ck_assert_ptr_null(clayer_model_find_layer(outer, "before/first"));
    MUST(clayer_add_input(plain, 3, DIMS(6, 5, 2), NULL));
    reuse(plain, outer, "before", NULL);
    reuse(plain, outer, "encoder/first", NULL);
    reuse(plain, outer, "encoder/activation", NULL);
    reuse(plain, outer, "after", NULL);
    clayer_model_destroy(encoder); /* outer keeps it */
    check_same(outer, plain, 4, DIMS(3, 6, 5, 2), 1);
    ck_assert_uint_eq(check_same_gradients(outer, plain, 3), 6);
    clayer_model_destroy(outer);
    clayer_model_destroy(plain);
}
END_TEST

START_TEST(a_nested_model_runs_on_its_own_too) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model(NULL), *plain = new_model(NULL);
    MUST(clayer_add_input(outer, 3, DIMS(6, 5, 2), NULL));
    call_model(outer, encoder, NULL);
    MUST(clayer_add_input(plain, 3, DIMS(6, 5, 2), NULL));
    reuse(plain, encoder, "first", NULL);
    reuse(plain, encoder, "activation", NULL);
    check_same(encoder, plain, 4, DIMS(2, 6, 5, 2), 2);
    clayer_model_destroy(outer);
    check_same(encoder, plain, 4, DIMS(2, 6, 5, 2), 2);
    add_flatten(encoder, NULL); /* nobody nests it any more */
    clayer_model_destroy(encoder);
    clayer_model_destroy(plain);
}
END_TEST

/* ---- called several times ---- */

START_TEST(a_nested_model_called_twice_shares_its_weights) {
    clayer_model *block = new_model("block"), *outer = new_model("outer"), *plain = new_model("plain");
    add_input(block, NULL, 3, DIMS(-1, -1, 2));
    named_conv(block, NULL, "conv", 2);
    clayer_node *a = add_input(outer, "a", 3, DIMS(6, 5, 2)), *b = add_input(outer, "b", 3, DIMS(6, 5, 2));
    clayer_node *one = call_model(outer, block, a), *two = call_model(outer, block, call_model(outer, block, b));
    ck_assert_uint_eq(two->call, 2);
    add_sum(outer, one, two);
    ck_assert_uint_eq(clayer_model_get_layer_count(outer), 4);
    clayer_node *c = add_input(plain, "a", 3, DIMS(6, 5, 2)), *d = add_input(plain, "b", 3, DIMS(6, 5, 2));
    clayer_node *three = reuse(plain, block, "conv", c);
    clayer_node *four = reuse(plain, block, "conv", reuse(plain, block, "conv", d));
    add_sum(plain, three, four);
    check_same(outer, plain, 4, DIMS(2, 6, 5, 2), 3);
    ck_assert_uint_eq(check_same_gradients(outer, plain, 2), 2);
    clayer_model_destroy(block);
    clayer_model_destroy(outer);
    clayer_model_destroy(plain);
}
END_TEST

/* Each call is inferred for its own sizes, and plans are kept for several. */
START_TEST(calls_may_have_shapes_of_their_own) {
    clayer_model *block = new_model("block"), *outer = new_model("outer"), *plain = new_model("plain");
    add_input(block, NULL, 3, DIMS(-1, -1, 2));
    named_conv(block, NULL, "conv", 2);
    MUST(clayer_add_max_pooling2d(block, NULL, NULL, NULL));
    MUST(clayer_add_input(outer, 3, DIMS(8, -1, 2), NULL));
    call_model(outer, block, call_model(outer, block, NULL));
    MUST(clayer_add_input(plain, 3, DIMS(8, -1, 2), NULL));
    for (int i = 0; i < 2; i++) {
        reuse(plain, block, "conv", NULL);
        reuse(plain, block, "max_pooling2d", NULL);
    }
    const clayer_shape *shape = clayer_model_get_output_shape(outer, 0);
    ck_assert_int_eq(shape->dims[1], 2);
    ck_assert_int_eq(shape->dims[2], -1);
    check_same(outer, plain, 4, DIMS(2, 8, 8, 2), 4);
    check_same(outer, plain, 4, DIMS(1, 8, 12, 2), 5);
    check_same(outer, plain, 4, DIMS(2, 8, 8, 2), 6);
    clayer_model *flat = NULL;
    cly_model_run_plan *first = NULL, *second = NULL, *again = NULL;
    const clayer_shape small = {.rank = 4, .dims = {2, 8, 8, 2}}, large = {.rank = 4, .dims = {1, 8, 12, 2}};
    MUST(cly_model_flat(outer, &flat));
    MUST(cly_model_find_plan(flat, &small, &first));
    MUST(cly_model_find_plan(flat, &large, &second));
    MUST(cly_model_find_plan(flat, &small, &again));
    ck_assert(first == again && first != second); /* both are kept */
    clayer_model_destroy(block);
    clayer_model_destroy(outer);
    clayer_model_destroy(plain);
}
END_TEST

/* ---- several inputs and outputs ---- */

/* (a, b) -> (conv(a) + b, a as it came, relu(conv(a) + b)) */
static clayer_model *new_split(void) {
    clayer_model *model = new_model("split");
    clayer_node *a = add_input(model, "left", 3, DIMS(6, 5, 2)), *b = add_input(model, "right", 3, DIMS(6, 5, 2));
    clayer_node *sum = add_sum(model, named_conv(model, a, "conv", 2), b);
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){sum, a, add_activation(model, sum, "relu")}, 3));
    return model;
}

START_TEST(several_inputs_and_outputs_pass_through) {
    clayer_model *split = new_split(), *outer = new_model("outer"), *plain = new_model("plain");
    clayer_node *nodes[3] = {NULL}, *again[3] = {NULL};
    clayer_node *x = add_input(outer, "x", 3, DIMS(6, 5, 2));
    MUST(clayer_model_add_model(outer, split, (clayer_node *[]){x, x}, 2, nodes)); /* one tensor for both */
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(nodes[i]->tensor, i);
        ck_assert_uint_eq(nodes[i]->index, nodes[0]->index + i);
        ck_assert_ptr_eq(nodes[i]->layer, nodes[0]->layer);
    }
    MUST(clayer_model_add_model(outer, split, (clayer_node *[]){nodes[2], nodes[1]}, 2, again));
    ck_assert_uint_eq(again[1]->call, 1);
    MUST(clayer_model_set_outputs(outer, (clayer_node *[]){again[0], nodes[1], again[1], again[2]}, 4));
    ck_assert_str_eq(clayer_model_get_output_name(outer, 0), "split");
    ck_assert_str_eq(clayer_model_get_output_name(outer, 1), "split_1");
    ck_assert_str_eq(clayer_model_get_output_name(outer, 3), "split_3");
    ck_assert_ptr_null(clayer_model_get_output_name(outer, 4));
    clayer_node *y = add_input(plain, "x", 3, DIMS(6, 5, 2));
    clayer_node *sum = reuse_two(plain, split, "add", reuse(plain, split, "conv", y), y);
    clayer_node *relu = reuse(plain, split, "activation", sum);
    clayer_node *last = reuse_two(plain, split, "add", reuse(plain, split, "conv", relu), y);
    clayer_node *end = reuse(plain, split, "activation", last);
    MUST(clayer_model_set_outputs(plain, (clayer_node *[]){last, y, relu, end}, 4));
    check_same(outer, plain, 4, DIMS(2, 6, 5, 2), 8);
    ck_assert_uint_eq(check_same_gradients(outer, plain, 2), 2);
    clayer_model_destroy(split);
    clayer_model_destroy(outer);
    clayer_model_destroy(plain);
}
END_TEST

/* A model whose only output is its input. */
START_TEST(an_empty_model_nests) {
    clayer_model *nothing = new_model("nothing"), *outer = new_model("outer"), *plain = new_model("plain");
    clayer_node *input = add_input(nothing, NULL, 1, DIMS(3));
    MUST(clayer_model_set_outputs(nothing, &input, 1));
    MUST(clayer_add_input(outer, 1, DIMS(3), NULL));
    call_model(outer, nothing, call_model(outer, nothing, NULL));
    add_input(plain, NULL, 1, DIMS(3));
    check_same(outer, plain, 2, DIMS(4, 3), 9);
    clayer_model_destroy(nothing);
    clayer_model_destroy(outer);
    clayer_model_destroy(plain);
}
END_TEST

/* ---- deep ---- */

/* Five models, each with the one before twice: 2^5 calls of one layer. */
START_TEST(models_nest_deeply) {
    clayer_model *models[6], *plain = new_model("plain"), *flat = NULL;
    models[0] = new_model("level0");
    add_input(models[0], NULL, 3, DIMS(-1, -1, 2));
    named_conv(models[0], NULL, "conv", 2);
    for (size_t i = 1; i < 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "level%zu", i);
        models[i] = new_model(name);
        clayer_node *input = add_input(models[i], NULL, 3, DIMS(-1, -1, 2));
        clayer_node *node = call_model(models[i], models[i - 1], i % 2 == 0 ? NULL : input); /* both classes */
        call_model(models[i], models[i - 1], i % 2 == 0 ? NULL : node);
    }
    add_input(plain, NULL, 3, DIMS(-1, -1, 2));
    for (int i = 0; i < 32; i++) {
        reuse(plain, models[5], "level4/level3/level2/level1/level0/conv", NULL);
    }
    check_same(models[5], plain, 4, DIMS(1, 4, 5, 2), 10);
    MUST(cly_model_flat(models[5], &flat));
    ck_assert_uint_eq(flat->node_count, 33);
    ck_assert_uint_eq(flat->layer_count, 2);
    ck_assert_uint_eq(flat->nodes[32]->call, 31);
    ck_assert_str_eq(cly_model_node_path(flat->nodes[32]), "level4/level3/level2/level1/level0/conv");
    MUST(cly_model_flat(plain, &flat));
    ck_assert_ptr_eq(flat, plain);
    for (size_t i = 0; i < 6; i++) {
        clayer_model_destroy(models[i]);
    }
    clayer_model_destroy(plain);
}
END_TEST

/* ---- names ---- */

START_TEST(nameless_models_are_numbered) {
    static const char *const expected[] = {"input_layer", "functional", "functional_1", "sequential"};
    clayer_model *outer = new_model("outer");
    MUST(clayer_add_input(outer, 1, DIMS(3), NULL));
    for (int i = 0; i < 3; i++) {
        clayer_model *nested = new_model(NULL);
        clayer_node *input = add_input(nested, NULL, 1, DIMS(3));
        add_activation(nested, i < 2 ? input : NULL, "relu"); /* the same names in each */
        call_model(outer, nested, NULL);
        clayer_model_destroy(nested);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(clayer_layer_get_name(clayer_model_get_layer(outer, i)), expected[i]);
    }
    ck_assert_ptr_ne(clayer_model_find_layer(outer, "functional/activation"),
                     clayer_model_find_layer(outer, "functional_1/activation"));
    clayer_model_destroy(outer);
}
END_TEST

/* As many names of Keras 2 do, one holds a "/". */
START_TEST(a_name_goes_before_a_path) {
    clayer_model *outer = new_model("outer"), *block = new_model("a/b");
    add_input(block, NULL, 3, DIMS(6, 5, 2));
    named_conv(block, NULL, "c/d", 2);
    clayer_node *input = add_input(outer, NULL, 3, DIMS(6, 5, 2));
    call_model(outer, block, input);
    ck_assert_ptr_nonnull(clayer_model_find_layer(outer, "a/b/c/d"));
    ck_assert_ptr_eq(clayer_model_find_layer(outer, "a/b/c/d"), clayer_model_find_layer(block, "c/d"));
    named_conv(outer, NULL, "a/b/c/d", 1);
    ck_assert_ptr_eq(clayer_model_find_layer(outer, "a/b/c/d"), clayer_model_get_layer(outer, 2));
    clayer_model_destroy(block);
    clayer_model_destroy(outer);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.nested");
    TCase *tcase = tcase_create("nested");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, a_nested_chain_is_its_layers);
    tcase_add_test(tcase, a_nested_model_runs_on_its_own_too);
    tcase_add_test(tcase, a_nested_model_called_twice_shares_its_weights);
    tcase_add_test(tcase, calls_may_have_shapes_of_their_own);
    tcase_add_test(tcase, several_inputs_and_outputs_pass_through);
    tcase_add_test(tcase, an_empty_model_nests);
    tcase_add_test(tcase, models_nest_deeply);
    tcase_add_test(tcase, nameless_models_are_numbered);
    tcase_add_test(tcase, a_name_goes_before_a_path);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
