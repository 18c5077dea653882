/* model/test_fusion_windows.c: padding and cropping by the window beside them, in every implementation of it. */
#include <stdio.h>
#include <stdlib.h>

#include "model/fusion_support.h"
#include "support/runner.h"

/* ---- padding and cropping, by every implementation ---- */

static void pad(clayer_model *model, const char *format, int64_t top, int64_t bottom, int64_t left, int64_t right) {
    MUST(clayer_add_zero_padding2d(model, NULL,
                                   CONFIG(clayer_zero_padding_config, .has_padding = true, .data_format = format,
                                          .padding = {{top, bottom}, {left, right}}),
                                   NULL));
}

static void crop(clayer_model *model, const char *format, int64_t top, int64_t bottom, int64_t left, int64_t right) {
    MUST(clayer_add_cropping2d(model, NULL,
                               CONFIG(clayer_cropping_config, .has_cropping = true, .data_format = format,
                                      .cropping = {{top, bottom}, {left, right}}),
                               NULL));
}

/* One kind of layer between a padding or cropping and a cropping. */
static const char *add_windowed(clayer_model *model, const char *format, int kind, int64_t stride,
                                const char *padding) {
    switch (kind) {
        case 0:
            MUST(clayer_add_conv2d(model, NULL,
                                   CONFIG(clayer_conv_config, .filters = 32, .kernel_size = {3, 2}, .strides = {stride},
                                          .padding = padding, .data_format = format),
                                   NULL));
            return "conv";
        case 1:
            MUST(clayer_add_depthwise_conv2d(model, NULL,
                                             CONFIG(clayer_depthwise_conv_config, .kernel_size = {3},
                                                    .strides = {stride}, .padding = padding, .data_format = format),
                                             NULL));
            return "depthwise";
        case 2:
            MUST(clayer_add_max_pooling2d(model, NULL,
                                          CONFIG(clayer_pooling_config, .pool_size = {3, 2}, .strides = {stride},
                                                 .padding = padding, .data_format = format),
                                          NULL));
            return "pool";
        case 3:
            MUST(clayer_add_average_pooling2d(model, NULL,
                                              CONFIG(clayer_pooling_config, .pool_size = {3, 2}, .strides = {stride},
                                                     .padding = padding, .data_format = format),
                                              NULL));
            return "pool";
        default:
            MUST(clayer_add_conv2d_transpose(model, NULL,
                                             CONFIG(clayer_conv_transpose_config, .filters = 32, .kernel_size = {3, 2},
                                                    .strides = {stride}, .padding = padding, .data_format = format),
                                             NULL));
            return "conv_transpose";
    }
}

/* Runs the model by each implementation of its operator that can do it without fusion. */
static void check_all_implementations(clayer_model *model, const char *operator_name, const char *text) {
    test_random random = test_random_start(fusion_state++, 2);
    clayer_shape in = *clayer_model_get_input_shape(model, 0), out = *clayer_model_get_output_shape(model, 0);
    in.dims[0] = out.dims[0] = 2;
    clayer_tensor *x = random_tensor(&random, in.rank, in.dims), *y = new_tensor(out.rank, out.dims);
    fill_weights(model);
    const char *const *names = clayer_get_implementations(operator_name);
    int ran = 0;
    for (size_t i = 0; names[i] != NULL; i++) {
        char what[320];
        (void)snprintf(what, sizeof(what), "%s by %s", text, names[i]);
        MUST(clayer_context_force(context, operator_name, names[i]));
        MUST(clayer_model_set_fusion(model, 0));
        if (clayer_model_run(model, &x, 1, &y, 1) == CLAYER_OK) {
            (void)check_fusion(model, &x, strcmp(operator_name, "pool") == 0 ? 0 : ROUNDING, what);
            ran++;
        }
    }
    ck_assert_int_gt(ran, 0);
    MUST(clayer_context_force(context, operator_name, NULL));
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
}

START_TEST(windows_are_moved_in_every_implementation) {
    static const char *const formats[] = {"channels_last", "channels_first"}, *const paddings[] = {"valid", "same"};
    for (int number = 0; number < 5 * 2 * 2 * 2 * 2; number++) {
        const int kind = number / 16, stride = 1 + number / 8 % 2, pads = number / 4 % 2;
        const char *format = formats[number / 2 % 2], *padding = paddings[number % 2];
        char text[160];
        clayer_model *model = new_model("net");
        (void)snprintf(text, sizeof(text), "kind %d, stride %d, %s, %s, %s", kind, stride,
                       pads ? "padding" : "cropping", format, padding);
        if (number / 2 % 2 == 0) {
            add_input(model, "x", RANK(11, 9, 16), DIMS(11, 9, 16));
        } else {
            add_input(model, "x", RANK(16, 11, 9), DIMS(16, 11, 9));
        }
        if (pads) {
            pad(model, format, 2, 0, 1, 4);
            pad(model, format, 0, 1, 0, 0);
        } else {
            crop(model, format, 1, 0, 0, 2);
        }
        const char *name = add_windowed(model, format, kind, stride, padding);
        crop(model, format, 1, 0, 0, 1);
        clayer_model_plan plan;
        check_all_implementations(model, name, text);
        MUST(clayer_model_get_plan(model, NULL, 2, &plan));
        const bool transposed = kind == 4, same = number % 2 == 1;
        ck_assert_msg(plan.fused_paddings == (pads && !transposed ? 2 : 0), "%s: %zu", text, plan.fused_paddings);
        if (pads || transposed || !same) { /* 'same' may look beyond what was cropped, and then is left alone */
            ck_assert_msg(plan.fused_croppings == (pads || transposed ? 1 : 2), "%s: %zu", text, plan.fused_croppings);
        }
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(a_pooling_counts_the_zeros_before_it) {
    /* negative everywhere: a maximum with zeros is 0 at the border; an average counts them */
    for (int average = 0; average < 2; average++) {
        clayer_model *model = new_model("net");
        const clayer_pooling_config config = {.struct_size = sizeof(config), .pool_size = {3}, .strides = {2}};
        float values[9], expected[4];
        add_input(model, "x", RANK(3, 3, 1), DIMS(3, 3, 1));
        pad(model, NULL, 1, 1, 1, 1);
        MUST(average ? clayer_add_average_pooling2d(model, NULL, &config, NULL)
                     : clayer_add_max_pooling2d(model, NULL, &config, NULL));
        for (int i = 0; i < 9; i++) {
            values[i] = -1.0f - (float)i;
        }
        const float sums[4] = {-12, -16, -24, -28};
        for (int i = 0; i < 4; i++) {
            expected[i] = average ? sums[i] / 9.0f : 0.0f;
        }
        clayer_tensor *x = new_tensor(4, DIMS(1, 3, 3, 1)), *y = new_tensor(4, DIMS(1, 2, 2, 1));
        MUST(clayer_tensor_write(x, values, 9));
        for (int i = 0; i < 2; i++) {
            clayer_model_plan plan;
            MUST(clayer_context_force(context, "pool", i == 0 ? "reference" : NULL));
            MUST(clayer_model_run(model, &x, 1, &y, 1));
            MUST(clayer_model_get_plan(model, NULL, 1, &plan));
            ck_assert_uint_eq(plan.fused_paddings, 1);
            ck_assert_uint_eq(plan.activation_bytes, 0);
            float *got = read_tensor(y);
            ck_assert_mem_eq(got, expected, sizeof(expected));
            free(got);
        }
        clayer_tensor_destroy(x);
        clayer_tensor_destroy(y);
        clayer_model_destroy(model);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("model.fusion_windows");
    TCase *tests = tcase_create("windows");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, windows_are_moved_in_every_implementation);
    tcase_add_test(tests, a_pooling_counts_the_zeros_before_it);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
