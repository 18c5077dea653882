/* ops/track.c: losses added up on the device from step to step, as the Mean metrics that Keras tracks them with. */
#include "ops/track.h"

#include "ops/range.h"

clayer_status cly_ops_track_losses(clayer_context *context, cl_mem values, cl_mem factors, cl_mem sums, cl_mem bad,
                                   int outputs, int64_t samples, int64_t step) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    const cly_launch launch = {.program = "track", .options = options, .kernel = "track_losses", .global = {1}};
    return cly_device_run(context, &launch, CLY_BUFFER(values), CLY_BUFFER(factors), CLY_BUFFER(sums), CLY_BUFFER(bad),
                          CLY_INT(outputs), CLY_FLOAT(samples), CLY_INT(step < INT32_MAX ? step : INT32_MAX));
}
