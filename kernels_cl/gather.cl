/* gather.cl: rows of a table by their numbers, its gradient, and which rows of a tensor differ from a value. */

/* The row that a number means, the fraction cut off; -1: none. A NaN means none. */
static int row_of(const float x, const int rows, const int wraps) {
    if (!(x > -16777217.0f && x < 16777217.0f)) {
        return -1;
    }
    const int number = (int)x;
    const int row = wraps && number < 0 ? number + rows : number;
    return row >= 0 && row < rows ? row : -1;
}

__kernel void gather_vector(__global const float *x, __global const float *table, __global float *y, const long count,
                            const int rows, const int width, const int wraps, const int4 split) {
    FOR_ROWS(i, count, split) {
        const int row = row_of(x[i], rows, wraps);
        __global const float *from = table + (long)(row < 0 ? 0 : row) * width;
        __global float *to = y + i * width;
        FOR_COLUMNS(c, width) {
            if (c + VECTOR <= width) {
                STOREV(row < 0 ? (FLOATV)(NAN) : LOADV(from + c), to + c);
            } else {
                for (int j = c; j < width; j++) {
                    to[j] = row < 0 ? NAN : from[j];
                }
            }
        }
    }
}

__kernel void gather_reference(__global const float *x, __global const float *table, __global float *y,
                               const long count, const int rows, const int width, const int wraps, const long floats) {
    const long item = get_global_id(0);
    if (item < floats) {
        const int row = row_of(x[(INDEX)item / width], rows, wraps);
        y[item] = row < 0 ? NAN : table[(long)row * width + (INDEX)item % width];
    }
}

/* The positions of `row` in x, from i on: a vector of numbers at a time, most of which hold none. */
#define FOR_POSITIONS(j, x, count, row, rows, wraps)                                                   \
    for (long j##_from = 0; j##_from < (count); j##_from += VECTOR)                                    \
        if (may_hold((x) + j##_from, min((long)VECTOR, (count)-j##_from), row, (wraps) ? (rows) : 0))  \
            for (long j = j##_from; j < min(j##_from + VECTOR, (count)); j++)                          \
                if (row_of((x)[j], rows, wraps) == (row))

static bool may_hold(__global const float *x, const long lanes, const int row, const int back) {
    if (lanes < VECTOR) {
        return true;
    }
    const FLOATV number = trunc(LOADV(x));
    return any(number == (FLOATV)((float)row)) || any(number == (FLOATV)((float)(row - back)));
}

__kernel void gather_gradient_vector(__global const float *x, __global const float *dy, __global float *dtable,
                                     const long count, const int rows, const int width, const int wraps,
                                     const int4 split) {
    FOR_ROWS(item, rows, split) {
        const int row = (int)item;
        __global float *to = dtable + item * width;
        FOR_COLUMNS(i, width) {
            const int c = MOVED_BACK(i, width);
            if (c + VECTOR <= width) {
                FLOATV total = (FLOATV)(0.0f), carry = (FLOATV)(0.0f);
                FOR_POSITIONS(j, x, count, row, rows, wraps) {
                    COMPENSATED(FLOATV, total, carry, LOADV(dy + j * width + c))
                }
                STOREV(total, to + c);
            } else {
                for (int d = c; d < width; d++) {
                    float total = 0.0f, carry = 0.0f;
                    FOR_POSITIONS(j, x, count, row, rows, wraps) {
                        COMPENSATED(float, total, carry, dy[j * width + d])
                    }
                    to[d] = total;
                }
            }
        }
    }
}

__kernel void gather_gradient_reference(__global const float *x, __global const float *dy, __global float *dtable,
                                        const long count, const int rows, const int width, const int wraps,
                                        const long floats) {
    const long item = get_global_id(0);
    if (item < floats) {
        const int row = (int)((INDEX)item / width), column = (int)((INDEX)item % width);
        float total = 0.0f, carry = 0.0f;
        for (long j = 0; j < count; j++) {
            if (row_of(x[j], rows, wraps) == row) {
                COMPENSATED(float, total, carry, dy[j * width + column])
            }
        }
        dtable[item] = total;
    }
}

/* ---- rows that differ from a value ---- */

static bool any_differs(__global const float *x, const long width, const float value) {
    bool any_does = false;
    for (long c = 0; c < width && !any_does; c++) {
        any_does = x[c] != value;
    }
    return any_does;
}

__kernel void differs(__global const float *x, __global float *y, const long rows, const long width,
                      const float value) {
    const long row = get_global_id(0);
    if (row < rows) {
        y[row] = any_differs(x + row * width, width, value) ? 1.0f : 0.0f;
    }
}

/* y may be x or z: a row is looked at before it is written. */
__kernel void differs_keep(__global const float *x, __global float *y, const long rows, const long width,
                           const float value, __global const float *z) {
    const long row = get_global_id(0);
    if (row < rows) {
        const bool keeps = any_differs(x + row * width, width, value);
        for (long c = 0; c < width; c++) {
            y[row * width + c] = keeps ? z[row * width + c] : 0.0f;
        }
    }
}
