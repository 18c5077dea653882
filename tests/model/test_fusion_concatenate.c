/* model/test_fusion_concatenate.c: what is written straight into its place of a concatenation, by every implementation,
 * and what is copied there still. */
#include <clayer/opencl.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/fusion_support.h"
#include "support/runner.h"

#define FLOATS(n) ((uint64_t)(n) * sizeof(float))

static clayer_node *concatenate(clayer_model *model, clayer_node *const *nodes, size_t count, int64_t axis) {
    clayer_node *node = NULL;
    MUST(clayer_add_concatenate(model, nodes, count, CONFIG(clayer_concatenate_config, .has_axis = true, .axis = axis),
                                &node));
    return node;
}

static clayer_node *pool(clayer_model *model, clayer_node *input, bool average, int64_t stride) {
    const clayer_pooling_config config = {
        .struct_size = sizeof(config), .pool_size = {2}, .strides = {stride}, .padding = "same"};
    clayer_node *node = NULL;
    MUST(average ? clayer_add_average_pooling2d(model, input, &config, &node)
                 : clayer_add_max_pooling2d(model, input, &config, &node));
    return node;
}

/* One of each operator that can write so; the activation keeps the normalisation from being folded. */
static clayer_node *add_writer(clayer_model *model, clayer_node *x, int kind) {
    clayer_node *node = NULL;
    switch (kind) {
        case 0:
            return add_conv(model, x, 18, 3, "relu");
        case 1:
            return add_conv(model, x, 20, 1, NULL);
        case 2:
            MUST(clayer_add_depthwise_conv2d(
                model, x, CONFIG(clayer_depthwise_conv_config, .kernel_size = {3}, .padding = "same"), &node));
            return node;
        case 3:
            MUST(clayer_add_conv2d_transpose(
                model, x, CONFIG(clayer_conv_transpose_config, .filters = 19, .kernel_size = {3}, .padding = "same"),
                &node));
            return node;
        case 4:
            return pool(model, x, false, 1);
        case 5:
            return pool(model, x, true, 1);
        default:
            return normalise(model, add_activation(model, x, "tanh"), 3);
    }
}

START_TEST(every_implementation_writes_in_its_place) {
    static const char *const operators[] = {"conv", "conv", "depthwise", "conv_transpose",
                                            "pool", "pool", "batch_norm"};
    for (int number = 0; number < 14; number++) {
        const int kind = number / 2;
        const int64_t channels = number % 2 == 0 ? 17 : 3; /* more and fewer than a vector */
        clayer_model *model = new_model("net");
        clayer_node *x = add_input(model, "x", RANK(5, 6, 3), DIMS(5, 6, channels));
        clayer_node *first = add_conv(model, x, 5, 1, NULL), *second = add_writer(model, x, kind);
        concatenate(model, (clayer_node *[]){first, second, add_conv(model, x, 2, 1, NULL)}, 3, -1);
        fill_weights(model);
        test_random random = test_random_start(fusion_state++, 0);
        clayer_tensor *input = random_tensor(&random, 4, DIMS(3, 5, 6, channels));
        const char *const *names = clayer_get_implementations(operators[kind]);
        for (size_t i = 0; names[i] != NULL; i++) {
            const clayer_shape shape = *clayer_model_get_output_shape(model, 0);
            clayer_tensor *output = new_tensor(4, DIMS(3, 5, 6, shape.dims[3]));
            char text[160];
            (void)snprintf(text, sizeof(text), "kind %d by %s", kind, names[i]);
            MUST(clayer_context_force(context, operators[kind], names[i]));
            MUST(clayer_model_set_fusion(model, 0));
            if (clayer_model_run(model, &input, 1, &output, 1) == CLAYER_OK) {
                const clayer_model_plan plan = check_fusion(model, &input, ROUNDING, text);
                ck_assert_msg(plan.fused_inputs == 3, "%s: %zu", text, plan.fused_inputs);
            }
            clayer_tensor_destroy(output);
        }
        MUST(clayer_context_force(context, operators[kind], NULL));
        clayer_tensor_destroy(input);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_dense_block_is_one_tensor) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(8, 8, 12), DIMS(8, 8, 12));
    x = pool(model, x, false, 2);
    for (int i = 0; i < 5; i++) {
        clayer_node *y = add_activation(model, normalise(model, x, 3), "relu");
        y = add_activation(model, normalise(model, add_conv(model, y, 16, 1, NULL), 3), "relu");
        y = add_conv(model, y, 6, 3, NULL);
        x = concatenate(model, (clayer_node *[]){x, y}, 2, 3);
    }
    x = add_activation(model, normalise(model, x, 3), "relu");
    pool(model, add_conv(model, x, 8, 1, NULL), true, 2);
    const clayer_model_plan plan = check_model(model, 2, 1e-5, "dense block");
    ck_assert_uint_eq(plan.fused_inputs, 10);
    ck_assert_uint_eq(plan.fused_batch_normalizations, 5);
    ck_assert_uint_eq(plan.fused_activations, 11);
    /* the block, what a layer of it normalises, and its 1x1 convolution */
    ck_assert_uint_le(plan.activation_bytes, FLOATS(2 * 4 * 4 * (42 + 42 + 16)));
    clayer_model_destroy(model);
}
END_TEST

START_TEST(branches_meet_in_the_output) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(6, 6, 20), DIMS(6, 6, 20));
    clayer_node *a = add_activation(model, normalise(model, add_conv(model, x, 8, 1, NULL), 3), "relu");
    clayer_node *b = add_conv(model, add_conv(model, x, 9, 1, "relu"), 5, 3, "relu");
    clayer_node *inner =
        concatenate(model, (clayer_node *[]){add_conv(model, b, 3, 1, NULL), add_conv(model, b, 4, 3, NULL)}, 2, 3);
    MUST(clayer_add_dropout(model, inner, CONFIG(clayer_dropout_config, .rate = 0.5), &inner));
    concatenate(model, (clayer_node *[]){a, inner, pool(model, x, false, 1)}, 3, -1);
    const clayer_model_plan plan = check_model(model, 3, ROUNDING, "inception");
    ck_assert_uint_eq(plan.fused_inputs, 5);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_net_with_skips) {
    clayer_model *model = new_model("net");
    clayer_node *skips[2], *x = add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    for (int i = 0; i < 2; i++) {
        skips[i] = add_conv(model, x, 16 << i, 3, "relu");
        x = pool(model, skips[i], false, 2);
    }
    x = add_conv(model, x, 24, 3, "relu");
    for (int i = 1; i >= 0; i--) {
        clayer_node *up = NULL;
        MUST(clayer_add_conv2d_transpose(
            model, x, CONFIG(clayer_conv_transpose_config, .filters = 16 << i, .kernel_size = {2}, .strides = {2}),
            &up));
        x = add_conv(model, concatenate(model, (clayer_node *[]){up, skips[i]}, 2, -1), 16 << i, 3, "relu");
    }
    const clayer_model_plan plan = check_model(model, 2, 1e-5, "U-Net");
    ck_assert_uint_eq(plan.fused_inputs, 4);
    clayer_model_destroy(model);
}
END_TEST

/* ---- one sample, joined along its first axis ---- */

/* Layers whose output for one sample is one piece: any can be written into its part. */
static clayer_node *add_piece(clayer_model *model, clayer_node *x, int kind) {
    const char *const format = "channels_first";
    clayer_node *node = NULL, *gate = NULL;
    switch (kind) {
        case 0:
            MUST(clayer_add_conv2d(model, x,
                                   CONFIG(clayer_conv_config, .filters = 32, .kernel_size = {3}, .padding = "same",
                                          .data_format = format, .activation = "relu"),
                                   &node));
            return normalise(model, node, 1);
        case 1:
            MUST(clayer_add_max_pooling2d(model, x,
                                          CONFIG(clayer_pooling_config, .pool_size = {3}, .strides = {1},
                                                 .padding = "same", .data_format = format),
                                          &node));
            return add_activation(model, node, "gelu");
        case 2:
            MUST(clayer_add_separable_conv2d(model, x,
                                             CONFIG(clayer_separable_conv_config, .filters = 64, .kernel_size = {3},
                                                    .padding = "same", .data_format = format, .activation = "softmax"),
                                             &node));
            return node;
        case 3:
            MUST(clayer_add_global_average_pooling2d(
                model, x, CONFIG(clayer_global_pooling_config, .keepdims = true, .data_format = format), &gate));
            MUST(clayer_add_multiply(model, (clayer_node *[]){x, gate}, 2, NULL, &node));
            MUST(clayer_add_dropout(model, node, CONFIG(clayer_dropout_config, .rate = 0.5), &node));
            return node;
        default:
            MUST(clayer_add_cropping2d(model, x,
                                       CONFIG(clayer_cropping_config, .has_cropping = true, .data_format = format,
                                              .cropping = {{1, 1}, {2, 2}}),
                                       &node));
            MUST(clayer_add_up_sampling2d(
                model, node, CONFIG(clayer_up_sampling_config, .size = {2, 2}, .data_format = format), &node));
            return add_sum(model, node, x);
    }
}

/* In the layout whose channels are the first axis; three samples lie apart there and are copied. */
START_TEST(one_sample_s_parts_are_written_in_place) {
    for (int kind = 0; kind < 5; kind++) {
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            clayer_model *model = new_model("net");
            char text[64];
            (void)snprintf(text, sizeof(text), "kind %d, batch %d", kind, (int)batch);
            clayer_node *x = add_input(model, "x", RANK(32, 4, 8), DIMS(32, 4, 8));
            clayer_node *first = normalise(model, add_activation(model, x, "tanh"), 1);
            clayer_node *both = concatenate(model, (clayer_node *[]){first, add_piece(model, first, kind)}, 2, 1);
            add_activation(model, both, "elu");
            const clayer_model_plan plan = check_model(model, batch, 1e-5, text);
            ck_assert_msg(plan.fused_inputs == (batch == 1 ? 2 : 0), "%s: %zu", text, plan.fused_inputs);
            clayer_model_destroy(model);
        }
    }
}
END_TEST

/* A U-Net's block in channels_first: the skip is read where it lies, the parts of a part too; memory for no copy. */
START_TEST(parts_lie_within_parts) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(16, 8, 8), DIMS(16, 8, 8));
    clayer_node *skip = add_piece(model, x, 0), *inner[3];
    inner[0] = add_piece(model, skip, 1);
    inner[1] =
        concatenate(model, (clayer_node *[]){add_conv(model, skip, 3, 1, NULL), add_conv(model, skip, 5, 3, NULL)}, 2,
                    3); /* rows within a part */
    inner[2] = add_piece(model, skip, 3);
    MUST(clayer_add_cropping2d(model, inner[1],
                               CONFIG(clayer_cropping_config, .has_cropping = true, .cropping = {{0, 0}, {0, 0}}),
                               &inner[1]));
    clayer_node *part = concatenate(model, inner, 3, 1);
    clayer_node *all = concatenate(model, (clayer_node *[]){skip, part, x}, 3, 1);
    MUST(clayer_add_flatten(model, all, NULL, NULL));
    const clayer_model_plan plan = check_model(model, 1, 1e-5, "parts of parts");
    ck_assert_uint_ge(plan.fused_inputs, 5);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(parts_that_begin_out_of_line_are_copied) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(3, 3, 1), DIMS(3, 3, 1)), *parts[3];
    for (int i = 0; i < 3; i++) {
        parts[i] = add_activation(model, x, i == 0 ? "tanh" : i == 1 ? "elu" : "softmax");
    }
    concatenate(model, parts, 3, 1); /* parts of 36 bytes */
    ck_assert_uint_eq(check_model(model, 1, ROUNDING, "out of line").fused_inputs, 1);
    clayer_model_destroy(model);
}
END_TEST

/* The output is memory of the application, from an offset on: a part itself. */
START_TEST(parts_of_the_application_s_memory) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(32, 4, 8), DIMS(32, 4, 8));
    concatenate(model, (clayer_node *[]){add_piece(model, x, 0), add_piece(model, x, 1)}, 2, 1);
    fill_weights(model);
    test_random random = test_random_start(fusion_state++, 0);
    clayer_tensor *input = random_tensor(&random, 4, DIMS(1, 32, 4, 8)), *expected = new_tensor(4, DIMS(1, 64, 4, 8)),
                  *whole = new_tensor(1, DIMS(3 * 64 * 4 * 8)), *output = NULL;
    MUST(clayer_tensor_adopt(context, clayer_tensor_get_cl_mem(whole), FLOATS(64 * 4 * 8), 4, DIMS(1, 64, 4, 8),
                             &output));
    MUST(clayer_model_run(model, &input, 1, &output, 1));
    MUST(clayer_model_set_fusion(model, 0));
    MUST(clayer_model_run(model, &input, 1, &expected, 1));
    compare_tensors(output, expected, 1e-5, "adopted");
    clayer_tensor_destroy(input);
    clayer_tensor_destroy(expected);
    clayer_tensor_destroy(output);
    clayer_tensor_destroy(whole);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(what_cannot_be_written_in_place_is_copied) {
    for (int i = 0; i < 6; i++) {
        static const size_t fused[] = {1, 1, 1, 1, 0, 0};
        clayer_model *model = new_model("net");
        clayer_node *x = add_input(model, "x", RANK(4, 4, 4), DIMS(4, 4, 4));
        clayer_node *a = add_conv(model, x, 4, 3, NULL), *b = add_conv(model, x, 4, 1, NULL), *end = NULL;
        switch (i) {
            case 0: /* the input */
                concatenate(model, (clayer_node *[]){x, a}, 2, 3);
                break;
            case 1: /* one tensor twice */
                concatenate(model, (clayer_node *[]){a, a}, 2, 3);
                break;
            case 2: /* an output */
                end = concatenate(model, (clayer_node *[]){a, b}, 2, 3);
                MUST(clayer_model_set_outputs(model, (clayer_node *[]){end, b}, 2));
                break;
            case 3: /* a reader that knows no rows */
                end = concatenate(model, (clayer_node *[]){a, b}, 2, 3);
                add_sum(model, add_conv(model, end, 4, 1, NULL), b);
                break;
            case 4: /* another axis */
                concatenate(model, (clayer_node *[]){a, b}, 2, 1);
                break;
            default: /* an activation over an axis, in place behind the convolution */
                concatenate(model,
                            (clayer_node *[]){add_conv(model, x, 3, 1, "softmax"), add_conv(model, x, 3, 3, "softmax")},
                            2, 3);
                break;
        }
        const clayer_model_plan plan = check_model(model, 2, ROUNDING, "copied");
        ck_assert_msg(plan.fused_inputs == fused[i], "case %d: %zu", i, plan.fused_inputs);
        clayer_model_destroy(model);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("model.fusion_concatenate");
    TCase *tests = tcase_create("concatenate");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, every_implementation_writes_in_its_place);
    tcase_add_test(tests, a_dense_block_is_one_tensor);
    tcase_add_test(tests, branches_meet_in_the_output);
    tcase_add_test(tests, a_net_with_skips);
    tcase_add_test(tests, one_sample_s_parts_are_written_in_place);
    tcase_add_test(tests, parts_lie_within_parts);
    tcase_add_test(tests, parts_that_begin_out_of_line_are_copied);
    tcase_add_test(tests, parts_of_the_application_s_memory);
    tcase_add_test(tests, what_cannot_be_written_in_place_is_copied);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
