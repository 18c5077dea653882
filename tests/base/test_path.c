/* base/test_path.c: files read, written and replaced; folders; locks. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"
#include "support/folder.h"
#include "support/runner.h"

static char *folder;

static void set_up(void) {
    folder = cly_test_folder();
}

static void tear_down(void) {
    cly_test_remove(folder);
    folder = NULL;
}

static char *in_folder(const char *name) {
    char *path = NULL;
    ck_assert_int_eq(cly_base_path_join(folder, name, &path), CLAYER_OK);
    return path;
}

START_TEST(paths_join) {
    char *path = NULL;
    ck_assert_int_eq(cly_base_path_join("a", "b", &path), CLAYER_OK);
    ck_assert_str_eq(path, "a/b");
    free(path);
    ck_assert_int_eq(cly_base_path_join("/", "b", &path), CLAYER_OK);
    ck_assert_str_eq(path, "/b");
    free(path);
    ck_assert_int_eq(cly_base_path_join("", "b", &path), CLAYER_OK);
    ck_assert_str_eq(path, "b");
    free(path);
}
END_TEST

START_TEST(folders_are_private) {
    char *path = in_folder("x/y/z");
    struct stat info;
    ck_assert_int_eq(cly_base_make_folders(path), CLAYER_OK);
    ck_assert_int_eq(cly_base_make_folders(path), CLAYER_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    free(path);
    path = in_folder("file");
    ck_assert_int_eq(cly_base_write_file(path, "1", 1), CLAYER_OK);
    ck_assert_int_eq(cly_base_make_folders(path), CLAYER_IO_ERROR);
    free(path);
    ck_assert_int_eq(cly_base_make_folders("/dev/null/x"), CLAYER_IO_ERROR);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "/dev/null"));
}
END_TEST

START_TEST(files_are_written_whole) {
    char *path = in_folder("file");
    void *bytes = NULL;
    size_t length = 0;
    struct stat info;
    mode_t mask = umask(022);
    ck_assert_int_eq(cly_base_write_file(path, "hello", 5), CLAYER_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0644);
    (void)umask(mask);
    ck_assert_int_eq(cly_base_read_file(path, 0, &bytes, &length), CLAYER_OK);
    ck_assert_uint_eq(length, 5);
    ck_assert_str_eq(bytes, "hello");
    free(bytes);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(cly_base_write_file(path, "", 0), CLAYER_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600); /* the replaced file's mode stays */
    ck_assert_int_eq(cly_base_read_file(path, 0, &bytes, &length), CLAYER_OK);
    ck_assert_uint_eq(length, 0);
    free(bytes);
    ck_assert_int_eq(cly_test_count_files(folder), 1); /* nothing temporary is left */
    free(path);
}
END_TEST

START_TEST(reading_fails_with_words) {
    char *path = in_folder("none");
    void *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(cly_base_read_file(path, 0, &bytes, &length), CLAYER_IO_ERROR);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "cannot open '"));
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "No such file"));
    ck_assert_int_eq(cly_base_read_file(folder, 0, &bytes, &length), CLAYER_IO_ERROR);
    ck_assert_int_eq(cly_base_write_file(path, "12345", 5), CLAYER_OK);
    ck_assert_int_eq(cly_base_read_file(path, 4, &bytes, &length), CLAYER_BAD_FILE);
    ck_assert_int_eq(cly_base_read_file(path, 5, &bytes, &length), CLAYER_OK);
    free(bytes);
    ck_assert_int_eq(cly_base_read_file("/proc/self/status", 0, &bytes, &length), CLAYER_OK);
    ck_assert_uint_gt(length, 100); /* its size is said to be 0 */
    free(bytes);
    ck_assert_int_eq(cly_base_read_file("/dev/zero", 100000, &bytes, &length), CLAYER_BAD_FILE);
    free(path);
}
END_TEST

START_TEST(writing_fails_with_words) {
    ck_assert_int_eq(cly_base_write_file("/dev/full", "1", 1), CLAYER_IO_ERROR);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "No space"));
    ck_assert_int_eq(cly_base_write_file("/nowhere/file", "1", 1), CLAYER_IO_ERROR);
    ck_assert_int_eq(cly_base_write_file(folder, "1", 1), CLAYER_IO_ERROR);
    errno = ENOMEM;
    ck_assert_int_eq(cly_base_fail_errno("read", "x"), CLAYER_OUT_OF_MEMORY);
}
END_TEST

START_TEST(temporary_files_replace_or_vanish) {
    char *path = in_folder("file");
    char *temporary = NULL;
    void *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(cly_base_write_file(path, "old", 3), CLAYER_OK);
    ck_assert_int_eq(cly_base_temporary_beside(path, &temporary), CLAYER_OK);
    ck_assert_int_eq(cly_test_count_files(folder), 2);
    cly_base_discard_file(temporary);
    ck_assert_int_eq(cly_test_count_files(folder), 1);
    cly_base_discard_file(NULL);
    ck_assert_int_eq(cly_base_temporary_beside(path, &temporary), CLAYER_OK);
    ck_assert_int_eq(cly_base_write_file(temporary, "new", 3), CLAYER_OK);
    ck_assert_int_eq(cly_base_commit_file(temporary, path), CLAYER_OK);
    ck_assert_int_eq(cly_base_read_file(path, 0, &bytes, &length), CLAYER_OK);
    ck_assert_str_eq(bytes, "new");
    free(bytes);
    ck_assert_int_eq(cly_base_temporary_beside("/dev/null", &temporary), CLAYER_IO_ERROR);
    ck_assert_int_eq(cly_base_temporary_beside("/nowhere/x", &temporary), CLAYER_IO_ERROR);
    free(path);
}
END_TEST

typedef struct turn {
    char *path;
    int inside, most;
} turn;

static void *take_turns(void *data) {
    turn *shared = data;
    for (int i = 0; i < 20; i++) {
        int lock = -1;
        if (cly_base_lock_file(shared->path, &lock) == CLAYER_OK) {
            shared->inside++;
            shared->most = shared->inside > shared->most ? shared->inside : shared->most;
            (void)nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            shared->inside--;
            cly_base_unlock_file(lock);
        }
    }
    return NULL;
}

START_TEST(locks_exclude) {
    turn shared = {in_folder("lock"), 0, 0};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns, &shared), 0);
    }
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(shared.most, 1);
    free(shared.path);
    int lock = -1;
    ck_assert_int_eq(cly_base_lock_file("/nowhere/lock", &lock), CLAYER_IO_ERROR);
    ck_assert_int_eq(lock, -1);
    cly_base_unlock_file(-1);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("base.path");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, paths_join);
    tcase_add_test(all, folders_are_private);
    tcase_add_test(all, files_are_written_whole);
    tcase_add_test(all, reading_fails_with_words);
    tcase_add_test(all, writing_fails_with_words);
    tcase_add_test(all, temporary_files_replace_or_vanish);
    tcase_add_test(all, locks_exclude);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
