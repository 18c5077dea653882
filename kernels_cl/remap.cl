/* remap.cl: one axis read in steps, or over its edges: y[o, i, n] = x[o, first + i * step, n], and the gradient of
 * that. An element a work-item. */

/* The same numbers as cly_ops_edge in src/ops/remap.h. */
#define EDGE_FILL 0
#define EDGE_REFLECT 1
#define EDGE_SYMMETRIC 2

__kernel void remap_reference(__global const float *restrict x, __global float *restrict y, const long count,
                              const long in, const long out, const long inner, const long first, const long step,
                              const int edge, const float fill) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const long outer = (long)(pixel / (INDEX)out);
    const long repeat = edge == EDGE_SYMMETRIC ? 1 : 0; /* how often an edge is seen more than when reflected */
    long from = first + (long)(pixel % (INDEX)out) * step;
    if (edge != EDGE_FILL) {
        from = from < 0 ? -from - repeat : from;
        from = from >= in ? 2 * (in - 1) - from + repeat : from;
    }
    const bool inside = from >= 0 && from < in;
    y[i] = inside ? x[(outer * in + from) * inner + (long)((INDEX)i % (INDEX)inner)] : fill;
}

/* The position in y that looks at `at`, where it lies on the line that goes on over the edges; its gradient, or 0. */
static float gradient_of(__global const float *restrict line, const long at, const long out, const long inner,
                         const long first, const long step) {
    const long o = (at - first) / step;
    return o >= 0 && o < out && first + o * step == at ? line[o * inner] : 0.0f;
}

__kernel void remap_gradient_reference(__global const float *restrict dy, __global float *restrict dx,
                                       const long count, const long in, const long out, const long inner,
                                       const long first, const long step, const int edge, const float fill) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX pixel = (INDEX)i / (INDEX)inner;
    const long at = (long)(pixel % (INDEX)in);
    const long repeat = edge == EDGE_SYMMETRIC ? 1 : 0;
    __global const float *line = dy + (long)(pixel / (INDEX)in) * out * inner + (long)((INDEX)i % (INDEX)inner);
    float sum = gradient_of(line, at, out, inner, first, step);
    if (edge != EDGE_FILL && at + repeat > 0) {
        sum += gradient_of(line, -at - repeat, out, inner, first, step);
    }
    if (edge != EDGE_FILL && at < in - 1 + repeat) {
        sum += gradient_of(line, 2 * (in - 1) - at + repeat, out, inner, first, step);
    }
    dx[i] = sum;
}
