/* model/test_nested_refusals.c: what cannot be nested, and what nested models refuse: by the path of the layer. */
#include <stdio.h>

#include "model/nested_support.h"
#include "support/runner.h"

START_TEST(a_nested_graph_cannot_change) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer"), *empty = new_model("empty");
    clayer_node *input = add_input(outer, NULL, 3, DIMS(6, 5, 2));
    call_model(outer, encoder, NULL);
    REFUSED(clayer_add_flatten(encoder, NULL, NULL, NULL), CLAYER_INVALID_ARGUMENT, "'encoder' is nested");
    REFUSED(clayer_add_input(encoder, 1, DIMS(2), NULL), CLAYER_INVALID_ARGUMENT, "'encoder' is nested");
    REFUSED(clayer_model_set_outputs(encoder, encoder->nodes, 1), CLAYER_INVALID_ARGUMENT, "'encoder' is nested");
    REFUSED(clayer_model_add_model(encoder, outer, NULL, 1, NULL), CLAYER_INVALID_ARGUMENT, "'encoder' is nested");
    REFUSED(clayer_model_add_model(outer, outer, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "in itself");
    REFUSED(clayer_model_add_model(outer, empty, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "0 inputs");
    REFUSED(clayer_model_add_model(NULL, empty, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_add_model(outer, NULL, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "nested is NULL");
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
    clayer_model_destroy(empty);
}
END_TEST

START_TEST(misfitting_inputs_are_refused_by_path) {
    clayer_model *encoder = new_encoder("encoder"), *middle = new_model("middle"), *outer = new_model("outer");
    add_input(middle, NULL, 3, DIMS(-1, -1, 2));
    call_model(middle, encoder, NULL);
    clayer_node *input = add_input(outer, NULL, 3, DIMS(-1, 5, 2)), *flat = add_input(outer, NULL, 1, DIMS(4));
    REFUSED(clayer_model_add_model(outer, middle, (clayer_node *[]){input, flat}, 2, NULL), CLAYER_INVALID_ARGUMENT,
            "Sequential 'middle': model 'middle' has 1 input, got 2");
    REFUSED(clayer_model_add_model(outer, middle, &flat, 1, NULL), CLAYER_INVALID_SHAPE, "has 2 axes, expected 4");
    clayer_node *wide = add_input(outer, NULL, 3, DIMS(6, 6, 2));
    REFUSED(clayer_model_add_model(outer, middle, &wide, 1, NULL), CLAYER_INVALID_SHAPE,
            "Sequential 'encoder': model 'encoder': input 'input_layer': axis 2: expected 5, got 6");
    ck_assert_uint_eq(outer->layer_count, 3); /* nothing was left behind */
    clayer_model_destroy(outer);
    clayer_model_destroy(encoder);
    clayer_model_destroy(middle);
}
END_TEST

/* A size that no shape told before the run. */
START_TEST(sizes_are_compared_once_they_are_known) {
    clayer_model *encoder = new_encoder("encoder"), *middle = new_model("middle"), *outer = new_model("outer");
    add_input(middle, NULL, 3, DIMS(-1, -1, 2));
    call_model(middle, encoder, NULL);
    MUST(clayer_add_input(outer, 3, DIMS(-1, 5, 2), NULL));
    call_model(outer, middle, NULL);
    clayer_tensor *x = new_tensor(4, DIMS(1, 7, 5, 2)), *y = new_tensor(4, DIMS(1, 7, 5, 3));
    REFUSED(clayer_model_run(outer, &x, 1, &y, 1), CLAYER_INVALID_SHAPE,
            "input 'middle/encoder/input_layer': axis 1: expected 6, got 7");
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_model_destroy(encoder);
    clayer_model_destroy(middle);
    clayer_model_destroy(outer);
}
END_TEST

/* What a layer says of a shape that is found at a run begins with where it stands. */
START_TEST(a_layer_that_cannot_run_is_named_by_path) {
    const clayer_cropping_config crop = {
        .struct_size = sizeof(crop), .name = "crop", .has_cropping = true, .cropping = {{2, 2}, {2, 2}}};
    clayer_model *block = new_model("block"), *outer = new_model("outer");
    add_input(block, NULL, 3, DIMS(-1, -1, 2));
    MUST(clayer_add_cropping2d(block, NULL, &crop, NULL));
    MUST(clayer_add_input(outer, 3, DIMS(-1, 9, 2), NULL));
    call_model(outer, block, NULL);
    clayer_tensor *x = new_tensor(4, DIMS(1, 3, 9, 2)), *y = new_tensor(4, DIMS(1, 1, 5, 2));
    REFUSED(clayer_model_run(outer, &x, 1, &y, 1), CLAYER_INVALID_SHAPE, "block/crop: Cropping2D 'crop':");
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_model_destroy(block);
    clayer_model_destroy(outer);
}
END_TEST

START_TEST(two_models_of_one_name_are_refused) {
    clayer_model *a = new_encoder("encoder"), *b = new_encoder("encoder"), *outer = new_model("outer");
    clayer_node *input = add_input(outer, NULL, 3, DIMS(6, 5, 2));
    call_model(outer, a, input);
    REFUSED(clayer_model_add_model(outer, b, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "name of another layer");
    add_flatten(b, NULL); /* it is nested nowhere */
    clayer_model_destroy(a);
    clayer_model_destroy(b);
    clayer_model_destroy(outer);
}
END_TEST

START_TEST(a_model_of_another_context_is_refused) {
    clayer_context *own = context, *other = NULL;
    MUST(clayer_context_create(NULL, &other));
    context = other;
    clayer_model *encoder = new_encoder("encoder");
    context = own;
    clayer_model *outer = new_model("outer");
    clayer_node *input = add_input(outer, NULL, 3, DIMS(6, 5, 2));
    REFUSED(clayer_model_add_model(outer, encoder, &input, 1, NULL), CLAYER_INVALID_ARGUMENT, "another context");
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
    clayer_context_destroy(other);
}
END_TEST

/* 2^n calls from n models. */
START_TEST(endless_nesting_is_refused) {
    clayer_model *models[40] = {new_model(NULL)};
    clayer_status status = CLAYER_OK;
    size_t count = 1;
    add_input(models[0], NULL, 1, DIMS(3));
    add_activation(models[0], NULL, "relu");
    for (; count < 40 && status == CLAYER_OK; count++) {
        models[count] = new_model(NULL);
        add_input(models[count], NULL, 1, DIMS(3));
        status = clayer_model_add_model(models[count], models[count - 1], NULL, 1, NULL);
        if (status == CLAYER_OK) {
            status = clayer_model_add_model(models[count], models[count - 1], NULL, 1, NULL);
        }
    }
    ck_assert_int_eq(status, CLAYER_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "more than 200000 calls"));
    ck_assert_uint_lt(count, 25);
    for (size_t i = 0; i < count; i++) {
        clayer_model_destroy(models[i]);
    }
}
END_TEST

/* Alone the layer that a model is has no steps of its own. */
START_TEST(a_nested_model_does_not_run_as_a_layer) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer");
    add_input(outer, NULL, 3, DIMS(6, 5, 2));
    call_model(outer, encoder, NULL);
    clayer_layer *layer = clayer_model_find_layer(outer, "encoder");
    clayer_tensor *x = new_tensor(4, DIMS(1, 6, 5, 2)), *y = new_tensor(4, DIMS(1, 6, 5, 3));
    REFUSED(clayer_layer_forward(layer, &x, 1, y), CLAYER_UNSUPPORTED, "clayer_model_run runs it");
    ck_assert_uint_eq(clayer_layer_get_weight_count(layer), 0);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.nested_refusals");
    TCase *tcase = tcase_create("nested_refusals");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, a_nested_graph_cannot_change);
    tcase_add_test(tcase, misfitting_inputs_are_refused_by_path);
    tcase_add_test(tcase, sizes_are_compared_once_they_are_known);
    tcase_add_test(tcase, a_layer_that_cannot_run_is_named_by_path);
    tcase_add_test(tcase, two_models_of_one_name_are_refused);
    tcase_add_test(tcase, a_model_of_another_context_is_refused);
    tcase_add_test(tcase, endless_nesting_is_refused);
    tcase_add_test(tcase, a_nested_model_does_not_run_as_a_layer);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
