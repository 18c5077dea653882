/* device/upload.c: copies from host to device beside the context's queue, so that the next batch travels while the
 * device still computes on the one before.
 *
 * A slot is a set of host and device memory that is filled, used and filled again. Its events keep the order: the
 * copies wait until the commands that used the slot's device memory are done, and the commands that use it next wait
 * for the copies. The host waits only before it overwrites host memory that a copy may still read. */
#include "device/internal.h"

#include <stdlib.h>

typedef struct slot {
    cl_event *copies; /* of the last filling */
    size_t count, capacity;
    cl_event used; /* the commands that used the device memory are done; NULL: none did */
} slot;

struct cly_device_upload {
    clayer_context *context; /* a reference */
    cl_command_queue queue;
    slot slots[CLY_UPLOAD_SLOTS];
};

clayer_status cly_device_upload_create(clayer_context *context, cly_device_upload **upload_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(cly_device_upload), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    cly_device_upload *upload = memory;
    cl_int code = CL_SUCCESS;
    upload->queue = clCreateCommandQueue(context->cl, context->device, 0, &code);
    if (upload->queue == NULL || code != CL_SUCCESS) {
        free(upload);
        return cly_device_fail(code, "clCreateCommandQueue");
    }
    upload->context = cly_device_retain(context);
    *upload_out = upload;
    return CLAYER_OK;
}

static void forget_copies(slot *s) {
    for (size_t i = 0; i < s->count; i++) {
        (void)clReleaseEvent(s->copies[i]);
    }
    s->count = 0;
}

static void forget_use(slot *s) {
    if (s->used != NULL) {
        (void)clReleaseEvent(s->used);
        s->used = NULL;
    }
}

void cly_device_upload_destroy(cly_device_upload *upload) {
    if (upload == NULL) {
        return;
    }
    (void)clFinish(upload->queue);
    for (size_t i = 0; i < CLY_UPLOAD_SLOTS; i++) {
        forget_copies(&upload->slots[i]);
        forget_use(&upload->slots[i]);
        free(upload->slots[i].copies);
    }
    (void)clReleaseCommandQueue(upload->queue);
    cly_device_release(upload->context);
    free(upload);
}

clayer_status cly_device_upload_begin(cly_device_upload *upload, int index) {
    slot *s = &upload->slots[index];
    if (s->count == 0) {
        return CLAYER_OK;
    }
    cl_int code = clWaitForEvents((cl_uint)s->count, s->copies);
    forget_copies(s);
    return code == CL_SUCCESS ? CLAYER_OK : cly_device_fail(code, "clWaitForEvents");
}

clayer_status cly_device_upload_write(cly_device_upload *upload, int index, cl_mem buffer, const void *source,
                                      uint64_t bytes) {
    slot *s = &upload->slots[index];
    if (bytes == 0) {
        return CLAYER_OK;
    }
    clayer_status status = cly_base_grow((void **)&s->copies, &s->capacity, s->count, sizeof(cl_event));
    if (status != CLAYER_OK) {
        return status;
    }
    cl_int code = clEnqueueWriteBuffer(upload->queue, buffer, CL_FALSE, 0, (size_t)bytes, source, s->used != NULL,
                                       s->used != NULL ? &s->used : NULL, &s->copies[s->count]);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clEnqueueWriteBuffer");
    }
    s->count++;
    CLY_COUNTER(upload->context, bytes_written, bytes);
    return CLAYER_OK;
}

clayer_status cly_device_upload_use(cly_device_upload *upload, int index) {
    slot *s = &upload->slots[index];
    if (s->count == 0) {
        return CLAYER_OK;
    }
    cl_int code = clFlush(upload->queue); /* or the other queue might wait for what was never sent */
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clFlush");
    }
    code = clEnqueueBarrierWithWaitList(upload->context->queue, (cl_uint)s->count, s->copies, NULL);
    return code == CL_SUCCESS ? CLAYER_OK : cly_device_fail(code, "clEnqueueBarrierWithWaitList");
}

clayer_status cly_device_upload_used(cly_device_upload *upload, int index) {
    slot *s = &upload->slots[index];
    forget_use(s);
    cl_int code = clEnqueueMarkerWithWaitList(upload->context->queue, 0, NULL, &s->used);
    if (code != CL_SUCCESS) {
        s->used = NULL;
        return cly_device_fail(code, "clEnqueueMarkerWithWaitList");
    }
    code = clFlush(upload->context->queue);
    return code == CL_SUCCESS ? CLAYER_OK : cly_device_fail(code, "clFlush");
}
