/* bench/layout.c: channels_first convolutions run as they lie against a change of layout at their border, interleaved.
 *
 * usage: clayer_bench_layout [ROUNDS]; the device is chosen by CLAYER_DEVICE. Prints the median time of "im2col" (or
 * "gemm") on the tensors as they lie, that of move, channels_last and move back, and their ratio (above 1: changing the
 * layout is faster). The costs in src/ops follow what this prints. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "base/memory.h"
#include "ops/step.h"

static const struct {
    const char *name, *implementation;
    int64_t batch, size, in_channels, out_channels, kernel;
} shapes[] = {
    {"3x3 56x56 64->64", "im2col", 1, 56, 64, 64, 3},      {"3x3 56x56 64->64 x8", "im2col", 8, 56, 64, 64, 3},
    {"3x3 14x14 256->256", "im2col", 1, 14, 256, 256, 3},  {"3x3 224x224 3->32", "im2col", 1, 224, 3, 32, 3},
    {"3x3 28x28 16->24 x32", "im2col", 32, 28, 16, 24, 3}, {"1x1 56x56 64->256", "gemm", 1, 56, 64, 256, 1},
    {"1x1 14x14 256->256 x8", "gemm", 8, 14, 256, 256, 1},
};

enum { X, W, Y, MOVED_X, MOVED_Y, WORKSPACE, BUFFERS };

static clayer_status move(clayer_context *context, cl_mem from, cl_mem to, int64_t batch, int64_t rows,
                          int64_t columns) {
    const cly_ops_transpose_shape shape = {.x = {.rank = 3, .dims = {batch, rows, columns}}, .permutation = {0, 2, 1}};
    const cl_mem operands[CLY_OPS_OPERANDS] = {from, to};
    const cly_ops_implementation *best = NULL;
    clayer_status status = cly_ops_choose(context, &cly_ops_transpose_operator, &shape, &best);
    return status == CLAYER_OK ? best->run(context, &shape, operands, NULL) : status;
}

static clayer_status run_once(clayer_context *context, const cly_ops_implementation *conv, cly_ops_conv_shape shape,
                              const cl_mem *b, bool as_it_lies, double *ms_out) {
    clayer_status status = CLAYER_OK;
    const int64_t pixels = shape.in[1] * shape.in[2];
    const cl_mem native[CLY_OPS_OPERANDS] = {b[X], b[W], NULL, b[Y]};
    const cl_mem moved[CLY_OPS_OPERANDS] = {b[MOVED_X], b[W], NULL, b[MOVED_Y]};
    const double start = bench_now_ms();
    shape.channels_first = as_it_lies;
    if (as_it_lies) {
        CLY_TRY(conv->run(context, &shape, native, b[WORKSPACE]));
    } else {
        CLY_TRY(move(context, b[X], b[MOVED_X], shape.batch, shape.in_channels, pixels));
        CLY_TRY(conv->run(context, &shape, moved, b[WORKSPACE]));
        CLY_TRY(move(context, b[MOVED_Y], b[Y], shape.batch, pixels, shape.out_channels));
    }
    CLY_TRY(clayer_context_finish(context));
    *ms_out = bench_now_ms() - start;
done:
    return status;
}

static uint64_t workspace_of(clayer_context *context, const cly_ops_implementation *conv, cly_ops_conv_shape shape) {
    uint64_t most = 4;
    for (int first = 0; first < 2 && conv->workspace_bytes != NULL; first++) {
        shape.channels_first = first != 0;
        const uint64_t bytes = conv->workspace_bytes(context, &shape);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static clayer_status bench_shape(clayer_context *context, size_t index, int rounds) {
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
    const cly_ops_implementation *conv = bench_find(&cly_ops_conv_operator, shapes[index].implementation);
    const uint64_t pixels = (uint64_t)(shape.batch * size * size) * sizeof(float);
    const uint64_t x_bytes = pixels * (uint64_t)shape.in_channels, y_bytes = pixels * (uint64_t)shape.out_channels;
    const uint64_t w_bytes = (uint64_t)(k * k * shape.in_channels * shape.out_channels) * sizeof(float);
    const uint64_t bytes[BUFFERS] = {x_bytes, w_bytes, y_bytes, x_bytes, y_bytes, workspace_of(context, conv, shape)};
    cl_mem buffers[BUFFERS] = {NULL};
    void *times = NULL;
    CLY_TRY(cly_base_alloc(2 * (size_t)rounds, sizeof(double), &times));
    double *native = times, *moved = native + rounds;
    for (int i = 0; i < BUFFERS; i++) {
        CLY_TRY(cly_device_buffer_create(context, bytes[i], &buffers[i]));
    }
    for (int round = -1; round < rounds; round++) { /* one to warm up */
        const int at = round < 0 ? 0 : round;
        CLY_TRY(run_once(context, conv, shape, buffers, true, &native[at]));
        CLY_TRY(run_once(context, conv, shape, buffers, false, &moved[at]));
    }
    const double native_ms = bench_median(native, rounds), moved_ms = bench_median(moved, rounds);
    printf("%-22s %10.3f ms %10.3f ms %8.2f\n", shapes[index].name, native_ms, moved_ms, native_ms / moved_ms);
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
    const int rounds = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 15;
    CLY_TRY(clayer_context_create(NULL, &context));
    printf("device %s\n%-22s %13s %13s %8s\n", cly_device_info(context)->name, "shape", "as it lies", "moved", "ratio");
    for (size_t i = 0; i < CLY_COUNT(shapes); i++) {
        CLY_TRY(bench_shape(context, i, rounds));
    }
done:
    if (status != CLAYER_OK) {
        fprintf(stderr, "clayer_bench_layout: %s\n", clayer_last_error());
    }
    clayer_context_destroy(context);
    return status == CLAYER_OK ? 0 : 1;
}
