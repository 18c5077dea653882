/* base/mapping.c: files mapped into memory, shared by whoever holds them.
 *
 * A private writable mapping may ask for memory in the amount of its size (a system counts what it promised), although
 * nothing is written as a rule: MAP_NORESERVE says so, and files larger than the memory can be mapped. A file that
 * another program cuts short while it is mapped ends this process with SIGBUS when the lost part is touched; there is
 * no help against that but reading all of it, and files are replaced by renaming as a rule. */
#define _DEFAULT_SOURCE /* MAP_NORESERVE, which POSIX does not have */
#include "base/mapping.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/path.h"

struct cly_base_mapping {
    atomic_int holders;
    void *bytes;
    size_t length;
    bool mapped; /* else the bytes were read, and are freed with free() */
};

/* The file's pages; *bytes_out stays NULL for what has no size or cannot be mapped, which is then read. */
static clayer_status map_pages(const char *path, void **bytes_out, size_t *length_out) {
    clayer_status status = CLAYER_OK;
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return cly_base_fail_errno("open", path);
    }
    if (fstat(descriptor, &info) != 0) {
        status = cly_base_fail_errno("read", path);
    } else if (S_ISREG(info.st_mode) && info.st_size > 0 && (uint64_t)info.st_size <= SIZE_MAX / 2) {
        void *bytes =
            mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
        if (bytes != MAP_FAILED) {
            *bytes_out = bytes;
            *length_out = (size_t)info.st_size;
        }
    }
    (void)close(descriptor);
    return status;
}

clayer_status cly_base_map_file(const char *path, cly_base_mapping **mapping_out) {
    cly_base_mapping *mapping = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(*mapping), (void **)&mapping));
    atomic_init(&mapping->holders, 1);
    CLY_TRY(map_pages(path, &mapping->bytes, &mapping->length));
    mapping->mapped = mapping->bytes != NULL;
    if (!mapping->mapped) {
        CLY_TRY(cly_base_read_file(path, 0, &mapping->bytes, &mapping->length));
    }
    *mapping_out = mapping;
    mapping = NULL;
done:
    cly_base_mapping_release(mapping);
    return status;
}

void *cly_base_mapping_bytes(const cly_base_mapping *mapping, size_t *length_out) {
    *length_out = mapping->length;
    return mapping->bytes;
}

void cly_base_mapping_retain(cly_base_mapping *mapping) {
    atomic_fetch_add(&mapping->holders, 1);
}

void cly_base_mapping_release(cly_base_mapping *mapping) {
    if (mapping == NULL || atomic_fetch_sub(&mapping->holders, 1) != 1) {
        return;
    }
    if (mapping->mapped) {
        (void)munmap(mapping->bytes, mapping->length);
    } else {
        free(mapping->bytes);
    }
    free(mapping);
}
