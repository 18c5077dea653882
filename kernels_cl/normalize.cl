/* normalize.cl: normalisation by statistics of groups of values, which are made here for rows and else by reduce.cl.
 *
 * A tensor is looked at as rows of one length, each within one group and one channel, or along the groups
 * (ALONG_GROUPS) or along the channels (ALONG_CHANNELS). */

/* The same numbers as in src/ops/normalize.h. */
#define HAS_STATISTICS 1
#define HAS_MEAN 2
#define HAS_GAMMA 4
#define HAS_BETA 8
#define ALONG_GROUPS 16
#define ALONG_CHANNELS 32
#define INVERTED 64
#define HAS_FACTOR 128

/* A vector of a buffer from an index on, or one element of it in every lane. */
#define TAKE(pointer, index, is_vector) ((is_vector) ? LOADV((pointer) + (index)) : (FLOATV)((pointer)[index]))

#define FIRST_GROUP(row, flags, groups, groups_each, group_divisor) \
    ((long)((INDEX)(row) / (INDEX)(groups_each)) * (groups) +       \
     ((flags)&ALONG_GROUPS ? 0 : (long)((INDEX)(row) / (INDEX)(group_divisor) % (INDEX)(groups))))

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta, times a factor of x's size: what flags say of it. Absent
 * buffers are stood in for by x. */
__kernel void normalize_given(__global const float *x, __global const float *gamma, __global const float *beta,
                              __global const float *mean, __global const float *variance, __global const float *factor,
                              __global float *y, const long variance_offset, const long y_offset, const long rows,
                              const int length, const int4 split, const int groups, const long groups_each,
                              const long group_divisor, const long channel_rows, const int flags, const float epsilon,
                              const float lowest) {
    variance += variance_offset;
    y += y_offset;
    FOR_ROWS(row, rows, split) {
        const long first = row * length;
        const long group = FIRST_GROUP(row, flags, groups, groups_each, group_divisor);
        const long channel = (long)((INDEX)row % (INDEX)channel_rows) * (flags & ALONG_CHANNELS ? length : 1);
        FOR_COLUMNS(i, length) {
            const bool whole = i + VECTOR <= length; /* a vector, else one by one */
            for (int j = i; j < (whole ? i + 1 : length); j++) {
                const long g = flags & ALONG_GROUPS ? group + j : group;
                const long c = flags & ALONG_CHANNELS ? channel + j : channel;
                const bool vector_group = whole && flags & ALONG_GROUPS,
                           vector_channel = whole && flags & ALONG_CHANNELS;
                FLOATV value = TAKE(x, first + j, whole), centre = (FLOATV)(0.0f), scale = (FLOATV)(1.0f);
                if (flags & HAS_MEAN) {
                    centre = TAKE(mean, g, vector_group);
                }
                if (flags & HAS_STATISTICS) {
                    scale = sqrt(fmax(TAKE(variance, g, vector_group) + (FLOATV)(epsilon), (FLOATV)(lowest)));
                }
                value = flags & INVERTED ? fma(value, scale, centre) : (value - centre) / scale;
                if (flags & HAS_GAMMA) {
                    value *= TAKE(gamma, c, vector_channel);
                }
                if (flags & HAS_BETA) {
                    value += TAKE(beta, c, vector_channel);
                }
                if (flags & HAS_FACTOR) {
                    value *= TAKE(factor, first + j, whole);
                }
                if (whole) {
                    STOREV(value, y + first + j);
                } else {
                    y[first + j] = value.s0;
                }
            }
        }
    }
}

/* Sums of squares are raised to the least, and no mean is taken off. */
__kernel void normalize_floor(__global float *mean, __global float *variance, const long offset, const long count,
                              const float lowest) {
    const long i = get_global_id(0);
    if (i < count) {
        mean[i] = 0.0f;
        variance[offset + i] = fmax(variance[offset + i], lowest);
    }
}

/* dx = (g - sum / n - (x - mean) s product / n) s with s = 1 / sqrt(variance + epsilon), g in place; weights: .x 1 / n
 * for the sum, .y for the product (1 for unit length), .z 1 where the product was to be of x alone. `lowest`: what is
 * no larger has been raised, and no gradient goes through it. */
__kernel void normalize_gradient(__global const float *x, __global const float *g, __global const float *mean,
                                 __global const float *variance, __global const float *totals, const long sums_offset,
                                 const long products_offset, __global float *dx, const long rows, const int length,
                                 const int4 split, const int groups, const long groups_each, const long group_divisor,
                                 const int flags, const float epsilon, const float lowest, const float4 weights) {
    FOR_ROWS(row, rows, split) {
        const long first = row * length;
        const long group = FIRST_GROUP(row, flags, groups, groups_each, group_divisor);
        FOR_COLUMNS(i, length) {
            const bool whole = i + VECTOR <= length;
            for (int j = i; j < (whole ? i + 1 : length); j++) {
                const long at = flags & ALONG_GROUPS ? group + j : group;
                const bool is_vector = whole && flags & ALONG_GROUPS;
                const FLOATV centre = TAKE(mean, at, is_vector), spread = TAKE(variance, at, is_vector);
                const FLOATV scale = (FLOATV)(1.0f) / sqrt(spread + (FLOATV)(epsilon));
                const FLOATV sum = TAKE(totals, sums_offset + at, is_vector);
                FLOATV product = TAKE(totals, products_offset + at, is_vector);
                product = fma((FLOATV)(weights.z) * centre * scale, sum, product);
                product = spread > (FLOATV)(lowest) ? product * (FLOATV)(weights.y) : (FLOATV)(0.0f);
                const FLOATV value = (TAKE(x, first + j, whole) - centre) * scale;
                const FLOATV result = (TAKE(g, first + j, whole) - (FLOATV)(weights.x) * sum - value * product) * scale;
                if (whole) {
                    STOREV(result, dx + first + j);
                } else {
                    dx[first + j] = result.s0;
                }
            }
        }
    }
}
