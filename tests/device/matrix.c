/* device/matrix.c: naive products for the suites of src/device. */
#include "device/matrix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local char text[512];

static float value_at(int64_t i) {
    return (float)((i * 37 + 11) % 101) / 50.0f - 1.0f;
}

static int64_t last(int64_t rows, int64_t columns, int64_t ld, int64_t offset, int64_t batch, int64_t stride) {
    return rows == 0 || columns == 0 ? offset : offset + (batch - 1) * stride + (rows - 1) * ld + columns;
}

/* What C[place] must be, from the formula. */
static double wanted(const cly_gemm *g, const float *a, const float *b, const float *before, int64_t batch, int64_t row,
                     int64_t column) {
    double sum = 0.0;
    for (int64_t s = 0; s < g->k; s++) {
        double x = a[g->a_offset + batch * g->a_stride + (g->transpose_a ? s * g->a_ld + row : row * g->a_ld + s)];
        double y =
            b[g->b_offset + batch * g->b_stride + (g->transpose_b ? column * g->b_ld + s : s * g->b_ld + column)];
        sum += x * y;
    }
    return sum + (double)g->beta * (double)before[g->c_offset + batch * g->c_stride + row * g->c_ld + column];
}

static void compare(const cly_gemm *g, const float *a, const float *b, const float *before, float *after,
                    int64_t count) {
    for (int64_t batch = 0; batch < g->batch; batch++) {
        for (int64_t i = 0; i < g->m * g->n; i++) {
            int64_t row = i / g->n, column = i % g->n;
            float *got = &after[g->c_offset + batch * g->c_stride + row * g->c_ld + column];
            double want = wanted(g, a, b, before, batch, row, column);
            if (!(fabs((double)*got - want) <= 2e-6 * ((double)g->k + 4.0))) {
                (void)snprintf(text, sizeof(text), "C[%lld][%lld] of %lld is %.8g, not %.8g", (long long)row,
                               (long long)column, (long long)batch, (double)*got, want);
                return;
            }
            *got = CLY_TEST_GUARD;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        if (after[i] != CLY_TEST_GUARD) {
            (void)snprintf(text, sizeof(text), "wrote beside C at %lld", (long long)i);
            return;
        }
    }
}

const char *cly_test_product(clayer_context *context, cly_test_gemm *call, const cly_gemm *shape) {
    cly_gemm g = *shape;
    bool ta = g.transpose_a, tb = g.transpose_b;
    int64_t a_count = last(ta ? g.k : g.m, ta ? g.m : g.k, g.a_ld, g.a_offset, g.batch, g.a_stride) + 1;
    int64_t b_count = last(tb ? g.n : g.k, tb ? g.k : g.n, g.b_ld, g.b_offset, g.batch, g.b_stride) + 1;
    int64_t c_count = last(g.m, g.n, g.c_ld, g.c_offset, g.batch, g.c_stride) + 64;
    float *a = calloc((size_t)a_count, sizeof(float)), *b = calloc((size_t)b_count, sizeof(float));
    float *before = calloc((size_t)c_count, sizeof(float)), *after = calloc((size_t)c_count, sizeof(float));
    clayer_status status = CLAYER_OK;
    text[0] = '\0';
    for (int64_t i = 0; i < a_count || i < b_count || i < c_count; i++) {
        a[i < a_count ? i : 0] = value_at(i < a_count ? i : 0);
        b[i < b_count ? i : 0] = value_at(i < b_count ? i + 17 : 17);
        before[i < c_count ? i : 0] = CLY_TEST_GUARD;
    }
    for (int64_t batch = 0; batch < g.batch; batch++) {
        for (int64_t i = 0; i < g.m * g.n; i++) {
            before[g.c_offset + batch * g.c_stride + i / g.n * g.c_ld + i % g.n] = value_at(i + 5);
        }
    }
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)a_count * 4, &g.a));
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)b_count * 4, &g.b));
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)c_count * 4, &g.c));
    CLY_TRY(cly_device_write(context, g.a, 0, a, (uint64_t)a_count * 4));
    CLY_TRY(cly_device_write(context, g.b, 0, b, (uint64_t)b_count * 4));
    CLY_TRY(cly_device_write(context, g.c, 0, before, (uint64_t)c_count * 4));
    CLY_TRY(call(context, &g));
    CLY_TRY(cly_device_read(context, g.c, 0, after, (uint64_t)c_count * 4));
    compare(&g, a, b, before, after, c_count);
done:
    if (status != CLAYER_OK) {
        (void)snprintf(text, sizeof(text), "%s", clayer_last_error());
    }
    cly_device_buffer_destroy(context, g.a);
    cly_device_buffer_destroy(context, g.b);
    cly_device_buffer_destroy(context, g.c);
    free(a);
    free(b);
    free(before);
    free(after);
    return text;
}
