/* ops/conv_transpose.c: transposed convolution: "gemm" multiplies x by w and gathers, "reference" gathers alone. */
#include "base/integer.h"
#include "ops/conv.h"
#include "ops/conv_common.h"
#include "ops/conv_direct.h"

/* ---- reference ---- */

/* Gathering visits every tap of every position of y, whether a stride lets it through or not. */
static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return CLY_OPS_LAUNCH + CLY_OPS_PLAIN * cly_ops_conv_sizes_of(shape).macs;
}

clayer_status cly_ops_conv_transpose_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t count = s->batch * n.in_pixels * s->in_channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, count, options);
    cly_launch launch = {.program = "conv_transpose", .options = options, .kernel = "conv_transpose_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_OPS_BIAS(operands),
                          CLY_BUFFER(operands[3]), CLY_LONG(count), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out),
                          CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation),
                          CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n), CLY_INT(s->channels_first),
                          CLY_OPS_SPACING(s->y, s->in_channels), CLY_OPS_EPILOGUE(s, operands, s->in_channels));
}

/* ---- gemm ---- */

/* How the products are cut so that they stay below the limit: whole images, or slabs of y along the first axis that has
 * a length (each with the positions of x that reach it), or slabs of one position and some channels of each group. */
typedef struct cut {
    int axis;         /* of the slabs */
    int64_t images;   /* at a time */
    int64_t rows;     /* of y along the axis at a time */
    int64_t channels; /* of y in each group at a time */
    int64_t floats;   /* of the largest piece */
    bool whole;       /* whole images */
    bool possible;
} cut;

typedef struct span {
    int64_t begin, count;
} span;

/* The positions of x along an axis that reach rows [begin, begin + rows) of y. */
static span reaching(const cly_ops_conv_shape *s, int axis, int64_t begin, int64_t rows) {
    const int64_t stride = s->stride[axis];
    const int64_t effective = (s->kernel[axis] - 1) * s->dilation[axis] + 1;
    const int64_t lowest = begin + s->pad[axis] - (effective - 1);
    const int64_t highest = begin + rows - 1 + s->pad[axis];
    const int64_t first = lowest > 0 ? (lowest + stride - 1) / stride : 0;
    int64_t last = highest / stride;
    last = last < s->out[axis] ? last : s->out[axis] - 1;
    return (span){.begin = first, .count = last >= first ? last - first + 1 : 0};
}

/* At most how many positions of x reach `rows` rows of y. */
static int64_t most_reaching(const cly_ops_conv_shape *s, int axis, int64_t rows) {
    const int64_t effective = (s->kernel[axis] - 1) * s->dilation[axis] + 1;
    const int64_t most = (rows + effective - 2) / s->stride[axis] + 1;
    return most < s->out[axis] ? most : s->out[axis];
}

static cut cut_of(const clayer_context *context, const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t limit = (int64_t)(cly_device_workspace_limit(context) / sizeof(float));
    cut c = {.images = 1, .channels = n.group_in, .possible = true};
    while (c.axis < 2 && s->in[c.axis] == 1 && s->out[c.axis] == 1) {
        c.axis++;
    }
    c.rows = s->in[c.axis];
    const int64_t image = n.out_pixels * n.taps * s->in_channels;
    if (image <= limit) {
        c.images = limit / image < s->batch ? limit / image : s->batch;
        c.floats = c.images * image;
        c.whole = true;
        return c;
    }
    const int64_t across = n.out_pixels / s->out[c.axis] * n.taps * s->groups; /* a position of x, for one channel */
    while (c.rows > 1 && most_reaching(s, c.axis, c.rows) * across * c.channels > limit) {
        c.rows = (c.rows + 1) / 2;
    }
    const int64_t one_channel = most_reaching(s, c.axis, c.rows) * across;
    if (one_channel * c.channels > limit) {
        c.channels = limit / one_channel;
    }
    c.possible = c.channels >= 1;
    c.floats = one_channel * c.channels;
    return c;
}

static uint64_t gemm_workspace(const clayer_context *context, const void *shape) {
    return (uint64_t)cut_of(context, shape).floats * sizeof(float);
}

static double gemm_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const cut c = cut_of(context, s);
    if (!c.possible) {
        return -1;
    }
    const double pieces = (double)s->batch / (double)c.images * (double)s->in[c.axis] / (double)c.rows *
                          (double)n.group_in / (double)c.channels;
    const double calls =
        1 + (s->channels_first ? (double)s->groups : 1) * (c.channels < n.group_in ? (double)n.taps : 1);
    const double products = (double)s->batch * (double)n.out_pixels * (double)n.taps * (double)s->in_channels;
    const int64_t width = n.taps * c.channels;
    const double multiply = (s->channels_first ? cly_ops_gemm_cost(width, n.out_pixels, n.group_out)
                                               : cly_ops_gemm_cost(n.out_pixels, width, n.group_out)) *
                            (double)(s->batch * s->groups) * (double)n.group_in / (double)c.channels;
    return CLY_OPS_LAUNCH * pieces * calls + 8 * products + multiply;
}

/* A piece of the work, as the gathering kernel describes it. */
typedef struct piece {
    int64_t image, images;
    int64_t begin[3], size[3];     /* of y */
    int64_t x_begin[3], x_size[3]; /* of x */
    int64_t x_pixels, x_first;     /* how many pixels of x in an image, and the first */
    int64_t channel, channels;     /* of y in each group */
    int64_t image_step, group_step, pixel_step, row_step;
} piece;

/* products[group][image][pixel][tap, channel] = x (pixels x channels) by the transposed w, all groups in one batch. */
static clayer_status multiply_last(clayer_context *context, const cly_ops_conv_shape *s, const piece *p,
                                   const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t width = n.taps * p->channels;
    const bool whole = p->channels == n.group_in; /* then the rows of w for all taps are one matrix */
    for (int64_t tap = 0; tap < (whole ? 1 : n.taps); tap++) {
        const cly_gemm gemm = {
            .transpose_b = true,
            .m = p->images * p->x_pixels,
            .n = whole ? width : p->channels,
            .k = n.group_out,
            .a = operands[0],
            .a_offset = (p->image * n.out_pixels + p->x_first) * s->out_channels,
            .a_ld = s->out_channels,
            .a_stride = n.group_out,
            .b = operands[1],
            .b_offset = (tap * n.group_in + p->channel) * s->out_channels,
            .b_ld = s->out_channels,
            .b_stride = n.group_out,
            .c = workspace,
            .c_offset = tap * p->channels,
            .c_ld = width,
            .c_stride = p->group_step,
            .batch = s->groups,
        };
        CLY_TRY(cly_device_gemm(context, &gemm));
    }
done:
    return status;
}

/* products[image][group][tap, channel][pixel] = w by x (channels x pixels), all images in one batch. */
static clayer_status multiply_first(clayer_context *context, const cly_ops_conv_shape *s, const piece *p,
                                    const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const bool whole = p->channels == n.group_in;
    for (int64_t group = 0; group < s->groups; group++) {
        for (int64_t tap = 0; tap < (whole ? 1 : n.taps); tap++) {
            const cly_gemm gemm = {
                .m = whole ? n.taps * p->channels : p->channels,
                .n = p->x_pixels,
                .k = n.group_out,
                .a = operands[1],
                .a_offset = (tap * n.group_in + p->channel) * s->out_channels + group * n.group_out,
                .a_ld = s->out_channels,
                .b = operands[0],
                .b_offset = (p->image * s->out_channels + group * n.group_out) * n.out_pixels + p->x_first,
                .b_ld = n.out_pixels,
                .b_stride = s->out_channels * n.out_pixels,
                .c = workspace,
                .c_offset = group * p->group_step + tap * p->channels * p->x_pixels,
                .c_ld = p->x_pixels,
                .c_stride = p->image_step,
                .batch = p->images,
            };
            CLY_TRY(cly_device_gemm(context, &gemm));
        }
    }
done:
    return status;
}

static clayer_status gather_last(clayer_context *context, const cly_ops_conv_shape *s, const piece *p,
                                 const cl_mem *operands, cl_mem workspace) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t rows = p->images * p->size[0] * p->size[1] * p->size[2] * s->groups;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, rows, options);
    cly_launch launch = {.program = "conv_transpose", .options = options, .kernel = "conv_transpose_gather_last"};
    const cly_arg split = cly_ops_rows(context, rows, p->channels, &launch);
    return cly_device_run(
        context, &launch, CLY_BUFFER(workspace), CLY_OPS_BIAS(operands), CLY_BUFFER(operands[3]), CLY_LONG(rows), split,
        CLY_INT(p->image), CLY_OPS_SIZES(p->begin), CLY_OPS_SIZES(p->size), CLY_INT(p->channel), CLY_INT(p->channels),
        CLY_OPS_SIZES(p->x_begin), CLY_OPS_SIZES(p->x_size), CLY_LONG(p->image_step), CLY_LONG(p->group_step),
        CLY_LONG(p->pixel_step), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->kernel), CLY_OPS_SIZES(s->stride),
        CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n),
        CLY_OPS_SPACING(s->y, s->in_channels), CLY_OPS_EPILOGUE(s, operands, s->in_channels));
}

static clayer_status gather_first(clayer_context *context, const cly_ops_conv_shape *s, const piece *p,
                                  const cl_mem *operands, cl_mem workspace) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t count = p->images * p->size[0] * p->size[1] * p->size[2] * s->groups * p->channels;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, count, options);
    cly_launch launch = {.program = "conv_transpose", .options = options, .kernel = "conv_transpose_gather_first"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(
        context, &launch, CLY_BUFFER(workspace), CLY_OPS_BIAS(operands), CLY_BUFFER(operands[3]), CLY_LONG(count),
        CLY_INT(p->image), CLY_OPS_SIZES(p->begin), CLY_OPS_SIZES(p->size), CLY_INT(p->channel), CLY_INT(p->channels),
        CLY_OPS_SIZES(p->x_begin), CLY_OPS_SIZES(p->x_size), CLY_LONG(p->image_step), CLY_LONG(p->group_step),
        CLY_LONG(p->pixel_step), CLY_LONG(p->row_step), CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->kernel),
        CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad), CLY_OPS_CHANNELS(s, n),
        CLY_INT(s->channels_first), CLY_OPS_EPILOGUE(s, operands, s->in_channels));
}

/* Fills in x's part and the steps of the products of a piece of which image, y's box and channels are known. */
static void complete_piece(const cly_ops_conv_shape *s, const cut *c, piece *p) {
    const int axis = c->axis;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    /* Whole images lie one behind the other, so all of x is taken even where some of it reaches nothing. */
    const span x =
        c->whole ? (span){.begin = 0, .count = s->out[axis]} : reaching(s, axis, p->begin[axis], p->size[axis]);
    for (int i = 0; i < 3; i++) {
        p->x_begin[i] = i == axis ? x.begin : 0;
        p->x_size[i] = i == axis ? x.count : s->out[i];
    }
    /* Axes before `axis` have one position, so the slab is contiguous. */
    p->x_pixels = p->x_size[0] * p->x_size[1] * p->x_size[2];
    p->x_first = x.begin * (n.out_pixels / s->out[axis]);
    const int64_t group = n.taps * p->channels * p->x_pixels;
    p->group_step = s->channels_first ? group : group * p->images;
    p->image_step = s->channels_first ? group * s->groups : group;
    p->pixel_step = s->channels_first ? 1 : n.taps * p->channels;
    p->row_step = s->channels_first ? p->x_pixels : 1;
}

static clayer_status run_piece(clayer_context *context, const cly_ops_conv_shape *s, const piece *p,
                               const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    if (p->x_pixels > 0) { /* else no position of x reaches these rows: they are what the bias gives */
        CLY_TRY(s->channels_first ? multiply_first(context, s, p, operands, workspace)
                                  : multiply_last(context, s, p, operands, workspace));
    }
    CLY_TRY(s->channels_first ? gather_first(context, s, p, operands, workspace)
                              : gather_last(context, s, p, operands, workspace));
done:
    return status;
}

static clayer_status run_gemm(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const cut c = cut_of(context, s);
    for (int64_t image = 0; image < s->batch; image += c.images) {
        for (int64_t row = 0; row < s->in[c.axis]; row += c.rows) {
            for (int64_t channel = 0; channel < n.group_in; channel += c.channels) {
                piece p = {.image = image,
                           .images = cly_base_smaller(c.images, s->batch - image),
                           .size = {s->in[0], s->in[1], s->in[2]},
                           .channel = channel,
                           .channels = cly_base_smaller(c.channels, n.group_in - channel)};
                p.begin[c.axis] = row;
                p.size[c.axis] = cly_base_smaller(c.rows, s->in[c.axis] - row);
                complete_piece(s, &c, &p);
                CLY_TRY(run_piece(context, s, &p, operands, workspace));
            }
        }
    }
done:
    return status;
}

static const cly_ops_implementation implementations[] = {
    CLY_OPS_CONV_TRANSPOSE_DIRECT,
    {.name = "gemm", .cost = gemm_cost, .workspace_bytes = gemm_workspace, .run = run_gemm},
    {.name = "reference", .cost = reference_cost, .run = cly_ops_conv_transpose_run_reference},
    {0},
};

const cly_ops_operator cly_ops_conv_transpose_operator = {
    .name = "conv_transpose", .implementations = implementations, .multiply_adds = cly_ops_conv_multiply_adds};
