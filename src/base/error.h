/* base/error.h: how a fault is reported: the status is returned, its sentence is kept per thread. */
#ifndef CLY_BASE_ERROR_H
#define CLY_BASE_ERROR_H

#include <clayer/status.h>

#define CLY_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/* Sets the thread's detail text (cut at 1023 bytes) and returns `status`. The text is "what, where, why", lower case,
 * without a final stop. */
clayer_status cly_base_fail(clayer_status status, const char *format, ...) CLY_PRINTF(2, 3);

/* CLAYER_IO_ERROR (CLAYER_OUT_OF_MEMORY for ENOMEM): "cannot <action> '<path>': <strerror(errno)>". */
clayer_status cly_base_fail_errno(const char *action, const char *path);

/* Puts "prefix: " before the thread's detail text and returns `status`: adds the file or layer on the way up. */
clayer_status cly_base_prefix(clayer_status status, const char *format, ...) CLY_PRINTF(2, 3);

/* Leaves the function by its one `done:` label with `status` set when `call` fails. */
#define CLY_TRY(call)                   \
    do {                                \
        status = (call);                \
        if (status != CLAYER_OK) {      \
            goto done;                  \
        }                               \
    } while (0)

#endif
