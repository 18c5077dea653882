/* device/cache.c: compiled programs on disk: the folder, keys, loading and storing of entries.
 *
 * Any doubt about an entry means building from source; nothing that goes wrong here fails a call. */
#include "device/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <clayer/version.h>

#include "base/path.h"
#include "base/text.h"

#define DEFAULT_LIMIT ((uint64_t)256 << 20)
#define LARGEST_ENTRY ((size_t)256 << 20)
#define CACHE_FORMAT "clayer program cache 1"

/* The folder the configuration, or the environment, names; *folder_out stays NULL when there is none. */
static clayer_status find_folder(const char *configured, char **folder_out) {
    const char *named = configured != NULL && configured[0] != '\0' ? configured : getenv("CLAYER_CACHE_DIR");
    if (named != NULL && named[0] != '\0') {
        return cly_base_copy_string(named, folder_out);
    }
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache != NULL && cache[0] == '/') { /* the XDG specification ignores relative paths */
        return cly_base_path_join(cache, "clayer", folder_out);
    }
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return cly_base_path_join(home, ".cache/clayer", folder_out);
    }
    return CLAYER_OK;
}

static void complain(clayer_context *context, const char *what) {
    if (!atomic_exchange(&context->cache.complained, true)) {
        cly_device_log(context, CLAYER_LOG_WARNING, "%s: %s", what, clayer_last_error());
    }
}

/* A program is code that will run: the folder must not be one that others may write. */
static clayer_status check_folder(const char *folder) {
    struct stat info;
    if (stat(folder, &info) != 0) {
        return cly_base_fail_errno("read", folder);
    }
    bool foreign = info.st_uid != geteuid() && info.st_uid != 0;
    if (foreign || (info.st_mode & S_IWOTH) != 0) {
        return cly_base_fail(CLAYER_IO_ERROR, "the folder '%s' %s", folder,
                             foreign ? "belongs to another user" : "can be written by every user");
    }
    return CLAYER_OK;
}

void cly_device_cache_open(clayer_context *context, const clayer_context_config *config) {
    cly_cache *cache = &context->cache;
    const char *variable = getenv("CLAYER_CACHE");
    bool off = config->no_cache || (variable != NULL && strcmp(variable, "0") == 0);
    cache->limit_bytes = config->cache_limit_bytes != 0 ? config->cache_limit_bytes : DEFAULT_LIMIT;
    atomic_init(&cache->complained, false);
    /* Without entries the folder still holds the lock that PoCL needs between processes. */
    if (off && !context->is_pocl) {
        return;
    }
    clayer_status status = find_folder(config->cache_dir, &cache->folder);
    if (status == CLAYER_OK && cache->folder != NULL) {
        status = cly_base_make_folders(cache->folder);
    }
    if (status == CLAYER_OK && cache->folder != NULL) {
        status = check_folder(cache->folder);
    }
    if (status != CLAYER_OK) {
        complain(context, "compiled programs are not kept");
        free(cache->folder);
        cache->folder = NULL;
    }
    cache->enabled = !off && cache->folder != NULL;
}

void cly_device_cache_close(clayer_context *context) {
    free(context->cache.folder);
    context->cache.folder = NULL;
}

/* Each part with its length before it, so that no two different lists give the same bytes. */
static bool digest_part(EVP_MD_CTX *digest, const void *bytes, size_t length) {
    unsigned char size[8];
    for (int i = 0; i < 8; i++) {
        size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    }
    return EVP_DigestUpdate(digest, size, sizeof(size)) == 1 && EVP_DigestUpdate(digest, bytes, length) == 1;
}

clayer_status cly_device_cache_key(const clayer_context *context, const cly_kernel_source *source, const char *options,
                                   char key_out[65]) {
    const clayer_device_info *info = &context->info;
    const char *texts[] = {CACHE_FORMAT, CLAYER_VERSION, info->platform, context->platform_version,
                           info->name,   info->vendor,   info->driver,   info->opencl_version,
                           options};
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < CLY_COUNT(texts); i++) {
        good = digest_part(digest, texts[i], strlen(texts[i]));
    }
    good = good && digest_part(digest, source->bytes, source->length) &&
           EVP_DigestFinal_ex(digest, hash, &length) == 1 && length == 32;
    EVP_MD_CTX_free(digest);
    if (!good) {
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for a SHA-256 digest");
    }
    for (unsigned int i = 0; i < 32; i++) {
        (void)snprintf(key_out + 2 * i, 3, "%02x", (unsigned)hash[i]);
    }
    return CLAYER_OK;
}

/* "<folder>/<key>.bin" */
static clayer_status entry_path(const clayer_context *context, const char *key, char **path_out) {
    char name[80];
    (void)snprintf(name, sizeof(name), "%s.bin", key);
    return cly_base_path_join(context->cache.folder, name, path_out);
}

cly_entry_state cly_device_cache_load(clayer_context *context, const char *key, void **bytes_out, size_t *length_out,
                                      const char **reason_out) {
    char *path = NULL;
    void *file = NULL;
    void *memory = NULL;
    const void *payload = NULL;
    size_t file_length = 0, length = 0;
    struct stat info;
    cly_entry_state state = CLY_ENTRY_NONE;
    if (entry_path(context, key, &path) != CLAYER_OK || lstat(path, &info) != 0) {
        goto done;
    }
    state = CLY_ENTRY_BAD;
    if (!S_ISREG(info.st_mode)) {
        *reason_out = "the entry is not a regular file";
        goto done;
    }
    if (cly_base_read_file(path, LARGEST_ENTRY, &file, &file_length) != CLAYER_OK) {
        *reason_out = "the entry cannot be read";
        goto done;
    }
    *reason_out = cly_device_entry_check(file, file_length, key, &payload, &length);
    if (*reason_out != NULL) {
        goto done;
    }
    if (cly_base_alloc(length, 1, &memory) != CLAYER_OK) {
        *reason_out = "out of host memory";
        goto done;
    }
    memcpy(memory, payload, length);
    *bytes_out = memory;
    *length_out = length;
    state = CLY_ENTRY_GOOD;
    /* The time of last use, by which old entries leave. */
    (void)utimensat(AT_FDCWD, path, NULL, 0);
done:
    free(file);
    free(path);
    return state;
}

void cly_device_cache_store(clayer_context *context, const char *key, const void *bytes, size_t length) {
    char *path = NULL;
    void *file = NULL;
    size_t file_length = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(entry_path(context, key, &path));
    CLY_TRY(cly_device_entry_pack(key, bytes, length, &file, &file_length));
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        /* A link or a folder in the entry's place would be followed, or refuse to be replaced. */
        (void)(S_ISDIR(info.st_mode) ? rmdir(path) : unlink(path));
    }
    CLY_TRY(cly_base_write_file(path, file, file_length));
    cly_device_cache_evict(context->cache.folder, context->cache.limit_bytes, key);
done:
    if (status != CLAYER_OK) {
        complain(context, "a compiled program is not kept");
    }
    free(file);
    free(path);
}

int cly_device_cache_lock(clayer_context *context, const char *name) {
    char *path = NULL;
    int descriptor = -1;
    if (context->cache.folder == NULL) {
        return -1;
    }
    clayer_status status = cly_base_path_join(context->cache.folder, name, &path);
    if (status == CLAYER_OK) {
        status = cly_base_lock_file(path, &descriptor);
    }
    if (status != CLAYER_OK) {
        complain(context, "no lock on the program cache");
    }
    free(path);
    return descriptor;
}
