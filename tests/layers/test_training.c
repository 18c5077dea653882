/* layers/test_training.c: the backward pass by what must hold for any numbers: the adjoint identity on random shapes of
 * the linear layers, finite differences of the others, the same bits run after run, Dropout's mask, and what
 * clayer_layer_backward refuses. CLAYER_TEST_SEED repeats a run, CLAYER_TEST_CASES makes it longer. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/draw.h"
#include "layers/support.h"
#include "support/random.h"
#include "support/runner.h"

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s: %s", #call, clayer_last_error())

static uint64_t seed;
static test_usage usage;

/* ---- one layer with random values ---- */

typedef struct trained {
    test_bench bench;
    float *inputs[8], *weights[CLY_LAYERS_WEIGHTS], *output_gradient;
    size_t weight_count;
} trained;

static void open_trained(trained *t, test_random *random, clayer_layer *layer, const clayer_shape *shapes,
                         size_t count) {
    *t = (trained){0};
    OK(clayer_layer_build(layer, shapes, count));
    t->weight_count = clayer_layer_get_weight_count(layer);
    for (size_t i = 0; i < count; i++) {
        t->inputs[i] = test_random_floats(random, cly_layers_product(&shapes[i], 0, shapes[i].rank), -1, 1);
    }
    for (size_t i = 0; i < t->weight_count; i++) {
        /* Moving variances are positive. */
        t->weights[i] = test_random_floats(random, clayer_tensor_get_count(clayer_layer_get_weight(layer, i)),
                                           strstr(clayer_layer_get_weight_name(layer, i), "variance") ? 0.5f : -1, 1);
    }
    OK(clayer_layer_set_training(layer, true));
    test_bench_open(&t->bench, layer, shapes, (const float *const *)t->inputs, count, (const float *const *)t->weights,
                    t->weight_count);
    t->output_gradient = test_random_floats(random, t->bench.count, -1, 1);
    test_bench_train(&t->bench, t->output_gradient);
}

static void close_trained(trained *t) {
    test_bench_close(&t->bench);
    for (size_t i = 0; i < 8; i++) {
        free(t->inputs[i]);
    }
    for (size_t i = 0; i < CLY_LAYERS_WEIGHTS; i++) {
        free(t->weights[i]);
    }
    free(t->output_gradient);
}

static float *read_tensor(const clayer_tensor *tensor) {
    const int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(values);
    OK(clayer_tensor_read(tensor, values, count));
    return values;
}

/* The product of two tensors as vectors; *size_out grows by that of the magnitudes. */
static double inner_product(const float *a, const clayer_tensor *b, double *size_out) {
    float *values = read_tensor(b);
    double sum = 0;
    for (int64_t i = 0; i < clayer_tensor_get_count(b); i++) {
        sum += (double)a[i] * (double)values[i];
        *size_out += fabs((double)a[i] * (double)values[i]);
    }
    free(values);
    return sum;
}

/* ---- the adjoint identity ---- */

/* y is linear in the inputs together, and but for the bias in each weight: <y, dy> = <x, dx> + <b, db>, and the same
 * with a kernel in the place of x. */
static void check_adjoint(const trained *t, const char *by, uint64_t index) {
    const test_bench *bench = &t->bench;
    double size = 0, bias = 0, inputs = 0;
    char text[CLY_LAYERS_SHAPE_TEXT];
    const char *name = clayer_layer_get_class_name(bench->layer);
    const double outputs = inner_product(t->output_gradient, bench->output, &size);
    for (size_t i = 0; i < bench->input_count; i++) {
        inputs += inner_product(t->inputs[i], bench->input_gradients[i], &size);
    }
    for (size_t i = 0; i < t->weight_count; i++) {
        if (strcmp(clayer_layer_get_weight_name(bench->layer, i), "bias") == 0) {
            bias = inner_product(t->weights[i], clayer_layer_get_weight_gradient(bench->layer, i), &size);
        }
    }
    (void)cly_layers_shape_text(clayer_tensor_get_shape(bench->inputs[0]), text, sizeof(text));
    ck_assert_msg(fabs(outputs - inputs - bias) <= 2e-6 * size + 1e-6,
                  "%s %s by %s, CLAYER_TEST_SEED=%" PRIu64 " case %" PRIu64 ": <y, dy> %.9g, <x, dx> + <b, db> %.9g",
                  name, text, by, seed, index, outputs, inputs + bias);
    for (size_t i = 0; i < t->weight_count; i++) {
        if (strcmp(clayer_layer_get_weight_name(bench->layer, i), "bias") != 0) {
            const clayer_tensor *gradient = clayer_layer_get_weight_gradient(bench->layer, i);
            double kernel = inner_product(t->weights[i], gradient, &size);
            ck_assert_msg(fabs(outputs - kernel - bias) <= 2e-6 * size + 1e-6,
                          "%s %s by %s, CLAYER_TEST_SEED=%" PRIu64 " case %" PRIu64
                          ": <y, dy> %.9g, <w%zu, dw> + <b, db> %.9g",
                          name, text, by, seed, index, outputs, i, kernel + bias);
        }
    }
}

/* All gradients once more by the same implementations, which `pick` draws: the same bits. */
static void check_repeats(trained *t, uint64_t pick) {
    test_bench *bench = &t->bench;
    float *before[8 + CLY_LAYERS_WEIGHTS] = {0};
    const clayer_tensor *tensors[8 + CLY_LAYERS_WEIGHTS] = {0};
    size_t count = 0;
    for (size_t i = 0; i < bench->input_count; i++) {
        tensors[count++] = bench->input_gradients[i];
    }
    for (size_t i = 0; i < t->weight_count; i++) {
        const clayer_tensor *gradient = clayer_layer_get_weight_gradient(bench->layer, i);
        if (gradient != NULL) {
            tensors[count++] = gradient;
        }
    }
    for (size_t i = 0; i < count; i++) {
        before[i] = read_tensor(tensors[i]);
    }
    (void)test_bench_run_one(bench, &usage, pick);
    for (size_t i = 0; i < count; i++) {
        float *after = read_tensor(tensors[i]);
        ck_assert_msg(memcmp(before[i], after, (size_t)clayer_tensor_get_count(tensors[i]) * sizeof(float)) == 0,
                      "%s: gradient %zu has other bits in a second run", clayer_layer_get_class_name(bench->layer), i);
        free(before[i]);
        free(after);
    }
}

START_TEST(test_adjoint) {
    const int cases = test_cases(12);
    for (int i = 0; i < cases; i++) {
        const uint64_t index = (uint64_t)_i * 100000 + (uint64_t)i;
        test_random random = test_random_start(seed, index);
        clayer_layer *layer = NULL;
        clayer_shape shapes[8];
        trained t;
        size_t count = test_draw_linear(&random, _i, &layer, shapes);
        open_trained(&t, &random, layer, shapes, count);
        const uint64_t pick = test_random_next(&random);
        const char *by = test_bench_run_one(&t.bench, &usage, pick);
        check_adjoint(&t, by, index);
        check_repeats(&t, pick);
        close_trained(&t);
    }
}
END_TEST

/* ---- finite differences ---- */

/* <y, dy> of a forward pass, y summed in double. */
static double objective(trained *t) {
    double size = 0;
    OK(clayer_layer_forward(t->bench.layer, t->bench.inputs, t->bench.input_count, t->bench.output));
    return inner_product(t->output_gradient, t->bench.output, &size);
}

/* Moves value `at` of the tensor, whose host copy is `values`, both ways. */
static void check_difference(trained *t, clayer_tensor *tensor, float *values, int64_t at,
                             const clayer_tensor *gradient, const char *what) {
    const float step = 1.0f / 128, value = values[at];
    const int64_t count = clayer_tensor_get_count(tensor);
    float *expected = read_tensor(gradient);
    double sums[2];
    for (int i = 0; i < 2; i++) {
        values[at] = i == 0 ? value + step : value - step;
        OK(clayer_tensor_write(tensor, values, count));
        sums[i] = objective(t);
    }
    values[at] = value;
    OK(clayer_tensor_write(tensor, values, count));
    const double found = (sums[0] - sums[1]) / (2.0 * (double)step);
    ck_assert_msg(fabs(found - (double)expected[at]) <= 2e-3 * (1 + fabs(found)),
                  "%s: d%s[%" PRId64 "] is %.7g, by differences %.7g, CLAYER_TEST_SEED=%" PRIu64,
                  clayer_layer_get_name(t->bench.layer), what, at, (double)expected[at], found, seed);
    free(expected);
}

static void check_differences(clayer_layer *layer, const clayer_shape *shape, test_random *random) {
    trained t;
    open_trained(&t, random, layer, shape, 1);
    OK(test_bench_run(&t.bench));
    const int64_t count = clayer_tensor_get_count(t.bench.inputs[0]);
    for (int i = 0; i < 3; i++) {
        check_difference(&t, t.bench.inputs[0], t.inputs[0], test_random_int(random, 0, count - 1),
                         t.bench.input_gradients[0], "x");
    }
    for (size_t i = 0; i < t.weight_count; i++) {
        clayer_tensor *weight = clayer_layer_get_weight(layer, i);
        const clayer_tensor *gradient = clayer_layer_get_weight_gradient(layer, i);
        if (gradient != NULL) {
            check_difference(&t, weight, t.weights[i], test_random_int(random, 0, clayer_tensor_get_count(weight) - 1),
                             gradient, clayer_layer_get_weight_name(layer, i));
        }
    }
    close_trained(&t);
}

/* Smooth ones: a step over a kink, or a bend as softsign's, would be another derivative. */
static const char *const activations[] = {"sigmoid",
                                          "tanh",
                                          "softplus",
                                          "exponential",
                                          "silu",
                                          "gelu",
                                          "mish",
                                          "squareplus",
                                          "log_sigmoid",
                                          "tanh_shrink",
                                          "gelu(approximate=False)",
                                          "softmax",
                                          "log_softmax"};

START_TEST(test_differences_of_activations) {
    test_random random = test_random_start(seed, 7000000 + (uint64_t)_i);
    const clayer_shape shape = {.rank = 4, .dims = {2, 5, 4, 3}};
    clayer_layer *layer = NULL;
    clayer_conv_config conv = {.struct_size = sizeof(conv),
                               .name = activations[_i],
                               .filters = 4,
                               .kernel_size = {2},
                               .data_format = _i % 2 == 0 ? "channels_last" : "channels_first",
                               .activation = activations[_i]};
    clayer_separable_conv_config separable = {.struct_size = sizeof(separable),
                                              .name = activations[_i],
                                              .filters = 3,
                                              .kernel_size = {2},
                                              .data_format = conv.data_format,
                                              .depth_multiplier = 2,
                                              .activation = activations[_i]};
    clayer_dense_config dense = {
        .struct_size = sizeof(dense), .name = activations[_i], .units = 5, .activation = activations[_i]};
    clayer_activation_config alone = {
        .struct_size = sizeof(alone), .name = activations[_i], .activation = activations[_i]};
    OK(clayer_layer_create(test_context(), "Conv2D", &conv, &layer));
    check_differences(layer, &shape, &random);
    OK(clayer_layer_create(test_context(), "SeparableConv2D", &separable, &layer));
    check_differences(layer, &shape, &random);
    OK(clayer_layer_create(test_context(), "Dense", &dense, &layer));
    check_differences(layer, &shape, &random);
    OK(clayer_layer_create(test_context(), "Activation", &alone, &layer));
    check_differences(layer, &shape, &random);
}
END_TEST

START_TEST(test_differences_of_others) {
    test_random random = test_random_start(seed, 8000000);
    const clayer_shape shape = {.rank = 4, .dims = {3, 4, 5, 3}};
    clayer_layer *layer = NULL;
    for (int64_t axis = 1; axis < 4; axis++) {
        clayer_softmax_config softmax = {.struct_size = sizeof(softmax), .has_axis = true, .axis = axis};
        clayer_batch_normalization_config norm = {.struct_size = sizeof(norm), .has_axis = true, .axis = axis};
        OK(clayer_layer_create(test_context(), "Softmax", &softmax, &layer));
        check_differences(layer, &shape, &random);
        OK(clayer_layer_create(test_context(), "BatchNormalization", &norm, &layer));
        check_differences(layer, &shape, &random);
        norm.not_trainable = true;
        OK(clayer_layer_create(test_context(), "BatchNormalization", &norm, &layer));
        check_differences(layer, &shape, &random);
    }
}
END_TEST

/* ---- Dropout ---- */

/* y and dx are x and dy times the same mask of 0 and 1 / (1 - rate), equal along axes of 1 in noise_shape. */
static int check_mask(const trained *t, float scale, int64_t repeat, int64_t inner) {
    float *dx = read_tensor(t->bench.input_gradients[0]);
    int dropped = 0;
    for (int64_t i = 0; i < t->bench.count; i++) {
        const int64_t first = i / (repeat * inner) * repeat * inner + i % inner;
        const bool kept = t->bench.actual[first] != 0;
        ck_assert_float_eq_tol(t->bench.actual[i], kept ? t->inputs[0][i] * scale : 0, 1e-6f);
        ck_assert_float_eq_tol(dx[i], kept ? t->output_gradient[i] * scale : 0, 1e-6f);
        dropped += !kept;
    }
    free(dx);
    return dropped;
}

START_TEST(test_dropout) {
    test_random random = test_random_start(seed, 9000000);
    const clayer_shape shape = {.rank = 3, .dims = {8, 10, 25}};
    clayer_dropout_config config = {
        .struct_size = sizeof(config), .rate = 0.25, .has_seed = _i != 0, .seed = 7, .noise_shape = {0}};
    clayer_layer *layer = NULL;
    trained t;
    if (_i == 2) {
        config.noise_shape = (clayer_shape){.rank = 3, .dims = {-1, 1, 25}};
    }
    const int64_t repeat = _i == 2 ? 10 : 1, inner = _i == 2 ? 25 : 1;
    int ran = 0;
    OK(clayer_layer_create(test_context(), "Dropout", &config, &layer));
    open_trained(&t, &random, layer, &shape, 1);
    for (const cly_ops_implementation *one = cly_ops_dropout_operator.implementations; one->name != NULL; one++) {
        OK(clayer_context_force(test_context(), "dropout", one->name));
        const clayer_status status = test_bench_run(&t.bench);
        if (status == CLAYER_UNSUPPORTED && _i == 2) {
            continue; /* a shared mask is not for every implementation */
        }
        ck_assert_msg(status == CLAYER_OK, "dropout by %s: %s", one->name, clayer_last_error());
        ran++;
        const int dropped = check_mask(&t, 1 / 0.75f, repeat, inner);
        ck_assert_int_ge(dropped, 300); /* of 2000: 500 expected, their deviation is 19, or 61 with 200 draws */
        ck_assert_int_le(dropped, 700);
        float *before = read_tensor(t.bench.output);
        OK(test_bench_run(&t.bench));
        ck_assert_msg(memcmp(before, t.bench.actual, (size_t)t.bench.count * sizeof(float)) != 0,
                      "a second training step drops the same values");
        free(before);
    }
    ck_assert_int_ge(ran, 1);
    OK(clayer_context_force(test_context(), "dropout", NULL));
    OK(clayer_layer_set_training(layer, false));
    OK(clayer_layer_forward(layer, t.bench.inputs, 1, t.bench.output));
    float *after = read_tensor(t.bench.output);
    ck_assert_mem_eq(after, t.inputs[0], (size_t)t.bench.count * sizeof(float));
    free(after);
    close_trained(&t);
}
END_TEST

/* A noise_shape that does not fit the input, and a short one with a None, which could stand for any axis. */
START_TEST(test_noise_shape) {
    static const clayer_shape noises[] = {
        {.rank = 2, .dims = {-1, 4}}, {.rank = 3, .dims = {2, 5, 4}}, {.rank = 4, .dims = {1, 1, 1, 1}}};
    const clayer_shape shape = {.rank = 3, .dims = {2, 3, 4}};
    for (size_t i = 0; i < CLY_COUNT(noises); i++) {
        clayer_dropout_config config = {.struct_size = sizeof(config), .rate = 0.5, .noise_shape = noises[i]};
        clayer_layer *layer = NULL;
        clayer_tensor *x = NULL, *y = NULL;
        OK(clayer_layer_create(test_context(), "Dropout", &config, &layer));
        OK(clayer_layer_set_training(layer, true));
        OK(clayer_tensor_create(test_context(), shape.rank, shape.dims, &x));
        OK(clayer_tensor_create(test_context(), shape.rank, shape.dims, &y));
        ck_assert_int_eq(clayer_layer_forward(layer, &x, 1, y), CLAYER_INVALID_SHAPE);
        ck_assert_ptr_nonnull(strstr(clayer_last_error(), "Dropout: noise_shape ("));
        clayer_tensor_destroy(x);
        clayer_tensor_destroy(y);
        clayer_layer_destroy(layer);
    }
}
END_TEST

/* ---- what is asked for, and memory ---- */

START_TEST(test_not_trainable) {
    test_random random = test_random_start(seed, 9100000);
    const clayer_shape shape = {.rank = 3, .dims = {2, 6, 3}};
    clayer_conv_config config = {
        .struct_size = sizeof(config), .not_trainable = true, .filters = 4, .kernel_size = {3}, .activation = "relu"};
    clayer_layer *layer = NULL;
    trained t;
    OK(clayer_layer_create(test_context(), "Conv1D", &config, &layer));
    open_trained(&t, &random, layer, &shape, 1);
    OK(test_bench_run(&t.bench));
    float *dx = read_tensor(t.bench.input_gradients[0]);
    for (int64_t i = 0; i < clayer_tensor_get_count(t.bench.inputs[0]); i++) {
        ck_assert_msg(isfinite(dx[i]), "dx[%" PRId64 "] was not written", i);
    }
    free(dx);
    ck_assert_ptr_null(clayer_layer_get_weight_gradient(layer, 0));
    ck_assert_ptr_null(clayer_layer_get_weight_gradient(layer, 1));
    /* Nothing is wanted at all. */
    OK(clayer_layer_backward(layer, t.bench.inputs, 1, t.bench.output, t.bench.output_gradient, NULL));
    close_trained(&t);
}
END_TEST

/* Gradients of weights alone are the same, and the input's gradient is left alone. */
START_TEST(test_unwanted_input) {
    test_random random = test_random_start(seed, 9200000);
    const clayer_shape shape = {.rank = 4, .dims = {2, 6, 5, 3}};
    clayer_separable_conv_config config = {
        .struct_size = sizeof(config), .filters = 4, .kernel_size = {3}, .activation = "gelu"};
    clayer_layer *layer = NULL;
    clayer_tensor *none = NULL;
    trained t;
    OK(clayer_layer_create(test_context(), "SeparableConv2D", &config, &layer));
    open_trained(&t, &random, layer, &shape, 1);
    OK(test_bench_run(&t.bench));
    float *before = read_tensor(clayer_layer_get_weight_gradient(layer, 0));
    OK(clayer_layer_backward(layer, t.bench.inputs, 1, t.bench.output, t.bench.output_gradient, &none));
    float *after = read_tensor(clayer_layer_get_weight_gradient(layer, 0));
    ck_assert_mem_eq(before, after, sizeof(float) * 27);
    free(before);
    free(after);
    close_trained(&t);
}
END_TEST

static uint64_t device_bytes(void) {
    clayer_counters counters;
    OK(clayer_context_get_counters(test_context(), &counters));
    return counters.device_bytes;
}

START_TEST(test_memory_only_in_training) {
    test_random random = test_random_start(seed, 9300000);
    const clayer_shape shape = {.rank = 4, .dims = {2, 6, 5, 3}};
    clayer_separable_conv_config config = {
        .struct_size = sizeof(config), .filters = 4, .kernel_size = {3}, .activation = "gelu"};
    clayer_layer *layer = NULL;
    trained t;
    OK(clayer_layer_create(test_context(), "SeparableConv2D", &config, &layer));
    open_trained(&t, &random, layer, &shape, 1);
    OK(clayer_layer_set_training(layer, false));
    OK(clayer_layer_forward(layer, t.bench.inputs, 1, t.bench.output));
    const uint64_t inference = device_bytes();
    OK(clayer_layer_set_training(layer, true));
    OK(clayer_layer_forward(layer, t.bench.inputs, 1, t.bench.output));
    ck_assert_uint_gt(device_bytes(), inference);
    OK(clayer_layer_set_training(layer, false));
    ck_assert_uint_eq(device_bytes(), inference);
    ck_assert_ptr_null(clayer_layer_get_weight_gradient(layer, 0));
    close_trained(&t);
}
END_TEST

/* ---- refusals ---- */

static void refused(clayer_status status, clayer_status expected, const char *message) {
    ck_assert_msg(status == expected && strstr(clayer_last_error(), message) != NULL, "status %d: %s\nexpected: %s",
                  (int)status, clayer_last_error(), message);
}

START_TEST(test_refusals) {
    test_random random = test_random_start(seed, 9400000);
    const clayer_shape shape = {.rank = 3, .dims = {2, 6, 3}};
    clayer_conv_config config = {.struct_size = sizeof(config), .name = "c", .filters = 3, .kernel_size = {1}};
    clayer_layer *layer = NULL;
    clayer_tensor *other = NULL, *wrong = NULL;
    trained t;
    OK(clayer_layer_create(test_context(), "Conv1D", &config, &layer));
    open_trained(&t, &random, layer, &shape, 1);
    test_bench *b = &t.bench;
    clayer_tensor *x = b->inputs[0], *y = b->output, *dy = b->output_gradient, *dx = b->input_gradients[0];
    OK(clayer_tensor_create(test_context(), 3, shape.dims, &other));
    OK(clayer_tensor_create(test_context(), 2, shape.dims, &wrong));
    refused(clayer_layer_set_training(NULL, true), CLAYER_INVALID_ARGUMENT, "layer is NULL");
    refused(clayer_layer_backward(layer, &x, 1, y, NULL, &dx), CLAYER_INVALID_ARGUMENT, "output_gradient is NULL");
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &dx), CLAYER_INVALID_ARGUMENT,
            "Conv1D 'c': the backward pass needs a forward pass before it");
    OK(clayer_layer_set_training(layer, false));
    OK(clayer_layer_forward(layer, &x, 1, y));
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &dx), CLAYER_INVALID_ARGUMENT, "with training set to true");
    OK(clayer_layer_set_training(layer, true));
    OK(clayer_layer_forward(layer, &x, 1, y));
    refused(clayer_layer_backward(layer, &x, 2, y, dy, &dx), CLAYER_INVALID_ARGUMENT,
            "2 inputs, the forward pass had 1");
    refused(clayer_layer_backward(layer, &other, 1, y, dy, &dx), CLAYER_INVALID_ARGUMENT,
            "input 0 is not that of the last forward pass");
    refused(clayer_layer_backward(layer, &x, 1, other, dy, &dx), CLAYER_INVALID_ARGUMENT,
            "the output is not that of the last forward pass");
    refused(clayer_layer_backward(layer, &x, 1, y, wrong, &dx), CLAYER_INVALID_SHAPE,
            "the output's gradient has shape (2, 6), must have (2, 6, 3)");
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &wrong), CLAYER_INVALID_SHAPE,
            "the gradient of input 0 has shape (2, 6), must have (2, 6, 3)");
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &x), CLAYER_INVALID_ARGUMENT,
            "the gradient of input 0 shares its memory with input 0");
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &y), CLAYER_INVALID_ARGUMENT,
            "shares its memory with the output");
    refused(clayer_layer_backward(layer, &x, 1, y, dy, &dy), CLAYER_INVALID_ARGUMENT,
            "shares its memory with the output's gradient");
    OK(clayer_layer_backward(layer, &x, 1, y, dy, &dx));
    clayer_tensor_destroy(other);
    clayer_tensor_destroy(wrong);
    close_trained(&t);
}
END_TEST

START_TEST(test_end) {
    (void)test_usage_report(&usage, 0);
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.training");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, test_adjoint, 0, test_linear_kinds);
    tcase_add_loop_test(tcase, test_differences_of_activations, 0, (int)CLY_COUNT(activations));
    tcase_add_test(tcase, test_differences_of_others);
    tcase_add_loop_test(tcase, test_dropout, 0, 3);
    tcase_add_test(tcase, test_noise_shape);
    tcase_add_test(tcase, test_not_trainable);
    tcase_add_test(tcase, test_unwanted_input);
    tcase_add_test(tcase, test_memory_only_in_training);
    tcase_add_test(tcase, test_refusals);
    tcase_add_test(tcase, test_end);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    seed = test_seed("layers.training");
    return cly_test_main(make);
}
