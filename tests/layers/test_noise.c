/* layers/test_noise.c: layers that draw numbers in training: whole channels dropped together, any noise_shape,
 * AlphaDropout's and the Gaussian layers' mean and variance; gradients by the same numbers, other numbers in each step,
 * nothing at all in inference. And what these layers, Permute, RepeatVector, PReLU, Embedding and Masking refuse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/runner.h"

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s: %s", #call, clayer_last_error())

/* ---- one pass of training ---- */

typedef struct pass {
    clayer_layer *layer;
    clayer_tensor *x, *y, *dy, *dx;
    int64_t count;
    float *in, *out, *slope; /* slope: dx where dy is 1 */
} pass;

static clayer_tensor *make_tensor(const clayer_shape *shape, const float *values) {
    clayer_tensor *tensor = NULL;
    OK(clayer_tensor_create(test_context(), shape->rank, shape->dims, &tensor));
    if (values != NULL) {
        OK(clayer_tensor_write(tensor, values, clayer_tensor_get_count(tensor)));
    }
    return tensor;
}

/* A layer in training on `value(i)` everywhere. */
static void open_pass(pass *p, const char *class_name, const void *config, const clayer_shape *shape,
                      float (*value)(int64_t i)) {
    OK(clayer_layer_create(test_context(), class_name, config, &p->layer));
    p->count = cly_layers_product(shape, 0, shape->rank);
    p->in = calloc((size_t)p->count, sizeof(float));
    p->out = calloc((size_t)p->count, sizeof(float));
    p->slope = calloc((size_t)p->count, sizeof(float));
    ck_assert(p->in != NULL && p->out != NULL && p->slope != NULL);
    for (int64_t i = 0; i < p->count; i++) {
        p->in[i] = 1;
    }
    p->dy = make_tensor(shape, p->in);
    for (int64_t i = 0; i < p->count; i++) {
        p->in[i] = value(i);
    }
    p->x = make_tensor(shape, p->in);
    p->y = make_tensor(shape, NULL);
    p->dx = make_tensor(shape, NULL);
    OK(clayer_layer_set_training(p->layer, true));
}

static void run_pass(pass *p) {
    OK(clayer_layer_forward(p->layer, &p->x, 1, p->y));
    OK(clayer_layer_backward(p->layer, &p->x, 1, p->y, p->dy, &p->dx));
    OK(clayer_tensor_read(p->y, p->out, p->count));
    OK(clayer_tensor_read(p->dx, p->slope, p->count));
}

/* Other numbers in the next step, the values as they are in inference. */
static void close_pass(pass *p) {
    float *again = calloc((size_t)p->count, sizeof(float));
    ck_assert_ptr_nonnull(again);
    OK(clayer_layer_forward(p->layer, &p->x, 1, p->y));
    OK(clayer_tensor_read(p->y, again, p->count));
    ck_assert_msg(memcmp(again, p->out, (size_t)p->count * sizeof(float)) != 0, "two steps draw the same numbers");
    OK(clayer_layer_set_training(p->layer, false));
    OK(clayer_layer_forward(p->layer, &p->x, 1, p->y));
    OK(clayer_tensor_read(p->y, again, p->count));
    ck_assert_mem_eq(again, p->in, (size_t)p->count * sizeof(float));
    free(again);
    free(p->in);
    free(p->out);
    free(p->slope);
    clayer_tensor_destroy(p->x);
    clayer_tensor_destroy(p->y);
    clayer_tensor_destroy(p->dx);
    clayer_tensor_destroy(p->dy);
    clayer_layer_destroy(p->layer);
}

static float ramp(int64_t i) {
    return (float)(i % 7) / 8 + 0.25f;
}

/* Alternating, of mean 0 and variance 1. */
static float waves(int64_t i) {
    return i % 2 == 0 ? 1 : -1;
}

/* ---- dropping ---- */

/* Elements that share a number: the same index once the axes in `repeats` are left out. */
static int64_t number_of(const clayer_shape *shape, unsigned repeats, int64_t i) {
    int64_t number = 0, stride = 1;
    for (int axis = shape->rank - 1; axis >= 0; axis--) {
        if (!(repeats >> axis & 1u)) {
            number += i % shape->dims[axis] * stride;
            stride *= shape->dims[axis];
        }
        i /= shape->dims[axis];
    }
    return number;
}

static void expect_shared(pass *p, const clayer_shape *shape, unsigned repeats, float scale) {
    int *kept = calloc((size_t)p->count, sizeof(int));
    int64_t dropped = 0, drawn = 0;
    ck_assert_ptr_nonnull(kept);
    for (int64_t i = 0; i < p->count; i++) {
        const int64_t number = number_of(shape, repeats, i);
        const int is_kept = p->out[i] != 0 ? 1 : -1;
        drawn += kept[number] == 0;
        dropped += kept[number] == 0 && is_kept == -1;
        ck_assert_msg(kept[number] == 0 || kept[number] == is_kept, "element %d differs from others of its number",
                      (int)i);
        kept[number] = is_kept;
        ck_assert_float_eq_tol(p->out[i], is_kept == 1 ? p->in[i] * scale : 0, 1e-6f);
        ck_assert_float_eq_tol(p->slope[i], is_kept == 1 ? scale : 0, 1e-6f);
    }
    ck_assert_msg(fabs((double)dropped - 0.25 * (double)drawn) < 5 * sqrt((double)drawn * 0.1875) + 1,
                  "%d of %d dropped", (int)dropped, (int)drawn);
    free(kept);
}

START_TEST(spatial_dropout_drops_channels) {
    static const struct {
        const char *class_name, *data_format;
        clayer_shape shape;
        unsigned repeats;
    } cases[] = {{"SpatialDropout1D", NULL, {3, {20, 5, 30}}, 1u << 1},
                 {"SpatialDropout2D", "channels_last", {4, {20, 3, 2, 30}}, 3u << 1},
                 {"SpatialDropout2D", "channels_first", {4, {20, 30, 3, 2}}, 3u << 2},
                 {"SpatialDropout3D", "channels_last", {5, {20, 3, 2, 2, 30}}, 7u << 1},
                 {"SpatialDropout3D", "channels_first", {5, {20, 30, 3, 2, 2}}, 7u << 2}};
    for (size_t i = 0; i < CLY_COUNT(cases); i++) {
        const clayer_spatial_dropout_config config = {
            .struct_size = sizeof(config), .rate = 0.25, .data_format = cases[i].data_format};
        pass p;
        open_pass(&p, cases[i].class_name, &config, &cases[i].shape, ramp);
        run_pass(&p);
        expect_shared(&p, &cases[i].shape, cases[i].repeats, 1 / 0.75f);
        close_pass(&p);
    }
}
END_TEST

START_TEST(noise_shape_shares_numbers_along_any_axes) {
    static const struct {
        clayer_shape noise;
        unsigned repeats;
    } cases[] = {{{4, {1, 6, 1, 10}}, 1u | 1u << 2},
                 {{4, {-1, 1, 8, 1}}, 1u << 1 | 1u << 3},
                 {{4, {1, -1, 1, 1}}, 1u | 3u << 2},
                 {{3, {6, 1, 10}}, 1u | 1u << 2}, /* the last axes, as NumPy broadcasts */
                 {{1, {10}}, 7u},
                 {{4, {40, 6, 8, 10}}, 0}};
    const clayer_shape shape = {4, {40, 6, 8, 10}};
    for (size_t i = 0; i < CLY_COUNT(cases); i++) {
        const clayer_dropout_config config = {
            .struct_size = sizeof(config), .rate = 0.25, .has_seed = true, .seed = 4, .noise_shape = cases[i].noise};
        pass p;
        open_pass(&p, "Dropout", &config, &shape, ramp);
        run_pass(&p);
        expect_shared(&p, &shape, cases[i].repeats, 1 / 0.75f);
        close_pass(&p);
    }
}
END_TEST

/* ---- mean and variance ---- */

static void expect_moments(const pass *p, double mean, double variance) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < p->count; i++) {
        sum += (double)p->out[i];
        squares += (double)p->out[i] * (double)p->out[i];
    }
    sum /= (double)p->count;
    const double found = squares / (double)p->count - sum * sum;
    ck_assert_msg(fabs(sum - mean) < 0.02 && fabs(found - variance) < 0.03 * variance + 0.01,
                  "mean %g and variance %g, expected %g and %g", sum, found, mean, variance);
}

START_TEST(alpha_dropout_keeps_mean_and_variance) {
    const clayer_shape shape = {2, {1000, 100}};
    const clayer_dropout_config config = {.struct_size = sizeof(config), .rate = 0.25};
    pass p;
    open_pass(&p, "AlphaDropout", &config, &shape, waves);
    run_pass(&p);
    expect_moments(&p, 0, 1);
    const double lowest = -1.7580993408473766, a = 1 / sqrt(0.75 * (1 + 0.25 * lowest * lowest));
    const double b = -a * lowest * 0.25, dropped = a * lowest + b;
    for (int64_t i = 0; i < p.count; i++) {
        const bool kept = p.slope[i] != 0;
        ck_assert_double_eq_tol((double)p.out[i], kept ? a * (double)p.in[i] + b : dropped, 1e-6);
        ck_assert_double_eq_tol((double)p.slope[i], kept ? a : 0, 1e-6);
    }
    close_pass(&p);
}
END_TEST

START_TEST(gaussian_layers_have_their_variance) {
    const clayer_shape shape = {3, {100, 10, 100}};
    const clayer_gaussian_noise_config noise = {.struct_size = sizeof(noise), .stddev = 0.5};
    const clayer_gaussian_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.2};
    pass p;
    open_pass(&p, "GaussianNoise", &noise, &shape, waves);
    run_pass(&p);
    expect_moments(&p, 0, 1.25);
    for (int64_t i = 0; i < p.count; i++) {
        ck_assert_float_eq(p.slope[i], 1);
    }
    close_pass(&p);
    open_pass(&p, "GaussianDropout", &dropout, &shape, waves);
    run_pass(&p);
    expect_moments(&p, 0, 1.25);
    for (int64_t i = 0; i < p.count; i++) {
        ck_assert_float_eq_tol(p.slope[i], p.out[i] / p.in[i], 1e-6f);
    }
    close_pass(&p);
}
END_TEST

/* ---- refusals ---- */

static void expect_refused(const char *class_name, const void *config, const clayer_shape *shape, const char *part) {
    clayer_layer *layer = NULL;
    clayer_shape output;
    clayer_status status = clayer_layer_create(test_context(), class_name, config, &layer);
    if (status == CLAYER_OK) {
        status = clayer_layer_build(layer, shape, 1);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_get_output_shape(layer, shape, 1, &output);
    }
    ck_assert_msg(status != CLAYER_OK, "%s took it: no '%s'", class_name, part);
    ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "'%s' lacks '%s'", clayer_last_error(), part);
    clayer_layer_destroy(layer);
}

START_TEST(wrong_arguments_are_refused) {
    const clayer_shape one = {1, {4}}, two = {2, {4, 5}}, three = {3, {4, 5, 6}}, open = {3, {4, -1, 6}};
    expect_refused("Permute",
                   &(clayer_permute_config){.struct_size = sizeof(clayer_permute_config), .dims = {2, {1, 3}}}, &three,
                   "dims is (1, 3), must have each of 1 to its length once");
    expect_refused("Permute",
                   &(clayer_permute_config){.struct_size = sizeof(clayer_permute_config), .dims = {2, {2, 1}}}, &two,
                   "input (4, 5) has 2 axes, expects 3");
    expect_refused("Permute", &(clayer_permute_config){.struct_size = sizeof(clayer_permute_config)}, &two,
                   "dims is ()");
    expect_refused("RepeatVector", &(clayer_repeat_vector_config){.struct_size = sizeof(clayer_repeat_vector_config)},
                   &two, "n is required");
    expect_refused("RepeatVector",
                   &(clayer_repeat_vector_config){.struct_size = sizeof(clayer_repeat_vector_config), .n = 3}, &three,
                   "input (4, 5, 6) has 3 axes, expects 2");
    expect_refused("PReLU", NULL, &one, "input has 1 axis");
    expect_refused("PReLU", NULL, &open, "alpha");
    expect_refused("PReLU", &(clayer_prelu_config){.struct_size = sizeof(clayer_prelu_config), .shared_axes = {1, {3}}},
                   &three, "shared_axes has 3, outside the input (4, 5, 6)");
    expect_refused("ThresholdedReLU",
                   &(clayer_thresholded_relu_config){
                       .struct_size = sizeof(clayer_thresholded_relu_config), .has_theta = true, .theta = -1},
                   &two, "theta is -1, must be at least 0");
    expect_refused("GaussianNoise",
                   &(clayer_gaussian_noise_config){.struct_size = sizeof(clayer_gaussian_noise_config), .stddev = -0.5},
                   &two, "stddev is -0.5");
    expect_refused(
        "GaussianDropout",
        &(clayer_gaussian_dropout_config){.struct_size = sizeof(clayer_gaussian_dropout_config), .rate = 1.5}, &two,
        "rate is 1.5, must be from 0 to 1");
    expect_refused("SpatialDropout2D",
                   &(clayer_spatial_dropout_config){.struct_size = sizeof(clayer_spatial_dropout_config), .rate = 0.5},
                   &three, "has 3 axes, expects 4");
    expect_refused("Embedding", &(clayer_embedding_config){.struct_size = sizeof(clayer_embedding_config)}, &two,
                   "input_dim is required");
    expect_refused("Embedding",
                   &(clayer_embedding_config){
                       .struct_size = sizeof(clayer_embedding_config), .input_dim = 1 << 25, .output_dim = 2},
                   &two, "input_dim is 33554432, must be from 1 to 16777216");
    expect_refused(
        "Embedding",
        &(clayer_embedding_config){
            .struct_size = sizeof(clayer_embedding_config), .input_dim = 5, .output_dim = 2, .input_length = {1, {6}}},
        &two, "the input (4, 5) does not have the axes of input_length");
    expect_refused("Masking", NULL, &one, "input has 1 axis");
}
END_TEST

/* Keras 3 divides by 0 there; Keras 2 leaves the layer out. */
START_TEST(rates_of_one) {
    static const char *const names[] = {"AlphaDropout", "GaussianDropout"};
    const clayer_shape shape = {2, {4, 5}};
    for (int i = 0; i < 2; i++) {
        const clayer_dropout_config alpha = {.struct_size = sizeof(alpha), .rate = 1};
        const clayer_gaussian_dropout_config gaussian = {.struct_size = sizeof(gaussian), .rate = 1};
        clayer_layer *layer = NULL;
        clayer_tensor *x = make_tensor(&shape, NULL), *y = make_tensor(&shape, NULL);
        OK(clayer_layer_create(test_context(), names[i], i == 0 ? (const void *)&alpha : &gaussian, &layer));
        OK(clayer_layer_set_training(layer, true));
        ck_assert_int_eq(clayer_layer_forward(layer, &x, 1, y), CLAYER_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(clayer_last_error(), "rate is 1, must be below 1 in training"));
        layer->generation = 2;
        OK(clayer_layer_forward(layer, &x, 1, y));
        clayer_layer_destroy(layer);
        clayer_tensor_destroy(x);
        clayer_tensor_destroy(y);
    }
    test_context_drop();
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("layers.noise");
    TCase *cases = tcase_create("noise");
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, spatial_dropout_drops_channels);
    tcase_add_test(cases, noise_shape_shares_numbers_along_any_axes);
    tcase_add_test(cases, alpha_dropout_keeps_mean_and_variance);
    tcase_add_test(cases, gaussian_layers_have_their_variance);
    tcase_add_test(cases, wrong_arguments_are_refused);
    tcase_add_test(cases, rates_of_one);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
