/* ops/gather.c: rows of a table by their numbers, the gradient of the table without atomics (each of its rows looks for
 * its own numbers), and which rows differ from a value. */
#include "ops/gather.h"

#include <limits.h>

#include "ops/range.h"

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    return ((const cly_ops_gather_shape *)shape)->width <= INT_MAX / 2 ? 1 : -1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context, (void)shape;
    return 10;
}

static clayer_status run_gather(clayer_context *context, const void *shape, const cl_mem *operands, bool reference) {
    const cly_ops_gather_shape *s = shape;
    const int64_t count = s->count * s->width;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, reference ? count : s->count, options);
    cly_launch launch = {
        .program = "gather", .options = options, .kernel = reference ? "gather_reference" : "gather_vector"};
    cly_arg split = CLY_LONG(count);
    if (reference) {
        cly_ops_each(context, count, &launch);
    } else {
        split = cly_ops_rows(context, s->count, s->width, &launch);
    }
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(s->count), CLY_INT(s->rows), CLY_INT(s->width), CLY_INT(s->wraps), split);
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    return run_gather(context, shape, operands, false);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    return run_gather(context, shape, operands, true);
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_gather_operator = {.name = "gather", .implementations = implementations};

/* ---- the gradient ---- */

static clayer_status run_gradient(clayer_context *context, const void *shape, const cl_mem *operands, bool reference) {
    const cly_ops_gather_shape *s = shape;
    const int64_t count = s->rows * s->width;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, reference ? count : s->rows, options);
    cly_launch launch = {.program = "gather",
                         .options = options,
                         .kernel = reference ? "gather_gradient_reference" : "gather_gradient_vector"};
    cly_arg split = CLY_LONG(count);
    if (reference) {
        cly_ops_each(context, count, &launch);
    } else {
        split = cly_ops_rows(context, s->rows, s->width, &launch);
    }
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(s->count), CLY_INT(s->rows), CLY_INT(s->width), CLY_INT(s->wraps), split);
}

static clayer_status run_gradient_vector(clayer_context *context, const void *shape, const cl_mem *operands,
                                         cl_mem workspace) {
    (void)workspace;
    return run_gradient(context, shape, operands, false);
}

static clayer_status run_gradient_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                            cl_mem workspace) {
    (void)workspace;
    return run_gradient(context, shape, operands, true);
}

static const cly_ops_implementation gradient_implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_gradient_vector},
    {.name = "reference", .cost = reference_cost, .run = run_gradient_reference},
    {0},
};

const cly_ops_operator cly_ops_gather_gradient_operator = {.name = "gather_gradient",
                                                           .implementations = gradient_implementations};

/* ---- differs ---- */

static clayer_status run_differs(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_differs_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->rows, options);
    cly_launch launch = {.program = "gather", .options = options, .kernel = s->keeps ? "differs_keep" : "differs"};
    cly_ops_each(context, s->rows, &launch);
    const cly_arg args[] = {CLY_BUFFER(operands[0]), CLY_BUFFER(operands[2]), CLY_LONG(s->rows),
                            CLY_LONG(s->width),      CLY_FLOAT(s->value),     CLY_BUFFER(operands[1])};
    return cly_device_launch(context, &launch, args, sizeof(args) / sizeof(args[0]) - (s->keeps ? 0 : 1));
}

static const cly_ops_implementation differs_implementations[] = {
    {.name = "reference", .cost = reference_cost, .run = run_differs},
    {0},
};

const cly_ops_operator cly_ops_differs_operator = {.name = "differs", .implementations = differs_implementations};
