/* device/test_devices.c: the list of devices, the choice of one, contexts and what can be asked of them. */
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "support/context.h"
#include "support/runner.h"

START_TEST(devices_are_listed) {
    size_t count = 0, platform_count = 0;
    ck_assert_int_eq(clayer_get_devices(NULL, 0, &count), CLAYER_OK);
    ck_assert_uint_ge(count, 1);
    ck_assert_int_eq(clayer_get_platforms(NULL, 0, &platform_count), CLAYER_OK);
    clayer_device_info *devices = calloc(count + 1, sizeof(*devices));
    clayer_platform_info *platforms = calloc(platform_count + 1, sizeof(*platforms));
    ck_assert_int_eq(clayer_get_devices(devices, count + 1, &count), CLAYER_OK);
    ck_assert_int_eq(clayer_get_platforms(platforms, platform_count, &platform_count), CLAYER_OK);
    int total = 0;
    for (size_t i = 0; i < platform_count; i++) {
        ck_assert_str_ne(platforms[i].name, "");
        ck_assert((platforms[i].device_count == 0) == (platforms[i].problem[0] != '\0'));
        total += platforms[i].device_count;
    }
    ck_assert_int_eq(total, (int)count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(devices[i].index, (int)i);
        ck_assert_str_eq(devices[i].platform, platforms[devices[i].platform_index].name);
        ck_assert_str_ne(devices[i].name, "");
        ck_assert_uint_gt(devices[i].global_memory_bytes, 0);
        ck_assert_uint_gt(devices[i].max_work_group_size, 0);
    }
    ck_assert_int_eq(devices[count].compute_units, 0); /* not written */
    /* fewer than there are */
    size_t again = 0;
    ck_assert_int_eq(clayer_get_platforms(platforms, 1, &again), CLAYER_OK);
    ck_assert_uint_eq(again, platform_count);
    free(devices);
    free(platforms);
    ck_assert_int_eq(clayer_get_devices(NULL, 1, &count), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_get_devices(NULL, 0, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_get_platforms(NULL, 1, &count), CLAYER_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_device_is_chosen) {
    cly_device_entry best, entry;
    ck_assert_int_eq(cly_device_choose(NULL, &best), CLAYER_OK);
    ck_assert_int_eq(cly_device_choose("", &entry), CLAYER_OK);
    ck_assert_ptr_eq(entry.device, best.device);
    ck_assert_int_eq(cly_device_choose("0", &entry), CLAYER_OK);
    ck_assert_int_eq(entry.info.index, 0);
    /* by a part of the name or of the platform's, any case */
    char part[8] = {0};
    memcpy(part, best.info.platform, 6); /* a name of fewer letters ends in its NUL */
    part[0] = (char)(part[0] ^ 0x20);
    ck_assert_int_eq(cly_device_choose(part, &entry), CLAYER_OK);
    ck_assert_str_eq(entry.info.platform, best.info.platform);
    ck_assert_int_eq(cly_device_choose(best.info.name, &entry), CLAYER_OK);
    ck_assert_str_eq(entry.info.name, best.info.name);

    ck_assert_int_eq(cly_device_choose("no such thing", &entry), CLAYER_NO_DEVICE);
    cly_test_error_has("matches 'no such thing'");
    cly_test_error_has(best.info.name);
    ck_assert_int_eq(cly_device_choose("99", &entry), CLAYER_NO_DEVICE);
    ck_assert_int_eq(cly_device_choose("99999999999999999999", &entry), CLAYER_NO_DEVICE);
}
END_TEST

START_TEST(the_variable_chooses) {
    clayer_context *context = NULL;
    const char *before = getenv("CLAYER_DEVICE");
    char *kept = NULL;
    ck_assert_int_eq(cly_base_copy_string(before, &kept), CLAYER_OK);
    (void)setenv("CLAYER_DEVICE", "no such thing", 1);
    ck_assert_int_eq(clayer_context_create(NULL, &context), CLAYER_NO_DEVICE);
    ck_assert_ptr_null(context);
    clayer_context_config config = {.struct_size = sizeof(config), .device = "0"};
    ck_assert_int_eq(clayer_context_create(&config, &context), CLAYER_OK);
    clayer_context_destroy(context);
    (void)setenv("CLAYER_DEVICE", "0", 1);
    ck_assert_int_eq(clayer_context_create(NULL, &context), CLAYER_OK);
    clayer_device_info info;
    ck_assert_int_eq(clayer_context_get_device(context, &info), CLAYER_OK);
    ck_assert_int_eq(info.index, 0);
    clayer_context_destroy(context);
    if (kept != NULL) {
        (void)setenv("CLAYER_DEVICE", kept, 1);
    } else {
        (void)unsetenv("CLAYER_DEVICE");
    }
    free(kept);
}
END_TEST

START_TEST(configurations_are_checked) {
    struct {
        clayer_context_config config;
        char more[16];
    } newer = {.config = {.struct_size = sizeof(newer)}};
    clayer_context *context = NULL;
    clayer_context_config config = {0};
    ck_assert_int_eq(clayer_context_create(&config, &context), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("struct_size");
    ck_assert_int_eq(clayer_context_create(&config, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_create(&newer.config, &context), CLAYER_OK);
    clayer_context_destroy(context);
    newer.more[15] = 1;
    ck_assert_int_eq(clayer_context_create(&newer.config, &context), CLAYER_INVALID_ARGUMENT);
    /* an older, shorter struct */
    config.struct_size = offsetof(clayer_context_config, profiling);
    config.profiling = true;
    ck_assert_int_eq(clayer_context_create(&config, &context), CLAYER_OK);
    ck_assert(!context->profiling);
    clayer_context_destroy(context);
    config.struct_size = sizeof(config);
    config.workspace_limit_bytes = 12345;
    ck_assert_int_eq(clayer_context_create(&config, &context), CLAYER_OK);
    ck_assert_uint_eq(cly_device_workspace_limit(context), 12345);
    ck_assert(context->profiling);
    clayer_context_destroy(context);
    config.workspace_limit_bytes = UINT64_MAX;
    ck_assert_int_eq(clayer_context_create(&config, &context), CLAYER_OK);
    ck_assert_uint_le(cly_device_workspace_limit(context), context->info.global_memory_bytes / 8);
    clayer_context_destroy(context);
    clayer_context_destroy(NULL);
}
END_TEST

START_TEST(contexts_are_counted) {
    clayer_context *context = cly_test_context(NULL, NULL);
    clayer_tensor *tensor = NULL;
    const int64_t dims[] = {4};
    float values[4] = {1, 2, 3, 4};
    ck_assert_int_eq(clayer_tensor_create(context, 1, dims, &tensor), CLAYER_OK);
    clayer_context_destroy(context); /* the tensor keeps it */
    ck_assert_int_eq(clayer_tensor_write(tensor, values, 4), CLAYER_OK);
    ck_assert_int_eq(clayer_context_finish(cly_device_tensor_context(tensor)), CLAYER_OK);
    clayer_tensor_destroy(tensor);
    cly_device_release(NULL);
    ck_assert_int_eq(clayer_context_finish(NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_get_device(NULL, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_get_counters(NULL, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_context_check_gemm(NULL, NULL), CLAYER_INVALID_ARGUMENT);
    ck_assert_ptr_null(clayer_context_get_cl_context(NULL));
    ck_assert_ptr_null(clayer_context_get_cl_queue(NULL));
    ck_assert_ptr_null(clayer_context_get_cl_device(NULL));
}
END_TEST

START_TEST(forced_names_are_kept) {
    clayer_context *context = cly_test_context(NULL, NULL);
    ck_assert_ptr_null(cly_device_forced(context, "conv"));
    ck_assert_int_eq(cly_device_force(context, "conv", "direct"), CLAYER_OK);
    ck_assert_int_eq(cly_device_force(context, "pool", "reference"), CLAYER_OK);
    ck_assert_str_eq(cly_device_forced(context, "conv"), "direct");
    ck_assert_int_eq(cly_device_force(context, "conv", "reference"), CLAYER_OK);
    ck_assert_str_eq(cly_device_forced(context, "conv"), "reference");
    ck_assert_int_eq(cly_device_force(context, "conv", NULL), CLAYER_OK);
    ck_assert_ptr_null(cly_device_forced(context, "conv"));
    ck_assert_str_eq(cly_device_forced(context, "pool"), "reference");
    clayer_context_destroy(context);
}
END_TEST

START_TEST(the_log_is_one_line) {
    cly_test_log log = {0};
    clayer_context *context = cly_test_context(NULL, &log);
    int before = log.count;
    cly_device_log(context, CLAYER_LOG_INFO, "a\nb %d", 1);
    ck_assert_int_eq(log.count, before + 1);
    ck_assert_str_eq(log.last, "a b 1");
    clayer_context_destroy(context);
    context = cly_test_context(NULL, NULL);
    cly_device_log(context, CLAYER_LOG_INFO, "to nobody");
    clayer_context_destroy(context);
}
END_TEST

START_TEST(codes_have_words) {
    ck_assert_int_eq(cly_device_fail(CL_OUT_OF_HOST_MEMORY, "clFoo"), CLAYER_OUT_OF_MEMORY);
    ck_assert_str_eq(clayer_last_error(), "clFoo: CL_OUT_OF_HOST_MEMORY (-6)");
    ck_assert_int_eq(cly_device_fail(CL_MEM_OBJECT_ALLOCATION_FAILURE, "clFoo"), CLAYER_OUT_OF_MEMORY);
    ck_assert_int_eq(cly_device_fail(CL_INVALID_BUFFER_SIZE, "clFoo"), CLAYER_OUT_OF_MEMORY);
    ck_assert_int_eq(cly_device_fail(CL_OUT_OF_RESOURCES, "clFoo"), CLAYER_DEVICE_ERROR);
    ck_assert_int_eq(cly_device_fail(-9999, "clFoo"), CLAYER_DEVICE_ERROR);
    ck_assert_str_eq(clayer_last_error(), "clFoo: unknown code (-9999)");
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("device.devices");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_test(all, devices_are_listed);
    tcase_add_test(all, a_device_is_chosen);
    tcase_add_test(all, the_variable_chooses);
    tcase_add_test(all, configurations_are_checked);
    tcase_add_test(all, contexts_are_counted);
    tcase_add_test(all, forced_names_are_kept);
    tcase_add_test(all, the_log_is_one_line);
    tcase_add_test(all, codes_have_words);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
