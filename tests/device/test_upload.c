/* device/test_upload.c: copies beside the queue: every batch arrives whole, in order, and after it was used. */
#include <check.h>
#include <stdlib.h>

#include "device/device.h"
#include "support/context.h"
#include "support/runner.h"

#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define FLOATS 100000
#define ROUNDS 60

START_TEST(slots_are_filled_used_and_filled_again) {
    clayer_context *context = cly_test_context(NULL, NULL);
    cly_device_upload *upload = NULL;
    cl_mem slots[CLY_UPLOAD_SLOTS] = {NULL}, results = NULL;
    float *hosts[CLY_UPLOAD_SLOTS], *all = calloc((size_t)ROUNDS * FLOATS, sizeof(float));
    const uint64_t bytes = FLOATS * sizeof(float), before = cly_test_counters(context).bytes_written;
    MUST(cly_device_upload_create(context, &upload));
    MUST(cly_device_buffer_create(context, ROUNDS * bytes, &results));
    for (int i = 0; i < CLY_UPLOAD_SLOTS; i++) {
        hosts[i] = calloc(FLOATS, sizeof(float));
        MUST(cly_device_buffer_create(context, bytes, &slots[i]));
    }
    for (int round = 0; round < ROUNDS; round++) {
        const int slot = round % CLY_UPLOAD_SLOTS;
        MUST(cly_device_upload_begin(upload, slot));
        for (int i = 0; i < FLOATS; i++) {
            hosts[slot][i] = (float)(round * 1000 + i % 1000);
        }
        MUST(cly_device_upload_write(upload, slot, slots[slot], hosts[slot], bytes));
        MUST(cly_device_upload_use(upload, slot));
        MUST(cly_device_copy(context, slots[slot], 0, results, (uint64_t)round * bytes, bytes));
        MUST(cly_device_upload_used(upload, slot));
    }
    MUST(cly_device_read(context, results, 0, all, ROUNDS * bytes));
    for (int64_t i = 0; i < (int64_t)ROUNDS * FLOATS; i++) {
        const float expected = (float)(i / FLOATS * 1000 + i % FLOATS % 1000);
        ck_assert_msg(all[i] == expected, "round %lld, value %lld: %g, not %g", (long long)(i / FLOATS),
                      (long long)(i % FLOATS), (double)all[i], (double)expected);
    }
    ck_assert_uint_eq(cly_test_counters(context).bytes_written, before + ROUNDS * bytes);
    cly_device_upload_destroy(upload);
    for (int i = 0; i < CLY_UPLOAD_SLOTS; i++) {
        cly_device_buffer_destroy(context, slots[i]);
        free(hosts[i]);
    }
    cly_device_buffer_destroy(context, results);
    free(all);
    clayer_context_destroy(context);
}
END_TEST

START_TEST(an_upload_may_end_with_copies_under_way) {
    clayer_context *context = cly_test_context(NULL, NULL);
    cly_device_upload *upload = NULL;
    cl_mem buffer = NULL;
    float *host = calloc(FLOATS, sizeof(float));
    MUST(cly_device_upload_create(context, &upload));
    MUST(cly_device_buffer_create(context, FLOATS * sizeof(float), &buffer));
    MUST(cly_device_upload_write(upload, 0, buffer, host, 0)); /* nothing */
    MUST(cly_device_upload_use(upload, 0));
    MUST(cly_device_upload_write(upload, 0, buffer, host, FLOATS * sizeof(float)));
    cly_device_upload_destroy(upload); /* waits: the memory may go */
    free(host);
    cly_device_upload_destroy(NULL);
    cly_device_buffer_destroy(context, buffer);
    clayer_context_destroy(context);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device.upload");
    TCase *tests = tcase_create("upload");
    tcase_add_test(tests, slots_are_filled_used_and_filled_again);
    tcase_add_test(tests, an_upload_may_end_with_copies_under_way);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
