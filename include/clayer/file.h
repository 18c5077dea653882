/* clayer/file.h: files that are whole or not there. */
#ifndef CLAYER_FILE_H
#define CLAYER_FILE_H

#include <stddef.h>

#include <clayer/export.h>
#include <clayer/status.h>

CLAYER_BEGIN_DECLS

/* Writes `length` bytes as all files of this library are written: beside their place, flushed to the disk and renamed,
 * so that whatever fails leaves the old file. A device or a pipe is written as it is. Errors: CLAYER_IO_ERROR. */
CLAYER_API clayer_status clayer_file_write(const char *path, const void *bytes, size_t length);

CLAYER_END_DECLS

#endif
