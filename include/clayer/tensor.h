/* clayer/tensor.h: float32 values in device memory, dense, last axis fastest.
 *
 * Ownership: the caller destroys what it creates; a tensor holds a reference to its context. Threads: one at a time
 * per tensor. An application's own cl_mem becomes a tensor in clayer/opencl.h. */
#ifndef CLAYER_TENSOR_H
#define CLAYER_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <clayer/context.h>
#include <clayer/export.h>
#include <clayer/status.h>

CLAYER_BEGIN_DECLS

#define CLAYER_MAX_RANK 8

/* A shape. dims[0] is the batch where there is one. A dimension of -1 is unknown (Keras' None). */
typedef struct clayer_shape {
    int rank;
    int64_t dims[CLAYER_MAX_RANK];
} clayer_shape;

typedef struct clayer_tensor clayer_tensor;

/* Allocates a tensor; its values are not initialised. Errors: CLAYER_INVALID_SHAPE (rank over CLAYER_MAX_RANK, a
 * dimension below 1, a size that overflows or exceeds the device's largest buffer), CLAYER_OUT_OF_MEMORY. */
CLAYER_API clayer_status clayer_tensor_create(clayer_context *context, int rank, const int64_t *dims,
                                              clayer_tensor **tensor_out);
CLAYER_API void clayer_tensor_destroy(clayer_tensor *tensor);

/* Borrowed; valid while the tensor lives. */
CLAYER_API const clayer_shape *clayer_tensor_get_shape(const clayer_tensor *tensor);

/* The product of the dimensions. */
CLAYER_API int64_t clayer_tensor_get_count(const clayer_tensor *tensor);

/* Copies `count` floats (the whole tensor, no less) from or to host memory; returns when the copy is done. */
CLAYER_API clayer_status clayer_tensor_write(clayer_tensor *tensor, const float *values, int64_t count);
CLAYER_API clayer_status clayer_tensor_read(const clayer_tensor *tensor, float *values, int64_t count);

CLAYER_END_DECLS

#endif
