/* model/test_graph.c: building models: names, shapes, shared layers, outputs, refusals. */
#include <stdio.h>

#include "model/support.h"
#include "support/runner.h"

static void check_shape(const clayer_shape *shape, int rank, const int64_t *dims) {
    ck_assert_ptr_nonnull(shape);
    ck_assert_int_eq(shape->rank, rank);
    for (int i = 0; i < rank; i++) {
        ck_assert_int_eq(shape->dims[i], dims[i]);
    }
}

static clayer_node *add_cropping(clayer_model *model, int64_t rows, int64_t cols) {
    const clayer_cropping_config config = {
        .struct_size = sizeof(config), .has_cropping = true, .cropping = {{rows, rows}, {cols, cols}}};
    clayer_node *node = NULL;
    MUST(clayer_add_cropping2d(model, NULL, &config, &node));
    return node;
}

/* The example of Keras' documentation of Cropping2D. */
START_TEST(the_documented_example_has_its_shapes) {
    clayer_model *model = new_model("example");
    MUST(clayer_add_input(model, 3, DIMS(28, 28, 3), NULL));
    add_cropping(model, 2, 4);
    check_shape(clayer_model_get_output_shape(model, 0), 4, DIMS(-1, 24, 20, 3));
    add_conv(model, NULL, 64, 3, NULL);
    check_shape(clayer_model_get_output_shape(model, 0), 4, DIMS(-1, 24, 20, 64));
    add_cropping(model, 2, 2);
    check_shape(clayer_model_get_output_shape(model, 0), 4, DIMS(-1, 20, 16, 64));
    check_shape(clayer_model_get_input_shape(model, 0), 4, DIMS(-1, 28, 28, 3));
    ck_assert_str_eq(clayer_model_get_name(model), "example");
    ck_assert_uint_eq(clayer_model_get_layer_count(model), 4);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(nameless_layers_are_numbered_as_keras_does) {
    static const char *const expected[] = {"input_layer", "conv2d",     "conv2d_1", "conv2d_2",
                                           "cropping2d",  "conv2d_4",   "conv2d_3", "cropping2d_1",
                                           "conv2d_x",    "conv2d_007", "conv2d_5"};
    clayer_model *model = new_model(NULL);
    MUST(clayer_add_input(model, 3, DIMS(9, 9, 2), NULL));
    for (int i = 0; i < 3; i++) {
        add_conv(model, NULL, 2, 1, NULL);
    }
    add_cropping(model, 1, 1);
    clayer_conv_config named = {.struct_size = sizeof(named), .filters = 2, .kernel_size = {1}, .name = "conv2d_4"};
    MUST(clayer_add_conv2d(model, NULL, &named, NULL));
    add_conv(model, NULL, 2, 1, NULL);
    add_cropping(model, 1, 1);
    named.name = "conv2d_x";
    MUST(clayer_add_conv2d(model, NULL, &named, NULL));
    named.name = "conv2d_007";
    MUST(clayer_add_conv2d(model, NULL, &named, NULL));
    add_conv(model, NULL, 2, 1, NULL);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert_str_eq(clayer_layer_get_name(clayer_model_get_layer(model, i)), expected[i]);
        ck_assert_ptr_eq(clayer_model_find_layer(model, expected[i]), clayer_model_get_layer(model, i));
    }
    ck_assert_str_eq(clayer_model_get_name(model), "model");
    ck_assert_str_eq(clayer_model_get_input_name(model, 0), "input_layer");
    ck_assert_str_eq(clayer_model_get_output_name(model, 0), "conv2d_5");
    clayer_model_destroy(model);
}
END_TEST

START_TEST(two_layers_of_one_name_are_refused) {
    clayer_model *model = new_model("net");
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 2, .kernel_size = {1}, .name = "same"};
    const clayer_flatten_config other = {.struct_size = sizeof(other), .name = "same"};
    MUST(clayer_add_input(model, 3, DIMS(4, 4, 2), NULL));
    MUST(clayer_add_conv2d(model, NULL, &config, NULL));
    REFUSED(clayer_add_conv2d(model, NULL, &config, NULL), CLAYER_INVALID_ARGUMENT, "Conv2D 'same'");
    REFUSED(clayer_add_flatten(model, NULL, &other, NULL), CLAYER_INVALID_ARGUMENT, "unique");
    REFUSED(clayer_add_named_input(model, "same", 1, DIMS(3), NULL), CLAYER_INVALID_ARGUMENT, "another layer (Conv2D)");
    ck_assert_uint_eq(clayer_model_get_layer_count(model), 2);
    ck_assert_uint_eq(clayer_model_get_input_count(model), 1);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_layer_added_twice_is_one_layer) {
    clayer_model *model = new_model("net");
    clayer_layer *layer = NULL;
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 4, .kernel_size = {3}};
    clayer_node *a = add_input(model, "a", RANK(8, 8, 2), DIMS(8, 8, 2));
    clayer_node *b = add_input(model, "b", RANK(5, 6, 2), DIMS(5, 6, 2));
    clayer_node *c = add_input(model, "c", RANK(5, 6, 3), DIMS(5, 6, 3));
    clayer_node *first = NULL, *second = NULL;
    MUST(clayer_layer_create(context, "Conv2D", &config, &layer));
    uint64_t before = device_bytes();
    MUST(clayer_model_add(model, layer, &a, 1, &first));
    MUST(clayer_model_add(model, layer, &b, 1, &second));
    ck_assert_uint_eq(device_bytes() - before, (3 * 3 * 2 * 4 + 4) * sizeof(float));
    REFUSED(clayer_model_add(model, layer, &c, 1, NULL), CLAYER_INVALID_SHAPE, "Conv2D 'conv2d'");
    clayer_layer_destroy(layer); /* the model keeps it */
    ck_assert_uint_eq(clayer_model_get_layer_count(model), 4);
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){first, second, first}, 3));
    ck_assert_uint_eq(clayer_model_get_output_count(model), 3);
    check_shape(clayer_model_get_output_shape(model, 0), 4, DIMS(-1, 6, 6, 4));
    check_shape(clayer_model_get_output_shape(model, 1), 4, DIMS(-1, 3, 4, 4));
    ck_assert_str_eq(clayer_model_get_output_name(model, 0), "conv2d");
    ck_assert_str_eq(clayer_model_get_output_name(model, 2), "conv2d_2");
    clayer_model_destroy(model);
    ck_assert_uint_eq(device_bytes(), before);
}
END_TEST

START_TEST(a_layer_may_outlive_its_model_and_join_another) {
    clayer_layer *layer = NULL;
    const clayer_dense_config config = {.struct_size = sizeof(config), .units = 3};
    MUST(clayer_layer_create(context, "Dense", &config, &layer));
    for (int i = 0; i < 2; i++) {
        clayer_model *model = new_model("net");
        MUST(clayer_add_input(model, 1, DIMS(5), NULL));
        MUST(clayer_model_add(model, layer, NULL, 0, NULL));
        ck_assert_str_eq(clayer_layer_get_name(layer), "dense");
        clayer_model_destroy(model);
    }
    ck_assert_uint_eq(clayer_layer_get_weight_count(layer), 2);
    clayer_layer_destroy(layer);
}
END_TEST

START_TEST(a_refused_layer_leaves_the_model_as_it_was) {
    clayer_model *model = new_model("net");
    clayer_layer *layer = NULL;
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 2, .kernel_size = {7}};
    const clayer_conv_config small = {.struct_size = sizeof(small), .filters = 2, .kernel_size = {1}};
    MUST(clayer_add_input(model, 3, DIMS(4, 4, 2), NULL));
    MUST(clayer_layer_create(context, "Conv2D", &config, &layer));
    ck_assert_int_eq(clayer_model_add(model, layer, NULL, 0, NULL), CLAYER_INVALID_SHAPE);
    ck_assert_uint_eq(clayer_model_get_layer_count(model), 1);
    MUST(clayer_add_conv2d(model, NULL, &small, NULL));
    ck_assert_str_eq(clayer_model_get_output_name(model, 0), "conv2d");
    clayer_layer_destroy(layer);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(wrong_inputs_are_refused) {
    clayer_model *model = new_model("net"), *other = new_model("other");
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 2, .kernel_size = {1}};
    clayer_layer *layer = NULL;
    REFUSED(clayer_add_conv2d(model, NULL, &config, NULL), CLAYER_INVALID_ARGUMENT, "add an input before it");
    clayer_node *theirs = add_input(other, "x", RANK(4, 4, 2), DIMS(4, 4, 2));
    clayer_node *ours = add_input(model, "x", RANK(4, 4, 2), DIMS(4, 4, 2));
    REFUSED(clayer_add_conv2d(model, theirs, &config, NULL), CLAYER_INVALID_ARGUMENT, "a node of model 'other'");
    REFUSED(clayer_add_add(model, (clayer_node *[]){ours, NULL}, 2, NULL, NULL), CLAYER_INVALID_ARGUMENT,
            "input 1 of Add 'add' is NULL");
    REFUSED(clayer_add_add(model, (clayer_node *[]){ours, theirs}, 2, NULL, NULL), CLAYER_INVALID_ARGUMENT,
            "input 1 of Add 'add' is a node");
    REFUSED(clayer_add_add(model, NULL, 2, NULL, NULL), CLAYER_INVALID_ARGUMENT, "Add: inputs is NULL");
    REFUSED(clayer_add_add(model, &ours, 0, NULL, NULL), CLAYER_INVALID_ARGUMENT, "0 inputs");
    REFUSED(clayer_add_conv2d(NULL, NULL, &config, NULL), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_add(model, NULL, NULL, 0, NULL), CLAYER_INVALID_ARGUMENT, "layer is NULL");
    MUST(clayer_layer_create(context, "Conv2D", &config, &layer));
    REFUSED(clayer_model_add(model, layer, (clayer_node *[]){ours, ours}, 2, NULL), CLAYER_INVALID_ARGUMENT,
            "2 inputs");
    clayer_layer_destroy(layer);
    REFUSED(clayer_add_input(model, 8, DIMS(1, 1, 1, 1, 1, 1, 1, 1), NULL), CLAYER_INVALID_ARGUMENT, "8 dimensions");
    REFUSED(clayer_add_input(model, -1, DIMS(1), NULL), CLAYER_INVALID_ARGUMENT, "-1 dimensions");
    REFUSED(clayer_add_input(model, 2, DIMS(3, 0), NULL), CLAYER_INVALID_SHAPE, "dimension 1 of an input is 0");
    REFUSED(clayer_add_input(model, 1, NULL, NULL), CLAYER_INVALID_ARGUMENT, "dims is NULL");
    REFUSED(clayer_model_create(NULL, "x", &model), CLAYER_INVALID_ARGUMENT, "context is NULL");
    clayer_model_destroy(model);
    clayer_model_destroy(other);
    clayer_model_destroy(NULL);
}
END_TEST

START_TEST(a_layer_of_another_context_is_refused) {
    clayer_context *second = NULL;
    clayer_layer *layer = NULL;
    clayer_model *model = new_model("net");
    MUST(clayer_context_create(NULL, &second));
    MUST(clayer_layer_create(second, "Flatten", NULL, &layer));
    MUST(clayer_add_input(model, 1, DIMS(4), NULL));
    REFUSED(clayer_model_add(model, layer, NULL, 0, NULL), CLAYER_INVALID_ARGUMENT, "another context");
    clayer_layer_destroy(layer);
    clayer_model_destroy(model);
    clayer_context_destroy(second);
}
END_TEST

START_TEST(wrong_outputs_are_refused) {
    clayer_model *model = new_model("net"), *other = new_model("other");
    clayer_node *theirs = add_input(other, "x", RANK(4), DIMS(4));
    clayer_node *ours = add_input(model, "x", RANK(4), DIMS(4));
    REFUSED(clayer_model_set_outputs(model, &ours, 0), CLAYER_INVALID_ARGUMENT, "no nodes");
    REFUSED(clayer_model_set_outputs(model, NULL, 1), CLAYER_INVALID_ARGUMENT, "no nodes");
    REFUSED(clayer_model_set_outputs(model, (clayer_node *[]){ours, theirs}, 2), CLAYER_INVALID_ARGUMENT,
            "output 1 is a node of another model");
    REFUSED(clayer_model_set_outputs(model, (clayer_node *[]){NULL}, 1), CLAYER_INVALID_ARGUMENT, "output 0 is NULL");
    clayer_model_destroy(model);
    clayer_model_destroy(other);
}
END_TEST

START_TEST(getters_outside_their_range_give_nothing) {
    clayer_model *model = new_model("net");
    ck_assert_uint_eq(clayer_model_get_output_count(model), 0);
    ck_assert_ptr_null(clayer_model_get_output_name(model, 0));
    ck_assert_ptr_null(clayer_model_get_input_name(model, 0));
    MUST(clayer_add_input(model, 1, DIMS(4), NULL));
    ck_assert_uint_eq(clayer_model_get_output_count(model), 1);
    ck_assert_ptr_null(clayer_model_get_output_shape(model, 1));
    ck_assert_ptr_null(clayer_model_get_input_shape(model, 1));
    ck_assert_ptr_null(clayer_model_get_layer(model, 1));
    ck_assert_ptr_null(clayer_model_find_layer(model, "nobody"));
    ck_assert_ptr_null(clayer_model_find_layer(model, NULL));
    ck_assert_ptr_null(clayer_model_get_name(NULL));
    ck_assert_uint_eq(clayer_model_get_input_count(NULL), 0);
    ck_assert_uint_eq(clayer_model_get_output_count(NULL), 0);
    ck_assert_uint_eq(clayer_model_get_layer_count(NULL), 0);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.graph");
    TCase *tcase = tcase_create("graph");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, the_documented_example_has_its_shapes);
    tcase_add_test(tcase, nameless_layers_are_numbered_as_keras_does);
    tcase_add_test(tcase, two_layers_of_one_name_are_refused);
    tcase_add_test(tcase, a_layer_added_twice_is_one_layer);
    tcase_add_test(tcase, a_layer_may_outlive_its_model_and_join_another);
    tcase_add_test(tcase, a_refused_layer_leaves_the_model_as_it_was);
    tcase_add_test(tcase, wrong_inputs_are_refused);
    tcase_add_test(tcase, a_layer_of_another_context_is_refused);
    tcase_add_test(tcase, wrong_outputs_are_refused);
    tcase_add_test(tcase, getters_outside_their_range_give_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
