/* train/gather.c: rows of an array as float32, and the order in which an epoch takes them.
 *
 * Keras shuffles the samples anew for each epoch; so does this, by a permutation that depends on the seed and the
 * number of the epoch alone, so that training which goes on from a checkpoint sees what it would have seen. */
#include "train/gather.h"

#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "weights/random.h"

#define CONVERT(type)                            \
    do {                                         \
        const type *from = (const type *)source; \
        for (int64_t i = 0; i < count; i++) {    \
            values[i] = (float)from[i];          \
        }                                        \
    } while (0)

static void convert(clayer_type type, const void *source, int64_t count, float *values) {
    switch (type) {
        case CLAYER_FLOAT32:
            memcpy(values, source, (size_t)count * sizeof(float));
            break;
        case CLAYER_FLOAT64:
            CONVERT(double);
            break;
        case CLAYER_FLOAT16:
            for (int64_t i = 0; i < count; i++) {
                values[i] = (float)cly_base_half_to_double(((const uint16_t *)source)[i]);
            }
            break;
        case CLAYER_INT8:
            CONVERT(int8_t);
            break;
        case CLAYER_INT16:
            CONVERT(int16_t);
            break;
        case CLAYER_INT32:
            CONVERT(int32_t);
            break;
        case CLAYER_INT64:
            CONVERT(int64_t);
            break;
        case CLAYER_UINT8:
            CONVERT(uint8_t);
            break;
        case CLAYER_UINT16:
            CONVERT(uint16_t);
            break;
        case CLAYER_UINT32:
            CONVERT(uint32_t);
            break;
        case CLAYER_UINT64:
            CONVERT(uint64_t);
            break;
        case CLAYER_BOOL:
            for (int64_t i = 0; i < count; i++) {
                values[i] = ((const uint8_t *)source)[i] != 0 ? 1.0f : 0.0f;
            }
            break;
    }
}

void cly_train_gather(const clayer_array *array, const int64_t *order, int64_t first, int64_t count, float *values) {
    const clayer_type type = clayer_array_get_type(array);
    const clayer_shape *shape = clayer_array_get_shape(array);
    const int64_t width = shape->dims[0] > 0 ? clayer_array_get_count(array) / shape->dims[0] : 0;
    const size_t row_bytes = (size_t)width * clayer_type_size(type);
    const char *data = clayer_array_get_const_data(array);
    if (order == NULL) {
        convert(type, data + (size_t)first * row_bytes, count * width, values);
        return;
    }
    for (int64_t r = 0; r < count; r++) {
        convert(type, data + (size_t)order[r] * row_bytes, width, values + r * width);
    }
}

void cly_train_permute(uint64_t seed, int64_t pass, int64_t *order, int64_t count) {
    cly_weights_stream stream = cly_weights_stream_from_seed(seed);
    uint32_t numbers[4] = {0};
    stream.counter[2] ^= (uint32_t)pass; /* each pass has a stream of its own */
    stream.counter[3] ^= (uint32_t)((uint64_t)pass >> 32);
    for (int64_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (int64_t i = count - 1; i > 0; i--) { /* Fisher and Yates */
        const int half = (int)(i % 2);
        if (half == 1 || i == count - 1) {
            cly_weights_next(&stream, numbers);
        }
        const uint64_t number = (uint64_t)numbers[2 * half] << 32 | numbers[2 * half + 1];
        const int64_t j = (int64_t)(number % ((uint64_t)i + 1));
        const int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
