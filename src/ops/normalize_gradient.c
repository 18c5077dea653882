/* ops/normalize_gradient.c: gradients of normalised groups of values by sums over the whole device, "reference"; for
 * "rows" see normalize_rows.c. */
#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/normalize.h"
#include "ops/range.h"
#include "ops/sums.h"

/* ---- sums ---- */

static cly_ops_sums group_sums(const cly_ops_norm_shape *s) {
    return (cly_ops_sums){.kept0 = s->outer, .outer = s->across, .kept1 = s->groups, .inner = s->within, .divisor = 1};
}

static int64_t count_of(const cly_ops_norm_shape *s) {
    return s->outer * s->across * s->groups * s->within;
}

static cly_ops_sums channel_sums(const cly_ops_norm_shape *s) {
    return (cly_ops_sums){.kept0 = 1,
                          .outer = count_of(s) / (s->channels * s->inner),
                          .kept1 = s->channels,
                          .inner = s->inner,
                          .divisor = 1};
}

/* In the workspace: a tensor of x's size, the groups' two sums, and what the sums need. */
static int64_t floats_before_sums(const cly_ops_norm_shape *s) {
    return count_of(s) + 2 * s->outer * s->groups;
}

static uint64_t split_workspace(const clayer_context *context, const void *shape) {
    const cly_ops_norm_shape *s = shape;
    const cly_ops_sums groups = group_sums(s), channels = channel_sums(s);
    const int64_t sums =
        cly_base_larger(cly_ops_sums_workspace(context, &groups), cly_ops_sums_workspace(context, &channels));
    return (uint64_t)(floats_before_sums(s) + sums) * sizeof(float);
}

static double split_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_norm_shape *s = shape;
    const cly_ops_sums groups = group_sums(s), channels = channel_sums(s);
    return cly_ops_sums_can(&groups) && cly_ops_sums_can(&channels) && cly_ops_norm_rows_of(s).length <= INT_MAX / 2
               ? 5
               : -1;
}

/* dgamma and dbeta: the products of dy with what was multiplied by gamma are a tensor first. */
static clayer_status run_split_weights(clayer_context *context, const cly_ops_norm_shape *s, const cl_mem *operands,
                                       cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    cly_ops_sums sums = channel_sums(s);
    sums.workspace_offset = floats_before_sums(s);
    if (operands[7] != NULL) {
        sums.x = operands[4];
        sums.y = operands[7];
        CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    }
    if (operands[6] != NULL) {
        const cly_ops_norm_buffers buffers = {.x = operands[0],
                                              .mean = operands[2],
                                              .variance = operands[3],
                                              .factor = operands[4],
                                              .y = workspace,
                                              .y_offset = 0};
        cly_ops_norm_shape plain = *s;
        plain.floor = 0;
        CLY_TRY(cly_ops_norm_apply(
            context, &plain,
            CLY_NORM_HAS_STATISTICS | CLY_NORM_HAS_FACTOR | (s->kind == CLY_NORM_LAYER ? CLY_NORM_HAS_MEAN : 0),
            &buffers));
        sums.x = workspace;
        sums.y = operands[6];
        CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    }
done:
    return status;
}

static clayer_status run_split_input(clayer_context *context, const cly_ops_norm_shape *s, const cl_mem *operands,
                                     cl_mem g, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_norm_rows r = cly_ops_norm_rows_of(s);
    const int64_t groups = s->outer * s->groups, offset = count_of(s);
    const float share = (float)(1.0 / (double)(s->across * s->within));
    const bool unit = s->kind == CLY_NORM_UNIT;
    cly_ops_sums sums = group_sums(s);
    sums.workspace_offset = floats_before_sums(s);
    sums.x = g;
    sums.y = workspace;
    sums.y_offset = offset;
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    sums.term = CLY_TERM_PRODUCT;
    sums.x = operands[0];
    sums.dy = g;
    sums.mean = operands[2];
    sums.variance = operands[3];
    sums.epsilon = s->epsilon;
    sums.y_offset = offset + groups;
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, r.rows, options);
    cly_launch launch = {.program = "normalize", .options = options, .kernel = "normalize_gradient"};
    const cly_arg split = cly_ops_rows(context, r.rows, r.length, &launch);
    CLY_TRY(cly_device_run(
        context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(g), CLY_BUFFER(operands[2]), CLY_BUFFER(operands[3]),
        CLY_BUFFER(workspace), CLY_LONG(offset), CLY_LONG(offset + groups), CLY_BUFFER(operands[5]), CLY_LONG(r.rows),
        CLY_INT(r.length), split, CLY_INT(s->groups), CLY_LONG(r.groups_each), CLY_LONG(r.group_divisor),
        CLY_INT(r.flags), CLY_FLOAT(s->epsilon), CLY_FLOAT(unit ? s->floor : -1.0f),
        CLY_FLOAT4(s->kind == CLY_NORM_LAYER ? share : 0.0f, unit ? 1.0f : share, s->kind == CLY_NORM_RMS, 0)));
done:
    return status;
}

static clayer_status run_split(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_norm_shape *s = shape;
    CLY_TRY(run_split_weights(context, s, operands, workspace));
    if (operands[5] == NULL) {
        goto done;
    }
    cl_mem g = operands[4];
    if (s->has_gamma) {
        const cly_ops_norm_buffers buffers = {.x = operands[4], .gamma = operands[1], .y = workspace};
        CLY_TRY(cly_ops_norm_apply(context, s, CLY_NORM_HAS_GAMMA, &buffers));
        g = workspace;
    }
    CLY_TRY(run_split_input(context, s, operands, g, workspace));
done:
    return status;
}

static const cly_ops_implementation implementations[] = {
    {.name = "rows",
     .cost = cly_ops_norm_rows_cost,
     .workspace_bytes = cly_ops_norm_rows_gradient_workspace,
     .run = cly_ops_norm_rows_gradient_run},
    {.name = "reference", .cost = split_cost, .workspace_bytes = split_workspace, .run = run_split},
    {0},
};

const cly_ops_operator cly_ops_group_norm_gradient_operator = {.name = "group_norm_gradient",
                                                               .implementations = implementations};
