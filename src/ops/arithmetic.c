/* ops/arithmetic.c: functions of two tensors with broadcasting: "vector" where no position has to be found, "rows"
 * where the axes form at most three runs (scales a channel, gates a sample and channel), the plain "reference". */
#include "ops/arithmetic.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "ops/arithmetic_common.h"
#include "ops/range.h"

/* ---- broadcasts ---- */

/* Bit 0: a repeats along this axis of y, bit 1: b does. */
static int repeats_on(const cly_ops_arithmetic_shape *s, int axis) {
    int bits = 0;
    for (int k = 0; k < 2; k++) {
        const clayer_shape *operand = k == 0 ? &s->a : &s->b;
        const bool absent = s->is_scalar[k] || (k == 1 && cly_ops_is_unary(s->function));
        bits |= !absent && operand->dims[axis] == 1 && s->y.dims[axis] != 1 ? 1 << k : 0;
    }
    return bits;
}

/* -1 for an operand that is a number, or that the function does not have. */
static int step_of(const cly_ops_arithmetic_shape *s, int k, bool repeats) {
    return s->is_scalar[k] || (k == 1 && cly_ops_is_unary(s->function)) ? -1 : repeats ? 0 : 1;
}

bool cly_ops_broadcast_collapse(const cly_ops_arithmetic_shape *s, cly_ops_broadcast *broadcast_out) {
    int64_t sizes[3] = {1, 1, 1}; /* from the last axis */
    int patterns[3] = {0, 0, 0}, place = -1;
    for (int axis = s->y.rank - 1; axis >= 0; axis--) {
        if (s->y.dims[axis] == 1) {
            continue;
        }
        const int pattern = repeats_on(s, axis);
        if (place < 0 || pattern != patterns[place]) {
            if (++place == 3) {
                return false;
            }
            patterns[place] = pattern;
        }
        sizes[place] *= s->y.dims[axis];
    }
    *broadcast_out = (cly_ops_broadcast){.outer = sizes[2], .inner = sizes[1], .width = sizes[0]};
    for (int k = 0; k < 2; k++) {
        const bool repeats[3] = {(patterns[0] >> k & 1) != 0, (patterns[1] >> k & 1) != 0, (patterns[2] >> k & 1) != 0};
        const int64_t row = repeats[0] ? 1 : sizes[0];
        broadcast_out->strides[k][1] = repeats[1] ? 0 : row;
        broadcast_out->strides[k][0] = repeats[2] ? 0 : row * (repeats[1] ? 1 : sizes[1]);
        broadcast_out->steps[k] = step_of(s, k, repeats[0]);
    }
    return true;
}

cly_ops_broadcast_axes cly_ops_broadcast_all_axes(const cly_ops_arithmetic_shape *s) {
    cly_ops_broadcast_axes axes = {.count = 1, .steps = {step_of(s, 0, false), step_of(s, 1, false)}};
    for (int i = 0; i < CLAYER_MAX_RANK; i++) {
        const int axis = s->y.rank - 1 - i;
        const int pattern = axis >= 0 ? repeats_on(s, axis) : 0;
        axes.sizes[i] = axis >= 0 ? s->y.dims[axis] : 1;
        axes.count *= axes.sizes[i];
        axes.repeats[0] |= (pattern & 1) << i;
        axes.repeats[1] |= (pattern >> 1) << i;
    }
    return axes;
}

void cly_ops_arithmetic_options(const clayer_context *context, const cly_ops_arithmetic_shape *s, bool activates,
                                char options[]) {
    const cly_ops_broadcast_axes axes = cly_ops_broadcast_all_axes(s);
    cly_ops_options(context, activates ? &s->activation : NULL, axes.count, options);
    (void)snprintf(options + strlen(options), CLY_OPS_ARITHMETIC_OPTIONS - CLY_OPS_OPTIONS, " -DFUNCTION=%d",
                   (int)s->function);
}

double cly_ops_broadcast_vector_cost(const cly_ops_arithmetic_shape *s) {
    cly_ops_broadcast broadcast;
    return cly_ops_broadcast_collapse(s, &broadcast) && cly_ops_broadcast_is_span(&broadcast) ? 1 : -1;
}

double cly_ops_broadcast_rows_cost(const cly_ops_arithmetic_shape *s) {
    cly_ops_broadcast broadcast;
    return cly_ops_broadcast_collapse(s, &broadcast) && broadcast.width <= INT_MAX / 2 ? 2 : -1;
}

/* ---- implementations ---- */

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return cly_ops_broadcast_vector_cost(shape);
}

static double rows_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return cly_ops_broadcast_rows_cost(shape);
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return CLY_OPS_BROADCAST_REFERENCE_COST;
}

/* A buffer for an operand that has none: not every driver takes a NULL buffer. */
static cl_mem buffer_of(const cl_mem *operands, const int steps[2], int k) {
    return operands[steps[k] < 0 ? 1 - k : k];
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_shape *s = shape;
    const float *q = s->activation.parameters;
    cly_ops_broadcast broadcast;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    (void)cly_ops_broadcast_collapse(s, &broadcast);
    cly_ops_arithmetic_options(context, s, true, options);
    cly_launch launch = {.program = "arithmetic", .options = options, .kernel = "arithmetic_vector"};
    const cly_arg each = cly_ops_span(context, broadcast.width, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(buffer_of(operands, broadcast.steps, 0)),
                          CLY_BUFFER(buffer_of(operands, broadcast.steps, 1)), CLY_BUFFER(operands[2]),
                          CLY_LONG(broadcast.width), each, CLY_INT(broadcast.steps[0]), CLY_INT(broadcast.steps[1]),
                          CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0), CLY_FLOAT4(q[0], q[1], q[2], q[3]));
}

static clayer_status run_rows(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_shape *s = shape;
    const float *q = s->activation.parameters;
    cly_ops_broadcast b;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    (void)cly_ops_broadcast_collapse(s, &b);
    cly_ops_arithmetic_options(context, s, true, options);
    cly_launch launch = {.program = "arithmetic", .options = options, .kernel = "arithmetic_rows"};
    const cly_arg split = cly_ops_rows(context, b.outer * b.inner, b.width, &launch);
    const cly_arg args[] = {CLY_BUFFER(buffer_of(operands, b.steps, 0)),
                            CLY_BUFFER(buffer_of(operands, b.steps, 1)),
                            CLY_BUFFER(operands[2]),
                            CLY_LONG(b.outer * b.inner),
                            CLY_INT(b.width),
                            split,
                            CLY_LONG(b.inner),
                            CLY_LONG(b.strides[0][0]),
                            CLY_LONG(b.strides[0][1]),
                            CLY_INT(b.steps[0]),
                            CLY_LONG(b.strides[1][0]),
                            CLY_LONG(b.strides[1][1]),
                            CLY_INT(b.steps[1]),
                            CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0),
                            CLY_FLOAT4(q[0], q[1], q[2], q[3])};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args));
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_arithmetic_shape *s = shape;
    const float *q = s->activation.parameters;
    const cly_ops_broadcast_axes axes = cly_ops_broadcast_all_axes(s);
    const int64_t *n = axes.sizes;
    char options[CLY_OPS_ARITHMETIC_OPTIONS];
    cly_ops_arithmetic_options(context, s, true, options);
    cly_launch launch = {.program = "arithmetic", .options = options, .kernel = "arithmetic_reference"};
    cly_ops_each(context, axes.count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(buffer_of(operands, axes.steps, 0)),
                          CLY_BUFFER(buffer_of(operands, axes.steps, 1)), CLY_BUFFER(operands[2]), CLY_LONG(axes.count),
                          CLY_INT4(n[0], n[1], n[2], n[3]), CLY_INT4(n[4], n[5], n[6], n[7]), CLY_INT(axes.repeats[0]),
                          CLY_INT(axes.repeats[1]), CLY_INT(axes.steps[0]), CLY_INT(axes.steps[1]),
                          CLY_FLOAT4(s->scalar, s->limits[0], s->limits[1], 0), CLY_FLOAT4(q[0], q[1], q[2], q[3]));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "rows", .cost = rows_cost, .run = run_rows},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_arithmetic_operator = {.name = "arithmetic", .implementations = implementations};
