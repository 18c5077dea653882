/* model/test_plan.c: what a plan promises is what a run allocates, and who shares memory with whom. */
#include <stdio.h>
#include <stdlib.h>

#include "model/support.h"
#include "support/clock.h"
#include "support/runner.h"

#define FLOATS(n) ((uint64_t)(n) * sizeof(float))
#define CONFIG(type, ...) (&(const type){.struct_size = sizeof(type), __VA_ARGS__})

static clayer_model_plan get_plan(clayer_model *model, int64_t batch) {
    clayer_model_plan plan;
    MUST(clayer_model_get_plan(model, NULL, batch, &plan));
    return plan;
}

/* Runs on random data of the model's own shapes; returns the first output's values, to be freed. *held_out is the
 * device memory that the first run took. */
static float *run_once(clayer_model *model, int64_t batch, uint64_t *held_out) {
    test_random random = test_random_start(7, 0);
    clayer_shape in = *clayer_model_get_input_shape(model, 0), out = *clayer_model_get_output_shape(model, 0);
    in.dims[0] = out.dims[0] = batch;
    clayer_tensor *x = random_tensor(&random, in.rank, in.dims), *y = new_tensor(out.rank, out.dims);
    uint64_t before = device_bytes();
    MUST(clayer_model_run(model, &x, 1, &y, 1));
    *held_out = device_bytes() - before;
    MUST(clayer_model_run(model, &x, 1, &y, 1));
    ck_assert_uint_eq(device_bytes() - before, *held_out);
    float *values = read_tensor(y);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    return values;
}

START_TEST(a_chain_of_convolutions_takes_two_buffers) {
    clayer_model *model = new_model("chain");
    uint64_t held = 0, before = device_bytes();
    add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    for (int i = 0; i < 10; i++) {
        add_conv(model, NULL, 3, 3, "relu");
    }
    clayer_model_plan plan = get_plan(model, 2);
    ck_assert_uint_eq(plan.weight_bytes, 10 * FLOATS(3 * 3 * 3 * 3 + 3));
    ck_assert_uint_eq(plan.weight_bytes, device_bytes() - before);
    ck_assert_uint_eq(plan.activation_bytes, 2 * FLOATS(2 * 8 * 8 * 3));
    ck_assert_uint_eq(plan.activation_sum_bytes, 9 * FLOATS(2 * 8 * 8 * 3));
    ck_assert_uint_eq(plan.total_bytes, plan.weight_bytes + plan.activation_bytes + plan.workspace_bytes);
    free(run_once(model, 2, &held));
    ck_assert_uint_eq(held, plan.activation_bytes + plan.workspace_bytes);
    clayer_model_destroy(model);
    ck_assert_uint_eq(device_bytes(), before);
}
END_TEST

START_TEST(a_smaller_batch_runs_in_the_memory_of_the_larger) {
    clayer_model *model = new_model("chain");
    uint64_t held = 0;
    add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    add_conv(model, NULL, 3, 3, "relu");
    add_conv(model, NULL, 5, 1, "relu");
    add_conv(model, NULL, 2, 3, NULL);
    clayer_model_plan large = get_plan(model, 6), small = get_plan(model, 2);
    free(run_once(model, 2, &held));
    ck_assert_uint_eq(held, small.activation_bytes + small.workspace_bytes);
    uint64_t before = device_bytes() - held;
    free(run_once(model, 6, &held));
    ck_assert_uint_eq(device_bytes() - before, large.activation_bytes + large.workspace_bytes);
    free(run_once(model, 2, &held));
    ck_assert_uint_eq(held, 0);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(the_model_s_buffer_takes_an_activation_in_place) {
    clayer_model *model = new_model("net");
    uint64_t held = 0;
    add_input(model, "x", RANK(6, 6, 2), DIMS(6, 6, 2));
    add_conv(model, NULL, 4, 1, NULL);
    add_activation(model, NULL, "tanh");
    MUST(clayer_add_batch_normalization(model, NULL, NULL, NULL));
    add_activation(model, NULL, "softmax");
    add_conv(model, NULL, 2, 1, NULL);
    MUST(clayer_model_set_fusion(model, 0));
    clayer_model_plan plan = get_plan(model, 1);
    ck_assert_uint_eq(plan.activation_bytes, FLOATS(6 * 6 * 4));
    ck_assert_uint_eq(plan.activation_sum_bytes, 4 * FLOATS(6 * 6 * 4));
    free(run_once(model, 1, &held));
    ck_assert_uint_eq(held, plan.activation_bytes + plan.workspace_bytes);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_merge_writes_over_whichever_input_ends_there) {
    for (int second = 0; second < 2; second++) {
        clayer_model *model = new_model("net");
        uint64_t held = 0;
        clayer_node *x = add_input(model, "x", RANK(6, 6, 4), DIMS(6, 6, 4)), *gate = NULL, *y = NULL;
        clayer_node *kept = add_conv(model, x, 4, 1, NULL), *ends = add_conv(model, kept, 4, 3, NULL);
        MUST(clayer_add_multiply(model, (clayer_node *[]){second ? kept : ends, second ? ends : kept}, 2, NULL, &y));
        MUST(clayer_add_global_average_pooling2d(model, y, CONFIG(clayer_global_pooling_config, .keepdims = true),
                                                 &gate));
        /* the gate is smaller, the first factor lives on */
        MUST(clayer_add_multiply(model, (clayer_node *[]){gate, y}, 2, NULL, &y));
        add_conv(model, add_sum(model, y, kept), 4, 1, NULL);
        const clayer_model_plan plan = get_plan(model, 2);
        ck_assert_uint_eq(plan.activation_bytes, FLOATS(2 * (2 * 6 * 6 * 4 + 4)));
        free(run_once(model, 2, &held));
        ck_assert_uint_eq(held, plan.activation_bytes + plan.workspace_bytes);
        clayer_model_destroy(model);
    }
}
END_TEST

START_TEST(layers_that_pass_data_on_enqueue_nothing) {
    clayer_model *model = new_model("net");
    const clayer_reshape_config reshape = {.struct_size = sizeof(reshape), .target_shape = {2, {12, 4}}};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5};
    clayer_counters counters[4];
    uint64_t held = 0;
    add_input(model, "x", RANK(3, 4, 4), DIMS(3, 4, 4));
    add_conv(model, NULL, 4, 1, "relu");
    for (int i = 0; i < 2; i++) {
        if (i == 1) {
            add_flatten(model, NULL);
            MUST(clayer_add_dropout(model, NULL, &dropout, NULL));
            MUST(clayer_add_reshape(model, NULL, &reshape, NULL));
            add_activation(model, NULL, "linear");
        }
        free(run_once(model, 2, &held));
        MUST(clayer_context_get_counters(context, &counters[2 * i]));
        free(run_once(model, 2, &held));
        MUST(clayer_context_get_counters(context, &counters[2 * i + 1]));
    }
    ck_assert_uint_gt(counters[1].launches, counters[0].launches);
    ck_assert_uint_eq(counters[1].launches - counters[0].launches, counters[3].launches - counters[2].launches);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(layers_that_pass_data_on_take_no_memory) {
    clayer_model *model = new_model("net");
    uint64_t held = 0;
    const clayer_reshape_config reshape = {.struct_size = sizeof(reshape), .target_shape = {2, {12, 3}}};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5};
    add_input(model, "x", RANK(3, 4, 3), DIMS(3, 4, 3));
    for (int i = 0; i < 2; i++) {
        add_flatten(model, NULL);
        MUST(clayer_add_reshape(model, NULL, &reshape, NULL));
        MUST(clayer_add_dropout(model, NULL, &dropout, NULL));
        clayer_model_plan plan = get_plan(model, 5);
        ck_assert_uint_eq(plan.activation_bytes, 0);
        ck_assert_uint_eq(plan.activation_sum_bytes, 0);
        ck_assert_uint_eq(plan.workspace_bytes, 0);
        test_random random = test_random_start(7, 0);
        float *expected = test_random_floats(&random, (int64_t)5 * 36, -1, 1), *values = run_once(model, 5, &held);
        ck_assert_uint_eq(held, 0);
        ck_assert_mem_eq(values, expected, FLOATS(5 * 36));
        free(expected);
        free(values);
    }
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_convolution_behind_them_writes_into_the_output) {
    clayer_model *model = new_model("net");
    uint64_t held = 0;
    add_input(model, "x", RANK(3, 4, 3), DIMS(3, 4, 3));
    add_conv(model, NULL, 2, 1, NULL);
    add_activation(model, NULL, "relu");
    add_flatten(model, NULL);
    ck_assert_uint_eq(get_plan(model, 5).activation_bytes, 0);
    float *values = run_once(model, 5, &held);
    ck_assert_uint_eq(held, get_plan(model, 5).workspace_bytes);
    for (int i = 0; i < 5 * 24; i++) {
        ck_assert(values[i] >= 0);
    }
    free(values);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(what_no_output_needs_is_not_run) {
    clayer_model *model = new_model("net");
    clayer_layer_profile profile;
    uint64_t held = 0;
    clayer_node *x = add_input(model, "x", RANK(8, 8, 2), DIMS(8, 8, 2));
    clayer_node *wanted = add_conv(model, x, 2, 1, NULL);
    clayer_node *unwanted = add_conv(model, x, 50, 3, NULL);
    add_conv(model, unwanted, 50, 3, NULL);
    MUST(clayer_model_set_outputs(model, &wanted, 1));
    ck_assert_uint_eq(get_plan(model, 1).activation_sum_bytes, 0);
    free(run_once(model, 1, &held));
    MUST(clayer_layer_get_profile(clayer_model_find_layer(model, "conv2d"), &profile));
    ck_assert_str_eq(profile.operator_name, "conv");
    for (int i = 1; i <= 2; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "conv2d_%d", i);
        MUST(clayer_layer_get_profile(clayer_model_find_layer(model, name), &profile));
        ck_assert_str_eq(profile.operator_name, "");
    }
    clayer_model_destroy(model);
}
END_TEST

START_TEST(forcing_an_implementation_reaches_a_planned_model) {
    static const char *const wanted[] = {"im2col", "reference", NULL, "im2col"};
    clayer_model *model = new_model("net");
    clayer_layer_profile profile;
    uint64_t held = 0;
    add_input(model, "x", RANK(8, 8, 8), DIMS(8, 8, 8));
    add_conv(model, NULL, 8, 3, NULL);
    free(run_once(model, 2, &held));
    MUST(clayer_layer_get_profile(clayer_model_find_layer(model, "conv2d"), &profile));
    const char *usual = profile.implementation;
    for (int i = 0; i < 4; i++) {
        MUST(clayer_context_force(context, "conv", wanted[i]));
        free(run_once(model, 2, &held));
        MUST(clayer_layer_get_profile(clayer_model_find_layer(model, "conv2d"), &profile));
        ck_assert_str_eq(profile.implementation, wanted[i] == NULL ? usual : wanted[i]);
    }
    MUST(clayer_context_force(context, "conv", NULL));
    clayer_model_destroy(model);
}
END_TEST

START_TEST(shapes_that_cannot_be_planned_are_refused) {
    clayer_model *model = new_model("net");
    clayer_model_plan plan;
    const clayer_shape good = {4, {2, 9, 8, 3}}, rank = {3, {2, 9, 8}}, channels = {4, {2, 9, 8, 4}},
                       empty = {4, {2, 0, 8, 3}}, unknown = {4, {2, -1, 8, 3}}, small = {4, {2, 2, 8, 3}},
                       huge = {4, {1000000, 100000, 8, 3}};
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 2, .kernel_size = {3}};
    REFUSED(clayer_model_get_plan(model, &good, 1, &plan), CLAYER_INVALID_ARGUMENT, "no input");
    add_input(model, "image", RANK(-1, 8, 3), DIMS(-1, 8, 3));
    MUST(clayer_add_conv2d(model, NULL, &config, NULL));
    MUST(clayer_model_get_plan(model, &good, 1, &plan));
    REFUSED(clayer_model_get_plan(model, NULL, 1, &plan), CLAYER_INVALID_SHAPE, "input 'image': axis 1 is unknown");
    REFUSED(clayer_model_get_plan(model, NULL, 0, &plan), CLAYER_INVALID_ARGUMENT, "batch_size is 0");
    REFUSED(clayer_model_get_plan(model, &rank, 1, &plan), CLAYER_INVALID_SHAPE, "has 3 axes, expected 4");
    REFUSED(clayer_model_get_plan(model, &channels, 1, &plan), CLAYER_INVALID_SHAPE, "axis 3: expected 3, got 4");
    REFUSED(clayer_model_get_plan(model, &empty, 1, &plan), CLAYER_INVALID_SHAPE, "axis 1 is empty");
    REFUSED(clayer_model_get_plan(model, &unknown, 1, &plan), CLAYER_INVALID_SHAPE, "axis 1 is unknown");
    REFUSED(clayer_model_get_plan(model, &small, 1, &plan), CLAYER_INVALID_SHAPE, "Conv2D 'conv2d'");
    REFUSED(clayer_model_get_plan(model, &huge, 1, &plan), CLAYER_OUT_OF_MEMORY, "largest buffer");
    REFUSED(clayer_model_get_plan(NULL, &good, 1, &plan), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_get_plan(model, &good, 1, NULL), CLAYER_INVALID_ARGUMENT, "plan_out is NULL");
    clayer_model_destroy(model);
}
END_TEST

/* Not a measurement: only that nothing grows out of hand. */
START_TEST(eight_hundred_layers_are_planned) {
    clayer_model *model = new_model("deep");
    clayer_node *last = add_input(model, "x", RANK(8, 8, 4), DIMS(8, 8, 4));
    for (int i = 0; i < 800; i += 4) {
        clayer_node *branch = add_conv(model, last, 4, 3, "relu");
        branch = add_activation(model, add_conv(model, branch, 4, 1, NULL), "relu");
        last = add_sum(model, last, branch);
    }
    const double start = cly_test_cpu_ms();
    clayer_model_plan plan = get_plan(model, 1);
    printf("800 layers planned in %.1f ms\n", cly_test_cpu_ms() - start);
    ck_assert_uint_le(plan.activation_bytes, 3 * FLOATS(8 * 8 * 4));
    ck_assert_uint_gt(plan.activation_sum_bytes, 550 * FLOATS(8 * 8 * 4)); /* 200 activations are fused */
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.plan");
    TCase *tcase = tcase_create("plan");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_chain_of_convolutions_takes_two_buffers);
    tcase_add_test(tcase, a_smaller_batch_runs_in_the_memory_of_the_larger);
    tcase_add_test(tcase, the_model_s_buffer_takes_an_activation_in_place);
    tcase_add_test(tcase, a_merge_writes_over_whichever_input_ends_there);
    tcase_add_test(tcase, layers_that_pass_data_on_enqueue_nothing);
    tcase_add_test(tcase, layers_that_pass_data_on_take_no_memory);
    tcase_add_test(tcase, a_convolution_behind_them_writes_into_the_output);
    tcase_add_test(tcase, what_no_output_needs_is_not_run);
    tcase_add_test(tcase, forcing_an_implementation_reaches_a_planned_model);
    tcase_add_test(tcase, shapes_that_cannot_be_planned_are_refused);
    tcase_add_test(tcase, eight_hundred_layers_are_planned);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
