/* io/npz.c: named arrays in a .npz, as numpy.load reads and numpy.savez_compressed writes it: a zip archive with a
 * member <name>.npy for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "io/array.h"
#include "io/io.h"

typedef struct member {
    char *name;
    clayer_array *array;
} member;

struct clayer_archive {
    member *members;
    size_t count, capacity;
};

clayer_status clayer_archive_create(clayer_archive **archive_out) {
    if (archive_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_archive_create: archive_out is NULL");
    }
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(clayer_archive), &memory);
    if (status == CLAYER_OK) {
        *archive_out = memory;
    }
    return status;
}

void clayer_archive_destroy(clayer_archive *archive) {
    if (archive != NULL) {
        for (size_t i = 0; i < archive->count; i++) {
            free(archive->members[i].name);
            clayer_array_destroy(archive->members[i].array);
        }
        free(archive->members);
        free(archive);
    }
}

size_t clayer_archive_get_count(const clayer_archive *archive) {
    return archive->count;
}

const char *clayer_archive_get_name(const clayer_archive *archive, size_t index) {
    return index < archive->count ? archive->members[index].name : NULL;
}

const clayer_array *clayer_archive_get_array(const clayer_archive *archive, size_t index) {
    return index < archive->count ? archive->members[index].array : NULL;
}

const clayer_array *clayer_archive_find(const clayer_archive *archive, const char *name) {
    for (size_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->members[i].name, name) == 0) {
            return archive->members[i].array;
        }
    }
    return NULL;
}

/* Takes `array` over when it succeeds. */
static clayer_status append(clayer_archive *archive, const char *name, size_t name_length, clayer_array *array) {
    void *copy = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_grow((void **)&archive->members, &archive->capacity, archive->count, sizeof(member)));
    CLY_TRY(cly_base_alloc(name_length + 1, 1, &copy));
    memcpy(copy, name, name_length);
    archive->members[archive->count++] = (member){.name = copy, .array = array};
done:
    return status;
}

clayer_status clayer_archive_add(clayer_archive *archive, const char *name, const clayer_array *array) {
    if (archive == NULL || name == NULL || array == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_archive_add: an argument is NULL");
    }
    if (clayer_archive_find(archive, name) != NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "archive: an array named '%s' is there already", name);
    }
    clayer_array *copy = NULL;
    clayer_status status = clayer_array_convert(array, array->type, &copy);
    if (status == CLAYER_OK) {
        status = append(archive, name, strlen(name), copy);
        if (status != CLAYER_OK) {
            clayer_array_destroy(copy);
        }
    }
    return status;
}

clayer_status clayer_archive_take(clayer_archive *archive, const char *name, clayer_array **array_out) {
    if (archive == NULL || name == NULL || array_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_archive_take: an argument is NULL");
    }
    for (size_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->members[i].name, name) == 0) {
            *array_out = archive->members[i].array;
            free(archive->members[i].name);
            archive->count--;
            memmove(&archive->members[i], &archive->members[i + 1], (archive->count - i) * sizeof(member));
            return CLAYER_OK;
        }
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "archive: there is no array named '%s'", name);
}

/* ---- reading ---- */

/* `file` is the mapping that the archive lies in, or NULL. A stored member stays there; the others are unpacked. */
static clayer_status read_member(cly_io_zip *zip, size_t index, cly_base_mapping *file, const char *where,
                                 clayer_archive *archive) {
    const char *name = cly_io_zip_get_name(zip, index);
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".npy") != 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' is no .npy", where, name);
    }
    void *bytes = NULL;
    const void *stored = NULL;
    size_t size = 0;
    clayer_array *array = NULL;
    clayer_status status = CLAYER_OK;
    if (file != NULL) {
        CLY_TRY(cly_io_zip_find_stored(zip, name, &stored, &size));
    }
    if (stored == NULL) {
        CLY_TRY(cly_io_zip_read(zip, name, 0, &bytes, &size));
    }
    char place[512];
    (void)snprintf(place, sizeof(place), "%s:%s", where, name);
    CLY_TRY(cly_io_npy_parse(stored != NULL ? stored : bytes, size, stored != NULL ? file : NULL, place, &array));
    CLY_TRY(append(archive, name, length - 4, array));
    array = NULL;
done:
    free(bytes);
    clayer_array_destroy(array);
    return status;
}

clayer_status cly_io_npz_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_archive **archive_out) {
    cly_io_zip *zip = NULL;
    clayer_archive *archive = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_zip_open_bytes(bytes, length, where, &zip));
    CLY_TRY(clayer_archive_create(&archive));
    for (size_t i = 0; i < cly_io_zip_get_count(zip); i++) {
        CLY_TRY(read_member(zip, i, home, where, archive));
    }
    *archive_out = archive;
    archive = NULL;
done:
    cly_io_zip_close(zip);
    clayer_archive_destroy(archive);
    return status;
}

clayer_status clayer_archive_load(const char *path, clayer_archive **archive_out) {
    if (path == NULL || archive_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_archive_load: path or archive_out is NULL");
    }
    cly_base_mapping *file = NULL;
    size_t length = 0;
    clayer_status status = cly_base_map_file(path, &file);
    if (status == CLAYER_OK) {
        const void *bytes = cly_base_mapping_bytes(file, &length);
        status = cly_io_npz_parse(bytes, length, file, path, archive_out);
    }
    cly_base_mapping_release(file);
    return status;
}

/* ---- writing: into memory first, so that the file is replaced as a whole ---- */

/* "<name>.npy" with its header, both of which the caller frees. */
static clayer_status describe_member(const member *from, cly_io_zip_member *to) {
    cly_base_text name = {0};
    char *header = NULL;
    clayer_status status = cly_base_text_add(&name, "%s.npy", from->name);
    to->name = name.chars;
    if (status == CLAYER_OK) {
        status = cly_io_npy_header(from->array, &header, &to->length);
    }
    to->bytes = header;
    to->more_bytes = from->array->data;
    to->more_length = (size_t)from->array->count * clayer_type_size(from->array->type);
    to->deflate = true;
    return status;
}

clayer_status clayer_archive_save(const clayer_archive *archive, const char *path) {
    if (archive == NULL || path == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_archive_save: archive or path is NULL");
    }
    cly_io_zip_member *members = NULL;
    void *memory = NULL, *bytes = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(archive->count, sizeof(*members), &memory));
    members = memory;
    for (size_t i = 0; i < archive->count; i++) {
        CLY_TRY(describe_member(&archive->members[i], &members[i]));
    }
    CLY_TRY(cly_io_zip_write(members, archive->count, &bytes, &length));
    CLY_TRY(cly_base_write_file(path, bytes, length));
done:
    for (size_t i = 0; members != NULL && i < archive->count; i++) {
        free((char *)(uintptr_t)members[i].name);
        free((char *)(uintptr_t)members[i].bytes);
    }
    free(members);
    free(bytes);
    return status;
}
