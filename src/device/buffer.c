/* device/buffer.c: device memory, counted, and the copies between it and the host. */
#include "device/internal.h"

clayer_status cly_device_buffer_create(clayer_context *context, uint64_t bytes, cl_mem *buffer_out) {
    uint64_t size = bytes == 0 ? 4 : bytes;
    uint64_t largest = context->info.max_allocation_bytes;
    if (size > largest || size > SIZE_MAX) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY,
                             "a buffer of %llu bytes exceeds the largest of device '%s', %llu bytes",
                             (unsigned long long)size, context->info.name, (unsigned long long)largest);
    }
    cl_int code = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(context->cl, CL_MEM_READ_WRITE, (size_t)size, NULL, &code);
    if (buffer == NULL || code != CL_SUCCESS) {
        return cly_base_prefix(cly_device_fail(code, "clCreateBuffer"), "a buffer of %llu bytes on device '%s'",
                               (unsigned long long)size, context->info.name);
    }
    (void)pthread_mutex_lock(&context->lock);
    clayer_counters *counters = &context->counters;
    counters->device_bytes += size;
    if (counters->device_bytes > counters->device_bytes_peak) {
        counters->device_bytes_peak = counters->device_bytes;
    }
    (void)pthread_mutex_unlock(&context->lock);
    *buffer_out = buffer;
    return CLAYER_OK;
}

void cly_device_buffer_destroy(clayer_context *context, cl_mem buffer) {
    if (buffer == NULL) {
        return;
    }
    size_t size = 0;
    if (clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(size), &size, NULL) == CL_SUCCESS) {
        CLY_COUNTER(context, device_bytes, -(uint64_t)size);
    }
    (void)clReleaseMemObject(buffer);
}

uint64_t cly_device_part_alignment(const clayer_context *context) {
    cl_uint bits = 0;
    cl_int code = clGetDeviceInfo(context->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof(bits), &bits, NULL);
    return code == CL_SUCCESS && bits >= 8 ? bits / 8 : UINT64_MAX;
}

clayer_status cly_device_part_create(cl_mem buffer, uint64_t offset_bytes, uint64_t bytes, cl_mem *part_out) {
    cl_mem whole = NULL;
    size_t begin = 0;
    cl_int code = clGetMemObjectInfo(buffer, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(whole), &whole, NULL);
    if (code == CL_SUCCESS && whole != NULL) { /* a part of a part is one of the whole */
        code = clGetMemObjectInfo(buffer, CL_MEM_OFFSET, sizeof(begin), &begin, NULL);
    }
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetMemObjectInfo");
    }
    const cl_buffer_region region = {begin + (size_t)offset_bytes, (size_t)bytes};
    cl_mem part = clCreateSubBuffer(whole != NULL ? whole : buffer, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (part == NULL || code != CL_SUCCESS) {
        return cly_base_prefix(cly_device_fail(code, "clCreateSubBuffer"), "%llu bytes at %llu",
                               (unsigned long long)bytes, (unsigned long long)offset_bytes);
    }
    *part_out = part;
    return CLAYER_OK;
}

void cly_device_part_release(cl_mem part) {
    if (part != NULL) {
        (void)clReleaseMemObject(part);
    }
}

clayer_status cly_device_write(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, const void *source,
                               uint64_t bytes) {
    if (bytes == 0) {
        return CLAYER_OK;
    }
    cl_int code = clEnqueueWriteBuffer(context->queue, buffer, CL_TRUE, (size_t)offset_bytes, (size_t)bytes, source, 0,
                                       NULL, NULL);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueWriteBuffer");
    }
    CLY_COUNTER(context, bytes_written, bytes);
    return CLAYER_OK;
}

clayer_status cly_device_read(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, void *target,
                              uint64_t bytes) {
    if (bytes == 0) {
        return CLAYER_OK;
    }
    cl_int code = clEnqueueReadBuffer(context->queue, buffer, CL_TRUE, (size_t)offset_bytes, (size_t)bytes, target, 0,
                                      NULL, NULL);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueReadBuffer");
    }
    CLY_COUNTER(context, bytes_read, bytes);
    return CLAYER_OK;
}

clayer_status cly_device_copy(clayer_context *context, cl_mem source, uint64_t source_offset_bytes, cl_mem target,
                              uint64_t target_offset_bytes, uint64_t bytes) {
    if (bytes == 0) {
        return CLAYER_OK;
    }
    cly_timer *timer = cly_device_timer_here(context);
    cl_event event = NULL;
    cl_int code =
        clEnqueueCopyBuffer(context->queue, source, target, (size_t)source_offset_bytes, (size_t)target_offset_bytes,
                            (size_t)bytes, 0, NULL, timer != NULL ? &event : NULL);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueCopyBuffer");
    }
    if (timer != NULL) {
        cly_device_timer_add(timer, event, false);
    }
    return CLAYER_OK;
}

clayer_status cly_device_zero(clayer_context *context, cl_mem buffer, uint64_t offset_bytes, uint64_t bytes) {
    const cl_int zero = 0;
    if (bytes == 0) {
        return CLAYER_OK;
    }
    cly_timer *timer = cly_device_timer_here(context);
    cl_event event = NULL;
    cl_int code = clEnqueueFillBuffer(context->queue, buffer, &zero, sizeof(zero), (size_t)offset_bytes, (size_t)bytes,
                                      0, NULL, timer != NULL ? &event : NULL);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueFillBuffer");
    }
    if (timer != NULL) {
        cly_device_timer_add(timer, event, false);
    }
    return CLAYER_OK;
}
