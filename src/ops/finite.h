/* ops/finite.h: whether a tensor holds a NaN or an infinity, for check_numerics. */
#ifndef CLY_OPS_FINITE_H
#define CLY_OPS_FINITE_H

#include <stdint.h>

#include "device/device.h"

#define CLY_OPS_FINITE_MARKS 2 /* ints of one look: 1 if there is a NaN, 1 if there is an infinity */

/* Enqueues a look at the `count` floats of x, which sets the marks of look number `look` in `found`; those of a tensor
 * that is finite are left as they are, so they are zeroed before. */
clayer_status cly_ops_finite(clayer_context *context, cl_mem x, int64_t count, cl_mem found, int64_t look);

#endif
