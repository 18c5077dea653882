/* batch_norm.cl: batch normalisation in training, of (outer, axis, inner): gradients, running averages of statistics,
 * and the plain kernels for statistics. The sums of the fast way are those of reduce.cl. */

/* dx = gamma s (dy - (dbeta + (x - mean) s dgamma) / count), s = 1 / sqrt(variance + epsilon); the inner bracket is 0
 * where the statistics are given, inverse_count 0. */
#define INPUT_GRADIENT(T, x, dy, scale, mean, spread, dgamma, dbeta) \
    ((T)(scale) * ((dy) - ((T)(dbeta) + ((x) - (T)(mean)) * (T)(spread) * (T)(dgamma))))

#define GRADIENT_ARGUMENTS                                                                                         \
    __global const float *x, __global const float *dy, __global const float *gamma, __global const float *mean,    \
        __global const float *variance, __global const float *dgamma, const long dgamma_offset,                    \
        __global const float *dbeta, const long dbeta_offset, __global float *dx, const long rows, const int axis, \
        const int4 split, const int has_gamma, const float epsilon, const float inverse_count

/* inner == 1: rows of `axis` floats, vectors along the channels. dx may be dy. */
__kernel void batch_norm_gradient_last(GRADIENT_ARGUMENTS) {
    const bool own = inverse_count > 0.0f;
    dgamma += own ? dgamma_offset : 0;
    dbeta += own ? dbeta_offset : 0;
    FOR_ROWS(row, rows, split) {
        FOR_COLUMNS(i, axis) {
            const long at = row * axis + i;
            if (i + VECTOR <= axis) {
                const FLOATV spread = (FLOATV)(1.0f) / sqrt(LOADV(variance + i) + (FLOATV)(epsilon));
                const FLOATV scale = has_gamma ? LOADV(gamma + i) * spread : spread;
                const FLOATV g = own ? LOADV(dgamma + i) * (FLOATV)(inverse_count) : (FLOATV)(0.0f);
                const FLOATV b = own ? LOADV(dbeta + i) * (FLOATV)(inverse_count) : (FLOATV)(0.0f);
                STOREV(INPUT_GRADIENT(FLOATV, LOADV(x + at), LOADV(dy + at), scale, LOADV(mean + i), spread, g, b),
                       dx + at);
            } else {
                for (int c = i; c < axis; c++) {
                    const float spread = 1.0f / sqrt(variance[c] + epsilon);
                    const float g = own ? dgamma[c] * inverse_count : 0.0f;
                    const float b = own ? dbeta[c] * inverse_count : 0.0f;
                    dx[at + c - i] = INPUT_GRADIENT(float, x[at + c - i], dy[at + c - i],
                                                    has_gamma ? gamma[c] * spread : spread, mean[c], spread, g, b);
                }
            }
        }
    }
}

/* inner > 1: rows of `inner` floats of one channel. */
__kernel void batch_norm_gradient_first(GRADIENT_ARGUMENTS, const int inner) {
    const bool own = inverse_count > 0.0f;
    dgamma += own ? dgamma_offset : 0;
    dbeta += own ? dbeta_offset : 0;
    FOR_ROWS(row, rows, split) {
        const int c = (int)((INDEX)row % axis);
        const float spread = 1.0f / sqrt(variance[c] + epsilon);
        const float scale = has_gamma ? gamma[c] * spread : spread;
        const float centre = mean[c];
        const float g = own ? dgamma[c] * inverse_count : 0.0f;
        const float b = own ? dbeta[c] * inverse_count : 0.0f;
        FOR_COLUMNS(i, inner) {
            const long at = row * inner + i;
            if (i + VECTOR <= inner) {
                STOREV(INPUT_GRADIENT(FLOATV, LOADV(x + at), LOADV(dy + at), scale, centre, spread, g, b), dx + at);
            } else {
                for (long j = at; j < (row + 1) * inner; j++) {
                    dx[j] = INPUT_GRADIENT(float, x[j], dy[j], scale, centre, spread, g, b);
                }
            }
        }
    }
}

/* One channel per work-item: dgamma and dbeta, from their offsets on. */
__kernel void batch_norm_sums_reference(__global const float *x, __global const float *dy, __global const float *mean,
                                        __global const float *variance, __global float *dgamma,
                                        const long dgamma_offset, __global float *dbeta, const long dbeta_offset,
                                        const long outer, const int axis, const long inner, const float epsilon) {
    const int c = get_global_id(0);
    if (c >= axis) {
        return;
    }
    const float spread = 1.0f / sqrt(variance[c] + epsilon);
    float product = 0.0f, sum = 0.0f;
    for (long o = 0; o < outer; o++) {
        float row_product = 0.0f, row_sum = 0.0f;
        for (long i = (o * axis + c) * inner; i < (o * axis + c + 1) * inner; i++) {
            row_product += dy[i] * ((x[i] - mean[c]) * spread);
            row_sum += dy[i];
        }
        product += row_product;
        sum += row_sum;
    }
    dgamma[dgamma_offset + c] = product;
    dbeta[dbeta_offset + c] = sum;
}

/* One channel per work-item, in two passes. */
__kernel void moments_reference(__global const float *x, __global float *mean, __global float *variance,
                                const long outer, const int axis, const long inner) {
    const int c = get_global_id(0);
    if (c >= axis) {
        return;
    }
    const float count = (float)(outer * inner);
    float sum = 0.0f, squares = 0.0f;
    for (long o = 0; o < outer; o++) {
        float row = 0.0f;
        for (long i = (o * axis + c) * inner; i < (o * axis + c + 1) * inner; i++) {
            row += x[i];
        }
        sum += row;
    }
    const float centre = sum / count;
    for (long o = 0; o < outer; o++) {
        float row = 0.0f;
        for (long i = (o * axis + c) * inner; i < (o * axis + c + 1) * inner; i++) {
            row = fma(x[i] - centre, x[i] - centre, row);
        }
        squares += row;
    }
    mean[c] = centre;
    variance[c] = squares / count;
}

__kernel void moving_average_reference(__global const float *batch, __global float *moving, const long count,
                                       const float momentum, const float share, const long times,
                                       const long pitch) {
    const long i = get_global_id(0);
    if (i < count) {
        float value = moving[i];
        for (long t = 0; t < times; t++) {
            value = value * momentum + batch[t * pitch + i] * share;
        }
        moving[i] = value;
    }
}
