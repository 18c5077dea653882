/* dropout.cl: y = x * factor where a random number is at least `least`, else 0. Numbers are the upper 24 bits of words
 * of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), four words a counter. `stream`
 * is the key in x, y and the upper half of the counter in z, w. y may be x. */

static uint4 philox(const ulong block, const int4 stream) {
    uint4 c = (uint4)((uint)block, (uint)(block >> 32), (uint)stream.z, (uint)stream.w);
    uint2 key = (uint2)((uint)stream.x, (uint)stream.y);
    for (int round = 0; round < 10; round++) {
        c = (uint4)(mul_hi(0xCD9E8D57u, c.z) ^ c.y ^ key.x, 0xCD9E8D57u * c.z, mul_hi(0xD2511F53u, c.x) ^ c.w ^ key.y,
                    0xD2511F53u * c.x);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

static float4 kept(const float4 x, const ulong block, const int4 stream, const uint least, const float factor) {
    return (philox(block, stream) >> 8) >= (uint4)(least) ? x * factor : (float4)(0.0f);
}

/* A number an element. */
__kernel void dropout_vector(__global const float *x, __global float *y, const long count, const long each,
                             const int4 stream, const int least, const float factor) {
    FOR_SPAN(i, count, each) {
        for (long j = i; j < min(i + VECTOR, i_end); j += 4) {
            if (j + 4 <= i_end) {
                vstore4(kept(vload4(0, x + j), (ulong)j / 4, stream, (uint)least, factor), 0, y + j);
            } else {
                const uint4 words = philox((ulong)j / 4, stream) >> 8;
                y[j] = words.x >= (uint)least ? x[j] * factor : 0.0f;
                if (j + 1 < i_end) {
                    y[j + 1] = words.y >= (uint)least ? x[j + 1] * factor : 0.0f;
                }
                if (j + 2 < i_end) {
                    y[j + 2] = words.z >= (uint)least ? x[j + 2] * factor : 0.0f;
                }
            }
        }
    }
}

/* Elements of (outer, repeat, inner) share the number of (outer, inner). */
__kernel void dropout_reference(__global const float *x, __global float *y, const long count, const long repeat,
                                const long inner, const int4 stream, const int least, const float factor) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const INDEX at = (INDEX)i;
    const long number = (long)(at / (INDEX)inner / (INDEX)repeat) * inner + at % (INDEX)inner;
    const uint4 words = philox((ulong)number / 4, stream) >> 8;
    const int lane = (int)(number & 3);
    const uint2 pair = lane & 2 ? words.zw : words.xy;
    const uint word = lane & 1 ? pair.y : pair.x;
    y[i] = word >= (uint)least ? x[i] * factor : 0.0f;
}
