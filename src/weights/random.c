/* weights/random.c: Philox4x32-10 and the distributions on it, laid out as TensorFlow lays them out, so that a layer
 * with a seeded initializer starts with the weights that Keras 3 on TensorFlow gives it.
 *
 * Sources: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011) for the generator; TensorFlow's
 * stateless_random_ops.cc and random_distributions.h for the key, the mapping to floats and the places in the stream.
 *
 * Products and sums are rounded to float one by one through double (24 + 24 bits fit), because a compiler that fuses
 * a * b + c would change the last bit. */
#include "weights/random.h"

#include <math.h>
#include <string.h>

#define ROUNDS 10
#define TWO_PI 6.283185307179586f
#define TRUNCATED_AT 2.0f
/* TensorFlow reserves 256 numbers for each truncated value: groups of 4 values start 256 counters apart. */
#define COUNTERS_PER_GROUP 256

static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c[4], k[2];
    memcpy(c, counter, sizeof(c));
    memcpy(k, key, sizeof(k));
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0];
        uint64_t b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k[1],
                            (uint32_t)a};
        memcpy(c, next, sizeof(c));
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof(c));
}

/* The 128-bit counter plus n. */
static void skip(uint32_t counter[4], uint64_t n) {
    uint64_t low = (uint64_t)counter[1] << 32 | counter[0];
    uint64_t sum = low + n;
    counter[0] = (uint32_t)sum;
    counter[1] = (uint32_t)(sum >> 32);
    if (sum < low && ++counter[2] == 0) {
        counter[3]++;
    }
}

/* The seed is scrambled by one round of the generator itself, so that seeds 1, 2, 3 give unrelated streams. */
cly_weights_stream cly_weights_stream_from_seed(uint64_t seed) {
    const uint32_t key[2] = {0x3ec8f720u, 0x02461e29u};
    const uint32_t counter[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0, 0};
    uint32_t mixed[4];
    philox(counter, key, mixed);
    return (cly_weights_stream){.key = {mixed[0], mixed[1]}, .counter = {0, 0, mixed[2], mixed[3]}};
}

void cly_weights_next(cly_weights_stream *stream, uint32_t numbers_out[4]) {
    philox(stream->counter, stream->key, numbers_out);
    skip(stream->counter, 1);
}

/* 23 random bits as the mantissa of a number in [1, 2), less 1. */
static float unit_float(uint32_t bits) {
    uint32_t pattern = 0x3f800000u | (bits & 0x7fffffu);
    float value;
    memcpy(&value, &pattern, sizeof(value));
    return value - 1.0f;
}

static float scale_and_shift(float value, float scale, float shift) {
    float product = (float)((double)value * (double)scale);
    return (float)((double)product + (double)shift);
}

/* Two independent normal values. */
static void box_muller(uint32_t x0, uint32_t x1, float pair[2]) {
    float u = unit_float(x0);
    float angle = TWO_PI * unit_float(x1);
    float radius = sqrtf(-2.0f * logf(u < 1.0e-7f ? 1.0e-7f : u));
    pair[0] = sinf(angle) * radius;
    pair[1] = cosf(angle) * radius;
}

void cly_weights_uniform(cly_weights_stream stream, float low, float high, int64_t count, float *values) {
    float range = high - low;
    for (int64_t i = 0; i < count; i += 4) {
        uint32_t bits[4];
        philox(stream.counter, stream.key, bits);
        skip(stream.counter, 1);
        for (int64_t j = 0; j < 4 && i + j < count; j++) {
            values[i + j] = scale_and_shift(unit_float(bits[j]), range, low);
        }
    }
}

void cly_weights_normal(cly_weights_stream stream, float mean, float stddev, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i += 4) {
        uint32_t bits[4];
        float normal[4];
        philox(stream.counter, stream.key, bits);
        skip(stream.counter, 1);
        box_muller(bits[0], bits[1], normal);
        box_muller(bits[2], bits[3], normal + 2);
        for (int64_t j = 0; j < 4 && i + j < count; j++) {
            values[i + j] = scale_and_shift(normal[j], stddev, mean);
        }
    }
}

void cly_weights_truncated_normal(cly_weights_stream stream, float mean, float stddev, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i += 4) {
        uint32_t counter[4], bits[4];
        int64_t end = i + 4 < count ? i + 4 : count;
        int64_t place = i;
        memcpy(counter, stream.counter, sizeof(counter));
        for (int used = 4; place < end; used += 2) {
            float pair[2];
            if (used == 4) {
                philox(counter, stream.key, bits);
                skip(counter, 1);
                used = 0;
            }
            box_muller(bits[used], bits[used + 1], pair);
            for (int j = 0; j < 2 && place < end; j++) {
                if (fabsf(pair[j]) < TRUNCATED_AT) {
                    values[place++] = scale_and_shift(pair[j], stddev, mean);
                }
            }
        }
        skip(stream.counter, COUNTERS_PER_GROUP);
    }
}
