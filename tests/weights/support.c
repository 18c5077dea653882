/* weights/support.c: runs one penalty or constraint on host values. */
#include "weights/support.h"

#include <check.h>

#include "weights/weight.h"

#define GUARD 12345.0f

int64_t shape_count(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

cl_mem buffer_of(clayer_context *context, const float *values, int64_t count) {
    cl_mem buffer = NULL;
    const uint64_t bytes = (uint64_t)count * sizeof(float);
    ck_assert_int_eq(cly_device_buffer_create(context, bytes, &buffer), CLAYER_OK);
    if (values != NULL && count > 0) {
        ck_assert_int_eq(cly_device_write(context, buffer, 0, values, bytes), CLAYER_OK);
    }
    return buffer;
}

void read_buffer(clayer_context *context, cl_mem buffer, float *values, int64_t count) {
    ck_assert_int_eq(cly_device_read(context, buffer, 0, values, (uint64_t)count * sizeof(float)), CLAYER_OK);
}

cly_spec parse(const cly_spec_list *list, const char *text) {
    cly_spec spec;
    ck_assert_msg(cly_base_spec_parse(list, text, &spec) == CLAYER_OK, "%s", clayer_last_error());
    return spec;
}

clayer_status run_penalty(clayer_context *context, const cly_spec *spec, const clayer_shape *shape, const float *w,
                          float scale, float *value, float *gradient) {
    const int64_t count = shape_count(shape);
    /* The value stands between two guards. */
    const float guarded[3] = {GUARD, value != NULL ? *value : 0.0f, GUARD};
    float after[3];
    const uint64_t bytes = cly_weights_penalty_workspace_bytes(context, spec, shape);
    cl_mem x = buffer_of(context, w, count), sum = buffer_of(context, guarded, 3);
    cl_mem dx = buffer_of(context, gradient, count);
    cl_mem workspace = buffer_of(context, NULL, (int64_t)(bytes / sizeof(float)));
    const clayer_status status = cly_weights_penalty(context, spec, shape, x, scale, value != NULL ? sum : NULL, 1,
                                                     gradient != NULL ? dx : NULL, workspace);
    read_buffer(context, sum, after, 3);
    ck_assert(after[0] == GUARD && after[2] == GUARD);
    if (value != NULL) {
        *value = after[1];
    }
    if (gradient != NULL) {
        read_buffer(context, dx, gradient, count);
    }
    cly_device_buffer_destroy(context, x);
    cly_device_buffer_destroy(context, sum);
    cly_device_buffer_destroy(context, dx);
    cly_device_buffer_destroy(context, workspace);
    return status;
}

clayer_status run_constraint(clayer_context *context, const cly_spec *spec, const clayer_shape *shape, float *w) {
    const int64_t count = shape_count(shape);
    const uint64_t bytes = cly_weights_constrain_workspace_bytes(context, spec, shape);
    cl_mem x = buffer_of(context, w, count);
    cl_mem workspace = buffer_of(context, NULL, (int64_t)(bytes / sizeof(float)));
    const clayer_status status = cly_weights_constrain(context, spec, shape, x, workspace);
    read_buffer(context, x, w, count);
    cly_device_buffer_destroy(context, x);
    cly_device_buffer_destroy(context, workspace);
    return status;
}
