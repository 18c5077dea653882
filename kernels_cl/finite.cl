/* finite.cl: marks found[at] if x holds a NaN, found[at + 1] if it holds an infinity. Work-items that find one write
 * the same number, so their order does not matter. The bits are compared: a compiler may take it that floats are
 * finite, not that ints are. */

__kernel void finite_look(__global const float *x, const long count, const long each, __global int *found,
                          const long at) {
    bool nan = false, infinity = false;
    FOR_SPAN(i, count, each) {
        for (long j = i; j < min(i + VECTOR, i_end); j++) {
            const int bits = as_int(x[j]) & 0x7fffffff;
            nan = nan || bits > 0x7f800000;
            infinity = infinity || bits == 0x7f800000;
        }
    }
    if (nan) {
        found[at] = 1;
    }
    if (infinity) {
        found[at + 1] = 1;
    }
}
