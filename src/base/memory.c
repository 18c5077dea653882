/* base/memory.c: host memory whose failure is reported, growing arrays, products that must not overflow. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

clayer_status cly_base_alloc(size_t count, size_t size, void **memory_out) {
    size_t items = count == 0 ? 1 : count, each = size == 0 ? 1 : size;
    void *memory = items <= PTRDIFF_MAX / each ? calloc(items, each) : NULL;
    if (memory == NULL) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for %zu x %zu bytes", count, size);
    }
    *memory_out = memory;
    return CLAYER_OK;
}

clayer_status cly_base_copy_string(const char *text, char **copy_out) {
    if (text == NULL) {
        *copy_out = NULL;
        return CLAYER_OK;
    }
    size_t bytes = strlen(text) + 1;
    void *copy = NULL;
    clayer_status status = cly_base_alloc(bytes, 1, &copy);
    if (status == CLAYER_OK) {
        memcpy(copy, text, bytes);
        *copy_out = copy;
    }
    return status;
}

clayer_status cly_base_grow(void **items, size_t *capacity, size_t count, size_t item_size) {
    if (count < *capacity) {
        return CLAYER_OK;
    }
    size_t wanted = *capacity < 4 ? 8 : *capacity * 2;
    if (wanted <= count || item_size == 0 || wanted > SIZE_MAX / item_size) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for %zu x %zu bytes", count + 1, item_size);
    }
    void *grown = realloc(*items, wanted * item_size);
    if (grown == NULL) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for %zu x %zu bytes", wanted, item_size);
    }
    memset((char *)grown + *capacity * item_size, 0, (wanted - *capacity) * item_size);
    *items = grown;
    *capacity = wanted;
    return CLAYER_OK;
}

bool cly_base_multiply(int64_t *product, int64_t factor) {
    if (*product < 0 || factor < 0 || (factor != 0 && *product > INT64_MAX / factor)) {
        return false;
    }
    *product *= factor;
    return true;
}
