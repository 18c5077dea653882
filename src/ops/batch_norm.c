/* ops/batch_norm.c: statistics of a batch, their running average, gradients of batch normalisation: "split" by sums in
 * slots over the whole device, and "reference" with a work-item a channel. */
#include "ops/batch_norm.h"

#include <limits.h>

#include "base/memory.h"
#include "ops/range.h"
#include "ops/sums.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static cly_ops_sums sums_of(int64_t outer, int64_t axis, int64_t inner) {
    return (cly_ops_sums){.kept0 = 1, .outer = outer, .kept1 = axis, .inner = inner, .divisor = 1};
}

/* ---- moments ---- */

static double moments_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_moments_shape *s = shape;
    const cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    return cly_ops_sums_can(&sums) ? 1 : -1;
}

static uint64_t moments_workspace(const clayer_context *context, const void *shape) {
    const cly_ops_moments_shape *s = shape;
    const cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    return (uint64_t)cly_ops_sums_workspace(context, &sums) * sizeof(float);
}

/* The mean first, then the squares of the distances from it: the difference of two large sums would lose digits. */
static clayer_status run_moments(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_moments_shape *s = shape;
    cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    sums.x = operands[0];
    sums.y = operands[1];
    sums.divisor = (float)(s->outer * s->inner);
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    sums.term = CLY_TERM_SQUARE;
    sums.mean = operands[1];
    sums.y = operands[2];
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
done:
    return status;
}

static clayer_status run_moments_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                           cl_mem workspace) {
    (void)workspace;
    const cly_ops_moments_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "batch_norm", .options = options, .kernel = "moments_reference"};
    cly_ops_each(context, s->axis, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(s->outer), CLY_INT(s->axis), CLY_LONG(s->inner));
}

static const cly_ops_implementation moments_implementations[] = {
    {.name = "split", .cost = moments_cost, .workspace_bytes = moments_workspace, .run = run_moments},
    {.name = "reference", .cost = reference_cost, .run = run_moments_reference},
    {0},
};

const cly_ops_operator cly_ops_moments_operator = {.name = "moments", .implementations = moments_implementations};

/* ---- gradients ---- */

/* The two vectors have a place in the workspace where the caller does not want them but dx needs them. */
typedef struct vectors {
    cl_mem dgamma, dbeta;
    int64_t dgamma_offset, dbeta_offset;
} vectors;

static vectors vectors_of(const cly_ops_batch_norm_gradient_shape *s, const cl_mem *operands, cl_mem workspace) {
    return (vectors){.dgamma = operands[6] != NULL ? operands[6] : workspace,
                     .dbeta = operands[7] != NULL ? operands[7] : workspace,
                     .dbeta_offset = operands[7] != NULL ? 0 : s->axis};
}

static uint64_t reference_workspace(const clayer_context *context, const void *shape) {
    (void)context;
    return (uint64_t)((const cly_ops_batch_norm_gradient_shape *)shape)->axis * 2 * sizeof(float);
}

static uint64_t gradient_workspace(const clayer_context *context, const void *shape) {
    const cly_ops_batch_norm_gradient_shape *s = shape;
    const cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    return reference_workspace(context, shape) + (uint64_t)cly_ops_sums_workspace(context, &sums) * sizeof(float);
}

static double gradient_cost(const clayer_context *context, const void *shape) {
    const cly_ops_batch_norm_gradient_shape *s = shape;
    const cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    return cly_ops_sums_can(&sums) && gradient_workspace(context, shape) <= cly_device_workspace_limit(context) ? 1
                                                                                                                : -1;
}

static clayer_status run_input(clayer_context *context, const cly_ops_batch_norm_gradient_shape *s,
                               const cl_mem *operands, const vectors *v) {
    const bool last = s->inner == 1;
    const int64_t rows = last ? s->outer : s->outer * s->axis;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "batch_norm",
                         .options = options,
                         .kernel = last ? "batch_norm_gradient_last" : "batch_norm_gradient_first"};
    /* What is not looked at is stood in for by the mean: not every driver takes a NULL buffer. */
    const cly_arg args[] = {CLY_BUFFER(operands[0]),
                            CLY_BUFFER(operands[4]),
                            CLY_BUFFER(s->has_gamma ? operands[1] : operands[2]),
                            CLY_BUFFER(operands[2]),
                            CLY_BUFFER(operands[3]),
                            CLY_BUFFER(s->batch_statistics ? v->dgamma : operands[2]),
                            CLY_LONG(v->dgamma_offset),
                            CLY_BUFFER(s->batch_statistics ? v->dbeta : operands[2]),
                            CLY_LONG(v->dbeta_offset),
                            CLY_BUFFER(operands[5]),
                            CLY_LONG(rows),
                            CLY_INT(s->axis),
                            cly_ops_rows(context, rows, last ? s->axis : s->inner, &launch),
                            CLY_INT(s->has_gamma),
                            CLY_FLOAT(s->epsilon),
                            CLY_FLOAT(s->batch_statistics ? 1.0 / (double)(s->outer * s->inner) : 0.0),
                            CLY_INT(s->inner)};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args) - (last ? 1 : 0));
}

static clayer_status run_gradient(clayer_context *context, const void *shape, const cl_mem *operands,
                                  cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_batch_norm_gradient_shape *s = shape;
    const vectors v = vectors_of(s, operands, workspace);
    const bool needed = s->batch_statistics && operands[5] != NULL;
    cly_ops_sums sums = sums_of(s->outer, s->axis, s->inner);
    sums.workspace_offset = 2 * s->axis;
    sums.epsilon = s->epsilon;
    if (needed || operands[7] != NULL) {
        sums.x = operands[4];
        sums.y = v.dbeta;
        sums.y_offset = v.dbeta_offset;
        CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    }
    if (needed || operands[6] != NULL) {
        sums.term = CLY_TERM_PRODUCT;
        sums.x = operands[0];
        sums.dy = operands[4];
        sums.mean = operands[2];
        sums.variance = operands[3];
        sums.y = v.dgamma;
        sums.y_offset = v.dgamma_offset;
        CLY_TRY(cly_ops_sums_run(context, &sums, workspace));
    }
    if (operands[5] != NULL) {
        CLY_TRY(run_input(context, s, operands, &v));
    }
done:
    return status;
}

static clayer_status run_gradient_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                            cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const cly_ops_batch_norm_gradient_shape *s = shape;
    const vectors v = vectors_of(s, operands, workspace);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "batch_norm", .options = options, .kernel = "batch_norm_sums_reference"};
    cly_ops_each(context, s->axis, &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[4]), CLY_BUFFER(operands[2]),
                           CLY_BUFFER(operands[3]), CLY_BUFFER(v.dgamma), CLY_LONG(v.dgamma_offset),
                           CLY_BUFFER(v.dbeta), CLY_LONG(v.dbeta_offset), CLY_LONG(s->outer), CLY_INT(s->axis),
                           CLY_LONG(s->inner), CLY_FLOAT(s->epsilon)));
    if (operands[5] != NULL) {
        CLY_TRY(run_input(context, s, operands, &v));
    }
done:
    return status;
}

static const cly_ops_implementation gradient_implementations[] = {
    {.name = "split", .cost = gradient_cost, .workspace_bytes = gradient_workspace, .run = run_gradient},
    {.name = "reference",
     .cost = reference_cost,
     .workspace_bytes = reference_workspace,
     .run = run_gradient_reference},
    {0},
};

const cly_ops_operator cly_ops_batch_norm_gradient_operator = {.name = "batch_norm_gradient",
                                                               .implementations = gradient_implementations};

/* ---- running average ---- */

static clayer_status run_moving_average(clayer_context *context, const void *shape, const cl_mem *operands,
                                        cl_mem workspace) {
    (void)workspace;
    const cly_ops_moving_average_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "batch_norm", .options = options, .kernel = "moving_average_reference"};
    cly_ops_each(context, s->count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->count),
                          CLY_FLOAT(s->momentum), CLY_FLOAT(s->factor * (1.0f - s->momentum)),
                          CLY_LONG(s->times > 0 ? s->times : 1), CLY_LONG(s->pitch));
}

static const cly_ops_implementation moving_average_implementations[] = {
    {.name = "reference", .cost = reference_cost, .run = run_moving_average},
    {0},
};

const cly_ops_operator cly_ops_moving_average_operator = {.name = "moving_average",
                                                          .implementations = moving_average_implementations};
