/* device/test_gemm.c: matrix products by CLBlast and by the plain kernel against a naive one. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "device/matrix.h"
#include "support/context.h"
#include "support/runner.h"

static clayer_context *context;

/* One context for all: the check's programs are compiled once. */
static void set_up(void) {
    context = cly_test_context(NULL, NULL);
}

static void tear_down(void) {
    clayer_context_destroy(context);
    context = NULL;
}

static void check_shapes(clayer_context *where, cly_test_gemm *call) {
    static const int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 16, 16}, {33, 29, 41}, {64, 32, 32}, {70, 130, 67}};
    for (size_t i = 0; i < CLY_COUNT(sizes); i++) {
        for (int form = 0; form < 16; form++) {
            bool ta = (form & 1) != 0, tb = (form & 2) != 0;
            int64_t pad = (form & 4) != 0 ? 3 : 0;
            int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
            cly_gemm g = {
                .transpose_a = ta, .transpose_b = tb, .m = m, .n = n, .k = k, .batch = (form & 8) != 0 ? 3 : 1};
            g.a_ld = (ta ? m : k) + pad;
            g.b_ld = (tb ? k : n) + pad;
            g.c_ld = n + pad;
            g.a_offset = pad * 2;
            g.b_offset = pad * 5;
            g.c_offset = pad * 7;
            g.a_stride = (ta ? k : m) * g.a_ld;
            g.b_stride = form == 8 ? 0 : (tb ? n : k) * g.b_ld; /* 0: one B for the whole batch */
            g.c_stride = m * g.c_ld + pad;
            g.beta = form % 3 == 0 ? 0.0f : form % 3 == 1 ? 1.0f : -0.5f;
            const char *problem = cly_test_product(where, call, &g);
            ck_assert_msg(problem[0] == '\0', "%lld x %lld x %lld, form %d: %s", (long long)m, (long long)n,
                          (long long)k, form, problem);
        }
    }
}

START_TEST(the_library_is_checked_once) {
    clayer_gemm_report report;
    ck_assert_int_eq(clayer_context_check_gemm(context, &report), CLAYER_OK);
    const bool cpu = cly_device_info(context)->type == CLAYER_DEVICE_CPU;
    ck_assert_int_eq(report.verdict, cpu ? CLAYER_GEMM_OWN : CLAYER_GEMM_LIBRARY); /* it is slower on CPUs */
    (void)setenv("CLAYER_GEMM", "clblast", 1);
    ck_assert_int_eq(clayer_context_check_gemm(context, &report), CLAYER_OK);
    ck_assert_int_eq(report.verdict, CLAYER_GEMM_LIBRARY);
    (void)unsetenv("CLAYER_GEMM");
    ck_assert_msg(strstr(report.detail, "CLBlast") != NULL && strstr(report.detail, "passed") != NULL, "%s",
                  report.detail);
    clayer_counters first = cly_test_counters(context);
    ck_assert(first.gemm_ms > 0.0);
    ck_assert_uint_eq(first.device_bytes, 0);
    ck_assert_int_eq(clayer_context_check_gemm(context, &report), CLAYER_OK);
    ck_assert_uint_eq(cly_test_counters(context).launches, first.launches);
}
END_TEST

START_TEST(the_library_is_right) {
    (void)setenv("CLAYER_GEMM", "clblast", 1);
    check_shapes(context, cly_device_gemm);
    (void)unsetenv("CLAYER_GEMM");
}
END_TEST

START_TEST(own_products_are_right) {
    check_shapes(context, cly_device_gemm_own);
}
END_TEST

START_TEST(the_library_can_be_switched_off) {
    cly_test_log log = {0};
    clayer_gemm_report report;
    const cly_gemm g = {.m = 5, .n = 5, .k = 5, .a_ld = 5, .b_ld = 5, .c_ld = 5, .batch = 1};
    (void)setenv("CLAYER_GEMM", "own", 1);
    clayer_context *other = cly_test_context(NULL, &log);
    ck_assert_str_eq(cly_test_product(other, cly_device_gemm, &g), "");
    ck_assert_int_eq(clayer_context_check_gemm(other, &report), CLAYER_OK);
    ck_assert_int_eq(report.verdict, CLAYER_GEMM_OWN);
    ck_assert_ptr_nonnull(strstr(report.detail, "CLAYER_GEMM=own"));
    ck_assert_int_eq(log.count, 1);
    ck_assert_ptr_nonnull(strstr(log.last, "CLBlast is not used"));
    ck_assert_uint_eq(cly_test_counters(other).launches, 1);
    clayer_context_destroy(other);
    (void)unsetenv("CLAYER_GEMM");
}
END_TEST

START_TEST(empty_products_are_done) {
    cly_gemm g = {.m = 0, .n = 4, .k = 4, .a_ld = 4, .b_ld = 4, .c_ld = 4};
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_OK);
    g.m = 4;
    g.n = 0;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_OK);
    g = (cly_gemm){.m = 6, .n = 5, .k = 0, .a_ld = 1, .b_ld = 5, .c_ld = 5, .batch = 1, .beta = 0.5f};
    ck_assert_str_eq(cly_test_product(context, cly_device_gemm, &g), ""); /* C = beta C */
    g.beta = 0.0f;
    ck_assert_str_eq(cly_test_product(context, cly_device_gemm, &g), "");
}
END_TEST

START_TEST(wrong_products_are_refused) {
    cl_mem buffer = NULL;
    ck_assert_int_eq(cly_device_buffer_create(context, 16 * 16 * 4, &buffer), CLAYER_OK);
    const cly_gemm good = {.m = 16,
                           .n = 16,
                           .k = 16,
                           .a = buffer,
                           .b = buffer,
                           .c = buffer,
                           .a_ld = 16,
                           .b_ld = 16,
                           .c_ld = 16,
                           .batch = 1};
    cly_gemm g = good;
    g.m = -1;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_SHAPE);
    g.m = INT64_C(1) << 31;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_SHAPE);
    g = good;
    g.a_ld = 15;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("gemm: A, 16 x 16");
    g = good;
    g.b_offset = 1;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("gemm: B");
    g = good;
    g.c_ld = INT64_MAX;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_ARGUMENT);
    g = good;
    g.batch = 2;
    g.c_stride = 1;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("gemm: C");
    g = good;
    g.c = NULL;
    ck_assert_int_eq(cly_device_gemm(context, &g), CLAYER_DEVICE_ERROR);
    cly_device_buffer_destroy(context, buffer);
}
END_TEST

static clayer_context *fresh;

static void *multiply(void *data) {
    const char **result = data;
    for (int i = 0; i < 6 && (*result)[0] == '\0'; i++) {
        const cly_gemm g = {
            .m = 20 + i, .n = 30, .k = 25, .a_ld = 50, .b_ld = 50, .c_ld = 30, .batch = 1, .transpose_a = i % 2 == 0};
        const char *problem = cly_test_product(fresh, cly_device_gemm, &g);
        if (problem[0] != '\0') {
            char *copy = NULL;
            *result = cly_base_copy_string(problem, &copy) == CLAYER_OK ? copy : "failed";
        }
    }
    return NULL;
}

START_TEST(threads_multiply) {
    pthread_t threads[4];
    const char *results[4] = {"", "", "", ""};
    fresh = cly_test_context(NULL, NULL); /* the check and the first calls race too */
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, multiply, &results[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(results[i], "");
    }
    clayer_context_destroy(fresh);
}
END_TEST

START_TEST(products_are_timed) {
    const clayer_context_config config = {.struct_size = sizeof(config), .profiling = true};
    const cly_gemm g = {.m = 64,
                        .n = 64,
                        .k = 64,
                        .a_ld = 64,
                        .b_ld = 64,
                        .c_ld = 64,
                        .batch = 2,
                        .a_stride = 4096,
                        .b_stride = 4096,
                        .c_stride = 4096};
    clayer_context *timed = NULL;
    double ms = 0.0;
    ck_assert_int_eq(clayer_context_create(&config, &timed), CLAYER_OK);
    ck_assert_str_eq(cly_test_product(timed, cly_device_gemm, &g), "");
    cly_device_timer_begin(timed);
    ck_assert_str_eq(cly_test_product(timed, cly_device_gemm, &g), "");
    ck_assert_int_eq(cly_device_timer_end(timed, &ms), CLAYER_OK);
    ck_assert_msg(ms > 0.0 && ms < 10000.0, "%g", ms);
    clayer_context_destroy(timed);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.gemm");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_unchecked_fixture(all, set_up, tear_down);
    tcase_add_test(all, the_library_is_checked_once);
    tcase_add_test(all, the_library_is_right);
    tcase_add_test(all, own_products_are_right);
    tcase_add_test(all, the_library_can_be_switched_off);
    tcase_add_test(all, empty_products_are_done);
    tcase_add_test(all, wrong_products_are_refused);
    tcase_add_test(all, threads_multiply);
    tcase_add_test(all, products_are_timed);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
