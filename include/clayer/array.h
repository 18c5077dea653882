/* clayer/array.h: arrays in host memory, and the files they come from: NumPy's .npy and .npz, and IDX (MNIST).
 *
 * Ownership: the caller destroys what it creates or loads. Threads: one at a time per array. */
#ifndef CLAYER_ARRAY_H
#define CLAYER_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include <clayer/export.h>
#include <clayer/status.h>
#include <clayer/tensor.h>

CLAYER_BEGIN_DECLS

typedef enum clayer_type {
    CLAYER_FLOAT32 = 0,
    CLAYER_FLOAT64,
    CLAYER_FLOAT16,
    CLAYER_INT8,
    CLAYER_INT16,
    CLAYER_INT32,
    CLAYER_INT64,
    CLAYER_UINT8,
    CLAYER_UINT16,
    CLAYER_UINT32,
    CLAYER_UINT64,
    CLAYER_BOOL
} clayer_type;

/* The bytes of one element. */
CLAYER_API size_t clayer_type_size(clayer_type type);
/* NumPy's name: "float32". */
CLAYER_API const char *clayer_type_name(clayer_type type);

typedef struct clayer_array clayer_array;

/* A dense array, last axis fastest, native byte order, zeroed. rank 0 is one value; a dimension may be 0. */
CLAYER_API clayer_status clayer_array_create(clayer_type type, int rank, const int64_t *dims,
                                             clayer_array **array_out);
CLAYER_API void clayer_array_destroy(clayer_array *array);

/* What the array is: type, shape, the product of the dimensions, and its elements. */
CLAYER_API clayer_type clayer_array_get_type(const clayer_array *array);
CLAYER_API const clayer_shape *clayer_array_get_shape(const clayer_array *array); /* borrowed */
CLAYER_API int64_t clayer_array_get_count(const clayer_array *array);
CLAYER_API void *clayer_array_get_data(clayer_array *array); /* borrowed; count * clayer_type_size bytes */
CLAYER_API const void *clayer_array_get_const_data(const clayer_array *array);

/* A copy with every element converted as a C cast would (bool: != 0; from float to an integer it truncates). */
CLAYER_API clayer_status clayer_array_convert(const clayer_array *array, clayer_type type, clayer_array **array_out);

/* Reads a .npy (versions 1 to 3, C or Fortran order, either byte order) or an IDX file, plain or gzipped; told apart
 * by content. A .npz with exactly one member is read too. Errors: CLAYER_IO_ERROR, CLAYER_BAD_FILE (named).
 *
 * Values that lie in the file as they are in memory (a .npy in C order and native byte order, bools aside; an IDX file
 * of bytes that is not gzipped) are mapped, not read: they come from the disk as they are used and may exceed the
 * memory. Writing to them changes the array and never the file. Replacing the file by a rename, as every save here
 * does, leaves the array as it is; a program that overwrites or cuts it in place changes the array, or ends the process
 * (SIGBUS). */
CLAYER_API clayer_status clayer_array_load(const char *path, clayer_array **array_out);

/* Writes a .npy of version 1 through a temporary file and a rename, so that a failed save leaves the old file. */
CLAYER_API clayer_status clayer_array_save(const clayer_array *array, const char *path);

/* Several named arrays: a .npz. */
typedef struct clayer_archive clayer_archive;

/* An empty archive, and one from a file; members of another type than arrays are CLAYER_BAD_FILE. Members that are
 * stored without compression (numpy.savez) are mapped as by clayer_array_load, once their checksum was found right,
 * unless they lie in the file at an address that does not suit their type: these are copied. */
CLAYER_API clayer_status clayer_archive_create(clayer_archive **archive_out);
CLAYER_API clayer_status clayer_archive_load(const char *path, clayer_archive **archive_out);
/* Writes a compressed .npz, through a temporary file and a rename. */
CLAYER_API clayer_status clayer_archive_save(const clayer_archive *archive, const char *path);
CLAYER_API void clayer_archive_destroy(clayer_archive *archive);
CLAYER_API size_t clayer_archive_get_count(const clayer_archive *archive);
/* In the file's order; borrowed. NULL if index is out of range. */
CLAYER_API const char *clayer_archive_get_name(const clayer_archive *archive, size_t index);
CLAYER_API const clayer_array *clayer_archive_get_array(const clayer_archive *archive, size_t index);
/* NULL if there is none of that name. */
CLAYER_API const clayer_array *clayer_archive_find(const clayer_archive *archive, const char *name);
/* Adds a copy of `array`; a name that is there already is an error. */
CLAYER_API clayer_status clayer_archive_add(clayer_archive *archive, const char *name, const clayer_array *array);
/* Takes an array out of the archive, for the caller to destroy; the archive may be destroyed before it. */
CLAYER_API clayer_status clayer_archive_take(clayer_archive *archive, const char *name, clayer_array **array_out);

CLAYER_END_DECLS

#endif
