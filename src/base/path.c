/* base/path.c: whole files read and written, folders made, files replaced at once, advisory locks. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

clayer_status cly_base_path_join(const char *folder, const char *name, char **path_out) {
    cly_base_text path = {0};
    size_t length = strlen(folder);
    const char *separator = length > 0 && folder[length - 1] != '/' ? "/" : "";
    clayer_status status = cly_base_text_add(&path, "%s%s%s", folder, separator, name);
    if (status == CLAYER_OK) {
        *path_out = path.chars;
    } else {
        cly_base_text_free(&path);
    }
    return status;
}

clayer_status cly_base_make_folders(const char *path) {
    char *copy = NULL;
    clayer_status status = cly_base_copy_string(path, &copy);
    if (status != CLAYER_OK) {
        return status;
    }
    for (char *c = copy + (copy[0] == '/'); status == CLAYER_OK; c++) {
        if (*c != '/' && *c != '\0') {
            continue;
        }
        char kept = *c;
        *c = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            int code = errno;
            struct stat info;
            /* Above a folder that is there, mkdir may say EACCES or EROFS instead of EEXIST. */
            if (stat(copy, &info) != 0 || !S_ISDIR(info.st_mode)) {
                errno = code;
                status = cly_base_fail_errno("create the folder", copy);
            }
        }
        *c = kept;
        if (kept == '\0') {
            break;
        }
    }
    struct stat info;
    if (status == CLAYER_OK && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))) {
        errno = ENOTDIR;
        status = cly_base_fail_errno("create the folder", path);
    }
    free(copy);
    return status;
}

/* Reads until the end, whatever the size said: pipes and files of /proc have none. */
static clayer_status read_all(int descriptor, const char *path, size_t limit, size_t guess, void **bytes_out,
                              size_t *length_out) {
    size_t capacity = guess + 1;
    size_t length = 0;
    char *bytes = malloc(capacity);
    if (bytes == NULL) {
        errno = ENOMEM;
        return cly_base_fail_errno("read", path);
    }
    for (;;) {
        if (length + 1 >= capacity) {
            size_t larger = capacity < 4096 ? 8192 : capacity * 2;
            char *grown = larger > capacity ? realloc(bytes, larger) : NULL;
            if (grown == NULL) {
                free(bytes);
                errno = ENOMEM;
                return cly_base_fail_errno("read", path);
            }
            bytes = grown;
            capacity = larger;
        }
        size_t room = capacity - length - 1;
        ssize_t got = read(descriptor, bytes + length, room > (size_t)1 << 30 ? (size_t)1 << 30 : room);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            clayer_status status = cly_base_fail_errno("read", path);
            free(bytes);
            return status;
        }
        length += (size_t)got;
        if (limit != 0 && length > limit) {
            free(bytes);
            return cly_base_fail(CLAYER_BAD_FILE, "'%s' is larger than the limit of %zu bytes", path, limit);
        }
        if (got == 0) {
            break;
        }
    }
    bytes[length] = '\0';
    *bytes_out = bytes;
    *length_out = length;
    return CLAYER_OK;
}

clayer_status cly_base_read_file(const char *path, size_t limit_bytes, void **bytes_out, size_t *length_out) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return cly_base_fail_errno("open", path);
    }
    clayer_status status;
    struct stat info;
    if (fstat(descriptor, &info) != 0) {
        status = cly_base_fail_errno("read", path);
    } else if (limit_bytes != 0 && info.st_size > 0 && (uint64_t)info.st_size > limit_bytes) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s' is larger than the limit of %zu bytes", path, limit_bytes);
    } else {
        /* One byte more than the size, so that the read which finds the end needs no larger block. */
        size_t guess = info.st_size > 0 ? (size_t)info.st_size + 1 : 4096;
        status = read_all(descriptor, path, limit_bytes, guess, bytes_out, length_out);
    }
    (void)close(descriptor);
    return status;
}

static clayer_status write_all(int descriptor, const char *path, const void *bytes, size_t length) {
    const char *next = bytes;
    while (length > 0) {
        ssize_t put = write(descriptor, next, length > (size_t)1 << 30 ? (size_t)1 << 30 : length);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return cly_base_fail_errno("write", path);
        }
        next += put;
        length -= (size_t)put;
    }
    return CLAYER_OK;
}

clayer_status cly_base_write_file(const char *path, const void *bytes, size_t length) {
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        /* A device or a pipe cannot be replaced: it is written as it is. */
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (descriptor < 0) {
            return cly_base_fail_errno("open", path);
        }
        clayer_status status = write_all(descriptor, path, bytes, length);
        if (close(descriptor) != 0 && status == CLAYER_OK) {
            status = cly_base_fail_errno("write", path);
        }
        return status;
    }
    char *temporary = NULL;
    clayer_status status = cly_base_temporary_beside(path, &temporary);
    if (status != CLAYER_OK) {
        return status;
    }
    int descriptor = open(temporary, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        status = cly_base_fail_errno("write", path);
    } else {
        status = write_all(descriptor, path, bytes, length);
        if (close(descriptor) != 0 && status == CLAYER_OK) {
            status = cly_base_fail_errno("write", path);
        }
    }
    if (status != CLAYER_OK) {
        cly_base_discard_file(temporary);
        return status;
    }
    return cly_base_commit_file(temporary, path);
}

/* Not mkstemp: that gives 0600 to what is to become the user's file; this gives what the umask asks for, or the mode
 * of the file that will be replaced. */
clayer_status cly_base_temporary_beside(const char *path, char **temporary_out) {
    static atomic_uint counter;
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        return cly_base_fail(CLAYER_IO_ERROR, "cannot write '%s': not a regular file", path);
    }
    if (exists && access(path, W_OK) != 0) { /* rename would replace it all the same */
        return cly_base_fail_errno("write", path);
    }
    for (int attempt = 0; attempt < 1000; attempt++) {
        cly_base_text name = {0};
        clayer_status status =
            cly_base_text_add(&name, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1u));
        if (status != CLAYER_OK) {
            cly_base_text_free(&name);
            return status;
        }
        int descriptor = open(name.chars, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0) {
            if (exists) {
                (void)fchmod(descriptor, old.st_mode & 0777);
            }
            (void)close(descriptor);
            *temporary_out = name.chars;
            return CLAYER_OK;
        }
        int code = errno;
        cly_base_text_free(&name);
        errno = code;
        if (code != EEXIST) {
            break;
        }
    }
    return cly_base_fail_errno("create", path);
}

/* A rename lasts only when its folder is on the disk. Not every file system can flush one. */
static clayer_status flush_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    clayer_status status = cly_base_copy_string(slash == NULL ? "." : path, &folder);
    if (status != CLAYER_OK) {
        return status;
    }
    if (slash != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        if (fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) {
            status = cly_base_fail_errno("flush the folder of", path);
        }
        (void)close(descriptor);
    }
    free(folder);
    return status;
}

clayer_status cly_base_commit_file(char *temporary, const char *path) {
    clayer_status status = CLAYER_OK;
    int descriptor = open(temporary, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fsync(descriptor) != 0) {
        status = cly_base_fail_errno("write", path);
    }
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    if (status == CLAYER_OK && rename(temporary, path) != 0) {
        status = cly_base_fail_errno("replace", path);
    }
    if (status != CLAYER_OK) {
        (void)unlink(temporary);
    }
    free(temporary);
    return status == CLAYER_OK ? flush_folder(path) : status;
}

void cly_base_discard_file(char *temporary) {
    if (temporary != NULL) {
        (void)unlink(temporary);
        free(temporary);
    }
}

clayer_status cly_base_lock_file(const char *path, int *descriptor_out) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return cly_base_fail_errno("open", path);
    }
    while (flock(descriptor, LOCK_EX) != 0) {
        if (errno != EINTR) {
            clayer_status status = cly_base_fail_errno("lock", path);
            (void)close(descriptor);
            return status;
        }
    }
    *descriptor_out = descriptor;
    return CLAYER_OK;
}

void cly_base_unlock_file(int descriptor) {
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}
