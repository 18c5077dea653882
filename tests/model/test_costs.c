/* model/test_costs.c: memory and multiply-adds of layers, against counts by hand. */
#include <clayer/model.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/support.h"
#include "support/runner.h"

typedef struct seen {
    clayer_layer_costs costs[8];
    char paths[8][64];
    size_t count;
} seen;

static void note(const clayer_layer_costs *costs, void *data) {
    seen *s = data;
    ck_assert_uint_lt(s->count, 8);
    (void)snprintf(s->paths[s->count], sizeof(s->paths[0]), "%s", costs->path);
    s->costs[s->count++] = *costs;
}

/* One layer on one input, batch 2. */
typedef struct one_layer {
    const char *class_name;
    const void *config;
    int rank;
    int64_t input[4];
    uint64_t outputs, weights, multiply_adds;
} one_layer;

#define CONV(...) (&(const clayer_conv_config){.struct_size = sizeof(clayer_conv_config), __VA_ARGS__})
#define TRANSPOSE(...) \
    (&(const clayer_conv_transpose_config){.struct_size = sizeof(clayer_conv_transpose_config), __VA_ARGS__})
#define SEPARABLE(...) \
    (&(const clayer_separable_conv_config){.struct_size = sizeof(clayer_separable_conv_config), __VA_ARGS__})
#define DEPTHWISE(...) \
    (&(const clayer_depthwise_conv_config){.struct_size = sizeof(clayer_depthwise_conv_config), __VA_ARGS__})
#define DENSE(...) (&(const clayer_dense_config){.struct_size = sizeof(clayer_dense_config), __VA_ARGS__})
#define POOLING(...) (&(const clayer_pooling_config){.struct_size = sizeof(clayer_pooling_config), __VA_ARGS__})

static void check_layer(const one_layer *c) {
    clayer_model *model = new_model("net");
    clayer_layer *layer = NULL;
    seen s = {.count = 0};
    add_input(model, "x", c->rank, c->input);
    MUST(clayer_layer_create(context, c->class_name, c->config, &layer));
    MUST(clayer_model_add(model, layer, NULL, 1, NULL));
    clayer_layer_destroy(layer);
    MUST(clayer_model_get_costs(model, NULL, 2, note, &s));
    ck_assert_uint_eq(s.count, 1);
    ck_assert_ptr_eq(s.costs[0].layer, clayer_model_get_layer(model, 1));
    ck_assert_msg(s.costs[0].multiply_adds == c->multiply_adds, "%s: %llu multiply-adds, expected %llu", c->class_name,
                  (unsigned long long)s.costs[0].multiply_adds, (unsigned long long)c->multiply_adds);
    ck_assert_uint_eq(s.costs[0].output_bytes, c->outputs * sizeof(float));
    ck_assert_uint_eq(s.costs[0].weight_bytes, c->weights * sizeof(float));
    ck_assert_uint_eq(s.costs[0].calls, 1);
    ck_assert_int_eq(s.costs[0].output.dims[0], 2);
    clayer_model_destroy(model);
}

START_TEST(layers_cost_what_papers_count) {
    const one_layer cases[] = {
        /* 4 x 4 positions of 6 filters over 3 x 2 pixels of 4 / 2 channels */
        {"Conv2D",
         CONV(.filters = 6, .kernel_size = {3, 2}, .strides = {2, 2}, .groups = 2),
         3,
         {9, 8, 4},
         2 * 4 * 4 * 6,
         3 * 2 * 2 * 6 + 6,
         2 * (4 * 4) * 6 * (3 * 2) * 2},
        {"Conv2D",
         CONV(.filters = 6, .kernel_size = {3, 2}, .strides = {2, 2}, .groups = 2, .data_format = "channels_first"),
         3,
         {4, 9, 8},
         2 * 4 * 4 * 6,
         3 * 2 * 2 * 6 + 6,
         2 * (4 * 4) * 6 * (3 * 2) * 2},
        {"Conv1D",
         CONV(.filters = 5, .kernel_size = {3}, .padding = "causal", .dilation_rate = {2}, .no_bias = true),
         2,
         {7, 3},
         2 * 7 * 5,
         3 * 3 * 5,
         2 * 7 * 5 * 3 * 3},
        {"Conv3D",
         CONV(.filters = 2, .kernel_size = {2, 2, 2}, .padding = "same"),
         4,
         {3, 4, 5, 3},
         2 * 60 * 2,
         8 * 3 * 2 + 2,
         2 * 60 * 2 * 8 * 3},
        {"DepthwiseConv2D",
         DEPTHWISE(.kernel_size = {3, 3}, .padding = "same", .depth_multiplier = 2),
         3,
         {5, 6, 3},
         2 * 30 * 6,
         9 * 6 + 6,
         2 * 30 * 6 * 9},
        {"SeparableConv2D",
         SEPARABLE(.filters = 7, .kernel_size = {3, 3}, .padding = "same", .depth_multiplier = 2),
         3,
         {5, 6, 3},
         2 * 30 * 7,
         9 * 6 + 6 * 7 + 7,
         2 * 30 * (6 * 9 + 6 * 7)},
        /* each of 5 x 6 inputs is read by each tap of each filter */
        {"Conv2DTranspose",
         TRANSPOSE(.filters = 4, .kernel_size = {3, 3}, .strides = {2, 2}, .padding = "same"),
         3,
         {5, 6, 3},
         2 * 10 * 12 * 4,
         9 * 3 * 4 + 4,
         2 * (5 * 6) * 3 * 9 * 4},
        {"Dense", DENSE(.units = 5), 1, {7}, 2 * 5, 7 * 5 + 5, 2 * 7 * 5},
        {"Dense", DENSE(.units = 5), 2, {4, 7}, 2 * 4 * 5, 7 * 5 + 5, 2 * 4 * 7 * 5},
        {"BatchNormalization", NULL, 3, {5, 6, 3}, 2 * 90, 4 * 3, 0},
        {"MaxPooling2D", POOLING(.pool_size = {2, 2}), 3, {4, 6, 3}, 2 * 6 * 3, 0, 0},
        {"Flatten", NULL, 3, {5, 6, 3}, 2 * 90, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_layer(&cases[i]);
    }
}
END_TEST

/* Both calls of a shared layer and of a nested model count; weights once; what no output needs does not. */
START_TEST(calls_add_up) {
    clayer_model *part = new_model("part"), *model = new_model("net");
    clayer_node *input = add_input(part, "in", RANK(4, 4, 3), DIMS(4, 4, 3)), *outputs[2];
    add_conv(part, input, 5, 3, NULL);
    clayer_node *x = add_input(model, "x", RANK(4, 4, 3), DIMS(4, 4, 3));
    clayer_node *y = add_conv(model, x, 3, 1, NULL);
    MUST(clayer_model_add(model, clayer_model_get_layer(model, 1), &y, 1, &y));
    MUST(clayer_model_add_model(model, part, &x, 1, &outputs[0]));
    MUST(clayer_model_add_model(model, part, &y, 1, &outputs[1]));
    add_conv(model, x, 100, 3, NULL);
    MUST(clayer_model_set_outputs(model, outputs, 2));
    seen s = {.count = 0};
    MUST(clayer_model_get_costs(model, NULL, 1, note, &s));
    ck_assert_uint_eq(s.count, 2);
    size_t shared = strcmp(s.paths[0], "conv2d") == 0 ? 0 : 1;
    ck_assert_str_eq(s.paths[shared], "conv2d");
    ck_assert_str_eq(s.paths[1 - shared], "part/conv2d");
    ck_assert_uint_eq(s.costs[shared].calls, 2);
    ck_assert_uint_eq(s.costs[shared].multiply_adds, 2 * 16 * 3 * 3);
    ck_assert_uint_eq(s.costs[shared].output_bytes, 2 * 16 * 3 * sizeof(float));
    ck_assert_uint_eq(s.costs[shared].weight_bytes, (3 * 3 + 3) * sizeof(float));
    ck_assert_uint_eq(s.costs[1 - shared].calls, 2);
    ck_assert_uint_eq(s.costs[1 - shared].multiply_adds, 2 * 16 * 5 * 9 * 3);
    clayer_model_destroy(part);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(shapes_decide) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(0, 0, 3), DIMS(-1, -1, 3));
    add_conv(model, NULL, 5, 3, NULL);
    seen s = {.count = 0};
    REFUSED(clayer_model_get_costs(model, NULL, 1, note, &s), CLAYER_INVALID_SHAPE, "axis 1");
    ck_assert_uint_eq(s.count, 0);
    const clayer_shape small = {.rank = 4, .dims = {1, 4, 6, 3}};
    MUST(clayer_model_get_costs(model, &small, 0, note, &s));
    ck_assert_uint_eq(s.costs[0].multiply_adds, 24 * 5 * 9 * 3);
    ck_assert_int_eq(s.costs[0].output.dims[2], 6);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(wrong_arguments_are_refused) {
    clayer_model *model = new_model("net");
    REFUSED(clayer_model_get_costs(NULL, NULL, 1, note, NULL), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_get_costs(model, NULL, 1, NULL, NULL), CLAYER_INVALID_ARGUMENT, "callback is NULL");
    REFUSED(clayer_model_get_costs(model, NULL, 1, note, NULL), CLAYER_INVALID_ARGUMENT, "no input");
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.costs");
    TCase *tcase = tcase_create("costs");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, layers_cost_what_papers_count);
    tcase_add_test(tcase, calls_add_up);
    tcase_add_test(tcase, shapes_decide);
    tcase_add_test(tcase, wrong_arguments_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
