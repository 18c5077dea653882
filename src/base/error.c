/* base/error.c: the status names, and the sentence about the last failure, kept per thread. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <clayer/version.h>

#define TEXT_BYTES 1024

static _Thread_local char last_text[TEXT_BYTES];

const char *clayer_version(void) {
    return CLAYER_VERSION;
}

const char *clayer_status_string(clayer_status status) {
    switch (status) {
        case CLAYER_OK:
            return "ok";
        case CLAYER_INVALID_ARGUMENT:
            return "invalid argument";
        case CLAYER_INVALID_SHAPE:
            return "invalid shape";
        case CLAYER_UNSUPPORTED:
            return "unsupported";
        case CLAYER_IO_ERROR:
            return "input or output error";
        case CLAYER_BAD_FILE:
            return "bad file";
        case CLAYER_NO_DEVICE:
            return "no device";
        case CLAYER_DEVICE_ERROR:
            return "device error";
        case CLAYER_BUILD_FAILED:
            return "build failed";
        case CLAYER_OUT_OF_MEMORY:
            return "out of memory";
        case CLAYER_NOT_FINITE:
            return "not finite";
        case CLAYER_CHECK_FAILED:
            return "check failed";
    }
    return "unknown status";
}

const char *clayer_last_error(void) {
    return last_text;
}

/* Control characters would break the promise of one line; a build log's first lines are kept apart by " | ". */
static void flatten(char *text) {
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
}

/* Formatted apart first: the arguments may point into the old text. */
clayer_status cly_base_fail(clayer_status status, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    flatten(text);
    memcpy(last_text, text, sizeof(text));
    return status;
}

clayer_status cly_base_fail_errno(const char *action, const char *path) {
    int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof(reason)) != 0) {
        (void)snprintf(reason, sizeof(reason), "error %d", code);
    }
    clayer_status status = code == ENOMEM ? CLAYER_OUT_OF_MEMORY : CLAYER_IO_ERROR;
    return cly_base_fail(status, "cannot %s '%s': %s", action, path, reason);
}

clayer_status cly_base_prefix(clayer_status status, const char *format, ...) {
    char prefix[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    return cly_base_fail(status, "%s: %s", prefix, last_text);
}
