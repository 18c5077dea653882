/* ops/resample.c: images resized along one axis, then along the other, by tables of weights that are made at each run
 * in the workspace. */
#include "ops/resample.h"

#include <limits.h>
#include <math.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/range.h"

#define MOST_POSITIONS (1 << 24) /* of an axis: the tables hold them as floats */

/* ---- the tables ---- */

/* The workspace in floats: for each axis weights and, for the gradient, readers; then the image between the passes. */
typedef struct tables {
    int64_t stride[2], weights[2], readers[2];
    int64_t between;
} tables;

/* How far a filter reaches, in positions of the input. */
static float radius_of(cly_ops_resample_method method) {
    static const float radii[] = {0.5f, 1.0f, 2.0f, 3.0f, 5.0f, 1.5f, 2.0f, 0.5f};
    return radii[method];
}

static float widening_of(const cly_ops_resample_shape *s, int axis) {
    const float shrinking = (float)s->in[axis] / (float)s->out[axis];
    return s->antialias && shrinking > 1.0f ? shrinking : 1.0f;
}

static int64_t span_of(const cly_ops_resample_shape *s, int axis) {
    int64_t span = 2 * (int64_t)ceilf(radius_of(s->method) * widening_of(s, axis)) + 1;
    if (s->method == CLY_RESAMPLE_AREA) {
        span = s->in[axis] / s->out[axis] + 3;
    }
    return cly_base_smaller(span, s->in[axis]);
}

static tables tables_of(const cly_ops_resample_shape *s) {
    tables t = {0};
    int64_t next = 0;
    for (int axis = 0; axis < 2; axis++) {
        t.stride[axis] = span_of(s, axis) + 2;
        t.weights[axis] = next;
        t.readers[axis] = next + t.stride[axis] * s->out[axis];
        next = t.readers[axis] + 2 * s->in[axis];
    }
    t.between = next;
    return t;
}

static uint64_t workspace_bytes(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_resample_shape *s = shape;
    return (uint64_t)(tables_of(s).between + s->outer * s->out[0] * s->in[1] * s->inner) * sizeof(float);
}

static double cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_resample_shape *s = shape;
    const int64_t most = INT_MAX / 2;
    return s->in[1] * s->inner <= most && s->in[0] <= MOST_POSITIONS && s->in[1] <= MOST_POSITIONS &&
                   s->out[0] <= MOST_POSITIONS && s->out[1] <= MOST_POSITIONS
               ? 10
               : -1;
}

static clayer_status make_table(clayer_context *context, const cly_ops_resample_shape *s, const tables *t, int axis,
                                bool readers, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "resample", .options = options, .kernel = "resample_weights"};
    cly_ops_each(context, s->out[axis], &launch);
    CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_LONG(t->weights[axis]),
                           CLY_INT(t->stride[axis]), CLY_INT(s->in[axis]), CLY_INT(s->out[axis]), CLY_INT(s->method),
                           CLY_INT(s->method == CLY_RESAMPLE_BICUBIC && !s->antialias), CLY_FLOAT(radius_of(s->method)),
                           CLY_FLOAT(widening_of(s, axis))));
    if (readers) {
        launch = (cly_launch){.program = "resample", .options = options, .kernel = "resample_readers"};
        cly_ops_each(context, s->in[axis], &launch);
        CLY_TRY(cly_device_run(context, &launch, CLY_BUFFER(workspace), CLY_LONG(t->weights[axis]),
                               CLY_INT(t->stride[axis]), CLY_BUFFER(workspace), CLY_LONG(t->readers[axis]),
                               CLY_INT(s->in[axis]), CLY_INT(s->out[axis])));
    }
done:
    return status;
}

/* ---- the passes ---- */

typedef struct pass {
    cl_mem from, to;
    int64_t from_offset, to_offset;
    int axis;
    int64_t outer, inner;
} pass;

static clayer_status run_pass(clayer_context *context, const cly_ops_resample_shape *s, const tables *t, const pass *p,
                              bool backward, cl_mem workspace) {
    const int64_t rows = p->outer * (backward ? s->in[p->axis] : s->out[p->axis]);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {
        .program = "resample", .options = options, .kernel = backward ? "resample_axis_gradient" : "resample_axis"};
    const cly_arg split = cly_ops_rows(context, rows, p->inner, &launch);
    if (backward) {
        return cly_device_run(context, &launch, CLY_BUFFER(p->from), CLY_LONG(p->from_offset), CLY_BUFFER(workspace),
                              CLY_LONG(t->weights[p->axis]), CLY_INT(t->stride[p->axis]), CLY_LONG(t->readers[p->axis]),
                              CLY_BUFFER(p->to), CLY_LONG(p->to_offset), CLY_LONG(rows), split, CLY_INT(s->in[p->axis]),
                              CLY_INT(s->out[p->axis]), CLY_INT(p->inner));
    }
    return cly_device_run(context, &launch, CLY_BUFFER(p->from), CLY_LONG(p->from_offset), CLY_BUFFER(workspace),
                          CLY_LONG(t->weights[p->axis]), CLY_INT(t->stride[p->axis]), CLY_BUFFER(p->to),
                          CLY_LONG(p->to_offset), CLY_LONG(rows), split, CLY_INT(s->in[p->axis]),
                          CLY_INT(s->out[p->axis]), CLY_INT(p->inner));
}

/* Forward the rows' axis first, backward the other way round: the image between is (outer, out[0], in[1], inner). */
static clayer_status run_either(clayer_context *context, const cly_ops_resample_shape *s, const cl_mem *operands,
                                cl_mem workspace, bool backward) {
    clayer_status status = CLAYER_OK;
    const tables t = tables_of(s);
    pass rows = {.axis = 0, .outer = s->outer, .inner = s->in[1] * s->inner};
    pass columns = {.axis = 1, .outer = s->outer * s->out[0], .inner = s->inner};
    for (int axis = 0; axis < 2; axis++) {
        CLY_TRY(make_table(context, s, &t, axis, backward, workspace));
    }
    rows.from = backward ? workspace : operands[0];
    rows.from_offset = backward ? t.between : 0;
    rows.to = backward ? operands[1] : workspace;
    rows.to_offset = backward ? 0 : t.between;
    columns.from = backward ? operands[0] : workspace;
    columns.from_offset = backward ? 0 : t.between;
    columns.to = backward ? workspace : operands[1];
    columns.to_offset = backward ? t.between : 0;
    CLY_TRY(run_pass(context, s, &t, backward ? &columns : &rows, backward, workspace));
    CLY_TRY(run_pass(context, s, &t, backward ? &rows : &columns, backward, workspace));
done:
    return status;
}

static clayer_status run(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    return run_either(context, shape, operands, workspace, false);
}

static clayer_status run_gradient(clayer_context *context, const void *shape, const cl_mem *operands,
                                  cl_mem workspace) {
    return run_either(context, shape, operands, workspace, true);
}

static const cly_ops_implementation implementations[] = {
    {.name = "reference", .cost = cost, .workspace_bytes = workspace_bytes, .run = run},
    {0},
};
static const cly_ops_implementation gradient_implementations[] = {
    {.name = "reference", .cost = cost, .workspace_bytes = workspace_bytes, .run = run_gradient},
    {0},
};

const cly_ops_operator cly_ops_resample_operator = {.name = "resample", .implementations = implementations};
const cly_ops_operator cly_ops_resample_gradient_operator = {.name = "resample_gradient",
                                                             .implementations = gradient_implementations};
