/* cli/selftest_layers.c: the list of layers to test, random numbers, and cases of the layers that work on one value or
 * one axis at a time. */
#include "selftest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- random numbers: splitmix64 ---- */

static uint64_t next(selftest_random *random) {
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t cly_selftest_between(selftest_random *random, int64_t low, int64_t high) {
    return low + (int64_t)(next(random) % (uint64_t)(high - low + 1));
}

float cly_selftest_uniform(selftest_random *random) {
    return (float)(next(random) >> 40) / 8388608.0f - 1;
}

bool cly_selftest_flip(selftest_random *random) {
    return next(random) >> 63 != 0;
}

/* ---- shapes ---- */

void cly_selftest_sizes(selftest_random *random, int rank, int64_t low, int64_t high, int64_t sizes[3]) {
    for (int i = 0; i < 3; i++) {
        sizes[i] = i < 3 - rank ? 1 : cly_selftest_between(random, low, high);
    }
}

void cly_selftest_to_config(int rank, const int64_t sizes[3], int64_t *config) {
    for (int i = 0; i < rank; i++) {
        config[i] = sizes[3 - rank + i];
    }
}

clayer_shape cly_selftest_shape(int rank, bool channels_first, int64_t batch, const int64_t sizes[3],
                                int64_t channels) {
    clayer_shape shape = {.rank = rank + 2, .dims = {batch}};
    shape.dims[channels_first ? 1 : rank + 1] = channels;
    for (int i = 0; i < rank; i++) {
        shape.dims[(channels_first ? 2 : 1) + i] = sizes[3 - rank + i];
    }
    return shape;
}

void cly_selftest_window(selftest_case *test, int64_t batch, int64_t channels) {
    test->window.outer = test->channels_first ? batch * channels : batch;
    test->window.inner = test->channels_first ? 1 : channels;
}

int64_t cly_selftest_same_or_valid(const char *padding, int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                                   int64_t *before_out) {
    const int64_t effective = (kernel - 1) * dilation + 1;
    *before_out = 0;
    if (strcmp(padding, "same") == 0) {
        const int64_t out = (n + stride - 1) / stride, total = (out - 1) * stride + effective - n;
        *before_out = total > 0 ? total / 2 : 0;
        return out;
    }
    if (strcmp(padding, "causal") == 0) {
        *before_out = effective - 1;
        return (n - 1) / stride + 1;
    }
    return (n - effective) / stride + 1;
}

const char *cly_selftest_format(bool channels_first) {
    return channels_first ? "channels_first" : "channels_last";
}

/* ---- activations ---- */

/* Spec text of layers.h, and the same for the reference. */
static const struct {
    const char *text;
    reference_activation reference;
} activations[] = {
    /* the first six are tried in convolutions */
    {"linear", {"linear", {0}}},
    {"relu", {"relu", {0, INFINITY, 0}}},
    {"sigmoid", {"sigmoid", {0}}},
    {"tanh", {"tanh", {0}}},
    {"elu", {"elu", {1}}},
    {"leaky_relu(negative_slope=0.1)", {"leaky_relu", {0.1}}},
    {"relu(negative_slope=0.5, max_value=0.75, threshold=0.125)", {"relu", {0.5, 0.75, 0.125}}},
    {"selu", {"selu", {0}}},
    {"softplus", {"softplus", {0}}},
    {"softsign", {"softsign", {0}}},
    {"exponential", {"exponential", {0}}},
    {"hard_sigmoid", {"hard_sigmoid", {0}}},
    {"keras2_hard_sigmoid", {"keras2_hard_sigmoid", {0}}},
    {"silu", {"silu", {0}}},
    {"gelu", {"gelu", {0}}},
    {"gelu(approximate=true)", {"gelu", {1}}},
    {"relu6", {"relu6", {0}}},
    {"mish", {"mish", {0}}},
    {"hard_silu", {"hard_silu", {0}}},
    {"hard_tanh", {"hard_tanh", {0}}},
    {"tanh_shrink", {"tanh_shrink", {0}}},
    {"soft_shrink", {"soft_shrink", {0.5}}},
    {"hard_shrink", {"hard_shrink", {0.5}}},
    {"squareplus", {"squareplus", {4}}},
    {"sparse_plus", {"sparse_plus", {0}}},
    {"sparse_sigmoid", {"sparse_sigmoid", {0}}},
    {"celu", {"celu", {1}}},
    {"log_sigmoid", {"log_sigmoid", {0}}},
    {"threshold(threshold=0.25, default_value=-0.5)", {"threshold", {0.25, -0.5}}},
    {"softmax", {"softmax", {0}}},
    {"log_softmax", {"log_softmax", {0}}},
    {"sparsemax", {"sparsemax", {0}}},
};
enum { FUSED = 6, ACTIVATIONS = sizeof activations / sizeof activations[0] };

const char *cly_selftest_activation(selftest_random *random, reference_activation *activation_out) {
    const int64_t i = cly_selftest_between(random, 0, FUSED - 1);
    *activation_out = activations[i].reference;
    return activations[i].text;
}

static bool expect_activation(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    if (reference_softmax(test->activation.name, test->outer, test->axis, test->inner, x[0], y)) {
        return true;
    }
    bool known = true;
    for (int64_t i = 0; i < test->outer * test->axis * test->inner; i++) {
        known = reference_activate(&test->activation, (double)x[0][i], &y[i]) && known;
    }
    return known;
}

/* A random tensor of three axes, seen as (outer, axis, inner) around `axis`. */
static void random_tensor(selftest_random *random, int axis, selftest_case *test) {
    const int64_t sizes[3] = {cly_selftest_between(random, 1, 5), cly_selftest_between(random, 1, 9),
                              cly_selftest_between(random, 1, 9)};
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){3, {sizes[0], sizes[1], sizes[2]}};
    test->output = test->inputs[0];
    test->outer = axis == 1 ? sizes[0] : sizes[0] * sizes[1];
    test->axis = sizes[axis];
    test->inner = axis == 1 ? sizes[2] : 1;
    test->terms = (double)test->axis;
    test->expect = expect_activation;
    snprintf(test->text, sizeof test->text, "%" PRId64 "x%" PRId64 "x%" PRId64 ", axis %d", sizes[0], sizes[1],
             sizes[2], axis);
}

static void add_text(selftest_case *test, const char *text) {
    size_t used = strlen(test->text);
    snprintf(test->text + used, sizeof test->text - used, ", %s", text);
}

void cly_selftest_activation_layer(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, 2, test);
    const int64_t i = test->index % ACTIVATIONS; /* each in turn */
    test->activation = activations[i].reference;
    test->config.activation =
        (clayer_activation_config){.struct_size = sizeof test->config.activation, .activation = activations[i].text};
    add_text(test, activations[i].text);
}

void cly_selftest_relu(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, 2, test);
    const bool plain = cly_selftest_flip(random);
    clayer_relu_config *config = &test->config.relu;
    *config = (clayer_relu_config){.struct_size = sizeof *config};
    if (!plain) {
        config->has_max_value = true;
        config->max_value = 0.75;
        config->negative_slope = 0.25;
        config->threshold = 0.125;
    }
    test->activation =
        (reference_activation){"relu", {config->negative_slope, plain ? INFINITY : 0.75, config->threshold}};
    add_text(test, plain ? "plain" : "max_value 0.75, negative_slope 0.25, threshold 0.125");
}

void cly_selftest_leaky_relu(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, 2, test);
    const bool given = cly_selftest_flip(random);
    test->config.leaky_relu = (clayer_leaky_relu_config){
        .struct_size = sizeof test->config.leaky_relu, .has_negative_slope = given, .negative_slope = given ? 0.1 : 0};
    test->activation = (reference_activation){"leaky_relu", {given ? 0.1 : 0.3}};
    add_text(test, given ? "slope 0.1" : "slope 0.3");
}

void cly_selftest_softmax(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int axis = (int)cly_selftest_between(random, 1, 2);
    random_tensor(random, axis, test);
    test->config.softmax =
        (clayer_softmax_config){.struct_size = sizeof test->config.softmax, .has_axis = true, .axis = axis};
    test->activation = (reference_activation){"softmax", {0}};
}

/* ---- BatchNormalization, Add ---- */

static bool expect_batch_norm(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    reference_batch_norm(test->outer, test->axis, test->inner, 0.01, x[0], weights[0], weights[1], weights[2],
                         weights[3], y);
    return true;
}

/* With the batch's own mean and variance. */
static bool expect_own_statistics(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    enum { MOST = 64 };
    double mean[MOST], variance[MOST];
    if (test->axis > MOST) {
        return false;
    }
    reference_moments(test->outer, test->axis, test->inner, x[0], mean, variance);
    for (int64_t i = 0; i < test->outer * test->axis * test->inner; i++) {
        const int64_t c = i / test->inner % test->axis;
        y[i] = (double)weights[0][c] * ((double)x[0][i] - mean[c]) / sqrt(variance[c] + 0.01) + (double)weights[1][c];
    }
    return true;
}

void cly_selftest_batch_norm(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    const int axis = (int)cly_selftest_between(random, 1, 2);
    random_tensor(random, axis, test);
    test->terms = 4;
    test->expect = expect_batch_norm;
    test->expect_training = expect_own_statistics;
    test->config.batch_norm = (clayer_batch_normalization_config){
        .struct_size = sizeof test->config.batch_norm, .has_axis = true, .axis = axis, .epsilon = 0.01};
}

/* Axes of length 1 repeat. */
static bool expect_add(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const int64_t *dims = test->output.dims;
    for (int64_t i = 0; i < dims[0] * dims[1] * dims[2]; i++) {
        const int64_t at[3] = {i / dims[2] / dims[1], i / dims[2] % dims[1], i % dims[2]};
        y[i] = 0;
        for (size_t input = 0; input < test->input_count; input++) {
            const int64_t *in = test->inputs[input].dims;
            const int64_t from =
                ((in[0] > 1 ? at[0] : 0) * in[1] + (in[1] > 1 ? at[1] : 0)) * in[2] + (in[2] > 1 ? at[2] : 0);
            y[i] += (double)x[input][from];
        }
    }
    return true;
}

void cly_selftest_add(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, 2, test);
    test->input_count = (size_t)cly_selftest_between(random, 2, SELFTEST_INPUTS);
    for (size_t i = 1; i < test->input_count; i++) {
        test->inputs[i] = test->inputs[0];
        test->inputs[i].dims[2] = i == 1 && cly_selftest_flip(random) ? 1 : test->inputs[0].dims[2];
    }
    test->terms = (double)test->input_count;
    test->expect = expect_add;
    test->config.add = (clayer_add_config){.struct_size = sizeof test->config.add};
    add_text(test, test->input_count == 2 ? "2 inputs" : "3 inputs");
}

/* ---- the layers ---- */

const selftest_layer cly_selftest_layers[] = {
    {"Conv1D", 1, {"conv"}, {"conv_transpose", "conv_weights", "activation_gradient", "reduce"}, 0, cly_selftest_conv},
    {"Conv2D", 2, {"conv"}, {"conv_transpose", "conv_weights", "activation_gradient", "reduce"}, 0, cly_selftest_conv},
    {"Conv3D", 3, {"conv"}, {"conv_transpose", "conv_weights", "activation_gradient", "reduce"}, 0, cly_selftest_conv},
    {"SeparableConv1D",
     1,
     {"depthwise", "conv"},
     {"depthwise_transpose", "depthwise_weights", "conv_transpose", "conv_weights", "activation_gradient", "reduce"},
     0,
     cly_selftest_separable},
    {"SeparableConv2D",
     2,
     {"depthwise", "conv"},
     {"depthwise_transpose", "depthwise_weights", "conv_transpose", "conv_weights", "activation_gradient", "reduce"},
     0,
     cly_selftest_separable},
    {"DepthwiseConv2D",
     2,
     {"depthwise"},
     {"depthwise_transpose", "depthwise_weights", "activation_gradient", "reduce"},
     0,
     cly_selftest_depthwise},
    {"Conv2DTranspose",
     2,
     {"conv_transpose"},
     {"conv", "conv_weights", "activation_gradient", "reduce"},
     0,
     cly_selftest_conv_transpose},
    {"Conv3DTranspose",
     3,
     {"conv_transpose"},
     {"conv", "conv_weights", "activation_gradient", "reduce"},
     0,
     cly_selftest_conv_transpose},
    {"Cropping1D", 1, {"window"}, {"window"}, 0, cly_selftest_cropping},
    {"Cropping2D", 2, {"window"}, {"window"}, 0, cly_selftest_cropping},
    {"Cropping3D", 3, {"window"}, {"window"}, 0, cly_selftest_cropping},
    {"UpSampling1D", 1, {"resize"}, {"resize_gradient"}, 0, cly_selftest_up_sampling},
    {"UpSampling2D", 2, {"resize"}, {"resize_gradient"}, 0, cly_selftest_up_sampling},
    {"UpSampling3D", 3, {"resize"}, {"resize_gradient"}, 0, cly_selftest_up_sampling},
    {"ZeroPadding1D", 1, {"window"}, {"window"}, 0, cly_selftest_zero_padding},
    {"ZeroPadding2D", 2, {"window"}, {"window"}, 0, cly_selftest_zero_padding},
    {"ZeroPadding3D", 3, {"window"}, {"window"}, 0, cly_selftest_zero_padding},
    {"Dense", 0, {"conv"}, {"conv_transpose", "conv_weights", "activation_gradient", "reduce"}, 0, cly_selftest_dense},
    {"Flatten", 0, {"transpose"}, {"transpose"}, 0, cly_selftest_flatten},
    {"Reshape", 0, {NULL}, {NULL}, 0, cly_selftest_reshape},
    {"Activation",
     0,
     {"activation", "softmax"},
     {"activation_gradient", "softmax_gradient"},
     ACTIVATIONS,
     cly_selftest_activation_layer},
    {"ReLU", 0, {"activation"}, {"activation_gradient"}, 0, cly_selftest_relu},
    {"LeakyReLU", 0, {"activation"}, {"activation_gradient"}, 0, cly_selftest_leaky_relu},
    {"PReLU", 0, {"arithmetic"}, {"arithmetic_gradient", "reduce"}, 0, cly_selftest_prelu},
    {"ELU", 0, {"activation"}, {"activation_gradient"}, 0, cly_selftest_elu},
    {"ThresholdedReLU", 0, {"activation"}, {"activation_gradient"}, 0, cly_selftest_thresholded_relu},
    {"Permute", 0, {"transpose"}, {"transpose"}, 0, cly_selftest_permute},
    {"RepeatVector", 0, {"resize"}, {"reduce"}, 0, cly_selftest_repeat_vector},
    {"Embedding", 0, {"gather"}, {"gather_gradient", "window"}, 0, cly_selftest_embedding},
    {"Masking", 0, {"differs"}, {"differs"}, 0, cly_selftest_masking},
    {"GaussianNoise", 0, {NULL}, {"noise", "copy"}, 0, cly_selftest_noise},
    {"GaussianDropout", 0, {NULL}, {"noise"}, 0, cly_selftest_noise},
    {"RandomFlip", 0, {NULL}, {"draw", "warp"}, 0, cly_selftest_flip_images},
    {"RandomTranslation", 0, {NULL}, {"draw", "warp"}, 0, cly_selftest_shift_images},
    {"RandomContrast", 0, {NULL}, {"draw", "reduce", "recolour", "recolour_gradient"}, 0, cly_selftest_recolour_images},
    {"RandomBrightness", 0, {NULL}, {"draw", "recolour", "recolour_gradient"}, 0, cly_selftest_recolour_images},
    {"Softmax", 0, {"softmax"}, {"softmax_gradient"}, 0, cly_selftest_softmax},
    {"Dropout", 0, {NULL}, {"dropout"}, 0, cly_selftest_dropout},
    {"BatchNormalization",
     0,
     {"batch_norm"},
     {"batch_norm_gradient", "moments", "moving_average"},
     0,
     cly_selftest_batch_norm},
    {"LayerNormalization", 0, {"group_norm"}, {"group_norm_gradient", "reduce"}, 0, cly_selftest_layer_norm},
    {"Rescaling", 0, {"normalize"}, {"normalize"}, 0, cly_selftest_rescaling},
    {"Resizing", 0, {"resample"}, {"resample_gradient"}, 0, cly_selftest_resizing},
    {"MaxPooling1D", 1, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"MaxPooling2D", 2, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"MaxPooling3D", 3, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"AveragePooling1D", 1, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"AveragePooling2D", 2, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"AveragePooling3D", 3, {"pool"}, {"pool_gradient"}, 0, cly_selftest_pooling},
    {"GlobalMaxPooling1D", 1, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"GlobalMaxPooling2D", 2, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"GlobalMaxPooling3D", 3, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"GlobalAveragePooling1D", 1, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"GlobalAveragePooling2D", 2, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"GlobalAveragePooling3D", 3, {"pool"}, {"pool_gradient"}, 0, cly_selftest_global_pooling},
    {"Add", 0, {"arithmetic"}, {"copy", "reduce"}, 0, cly_selftest_add},
    {"Subtract", 0, {"arithmetic"}, {"copy", "reduce"}, 0, cly_selftest_join},
    {"Multiply", 0, {"arithmetic"}, {"reduce"}, 0, cly_selftest_join},
    {"Average", 0, {"arithmetic"}, {"reduce"}, 0, cly_selftest_join},
    {"Maximum", 0, {"arithmetic"}, {"arithmetic_gradient", "reduce"}, 0, cly_selftest_join},
    {"Minimum", 0, {"arithmetic"}, {"arithmetic_gradient", "reduce"}, 0, cly_selftest_join},
    {"Dot", 0, {"contract"}, {"contract"}, 0, cly_selftest_dot},
    {"CustomScaleLayer", 0, {"arithmetic"}, {"arithmetic_gradient", "copy", "reduce"}, 0, cly_selftest_join},
    {"LayerScale", 0, {"arithmetic"}, {"reduce"}, 0, cly_selftest_layer_scale},
    {"Concatenate", 0, {"copy"}, {"copy"}, 0, cly_selftest_concatenate},
    {NULL, 0, {NULL}, {NULL}, 0, NULL},
};
