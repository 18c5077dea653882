/* ops/normalize.c: normalisation of groups of values by sums over the whole device, "reference"; for "rows" see
 * normalize_rows.c. */
#include "ops/normalize.h"

#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/range.h"
#include "ops/sums.h"

/* ---- rows ---- */

bool cly_ops_norm_is_rows(const cly_ops_norm_shape *s) {
    return s->across == 1 && s->groups == 1 && s->inner == 1 && s->channels == s->within &&
           s->within <= CLY_OPS_LONGEST_ROW;
}

cly_ops_norm_rows cly_ops_norm_rows_of(const cly_ops_norm_shape *s) {
    cly_ops_norm_rows r = {.group_divisor = 1, .channel_rows = s->channels};
    if (s->within == 1) {
        r.flags = CLY_NORM_ALONG_GROUPS;
        r.length = s->groups;
        r.groups_each = s->across;
        if (s->inner != s->groups) {
            r.flags |= CLY_NORM_ALONG_CHANNELS;
            r.channel_rows = s->channels / r.length;
        }
    } else {
        r.length = s->inner > 1 ? s->inner : cly_base_smaller(s->within, s->channels);
        r.group_divisor = s->within / r.length;
        r.groups_each = s->across * s->groups * r.group_divisor;
        if (s->inner == 1) {
            r.flags = CLY_NORM_ALONG_CHANNELS;
            r.channel_rows = s->channels / r.length;
        }
    }
    r.rows = s->outer * s->across * s->groups * s->within / r.length;
    return r;
}

static bool can_apply(const cly_ops_norm_shape *s) {
    return cly_ops_norm_rows_of(s).length <= INT_MAX / 2;
}

clayer_status cly_ops_norm_apply(clayer_context *context, const cly_ops_norm_shape *s, int flags,
                                 const cly_ops_norm_buffers *b) {
    const cly_ops_norm_rows r = cly_ops_norm_rows_of(s);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, r.rows, options);
    cly_launch launch = {.program = "normalize", .options = options, .kernel = "normalize_given"};
    const cly_arg split = cly_ops_rows(context, r.rows, r.length, &launch);
    return cly_device_run(
        context, &launch, CLY_BUFFER(b->x), CLY_BUFFER(b->gamma != NULL ? b->gamma : b->x),
        CLY_BUFFER(b->beta != NULL ? b->beta : b->x), CLY_BUFFER(b->mean != NULL ? b->mean : b->x),
        CLY_BUFFER(b->variance != NULL ? b->variance : b->x), CLY_BUFFER(b->factor != NULL ? b->factor : b->x),
        CLY_BUFFER(b->y), CLY_LONG(b->variance_offset), CLY_LONG(b->y_offset), CLY_LONG(r.rows), CLY_INT(r.length),
        split, CLY_INT(s->groups), CLY_LONG(r.groups_each), CLY_LONG(r.group_divisor), CLY_LONG(r.channel_rows),
        CLY_INT(flags | r.flags), CLY_FLOAT(s->epsilon), CLY_FLOAT(s->floor));
}

/* ---- by given statistics ---- */

static double one_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return can_apply(shape) ? 1 : -1;
}

static clayer_status run_normalize(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_norm_shape *s = shape;
    const cly_ops_norm_buffers buffers = {.x = operands[0],
                                          .gamma = operands[1],
                                          .beta = operands[2],
                                          .mean = operands[3],
                                          .variance = operands[4],
                                          .y = operands[5]};
    const int flags = (operands[4] != NULL ? CLY_NORM_HAS_STATISTICS : 0) | (s->has_mean ? CLY_NORM_HAS_MEAN : 0) |
                      (s->has_gamma ? CLY_NORM_HAS_GAMMA : 0) | (s->has_beta ? CLY_NORM_HAS_BETA : 0) |
                      (s->inverted ? CLY_NORM_INVERTED : 0);
    return cly_ops_norm_apply(context, s, flags, &buffers);
}

static const cly_ops_implementation normalize_implementations[] = {
    {.name = "reference", .cost = one_cost, .run = run_normalize},
    {0},
};

const cly_ops_operator cly_ops_normalize_operator = {.name = "normalize", .implementations = normalize_implementations};

/* ---- sums first ---- */

static cly_ops_sums sums_of(const cly_ops_norm_shape *s) {
    return (cly_ops_sums){.kept0 = s->outer, .outer = s->across, .kept1 = s->groups, .inner = s->within, .divisor = 1};
}

static double split_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_sums sums = sums_of(shape);
    return cly_ops_sums_can(&sums) && can_apply(shape) ? 5 : -1;
}

/* The statistics, where nobody keeps them, and behind them what the sums need. */
static uint64_t split_workspace(const clayer_context *context, const void *shape) {
    const cly_ops_norm_shape *s = shape;
    const cly_ops_sums sums = sums_of(s);
    return (uint64_t)(2 * s->outer * s->groups + cly_ops_sums_workspace(context, &sums)) * sizeof(float);
}

static clayer_status raise_to_floor(clayer_context *context, const cly_ops_norm_shape *s, cl_mem mean, cl_mem variance,
                                    int64_t variance_offset) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "normalize", .options = options, .kernel = "normalize_floor"};
    cly_ops_each(context, s->outer * s->groups, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(mean), CLY_BUFFER(variance), CLY_LONG(variance_offset),
                          CLY_LONG(s->outer * s->groups), CLY_FLOAT(s->floor));
}

static clayer_status run_split(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_norm_shape *s = shape;
    const bool keeps = operands[3] != NULL, unit = s->kind == CLY_NORM_UNIT;
    const int64_t count = s->outer * s->groups, variance_offset = keeps ? 0 : count;
    const cl_mem mean = keeps ? operands[3] : workspace, variance = keeps ? operands[4] : workspace;
    cly_ops_sums sums = sums_of(s);
    sums.x = operands[0];
    sums.y = mean;
    sums.workspace_offset = 2 * count;
    sums.divisor = unit ? 1.0f : (float)(s->across * s->within);
    if (!unit) {
        CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    }
    sums.term = unit ? CLY_TERM_POWER : CLY_TERM_SQUARE;
    sums.mean = mean;
    sums.y = variance;
    sums.y_offset = variance_offset;
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    if (unit) {
        CLY_TRY(raise_to_floor(context, s, mean, variance, variance_offset));
    }
    const cly_ops_norm_buffers buffers = {.x = operands[0],
                                          .gamma = operands[1],
                                          .beta = operands[2],
                                          .mean = mean,
                                          .variance = variance,
                                          .variance_offset = variance_offset,
                                          .y = operands[5]};
    const int flags = CLY_NORM_HAS_STATISTICS | (s->kind == CLY_NORM_LAYER ? CLY_NORM_HAS_MEAN : 0) |
                      (s->has_gamma ? CLY_NORM_HAS_GAMMA : 0) | (s->has_beta ? CLY_NORM_HAS_BETA : 0);
    CLY_TRY(cly_ops_norm_apply(context, s, flags, &buffers));
done:
    return status;
}

static const cly_ops_implementation group_implementations[] = {
    {.name = "rows", .cost = cly_ops_norm_rows_cost, .run = cly_ops_norm_rows_run},
    {.name = "reference", .cost = split_cost, .workspace_bytes = split_workspace, .run = run_split},
    {0},
};

const cly_ops_operator cly_ops_group_norm_operator = {.name = "group_norm", .implementations = group_implementations};
