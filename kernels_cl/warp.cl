/* warp.cl: images through matrices: src/ops/warp.h. A pixel of y with all its channels a work-item. */

/* The same numbers as cly_ops_fill in src/ops/warp.h. */
#define FILL_REFLECT 0
#define FILL_CONSTANT 1
#define FILL_WRAP 2

/* floor(a / b) of a >= 0: a device's division may be off by its last bits, which matters beside whole numbers. */
static float quotient(const float a, const float b) {
    const float q = floor(a / b), rest = fma(-q, b, a);
    return rest < 0.0f ? q - 1.0f : (rest >= b ? q + 1.0f : q);
}

/* The place in the line that stands for `at`, step by step as TensorFlow's MapCoordinate finds it. */
static float place_in(float at, const int size, const int mode) {
    const float length = (float)size, last = length - 1.0f;
    if (mode == FILL_CONSTANT) {
        return at;
    }
    if (mode == FILL_REFLECT && size > 1) {
        const float both = 2.0f * length;
        if (at < 0.0f) {
            at = fma(both, quotient(-at, both), at);
            at = at < -length ? at + both : -at - 1.0f;
        } else if (at > last) {
            at = fma(-both, quotient(at, both), at);
            at = at >= length ? both - at - 1.0f : at;
        }
    } else if (mode == FILL_WRAP && size > 1) {
        if (at < 0.0f) {
            at = fma(length, quotient(-at, last) + 1.0f, at);
        } else if (at > last) {
            at = fma(-length, quotient(at, last), at);
        }
    }
    return clamp(at, 0.0f, last);
}

/* pixel: floats from one to the next; sizes: rows and columns. */
static float look(__global const float *restrict x, const int row, const int column, const int2 sizes, const long pixel,
                  const float fill) {
    const bool inside = row >= 0 && row < sizes.x && column >= 0 && column < sizes.y;
    return inside ? x[((long)row * sizes.y + column) * pixel] : fill;
}

static float mixed(__global const float *restrict x, const float row, const float column, const int2 sizes,
                   const long pixel, const float fill) {
    const float up = floor(row), left = floor(column);
    const int r = convert_int_sat(up), s = convert_int_sat(up + 1.0f);
    const int c = convert_int_sat(left), d = convert_int_sat(left + 1.0f);
    const float across = column - left, rest = left + 1.0f - column;
    const float above = fma(rest, look(x, r, c, sizes, pixel, fill), across * look(x, r, d, sizes, pixel, fill));
    const float below = fma(rest, look(x, s, c, sizes, pixel, fill), across * look(x, s, d, sizes, pixel, fill));
    return fma(up + 1.0f - row, above, (row - up) * below);
}

/* sizes: rows and columns of x, then of y. */
__kernel void warp_reference(__global const float *restrict x, __global const float *restrict matrices,
                             __global float *restrict y, const long count, const int4 sizes, const int channels,
                             const int channels_first, const int bilinear, const int fill_mode, const float fill) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX at = (INDEX)i;
    const long image = (long)(at / sizes.w / sizes.z);
    const float r = (float)(int)(at / sizes.w % sizes.z), c = (float)(int)(at % sizes.w);
    const float3 across = vload3(2 * image, matrices), down = vload3(2 * image + 1, matrices);
    const float column = place_in(fma(across.x, c, fma(across.y, r, across.z)), sizes.y, fill_mode);
    const float row = place_in(fma(down.x, c, fma(down.y, r, down.z)), sizes.x, fill_mode);
    const long x_area = (long)sizes.x * sizes.y, y_area = (long)sizes.z * sizes.w;
    const long pixel = channels_first ? 1 : channels;
    __global const float *from = x + image * x_area * channels;
    __global float *to = y + image * y_area * channels + (i - image * y_area) * pixel;
    for (int channel = 0; channel < channels; channel++) {
        *to = bilinear ? mixed(from, row, column, sizes.xy, pixel, fill)
                       : look(from, convert_int_sat(round(row)), convert_int_sat(round(column)), sizes.xy, pixel, fill);
        from += channels_first ? x_area : 1;
        to += channels_first ? y_area : 1;
    }
}
