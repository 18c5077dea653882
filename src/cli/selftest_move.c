/* cli/selftest_move.c: random cases of the layers that move values about, or look at windows of them. */
#include "selftest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* 1D cropping, padding and upsampling know only channels_last. */
static void random_window(selftest_random *random, const selftest_layer *layer, bool has_format, int64_t least,
                          selftest_case *test, int64_t *batch_out, int64_t *channels_out) {
    *batch_out = cly_selftest_between(random, 1, 3);
    *channels_out = cly_selftest_between(random, 1, 9);
    test->channels_first = cly_selftest_flip(random) && has_format;
    test->input_count = 1;
    cly_selftest_sizes(random, layer->rank, least, layer->rank == 3 ? 6 : 11, test->window.in);
    test->inputs[0] = cly_selftest_shape(test->rank, test->channels_first, *batch_out, test->window.in, *channels_out);
    cly_selftest_window(test, *batch_out, *channels_out);
}

static void describe(selftest_case *test, const char *what, const int64_t a[3], const int64_t b[3]) {
    char shape[160] = "";
    for (int i = 0; i < test->inputs[0].rank; i++) {
        size_t used = strlen(shape);
        snprintf(shape + used, sizeof shape - used, "%s%" PRId64, i > 0 ? "x" : "", test->inputs[0].dims[i]);
    }
    snprintf(test->text, sizeof test->text,
             "%s, %s %" PRId64 ",%" PRId64 ",%" PRId64 " and %" PRId64 ",%" PRId64 ",%" PRId64 ", %s", shape, what,
             a[0], a[1], a[2], b[0], b[1], b[2], cly_selftest_format(test->channels_first));
}

/* ---- cropping and padding ---- */

static bool expect_window(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    reference_window(&test->window, test->before, x[0], y);
    return true;
}

/* Amounts before and after per axis; `sign` 1 pads, -1 crops. Writes the config's pairs. */
static void random_amounts(selftest_random *random, const selftest_layer *layer, int sign, selftest_case *test,
                           int64_t pairs[3][2]) {
    int64_t after[3] = {0, 0, 0};
    for (int i = 3 - layer->rank; i < 3; i++) {
        test->before[i] = sign * cly_selftest_between(random, 0, 2);
        after[i] = sign * cly_selftest_between(random, 0, 2);
        pairs[i - (3 - layer->rank)][0] = sign * test->before[i];
        pairs[i - (3 - layer->rank)][1] = sign * after[i];
    }
    for (int i = 0; i < 3; i++) {
        test->window.out[i] = test->window.in[i] + test->before[i] + after[i];
    }
    describe(test, sign < 0 ? "cropping" : "padding", test->before, after);
}

void cly_selftest_cropping(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    int64_t batch, channels;
    random_window(random, layer, layer->rank > 1, 5, test, &batch, &channels);
    clayer_cropping_config *config = &test->config.cropping;
    *config =
        (clayer_cropping_config){.struct_size = sizeof *config,
                                 .has_cropping = true,
                                 .data_format = layer->rank > 1 ? cly_selftest_format(test->channels_first) : NULL};
    random_amounts(random, layer, -1, test, config->cropping);
    test->output = cly_selftest_shape(test->rank, test->channels_first, batch, test->window.out, channels);
    test->expect = expect_window;
}

void cly_selftest_zero_padding(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    int64_t batch, channels;
    random_window(random, layer, layer->rank > 1, 1, test, &batch, &channels);
    clayer_zero_padding_config *config = &test->config.padding;
    *config =
        (clayer_zero_padding_config){.struct_size = sizeof *config,
                                     .has_padding = true,
                                     .data_format = layer->rank > 1 ? cly_selftest_format(test->channels_first) : NULL};
    random_amounts(random, layer, 1, test, config->padding);
    test->output = cly_selftest_shape(test->rank, test->channels_first, batch, test->window.out, channels);
    test->expect = expect_window;
}

/* ---- upsampling ---- */

static bool expect_up_sampling(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    test->bilinear ? reference_bilinear(&test->window, x[0], y) : reference_nearest(&test->window, x[0], y);
    return true;
}

void cly_selftest_up_sampling(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    int64_t batch, channels, factor[3];
    random_window(random, layer, layer->rank > 1, 1, test, &batch, &channels);
    cly_selftest_sizes(random, layer->rank, 1, 4, factor);
    for (int i = 0; i < 3; i++) {
        test->window.out[i] = test->window.in[i] * factor[i];
    }
    test->bilinear = layer->rank == 2 && cly_selftest_flip(random);
    test->terms = test->bilinear ? 4 : 0;
    test->output = cly_selftest_shape(test->rank, test->channels_first, batch, test->window.out, channels);
    test->expect = expect_up_sampling;
    clayer_up_sampling_config *config = &test->config.up_sampling;
    *config =
        (clayer_up_sampling_config){.struct_size = sizeof *config,
                                    .data_format = layer->rank > 1 ? cly_selftest_format(test->channels_first) : NULL,
                                    .interpolation = layer->rank != 2 ? NULL
                                                     : test->bilinear ? "bilinear"
                                                                      : "nearest"};
    cly_selftest_to_config(layer->rank, factor, config->size);
    describe(test, test->bilinear ? "bilinear size" : "nearest size", factor, factor);
}

/* ---- pooling ---- */

static bool expect_pooling(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    reference_pool(&test->window, test->size, test->stride, test->before, test->average, x[0], y);
    return true;
}

void cly_selftest_pooling(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    int64_t batch, channels;
    const char *padding = cly_selftest_flip(random) ? "same" : "valid";
    random_window(random, layer, true, 3, test, &batch, &channels);
    cly_selftest_sizes(random, layer->rank, 1, 3, test->size);
    cly_selftest_sizes(random, layer->rank, 1, 3, test->stride);
    for (int i = 0; i < 3; i++) {
        test->window.out[i] = cly_selftest_same_or_valid(padding, test->window.in[i], test->size[i], test->stride[i], 1,
                                                         &test->before[i]);
    }
    test->average = strncmp(layer->class_name, "Average", 7) == 0;
    test->terms = test->average ? (double)(test->size[0] * test->size[1] * test->size[2]) : 0;
    test->output = cly_selftest_shape(test->rank, test->channels_first, batch, test->window.out, channels);
    test->expect = expect_pooling;
    clayer_pooling_config *config = &test->config.pooling;
    *config = (clayer_pooling_config){
        .struct_size = sizeof *config, .padding = padding, .data_format = cly_selftest_format(test->channels_first)};
    cly_selftest_to_config(layer->rank, test->size, config->pool_size);
    cly_selftest_to_config(layer->rank, test->stride, config->strides);
    describe(test, padding[0] == 's' ? "same, size and strides" : "valid, size and strides", test->size, test->stride);
}

void cly_selftest_global_pooling(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    int64_t batch, channels;
    random_window(random, layer, true, 1, test, &batch, &channels);
    for (int i = 0; i < 3; i++) {
        test->size[i] = test->window.in[i];
        test->stride[i] = test->window.out[i] = 1;
    }
    const bool keepdims = cly_selftest_flip(random);
    test->average = strstr(layer->class_name, "Average") != NULL;
    test->terms = test->average ? (double)(test->size[0] * test->size[1] * test->size[2]) : 0;
    test->output = keepdims ? cly_selftest_shape(test->rank, test->channels_first, batch, test->window.out, channels)
                            : (clayer_shape){2, {batch, channels}};
    test->expect = expect_pooling;
    test->config.global_pooling =
        (clayer_global_pooling_config){.struct_size = sizeof test->config.global_pooling,
                                       .data_format = cly_selftest_format(test->channels_first),
                                       .keepdims = keepdims};
    describe(test, keepdims ? "keepdims, size" : "size", test->size, test->stride);
}

/* ---- Flatten, Reshape, Dropout ---- */

/* Values stay in order, or with channels_first channels move last: (outer, axis, inner) -> (outer, inner, axis). */
static bool expect_copy(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    for (int64_t o = 0; o < test->outer; o++) {
        for (int64_t i = 0; i < test->axis * test->inner; i++) {
            const int64_t from = test->channels_first ? i % test->axis * test->inner + i / test->axis : i;
            y[o * test->axis * test->inner + i] = (double)x[0][o * test->axis * test->inner + from];
        }
    }
    return true;
}

/* A random image as input; outer is the batch, axis the channels, inner the pixels. */
static void random_image(selftest_random *random, selftest_case *test) {
    int64_t sizes[3];
    test->rank = 2;
    test->outer = cly_selftest_between(random, 1, 3);
    test->axis = cly_selftest_between(random, 1, 7);
    cly_selftest_sizes(random, 2, 1, 7, sizes);
    test->inner = sizes[1] * sizes[2];
    test->input_count = 1;
    test->inputs[0] = cly_selftest_shape(2, test->channels_first, test->outer, sizes, test->axis);
    test->output = test->inputs[0];
    test->expect = expect_copy;
    describe(test, "sizes", sizes, sizes);
}

void cly_selftest_flatten(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    test->channels_first = cly_selftest_flip(random);
    random_image(random, test);
    test->output = (clayer_shape){2, {test->outer, test->axis * test->inner}};
    test->config.flatten = (clayer_flatten_config){.struct_size = sizeof test->config.flatten,
                                                   .data_format = cly_selftest_format(test->channels_first)};
}

void cly_selftest_reshape(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_image(random, test);
    const clayer_shape *in = &test->inputs[0];
    test->output = (clayer_shape){3, {in->dims[0], in->dims[3], in->dims[1] * in->dims[2]}};
    test->config.reshape =
        (clayer_reshape_config){.struct_size = sizeof test->config.reshape, .target_shape = {2, {in->dims[3], -1}}};
}

enum { DROPOUT_SEED = 11 };

/* What a first pass of training drops. */
static bool expect_dropout(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    reference_dropout(cly_selftest_count(&test->output), 1, 1, test->config.dropout.rate, DROPOUT_SEED, 1, x[0], y);
    return true;
}

void cly_selftest_dropout(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    random_image(random, test);
    test->config.dropout = (clayer_dropout_config){
        .struct_size = sizeof test->config.dropout, .rate = 0.5, .has_seed = true, .seed = DROPOUT_SEED};
    test->expect_training = expect_dropout;
    test->terms = 1;
}

/* ---- Concatenate ---- */

static bool expect_concatenate(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    (void)weights;
    const int axis = (int)test->axis;
    int64_t rows = 1, inner = 1, at = 0;
    for (int i = 0; i < test->output.rank; i++) {
        rows *= i < axis ? test->output.dims[i] : 1;
        inner *= i > axis ? test->output.dims[i] : 1;
    }
    for (int64_t row = 0; row < rows; row++) {
        for (size_t input = 0; input < test->input_count; input++) {
            const int64_t width = test->inputs[input].dims[axis] * inner;
            for (int64_t i = 0; i < width; i++) {
                y[at++] = (double)x[input][row * width + i];
            }
        }
    }
    return true;
}

void cly_selftest_concatenate(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    int64_t sizes[3];
    cly_selftest_sizes(random, 2, 1, 6, sizes);
    test->axis = cly_selftest_between(random, 1, 3);
    test->input_count = (size_t)cly_selftest_between(random, 2, SELFTEST_INPUTS);
    test->output = cly_selftest_shape(2, false, 2, sizes, 3);
    test->output.dims[test->axis] = 0;
    for (size_t i = 0; i < test->input_count; i++) {
        test->inputs[i] = cly_selftest_shape(2, false, 2, sizes, 3);
        test->inputs[i].dims[test->axis] = cly_selftest_between(random, 1, 6);
        test->output.dims[test->axis] += test->inputs[i].dims[test->axis];
    }
    test->expect = expect_concatenate;
    test->config.concatenate = (clayer_concatenate_config){
        .struct_size = sizeof test->config.concatenate, .has_axis = true, .axis = test->axis};
    snprintf(test->text, sizeof test->text, "%zu inputs of 2x%" PRId64 "x%" PRId64 "x3, axis %" PRId64,
             test->input_count, sizes[1], sizes[2], test->axis);
}
