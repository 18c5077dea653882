/* cli/selftest_images.c: RandomFlip, RandomTranslation, RandomContrast and RandomBrightness by plain loops, in a first
 * pass of training. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"

enum { SEED = 17, IMAGES = 3 };

static const double shift[2] = {0.25, 0.25}, limits[2] = {0.0, 0.75}, range[2] = {-0.5, 0.75};

static bool expect_itself(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t i = 0; i < cly_selftest_count(&test->output); i++) {
        y[i] = (double)x[0][i];
    }
    return true;
}

static reference_images images_of(const selftest_case *test) {
    return (reference_images){.images = IMAGES,
                              .channels = test->size[2],
                              .in = {test->size[0], test->size[1]},
                              .out = {test->size[0], test->size[1]},
                              .channels_first = test->channels_first};
}

static void random_images(selftest_random *random, bool divisible, selftest_case *test) {
    const int64_t step = divisible ? 4 : 1; /* a quarter of the rows is then whole */
    test->size[0] = step * cly_selftest_between(random, 1, 12 / step);
    test->size[1] = step * cly_selftest_between(random, 1, 12 / step);
    test->size[2] = cly_selftest_between(random, 1, 4);
    test->channels_first = cly_selftest_flip(random);
    test->input_count = 1;
    test->inputs[0] = (clayer_shape){4, {IMAGES, test->size[0], test->size[1], test->size[2]}};
    if (test->channels_first) {
        test->inputs[0] = (clayer_shape){4, {IMAGES, test->size[2], test->size[0], test->size[1]}};
    }
    test->output = test->inputs[0];
    test->expect = expect_itself;
    test->config.augmentation = (clayer_augmentation_config){.struct_size = sizeof test->config.augmentation,
                                                             .data_format = cly_selftest_format(test->channels_first),
                                                             .has_seed = true,
                                                             .seed = SEED};
    snprintf(test->text, sizeof test->text, "%" PRId64 "x%" PRId64 ", %" PRId64 " channels, %s", test->size[0],
             test->size[1], test->size[2], cly_selftest_format(test->channels_first));
}

/* ---- places ---- */

/* Both directions or none. */
static bool expect_flip(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const reference_images images = images_of(test);
    float matrices[IMAGES * 6] = {0};
    for (uint64_t n = 0; n < IMAGES; n++) {
        const bool flips = reference_uniform(SEED, n, 1, 0) <= 0.5;
        float *m = matrices + 6 * n;
        m[0] = m[4] = flips ? -1 : 1;
        m[2] = flips ? (float)(images.in[1] - 1) : 0;
        m[5] = flips ? (float)(images.in[0] - 1) : 0;
    }
    reference_warp(&images, false, 'c', 0, matrices, x[0], y);
    return true;
}

void cly_selftest_flip_images(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_images(random, false, test);
    test->expect_training = expect_flip;
    test->terms = 0;
}

/* By whole pixels, so that the gradient of TensorFlow, which shifts back, is the true one. */
static bool expect_shift(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const reference_images images = images_of(test);
    float matrices[IMAGES * 6] = {0};
    for (int n = 0; n < IMAGES; n++) {
        float *m = matrices + 6 * n;
        m[0] = m[4] = 1;
        m[2] = -(float)images.in[1] / 4;
        m[5] = -(float)images.in[0] / 4;
    }
    reference_warp(&images, true, 'c', 0, matrices, x[0], y);
    return true;
}

void cly_selftest_shift_images(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_images(random, true, test);
    test->config.augmentation.height_factor = test->config.augmentation.width_factor = shift;
    test->config.augmentation.height_factor_count = test->config.augmentation.width_factor_count = 2;
    test->config.augmentation.fill_mode = "constant";
    test->expect_training = expect_shift;
    test->terms = 0;
}

/* ---- colours ---- */

static bool expect_recoloured(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const reference_images images = images_of(test);
    float f[IMAGES];
    for (uint64_t n = 0; n < IMAGES; n++) {
        const double part = reference_uniform(SEED, n, 1, 0) * limits[1];
        f[n] = (float)(test->average ? 1 + part : part * (range[1] - range[0]));
    }
    reference_recolour(&images, !test->average, range[0], range[1], f, NULL, x[0], y);
    return true;
}

void cly_selftest_recolour_images(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    random_images(random, false, test);
    test->average = strcmp(layer->class_name, "RandomContrast") == 0; /* it has means */
    test->config.augmentation.factor = limits;
    test->config.augmentation.factor_count = 2;
    test->config.augmentation.value_range = range;
    test->config.augmentation.value_range_count = 2;
    test->expect_training = expect_recoloured;
    test->terms = (double)(test->size[0] * test->size[1]);
}
