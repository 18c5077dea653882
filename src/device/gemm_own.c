/* device/gemm_own.c: matrix products by kernels_cl/gemm.cl: register tiles on CPUs, a plain kernel everywhere. */
#include "device/internal.h"

#include <stdio.h>

/* The tiles of kernels_cl/gemm.cl. */
#define TILE_ROWS 12
#define TILE_COLUMNS 16
#define DOT_SIDE 4
#define PLAIN_ROWS 4
#define PLAIN_COLUMNS 8

static size_t blocks(int64_t n, int64_t each) {
    return (size_t)((n + each - 1) / each);
}

/* Which kernel: tiles need a C of at least their size; a transposed B is read along k, which then has to be long. */
static cly_launch choose(const clayer_context *context, const cly_gemm *g, char *options, size_t capacity) {
    cly_launch launch = {.program = "gemm", .options = options, .global = {0, 0, (size_t)g->batch}};
    const bool cpu = context->info.type == CLAYER_DEVICE_CPU;
    const char *transpose_a = g->transpose_a ? " -DTRANSPOSE_A" : "";
    if (cpu && !g->transpose_b && g->m >= TILE_ROWS && g->n >= TILE_COLUMNS) {
        /* Two vectors a row unless the second would mostly repeat the first. */
        const int vectors = g->n >= 2 * TILE_COLUMNS ? 2 : 1;
        (void)snprintf(options, capacity, "-DVECTOR=16 -DTILE=%d%s", vectors, transpose_a);
        launch.kernel = "gemm_tile";
        launch.global[0] = blocks(g->n, vectors * TILE_COLUMNS);
        launch.global[1] = blocks(g->m, TILE_ROWS);
    } else if (cpu && g->transpose_b && !g->transpose_a && g->m >= DOT_SIDE && g->n >= DOT_SIDE && g->k >= 16) {
        (void)snprintf(options, capacity, "-DVECTOR=16 -DDOT -DTRANSPOSE_B");
        launch.kernel = "gemm_dot";
        launch.global[0] = blocks(g->n, DOT_SIDE);
        launch.global[1] = blocks(g->m, DOT_SIDE);
    } else {
        (void)snprintf(options, capacity, "%s%s%s", g->transpose_a ? "-DTRANSPOSE_A" : "",
                       g->transpose_a && g->transpose_b ? " " : "", g->transpose_b ? "-DTRANSPOSE_B" : "");
        launch.kernel = "gemm";
        launch.global[0] = blocks(g->n, PLAIN_COLUMNS);
        launch.global[1] = blocks(g->m, PLAIN_ROWS);
        return launch;
    }
    launch.local[0] = launch.local[1] = launch.local[2] = 1;
    return launch;
}

clayer_status cly_device_gemm_own(clayer_context *context, const cly_gemm *g) {
    char options[64];
    const cly_launch launch = choose(context, g, options, sizeof(options));
    /* With k 0 there may be no A and B; the kernel then reads neither. */
    cl_mem a = g->a != NULL ? g->a : g->c;
    cl_mem b = g->b != NULL ? g->b : g->c;
    return cly_device_run(context, &launch, CLY_BUFFER(a), CLY_BUFFER(b), CLY_BUFFER(g->c), CLY_INT(g->m),
                          CLY_INT(g->n), CLY_INT(g->k), CLY_INT(g->batch), CLY_FLOAT(g->beta), CLY_LONG(g->a_offset),
                          CLY_LONG(g->b_offset), CLY_LONG(g->c_offset), CLY_LONG(g->a_ld), CLY_LONG(g->b_ld),
                          CLY_LONG(g->c_ld), CLY_LONG(g->a_stride), CLY_LONG(g->b_stride), CLY_LONG(g->c_stride));
}
