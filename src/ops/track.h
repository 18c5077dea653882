/* ops/track.h: losses added up on the device from step to step. */
#ifndef CLY_OPS_TRACK_H
#define CLY_OPS_TRACK_H

#include <stdint.h>

#include "device/device.h"

/* values (outputs + 1 floats), factors (3 an output), sums (2 + 2 an output) and bad (one int) as kernels_cl/track.cl
 * says. Enqueues only. */
clayer_status cly_ops_track_losses(clayer_context *context, cl_mem values, cl_mem factors, cl_mem sums, cl_mem bad,
                                   int outputs, int64_t samples, int64_t step);

#endif
