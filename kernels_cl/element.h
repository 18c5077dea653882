/* element.h: where an element of a tensor lies in a smaller one that repeats along some axes. */

/* Where element i of y lies in an operand: y's sizes, last axis first, in low.s0 .. high.s3; bit d of `repeats`: the
 * operand has one element along that axis. */
static long find_element(const long i, const int4 low, const int4 high, const int repeats) {
    const int sizes[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    INDEX rest = (INDEX)i;
    long index = 0, stride = 1;
#pragma unroll
    for (int axis = 0; axis < 8; axis++) {
        if (!(repeats >> axis & 1)) {
            index += (long)(rest % sizes[axis]) * stride;
            stride *= sizes[axis];
        }
        rest /= sizes[axis];
    }
    return index;
}
