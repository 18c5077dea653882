/* ops/conv_direct.c: "direct" implementations for CPUs, channels_last: convolution from lines copied into local memory,
 * the transposed one of stride 1 as a convolution by weights turned round, and the gradient of the weights.
 *
 * A tile is a few pixels (or taps and channels) by one or two vectors of 16 filters, so there must be 16 filters in a
 * group; the tile's length is chosen so that a line divides into few of them. */
#include "ops/conv_direct.h"

#include <stdio.h>
#include <string.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/sums.h"

#define WIDTH 16            /* filters of a vector */
#define LOCAL_FLOATS 24576  /* of copied lines, at most: they should stay in a core's own cache */
#define ITEMS 8             /* work-items a compute unit should get, where there is enough work */
#define FEW_COLUMNS 32      /* shorter runs of taps and channels are laid out as columns first */
#define TURN_COST 40        /* of one weight turned round */
#define CACHED_BYTES 262144 /* of sums that each line of dy is added to: more leave a core's own cache */
#define DIRECT_COST 0.4     /* of a multiply-add of a GEMM over columns, as bench/direct measures */

/* Of the tiles that there are, each a program of its own, the one that covers `count` with least work; a tile's own
 * cost is that of two more. With two vectors a row the longest takes 24 sums, two weights and a value of 32 registers.
 */
static int tile_of(int64_t count) {
    static const int tiles[] = {1, 2, 4, 6, 7, 8, 12};
    int best = 1;
    for (size_t i = 0; i < CLY_COUNT(tiles); i++) {
        const int tile = tiles[i];
        if (tile <= count &&
            cly_base_divide_up(count, tile) * (tile + 2) <= cly_base_divide_up(count, best) * (best + 2)) {
            best = tile;
        }
    }
    return best;
}

static int vectors_of(int64_t filters) {
    return filters >= 2 * WIDTH ? 2 : 1;
}

/* Columns of x that `pixels` pixels of a line read. */
static int64_t columns_of(const cly_ops_conv_shape *s, int64_t pixels) {
    return (pixels - 1) * s->stride[2] + (s->kernel[2] - 1) * s->dilation[2] + 1;
}

static int64_t local_limit(const clayer_context *context) {
    const int64_t floats = (int64_t)(cly_device_info(context)->local_memory_bytes / sizeof(float));
    return cly_base_smaller(floats, LOCAL_FLOATS);
}

static int64_t line_floats(const cly_ops_conv_shape *s, int64_t pixels) {
    return s->kernel[0] * s->kernel[1] * columns_of(s, pixels) * (s->in_channels / s->groups);
}

static bool suits(const clayer_context *context, const cly_ops_conv_shape *s) {
    return cly_ops_is_cpu(context) && !s->channels_first && s->out_channels / s->groups >= WIDTH && s->batch > 0;
}

static double tiles_cost(const cly_ops_conv_shape *s, double rows) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t width = WIDTH * vectors_of(n.group_out);
    return DIRECT_COST * rows * (double)(n.taps * n.group_in) *
           (double)(cly_base_divide_up(n.group_out, width) * width) * (double)s->groups;
}

/* ---- conv ---- */

/* Pixels of a line that one work-item takes: stretches of nearly the same length; 0 if none fits. */
static int64_t stretch_of(const clayer_context *context, const cly_ops_conv_shape *s) {
    for (int64_t parts = 1; parts <= s->out[2]; parts++) {
        const int64_t stretch = cly_base_divide_up(s->out[2], parts);
        if (line_floats(s, stretch) <= local_limit(context)) {
            return stretch;
        }
    }
    return 0;
}

static double lines_cost(const clayer_context *context, const cly_ops_conv_shape *s) {
    if (!suits(context, s) || stretch_of(context, s) == 0) {
        return -1;
    }
    const int64_t stretch = stretch_of(context, s), tile = tile_of(stretch);
    const double lines = (double)s->batch * (double)(s->out[0] * s->out[1] * cly_base_divide_up(s->out[2], stretch));
    return CLY_OPS_LAUNCH + tiles_cost(s, lines * (double)(cly_base_divide_up(stretch, tile) * (tile + 1))) +
           CLY_OPS_MOVE * lines * (double)line_floats(s, stretch);
}

/* Without a window the GEMM needs no columns either. */
double cly_ops_conv_direct_cost(const clayer_context *context, const void *shape) {
    return cly_ops_conv_is_pointwise(shape) ? -1 : lines_cost(context, shape);
}

/* Blocks of filters a work-item takes: all, unless that leaves compute units idle. */
static int64_t blocks_each(const clayer_context *context, int64_t blocks, int64_t lines) {
    const int64_t units = (int64_t)cly_device_info(context)->compute_units;
    const int64_t shares = cly_base_smaller(cly_base_divide_up((units > 0 ? units : 1) * ITEMS, lines), blocks);
    return cly_base_divide_up(blocks, shares);
}

static clayer_status run_conv_shape(clayer_context *context, const cly_ops_conv_shape *s, const cl_mem *operands,
                                    cl_mem w) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int vectors = vectors_of(n.group_out);
    const int64_t stretch = stretch_of(context, s), stretches = cly_base_divide_up(s->out[2], stretch);
    const int64_t last = s->out[2] - (stretches - 1) * stretch, lines = s->batch * s->out[0] * s->out[1] * stretches;
    const int64_t blocks = cly_base_divide_up(n.group_out, WIDTH * vectors), each = blocks_each(context, blocks, lines);
    char options[CLY_OPS_OPTIONS + 32];
    cly_ops_options(context, &s->activation, lines, options);
    const size_t length = strlen(options);
    (void)snprintf(options + length, sizeof(options) - length, " -DPIXELS=%d -DTILE=%d",
                   last < tile_of(stretch) ? tile_of(last) : tile_of(stretch), vectors);
    const cly_launch launch = {.program = "conv_direct",
                               .options = options,
                               .kernel = "conv_direct",
                               .global = {(size_t)(s->groups * cly_base_divide_up(blocks, each)), (size_t)lines, 1},
                               .local = {1, 1, 1}};
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(w), CLY_OPS_BIAS(operands),
                          CLY_BUFFER(operands[3]), CLY_LOCAL((size_t)line_floats(s, stretch) * sizeof(float)),
                          CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->kernel),
                          CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad),
                          CLY_OPS_CHANNELS(s, n), CLY_INT(stretch), CLY_INT(each),
                          CLY_OPS_SPACING(s->y, s->out_channels), CLY_OPS_EPILOGUE(s, operands, s->out_channels));
}

clayer_status cly_ops_conv_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                      cl_mem workspace) {
    (void)workspace;
    return run_conv_shape(context, shape, operands, operands[1]);
}

/* ---- conv_transpose of stride 1 ---- */

/* The convolution from `out` to `in` that does the same with weights turned round. */
static cly_ops_conv_shape turned_shape(const cly_ops_conv_shape *s) {
    cly_ops_conv_shape t = *s;
    t.in_channels = s->out_channels;
    t.out_channels = s->in_channels;
    for (int i = 0; i < 3; i++) {
        t.in[i] = s->out[i];
        t.out[i] = s->in[i];
        t.pad[i] = (s->kernel[i] - 1) * s->dilation[i] - s->pad[i];
    }
    return t;
}

uint64_t cly_ops_conv_transpose_direct_workspace(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    return (uint64_t)(n.taps * n.group_out * s->in_channels) * sizeof(float);
}

double cly_ops_conv_transpose_direct_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape, turned = turned_shape(s);
    const double cost = lines_cost(context, &turned);
    const bool strided = s->stride[0] != 1 || s->stride[1] != 1 || s->stride[2] != 1;
    const double weights = (double)(cly_ops_conv_transpose_direct_workspace(context, s) / sizeof(float));
    const bool fits = cly_ops_conv_transpose_direct_workspace(context, s) <= cly_device_workspace_limit(context);
    return strided || !fits || cost < 0 ? -1 : cost + CLY_OPS_LAUNCH + TURN_COST * weights;
}

clayer_status cly_ops_conv_transpose_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                                cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape, turned = turned_shape(s);
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t rows = n.taps * n.group_out;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "conv_direct", .options = options, .kernel = "turn_weights"};
    const cly_arg split = cly_ops_rows(context, rows, s->in_channels, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[1]), CLY_BUFFER(workspace), CLY_LONG(rows), split,
                           CLY_INT(n.taps), CLY_OPS_CHANNELS(s, n)));
    CLY_TRY(run_conv_shape(context, &turned, operands, workspace));
done:
    return status;
}

/* ---- conv_weights ---- */

typedef struct weights_plan {
    bool as_columns;
    int64_t run;          /* of taps and channels that lie side by side */
    int64_t local_floats; /* lines and columns */
    int64_t each, slots;  /* lines of dy a slot */
} weights_plan;

static weights_plan plan_weights(const clayer_context *context, const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const int64_t lines = s->batch * s->out[0] * s->out[1], units = (int64_t)cly_device_info(context)->compute_units;
    weights_plan p = {.run = (s->dilation[2] == 1 ? s->kernel[2] : 1) * n.group_in};
    p.as_columns = p.run < FEW_COLUMNS && n.taps * n.group_in > p.run;
    p.local_floats = line_floats(s, s->out[2]);
    if (p.as_columns) {
        p.run = n.taps * n.group_in;
        p.local_floats += s->out[2] * p.run;
    }
    const int64_t blocks = s->groups * cly_base_divide_up(n.group_out, WIDTH * vectors_of(n.group_out));
    p.each =
        cly_base_divide_up(lines, cly_base_smaller(cly_base_divide_up((units > 0 ? units : 1) * ITEMS, blocks), lines));
    p.slots = cly_base_divide_up(lines, p.each);
    return p;
}

static int64_t weight_floats(const cly_ops_conv_shape *s) {
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    return n.taps * n.group_in * s->out_channels;
}

uint64_t cly_ops_conv_weights_direct_workspace(const clayer_context *context, const void *shape) {
    const weights_plan p = plan_weights(context, shape);
    const int64_t weights = weight_floats(shape);
    return (uint64_t)(p.slots * weights + cly_ops_slots_floats(p.slots, weights)) * sizeof(float);
}

double cly_ops_conv_weights_direct_cost(const clayer_context *context, const void *shape) {
    const cly_ops_conv_shape *s = shape;
    if (!suits(context, s) || cly_ops_conv_weights_direct_workspace(context, s) > cly_device_workspace_limit(context)) {
        return -1;
    }
    const weights_plan p = plan_weights(context, s);
    if (p.local_floats > local_limit(context)) {
        return -1;
    }
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const double lines = (double)s->batch * (double)(s->out[0] * s->out[1]);
    const double blocks = (double)(s->groups * cly_base_divide_up(n.group_out, WIDTH * vectors_of(n.group_out)));
    const int64_t block_bytes = n.taps * n.group_in * WIDTH * vectors_of(n.group_out) * (int64_t)sizeof(float);
    const double flush = lines * (double)weight_floats(s) * (block_bytes <= CACHED_BYTES ? 2 : 6);
    return 2 * CLY_OPS_LAUNCH + tiles_cost(s, lines * (double)s->out[2]) + flush +
           CLY_OPS_MOVE * blocks * lines * (double)p.local_floats +
           CLY_OPS_MOVE * (double)p.slots * (double)weight_floats(s);
}

clayer_status cly_ops_conv_weights_direct_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                              cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_conv_shape *s = shape;
    const cly_ops_conv_sizes n = cly_ops_conv_sizes_of(s);
    const weights_plan p = plan_weights(context, s);
    const int vectors = vectors_of(n.group_out);
    const int64_t lines = s->batch * s->out[0] * s->out[1];
    char options[CLY_OPS_OPTIONS + 32];
    cly_ops_options(context, NULL, lines, options);
    const size_t length = strlen(options);
    (void)snprintf(options + length, sizeof(options) - length, " -DROWS=%d -DTILE=%d", tile_of(p.run), vectors);
    const cly_launch launch = {
        .program = "conv_direct",
        .options = options,
        .kernel = "conv_weights_direct",
        .global = {(size_t)(s->groups * cly_base_divide_up(n.group_out, WIDTH * vectors)), (size_t)p.slots, 1},
        .local = {1, 1, 1}};
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(workspace),
                           CLY_LOCAL((size_t)p.local_floats * sizeof(float)), CLY_LONG(lines), CLY_INT(p.each),
                           CLY_OPS_SIZES(s->in), CLY_OPS_SIZES(s->out), CLY_OPS_SIZES(s->kernel),
                           CLY_OPS_SIZES(s->stride), CLY_OPS_SIZES(s->dilation), CLY_OPS_SIZES(s->pad),
                           CLY_OPS_CHANNELS(s, n), CLY_INT(p.as_columns)));
    CLY_TRY(cly_ops_slots_add(context, workspace, 0, p.slots, weight_floats(s), 1.0f, operands[2], 0));
done:
    return status;
}
