/* cli/test_check.c: `clayer convert --with-check`, and every verb on a file whose check this device fails. */
#include <check.h>
#include <clayer/array.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

static const char *const endings[2] = {"net.keras", "net.h5"};

/* A file that the command wrote with a check. */
static const char *convert(const char *from, const char *to) {
    command_result result = RUN("convert", "--with-check", command_golden(from), command_path(to));
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.out, "");
    command_free(&result);
    return command_path(to);
}

START_TEST(verbs_tell_of_a_check) {
    clayer_array *x = command_golden_array("k2_classifier", "x"), *y = NULL,
                 *expected = command_golden_array("k2_classifier", "y");
    ck_assert(clayer_array_save(x, command_path("x.npy")) == CLAYER_OK);
    for (int e = 0; e < 2; e++) {
        const char *net = convert("models/k2_classifier.h5", endings[e]);
        command_result result = RUN("summary", net);
        CHECK_STATUS(result, 0);
        CHECK_HOLDS(result.err, "holds a check, which this device passes");
        command_free(&result);
        result = RUN("run", net, "-i", command_path("x.npy"), "-o", command_path("y.npy"));
        CHECK_STATUS(result, 0);
        CHECK_HOLDS(result.err, "holds a check");
        ck_assert_ptr_eq(strchr(result.err, '\n'), result.err + strlen(result.err) - 1); /* one line */
        command_free(&result);
        ck_assert(clayer_array_load(command_path("y.npy"), &y) == CLAYER_OK);
        command_check_close(y, expected, "k2_classifier");
        clayer_array_destroy(y);
    }
    clayer_array_destroy(x);
    clayer_array_destroy(expected);
}
END_TEST

START_TEST(the_input_can_be_given) {
    clayer_array *x = command_golden_array("k3_two_in_two_out", "x.left"),
                 *other = command_golden_array("k3_two_in_two_out", "x.right");
    ck_assert(clayer_array_save(x, command_path("left.npy")) == CLAYER_OK);
    ck_assert(clayer_array_save(other, command_path("right.npy")) == CLAYER_OK);
    clayer_array_destroy(x);
    clayer_array_destroy(other);
    const char *from = command_golden("models/k3_two_in_two_out.keras"), *to = command_path("net.h5");
    const char *left = command_path("left.npy"), *right = command_path("right.npy");
    command_result result = RUN("convert", from, to, "--with-check", "-i", left, "-i", right);
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("summary", to);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.err, "holds a check");
    command_free(&result);
    command_expect_error(RUN("convert", from, to, "--with-check", "-i", left), 2, "right");
    command_expect_error(RUN("convert", from, to, "-i", left), 2, "--with-check");
    command_expect_error(RUN("convert", from, command_path("a.weights.h5"), "--with-check"), 2, "--with-check");
    command_expect_error(RUN("convert", from, command_path("a.json"), "--with-check"), 2, "--with-check");
}
END_TEST

START_TEST(a_fixed_batch_is_the_check_s) {
    const char *net = convert("summaries/k3_fixed_batch.json", "net.keras");
    command_result result = RUN("summary", net);
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.err, "holds a check");
    command_free(&result);
}
END_TEST

/* Changes the one stored output of the .h5 that is `x`'s prediction. */
static void spoil(const char *path, const float *values, size_t size) {
    static char bytes[1 << 20];
    FILE *file = fopen(path, "r+b");
    ck_assert(file != NULL);
    const size_t length = fread(bytes, 1, sizeof bytes, file);
    long found = -1;
    for (size_t i = 0; i + size <= length; i++) {
        found = memcmp(bytes + i, values, size) == 0 ? (long)i : found;
    }
    ck_assert_int_ge(found, 0);
    const float wrong = values[0] + 0.01f;
    ck_assert_int_eq(fseek(file, found, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(&wrong, sizeof wrong, 1, file), 1);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(every_verb_ends_with_1_where_the_device_differs) {
    clayer_array *x = command_golden_array("k3_classifier", "x"), *y = NULL;
    const char *net = command_path("net.h5"), *in = command_path("x.npy"), *out = command_path("y.npy");
    ck_assert(clayer_array_save(x, in) == CLAYER_OK);
    clayer_array_destroy(x);
    command_result result = RUN("convert", command_golden("models/k3_classifier.keras"), net, "--with-check", "-i", in);
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("run", net, "-i", in, "-o", out);
    CHECK_STATUS(result, 0);
    command_free(&result);
    ck_assert(clayer_array_load(out, &y) == CLAYER_OK);
    spoil(net, clayer_array_get_const_data(y), (size_t)clayer_array_get_count(y) * sizeof(float));
    clayer_array_destroy(y);
    command_expect_error(RUN("run", net, "-i", in, "-o", out), 1, "difference");
    command_expect_error(RUN("summary", net), 1, "expected");
    command_expect_error(RUN("convert", net, command_path("other.keras")), 1, "limit");
    command_expect_error(RUN("evaluate", net, "-x", in, "-y", out), 1, "net.h5");
    command_expect_error(RUN("train", net, "-x", in, "-y", out, "-o", command_path("t.keras")), 1, "net.h5");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("check");
    TCase *cases = tcase_create("check");
    suite_add_tcase(suite, cases);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, verbs_tell_of_a_check);
    tcase_add_test(cases, the_input_can_be_given);
    tcase_add_test(cases, a_fixed_batch_is_the_check_s);
    tcase_add_test(cases, every_verb_ends_with_1_where_the_device_differs);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
