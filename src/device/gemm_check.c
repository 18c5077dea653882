/* device/gemm_check.c: CLBlast put to the test on this device: small products with odd sizes, the result between guard
 * zones. What it writes wrongly or beside C would otherwise be found much later, as wrong images. */
#include "device/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 256 /* floats before and behind C, and the gap at the end of each of its rows */
#define ROW_GAP 3
#define GUARD_VALUE 12345.5f

typedef struct product {
    cly_gemm gemm;
    int64_t a_count, b_count, c_count;
    float *a, *b, *c, *before; /* before: C as it was */
} product;

static void free_product(clayer_context *context, product *p) {
    cly_device_buffer_destroy(context, p->gemm.a);
    cly_device_buffer_destroy(context, p->gemm.b);
    cly_device_buffer_destroy(context, p->gemm.c);
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->before);
}

/* Small numbers of both signs, the same on every machine. */
static void fill(float *values, int64_t count, uint32_t seed) {
    uint32_t state = seed;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)(state >> 20) / 2048.0f - 1.0f;
    }
}

static clayer_status make_matrix(clayer_context *context, int64_t count, float **host_out, cl_mem *buffer_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc((size_t)count, sizeof(float), &memory);
    if (status == CLAYER_OK) {
        *host_out = memory;
        status = cly_device_buffer_create(context, (uint64_t)count * sizeof(float), buffer_out);
    }
    return status;
}

/* Lays out the matrices with offsets and gaps, and sends them to the device. */
static clayer_status prepare(clayer_context *context, product *p) {
    cly_gemm *g = &p->gemm;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    int64_t a_rows = g->transpose_a ? g->k : g->m, a_columns = g->transpose_a ? g->m : g->k;
    int64_t b_rows = g->transpose_b ? g->n : g->k, b_columns = g->transpose_b ? g->k : g->n;
    g->a_ld = a_columns + 1;
    g->b_ld = b_columns;
    g->c_ld = g->n + ROW_GAP;
    g->a_offset = 5;
    g->c_offset = GUARD;
    g->a_stride = a_rows * g->a_ld;
    g->b_stride = b_rows * g->b_ld;
    g->c_stride = g->m * g->c_ld;
    p->a_count = g->a_offset + g->batch * g->a_stride;
    p->b_count = g->batch * g->b_stride;
    p->c_count = 2 * GUARD + g->batch * g->c_stride;
    CLY_TRY(make_matrix(context, p->a_count, &p->a, &g->a));
    CLY_TRY(make_matrix(context, p->b_count, &p->b, &g->b));
    CLY_TRY(make_matrix(context, p->c_count, &p->c, &g->c));
    CLY_TRY(cly_base_alloc((size_t)p->c_count, sizeof(float), &memory));
    p->before = memory;
    fill(p->a, p->a_count, 1);
    fill(p->b, p->b_count, 2);
    for (int64_t i = 0; i < p->c_count; i++) {
        p->before[i] = GUARD_VALUE;
    }
    for (int64_t i = 0; i < g->batch * g->m; i++) {
        float *row = p->before + GUARD + i * g->c_ld;
        for (int64_t j = 0; j < g->n; j++) {
            /* With beta 0, C must not be read. */
            row[j] = g->beta == 0.0f ? NAN : (float)((i + j) % 7) - 3.0f;
        }
    }
    CLY_TRY(cly_device_write(context, g->a, 0, p->a, (uint64_t)p->a_count * sizeof(float)));
    CLY_TRY(cly_device_write(context, g->b, 0, p->b, (uint64_t)p->b_count * sizeof(float)));
    CLY_TRY(cly_device_write(context, g->c, 0, p->before, (uint64_t)p->c_count * sizeof(float)));
done:
    return status;
}

static double expected(const product *p, int64_t batch, int64_t row, int64_t column) {
    const cly_gemm *g = &p->gemm;
    const float *a = p->a + g->a_offset + batch * g->a_stride;
    const float *b = p->b + batch * g->b_stride;
    double sum = 0.0;
    for (int64_t step = 0; step < g->k; step++) {
        double x = a[g->transpose_a ? step * g->a_ld + row : row * g->a_ld + step];
        double y = b[g->transpose_b ? column * g->b_ld + step : step * g->b_ld + column];
        sum += x * y;
    }
    if (g->beta != 0.0f) {
        sum += (double)g->beta * (double)p->before[GUARD + batch * g->c_stride + row * g->c_ld + column];
    }
    return sum;
}

/* What is wrong with the result goes to `detail`; "" if nothing. Of large products every few values are computed: the
 * distance is a prime, so that all places of a tile have their turn. Guards are compared to the last one. */
static void compare(const product *p, char *detail, size_t size) {
    const cly_gemm *g = &p->gemm;
    double volume = (double)g->m * (double)g->n * (double)g->k * (double)g->batch;
    int64_t every = volume > 1e6 ? (int64_t)(volume / 1e6) * 2 + 1 : 1;
    int64_t seen = 0;
    for (int64_t i = 0; i < p->c_count; i++) {
        int64_t place = i - GUARD;
        int64_t row = place >= 0 ? place / g->c_ld : -1, column = place >= 0 ? place % g->c_ld : 0;
        if (row < 0 || row >= g->batch * g->m || column >= g->n) {
            if (memcmp(&p->c[i], &p->before[i], sizeof(float)) != 0) {
                (void)snprintf(detail, size, "it wrote beside C");
                return;
            }
            continue;
        }
        seen++;
        if (isnan(p->c[i])) {
            (void)snprintf(detail, size, "a value of C is missing");
            return;
        }
        if (seen % every != 0) {
            continue;
        }
        double want = expected(p, row / g->m, row % g->m, column);
        /* values are below 1, so a sum of k of them is below k: 2^-24 k, with room for any order */
        if (!(fabs((double)p->c[i] - want) <= 1e-6 * ((double)g->k + 16.0))) {
            (void)snprintf(detail, size, "C[%lld][%lld] is %g instead of %g", (long long)(row % g->m),
                           (long long)column, (double)p->c[i], want);
            return;
        }
    }
}

/* One product; `detail` is "" when it is right. A refusal of the library is a detail, not an error. */
static clayer_status check_one(clayer_context *context, const cly_gemm *shape, char *detail, size_t size) {
    product p = {.gemm = *shape};
    clayer_status status = CLAYER_OK;
    detail[0] = '\0';
    CLY_TRY(prepare(context, &p));
    if (cly_device_gemm_library_locked(context, &p.gemm) != CLAYER_OK) {
        (void)snprintf(detail, size, "%s", clayer_last_error());
        goto done;
    }
    CLY_TRY(cly_device_read(context, p.gemm.c, 0, p.c, (uint64_t)p.c_count * sizeof(float)));
    compare(&p, detail, size);
done:
    free_product(context, &p);
    return status;
}

clayer_status cly_device_gemm_self_check(clayer_context *context, bool *passed_out, char *detail, size_t size) {
    /* The first two are below CLBlast's limit for its direct kernel, the next two above, the last is the batched
     * routine. Each transpose comes once on either side. */
    int64_t limit = (int64_t)cly_device_gemm_indirect_size(context);
    int64_t deep = limit * limit * limit / (131 * 163) + 1;
    const cly_gemm shapes[] = {
        {.m = 37, .n = 29, .k = 19, .batch = 1, .transpose_b = true},
        {.m = 21, .n = 45, .k = 33, .batch = 1, .transpose_a = true, .beta = 0.5f},
        {.m = 131, .n = 163, .k = deep, .batch = 1},
        {.m = 131, .n = 163, .k = deep, .batch = 1, .transpose_a = true, .transpose_b = true, .beta = 1.0f},
        {.m = 17, .n = 23, .k = 9, .batch = 3},
    };
    char problem[192] = "";
    clayer_status status = CLAYER_OK;
    if (cly_device_gemm_override(context) != CLAYER_OK) {
        (void)snprintf(problem, sizeof(problem), "%s", clayer_last_error());
    }
    for (size_t i = 0; problem[0] == '\0' && i < CLY_COUNT(shapes); i++) {
        CLY_TRY(check_one(context, &shapes[i], problem, sizeof(problem)));
    }
    *passed_out = problem[0] == '\0';
    (void)snprintf(detail, size, "%s: %s%s", cly_device_gemm_version(), *passed_out ? "passed" : "failed: ", problem);
done:
    return status;
}
