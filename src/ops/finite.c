/* ops/finite.c: looks for what is not finite. It has one implementation, so it is no operator of the list. */
#include "ops/finite.h"

#include "ops/range.h"

clayer_status cly_ops_finite(clayer_context *context, cl_mem x, int64_t count, cl_mem found, int64_t look) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options); /* the kernel counts in long alone */
    cly_launch launch = {.program = "finite", .options = options, .kernel = "finite_look"};
    const cly_arg each = cly_ops_span(context, count, &launch);
    return cly_device_run(context, &launch, CLY_BUFFER(x), CLY_LONG(count), each, CLY_BUFFER(found),
                          CLY_LONG(look * CLY_OPS_FINITE_MARKS));
}
