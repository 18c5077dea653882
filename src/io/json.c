/* io/json.c: strict JSON (RFC 8259). cJSON accepts duplicate keys, trailing text, 1e400, control characters and
 * numbers such as 01; so the text is checked first and the tree afterwards. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "io/io.h"

#define DEPTH_LIMIT 200

typedef struct scanner {
    const unsigned char *text;
    size_t length, at;
    const char *problem;
} scanner;

static bool fail(scanner *in, const char *problem) {
    if (in->problem == NULL) {
        in->problem = problem;
    }
    return false;
}

/* The next byte; 0 at the end, which no valid text contains. */
static unsigned peek(const scanner *in) {
    return in->at < in->length ? in->text[in->at] : 0u;
}

static void skip_blanks(scanner *in) {
    while (peek(in) == ' ' || peek(in) == '\t' || peek(in) == '\n' || peek(in) == '\r') {
        in->at++;
    }
}

static bool take(scanner *in, unsigned c) {
    if (peek(in) == c) {
        in->at++;
        return true;
    }
    return false;
}

/* The length of a well-formed UTF-8 sequence (no overlong form, no surrogate), or 0. */
static size_t utf8_length(const unsigned char *bytes, size_t left) {
    unsigned first = bytes[0];
    size_t length = first < 0x80 ? 1 : (first >= 0xc2 && first < 0xe0 ? 2 : (first >= 0xe0 && first < 0xf0 ? 3 : 4));
    if (first >= 0x80 && (first < 0xc2 || first > 0xf4 || length > left)) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool bad = (first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] >= 0xa0) ||
               (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] >= 0x90);
    return bad ? 0 : length;
}

/* \u0000 is legal JSON, but a C string ends there. */
static bool scan_escape(scanner *in) {
    unsigned c = peek(in);
    in->at++;
    if (c != 'u') {
        return (c != 0 && strchr("\"\\/bfnrt", (int)c) != NULL) || fail(in, "an unknown escape in a string");
    }
    bool zero = true;
    for (int i = 0; i < 4; i++) {
        c = peek(in);
        if (c == 0 || strchr("0123456789abcdefABCDEF", (int)c) == NULL) {
            return fail(in, "an unknown escape in a string");
        }
        zero = zero && c == '0';
        in->at++;
    }
    return !zero || fail(in, "a NUL in a string");
}

static bool scan_string(scanner *in) {
    if (!take(in, '"')) {
        return fail(in, "a string is missing");
    }
    while (in->at < in->length) {
        unsigned c = in->text[in->at];
        if (c == '"') {
            in->at++;
            return true;
        }
        if (c < ' ') {
            return fail(in, "a control character in a string");
        }
        if (c == '\\') {
            in->at++;
            if (!scan_escape(in)) {
                return false;
            }
            continue;
        }
        size_t length = utf8_length(in->text + in->at, in->length - in->at);
        if (length == 0) {
            return fail(in, "a string is not UTF-8");
        }
        in->at += length;
    }
    return fail(in, "a string has no end");
}

static size_t scan_digits(scanner *in) {
    size_t start = in->at;
    while (peek(in) >= '0' && peek(in) <= '9') {
        in->at++;
    }
    return in->at - start;
}

static bool scan_number(scanner *in) {
    size_t start = in->at;
    (void)take(in, '-');
    if (!take(in, '0') && scan_digits(in) == 0) {
        return fail(in, "a value is missing");
    }
    if (take(in, '.') && scan_digits(in) == 0) {
        return fail(in, "a number is malformed");
    }
    if (take(in, 'e') || take(in, 'E')) {
        (void)(take(in, '+') || take(in, '-'));
        if (scan_digits(in) == 0) {
            return fail(in, "a number is malformed");
        }
    }
    /* cJSON keeps 63 characters of a number. */
    return in->at - start <= 60 || fail(in, "a number of more than 60 characters");
}

static bool scan_word(scanner *in, const char *word) {
    size_t length = strlen(word);
    if (in->length - in->at < length || memcmp(in->text + in->at, word, length) != 0) {
        return fail(in, "a value is missing");
    }
    in->at += length;
    return true;
}

static bool scan_value(scanner *in, int depth);

/* Behind the opening bracket, up to and with the closing one. */
static bool scan_items(scanner *in, int depth, bool object) {
    unsigned close = object ? '}' : ']';
    skip_blanks(in);
    if (take(in, close)) {
        return true;
    }
    for (;;) {
        skip_blanks(in);
        if (object) {
            if (!scan_string(in)) {
                return false;
            }
            skip_blanks(in);
            if (!take(in, ':')) {
                return fail(in, "':' is missing");
            }
        }
        if (!scan_value(in, depth + 1)) {
            return false;
        }
        skip_blanks(in);
        if (take(in, close)) {
            return true;
        }
        if (!take(in, ',')) {
            return fail(in, object ? "',' or '}' is missing" : "',' or ']' is missing");
        }
    }
}

static bool scan_value(scanner *in, int depth) {
    if (depth > DEPTH_LIMIT) {
        return fail(in, "nested more than 200 deep");
    }
    skip_blanks(in);
    switch (peek(in)) {
        case '{':
            in->at++;
            return scan_items(in, depth, true);
        case '[':
            in->at++;
            return scan_items(in, depth, false);
        case '"':
            return scan_string(in);
        case 't':
            return scan_word(in, "true");
        case 'f':
            return scan_word(in, "false");
        case 'n':
            return scan_word(in, "null");
        default:
            return scan_number(in);
    }
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static clayer_status check_keys(const cJSON *object, const char *where) {
    size_t count = (size_t)cJSON_GetArraySize(object);
    void *memory = NULL;
    clayer_status status = cly_base_alloc(count, sizeof(char *), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    const char **keys = memory;
    size_t i = 0;
    for (const cJSON *item = object->child; item != NULL && i < count; item = item->next) {
        keys[i++] = item->string;
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (i = 1; i < count && status == CLAYER_OK; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            status =
                cly_base_fail(CLAYER_BAD_FILE, "%s: bad JSON: the key '%s' stands twice in one object", where, keys[i]);
        }
    }
    free(memory);
    return status;
}

/* Duplicate keys (escapes make them visible in the tree only) and numbers that overflow. */
static clayer_status check_tree(const cJSON *json, const char *where) {
    clayer_status status = CLAYER_OK;
    if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
        return cly_base_fail(CLAYER_BAD_FILE, "%s: bad JSON: a number exceeds the range of a double", where);
    }
    if (cJSON_IsObject(json)) {
        CLY_TRY(check_keys(json, where));
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(check_tree(item, where));
    }
done:
    return status;
}

clayer_status cly_io_json_parse(const char *text, size_t length, const char *where, cJSON **json_out) {
    scanner in = {.text = (const unsigned char *)text, .length = length};
    void *copy = NULL;
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    if (scan_value(&in, 0)) {
        skip_blanks(&in);
        if (in.at != length) {
            (void)fail(&in, "text follows the value");
        }
    }
    if (in.problem != NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "%s: bad JSON at byte %zu: %s", where, in.at, in.problem);
    }
    /* With a NUL behind it: cJSON then needs no care at the end of its input. */
    CLY_TRY(cly_base_alloc(length + 1, 1, &copy));
    memcpy(copy, text, length);
    json = cJSON_ParseWithLengthOpts(copy, length + 1, NULL, 1);
    if (json == NULL) {
        status = cly_base_fail(CLAYER_BAD_FILE, "%s: bad JSON", where);
        goto done;
    }
    CLY_TRY(check_tree(json, where));
    *json_out = json;
    json = NULL;
done:
    free(copy);
    cJSON_Delete(json);
    return status;
}

/* ---- writing ---- */

clayer_status cly_io_json_put(cJSON *object, const char *key, cJSON *item) {
    bool put =
        item != NULL && (key != NULL ? cJSON_AddItemToObject(object, key, item) : cJSON_AddItemToArray(object, item));
    if (!put) {
        cJSON_Delete(item);
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "JSON: no memory for '%s'", key == NULL ? "an item" : key);
    }
    return CLAYER_OK;
}

cJSON *cly_io_json_float(double value) {
    char text[40];
    cly_base_write_number(value + 0.0, text, 32); /* -0.0 becomes 0.0 */
    if (strpbrk(text, ".e") == NULL) {
        memcpy(text + strlen(text), ".0", 3);
    }
    return cJSON_CreateRaw(text);
}

clayer_status cly_io_json_print(const cJSON *json, char **text_out) {
    char *text = cJSON_PrintUnformatted(json);
    clayer_status status = text == NULL ? cly_base_fail(CLAYER_OUT_OF_MEMORY, "JSON: no memory for the text")
                                        : cly_base_copy_string(text, text_out);
    cJSON_free(text);
    return status;
}
