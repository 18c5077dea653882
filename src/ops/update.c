/* ops/update.c: launches update.cl, a program a rule. */
#include "ops/update.h"

#include <stdio.h>

#include "base/memory.h"
#include "ops/range.h"

/* "-DVECTOR=4 -DRULE=5" */
static void options_of(const clayer_context *context, cly_ops_rule rule, char options[CLY_OPS_OPTIONS]) {
    char common[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, common);
    (void)snprintf(options, CLY_OPS_OPTIONS, "%.64s -DRULE=%d", common, (int)rule);
}

static cly_arg four(const float values[4]) {
    return CLY_FLOAT4(values[0], values[1], values[2], values[3]);
}

/* A kernel's argument must be some buffer, also where it is not looked at. */
static cly_arg buffer_or(cl_mem buffer, cl_mem otherwise) {
    return CLY_BUFFER(buffer != NULL ? buffer : otherwise);
}

clayer_status cly_ops_update_run(clayer_context *context, const cly_ops_update *update,
                                 const cly_ops_update_tensors *tensors) {
    char options[CLY_OPS_OPTIONS];
    options_of(context, update->rule, options);
    cly_launch launch = {.program = "update", .options = options, .kernel = "update"};
    const cly_arg span = cly_ops_span(context, tensors->count, &launch);
    const cl_mem w = tensors->weight;
    return cly_device_run(context, &launch, buffer_or(tensors->gradient, w), CLY_BUFFER(w),
                          buffer_or(tensors->slots[0], w), buffer_or(tensors->slots[1], w),
                          buffer_or(tensors->slots[2], w), buffer_or(tensors->average, w),
                          buffer_or(tensors->squares, w), CLY_LONG(tensors->square_offset), CLY_LONG(tensors->count),
                          span, CLY_INT(update->clip), CLY_INT(update->flags),
                          CLY_FLOAT4(update->unscale, update->limit, update->decay, update->rate), four(update->a),
                          four(update->b), CLY_FLOAT4(update->average_momentum, update->average_rest, 0, 0));
}

clayer_status cly_ops_update_accumulate(clayer_context *context, cl_mem gradient, cl_mem total, int64_t count,
                                        float unscale, float steps, bool last) {
    char options[CLY_OPS_OPTIONS];
    options_of(context, CLY_RULE_NONE, options);
    cly_launch launch = {.program = "update", .options = options, .kernel = "accumulate"};
    const cly_arg span = cly_ops_span(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(gradient), CLY_BUFFER(total), CLY_LONG(count), span,
                          CLY_FLOAT(unscale), CLY_FLOAT(steps), CLY_INT(last));
}
