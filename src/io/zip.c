/* io/zip.c: members of zip archives (.keras, .npz), read whole through libzip, and new archives in memory.
 *
 * What a member says about itself is not believed: its size is held against a limit and against what deflate can do
 * before memory is taken, and libzip compares its checksum when the last byte is read. Of stored members in an archive
 * in memory it can also be said where they lie, which libzip does not tell. */
#include <stdlib.h>
#include <string.h>
#include <zip.h>
#include <zlib.h>

#include "base/memory.h"
#include "io/io.h"

/* Deflate cannot shrink data by more than this. */
#define DEFLATE_RATIO 1032
/* More members than any model or .npz has; libzip takes memory for each. */
#define MEMBER_LIMIT 1000000

struct cly_io_zip {
    zip_t *archive;
    char *where;
    size_t count;
    const unsigned char *bytes; /* of an archive in memory, borrowed; NULL otherwise */
    size_t length;
};

static clayer_status fail_zip(const char *where, zip_error_t *error) {
    clayer_status status = CLAYER_BAD_FILE;
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY) {
        status = CLAYER_OUT_OF_MEMORY;
    } else if (zip_error_code_zip(error) == ZIP_ER_OPEN || zip_error_code_zip(error) == ZIP_ER_NOENT) {
        status = CLAYER_IO_ERROR;
    }
    return cly_base_fail(status, "'%s': not a readable zip archive: %s", where, zip_error_strerror(error));
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two members of one name: readers disagree on which is meant. */
static clayer_status check_names(const cly_io_zip *zip) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(zip->count, sizeof(char *), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    const char **names = memory;
    for (size_t i = 0; i < zip->count; i++) {
        names[i] = zip_get_name(zip->archive, i, 0);
        if (names[i] == NULL) {
            status =
                cly_base_fail(CLAYER_BAD_FILE, "'%s': a member of the zip archive has no readable name", zip->where);
            goto done;
        }
    }
    qsort(names, zip->count, sizeof(*names), compare_names);
    for (size_t i = 1; i < zip->count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            status = cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' stands twice in the zip archive", zip->where,
                                   names[i]);
            goto done;
        }
    }
done:
    free(memory);
    return status;
}

/* Takes over the source. */
static clayer_status open_source(zip_source_t *source, const char *where, cly_io_zip **zip_out) {
    cly_io_zip *zip = NULL;
    zip_error_t error;
    zip_error_init(&error);
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(*zip), (void **)&zip));
    CLY_TRY(cly_base_copy_string(where, &zip->where));
    zip->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (zip->archive == NULL) {
        status = fail_zip(where, &error);
        goto done;
    }
    source = NULL;
    zip_int64_t count = zip_get_num_entries(zip->archive, 0);
    if (count < 0 || count > MEMBER_LIMIT) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': a zip archive of more than %d members", where, MEMBER_LIMIT);
        goto done;
    }
    zip->count = (size_t)count;
    CLY_TRY(check_names(zip));
    *zip_out = zip;
    zip = NULL;
done:
    zip_source_free(source);
    zip_error_fini(&error);
    cly_io_zip_close(zip);
    return status;
}

clayer_status cly_io_zip_open(const char *path, cly_io_zip **zip_out) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_file_create(path, 0, -1, &error);
    clayer_status status = source == NULL ? fail_zip(path, &error) : open_source(source, path, zip_out);
    zip_error_fini(&error);
    return status;
}

clayer_status cly_io_zip_open_bytes(const void *bytes, size_t length, const char *where, cly_io_zip **zip_out) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, length, 0, &error);
    clayer_status status = source == NULL ? fail_zip(where, &error) : open_source(source, where, zip_out);
    zip_error_fini(&error);
    if (status == CLAYER_OK) {
        (*zip_out)->bytes = bytes;
        (*zip_out)->length = length;
    }
    return status;
}

void cly_io_zip_close(cly_io_zip *zip) {
    if (zip != NULL) {
        if (zip->archive != NULL) {
            zip_discard(zip->archive);
        }
        free(zip->where);
        free(zip);
    }
}

size_t cly_io_zip_get_count(const cly_io_zip *zip) {
    return zip->count;
}

const char *cly_io_zip_get_name(const cly_io_zip *zip, size_t index) {
    return index < zip->count ? zip_get_name(zip->archive, index, 0) : NULL;
}

/* Whether the member is one that can be read, and how large it says it is. */
static clayer_status check_member(const cly_io_zip *zip, const char *name, const zip_stat_t *info,
                                  uint64_t limit_bytes) {
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((info->valid & needed) != needed) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' has no size", zip->where, name);
    }
    if (info->encryption_method != ZIP_EM_NONE) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "'%s': the member '%s' is encrypted", zip->where, name);
    }
    if (info->comp_method != ZIP_CM_STORE && info->comp_method != ZIP_CM_DEFLATE) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "'%s': the member '%s' is compressed by method %d; stored and deflated ones are read",
                             zip->where, name, (int)info->comp_method);
    }
    if (limit_bytes != 0 && info->size > limit_bytes) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' unpacks to %llu bytes, over the limit of %llu",
                             zip->where, name, (unsigned long long)info->size, (unsigned long long)limit_bytes);
    }
    bool impossible = info->comp_method == ZIP_CM_STORE ? info->size != info->comp_size
                                                        : info->size / DEFLATE_RATIO > info->comp_size;
    if (impossible || info->size > SIZE_MAX / 2) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' declares a size that it cannot have", zip->where,
                             name);
    }
    return CLAYER_OK;
}

clayer_status cly_io_zip_read(cly_io_zip *zip, const char *name, uint64_t limit_bytes, void **bytes_out,
                              size_t *length_out) {
    zip_stat_t info;
    zip_stat_init(&info);
    zip_file_t *member = NULL;
    void *bytes = NULL;
    clayer_status status = CLAYER_OK;
    zip_int64_t index = zip_name_locate(zip->archive, name, 0);
    if (index < 0 || zip_stat_index(zip->archive, (zip_uint64_t)index, 0, &info) != 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the archive has no member '%s'", zip->where, name);
    }
    CLY_TRY(check_member(zip, name, &info, limit_bytes));
    member = zip_fopen_index(zip->archive, (zip_uint64_t)index, 0);
    if (member == NULL) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' cannot be read: %s", zip->where, name,
                               zip_strerror(zip->archive));
        goto done;
    }
    size_t length = (size_t)info.size;
    CLY_TRY(cly_base_alloc(length + 1, 1, &bytes));
    size_t got = 0;
    zip_int64_t part = 1;
    while (got < length && part > 0) {
        part = zip_fread(member, (char *)bytes + got, length - got);
        got += part > 0 ? (size_t)part : 0;
    }
    /* Asking once more reaches the end, where libzip compares length and checksum. */
    char extra = 0;
    if (got != length || zip_fread(member, &extra, 1) != 0) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': the member '%s' is damaged: %s", zip->where, name,
                               zip_error_strerror(zip_file_get_error(member)));
        goto done;
    }
    *bytes_out = bytes;
    *length_out = length;
    bytes = NULL;
done:
    if (member != NULL) {
        (void)zip_fclose(member);
    }
    free(bytes);
    return status;
}

/* ---- where stored members lie: APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 ---- */

/* A record of `size` bytes that begins with `signature` at `offset`; NULL if the archive has none there. */
static const unsigned char *find_record(const cly_io_zip *zip, uint64_t offset, size_t size, const char *signature) {
    if (offset > zip->length || size > zip->length - offset || memcmp(zip->bytes + offset, signature, 4) != 0) {
        return NULL;
    }
    return zip->bytes + offset;
}

static uint64_t read_number(const unsigned char *at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

/* The offset of the central directory, or UINT64_MAX. */
static uint64_t find_directory(const cly_io_zip *zip) {
    const size_t end_size = 22, comment_limit = 65535;
    for (size_t back = end_size; back <= zip->length && back <= end_size + comment_limit; back++) {
        const unsigned char *end = find_record(zip, zip->length - back, end_size, "PK\5\6");
        if (end == NULL) {
            continue;
        }
        uint64_t offset = read_number(end + 16, 4);
        if (offset != UINT32_MAX) {
            return offset;
        }
        const unsigned char *locator =
            back + 20 <= zip->length ? find_record(zip, zip->length - back - 20, 20, "PK\6\7") : NULL;
        const unsigned char *large =
            locator != NULL ? find_record(zip, read_number(locator + 8, 8), 56, "PK\6\6") : NULL;
        return large != NULL ? read_number(large + 48, 8) : UINT64_MAX;
    }
    return UINT64_MAX;
}

/* The local header's offset from an entry of the directory, whose extra field has it where 32 bits are too few. */
static uint64_t entry_offset(const unsigned char *entry, const unsigned char *extra, size_t extra_size) {
    uint64_t offset = read_number(entry + 42, 4);
    if (offset != UINT32_MAX) {
        return offset;
    }
    /* Before it stand the two sizes, each only if it is too large itself. */
    size_t before = 0;
    before += read_number(entry + 24, 4) == UINT32_MAX ? 8 : 0;
    before += read_number(entry + 20, 4) == UINT32_MAX ? 8 : 0;
    for (size_t at = 0; at + 4 <= extra_size;) {
        size_t size = (size_t)read_number(extra + at + 2, 2);
        if (read_number(extra + at, 2) == 1 && size >= before + 8 && at + 4 + size <= extra_size) {
            return read_number(extra + at + 4 + before, 8);
        }
        at += 4 + size;
    }
    return UINT64_MAX;
}

/* The first byte of the member's data, `size` bytes of which are there; NULL if it is not found. */
static const unsigned char *find_data(const cly_io_zip *zip, const char *name, uint64_t size) {
    const unsigned char *entry = NULL;
    const size_t name_size = strlen(name);
    uint64_t at = find_directory(zip);
    while ((entry = find_record(zip, at, 46, "PK\1\2")) != NULL) {
        const size_t own_name = (size_t)read_number(entry + 28, 2), extra = (size_t)read_number(entry + 30, 2);
        const size_t whole = 46 + own_name + extra + (size_t)read_number(entry + 32, 2);
        if (find_record(zip, at, whole, "PK\1\2") == NULL) {
            return NULL;
        }
        if (own_name == name_size && memcmp(entry + 46, name, name_size) == 0) {
            const uint64_t start = entry_offset(entry, entry + 46 + own_name, extra);
            const unsigned char *local = find_record(zip, start, 30, "PK\3\4");
            if (local == NULL) {
                return NULL;
            }
            const uint64_t data = start + 30 + read_number(local + 26, 2) + read_number(local + 28, 2);
            return data <= zip->length && size <= zip->length - data ? zip->bytes + data : NULL;
        }
        at += whole;
    }
    return NULL;
}

clayer_status cly_io_zip_find_stored(cly_io_zip *zip, const char *name, const void **data_out, size_t *length_out) {
    zip_stat_t info;
    zip_stat_init(&info);
    *data_out = NULL;
    zip_int64_t index = zip_name_locate(zip->archive, name, 0);
    if (index < 0 || zip_stat_index(zip->archive, (zip_uint64_t)index, 0, &info) != 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the archive has no member '%s'", zip->where, name);
    }
    clayer_status status = check_member(zip, name, &info, 0);
    if (status != CLAYER_OK || zip->bytes == NULL || info.comp_method != ZIP_CM_STORE ||
        (info.valid & ZIP_STAT_CRC) == 0) {
        return status;
    }
    const unsigned char *data = find_data(zip, name, info.size);
    if (data != NULL && crc32_z(crc32_z(0, NULL, 0), data, (z_size_t)info.size) == info.crc) {
        *data_out = data;
        *length_out = (size_t)info.size;
    }
    return CLAYER_OK;
}

/* ---- writing: into memory first, so that a file is replaced as a whole ---- */

/* The blocks of `from` must live until the archive is closed. */
static clayer_status add_member(zip_t *zip, const cly_io_zip_member *from) {
    zip_buffer_fragment_t parts[2];
    zip_uint64_t count = 0;
    if (from->length > 0) {
        parts[count++] = (zip_buffer_fragment_t){(zip_uint8_t *)(uintptr_t)from->bytes, from->length};
    }
    if (from->more_length > 0) {
        parts[count++] = (zip_buffer_fragment_t){(zip_uint8_t *)(uintptr_t)from->more_bytes, from->more_length};
    }
    zip_source_t *source = zip_source_buffer_fragment(zip, parts, count, 0);
    zip_int64_t index = source == NULL ? -1 : zip_file_add(zip, from->name, source, ZIP_FL_ENC_GUESS);
    if (index < 0) {
        zip_source_free(source);
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "archive: '%s' cannot be added: %s", from->name,
                             zip_strerror(zip));
    }
    if (zip_set_file_compression(zip, (zip_uint64_t)index, from->deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 0x21, 0) != 0) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "archive: '%s' cannot be added: %s", from->name, zip_strerror(zip));
    }
    return CLAYER_OK;
}

/* The bytes that libzip has written to `source`. */
static clayer_status take_bytes(zip_source_t *source, void **bytes_out, size_t *length_out) {
    zip_stat_t info;
    zip_stat_init(&info);
    void *bytes = NULL;
    clayer_status status = CLAYER_OK;
    if (zip_source_stat(source, &info) != 0 || (info.valid & ZIP_STAT_SIZE) == 0 || zip_source_open(source) != 0) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "archive: %s", zip_error_strerror(zip_source_error(source)));
    }
    CLY_TRY(cly_base_alloc((size_t)info.size, 1, &bytes));
    if (zip_source_read(source, bytes, info.size) != (zip_int64_t)info.size) {
        status = cly_base_fail(CLAYER_OUT_OF_MEMORY, "archive: %s", zip_error_strerror(zip_source_error(source)));
        goto done;
    }
    *bytes_out = bytes;
    *length_out = (size_t)info.size;
    bytes = NULL;
done:
    (void)zip_source_close(source);
    free(bytes);
    return status;
}

/* libzip writes no archive without members, so here is its end record. */
static clayer_status write_empty(void **bytes_out, size_t *length_out) {
    static const char end_record[22] = "PK\5\6";
    clayer_status status = cly_base_alloc(1, sizeof(end_record), bytes_out);
    if (status == CLAYER_OK) {
        memcpy(*bytes_out, end_record, sizeof(end_record));
        *length_out = sizeof(end_record);
    }
    return status;
}

clayer_status cly_io_zip_write(const cly_io_zip_member *members, size_t count, void **bytes_out, size_t *length_out) {
    zip_error_t error;
    zip_source_t *target = NULL;
    zip_t *zip = NULL;
    clayer_status status = CLAYER_OK;
    if (count == 0) {
        return write_empty(bytes_out, length_out);
    }
    zip_error_init(&error);
    target = zip_source_buffer_create(NULL, 0, 0, &error);
    zip = target == NULL ? NULL : zip_open_from_source(target, ZIP_TRUNCATE, &error);
    if (zip == NULL) {
        status = cly_base_fail(CLAYER_OUT_OF_MEMORY, "archive: %s", zip_error_strerror(&error));
        goto done;
    }
    zip_source_keep(target); /* one reference for the archive, one for the bytes afterwards */
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(add_member(zip, &members[i]));
    }
    if (zip_close(zip) != 0) {
        status = cly_base_fail(CLAYER_OUT_OF_MEMORY, "archive: %s", zip_strerror(zip));
        goto done;
    }
    zip = NULL;
    CLY_TRY(take_bytes(target, bytes_out, length_out));
done:
    if (zip != NULL) {
        zip_discard(zip);
    }
    zip_source_free(target);
    zip_error_fini(&error);
    return status;
}
