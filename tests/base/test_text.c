/* base/test_text.c: error texts, memory, growing strings, numbers in text. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clayer/version.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "support/runner.h"

START_TEST(error_text_is_one_line_and_cut) {
    char longer[3000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(cly_base_fail(CLAYER_BAD_FILE, "a\nb %d", 3), CLAYER_BAD_FILE);
    ck_assert_str_eq(clayer_last_error(), "a b 3");
    ck_assert_int_eq(cly_base_prefix(CLAYER_BAD_FILE, "'%s'", "f"), CLAYER_BAD_FILE);
    ck_assert_str_eq(clayer_last_error(), "'f': a b 3");
    (void)cly_base_fail(CLAYER_BAD_FILE, "%s", longer);
    ck_assert_uint_eq(strlen(clayer_last_error()), 1023);
    /* an argument that lies in the old text */
    (void)cly_base_fail(CLAYER_BAD_FILE, "one");
    (void)cly_base_fail(CLAYER_BAD_FILE, "two %s", clayer_last_error());
    ck_assert_str_eq(clayer_last_error(), "two one");
}
END_TEST

static void *other_thread(void *data) {
    *(char *)data = clayer_last_error()[0];
    (void)cly_base_fail(CLAYER_IO_ERROR, "other");
    return NULL;
}

START_TEST(error_text_is_of_the_thread) {
    pthread_t thread;
    char seen = 'x';
    (void)cly_base_fail(CLAYER_IO_ERROR, "mine");
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, &seen), 0);
    (void)pthread_join(thread, NULL);
    ck_assert_int_eq(seen, '\0');
    ck_assert_str_eq(clayer_last_error(), "mine");
}
END_TEST

START_TEST(statuses_have_names) {
    for (int i = CLAYER_OK; i <= CLAYER_OUT_OF_MEMORY; i++) {
        ck_assert_str_ne(clayer_status_string((clayer_status)i), "unknown status");
    }
    ck_assert_str_eq(clayer_status_string((clayer_status)99), "unknown status");
    ck_assert_str_eq(clayer_version(), CLAYER_VERSION);
}
END_TEST

START_TEST(memory_is_checked) {
    void *memory = NULL;
    ck_assert_int_eq(cly_base_alloc(0, 8, &memory), CLAYER_OK);
    ck_assert_ptr_nonnull(memory);
    free(memory);
    memory = NULL;
    ck_assert_int_eq(cly_base_alloc(SIZE_MAX / 2, 4, &memory), CLAYER_OUT_OF_MEMORY);
    ck_assert_ptr_null(memory);
    char *copy = (char *)&memory;
    ck_assert_int_eq(cly_base_copy_string(NULL, &copy), CLAYER_OK);
    ck_assert_ptr_null(copy);
    void *items = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(cly_base_grow(&items, &capacity, i, sizeof(int)), CLAYER_OK);
        ((int *)items)[i] = (int)i;
    }
    ck_assert_int_eq(((int *)items)[999], 999);
    ck_assert_int_eq(cly_base_grow(&items, &capacity, capacity, SIZE_MAX / 4), CLAYER_OUT_OF_MEMORY);
    free(items);
}
END_TEST

START_TEST(products_do_not_overflow) {
    int64_t product = 3;
    ck_assert(cly_base_multiply(&product, 5));
    ck_assert_int_eq(product, 15);
    ck_assert(!cly_base_multiply(&product, INT64_MAX / 14));
    ck_assert(!cly_base_multiply(&product, -1));
    ck_assert_int_eq(product, 15);
    ck_assert(cly_base_multiply(&product, 0));
    ck_assert(cly_base_multiply(&product, INT64_MAX));
    ck_assert_int_eq(product, 0);
}
END_TEST

START_TEST(text_grows) {
    cly_base_text text = {0};
    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(cly_base_text_add(&text, "%d,", i), CLAYER_OK);
    }
    ck_assert_uint_eq(text.length, strlen(text.chars));
    ck_assert_int_eq(cly_base_text_add_bytes(&text, "a\0b", 3), CLAYER_OK);
    ck_assert_int_eq(memcmp(text.chars + text.length - 3, "a\0b", 4), 0);
    cly_base_text_free(&text);
    ck_assert_ptr_null(text.chars);
    ck_assert_int_eq(cly_base_text_add_bytes(&text, NULL, 0), CLAYER_OK);
    ck_assert_str_eq(text.chars, "");
    cly_base_text_free(&text);
    cly_base_text_free(NULL);
}
END_TEST

START_TEST(words_fold_case) {
    ck_assert(cly_base_same_word("ReLU", "relu"));
    ck_assert(!cly_base_same_word("relu", "relu6"));
    ck_assert(!cly_base_same_word("relu6", "relu"));
    ck_assert(cly_base_contains_word("NVIDIA H100", "h1"));
    ck_assert(cly_base_contains_word("x", ""));
    ck_assert(cly_base_contains_word("", ""));
    ck_assert(!cly_base_contains_word("abc", "abcd"));
    ck_assert(cly_base_contains_word("aab", "ab"));
}
END_TEST

START_TEST(numbers_are_strict) {
    static const char *const good[] = {"0", "-3", "+4", "0.5", ".5", "1.", "1e-3", "2E+2", "1e308"};
    static const char *const bad[] = {"", "-", ".", "e3", "inf", "nan", "1e400", "0x10", "abc"};
    double value;
    size_t length;
    for (size_t i = 0; i < CLY_COUNT(good); i++) {
        ck_assert_msg(cly_base_read_number(good[i], &value, &length), "%s", good[i]);
        ck_assert_uint_eq(length, strlen(good[i]));
    }
    for (size_t i = 0; i < CLY_COUNT(bad); i++) {
        ck_assert_msg(!cly_base_read_number(bad[i], &value, &length), "%s", bad[i]);
    }
    ck_assert(cly_base_read_number("3ex", &value, &length));
    ck_assert_uint_eq(length, 1);
}
END_TEST

START_TEST(numbers_round_trip_in_every_locale) {
    static const double values[] = {0.1, 1.0 / 3.0, 1e-300, -7.0, 123456789.25, 0.01};
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* a decimal comma, where that locale is installed */
    for (size_t i = 0; i < CLY_COUNT(values); i++) {
        char text[32];
        double back = 0;
        size_t length = 0;
        cly_base_write_number(values[i], text, sizeof(text));
        ck_assert(cly_base_read_number(text, &back, &length));
        ck_assert(back == values[i] && length == strlen(text));
    }
    char text[32];
    cly_base_write_number(0.1, text, sizeof(text));
    ck_assert_str_eq(text, "0.1");
    (void)setlocale(LC_ALL, "C");
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("base.text");
    TCase *all = tcase_create("all");
    tcase_add_test(all, error_text_is_one_line_and_cut);
    tcase_add_test(all, error_text_is_of_the_thread);
    tcase_add_test(all, statuses_have_names);
    tcase_add_test(all, memory_is_checked);
    tcase_add_test(all, products_do_not_overflow);
    tcase_add_test(all, text_grows);
    tcase_add_test(all, words_fold_case);
    tcase_add_test(all, numbers_are_strict);
    tcase_add_test(all, numbers_round_trip_in_every_locale);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
