/* elementwise.cl: normalisation by given statistics with an activation, copies of slabs, permuted axes. */

#include "epilogue.h"

/* ---- batch_norm ---- */

static float normalise(const float x, const float gamma, const float beta, const float mean, const float variance,
                       const float epsilon) {
    return NORMALISED(x, mean, NORMALISATION_FACTOR(gamma, variance, epsilon), beta);
}

/* inner == 1: rows of `axis` floats, vectors along the channels. */
__kernel void batch_norm_last(__global const float *x, __global const float *gamma, __global const float *beta,
                              __global const float *mean, __global const float *variance, __global float *y,
                              const long rows, const int axis, const int4 split, const int has_gamma,
                              const int has_beta, const float epsilon, const float4 parameters, const long x_pitch,
                              const long x_offset, const long y_pitch, const long y_offset) {
    FOR_ROWS(row, rows, split) {
        __global const float *from = x + row * x_pitch + x_offset;
        __global float *to = y + row * y_pitch + y_offset;
        FOR_COLUMNS(i, axis) {
            if (i + VECTOR <= axis) {
                const FLOATV scale = NORMALISATION_FACTOR(has_gamma ? LOADV(gamma + i) : (FLOATV)(1.0f),
                                                          LOADV(variance + i), (FLOATV)(epsilon));
                const FLOATV shift = has_beta ? LOADV(beta + i) : (FLOATV)(0.0f);
                STOREV(activate_vector(NORMALISED(LOADV(from + i), LOADV(mean + i), scale, shift), parameters), to + i);
            } else {
                for (int c = i; c < axis; c++) {
                    to[c] = activate(normalise(from[c], has_gamma ? gamma[c] : 1.0f, has_beta ? beta[c] : 0.0f,
                                               mean[c], variance[c], epsilon),
                                     parameters);
                }
            }
        }
    }
}

/* inner > 1: rows of `inner` floats of one channel. */
__kernel void batch_norm_first(__global const float *x, __global const float *gamma, __global const float *beta,
                               __global const float *mean, __global const float *variance, __global float *y,
                               const long rows, const int axis, const int4 split, const int has_gamma,
                               const int has_beta, const float epsilon, const float4 parameters,
                               const int inner) {
    FOR_ROWS(row, rows, split) {
        const int c = (int)((INDEX)row % axis);
        const float scale = NORMALISATION_FACTOR(has_gamma ? gamma[c] : 1.0f, variance[c], epsilon);
        const float shift = has_beta ? beta[c] : 0.0f;
        const float centre = mean[c];
        __global const float *from = x + row * inner;
        __global float *to = y + row * inner;
        FOR_COLUMNS(i, inner) {
            if (i + VECTOR <= inner) {
                const FLOATV value = NORMALISED(LOADV(from + i), (FLOATV)(centre), (FLOATV)(scale), (FLOATV)(shift));
                STOREV(activate_vector(value, parameters), to + i);
            } else {
                for (int j = i; j < inner; j++) {
                    to[j] = activate(NORMALISED(from[j], centre, scale, shift), parameters);
                }
            }
        }
    }
}

__kernel void batch_norm_reference(__global const float *x, __global const float *gamma, __global const float *beta,
                                   __global const float *mean, __global const float *variance, __global float *y,
                                   const long count, const int axis, const long inner, const int has_gamma,
                                   const int has_beta, const float epsilon, const float4 parameters,
                                   const long x_pitch, const long x_offset, const long y_pitch, const long y_offset) {
    const long i = get_global_id(0);
    if (i < count) {
        const int c = (int)((INDEX)i / (INDEX)inner % axis);
        const bool rows = inner == 1;
        const float value = x[rows ? (INDEX)i / axis * x_pitch + x_offset + c : i];
        y[rows ? (INDEX)i / axis * y_pitch + y_offset + c : i] = activate(
            normalise(value, has_gamma ? gamma[c] : 1.0f, has_beta ? beta[c] : 0.0f, mean[c], variance[c], epsilon),
            parameters);
    }
}

/* ---- copy ---- */

__kernel void copy_vector(__global const float *x, __global float *y, const long rows, const int width,
                          const int4 split, const long x_length, const long x_offset, const long y_length,
                          const long y_offset) {
    FOR_ROWS(row, rows, split) {
        __global const float *from = x + row * x_length + x_offset;
        __global float *to = y + row * y_length + y_offset;
        FOR_COLUMNS(i, width) {
            if (i + VECTOR <= width) {
                STOREV(LOADV(from + i), to + i);
            } else {
                for (int j = i; j < width; j++) {
                    to[j] = from[j];
                }
            }
        }
    }
}

__kernel void copy_reference(__global const float *x, __global float *y, const long rows, const long width,
                             const long x_length, const long x_offset, const long y_length, const long y_offset) {
    const long i = get_global_id(0);
    if (i < rows * width) {
        const INDEX row = (INDEX)i / (INDEX)width, column = (INDEX)i % (INDEX)width;
        y[row * y_length + y_offset + column] = x[row * x_length + x_offset + column];
    }
}

/* ---- transpose ---- */

/* (outer, rows, columns, inner) -> (outer, columns, rows, inner) with inner 1: a block of 4 x 4 per work-item. */
__kernel void transpose_blocks(__global const float *x, __global float *y, const long outer, const int rows,
                               const int columns) {
    const int column = (int)get_global_id(0) * 4;
    const int row = (int)get_global_id(1) * 4;
    const long image = get_global_id(2);
    if (column >= columns || row >= rows || image >= outer) {
        return;
    }
    __global const float *from = x + image * rows * columns + (long)row * columns + column;
    __global float *to = y + image * rows * columns + (long)column * rows + row;
    if (column + 4 <= columns && row + 4 <= rows) {
        const float4 a = vload4(0, from);
        const float4 b = vload4(0, from + columns);
        const float4 c = vload4(0, from + 2 * (long)columns);
        const float4 d = vload4(0, from + 3 * (long)columns);
        vstore4((float4)(a.x, b.x, c.x, d.x), 0, to);
        vstore4((float4)(a.y, b.y, c.y, d.y), 0, to + rows);
        vstore4((float4)(a.z, b.z, c.z, d.z), 0, to + 2 * (long)rows);
        vstore4((float4)(a.w, b.w, c.w, d.w), 0, to + 3 * (long)rows);
    } else {
        for (int i = 0; i < min(4, columns - column); i++) {
            for (int j = 0; j < min(4, rows - row); j++) {
                to[(long)i * rows + j] = from[(long)j * columns + i];
            }
        }
    }
}

/* y's sizes, last axis first, and for each axis of y, last first, the distance in x of neighbours along it. */
__kernel void transpose_reference(__global const float *x, __global float *y, const long count, const int4 low,
                                  const int4 high, const long s0, const long s1, const long s2, const long s3,
                                  const long s4, const long s5, const long s6, const long s7) {
    const int sizes[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    const long strides[8] = {s0, s1, s2, s3, s4, s5, s6, s7};
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    INDEX rest = (INDEX)i;
    long from = 0;
    for (int axis = 0; axis < 8; axis++) {
        from += rest % sizes[axis] * strides[axis];
        rest /= sizes[axis];
    }
    y[i] = x[from];
}
