/* gemm.cl: row-major C[m][n] = op(A)[m][k] op(B)[k][n] + beta C, for devices on which the GEMM library fails its check.
 *
 * Plain on purpose: no local memory, no barrier, no vectors. A work-item owns a 4 x 4 block of C, so that each value
 * loaded is used four times; rows and columns past the edge read the last one and are not stored.
 * Axes: blocks of columns, blocks of rows, batch. -DTRANSPOSE_A, -DTRANSPOSE_B: the matrix lies transposed. */

#ifdef TRANSPOSE_A
#define A_AT(row, step) a[(long)(step)*a_ld + (row)]
#else
#define A_AT(row, step) a[(long)(row)*a_ld + (step)]
#endif
#ifdef TRANSPOSE_B
#define B_AT(step, column) b[(long)(column)*b_ld + (step)]
#else
#define B_AT(step, column) b[(long)(step)*b_ld + (column)]
#endif

__kernel void gemm(__global const float *restrict a_all, __global const float *restrict b_all,
                   __global float *restrict c_all, const int m, const int n, const int k, const int batch,
                   const float beta,
                   const long a_offset, const long b_offset, const long c_offset, const long a_ld, const long b_ld,
                   const long c_ld, const long a_stride, const long b_stride, const long c_stride) {
    const int row = (int)get_global_id(1) * 4;
    const int column = (int)get_global_id(0) * 4;
    if (row >= m || column >= n || (int)get_global_id(2) >= batch) {
        return;
    }
    __global const float *a = a_all + a_offset + a_stride * (long)get_global_id(2);
    __global const float *b = b_all + b_offset + b_stride * (long)get_global_id(2);
    __global float *c = c_all + c_offset + c_stride * (long)get_global_id(2);
    int rows[4], columns[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = min(row + i, m - 1);
        columns[i] = min(column + i, n - 1);
    }
    float sum[4][4];
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            sum[i][j] = 0.0f;
        }
    }
    for (int step = 0; step < k; step++) {
        float x[4], y[4];
        for (int i = 0; i < 4; i++) {
            x[i] = A_AT(rows[i], step);
            y[i] = B_AT(step, columns[i]);
        }
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                sum[i][j] = fma(x[i], y[j], sum[i][j]);
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            if (row + i < m && column + j < n) {
                __global float *target = c + (long)(row + i) * c_ld + (column + j);
                /* beta 0 must not read C: it may hold NaN */
                *target = beta == 0.0f ? sum[i][j] : fma(beta, *target, sum[i][j]);
            }
        }
    }
}
