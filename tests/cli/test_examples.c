/* cli/test_examples.c: the programs of examples/ do what they say. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "support/runner.h"

/* Runs an example with up to three arguments. */
static command_result run_example(const char *name, const char *a, const char *b, const char *c) {
    char path[1024];
    snprintf(path, sizeof path, "%s/clayer_%s", CLAYER_EXAMPLES, name);
    return command_run_to((const char *const[]){path, a, b, c, NULL}, NULL, NULL);
}

static void expect_output(const char *name, const char *expected) {
    command_result result = run_example(name, NULL, NULL, NULL);
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.err, "");
    ck_assert_str_eq(result.out, expected);
    command_free(&result);
}

START_TEST(small_examples) {
    expect_output("example_functional",
                  "(None, 24, 20, 3)\n(None, 20, 16, 64)\na batch of 5 gives 7200 and 102400 values\n");
    expect_output("example_layer", "4 8 12 16 20 24\n");
    expect_output("example_opencl_interop", "1 1 2 2\n1 1 2 2\n3 3 4 4\n3 3 4 4\n");
}
END_TEST

START_TEST(sequential) {
    command_result result = run_example("example_sequential", NULL, NULL, NULL);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "(None, 14, 14, 8)");
    CHECK_HOLDS(result.out, "Total params: 15770");
    CHECK_HOLDS(result.out, "add up to 1.000");
    command_free(&result);
}
END_TEST

START_TEST(predict) {
    const char *x = command_path("x.npy"), *y = command_path("y.npy");
    clayer_array *input = command_golden_array("k3_classifier", "x"), *actual = NULL,
                 *expected = command_golden_array("k3_classifier", "y");
    ck_assert(clayer_array_save(input, x) == CLAYER_OK);
    command_result result = run_example("example_predict", command_golden("models/k3_classifier.keras"), x, y);
    CHECK_STATUS(result, 0);
    ck_assert_msg(clayer_array_load(y, &actual) == CLAYER_OK, "%s", clayer_last_error());
    command_check_close(actual, expected, "predict");
    clayer_array_destroy(input);
    clayer_array_destroy(actual);
    clayer_array_destroy(expected);
    command_free(&result);
    result = run_example("example_predict", command_golden("models/none.keras"), x, y);
    CHECK_STATUS(result, 1);
    CHECK_HOLDS(result.err, "none.keras");
    command_free(&result);
}
END_TEST

/* Pixels for the trained network. */
static const char *save_pixels(void) {
    clayer_array *x = NULL;
    const char *path = command_path("pixels.npy");
    ck_assert(clayer_array_create(CLAYER_FLOAT32, 4, (const int64_t[]){2, 28, 28, 1}, &x) == CLAYER_OK);
    ck_assert(clayer_array_save(x, path) == CLAYER_OK);
    clayer_array_destroy(x);
    return path;
}

static void write_bytes(const char *path, const void *head, size_t head_length, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL);
    ck_assert_uint_eq(fwrite(head, 1, head_length, file), head_length);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

/* Writes `count` made-up images whose brightness tells their label, and the labels, as IDX files of Fashion-MNIST. */
static void write_images(const char *part, unsigned char count) {
    const unsigned char image_head[16] = {0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28};
    const unsigned char label_head[8] = {0, 0, 8, 1, 0, 0, 0, count};
    static unsigned char images[255 * 28 * 28], labels[255];
    char name[64];
    for (int i = 0; i < count; i++) {
        labels[i] = (unsigned char)(i % 2);
        for (int pixel = 0; pixel < 28 * 28; pixel++) {
            images[i * 28 * 28 + pixel] = (unsigned char)(labels[i] * 128 + (i * 7 + pixel * 3) % 100);
        }
    }
    snprintf(name, sizeof name, "%s-images-idx3-ubyte.gz", part);
    write_bytes(command_path(name), image_head, 16, images, (size_t)count * 28 * 28);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte.gz", part);
    write_bytes(command_path(name), label_head, 8, labels, count);
}

/* A few steps on images that are easy to tell apart: learnt, saved, drawn; and the accuracy that is asked for counts.
 */
START_TEST(train) {
    char example[1024];
    write_images("train", 250);
    write_images("t10k", 100);
    snprintf(example, sizeof example, "%s/clayer_example_train", CLAYER_EXAMPLES);
    const char *const argv[] = {example, command_folder(), "30", command_folder(), "0.9", NULL};
    command_result result = command_run_to(argv, NULL, NULL);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "Trained 20 steps");
    CHECK_HOLDS(result.err, "Epoch 10: loss ");
    command_free(&result);
    result = RUN("run", command_path("fashion_trained.keras"), "-i", save_pixels(), "-o", command_path("y.npy"));
    CHECK_STATUS(result, 0);
    command_free(&result);
    FILE *picture = fopen(command_path("fashion_curves.svg"), "r");
    char text[8192] = "";
    ck_assert(picture != NULL && fread(text, 1, sizeof text - 1, picture) > 0);
    fclose(picture);
    CHECK_HOLDS(text, "<svg ");
    CHECK_HOLDS(text, "accuracy");
    CHECK_HOLDS(text, "<polyline ");
    CHECK_HOLDS(text, "</svg>");
    const char *const demanding[] = {example, command_folder(), "0", command_folder(), "1.1", NULL};
    result = command_run_to(demanding, NULL, NULL);
    CHECK_STATUS(result, 1);
    command_free(&result);
}
END_TEST

#ifdef CLAYER_HAS_DEMO /* libpng was found */
/* The demonstration on 50 made-up images: it fails when the number differs from the expected one, and only then. */
START_TEST(demo_compares_the_numbers) {
    static const unsigned char image_head[16] = {0, 0, 8, 3, 0, 0, 0, 50, 0, 0, 0, 28, 0, 0, 0, 28};
    static const unsigned char label_head[8] = {0, 0, 8, 1, 0, 0, 0, 50};
    static unsigned char images[50 * 28 * 28], labels[50];
    char demo[1024], expected[64];
    snprintf(demo, sizeof demo, "%s/clayer_demo", CLAYER_EXAMPLES);
    for (int i = 0; i < 50 * 28 * 28; i++) {
        images[i] = (unsigned char)(i * 7 % 251);
    }
    write_bytes(command_path("t10k-images-idx3-ubyte.gz"), image_head, 16, images, sizeof images);
    write_bytes(command_path("t10k-labels-idx1-ubyte.gz"), label_head, 8, labels, sizeof labels);
    const char *text = command_path("expected.txt"), *sheet = command_path("sheet.png");
    const char *const argv[] = {demo, "--data", command_folder(), "--expected", text, "--sheet", sheet, NULL};

    write_bytes(text, "", 0, "correct 51\n", 11);
    command_result result = command_run_to(argv, NULL, NULL);
    CHECK_STATUS(result, 1);
    CHECK_HOLDS(result.out, "Keras: 51 correct");
    CHECK_HOLDS(result.err, "differ");
    int seen = -1;
    ck_assert_int_eq(sscanf(strstr(result.out, "clayer: "), "clayer: %d correct", &seen), 1);
    command_free(&result);

    size_t length = (size_t)snprintf(expected, sizeof expected, "correct %d\n", seen);
    write_bytes(text, "", 0, expected, length);
    (void)unlink(sheet);
    result = command_run_to(argv, NULL, NULL);
    CHECK_STATUS(result, 0);
    FILE *png = fopen(sheet, "rb");
    char magic[8] = "";
    ck_assert(png != NULL && fread(magic, 1, 8, png) == 8);
    ck_assert_int_eq(memcmp(magic, "\x89PNG\r\n\x1a\n", 8), 0);
    fclose(png);
    command_free(&result);
}
END_TEST
#endif

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.examples");
    TCase *tests = tcase_create("examples");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, small_examples);
    tcase_add_test(tests, sequential);
    tcase_add_test(tests, predict);
    tcase_add_test(tests, train);
#ifdef CLAYER_HAS_DEMO
    tcase_add_test(tests, demo_compares_the_numbers);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
