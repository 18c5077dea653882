/* device/test_launch.c: programs built and found again, failed builds, arguments, work-groups, timing, threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "device/matrix.h"
#include "support/context.h"
#include "support/runner.h"

static clayer_context *context;
static cly_test_log log_kept;

static void set_up(void) {
    log_kept = (cly_test_log){0};
    context = cly_test_context(NULL, &log_kept);
}

static void tear_down(void) {
    clayer_context_destroy(context);
    context = NULL;
}

/* Launches the kernel gemm on a 1 x 1 product with these work-groups and options. */
static clayer_status launch_with(const char *options, const size_t global[3], const size_t local[3]) {
    cl_mem buffer = NULL;
    cly_launch launch = {.program = "gemm", .options = options, .kernel = "gemm"};
    memcpy(launch.global, global, sizeof(launch.global));
    memcpy(launch.local, local, sizeof(launch.local));
    clayer_status status = cly_device_buffer_create(context, 4, &buffer);
    if (status == CLAYER_OK) {
        status =
            cly_device_run(context, &launch, CLY_BUFFER(buffer), CLY_BUFFER(buffer), CLY_BUFFER(buffer), CLY_INT(1),
                           CLY_INT(1), CLY_INT(1), CLY_INT(1), CLY_FLOAT(0), CLY_LONG(0), CLY_LONG(0), CLY_LONG(0),
                           CLY_LONG(1), CLY_LONG(1), CLY_LONG(1), CLY_LONG(0), CLY_LONG(0), CLY_LONG(0));
    }
    cly_device_buffer_destroy(context, buffer);
    return status;
}

START_TEST(programs_are_reused) {
    static const size_t one[3] = {1, 0, 0}, none[3] = {0, 0, 0};
    ck_assert_int_eq(launch_with(NULL, one, none), CLAYER_OK);
    clayer_counters first = cly_test_counters(context);
    ck_assert_uint_eq(first.programs_built + first.programs_loaded, 1);
    ck_assert_uint_eq(first.launches, 1);
    ck_assert(first.program_ms > 0.0);
    ck_assert_int_eq(launch_with("", one, none), CLAYER_OK);
    ck_assert_int_eq(launch_with("-DTRANSPOSE_A", one, none), CLAYER_OK);
    clayer_counters second = cly_test_counters(context);
    ck_assert_uint_eq(second.programs_reused, 1);
    ck_assert_uint_eq(second.programs_built + second.programs_loaded, 2);
    ck_assert_uint_eq(second.launches, 3);
}
END_TEST

START_TEST(failed_builds_say_why) {
    static const size_t one[3] = {1, 0, 0}, none[3] = {0, 0, 0};
    ck_assert_int_eq(launch_with("-Dgemm=1", one, none), CLAYER_BUILD_FAILED);
    cly_test_error_has("clBuildProgram: CL_BUILD_PROGRAM_FAILURE (-11)");
    cly_test_error_has("program 'gemm'");
    cly_test_error_has("-Dgemm=1");
    cly_test_error_has(cly_device_info(context)->name);
    cly_test_error_has("error"); /* the compiler's log */
    ck_assert_str_eq(log_kept.last, clayer_last_error());
    ck_assert_int_eq(launch_with("-Dgemm=1", one, none), CLAYER_BUILD_FAILED); /* and again */
    ck_assert_int_eq(launch_with("-no-such-option", one, none), CLAYER_BUILD_FAILED);
    ck_assert_int_eq(launch_with(NULL, one, none), CLAYER_OK);
}
END_TEST

START_TEST(wrong_calls_are_refused) {
    const cly_launch no_program = {.program = "none", .kernel = "gemm"};
    const cly_launch no_kernel = {.program = "gemm", .kernel = "none"};
    const cly_launch launch = {.program = "gemm", .kernel = "gemm"};
    ck_assert_int_eq(cly_device_run(context, &no_program, CLY_INT(1)), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("no program 'none'");
    ck_assert_int_eq(cly_device_run(context, &no_kernel, CLY_INT(1)), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("program 'gemm' has no kernel 'none'");
    ck_assert_int_eq(cly_device_run(context, &launch, CLY_INT(1)), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("kernel 'gemm' takes 17 arguments, 1 were given");
    cly_arg args[17];
    for (int i = 0; i < 17; i++) {
        args[i] = CLY_LONG(0); /* of the wrong size for most */
    }
    ck_assert_int_eq(cly_device_launch(context, &launch, args, 17), CLAYER_DEVICE_ERROR);
    cly_test_error_has("argument 3");
    cly_test_error_has("clSetKernelArg: CL_INVALID_ARG_SIZE");
    args[0] = CLY_LOCAL((size_t)1 << 40);
    ck_assert_int_eq(cly_device_launch(context, &launch, args, 17), CLAYER_UNSUPPORTED);
    cly_test_error_has("bytes of local memory");
}
END_TEST

START_TEST(work_groups_fit) {
    static const size_t globals[][3] = {{1, 0, 0}, {3, 5, 7}, {1000, 1, 1}, {1, 1000, 1}, {1, 1, 100}, {100000, 3, 1}};
    static const size_t none[3] = {0, 0, 0};
    const clayer_device_info *info = cly_device_info(context);
    for (size_t i = 0; i < CLY_COUNT(globals); i++) {
        ck_assert_int_eq(launch_with(NULL, globals[i], none), CLAYER_OK);
    }
    ck_assert_int_eq(launch_with(NULL, globals[1], (const size_t[3]){2, 2, 2}), CLAYER_OK);
    ck_assert_int_eq(launch_with(NULL, globals[1], (const size_t[3]){4, 0, 0}), CLAYER_OK);
    ck_assert_int_eq(launch_with(NULL, globals[1], (const size_t[3]){info->max_work_group_size * 2, 1, 1}),
                     CLAYER_UNSUPPORTED);
    cly_test_error_has("needs work-groups of");
    ck_assert_int_eq(launch_with(NULL, globals[1], (const size_t[3]){info->max_work_group_size, 2, 1}),
                     CLAYER_UNSUPPORTED);
    ck_assert_int_eq(clayer_context_finish(context), CLAYER_OK);
}
END_TEST

START_TEST(results_do_not_depend_on_the_group) {
    /* global sizes that are no multiple of any group */
    static const int64_t sizes[][2] = {{1, 1}, {5, 3}, {13, 257}, {129, 7}};
    for (size_t i = 0; i < CLY_COUNT(sizes); i++) {
        const cly_gemm g = {.m = sizes[i][0],
                            .n = sizes[i][1],
                            .k = 9,
                            .a_ld = 9,
                            .b_ld = sizes[i][1],
                            .c_ld = sizes[i][1],
                            .batch = 1};
        ck_assert_str_eq(cly_test_product(context, cly_device_gemm_own, &g), "");
    }
}
END_TEST

START_TEST(time_is_measured) {
    double ms = 5.0;
    const cly_gemm g = {.m = 64, .n = 64, .k = 64, .a_ld = 64, .b_ld = 64, .c_ld = 64, .batch = 1};
    cly_device_timer_begin(context);
    ck_assert_int_eq(cly_device_timer_end(context, &ms), CLAYER_OK);
    ck_assert(ms == -1.0);
    clayer_context *timed = NULL;
    const clayer_context_config config = {.struct_size = sizeof(config), .profiling = true};
    ck_assert_int_eq(clayer_context_create(&config, &timed), CLAYER_OK);
    ck_assert_str_eq(cly_test_product(timed, cly_device_gemm_own, &g), "");
    cly_device_timer_begin(timed);
    ck_assert_int_eq(cly_device_timer_end(timed, &ms), CLAYER_OK);
    ck_assert(ms == 0.0);
    cly_device_timer_begin(timed);
    ck_assert_str_eq(cly_test_product(timed, cly_device_gemm_own, &g), "");
    ck_assert_int_eq(cly_device_timer_end(timed, &ms), CLAYER_OK);
    ck_assert(ms > 0.0 && ms < 10000.0);
    ck_assert_int_eq(cly_device_timer_end(timed, &ms), CLAYER_OK); /* none is running */
    ck_assert(ms == -1.0);
    clayer_context_destroy(timed);
}
END_TEST

static void *launch_many(void *data) {
    const char **result = data;
    for (int i = 0; i < 40 && (*result)[0] == '\0'; i++) {
        const cly_gemm g = {.m = 5 + i % 7,
                            .n = 6 + i % 5,
                            .k = 8,
                            .a_ld = 16,
                            .b_ld = 16,
                            .c_ld = 12,
                            .batch = 1,
                            .transpose_a = i % 2 == 0,
                            .transpose_b = i % 3 == 0};
        const char *problem = cly_test_product(context, cly_device_gemm_own, &g);
        if (problem[0] != '\0') {
            char *copy = NULL;
            *result = cly_base_copy_string(problem, &copy) == CLAYER_OK ? copy : "failed";
        }
    }
    return NULL;
}

START_TEST(threads_share_a_context) {
    pthread_t threads[4];
    const char *results[4] = {"", "", "", ""};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, launch_many, &results[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(results[i], "");
    }
    clayer_counters counters = cly_test_counters(context);
    ck_assert_uint_eq(counters.programs_built + counters.programs_loaded, 4); /* one build for each variant */
    ck_assert_uint_eq(counters.launches, 160);
    ck_assert_uint_eq(counters.device_bytes, 0);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.launch");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, programs_are_reused);
    tcase_add_test(all, failed_builds_say_why);
    tcase_add_test(all, wrong_calls_are_refused);
    tcase_add_test(all, work_groups_fit);
    tcase_add_test(all, results_do_not_depend_on_the_group);
    tcase_add_test(all, time_is_measured);
    tcase_add_test(all, threads_share_a_context);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
