/* device/launch.c: a kernel's arguments set and checked, its work-group chosen, and the launch enqueued. */
#include "device/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"

static clayer_status find_kernel(cly_program *program, const char *name, cly_kernel **kernel_out) {
    for (size_t i = 0; i < program->kernel_count; i++) {
        if (strcmp(program->kernels[i].name, name) == 0) {
            *kernel_out = &program->kernels[i];
            return CLAYER_OK;
        }
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "program '%s' has no kernel '%s'", program->name, name);
}

static clayer_status set_argument(const cly_kernel *kernel, cl_uint index, const cly_arg *arg) {
    cl_int code = CL_INVALID_ARG_VALUE;
    switch (arg->kind) {
        case CLY_ARG_BUFFER:
            code = clSetKernelArg(kernel->kernel, index, sizeof(cl_mem), &arg->value.buffer);
            break;
        case CLY_ARG_INT:
            code = clSetKernelArg(kernel->kernel, index, sizeof(cl_int), &arg->value.i);
            break;
        case CLY_ARG_LONG:
            code = clSetKernelArg(kernel->kernel, index, sizeof(cl_long), &arg->value.l);
            break;
        case CLY_ARG_FLOAT:
            code = clSetKernelArg(kernel->kernel, index, sizeof(cl_float), &arg->value.f);
            break;
        case CLY_ARG_INT4:
            code = clSetKernelArg(kernel->kernel, index, sizeof(arg->value.i4), arg->value.i4);
            break;
        case CLY_ARG_FLOAT4:
            code = clSetKernelArg(kernel->kernel, index, sizeof(arg->value.f4), arg->value.f4);
            break;
        case CLY_ARG_LOCAL:
            code = clSetKernelArg(kernel->kernel, index, arg->value.local_bytes, NULL);
            break;
        case CLY_ARG_END:
            break;
    }
    if (code != CL_SUCCESS) {
        return cly_base_prefix(cly_device_fail(code, "clSetKernelArg"), "kernel '%s', argument %u", kernel->name,
                               (unsigned)index);
    }
    return CLAYER_OK;
}

/* Counts and local memory are checked here: drivers read past the end, or abort, where they should refuse. */
static clayer_status set_arguments(const clayer_context *context, const cly_kernel *kernel, const cly_arg *args,
                                   size_t count) {
    if (count != kernel->arg_count) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "kernel '%s' takes %u arguments, %zu were given", kernel->name,
                             (unsigned)kernel->arg_count, count);
    }
    uint64_t local_bytes = kernel->local_bytes;
    for (size_t i = 0; i < count; i++) {
        local_bytes += args[i].kind == CLY_ARG_LOCAL ? args[i].value.local_bytes : 0;
    }
    if (local_bytes > context->info.local_memory_bytes) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "kernel '%s' needs %llu bytes of local memory, device '%s' has %llu",
                             kernel->name, (unsigned long long)local_bytes, context->info.name,
                             (unsigned long long)context->info.local_memory_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        clayer_status status = set_argument(kernel, (cl_uint)i, &args[i]);
        if (status != CLAYER_OK) {
            return status;
        }
    }
    return CLAYER_OK;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The largest work-group this kernel may have on this device. */
static size_t group_limit(const clayer_context *context, const cly_kernel *kernel) {
    size_t limit = smaller(kernel->limit, context->info.max_work_group_size);
    return limit == 0 ? 1 : limit;
}

/* CPUs: 64, 8 or 1 items of axis 0. PoCL compiles for each size it meets, so there are few. */
static void choose_local_cpu(const clayer_context *context, size_t limit, double items, const size_t global[3],
                             size_t local[3]) {
    double units = context->info.compute_units == 0 ? 1.0 : (double)context->info.compute_units;
    size_t most = smaller(limit, context->max_item_sizes[0]);
    bool many = global[0] >= 64 && items / 64.0 >= 2.0 * units;
    local[0] = many && most >= 64 ? 64 : global[0] >= 8 && most >= 8 ? 8 : 1;
    local[1] = local[2] = 1;
}

/* Fills axis 0 first, then 1 and 2, with powers of two: up to 256 items, fewer when the range is so small that compute
 * units would stay idle. */
static void choose_local(const clayer_context *context, const cly_kernel *kernel, const size_t global[3],
                         size_t local[3]) {
    double items = (double)global[0] * (double)global[1] * (double)global[2];
    size_t limit = group_limit(context, kernel);
    if (context->info.type == CLAYER_DEVICE_CPU) {
        choose_local_cpu(context, limit, items, global, local);
        return;
    }
    size_t least = kernel->multiple == 0 ? 8 : kernel->multiple;
    size_t left = smaller(256, limit);
    size_t units = context->info.compute_units == 0 ? 1 : context->info.compute_units;
    while (left > least && items / (double)left < 2.0 * (double)units) {
        left /= 2;
    }
    for (int axis = 0; axis < 3; axis++) {
        size_t most = smaller(left, context->max_item_sizes[axis]);
        local[axis] = 1;
        while (local[axis] * 2 <= most && local[axis] < global[axis]) {
            local[axis] *= 2;
        }
        left /= local[axis];
    }
}

/* The work-group that is asked for, required by the kernel, or chosen. */
static clayer_status settle_local(const clayer_context *context, const cly_kernel *kernel, const cly_launch *launch,
                                  const size_t global[3], size_t local[3]) {
    bool required = kernel->required[0] != 0;
    if (launch->local[0] == 0 && !required) {
        choose_local(context, kernel, global, local);
        return CLAYER_OK;
    }
    const size_t *wanted = launch->local[0] != 0 ? launch->local : kernel->required;
    size_t items = 1;
    bool fits = true;
    for (int axis = 0; axis < 3; axis++) {
        local[axis] = wanted[axis] == 0 ? 1 : wanted[axis];
        fits = fits && local[axis] <= context->max_item_sizes[axis];
        items *= local[axis];
    }
    if (!fits || items > group_limit(context, kernel)) {
        return cly_base_fail(
            CLAYER_UNSUPPORTED, "kernel '%s' needs work-groups of %zu x %zu x %zu, device '%s' allows %zu items",
            kernel->name, local[0], local[1], local[2], context->info.name, group_limit(context, kernel));
    }
    return CLAYER_OK;
}

/* True the first time that the kernel runs with this work-group; with many, now and then again. */
static bool is_new_shape(cly_kernel *kernel, const size_t global[3], const size_t local[3]) {
    size_t shape[4] = {local[0], local[1], local[2], 0};
    for (int axis = 0; axis < 3; axis++) {
        shape[3] |= global[axis] / local[axis] >= 65535 ? 1u : 0u; /* PoCL has a variant for small ranges */
    }
    size_t kept = kernel->seen_count < CLY_SEEN_SHAPES ? kernel->seen_count : CLY_SEEN_SHAPES;
    for (size_t i = 0; i < kept; i++) {
        if (memcmp(kernel->seen[i], shape, sizeof(shape)) == 0) {
            return false;
        }
    }
    memcpy(kernel->seen[kernel->seen_count++ % CLY_SEEN_SHAPES], shape, sizeof(shape));
    return true;
}

static clayer_status enqueue(clayer_context *context, cly_kernel *kernel, const size_t global[3],
                             const size_t local[3]) {
    size_t rounded[3];
    cl_uint axes = 1;
    for (cl_uint axis = 0; axis < 3; axis++) {
        rounded[axis] = (global[axis] + local[axis] - 1) / local[axis] * local[axis];
        axes = rounded[axis] > 1 ? axis + 1 : axes;
    }
    cly_timer *timer = cly_device_timer_here(context);
    cl_event event = NULL;
    cl_int code = clEnqueueNDRangeKernel(context->queue, kernel->kernel, axes, NULL, rounded, local, 0, NULL,
                                         timer != NULL ? &event : NULL);
    if (code != CL_SUCCESS) {
        return cly_base_prefix(cly_device_fail(code, "clEnqueueNDRangeKernel"),
                               "kernel '%s', %zu x %zu x %zu in groups of %zu x %zu x %zu", kernel->name, rounded[0],
                               rounded[1], rounded[2], local[0], local[1], local[2]);
    }
    if (timer != NULL) {
        cly_device_timer_add(timer, event, false);
    }
    CLY_COUNTER(context, launches, 1);
    return CLAYER_OK;
}

/* PoCL compiles for a work-group size when the first such launch comes to run, in files that two processes must not
 * write at once: in turn, and to the end. */
static clayer_status enqueue_first(clayer_context *context, cly_kernel *kernel, const size_t global[3],
                                   const size_t local[3]) {
    int lock = cly_device_cache_lock(context, "pocl.lock");
    clayer_status status = enqueue(context, kernel, global, local);
    if (status == CLAYER_OK && lock >= 0) {
        status = clayer_context_finish(context);
    }
    cly_base_unlock_file(lock);
    return status;
}

clayer_status cly_device_launch(clayer_context *context, const cly_launch *launch, const cly_arg *args,
                                size_t arg_count) {
    cly_program *program = NULL;
    cly_kernel *kernel = NULL;
    size_t global[3], local[3];
    for (int axis = 0; axis < 3; axis++) {
        global[axis] = launch->global[axis] == 0 ? 1 : launch->global[axis];
    }
    clayer_status status = cly_device_program_get(context, launch->program, launch->options, &program);
    if (status != CLAYER_OK) {
        return status;
    }
    CLY_TRY(find_kernel(program, launch->kernel, &kernel));
    CLY_TRY(settle_local(context, kernel, launch, global, local));
    CLY_TRY(set_arguments(context, kernel, args, arg_count));
    if (context->is_pocl && is_new_shape(kernel, global, local)) {
        CLY_TRY(enqueue_first(context, kernel, global, local));
    } else {
        CLY_TRY(enqueue(context, kernel, global, local));
    }
done:
    (void)pthread_mutex_unlock(&program->lock);
    return status;
}
