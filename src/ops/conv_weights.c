/* ops/conv_weights.c: the gradient of a convolution with respect to its weights: "gemm" multiplies the transposed
 * columns of x (im2col in chunks, or x itself for 1x1) by dy, and the plain "reference".
 *
 * The product's inner size is the number of pixels, often large where dw is small: then the pixels are dealt out to
 * slots, each with a dw of its own, that are added up at the end, always in the same order. */
#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/conv.h"
#include "ops/conv_common.h"
#include "ops/conv_direct.h"
#include "ops/sums.h"

#define MOST_SLOTS 512
#define GPU_ITEMS 256    /* work-items that keep a compute unit of a GPU busy */
#define MOST_PIXELS 8192 /* that one slot sums up, as far as memory allows: long float sums lose digits */

/* ---- reference ---- */

/* One work-item a weight, which is few for a GPU where the sums are long. */
static double reference_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const double items = (double)(n.taps * n.group_in * s->out_channels);
    const double wanted = (double)cly_device_info(context)->compute_units * (cly_ops_is_cpu(context) ? 1 : GPU_ITEMS);
    return CLY_OPS_LAUNCH + CLY_OPS_PLAIN * n.macs * (items < wanted ? wanted / items : 1);
}

clayer_status cly_ops_conv_weights_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                                 cl_mem workspace) {
    (void)workspace;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t count = n.taps * n.group_in * s->out_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "conv_weights", .options = options, .kernel = "conv_weights_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(count), CLY_INT(s->batch), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation),
                          CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n), CLY_INT(s->channels_first));
}

/* ---- gemm ---- */

/* How the work is cut so that columns and slots stay below the limit. channels_last: `pixels` at a time, counted over
 * all images, of which each slot gets `piece`. channels_first: `images` at a time, dealt out to the slots one by one,
 * or one image and `pixels` of it. */
typedef struct cut {
    int64_t images, pixels;
    int64_t slots; /* 1: dw itself */
    int64_t piece;
    int64_t column_floats, slot_floats;
    bool direct; /* x itself serves as columns */
    bool possible;
} cut;

/* So many slots that the device has work for all its units, at most. */
static int64_t slots_wanted(const clayer_context *context, const cly_ops_conv_shape *s, int64_t budget) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const bool cpu = cly_ops_is_cpu(context);
    const int64_t units = (int64_t)cly_device_info(context)->compute_units;
    const int64_t width = n.taps * n.group_in;
    const int64_t tiles = s->groups * (cpu ? cly_base_divide_up(width, 12) * cly_base_divide_up(n.group_out, 32)
                                           : cly_base_divide_up(width, 64) * cly_base_divide_up(n.group_out, 64));
    const int64_t by_units = cly_base_divide_up((units > 0 ? units : 1) * (cpu ? 4 : 2), tiles);
    const int64_t by_length = cly_base_divide_up(s->batch * n.out_pixels, MOST_PIXELS);
    const int64_t by_memory = budget / 4 / (width * s->out_channels);
    const int64_t wanted =
        cly_base_smaller(cly_base_smaller(by_units > by_length ? by_units : by_length, by_memory), MOST_SLOTS);
    return wanted > 1 ? wanted : 1;
}

static int64_t slot_floats(int64_t slots, int64_t weights) {
    return slots > 1 ? slots * weights + cly_ops_slots_floats(slots, weights) : 0;
}

static void cut_last(const cly_ops_conv_shape *s, int64_t budget, int64_t pixel_floats, int64_t weights, cut *c) {
    const int64_t all = s->batch * cly_ops_conv_sizes_of(s).out_pixels;
    const int64_t most = c->direct ? all : (budget - slot_floats(c->slots, weights)) / pixel_floats;
    c->possible = most >= 1;
    c->pixels = cly_base_smaller(all, most);
    if (c->possible) {
        c->piece = cly_base_divide_up(c->pixels, c->slots);
        c->slots = cly_base_divide_up(c->pixels, c->piece);
    }
}

static void cut_first(const cly_ops_conv_shape *s, int64_t budget, int64_t pixel_floats, int64_t weights, cut *c) {
    const int64_t pixels = cly_ops_conv_sizes_of(s).out_pixels, image = pixels * pixel_floats;
    c->slots = cly_base_smaller(c->slots, s->batch);
    c->possible = true;
    c->pixels = pixels;
    if (c->direct) {
        c->images = s->batch;
    } else if (image <= budget) {
        c->images = (budget - slot_floats(c->slots, weights)) / image;
        c->images = cly_base_smaller(c->images > 1 ? c->images : 1, s->batch);
        c->slots = budget - slot_floats(c->slots, weights) < image ? 1 : cly_base_smaller(c->slots, c->images);
    } else {
        c->slots = 1;
        c->pixels = budget / pixel_floats;
        c->possible = c->pixels >= 1;
    }
}

static cut cut_of(const clayer_context *context, const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t budget = (int64_t)(cly_device_workspace_limit(context) / sizeof(float));
    const int64_t pixel_floats = n.taps * s->in_channels, weights = n.taps * n.group_in * s->out_channels;
    cut c = {.images = 1, .direct = cly_ops_conv_is_pointwise(s), .slots = slots_wanted(context, s, budget)};
    (s->channels_first ? cut_first : cut_last)(s, budget, pixel_floats, weights, &c);
    c.slot_floats = slot_floats(c.slots, weights);
    c.column_floats = c.direct || !c.possible ? 0 : c.images * c.pixels * pixel_floats;
    return c;
}

static uint64_t gemm_workspace(const clayer_context *context, const void *shape) {
    const cut c = cut_of(context, shape);
    return (uint64_t)(c.column_floats + c.slot_floats) * sizeof(float);
}

static double gemm_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const cut c = cut_of(context, s);
    if (!c.possible) {
        return -1;
    }
    const int64_t width = n.taps * n.group_in;
    const double pixels = (double)s->batch * (double)n.out_pixels;
    const double chunks = pixels / (double)(c.images * c.pixels);
    const double rounds = s->channels_first ? (double)cly_base_divide_up(c.images, c.slots) : 1;
    const double calls = chunks * (1 + rounds * (double)(s->channels_first || c.slots > 1 ? s->groups : 1));
    const double columns = c.direct ? 0 : pixels * (double)n.taps * (double)s->in_channels;
    return CLY_OPS_LAUNCH * (1 + calls) + 4 * columns + 4 * (double)c.slot_floats +
           (double)s->groups * cly_ops_gemm_cost(width, n.group_out, s->batch * n.out_pixels);
}

/* A GEMM of one group's columns by its dy, to dw or to the slots; `gemm` comes with what depends on the layout. */
static clayer_status multiply(clayer_context *context, const cly_ops_conv_shape *s, const cut *c, cly_gemm gemm,
                              int64_t group, int64_t slot, const cl_mem *operands, cl_mem workspace) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t weights = n.taps * n.group_in * s->out_channels;
    gemm.transpose_a = !s->channels_first;
    gemm.transpose_b = s->channels_first;
    gemm.m = n.taps * n.group_in;
    gemm.n = n.group_out;
    gemm.b = operands[1];
    gemm.c = c->slots > 1 ? workspace : operands[2];
    gemm.c_offset = (c->slots > 1 ? c->column_floats + slot * weights : 0) + group * n.group_out;
    gemm.c_ld = s->out_channels;
    gemm.c_stride = gemm.c_stride != 0 ? gemm.c_stride : weights;
    return cly_device_gemm(context, &gemm);
}

/* channels_last: pixels of all images from `first` on, whose columns lie from a_offset on. */
static clayer_status multiply_last(clayer_context *context, const cly_ops_conv_shape *s, const cut *c, int64_t first,
                                   int64_t pixels, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t width = n.taps * n.group_in;
    cly_gemm gemm = {.a = c->direct ? operands[0] : workspace,
                     .a_offset = c->direct ? first * s->in_channels : 0,
                     .a_ld = c->direct ? s->in_channels : width,
                     .b_offset = first * s->out_channels,
                     .b_ld = s->out_channels,
                     .beta = first > 0 ? 1.0f : 0.0f};
    const int64_t group_stride = c->direct ? n.group_in : pixels * width;
    if (c->slots == 1) {
        gemm.k = pixels;
        gemm.a_stride = group_stride;
        gemm.b_stride = gemm.c_stride = n.group_out;
        gemm.batch = s->groups;
        return multiply(context, s, c, gemm, 0, 0, operands, workspace);
    }
    const int64_t whole = pixels / c->piece, rest = pixels % c->piece;
    gemm.a_stride = c->piece * gemm.a_ld;
    gemm.b_stride = c->piece * gemm.b_ld;
    for (int64_t group = 0; group < s->groups; group++) {
        cly_gemm pieces = gemm;
        pieces.a_offset += group * group_stride;
        pieces.b_offset += group * n.group_out;
        pieces.k = c->piece;
        pieces.batch = whole;
        if (whole > 0) {
            CLY_TRY(multiply(context, s, c, pieces, group, 0, operands, workspace));
        }
        pieces.a_offset += whole * gemm.a_stride;
        pieces.b_offset += whole * gemm.b_stride;
        pieces.k = rest;
        pieces.batch = 1;
        if (rest > 0) {
            CLY_TRY(multiply(context, s, c, pieces, group, whole, operands, workspace));
        }
    }
done:
    return status;
}

/* channels_first: `images` images from `image` on and of each `pixels` pixels from `first` on, in rounds of a slot an
 * image. */
static clayer_status multiply_first(clayer_context *context, const cly_ops_conv_shape *s, const cut *c, int64_t image,
                                    int64_t images, int64_t first, int64_t pixels, const cl_mem *operands,
                                    cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t image_columns = (c->direct ? s->in_channels : n.taps * s->in_channels) * pixels;
    for (int64_t round = 0; round < images; round += c->slots) {
        for (int64_t group = 0; group < s->groups; group++) {
            const cly_gemm gemm = {
                .k = pixels,
                .a = c->direct ? operands[0] : workspace,
                .a_offset = ((c->direct ? image : 0) + round) * image_columns + group * (image_columns / s->groups),
                .a_ld = pixels,
                .a_stride = image_columns,
                .b_offset = ((image + round) * s->out_channels + group * n.group_out) * n.out_pixels + first,
                .b_ld = n.out_pixels,
                .b_stride = s->out_channels * n.out_pixels,
                .batch = cly_base_smaller(c->slots, images - round),
                .beta = image + round + first > 0 ? 1.0f : 0.0f};
            CLY_TRY(multiply(context, s, c, gemm, group, 0, operands, workspace));
        }
    }
done:
    return status;
}

static clayer_status run_last(clayer_context *context, const cly_ops_conv_shape *s, const cut *c,
                              const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const int64_t all = s->batch * cly_ops_conv_sizes_of(s).out_pixels;
    for (int64_t first = 0; first < all; first += c->pixels) {
        const int64_t pixels = cly_base_smaller(c->pixels, all - first);
        if (!c->direct) {
            CLY_TRY(cly_ops_conv_columns_last(context, s, operands[0], workspace, first, pixels));
        }
        CLY_TRY(multiply_last(context, s, c, first, pixels, operands, workspace));
    }
done:
    return status;
}

static clayer_status run_first(clayer_context *context, const cly_ops_conv_shape *s, const cut *c,
                               const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const int64_t all = cly_ops_conv_sizes_of(s).out_pixels;
    for (int64_t image = 0; image < s->batch; image += c->images) {
        const int64_t images = cly_base_smaller(c->images, s->batch - image);
        for (int64_t first = 0; first < all; first += c->pixels) {
            const int64_t pixels = cly_base_smaller(c->pixels, all - first);
            if (!c->direct) {
                CLY_TRY(cly_ops_conv_columns_first(context, s, operands[0], workspace, image, images, first, pixels));
            }
            CLY_TRY(multiply_first(context, s, c, image, images, first, pixels, operands, workspace));
        }
    }
done:
    return status;
}

static clayer_status run_gemm(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    const cut c = cut_of(context, s);
    CLY_TRY((s->channels_first ? run_first : run_last)(context, s, &c, operands, workspace));
    if (c.slots > 1) {
        const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
        CLY_TRY(cly_ops_slots_add(context, workspace, c.column_floats, c.slots, n.taps * n.group_in * s->out_channels,
                                  1.0f, operands[2], 0));
    }
done:
    return status;
}

static const cly_ops_implementation implementations[] = {
    CLY_OPS_CONV_WEIGHTS_DIRECT,
    {.name = "gemm", .cost = gemm_cost, .workspace_bytes = gemm_workspace, .run = run_gemm},
    {.name = "reference", .cost = reference_cost, .run = cly_ops_conv_weights_run_reference},
    {0},
};

const cly_ops_operator cly_ops_conv_weights_operator = {.name = "conv_weights", .implementations = implementations};
