/* gemm.cl: row-major C[m][n] = op(A)[m][k] op(B)[k][n] + beta C, for devices on which the GEMM library fails its check.
 *
 * Plain on purpose: no local memory, no barrier. A work-item owns a 4 x 8 block of C in four vectors; rows and columns
 * past the edge read the last one and are not stored.
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

/* beta 0 must not read C: it may hold NaN. */
static void store_one(__global float *c, const float sum, const bool wanted, const float beta) {
    if (wanted) {
        *c = beta == 0.0f ? sum : fma(beta, *c, sum);
    }
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

__kernel void gemm(__global const float *restrict a_all, __global const float *restrict b_all,
                   __global float *restrict c_all, const int m, const int n, const int k, const int batch,
                   const float beta, const long a_offset, const long b_offset, const long c_offset, const long a_ld,
                   const long b_ld, const long c_ld, const long a_stride, const long b_stride, const long c_stride) {
    const int row = (int)get_global_id(1) * 4;
    const int column = (int)get_global_id(0) * 8;
    if (row >= m || column >= n || (int)get_global_id(2) >= batch) {
        return;
    }
    __global const float *a = a_all + a_offset + a_stride * (long)get_global_id(2);
    __global const float *b = b_all + b_offset + b_stride * (long)get_global_id(2);
    __global float *c = c_all + c_offset + c_stride * (long)get_global_id(2);
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
