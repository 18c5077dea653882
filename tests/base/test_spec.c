/* base/test_spec.c: things chosen by name: found, parsed, refused, formatted. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/spec.h"
#include "support/runner.h"

static const char *const modes[] = {"fan_in", "fan_out", "fan_avg", NULL};

static const cly_spec_entry entries[] = {
    {.id = 1, .name = "linear", .class_name = NULL, .alias = "identity"},
    {.id = 2,
     .name = "leaky_relu",
     .class_name = "LeakyReLU",
     .parameters = {{.name = "negative_slope", .fallback = 0.2, .alias = "alpha"}}},
    {.id = 3,
     .name = "variance_scaling",
     .class_name = "VarianceScaling",
     .parameters = {{.name = "scale", .fallback = 1.0, .low = 0.5, .high = 10.0},
                    {.name = "mode", .fallback = 0.0, .kind = CLY_SPEC_CHOICE, .choices = modes},
                    {.name = "seed", .fallback = -1.0, .kind = CLY_SPEC_SEED},
                    {.name = "axis", .fallback = 256.0, .kind = CLY_SPEC_AXES},
                    {.name = "on", .fallback = 1.0, .kind = CLY_SPEC_BOOL}}},
};
static const cly_spec_list list = {.what = "thing", .entries = entries, .count = CLY_COUNT(entries)};

static void check_round_trip(const char *text, const char *expected) {
    cly_spec spec, again;
    cly_base_text out = {0};
    ck_assert_msg(cly_base_spec_parse(&list, text, &spec) == CLAYER_OK, "%s: %s", text, clayer_last_error());
    ck_assert_int_eq(cly_base_spec_format(&spec, &out), CLAYER_OK);
    ck_assert_str_eq(out.chars, expected);
    ck_assert_int_eq(cly_base_spec_parse(&list, out.chars, &again), CLAYER_OK);
    ck_assert_ptr_eq(spec.entry, again.entry);
    ck_assert_int_eq(memcmp(spec.values, again.values, sizeof(spec.values)), 0);
    cly_base_text_free(&out);
}

START_TEST(texts_parse_and_format) {
    check_round_trip("linear", "linear");
    check_round_trip(" identity ( ) ", "linear");
    check_round_trip("LeakyReLU", "leaky_relu");
    check_round_trip("leaky_relu(0.2)", "leaky_relu");
    check_round_trip("leaky_relu(alpha=.5)", "leaky_relu(negative_slope=0.5)");
    check_round_trip("variance_scaling(2, mode='fan_out', seed=7, axis=[0, 1,2], on=false)",
                     "variance_scaling(scale=2, mode=fan_out, seed=7, axis=[0, 1, 2], on=False)");
    check_round_trip("variance_scaling(seed=None, axis=-1, on=True)", "variance_scaling(axis=-1)");
    check_round_trip("variance_scaling(1,\"fan_avg\",null,(0,))", "variance_scaling(mode=fan_avg)");
}
END_TEST

START_TEST(values_are_read) {
    cly_spec spec;
    ck_assert_int_eq(cly_base_spec_parse(&list, "variance_scaling(mode=fan_avg, axis=[-8, 7])", &spec), CLAYER_OK);
    ck_assert_int_eq(spec.entry->id, 3);
    ck_assert(cly_base_spec_get(&spec, "mode") == 2.0);
    ck_assert(cly_base_spec_get(&spec, "axis") == 32769.0);
    ck_assert(cly_base_spec_get(&spec, "seed") == -1.0);
    ck_assert(cly_base_spec_get(&spec, "none") == 0.0);
    ck_assert_int_eq(cly_base_spec_parse(&list, NULL, &spec), CLAYER_OK);
    ck_assert_ptr_null(spec.entry);
    ck_assert_int_eq(cly_base_spec_parse(&list, "", &spec), CLAYER_OK);
    cly_base_text out = {0};
    ck_assert_int_eq(cly_base_spec_format(&spec, &out), CLAYER_OK);
    ck_assert_str_eq(out.chars, "");
    cly_base_text_free(&out);
}
END_TEST

START_TEST(arguments_are_set_one_by_one) {
    cly_spec spec;
    const double axes[] = {0, 2}, twice[] = {1, 1}, far[] = {8};
    ck_assert_int_eq(cly_base_spec_find(&list, "VarianceScaling", &spec), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "scale", 3.0), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "axis", 1.0), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_set_list(&list, &spec, "axis", axes, 2), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_set_text(&list, &spec, "mode", "fan_out"), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "on", 0.0), CLAYER_OK);
    cly_spec before = spec;
    ck_assert_int_eq(cly_base_spec_set_list(&list, &spec, "axis", twice, 2), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_list(&list, &spec, "axis", far, 1), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_list(&list, &spec, "axis", axes, 0), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_list(&list, &spec, "scale", axes, 2), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "scale", 0.1), CLAYER_INVALID_ARGUMENT);
    ck_assert_str_eq(clayer_last_error(), "thing 'variance_scaling': scale = 0.1 is outside 0.5 to 10");
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "mode", 1.0), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "on", 2.0), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "seed", -1.0), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "seed", 1.5), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(cly_base_spec_set_text(&list, &spec, "mode", "fan"), CLAYER_INVALID_ARGUMENT);
    ck_assert_str_eq(clayer_last_error(),
                     "thing 'variance_scaling': mode = 'fan' is not one of fan_in, fan_out, fan_avg");
    ck_assert_int_eq(cly_base_spec_set_number(&list, &spec, "sale", 1.0), CLAYER_INVALID_ARGUMENT);
    ck_assert_str_eq(clayer_last_error(),
                     "thing 'variance_scaling' has no argument 'sale': it takes scale, mode, seed, axis, on");
    ck_assert_int_eq(memcmp(&before, &spec, sizeof(spec)), 0);
}
END_TEST

START_TEST(wrong_texts_are_refused) {
    static const char *const bad[] = {
        "relu",
        " ",
        "linear(",
        "linear)",
        "linear(1)",
        "linear x",
        "leaky_relu(1,2)",
        "leaky_relu(1 2)",
        "leaky_relu(,)",
        "leaky_relu(1,)",
        "leaky_relu(x=1)",
        "leaky_relu(nan)",
        "leaky_relu(0x10)",
        "leaky_relu(1e999)",
        "leaky_relu(None)",
        "leaky_relu(1, alpha=2)",
        "leaky_relu(alpha=1, negative_slope=2)",
        "leaky_relu(1.2.3)",
        "leaky_relu(3x)",
        "leaky_relu([1])",
        "variance_scaling(mode=2)",
        "variance_scaling(mode='fan_in)",
        "variance_scaling(scale=2, 'fan_in')",
        "variance_scaling(seed=1.5)",
        "variance_scaling(seed=-2)",
        "variance_scaling(axis=[])",
        "variance_scaling(axis=[0, 0])",
        "variance_scaling(axis=[0.5])",
        "variance_scaling(axis=[0)",
        "variance_scaling(axis=9)",
        "variance_scaling(on=1.5)",
        "variance_scaling(on=yes)",
        "variance_scaling()x",
        "LINEAR",
        "1linear",
    };
    for (size_t i = 0; i < CLY_COUNT(bad); i++) {
        cly_spec spec = {0};
        ck_assert_msg(cly_base_spec_parse(&list, bad[i], &spec) == CLAYER_INVALID_ARGUMENT, "%s", bad[i]);
        ck_assert_ptr_null(spec.entry);
    }
    cly_spec spec;
    ck_assert_int_eq(cly_base_spec_parse(&list, "relu", &spec), CLAYER_INVALID_ARGUMENT);
    ck_assert_str_eq(clayer_last_error(), "unknown thing 'relu': there are linear, leaky_relu, variance_scaling");
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("base.spec");
    TCase *all = tcase_create("all");
    tcase_add_test(all, texts_parse_and_format);
    tcase_add_test(all, values_are_read);
    tcase_add_test(all, arguments_are_set_one_by_one);
    tcase_add_test(all, wrong_texts_are_refused);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
