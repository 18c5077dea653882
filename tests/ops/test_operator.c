/* The lists of operators and implementations, forcing one, and running a list of steps. */
#include <math.h>
#include <string.h>

#include "ops/harness.h"
#include "ops/range.h"
#include "ops/step.h"
#include "support/runner.h"

static harness h;

static void setup(void) {
    harness_open(&h, 0);
}

static void teardown(void) {
    harness_close(&h);
}

START_TEST(lists_are_whole) {
    const char *const *operators = clayer_get_operators();
    size_t count = 0;
    for (; operators[count] != NULL; count++) {
        ck_assert_str_eq(operators[count], cly_ops_operators[count]->name);
        const char *const *names = clayer_get_implementations(operators[count]);
        ck_assert_ptr_nonnull(names);
        size_t last = 0;
        while (names[last + 1] != NULL) {
            last++;
        }
        ck_assert_str_eq(names[last], "reference");
        for (size_t i = 0; i < count; i++) {
            ck_assert_str_ne(operators[i], operators[count]);
        }
    }
    ck_assert_ptr_null(cly_ops_operators[count]);
    ck_assert_ptr_null(clayer_get_implementations("conv2"));
    ck_assert_ptr_null(clayer_get_implementations(NULL));
}
END_TEST

START_TEST(force_checks_names) {
    ck_assert_int_eq(clayer_context_force(h.context, "conv9", "reference"), CLAYER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "conv9"));
    ck_assert_int_eq(clayer_context_force(h.context, "conv", "magic"), CLAYER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "magic"));
    ck_assert_int_eq(clayer_context_force(NULL, "conv", NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_force(h.context, NULL, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_force(h.context, "pad", NULL), CLAYER_INVALID_ARGUMENT);
}
END_TEST

static const cly_ops_conv_shape small_conv = {.batch = 1,
                                              .in = {1, 4, 4},
                                              .out = {1, 2, 2},
                                              .in_channels = 3,
                                              .out_channels = 2,
                                              .groups = 1,
                                              .kernel = {1, 3, 3},
                                              .stride = {1, 1, 1},
                                              .dilation = {1, 1, 1}};

START_TEST(forced_or_refused) {
    const cly_ops_implementation *chosen = NULL;
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &small_conv, &chosen), CLAYER_OK);
    ck_assert_str_eq(chosen->name, "reference"); /* too small for anything else */
    ck_assert_int_eq(clayer_context_force(h.context, "conv", "im2col"), CLAYER_OK);
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &small_conv, &chosen), CLAYER_OK);
    ck_assert_str_eq(chosen->name, "im2col");
    ck_assert_int_eq(clayer_context_force(h.context, "conv", "gemm"), CLAYER_OK);
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &small_conv, &chosen), CLAYER_UNSUPPORTED);
    ck_assert_str_eq(chosen->name, "im2col"); /* written on success only */
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "gemm"));
    ck_assert_int_eq(clayer_context_force(h.context, "conv", NULL), CLAYER_OK);
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &small_conv, &chosen), CLAYER_OK);
    ck_assert_str_eq(chosen->name, "reference");
}
END_TEST

START_TEST(large_goes_to_fast_kernels) {
    cly_ops_conv_shape s = small_conv;
    s.in[1] = s.in[2] = 58;
    s.out[1] = s.out[2] = 56;
    s.in_channels = s.out_channels = 64;
    const cly_ops_implementation *chosen = NULL;
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &s, &chosen), CLAYER_OK);
    ck_assert_str_eq(chosen->name, cly_ops_is_cpu(h.context) ? "direct" : "im2col");
    s.kernel[1] = s.kernel[2] = 1;
    s.in[1] = s.in[2] = 56;
    ck_assert_int_eq(cly_ops_choose(h.context, &cly_ops_conv_operator, &s, &chosen), CLAYER_OK);
    ck_assert_str_eq(chosen->name, "gemm");
}
END_TEST

/* Pads 4 values to 6, adds the weight to each, twice: through a temporary and in place. */
START_TEST(steps_run_in_order) {
    cly_ops_steps steps = {0};
    cly_ops_step *step = NULL;
    ck_assert_int_eq(cly_ops_steps_add(&steps, &cly_ops_window_operator, &step), CLAYER_OK);
    step->shape.window =
        (cly_ops_window_shape){.outer = 1, .inner = 1, .in = {1, 1, 4}, .out = {1, 1, 6}, .before = {0, 0, 1}};
    step->operands[0] = (cly_ops_place){CLY_INPUT, 0};
    step->operands[1] = (cly_ops_place){CLY_TEMPORARY, 0};
    const cly_ops_arithmetic_shape add = {
        .a = {.rank = 1, .dims = {6}}, .b = {.rank = 1, .dims = {1}}, .y = {.rank = 1, .dims = {6}}};
    const cly_ops_place from[] = {{CLY_TEMPORARY, 0}, {CLY_OUTPUT, 0}};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cly_ops_steps_add(&steps, &cly_ops_arithmetic_operator, &step), CLAYER_OK);
        step->shape.arithmetic = add;
        step->operands[0] = from[i];
        step->operands[1] = (cly_ops_place){CLY_WEIGHT, 0};
        step->operands[2] = (cly_ops_place){CLY_OUTPUT, 0};
    }
    ck_assert_int_eq(cly_ops_steps_choose(h.context, &steps), CLAYER_OK);
    const float x[4] = {1, 2, 3, 4}, w[1] = {0.5f};
    const float expected[6] = {1, 2, 3, 4, 5, 1}; /* 2 * 0.5 more than x between zeros */
    float y[6] = {0};
    cl_mem input = NULL, weight = NULL;
    cly_ops_bindings bindings = {.inputs = &input, .weights = &weight};
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(x), &input), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(w), &weight), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(y), &bindings.output), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(y), &bindings.temporaries[0]), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(h.context, input, 0, x, sizeof(x)), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(h.context, weight, 0, w, sizeof(w)), CLAYER_OK);
    ck_assert_int_eq(cly_ops_steps_run(h.context, &steps, &bindings), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(h.context, bindings.output, 0, y, sizeof(y)), CLAYER_OK);
    for (int i = 0; i < 6; i++) {
        ck_assert_float_eq(y[i], expected[i]);
    }
    cly_device_buffer_destroy(h.context, input);
    cly_device_buffer_destroy(h.context, weight);
    cly_device_buffer_destroy(h.context, bindings.output);
    cly_device_buffer_destroy(h.context, bindings.temporaries[0]);
    cly_ops_steps_free(&steps);
    ck_assert_ptr_null(steps.steps);
}
END_TEST

/* A channels_first convolution with a long reduction runs channels_last between two moves on a CPU, and one of several
 * small images on a wide GPU, with the values of the plain kernel on the tensors as they lie. */
START_TEST(layouts_change_at_the_border) {
    enum { IMAGES = 2, SIDE = 20, CHANNELS = 40, FILTERS = 24, X = IMAGES * CHANNELS * SIDE * SIDE };
    enum { W = 9 * CHANNELS * FILTERS, Y = IMAGES * FILTERS * SIDE * SIDE };
    const cly_ops_conv_shape shape = {.batch = IMAGES,
                                      .in = {1, SIDE, SIDE},
                                      .out = {1, SIDE, SIDE},
                                      .in_channels = CHANNELS,
                                      .out_channels = FILTERS,
                                      .groups = 1,
                                      .kernel = {1, 3, 3},
                                      .stride = {1, 1, 1},
                                      .dilation = {1, 1, 1},
                                      .pad = {0, 1, 1},
                                      .channels_first = true};
    static float x[X], w[W], y[Y], expected[Y];
    cl_mem in = NULL, weights = NULL, out = NULL;
    cly_ops_steps steps = {0};
    cly_ops_step *step = NULL;
    const cly_ops_implementation *reference = cly_ops_conv_operator.implementations;
    while (strcmp(reference->name, "reference") != 0) {
        reference++;
    }
    for (int i = 0; i < X; i++) {
        x[i] = (float)(i * 37 % 101) / 101.0f - 0.5f;
    }
    for (int i = 0; i < W; i++) {
        w[i] = (float)(i * 53 % 97) / 97.0f - 0.5f;
    }
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(x), &in), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(w), &weights), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(h.context, sizeof(y), &out), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(h.context, in, 0, x, sizeof(x)), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(h.context, weights, 0, w, sizeof(w)), CLAYER_OK);
    const cl_mem operands[CLY_OPS_OPERANDS] = {in, weights, NULL, out};
    ck_assert_int_eq(reference->run(h.context, &shape, operands, NULL), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(h.context, out, 0, expected, sizeof(y)), CLAYER_OK);

    ck_assert_int_eq(cly_ops_steps_add(&steps, &cly_ops_conv_operator, &step), CLAYER_OK);
    step->shape.conv = shape;
    step->operands[0] = (cly_ops_place){CLY_INPUT, 0};
    step->operands[1] = (cly_ops_place){CLY_WEIGHT, 0};
    step->operands[3] = (cly_ops_place){CLY_OUTPUT, 0};
    ck_assert_int_eq(cly_ops_steps_choose(h.context, &steps), CLAYER_OK);
    if (cly_ops_is_cpu(h.context)) {
        ck_assert_uint_eq(steps.count, 3);
    }
    ck_assert(steps.count == 3 ? !steps.steps[1].shape.conv.channels_first : steps.steps[0].shape.conv.channels_first);
    cly_ops_bindings bindings = {.inputs = &in, .output = out, .weights = &weights};
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        ck_assert_int_eq(cly_device_buffer_create(h.context, steps.temporary_bytes[i], &bindings.temporaries[i]),
                         CLAYER_OK);
    }
    ck_assert_int_eq(cly_device_buffer_create(h.context, steps.workspace_bytes, &bindings.workspace), CLAYER_OK);
    ck_assert_int_eq(cly_ops_steps_choose(h.context, &steps), CLAYER_OK); /* once more changes nothing */
    ck_assert_int_eq(cly_ops_steps_run(h.context, &steps, &bindings), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(h.context, out, 0, y, sizeof(y)), CLAYER_OK);
    for (int i = 0; i < Y; i++) {
        ck_assert_float_eq_tol(y[i], expected[i], 1e-4f);
    }
    cly_ops_steps_free(&steps);
    for (int i = 0; i < CLY_OPS_TEMPORARIES; i++) {
        cly_device_buffer_destroy(h.context, bindings.temporaries[i]);
    }
    cly_device_buffer_destroy(h.context, bindings.workspace);
    cly_device_buffer_destroy(h.context, in);
    cly_device_buffer_destroy(h.context, weights);
    cly_device_buffer_destroy(h.context, out);
}
END_TEST

START_TEST(activation_text) {
    cly_spec spec;
    ck_assert_int_eq(cly_base_spec_parse(&cly_ops_activations, NULL, &spec), CLAYER_OK);
    ck_assert_int_eq(cly_ops_activation_from_spec(&spec).id, CLY_LINEAR);
    ck_assert_int_eq(cly_base_spec_parse(&cly_ops_activations, "relu", &spec), CLAYER_OK);
    const cly_ops_activation relu = cly_ops_activation_from_spec(&spec);
    ck_assert_int_eq(relu.id, CLY_RELU);
    ck_assert(isinf(relu.parameters[1]));
    ck_assert(cly_ops_activation_is_elementwise(&relu));
    ck_assert_int_eq(cly_base_spec_parse(&cly_ops_activations, "softmax", &spec), CLAYER_OK);
    const cly_ops_activation softmax = cly_ops_activation_from_spec(&spec);
    ck_assert(!cly_ops_activation_is_elementwise(&softmax));
    ck_assert_int_eq(cly_base_spec_parse(&cly_ops_activations, "relu(slope=1)", &spec), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_parse(&cly_ops_activations, "rely", &spec), CLAYER_INVALID_ARGUMENT);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("ops.operator");
    TCase *cases = tcase_create("operator");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, lists_are_whole);
    tcase_add_test(cases, force_checks_names);
    tcase_add_test(cases, forced_or_refused);
    tcase_add_test(cases, large_goes_to_fast_kernels);
    tcase_add_test(cases, steps_run_in_order);
    tcase_add_test(cases, layouts_change_at_the_border);
    tcase_add_test(cases, activation_text);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
