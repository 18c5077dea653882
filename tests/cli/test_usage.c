/* cli/test_usage.c: exit statuses, help and one-line errors that need no model. */
#include <check.h>
#include <clayer/version.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

START_TEST(help_names_every_verb) {
    command_result result = RUN("--help");
    CHECK_STATUS(result, 0);
    static const char *const verbs[] = {"devices", "summary", "run", "selftest"};
    for (int i = 0; i < 4; i++) {
        CHECK_HOLDS(result.out, verbs[i]);
        command_result help = RUN(verbs[i], "--help");
        CHECK_STATUS(help, 0);
        CHECK_HOLDS(help.out, "usage: clayer ");
        CHECK_HOLDS(help.out, "--device");
        ck_assert_str_eq(help.err, "");
        command_free(&help);
    }
    command_free(&result);
}
END_TEST

START_TEST(version_is_the_library_s) {
    command_result result = RUN("--version");
    CHECK_STATUS(result, 0);
    ck_assert_str_eq(result.out, "clayer " CLAYER_VERSION "\n");
    command_free(&result);
}
END_TEST

START_TEST(wrong_usage_is_2) {
    command_expect_error(command_run_to((const char *const[]){CLAYER_COMMAND, NULL}, NULL, NULL), 2, "verb");
    command_expect_error(RUN("fly"), 2, "unknown verb 'fly'");
    command_expect_error(RUN("--fly"), 2, "--fly");
    command_expect_error(RUN("--device"), 2, "needs a value");
    command_expect_error(RUN("devices", "more"), 2, "'more'");
    command_expect_error(RUN("devices", "-x"), 2, "'-x'");
    command_expect_error(RUN("summary"), 2, "MODEL");
    command_expect_error(RUN("summary", "m.keras", "--style", "keras4"), 2, "keras4");
    command_expect_error(RUN("summary", "m.keras", "--line-length", "wide"), 2, "'wide'");
    command_expect_error(RUN("summary", "a.keras", "b.keras"), 2, "b.keras");
    command_expect_error(RUN("run", "-i", "x.npy", "-o", "y.npy"), 2, "MODEL");
    command_expect_error(RUN("run", "m.keras", "-o", "y.npy"), 2, "-i");
    command_expect_error(RUN("run", "m.keras", "-i", "x.npy"), 2, "-o");
    command_expect_error(RUN("run", "m.keras", "-i"), 2, "needs a value");
    command_expect_error(RUN("run", "m.keras", "-i", "x.npy", "-o", "y.npy", "--batch-size", "0"), 2, "--batch-size");
    command_expect_error(RUN("run", "m.keras", "-i", "x.npy", "-o", "y.npy", "--batch-size", "99999999999"), 2,
                         "--batch-size");
    command_expect_error(RUN("run", "m.keras", "--epochs", "3"), 2, "--epochs");
    command_expect_error(RUN("selftest", "--cases", "0"), 2, "--cases");
    command_expect_error(RUN("selftest", "--seed", "x"), 2, "--seed");
}
END_TEST

/* Damage after which libhdf5 cannot close, and says so at the end of the process unless it is kept from it. */
START_TEST(damaged_files_are_one_line) {
    /* libhdf5 asks for more memory than there is, and keeps what it cannot close. */
    static const char *const sanitizers[] = {"ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0", NULL};
    static char bytes[1 << 16];
    FILE *file = fopen(command_golden("models/k2_one_dim.h5"), "rb");
    ck_assert_ptr_nonnull(file);
    const size_t length = fread(bytes, 1, sizeof(bytes), file);
    ck_assert(length > 137 && length < sizeof(bytes) && fclose(file) == 0);
    memcpy(bytes + 129, ": \"Batch", 8);
    file = fopen(command_path("damaged.h5"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert(fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
    const char *const argv[] = {CLAYER_COMMAND, "summary", command_path("damaged.h5"), NULL};
    command_result result = command_run_to(argv, sanitizers, NULL);
#ifdef __SANITIZE_ADDRESS__ /* which has a line of its own about the memory */
    CHECK_STATUS(result, 3);
    command_free(&result);
#else
    command_expect_error(result, 3, "damaged");
#endif
}
END_TEST

START_TEST(no_device_is_4) {
    static const char *const nothing[] = {"OCL_ICD_VENDORS=/nonexistent", NULL};
    static const char *const calls[][8] = {
        {CLAYER_COMMAND, "devices", NULL},
        {CLAYER_COMMAND, "summary", "m.keras", NULL},
        {CLAYER_COMMAND, "run", "m.keras", "-i", "x.npy", "-o", "y.npy", NULL},
        {CLAYER_COMMAND, "selftest", NULL},
    };
    for (int i = 0; i < 4; i++) {
        command_expect_error(command_run_to(calls[i], nothing, NULL), 4, "device");
    }
    command_result json =
        command_run_to((const char *const[]){CLAYER_COMMAND, "devices", "--json", NULL}, nothing, NULL);
    CHECK_STATUS(json, 4);
    CHECK_HOLDS(json.out, "\"devices\": [");
    command_free(&json);
}
END_TEST

START_TEST(no_such_device_is_4_and_says_which_there_are) {
    command_expect_error(RUN("summary", "m.keras", "--device", "no such device"), 4, "no such device");
    command_expect_error(RUN("--device", "no such device", "summary", "m.keras"), 4, "no such device");
    command_expect_error(RUN("devices", "--device", "999"), 4, "999");
    static const char *const variable[] = {"CLAYER_DEVICE=no such device", NULL};
    command_expect_error(
        command_run_to((const char *const[]){CLAYER_COMMAND, "summary", "m.keras", NULL}, variable, NULL), 4,
        "no such device");
}
END_TEST

START_TEST(full_standard_output_is_3) {
    command_result result = command_run_to((const char *const[]){CLAYER_COMMAND, "--help", NULL}, NULL, "/dev/full");
    command_expect_error(result, 3, "standard output");
}
END_TEST

START_TEST(activations_that_a_file_only_names_can_be_said) {
    const char *model = command_golden("mapped/k3_own.h5");
    command_expect_error(RUN("summary", model), 3, "my_act");
    command_expect_error(RUN("summary", model, "--activation", "my_act=relu(0.25,2)"), 3, "my_other");
    command_expect_error(RUN("summary", model, "--activation", "my_act=sine"), 2, "sine");
    command_expect_error(RUN("summary", model, "--activation", "my_act"), 2, "NAME=TEXT");
    command_expect_error(RUN("devices", "--activation", "my_act=relu"), 2, "--activation");
    command_result result = RUN("summary", model, "--activation", "my_act=relu(0.25,2)", "--activation",
                                "my_other=tanh", "--activation", "<lambda>=elu", "--activation", "unused=relu");
    CHECK_STATUS(result, 0);
    ck_assert_msg(strstr(result.err, "no layer of the file has an activation 'unused'") != NULL, "%s", result.err);
    command_free(&result);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.usage");
    TCase *tests = tcase_create("usage");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, help_names_every_verb);
    tcase_add_test(tests, version_is_the_library_s);
    tcase_add_test(tests, wrong_usage_is_2);
    tcase_add_test(tests, damaged_files_are_one_line);
    tcase_add_test(tests, no_device_is_4);
    tcase_add_test(tests, no_such_device_is_4_and_says_which_there_are);
    tcase_add_test(tests, full_standard_output_is_3);
    tcase_add_test(tests, activations_that_a_file_only_names_can_be_said);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
