/* ops/conv.c: convolution: "gemm" where no window is needed, "im2col" in chunks, and the plain "reference". */
#include "ops/conv.h"

#include "base/integer.h"
#include "base/memory.h"
#include "ops/conv_common.h"
#include "ops/conv_direct.h"

cly_ops_conv_sizes cly_ops_conv_sizes_of(const cly_ops_conv_shape *shape) {
    cly_ops_conv_sizes n = {.taps = 1, .in_pixels = 1, .out_pixels = 1};
    for (int i = 0; i < 3; i++) {
        n.taps *= shape->kernel[i];
        n.in_pixels *= shape->in[i];
        n.out_pixels *= shape->out[i];
    }
    n.group_in = shape->in_channels / shape->groups;
    n.group_out = shape->out_channels / shape->groups;
    n.macs =
        (double)shape->batch * (double)n.out_pixels * (double)n.taps * (double)n.group_in * (double)shape->out_channels;
    return n;
}

static double padded(int64_t size, int64_t tile) {
    return (double)((size + tile - 1) / tile * tile);
}

double cly_ops_gemm_cost(int64_t m, int64_t n, int64_t k) {
    const double copies = 4 * ((double)m * (double)k + (double)k * (double)n + (double)m * (double)n);
    return padded(m, 32) * padded(n, 64) * (double)k + copies;
}

/* How much slower a channels_first GEMM is than its size says, as bench/layout measured. On CPUs its columns are as
 * many rows as the reduction is long, and long ones miss the caches. Elsewhere each image is a GEMM of its own, which
 * may be too small to keep all compute units busy. */
#define CACHED_ROWS 256
#define UNCACHED_COST 3.0
#define TILE_SIDE 64

static double channels_first_factor(const clayer_context *context, const cly_ops_conv_shape *s, int64_t pixels) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    if (cly_ops_is_cpu(context)) {
        return n.taps * n.group_in > CACHED_ROWS ? UNCACHED_COST : 1;
    }
    const double tiles = padded(n.group_out, TILE_SIDE) * padded(pixels, TILE_SIDE) / (TILE_SIDE * TILE_SIDE);
    const double idle = (double)cly_device_info(context)->compute_units / tiles;
    return idle < 1 ? 1 : idle < (double)s->batch ? idle : (double)s->batch;
}

/* All of a convolution's GEMMs, as one per group (channels_last) or per group and image of `pixels` pixels. */
static double multiply_cost(const clayer_context *context, const cly_ops_conv_shape *s, int64_t pixels) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t k = n.taps * n.group_in;
    if (!s->channels_first) {
        return (double)s->groups * cly_ops_gemm_cost(s->batch * n.out_pixels, n.group_out, k);
    }
    const double pieces = (double)(s->batch * s->groups) * (double)n.out_pixels / (double)pixels;
    return channels_first_factor(context, s, pixels) * pieces * cly_ops_gemm_cost(n.group_out, pixels, k);
}

/* ---- reference ---- */

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return CLY_OPS_LAUNCH + CLY_OPS_PLAIN * cly_ops_conv_sizes_of(shape).macs;
}

clayer_status cly_ops_conv_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                         cl_mem workspace) {
    (void)workspace;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t count = s->batch * n.out_pixels * s->out_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, count, options);
    cly_launch launch = {.program = "conv", .options = options, .kernel = "conv_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_OPS_BIAS(operands),
                          CLY_BUFFER(operands[3]), CLY_LONG(count), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation),
                          CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n), CLY_INT(s->channels_first),
                          CLY_OPS_SPACING(s->y, s->out_channels), CLY_OPS_EPILOGUE(s, operands, s->out_channels));
}

/* ---- what follows a GEMM ---- */

static clayer_status run_epilogue(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands) {
    if (operands[2] == NULL && operands[4] == NULL && s->activation.id == CLY_LINEAR) {
        return CLAYER_OK;
    }
    const int64_t out_pixels = cly_ops_conv_sizes_of(s).out_pixels;
    const int64_t rows = s->batch * (s->channels_first ? s->out_channels : out_pixels);
    const int64_t width = s->channels_first ? out_pixels : s->out_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, rows, options);
    cly_launch launch = {.program = "conv", .options = options, .kernel = "epilogue"};
    const cly_arg split = cly_ops_rows(context, rows, width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[3]), CLY_OPS_BIAS(operands), CLY_LONG(rows), split,
                          CLY_INT(width), CLY_INT(s->out_channels), CLY_INT(!s->channels_first),
                          CLY_OPS_SPACING(s->y, width), CLY_OPS_EPILOGUE(s, operands, s->out_channels));
}

/* A GEMM of columns[group][pixel][tap, channel] by w, whose columns of one group lie side by side: pixels of y from
 * `pixel` on. With x itself as columns this is a 1x1 convolution. */
static clayer_status multiply_last(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands,
                                   cly_gemm columns, int64_t pixel, int64_t pixels) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    cly_gemm gemm = columns; /* a, a_offset, a_ld, a_stride */
    gemm.m = pixels;
    gemm.n = n.group_out;
    gemm.k = n.taps * n.group_in;
    gemm.b = operands[1];
    gemm.b_ld = s->out_channels;
    gemm.b_stride = n.group_out;
    gemm.c = operands[3];
    gemm.c_ld = s->y.pitch > 0 ? s->y.pitch : s->out_channels;
    gemm.c_offset = s->y.offset + pixel * gemm.c_ld;
    gemm.c_stride = n.group_out;
    gemm.batch = s->groups;
    return cly_device_gemm(context, &gemm);
}

/* channels_first: y's (filters x pixels) of each group and image is the transposed w by the columns (tap, channel x
 * pixels). `columns` gives b, b_offset, b_ld of the first group and image, b_stride between images; `group_stride`
 * between groups. */
static clayer_status multiply_first(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands,
                                    cly_gemm columns, int64_t group_stride, int64_t image, int64_t images,
                                    int64_t pixel, int64_t pixels) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    for (int64_t group = 0; group < s->groups; group++) {
        cly_gemm gemm = columns;
        gemm.transpose_a = true;
        gemm.m = n.group_out;
        gemm.n = pixels;
        gemm.k = n.taps * n.group_in;
        gemm.a = operands[1];
        gemm.a_offset = group * n.group_out;
        gemm.a_ld = s->out_channels;
        gemm.b_offset += group * group_stride;
        gemm.c = operands[3];
        gemm.c_offset = (image * s->out_channels + group * n.group_out) * n.out_pixels + pixel;
        gemm.c_ld = n.out_pixels;
        gemm.c_stride = s->out_channels * n.out_pixels;
        gemm.batch = images;
        CLY_TRY(cly_device_gemm(context, &gemm));
    }
done:
    return status;
}

/* ---- gemm: every output pixel looks at one input pixel, the same one ---- */

bool cly_ops_conv_is_pointwise(const cly_ops_conv_shape *s) {
    for (int i = 0; i < 3; i++) {
        if (s->kernel[i] != 1 || s->stride[i] != 1 || s->pad[i] != 0 || s->in[i] != s->out[i]) {
            return false;
        }
    }
    return true;
}

static double gemm_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    if (!cly_ops_conv_is_pointwise(s)) {
        return -1;
    }
    const double calls = s->channels_first ? (double)s->groups : 1;
    return CLY_OPS_LAUNCH * (1 + calls) + multiply_cost(context, s, n.out_pixels);
}

static clayer_status run_gemm(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    if (s->channels_first) {
        const cly_gemm x = {.b = operands[0], .b_ld = n.in_pixels, .b_stride = s->in_channels * n.in_pixels, .beta = 0};
        CLY_TRY(multiply_first(context, s, operands, x, n.group_in * n.in_pixels, 0, s->batch, 0, n.out_pixels));
    } else {
        const cly_gemm x = {.a = operands[0], .a_ld = s->in_channels, .a_stride = n.group_in};
        CLY_TRY(multiply_last(context, s, operands, x, 0, s->batch * n.out_pixels));
    }
    CLY_TRY(run_epilogue(context, s, operands));
done:
    return status;
}

/* ---- im2col ---- */

/* How the columns are cut so that they stay below the limit. channels_last: `pixels` at a time, counted over all
 * images. channels_first: `images` at a time, or one and `pixels` of it. */
typedef struct chunk {
    int64_t images, pixels;
    int64_t pixel_floats; /* columns of one pixel, all groups */
    bool possible;
} chunk;

static chunk chunk_of(const clayer_context *context, const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    chunk result = {.images = 1, .pixel_floats = n.taps * s->in_channels};
    const int64_t most = (int64_t)(cly_device_workspace_limit(context) / sizeof(float)) / result.pixel_floats;
    const int64_t all = s->channels_first ? n.out_pixels : s->batch * n.out_pixels;
    result.possible = most >= 1;
    result.pixels = most < all ? most : all;
    if (s->channels_first && result.pixels == all && all > 0) {
        result.images = most / all < s->batch ? most / all : s->batch;
    }
    return result;
}

static uint64_t im2col_workspace(const clayer_context *context, const void *shape) {
    const chunk c = chunk_of(context, shape);
    return (uint64_t)(c.images * c.pixels * c.pixel_floats) * sizeof(float);
}

static double im2col_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const chunk c = chunk_of(context, s);
    if (!c.possible) {
        return -1;
    }
    const double columns = (double)s->batch * (double)n.out_pixels * (double)c.pixel_floats;
    const double chunks = (double)s->batch * (double)n.out_pixels / (double)(c.images * c.pixels);
    const double calls = chunks * (1 + (s->channels_first ? (double)s->groups : 1));
    return CLY_OPS_LAUNCH * (1 + calls) + CLY_OPS_MOVE * columns + multiply_cost(context, s, c.pixels);
}

clayer_status cly_ops_conv_columns_last(clayer_context *context, const cly_ops_conv_shape *s, cl_mem x, cl_mem columns,
                                        int64_t first, int64_t pixels) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t rows = s->groups * pixels * n.taps, all = s->batch * n.out_pixels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, rows > all ? rows : all, options);
    cly_launch launch = {.program = "conv", .options = options, .kernel = "im2col_last"};
    const cly_arg split = cly_ops_rows(context, rows, n.group_in, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(columns), CLY_LONG(rows), split, CLY_LONG(first),
                          CLY_INT(pixels), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->kernel),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad),
                          CLY_OPS_CHANNELS(s, n));
}

clayer_status cly_ops_conv_columns_first(clayer_context *context, const cly_ops_conv_shape *s, cl_mem x, cl_mem columns,
                                         int64_t image, int64_t images, int64_t first, int64_t pixels) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t rows = images * n.taps * s->in_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, rows, options);
    cly_launch launch = {.program = "conv", .options = options, .kernel = "im2col_first"};
    const cly_arg split = cly_ops_rows(context, rows, pixels, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(columns), CLY_LONG(rows), split, CLY_INT(image),
                          CLY_INT(first), CLY_INT(pixels), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation),
                          CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n));
}

static clayer_status run_im2col_last(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands,
                                     cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const chunk c = chunk_of(context, s);
    const int64_t all = s->batch * n.out_pixels;
    for (int64_t first = 0; first < all; first += c.pixels) {
        const int64_t pixels = cly_base_smaller(c.pixels, all - first);
        CLY_TRY(cly_ops_conv_columns_last(context, s, operands[0], workspace, first, pixels));
        const int64_t width = n.taps * n.group_in;
        const cly_gemm columns = {.a = workspace, .a_ld = width, .a_stride = pixels * width};
        CLY_TRY(multiply_last(context, s, operands, columns, first, pixels));
    }
done:
    return status;
}

static clayer_status run_im2col_first(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands,
                                      cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const chunk c = chunk_of(context, s);
    for (int64_t image = 0; image < s->batch; image += c.images) {
        const int64_t images = cly_base_smaller(c.images, s->batch - image);
        for (int64_t first = 0; first < n.out_pixels; first += c.pixels) {
            const int64_t pixels = cly_base_smaller(c.pixels, n.out_pixels - first);
            CLY_TRY(cly_ops_conv_columns_first(context, s, operands[0], workspace, image, images, first, pixels));
            const cly_gemm columns = {.b = workspace, .b_ld = pixels, .b_stride = c.pixel_floats * pixels};
            CLY_TRY(multiply_first(context, s, operands, columns, n.taps * n.group_in * pixels, image, images, first,
                                   pixels));
        }
    }
done:
    return status;
}

static clayer_status run_im2col(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    CLY_TRY(s->channels_first ? run_im2col_first(context, s, operands, workspace)
                              : run_im2col_last(context, s, operands, workspace));
    CLY_TRY(run_epilogue(context, s, operands));
done:
    return status;
}

static const cly_ops_implementation implementations[] = {
    {.name = "gemm", .cost = gemm_cost, .run = run_gemm},
    CLY_OPS_CONV_DIRECT,
    {.name = "im2col", .cost = im2col_cost, .workspace_bytes = im2col_workspace, .run = run_im2col},
    {.name = "reference", .cost = reference_cost, .run = cly_ops_conv_run_reference},
    {0},
};

uint64_t cly_ops_conv_multiply_adds(const void *shape) {
    const cly_ops_conv_shape *s = shape;
    int64_t count = s->batch;
    bool fits = cly_base_multiply(&count, s->out_channels) && cly_base_multiply(&count, s->in_channels / s->groups);
    for (int i = 0; i < 3; i++) {
        fits = fits && cly_base_multiply(&count, s->out[i]) && cly_base_multiply(&count, s->kernel[i]);
    }
    return fits ? (uint64_t)count : INT64_MAX;
}

const cly_ops_operator cly_ops_conv_operator = {
    .name = "conv", .implementations = implementations, .multiply_adds = cly_ops_conv_multiply_adds};
