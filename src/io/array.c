/* io/array.c: arrays in host memory, and the one way of loading them, which tells formats apart by content. */
#include "io/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/path.h"

static const struct {
    size_t size;
    const char *name;
} types[] = {
    [CLAYER_FLOAT32] = {4, "float32"}, [CLAYER_FLOAT64] = {8, "float64"}, [CLAYER_FLOAT16] = {2, "float16"},
    [CLAYER_INT8] = {1, "int8"},       [CLAYER_INT16] = {2, "int16"},     [CLAYER_INT32] = {4, "int32"},
    [CLAYER_INT64] = {8, "int64"},     [CLAYER_UINT8] = {1, "uint8"},     [CLAYER_UINT16] = {2, "uint16"},
    [CLAYER_UINT32] = {4, "uint32"},   [CLAYER_UINT64] = {8, "uint64"},   [CLAYER_BOOL] = {1, "bool"},
};

static bool is_type(clayer_type type) {
    return (size_t)type < CLY_COUNT(types);
}

size_t clayer_type_size(clayer_type type) {
    return is_type(type) ? types[type].size : 0;
}

const char *clayer_type_name(clayer_type type) {
    return is_type(type) ? types[type].name : "unknown";
}

bool cly_io_array_bytes(clayer_type type, int rank, const int64_t *dims, int64_t *count_out, size_t *bytes_out) {
    int64_t count = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        empty = empty || dims[i] == 0;
    }
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0 || (!empty && !cly_base_multiply(&count, dims[i]))) {
            return false;
        }
    }
    count = empty ? 0 : count;
    int64_t bytes = count;
    if (!cly_base_multiply(&bytes, (int64_t)clayer_type_size(type)) || (uint64_t)bytes > SIZE_MAX / 2) {
        return false;
    }
    *count_out = count;
    *bytes_out = (size_t)bytes;
    return true;
}

clayer_status clayer_array_create(clayer_type type, int rank, const int64_t *dims, clayer_array **array_out) {
    clayer_array *array = NULL;
    clayer_status status = CLAYER_OK;
    if (array_out == NULL || !is_type(type) || (rank > 0 && dims == NULL)) {
        return cly_base_fail(
            CLAYER_INVALID_ARGUMENT, "clayer_array_create: %s",
            array_out == NULL ? "array_out is NULL" : (!is_type(type) ? "unknown type" : "dims is NULL"));
    }
    if (rank < 0 || rank > CLAYER_MAX_RANK) {
        return cly_base_fail(CLAYER_INVALID_SHAPE, "array: rank %d is outside 0 to %d", rank, CLAYER_MAX_RANK);
    }
    size_t bytes = 0;
    CLY_TRY(cly_base_alloc(1, sizeof(*array), (void **)&array));
    if (!cly_io_array_bytes(type, rank, dims, &array->count, &bytes)) {
        status = cly_base_fail(CLAYER_INVALID_SHAPE, "array: a dimension is negative or the size overflows");
        goto done;
    }
    array->type = type;
    array->shape.rank = rank;
    for (int i = 0; i < rank; i++) {
        array->shape.dims[i] = dims[i];
    }
    CLY_TRY(cly_base_alloc(bytes, 1, &array->data));
    *array_out = array;
    array = NULL;
done:
    clayer_array_destroy(array);
    return status;
}

clayer_status cly_io_array_borrow(clayer_type type, int rank, const int64_t *dims, void *data, cly_base_mapping *home,
                                  clayer_array **array_out) {
    clayer_array *array = NULL;
    size_t bytes = 0;
    clayer_status status = cly_base_alloc(1, sizeof(*array), (void **)&array);
    if (status != CLAYER_OK) {
        return status;
    }
    (void)cly_io_array_bytes(type, rank, dims, &array->count, &bytes);
    array->type = type;
    array->shape.rank = rank;
    memcpy(array->shape.dims, dims, (size_t)rank * sizeof(*dims));
    array->data = data;
    array->home = home;
    cly_base_mapping_retain(home);
    *array_out = array;
    return CLAYER_OK;
}

bool cly_io_is_aligned(const void *data, clayer_type type) {
    return (uintptr_t)data % clayer_type_size(type) == 0;
}

void clayer_array_destroy(clayer_array *array) {
    if (array != NULL) {
        if (array->home == NULL) {
            free(array->data);
        }
        cly_base_mapping_release(array->home);
        free(array);
    }
}

clayer_type clayer_array_get_type(const clayer_array *array) {
    return array->type;
}

const clayer_shape *clayer_array_get_shape(const clayer_array *array) {
    return &array->shape;
}

int64_t clayer_array_get_count(const clayer_array *array) {
    return array->count;
}

void *clayer_array_get_data(clayer_array *array) {
    return array->data;
}

const void *clayer_array_get_const_data(const clayer_array *array) {
    return array->data;
}

bool cly_io_is_big_endian(void) {
    const uint16_t probe = 1;
    unsigned char first = 0;
    memcpy(&first, &probe, 1);
    return first == 0;
}

void cly_io_swap_bytes(void *data, size_t count, size_t size) {
    unsigned char *bytes = data;
    for (size_t i = 0; size > 1 && i < count; i++, bytes += size) {
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            unsigned char kept = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = kept;
        }
    }
}

/* The array of a .npz that has one only; the archive gives it up. */
static clayer_status load_single(const void *bytes, size_t length, cly_base_mapping *home, const char *path,
                                 clayer_array **array_out) {
    clayer_archive *archive = NULL;
    clayer_status status = cly_io_npz_parse(bytes, length, home, path, &archive);
    if (status != CLAYER_OK) {
        return status;
    }
    size_t count = clayer_archive_get_count(archive);
    if (count == 1) {
        status = clayer_archive_take(archive, clayer_archive_get_name(archive, 0), array_out);
    } else {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': a .npz with %zu arrays where one is wanted", path, count);
    }
    clayer_archive_destroy(archive);
    return status;
}

clayer_status clayer_array_load(const char *path, clayer_array **array_out) {
    cly_base_mapping *home = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    if (path == NULL || array_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_array_load: path or array_out is NULL");
    }
    CLY_TRY(cly_base_map_file(path, &home));
    const void *bytes = cly_base_mapping_bytes(home, &length);
    if (length >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        CLY_TRY(cly_io_npy_parse(bytes, length, home, path, array_out));
    } else if (length >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0)) {
        CLY_TRY(load_single(bytes, length, home, path, array_out));
    } else if (cly_io_is_idx(bytes, length)) {
        CLY_TRY(cly_io_idx_parse(bytes, length, home, path, array_out));
    } else {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s' is %s", path,
                               length == 0 ? "empty" : "neither a .npy, nor a .npz, nor an IDX file");
    }
done:
    cly_base_mapping_release(home);
    return status;
}

clayer_status clayer_array_save(const clayer_array *array, const char *path) {
    char *header = NULL;
    void *block = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    if (array == NULL || path == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_array_save: array or path is NULL");
    }
    size_t bytes = (size_t)array->count * clayer_type_size(array->type);
    CLY_TRY(cly_io_npy_header(array, &header, &length));
    CLY_TRY(cly_base_alloc(length + bytes, 1, &block));
    memcpy(block, header, length);
    memcpy((char *)block + length, array->data, bytes);
    CLY_TRY(cly_base_write_file(path, block, length + bytes));
done:
    free(header);
    free(block);
    return status;
}
