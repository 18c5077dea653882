/* Keras' rule for sizes and padding on one axis, against a table that Keras itself made (golden/same.npy), and what it
 * refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/padding.h"
#include "support/runner.h"

enum { COLUMN_N, KERNEL, STRIDE, DILATION, OUT_SAME, BEFORE_SAME, OUT_VALID, OUT_T_VALID, OUT_T_SAME, COLUMNS };

/* The values of a .npy file of little-endian int32 with COLUMNS columns; the rest of the format has its own tests. */
static int32_t *read_table(const char *path, size_t *rows_out) {
    unsigned char header[10];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_uint_eq(fread(header, 1, sizeof(header), file), sizeof(header));
    ck_assert_int_eq(memcmp(header, "\x93NUMPY\x01", 7), 0);
    const long start = (long)sizeof(header) + header[8] + 256L * header[9];
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    const size_t count = (size_t)(ftell(file) - start) / sizeof(int32_t);
    ck_assert_int_eq(fseek(file, start, SEEK_SET), 0);
    int32_t *values = malloc(count * sizeof(int32_t));
    ck_assert_ptr_nonnull(values);
    ck_assert_uint_eq(fread(values, sizeof(int32_t), count, file), count);
    fclose(file);
    *rows_out = count / COLUMNS;
    return values;
}

/* -1 where nothing is left, as the table writes it. */
static int64_t size_or_refused(cly_ops_padding padding, const int32_t *row) {
    const cly_ops_axis axis = cly_ops_padding_conv(padding, row[COLUMN_N], row[KERNEL], row[STRIDE], row[DILATION]);
    return axis.out < 1 ? -1 : axis.out;
}

static int64_t transposed(cly_ops_padding padding, const int32_t *row) {
    cly_ops_axis axis = {.out = -1};
    return cly_ops_padding_transpose(padding, row[COLUMN_N], row[KERNEL], row[STRIDE], row[DILATION], -1, &axis)
               ? axis.out
               : -1;
}

START_TEST(agrees_with_keras) {
    size_t rows = 0;
    int32_t *table = read_table(CLAYER_TEST_DATA "/same.npy", &rows);
    ck_assert_uint_gt(rows, 100);
    for (size_t i = 0; i < rows; i++) {
        const int32_t *row = table + i * COLUMNS;
        const cly_ops_axis same =
            cly_ops_padding_conv(CLY_SAME, row[COLUMN_N], row[KERNEL], row[STRIDE], row[DILATION]);
        ck_assert_msg(same.out == row[OUT_SAME] && size_or_refused(CLY_VALID, row) == row[OUT_VALID] &&
                          (row[BEFORE_SAME] < 0 || same.before == row[BEFORE_SAME]) &&
                          transposed(CLY_VALID, row) == row[OUT_T_VALID] &&
                          transposed(CLY_SAME, row) == row[OUT_T_SAME],
                      "row %zu: n %d, kernel %d, stride %d, dilation %d", i, row[COLUMN_N], row[KERNEL], row[STRIDE],
                      row[DILATION]);
    }
    free(table);
}
END_TEST

START_TEST(causal_pads_the_front) {
    const cly_ops_axis axis = cly_ops_padding_conv(CLY_CAUSAL, 10, 3, 1, 4);
    ck_assert_int_eq(axis.out, 10);
    ck_assert_int_eq(axis.before, 8);
    ck_assert_int_eq(cly_ops_padding_conv(CLY_CAUSAL, 10, 3, 2, 1).out, 5);
}
END_TEST

START_TEST(transposed_maps_back) {
    static const cly_ops_padding paddings[] = {CLY_VALID, CLY_SAME};
    int found = 0;
    for (int64_t n = 1; n < 9; n++) {
        for (int64_t k = 1; k < 6; k++) {
            for (int64_t s = 1; s < 5; s++) {
                for (int64_t p = -1; p < 6; p++) {
                    for (int i = 0; i < 2; i++) {
                        cly_ops_axis axis = {0};
                        if (!cly_ops_padding_transpose(paddings[i], n, k, s, 1, p, &axis)) {
                            ck_assert_int_ge(p, 0); /* None is never refused */
                            continue;
                        }
                        const cly_ops_axis back = cly_ops_padding_conv(paddings[i], axis.out, k, s, 1);
                        ck_assert_int_eq(back.out, n);
                        ck_assert_int_eq(back.before, axis.before);
                        ck_assert_int_lt(p, s);
                        found++;
                    }
                }
            }
        }
    }
    ck_assert_int_gt(found, 500);
}
END_TEST

START_TEST(transposed_refuses) {
    cly_ops_axis axis = {.out = 77, .before = 77};
    ck_assert(!cly_ops_padding_transpose(CLY_VALID, 4, 3, 2, 1, 2, &axis)); /* output_padding >= stride */
    ck_assert(!cly_ops_padding_transpose(CLY_SAME, 4, 2, 1, 1, 0, &axis));  /* 3 elements, which map back to 3 */
    ck_assert(!cly_ops_padding_transpose(CLY_SAME, 1, 2, 1, 1, 0, &axis));  /* none */
    ck_assert(!cly_ops_padding_transpose(CLY_CAUSAL, 4, 3, 1, 1, -1, &axis));
    ck_assert_int_eq(axis.out, 77);
    ck_assert(cly_ops_padding_transpose(CLY_SAME, 4, 3, 2, 1, 1, &axis));
    ck_assert_int_eq(axis.out, 8);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("ops.padding");
    TCase *cases = tcase_create("padding");
    tcase_add_test(cases, agrees_with_keras);
    tcase_add_test(cases, causal_pads_the_front);
    tcase_add_test(cases, transposed_maps_back);
    tcase_add_test(cases, transposed_refuses);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
