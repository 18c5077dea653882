/* bench/direct.c: convolutions on a CPU by "direct" against a GEMM over columns, interleaved: forward, the gradient of
 * the input, the gradient of the weights.
 *
 * usage: clayer_bench_direct [ROUNDS]; the device is chosen by CLAYER_DEVICE. Prints the median time of the GEMM, that
 * of "direct" with its GFLOP/s, and their ratio (above 1: direct is faster). The costs in src/ops/conv_direct.c follow
 * what this prints. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "base/memory.h"
#include "ops/conv.h"

static const struct {
    const char *name;
    int64_t batch, size, in_channels, out_channels, kernel;
} shapes[] = {
    {"3x3 56x56 64->64 x8", 8, 56, 64, 64, 3},   {"3x3 14x14 256->256 x8", 8, 14, 256, 256, 3},
    {"3x3 14x14 256->256", 1, 14, 256, 256, 3},  {"7x7 112x112 3->64", 1, 112, 3, 64, 7},
    {"3x3 28x28 1->32 x128", 128, 28, 1, 32, 3}, {"3x3 13x13 32->64 x128", 128, 13, 32, 64, 3},
    {"3x3 7x7 512->512 x2", 2, 7, 512, 512, 3},  {"3x3 32x32 16->16 x16", 16, 32, 16, 16, 3},
    {"5x5 28x28 64->20 x8", 8, 28, 64, 20, 5},
};

static const struct {
    const char *name;
    const cly_ops_operator *op;
    const char *peer;
} passes[] = {
    {"forward", &cly_ops_conv_operator, "im2col"},
    {"input gradient", &cly_ops_conv_transpose_operator, "gemm"},
    {"weight gradient", &cly_ops_conv_weights_operator, "gemm"},
};

enum { X, Y, W, WORKSPACE, BUFFERS };

static clayer_status run_once(clayer_context *context, const cly_ops_implementation *implementation, size_t pass,
                              const cly_ops_conv_shape *shape, const cl_mem *b, double *ms_out) {
    clayer_status status = CLAYER_OK;
    const cl_mem operands[][CLY_OPS_OPERANDS] = {
        {b[X], b[W], NULL, b[Y]}, {b[Y], b[W], NULL, b[X]}, {b[X], b[Y], b[W]}};
    const double start = bench_now_ms();
    CLY_TRY(implementation->run(context, shape, operands[pass], b[WORKSPACE]));
    CLY_TRY(clayer_context_finish(context));
    *ms_out = bench_now_ms() - start;
done:
    return status;
}

static uint64_t workspace_of(clayer_context *context, const cly_ops_implementation *i, const void *shape) {
    return i->workspace_bytes == NULL ? 4 : i->workspace_bytes(context, shape);
}

static clayer_status bench_pass(clayer_context *context, size_t index, size_t pass, int rounds) {
    clayer_status status = CLAYER_OK;
    const int64_t size = shapes[index].size, k = shapes[index].kernel;
    const cly_ops_conv_shape shape = {.batch = shapes[index].batch,
                                      .in = {1, size, size},
                                      .out = {1, size, size},
                                      .in_channels = shapes[index].in_channels,
                                      .out_channels = shapes[index].out_channels,
                                      .groups = 1,
                                      .kernel = {1, k, k},
                                      .stride = {1, 1, 1},
                                      .dilation = {1, 1, 1},
                                      .pad = {0, k / 2, k / 2}};
    const cly_ops_implementation *direct = bench_find(passes[pass].op, "direct"),
                                 *peer = bench_find(passes[pass].op, passes[pass].peer);
    cl_mem buffers[BUFFERS] = {NULL};
    void *times = NULL;
    if (direct->cost(context, &shape) < 0) {
        printf("%-24s %-16s direct cannot\n", shapes[index].name, passes[pass].name);
        return CLAYER_OK;
    }
    const uint64_t pixels = (uint64_t)(shape.batch * size * size) * sizeof(float);
    const uint64_t ours = workspace_of(context, direct, &shape), theirs = workspace_of(context, peer, &shape);
    const uint64_t bytes[BUFFERS] = {pixels * (uint64_t)shape.in_channels, pixels * (uint64_t)shape.out_channels,
                                     (uint64_t)(k * k * shape.in_channels * shape.out_channels) * sizeof(float),
                                     ours > theirs ? ours : theirs};
    CLY_TRY(cly_base_alloc(2 * (size_t)rounds, sizeof(double), &times));
    double *by_gemm = times, *by_direct = by_gemm + rounds;
    for (int i = 0; i < BUFFERS; i++) {
        CLY_TRY(cly_device_buffer_create(context, bytes[i], &buffers[i]));
    }
    for (int round = -1; round < rounds; round++) { /* one to warm up */
        const int at = round < 0 ? 0 : round;
        CLY_TRY(run_once(context, peer, pass, &shape, buffers, &by_gemm[at]));
        CLY_TRY(run_once(context, direct, pass, &shape, buffers, &by_direct[at]));
    }
    const double by_gemm_ms = bench_median(by_gemm, rounds), by_direct_ms = bench_median(by_direct, rounds);
    const double flops = 2.0 * (double)(shape.batch * size * size * shape.in_channels * shape.out_channels * k * k);
    printf("%-24s %-16s %10.3f ms %10.3f ms %7.0f %8.2f\n", shapes[index].name, passes[pass].name, by_gemm_ms,
           by_direct_ms, flops / by_direct_ms / 1e6, by_gemm_ms / by_direct_ms);
done:
    free(times);
    for (int i = 0; i < BUFFERS; i++) {
        cly_device_buffer_destroy(context, buffers[i]);
    }
    return status;
}

int main(int argc, char **argv) {
    clayer_status status = CLAYER_OK;
    clayer_context *context = NULL;
    const int rounds = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 9;
    CLY_TRY(clayer_context_create(NULL, &context));
    printf("device %s\n%-24s %-16s %13s %13s %7s %8s\n", cly_device_info(context)->name, "shape", "pass", "gemm",
           "direct", "GFLOP/s", "ratio");
    for (size_t i = 0; i < CLY_COUNT(shapes); i++) {
        for (size_t pass = 0; pass < CLY_COUNT(passes); pass++) {
            CLY_TRY(bench_pass(context, i, pass, rounds));
        }
    }
done:
    if (status != CLAYER_OK) {
        fprintf(stderr, "clayer_bench_direct: %s\n", clayer_last_error());
    }
    clayer_context_destroy(context);
    return status == CLAYER_OK ? 0 : 1;
}
