/* ops/operator.h: an operator is an ordered list of implementations, the last of them "reference".
 *
 * A shape struct of the operator's own header says what to compute (sizes, strides, layout); buffers come as operands
 * in the order which that header documents. Planning chooses an implementation and tells its workspace before any
 * device work; running enqueues. */
#ifndef CLY_OPS_OPERATOR_H
#define CLY_OPS_OPERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

#define CLY_OPS_OPERANDS 8

/* Rows of a tensor that lie apart, within the rows of a larger one: the floats from one to the next, and where the
 * first begins. pitch 0: side by side, from the start. */
typedef struct cly_ops_spacing {
    int64_t pitch, offset;
} cly_ops_spacing;

/* What kernels take: the floats from row to row, of rows of `width`, and the first one's. */
#define CLY_OPS_SPACING(rows, width) CLY_LONG((rows).pitch > 0 ? (rows).pitch : (width)), CLY_LONG((rows).offset)

typedef struct cly_ops_implementation {
    const char *name;
    /* Rough time in any unit that is the same for one operator's implementations, or negative if this one cannot do
     * the shape on this device. The cheapest runs; the earlier of equals. */
    double (*cost)(const clayer_context *context, const void *shape);
    /* Bytes of scratch memory needed; NULL: none. */
    uint64_t (*workspace_bytes)(const clayer_context *context, const void *shape);
    clayer_status (*run)(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace);
} cly_ops_implementation;

typedef struct cly_ops_operator {
    const char *name;                              /* "conv" */
    const cly_ops_implementation *implementations; /* ends with name NULL */
    uint64_t (*multiply_adds)(const void *shape);  /* what sums of products take; NULL: there are none */
} cly_ops_operator;

/* The cheapest implementation that can, or the forced one; CLAYER_UNSUPPORTED if the forced one cannot do `shape`. */
clayer_status cly_ops_choose(clayer_context *context, const cly_ops_operator *op, const void *shape,
                             const cly_ops_implementation **implementation_out);

/* All operators, NULL-terminated: what clayer_get_operators lists. */
extern const cly_ops_operator *const cly_ops_operators[];

#endif
