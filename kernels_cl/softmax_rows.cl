/* softmax_rows.cl: softmax and log_softmax over the last axis, and their gradients. Results may take the place of what
 * they are made of. */

#include "rows.h"

#define TERM_SLOPE(T, LOAD, at) LOAD(slope + at)
#define TERM_PRODUCT(T, LOAD, at) LOAD(slope + at) * LOAD(from + at)

static float largest_of(const FLOATV v) {
    float lanes[VECTOR];
    float largest = -INFINITY;
    PASTE(vstore, VECTOR)(v, 0, lanes);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        largest = fmax(largest, lanes[i]);
    }
    return largest;
}

/* A lane's part of a row, in vectors and then one by one. */
#define FOR_PART(at, length) for (int at = LANE * VECTOR; at < (length); at += LANES * VECTOR)

GROUP __kernel void softmax_rows(__global const float *x, __global float *y, const long rows, const int length,
                                 const int4 split, const int logarithm) {
    SCRATCH
    FOR_SHARED_ROWS(row, rows, split) {
        const int width = row < rows ? length : 0;
        __global const float *from = x + row * length;
        __global float *to = y + row * length;
        FLOATV vectors = (FLOATV)(-INFINITY), sums = (FLOATV)(0.0f);
        float largest = -INFINITY, sum = 0.0f;
        FOR_PART(i, width) {
            if (i + VECTOR <= width) {
                vectors = fmax(vectors, LOADV(from + i));
            } else {
                for (int j = i; j < width; j++) {
                    largest = fmax(largest, from[j]);
                }
            }
        }
        largest = fmax(largest, largest_of(vectors));
        SHARE(largest, fmax)
        FOR_PART(i, width) {
            if (i + VECTOR <= width) {
                const FLOATV value = exp(LOADV(from + i) - (FLOATV)(largest));
                sums += value;
                if (!logarithm) {
                    STOREV(value, to + i);
                }
            } else {
                for (int j = i; j < width; j++) {
                    const float value = exp(from[j] - largest);
                    sum += value;
                    if (!logarithm) {
                        to[j] = value;
                    }
                }
            }
        }
        sum += across(sums);
        SHARE(sum, TOGETHER_SUM)
        const float taken = largest + log(sum);
        FOR_PART(i, width) {
            if (i + VECTOR <= width) {
                STOREV(logarithm ? LOADV(from + i) - (FLOATV)(taken) : LOADV(to + i) / (FLOATV)(sum), to + i);
            } else {
                for (int j = i; j < width; j++) {
                    to[j] = logarithm ? from[j] - taken : to[j] / sum;
                }
            }
        }
    }
}

GROUP __kernel void softmax_rows_gradient(__global const float *y, __global const float *dy, __global float *dx,
                                          const long rows, const int length, const int4 split, const int logarithm) {
    SCRATCH
    FOR_SHARED_ROWS(row, rows, split) {
        const int width = row < rows ? length : 0;
        __global const float *from = y + row * length, *slope = dy + row * length;
        __global float *to = dx + row * length;
        float sum = 0.0f;
        if (logarithm) {
            SUM_OF(sum, width, TERM_SLOPE)
        } else {
            SUM_OF(sum, width, TERM_PRODUCT)
        }
        FOR_PART(i, width) {
            if (i + VECTOR <= width) {
                const FLOATV value = LOADV(from + i), change = LOADV(slope + i);
                STOREV(logarithm ? change - exp(value) * (FLOATV)(sum) : value * (change - (FLOATV)(sum)), to + i);
            } else {
                for (int j = i; j < width; j++) {
                    to[j] = logarithm ? slope[j] - exp(from[j]) * sum : from[j] * (slope[j] - sum);
                }
            }
        }
    }
}
