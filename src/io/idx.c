/* io/idx.c: the IDX format of MNIST and its likes, plain or gzipped (yann.lecun.com/exdb/mnist, "the IDX file format").
 *
 * Two zero bytes, a byte for the type, a byte for the rank, the dimensions as big-endian 32-bit integers, the data
 * big-endian with the last axis fastest. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/array.h"

/* Deflate cannot shrink data by more than this. */
#define DEFLATE_RATIO 1032

/* Bytes from memory, or what they inflate to. */
typedef struct source {
    const unsigned char *bytes;
    size_t length, at;
    cly_base_mapping *home; /* of the bytes, or NULL */
    bool gzipped, ended;
    z_stream stream;
    const char *where;
} source;

static bool find_type(unsigned char code, clayer_type *type_out) {
    static const clayer_type known[] = {
        [0x08] = CLAYER_UINT8, [0x09] = CLAYER_INT8,    [0x0b] = CLAYER_INT16,
        [0x0c] = CLAYER_INT32, [0x0d] = CLAYER_FLOAT32, [0x0e] = CLAYER_FLOAT64,
    };
    if (code < 0x08 || code > 0x0e || code == 0x0a) {
        return false;
    }
    *type_out = known[code];
    return true;
}

static bool is_gzip(const unsigned char *bytes, size_t length) {
    return length >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

bool cly_io_is_idx(const void *bytes, size_t length) {
    const unsigned char *first = bytes;
    clayer_type type;
    return is_gzip(first, length) || (length >= 4 && first[0] == 0 && first[1] == 0 && find_type(first[2], &type));
}

/* Inflates into `target` until it is full or the stream ends; *got_out is what came. A gzip file may hold several
 * streams one after another. */
static clayer_status inflate_some(source *in, unsigned char *target, size_t count, size_t *got_out) {
    size_t got = 0;
    while (got < count && !in->ended) {
        size_t room = count - got < 1u << 30 ? count - got : 1u << 30;
        size_t left = in->length - in->at < 1u << 30 ? in->length - in->at : 1u << 30;
        in->stream.next_in = (z_const Bytef *)(uintptr_t)(in->bytes + in->at);
        in->stream.avail_in = (uInt)left;
        in->stream.next_out = target + got;
        in->stream.avail_out = (uInt)room;
        int code = inflate(&in->stream, Z_NO_FLUSH);
        in->at += left - in->stream.avail_in;
        got += room - in->stream.avail_out;
        if (code == Z_STREAM_END) {
            in->ended = !is_gzip(in->bytes + in->at, in->length - in->at);
            code = in->ended ? Z_OK : inflateReset(&in->stream);
        }
        if (code == Z_MEM_ERROR) {
            return cly_base_fail(CLAYER_OUT_OF_MEMORY, "'%s': out of host memory in inflate", in->where);
        }
        if (code != Z_OK) {
            return cly_base_fail(CLAYER_BAD_FILE, "'%s': damaged or truncated gzip data", in->where);
        }
    }
    *got_out = got;
    return CLAYER_OK;
}

static clayer_status read_bytes(source *in, void *target, size_t count) {
    size_t got = in->length - in->at < count ? in->length - in->at : count;
    if (in->gzipped) {
        clayer_status status = inflate_some(in, target, count, &got);
        if (status != CLAYER_OK) {
            return status;
        }
    } else {
        memcpy(target, in->bytes + in->at, got);
        in->at += got;
    }
    if (got != count) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': the IDX file is truncated", in->where);
    }
    return CLAYER_OK;
}

/* Nothing may follow; for gzip this also reaches the checksum at the stream's end. */
static clayer_status expect_end(source *in) {
    size_t got = in->length - in->at;
    if (in->gzipped) {
        unsigned char extra;
        clayer_status status = inflate_some(in, &extra, 1, &got);
        if (status != CLAYER_OK) {
            return status;
        }
        got = got > 0 ? got : in->length - in->at;
    }
    if (got > 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': bytes follow the data that the IDX header declares", in->where);
    }
    return CLAYER_OK;
}

static clayer_status parse(source *in, clayer_array **array_out) {
    unsigned char start[4];
    int64_t dims[CLAYER_MAX_RANK] = {0};
    clayer_array *array = NULL;
    clayer_type type = CLAYER_UINT8;
    int64_t count = 0;
    size_t size = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_bytes(in, start, sizeof(start)));
    if (start[0] != 0 || start[1] != 0 || !find_type(start[2], &type)) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': not an IDX file (its type code is 0x%02x)", in->where, start[2]);
        goto done;
    }
    if (start[3] > CLAYER_MAX_RANK) {
        status = cly_base_fail(CLAYER_UNSUPPORTED, "'%s': an array of %d axes; %d are the most", in->where, start[3],
                               CLAYER_MAX_RANK);
        goto done;
    }
    for (int i = 0; i < start[3]; i++) {
        unsigned char dim[4];
        CLY_TRY(read_bytes(in, dim, sizeof(dim)));
        dims[i] = (int64_t)dim[0] << 24 | (int64_t)dim[1] << 16 | (int64_t)dim[2] << 8 | dim[3];
    }
    size_t left = in->length - in->at;
    bool fits = cly_io_array_bytes(type, start[3], dims, &count, &size);
    if (!fits || (in->gzipped ? size / DEFLATE_RATIO > in->length : size != left)) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': the IDX header declares more or less data than the file holds",
                               in->where);
        goto done;
    }
    const unsigned char *data = in->bytes + in->at;
    bool native = clayer_type_size(type) == 1 || cly_io_is_big_endian();
    if (in->home != NULL && !in->gzipped && native && cly_io_is_aligned(data, type)) {
        return cly_io_array_borrow(type, start[3], dims, (void *)(uintptr_t)data, in->home, array_out);
    }
    CLY_TRY(clayer_array_create(type, start[3], dims, &array));
    CLY_TRY(read_bytes(in, array->data, size));
    CLY_TRY(expect_end(in));
    if (!cly_io_is_big_endian()) {
        cly_io_swap_bytes(array->data, (size_t)count, clayer_type_size(type));
    }
    *array_out = array;
    array = NULL;
done:
    clayer_array_destroy(array);
    return status;
}

clayer_status cly_io_idx_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_array **array_out) {
    source in = {.bytes = bytes, .length = length, .home = home, .gzipped = is_gzip(bytes, length), .where = where};
    /* 16 + 15: a gzip header and the largest window. */
    if (in.gzipped && inflateInit2(&in.stream, 16 + 15) != Z_OK) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "'%s': out of host memory in inflate", where);
    }
    clayer_status status = parse(&in, array_out);
    if (in.gzipped) {
        (void)inflateEnd(&in.stream);
    }
    return status;
}
