/* support/random.c: splitmix64 and what is made of it. */
#include "support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t test_seed(const char *suite) {
    const char *text = getenv("CLAYER_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    printf("%s: CLAYER_TEST_SEED=%" PRIu64 "\n", suite, seed);
    fflush(stdout);
    return seed;
}

int test_cases(int usual) {
    const char *text = getenv("CLAYER_TEST_CASES"), *most = getenv("CLAYER_TEST_MOST_CASES");
    if (text != NULL) {
        return atoi(text);
    }
    return most != NULL && atoi(most) < usual ? atoi(most) : usual;
}

test_random test_random_start(uint64_t seed, uint64_t index) {
    test_random random = {.state = seed};
    random.state = test_random_next(&random) ^ index * 0x9e3779b97f4a7c15u;
    test_random_next(&random);
    return random;
}

uint64_t test_random_next(test_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t test_random_int(test_random *random, int64_t low, int64_t high) {
    return low + (int64_t)(test_random_next(random) % (uint64_t)(high - low + 1));
}

bool test_random_chance(test_random *random, int percent) {
    return test_random_int(random, 0, 99) < percent;
}

float test_random_float(test_random *random, float low, float high) {
    return low + (high - low) * (float)(test_random_next(random) >> 40) / 16777216.0f;
}

float *test_random_floats(test_random *random, int64_t count, float low, float high) {
    float *values = malloc((size_t)count * sizeof(float) + 1);
    if (values == NULL) {
        abort();
    }
    for (int64_t i = 0; i < count; i++) {
        values[i] = test_random_float(random, low, high);
    }
    return values;
}
