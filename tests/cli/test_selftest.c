/* cli/test_selftest.c: `clayer selftest` passes here, and fails where one layer's result is wrong.
 *
 * The command "broken" is the same sources with clayer_layer_forward wrapped (broken.c): it spoils one value of the
 * class that CLAYER_BREAK names. */
#include <cjson/cJSON.h>
#include <check.h>
#include <clayer/context.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

/* Whether "conv: gemm reference; depthwise: ..." has that implementation of that operator. */
static bool names(const cJSON *list, const char *op, const char *name) {
    const size_t length = strlen(op);
    const char *at = list->valuestring;
    while ((at = strstr(at, op)) != NULL &&
           (at[length] != ':' || (at > list->valuestring && at[-1] != ' '))) { /* conv in conv_weights */
        at++;
    }
    const char *end = at != NULL ? strchr(at, ';') : NULL, *found = at != NULL ? strstr(at + length, name) : NULL;
    return found != NULL && (end == NULL || found < end);
}

static bool is_cpu(void) {
    clayer_context *context = NULL;
    clayer_device_info info;
    ck_assert_int_eq(clayer_context_create(NULL, &context), CLAYER_OK);
    ck_assert_int_eq(clayer_context_get_device(context, &info), CLAYER_OK);
    clayer_context_destroy(context);
    return info.type == CLAYER_DEVICE_CPU;
}

START_TEST(every_layer_passes) {
    const bool on_cpu = is_cpu();
    command_result result = RUN("selftest", "--json");
    CHECK_STATUS(result, 0);
    cJSON *json = cJSON_ParseWithOpts(result.out, NULL, 1);
    ck_assert_msg(json != NULL, "not JSON: %s", result.out);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(json, "ok")));
    const cJSON *layers = cJSON_GetObjectItem(json, "layers");
    ck_assert_int_eq(cJSON_GetArraySize(layers), 64);
    ck_assert_int_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "training"), "cases")->valueint, 4);

    /* Every implementation of every operator ran in some layer; "direct" of the convolutions is for CPUs, and "remap"
     * and "walk" belong to operations on tensors, which only files have: the suites ops.remap and ops.walk have them.
     */
    for (const char *const *op = clayer_get_operators(); *op != NULL; op++) {
        for (const char *const *name = clayer_get_implementations(*op); *name != NULL; name++) {
            bool ran = false;
            const cJSON *layer;
            cJSON_ArrayForEach(layer, layers) {
                const cJSON *backward = cJSON_GetObjectItem(layer, "backward");
                ran = ran || names(cJSON_GetObjectItem(layer, "implementations"), *op, *name) ||
                      names(cJSON_GetObjectItem(backward, "implementations"), *op, *name);
            }
            const bool elsewhere = !on_cpu && strncmp(*op, "conv", 4) == 0 && strcmp(*name, "direct") == 0;
            const bool of_files =
                strncmp(*op, "remap", 5) == 0 || strcmp(*op, "walk") == 0 || strcmp(*op, "product_gradient") == 0;
            ck_assert_msg(ran || elsewhere || of_files, "%s: %s never ran", *op, *name);
        }
    }
    cJSON_Delete(json);
    command_free(&result);
}
END_TEST

START_TEST(a_seed_gives_other_cases) {
    command_result result = RUN("selftest", "--layer", "Conv2D", "--cases", "5", "--seed", "20");
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "Conv2D ");
    CHECK_HOLDS(result.out, "GEMM:");
    CHECK_HOLDS(result.out, "1 layers, ");
    ck_assert(strstr(result.out, "Conv1D") == NULL);
    command_free(&result);
    command_expect_error(RUN("selftest", "--layer", "Conv9D"), 2, "Conv9D");
}
END_TEST

START_TEST(a_wrong_result_is_1) {
    static const char *const classes[] = {"Conv2D", "Cropping1D", "Softmax"};
    for (int i = 0; i < 6; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "CLAYER_BREAK%s=%s", i < 3 ? "" : "_BACKWARD", classes[i % 3]);
        const char *const argv[] = {CLAYER_BROKEN, "selftest", "--cases", "1", "--layer", classes[i % 3], NULL};
        const char *const environment[] = {variable, NULL};
        command_result result = command_run_to(argv, environment, NULL);
        CHECK_STATUS(result, 1);
        CHECK_HOLDS(result.out, "FAILED");
        CHECK_HOLDS(result.out, i < 3 ? "expected " : "backward, ");
        command_free(&result);
        /* Unbroken, the same program passes. */
        result = command_run_to(argv, (const char *const[]){"CLAYER_BREAK=", "CLAYER_BREAK_BACKWARD=", NULL}, NULL);
        CHECK_STATUS(result, 0);
        command_free(&result);
    }
}
END_TEST

/* Ctrl-C when the first of the layers has been printed. */
START_TEST(an_interrupt_is_130) {
    const char *out = command_path("interrupted");
    char script[4096];
    snprintf(script, sizeof script,
             "'%s' selftest --cases 30 >'%s' & "
             "while [ ! -s '%s' ] && kill -0 $!; do sleep 0.1; done; kill -INT $!; wait $!",
             CLAYER_COMMAND, out, out);
    command_result result = command_run_to((const char *const[]){"/bin/sh", "-c", script, NULL}, NULL, NULL);
    CHECK_STATUS(result, 130);
    CHECK_HOLDS(result.err, "clayer: interrupted");
    command_free(&result);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.selftest");
    TCase *tests = tcase_create("selftest");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, every_layer_passes);
    tcase_add_test(tests, a_seed_gives_other_cases);
    tcase_add_test(tests, a_wrong_result_is_1);
    tcase_add_test(tests, an_interrupt_is_130);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
