/* support/random.h: random cases that can be had again: the seed is printed and taken from CLAYER_TEST_SEED. */
#ifndef CLY_TEST_RANDOM_H
#define CLY_TEST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test_random {
    uint64_t state;
} test_random;

/* CLAYER_TEST_SEED, else the clock; printed as "suite: CLAYER_TEST_SEED=..." on standard output. */
uint64_t test_seed(const char *suite);

/* CLAYER_TEST_CASES, else `usual`, of which CLAYER_TEST_MOST_CASES leaves so many at most. */
int test_cases(int usual);

/* The generator of the index-th case: each case can be made without those before it. */
test_random test_random_start(uint64_t seed, uint64_t index);

uint64_t test_random_next(test_random *random);
int64_t test_random_int(test_random *random, int64_t low, int64_t high); /* both inclusive */
bool test_random_chance(test_random *random, int percent);
float test_random_float(test_random *random, float low, float high);

/* `count` floats in [low, high), allocated; the test ends without memory. */
float *test_random_floats(test_random *random, int64_t count, float low, float high);

#endif
