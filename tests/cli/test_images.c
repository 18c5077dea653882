/* cli/test_images.c: pictures as inputs of `clayer run`, against what Keras makes of them (golden/make_images.py). */
#include <check.h>
#include <clayer/array.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "support/runner.h"

enum { MOST_WORDS = 64 };

static const char *picture(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "images/%s", name);
    return command_golden(path);
}

static clayer_archive *load_expected(void) {
    clayer_archive *archive = NULL;
    ck_assert_msg(clayer_archive_load(picture("expected.npz"), &archive) == CLAYER_OK, "%s", clayer_last_error());
    return archive;
}

static bool ends_with(const char *text, const char *end) {
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Exact but for JPEG, where versions of libjpeg may round otherwise, and tf.image.resize, where compilers may. */
static void check_values(const char *name, const clayer_array *expected, const char *path, double tolerance) {
    clayer_array *actual = NULL;
    ck_assert_msg(clayer_array_load(path, &actual) == CLAYER_OK, "%s: %s", name, clayer_last_error());
    const clayer_shape *a = clayer_array_get_shape(actual), *e = clayer_array_get_shape(expected);
    ck_assert_msg(a->rank == e->rank && memcmp(a->dims, e->dims, (size_t)a->rank * sizeof a->dims[0]) == 0,
                  "%s: another shape", name);
    const float *x = clayer_array_get_const_data(actual), *y = clayer_array_get_const_data(expected);
    for (int64_t i = 0; i < clayer_array_get_count(expected); i++) {
        ck_assert_msg(fabs((double)x[i] - (double)y[i]) <= tolerance, "%s: value %lld is %.9g, expected %.9g", name,
                      (long long)i, (double)x[i], (double)y[i]);
    }
    clayer_array_destroy(actual);
}

/* NAME MODEL PICTURE... OPTION... */
static void check_case(char *line, const clayer_archive *expected) {
    const char *argv[MOST_WORDS] = {CLAYER_COMMAND, "run"}, *name = strtok(line, " \n"), *out = command_path("y.npy");
    int count = 2;
    double tolerance = 0;
    argv[count++] = picture(strtok(NULL, " \n"));
    for (const char *word; (word = strtok(NULL, " \n")) != NULL;) {
        ck_assert_int_lt(count, MOST_WORDS - 5);
        const bool jpeg = ends_with(word, ".jpg");
        if (jpeg || ends_with(word, ".png")) {
            argv[count++] = "-i";
            argv[count++] = picture(word);
            tolerance = jpeg ? 1 : tolerance;
        } else {
            argv[count++] = word;
            tolerance = strstr(word, ":tf-") != NULL ? 1e-3 : tolerance;
        }
    }
    tolerance = strncmp(name, "preprocess", 10) == 0 ? 1e-5 : tolerance;
    argv[count++] = "-o";
    argv[count++] = out;
    (void)unlink(out);
    command_result result = command_run_to(argv, NULL, NULL);
    ck_assert_msg(result.status == 0, "%s: %s", name, result.err);
    ck_assert_msg((strstr(result.err, "16 bits") != NULL) == (strstr(line, "grey16") != NULL || strstr(name, "_wide")),
                  "%s: %s", name, result.err);
    command_free(&result);
    const clayer_array *wanted = clayer_archive_find(expected, name);
    ck_assert_msg(wanted != NULL, "no expected values for %s", name);
    check_values(name, wanted, out, tolerance);
}

START_TEST(pictures_equal_keras) {
    clayer_archive *expected = load_expected();
    FILE *file = fopen(picture("cases.txt"), "r");
    ck_assert(file != NULL);
    char line[1024];
    size_t cases = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        check_case(line, expected);
        cases++;
    }
    fclose(file);
    ck_assert_uint_eq(cases, clayer_archive_get_count(expected));
    clayer_archive_destroy(expected);
}
END_TEST

/* ---- folders and several inputs ---- */

static void copy_file(const char *from, const char *to) {
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    ck_assert_msg(in != NULL && out != NULL, "cannot copy %s to %s", from, to);
    char bytes[4096];
    for (size_t length; (length = fread(bytes, 1, sizeof bytes, in)) > 0;) {
        ck_assert_uint_eq(fwrite(bytes, 1, length, out), length);
    }
    fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

static void write_bytes(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fwrite(bytes, 1, length, file) == length);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_folder_is_sorted_and_says_what_it_leaves_out) {
    char folder[512], path[768], names[3][768];
    static const char *const from[3] = {"rgb.png", "other_size.png", "grey.jpg"}, *const to[3] = {"a", "b.png", "c"};
    snprintf(folder, sizeof folder, "%s/pictures", command_folder());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    command_expect_error(RUN("run", picture("small_rgb.json"), "-i", folder, "-o", command_path("y.npy")), 3,
                         "holds no PNG or JPEG picture");
    for (int i = 2; i >= 0; i--) {
        snprintf(names[i], sizeof names[i], "%s/%s", folder, to[i]);
        copy_file(picture(from[i]), names[i]);
    }
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    write_bytes(path, "hello", 5);
    clayer_archive *expected = load_expected();
    command_result result =
        RUN("run", picture("small_rgb.json"), "-i", folder, "--resize", "bilinear", "-o", command_path("y.npy"));
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.err, "notes.txt' is neither a PNG nor a JPEG picture: left out");
    command_free(&result);
    check_values("several", clayer_archive_find(expected, "several"), command_path("y.npy"), 1);
    clayer_archive_destroy(expected);
    write_bytes(names[1], "\x89PNG\r\n\x1a\nxxxxxxxxxxxxxxxxx", 25);
    result = RUN("run", picture("small_rgb.json"), "-i", folder, "-o", command_path("z.npy"));
    CHECK_STATUS(result, 3);
    CHECK_HOLDS(result.err, "b.png': a damaged PNG picture");
    command_free(&result);
    for (int i = 0; i < 3; i++) {
        (void)unlink(names[i]);
    }
    (void)unlink(path);
    (void)rmdir(folder);
}
END_TEST

/* A picture for one input beside an array for the other, by order and by name. */
START_TEST(pictures_beside_arrays) {
    const char *x = command_path("x.npy"), *y = command_path("both.npz");
    clayer_array *array = NULL;
    ck_assert(clayer_array_create(CLAYER_FLOAT32, 2, (int64_t[]){1, 4}, &array) == CLAYER_OK);
    ck_assert(clayer_array_save(array, x) == CLAYER_OK);
    clayer_array_destroy(array);
    char left[768], right[768];
    snprintf(left, sizeof left, "left=%s", picture("rgb.png"));
    snprintf(right, sizeof right, "right=%s", x);
    const char *const ways[3][2] = {{picture("rgb.png"), x}, {right, left}, {right, picture("rgb.png")}};
    clayer_archive *expected = load_expected(), *made = NULL;
    for (int i = 0; i < 3; i++) {
        command_result result = RUN("run", picture("two.json"), "-i", ways[i][0], "-i", ways[i][1], "-o", y);
        CHECK_STATUS(result, 0);
        command_free(&result);
        ck_assert(clayer_archive_load(y, &made) == CLAYER_OK);
        ck_assert(clayer_array_save(clayer_archive_find(made, "a"), command_path("a.npy")) == CLAYER_OK);
        check_values("two", clayer_archive_find(expected, "default_size"), command_path("a.npy"), 0);
        clayer_archive_destroy(made);
    }
    clayer_archive_destroy(expected);
    command_expect_error(RUN("run", picture("two.json"), "-i", left, "-i", left, "-i", right, "-o", y), 2,
                         "but 2 in input");
    command_expect_error(RUN("run", picture("two.json"), "-i", x, "-i", picture("rgb.png"), "-o", y), 2, "picture");
    command_expect_error(RUN("run", picture("two.json"), "-i", picture("rgb.png"), "-o", y), 2, "right");
}
END_TEST

/* ---- what is refused ---- */

START_TEST(options_that_do_not_fit) {
    const char *rgb = picture("rgb.png"), *model = picture("small_rgb.json"), *any = picture("any_rgb.json");
    const char *out = command_path("y.npy");
    static const char *const wrong[][3] = {{"--resize", "9", "--resize"},
                                           {"--resize", "9x", "--resize"},
                                           {"--resize", "9x9x9", "--resize"},
                                           {"--resize", "0x4", "from 1 to"},
                                           {"--resize", "4x70000", "from 1 to"},
                                           {"--resize", "4x4:lanczos", "lanczos"},
                                           {"--scale", "1/0", "--scale"},
                                           {"--scale", "x", "--scale"},
                                           {"--mean", "1,2", "2 numbers for 3 channels"},
                                           {"--mean", "1,2,3,4,5", "--mean"},
                                           {"--std", "1,0,1", "zero"},
                                           {"--top", "3", "--classes"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        command_expect_error(RUN("run", any, "-i", rgb, "-o", out, wrong[i][0], wrong[i][1]), 2, wrong[i][2]);
    }
    command_expect_error(RUN("run", model, "-i", rgb, "-o", out, "--resize", "9x9"), 2, "9x9");
    command_expect_error(RUN("run", picture("any_grey.json"), "-i", rgb, "-o", out, "--bgr"), 2, "--bgr");
    command_expect_error(RUN("run", any, "-i", rgb, "-i", picture("other_size.png"), "-o", out), 2, "--resize");
    command_expect_error(RUN("run", command_golden("models/k3_three_dim.keras"), "-i", rgb, "-o", out), 2, "picture");
}
END_TEST

/* "PNG" with these first bytes of a header, otherwise empty. */
static const char *write_header(const unsigned char *header) {
    static const unsigned char start[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    unsigned char bytes[64] = {0};
    memcpy(bytes, start, 16);
    memcpy(bytes + 16, header, 17);
    memcpy(bytes + 33, "\0\0\0\10IDAT", 8);
    write_bytes(command_path("header.png"), bytes, sizeof bytes);
    return command_path("header.png");
}

/* The first `length` bytes of a picture. */
static const char *cut(const char *name, size_t length) {
    unsigned char bytes[4096];
    FILE *file = fopen(picture(name), "rb");
    ck_assert(file != NULL && fread(bytes, 1, length, file) == length);
    fclose(file);
    write_bytes(command_path("cut"), bytes, length);
    return command_path("cut");
}

static void refused(const char *path, const char *part) {
    command_expect_error(RUN("run", picture("any_rgb.json"), "-i", path, "-o", command_path("y.npy")), 3, part);
}

START_TEST(bad_pictures) {
    /* IHDR: width, height, depth, colour, 0, 0, 0, checksum */
    refused(write_header((const unsigned char *)"\000\001\206\240\000\001\206\240\010\002\000\000\000\047\060\234\237"),
            "limit");
    refused(write_header((const unsigned char *)"\000\000\000\000\000\000\000\004\010\002\000\000\000\057\170\251\123"),
            "damaged PNG");
    refused(write_header((const unsigned char *)"\0\0\0\4\0\0\0\4\x08\2\0\0\0\1\2\3\4"), "damaged PNG");
    for (size_t length = 8; length < 420; length += 57) {
        refused(cut("rgb.png", length), "damaged PNG");
    }
    for (size_t length = 3; length < 680; length += 83) {
        refused(cut("rgb.jpg", length), "JPEG");
    }
    for (size_t length = 200; length < 500; length += 97) {
        refused(cut("progressive.jpg", length), "JPEG");
    }
    write_bytes(command_path("other"), "GIF89a\1\0\1\0\0\0\0\0\0\0", 16);
    refused(command_path("other"), "GIF");
    write_bytes(command_path("other"), "", 0);
    refused(command_path("other"), "other");
    refused(command_path("not_there.png"), "not_there.png");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("images");
    TCase *cases = tcase_create("images");
    suite_add_tcase(suite, cases);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, pictures_equal_keras);
    tcase_add_test(cases, a_folder_is_sorted_and_says_what_it_leaves_out);
    tcase_add_test(cases, pictures_beside_arrays);
    tcase_add_test(cases, options_that_do_not_fit);
    tcase_add_test(cases, bad_pictures);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
