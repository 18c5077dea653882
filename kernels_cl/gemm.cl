/* gemm.cl: row-major C[m][n] = op(A)[m][k] op(B)[k][n] + beta C, where CLBlast fails its check or is slower.
 *
 * No local memory, no barriers. "gemm" runs anywhere: a work-item owns a 4 x 8 block of C in four vectors; rows and
 * columns past the edge read the last one and are not stored. "gemm_tile" and "gemm_dot" are for CPUs, one work-item a
 * group, C at least as large as their tile: a tile over the edge moves back inside and stores only what is its own.
 * Axes: blocks of columns, blocks of rows, batch. -DTRANSPOSE_A, -DTRANSPOSE_B: the matrix lies transposed. */

#ifdef TRANSPOSE_A
#define A_AT(row, step) a[(long)(step) * a_ld + (row)]
#else
#define A_AT(row, step) a[(long)(row) * a_ld + (step)]
#endif
#ifdef TRANSPOSE_B
#define B_AT(step, column) b[(long)(column) * b_ld + (step)]
#else
#define B_AT(step, column) b[(long)(step) * b_ld + (column)]
#endif

#define GEMM_ARGUMENTS                                                                                                \
    __global const float *restrict a_all, __global const float *restrict b_all, __global float *restrict c_all,      \
        const int m, const int n, const int k, const int batch, const float beta, const long a_offset,               \
        const long b_offset, const long c_offset, const long a_ld, const long b_ld, const long c_ld,                 \
        const long a_stride, const long b_stride, const long c_stride

/* The matrices of this work-item's batch. */
#define GEMM_MATRICES                                                                    \
    __global const float *a = a_all + a_offset + a_stride * (long)get_global_id(2);      \
    __global const float *b = b_all + b_offset + b_stride * (long)get_global_id(2);      \
    __global float *c = c_all + c_offset + c_stride * (long)get_global_id(2);

/* beta 0 must not read C: it may hold NaN. */
static void store_one(__global float *c, const float sum, const bool wanted, const float beta) {
    if (wanted) {
        *c = beta == 0.0f ? sum : fma(beta, *c, sum);
    }
}

#if !defined(TILE) && !defined(DOT)

/* Eight values of a row of op(B); `last` is the last column there is. */
static float8 load_row(__global const float *restrict b, const long b_ld, const int step, const int column,
                       const int last) {
#ifndef TRANSPOSE_B
    if (column + 7 <= last) {
        return vload8(0, &B_AT(step, column));
    }
#endif
    return (float8)(B_AT(step, column), B_AT(step, min(column + 1, last)), B_AT(step, min(column + 2, last)),
                    B_AT(step, min(column + 3, last)), B_AT(step, min(column + 4, last)),
                    B_AT(step, min(column + 5, last)), B_AT(step, min(column + 6, last)),
                    B_AT(step, min(column + 7, last)));
}

/* The first `count` values of a row of C. Without an array, which GPUs would keep in slow memory. */
static void store_row(__global float *c, const float8 sum, const int count, const float beta) {
    store_one(c, sum.s0, true, beta);
    store_one(c + 1, sum.s1, count > 1, beta);
    store_one(c + 2, sum.s2, count > 2, beta);
    store_one(c + 3, sum.s3, count > 3, beta);
    store_one(c + 4, sum.s4, count > 4, beta);
    store_one(c + 5, sum.s5, count > 5, beta);
    store_one(c + 6, sum.s6, count > 6, beta);
    store_one(c + 7, sum.s7, count > 7, beta);
}

__kernel void gemm(GEMM_ARGUMENTS) {
    const int row = (int)get_global_id(1) * 4;
    const int column = (int)get_global_id(0) * 8;
    if (row >= m || column >= n || (int)get_global_id(2) >= batch) {
        return;
    }
    GEMM_MATRICES
    const int row1 = min(row + 1, m - 1), row2 = min(row + 2, m - 1), row3 = min(row + 3, m - 1);
    float8 sum0 = (float8)(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (int step = 0; step < k; step++) {
        const float8 y = load_row(b, b_ld, step, column, n - 1);
        sum0 = fma((float8)(A_AT(row, step)), y, sum0);
        sum1 = fma((float8)(A_AT(row1, step)), y, sum1);
        sum2 = fma((float8)(A_AT(row2, step)), y, sum2);
        sum3 = fma((float8)(A_AT(row3, step)), y, sum3);
    }
    const int count = min(8, n - column);
    c += (long)row * c_ld + column;
    store_row(c, sum0, count, beta);
    if (row + 1 < m) {
        store_row(c + c_ld, sum1, count, beta);
    }
    if (row + 2 < m) {
        store_row(c + 2 * c_ld, sum2, count, beta);
    }
    if (row + 3 < m) {
        store_row(c + 3 * c_ld, sum3, count, beta);
    }
}

#elif defined(TILE)

/* TILE vectors of 16 columns by 12 rows, all in registers: 24 sums, two vectors of B and one value of A. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define TILE_ROWS 12

/* Sixteen values of a row, of which the first `skip` belong to the tile before. */
static void store_sixteen(__global float *c, const float16 sum, const int skip, const float beta) {
    if (skip <= 0) {
        STOREV(beta == 0.0f ? sum : fma((float16)(beta), LOADV(c), sum), c);
        return;
    }
    float values[16];
    vstore16(sum, 0, values);
    for (int i = skip; i < 16; i++) {
        store_one(c + i, values[i], true, beta);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_tile(GEMM_ARGUMENTS) {
    const int column = min((int)get_global_id(0) * 16 * TILE, n - 16 * TILE);
    const int row = min((int)get_global_id(1) * TILE_ROWS, m - TILE_ROWS);
    const int skip_columns = (int)get_global_id(0) * 16 * TILE - column;
    const int skip_rows = (int)get_global_id(1) * TILE_ROWS - row;
    GEMM_MATRICES
#define ZERO_SUMS(r) float16 low##r = (float16)(0.0f), high##r = low##r;
    EACH_ROW(ZERO_SUMS)
    for (int step = 0; step < k; step++) {
        const float16 y = LOADV(&B_AT(step, column));
#if TILE == 2
        const float16 z = LOADV(&B_AT(step, column + 16));
#define ADD_ROW(r)                                     \
    {                                                  \
        const float16 x = (float16)(A_AT(row + r, step)); \
        low##r = fma(x, y, low##r);                    \
        high##r = fma(x, z, high##r);                  \
    }
#else
#define ADD_ROW(r) low##r = fma((float16)(A_AT(row + r, step)), y, low##r);
#endif
        EACH_ROW(ADD_ROW)
    }
    c += (long)row * c_ld + column;
#if TILE == 2
#define STORE_ROW(r)                                                            \
    if (r >= skip_rows) {                                                       \
        if (skip_columns < 16) {                                                \
            store_sixteen(c + r * c_ld, low##r, skip_columns, beta);            \
        }                                                                       \
        store_sixteen(c + r * c_ld + 16, high##r, skip_columns - 16, beta);     \
    }
#else
#define STORE_ROW(r)                                             \
    if (r >= skip_rows) {                                        \
        store_sixteen(c + r * c_ld, low##r, skip_columns, beta); \
    }
#endif
    EACH_ROW(STORE_ROW)
}

#else

/* 4 x 4 products of rows of A by rows of the transposed B, both read in vectors along k. */
#define EACH_SUM(DO) DO(0, 0) DO(0, 1) DO(0, 2) DO(0, 3) DO(1, 0) DO(1, 1) DO(1, 2) DO(1, 3) \
    DO(2, 0) DO(2, 1) DO(2, 2) DO(2, 3) DO(3, 0) DO(3, 1) DO(3, 2) DO(3, 3)
#define EACH_FOUR(DO) DO(0) DO(1) DO(2) DO(3)

static float sum_of(const float16 v) {
    const float8 w = v.lo + v.hi;
    const float4 x = w.lo + w.hi;
    const float2 y = x.lo + x.hi;
    return y.x + y.y;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_dot(GEMM_ARGUMENTS) {
    const int column = min((int)get_global_id(0) * 4, n - 4);
    const int row = min((int)get_global_id(1) * 4, m - 4);
    const int skip_columns = (int)get_global_id(0) * 4 - column;
    const int skip_rows = (int)get_global_id(1) * 4 - row;
    GEMM_MATRICES
#define ZERO_SUM(r, s) float16 sum##r##s = (float16)(0.0f);
    EACH_SUM(ZERO_SUM)
    int step = 0;
    for (; step + 16 <= k; step += 16) {
#define LOAD_BOTH(i)                                   \
    const float16 x##i = LOADV(&A_AT(row + i, step)); \
    const float16 y##i = LOADV(&B_AT(step, column + i));
        EACH_FOUR(LOAD_BOTH)
#define ADD_VECTOR(r, s) sum##r##s = fma(x##r, y##s, sum##r##s);
        EACH_SUM(ADD_VECTOR)
    }
#define REDUCE(r, s) float total##r##s = sum_of(sum##r##s);
    EACH_SUM(REDUCE)
    for (; step < k; step++) {
#define ADD_VALUE(r, s) total##r##s = fma(A_AT(row + r, step), B_AT(step, column + s), total##r##s);
        EACH_SUM(ADD_VALUE)
    }
    c += (long)row * c_ld + column;
#define STORE_SUM(r, s) store_one(c + r * c_ld + s, total##r##s, r >= skip_rows && s >= skip_columns, beta);
    EACH_SUM(STORE_SUM)
}

#endif
