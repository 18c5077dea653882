/* cli/selftest_conv.c: random convolutions of every kind and their expected outputs.
 *
 * Output sizes and padding: the table of Keras' rules; a transposed convolution is held against the scattering that
 * defines it. */
#include "selftest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- shared ---- */

static double taps(const reference_conv_shape *s) {
    return (double)(s->kernel[0] * s->kernel[1] * s->kernel[2]);
}

/* Batch, kernel, strides or dilation: what all convolutions have. Axes out of use stay 1. */
static void random_geometry(selftest_random *random, const selftest_layer *layer, bool equal_strides,
                            selftest_case *test) {
    reference_conv_shape *s = &test->conv;
    const bool pointwise = test->index % 3 == 1; /* what a matrix product does alone */
    const int64_t largest = pointwise ? 1 : layer->rank == 3 ? 3 : 4;
    const int64_t kind = pointwise ? 0 : cly_selftest_between(random, 0, 2); /* plain, strides, dilation: never both */
    s->batch = cly_selftest_between(random, 1, 3);
    cly_selftest_sizes(random, layer->rank, 1, largest, s->kernel);
    cly_selftest_sizes(random, layer->rank, 1, kind == 1 ? 3 : 1, s->stride);
    cly_selftest_sizes(random, layer->rank, 1, kind == 2 ? 2 : 1, s->dilation);
    for (int i = 3 - layer->rank; equal_strides && i < 3; i++) {
        s->stride[i] = s->stride[2];
    }
    s->groups = 1;
}

static void describe(selftest_case *test, const char *padding, const char *activation) {
    const reference_conv_shape *s = &test->conv;
    snprintf(test->text, sizeof test->text,
             "batch %" PRId64 ", %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 ", kernel %" PRId64 "x%" PRId64
             "x%" PRId64 ", strides %" PRId64 "x%" PRId64 "x%" PRId64 ", dilation %" PRId64 "x%" PRId64 "x%" PRId64
             ", groups %" PRId64 ", filters %" PRId64 ", %s, %s, %s%s",
             s->batch, s->in[0], s->in[1], s->in[2], s->in_channels, s->kernel[0], s->kernel[1], s->kernel[2],
             s->stride[0], s->stride[1], s->stride[2], s->dilation[0], s->dilation[1], s->dilation[2], s->groups,
             s->out_channels, padding, cly_selftest_format(s->channels_first), activation,
             test->has_bias ? "" : ", no bias");
}

static const char *random_padding(selftest_random *random, bool causal) {
    static const char *const paddings[] = {"valid", "same", "causal"};
    return paddings[cly_selftest_between(random, 0, causal ? 2 : 1)];
}

/* Sizes that the kernel fits into, and the output's. */
static void random_sizes(selftest_random *random, const selftest_layer *layer, const char *padding,
                         reference_conv_shape *s) {
    cly_selftest_sizes(random, layer->rank, layer->rank == 3 ? 2 : 4, layer->rank == 3 ? 6 : 12, s->in);
    for (int i = 0; i < 3; i++) {
        const int64_t effective = (s->kernel[i] - 1) * s->dilation[i] + 1;
        if (strcmp(padding, "valid") == 0 && s->in[i] < effective) {
            s->in[i] = effective;
        }
        s->out[i] =
            cly_selftest_same_or_valid(padding, s->in[i], s->kernel[i], s->stride[i], s->dilation[i], &s->pad[i]);
    }
}

static void set_shapes(selftest_case *test) {
    const reference_conv_shape *s = &test->conv;
    test->input_count = 1;
    test->inputs[0] = cly_selftest_shape(test->rank, s->channels_first, s->batch, s->in, s->in_channels);
    test->output = cly_selftest_shape(test->rank, s->channels_first, s->batch, s->out, s->out_channels);
}

/* ---- Conv1D, Conv2D, Conv3D ---- */

static bool expect_conv(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    reference_conv(&test->conv, x[0], weights[0], test->has_bias ? weights[1] : NULL, &test->activation, y);
    return true;
}

void cly_selftest_conv(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    reference_conv_shape *s = &test->conv;
    const char *padding = random_padding(random, layer->rank == 1);
    const char *activation = cly_selftest_activation(random, &test->activation);
    random_geometry(random, layer, false, test);
    random_sizes(random, layer, padding, s);
    s->groups = test->index % 3 == 2 ? 2 : 1;
    s->in_channels = s->groups * cly_selftest_between(random, 1, 17);
    s->out_channels = s->groups * cly_selftest_between(random, 1, 17);
    s->channels_first = cly_selftest_flip(random);
    test->has_bias = cly_selftest_flip(random);
    test->terms = taps(s) * (double)(s->in_channels / s->groups);
    test->expect = expect_conv;
    set_shapes(test);
    clayer_conv_config *config = &test->config.conv;
    *config = (clayer_conv_config){.struct_size = sizeof *config,
                                   .filters = s->out_channels,
                                   .padding = padding,
                                   .data_format = cly_selftest_format(s->channels_first),
                                   .groups = s->groups,
                                   .activation = activation,
                                   .no_bias = !test->has_bias};
    cly_selftest_to_config(layer->rank, s->kernel, config->kernel_size);
    cly_selftest_to_config(layer->rank, s->stride, config->strides);
    cly_selftest_to_config(layer->rank, s->dilation, config->dilation_rate);
    describe(test, padding, activation);
}

/* ---- Conv2DTranspose, Conv3DTranspose ---- */

static bool expect_conv_transpose(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    reference_conv_transpose(&test->conv, x[0], weights[0], test->has_bias ? weights[1] : NULL, &test->activation, y);
    return true;
}

/* The size that one axis of n elements becomes, and the padding of the convolution that maps it back. With
 * output_padding p, 'same' and an even kernel p must be at least 1 for such a convolution to exist. */
static void enlarge(const char *padding, int64_t n, int64_t e, int64_t stride, int64_t output_padding,
                    int64_t *size_out, int64_t *before_out) {
    const bool same = strcmp(padding, "same") == 0;
    int64_t size = same ? n * stride : n * stride + (e > stride ? e - stride : 0);
    if (output_padding >= 0) {
        size = (n - 1) * stride + e - (same ? e / 2 * 2 : 0) + output_padding;
    }
    const int64_t total = (n - 1) * stride + e - size;
    *size_out = size;
    *before_out = same && total > 0 ? total / 2 : 0;
}

void cly_selftest_conv_transpose(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    reference_conv_shape *s = &test->conv; /* from the layer's output (in) to its input (out) */
    const char *padding = random_padding(random, false);
    const char *activation = cly_selftest_activation(random, &test->activation);
    int64_t output_padding[3] = {0, 0, 0};
    random_geometry(random, layer, false, test);
    if (layer->rank == 3) {
        s->dilation[0] = s->dilation[1] = s->dilation[2] = 1; /* Conv3DTranspose has none */
    }
    bool has_output_padding = cly_selftest_flip(random);
    for (int i = 3 - layer->rank; i < 3; i++) {
        const int64_t e = (s->kernel[i] - 1) * s->dilation[i] + 1, least = strcmp(padding, "same") == 0 && e % 2 == 0;
        has_output_padding = has_output_padding && s->stride[i] > least;
        output_padding[i] = s->stride[i] > least ? cly_selftest_between(random, least, s->stride[i] - 1) : 0;
    }
    cly_selftest_sizes(random, layer->rank, 2, layer->rank == 3 ? 4 : 8, s->out);
    for (int i = 0; i < 3; i++) {
        enlarge(padding, s->out[i], (s->kernel[i] - 1) * s->dilation[i] + 1, s->stride[i],
                has_output_padding ? output_padding[i] : -1, &s->in[i], &s->pad[i]);
    }
    s->in_channels = cly_selftest_between(random, 1, 17);
    s->out_channels = cly_selftest_between(random, 1, 17);
    s->channels_first = cly_selftest_flip(random);
    test->has_bias = cly_selftest_flip(random);
    test->terms = taps(s) * (double)s->out_channels;
    test->expect = expect_conv_transpose;
    set_shapes(test);
    clayer_shape input = test->output; /* the convolution the other way round */
    test->output = test->inputs[0];
    test->inputs[0] = input;
    clayer_conv_transpose_config *config = &test->config.conv_transpose;
    *config = (clayer_conv_transpose_config){.struct_size = sizeof *config,
                                             .filters = s->in_channels,
                                             .padding = padding,
                                             .has_output_padding = has_output_padding,
                                             .data_format = cly_selftest_format(s->channels_first),
                                             .activation = activation,
                                             .no_bias = !test->has_bias};
    cly_selftest_to_config(layer->rank, s->kernel, config->kernel_size);
    cly_selftest_to_config(layer->rank, s->stride, config->strides);
    cly_selftest_to_config(layer->rank, output_padding, config->output_padding);
    if (layer->rank == 2) {
        cly_selftest_to_config(layer->rank, s->dilation, config->dilation_rate);
    }
    describe(test, padding, activation);
}

/* ---- DepthwiseConv2D ---- */

void cly_selftest_depthwise(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    reference_conv_shape *s = &test->conv;
    const char *padding = random_padding(random, false);
    const char *activation = cly_selftest_activation(random, &test->activation);
    random_geometry(random, layer, true, test);
    random_sizes(random, layer, padding, s);
    test->multiplier = cly_selftest_between(random, 1, 3);
    s->in_channels = s->groups = cly_selftest_between(random, 1, 17);
    s->out_channels = s->in_channels * test->multiplier;
    s->channels_first = cly_selftest_flip(random);
    test->has_bias = cly_selftest_flip(random);
    test->terms = taps(s);
    test->expect = expect_conv; /* Keras' kernel (k..., C, m) lies in memory as (k..., 1, C * m) */
    set_shapes(test);
    clayer_depthwise_conv_config *config = &test->config.depthwise;
    *config = (clayer_depthwise_conv_config){.struct_size = sizeof *config,
                                             .padding = padding,
                                             .depth_multiplier = test->multiplier,
                                             .data_format = cly_selftest_format(s->channels_first),
                                             .activation = activation,
                                             .no_bias = !test->has_bias};
    cly_selftest_to_config(layer->rank, s->kernel, config->kernel_size);
    cly_selftest_to_config(layer->rank, s->stride, config->strides);
    cly_selftest_to_config(layer->rank, s->dilation, config->dilation_rate);
    describe(test, padding, activation);
}

/* ---- SeparableConv1D, SeparableConv2D ---- */

static bool expect_separable(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    const reference_conv_shape *s = &test->conv;
    reference_conv_shape depthwise = *s, pointwise = *s;
    depthwise.groups = s->in_channels;
    depthwise.out_channels = s->in_channels * test->multiplier;
    pointwise.in_channels = depthwise.out_channels;
    for (int i = 0; i < 3; i++) {
        pointwise.in[i] = s->out[i];
        pointwise.kernel[i] = pointwise.stride[i] = pointwise.dilation[i] = 1;
        pointwise.pad[i] = 0;
    }
    const size_t count = (size_t)(s->batch * s->out[0] * s->out[1] * s->out[2] * depthwise.out_channels);
    double *middle = malloc(count * sizeof *middle);
    float *rounded = malloc(count * sizeof *rounded);
    if (middle != NULL && rounded != NULL) {
        reference_conv(&depthwise, x[0], weights[0], NULL, NULL, middle);
        for (size_t i = 0; i < count; i++) {
            rounded[i] = (float)middle[i];
        }
        reference_conv(&pointwise, rounded, weights[1], test->has_bias ? weights[2] : NULL, &test->activation, y);
    }
    bool done = middle != NULL && rounded != NULL;
    free(middle);
    free(rounded);
    return done;
}

void cly_selftest_separable(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    reference_conv_shape *s = &test->conv;
    const char *padding = random_padding(random, layer->rank == 1);
    const char *activation = cly_selftest_activation(random, &test->activation);
    random_geometry(random, layer, true, test);
    random_sizes(random, layer, padding, s);
    test->multiplier = cly_selftest_between(random, 1, 3);
    s->in_channels = cly_selftest_between(random, 1, 9);
    s->out_channels = cly_selftest_between(random, 1, 17);
    s->channels_first = cly_selftest_flip(random);
    test->has_bias = cly_selftest_flip(random);
    test->terms = taps(s) + (double)(s->in_channels * test->multiplier);
    test->expect = expect_separable;
    set_shapes(test);
    clayer_separable_conv_config *config = &test->config.separable;
    *config = (clayer_separable_conv_config){.struct_size = sizeof *config,
                                             .filters = s->out_channels,
                                             .padding = padding,
                                             .data_format = cly_selftest_format(s->channels_first),
                                             .depth_multiplier = test->multiplier,
                                             .activation = activation,
                                             .no_bias = !test->has_bias};
    cly_selftest_to_config(layer->rank, s->kernel, config->kernel_size);
    cly_selftest_to_config(layer->rank, s->stride, config->strides);
    cly_selftest_to_config(layer->rank, s->dilation, config->dilation_rate);
    describe(test, padding, activation);
}

/* ---- Dense ---- */

static bool expect_dense(const selftest_case *test, float *const *x, float *const *weights, double *y) {
    reference_dense(test->outer, test->conv.in_channels, test->conv.out_channels, x[0], weights[0],
                    test->has_bias ? weights[1] : NULL, &test->activation, y);
    return true;
}

void cly_selftest_dense(selftest_random *random, const selftest_layer *layer, selftest_case *test) {
    (void)layer;
    reference_conv_shape *s = &test->conv;
    const char *activation = cly_selftest_activation(random, &test->activation);
    const int64_t batch = cly_selftest_between(random, 1, 9), steps = cly_selftest_between(random, 1, 5);
    const bool flat = cly_selftest_flip(random);
    s->in_channels = cly_selftest_between(random, 1, 65);
    s->out_channels = cly_selftest_between(random, 1, 33);
    test->has_bias = cly_selftest_flip(random);
    test->outer = flat ? batch : batch * steps;
    test->terms = (double)s->in_channels;
    test->expect = expect_dense;
    test->input_count = 1;
    test->inputs[0] =
        flat ? (clayer_shape){2, {batch, s->in_channels}} : (clayer_shape){3, {batch, steps, s->in_channels}};
    test->output =
        flat ? (clayer_shape){2, {batch, s->out_channels}} : (clayer_shape){3, {batch, steps, s->out_channels}};
    test->config.dense = (clayer_dense_config){.struct_size = sizeof test->config.dense,
                                               .units = s->out_channels,
                                               .activation = activation,
                                               .no_bias = !test->has_bias};
    snprintf(test->text, sizeof test->text, "%" PRId64 " rows of %" PRId64 ", units %" PRId64 ", %s%s", test->outer,
             s->in_channels, s->out_channels, activation, test->has_bias ? "" : ", no bias");
}
