/* ops/range.h: how work is dealt out to a device: over many work-items on a GPU, in long loops on a CPU.
 *
 * The kernels loop over what they are given (FOR_ROWS and FOR_SPAN of kernels_cl/common.h), so that one source serves
 * both: a GPU gets one vector of 4 floats per work-item, a CPU a few work-items that run through whole rows with
 * vectors of 16. */
#ifndef CLY_OPS_RANGE_H
#define CLY_OPS_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"
#include "ops/activation.h"

/* Three sizes (depth, rows, cols) as the int4 that kernels take. */
#define CLY_OPS_SIZES(a) CLY_INT4((a)[0], (a)[1], (a)[2], 0)

/* Long loops in few work-items, or short ones in many? */
bool cly_ops_is_cpu(const clayer_context *context);

/* Floats of one vector: 16 or 4; kernels are built with -DVECTOR=<it>. */
int cly_ops_vector(const clayer_context *context);

#define CLY_OPS_OPTIONS 128 /* bytes that the options below need at most */

/* "-DVECTOR=4", and with an activation (NULL: none) "-DVECTOR=4 -DACTIVATION=1". `count` is the most that the kernel
 * counts in INDEX of common.h: rows or elements. */
void cly_ops_options(const clayer_context *context, const cly_ops_activation *activation, int64_t count,
                     char options[CLY_OPS_OPTIONS]);

/* `rows` rows of `width` floats: sets global and local of `launch` and gives the int4 that FOR_ROWS takes. */
cly_arg cly_ops_rows(const clayer_context *context, int64_t rows, int64_t width, cly_launch *launch);

/* `count` floats in one span: sets global and local and gives the long that FOR_SPAN takes (floats per work-item). */
cly_arg cly_ops_span(const clayer_context *context, int64_t count, cly_launch *launch);

/* For kernels that include rows.h, after cly_ops_rows: how many work-items of a GPU share one of the rows, as -DLANES
 * behind `options` and in `launch`; a CPU's, and those of a GPU with small work-groups, have rows of their own. */
#define CLY_OPS_LONGEST_ROW 16384 /* that such kernels add up plainly */
void cly_ops_share_rows(const clayer_context *context, int64_t rows, int64_t length, char options[CLY_OPS_OPTIONS],
                        cly_launch *launch);

/* `count` work-items, one thing each, on the first axis. */
void cly_ops_each(const clayer_context *context, int64_t count, cly_launch *launch);

#endif
