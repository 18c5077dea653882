/* model/test_fusion.c: a model with fusion gives what it gives without: BatchNormalization and activations, weights
 * that change. */
#include <clayer/opencl.h>
#include <clayer/train.h>
#include <stdio.h>
#include <stdlib.h>

#include "device/device.h"
#include "model/fusion_support.h"
#include "support/clock.h"
#include "support/runner.h"

/* What a convolution of so many filters takes of a normalisation behind it. */
#define NORM_BYTES(filters) (3 * (filters) * sizeof(float))

/* ---- batch normalisation and activation ---- */

START_TEST(batch_normalisation_and_activation_go_into_every_convolution) {
    static const char *const formats[] = {"channels_last", "channels_first"};
    static const int64_t filters[] = {6, 40, 16, 5, 7};
    for (int i = 0; i < 20; i++) {
        const char *format = formats[i % 2];
        const int64_t axis = i % 2 == 0 ? 3 : 1;
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(8, 8, 8), DIMS(8, 8, 8));
        switch (i / 2 % 5) {
            case 0:
                MUST(clayer_add_conv2d(model, NULL,
                                       CONFIG(clayer_conv_config, .filters = 6, .kernel_size = {3},
                                              .data_format = format, .groups = 2, .no_bias = true),
                                       NULL));
                break;
            case 1:
                MUST(clayer_add_conv2d(
                    model, NULL, CONFIG(clayer_conv_config, .filters = 40, .kernel_size = {1}, .data_format = format),
                    NULL));
                break;
            case 2:
                MUST(
                    clayer_add_depthwise_conv2d(model, NULL,
                                                CONFIG(clayer_depthwise_conv_config, .kernel_size = {3},
                                                       .padding = "same", .depth_multiplier = 2, .data_format = format),
                                                NULL));
                break;
            case 3:
                MUST(clayer_add_separable_conv2d(model, NULL,
                                                 CONFIG(clayer_separable_conv_config, .filters = 5, .kernel_size = {3},
                                                        .data_format = format, .no_bias = true),
                                                 NULL));
                break;
            default:
                MUST(clayer_add_conv2d_transpose(model, NULL,
                                                 CONFIG(clayer_conv_transpose_config, .filters = 7, .kernel_size = {4},
                                                        .strides = {2}, .data_format = format),
                                                 NULL));
                break;
        }
        MUST(clayer_add_batch_normalization(model, NULL,
                                            CONFIG(clayer_batch_normalization_config, .has_axis = true, .axis = axis,
                                                   .no_center = i >= 10, .no_scale = i >= 10),
                                            NULL));
        add_activation(model, NULL, "leaky_relu");
        const clayer_model_plan plan = check_model(model, 3, EXACT, "convolution");
        ck_assert_uint_eq(plan.fused_batch_normalizations, 1);
        ck_assert_uint_eq(plan.fused_activations, 1);
        ck_assert_uint_eq(plan.activation_bytes, 0);
        ck_assert_uint_eq(plan.folded_bytes, NORM_BYTES(filters[i / 2 % 5]));
        ck_assert_uint_eq(plan.total_bytes,
                          plan.weight_bytes + plan.activation_bytes + plan.workspace_bytes + plan.folded_bytes);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_dense_layer_takes_the_normalisations_on_both_sides) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(4, 9), DIMS(4, 9));
    normalise(model, NULL, -1);
    MUST(clayer_add_dense(model, NULL, CONFIG(clayer_dense_config, .units = 5), NULL));
    normalise(model, NULL, -1);
    MUST(clayer_add_leaky_relu(model, NULL, NULL, NULL));
    const clayer_model_plan plan = check_model(model, 3, ROUNDING, "dense");
    ck_assert_uint_eq(plan.fused_batch_normalizations, 2);
    ck_assert_uint_eq(plan.fused_activations, 1);
    ck_assert_uint_eq(plan.folded_bytes, (9 * 5 + 5) * sizeof(float) + NORM_BYTES(5));
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_dense_layer_is_exact_with_the_normalisation_behind_it) {
    for (int64_t batch = 1; batch <= 70; batch += 69) {
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(4, 40), DIMS(4, 40));
        MUST(clayer_add_dense(model, NULL, CONFIG(clayer_dense_config, .units = 33, .no_bias = batch > 1), NULL));
        normalise(model, NULL, -1);
        const clayer_model_plan plan = check_model(model, batch, EXACT, "dense");
        ck_assert_uint_eq(plan.fused_batch_normalizations, 1);
        ck_assert_uint_eq(plan.folded_bytes, NORM_BYTES(33));
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_convolution_takes_the_normalisations_on_both_sides) {
    for (int64_t filters = 5; filters <= 32; filters += 27) {
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(9, 9, 4), DIMS(9, 9, 4));
        normalise(model, NULL, 3);
        MUST(clayer_add_conv2d(model, NULL, CONFIG(clayer_conv_config, .filters = filters, .kernel_size = {3}), NULL));
        normalise(model, NULL, 3);
        add_activation(model, NULL, "relu");
        const clayer_model_plan plan = check_model(model, 2, ROUNDING, "both sides");
        ck_assert_uint_eq(plan.fused_batch_normalizations, 2);
        ck_assert_uint_eq(plan.fused_activations, 1);
        ck_assert_uint_eq(plan.activation_bytes, 0);
        ck_assert_uint_eq(plan.folded_bytes, (9 * 4 + 1) * filters * sizeof(float) + NORM_BYTES(filters));
        clayer_model_destroy(model);
    }
}
END_TEST

/* By channels, in both layouts, and by what is not the last axis of a row. */
START_TEST(a_flattened_normalisation_goes_into_the_dense_layer) {
    for (int64_t axis = 1; axis <= 3; axis++) {
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            clayer_model *model = new_model("net");
            add_input(model, "x", RANK(3, 4, 5), DIMS(3, 4, 5));
            normalise(model, NULL, axis);
            add_flatten(model, NULL);
            MUST(clayer_add_dropout(model, NULL, CONFIG(clayer_dropout_config, .rate = 0.5), NULL));
            MUST(clayer_add_dense(model, NULL, CONFIG(clayer_dense_config, .units = 7, .activation = "tanh"), NULL));
            const clayer_model_plan plan = check_model(model, batch, ROUNDING, "flattened");
            ck_assert_uint_eq(plan.fused_batch_normalizations, 1);
            ck_assert_uint_eq(plan.folded_bytes, (3 * 4 * 5 * 7 + 7) * sizeof(float));
            clayer_model_destroy(model);
        }
    }
}
END_TEST

/* A row of the Dense is less than one of the normalisation's. */
START_TEST(a_normalisation_over_rows_stays_before_a_dense_layer) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(4, 6), DIMS(4, 6));
    normalise(model, NULL, 1);
    MUST(clayer_add_dense(model, NULL, CONFIG(clayer_dense_config, .units = 3), NULL));
    ck_assert_uint_eq(check_model(model, 2, ROUNDING, "rows").fused_batch_normalizations, 0);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_normalisation_before_a_convolution_needs_one_without_padding) {
    for (int i = 0; i < 4; i++) {
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(7, 7, 6), DIMS(7, 7, 6));
        normalise(model, NULL, 3);
        if (i < 2) {
            MUST(clayer_add_conv2d(model, NULL,
                                   CONFIG(clayer_conv_config, .filters = 4, .kernel_size = {3}, .strides = {2},
                                          .padding = i == 0 ? "valid" : "same"),
                                   NULL));
        } else {
            MUST(clayer_add_depthwise_conv2d(model, NULL,
                                             CONFIG(clayer_depthwise_conv_config, .kernel_size = {3},
                                                    .depth_multiplier = 3, .padding = i == 2 ? "valid" : "same"),
                                             NULL));
        }
        const clayer_model_plan plan = check_model(model, 2, ROUNDING, "before");
        ck_assert_uint_eq(plan.fused_batch_normalizations, i % 2 == 0);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_sum_takes_the_activation_behind_it) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(6, 6, 4), DIMS(6, 6, 4));
    clayer_node *y = normalise(model, add_conv(model, x, 4, 3, NULL), 3);
    add_activation(model, add_sum(model, y, x), "elu");
    const clayer_model_plan plan = check_model(model, 2, ROUNDING, "residual");
    ck_assert_uint_eq(plan.fused_batch_normalizations, 1);
    ck_assert_uint_eq(plan.fused_activations, 1);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(what_somebody_else_reads_is_not_fused) {
    for (int i = 0; i < 3; i++) {
        clayer_model *model = new_model("net");
        clayer_node *x = add_input(model, "x", RANK(6, 6, 4), DIMS(6, 6, 4));
        clayer_node *conv = add_conv(model, x, 4, 3, i == 2 ? "relu" : NULL);
        clayer_node *norm = normalise(model, conv, 3), *relu = add_activation(model, norm, "relu");
        if (i == 0) {
            add_sum(model, relu, conv); /* the convolution has two readers; the normalisation takes the activation */
        } else if (i == 1) {
            MUST(clayer_model_set_outputs(model, (clayer_node *[]){relu, norm}, 2)); /* as an output */
        }
        const clayer_model_plan plan = check_model(model, 2, EXACT, "shared");
        ck_assert_uint_eq(plan.fused_batch_normalizations, i == 1);
        ck_assert_uint_eq(plan.fused_activations, i != 1);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_shared_convolution_has_a_fold_for_each_normalisation) {
    clayer_model *model = new_model("net");
    clayer_layer *layer = NULL;
    clayer_node *x = add_input(model, "x", RANK(5, 5, 4), DIMS(5, 5, 4)), *calls[3];
    MUST(clayer_layer_create(context, "Conv2D", CONFIG(clayer_conv_config, .filters = 4, .kernel_size = {3}), &layer));
    for (int i = 0; i < 3; i++) {
        MUST(clayer_model_add(model, layer, &x, 1, &calls[i]));
    }
    clayer_layer_destroy(layer);
    clayer_node *first = normalise(model, calls[0], 3), *second = normalise(model, calls[1], 3);
    clayer_node *third = NULL; /* the first normalisation once more: one fold with the first */
    MUST(clayer_model_add(model, first->layer, &calls[2], 1, &third));
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){first, second, third}, 3));
    const clayer_model_plan plan = check_model(model, 2, EXACT, "shared layer");
    ck_assert_uint_eq(plan.fused_batch_normalizations, 3);
    ck_assert_uint_eq(plan.folded_bytes, 2 * NORM_BYTES(4));
    clayer_model_destroy(model);
}
END_TEST

/* ---- weights that change ---- */

/* Both ways of running agree now; `fused` has run before. */
static void check_followed(clayer_model *fused, clayer_tensor *x, clayer_tensor *y, clayer_tensor *z,
                           const char *text) {
    MUST(clayer_model_run(fused, &x, 1, &y, 1));
    MUST(clayer_model_set_fusion(fused, 0));
    MUST(clayer_model_run(fused, &x, 1, &z, 1));
    compare_tensors(y, z, EXACT, text);
    MUST(clayer_model_set_fusion(fused, CLAYER_FUSE_ALL));
    MUST(clayer_model_run(fused, &x, 1, &y, 1)); /* made before the next change */
}

START_TEST(folded_weights_follow_their_layers) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(6, 6, 3), DIMS(6, 6, 3));
    add_conv(model, NULL, 4, 3, NULL);
    normalise(model, NULL, 3);
    fill_weights(model);
    test_random random = test_random_start(8, 0);
    clayer_tensor *x = random_tensor(&random, 4, DIMS(4, 6, 6, 3)), *y = new_tensor(4, DIMS(4, 6, 6, 4)),
                  *z = new_tensor(4, DIMS(4, 6, 6, 4));
    check_followed(model, x, y, z, "at first");
    clayer_layer *conv = clayer_model_find_layer(model, "conv2d");
    clayer_layer *norm = clayer_model_find_layer(model, "batch_normalization");
    clayer_layer *const both[] = {conv, norm};
    for (int l = 0; l < 2; l++) {
        for (size_t i = 0; i < clayer_layer_get_weight_count(both[l]); i++) {
            clayer_tensor *weight = clayer_layer_get_weight(both[l], i);
            float *values = test_random_floats(&random, clayer_tensor_get_count(weight), 0.5f, 2.0f);
            MUST(clayer_tensor_write(weight, values, clayer_tensor_get_count(weight)));
            free(values);
            check_followed(model, x, y, z, clayer_layer_get_weight_name(both[l], i));
        }
    }
    /* a layer that trains on its own moves its statistics */
    MUST(clayer_layer_set_training(norm, true));
    MUST(clayer_layer_forward(norm, &y, 1, z));
    MUST(clayer_layer_set_training(norm, false));
    check_followed(model, x, y, z, "statistics");
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(z);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(folded_weights_follow_training_and_the_application) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(6, 6, 3), DIMS(6, 6, 3));
    add_conv(model, NULL, 4, 3, NULL);
    normalise(model, NULL, 3);
    fill_weights(model);
    test_random random = test_random_start(9, 0);
    clayer_tensor *x = random_tensor(&random, 4, DIMS(4, 6, 6, 3)), *y = new_tensor(4, DIMS(4, 6, 6, 4)),
                  *z = new_tensor(4, DIMS(4, 6, 6, 4));
    MUST(clayer_model_run(model, &x, 1, &y, 1));
    MUST(clayer_model_compile(model, &(clayer_compile_config){.struct_size = sizeof(clayer_compile_config),
                                                              .optimizer = "sgd(learning_rate=0.1)",
                                                              .loss = "mse"}));
    clayer_array *samples = random_array(&random, CLAYER_FLOAT32, 4, DIMS(8, 6, 6, 3)),
                 *targets = random_array(&random, CLAYER_FLOAT32, 4, DIMS(8, 6, 6, 4));
    const clayer_batch batch = {.inputs = (const clayer_array *const[]){samples},
                                .targets = (const clayer_array *const[]){targets}};
    MUST(clayer_model_train_on_batch(model, &batch, NULL, 0, NULL));
    check_followed(model, x, y, z, "after training");
    /* the application writes through the memory object, unseen */
    clayer_tensor *gamma = clayer_layer_get_weight(clayer_model_find_layer(model, "batch_normalization"), 0);
    cl_mem memory = clayer_tensor_get_cl_mem(gamma);
    const float values[4] = {4, -3, 2, 1};
    MUST(clayer_model_run(model, &x, 1, &y, 1));
    MUST(cly_device_write(context, memory, 0, values, sizeof(values)));
    check_followed(model, x, y, z, "after the application");
    clayer_array_destroy(samples);
    clayer_array_destroy(targets);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(z);
    clayer_model_destroy(model);
}
END_TEST

/* ---- a deep net ---- */

START_TEST(eight_hundred_layers_are_planned_in_milliseconds) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(4, 4, 4), DIMS(4, 4, 4));
    for (int i = 0; i < 160; i++) {
        clayer_node *before = x;
        x = add_conv(model, x, 4, 3, NULL);
        x = normalise(model, x, 3);
        x = add_activation(model, x, "relu");
        x = normalise(model, x, 3);
        x = add_sum(model, x, before);
    }
    clayer_model_plan plan;
    const double start = cly_test_cpu_ms();
    MUST(clayer_model_get_plan(model, NULL, 1, &plan));
    const double ms = cly_test_cpu_ms() - start;
    printf("800 layers planned in %.2f ms\n", ms);
    ck_assert_double_lt(ms, 50);
    ck_assert_uint_eq(plan.fused_batch_normalizations, 160);
    ck_assert_uint_eq(plan.fused_activations, 160);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(unknown_fusions_are_refused) {
    clayer_model *model = new_model("net");
    REFUSED(clayer_model_set_fusion(NULL, 0), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_set_fusion(model, 32), CLAYER_INVALID_ARGUMENT, "unknown");
    MUST(clayer_model_set_fusion(model, CLAYER_FUSE_PADDING | CLAYER_FUSE_CROPPING));
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("model.fusion");
    TCase *tests = tcase_create("fusion");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, batch_normalisation_and_activation_go_into_every_convolution);
    tcase_add_test(tests, a_dense_layer_takes_the_normalisations_on_both_sides);
    tcase_add_test(tests, a_dense_layer_is_exact_with_the_normalisation_behind_it);
    tcase_add_test(tests, a_convolution_takes_the_normalisations_on_both_sides);
    tcase_add_test(tests, a_flattened_normalisation_goes_into_the_dense_layer);
    tcase_add_test(tests, a_normalisation_over_rows_stays_before_a_dense_layer);
    tcase_add_test(tests, a_normalisation_before_a_convolution_needs_one_without_padding);
    tcase_add_test(tests, a_sum_takes_the_activation_behind_it);
    tcase_add_test(tests, what_somebody_else_reads_is_not_fused);
    tcase_add_test(tests, a_shared_convolution_has_a_fold_for_each_normalisation);
    tcase_add_test(tests, folded_weights_follow_their_layers);
    tcase_add_test(tests, folded_weights_follow_training_and_the_application);
    tcase_add_test(tests, eight_hundred_layers_are_planned_in_milliseconds);
    tcase_add_test(tests, unknown_fusions_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
