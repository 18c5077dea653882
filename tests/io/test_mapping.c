/* io/test_mapping.c: arrays that lie in their files: what is mapped and what must be copied, that writing changes the
 * array alone, that an array outlives its file and its archive, and that damage in a stored member is found. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

#include "io/array.h"
#include "io/support.h"
#include "support/runner.h"

static const int64_t shape[] = {2, 3, 4};

/* Saves make_array(type) as a .npy, after `change` from the dict's text to another of the same length. */
static const char *write_npy(const char *name, clayer_type type, const char *from, const char *to) {
    clayer_array *array = make_array(type, 3, shape);
    const char *path = temporary_path(name);
    MUST(clayer_array_save(array, path));
    clayer_array_destroy(array);
    if (from != NULL) {
        size_t length = 0;
        char *bytes = read_bytes(path, &length);
        char *at = strstr(bytes + 10, from);
        ck_assert(at != NULL && strlen(from) == strlen(to));
        memcpy(at, to, strlen(to));
        write_bytes(path, bytes, length);
        free(bytes);
    }
    return path;
}

START_TEST(npy_is_mapped_where_memory_looks_like_it) {
    for (clayer_type type = CLAYER_FLOAT32; type <= CLAYER_BOOL; type++) {
        clayer_array *array = NULL;
        MUST(clayer_array_load(write_npy("x.npy", type, NULL, NULL), &array));
        /* A bool may stand in a file as any byte. */
        ck_assert_msg((array->home != NULL) == (type != CLAYER_BOOL), "%s", clayer_type_name(type));
        ck_assert_int_eq(clayer_array_get_type(array), type);
        expect_values(array);
        clayer_array_destroy(array);
    }
    clayer_array *array = NULL;
    MUST(clayer_array_load(write_npy("x.npy", CLAYER_INT16, "'<i2'", "'>i2'"), &array));
    ck_assert_ptr_null(array->home);
    clayer_array_destroy(array);
    MUST(clayer_array_load(write_npy("x.npy", CLAYER_INT16, "False", "True "), &array));
    ck_assert_ptr_null(array->home);
    clayer_array_destroy(array);
}
END_TEST

START_TEST(sizes_are_held_against_the_header_first) {
    size_t length = 0;
    const char *path = write_npy("x.npy", CLAYER_FLOAT32, NULL, NULL);
    char *bytes = read_bytes(path, &length);
    clayer_array *array = NULL;
    write_bytes(path, bytes, length - 1);
    REFUSED(clayer_array_load(path, &array), CLAYER_BAD_FILE, "more or less data");
    write_bytes(path, bytes, 100);
    REFUSED(clayer_array_load(path, &array), CLAYER_BAD_FILE, "x.npy");
    write_bytes(path, bytes, 0);
    REFUSED(clayer_array_load(path, &array), CLAYER_BAD_FILE, "empty");
    ck_assert_ptr_null(array);
    free(bytes);
}
END_TEST

START_TEST(writing_changes_the_array_and_not_the_file) {
    const char *path = write_npy("x.npy", CLAYER_FLOAT32, NULL, NULL);
    clayer_array *array = NULL, *again = NULL;
    MUST(clayer_array_load(path, &array));
    ck_assert_ptr_nonnull(array->home);
    ((float *)clayer_array_get_data(array))[5] = 1000;
    MUST(clayer_array_load(path, &again));
    expect_values(again);
    ck_assert(((const float *)clayer_array_get_const_data(array))[5] == 1000);
    clayer_array_destroy(again);
    /* Saved over its own file, and the file removed: the array stays. */
    MUST(clayer_array_save(array, path));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(((const float *)clayer_array_get_const_data(array))[5] == 1000);
    ck_assert(((const float *)clayer_array_get_const_data(array))[0] == (float)expected_value(CLAYER_FLOAT32, 0));
    clayer_array_destroy(array);
}
END_TEST

START_TEST(pipes_are_read) {
    const char *path = write_npy("x.npy", CLAYER_FLOAT32, NULL, NULL);
    char command[600];
    (void)snprintf(command, sizeof(command), "cat '%s'", path);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    char name[64];
    (void)snprintf(name, sizeof(name), "/dev/fd/%d", fileno(pipe));
    clayer_array *array = NULL;
    MUST(clayer_array_load(name, &array));
    ck_assert_int_eq(pclose(pipe), 0);
    expect_values(array);
    clayer_array_destroy(array);
}
END_TEST

START_TEST(idx_bytes_are_mapped) {
    static const unsigned char bytes[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 7, 14}, words[] = {0, 0, 11, 1, 0, 0, 0, 1, 1, 2};
    const char *path = temporary_path("x.idx");
    clayer_array *array = NULL;
    write_bytes(path, bytes, sizeof(bytes));
    MUST(clayer_array_load(path, &array));
    ck_assert_ptr_nonnull(array->home);
    expect_values(array);
    clayer_array_destroy(array);
    write_bytes(path, bytes, sizeof(bytes) - 1);
    REFUSED(clayer_array_load(path, &array), CLAYER_BAD_FILE, "more or less data");
    write_bytes(path, words, sizeof(words));
    MUST(clayer_array_load(path, &array));
    ck_assert_ptr_null(array->home);
    ck_assert_int_eq(*(const int16_t *)clayer_array_get_const_data(array), 258);
    clayer_array_destroy(array);
}
END_TEST

/* ---- archives ---- */

/* A .npz of stored members like numpy.savez: bytes 'a', floats 'b', and 'c' deflated. `pad` lengthens the name of the
 * floats, and so moves where they lie. */
static void write_npz(const char *path, int pad) {
    static const clayer_type types[] = {CLAYER_UINT8, CLAYER_FLOAT32, CLAYER_FLOAT32};
    int code = 0;
    (void)unlink(path);
    zip_t *zip = zip_open(path, ZIP_CREATE, &code);
    ck_assert_ptr_nonnull(zip);
    for (int i = 0; i < 3; i++) {
        size_t length = 0;
        char name[32];
        char *bytes = read_bytes(write_npy("member.npy", types[i], NULL, NULL), &length);
        (void)snprintf(name, sizeof(name), "%c%.*s.npy", 'a' + i, i == 1 ? pad : 0, "0123456789");
        zip_source_t *source = zip_source_buffer(zip, bytes, length, 1);
        zip_int64_t index = zip_file_add(zip, name, source, 0);
        ck_assert_int_ge(index, 0);
        ck_assert_int_eq(zip_set_file_compression(zip, (zip_uint64_t)index, i < 2 ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0),
                         0);
    }
    ck_assert_int_eq(zip_close(zip), 0);
}

START_TEST(stored_members_are_mapped) {
    int mapped = 0;
    for (int pad = 0; pad < 4; pad++) {
        clayer_archive *archive = NULL;
        write_npz(temporary_path("stored.npz"), pad);
        MUST(clayer_archive_load(temporary_path("stored.npz"), &archive));
        ck_assert_uint_eq(clayer_archive_get_count(archive), 3);
        for (size_t i = 0; i < 3; i++) {
            expect_values(clayer_archive_get_array(archive, i));
        }
        ck_assert_ptr_nonnull(clayer_archive_get_array(archive, 0)->home);
        ck_assert_ptr_null(clayer_archive_get_array(archive, 2)->home);
        mapped += clayer_archive_get_array(archive, 1)->home != NULL;
        clayer_archive_destroy(archive);
    }
    /* The floats lie at a multiple of four bytes in one of the four files. */
    ck_assert_int_eq(mapped, 1);
}
END_TEST

static void expect_two_mapped(const char *path) {
    clayer_archive *archive = NULL;
    MUST(clayer_archive_load(path, &archive));
    ck_assert_uint_eq(clayer_archive_get_count(archive), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(clayer_archive_get_array(archive, i)->home);
        expect_values(clayer_archive_get_array(archive, i));
    }
    clayer_archive_destroy(archive);
}

/* NumPy's members with sizes and offsets in the places for archives over 4 GiB, then the directory's too. */
START_TEST(members_of_zip64_are_mapped) {
    size_t length = 0;
    expect_two_mapped(data_path("zip64.npz"));
    char *bytes = read_bytes(data_path("zip64.npz"), &length);
    memset(bytes + length - 6, 0xff, 4);
    write_bytes(temporary_path("large.npz"), bytes, length);
    expect_two_mapped(temporary_path("large.npz"));
    free(bytes);
}
END_TEST

START_TEST(taken_arrays_outlive_their_archive) {
    clayer_archive *archive = NULL;
    clayer_array *bytes = NULL, *floats = NULL;
    write_npz(temporary_path("stored.npz"), 0);
    MUST(clayer_archive_load(temporary_path("stored.npz"), &archive));
    REFUSED(clayer_archive_take(archive, "d", &bytes), CLAYER_INVALID_ARGUMENT, "'d'");
    REFUSED(clayer_archive_take(archive, NULL, &bytes), CLAYER_INVALID_ARGUMENT, "NULL");
    MUST(clayer_archive_take(archive, "a", &bytes));
    MUST(clayer_archive_take(archive, "c", &floats));
    ck_assert_uint_eq(clayer_archive_get_count(archive), 1);
    ck_assert_str_eq(clayer_archive_get_name(archive, 0), "b");
    ck_assert_ptr_null(clayer_archive_find(archive, "a"));
    clayer_archive_destroy(archive);
    ck_assert_ptr_nonnull(bytes->home);
    expect_values(bytes);
    expect_values(floats);
    clayer_array_destroy(bytes);
    clayer_array_destroy(floats);
}
END_TEST

/* Every byte of the file changed in turn: what still opens has the right values, wherever the directory points. */
START_TEST(damaged_stored_members_are_refused) {
    size_t length = 0;
    int refused = 0;
    write_npz(temporary_path("stored.npz"), 0);
    const char *path = temporary_path("stored.npz");
    char *bytes = read_bytes(path, &length);
    for (size_t i = 0; i < length; i++) {
        clayer_archive *archive = NULL;
        bytes[i] ^= 0x41;
        write_bytes(path, bytes, length);
        bytes[i] ^= 0x41;
        if (clayer_archive_load(path, &archive) != CLAYER_OK) {
            refused++;
            continue;
        }
        for (size_t m = 0; m < clayer_archive_get_count(archive); m++) {
            expect_values(clayer_archive_get_array(archive, m));
        }
        clayer_archive_destroy(archive);
    }
    free(bytes);
    ck_assert_msg(refused > 300, "only %d of %zu changes were refused", refused, length);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.mapping");
    TCase *cases = tcase_create("mapping");
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, npy_is_mapped_where_memory_looks_like_it);
    tcase_add_test(cases, sizes_are_held_against_the_header_first);
    tcase_add_test(cases, writing_changes_the_array_and_not_the_file);
    tcase_add_test(cases, pipes_are_read);
    tcase_add_test(cases, idx_bytes_are_mapped);
    tcase_add_test(cases, stored_members_are_mapped);
    tcase_add_test(cases, members_of_zip64_are_mapped);
    tcase_add_test(cases, taken_arrays_outlive_their_archive);
    tcase_add_test(cases, damaged_stored_members_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
