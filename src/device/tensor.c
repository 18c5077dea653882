/* device/tensor.c: float32 values in device memory with their shape, of our own making or adopted. */
#include "device/internal.h"

#include <stdlib.h>

struct clayer_tensor {
    clayer_context *context; /* a reference */
    cl_mem buffer;
    bool adopted; /* the memory is the application's: not counted */
    clayer_shape shape;
    int64_t count;
    uint64_t version; /* increased by every writing that the library knows of */
    bool is_shared;   /* the application has the memory object, and may write to it at any time */
};

/* Checks a shape and gives its product. */
static clayer_status check_shape(const clayer_context *context, int rank, const int64_t *dims, int64_t *count_out) {
    if (rank < 0 || rank > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "tensor: rank %d is outside 0 to %d", rank, CLAYER_MAX_RANK);
    }
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 1) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "tensor: dimension %d is %lld, below 1", i, (long long)dims[i]);
        }
        if (!cly_base_multiply(&count, dims[i])) {
            return cly_base_fail(CLAYER_INVALID_SHAPE, "tensor: the number of values overflows at dimension %d", i);
        }
    }
    uint64_t largest = context->info.max_allocation_bytes;
    if ((uint64_t)count > largest / sizeof(float)) {
        return cly_base_fail(CLAYER_INVALID_SHAPE,
                             "tensor: %lld values exceed the largest buffer of device '%s', %llu bytes",
                             (long long)count, context->info.name, (unsigned long long)largest);
    }
    *count_out = count;
    return CLAYER_OK;
}

/* A tensor without memory yet. */
static clayer_status make_tensor(clayer_context *context, int rank, const int64_t *dims, clayer_tensor **tensor_out) {
    int64_t count = 0;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(check_shape(context, rank, dims, &count));
    CLY_TRY(cly_base_alloc(1, sizeof(clayer_tensor), &memory));
    clayer_tensor *tensor = memory;
    tensor->context = cly_device_retain(context);
    tensor->count = count;
    tensor->shape.rank = rank;
    for (int i = 0; i < rank; i++) {
        tensor->shape.dims[i] = dims[i];
    }
    *tensor_out = tensor;
done:
    return status;
}

clayer_status clayer_tensor_create(clayer_context *context, int rank, const int64_t *dims, clayer_tensor **tensor_out) {
    if (context == NULL || tensor_out == NULL || (dims == NULL && rank > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_tensor_create: a pointer is NULL");
    }
    clayer_tensor *tensor = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(make_tensor(context, rank, dims, &tensor));
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)tensor->count * sizeof(float), &tensor->buffer));
    *tensor_out = tensor;
    tensor = NULL;
done:
    clayer_tensor_destroy(tensor);
    return status;
}

/* The memory from the offset on, as an object of its own; without an offset the object itself, retained. */
static clayer_status share_memory(cl_mem mem, size_t offset, size_t bytes, cl_mem *buffer_out) {
    cl_int code = CL_SUCCESS;
    if (offset == 0) {
        code = clRetainMemObject(mem);
        if (code != CL_SUCCESS) {
            return cly_device_fail(code, "clRetainMemObject");
        }
        *buffer_out = mem;
        return CLAYER_OK;
    }
    const cl_buffer_region region = {offset, bytes};
    cl_mem part = clCreateSubBuffer(mem, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (part == NULL || code != CL_SUCCESS) {
        return cly_base_prefix(cly_device_fail(code, "clCreateSubBuffer"), "clayer_tensor_adopt: %zu bytes at %zu",
                               bytes, offset);
    }
    *buffer_out = part;
    return CLAYER_OK;
}

/* The memory must belong to the context, be a buffer, large enough, and the offset aligned. */
static clayer_status check_memory(const clayer_context *context, cl_mem mem, size_t offset, size_t bytes) {
    cl_context owner = NULL;
    cl_mem_object_type type = 0;
    size_t size = 0;
    cl_uint align_bits = 0;
    cl_int code = clGetMemObjectInfo(mem, CL_MEM_CONTEXT, sizeof(owner), &owner, NULL);
    if (code == CL_SUCCESS) {
        code = clGetMemObjectInfo(mem, CL_MEM_TYPE, sizeof(type), &type, NULL);
    }
    if (code == CL_SUCCESS) {
        code = clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof(size), &size, NULL);
    }
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetMemObjectInfo");
    }
    code = clGetDeviceInfo(context->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof(align_bits), &align_bits, NULL);
    if (code != CL_SUCCESS) {
        return cly_device_fail(code, "clGetDeviceInfo");
    }
    if (owner != context->cl) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "clayer_tensor_adopt: the memory belongs to another OpenCL context");
    }
    if (type != CL_MEM_OBJECT_BUFFER) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_tensor_adopt: the memory is not a buffer");
    }
    size_t align = align_bits / 8;
    if (align > 1 && offset % align != 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_tensor_adopt: offset %zu is not a multiple of %zu bytes",
                             offset, align);
    }
    if (offset > size || bytes > size - offset) {
        return cly_base_fail(CLAYER_INVALID_SHAPE,
                             "clayer_tensor_adopt: %zu bytes at offset %zu exceed the memory's %zu bytes", bytes,
                             offset, size);
    }
    return CLAYER_OK;
}

clayer_status clayer_tensor_adopt(clayer_context *context, cl_mem mem, size_t offset_bytes, int rank,
                                  const int64_t *dims, clayer_tensor **tensor_out) {
    if (context == NULL || mem == NULL || tensor_out == NULL || (dims == NULL && rank > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_tensor_adopt: a pointer is NULL");
    }
    clayer_tensor *tensor = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(make_tensor(context, rank, dims, &tensor));
    tensor->adopted = true;
    size_t bytes = (size_t)tensor->count * sizeof(float);
    CLY_TRY(check_memory(context, mem, offset_bytes, bytes));
    CLY_TRY(share_memory(mem, offset_bytes, bytes, &tensor->buffer));
    *tensor_out = tensor;
    tensor = NULL;
done:
    clayer_tensor_destroy(tensor);
    return status;
}

void clayer_tensor_destroy(clayer_tensor *tensor) {
    if (tensor == NULL) {
        return;
    }
    if (!tensor->adopted) {
        cly_device_buffer_destroy(tensor->context, tensor->buffer);
    } else if (tensor->buffer != NULL) {
        (void)clReleaseMemObject(tensor->buffer);
    }
    cly_device_release(tensor->context);
    free(tensor);
}

const clayer_shape *clayer_tensor_get_shape(const clayer_tensor *tensor) {
    return tensor != NULL ? &tensor->shape : NULL;
}

int64_t clayer_tensor_get_count(const clayer_tensor *tensor) {
    return tensor != NULL ? tensor->count : 0;
}

/* Writing through the object goes unseen, so from here on the values count as new each time. */
cl_mem clayer_tensor_get_cl_mem(const clayer_tensor *tensor) {
    if (tensor == NULL) {
        return NULL;
    }
    ((clayer_tensor *)tensor)->is_shared = true; /* no tensor is made const */
    return tensor->buffer;
}

uint64_t cly_device_tensor_version(const clayer_tensor *tensor) {
    return tensor->is_shared || tensor->adopted ? 0 : tensor->version + 1;
}

void cly_device_tensor_changed(clayer_tensor *tensor) {
    tensor->version++;
}

cl_mem cly_device_tensor_buffer(const clayer_tensor *tensor) {
    return tensor->buffer;
}

clayer_context *cly_device_tensor_context(const clayer_tensor *tensor) {
    return tensor->context;
}

static clayer_status check_transfer(const clayer_tensor *tensor, const void *values, int64_t count, const char *what) {
    if (tensor == NULL || values == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: a pointer is NULL", what);
    }
    if (count != tensor->count) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %lld values given for a tensor of %lld", what,
                             (long long)count, (long long)tensor->count);
    }
    return CLAYER_OK;
}

clayer_status clayer_tensor_write(clayer_tensor *tensor, const float *values, int64_t count) {
    clayer_status status = check_transfer(tensor, values, count, "clayer_tensor_write");
    if (status != CLAYER_OK) {
        return status;
    }
    cly_device_tensor_changed(tensor);
    return cly_device_write(tensor->context, tensor->buffer, 0, values, (uint64_t)count * sizeof(float));
}

clayer_status clayer_tensor_read(const clayer_tensor *tensor, float *values, int64_t count) {
    clayer_status status = check_transfer(tensor, values, count, "clayer_tensor_read");
    return status != CLAYER_OK
               ? status
               : cly_device_read(tensor->context, tensor->buffer, 0, values, (uint64_t)count * sizeof(float));
}
