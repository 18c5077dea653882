/* ops/contract.c: matrix products over any axes: an element of the result a work-item. */
#include "ops/contract.h"

#include "base/memory.h"
#include "ops/range.h"

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 10;
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_contract_shape *s = shape;
    const int64_t count = s->batch * s->rows * s->columns;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, count, options);
    cly_launch launch = {.program = "contract", .options = options, .kernel = "contract_reference"};
    cly_ops_each(context, count, &launch);
    const cly_arg args[] = {
        CLY_BUFFER(operands[0]),   CLY_BUFFER(operands[1]),   CLY_BUFFER(operands[2]),   CLY_LONG(count),
        CLY_LONG(s->rows),         CLY_LONG(s->columns),      CLY_LONG(s->depth),        CLY_LONG(s->a_batch),
        CLY_LONG(s->b_batch),      CLY_LONG(s->y_batch),      CLY_LONG(s->a_row.low),    CLY_LONG(s->a_row.high),
        CLY_LONG(s->a_depth.low),  CLY_LONG(s->a_depth.high), CLY_LONG(s->b_column.low), CLY_LONG(s->b_column.high),
        CLY_LONG(s->b_depth.low),  CLY_LONG(s->b_depth.high), CLY_LONG(s->y_row.low),    CLY_LONG(s->y_row.high),
        CLY_LONG(s->y_column.low), CLY_LONG(s->y_column.high)};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args));
}

static const cly_ops_implementation implementations[] = {
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_contract_operator = {.name = "contract", .implementations = implementations};
