/* support/fault_layer.c: an OpenCL layer that makes a chosen call fail, and counts live objects.
 *
 * The functions are generated from the lists below: those that the library calls. All others go straight through. */
#include "support/fault_layer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl_layer.h>

/* What a failing call returns: a code that clayer must pass on, not one it handles. */
#define FAULT CL_OUT_OF_RESOURCES

static cl_icd_dispatch table;
static const cl_icd_dispatch *next;
static atomic_long calls, live;
static atomic_long armed;
static const char *_Atomic fired;
static char named[64];
static atomic_long named_left;


void cly_fault_arm(long call) {
    atomic_store(&calls, 0);
    atomic_store(&armed, call);
    atomic_store(&fired, NULL);
}

long cly_fault_calls(void) {
    return atomic_load(&calls);
}

const char *cly_fault_fired(void) {
    return atomic_load(&fired);
}

long cly_fault_live(void) {
    return atomic_load(&live);
}

/* Counts this call; true when it is the one to fail. */
static int fails(const char *name) {
    long call = atomic_fetch_add(&calls, 1) + 1;
    int now = call == atomic_load(&armed);
    if (named[0] != '\0' && strcmp(named, name) == 0 && atomic_fetch_sub(&named_left, 1) == 1) {
        now = 1;
    }
    if (now) {
        atomic_store(&fired, name);
    }
    return now;
}

/* ---- the lists: X(name, (parameters), (arguments)) ---- */

#define PLAIN_CALLS(X)                                                                                                \
    X(clGetPlatformIDs, (cl_uint a, cl_platform_id *b, cl_uint *c), (a, b, c))                                        \
    X(clGetPlatformInfo, (cl_platform_id a, cl_platform_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))       \
    X(clGetDeviceIDs, (cl_platform_id a, cl_device_type b, cl_uint c, cl_device_id * d, cl_uint * e),                 \
      (a, b, c, d, e))                                                                                                \
    X(clGetDeviceInfo, (cl_device_id a, cl_device_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))             \
    X(clGetCommandQueueInfo, (cl_command_queue a, cl_command_queue_info b, size_t c, void *d, size_t *e),             \
      (a, b, c, d, e))                                                                                                \
    X(clGetMemObjectInfo, (cl_mem a, cl_mem_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))                   \
    X(clBuildProgram,                                                                                                 \
      (cl_program a, cl_uint b, const cl_device_id *c, const char *d,                                                 \
       void(CL_CALLBACK *e)(cl_program, void *), void *f),                                                            \
      (a, b, c, d, e, f))                                                                                             \
    X(clGetProgramInfo, (cl_program a, cl_program_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))             \
    X(clGetProgramBuildInfo, (cl_program a, cl_device_id b, cl_program_build_info c, size_t d, void *e, size_t *f),   \
      (a, b, c, d, e, f))                                                                                             \
    X(clSetKernelArg, (cl_kernel a, cl_uint b, size_t c, const void *d), (a, b, c, d))                                \
    X(clGetKernelInfo, (cl_kernel a, cl_kernel_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))                \
    X(clGetKernelWorkGroupInfo,                                                                                       \
      (cl_kernel a, cl_device_id b, cl_kernel_work_group_info c, size_t d, void *e, size_t *f), (a, b, c, d, e, f))   \
    X(clGetEventProfilingInfo, (cl_event a, cl_profiling_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))      \
    X(clFinish, (cl_command_queue a), (a))

/* Those that may give an event: `event` is its pointer. */
#define ENQUEUE_CALLS(X)                                                                                              \
    X(clEnqueueNDRangeKernel,                                                                                         \
      (cl_command_queue a, cl_kernel b, cl_uint c, const size_t *d, const size_t *e, const size_t *f, cl_uint g,      \
       const cl_event *h, cl_event *event),                                                                           \
      (a, b, c, d, e, f, g, h, event))                                                                                \
    X(clEnqueueReadBuffer,                                                                                            \
      (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, void *f, cl_uint g, const cl_event *h,            \
       cl_event *event),                                                                                              \
      (a, b, c, d, e, f, g, h, event))                                                                                \
    X(clEnqueueWriteBuffer,                                                                                           \
      (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, const void *f, cl_uint g, const cl_event *h,      \
       cl_event *event),                                                                                              \
      (a, b, c, d, e, f, g, h, event))                                                                                \
    X(clEnqueueCopyBuffer,                                                                                            \
      (cl_command_queue a, cl_mem b, cl_mem c, size_t d, size_t e, size_t f, cl_uint g, const cl_event *h,            \
       cl_event *event),                                                                                              \
      (a, b, c, d, e, f, g, h, event))                                                                                \
    X(clEnqueueMarkerWithWaitList, (cl_command_queue a, cl_uint b, const cl_event *c, cl_event *event),               \
      (a, b, c, event))

/* Those that give an object, with its type first and `code` as the last parameter. */
#define CREATE_CALLS(X)                                                                                               \
    X(cl_context, clCreateContext,                                                                                    \
      (const cl_context_properties *a, cl_uint b, const cl_device_id *c,                                              \
       void(CL_CALLBACK *d)(const char *, const void *, size_t, void *), void *e, cl_int *code),                      \
      (a, b, c, d, e, code))                                                                                          \
    X(cl_command_queue, clCreateCommandQueue,                                                                         \
      (cl_context a, cl_device_id b, cl_command_queue_properties c, cl_int *code), (a, b, c, code))                   \
    X(cl_mem, clCreateBuffer, (cl_context a, cl_mem_flags b, size_t c, void *d, cl_int *code), (a, b, c, d, code))    \
    X(cl_mem, clCreateSubBuffer,                                                                                      \
      (cl_mem a, cl_mem_flags b, cl_buffer_create_type c, const void *d, cl_int *code), (a, b, c, d, code))           \
    X(cl_program, clCreateProgramWithSource,                                                                          \
      (cl_context a, cl_uint b, const char **c, const size_t *d, cl_int *code), (a, b, c, d, code))                   \
    X(cl_program, clCreateProgramWithBinary,                                                                          \
      (cl_context a, cl_uint b, const cl_device_id *c, const size_t *d, const unsigned char **e, cl_int *f,           \
       cl_int *code),                                                                                                 \
      (a, b, c, d, e, f, code))                                                                                       \
    X(cl_kernel, clCreateKernel, (cl_program a, const char *b, cl_int *code), (a, b, code))

#define RETAIN_CALLS(X)             \
    X(clRetainContext, cl_context)  \
    X(clRetainCommandQueue, cl_command_queue) \
    X(clRetainMemObject, cl_mem)

#define RELEASE_CALLS(X)             \
    X(clReleaseContext, cl_context)  \
    X(clReleaseCommandQueue, cl_command_queue) \
    X(clReleaseMemObject, cl_mem)    \
    X(clReleaseProgram, cl_program)  \
    X(clReleaseKernel, cl_kernel)    \
    X(clReleaseEvent, cl_event)

/* ---- the functions ---- */

#define DEFINE_PLAIN(name, parameters, arguments)             \
    static cl_int CL_API_CALL layer_##name parameters {       \
        return fails(#name) ? FAULT : next->name arguments;   \
    }

#define DEFINE_ENQUEUE(name, parameters, arguments)           \
    static cl_int CL_API_CALL layer_##name parameters {       \
        if (fails(#name)) {                                   \
            return FAULT;                                     \
        }                                                     \
        cl_int done = next->name arguments;                   \
        if (done == CL_SUCCESS && event != NULL) {            \
            (void)atomic_fetch_add(&live, 1);                 \
        }                                                     \
        return done;                                          \
    }

#define DEFINE_CREATE(type, name, parameters, arguments)      \
    static type CL_API_CALL layer_##name parameters {         \
        if (fails(#name)) {                                   \
            if (code != NULL) {                               \
                *code = FAULT;                                \
            }                                                 \
            return NULL;                                      \
        }                                                     \
        type object = next->name arguments;                   \
        if (object != NULL) {                                 \
            (void)atomic_fetch_add(&live, 1);                 \
        }                                                     \
        return object;                                        \
    }

#define DEFINE_RETAIN(name, type)                             \
    static cl_int CL_API_CALL layer_##name(type object) {     \
        if (fails(#name)) {                                   \
            return FAULT;                                     \
        }                                                     \
        (void)atomic_fetch_add(&live, 1);                     \
        return next->name(object);                            \
    }

/* A release is never made to fail: what it leaves behind would be the layer's own leak. */
#define DEFINE_RELEASE(name, type)                            \
    static cl_int CL_API_CALL layer_##name(type object) {     \
        (void)atomic_fetch_sub(&live, 1);                     \
        return next->name(object);                            \
    }

PLAIN_CALLS(DEFINE_PLAIN)
ENQUEUE_CALLS(DEFINE_ENQUEUE)
CREATE_CALLS(DEFINE_CREATE)
RETAIN_CALLS(DEFINE_RETAIN)
RELEASE_CALLS(DEFINE_RELEASE)

/* This one gives several objects. */
static cl_int CL_API_CALL layer_clCreateKernelsInProgram(cl_program program, cl_uint room, cl_kernel *kernels,
                                                         cl_uint *count) {
    if (fails("clCreateKernelsInProgram")) {
        return FAULT;
    }
    cl_int done = next->clCreateKernelsInProgram(program, room, kernels, count);
    if (done == CL_SUCCESS && kernels != NULL) {
        (void)atomic_fetch_add(&live, room);
    }
    return done;
}

/* ---- the layer's interface ---- */

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value, size_t *size_out) {
    static const char name[] = "clayer fault injection";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *source = what == CL_LAYER_API_VERSION ? (const void *)&version : name;
    size_t length = what == CL_LAYER_API_VERSION ? sizeof(version) : sizeof(name);
    if (what != CL_LAYER_API_VERSION && what != CL_LAYER_NAME) {
        return CL_INVALID_VALUE;
    }
    if (value != NULL) {
        if (size < length) {
            return CL_INVALID_VALUE;
        }
        memcpy(value, source, length);
    }
    if (size_out != NULL) {
        *size_out = length;
    }
    return CL_SUCCESS;
}

static void read_variable(void) {
    const char *variable = getenv("CLY_FAULT");
    const char *colon = variable != NULL ? strchr(variable, ':') : NULL;
    if (colon != NULL && (size_t)(colon - variable) < sizeof(named)) {
        memcpy(named, variable, (size_t)(colon - variable));
        atomic_store(&named_left, strtol(colon + 1, NULL, 10));
    }
}

#define ENTER_PLAIN(name, parameters, arguments) table.name = layer_##name;
#define ENTER_CREATE(type, name, parameters, arguments) table.name = layer_##name;
#define ENTER_OBJECT(name, type) table.name = layer_##name;

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint count, const cl_icd_dispatch *target, cl_uint *count_out,
                                            const cl_icd_dispatch **table_out) {
    const cl_uint ours = sizeof(table) / sizeof(void *);
    if (target == NULL || count_out == NULL || table_out == NULL || count < ours) {
        return CL_INVALID_VALUE;
    }
    next = target;
    table = *target;
    PLAIN_CALLS(ENTER_PLAIN)
    ENQUEUE_CALLS(ENTER_PLAIN)
    CREATE_CALLS(ENTER_CREATE)
    RETAIN_CALLS(ENTER_OBJECT)
    RELEASE_CALLS(ENTER_OBJECT)
    table.clCreateKernelsInProgram = layer_clCreateKernelsInProgram;
    read_variable();
    *count_out = ours;
    *table_out = &table;
    return CL_SUCCESS;
}
