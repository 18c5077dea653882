/* base/path.h: files and folders of the operating system. */
#ifndef CLY_BASE_PATH_H
#define CLY_BASE_PATH_H

#include <stddef.h>

#include <clayer/status.h>

/* "folder/name", allocated. */
clayer_status cly_base_path_join(const char *folder, const char *name, char **path_out);

/* Creates `path` and what is missing above it, each 0700. */
clayer_status cly_base_make_folders(const char *path);

/* The whole file; bytes_out is freed with free() and has one NUL behind its end. limit_bytes 0: no limit. */
clayer_status cly_base_read_file(const char *path, size_t limit_bytes, void **bytes_out, size_t *length_out);

/* Writes through a temporary file beside `path`, fsync and rename: either the old file stays or the new one is
 * whole. A device or a pipe is written as it is. */
clayer_status cly_base_write_file(const char *path, const void *bytes, size_t length);

/* For writers that need a file name (libzip, HDF5): a fresh temporary file beside `path`, then fsync and rename over
 * it, or remove. `temporary` is freed by both. */
clayer_status cly_base_temporary_beside(const char *path, char **temporary_out);
clayer_status cly_base_commit_file(char *temporary, const char *path);
void cly_base_discard_file(char *temporary);

/* An exclusive advisory lock on `path` (created if need be), waited for; released by closing. */
clayer_status cly_base_lock_file(const char *path, int *descriptor_out);
void cly_base_unlock_file(int descriptor);

#endif
