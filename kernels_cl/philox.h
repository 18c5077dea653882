/* philox.h: random numbers of a counter: four words of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", 2011). `stream` is the key in x, y and the upper half of the counter in z, w; `block` its lower half. */

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
