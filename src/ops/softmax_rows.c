/* ops/softmax_rows.c: "rows" of softmax and its gradient: the last axis, whole rows at once. */
#include "ops/activation.h"
#include "ops/range.h"

double cly_ops_softmax_rows_cost(const clayer_context *context, const void *shape) {
    (void)context;
    const cly_ops_softmax_shape *s = shape;
    return s->inner == 1 && s->id != CLY_SPARSEMAX && s->axis <= CLY_OPS_LONGEST_ROW ? 1 : -1;
}

clayer_status cly_ops_softmax_rows_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                       cl_mem workspace) {
    (void)workspace;
    const cly_ops_softmax_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->outer, options);
    cly_launch launch = {.program = "softmax_rows", .options = options, .kernel = "softmax_rows"};
    const cly_arg split = cly_ops_rows(context, s->outer, s->axis, &launch);
    cly_ops_share_rows(context, s->outer, s->axis, options, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->outer),
                          CLY_INT(s->axis), split, CLY_INT(s->id == CLY_LOG_SOFTMAX));
}

clayer_status cly_ops_softmax_rows_gradient_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                                cl_mem workspace) {
    (void)workspace;
    const cly_ops_softmax_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->outer, options);
    cly_launch launch = {.program = "softmax_rows", .options = options, .kernel = "softmax_rows_gradient"};
    const cly_arg split = cly_ops_rows(context, s->outer, s->axis, &launch);
    cly_ops_share_rows(context, s->outer, s->axis, options, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(s->outer), CLY_INT(s->axis), split, CLY_INT(s->id == CLY_LOG_SOFTMAX));
}
