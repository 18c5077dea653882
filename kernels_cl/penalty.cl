/* penalty.cl: penalties on values and on matrices whose rows or columns are not orthogonal, and their gradients. Long
 * sums are reduce.cl's. */

/* -1, 0 or 1; a NaN stays one. */
#define SIGN(T, x) ((x) > ZERO(T) ? (T)(1.0f) : (x) < ZERO(T) ? (T)(-1.0f) : (x))

/* value[offset] += scale (a sums[0] + b sums[1]); a factor of 0: its sum was not made. */
__kernel void penalty_add(__global const float *sums, __global float *value, const long offset, const float scale,
                          const float a, const float b) {
    if (get_global_id(0) == 0) {
        value[offset] += scale * ((a != 0.0f ? a * sums[0] : 0.0f) + (b != 0.0f ? b * sums[1] : 0.0f));
    }
}

/* value[offset] += scale (factor total / pairs) */
__kernel void penalty_total(__global const float *work, const long total_offset, __global float *value,
                            const long offset, const float scale, const float factor, const float pairs) {
    if (get_global_id(0) == 0) {
        value[offset] += scale * (factor * work[total_offset] / pairs);
    }
}

/* gradient += a sign(x) + b x */
__kernel void penalty_gradient(__global const float *x, __global float *gradient, const long count, const long each,
                               const float a, const float b) {
    FOR_SPAN(i, count, each) {
        const bool whole = i + VECTOR <= i_end; /* a vector, else one by one */
        for (long j = i; j < (whole ? i + 1 : i_end); j++) {
            const FLOATV value = whole ? LOADV(x + j) : (FLOATV)(x[j]);
            FLOATV sum = whole ? LOADV(gradient + j) : (FLOATV)(gradient[j]);
            if (a != 0.0f) {
                sum += (FLOATV)(a) * SIGN(FLOATV, value);
            }
            if (b != 0.0f) {
                sum += (FLOATV)(b) * value;
            }
            if (whole) {
                STOREV(sum, gradient + j);
            } else {
                gradient[j] = sum.s0;
            }
        }
    }
}

/* ---- orthogonality: vectors i of `size`, each `length` floats `step` apart, the first at i * stride ---- */

/* inverse[i] = 1 / the length of vector i, at most `most`; n (size, length) = the vectors times that. */
__kernel void orthogonal_normalize(__global const float *x, __global float *work, const long inverse_offset,
                                   const int size, const int length, const long stride, const long step,
                                   const float most) {
    const int i = get_global_id(0);
    if (i >= size) {
        return;
    }
    float total = 0.0f, carry = 0.0f;
    for (int k = 0; k < length; k++) {
        const float value = x[i * stride + k * step];
        COMPENSATED(float, total, carry, value * value)
    }
    const float inverse = total > 0.0f ? fmin(1.0f / sqrt(total), most) : total < 0.0f || total == 0.0f ? most : total;
    work[inverse_offset + i] = inverse;
    for (int k = 0; k < length; k++) {
        work[(long)i * length + k] = x[i * stride + k * step] * inverse;
    }
}

/* Row i of the products (size, size): its sum of |product| without the diagonal; then the products' signs. */
__kernel void orthogonal_signs(__global float *work, const long product_offset, const long sums_offset,
                               const int size) {
    const int i = get_global_id(0);
    if (i >= size) {
        return;
    }
    __global float *row = work + product_offset + (long)i * size;
    float total = 0.0f, carry = 0.0f;
    for (int j = 0; j < size; j++) {
        const float product = j == i ? 0.0f : row[j];
        COMPENSATED(float, total, carry, fabs(product))
        row[j] = SIGN(float, product);
    }
    work[sums_offset + i] = total;
}

/* s (size, length) = signs * n, the gradient with respect to n but for `scale`; from it that of x, through the
 * normalisation: inverse (s - n (n . s)). */
__kernel void orthogonal_gradient(__global const float *work, __global float *gradient, const long inverse_offset,
                                  const long sum_offset, const int size, const int length, const long stride,
                                  const long step, const float most, const float scale) {
    const int i = get_global_id(0);
    if (i >= size) {
        return;
    }
    const float inverse = work[inverse_offset + i];
    __global const float *n = work + (long)i * length;
    __global const float *s = work + sum_offset + (long)i * length;
    float total = 0.0f, carry = 0.0f;
    for (int k = 0; k < length && inverse != most; k++) {
        COMPENSATED(float, total, carry, n[k] * s[k])
    }
    for (int k = 0; k < length; k++) {
        gradient[i * stride + k * step] += scale * inverse * (s[k] - n[k] * total);
    }
}
