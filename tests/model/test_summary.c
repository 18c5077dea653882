/* model/test_summary.c: summary() byte for byte as both generations of Keras print it, on the models of data/. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "model/description.h"
#include "model/summary.h"
#include "model/support.h"
#include "support/runner.h"

#define DATA CLAYER_TEST_DATA "/../model/data"

static void add_line(const char *line, void *data) {
    ck_assert_int_eq(cly_base_text_add(data, "%s\n", line), CLAYER_OK);
}

/* The file's text, to be freed; NULL if Keras could not make it. */
static char *read_expected(const char *path) {
    cly_base_text text = {0};
    char part[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    for (size_t got = 0; (got = fread(part, 1, sizeof(part), file)) > 0;) {
        ck_assert_int_eq(cly_base_text_add_bytes(&text, part, got), CLAYER_OK);
    }
    (void)fclose(file);
    return text.chars;
}

static void compare(const description *d, const char *folder, const char *name, int generation, int length) {
    char path[512];
    cly_base_text actual = {0};
    int end = snprintf(path, sizeof(path), "%s/%s.keras%d", folder, name, generation);
    (void)snprintf(path + end, sizeof(path) - (size_t)end, length == 0 ? ".txt" : ".%d.txt", length);
    char *expected = read_expected(path);
    const clayer_summary_config config = {.struct_size = sizeof(config),
                                          .style = generation == 2 ? CLAYER_SUMMARY_KERAS2 : CLAYER_SUMMARY_KERAS3,
                                          .line_length = length};
    if (expected == NULL) {
        bool foreign = strcmp(name, "chinese") == 0 || strcmp(name, "wide_names") == 0;
        ck_assert_msg(foreign && generation == 2, "%s is missing", path); /* Keras 2 refuses such names */
        return;
    }
    MUST(clayer_model_summary(d->model, &config, add_line, &actual));
    ck_assert_msg(strcmp(actual.chars, expected) == 0, "%s: expected\n%s\ngot\n%s", path, expected, actual.chars);
    cly_base_text_free(&actual);
    free(expected);
}

static void check_model(const char *folder, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s.model", folder, name);
    description d = description_read(path);
    for (int generation = 2; generation <= 3; generation++) {
        for (int i = 0; i < d.length_count; i++) {
            compare(&d, folder, name, generation, d.lengths[i]);
        }
    }
    clayer_model_destroy(d.model);
}

static const char *const models[] = {"example",    "chain", "branches",  "shared", "chinese",
                                     "wide_names", "sizes", "no_layers", "deep"};

START_TEST(the_table_is_that_of_keras) {
    check_model(DATA, models[_i]);
}
END_TEST

/* Python's '{:.2f}' of bytes / 1024 ** n, computed by it. */
START_TEST(memory_sizes_are_rounded_as_python_does) {
    static const struct {
        uint64_t parameters;
        const char *text;
    } cases[] = {
        {0, "0.00 B"},
        {255, "1020.00 B"},
        {256, "1.00 KB"},
        {257, "1.00 KB"},
        {1792, "7.00 KB"},
        {23, "92.00 B"},
        {262143, "1024.00 KB"},
        {262144, "1.00 MB"},
        {5000448, "19.08 MB"},
        {138357544, "527.79 MB"},
        {268435455, "1024.00 MB"},
        {300000000, "1.12 GB"},
        {272, "1.06 KB"}, /* 1.0625 */
        {336, "1.31 KB"}, /* 1.3125 */
        {288, "1.12 KB"}, /* 1.125 lies between: to even */
        {352, "1.38 KB"}, /* 1.375 likewise */
        {UINT64_C(1) << 50, "4.00 PB"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cly_base_text text = {0};
        ck_assert_int_eq(cly_model_add_size(&text, cases[i].parameters * sizeof(float), "B"), CLAYER_OK);
        ck_assert_str_eq(text.chars, cases[i].text);
        cly_base_text_free(&text);
    }
}
END_TEST

static void ignore_line(const char *line, void *data) {
    (void)line, (void)data;
}

static clayer_status summarise(clayer_model *model, clayer_summary_style style, int line_length) {
    const clayer_summary_config config = {.struct_size = sizeof(config), .style = style, .line_length = line_length};
    return clayer_model_summary(model, &config, ignore_line, NULL);
}

START_TEST(wrong_arguments_are_refused) {
    clayer_model *model = new_model("net");
    add_input(model, "x", RANK(3), DIMS(3));
    REFUSED(clayer_model_summary(NULL, NULL, ignore_line, NULL), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_summary(model, NULL, NULL, NULL), CLAYER_INVALID_ARGUMENT, "print is NULL");
    REFUSED(summarise(model, CLAYER_SUMMARY_KERAS3, -1), CLAYER_INVALID_ARGUMENT, "negative");
    REFUSED(summarise(model, (clayer_summary_style)7, 0), CLAYER_INVALID_ARGUMENT, "unknown style 7");
    REFUSED(summarise(model, CLAYER_SUMMARY_KERAS2, 8), CLAYER_INVALID_ARGUMENT, "line_length 8 is too small");
    REFUSED(summarise(model, CLAYER_SUMMARY_KERAS3, 12), CLAYER_INVALID_ARGUMENT, "line_length 12 is too small");
    const clayer_summary_config short_config = {.struct_size = 4};
    REFUSED(clayer_model_summary(model, &short_config, ignore_line, NULL), CLAYER_INVALID_ARGUMENT, "struct_size");
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.summary");
    TCase *tcase = tcase_create("summary");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_loop_test(tcase, the_table_is_that_of_keras, 0, (int)(sizeof(models) / sizeof(models[0])));
    tcase_add_test(tcase, memory_sizes_are_rounded_as_python_does);
    tcase_add_test(tcase, wrong_arguments_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
