/* cli/selftest_more.c: PReLU, ELU, ThresholdedReLU, Permute, RepeatVector, Embedding, Masking, GaussianNoise and
 * GaussianDropout by plain loops. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"

enum { NOISE_SEED = 13 };

/* A random tensor (batch, outer, axis, inner) whose last three sizes are in `test`. */
static void random_tensor(selftest_random *random, selftest_case *test) {
    const int64_t batch = cly_selftest_between(random, 1, 3);
    test->outer = cly_selftest_between(random, 1, 5);
    test->axis = cly_selftest_between(random, 1, 7);
    test->inner = cly_selftest_between(random, 1, 9);
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){4, {batch, test->outer, test->axis, test->inner}};
    test->output = test->inputs[0];
    test->terms = 1;
    snprintf(test->text, sizeof test->text, "%" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64, batch, test->outer,
             test->axis, test->inner);
}

/* ---- activations ---- */

static bool expect_activation(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    bool known = true;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        known = reference_activate(&test->activation, (double)x[0][i], &y[i]) && known;
    }
    return known;
}

void cly_selftest_elu(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    const bool given = cly_selftest_flip(random);
    test->config.elu =
        (clayer_elu_config){.struct_size = sizeof test->config.elu, .has_alpha = given, .alpha = given ? 0.5 : 0};
    test->activation = (reference_activation){"elu", {given ? 0.5 : 1}};
    test->expect = expect_activation;
}

void cly_selftest_thresholded_relu(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    test->config.thresholded_relu = (clayer_thresholded_relu_config){
        .struct_size = sizeof test->config.thresholded_relu, .has_theta = true, .theta = 0.25};
    test->activation = (reference_activation){"threshold", {0.25, 0}};
    test->expect = expect_activation;
}

/* alpha has a value an (axis, inner), an (outer, axis), or one: the others of the three axes are shared. */
static bool expect_prelu(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    const int64_t sample = test->outer * test->axis * test->inner;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const int64_t at[3] = {i % (test->axis * test->inner), i % sample / test->inner, 0};
        const double v = (double)x[0][i];
        y[i] = v > 0 ? v : v * (double)weights[0][at[test->index % 3]];
    }
    return true;
}

void cly_selftest_prelu(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    static const clayer_shape shared[3] = {{1, {1}}, {1, {3}}, {3, {1, 2, 3}}};
    (void)layer;
    random_tensor(random, test);
    test->config.prelu =
        (clayer_prelu_config){.struct_size = sizeof test->config.prelu, .shared_axes = shared[test->index % 3]};
    test->expect = expect_prelu;
}

/* ---- moves ---- */

static bool expect_permute(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const int64_t sample = test->outer * test->axis * test->inner;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) { /* to (inner, outer, axis) */
        const int64_t at = i % sample, inner = at / (test->outer * test->axis), rest = at % (test->outer * test->axis);
        y[i] = (double)x[0][i - at + rest * test->inner + inner];
    }
    return true;
}

void cly_selftest_permute(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    test->output = (clayer_shape){4, {test->inputs[0].dims[0], test->inner, test->outer, test->axis}};
    test->config.permute = (clayer_permute_config){.struct_size = sizeof test->config.permute, .dims = {3, {3, 1, 2}}};
    test->expect = expect_permute;
    test->terms = 0;
}

static bool expect_repeat(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        y[i] = (double)x[0][i / (test->axis * test->inner) * test->inner + i % test->inner];
    }
    return true;
}

void cly_selftest_repeat_vector(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    test->inputs[0] = (clayer_shape){2, {test->outer, test->inner}};
    test->output = (clayer_shape){3, {test->outer, test->axis, test->inner}};
    test->config.repeat_vector =
        (clayer_repeat_vector_config){.struct_size = sizeof test->config.repeat_vector, .n = test->axis};
    test->expect = expect_repeat;
    test->terms = 0;
}

/* Rows of a table; selftest_run.c draws numbers and a half, of which the half is cut off. */
static bool expect_embedding(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const int64_t row = (int64_t)x[0][i / test->inner];
        y[i] = (double)weights[0][row * test->inner + i % test->inner];
    }
    return true;
}

void cly_selftest_embedding(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    test->inputs[0] = (clayer_shape){2, {test->outer, test->axis}};
    test->output = (clayer_shape){3, {test->outer, test->axis, test->inner}};
    test->numbers = cly_selftest_between(random, 1, 9);
    test->config.embedding = (clayer_embedding_config){
        .struct_size = sizeof test->config.embedding, .input_dim = test->numbers, .output_dim = test->inner};
    test->expect = expect_embedding;
    test->terms = 0;
}

/* Rows of 0.5 throughout become 0; the others stay. */
static bool expect_masking(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        const float *row = x[0] + i / test->inner * test->inner;
        bool differs = false;
        for (int64_t c = 0; c < test->inner; c++) {
            differs = differs || row[c] != 0.5f;
        }
        y[i] = differs ? (double)x[0][i] : 0;
    }
    return true;
}

void cly_selftest_masking(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_tensor(random, test);
    test->numbers = 2;
    test->config.masking = (clayer_masking_config){.struct_size = sizeof test->config.masking, .mask_value = 0.5};
    test->expect = expect_masking;
    test->terms = 0;
}

/* ---- noise, in a first pass of training ---- */

static bool expect_itself(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        y[i] = (double)x[0][i];
    }
    return true;
}

static bool expect_noise(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    reference_noise(cly_selftest_count(&test->output), 0.5, test->average, NOISE_SEED, 1, x[0], y);
    return true;
}

void cly_selftest_noise(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    random_tensor(random, test);
    test->average = strcmp(layer->class_name, "GaussianDropout") == 0; /* it multiplies */
    if (test->average) {
        test->config.gaussian_dropout = (clayer_gaussian_dropout_config){
            .struct_size = sizeof test->config.gaussian_dropout, .rate = 0.2, .has_seed = true, .seed = NOISE_SEED};
    } else {
        test->config.gaussian_noise = (clayer_gaussian_noise_config){
            .struct_size = sizeof test->config.gaussian_noise, .stddev = 0.5, .has_seed = true, .seed = NOISE_SEED};
    }
    test->expect = expect_itself;
    test->expect_training = expect_noise; /* sqrt(0.2 / 0.8) is 0.5 */
    test->terms = 2;
}
