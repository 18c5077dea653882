/* base/integer.h: what C lacks for whole numbers. No overflow is looked for: see cly_base_multiply. */
#ifndef CLY_BASE_INTEGER_H
#define CLY_BASE_INTEGER_H

#include <stdint.h>

/* a / b, rounded up; a >= 0, b > 0. */
static inline int64_t cly_base_divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static inline int64_t cly_base_smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t cly_base_larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The value, or the limit that it passes; `low` where the limits cross. */
static inline int64_t cly_base_clamp(int64_t value, int64_t low, int64_t high) {
    return cly_base_larger(cly_base_smaller(value, high), low);
}

#endif
