/* reduce.cl: sums over the second and fourth axis of (kept0, outer, kept1, inner), in slots that are added up after.
 *
 * No atomics, and an order that depends on sizes and device alone, so that the same input gives the same bits. Runs of
 * BLOCK values are added up plainly and the runs' sums with compensation (Kahan), which keeps long sums exact. What is
 * added up is a term of x, of a gradient of its size and of statistics of each sum. */

#define BLOCK 64

/* The same numbers as cly_ops_term in src/ops/sums.h. */
#define TERM_SQUARE 1  /* (x - mean)^2 */
#define TERM_PRODUCT 2 /* dy (x - mean) scale */
#define TERM_POWER 3   /* x^2 */
#define TERM_SIZE 4    /* |x| */
#define TERM_FACTOR 5  /* dy x */
#define HAS_GRADIENT(term) ((term) == TERM_PRODUCT || (term) == TERM_FACTOR)
#define HAS_MEAN(term) ((term) == TERM_SQUARE || (term) == TERM_PRODUCT)
#define TERM(term, x, dy, mean, scale)                            \
    ((term) == TERM_SQUARE    ? ((x) - (mean)) * ((x) - (mean))   \
     : (term) == TERM_PRODUCT ? (dy) * (((x) - (mean)) * (scale)) \
     : (term) == TERM_POWER   ? (x) * (x)                         \
     : (term) == TERM_SIZE    ? fabs(x)                           \
     : (term) == TERM_FACTOR  ? (dy) * (x)                        \
                              : (x))

/* inner == 1: rows are (slot, kept0), vectors along kept1; a slot is `each` positions of outer. Sums lie from `offset`
 * on. `dy`, `mean` and `variance` are stood in for by x where the term does not look at them. */
__kernel void sum_columns(__global const float *restrict x, __global const float *restrict dy,
                          __global const float *restrict mean, __global const float *restrict variance,
                          __global float *restrict sums, const long offset, const long rows, const int4 split,
                          const long kept0, const long outer, const long each, const int kept1, const int term,
                          const float epsilon, const float divisor) {
    sums += offset;
    FOR_ROWS(row, rows, split) {
        const long begin = (long)((INDEX)row / (INDEX)kept0) * each;
        const long end = min(outer, begin + each);
        const long kept = (long)((INDEX)row % (INDEX)kept0) * kept1; /* in the statistics */
        const long first = kept * outer;
        FOR_COLUMNS(i, kept1) {
            const bool whole = i + VECTOR <= kept1; /* a vector, else one by one */
            for (int c = i; c < (whole ? i + 1 : kept1); c++) {
                FLOATV centre = (FLOATV)(0.0f), scale = centre, total = centre, carry = centre;
                if (HAS_MEAN(term)) {
                    centre = whole ? LOADV(mean + kept + c) : (FLOATV)(mean[kept + c]);
                }
                if (term == TERM_PRODUCT) {
                    scale = (FLOATV)(1.0f) / sqrt((whole ? LOADV(variance + kept + c) : (FLOATV)(variance[kept + c])) +
                                                  (FLOATV)(epsilon));
                }
                for (long block = begin; block < end; block += BLOCK) {
                    FLOATV sum = (FLOATV)(0.0f);
                    for (long o = block; o < min(end, block + BLOCK); o++) {
                        const long at = first + o * kept1 + c;
                        const FLOATV value = whole ? LOADV(x + at) : (FLOATV)(x[at]);
                        FLOATV gradient = (FLOATV)(0.0f);
                        if (HAS_GRADIENT(term)) {
                            gradient = whole ? LOADV(dy + at) : (FLOATV)(dy[at]);
                        }
                        sum += TERM(term, value, gradient, centre, scale);
                    }
                    COMPENSATED(FLOATV, total, carry, sum)
                }
                total /= (FLOATV)(divisor);
                if (whole) {
                    STOREV(total, sums + row * kept1 + c);
                } else {
                    sums[row * kept1 + c] = total.s0;
                }
            }
        }
    }
}

static float across(const FLOATV v) {
    float lanes[VECTOR];
    float sum = 0.0f;
    PASTE(vstore, VECTOR)(v, 0, lanes);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        sum += lanes[i];
    }
    return sum;
}

/* inner > 1: rows are (part, kept0, kept1), a part being `each` positions of outer. The vectors of inner are dealt out
 * to `lanes` work-items, so a slot is a part and a lane. */
__kernel void sum_rows(__global const float *restrict x, __global const float *restrict dy,
                       __global const float *restrict mean, __global const float *restrict variance,
                       __global float *restrict sums, const long offset, const long rows, const int4 split,
                       const long kept0, const long outer, const long each, const int kept1, const int term,
                       const float epsilon, const float divisor, const int inner, const int lanes) {
    const int lane = get_global_id(0);
    const long kept = kept0 * kept1;
    sums += offset;
    if (lane >= lanes) {
        return;
    }
    FOR_ROWS(row, rows, split) {
        const long k = (long)((INDEX)row % (INDEX)kept);
        const long part = (long)((INDEX)row / (INDEX)kept);
        const int c = (int)((INDEX)k % kept1);
        const float centre = HAS_MEAN(term) ? mean[k] : 0.0f;
        const float scale = term == TERM_PRODUCT ? 1.0f / sqrt(variance[k] + epsilon) : 0.0f;
        FLOATV total = (FLOATV)(0.0f), carry = total, sum = total;
        float tail_total = 0.0f, tail_carry = 0.0f;
        int pending = 0;
        for (long o = part * each; o < min(outer, (part + 1) * each); o++) {
            const long first = (((long)((INDEX)k / kept1) * outer + o) * kept1 + c) * inner;
            float tail = 0.0f;
            for (int i = lane * VECTOR; i < inner; i += lanes * VECTOR) {
                if (i + VECTOR <= inner) {
                    const FLOATV gradient = HAS_GRADIENT(term) ? LOADV(dy + first + i) : (FLOATV)(0.0f);
                    sum += TERM(term, LOADV(x + first + i), gradient, (FLOATV)(centre), (FLOATV)(scale));
                    if (++pending == BLOCK) {
                        COMPENSATED(FLOATV, total, carry, sum)
                        sum = (FLOATV)(0.0f);
                        pending = 0;
                    }
                } else {
                    for (int j = i; j < inner; j++) {
                        const float gradient = HAS_GRADIENT(term) ? dy[first + j] : 0.0f;
                        tail += TERM(term, x[first + j], gradient, centre, scale);
                    }
                }
            }
            COMPENSATED(float, tail_total, tail_carry, tail)
        }
        COMPENSATED(FLOATV, total, carry, sum)
        sums[(part * lanes + lane) * kept + k] = (across(total) + tail_total) / divisor;
    }
}

/* y[group][i] = the sum of slots group * each .. + each - 1 of slots[slot][i], over divisor; groups on
 * axis 1. Slots and y may lie in one buffer, apart from each other. */
__kernel void sum_slots(__global const float *slots, const long slots_offset, __global float *y, const long y_offset,
                        const long count, const long span, const int slot_count, const int each, const float divisor) {
    slots += slots_offset;
    y += y_offset;
    const int group = get_global_id(1);
    const int first = group * each;
    const int last = min(slot_count, first + each);
    if (first >= slot_count) {
        return;
    }
    FOR_SPAN(i, count, span) {
        if (i + VECTOR <= i_end) {
            FLOATV total = (FLOATV)(0.0f), carry = total;
            for (int slot = first; slot < last; slot++) {
                COMPENSATED(FLOATV, total, carry, LOADV(slots + slot * count + i))
            }
            STOREV(total / (FLOATV)(divisor), y + group * count + i);
        } else {
            for (long j = i; j < i_end; j++) {
                float total = 0.0f, carry = 0.0f;
                for (int slot = first; slot < last; slot++) {
                    COMPENSATED(float, total, carry, slots[slot * count + j])
                }
                y[group * count + j] = total / divisor;
            }
        }
    }
}

/* Any axes: x's sizes, last axis first, in low.s0 .. high.s3; bit d of `reduced`: that axis is added up. One element of
 * y per work-item, `length` terms each. */
__kernel void reduce_reference(__global const float *restrict x, __global float *restrict y, const long count,
                               const long length, const int4 low, const int4 high, const int reduced,
                               __global const float *restrict factor, const int has_factor, const float divisor) {
    const int sizes[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    long first = 0, stride = 1, rest = i;
#pragma unroll
    for (int axis = 0; axis < 8; axis++) {
        if (!(reduced >> axis & 1)) {
            first += rest % sizes[axis] * stride;
            rest /= sizes[axis];
        }
        stride *= sizes[axis];
    }
    float total = 0.0f, carry = 0.0f;
    for (long k = 0; k < length; k++) {
        long at = first;
        rest = k;
        stride = 1;
#pragma unroll
        for (int axis = 0; axis < 8; axis++) {
            if (reduced >> axis & 1) {
                at += rest % sizes[axis] * stride;
                rest /= sizes[axis];
            }
            stride *= sizes[axis];
        }
        COMPENSATED(float, total, carry, has_factor ? x[at] * factor[at] : x[at])
    }
    y[i] = total / divisor;
}
