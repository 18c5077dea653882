/* io/test_array.c: arrays, .npy, .npz and IDX: what NumPy wrote is read, what is written NumPy's way comes back, and
 * headers are parsed strictly. The files are in data/arrays.zip (make_data.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/array.h"
#include "io/support.h"
#include "support/runner.h"

static void expect_shape(const clayer_array *array, int rank, const int64_t *dims) {
    const clayer_shape *shape = clayer_array_get_shape(array);
    ck_assert_int_eq(shape->rank, rank);
    for (int i = 0; i < rank; i++) {
        ck_assert_int_eq(shape->dims[i], dims[i]);
    }
}

/* A member of arrays.zip as a file of its own, loaded. */
static clayer_status load_member(const char *name, clayer_array **array_out) {
    cly_io_zip *zip = NULL;
    void *bytes = NULL;
    size_t length = 0;
    MUST(cly_io_zip_open(data_path("arrays.zip"), &zip));
    MUST(cly_io_zip_read(zip, name, 0, &bytes, &length));
    const char *path = temporary_path(name);
    write_bytes(path, bytes, length);
    clayer_status status = clayer_array_load(path, array_out);
    free(bytes);
    cly_io_zip_close(zip);
    return status;
}

static void expect_member(const char *name, clayer_type type, int rank, const int64_t *dims) {
    clayer_array *array = NULL;
    clayer_status status = load_member(name, &array);
    ck_assert_msg(status == CLAYER_OK, "%s: %s", name, clayer_last_error());
    ck_assert_int_eq(clayer_array_get_type(array), type);
    expect_shape(array, rank, dims);
    expect_values(array);
    clayer_array_destroy(array);
}

START_TEST(every_type_order_and_endianness_is_read) {
    static const struct {
        const char *code;
        clayer_type type;
    } types[] = {{"f2", CLAYER_FLOAT16}, {"f4", CLAYER_FLOAT32}, {"f8", CLAYER_FLOAT64}, {"i1", CLAYER_INT8},
                 {"i2", CLAYER_INT16},   {"i4", CLAYER_INT32},   {"i8", CLAYER_INT64},   {"u1", CLAYER_UINT8},
                 {"u2", CLAYER_UINT16},  {"u4", CLAYER_UINT32},  {"u8", CLAYER_UINT64},  {"b1", CLAYER_BOOL}};
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        for (int form = 0; form < 4; form++) {
            char name[64];
            bool big = form / 2 == 1;
            if (big && clayer_type_size(types[t].type) == 1) {
                continue;
            }
            (void)snprintf(name, sizeof(name), "%s_%s_%c.npy", types[t].code, big ? "big" : "little",
                           form % 2 == 0 ? 'C' : 'F');
            expect_member(name, types[t].type, 3, (const int64_t[]){2, 3, 4});
        }
    }
}
END_TEST

START_TEST(versions_scalars_empty_arrays_and_long_headers_are_read) {
    expect_member("f4_version2.npy", CLAYER_FLOAT32, 1, (const int64_t[]){5});
    expect_member("f4_version3.npy", CLAYER_FLOAT32, 1, (const int64_t[]){5});
    expect_member("f4_scalar.npy", CLAYER_FLOAT32, 0, NULL);
    expect_member("f4_empty.npy", CLAYER_FLOAT32, 2, (const int64_t[]){0, 3});
    expect_member("i2_longheader.npy", CLAYER_INT16, 1, (const int64_t[]){5});
}
END_TEST

START_TEST(idx_files_are_read_plain_and_gzipped) {
    static const struct {
        const char *name;
        clayer_type type;
    } files[] = {{"idx_u1", CLAYER_UINT8}, {"idx_i1", CLAYER_INT8},    {"idx_i2", CLAYER_INT16},
                 {"idx_i4", CLAYER_INT32}, {"idx_f4", CLAYER_FLOAT32}, {"idx_f8", CLAYER_FLOAT64}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s.idx", files[i].name);
        expect_member(name, files[i].type, 3, (const int64_t[]){2, 3, 4});
        (void)snprintf(name, sizeof(name), "%s.idx.gz", files[i].name);
        expect_member(name, files[i].type, 3, (const int64_t[]){2, 3, 4});
    }
}
END_TEST

START_TEST(other_types_are_refused_by_name) {
    clayer_array *array = NULL;
    REFUSED(load_member("refused_complex.npy", &array), CLAYER_UNSUPPORTED, "complex");
    REFUSED(load_member("refused_object.npy", &array), CLAYER_UNSUPPORTED, "objects");
    REFUSED(load_member("refused_structured.npy", &array), CLAYER_UNSUPPORTED, "structured");
    REFUSED(load_member("refused_bytes.npy", &array), CLAYER_UNSUPPORTED, "byte strings");
    REFUSED(load_member("refused_string.npy", &array), CLAYER_UNSUPPORTED, "strings");
    REFUSED(load_member("refused_date.npy", &array), CLAYER_UNSUPPORTED, "dates");
    REFUSED(load_member("refused_longdouble.npy", &array), CLAYER_UNSUPPORTED, "floats of this size");
    REFUSED(load_member("refused_rank9.npy", &array), CLAYER_UNSUPPORTED, "8 axes");
    ck_assert_ptr_null(array);
}
END_TEST

/* A .npy of version 1 with this dict and `data` bytes behind it. */
static clayer_status parse_dict(const char *dict, size_t data) {
    char bytes[512] = "\x93NUMPY\1";
    size_t length = strlen(dict);
    bytes[8] = (char)length;
    memcpy(bytes + 10, dict, length);
    clayer_array *array = NULL;
    clayer_status status = cly_io_npy_parse(bytes, 10 + length + data, NULL, "x.npy", &array);
    clayer_array_destroy(array);
    return status;
}

START_TEST(npy_headers_are_parsed_strictly) {
    MUST(parse_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8));
    MUST(parse_dict("{\"shape\": (2, 1L), \"fortran_order\":True,\"descr\": \"<f4\"}\n", 8));
    static const char *const bad[] = {
        "",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,-1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': <f4, 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(parse_dict(bad[i], 8) == CLAYER_BAD_FILE, "accepted: %s", bad[i]);
    }
    /* Sizes that the data cannot have, before any memory is taken for them. */
    REFUSED(parse_dict("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }", 8), CLAYER_BAD_FILE,
            "more or less data");
    REFUSED(parse_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8), CLAYER_BAD_FILE,
            "more or less data");
}
END_TEST

START_TEST(what_is_saved_is_what_numpy_writes) {
    /* The same array saved here and by NumPy: byte for byte. */
    clayer_array *array = make_array(CLAYER_FLOAT32, 3, (const int64_t[]){2, 3, 4}), *again = NULL;
    MUST(clayer_array_save(array, temporary_path("ours.npy")));
    MUST(load_member("f4_little_C.npy", &again));
    size_t ours_length = 0, theirs_length = 0;
    char *ours = read_bytes(temporary_path("ours.npy"), &ours_length);
    char *theirs = read_bytes(temporary_path("f4_little_C.npy"), &theirs_length);
    ck_assert_uint_eq(ours_length, theirs_length);
    ck_assert_mem_eq(ours, theirs, ours_length);
    free(ours);
    free(theirs);
    clayer_array_destroy(array);
    clayer_array_destroy(again);
}
END_TEST

START_TEST(npz_keeps_names_types_shapes_and_values) {
    clayer_archive *archive = NULL, *again = NULL;
    MUST(clayer_archive_create(&archive));
    for (int type = CLAYER_FLOAT32; type <= CLAYER_BOOL; type++) {
        clayer_array *array = make_array((clayer_type)type, type % 4, (const int64_t[]){3, 2, 5});
        MUST(clayer_archive_add(archive, clayer_type_name((clayer_type)type), array));
        REFUSED(clayer_archive_add(archive, clayer_type_name((clayer_type)type), array), CLAYER_INVALID_ARGUMENT,
                clayer_type_name((clayer_type)type));
        clayer_array_destroy(array);
    }
    clayer_array *empty = make_array(CLAYER_FLOAT32, 2, (const int64_t[]){0, 7});
    MUST(clayer_archive_add(archive, "leer/größe", empty));
    MUST(clayer_archive_save(archive, temporary_path("all.npz")));
    MUST(clayer_archive_load(temporary_path("all.npz"), &again));
    ck_assert_uint_eq(clayer_archive_get_count(again), clayer_archive_get_count(archive));
    for (size_t i = 0; i < clayer_archive_get_count(again); i++) {
        const clayer_array *before = clayer_archive_get_array(archive, i);
        const clayer_array *after = clayer_archive_get_array(again, i);
        ck_assert_str_eq(clayer_archive_get_name(again, i), clayer_archive_get_name(archive, i));
        ck_assert_int_eq(clayer_array_get_type(after), clayer_array_get_type(before));
        const clayer_shape *shape = clayer_array_get_shape(before);
        expect_shape(after, shape->rank, shape->dims);
        expect_values(after);
    }
    ck_assert_ptr_nonnull(clayer_archive_find(again, "leer/größe"));
    ck_assert_ptr_null(clayer_archive_find(again, "nothing"));
    ck_assert_ptr_null(clayer_archive_get_name(again, 99));
    clayer_array *one = NULL;
    REFUSED(clayer_array_load(temporary_path("all.npz"), &one), CLAYER_BAD_FILE, "13 arrays");
    clayer_array_destroy(empty);
    clayer_archive_destroy(again);
    clayer_archive_destroy(archive);
}
END_TEST

START_TEST(npz_of_none_and_of_one) {
    clayer_archive *archive = NULL, *again = NULL;
    clayer_array *array = make_array(CLAYER_INT16, 1, (const int64_t[]){5}), *one = NULL;
    MUST(clayer_archive_create(&archive));
    MUST(clayer_archive_save(archive, temporary_path("none.npz")));
    MUST(clayer_archive_load(temporary_path("none.npz"), &again));
    ck_assert_uint_eq(clayer_archive_get_count(again), 0);
    MUST(clayer_archive_add(archive, "x", array));
    MUST(clayer_archive_save(archive, temporary_path("one.npz")));
    MUST(clayer_array_load(temporary_path("one.npz"), &one));
    expect_values(one);
    REFUSED(clayer_archive_load(data_path("arrays.zip"), &again), CLAYER_UNSUPPORTED, "refused_complex");
    clayer_array_destroy(one);
    clayer_array_destroy(array);
    clayer_archive_destroy(again);
    clayer_archive_destroy(archive);
}
END_TEST

START_TEST(conversion_is_that_of_a_cast) {
    static const double values[] = {-1.75, 1.75,   300.0, -0.0, 65519.9, 65520.0, 5.9604644775390625e-08,
                                    1e-9,  2049.0, 2051.0};
    static const double halves[] = {-1.75, 1.75, 300.0, 0, 65504, (double)INFINITY, 5.9604644775390625e-08,
                                    0,     2048, 2052};
    static const int uint8s[] = {0, 1, 255, 0, 255, 255, 0, 0, 255, 255};
    const int64_t dims[] = {10};
    clayer_array *from = NULL, *half = NULL, *back = NULL, *bytes = NULL, *flags = NULL;
    MUST(clayer_array_create(CLAYER_FLOAT64, 1, dims, &from));
    memcpy(clayer_array_get_data(from), values, sizeof(values));
    MUST(clayer_array_convert(from, CLAYER_FLOAT16, &half));
    MUST(clayer_array_convert(half, CLAYER_FLOAT64, &back));
    MUST(clayer_array_convert(from, CLAYER_UINT8, &bytes));
    MUST(clayer_array_convert(from, CLAYER_BOOL, &flags));
    for (int i = 0; i < 10; i++) {
        ck_assert_double_eq(((const double *)clayer_array_get_const_data(back))[i], halves[i]);
        ck_assert_int_eq(((const uint8_t *)clayer_array_get_const_data(bytes))[i], uint8s[i]);
        ck_assert_int_eq(((const uint8_t *)clayer_array_get_const_data(flags))[i], values[i] != 0);
    }
    clayer_array_destroy(from);
    clayer_array_destroy(half);
    clayer_array_destroy(back);
    clayer_array_destroy(bytes);
    clayer_array_destroy(flags);
    /* A 64-bit integer is rounded once on its way to a float. */
    clayer_array *large = NULL, *floats = NULL;
    MUST(clayer_array_create(CLAYER_INT64, 0, NULL, &large));
    *(int64_t *)clayer_array_get_data(large) = 9007199791611905; /* via a double it would become the float below */
    MUST(clayer_array_convert(large, CLAYER_FLOAT32, &floats));
    ck_assert(*(const float *)clayer_array_get_const_data(floats) == (float)INT64_C(9007199791611905));
    clayer_array_destroy(large);
    clayer_array_destroy(floats);
}
END_TEST

START_TEST(all_halves_come_back) {
    const int64_t dims[] = {65536};
    clayer_array *halves = NULL, *floats = NULL, *again = NULL;
    MUST(clayer_array_create(CLAYER_FLOAT16, 1, dims, &halves));
    uint16_t *bits = clayer_array_get_data(halves);
    for (int i = 0; i < 65536; i++) {
        bits[i] = (uint16_t)i;
    }
    MUST(clayer_array_convert(halves, CLAYER_FLOAT32, &floats));
    MUST(clayer_array_convert(floats, CLAYER_FLOAT16, &again));
    const uint16_t *back = clayer_array_get_const_data(again);
    for (int i = 0; i < 65536; i++) {
        bool nan = (i & 0x7c00) == 0x7c00 && (i & 0x3ff) != 0;
        ck_assert_msg(nan ? (back[i] & 0x7fff) > 0x7c00 : back[i] == i, "half 0x%04x became 0x%04x", (unsigned)i,
                      back[i]);
    }
    clayer_array_destroy(halves);
    clayer_array_destroy(floats);
    clayer_array_destroy(again);
}
END_TEST

START_TEST(wrong_arguments_are_refused) {
    clayer_array *array = NULL;
    clayer_archive *archive = NULL;
    const int64_t huge[] = {INT64_MAX, 2}, negative[] = {-1}, one[] = {1};
    REFUSED(clayer_array_create(CLAYER_FLOAT32, 2, huge, &array), CLAYER_INVALID_SHAPE, "overflows");
    REFUSED(clayer_array_create(CLAYER_FLOAT32, 1, negative, &array), CLAYER_INVALID_SHAPE, "negative");
    REFUSED(clayer_array_create(CLAYER_FLOAT32, 9, huge, &array), CLAYER_INVALID_SHAPE, "rank 9");
    REFUSED(clayer_array_create((clayer_type)77, 1, one, &array), CLAYER_INVALID_ARGUMENT, "type");
    REFUSED(clayer_array_load(temporary_path("nothing.npy"), &array), CLAYER_IO_ERROR, "nothing.npy");
    REFUSED(clayer_array_load(NULL, &array), CLAYER_INVALID_ARGUMENT, "path");
    REFUSED(clayer_array_load(data_path("make_data.py"), &array), CLAYER_BAD_FILE, "make_data.py");
    REFUSED(clayer_archive_load(data_path("kinds.h5"), &archive), CLAYER_BAD_FILE, "kinds.h5");
    clayer_array_destroy(NULL);
    clayer_archive_destroy(NULL);
    ck_assert_str_eq(clayer_type_name(CLAYER_UINT16), "uint16");
    ck_assert_uint_eq(clayer_type_size(CLAYER_FLOAT16), 2);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("io.array");
    TCase *cases = tcase_create("arrays");
    tcase_add_checked_fixture(cases, open_folder, close_folder);
    tcase_add_test(cases, every_type_order_and_endianness_is_read);
    tcase_add_test(cases, versions_scalars_empty_arrays_and_long_headers_are_read);
    tcase_add_test(cases, idx_files_are_read_plain_and_gzipped);
    tcase_add_test(cases, other_types_are_refused_by_name);
    tcase_add_test(cases, npy_headers_are_parsed_strictly);
    tcase_add_test(cases, what_is_saved_is_what_numpy_writes);
    tcase_add_test(cases, npz_keeps_names_types_shapes_and_values);
    tcase_add_test(cases, npz_of_none_and_of_one);
    tcase_add_test(cases, conversion_is_that_of_a_cast);
    tcase_add_test(cases, all_halves_come_back);
    tcase_add_test(cases, wrong_arguments_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
