/* base/text.h: a string that grows. */
#ifndef CLY_BASE_TEXT_H
#define CLY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <clayer/status.h>

#include "base/error.h"

/* Starts as {0}; `chars` is NUL-terminated once anything was added, and freed by cly_base_text_free. */
typedef struct cly_base_text {
    char *chars;
    size_t length;
    size_t capacity;
} cly_base_text;

clayer_status cly_base_text_add(cly_base_text *text, const char *format, ...) CLY_PRINTF(2, 3);
clayer_status cly_base_text_add_bytes(cly_base_text *text, const void *bytes, size_t length);
void cly_base_text_free(cly_base_text *text);

/* ASCII case folded: equality, and whether `part` lies in `whole`. */
bool cly_base_same_word(const char *a, const char *b);
bool cly_base_contains_word(const char *whole, const char *part);

#endif
