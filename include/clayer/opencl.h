/* clayer/opencl.h: the application's own OpenCL objects, used without a copy.
 *
 * The only public header that includes OpenCL's. Objects are retained with clRetain* and released with the clayer
 * object that adopted them; what the getters return is borrowed. */
#ifndef CLAYER_OPENCL_H
#define CLAYER_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <clayer/context.h>
#include <clayer/tensor.h>

CLAYER_BEGIN_DECLS

/* A clayer context on the application's context and in-order queue; config->device is not looked at, profiling needs
 * a queue with CL_QUEUE_PROFILING_ENABLE. Errors: CLAYER_INVALID_ARGUMENT for an out-of-order queue or a queue of
 * another context. */
CLAYER_API clayer_status clayer_context_adopt(cl_context cl, cl_command_queue queue,
                                              const clayer_context_config *config, clayer_context **context_out);

/* A tensor over `mem` from `offset_bytes` on (a multiple of CL_DEVICE_MEM_BASE_ADDR_ALIGN / 8 unless 0). The memory
 * must be of the same cl_context and large enough. */
CLAYER_API clayer_status clayer_tensor_adopt(clayer_context *context, cl_mem mem, size_t offset_bytes, int rank,
                                             const int64_t *dims, clayer_tensor **tensor_out);

/* The OpenCL objects behind a context and a tensor, borrowed. */
CLAYER_API cl_context clayer_context_get_cl_context(const clayer_context *context);
CLAYER_API cl_command_queue clayer_context_get_cl_queue(const clayer_context *context);
CLAYER_API cl_device_id clayer_context_get_cl_device(const clayer_context *context);
CLAYER_API cl_mem clayer_tensor_get_cl_mem(const clayer_tensor *tensor);

CLAYER_END_DECLS

#endif
