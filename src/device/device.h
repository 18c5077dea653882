/* device/device.h: what the folders above may ask of a device: buffers, programs, launches, GEMM, timing.
 *
 * All functions may be called from several threads on one context. */
#ifndef CLY_DEVICE_H
#define CLY_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/opencl.h>

#include "base/error.h"

/* ---- context ---- */

clayer_context *cly_device_retain(clayer_context *context);
void cly_device_release(clayer_context *context); /* the last one closes it; NULL does nothing */

/* Borrowed, constant over the context's life. */
const clayer_device_info *cly_device_info(const clayer_context *context);
uint64_t cly_device_workspace_limit(const clayer_context *context); /* bytes */

/* One line to the log callback, if any. */
void cly_device_log(clayer_context *context, clayer_log_level level, const char *format, ...) CLY_PRINTF(3, 4);

/* "clBuildProgram: CL_OUT_OF_HOST_MEMORY (-6)" as detail, and the status that fits the code: memory codes give
 * CLAYER_OUT_OF_MEMORY, else CLAYER_DEVICE_ERROR. */
clayer_status cly_device_fail(cl_int code, const char *call);

/* The name an operator is forced to (clayer_context_force), or NULL. Valid until it is forced anew. */
const char *cly_device_forced(clayer_context *context, const char *operator_name);
clayer_status cly_device_force(clayer_context *context, const char *operator_name, const char *implementation);

/* ---- buffers ---- */

/* Uninitialised device memory, counted in clayer_counters. bytes 0 is taken as 4. */
clayer_status cly_device_buffer_create(clayer_context *context, uint64_t bytes, cl_mem *buffer_out);
void cly_device_buffer_destroy(clayer_context *context, cl_mem buffer); /* NULL does nothing */
/* A part of a buffer as an object of its own, which keeps the whole alive and is not counted; the offset must be a
 * multiple of the alignment. To be given back by cly_device_part_release, which does nothing for NULL. */
uint64_t cly_device_part_alignment(const clayer_context *context); /* bytes */
clayer_status cly_device_part_create(cl_mem buffer, uint64_t offset_bytes, uint64_t bytes, cl_mem *part_out);
void cly_device_part_release(cl_mem part);
/* Blocking copies between host and device. */
clayer_status cly_device_write(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, const void *source,
                               uint64_t bytes);
clayer_status cly_device_read(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, void *target,
                              uint64_t bytes);
clayer_status cly_device_copy(clayer_context *context, cl_mem source, uint64_t source_offset_bytes, cl_mem target,
                              uint64_t target_offset_bytes, uint64_t bytes);
/* Enqueues zeros; offset and bytes are multiples of 4. */
clayer_status cly_device_zero(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, uint64_t bytes);

/* Copies beside the context's queue (upload.c), in slots of host and device memory that are filled, used and filled
 * again:
 *     begin    waits until the slot's host memory may be overwritten
 *     write    enqueues a copy to the start of `buffer`; `source` must stay as it is until the next begin or destroy
 *     use      what is enqueued on the context from here on waits for the slot's copies
 *     used     what was enqueued on the context up to here must be done before the slot's device memory is overwritten;
 *              also sends it to the device */
#define CLY_UPLOAD_SLOTS 2
typedef struct cly_device_upload cly_device_upload;
clayer_status cly_device_upload_create(clayer_context *context, cly_device_upload **upload_out);
void cly_device_upload_destroy(cly_device_upload *upload); /* waits for its copies; NULL does nothing */
clayer_status cly_device_upload_begin(cly_device_upload *upload, int slot);
clayer_status cly_device_upload_write(cly_device_upload *upload, int slot, cl_mem buffer, const void *source,
                                      uint64_t bytes);
clayer_status cly_device_upload_use(cly_device_upload *upload, int slot);
clayer_status cly_device_upload_used(cly_device_upload *upload, int slot);

/* ---- programs and launches ---- */

/* Kernel sources of kernels_cl/, embedded by the build: "conv" is conv.cl. cly_kernel_common is put before each. */
typedef struct cly_kernel_source {
    const char *name;
    const unsigned char *bytes;
    size_t length;
} cly_kernel_source;
extern const cly_kernel_source cly_kernel_sources[]; /* ends with name NULL */

typedef enum cly_arg_kind {
    CLY_ARG_END = 0,
    CLY_ARG_BUFFER,
    CLY_ARG_INT,
    CLY_ARG_LONG,
    CLY_ARG_FLOAT,
    CLY_ARG_INT4,
    CLY_ARG_FLOAT4,
    CLY_ARG_LOCAL /* bytes of local memory */
} cly_arg_kind;

typedef struct cly_arg {
    cly_arg_kind kind;
    union {
        cl_mem buffer;
        cl_int i;
        cl_long l;
        cl_float f;
        cl_int i4[4];
        cl_float f4[4];
        size_t local_bytes;
    } value;
} cly_arg;

#define CLY_BUFFER(x) ((cly_arg){.kind = CLY_ARG_BUFFER, .value.buffer = (x)})
#define CLY_INT(x) ((cly_arg){.kind = CLY_ARG_INT, .value.i = (cl_int)(x)})
#define CLY_LONG(x) ((cly_arg){.kind = CLY_ARG_LONG, .value.l = (cl_long)(x)})
#define CLY_FLOAT(x) ((cly_arg){.kind = CLY_ARG_FLOAT, .value.f = (cl_float)(x)})
#define CLY_INT4(a, b, c, d) \
    ((cly_arg){.kind = CLY_ARG_INT4, .value.i4 = {(cl_int)(a), (cl_int)(b), (cl_int)(c), (cl_int)(d)}})
#define CLY_FLOAT4(a, b, c, d) \
    ((cly_arg){.kind = CLY_ARG_FLOAT4, .value.f4 = {(cl_float)(a), (cl_float)(b), (cl_float)(c), (cl_float)(d)}})
#define CLY_LOCAL(bytes) ((cly_arg){.kind = CLY_ARG_LOCAL, .value.local_bytes = (bytes)})

/* What to run, over which range. `global` is the number of work-items wanted on each axis; it is rounded up to a
 * multiple of the work-group, so kernels compare get_global_id with the sizes they are given. local[0] 0 lets the
 * helper choose: it never exceeds what kernel and device allow. Give local sizes only where a kernel depends on them
 * (the same numbers as -D): a device that cannot hold them is CLAYER_UNSUPPORTED. */
typedef struct cly_launch {
    const char *program; /* "conv" */
    const char *options; /* "-DACTIVATION=3", or NULL */
    const char *kernel;  /* "conv_reference" */
    size_t global[3];    /* 0 is taken as 1 */
    size_t local[3];
} cly_launch;

/* Builds (or finds) the program, checks the number of arguments against the kernel's, and enqueues. */
clayer_status cly_device_launch(clayer_context *context, const cly_launch *launch, const cly_arg *args,
                                size_t arg_count);

/* cly_device_run(context, &launch, CLY_BUFFER(x), CLY_INT(n)) */
#define cly_device_run(context, launch, ...)                                 \
    cly_device_launch((context), (launch), (const cly_arg[]){__VA_ARGS__}, \
                      sizeof((const cly_arg[]){__VA_ARGS__}) / sizeof(cly_arg))

/* ---- GEMM ---- */

/* Row-major C[m][n] = op(A)[m][k] op(B)[k][n] + beta C, `batch` times with the given distances. Offsets, leading
 * dimensions and strides in floats. */
typedef struct cly_gemm {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    cl_mem a, b, c;
    int64_t a_offset, b_offset, c_offset;
    int64_t a_ld, b_ld, c_ld;
    int64_t batch; /* 0 is taken as 1 */
    int64_t a_stride, b_stride, c_stride;
    float beta;
} cly_gemm;

clayer_status cly_device_gemm(clayer_context *context, const cly_gemm *gemm);

/* ---- timing ---- */

/* Sums the device time of everything this thread enqueues on `context` between begin and end (which waits). With a
 * context made without profiling *ms_out is -1 and nothing waits. Not nested. */
void cly_device_timer_begin(clayer_context *context);
clayer_status cly_device_timer_end(clayer_context *context, double *ms_out);

/* ---- tensors ---- */

/* The tensor's memory and context, borrowed. */
cl_mem cly_device_tensor_buffer(const clayer_tensor *tensor);
clayer_context *cly_device_tensor_context(const clayer_tensor *tensor);

/* A number that is another after each writing, or 0 where the application could have written without our knowing. Who
 * writes to a tensor's buffer, other than by clayer_tensor_write, says so by cly_device_tensor_changed. */
uint64_t cly_device_tensor_version(const clayer_tensor *tensor);
void cly_device_tensor_changed(clayer_tensor *tensor);

#endif
