/* constrain.cl: tensors put back into bounds. Sums of squares are reduce.cl's where the axes allow it. */

/* max(x, 0); a NaN stays one. */
__kernel void constrain_sign(__global float *x, const long count, const long each) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            const FLOATV value = LOADV(x + i);
            STOREV(value < ZERO(FLOATV) ? ZERO(FLOATV) : value, x + i);
        } else {
            for (long j = i; j < i_end; j++) {
                x[j] = x[j] < 0.0f ? 0.0f : x[j];
            }
        }
    }
}

/* A value v of a vector whose squares add up to `square`; limits: low, high, rate, 1 - rate. */
#define BOUNDED(T, v, square)                                                                                 \
    ((v) * (((T)(limits.z) * fmax(fmin(sqrt(square), (T)(limits.y)), (T)(limits.x)) + (T)(limits.w) * sqrt(square)) / \
            ((T)(epsilon) + sqrt(square))))
#define CONSTRAINED(T, v, square) (to_unit ? (v) / ((T)(epsilon) + sqrt(square)) : BOUNDED(T, v, square))

/* x (kept0, outer, kept1, inner) with squares (kept0, kept1). inner == 1: rows of kept1 values, each with a square of
 * its own. */
__kernel void constrain_columns(__global float *x, __global const float *squares, const long rows, const int4 split,
                                const long outer, const int kept1, const int to_unit, const float4 limits,
                                const float epsilon) {
    FOR_ROWS(row, rows, split) {
        __global float *values = x + row * kept1;
        __global const float *of_row = squares + (long)((INDEX)row / (INDEX)outer) * kept1;
        FOR_COLUMNS(i, kept1) {
            if (i + VECTOR <= kept1) {
                const FLOATV value = LOADV(values + i), square = LOADV(of_row + i);
                STOREV(CONSTRAINED(FLOATV, value, square), values + i);
            } else {
                for (int j = i; j < kept1; j++) {
                    values[j] = CONSTRAINED(float, values[j], of_row[j]);
                }
            }
        }
    }
}

/* inner > 1: rows (kept0, outer, kept1) of inner values with one square. */
__kernel void constrain_rows(__global float *x, __global const float *squares, const long rows, const int4 split,
                             const long outer, const int kept1, const int inner, const int to_unit,
                             const float4 limits, const float epsilon) {
    FOR_ROWS(row, rows, split) {
        __global float *values = x + row * inner;
        const INDEX block = (INDEX)row / (INDEX)kept1;
        const float square = squares[(long)(block / (INDEX)outer) * kept1 + (INDEX)row % (INDEX)kept1];
        FOR_COLUMNS(i, inner) {
            if (i + VECTOR <= inner) {
                const FLOATV value = LOADV(values + i);
                STOREV(CONSTRAINED(FLOATV, value, (FLOATV)(square)), values + i);
            } else {
                for (int j = i; j < inner; j++) {
                    values[j] = CONSTRAINED(float, values[j], square);
                }
            }
        }
    }
}

/* Where element k of vector i lies. x's sizes, last axis first, in low.s0 .. high.s3; bit d of `along`: the vectors run
 * along that axis. */
static long place_of(long i, long k, const int4 low, const int4 high, const int along) {
    const int sizes[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    long place = 0, stride = 1;
#pragma unroll
    for (int axis = 0; axis < 8; axis++) {
        if (along >> axis & 1) {
            place += k % sizes[axis] * stride;
            k /= sizes[axis];
        } else {
            place += i % sizes[axis] * stride;
            i /= sizes[axis];
        }
        stride *= sizes[axis];
    }
    return place;
}

/* Any axes: one vector of `length` values a work-item. */
__kernel void constrain_reference(__global float *x, const long count, const long length, const int4 low,
                                  const int4 high, const int along, const int to_unit, const float4 limits,
                                  const float epsilon) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    float square = 0.0f, carry = 0.0f;
    for (long k = 0; k < length; k++) {
        const float value = x[place_of(i, k, low, high, along)];
        COMPENSATED(float, square, carry, value * value)
    }
    for (long k = 0; k < length; k++) {
        const long at = place_of(i, k, low, high, along);
        x[at] = CONSTRAINED(float, x[at], square);
    }
}
