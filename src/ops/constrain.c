/* ops/constrain.c: bounds by constrain.cl: with reduce.cl's sums of squares where the axes form at most two runs along
 * the vectors, else a vector a work-item. */
#include "ops/constrain.h"

#include "ops/range.h"
#include "ops/sums.h"

clayer_status cly_ops_constrain_sign(clayer_context *context, int64_t count, cl_mem x) {
    cly_launch launch = {.program = "constrain", .kernel = "constrain_sign"};
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    launch.options = options;
    const cly_arg span = cly_ops_span(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_LONG(count), span);
}

static bool is_along(const cly_ops_constrain *c, int axis) {
    return (c->along >> (unsigned)axis & 1u) != 0;
}

/* Neighbouring axes of one kind are one. True if what remains is (kept0, outer, kept1, inner), from the end. */
static bool collapse(const cly_ops_constrain *c, cly_ops_sums *sums_out) {
    *sums_out = (cly_ops_sums){.kept0 = 1, .outer = 1, .kept1 = 1, .inner = 1, .term = CLY_TERM_POWER, .divisor = 1.0f};
    int64_t *const sizes[4] = {&sums_out->inner, &sums_out->kept1, &sums_out->outer, &sums_out->kept0};
    int place = 0; /* even: along the vectors */
    for (int axis = c->shape.rank - 1; axis >= 0; axis--) {
        if (c->shape.dims[axis] == 1) {
            continue;
        }
        if ((place % 2 == 0) != is_along(c, axis) && ++place == 4) {
            return false;
        }
        *sizes[place] *= c->shape.dims[axis];
    }
    return cly_ops_sums_can(sums_out);
}

uint64_t cly_ops_constrain_workspace_bytes(const clayer_context *context, const cly_ops_constrain *constrain) {
    cly_ops_sums sums;
    if (!collapse(constrain, &sums)) {
        return 0;
    }
    return (uint64_t)(sums.kept0 * sums.kept1 + cly_ops_sums_workspace(context, &sums)) * sizeof(float);
}

static cly_arg bounds_of(const cly_ops_constrain *c) {
    return CLY_FLOAT4(c->low, c->high, c->rate, c->rest);
}

static clayer_status run_reference(clayer_context *context, const cly_ops_constrain *c, cl_mem x) {
    int64_t sizes[CLAYER_MAX_RANK], count = 1, length = 1;
    int along = 0; /* bit i: the axis that is i-th from the end */
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        const int axis = c->shape.rank - 1 - i;
        sizes[i] = axis >= 0 ? c->shape.dims[axis] : 1;
        if (axis >= 0 && is_along(c, axis)) {
            along |= 1 << i;
            length *= sizes[i];
        } else {
            count *= sizes[i];
        }
    }
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "constrain", .options = options, .kernel = "constrain_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_LONG(count), CLY_LONG(length),
                          CLY_INT4(sizes[0], sizes[1], sizes[2], sizes[3]),
                          CLY_INT4(sizes[4], sizes[5], sizes[6], sizes[7]), CLY_INT(along), CLY_INT(c->to_unit),
                          bounds_of(c), CLY_FLOAT(c->epsilon));
}

clayer_status cly_ops_constrain_lengths(clayer_context *context, const cly_ops_constrain *constrain, cl_mem x,
                                        cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    cly_ops_sums sums;
    if (!collapse(constrain, &sums)) {
        return run_reference(context, constrain, x);
    }
    sums.x = x;
    sums.y = workspace;
    sums.workspace_offset = sums.kept0 * sums.kept1;
    CLY_TRY(cly_ops_sums_run(context, &sums, workspace));

    const bool columns = sums.inner == 1;
    const int64_t rows = sums.kept0 * sums.outer * (columns ? 1 : sums.kept1);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {
        .program = "constrain", .options = options, .kernel = columns ? "constrain_columns" : "constrain_rows"};
    const cly_arg split = cly_ops_rows(context, rows, columns ? sums.kept1 : sums.inner, &launch);
    if (columns) {
        CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(workspace), CLY_LONG(rows), split,
                               CLY_LONG(sums.outer), CLY_INT(sums.kept1), CLY_INT(constrain->to_unit),
                               bounds_of(constrain), CLY_FLOAT(constrain->epsilon)));
    } else {
        CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(x), CLY_BUFFER(workspace), CLY_LONG(rows), split,
                               CLY_LONG(sums.outer), CLY_INT(sums.kept1), CLY_INT(sums.inner),
                               CLY_INT(constrain->to_unit), bounds_of(constrain), CLY_FLOAT(constrain->epsilon)));
    }
done:
    return status;
}
