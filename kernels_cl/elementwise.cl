/* elementwise.cl: sums with broadcasting, normalisation by given statistics, copies of slabs, permuted axes. */

/* ---- add ---- */

/* a and b of the same size as y, or one of them a single value (step 0). */
__kernel void add_vector(__global const float *a, __global const float *b, __global float *y, const long count,
                         const long each, const int a_step, const int b_step) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            const FLOATV left = a_step ? LOADV(a + i) : (FLOATV)(a[0]);
            const FLOATV right = b_step ? LOADV(b + i) : (FLOATV)(b[0]);
            STOREV(left + right, y + i);
        } else {
            for (long j = i; j < i_end; j++) {
                y[j] = a[j * a_step] + b[j * b_step];
            }
        }
    }
}

/* y's sizes, last axis first, in low.s0 .. high.s3; bit d of a_repeats: a has one element along that axis. */
__kernel void add_reference(__global const float *a, __global const float *b, __global float *y, const long count,
                            const int4 low, const int4 high, const int a_repeats, const int b_repeats) {
    const int sizes[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    long rest = i, a_index = 0, b_index = 0, a_stride = 1, b_stride = 1;
    for (int axis = 0; axis < 8; axis++) {
        const long position = rest % sizes[axis];
        rest /= sizes[axis];
        if (!(a_repeats >> axis & 1)) {
            a_index += position * a_stride;
            a_stride *= sizes[axis];
        }
        if (!(b_repeats >> axis & 1)) {
            b_index += position * b_stride;
            b_stride *= sizes[axis];
        }
    }
    y[i] = a[a_index] + b[b_index];
}

/* ---- batch_norm ---- */

static float normalise(const float x, const float gamma, const float beta, const float mean, const float variance,
                       const float epsilon) {
    return fma(x - mean, gamma / sqrt(variance + epsilon), beta);
}

/* inner == 1: rows of `axis` floats, vectors along the channels. */
__kernel void batch_norm_last(__global const float *x, __global const float *gamma, __global const float *beta,
                              __global const float *mean, __global const float *variance, __global float *y,
                              const long rows, const int axis, const int4 split, const int has_gamma,
                              const int has_beta, const float epsilon) {
    FOR_ROWS(row, rows, split) {
        __global const float *from = x + row * axis;
        __global float *to = y + row * axis;
        FOR_COLUMNS(i, axis) {
            if (i + VECTOR <= axis) {
                const FLOATV scale =
                    (has_gamma ? LOADV(gamma + i) : (FLOATV)(1.0f)) / sqrt(LOADV(variance + i) + (FLOATV)(epsilon));
                STOREV(fma(LOADV(from + i) - LOADV(mean + i), scale, has_beta ? LOADV(beta + i) : (FLOATV)(0.0f)),
                       to + i);
            } else {
                for (int c = i; c < axis; c++) {
                    to[c] = normalise(from[c], has_gamma ? gamma[c] : 1.0f, has_beta ? beta[c] : 0.0f, mean[c],
                                      variance[c], epsilon);
                }
            }
        }
    }
}

/* inner > 1: rows of `inner` floats of one channel. */
__kernel void batch_norm_first(__global const float *x, __global const float *gamma, __global const float *beta,
                               __global const float *mean, __global const float *variance, __global float *y,
                               const long rows, const int axis, const int4 split, const int has_gamma,
                               const int has_beta, const float epsilon, const int inner) {
    FOR_ROWS(row, rows, split) {
        const int c = (int)(row % axis);
        const float scale = (has_gamma ? gamma[c] : 1.0f) / sqrt(variance[c] + epsilon);
        const float shift = has_beta ? beta[c] : 0.0f;
        const float centre = mean[c];
        __global const float *from = x + row * inner;
        __global float *to = y + row * inner;
        FOR_COLUMNS(i, inner) {
            if (i + VECTOR <= inner) {
                STOREV(fma(LOADV(from + i) - (FLOATV)(centre), (FLOATV)(scale), (FLOATV)(shift)), to + i);
            } else {
                for (int j = i; j < inner; j++) {
                    to[j] = fma(from[j] - centre, scale, shift);
                }
            }
        }
    }
}

__kernel void batch_norm_reference(__global const float *x, __global const float *gamma, __global const float *beta,
                                   __global const float *mean, __global const float *variance, __global float *y,
                                   const long count, const int axis, const long inner, const int has_gamma,
                                   const int has_beta, const float epsilon) {
    const long i = get_global_id(0);
    if (i < count) {
        const int c = (int)(i / inner % axis);
        y[i] = normalise(x[i], has_gamma ? gamma[c] : 1.0f, has_beta ? beta[c] : 0.0f, mean[c], variance[c], epsilon);
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
        y[i / width * y_length + y_offset + i % width] = x[i / width * x_length + x_offset + i % width];
    }
}

/* ---- transpose ---- */

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
    long rest = i, from = 0;
    for (int axis = 0; axis < 8; axis++) {
        from += rest % sizes[axis] * strides[axis];
        rest /= sizes[axis];
    }
    y[i] = x[from];
}
