/* cli/test_verify.c: `clayer run --verify` on references that scripts/keras_reference.py wrote (golden/make_verify.py):
 * they agree layer by layer, and the first layer that differs is named. */
#include <cjson/cJSON.h>
#include <check.h>
#include <clayer/array.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "support/runner.h"

static const struct {
    const char *model, *reference;
    const char *layers[4]; /* some of its lines */
    size_t count;          /* of layers' outputs */
    int unneeded;          /* of them, which no output depends on */
} cases[] = {
    {"models/k2_two_in_two_out.h5", "verify/k2_two_in_two_out.npz", {"shared", "shared:1"}, 6, 0},
    {"models/k3_branches.keras", "verify/k3_branches.npz", {"join"}, 7, 0},
    {"models/k3_classifier.keras", "verify/k3_classifier.npz", {"batch_normalization"}, 9, 0},
    {"verify/k2_encoder.h5", "verify/k2_encoder.npz", {"encoder/conv", "encoder/conv:1", "head/dense:1", "sum"}, 17, 1},
    {"verify/k3_encoder.keras",
     "verify/k3_encoder.npz",
     {"encoder/conv", "encoder/kept:1", "head/dense:1", "sum"},
     17,
     1},
    {"verify/k2_deep.h5", "verify/k2_deep.npz", {"middle/block/conv2d"}, 7, 0},
    {"verify/k3_deep.keras", "verify/k3_deep.npz", {"middle/block/conv2d"}, 7, 0},
    {"verify/k2_distributed.h5", "verify/k2_distributed.npz", {"frames", "frames/rows", "frames/rows/norm"}, 9, 0},
    {"verify/k3_distributed.keras", "verify/k3_distributed.npz", {"frames", "frames/join", "frames/rows/conv"}, 9, 0},
};

START_TEST(layers_equal_keras) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        command_result result =
            RUN("run", command_golden(cases[i].model), "--verify", command_golden(cases[i].reference), "--json");
        CHECK_STATUS(result, 0);
        ck_assert_str_eq(result.err, "");
        cJSON *json = cJSON_ParseWithOpts(result.out, NULL, true);
        ck_assert_msg(json != NULL, "%s: no JSON: %s", cases[i].model, result.out);
        ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(json, "not_compared")), cases[i].unneeded);
        ck_assert(cJSON_IsNull(cJSON_GetObjectItem(json, "first")));
        size_t layers = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "layers")) {
            layers += strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "kind")), "layer") == 0;
            const cJSON *difference = cJSON_GetObjectItem(item, "difference");
            ck_assert(cJSON_IsNull(difference) || cJSON_GetNumberValue(difference) < 1e-5);
        }
        ck_assert_msg(layers == cases[i].count, "%s: %zu layers: %s", cases[i].model, layers, result.out);
        for (int k = 0; k < 4 && cases[i].layers[k] != NULL; k++) {
            char name[64];
            snprintf(name, sizeof name, "\"%s\"", cases[i].layers[k]);
            CHECK_HOLDS(result.out, name);
        }
        cJSON_Delete(json);
        command_free(&result);
    }
}
END_TEST

/* The reference with one of its members changed: `shift` is added to its first value; 0 leaves the member out. */
static const char *change(const char *reference, const char *member, float shift) {
    clayer_archive *archive = NULL, *changed = NULL;
    ck_assert(clayer_archive_load(command_golden(reference), &archive) == CLAYER_OK);
    ck_assert(clayer_archive_create(&changed) == CLAYER_OK);
    for (size_t i = 0; i < clayer_archive_get_count(archive); i++) {
        const char *name = clayer_archive_get_name(archive, i);
        clayer_array *copy = NULL;
        ck_assert(clayer_array_convert(clayer_archive_get_array(archive, i), CLAYER_FLOAT32, &copy) == CLAYER_OK);
        if (strcmp(name, member) == 0) {
            ((float *)clayer_array_get_data(copy))[0] += shift;
        }
        if (strcmp(name, member) != 0 || shift != 0) {
            ck_assert(clayer_archive_add(changed, name, copy) == CLAYER_OK);
        }
        clayer_array_destroy(copy);
    }
    ck_assert(clayer_archive_save(changed, command_path("ref.npz")) == CLAYER_OK);
    clayer_archive_destroy(archive);
    clayer_archive_destroy(changed);
    return command_path("ref.npz");
}

START_TEST(the_first_that_differs_is_named) {
    const char *model = command_golden("verify/k3_encoder.keras"), *reference = "verify/k3_encoder.npz";
    command_result result = RUN("run", model, "--verify", change(reference, "layers/encoder/norm:1", 9));
    CHECK_STATUS(result, 1);
    CHECK_HOLDS(result.err, "the first in the order of running is layer 'encoder/norm:1'");
    CHECK_HOLDS(result.out, "differs");
    command_free(&result);
    result = RUN("run", model, "--verify", change(reference, "layers/encoder/norm:1", 9), "--tolerance", "1000");
    CHECK_STATUS(result, 0);
    command_free(&result);
    result = RUN("run", model, "--verify", change(reference, "outputs/sum", 1000));
    CHECK_STATUS(result, 1);
    CHECK_HOLDS(result.err, "output 'sum'");
    command_free(&result);
    result = RUN("run", model, "--verify", change(reference, "layers/sum", 0));
    CHECK_STATUS(result, 0);
    CHECK_HOLDS(result.out, "not compared: not in the reference");
    CHECK_HOLDS(result.out, ", 2 not;");
    command_free(&result);
}
END_TEST

START_TEST(what_is_refused) {
    const char *model = command_golden("verify/k3_encoder.keras"), *deep = command_golden("verify/k3_deep.keras");
    const char *reference = command_golden("verify/k3_encoder.npz");
    command_expect_error(RUN("run", deep, "--verify", reference), 3, "holds no 'inputs/");
    command_expect_error(RUN("run", model, "--verify", change("verify/k3_encoder.npz", "inputs/a", 0)), 3, "inputs/a");
    command_expect_error(RUN("run", model, "--verify", command_path("not_there.npz")), 3, "not_there");
    command_expect_error(RUN("run", model, "--verify", reference, "-i", reference), 2, "--verify");
    command_expect_error(RUN("run", model, "--verify", reference, "--tolerance", "x"), 2, "--tolerance");
    command_expect_error(RUN("run", model, "-i", reference, "-o", command_path("y.npz"), "--tolerance", "1"), 2,
                         "--verify");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("verify");
    TCase *tests = tcase_create("verify");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, layers_equal_keras);
    tcase_add_test(tests, the_first_that_differs_is_named);
    tcase_add_test(tests, what_is_refused);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
