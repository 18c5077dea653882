/* layers/test_random.c: hundreds of random geometries a layer against plain loops (cli/reference.h), with sizes and
 * padding worked out here once more from the table in the documentation, not by ops/padding.h. Each case runs by an
 * implementation drawn at random. CLAYER_TEST_SEED repeats a run, CLAYER_TEST_CASES makes it longer. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "reference.h"
#include "support/random.h"
#include "support/runner.h"
#include "support/tolerance.h"

static uint64_t seed;
static test_usage usage;

/* ---- one geometry ---- */

typedef enum padding { VALID, SAME, CAUSAL } padding;

typedef struct geometry {
    int rank;
    bool first; /* channels_first */
    int64_t batch, channels, filters, multiplier, groups;
    int64_t n[3], kernel[3], stride[3], dilation[3], output_padding[3]; /* the first `rank` count */
    bool has_output_padding;
    padding padding;
    bool bias;
    int64_t amounts[3][2];
} geometry;

static const char *const padding_names[] = {"valid", "same", "causal"};

/* Few distinct kernels, so that the device's compiler is not what is measured; many sizes around them. */
static void draw_window(test_random *random, geometry *g, bool causal) {
    static const int64_t kernels[] = {1, 2, 3, 3, 5};
    bool dilated = test_random_chance(random, 30);
    bool alike = test_random_chance(random, 50);
    g->padding = causal && test_random_chance(random, 30) ? CAUSAL : (padding)test_random_int(random, VALID, SAME);
    for (int i = 0; i < g->rank; i++) {
        g->kernel[i] = kernels[test_random_int(random, 0, 4)];
        g->stride[i] = dilated ? 1 : test_random_int(random, 1, 3);
        g->dilation[i] = dilated ? test_random_int(random, 1, 3) : 1;
        if (alike && i > 0) {
            g->kernel[i] = g->kernel[0];
            g->stride[i] = g->stride[0];
            g->dilation[i] = g->dilation[0];
        }
        int64_t least = g->padding == VALID ? (g->kernel[i] - 1) * g->dilation[i] + 1 : 1;
        g->n[i] = least + test_random_int(random, 0, g->rank == 3 ? 4 : g->rank == 2 ? 9 : 30);
    }
}

static geometry draw(test_random *random, int rank) {
    geometry g = {.rank = rank, .multiplier = 1, .groups = 1};
    g.first = test_random_chance(random, 40);
    g.batch = test_random_int(random, 1, 3);
    g.channels = test_random_int(random, 1, 9);
    g.filters = test_random_chance(random, 20) ? test_random_int(random, 16, 40) : test_random_int(random, 1, 9);
    g.bias = test_random_chance(random, 60);
    return g;
}

/* ---- the documented rules, one axis ---- */

/* Output size of a convolution and the zeros before its input. */
static int64_t conv_size(padding rule, int64_t n, int64_t e, int64_t s, int64_t *before_out) {
    *before_out = 0;
    if (rule == SAME) {
        int64_t out = (n + s - 1) / s;
        int64_t total = (out - 1) * s + e - n;
        *before_out = total > 0 ? total / 2 : 0;
        return out;
    }
    if (rule == CAUSAL) {
        *before_out = e - 1;
        return (n + e - 1 - e) / s + 1;
    }
    return n < e ? 0 : (n - e) / s + 1;
}

/* Size of a transposed convolution; 0 where no convolution maps it back to n. */
static int64_t transposed_size(const geometry *g, int i, int64_t *before_out) {
    int64_t n = g->n[i], s = g->stride[i], e = (g->kernel[i] - 1) * g->dilation[i] + 1;
    int64_t size = n * s;
    if (g->has_output_padding) {
        size = (n - 1) * s + e - (g->padding == SAME ? e / 2 * 2 : 0) + g->output_padding[i];
    } else if (g->padding == VALID && e > s) {
        size += e - s;
    }
    return size > 0 && conv_size(g->padding, size, e, s, before_out) == n ? size : 0;
}

/* ---- shapes ---- */

static clayer_shape tensor_shape(const geometry *g, const int64_t spatial[3], int64_t channels) {
    clayer_shape shape = {.rank = g->rank + 2, .dims = {g->batch}};
    int at = 1;
    if (g->first) {
        shape.dims[at++] = channels;
    }
    for (int i = 0; i < g->rank; i++) {
        shape.dims[at++] = spatial[i];
    }
    if (!g->first) {
        shape.dims[at] = channels;
    }
    return shape;
}

static int64_t count_of(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

static int64_t taps(const geometry *g) {
    int64_t count = 1;
    for (int i = 0; i < g->rank; i++) {
        count *= g->kernel[i];
    }
    return count;
}

/* The reference's three axes from the first `rank`. */
static void lead(const geometry *g, const int64_t values[3], int64_t fill, int64_t out[3]) {
    for (int i = 0; i < 3; i++) {
        out[i] = i < 3 - g->rank ? fill : values[i - (3 - g->rank)];
    }
}

static reference_conv_shape reference_shape(const geometry *g, const int64_t in[3], const int64_t out[3],
                                            const int64_t before[3]) {
    reference_conv_shape s = {.batch = g->batch, .groups = g->groups, .channels_first = g->first};
    lead(g, in, 1, s.in);
    lead(g, out, 1, s.out);
    lead(g, g->kernel, 1, s.kernel);
    lead(g, g->stride, 1, s.stride);
    lead(g, g->dilation, 1, s.dilation);
    lead(g, before, 0, s.pad);
    return s;
}

/* ---- running one case ---- */

typedef struct problem {
    const char *class_name;
    const void *config;
    clayer_shape x;
    const float *input;
    const float *weights[3];
    size_t weight_count;
    const double *expected;
    double tolerance; /* 0: exact */
    uint64_t index;
    const geometry *g;
} problem;

static const char *describe(const problem *p, char *text, size_t capacity) {
    const geometry *g = p->g;
    (void)snprintf(text, capacity,
                   "%s, CLAYER_TEST_SEED=%" PRIu64 " case %" PRIu64 ": batch %" PRId64 " n %" PRId64 ",%" PRId64
                   ",%" PRId64 " C %" PRId64 " filters %" PRId64 " m %" PRId64 " groups %" PRId64 " kernel %" PRId64
                   ",%" PRId64 ",%" PRId64 " stride %" PRId64 ",%" PRId64 ",%" PRId64 " dilation %" PRId64 ",%" PRId64
                   ",%" PRId64 " %s%s%s",
                   p->class_name, seed, p->index, g->batch, g->n[0], g->n[1], g->n[2], g->channels, g->filters,
                   g->multiplier, g->groups, g->kernel[0], g->kernel[1], g->kernel[2], g->stride[0], g->stride[1],
                   g->stride[2], g->dilation[0], g->dilation[1], g->dilation[2], padding_names[g->padding],
                   g->first ? " channels_first" : "", g->has_output_padding ? " output_padding" : "");
    return text;
}

static void solve(const problem *p, uint64_t pick) {
    clayer_layer *layer = NULL;
    test_bench bench;
    char text[512];
    int64_t index = 0;
    ck_assert_msg(clayer_layer_create(test_context(), p->class_name, p->config, &layer) == CLAYER_OK, "%s: %s",
                  describe(p, text, sizeof(text)), clayer_last_error());
    test_bench_open(&bench, layer, &p->x, &p->input, 1, p->weights, p->weight_count);
    const char *by = test_bench_run_one(&bench, &usage, pick);
    double worst = test_worst(bench.actual, p->expected, bench.count, p->tolerance, &index);
    ck_assert_msg(worst <= 1.0, "%s by %s: index %" PRId64 " is %.9g, the reference has %.9g",
                  describe(p, text, sizeof(text)), by, index, (double)bench.actual[index], p->expected[index]);
    test_bench_close(&bench);
}

static double *doubles(int64_t count) {
    double *values = calloc((size_t)count + 1, sizeof(double));
    ck_assert_ptr_nonnull(values);
    return values;
}

/* ---- Conv1D, Conv2D, Conv3D ---- */

static void conv_case(test_random *random, uint64_t index, int rank) {
    static const char *const names[] = {"Conv1D", "Conv2D", "Conv3D"};
    geometry g = draw(random, rank);
    int64_t out[3] = {0}, before[3] = {0};
    draw_window(random, &g, rank == 1);
    if (test_random_chance(random, 25)) {
        g.groups = test_random_int(random, 2, 3);
        g.channels *= g.groups;
        g.filters *= g.groups;
    }
    for (int i = 0; i < rank; i++) {
        out[i] = conv_size(g.padding, g.n[i], (g.kernel[i] - 1) * g.dilation[i] + 1, g.stride[i], &before[i]);
    }
    clayer_conv_config config = {.struct_size = sizeof(config),
                                 .filters = g.filters,
                                 .groups = g.groups,
                                 .padding = padding_names[g.padding],
                                 .data_format = g.first ? "channels_first" : "channels_last",
                                 .no_bias = !g.bias};
    memcpy(config.kernel_size, g.kernel, sizeof(g.kernel));
    memcpy(config.strides, g.stride, sizeof(g.stride));
    memcpy(config.dilation_rate, g.dilation, sizeof(g.dilation));
    clayer_shape x = tensor_shape(&g, g.n, g.channels), y = tensor_shape(&g, out, g.filters);
    int64_t length = taps(&g) * g.channels / g.groups;
    float *input = test_random_floats(random, count_of(&x), -1, 1);
    float *kernel = test_random_floats(random, length * g.filters, -1, 1);
    float *bias = test_random_floats(random, g.filters, -1, 1);
    double *expected = doubles(count_of(&y));
    reference_conv_shape shape = reference_shape(&g, g.n, out, before);
    shape.in_channels = g.channels;
    shape.out_channels = g.filters;
    reference_conv(&shape, input, kernel, g.bias ? bias : NULL, &(reference_activation){0}, expected);
    solve(&(problem){.class_name = names[rank - 1],
                     .config = &config,
                     .x = x,
                     .input = input,
                     .weights = {kernel, bias},
                     .weight_count = g.bias ? 2 : 1,
                     .expected = expected,
                     .tolerance = test_tolerance(length),
                     .index = index,
                     .g = &g},
          test_random_next(random));
    free(input), free(kernel), free(bias), free(expected);
}

/* ---- Conv1DTranspose, Conv2DTranspose, Conv3DTranspose ---- */

/* False: these arguments have no output; another draw. */
static bool transposed_case(test_random *random, uint64_t index, int rank) {
    static const char *const names[] = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"};
    geometry g = draw(random, rank);
    int64_t size[3] = {0}, before[3] = {0};
    draw_window(random, &g, false);
    g.has_output_padding = test_random_chance(random, 40);
    for (int i = 0; i < rank; i++) {
        g.n[i] = test_random_int(random, 1, rank == 3 ? 4 : rank == 2 ? 7 : 20);
        g.dilation[i] = rank == 3 ? 1 : g.dilation[i];
        g.output_padding[i] = test_random_int(random, 0, g.stride[i] - 1);
        size[i] = transposed_size(&g, i, &before[i]);
        if (size[i] == 0) {
            return false;
        }
    }
    clayer_conv_transpose_config config = {.struct_size = sizeof(config),
                                           .filters = g.filters,
                                           .padding = padding_names[g.padding],
                                           .has_output_padding = g.has_output_padding,
                                           .data_format = g.first ? "channels_first" : "channels_last",
                                           .no_bias = !g.bias};
    memcpy(config.kernel_size, g.kernel, sizeof(g.kernel));
    memcpy(config.strides, g.stride, sizeof(g.stride));
    memcpy(config.dilation_rate, g.dilation, sizeof(g.dilation));
    memcpy(config.output_padding, g.output_padding, sizeof(g.output_padding));
    clayer_shape x = tensor_shape(&g, g.n, g.channels), y = tensor_shape(&g, size, g.filters);
    int64_t length = taps(&g) * g.channels;
    float *input = test_random_floats(random, count_of(&x), -1, 1);
    float *kernel = test_random_floats(random, length * g.filters, -1, 1);
    float *bias = test_random_floats(random, g.filters, -1, 1);
    double *expected = doubles(count_of(&y));
    reference_conv_shape shape = reference_shape(&g, size, g.n, before);
    shape.in_channels = g.filters;
    shape.out_channels = g.channels;
    reference_conv_transpose(&shape, input, kernel, g.bias ? bias : NULL, &(reference_activation){0}, expected);
    solve(&(problem){.class_name = names[rank - 1],
                     .config = &config,
                     .x = x,
                     .input = input,
                     .weights = {kernel, bias},
                     .weight_count = g.bias ? 2 : 1,
                     .expected = expected,
                     .tolerance = test_tolerance(length),
                     .index = index,
                     .g = &g},
          test_random_next(random));
    free(input), free(kernel), free(bias), free(expected);
    return true;
}

/* ---- DepthwiseConv and SeparableConv ---- */

static void depthwise_case(test_random *random, uint64_t index, int rank) {
    static const char *const names[] = {"DepthwiseConv1D", "DepthwiseConv2D"};
    geometry g = draw(random, rank);
    int64_t out[3] = {0}, before[3] = {0};
    draw_window(random, &g, false);
    g.multiplier = test_random_int(random, 1, 3);
    g.groups = g.channels;
    for (int i = 0; i < rank; i++) {
        out[i] = conv_size(g.padding, g.n[i], (g.kernel[i] - 1) * g.dilation[i] + 1, g.stride[i], &before[i]);
    }
    clayer_depthwise_conv_config config = {.struct_size = sizeof(config),
                                           .depth_multiplier = g.multiplier,
                                           .padding = padding_names[g.padding],
                                           .data_format = g.first ? "channels_first" : "channels_last",
                                           .no_bias = !g.bias};
    memcpy(config.kernel_size, g.kernel, sizeof(g.kernel));
    memcpy(config.strides, g.stride, sizeof(g.stride));
    memcpy(config.dilation_rate, g.dilation, sizeof(g.dilation));
    int64_t made = g.channels * g.multiplier;
    clayer_shape x = tensor_shape(&g, g.n, g.channels), y = tensor_shape(&g, out, made);
    float *input = test_random_floats(random, count_of(&x), -1, 1);
    float *kernel = test_random_floats(random, taps(&g) * made, -1, 1);
    float *bias = test_random_floats(random, made, -1, 1);
    double *expected = doubles(count_of(&y));
    reference_conv_shape shape = reference_shape(&g, g.n, out, before);
    shape.in_channels = g.channels;
    shape.out_channels = made;
    reference_conv(&shape, input, kernel, g.bias ? bias : NULL, &(reference_activation){0}, expected);
    solve(&(problem){.class_name = names[rank - 1],
                     .config = &config,
                     .x = x,
                     .input = input,
                     .weights = {kernel, bias},
                     .weight_count = g.bias ? 2 : 1,
                     .expected = expected,
                     .tolerance = test_tolerance(taps(&g)),
                     .index = index,
                     .g = &g},
          test_random_next(random));
    free(input), free(kernel), free(bias), free(expected);
}

/* Both halves by the reference; what lies between is rounded to float as the device does. */
static double *separable_expected(const geometry *g, const int64_t out[3], const int64_t before[3], const float *input,
                                  const float *depthwise, const float *pointwise, const float *bias) {
    int64_t made = g->channels * g->multiplier;
    clayer_shape middle_shape = tensor_shape(g, out, made), y = tensor_shape(g, out, g->filters);
    int64_t middle_count = count_of(&middle_shape);
    double *middle = doubles(middle_count), *expected = doubles(count_of(&y));
    float *rounded = calloc((size_t)middle_count, sizeof(float));
    geometry narrow = *g;
    ck_assert_ptr_nonnull(rounded);
    narrow.groups = g->channels;
    reference_conv_shape shape = reference_shape(&narrow, g->n, out, before);
    shape.in_channels = g->channels;
    shape.out_channels = made;
    reference_conv(&shape, input, depthwise, NULL, &(reference_activation){0}, middle);
    for (int64_t i = 0; i < middle_count; i++) {
        rounded[i] = (float)middle[i];
    }
    narrow.groups = 1;
    for (int i = 0; i < 3; i++) {
        narrow.kernel[i] = narrow.stride[i] = narrow.dilation[i] = 1;
    }
    shape = reference_shape(&narrow, out, out, (int64_t[3]){0});
    shape.in_channels = made;
    shape.out_channels = g->filters;
    reference_conv(&shape, rounded, pointwise, bias, &(reference_activation){0}, expected);
    free(middle), free(rounded);
    return expected;
}

static void separable_case(test_random *random, uint64_t index, int rank) {
    static const char *const names[] = {"SeparableConv1D", "SeparableConv2D"};
    geometry g = draw(random, rank);
    int64_t out[3] = {0}, before[3] = {0};
    draw_window(random, &g, rank == 1);
    g.multiplier = test_random_int(random, 1, 3);
    for (int i = 0; i < rank; i++) {
        out[i] = conv_size(g.padding, g.n[i], (g.kernel[i] - 1) * g.dilation[i] + 1, g.stride[i], &before[i]);
    }
    clayer_separable_conv_config config = {.struct_size = sizeof(config),
                                           .filters = g.filters,
                                           .depth_multiplier = g.multiplier,
                                           .padding = padding_names[g.padding],
                                           .data_format = g.first ? "channels_first" : "channels_last",
                                           .no_bias = !g.bias};
    memcpy(config.kernel_size, g.kernel, sizeof(g.kernel));
    memcpy(config.strides, g.stride, sizeof(g.stride));
    memcpy(config.dilation_rate, g.dilation, sizeof(g.dilation));
    clayer_shape x = tensor_shape(&g, g.n, g.channels);
    int64_t made = g.channels * g.multiplier;
    float *input = test_random_floats(random, count_of(&x), -1, 1);
    float *depthwise = test_random_floats(random, taps(&g) * made, -1, 1);
    float *pointwise = test_random_floats(random, made * g.filters, -1, 1);
    float *bias = test_random_floats(random, g.filters, -1, 1);
    double *expected = separable_expected(&g, out, before, input, depthwise, pointwise, g.bias ? bias : NULL);
    solve(&(problem){.class_name = names[rank - 1],
                     .config = &config,
                     .x = x,
                     .input = input,
                     .weights = {depthwise, pointwise, bias},
                     .weight_count = g.bias ? 3 : 2,
                     .expected = expected,
                     .tolerance = test_tolerance(taps(&g) * made),
                     .index = index,
                     .g = &g},
          test_random_next(random));
    free(input), free(depthwise), free(pointwise), free(bias), free(expected);
}

/* ---- Cropping, ZeroPadding, UpSampling ---- */

static reference_window_shape moved_shape(const geometry *g, const int64_t out[3]) {
    reference_window_shape s = {.outer = g->first ? g->batch * g->channels : g->batch,
                                .inner = g->first ? 1 : g->channels};
    lead(g, g->n, 1, s.in);
    lead(g, out, 1, s.out);
    return s;
}

/* A position is a float of the size of the axis, so its rounding grows with it. */
static double bilinear_tolerance(const geometry *g) {
    return test_tolerance(4 + 2 * (g->n[0] > g->n[1] ? g->n[0] : g->n[1]));
}

/* kind 0: crops, 1: pads, 2: repeats, 3: bilinear (rank 2). */
static void moving_case(test_random *random, uint64_t index, int rank, int kind) {
    static const char *const names[3][3] = {{"Cropping1D", "Cropping2D", "Cropping3D"},
                                            {"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"},
                                            {"UpSampling1D", "UpSampling2D", "UpSampling3D"}};
    geometry g = draw(random, rank);
    g.first = g.first && rank > 1;
    clayer_cropping_config crop = {.struct_size = sizeof(crop), .has_cropping = true};
    clayer_zero_padding_config pad = {.struct_size = sizeof(pad), .has_padding = true};
    clayer_up_sampling_config up = {.struct_size = sizeof(up), .interpolation = kind == 3 ? "bilinear" : "nearest"};
    crop.data_format = pad.data_format = up.data_format = g.first ? "channels_first" : "channels_last";
    const void *configs[] = {&crop, &pad, &up, &up};
    int64_t out[3] = {0}, before[3] = {0}, at[3] = {0};
    for (int i = 0; i < rank; i++) {
        g.n[i] = test_random_int(random, 1, rank == 3 ? 6 : 12);
        int64_t a = test_random_int(random, 0, kind == 0 ? g.n[i] - 1 : 5);
        int64_t b = test_random_int(random, 0, kind == 0 ? g.n[i] - 1 - a : 5);
        up.size[i] = test_random_int(random, 1, 4);
        crop.cropping[i][0] = pad.padding[i][0] = a;
        crop.cropping[i][1] = pad.padding[i][1] = b;
        before[i] = kind == 0 ? -a : a;
        out[i] = kind == 0 ? g.n[i] - a - b : kind == 1 ? g.n[i] + a + b : g.n[i] * up.size[i];
    }
    clayer_shape x = tensor_shape(&g, g.n, g.channels), y = tensor_shape(&g, out, g.channels);
    float *input = test_random_floats(random, count_of(&x), -1, 1);
    double *expected = doubles(count_of(&y));
    reference_window_shape shape = moved_shape(&g, out);
    lead(&g, before, 0, at);
    if (kind < 2) {
        reference_window(&shape, at, input, expected);
    } else if (kind == 2) {
        reference_nearest(&shape, input, expected);
    } else {
        reference_bilinear(&shape, input, expected);
    }
    solve(&(problem){.class_name = names[kind > 2 ? 2 : kind][rank - 1],
                     .config = configs[kind],
                     .x = x,
                     .input = input,
                     .expected = expected,
                     .tolerance = kind == 3 ? bilinear_tolerance(&g) : 0.0,
                     .index = index,
                     .g = &g},
          test_random_next(random));
    free(input), free(expected);
}

/* ---- the suite ---- */

static test_random start(int layer, uint64_t index) {
    return test_random_start(seed, (uint64_t)layer << 32 | index);
}

START_TEST(test_conv) {
    for (uint64_t i = 0; i < (uint64_t)test_cases(2000); i++) {
        test_random random = start(_i, i);
        conv_case(&random, i, _i);
    }
}
END_TEST

START_TEST(test_transposed) {
    int solved = 0;
    for (uint64_t i = 0; i < (uint64_t)test_cases(3000); i++) {
        test_random random = start(10 + _i, i);
        solved += transposed_case(&random, i, _i);
    }
    ck_assert_int_ge(solved, test_cases(3000) / 3);
}
END_TEST

START_TEST(test_depthwise) {
    for (uint64_t i = 0; i < (uint64_t)test_cases(2000); i++) {
        test_random random = start(20 + _i, i);
        depthwise_case(&random, i, _i);
    }
}
END_TEST

START_TEST(test_separable) {
    for (uint64_t i = 0; i < (uint64_t)test_cases(2000); i++) {
        test_random random = start(30 + _i, i);
        separable_case(&random, i, _i);
    }
}
END_TEST

START_TEST(test_moving) {
    for (int kind = 0; kind < (_i == 2 ? 4 : 3); kind++) {
        for (uint64_t i = 0; i < (uint64_t)test_cases(2000); i++) {
            test_random random = start(40 + 10 * kind + _i, i);
            moving_case(&random, i, _i, kind);
        }
    }
}
END_TEST

/* After all: each implementation got its share. */
START_TEST(test_every_implementation_ran) {
    ck_assert_int_eq(test_usage_report(&usage, test_cases(2000) / 10), 0);
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.random");
    TCase *tcase = tcase_create("random");
    seed = test_seed("layers.random");
    tcase_add_loop_test(tcase, test_conv, 1, 4);
    tcase_add_loop_test(tcase, test_transposed, 1, 4);
    tcase_add_loop_test(tcase, test_depthwise, 1, 3);
    tcase_add_loop_test(tcase, test_separable, 1, 3);
    tcase_add_loop_test(tcase, test_moving, 1, 4);
    tcase_add_test(tcase, test_every_implementation_ran);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
