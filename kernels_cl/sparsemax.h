/* sparsemax.h: the support of sparsemax, for its forward and backward kernel. */

/* How many values of a run support the result, and the limit that they lie above, both of values less `largest`. Found
 * without sorting: from the mean of all values downwards, those at or below it leave and the mean is taken anew, until
 * none leaves (Michelot). */
static int sparsemax_support(__global const float *x, const int axis, const long step, const float largest,
                             float *limit_out) {
    float limit = -INFINITY;
    int support = 0, before = -1;
    while (support != before) {
        before = support;
        support = 0;
        float sum = 0.0f;
        for (int i = 0; i < axis; i++) {
            const float value = x[i * step] - largest;
            if (value > limit) {
                sum += value;
                support++;
            }
        }
        limit = support > 0 ? (sum - 1.0f) / (float)support : limit;
    }
    *limit_out = limit;
    return support;
}

/* How many values lie before the i-th in descending order; of equal ones the first comes first. */
static int sparsemax_place(__global const float *x, const int axis, const long step, const int i) {
    const float value = x[i * step];
    int place = 0;
    for (int j = 0; j < axis; j++) {
        const float other = x[j * step];
        place += other > value || (other == value && j < i);
    }
    return place;
}

/* What is taken from every value: a value of the support stands in the running sums from its own place in the order to
 * the last. */
static float sparsemax_tau(__global const float *x, const int axis, const long step, const float largest,
                           const float limit, const int support) {
    float sums = 0.0f;
    for (int i = 0; i < axis; i++) {
        const float value = x[i * step];
        if (value - largest > limit) {
            sums += value * (float)(support - sparsemax_place(x, axis, step, i));
        }
    }
    return (sums - 1.0f) / (float)support;
}
