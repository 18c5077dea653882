/* train/loss_bench.c: evaluates losses on the suite's device. */
#include "train/loss_bench.h"

#include <math.h>
#include <stdlib.h>

#include "support/context.h"
#include "support/runner.h"

static clayer_context *context;

void bench_open(void) {
    context = cly_test_context(NULL, NULL);
}

void bench_close(void) {
    clayer_context_destroy(context);
    context = NULL;
}

int64_t bench_count(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

static cl_mem upload(const float *values, int64_t count) {
    cl_mem buffer = NULL;
    if (values != NULL) {
        const uint64_t bytes = (uint64_t)count * sizeof(float);
        ck_assert_int_eq(cly_device_buffer_create(context, bytes, &buffer), CLAYER_OK);
        ck_assert_int_eq(cly_device_write(context, buffer, 0, values, bytes), CLAYER_OK);
    }
    return buffer;
}

void bench_drop(outcome *out) {
    free(out->gradient);
    free(out->values);
}

outcome bench_evaluate(const cly_train_loss_shape *shape, const float *y_pred, const float *y_true, const float *weight,
                       float scale) {
    outcome out = {0};
    const int64_t count = bench_count(&shape->y_pred);
    const float poison[2] = {NAN, NAN};
    int flag = 0;
    cl_mem workspace = NULL, values = NULL, bad = NULL;
    ck_assert_msg(cly_train_loss_check(shape, "test") == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_int_eq(cly_train_loss_values_shape(shape, &out.values_shape), CLAYER_OK);
    const int64_t entries = bench_count(&out.values_shape);
    out.gradient = malloc((size_t)count * sizeof(float));
    out.values = malloc((size_t)entries * sizeof(float));
    ck_assert(out.gradient != NULL && out.values != NULL);
    for (int64_t i = 0; i < count; i++) {
        out.gradient[i] = NAN;
    }
    const cl_mem pred = upload(y_pred, count), labels = upload(y_true, bench_count(&shape->y_true));
    const cl_mem weights = upload(weight, bench_count(&shape->weight)), value = upload(poison, 2);
    const cl_mem gradient = upload(out.gradient, count);
    ck_assert_int_eq(cly_device_buffer_create(context, cly_train_loss_workspace_bytes(context, shape), &workspace),
                     CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(context, (uint64_t)entries * sizeof(float), &values), CLAYER_OK);
    ck_assert_int_eq(cly_device_buffer_create(context, sizeof(int), &bad), CLAYER_OK);
    ck_assert_int_eq(cly_device_write(context, bad, 0, &flag, sizeof(flag)), CLAYER_OK);
    const cly_train_loss_run run = {.y_pred = pred,
                                    .y_true = labels,
                                    .weight = weights,
                                    .value = value,
                                    .value_offset = 1,
                                    .gradient = gradient,
                                    .scale = scale,
                                    .bad_labels = bad,
                                    .workspace = workspace};
    ck_assert_msg(cly_train_loss_enqueue(context, shape, &run) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_msg(cly_train_loss_values(context, shape, pred, labels, values, workspace) == CLAYER_OK, "%s",
                  clayer_last_error());
    const uint64_t bytes = sizeof(float);
    ck_assert_int_eq(cly_device_read(context, value, bytes, &out.value, bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, gradient, 0, out.gradient, (uint64_t)count * bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, values, 0, out.values, (uint64_t)entries * bytes), CLAYER_OK);
    ck_assert_int_eq(cly_device_read(context, bad, 0, &out.bad_labels, sizeof(int)), CLAYER_OK);
    const cl_mem buffers[] = {pred, labels, weights, value, gradient, workspace, values, bad};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        cly_device_buffer_destroy(context, buffers[i]);
    }
    return out;
}
