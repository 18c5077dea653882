/* base/memory.h: host memory, growing arrays, sizes that must not overflow. */
#ifndef CLY_BASE_MEMORY_H
#define CLY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/status.h>

/* Zeroed memory for `count` things of `size` bytes; CLAYER_OUT_OF_MEMORY names the bytes. count 0 gives one byte, so
 * that NULL always means "none". Freed with free(). */
clayer_status cly_base_alloc(size_t count, size_t size, void **memory_out);

/* A copy of `text`; NULL stays NULL. */
clayer_status cly_base_copy_string(const char *text, char **copy_out);

/* Makes room for one more item: *items holds `count` of `item_size` bytes, *capacity is doubled when full. */
clayer_status cly_base_grow(void **items, size_t *capacity, size_t count, size_t item_size);

/* *product *= factor; false and untouched when it would leave 0 .. INT64_MAX. */
bool cly_base_multiply(int64_t *product, int64_t factor);

#define CLY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
