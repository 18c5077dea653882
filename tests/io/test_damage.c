/* io/test_damage.c: arrays on a full disk and in damaged files: the old file stays, and nothing crashes. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "io/array.h"
#include "io/support.h"
#include "support/runner.h"

START_TEST(a_full_disk_leaves_the_old_file) {
    const int64_t small[] = {4}, large[] = {100000};
    clayer_array *first = make_array(CLAYER_FLOAT32, 1, small), *second = make_array(CLAYER_FLOAT32, 1, large);
    clayer_array *again = NULL;
    const char *path = temporary_path("kept.npy");
    MUST(clayer_array_save(first, path));
    int files = count_temporary();
    struct rlimit before, tiny;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    clayer_status status = clayer_array_save(second, path);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, old_handler);
    REFUSED(status, CLAYER_IO_ERROR, "kept.npy");
    ck_assert_int_eq(count_temporary(), files);
    MUST(clayer_array_load(path, &again));
    ck_assert_int_eq(clayer_array_get_count(again), 4);
    REFUSED(clayer_array_save(second, "/dev/full"), CLAYER_IO_ERROR, "/dev/full");
    REFUSED(clayer_array_save(second, temporary_path("no/such/folder.npy")), CLAYER_IO_ERROR, "folder.npy");
    clayer_array_destroy(first);
    clayer_array_destroy(second);
    clayer_array_destroy(again);
}
END_TEST

/* Every file of arrays.zip with flipped bytes and cut off: an error or an array, never a crash. */
START_TEST(damaged_arrays_do_no_harm) {
    cly_io_zip *zip = NULL;
    int refused = 0;
    MUST(cly_io_zip_open(data_path("arrays.zip"), &zip));
    for (size_t i = 0; i < cly_io_zip_get_count(zip); i++) {
        const char *name = cly_io_zip_get_name(zip, i);
        void *bytes = NULL;
        size_t length = 0;
        MUST(cly_io_zip_read(zip, name, 0, &bytes, &length));
        for (int turn = 0; turn < 200; turn++) {
            test_random random = test_random_start(1, (uint64_t)turn);
            size_t part = turn % 4 == 3 ? (size_t)test_random_int(&random, 0, (int64_t)length - 1) : length;
            char *copy = malloc(part + 1);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, bytes, part);
            if (part == length) {
                damage(&random, copy, part < 160 || turn % 2 == 0 ? part : 160);
            }
            clayer_array *array = NULL;
            bool idx = strstr(name, "idx") != NULL;
            clayer_status status = idx ? cly_io_idx_parse(copy, part, NULL, "damaged", &array)
                                       : cly_io_npy_parse(copy, part, NULL, "damaged", &array);
            refused += status != CLAYER_OK;
            ck_assert(part == length || status != CLAYER_OK);
            clayer_array_destroy(array);
            free(copy);
        }
        free(bytes);
    }
    ck_assert_int_gt(refused, 1000);
    cly_io_zip_close(zip);
}
END_TEST

START_TEST(damaged_archives_do_no_harm) {
    clayer_archive *archive = NULL;
    MUST(clayer_archive_create(&archive));
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        clayer_array *array = make_array(CLAYER_FLOAT32, 1, (const int64_t[]){40});
        MUST(clayer_archive_add(archive, name, array));
        clayer_array_destroy(array);
    }
    MUST(clayer_archive_save(archive, temporary_path("three.npz")));
    clayer_archive_destroy(archive);
    size_t length = 0;
    char *bytes = read_bytes(temporary_path("three.npz"), &length);
    char *copy = malloc(length);
    ck_assert_ptr_nonnull(copy);
    for (int turn = 0; turn < 3000; turn++) {
        test_random random = test_random_start(2, (uint64_t)turn);
        size_t part = turn % 4 == 3 ? (size_t)test_random_int(&random, 0, (int64_t)length - 1) : length;
        memcpy(copy, bytes, length);
        damage(&random, copy, part);
        archive = NULL;
        if (cly_io_npz_parse(copy, part, NULL, "damaged", &archive) == CLAYER_OK) {
            /* What still opens has the checksums of its contents right. */
            for (size_t i = 0; i < clayer_archive_get_count(archive); i++) {
                expect_values(clayer_archive_get_array(archive, i));
            }
        }
        clayer_archive_destroy(archive);
    }
    free(copy);
    free(bytes);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.damage");
    TCase *cases = tcase_create("damage");
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, a_full_disk_leaves_the_old_file);
    tcase_add_test(cases, damaged_arrays_do_no_harm);
    tcase_add_test(cases, damaged_archives_do_no_harm);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
