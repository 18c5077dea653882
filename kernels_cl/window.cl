/* window.cl: zero padding and cropping of (outer, three axes, inner): y[o] = x[o - before] where that lies inside. */

/* Rows of y are out.z * inner floats. [first, last) of a row come from x, `shift` floats further on than in y; the rest
 * is zero, as are rows whose own position lies outside. */
__kernel void window_vector(__global const float *x, __global float *y, const long rows, const int4 split,
                            const int4 in, const int4 out, const int4 before, const int width, const int x_width,
                            const int first, const int last, const int shift) {
    FOR_ROWS(row, rows, split) {
        const INDEX at = (INDEX)row;
        const int oh = (int)(at % out.y);
        const int od = (int)(at / out.y % out.x);
        const int ih = oh - before.y;
        const int id = od - before.x;
        const bool inside = ih >= 0 && ih < in.y && id >= 0 && id < in.x;
        const long x_row = ((long)(at / out.y / out.x) * in.x + id) * in.y + ih;
        __global const float *from = x + (inside ? x_row * x_width + shift : 0);
        __global float *to = y + row * width;
        const int begin = inside ? first : width;
        const int end = inside ? last : width;
        FOR_COLUMNS(i, width) {
            if (i >= begin && i + VECTOR <= end) {
                STOREV(LOADV(from + i), to + i);
            } else if (i + VECTOR <= width && (i + VECTOR <= begin || i >= end)) {
                STOREV((FLOATV)(0.0f), to + i);
            } else {
                for (int j = i; j < min(i + VECTOR, width); j++) {
                    to[j] = j >= begin && j < end ? from[j] : 0.0f;
                }
            }
        }
    }
}

__kernel void window_reference(__global const float *x, __global float *y, const long count, const int4 in,
                               const int4 out, const int4 before, const long inner) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const int iw = (int)(pixel % out.z) - before.z;
    const int ih = (int)(pixel / out.z % out.y) - before.y;
    const int id = (int)(pixel / out.z / out.y % out.x) - before.x;
    const long outer = pixel / out.z / out.y / out.x;
    const bool inside = iw >= 0 && iw < in.z && ih >= 0 && ih < in.y && id >= 0 && id < in.x;
    y[i] = inside ? x[(((outer * in.x + id) * in.y + ih) * in.z + iw) * inner + (INDEX)i % (INDEX)inner] : 0.0f;
}
