/* cli/test_devices.c: `clayer devices`, as text and as JSON. */
#include <cjson/cJSON.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

static const cJSON *field(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(item != NULL, "no \"%s\"", name);
    return item;
}

/* The whole output as JSON, and nothing else. */
static cJSON *parse(const char *text) {
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
    ck_assert_msg(json != NULL, "not JSON: %s", text);
    return json;
}

START_TEST(json_holds_each_device) {
    command_result result = RUN("devices", "--json");
    CHECK_STATUS(result, 0);
    cJSON *json = parse(result.out);
    const cJSON *devices = field(json, "devices"), *device;
    ck_assert_int_ge(cJSON_GetArraySize(devices), 1);
    ck_assert_int_ge(cJSON_GetArraySize(field(json, "platforms")), 1);
    int index = 0, defaults = 0;
    cJSON_ArrayForEach(device, devices) {
        ck_assert_int_eq(field(device, "index")->valueint, index++);
        ck_assert_str_ne(field(device, "name")->valuestring, "");
        ck_assert_str_ne(field(device, "driver")->valuestring, "");
        ck_assert(field(device, "global_memory_bytes")->valuedouble > 0);
        ck_assert(field(device, "local_memory_bytes")->valuedouble > 0);
        ck_assert(field(device, "max_work_group_size")->valueint > 0);
        ck_assert(cJSON_IsBool(field(device, "fp16")) && cJSON_IsBool(field(device, "fp64")));
        const cJSON *gemm = field(device, "gemm");
        ck_assert_str_ne(field(gemm, "detail")->valuestring, "");
        defaults += cJSON_IsTrue(field(device, "default"));
    }
    ck_assert_int_eq(defaults, 1);
    cJSON_Delete(json);
    command_free(&result);
}
END_TEST

START_TEST(device_option_lists_one) {
    command_result result = RUN("devices", "--device", "0", "--json", "--no-gemm-check");
    CHECK_STATUS(result, 0);
    cJSON *json = parse(result.out);
    const cJSON *devices = field(json, "devices");
    ck_assert_int_eq(cJSON_GetArraySize(devices), 1);
    ck_assert_int_eq(field(cJSON_GetArrayItem(devices, 0), "index")->valueint, 0);
    ck_assert(cJSON_IsNull(field(cJSON_GetArrayItem(devices, 0), "gemm")));
    cJSON_Delete(json);
    command_free(&result);
}
END_TEST

START_TEST(text_says_what_matters) {
    command_result result = RUN("devices");
    CHECK_STATUS(result, 0);
    static const char *const parts[] = {"Platform 0", "Device 0", "driver", "memory",   "local memory",
                                        "work-group", "fp16",     "GEMM",   "(default)"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        CHECK_HOLDS(result.out, parts[i]);
    }
    command_free(&result);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.devices");
    TCase *tests = tcase_create("devices");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, json_holds_each_device);
    tcase_add_test(tests, device_option_lists_one);
    tcase_add_test(tests, text_says_what_matters);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
