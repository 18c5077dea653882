/* device/context.c: a context: one device, its queue, counters, log and forced implementations. */
#include "device/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB ((uint64_t)1 << 20)

double cly_device_now_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The caller's struct may be older (shorter) than ours; a newer one is taken if it asks for nothing we do not know. */
static clayer_status copy_config(const clayer_context_config *config, clayer_context_config *copy_out) {
    clayer_context_config copy = {.struct_size = sizeof(copy)};
    if (config != NULL) {
        size_t size = config->struct_size;
        if (size < sizeof(size_t) || size > 4096) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                                 "clayer_context_config: struct_size is %zu; set it to sizeof(clayer_context_config)",
                                 size);
        }
        const unsigned char *bytes = (const unsigned char *)config;
        for (size_t i = sizeof(copy); i < size; i++) {
            if (bytes[i] != 0) {
                return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                                     "clayer_context_config: it has fields that this version of the library lacks");
            }
        }
        memcpy(&copy, config, size < sizeof(copy) ? size : sizeof(copy));
    }
    *copy_out = copy;
    return CLAYER_OK;
}

static uint64_t choose_workspace(const clayer_device_info *info, uint64_t asked) {
    uint64_t limit = asked != 0 ? asked : (info->type == CLAYER_DEVICE_CPU ? 64 : 256) * MIB;
    uint64_t eighth = info->global_memory_bytes / 8;
    if (eighth > 0 && limit > eighth) {
        limit = eighth;
    }
    if (info->max_allocation_bytes > 0 && limit > info->max_allocation_bytes) {
        limit = info->max_allocation_bytes;
    }
    return limit;
}

/* What is read from device and platform, once both are known. */
static clayer_status learn_device(clayer_context *context) {
    clayer_status status = CLAYER_OK;
    size_t length = 0;
    size_t sizes[16] = {0};
    cl_int code = clGetPlatformInfo(context->platform, CL_PLATFORM_VERSION, 0, NULL, &length);
    if (code == CL_SUCCESS && length <= sizeof(context->platform_version)) {
        code = clGetPlatformInfo(context->platform, CL_PLATFORM_VERSION, length, context->platform_version, NULL);
    }
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clGetPlatformInfo");
        goto done;
    }
    code = clGetDeviceInfo(context->device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof(sizes), sizes, NULL);
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clGetDeviceInfo");
        goto done;
    }
    memcpy(context->max_item_sizes, sizes, sizeof(context->max_item_sizes));
    context->is_pocl = strcmp(context->info.platform, "Portable Computing Language") == 0;
    /* An OpenCL 1.1 compiler does not know -cl-std=CL1.2. */
    context->no_cl_std = strncmp(context->info.opencl_version, "OpenCL 1.0", 10) == 0 ||
                         strncmp(context->info.opencl_version, "OpenCL 1.1", 10) == 0;
done:
    return status;
}

/* A context without OpenCL objects yet. */
static clayer_status make_empty(const clayer_context_config *config, clayer_context **context_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(clayer_context), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    clayer_context *context = memory;
    atomic_init(&context->references, 1);
    (void)pthread_mutex_init(&context->lock, NULL);
    (void)pthread_mutex_init(&context->gemm_lock, NULL);
    context->log = config->log;
    context->log_data = config->log_data;
    *context_out = context;
    return CLAYER_OK;
}

/* Frees everything; also a context that is only half made. */
static void close_context(clayer_context *context) {
    if (context->queue != NULL) {
        (void)clFinish(context->queue);
    }
    cly_device_programs_free(context);
    cly_device_cache_close(context);
    while (context->forced != NULL) {
        cly_force *force = context->forced;
        context->forced = force->next;
        free(force->operator_name);
        free(force->implementation);
        free(force);
    }
    if (context->queue != NULL) {
        (void)clReleaseCommandQueue(context->queue);
    }
    if (context->cl != NULL) {
        (void)clReleaseContext(context->cl);
    }
    (void)pthread_mutex_destroy(&context->gemm_lock);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

clayer_status clayer_context_create(const clayer_context_config *config, clayer_context **context_out) {
    if (context_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_create: context_out is NULL");
    }
    clayer_context_config copy;
    clayer_context *context = NULL;
    cly_device_entry chosen = {0};
    cl_int code = CL_SUCCESS;
    clayer_status status = CLAYER_OK;
    CLY_TRY(copy_config(config, &copy));
    CLY_TRY(cly_device_choose(copy.device, &chosen));
    CLY_TRY(make_empty(&copy, &context));
    context->platform = chosen.platform;
    context->device = chosen.device;
    context->info = chosen.info;
    context->profiling = copy.profiling;
    context->workspace_limit = choose_workspace(&context->info, copy.workspace_limit_bytes);
    CLY_TRY(learn_device(context));
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)chosen.platform, 0};
    context->cl = clCreateContext(properties, 1, &chosen.device, NULL, NULL, &code);
    if (context->cl == NULL || code != CL_SUCCESS) {
        context->cl = NULL;
        status = cly_device_fail(code, "clCreateContext");
        goto done;
    }
    context->queue =
        clCreateCommandQueue(context->cl, chosen.device, copy.profiling ? CL_QUEUE_PROFILING_ENABLE : 0, &code);
    if (context->queue == NULL || code != CL_SUCCESS) {
        context->queue = NULL;
        status = cly_device_fail(code, "clCreateCommandQueue");
        goto done;
    }
    cly_device_cache_open(context, &copy);
    *context_out = context;
    context = NULL;
done:
    cly_device_release(context);
    return status;
}

/* The queue must be in order, of this context, and timed if times are wanted. */
static clayer_status check_queue(cl_context cl, cl_command_queue queue, bool profiling, cl_device_id *device_out) {
    cl_context owner = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    cl_int code = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(owner), &owner, NULL);
    if (code == CL_SUCCESS) {
        code = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(device), &device, NULL);
    }
    if (code == CL_SUCCESS) {
        code = clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);
    }
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetCommandQueueInfo");
    }
    if (owner != cl) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "the command queue belongs to another OpenCL context");
    }
    if ((properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "the command queue is out of order: an in-order one is needed");
    }
    if (profiling && (properties & CL_QUEUE_PROFILING_ENABLE) == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "profiling needs a queue with CL_QUEUE_PROFILING_ENABLE");
    }
    *device_out = device;
    return CLAYER_OK;
}

/* Which of the listed devices it is; -1 for one that is not listed, such as a sub-device. */
static void find_listed(cl_device_id device, clayer_device_info *info) {
    cly_device_entry *entries = NULL;
    size_t count = 0;
    info->index = -1;
    info->platform_index = -1;
    if (cly_device_list(&entries, &count, NULL) == CLAYER_OK) {
        for (size_t i = 0; i < count; i++) {
            if (entries[i].device == device) {
                *info = entries[i].info;
            }
        }
        free(entries);
    }
}

clayer_status clayer_context_adopt(cl_context cl, cl_command_queue queue, const clayer_context_config *config,
                                   clayer_context **context_out) {
    if (cl == NULL || queue == NULL || context_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_adopt: a pointer is NULL");
    }
    clayer_context_config copy;
    clayer_context *context = NULL;
    cl_device_id device = NULL;
    cl_platform_id platform = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(copy_config(config, &copy));
    CLY_TRY(check_queue(cl, queue, copy.profiling, &device));
    cl_int code = clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof(platform), &platform, NULL);
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clGetDeviceInfo");
        goto done;
    }
    CLY_TRY(make_empty(&copy, &context));
    context->platform = platform;
    context->device = device;
    CLY_TRY(cly_device_describe(platform, device, &context->info));
    find_listed(device, &context->info);
    context->profiling = copy.profiling;
    context->workspace_limit = choose_workspace(&context->info, copy.workspace_limit_bytes);
    CLY_TRY(learn_device(context));
    code = clRetainContext(cl);
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clRetainContext");
        goto done;
    }
    context->cl = cl;
    code = clRetainCommandQueue(queue);
    if (code != CL_SUCCESS) {
        status = cly_device_fail(code, "clRetainCommandQueue");
        goto done;
    }
    context->queue = queue;
    cly_device_cache_open(context, &copy);
    *context_out = context;
    context = NULL;
done:
    cly_device_release(context);
    return status;
}

clayer_context *cly_device_retain(clayer_context *context) {
    (void)atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void cly_device_release(clayer_context *context) {
    if (context != NULL && atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) == 1) {
        close_context(context);
    }
}

void clayer_context_destroy(clayer_context *context) {
    cly_device_release(context);
}
