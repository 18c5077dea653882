/* io/npy.c: NumPy's .npy, versions 1.0 to 3.0, as numpy/lib/format.py documents them.
 *
 * The header is a Python dict with exactly the keys descr, fortran_order and shape. It is parsed by hand and nothing
 * else is accepted; the size it declares is held against the bytes that are there before memory is taken. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/array.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6

typedef struct header {
    clayer_type type;
    bool swapped;
    bool fortran;
    int rank;
    int64_t dims[CLAYER_MAX_RANK];
    bool has_descr, has_order, has_shape;
} header;

/* What is left of the dict's text. */
typedef struct cursor {
    const char *at;
    const char *end;
    const char *where;
} cursor;

static clayer_status fail_header(const cursor *in, const char *reason) {
    return cly_base_fail(CLAYER_BAD_FILE, "'%s': damaged .npy header: %s", in->where, reason);
}

static void skip_blanks(cursor *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) {
        in->at++;
    }
}

/* Takes `c` after blanks, if it is there. */
static bool take(cursor *in, char c) {
    skip_blanks(in);
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

static bool take_word(cursor *in, const char *word) {
    skip_blanks(in);
    size_t length = strlen(word);
    if ((size_t)(in->end - in->at) >= length && memcmp(in->at, word, length) == 0) {
        in->at += length;
        return true;
    }
    return false;
}

/* A quoted string of printable ASCII without escapes, which is all that NumPy writes for the types known here. */
static bool take_string(cursor *in, char *text, size_t capacity) {
    skip_blanks(in);
    if (in->at >= in->end || (*in->at != '\'' && *in->at != '"')) {
        return false;
    }
    char quote = *in->at++;
    size_t length = 0;
    while (in->at < in->end && *in->at != quote) {
        char c = *in->at++;
        if (c < ' ' || c > '~' || c == '\\' || length + 1 >= capacity) {
            return false;
        }
        text[length++] = c;
    }
    text[length] = '\0';
    return take(in, quote);
}

/* ---- descr ---- */

static const struct {
    const char *code; /* without the byte order */
    clayer_type type;
} codes[] = {
    {"f4", CLAYER_FLOAT32}, {"f8", CLAYER_FLOAT64}, {"f2", CLAYER_FLOAT16}, {"i1", CLAYER_INT8},
    {"i2", CLAYER_INT16},   {"i4", CLAYER_INT32},   {"i8", CLAYER_INT64},   {"u1", CLAYER_UINT8},
    {"u2", CLAYER_UINT16},  {"u4", CLAYER_UINT32},  {"u8", CLAYER_UINT64},  {"b1", CLAYER_BOOL},
};

/* What NumPy calls the kinds that are no plain numbers. */
static const char *kind_name(char kind) {
    switch (kind) {
        case 'c':
            return "complex numbers";
        case 'O':
            return "Python objects (pickled)";
        case 'S':
        case 'a':
            return "byte strings";
        case 'U':
            return "strings";
        case 'V':
            return "raw bytes";
        case 'M':
            return "dates";
        case 'm':
            return "time differences";
        case 'f':
            return "floats of this size";
        default:
            return "this type";
    }
}

static clayer_status parse_descr(cursor *in, header *out) {
    skip_blanks(in);
    if (in->at < in->end && (*in->at == '[' || *in->at == '(')) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "'%s': arrays of structured types are not supported", in->where);
    }
    char text[64];
    if (!take_string(in, text, sizeof(text)) || strlen(text) < 2) {
        return fail_header(in, "descr is not the name of a type");
    }
    char order = text[0];
    bool has_order = strchr("<>|=", order) != NULL;
    const char *code = has_order ? text + 1 : text;
    for (size_t i = 0; i < CLY_COUNT(codes); i++) {
        if (strcmp(codes[i].code, code) != 0) {
            continue;
        }
        bool single = clayer_type_size(codes[i].type) == 1;
        if (!has_order || (order == '|' && !single)) {
            return fail_header(in, "descr has no byte order");
        }
        out->type = codes[i].type;
        out->swapped = !single && ((order == '>') != cly_io_is_big_endian()) && order != '=';
        return CLAYER_OK;
    }
    return cly_base_fail(CLAYER_UNSUPPORTED, "'%s': arrays of %s ('%s') are not supported", in->where, kind_name(*code),
                         text);
}

/* ---- shape ---- */

static clayer_status parse_dim(cursor *in, int64_t *dim_out) {
    skip_blanks(in);
    int64_t dim = 0;
    const char *start = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        int digit = *in->at++ - '0';
        if (dim > (INT64_MAX - digit) / 10) {
            return fail_header(in, "a dimension of the shape is too large");
        }
        dim = dim * 10 + digit;
    }
    if (in->at == start) {
        return fail_header(in, "the shape is not a tuple of non-negative integers");
    }
    if (in->at < in->end && *in->at == 'L') { /* Python 2 wrote its long integers so */
        in->at++;
    }
    *dim_out = dim;
    return CLAYER_OK;
}

static clayer_status parse_shape(cursor *in, header *out) {
    if (!take(in, '(')) {
        return fail_header(in, "the shape is not a tuple");
    }
    bool comma = true; /* whether the next dimension may follow */
    while (!take(in, ')')) {
        if (!comma) {
            return fail_header(in, "the shape is not a tuple of non-negative integers");
        }
        int64_t dim = 0;
        clayer_status status = parse_dim(in, &dim);
        if (status != CLAYER_OK) {
            return status;
        }
        if (out->rank == CLAYER_MAX_RANK) {
            return cly_base_fail(CLAYER_UNSUPPORTED, "'%s': an array of more than %d axes", in->where, CLAYER_MAX_RANK);
        }
        out->dims[out->rank++] = dim;
        comma = take(in, ',');
    }
    /* "(3)" is an integer in Python, not a tuple. */
    if (out->rank == 1 && !comma) {
        return fail_header(in, "the shape is not a tuple");
    }
    return CLAYER_OK;
}

static clayer_status parse_entry(cursor *in, header *out) {
    char key[32];
    if (!take_string(in, key, sizeof(key)) || !take(in, ':')) {
        return fail_header(in, "it is not a dict");
    }
    bool *seen = NULL;
    clayer_status status = CLAYER_OK;
    if (strcmp(key, "descr") == 0) {
        seen = &out->has_descr;
    } else if (strcmp(key, "fortran_order") == 0) {
        seen = &out->has_order;
    } else if (strcmp(key, "shape") == 0) {
        seen = &out->has_shape;
    }
    if (seen == NULL || *seen) {
        return fail_header(
            in, seen == NULL ? "it has a key other than descr, fortran_order, shape" : "a key stands there twice");
    }
    *seen = true;
    if (seen == &out->has_descr) {
        status = parse_descr(in, out);
    } else if (seen == &out->has_shape) {
        status = parse_shape(in, out);
    } else {
        out->fortran = take_word(in, "True");
        if (!out->fortran && !take_word(in, "False")) {
            status = fail_header(in, "fortran_order is neither True nor False");
        }
    }
    return status;
}

static clayer_status parse_dict(cursor *in, header *out) {
    if (!take(in, '{')) {
        return fail_header(in, "it is not a dict");
    }
    bool comma = true;
    while (!take(in, '}')) {
        if (!comma) {
            return fail_header(in, "it is not a dict");
        }
        clayer_status status = parse_entry(in, out);
        if (status != CLAYER_OK) {
            return status;
        }
        comma = take(in, ',');
    }
    skip_blanks(in);
    if (in->at != in->end) {
        return fail_header(in, "text follows the dict");
    }
    if (!out->has_descr || !out->has_order || !out->has_shape) {
        return fail_header(in, "descr, fortran_order or shape is missing");
    }
    return CLAYER_OK;
}

/* ---- the file ---- */

/* Finds the dict behind magic, version and length; *data_out is where the elements begin. */
static clayer_status find_dict(const unsigned char *bytes, size_t length, cursor *in, size_t *data_out) {
    if (length < MAGIC_BYTES + 4 || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': not a .npy file", in->where);
    }
    unsigned major = bytes[6];
    unsigned minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "'%s': .npy version %u.%u; 1.0 to 3.0 are read", in->where, major,
                             minor);
    }
    size_t start = major == 1 ? 10 : 12;
    if (length < start) {
        return fail_header(in, "the file ends in it");
    }
    size_t size = bytes[8] | (size_t)bytes[9] << 8;
    if (major > 1) {
        size |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    }
    if (size > length - start) {
        return fail_header(in, "the file ends in it");
    }
    in->at = (const char *)bytes + start;
    in->end = in->at + size;
    *data_out = start + size;
    return CLAYER_OK;
}

/* Moves elements from the first axis fastest to the last axis fastest. */
static void reorder(const char *source, const header *from, char *target, size_t size, int64_t count) {
    int64_t index[CLAYER_MAX_RANK] = {0};
    size_t steps[CLAYER_MAX_RANK]; /* bytes between neighbours of an axis in the source */
    size_t step = size;
    for (int axis = 0; axis < from->rank; axis++) {
        steps[axis] = step;
        step *= (size_t)from->dims[axis];
    }
    size_t offset = 0;
    for (int64_t i = 0; i < count; i++, target += size) {
        memcpy(target, source + offset, size);
        for (int axis = from->rank - 1; axis >= 0; axis--) {
            offset += steps[axis];
            if (++index[axis] < from->dims[axis]) {
                break;
            }
            offset -= steps[axis] * (size_t)from->dims[axis];
            index[axis] = 0;
        }
    }
}

clayer_status cly_io_npy_parse(const void *bytes, size_t length, cly_base_mapping *home, const char *where,
                               clayer_array **array_out) {
    cursor in = {.where = where};
    header head = {.rank = 0};
    size_t start = 0, size = 0;
    int64_t count = 0;
    clayer_array *array = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(find_dict(bytes, length, &in, &start));
    CLY_TRY(parse_dict(&in, &head));
    if (!cly_io_array_bytes(head.type, head.rank, head.dims, &count, &size) || size != length - start) {
        status = cly_base_fail(CLAYER_BAD_FILE,
                               "'%s': the .npy header declares more or less data than the %zu bytes "
                               "that follow it",
                               where, length - start);
        goto done;
    }
    const char *source = (const char *)bytes + start;
    size_t element = clayer_type_size(head.type);
    bool reordered = head.fortran && head.rank > 1;
    /* A bool may be stored as any byte but must be read as 0 or 1. */
    if (home != NULL && !reordered && !head.swapped && head.type != CLAYER_BOOL &&
        cly_io_is_aligned(source, head.type)) {
        return cly_io_array_borrow(head.type, head.rank, head.dims, (void *)(uintptr_t)source, home, array_out);
    }
    CLY_TRY(clayer_array_create(head.type, head.rank, head.dims, &array));
    if (reordered) {
        reorder(source, &head, array->data, element, count);
    } else {
        memcpy(array->data, source, size);
    }
    if (head.swapped) {
        cly_io_swap_bytes(array->data, (size_t)count, element);
    }
    unsigned char *flags = array->data;
    for (int64_t i = 0; head.type == CLAYER_BOOL && i < count; i++) {
        flags[i] = flags[i] != 0;
    }
    *array_out = array;
done:
    return status;
}

clayer_status cly_io_npy_header(const clayer_array *array, char **bytes_out, size_t *length_out) {
    const char *code = "";
    for (size_t i = 0; i < CLY_COUNT(codes); i++) {
        code = codes[i].type == array->type ? codes[i].code : code;
    }
    char order = cly_io_is_big_endian() ? '>' : '<';
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    /* Magic, version 1.0, and two bytes for the length that is known at the end. */
    CLY_TRY(cly_base_text_add_bytes(&text, MAGIC "\1\0\0\0", MAGIC_BYTES + 4));
    CLY_TRY(cly_base_text_add(&text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                              clayer_type_size(array->type) == 1 ? '|' : order, code));
    for (int i = 0; i < array->shape.rank; i++) {
        const char *before = i == 0 ? "" : ", ";
        CLY_TRY(cly_base_text_add(&text, "%s%" PRId64, before, array->shape.dims[i]));
    }
    CLY_TRY(cly_base_text_add(&text, "%s), }", array->shape.rank == 1 ? "," : ""));
    /* Padded so that the data begins at a multiple of 64 bytes. */
    while ((text.length + 1) % 64 != 0) {
        CLY_TRY(cly_base_text_add_bytes(&text, " ", 1));
    }
    CLY_TRY(cly_base_text_add_bytes(&text, "\n", 1));
    size_t size = text.length - MAGIC_BYTES - 4;
    text.chars[8] = (char)(unsigned char)(size & 0xff);
    text.chars[9] = (char)(unsigned char)(size >> 8);
    *bytes_out = text.chars;
    *length_out = text.length;
    text = (cly_base_text){0};
done:
    cly_base_text_free(&text);
    return status;
}
