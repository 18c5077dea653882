/* track.cl: what training adds up on the device from step to step, so that no step waits for the host. */

/* One work-item. values: the losses of `outputs` outputs, times `factors[i]`, and then the penalties, which are set
 * back to 0 for the next step. factors: for each output 1 / what its value was multiplied by, its loss weight, and 1
 * if its mean is weighted by the samples, else 0.
 * sums: for the whole loss and then for each output the sum of the batches' losses and of their weights.
 * bad: the first step whose loss is no finite number, counted from 1; 0: none. */
__kernel void track_losses(__global float *values, __global const float *factors, __global float *sums,
                           __global int *bad, const int outputs, const float samples, const int step) {
    if (get_global_id(0) != 0) {
        return;
    }
    float total = values[outputs];
    for (int i = 0; i < outputs; i++) {
        const float loss = values[i] * factors[3 * i];
        const float weight = factors[3 * i + 2] != 0.0f ? samples : 1.0f;
        total += loss * factors[3 * i + 1];
        sums[2 * i + 2] += loss * weight;
        sums[2 * i + 3] += weight;
    }
    sums[0] += total * samples;
    sums[1] += samples;
    if (!isfinite(total) && bad[0] == 0) {
        bad[0] = step;
    }
    values[outputs] = 0.0f;
}
