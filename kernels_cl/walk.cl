/* walk.cl: places of extreme values, products and running sums along the middle of (outer, axis, inner): a work-item
 * walks along one line. */

/* Where the line of work-item `item` begins. */
#define FIRST(item, axis, inner) \
    ((long)((INDEX)(item) / (INDEX)(inner)) * (axis) * (inner) + (long)((INDEX)(item) % (INDEX)(inner)))

/* The place of the first largest value, or with `smallest` of the smallest. */
__kernel void walk_extreme(__global const float *restrict x, __global float *restrict y, const long count,
                           const long axis, const long inner, const int smallest) {
    const long item = get_global_id(0);
    if (item >= count) {
        return;
    }
    __global const float *line = x + FIRST(item, axis, inner);
    float best = line[0];
    long place = 0;
    for (long i = 1; i < axis; i++) {
        const float value = line[i * inner];
        if (smallest ? value < best : value > best) {
            best = value;
            place = i;
        }
    }
    y[item] = (float)place;
}

__kernel void walk_product(__global const float *restrict x, __global float *restrict y, const long count,
                           const long axis, const long inner) {
    const long item = get_global_id(0);
    if (item >= count) {
        return;
    }
    __global const float *line = x + FIRST(item, axis, inner);
    float product = 1.0f;
    for (long i = 0; i < axis; i++) {
        product *= line[i * inner];
    }
    y[item] = product;
}

/* The products of those before, then of those behind. */
__kernel void walk_product_gradient(__global const float *restrict x, __global const float *restrict dy,
                                    __global float *restrict dx, const long count, const long axis, const long inner) {
    const long item = get_global_id(0);
    if (item >= count) {
        return;
    }
    const long first = FIRST(item, axis, inner);
    float product = dy[item];
    for (long i = 0; i < axis; i++) {
        dx[first + i * inner] = product;
        product *= x[first + i * inner];
    }
    product = 1.0f;
    for (long i = axis - 1; i >= 0; i--) {
        dx[first + i * inner] *= product;
        product *= x[first + i * inner];
    }
}

__kernel void walk_sum(__global const float *restrict x, __global float *restrict y, const long count, const long axis,
                       const long inner, const int back, const int exclusive) {
    const long item = get_global_id(0);
    if (item >= count) {
        return;
    }
    const long first = FIRST(item, axis, inner);
    float sum = 0.0f;
    for (long i = 0; i < axis; i++) {
        const long at = first + (back ? axis - 1 - i : i) * inner;
        const float value = x[at];
        y[at] = exclusive ? sum : sum + value;
        sum += value;
    }
}
