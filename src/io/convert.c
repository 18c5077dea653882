/* io/convert.c: arrays from one element type to another, as NumPy's astype does where that is defined.
 *
 * Blocks are widened to double, int64_t or uint64_t and narrowed from there: every type is exact in one of the three,
 * so nothing is rounded twice. A float outside the range of an integer type gives the nearest end, NaN gives 0 (C and
 * NumPy leave both undefined); integers wrap. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "io/array.h"

#define BLOCK 512

typedef union wide {
    double floats[BLOCK];
    int64_t ints[BLOCK];
    uint64_t uints[BLOCK];
} wide;

typedef enum wide_kind { WIDE_FLOAT, WIDE_INT, WIDE_UINT } wide_kind;

/* ---- IEEE 754 half precision ---- */

/* Rounds to nearest, ties to even. */
static uint16_t double_to_half(double value) {
    unsigned sign = signbit(value) ? 0x8000u : 0u;
    double size = fabs(value);
    if (isnan(value)) {
        return (uint16_t)(sign | 0x7e00u);
    }
    if (size >= 65520.0) { /* halfway between the largest half and the next power of two */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (size < ldexp(1.0, -14)) { /* subnormal: the fraction counts steps of 2^-24; 1024 steps are the least normal */
        return (uint16_t)(sign | (unsigned)nearbyint(ldexp(size, 24)));
    }
    int exponent = 0;
    double fraction = frexp(size, &exponent);                  /* 0.5 <= fraction < 1 */
    unsigned steps = (unsigned)nearbyint(ldexp(fraction, 11)); /* 1024 .. 2048; 2048 carries into the exponent */
    return (uint16_t)(sign | (((unsigned)(exponent + 13) << 10) + steps));
}

/* ---- widening ---- */

#define WIDEN(type, member, cast)              \
    do {                                       \
        const type *from = source;             \
        for (size_t i = 0; i < count; i++) {   \
            target->member[i] = (cast)from[i]; \
        }                                      \
    } while (0)

static wide_kind widen(clayer_type type, const void *source, size_t count, wide *target) {
    switch (type) {
        case CLAYER_FLOAT32:
            WIDEN(float, floats, double);
            return WIDE_FLOAT;
        case CLAYER_FLOAT64:
            WIDEN(double, floats, double);
            return WIDE_FLOAT;
        case CLAYER_FLOAT16:
            for (size_t i = 0; i < count; i++) {
                target->floats[i] = cly_base_half_to_double(((const uint16_t *)source)[i]);
            }
            return WIDE_FLOAT;
        case CLAYER_INT8:
            WIDEN(int8_t, ints, int64_t);
            return WIDE_INT;
        case CLAYER_INT16:
            WIDEN(int16_t, ints, int64_t);
            return WIDE_INT;
        case CLAYER_INT32:
            WIDEN(int32_t, ints, int64_t);
            return WIDE_INT;
        case CLAYER_INT64:
            WIDEN(int64_t, ints, int64_t);
            return WIDE_INT;
        case CLAYER_UINT8:
            WIDEN(uint8_t, uints, uint64_t);
            return WIDE_UINT;
        case CLAYER_UINT16:
            WIDEN(uint16_t, uints, uint64_t);
            return WIDE_UINT;
        case CLAYER_UINT32:
            WIDEN(uint32_t, uints, uint64_t);
            return WIDE_UINT;
        case CLAYER_UINT64:
            WIDEN(uint64_t, uints, uint64_t);
            return WIDE_UINT;
        case CLAYER_BOOL:
            for (size_t i = 0; i < count; i++) {
                target->uints[i] = ((const uint8_t *)source)[i] != 0;
            }
            return WIDE_UINT;
    }
    return WIDE_UINT;
}

/* ---- narrowing ---- */

/* `low` and `past` are exact as doubles: values truncate into [low, past). */
#define NARROW_INT(type, low, past, last)                                                          \
    do {                                                                                           \
        type *to = target;                                                                         \
        for (size_t i = 0; i < count; i++) {                                                       \
            if (kind == WIDE_INT) {                                                                \
                to[i] = (type)source->ints[i];                                                     \
            } else if (kind == WIDE_UINT) {                                                        \
                to[i] = (type)source->uints[i];                                                    \
            } else {                                                                               \
                double value = trunc(source->floats[i]);                                           \
                if (value >= (past)) {                                                             \
                    to[i] = (last);                                                                \
                } else {                                                                           \
                    to[i] = value >= (low) ? (type)value : (isnan(value) ? (type)0 : (type)(low)); \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define NARROW_FLOAT(type)                       \
    do {                                         \
        type *to = target;                       \
        for (size_t i = 0; i < count; i++) {     \
            if (kind == WIDE_INT) {              \
                to[i] = (type)source->ints[i];   \
            } else if (kind == WIDE_UINT) {      \
                to[i] = (type)source->uints[i];  \
            } else {                             \
                to[i] = (type)source->floats[i]; \
            }                                    \
        }                                        \
    } while (0)

static double wide_as_double(const wide *source, wide_kind kind, size_t i) {
    if (kind == WIDE_FLOAT) {
        return source->floats[i];
    }
    return kind == WIDE_INT ? (double)source->ints[i] : (double)source->uints[i];
}

static void narrow_special(const wide *source, wide_kind kind, size_t count, clayer_type type, void *target) {
    for (size_t i = 0; i < count; i++) {
        double value = wide_as_double(source, kind, i);
        if (type == CLAYER_BOOL) {
            ((uint8_t *)target)[i] = value != 0.0;
        } else {
            ((uint16_t *)target)[i] = double_to_half(value);
        }
    }
}

static void narrow(const wide *source, wide_kind kind, size_t count, clayer_type type, void *target) {
    switch (type) {
        case CLAYER_FLOAT32:
            NARROW_FLOAT(float);
            break;
        case CLAYER_FLOAT64:
            NARROW_FLOAT(double);
            break;
        case CLAYER_INT8:
            NARROW_INT(int8_t, -128.0, 128.0, INT8_MAX);
            break;
        case CLAYER_INT16:
            NARROW_INT(int16_t, -32768.0, 32768.0, INT16_MAX);
            break;
        case CLAYER_INT32:
            NARROW_INT(int32_t, -2147483648.0, 2147483648.0, INT32_MAX);
            break;
        case CLAYER_INT64:
            NARROW_INT(int64_t, -0x1p63, 0x1p63, INT64_MAX);
            break;
        case CLAYER_UINT8:
            NARROW_INT(uint8_t, 0.0, 256.0, UINT8_MAX);
            break;
        case CLAYER_UINT16:
            NARROW_INT(uint16_t, 0.0, 65536.0, UINT16_MAX);
            break;
        case CLAYER_UINT32:
            NARROW_INT(uint32_t, 0.0, 4294967296.0, UINT32_MAX);
            break;
        case CLAYER_UINT64:
            NARROW_INT(uint64_t, 0.0, 0x1p64, UINT64_MAX);
            break;
        case CLAYER_FLOAT16:
        case CLAYER_BOOL:
            narrow_special(source, kind, count, type, target);
            break;
    }
}

clayer_status clayer_array_convert(const clayer_array *array, clayer_type type, clayer_array **array_out) {
    if (array == NULL || array_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_array_convert: array or array_out is NULL");
    }
    clayer_array *converted = NULL;
    clayer_status status = clayer_array_create(type, array->shape.rank, array->shape.dims, &converted);
    if (status != CLAYER_OK) {
        return status;
    }
    size_t from_size = clayer_type_size(array->type);
    size_t to_size = clayer_type_size(type);
    size_t count = (size_t)array->count;
    if (type == array->type) {
        memcpy(converted->data, array->data, count * to_size);
    } else {
        wide block;
        for (size_t done = 0; done < count; done += BLOCK) {
            size_t part = count - done < BLOCK ? count - done : BLOCK;
            wide_kind kind = widen(array->type, (const char *)array->data + done * from_size, part, &block);
            narrow(&block, kind, part, type, (char *)converted->data + done * to_size);
        }
    }
    *array_out = converted;
    return CLAYER_OK;
}
