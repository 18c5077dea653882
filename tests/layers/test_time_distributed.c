/* layers/test_time_distributed.c: a distributed layer gives for (N, T, ...) the bits that the layer alone gives for
 * (N T, ...), forward and backward; what cannot be distributed says so. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/context.h"
#include "support/random.h"
#include "support/runner.h"

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s: %s", #call, clayer_last_error())
#define REFUSED(call, status, part)       \
    do {                                  \
        ck_assert_int_eq((call), status); \
        cly_test_error_has(part);         \
    } while (0)
#define SIZES(...)                                                                                 \
    {                                                                                              \
        .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = { __VA_ARGS__ } \
    }
#define CONFIG(type, ...)                                             \
    (const clayer_##type##_config *)&(const clayer_##type##_config) { \
        .struct_size = sizeof(clayer_##type##_config), __VA_ARGS__    \
    }

static uint64_t seed;

static clayer_layer *new_layer(const char *class_name, const void *config) {
    clayer_layer *layer = NULL;
    OK(clayer_layer_create(test_context(), class_name, config, &layer));
    return layer;
}

/* The shape with its first two axes as one. */
static clayer_shape folded(const clayer_shape *shape) {
    clayer_shape result = {.rank = shape->rank - 1, .dims = {shape->dims[0] * shape->dims[1]}};
    for (int i = 2; i < shape->rank; i++) {
        result.dims[i - 1] = shape->dims[i];
    }
    return result;
}

static void same_bits(const clayer_tensor *a, const clayer_tensor *b, const char *what, const char *class_name) {
    const int64_t count = clayer_tensor_get_count(a);
    float *left = malloc((size_t)count * sizeof(float)), *right = malloc((size_t)count * sizeof(float));
    ck_assert(left != NULL && right != NULL && count == clayer_tensor_get_count(b));
    OK(clayer_tensor_read(a, left, count));
    OK(clayer_tensor_read(b, right, count));
    ck_assert_msg(memcmp(left, right, (size_t)count * sizeof(float)) == 0, "%s: %s differs", class_name, what);
    free(left);
    free(right);
}

static const struct {
    const char *class_name;
    const void *config;
    clayer_shape input, output;
} cases[] = {
    {"Conv2D", CONFIG(conv, .filters = 4, .kernel_size = {3, 2}, .strides = {2, 1}, .activation = "relu"),
     SIZES(2, 3, 7, 6, 3), SIZES(2, 3, 3, 5, 4)},
    {"Conv2D", CONFIG(conv, .filters = 4, .kernel_size = {3, 3}, .padding = "same", .data_format = "channels_first"),
     SIZES(2, 3, 3, 7, 6), SIZES(2, 3, 4, 7, 6)},
    {"Conv1D", CONFIG(conv, .filters = 5, .kernel_size = {2}, .padding = "causal"), SIZES(3, 2, 9, 4),
     SIZES(3, 2, 9, 5)},
    {"DepthwiseConv2D", CONFIG(depthwise_conv, .kernel_size = {3, 3}), SIZES(1, 4, 6, 6, 2), SIZES(1, 4, 4, 4, 2)},
    {"Dense", CONFIG(dense, .units = 5, .activation = "softmax"), SIZES(4, 3, 6), SIZES(4, 3, 5)},
    {"MaxPooling2D", NULL, SIZES(2, 3, 6, 6, 2), SIZES(2, 3, 3, 3, 2)},
    {"LayerNormalization", NULL, SIZES(2, 3, 4, 5), SIZES(2, 3, 4, 5)},
    {"Flatten", NULL, SIZES(2, 3, 4, 5), SIZES(2, 3, 20)},
    {"Permute", CONFIG(permute, .dims = {2, {2, 1}}), SIZES(2, 3, 4, 5), SIZES(2, 3, 5, 4)},
    {"GlobalAveragePooling1D", NULL, SIZES(2, 3, 4, 5), SIZES(2, 3, 5)},
};

START_TEST(each_step_is_a_sample) {
    test_random random = test_random_start(seed, (uint64_t)_i);
    const clayer_shape *const input = &cases[_i].input;
    const clayer_shape inner = folded(input);
    clayer_layer *const distributed = new_layer(cases[_i].class_name, cases[_i].config);
    clayer_layer *const alone = new_layer(cases[_i].class_name, cases[_i].config);
    float *const x = test_random_floats(&random, cly_layers_product(input, 0, input->rank), -1, 1);
    float *weights[CLY_LAYERS_WEIGHTS] = {NULL};
    clayer_shape output;
    test_bench benches[2];
    OK(clayer_layer_distribute(distributed, "steps"));
    ck_assert_str_eq(clayer_layer_get_name(distributed), "steps");
    ck_assert_str_eq(clayer_layer_get_class_name(distributed), "TimeDistributed");
    OK(clayer_layer_get_output_shape(distributed, input, 1, &output));
    ck_assert(cly_layers_same_shape(&output, &cases[_i].output));
    OK(clayer_layer_build(alone, &inner, 1));
    const size_t count = clayer_layer_get_weight_count(alone);
    for (size_t i = 0; i < count; i++) {
        const int64_t size = clayer_tensor_get_count(clayer_layer_get_weight(alone, i));
        weights[i] = test_random_floats(&random, size, -1, 1);
    }
    float *const dy = test_random_floats(&random, cly_layers_product(&output, 0, output.rank), -1, 1);
    for (int i = 0; i < 2; i++) {
        clayer_layer *const layer = i == 0 ? distributed : alone;
        OK(clayer_layer_set_training(layer, true));
        test_bench_open(&benches[i], layer, i == 0 ? input : &inner, (const float *const *)&x, 1,
                        (const float *const *)weights, count);
        test_bench_train(&benches[i], dy);
        OK(test_bench_run(&benches[i]));
    }
    same_bits(benches[0].output, benches[1].output, "the output", cases[_i].class_name);
    same_bits(benches[0].input_gradients[0], benches[1].input_gradients[0], "the gradient", cases[_i].class_name);
    for (size_t i = 0; i < count; i++) {
        same_bits(clayer_layer_get_weight_gradient(distributed, i), clayer_layer_get_weight_gradient(alone, i),
                  clayer_layer_get_weight_name(alone, i), cases[_i].class_name);
        free(weights[i]);
    }
    test_bench_close(&benches[0]);
    test_bench_close(&benches[1]);
    free(x);
    free(dy);
}
END_TEST

START_TEST(what_cannot_be_distributed_says_so) {
    const clayer_shape flat = SIZES(2, 3), unknown = SIZES(-1, -1, 4);
    clayer_shape output;
    REFUSED(clayer_layer_distribute(NULL, NULL), CLAYER_INVALID_ARGUMENT, "layer is NULL");
    clayer_layer *layer = new_layer("Dense", CONFIG(dense, .units = 2));
    OK(clayer_layer_distribute(layer, NULL));
    ck_assert_str_eq(clayer_layer_get_name(layer), "time_distributed");
    REFUSED(clayer_layer_distribute(layer, NULL), CLAYER_INVALID_ARGUMENT, "distributed already");
    REFUSED(clayer_layer_get_output_shape(layer, &flat, 1, &output), CLAYER_INVALID_SHAPE,
            "input (2, 3) has 2 axes, expects at least 3");
    OK(clayer_layer_get_output_shape(layer, &unknown, 1, &output));
    ck_assert(output.dims[0] == -1 && output.dims[1] == -1 && output.dims[2] == 2);
    clayer_layer_destroy(layer);
    layer = new_layer("Dense", CONFIG(dense, .units = 2));
    OK(clayer_layer_build(layer, &flat, 1));
    REFUSED(clayer_layer_distribute(layer, NULL), CLAYER_INVALID_ARGUMENT, "in use already");
    clayer_layer_destroy(layer);
    static const char *const others[] = {"Add", "Masking"};
    for (size_t i = 0; i < CLY_COUNT(others); i++) {
        layer = new_layer(others[i], NULL);
        REFUSED(clayer_layer_distribute(layer, NULL), CLAYER_UNSUPPORTED, others[i]);
        clayer_layer_destroy(layer);
    }
}
END_TEST

/* ---- BatchNormalization: in training Keras 3 takes each step by itself ---- */

/* Steps t of (N, T, inner). */
static void take_step(const clayer_shape *shape, const float *all, int64_t t, float *step) {
    const int64_t inner = cly_layers_product(shape, 2, shape->rank);
    for (int64_t n = 0; n < shape->dims[0]; n++) {
        memcpy(step + n * inner, all + (n * shape->dims[1] + t) * inner, (size_t)inner * sizeof(float));
    }
}

static float *read_all(const clayer_tensor *tensor) {
    const int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(values);
    OK(clayer_tensor_read(tensor, values, count));
    return values;
}

static void near(const float *a, const float *b, int64_t count, const char *what) {
    for (int64_t i = 0; i < count; i++) {
        ck_assert_msg(fabsf(a[i] - b[i]) <= 1e-5f * (1 + fabsf(b[i])), "%s: element %lld: %g, step by step %g", what,
                      (long long)i, (double)a[i], (double)b[i]);
    }
}

static const struct {
    clayer_shape input;
    int64_t axis;
} norms[] = {{SIZES(4, 3, 5), -1}, {SIZES(3, 4, 3, 2, 5), -1}, {SIZES(3, 2, 4, 3, 2), 1}, {SIZES(2, 1, 6), -1}};

/* The same layer alone, called on one step after the other. */
START_TEST(each_step_has_its_statistics) {
    test_random random = test_random_start(seed, (uint64_t)_i);
    const clayer_shape *const input = &norms[_i].input;
    const clayer_batch_normalization_config config = {
        .struct_size = sizeof(config), .has_axis = true, .axis = norms[_i].axis, .momentum = 0.75};
    clayer_shape one = folded(input);
    one.dims[0] = input->dims[0];
    const int64_t count = cly_layers_product(input, 0, input->rank), size = cly_layers_product(&one, 0, one.rank);
    const int64_t channels = one.dims[norms[_i].axis < 0 ? one.rank - 1 : norms[_i].axis];
    float *const x = test_random_floats(&random, count, -1, 1), *const dy = test_random_floats(&random, count, -1, 1);
    float *const step = malloc((size_t)size * sizeof(float)), *const step_dy = malloc((size_t)size * sizeof(float));
    float *weights[4], sums[2][16] = {{0}};
    ck_assert(step != NULL && step_dy != NULL && channels <= 16);
    for (int i = 0; i < 4; i++) {
        weights[i] = test_random_floats(&random, channels, 0.5f, 1.5f);
    }
    clayer_layer *const all = new_layer("BatchNormalization", &config);
    test_bench whole;
    OK(clayer_layer_distribute(all, "norm"));
    OK(clayer_layer_set_training(all, true));
    test_bench_open(&whole, all, input, (const float *const *)&x, 1, (const float *const *)weights, 4);
    test_bench_train(&whole, dy);
    OK(test_bench_run(&whole));
    float *const y = read_all(whole.output), *const dx = read_all(whole.input_gradients[0]);
    for (int64_t t = 0; t < input->dims[1]; t++) {
        test_bench bench;
        clayer_layer *const alone = new_layer("BatchNormalization", &config);
        OK(clayer_layer_set_training(alone, true));
        take_step(input, x, t, step);
        take_step(input, dy, t, step_dy);
        test_bench_open(&bench, alone, &one, (const float *const *)&step, 1, (const float *const *)weights, 4);
        test_bench_train(&bench, step_dy);
        OK(test_bench_run(&bench));
        float *const wanted[2] = {read_all(bench.output), read_all(bench.input_gradients[0])};
        for (int i = 0; i < 2; i++) {
            take_step(input, i == 0 ? y : dx, t, step);
            near(step, wanted[i], size, i == 0 ? "output" : "gradient");
            float *const own = read_all(clayer_layer_get_weight_gradient(alone, (size_t)i));
            for (int64_t c = 0; c < channels; c++) {
                sums[i][c] += own[c];
            }
            free(own);
            free(wanted[i]);
            free(weights[2 + i]);
            weights[2 + i] = read_all(clayer_layer_get_weight(alone, 2 + (size_t)i)); /* as moved so far */
        }
        test_bench_close(&bench);
    }
    for (size_t i = 0; i < 4; i++) {
        float *const got = read_all(i < 2 ? clayer_layer_get_weight_gradient(all, i) : clayer_layer_get_weight(all, i));
        near(got, i < 2 ? sums[i] : weights[i], channels, clayer_layer_get_weight_name(all, i));
        free(got);
        free(weights[i]);
    }
    test_bench_close(&whole);
    free(x);
    free(dy);
    free(y);
    free(dx);
    free(step);
    free(step_dy);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("layers.time_distributed");
    TCase *tests = tcase_create("steps");
    tcase_add_loop_test(tests, each_step_is_a_sample, 0, (int)CLY_COUNT(cases));
    tcase_add_loop_test(tests, each_step_has_its_statistics, 0, (int)CLY_COUNT(norms));
    tcase_add_test(tests, what_cannot_be_distributed_says_so);
    tcase_add_unchecked_fixture(tests, NULL, test_context_drop);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    seed = test_seed("layers.time_distributed");
    return cly_test_main(make_suite);
}
