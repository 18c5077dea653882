/* contract.cl: y[n, r, c] = the sum over d of a[n, r, d] b[n, c, d], each index at i / low * high + i % low. Runs of
 * 64 products are added up plainly and the runs' sums with compensation. */

#define RUN 64

static long place(const long index, const long low, const long high) {
    return (long)((INDEX)index / (INDEX)low) * high + (long)((INDEX)index % (INDEX)low);
}

__kernel void contract_reference(__global const float *a, __global const float *b, __global float *y,
                                 const long count, const long rows, const long columns, const long depth,
                                 const long a_batch, const long b_batch, const long y_batch, const long a_row_low,
                                 const long a_row_high, const long a_depth_low, const long a_depth_high,
                                 const long b_column_low, const long b_column_high, const long b_depth_low,
                                 const long b_depth_high, const long y_row_low, const long y_row_high,
                                 const long y_column_low, const long y_column_high) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const long c = (long)((INDEX)i % (INDEX)columns), rest = (long)((INDEX)i / (INDEX)columns);
    const long r = (long)((INDEX)rest % (INDEX)rows), n = (long)((INDEX)rest / (INDEX)rows);
    __global const float *from_a = a + n * a_batch + place(r, a_row_low, a_row_high);
    __global const float *from_b = b + n * b_batch + place(c, b_column_low, b_column_high);
    float total = 0.0f, carry = 0.0f;
    for (long begin = 0; begin < depth; begin += RUN) {
        float sum = 0.0f;
        for (long d = begin; d < min(depth, begin + RUN); d++) {
            sum = fma(from_a[place(d, a_depth_low, a_depth_high)], from_b[place(d, b_depth_low, b_depth_high)], sum);
        }
        COMPENSATED(float, total, carry, sum)
    }
    y[n * y_batch + place(r, y_row_low, y_row_high) + place(c, y_column_low, y_column_high)] = total;
}
