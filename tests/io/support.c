/* io/support.c: files of the tests' data, temporary files, and predictions compared with Keras'. */
#include "io/support.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/tolerance.h"

#define PATHS 4
#define REDUCTION 2000 /* above the longest sum in any of the models, all layers together */

clayer_context *context;
static char folder[256];

void open_context(void) {
    MUST(clayer_context_create(NULL, &context));
}

void close_context(void) {
    clayer_context_destroy(context);
    context = NULL;
}

static const char *path_of(const char *where, const char *name) {
    static char paths[PATHS][512];
    static int next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", where, name);
    return path;
}

const char *data_path(const char *name) {
    return path_of(CLAYER_TEST_DATA "/../io/data", name);
}

const char *golden_path(const char *name) {
    return path_of(CLAYER_TEST_DATA, name);
}

const char *temporary_path(const char *name) {
    return path_of(folder, name);
}

void open_folder(void) {
    const char *top = getenv("TMPDIR");
    (void)snprintf(folder, sizeof(folder), "%s/clayer-io-XXXXXX", top == NULL ? "/tmp" : top);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Calls `unlink` for each file if `remove` is set; gives their number. */
static int visit_folder(int remove_them) {
    DIR *list = opendir(folder);
    ck_assert_ptr_nonnull(list);
    int count = 0;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (entry->d_name[0] != '.') {
            count++;
            if (remove_them) {
                (void)unlink(temporary_path(entry->d_name));
            }
        }
    }
    (void)closedir(list);
    return count;
}

void close_folder(void) {
    (void)visit_folder(1);
    ck_assert_int_eq(rmdir(folder), 0);
}

int count_temporary(void) {
    return visit_folder(0);
}

char *read_bytes(const char *path, size_t *length_out) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)length, file), (size_t)length);
    bytes[length] = '\0';
    (void)fclose(file);
    *length_out = (size_t)length;
    return bytes;
}

void write_bytes(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

void damage(test_random *random, char *bytes, size_t length) {
    int64_t flips = test_random_int(random, 1, 3);
    for (int64_t i = 0; i < flips && length > 0; i++) {
        int64_t place = test_random_int(random, 0, (int64_t)length - 1);
        bytes[place] = (char)(bytes[place] ^ (char)test_random_int(random, 1, 127));
    }
}

/* value(i) of make_data.py */
double expected_value(clayer_type type, int64_t i) {
    double value = (double)((7 * i) % 23);
    switch (type) {
        case CLAYER_BOOL:
            return i % 3 == 0;
        case CLAYER_UINT8:
        case CLAYER_UINT16:
        case CLAYER_UINT32:
        case CLAYER_UINT64:
            return value;
        default:
            return value - 5;
    }
}

void expect_values(const clayer_array *array) {
    clayer_array *wide = NULL;
    MUST(clayer_array_convert(array, CLAYER_FLOAT64, &wide));
    const double *values = clayer_array_get_const_data(wide);
    for (int64_t i = 0; i < clayer_array_get_count(array); i++) {
        ck_assert_msg(values[i] == expected_value(clayer_array_get_type(array), i), "element %lld is %g", (long long)i,
                      values[i]);
    }
    clayer_array_destroy(wide);
}

clayer_array *make_array(clayer_type type, int rank, const int64_t *dims) {
    clayer_array *wide = NULL, *array = NULL;
    MUST(clayer_array_create(CLAYER_FLOAT64, rank, dims, &wide));
    double *values = clayer_array_get_data(wide);
    for (int64_t i = 0; i < clayer_array_get_count(wide); i++) {
        values[i] = expected_value(type, i);
    }
    MUST(clayer_array_convert(wide, type, &array));
    clayer_array_destroy(wide);
    return array;
}

static void expect_array(const clayer_array *actual, const clayer_array *expected, const char *name) {
    int64_t count = clayer_array_get_count(expected);
    ck_assert_int_eq(clayer_array_get_count(actual), count);
    const float *values = clayer_array_get_const_data(actual);
    clayer_array *wanted = NULL;
    MUST(clayer_array_convert(expected, CLAYER_FLOAT64, &wanted));
    int64_t index = 0;
    const double *numbers = clayer_array_get_const_data(wanted);
    double worst = test_worst(values, numbers, count, test_tolerance(REDUCTION), &index);
    ck_assert_msg(worst <= 1, "%s: %g times the tolerance at %lld: %.9g, Keras has %.9g", name, worst, (long long)index,
                  (double)values[index], numbers[index]);
    clayer_array_destroy(wanted);
}

void expect_prediction(clayer_model *model, const char *archive_path) {
    clayer_archive *archive = NULL;
    clayer_array *inputs[4], *outputs[4];
    size_t input_count = clayer_model_get_input_count(model);
    size_t output_count = clayer_model_get_output_count(model);
    MUST(clayer_archive_load(archive_path, &archive));
    ck_assert_uint_eq(clayer_archive_get_count(archive), input_count + output_count);
    for (size_t i = 0; i < input_count; i++) {
        const clayer_array *array = clayer_archive_get_array(archive, i);
        MUST(clayer_array_convert(array, clayer_array_get_type(array), &inputs[i]));
    }
    MUST(clayer_model_predict(model, inputs, input_count, NULL, outputs));
    for (size_t i = 0; i < output_count; i++) {
        expect_array(outputs[i], clayer_archive_get_array(archive, input_count + i), archive_path);
        clayer_array_destroy(outputs[i]);
    }
    for (size_t i = 0; i < input_count; i++) {
        clayer_array_destroy(inputs[i]);
    }
    clayer_archive_destroy(archive);
}
