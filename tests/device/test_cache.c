/* device/test_cache.c: compiled programs on disk: found again, damaged in every part, evicted, refused, raced for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "device/internal.h"
#include "device/matrix.h"
#include "support/context.h"
#include "support/folder.h"
#include "support/runner.h"

extern char **environ;

static const char *self;
static char *folder;

static void set_up(void) {
    folder = cly_test_folder();
}

static void tear_down(void) {
    cly_test_remove(folder);
    folder = NULL;
}

/* Runs one product by the plain kernel in a new context on that folder; `log` may be NULL. */
static clayer_counters run_with(const clayer_context_config *config) {
    const cly_gemm g = {.m = 9, .n = 10, .k = 11, .a_ld = 11, .b_ld = 10, .c_ld = 10, .batch = 1};
    clayer_context *context = NULL;
    ck_assert_msg(clayer_context_create(config, &context) == CLAYER_OK, "%s", clayer_last_error());
    ck_assert_str_eq(cly_test_product(context, cly_device_gemm_own, &g), "");
    clayer_counters counters = cly_test_counters(context);
    clayer_context_destroy(context);
    return counters;
}

static clayer_counters run_in(const char *cache, cly_test_log *log) {
    const clayer_context_config config = {.struct_size = sizeof(config),
                                          .cache_dir = cache,
                                          .log = log != NULL ? cly_test_log_add : NULL,
                                          .log_data = log};
    return run_with(&config);
}

/* The path of the `nth` entry, or NULL. */
static char *entry_path(int nth) {
    char *path = NULL;
    DIR *directory = opendir(folder);
    for (struct dirent *item = readdir(directory); item != NULL; item = readdir(directory)) {
        size_t length = strlen(item->d_name);
        if (length == 68 && strcmp(item->d_name + 64, ".bin") == 0 && nth-- == 0) {
            ck_assert_int_eq(cly_base_path_join(folder, item->d_name, &path), CLAYER_OK);
        }
    }
    (void)closedir(directory);
    return path;
}

START_TEST(programs_are_found_again) {
    struct stat info;
    char *inner = NULL;
    ck_assert_int_eq(cly_base_path_join(folder, "new/cache", &inner), CLAYER_OK);
    clayer_counters first = run_in(inner, NULL), second = run_in(inner, NULL);
    ck_assert_uint_eq(first.programs_built, 1);
    ck_assert_uint_eq(first.programs_loaded, 0);
    ck_assert_uint_eq(second.programs_built, 0);
    ck_assert_uint_eq(second.programs_loaded, 1);
    ck_assert_uint_eq(second.programs_replaced, 0);
    ck_assert_int_eq(stat(inner, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    free(inner);
}
END_TEST

/* ---- damage ---- */

typedef enum damage {
    MAGIC = 0,
    VERSION,
    KEY,
    LENGTH,
    PAYLOAD_START,
    PAYLOAD_MIDDLE,
    CHECKSUM,
    CUT_HALF,
    CUT_HEADER,
    LONGER,
    EMPTY,
    FOREIGN,
    FOLDER,
    LINK,
    DAMAGES
} damage;

static void flip(const char *path, off_t offset) {
    int file = open(path, O_RDWR);
    char byte = 0;
    ck_assert_int_eq(pread(file, &byte, 1, offset), 1);
    byte = (char)(byte ^ 0x41);
    ck_assert_int_eq(pwrite(file, &byte, 1, offset), 1);
    (void)close(file);
}

static void harm(const char *path, damage how) {
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    switch (how) {
        case MAGIC:
            flip(path, 0);
            break;
        case VERSION:
            flip(path, 8);
            break;
        case KEY:
            flip(path, 20);
            break;
        case LENGTH:
            flip(path, 77);
            break;
        case PAYLOAD_START:
            flip(path, 84);
            break;
        case PAYLOAD_MIDDLE:
            flip(path, info.st_size / 2);
            break;
        case CHECKSUM:
            flip(path, info.st_size - 1);
            break;
        case CUT_HALF:
            ck_assert_int_eq(truncate(path, info.st_size / 2), 0);
            break;
        case CUT_HEADER:
            ck_assert_int_eq(truncate(path, 10), 0);
            break;
        case LONGER:
            ck_assert_int_eq(truncate(path, info.st_size + 1), 0);
            break;
        case EMPTY:
            ck_assert_int_eq(truncate(path, 0), 0);
            break;
        case FOREIGN:
            ck_assert_int_eq(cly_base_write_file(path, "hello", 5), CLAYER_OK);
            break;
        case FOLDER:
            ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
            break;
        case LINK:
            ck_assert(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
            break;
        case DAMAGES:
            break;
    }
}

START_TEST(damaged_entries_are_replaced) {
    (void)run_in(folder, NULL);
    char *path = entry_path(0);
    for (int how = 0; how < DAMAGES; how++) {
        cly_test_log log = {0};
        harm(path, (damage)how);
        clayer_counters counters = run_in(folder, &log);
        ck_assert_msg(counters.programs_built == 1 && counters.programs_replaced == 1, "damage %d", how);
        ck_assert_msg(log.count == 1 && strstr(log.last, "is built anew") != NULL, "damage %d: %s", how, log.all);
        log.count = 0;
        counters = run_in(folder, &log);
        ck_assert_msg(counters.programs_loaded == 1 && log.count == 0, "damage %d stays: %s", how, log.all);
    }
    free(path);
}
END_TEST

/* A whole entry of another program under this one's name, and one whose payload the driver refuses. */
START_TEST(wrong_programs_are_replaced) {
    static const char rubbish[] = "this is no program";
    void *bytes = NULL, *file = NULL;
    size_t length = 0, file_length = 0;
    (void)run_in(folder, NULL);
    char *path = entry_path(0);
    char key[65] = {0};
    memcpy(key, strrchr(path, '/') + 1, 64);
    ck_assert_int_eq(cly_base_read_file(path, 0, &bytes, &length), CLAYER_OK);
    char other[65];
    memset(other, 'a', 64);
    other[64] = '\0';
    ck_assert_int_eq(cly_device_entry_pack(other, bytes, length, &file, &file_length), CLAYER_OK);
    ck_assert_int_eq(cly_base_write_file(path, file, file_length), CLAYER_OK);
    ck_assert_uint_eq(run_in(folder, NULL).programs_replaced, 1);
    free(file);
    ck_assert_int_eq(cly_device_entry_pack(key, rubbish, sizeof(rubbish), &file, &file_length), CLAYER_OK);
    ck_assert_int_eq(cly_base_write_file(path, file, file_length), CLAYER_OK);
    clayer_counters counters = run_in(folder, NULL);
    ck_assert_uint_eq(counters.programs_replaced, 1);
    ck_assert_uint_eq(counters.programs_built, 1);
    ck_assert_uint_eq(run_in(folder, NULL).programs_loaded, 1);
    free(file);
    free(bytes);
    free(path);
}
END_TEST

START_TEST(keys_depend_on_everything) {
    clayer_context *context = cly_test_context(folder, NULL);
    char first[65], second[65];
    cly_kernel_source source = cly_kernel_sources[0];
    ck_assert_int_eq(cly_device_cache_key(context, &source, "-DA", first), CLAYER_OK);
    ck_assert_int_eq(cly_device_cache_key(context, &source, "-DA", second), CLAYER_OK);
    ck_assert_str_eq(first, second);
    ck_assert_uint_eq(strlen(first), 64);
    ck_assert_int_eq(cly_device_cache_key(context, &source, "-DB", second), CLAYER_OK);
    ck_assert_str_ne(first, second);
    source.length--;
    ck_assert_int_eq(cly_device_cache_key(context, &source, "-DA", second), CLAYER_OK);
    ck_assert_str_ne(first, second);
    source.length++;
    char *parts[] = {context->info.driver, context->info.name, context->info.opencl_version, context->info.platform,
                     context->platform_version};
    for (size_t i = 0; i < CLY_COUNT(parts); i++) {
        parts[i][0] = (char)(parts[i][0] ^ 1);
        ck_assert_int_eq(cly_device_cache_key(context, &source, "-DA", second), CLAYER_OK);
        ck_assert_str_ne(first, second);
        parts[i][0] = (char)(parts[i][0] ^ 1);
    }
    clayer_context_destroy(context);
}
END_TEST

/* ---- size ---- */

static void make_file(const char *name, size_t bytes, time_t used) {
    char *path = NULL;
    void *zeros = calloc(bytes, 1);
    ck_assert_int_eq(cly_base_path_join(folder, name, &path), CLAYER_OK);
    ck_assert_int_eq(cly_base_write_file(path, zeros, bytes), CLAYER_OK);
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    free(zeros);
    free(path);
}

static bool there_is(const char *name) {
    char *path = NULL;
    ck_assert_int_eq(cly_base_path_join(folder, name, &path), CLAYER_OK);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

START_TEST(the_oldest_leave) {
    char names[4][80];
    for (int i = 0; i < 4; i++) {
        memset(names[i], '0' + i, 64);
        (void)snprintf(names[i] + 64, 16, ".bin");
        make_file(names[i], 1000, 1000000 - i); /* 3 was used first */
    }
    make_file("something else", 100000, 1000);
    char leftover[96];
    (void)snprintf(leftover, sizeof(leftover), "%s.123-4.tmp", names[0]);
    make_file(leftover, 1000, 1000);
    cly_device_cache_evict(folder, 4000, names[0]);
    ck_assert(there_is(names[3]));
    ck_assert(!there_is(leftover));
    cly_device_cache_evict(folder, 2500, names[3]); /* 3 is the one just written */
    ck_assert(there_is(names[0]) && !there_is(names[1]) && !there_is(names[2]) && there_is(names[3]));
    ck_assert(there_is("something else"));
    cly_device_cache_evict("/nowhere", 0, names[0]);
}
END_TEST

START_TEST(use_keeps_an_entry_young) {
    struct stat info;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const clayer_context_config small = {.struct_size = sizeof(small), .cache_dir = folder, .cache_limit_bytes = 1};
    (void)run_in(folder, NULL);
    char *path = entry_path(0);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    (void)run_in(folder, NULL);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_gt(info.st_mtime, 1000000);
    /* a program larger than the whole cache is still kept once */
    ck_assert_uint_eq(run_with(&small).programs_loaded, 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(run_with(&small).programs_built, 1);
    ck_assert_uint_eq(run_with(&small).programs_loaded, 1);
    free(path);
}
END_TEST

/* ---- off, and trouble with the folder ---- */

START_TEST(the_cache_can_be_off) {
    const clayer_context_config off = {.struct_size = sizeof(off), .no_cache = true, .cache_dir = folder};
    ck_assert_uint_eq(run_with(&off).programs_built, 1);
    ck_assert_uint_eq(run_with(&off).programs_built, 1);
    ck_assert_ptr_null(entry_path(0));
    (void)setenv("CLAYER_CACHE", "0", 1);
    ck_assert_uint_eq(run_in(folder, NULL).programs_built, 1);
    ck_assert_uint_eq(run_in(folder, NULL).programs_built, 1);
    ck_assert_ptr_null(entry_path(0));
    (void)unsetenv("CLAYER_CACHE");
}
END_TEST

START_TEST(the_folder_comes_from_the_environment) {
    char *kept = NULL;
    ck_assert_int_eq(cly_base_copy_string(getenv("CLAYER_CACHE_DIR"), &kept), CLAYER_OK);
    (void)setenv("CLAYER_CACHE_DIR", folder, 1);
    ck_assert_uint_eq(run_in(NULL, NULL).programs_built, 1);
    ck_assert_uint_eq(run_in(folder, NULL).programs_loaded, 1);
    if (kept != NULL) {
        (void)setenv("CLAYER_CACHE_DIR", kept, 1);
    } else {
        (void)unsetenv("CLAYER_CACHE_DIR");
    }
    free(kept);
}
END_TEST

START_TEST(a_bad_folder_is_said_once) {
    cly_test_log log = {0};
    ck_assert_uint_eq(run_in("/dev/null/cache", &log).programs_built, 1);
    ck_assert_int_eq(log.count, 1);
    ck_assert_ptr_nonnull(strstr(log.last, "/dev/null"));
    /* one that every user may write */
    log = (cly_test_log){0};
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_uint_eq(run_in(folder, &log).programs_built, 1);
    ck_assert_int_eq(log.count, 1);
    ck_assert_ptr_nonnull(strstr(log.last, "every user"));
    ck_assert_int_eq(cly_test_count_files(folder), 0);
}
END_TEST

START_TEST(a_full_disk_is_said_once) {
    static const unsigned char bytes[5000] = {1};
    char key[65];
    cly_test_log log = {0};
    struct rlimit before, small = {.rlim_cur = 1000};
    clayer_context *context = cly_test_context(folder, &log);
    memset(key, 'a', 64);
    key[64] = '\0';
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &small);
    cly_device_cache_store(context, key, bytes, sizeof(bytes));
    cly_device_cache_store(context, key, bytes, sizeof(bytes));
    (void)setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(log.count, 1);
    ck_assert_ptr_nonnull(strstr(log.last, "is not kept"));
    ck_assert_int_eq(cly_test_count_files(folder), 0); /* nothing half written */
    cly_device_cache_store(context, key, bytes, sizeof(bytes));
    ck_assert_int_eq(cly_test_count_files(folder), 1);
    clayer_context_destroy(context);
}
END_TEST

START_TEST(an_entry_that_cannot_be_replaced_is_said_once) {
    cly_test_log log = {0};
    (void)run_in(folder, NULL);
    char *path = entry_path(0), *inner = NULL;
    ck_assert_int_eq(cly_base_path_join(path, "file", &inner), CLAYER_OK);
    ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
    ck_assert_int_eq(cly_base_write_file(inner, "x", 1), CLAYER_OK);
    for (int i = 0; i < 2; i++) {
        log = (cly_test_log){0};
        ck_assert_uint_eq(run_in(folder, &log).programs_built, 1);
        ck_assert_int_eq(log.count, 2); /* what was found, and that it stays */
    }
    free(inner);
    free(path);
}
END_TEST

/* ---- many processes ---- */

#define CHILDREN 16

/* A process of its own: 10 if it built the program, 11 if it loaded it, else a failure. */
static int child(const char *cache) {
    const clayer_context_config config = {.struct_size = sizeof(config), .cache_dir = cache};
    const cly_gemm g = {.m = 9, .n = 10, .k = 11, .a_ld = 11, .b_ld = 10, .c_ld = 10, .batch = 1};
    clayer_context *context = NULL;
    clayer_counters counters = {0};
    if (clayer_context_create(&config, &context) != CLAYER_OK) {
        fprintf(stderr, "child: %s\n", clayer_last_error());
        return 1;
    }
    const char *problem = cly_test_product(context, cly_device_gemm_own, &g);
    if (problem[0] != '\0' || clayer_context_get_counters(context, &counters) != CLAYER_OK) {
        fprintf(stderr, "child: %s\n", problem);
        return 2;
    }
    clayer_context_destroy(context);
    return counters.programs_built == 1 ? 10 : counters.programs_loaded == 1 ? 11 : 3;
}

START_TEST(cold_processes_build_once) {
    pid_t children[CHILDREN];
    int built = 0, loaded = 0;
    char *cache = NULL, *pocl = NULL;
    ck_assert_int_eq(cly_base_path_join(folder, "ours", &cache), CLAYER_OK);
    ck_assert_int_eq(cly_base_path_join(folder, "pocl", &pocl), CLAYER_OK);
    ck_assert_int_eq(cly_base_make_folders(pocl), CLAYER_OK);
    (void)setenv("POCL_CACHE_DIR", pocl, 1); /* cold as well; this process has read its own long ago */
    for (int i = 0; i < CHILDREN; i++) {
        char *arguments[] = {(char *)self, "--child", cache, NULL};
        ck_assert_int_eq(posix_spawn(&children[i], self, NULL, NULL, arguments, environ), 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int state = 0;
        while (waitpid(children[i], &state, 0) < 0) {
            ck_assert_int_eq(errno, EINTR);
        }
        ck_assert_msg(WIFEXITED(state), "child %d died: %d", i, state);
        built += WEXITSTATUS(state) == 10;
        loaded += WEXITSTATUS(state) == 11;
    }
    ck_assert_int_eq(built, 1);
    ck_assert_int_eq(loaded, CHILDREN - 1);
    free(cache);
    free(pocl);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.cache");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, programs_are_found_again);
    tcase_add_test(all, damaged_entries_are_replaced);
    tcase_add_test(all, wrong_programs_are_replaced);
    tcase_add_test(all, keys_depend_on_everything);
    tcase_add_test(all, the_oldest_leave);
    tcase_add_test(all, use_keeps_an_entry_young);
    tcase_add_test(all, the_cache_can_be_off);
    tcase_add_test(all, the_folder_comes_from_the_environment);
    tcase_add_test(all, a_bad_folder_is_said_once);
    tcase_add_test(all, a_full_disk_is_said_once);
    tcase_add_test(all, an_entry_that_cannot_be_replaced_is_said_once);
    tcase_add_test(all, cold_processes_build_once);
    suite_add_tcase(suite, all);
    return suite;
}

int main(int count, char **arguments) {
    self = arguments[0];
    if (count == 3 && strcmp(arguments[1], "--child") == 0) {
        return child(arguments[2]);
    }
    return cly_test_main(make);
}
