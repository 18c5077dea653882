/* io/file.c: the library's way of writing files, for applications. */
#include <clayer/file.h>

#include "base/error.h"
#include "base/path.h"

clayer_status clayer_file_write(const char *path, const void *bytes, size_t length) {
    if (path == NULL || (bytes == NULL && length > 0)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_file_write: %s is NULL", path == NULL ? "path" : "bytes");
    }
    return cly_base_write_file(path, bytes, length);
}
