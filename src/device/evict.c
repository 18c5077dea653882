/* device/evict.c: keeps the cache folder within its size: the entries unused for longest leave first. */
#include "device/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct entry_file {
    char name[72];
    uint64_t bytes;
    struct timespec used;
} entry_file;

/* "<64 hexadecimal digits>.bin" */
static bool is_entry(const char *name) {
    return strlen(name) == 68 && strspn(name, "0123456789abcdef") == 64 && strcmp(name + 64, ".bin") == 0;
}

/* A temporary file that a killed process left: "<entry>.<pid>-<n>.tmp", an hour old. */
static bool is_leftover(const char *name, const struct stat *info) {
    size_t length = strlen(name);
    return length > 72 && strspn(name, "0123456789abcdef") == 64 && strncmp(name + 64, ".bin.", 5) == 0 &&
           strcmp(name + length - 4, ".tmp") == 0 && time(NULL) - info->st_mtime > 3600;
}

static int older_first(const void *a, const void *b) {
    const entry_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    }
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

void cly_device_cache_evict(const char *folder, uint64_t limit_bytes, const char *kept_key) {
    entry_file *files = NULL;
    size_t count = 0, capacity = 0;
    uint64_t total = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return;
    }
    int at = dirfd(directory);
    for (const struct dirent *item = readdir(directory); item != NULL; item = readdir(directory)) {
        struct stat info;
        if (fstatat(at, item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) {
            continue;
        }
        if (is_leftover(item->d_name, &info)) {
            (void)unlinkat(at, item->d_name, 0);
        } else if (is_entry(item->d_name)) {
            void *items = files;
            clayer_status status = cly_base_grow(&items, &capacity, count, sizeof(entry_file));
            files = items;
            if (status != CLAYER_OK) {
                break;
            }
            memcpy(files[count].name, item->d_name, 69);
            files[count].bytes = (uint64_t)info.st_size;
            files[count].used = info.st_mtim;
            total += files[count].bytes;
            count++;
        }
    }
    if (total > limit_bytes) {
        qsort(files, count, sizeof(entry_file), older_first);
    }
    for (size_t i = 0; i < count && total > limit_bytes; i++) {
        bool kept = strncmp(files[i].name, kept_key, 64) == 0;
        if (!kept && unlinkat(at, files[i].name, 0) == 0) {
            total -= files[i].bytes;
        }
    }
    (void)closedir(directory);
    free(files);
}
