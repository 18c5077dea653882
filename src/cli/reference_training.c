/* cli/reference_training.c: what layers do in training alone, in plain loops and double precision: statistics of a
 * batch, their gradients, dropout. */
#include <math.h>
#include <string.h>

#include "reference.h"

void reference_moments(int64_t outer, int64_t axis, int64_t inner, const float *x, double *mean, double *variance) {
    const int64_t count = outer * inner;
    reference_sum(outer, axis, inner, x, mean);
    memset(variance, 0, (size_t)axis * sizeof(double));
    for (int64_t c = 0; c < axis; c++) {
        mean[c] /= (double)count;
    }
    for (int64_t i = 0; i < count * axis; i++) {
        const int64_t c = i / inner % axis;
        variance[c] += ((double)x[i] - mean[c]) * ((double)x[i] - mean[c]) / (double)count;
    }
}

/* One channel: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, where mean and variance may be functions of x.
 */
static void batch_norm_channel(int64_t outer, int64_t axis, int64_t inner, int64_t c, double epsilon, const float *x,
                               double gamma, double mean, double variance, bool own, const float *dy, double *dx,
                               double *dgamma, double *dbeta) {
    const double count = (double)(outer * inner), scale = 1 / sqrt(variance + epsilon);
    *dgamma = *dbeta = 0;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = (o * axis + c) * inner; i < (o * axis + c + 1) * inner; i++) {
            *dgamma += (double)dy[i] * ((double)x[i] - mean) * scale;
            *dbeta += (double)dy[i];
        }
    }
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = (o * axis + c) * inner; i < (o * axis + c + 1) * inner; i++) {
            const double through = own ? (*dbeta + ((double)x[i] - mean) * scale * *dgamma) / count : 0;
            dx[i] = gamma * scale * ((double)dy[i] - through);
        }
    }
}

void reference_batch_norm_gradient(int64_t outer, int64_t axis, int64_t inner, double epsilon, const float *x,
                                   const float *gamma, const float *mean, const float *variance, const float *dy,
                                   double *dx, double *dgamma, double *dbeta) {
    const bool own = mean == NULL || variance == NULL;
    if (own) {
        reference_moments(outer, axis, inner, x, dgamma, dbeta);
    }
    for (int64_t c = 0; c < axis; c++) {
        const double centre = own ? dgamma[c] : (double)mean[c], spread = own ? dbeta[c] : (double)variance[c];
        batch_norm_channel(outer, axis, inner, c, epsilon, x, gamma != NULL ? (double)gamma[c] : 1, centre, spread, own,
                           dy, dx, &dgamma[c], &dbeta[c]);
    }
}

/* Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). */
static uint32_t philox_word(uint64_t seed, uint64_t block, uint64_t step, int word) {
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)step, (uint32_t)(step >> 32)};
    for (int round = 0; round < 10; round++) {
        const uint64_t a = UINT64_C(0xD2511F53) * c[0], b = UINT64_C(0xCD9E8D57) * c[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ key[1],
                                  (uint32_t)a};
        memcpy(c, next, sizeof(c));
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c[word];
}

double reference_uniform(uint64_t seed, uint64_t block, uint64_t step, int word) {
    return (double)(philox_word(seed, block, step, word) >> 8) / 16777216;
}

void reference_dropout(int64_t outer, int64_t repeat, int64_t inner, double rate, uint64_t seed, uint64_t step,
                       const float *x, double *y) {
    for (int64_t i = 0; i < outer * repeat * inner; i++) {
        const uint64_t number = (uint64_t)(i / inner / repeat * inner + i % inner);
        const double uniform = reference_uniform(seed, number / 4, step, (int)(number % 4));
        y[i] = uniform >= rate ? (double)x[i] / (1 - rate) : 0;
    }
}

void reference_noise(int64_t count, double stddev, bool multiplies, uint64_t seed, uint64_t step, const float *x,
                     double *y) {
    for (int64_t i = 0; i < count; i++) {
        const int word = (int)(i % 4) / 2 * 2;
        const double u = (double)(philox_word(seed, (uint64_t)i / 4, step, word) >> 8) + 1;
        const double v = (double)(philox_word(seed, (uint64_t)i / 4, step, word + 1) >> 8);
        const double radius = sqrt(-2 * log(u / 16777216)), angle = v / 16777216 * 6.283185307179586;
        const double n = stddev * radius * (i % 2 == 0 ? cos(angle) : sin(angle));
        y[i] = multiplies ? (double)x[i] * (1 + n) : (double)x[i] + n;
    }
}
