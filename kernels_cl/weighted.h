/* weighted.h: sums in slots, for losses and metrics, and where the weight of an entry lies. */

/* What slot `slot` of `slots` adds up of `count` things: `each` neighbouring ones, or every slots-th if `each` is 0. */
#define FOR_SLOT(k, count, slot, slots, each)                                                   \
    for (long k = (each) > 0 ? (slot) * (each) : (slot),                                        \
              k##_end = (each) > 0 ? min((long)(count), ((slot) + 1) * (each)) : (long)(count); \
         k < k##_end; k += (each) > 0 ? 1 : (slots))

/* `sizes` are the last three of the entries' shape, in y, z, w; `strides` are 0 along what has one weight. */
static long weight_at(const long entry, const int4 sizes, const int4 strides) {
    INDEX rest = (INDEX)entry;
    long at = (long)(rest % sizes.w) * strides.w;
    rest /= sizes.w;
    at += (long)(rest % sizes.z) * strides.z;
    rest /= sizes.z;
    at += (long)(rest % sizes.y) * strides.y;
    return at + (long)(rest / sizes.y) * strides.x;
}
