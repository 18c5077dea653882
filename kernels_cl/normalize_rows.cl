/* normalize_rows.cl: normalisation of whole rows, each with its own mean and variance: the last axes of a tensor. */

#include "rows.h"

#define KIND_LAYER 0
#define KIND_RMS 1
#define KIND_UNIT 2
#define HAS_GAMMA 4
#define HAS_BETA 8

#define TERM_VALUE(T, LOAD, at) LOAD(from + at)
#define TERM_DISTANCE(T, LOAD, at) (LOAD(from + at) - (T)(centre)) * (LOAD(from + at) - (T)(centre))

/* mean and variance are written where `keeps` is 1, else stood in for by y. */
GROUP __kernel void normalize_rows(__global const float *x, __global const float *gamma, __global const float *beta,
                                   __global float *mean, __global float *variance, __global float *y, const long rows,
                                   const int length, const int4 split, const int kind, const int flags, const int keeps,
                                   const float epsilon, const float lowest) {
    SCRATCH
    FOR_SHARED_ROWS(row, rows, split) {
        const int width = row < rows ? length : 0;
        __global const float *from = x + row * length;
        float centre = 0.0f, spread = 0.0f;
        if (kind != KIND_UNIT) {
            SUM_OF(centre, width, TERM_VALUE)
            centre /= length;
        }
        SUM_OF(spread, width, TERM_DISTANCE)
        spread = kind == KIND_UNIT ? fmax(spread, lowest) : spread / length;
        __global float *to = y + row * length;
        const float scale = 1.0f / sqrt(spread + epsilon);
        const float taken = kind == KIND_LAYER ? centre : 0.0f;
        for (int i = LANE * VECTOR; i < width; i += LANES * VECTOR) {
            const bool whole = i + VECTOR <= width; /* a vector, else one by one */
            for (int j = i; j < (whole ? i + 1 : width); j++) {
                FLOATV factor = (FLOATV)(scale), shift = (FLOATV)(0.0f);
                if (flags & HAS_GAMMA) {
                    factor *= TAKE(gamma, j, whole);
                }
                if (flags & HAS_BETA) {
                    shift = TAKE(beta, j, whole);
                }
                const FLOATV value = fma(TAKE(from, j, whole) - (FLOATV)(taken), factor, shift);
                if (whole) {
                    STOREV(value, to + j);
                } else {
                    to[j] = value.s0;
                }
            }
        }
        if (keeps != 0 && LANE == 0 && row < rows) {
            mean[row] = centre;
            variance[row] = spread;
        }
    }
}

#define GAMMA(T, LOAD, at) (flags & HAS_GAMMA ? LOAD(gamma + at) : (T)(1.0f))
#define TERM_GRADIENT(T, LOAD, at) LOAD(slope + at) * GAMMA(T, LOAD, at)
#define TERM_PRODUCT(T, LOAD, at) LOAD(slope + at) * GAMMA(T, LOAD, at) * ((LOAD(from + at) - (T)(taken)) * (T)(scale))

/* dx of rows; see normalize_gradient of normalize.cl. dx may be dy. */
GROUP __kernel void normalize_rows_gradient(__global const float *x, __global const float *gamma,
                                            __global const float *mean, __global const float *variance,
                                            __global const float *dy, __global float *dx, const long rows,
                                            const int length, const int4 split, const int kind, const int flags,
                                            const float epsilon, const float lowest) {
    SCRATCH
    FOR_SHARED_ROWS(row, rows, split) {
        const int width = row < rows ? length : 0;
        const long near = min(row, rows - 1);
        __global const float *from = x + row * length, *slope = dy + row * length;
        const float centre = mean[near], scale = 1.0f / sqrt(variance[near] + epsilon);
        const float taken = kind == KIND_LAYER ? centre : 0.0f;
        float sum = 0.0f, product = 0.0f;
        if (kind == KIND_LAYER) {
            SUM_OF(sum, width, TERM_GRADIENT)
            sum /= length;
        }
        SUM_OF(product, width, TERM_PRODUCT)
        product = kind != KIND_UNIT ? product / length : variance[near] > lowest ? product : 0.0f;
        __global float *to = dx + row * length;
        for (int i = LANE * VECTOR; i < width; i += LANES * VECTOR) {
            const bool whole = i + VECTOR <= width;
            for (int j = i; j < (whole ? i + 1 : width); j++) {
                FLOATV g = TAKE(slope, j, whole);
                if (flags & HAS_GAMMA) {
                    g *= TAKE(gamma, j, whole);
                }
                const FLOATV value = (TAKE(from, j, whole) - (FLOATV)(centre)) * (FLOATV)(scale);
                const FLOATV result = (g - (FLOATV)(sum)-value * (FLOATV)(product)) * (FLOATV)(scale);
                if (whole) {
                    STOREV(result, to + j);
                } else {
                    to[j] = result.s0;
                }
            }
        }
    }
}

/* The sums over `each` rows of dy (x - mean) / sqrt(variance + epsilon) and of dy, one slot a work-item on axis 1:
 * dgamma of slot s at s * length, dbeta behind all of those. `taken` 0: no mean is taken off. */
__kernel void normalize_rows_weights(__global const float *x, __global const float *mean,
                                     __global const float *variance, __global const float *dy, __global float *slots,
                                     const long rows, const int length, const long each, const int taken,
                                     const float epsilon) {
    const long slot = get_global_id(1), count = (rows + each - 1) / each;
    if (slot >= count) {
        return;
    }
    FOR_COLUMNS(i, length) {
        const bool whole = i + VECTOR <= length;
        for (int j = i; j < (whole ? i + 1 : length); j++) {
            FLOATV product = (FLOATV)(0.0f), sum = product, product_carry = product, sum_carry = product;
            for (long row = slot * each; row < min(rows, (slot + 1) * each); row++) {
                const FLOATV slope = TAKE(dy, row * length + j, whole);
                const float centre = taken ? mean[row] : 0.0f, scale = 1.0f / sqrt(variance[row] + epsilon);
                const FLOATV value = (TAKE(x, row * length + j, whole) - (FLOATV)(centre)) * (FLOATV)(scale);
                COMPENSATED(FLOATV, product, product_carry, slope * value)
                COMPENSATED(FLOATV, sum, sum_carry, slope)
            }
            if (whole) {
                STOREV(product, slots + slot * length + j);
                STOREV(sum, slots + (count + slot) * length + j);
            } else {
                slots[slot * length + j] = product.s0;
                slots[(count + slot) * length + j] = sum.s0;
            }
        }
    }
}
