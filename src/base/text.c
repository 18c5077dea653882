/* base/text.c: a string that grows, and words compared without regard to ASCII case. */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the NUL. */
static clayer_status reserve(cly_base_text *text, size_t more) {
    if (more >= SIZE_MAX / 2 - text->length) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for a text of %zu bytes", more);
    }
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity) {
        return CLAYER_OK;
    }
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *chars = realloc(text->chars, capacity);
    if (chars == NULL) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for a text of %zu bytes", capacity);
    }
    text->chars = chars;
    text->capacity = capacity;
    return CLAYER_OK;
}

clayer_status cly_base_text_add(cly_base_text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    clayer_status status = CLAYER_OK;
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "a text cannot be formatted");
        goto done;
    }
    CLY_TRY(reserve(text, (size_t)length));
    (void)vsnprintf(text->chars + text->length, (size_t)length + 1, format, again);
    text->length += (size_t)length;
done:
    va_end(again);
    va_end(args);
    return status;
}

clayer_status cly_base_text_add_bytes(cly_base_text *text, const void *bytes, size_t length) {
    clayer_status status = reserve(text, length);
    if (status == CLAYER_OK) {
        if (length > 0) {
            memcpy(text->chars + text->length, bytes, length);
        }
        text->length += length;
        text->chars[text->length] = '\0';
    }
    return status;
}

void cly_base_text_free(cly_base_text *text) {
    if (text != NULL) {
        free(text->chars);
        *text = (cly_base_text){0};
    }
}

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool cly_base_same_word(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool cly_base_contains_word(const char *whole, const char *part) {
    for (const char *start = whole;; start++) {
        size_t i = 0;
        while (part[i] != '\0' && lower(start[i]) == lower(part[i])) {
            i++;
        }
        if (part[i] == '\0') {
            return true;
        }
        if (*start == '\0') {
            return false;
        }
    }
}
