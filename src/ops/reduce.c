/* ops/reduce.c: sums of a tensor over some of its axes: "split" in slots over the whole device where the axes form at
 * most two runs to add up, and the plain "reference". */
#include "ops/reduce.h"

#include "ops/range.h"
#include "ops/sums.h"

static float divisor_of(const cly_ops_reduce_shape *s) {
    return s->divisor == 0 ? 1.0f : s->divisor;
}

/* Axes of one element aside, neighbouring axes that are both kept or both added up are one. True if what remains is
 * (kept0, outer, kept1, inner), from the end. */
static bool collapse(const cly_ops_reduce_shape *s, cly_ops_sums *sums_out) {
    *sums_out = (cly_ops_sums){.kept0 = 1, .outer = 1, .kept1 = 1, .inner = 1, .divisor = divisor_of(s)};
    int64_t *const sizes[4] = {&sums_out->inner, &sums_out->kept1, &sums_out->outer, &sums_out->kept0};
    int place = 0; /* even: added up */
    for (int axis = s->x.rank - 1; axis >= 0; axis--) {
        const bool kept = s->y.dims[axis] != 1;
        if (s->x.dims[axis] == 1) {
            continue;
        }
        if ((place % 2 == 1) != kept && ++place == 4) {
            return false;
        }
        *sizes[place] *= s->x.dims[axis];
    }
    return true;
}

static double split_cost(const clayer_context *context, const void *shape) {
    (void)context;
    cly_ops_sums sums;
    return collapse(shape, &sums) && cly_ops_sums_can(&sums) ? 1 : -1;
}

static uint64_t split_workspace(const clayer_context *context, const void *shape) {
    cly_ops_sums sums;
    return collapse(shape, &sums) ? (uint64_t)cly_ops_sums_workspace(context, &sums) * sizeof(float) : 0;
}

static clayer_status run_split(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    cly_ops_sums sums;
    (void)collapse(shape, &sums);
    sums.x = operands[0];
    sums.dy = operands[2];
    sums.term = ((const cly_ops_reduce_shape *)shape)->has_factor ? CLY_TERM_FACTOR : CLY_TERM_VALUE;
    sums.y = operands[1];
    return cly_ops_sums_run(context, &sums, workspace);
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_reduce_shape *s = shape;
    int64_t n[CLAYER_MAX_RANK], count = 1, length = 1;
    int reduced = 0; /* bit i: the axis that is i-th from the end is added up */
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        const int axis = s->x.rank - 1 - i;
        n[i] = axis >= 0 ? s->x.dims[axis] : 1;
        if (axis >= 0 && s->y.dims[axis] == 1) {
            reduced |= 1 << i;
            length *= n[i];
        } else {
            count *= n[i];
        }
    }
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "reduce", .options = options, .kernel = "reduce_reference"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(count),
                          CLY_LONG(length), CLY_INT4(n[0], n[1], n[2], n[3]), CLY_INT4(n[4], n[5], n[6], n[7]),
                          CLY_INT(reduced), CLY_BUFFER(operands[s->has_factor ? 2 : 0]), CLY_INT(s->has_factor),
                          CLY_FLOAT(divisor_of(s)));
}

static const cly_ops_implementation implementations[] = {
    {.name = "split", .cost = split_cost, .workspace_bytes = split_workspace, .run = run_split},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_reduce_operator = {.name = "reduce", .implementations = implementations};
