/* device/test_memory.c: buffers, tensors, and the application's own OpenCL objects. */
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "support/context.h"
#include "support/runner.h"

static clayer_context *context;

static void set_up(void) {
    context = cly_test_context(NULL, NULL);
}

static void tear_down(void) {
    clayer_context_destroy(context);
    context = NULL;
}

START_TEST(buffers_hold_and_are_counted) {
    cl_mem a = NULL, b = NULL;
    unsigned char out[64], back[64] = {0};
    for (int i = 0; i < 64; i++) {
        out[i] = (unsigned char)(i * 3);
    }
    ck_assert_int_eq(cly_device_buffer_create(context, 0, &a), CLAYER_OK);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, 4);
    cly_device_buffer_destroy(context, a);
    ck_assert_int_eq(cly_device_buffer_create(context, 64, &a), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(context, 100, &b), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(context, a, 0, out, 64), CLAYER_OK);
    ck_assert_int_eq(cly_device_copy(context, a, 16, b, 30, 48), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, b, 31, back, 47), CLAYER_OK);
    ck_assert_int_eq(memcmp(back, out + 17, 47), 0);
    /* nothing to move, nothing to do, wherever it is */
    ck_assert_int_eq(cly_device_write(context, a, 1000, NULL, 0), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, a, 1000, NULL, 0), CLAYER_OK);
    ck_assert_int_eq(cly_device_copy(context, a, 1000, b, 0, 0), CLAYER_OK);
    /* past the end */
    ck_assert_int_eq(cly_device_read(context, a, 60, back, 8), CLAYER_DEVICE_ERROR);
    cly_test_error_has("clEnqueueReadBuffer: CL_INVALID_VALUE");
    ck_assert_int_eq(cly_device_write(context, a, 60, out, 8), CLAYER_DEVICE_ERROR);
    ck_assert_int_eq(cly_device_copy(context, a, 60, b, 0, 8), CLAYER_DEVICE_ERROR);
    clayer_counters counters = cly_test_counters(context);
    ck_assert_uint_eq(counters.device_bytes, 164);
    ck_assert_uint_eq(counters.device_bytes_peak, 164);
    ck_assert_uint_eq(counters.bytes_written, 64);
    ck_assert_uint_eq(counters.bytes_read, 47);
    cly_device_buffer_destroy(context, a);
    cly_device_buffer_destroy(context, b);
    cly_device_buffer_destroy(context, NULL);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, 0);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes_peak, 164);
}
END_TEST

START_TEST(too_large_is_out_of_memory) {
    cl_mem buffer = NULL;
    ck_assert_int_eq(cly_device_buffer_create(context, UINT64_MAX, &buffer), CLAYER_OUT_OF_MEMORY);
    cly_test_error_has("exceeds the largest");
    uint64_t largest = cly_device_info(context)->max_allocation_bytes;
    ck_assert_int_eq(cly_device_buffer_create(context, largest + 1, &buffer), CLAYER_OUT_OF_MEMORY);
    ck_assert_ptr_null(buffer);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, 0);
}
END_TEST

START_TEST(tensors_keep_their_shape) {
    const int64_t dims[] = {2, 3, 4};
    clayer_tensor *tensor = NULL;
    float values[24], back[24];
    for (int i = 0; i < 24; i++) {
        values[i] = (float)i;
    }
    ck_assert_int_eq(clayer_tensor_create(context, 3, dims, &tensor), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_get_shape(tensor)->rank, 3);
    ck_assert_int_eq(clayer_tensor_get_shape(tensor)->dims[2], 4);
    ck_assert_int_eq(clayer_tensor_get_count(tensor), 24);
    ck_assert_int_eq(clayer_tensor_write(tensor, values, 24), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_read(tensor, back, 24), CLAYER_OK);
    ck_assert_int_eq(memcmp(values, back, sizeof(values)), 0);
    ck_assert_int_eq(clayer_tensor_write(tensor, values, 23), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("23 values given for a tensor of 24");
    ck_assert_int_eq(clayer_tensor_read(tensor, NULL, 24), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_tensor_read(NULL, back, 24), CLAYER_INVALID_ARGUMENT);
    clayer_tensor_destroy(tensor);
    clayer_tensor_destroy(NULL);
    ck_assert_int_eq(clayer_tensor_create(context, 0, NULL, &tensor), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_get_count(tensor), 1);
    clayer_tensor_destroy(tensor);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, 0);
}
END_TEST

START_TEST(wrong_shapes_are_refused) {
    static const struct {
        int rank;
        int64_t dims[9];
    } bad[] = {
        {-1, {0}},           {9, {1, 1, 1, 1, 1, 1, 1, 1, 1}},          {1, {0}}, {2, {3, -1}},
        {2, {INT64_MAX, 2}}, {2, {INT64_C(1) << 31, INT64_C(1) << 31}},
    };
    clayer_tensor *tensor = NULL;
    for (size_t i = 0; i < CLY_COUNT(bad); i++) {
        ck_assert_int_eq(clayer_tensor_create(context, bad[i].rank, bad[i].dims, &tensor), CLAYER_INVALID_SHAPE);
        ck_assert_ptr_null(tensor);
    }
    ck_assert_int_eq(clayer_tensor_create(NULL, 0, NULL, &tensor), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_tensor_create(context, 1, NULL, &tensor), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_tensor_create(context, 0, NULL, NULL), CLAYER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(foreign_memory_is_shared) {
    const int64_t dims[] = {8};
    cl_int code = CL_SUCCESS;
    cl_context cl = clayer_context_get_cl_context(context);
    cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE, 4096 + 32, NULL, &code);
    float values[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8] = {0};
    clayer_tensor *tensor = NULL;
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(clayer_tensor_adopt(context, mem, 4096, 1, dims, &tensor), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_write(tensor, values, 8), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, mem, 4096, back, sizeof(back)), CLAYER_OK);
    ck_assert_int_eq(memcmp(values, back, sizeof(back)), 0);
    ck_assert_uint_eq(cly_test_counters(context).device_bytes, 0); /* it is not ours */
    clayer_tensor_destroy(tensor);
    ck_assert_int_eq(clayer_tensor_adopt(context, mem, 0, 1, dims, &tensor), CLAYER_OK);
    ck_assert_ptr_eq(clayer_tensor_get_cl_mem(tensor), mem);
    clayer_tensor_destroy(tensor);
    tensor = NULL;
    ck_assert_int_eq(clayer_tensor_adopt(context, mem, 4, 1, dims, &tensor), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("is not a multiple of");
    ck_assert_int_eq(clayer_tensor_adopt(context, mem, 8192, 1, dims, &tensor), CLAYER_INVALID_SHAPE);
    ck_assert_int_eq(clayer_tensor_adopt(context, mem, 0, 1, (const int64_t[]){2000}, &tensor), CLAYER_INVALID_SHAPE);
    ck_assert_int_eq(clayer_tensor_adopt(context, NULL, 0, 1, dims, &tensor), CLAYER_INVALID_ARGUMENT);
    clayer_context *other = cly_test_context(NULL, NULL);
    ck_assert_int_eq(clayer_tensor_adopt(other, mem, 0, 1, dims, &tensor), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("another OpenCL context");
    ck_assert_ptr_null(tensor);
    clayer_context_destroy(other);
    cl_uint references = 0;
    (void)clGetMemObjectInfo(mem, CL_MEM_REFERENCE_COUNT, sizeof(references), &references, NULL);
    ck_assert_uint_eq(references, 1);
    (void)clReleaseMemObject(mem);
}
END_TEST

START_TEST(foreign_contexts_are_adopted) {
    cl_device_id device = clayer_context_get_cl_device(context);
    cl_int code = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    cl_command_queue plain = clCreateCommandQueue(cl, device, 0, &code);
    cl_command_queue timed = clCreateCommandQueue(cl, device, CL_QUEUE_PROFILING_ENABLE, &code);
    cl_command_queue loose = clCreateCommandQueue(cl, device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    const clayer_context_config profiled = {.struct_size = sizeof(profiled), .profiling = true};
    clayer_context *adopted = NULL;
    clayer_tensor *tensor = NULL;
    ck_assert_int_eq(clayer_context_adopt(cl, plain, NULL, &adopted), CLAYER_OK);
    ck_assert_ptr_eq(clayer_context_get_cl_context(adopted), cl);
    ck_assert_ptr_eq(clayer_context_get_cl_queue(adopted), plain);
    ck_assert_str_eq(cly_device_info(adopted)->name, cly_device_info(context)->name);
    ck_assert_int_eq(cly_device_info(adopted)->index, cly_device_info(context)->index);
    ck_assert_int_eq(clayer_tensor_create(adopted, 1, (const int64_t[]){3}, &tensor), CLAYER_OK);
    clayer_context_destroy(adopted);
    clayer_tensor_destroy(tensor);
    adopted = NULL;
    ck_assert_int_eq(clayer_context_adopt(cl, plain, &profiled, &adopted), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_adopt(cl, clayer_context_get_cl_queue(context), NULL, &adopted),
                     CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("another OpenCL context");
    ck_assert_int_eq(clayer_context_adopt(cl, NULL, NULL, &adopted), CLAYER_INVALID_ARGUMENT);
    if (loose != NULL) {
        ck_assert_int_eq(clayer_context_adopt(cl, loose, NULL, &adopted), CLAYER_INVALID_ARGUMENT);
        cly_test_error_has("out of order");
        (void)clReleaseCommandQueue(loose);
    }
    ck_assert_ptr_null(adopted);
    ck_assert_int_eq(clayer_context_adopt(cl, timed, &profiled, &adopted), CLAYER_OK);
    clayer_context_destroy(adopted);
    cl_uint references = 0;
    (void)clGetContextInfo(cl, CL_CONTEXT_REFERENCE_COUNT, sizeof(references), &references, NULL);
    (void)clReleaseCommandQueue(plain);
    (void)clReleaseCommandQueue(timed);
    (void)clReleaseContext(cl);
    ck_assert_uint_ge(references, 1);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.memory");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, buffers_hold_and_are_counted);
    tcase_add_test(all, too_large_is_out_of_memory);
    tcase_add_test(all, tensors_keep_their_shape);
    tcase_add_test(all, wrong_shapes_are_refused);
    tcase_add_test(all, foreign_memory_is_shared);
    tcase_add_test(all, foreign_contexts_are_adopted);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
