/* io/test_formats.c: strict JSON, zip members and HDF5 objects, each by itself. data/kinds.h5 is h5py's. */
#include <stdio.h>
#include <stdlib.h>

#include "io/support.h"
#include "support/runner.h"

/* ---- JSON ---- */

static clayer_status parse(const char *text) {
    cJSON *json = NULL;
    clayer_status status = cly_io_json_parse(text, strlen(text), "x", &json);
    cJSON_Delete(json);
    return status;
}

START_TEST(good_json_is_accepted) {
    static const char *const good[] = {"{}",
                                       " [1, -2.5e-3, 0, 0.5E+2] \n",
                                       "\"a\\u00e4\\ud83d\\ude00\"",
                                       "null",
                                       "-0",
                                       "{\"a\": {\"a\": [true, false]}}",
                                       "\"größe\"",
                                       "[[], {}, \"\"]"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(parse(good[i]) == CLAYER_OK, "%s: %s", good[i], clayer_last_error());
    }
}
END_TEST

START_TEST(bad_json_is_refused) {
    static const char *const bad[] = {"",
                                      " ",
                                      "{} x",
                                      "{}{}",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{a: 1}",
                                      "[1 2]",
                                      "01",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "-",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "1e400",
                                      "0x10",
                                      "tru",
                                      "'a'",
                                      "\"a",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u0000\"",
                                      "\"a\nb\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "[",
                                      "{",
                                      "{\"a\":",
                                      "// c\n1",
                                      "\xef\xbb\xbf{}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1,\"\\u0061\":2}",
                                      "[1e309]",
                                      "nul",
                                      "\"\\"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(parse(bad[i]) == CLAYER_BAD_FILE, "accepted: %s", bad[i]);
        ck_assert_ptr_eq(strstr(clayer_last_error(), "x: bad JSON"), clayer_last_error());
    }
    char deep[1000] = {0};
    memset(deep, '[', 150);
    memset(deep + 150, ']', 150);
    MUST(parse(deep));
    memset(deep, '[', 250);
    memset(deep + 250, ']', 250);
    REFUSED(parse(deep), CLAYER_BAD_FILE, "200 deep");
}
END_TEST

/* The bytes end where the text does, so that reading on is seen by the sanitizer. */
START_TEST(damaged_json_does_no_harm) {
    size_t length = 0;
    char *text = read_bytes(golden_path("models/k3_branches.json"), &length);
    for (int turn = 0; turn < 400; turn++) {
        test_random random = test_random_start(3, (uint64_t)turn);
        size_t part = turn % 2 == 0 ? (size_t)test_random_int(&random, 0, (int64_t)length) : length;
        char *copy = malloc(part == 0 ? 1 : part);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, part);
        if (part == length) {
            damage(&random, copy, part);
        }
        cJSON *json = NULL;
        clayer_status status = cly_io_json_parse(copy, part, "damaged", &json);
        ck_assert(part == length || status == CLAYER_BAD_FILE);
        cJSON_Delete(json);
        free(copy);
    }
    free(text);
}
END_TEST

/* ---- zip ---- */

START_TEST(zip_members_are_limited) {
    cly_io_zip *zip = NULL;
    void *bytes = NULL;
    size_t length = 0;
    MUST(cly_io_zip_open(data_path("arrays.zip"), &zip));
    ck_assert_uint_gt(cly_io_zip_get_count(zip), 50);
    ck_assert_ptr_null(cly_io_zip_get_name(zip, 1000));
    REFUSED(cly_io_zip_read(zip, "nothing", 0, &bytes, &length), CLAYER_BAD_FILE, "no member 'nothing'");
    REFUSED(cly_io_zip_read(zip, "f4_little_C.npy", 100, &bytes, &length), CLAYER_BAD_FILE, "limit of 100");
    MUST(cly_io_zip_read(zip, "f4_little_C.npy", 0, &bytes, &length));
    ck_assert_uint_eq(length, 128 + 96);
    free(bytes);
    cly_io_zip_close(zip);
    REFUSED(cly_io_zip_open(data_path("nothing.zip"), &zip), CLAYER_IO_ERROR, "nothing.zip");
}
END_TEST

/* Changes a byte of the first member in its own header, at the start, and in the directory (APPNOTE.TXT 4.3.7, 4.3.12):
 * where the two differ, libzip refuses the archive at once. `place` counts from the member's version. */
static void change(char *bytes, size_t length, size_t place, char value) {
    size_t entry = 0;
    for (size_t i = length - 46; i > 0; i--) {
        entry = memcmp(bytes + i, "PK\1\2", 4) == 0 ? i : entry;
    }
    ck_assert_uint_gt(entry, 0);
    bytes[4 + place] = value;
    bytes[entry + 6 + place] = value;
}

START_TEST(zip_sizes_checksums_and_methods_are_not_believed) {
    static const struct {
        size_t place;
        char value;
        clayer_status status;
        const char *part;
    } changes[] = {
        {21, 0x7f, CLAYER_BAD_FILE, "cannot have"}, /* the size becomes 2 GiB */
        {18, 0x70, CLAYER_BAD_FILE, "damaged"},     /* the size is not what comes out */
        {10, 0x11, CLAYER_BAD_FILE, "damaged"},     /* the checksum */
        {4, 14, CLAYER_UNSUPPORTED, "method 14"},   {2, 1, CLAYER_UNSUPPORTED, "encrypted"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        size_t length = 0, size = 0;
        char *bytes = read_bytes(data_path("arrays.zip"), &length);
        cly_io_zip *zip = NULL;
        void *member = NULL;
        change(bytes, length, changes[i].place, changes[i].value);
        MUST(cly_io_zip_open_bytes(bytes, length, "changed", &zip));
        REFUSED(cly_io_zip_read(zip, "f2_little_C.npy", 0, &member, &size), changes[i].status, changes[i].part);
        cly_io_zip_close(zip);
        free(bytes);
    }
}
END_TEST

START_TEST(zip_names_that_stand_twice_are_refused) {
    size_t length = 0;
    char *bytes = read_bytes(data_path("arrays.zip"), &length);
    cly_io_zip *zip = NULL;
    for (size_t i = 0; i + 15 < length; i++) {
        if (memcmp(bytes + i, "f2_little_C.npy", 15) == 0) {
            bytes[i + 10] = 'F';
        }
    }
    REFUSED(cly_io_zip_open_bytes(bytes, length, "changed", &zip), CLAYER_BAD_FILE, "stands twice");
    free(bytes);
}
END_TEST

/* ---- HDF5 ---- */

static cly_io_hdf5 *file;

static void open_file(void) {
    MUST(cly_io_hdf5_open(data_path("kinds.h5"), &file));
}

static void close_file(void) {
    cly_io_hdf5_close(file);
}

static void expect_dataset(const char *name, int rank, const int64_t *dims, bool is_unsigned) {
    clayer_shape shape = {0};
    int64_t count = 1;
    float values[64];
    MUST(cly_io_hdf5_get_shape(file, name, &shape));
    ck_assert_int_eq(shape.rank, rank);
    for (int i = 0; i < rank; i++) {
        ck_assert_int_eq(shape.dims[i], dims[i]);
        count *= dims[i];
    }
    MUST(cly_io_hdf5_read_floats(file, name, values, count));
    for (int64_t i = 0; i < count; i++) {
        double expected = (double)((7 * i) % 23) - (is_unsigned ? 0 : 5);
        ck_assert_msg((double)values[i] == expected, "%s[%lld] is %g", name, (long long)i, (double)values[i]);
    }
}

START_TEST(datasets_of_every_number_type_are_read) {
    static const char *const codes[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%s_little", codes[i]);
        expect_dataset(name, 3, (const int64_t[]){2, 3, 4}, codes[i][0] == 'u');
        (void)snprintf(name, sizeof(name), "/%s_big", codes[i]);
        expect_dataset(name, 3, (const int64_t[]){2, 3, 4}, codes[i][0] == 'u');
    }
    expect_dataset("chunked", 2, (const int64_t[]){5, 7}, false);
    expect_dataset("gzip", 2, (const int64_t[]){5, 7}, false);
    expect_dataset("scalar", 0, NULL, false);
    expect_dataset("empty", 2, (const int64_t[]){0, 3}, false);
    expect_dataset("null", 1, (const int64_t[]){0}, false);
    float unwritten[35];
    MUST(cly_io_hdf5_read_floats(file, "unwritten", unwritten, 35));
    ck_assert(unwritten[0] == 0 && unwritten[34] == 0);
}
END_TEST

START_TEST(other_datasets_are_refused) {
    float values[4];
    clayer_shape shape;
    REFUSED(cly_io_hdf5_read_floats(file, "refused_lzf", values, 35), CLAYER_BAD_FILE, "filter");
    REFUSED(cly_io_hdf5_read_floats(file, "refused_bool", values, 4), CLAYER_BAD_FILE, "neither floats nor integers");
    REFUSED(cly_io_hdf5_read_floats(file, "refused_text", values, 2), CLAYER_BAD_FILE, "neither floats nor integers");
    REFUSED(cly_io_hdf5_read_floats(file, "refused_compound", values, 3), CLAYER_BAD_FILE, "neither");
    REFUSED(cly_io_hdf5_read_floats(file, "refused_external", values, 4), CLAYER_BAD_FILE, "another file");
    REFUSED(cly_io_hdf5_read_floats(file, "refused_virtual", values, 4), CLAYER_BAD_FILE, "another file");
    REFUSED(cly_io_hdf5_get_shape(file, "refused_rank9", &shape), CLAYER_BAD_FILE, "8 axes");
    REFUSED(cly_io_hdf5_read_floats(file, "f4_little", values, 4), CLAYER_BAD_FILE, "number of elements");
    REFUSED(cly_io_hdf5_get_shape(file, "texts", &shape), CLAYER_BAD_FILE, "no dataset");
    REFUSED(cly_io_hdf5_get_shape(file, "nothing/at/all", &shape), CLAYER_BAD_FILE, "nothing/at/all");
    /* Links that may lead out of the file are not followed. */
    ck_assert(!cly_io_hdf5_exists(file, "link_out"));
    ck_assert(!cly_io_hdf5_exists(file, "link_soft"));
    ck_assert(cly_io_hdf5_exists(file, "scalar"));
    ck_assert(cly_io_hdf5_exists(file, "/texts"));
}
END_TEST

static void expect_text(const char *attribute, const char *expected) {
    char *text = NULL;
    MUST(cly_io_hdf5_get_text(file, "texts", attribute, &text));
    if (expected == NULL) {
        ck_assert_ptr_null(text);
    } else {
        ck_assert_str_eq(text, expected);
    }
    free(text);
}

static void expect_texts(const char *attribute, size_t expected_count) {
    static const char *const expected[] = {"a", "bcd", ""};
    char **texts = NULL;
    size_t count = 0;
    MUST(cly_io_hdf5_get_texts(file, "texts", attribute, &texts, &count));
    ck_assert_uint_eq(count, expected_count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(texts[i], expected[i]);
    }
    cly_io_free_strings(texts, count);
}

START_TEST(strings_of_every_form_are_read) {
    char *text = NULL;
    expect_text("variable_utf8", "größe");
    expect_text("variable_ascii", "size");
    expect_text("fixed_utf8", "größe");
    expect_text("fixed_ascii", "size");
    expect_text("padded", "size");
    expect_text("nothing", NULL);
    expect_texts("list_fixed", 3);
    expect_texts("list_variable", 3);
    expect_texts("split", 3);
    expect_texts("list_empty", 0);
    expect_texts("nothing", 0);
    REFUSED(cly_io_hdf5_get_text(file, "texts", "number", &text), CLAYER_BAD_FILE, "number");
    REFUSED(cly_io_hdf5_get_text(file, "texts", "list_fixed", &text), CLAYER_BAD_FILE, "list_fixed");
}
END_TEST

START_TEST(groups_are_listed_and_images_in_memory_opened) {
    char **names = NULL;
    size_t count = 0, length = 0;
    MUST(cly_io_hdf5_list(file, "/", &names, &count));
    ck_assert_uint_gt(count, 30);
    ck_assert_str_eq(names[0], "chunked");
    cly_io_free_strings(names, count);
    REFUSED(cly_io_hdf5_list(file, "scalar", &names, &count), CLAYER_BAD_FILE, "no group");
    close_file();
    char *bytes = read_bytes(data_path("kinds.h5"), &length);
    MUST(cly_io_hdf5_open_bytes(bytes, length, "in memory", &file));
    memset(bytes, 0, length);
    free(bytes);
    expect_dataset("gzip", 2, (const int64_t[]){5, 7}, false);
    cly_io_hdf5 *other = NULL;
    REFUSED(cly_io_hdf5_open_bytes("text", 4, "in memory", &other), CLAYER_BAD_FILE, "in memory");
    REFUSED(cly_io_hdf5_open_bytes("", 0, "in memory", &other), CLAYER_BAD_FILE, "in memory");
    REFUSED(cly_io_hdf5_open(data_path("nothing.h5"), &other), CLAYER_IO_ERROR, "nothing.h5");
    REFUSED(cly_io_hdf5_open(data_path("make_data.py"), &other), CLAYER_BAD_FILE, "make_data.py");
    ck_assert_ptr_null(other);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.formats");
    TCase *text = tcase_create("json and zip");
    tcase_add_test(text, good_json_is_accepted);
    tcase_add_test(text, bad_json_is_refused);
    tcase_add_test(text, damaged_json_does_no_harm);
    tcase_add_test(text, zip_members_are_limited);
    tcase_add_test(text, zip_sizes_checksums_and_methods_are_not_believed);
    tcase_add_test(text, zip_names_that_stand_twice_are_refused);
    suite_add_tcase(suite, text);
    TCase *hdf5 = tcase_create("hdf5");
    tcase_add_checked_fixture(hdf5, open_file, close_file);
    tcase_add_test(hdf5, datasets_of_every_number_type_are_read);
    tcase_add_test(hdf5, other_datasets_are_refused);
    tcase_add_test(hdf5, strings_of_every_form_are_read);
    tcase_add_test(hdf5, groups_are_listed_and_images_in_memory_opened);
    suite_add_tcase(suite, hdf5);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
