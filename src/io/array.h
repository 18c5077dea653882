/* io/array.h: what the files about arrays share: the array itself, and NumPy's and IDX's formats in memory. */
#ifndef CLY_IO_ARRAY_H
#define CLY_IO_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/array.h>

#include "base/mapping.h"

struct clayer_array {
    clayer_type type;
    clayer_shape shape;
    int64_t count;          /* the product of shape.dims; 1 for rank 0 */
    void *data;             /* count elements: owned, or within `home` */
    cly_base_mapping *home; /* held, or NULL */
};

/* An array over elements that lie in a mapping, where they are: `data` suits the type's alignment and byte order. The
 * shape is one that cly_io_array_bytes accepts. */
clayer_status cly_io_array_borrow(clayer_type type, int rank, const int64_t *dims, void *data, cly_base_mapping *home,
                                  clayer_array **array_out);
/* Whether elements at `data` can be used where they are. */
bool cly_io_is_aligned(const void *data, clayer_type type);

/* The elements of a shape times the bytes of one; false when it exceeds what memory can hold. */
bool cly_io_array_bytes(clayer_type type, int rank, const int64_t *dims, int64_t *count_out, size_t *bytes_out);

/* Turns `count` elements of `size` bytes each from big-endian or little-endian to the other, in place. */
void cly_io_swap_bytes(void *data, size_t count, size_t size);
bool cly_io_is_big_endian(void);

/* A whole .npy in memory; `where` names it in messages. `home` is the mapping that the bytes lie in, which the array
 * then uses where it can; NULL: they are copied. The same below. */
clayer_status cly_io_npy_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_array **array_out);

/* The bytes that NumPy puts before the data of a C-ordered array, version 1.0; freed with free(). */
clayer_status cly_io_npy_header(const clayer_array *array, char **bytes_out, size_t *length_out);

/* An IDX file in memory, plain or gzipped. */
bool cly_io_is_idx(const void *bytes, size_t length);
clayer_status cly_io_idx_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_array **array_out);

/* The arrays of a .npz in memory. */
clayer_status cly_io_npz_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_archive **archive_out);

#endif
