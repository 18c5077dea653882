/* draw.cl: random numbers for whole images, as they are or as matrices: src/ops/draw.h. An image a work-item. */

#include "philox.h"

/* The same numbers as cly_ops_draw_kind in src/ops/draw.h. */
#define DRAW_NUMBER 0
#define DRAW_FLIP 1
#define DRAW_ROTATION 2
#define DRAW_SHIFT 3
#define DRAW_ZOOM 4

/* The three numbers of a row of a matrix in x, y, z. */
typedef struct {
    float4 across, down;
} matrix;

/* ab: the image's two numbers; last: the last row and column. */
static matrix matrix_of(const int kind, const float2 ab, const float2 last, const float2 most) {
    matrix m = {(float4)(1.0f, 0.0f, 0.0f, 0.0f), (float4)(0.0f, 1.0f, 0.0f, 0.0f)};
    const float2 middle = last * 0.5f;
    if (kind == DRAW_FLIP) {
        m.across = ab.y <= 0.0f ? (float4)(-1.0f, 0.0f, last.y, 0.0f) : m.across;
        m.down = ab.x <= 0.0f ? (float4)(0.0f, -1.0f, last.x, 0.0f) : m.down;
    } else if (kind == DRAW_ROTATION) {
        const float c = cospi(2.0f * ab.x), s = sinpi(2.0f * ab.x);
        m.across = (float4)(c, -s, middle.y - c * middle.y + s * middle.x, 0.0f);
        m.down = (float4)(s, c, middle.x - s * middle.y - c * middle.x, 0.0f);
    } else if (kind == DRAW_SHIFT) {
        m.across.z = -ab.y * (last.y + 1.0f);
        m.down.z = -ab.x * (last.x + 1.0f);
    } else if (kind == DRAW_ZOOM) {
        m.across = (float4)(ab.y, 0.0f, middle.y * (1.0f - ab.y), 0.0f);
        m.down = (float4)(0.0f, ab.x, middle.x * (1.0f - ab.x), 0.0f);
    } else { /* the product may have been rounded up to the limit */
        m.across.z = fmin(floor(ab.y), most.y - 1.0f);
        m.down.z = fmin(floor(ab.x), most.x - 1.0f);
    }
    return m;
}

static matrix inverse_of(const matrix m) {
    const float area = m.across.x * m.down.y - m.across.y * m.down.x;
    matrix n = {(float4)(m.down.y / area, -m.across.y / area, 0.0f, 0.0f),
                (float4)(-m.down.x / area, m.across.x / area, 0.0f, 0.0f)};
    n.across.z = -(n.across.x * m.across.z + n.across.y * m.down.z);
    n.down.z = -(n.down.x * m.across.z + n.down.y * m.down.z);
    return n;
}

/* limits: low of a and b, then high; how: shared, together, inverse. */
__kernel void draw_reference(__global float *restrict y, const long count, const int kind, const int4 sizes,
                             const float4 limits, const int4 how, const int4 stream) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const uint4 words = philox(how.x ? 0 : (ulong)i, stream) >> 8;
    const float2 u = convert_float2(how.y ? words.xx : words.xy) * 5.9604644775390625e-8f; /* of 2^24 */
    const float2 ab = fma(u, limits.zw - limits.xy, limits.xy);
    if (kind == DRAW_NUMBER) {
        y[i] = ab.x;
        return;
    }
    matrix m = matrix_of(kind, ab, convert_float2(sizes.xy - 1), limits.zw);
    if (how.z) {
        m = inverse_of(m);
    }
    vstore3(m.across.xyz, 2 * i, y);
    vstore3(m.down.xyz, 2 * i + 1, y);
}
