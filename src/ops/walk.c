/* ops/walk.c: walks along one axis: a work-item for each line of elements. */
#include "ops/walk.h"

#include "base/memory.h"
#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 1;
}

static clayer_status run_walk(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_walk_shape *s = shape;
    static const char *const kernels[] = {"walk_extreme", "walk_extreme", "walk_product", "walk_sum"};
    const int64_t count = s->outer * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count * s->axis, options);
    cly_launch launch = {.program = "walk", .options = options, .kernel = kernels[s->function]};
    cly_ops_each(context, count, &launch);
    const cly_arg args[] = {
        CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]),
        CLY_LONG(count),         CLY_LONG(s->axis),
        CLY_LONG(s->inner),      CLY_INT(s->function == CLY_WALK_SUM ? s->back : s->function == CLY_WALK_SMALLEST),
        CLY_INT(s->exclusive)};
    const size_t unused = s->function == CLY_WALK_SUM ? 0 : s->function == CLY_WALK_PRODUCT ? 2 : 1;
    return cly_device_launch(context, &launch, args, CLY_COUNT(args) - unused);
}

static clayer_status run_product_gradient(clayer_context *context, const void *shape, const cl_mem *operands,
                                          cl_mem workspace) {
    (void)workspace;
    const cly_ops_walk_shape *s = shape;
    const int64_t count = s->outer * s->inner;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count * s->axis, options);
    cly_launch launch = {.program = "walk", .options = options, .kernel = "walk_product_gradient"};
    cly_ops_each(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(count), CLY_LONG(s->axis), CLY_LONG(s->inner));
}

static const cly_ops_implementation walks[] = {
    {.name = "reference", .cost = reference_cost, .run = run_walk},
    {0},
};

static const cly_ops_implementation product_gradients[] = {
    {.name = "reference", .cost = reference_cost, .run = run_product_gradient},
    {0},
};

const cly_ops_operator cly_ops_walk_operator = {.name = "walk", .implementations = walks};
const cly_ops_operator cly_ops_product_gradient_operator = {.name = "product_gradient",
                                                            .implementations = product_gradients};
