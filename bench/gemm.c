/* bench/gemm.c: the project's own matrix products against CLBlast's on one device, interleaved, the same numbers
 * checked.
 *
 * usage: clayer_bench_gemm [ROUNDS]; the device is chosen by CLAYER_DEVICE. Prints for each shape the median time of
 * both and the ratio CLBlast / own (above 1: the own kernels are faster). Shapes are those of im2col: m pixels, n
 * filters, k taps by channels; "t" marks a transposed matrix. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "device/internal.h"

#define APART 4 /* floats between matrices of a batch, as between slots that hold more than them */

typedef clayer_status gemm_call(clayer_context *context, const cly_gemm *gemm);

static const struct {
    const char *name;
    bool transpose_a, transpose_b;
    int64_t m, n, k, batch;
} shapes[] = {
    {"3x3 56x56 64->64", false, false, 3136, 64, 576, 1},   {"3x3 14x14 256->256", false, false, 196, 256, 2304, 1},
    {"1x1 56x56 64->256", false, false, 3136, 256, 64, 1},  {"3x3 14x14 24->48", false, false, 6272, 48, 216, 1},
    {"odd 1001x37x99", false, false, 1001, 37, 99, 1},      {"square 512", false, false, 512, 512, 512, 1},
    {"t A, weights 3x3", true, false, 576, 64, 3136, 1},    {"t B, transposed conv", false, true, 1024, 1024, 128, 1},
    {"t A, slots 3x3 1->32", true, false, 9, 32, 328, 264}, {"t A, slots 3x3 32->64", true, false, 288, 64, 293, 53},
    {"slots 200x200", false, false, 200, 200, 100, 32},     {"slots 512x512", false, false, 512, 512, 100, 8},
};

static clayer_status time_one(clayer_context *context, gemm_call *call, const cly_gemm *gemm, double *ms_out) {
    clayer_status status = CLAYER_OK;
    const double start = bench_now_ms();
    CLY_TRY(call(context, gemm));
    CLY_TRY(clayer_context_finish(context));
    *ms_out = bench_now_ms() - start;
done:
    return status;
}

/* Fills A and B; C is read back by the caller. */
static clayer_status make_matrix(clayer_context *context, int64_t count, cl_mem *buffer_out) {
    clayer_status status = CLAYER_OK;
    void *values = NULL;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &values));
    for (int64_t i = 0; i < count; i++) {
        ((float *)values)[i] = (float)((i * 7919) % 257) / 257.0f - 0.5f;
    }
    CLY_TRY(cly_device_buffer_create(context, (uint64_t)count * sizeof(float), buffer_out));
    CLY_TRY(cly_device_write(context, *buffer_out, 0, values, (uint64_t)count * sizeof(float)));
done:
    free(values);
    return status;
}

/* The largest difference between what two buffers hold. */
static clayer_status difference(clayer_context *context, cl_mem a, cl_mem b, int64_t count, double *difference_out) {
    clayer_status status = CLAYER_OK;
    void *x = NULL, *y = NULL;
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &x));
    CLY_TRY(cly_base_alloc((size_t)count, sizeof(float), &y));
    CLY_TRY(cly_device_read(context, a, 0, x, (uint64_t)count * sizeof(float)));
    CLY_TRY(cly_device_read(context, b, 0, y, (uint64_t)count * sizeof(float)));
    *difference_out = 0;
    for (int64_t i = 0; i < count; i++) {
        *difference_out = fmax(*difference_out, fabs((double)((float *)x)[i] - (double)((float *)y)[i]));
    }
done:
    free(x);
    free(y);
    return status;
}

static clayer_status bench_shape(clayer_context *context, size_t index, int rounds) {
    clayer_status status = CLAYER_OK;
    const int64_t m = shapes[index].m, n = shapes[index].n, k = shapes[index].k, batch = shapes[index].batch;
    cly_gemm gemm = {.transpose_a = shapes[index].transpose_a,
                     .transpose_b = shapes[index].transpose_b,
                     .m = m,
                     .n = n,
                     .k = k,
                     .batch = batch,
                     .a_stride = m * k + APART,
                     .b_stride = k * n + APART,
                     .c_stride = m * n + APART};
    gemm.a_ld = gemm.transpose_a ? m : k;
    gemm.b_ld = gemm.transpose_b ? k : n;
    gemm.c_ld = n;
    cl_mem own_c = NULL, library_c = NULL;
    void *times = NULL;
    double worst = 0;
    CLY_TRY(cly_base_alloc(2 * (size_t)rounds, sizeof(double), &times));
    double *own = times, *library = own + rounds;
    CLY_TRY(make_matrix(context, batch * (m * k + APART), &gemm.a));
    CLY_TRY(make_matrix(context, batch * (k * n + APART), &gemm.b));
    CLY_TRY(make_matrix(context, batch * (m * n + APART), &own_c));
    CLY_TRY(make_matrix(context, batch * (m * n + APART), &library_c));
    for (int round = -1; round < rounds; round++) { /* one to warm up */
        const int at = round < 0 ? 0 : round;
        gemm.c = own_c;
        CLY_TRY(time_one(context, cly_device_gemm_own, &gemm, &own[at]));
        gemm.c = library_c;
        CLY_TRY(time_one(context, cly_device_gemm_library, &gemm, &library[at]));
    }
    CLY_TRY(difference(context, own_c, library_c, batch * (m * n + APART), &worst));
    if (!(worst <= 1e-5 * (double)k)) {
        CLY_TRY(cly_base_fail(CLAYER_DEVICE_ERROR, "%s: the two differ by %g", shapes[index].name, worst));
    }
    const double own_ms = bench_median(own, rounds), library_ms = bench_median(library, rounds);
    const double flops = 2.0 * (double)batch * (double)m * (double)n * (double)k;
    printf("%-22s %9.3f ms %7.1f GFLOP/s %9.3f ms %7.1f GFLOP/s %7.2f\n", shapes[index].name, own_ms,
           flops / own_ms / 1e6, library_ms, flops / library_ms / 1e6, library_ms / own_ms);
done:
    free(times);
    cly_device_buffer_destroy(context, gemm.a);
    cly_device_buffer_destroy(context, gemm.b);
    cly_device_buffer_destroy(context, own_c);
    cly_device_buffer_destroy(context, library_c);
    return status;
}

int main(int argc, char **argv) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = NULL;
    clayer_gemm_report report;
    const int rounds = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 15;
    CLY_TRY(clayer_context_create(NULL, &context));
    CLY_TRY(clayer_context_check_gemm(context, &report));
    printf("device %s; %s\n", cly_device_info(context)->name, report.detail);
    printf("%-22s %28s %28s %7s\n", "shape", "own", "CLBlast", "ratio");
    for (size_t i = 0; i < CLY_COUNT(shapes); i++) {
        CLY_TRY(bench_shape(context, i, rounds));
    }
done:
    if (status != CLAYER_OK) {
        fprintf(stderr, "clayer_bench_gemm: %s\n", clayer_last_error());
    }
    clayer_context_destroy(context);
    return status == CLAYER_OK ? 0 : 1;
}
