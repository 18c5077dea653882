/* cli/training.c: data of golden/fit as files, and what Keras made of them. */
#include "cli/training.h"

#include <cjson/cJSON.h>
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

/* Saves an array of golden/fit/<stem>.npz as a .npy of this test; returns its path. */
const char *training_save_golden(const char *stem, const char *name) {
    char file[256];
    clayer_archive *archive = NULL;
    snprintf(file, sizeof file, "fit/%s.npz", stem);
    ck_assert_msg(clayer_archive_load(command_golden(file), &archive) == CLAYER_OK, "%s", clayer_last_error());
    const clayer_array *array = clayer_archive_find(archive, name);
    ck_assert_msg(array != NULL, "no '%s' in '%s'", name, file);
    snprintf(file, sizeof file, "%s_%s.npy", stem, name);
    const char *path = command_path(file);
    ck_assert_msg(clayer_array_save(array, path) == CLAYER_OK, "%s", clayer_last_error());
    clayer_archive_destroy(archive);
    return path;
}

const char *training_model(const char *file) {
    char name[256];
    snprintf(name, sizeof name, "fit/%s", file);
    return command_golden(name);
}

/* Saves values of any type as a vector. */
const char *training_save_vector(const char *name, clayer_type type, const void *values, int64_t count) {
    clayer_array *array = NULL;
    const char *path = command_path(name);
    ck_assert(clayer_array_create(type, 1, &count, &array) == CLAYER_OK);
    memcpy(clayer_array_get_data(array), values, (size_t)count * clayer_type_size(type));
    ck_assert_msg(clayer_array_save(array, path) == CLAYER_OK, "%s", clayer_last_error());
    clayer_array_destroy(array);
    return path;
}

/* The numbers of golden/fit/<stem>.npz[name], all of them. */
static double *training_golden_values(const char *stem, const char *name, int64_t *count_out) {
    clayer_array *array = NULL, *wide = NULL;
    ck_assert(clayer_array_load(training_save_golden(stem, name), &array) == CLAYER_OK);
    ck_assert(clayer_array_convert(array, CLAYER_FLOAT64, &wide) == CLAYER_OK);
    *count_out = clayer_array_get_count(wide);
    double *values = malloc((size_t)*count_out * sizeof *values);
    ck_assert(values != NULL);
    memcpy(values, clayer_array_get_const_data(wide), (size_t)*count_out * sizeof *values);
    clayer_array_destroy(array);
    clayer_array_destroy(wide);
    return values;
}

char *training_read_text(const char *path) {
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "no file '%s'", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* How many files of the test's folder have this in their names. */
int training_count_files(const char *part) {
    char command[1024], number[32] = "";
    snprintf(command, sizeof command, "ls '%s' | grep -c '%s'", command_folder(), part);
    FILE *pipe = popen(command, "r");
    ck_assert(pipe != NULL);
    ck_assert(fgets(number, sizeof number, pipe) != NULL);
    (void)pclose(pipe);
    return atoi(number);
}

static void check_value(const char *what, double value, double expected) {
    ck_assert_msg(fabs(value - expected) <= 1e-3 * fmax(1, fabs(expected)), "%s is %.9g, expected %.9g", what, value,
                  expected);
}

/* The history on standard output against Keras', whose columns are `names`. */
void training_check_history(const char *json, const char *stem, const char *names) {
    int64_t count = 0, at = 0;
    double *expected = training_golden_values(stem, "history", &count);
    cJSON *root = cJSON_Parse(json), *history = cJSON_GetObjectItem(root, "history");
    ck_assert_msg(history != NULL, "not the JSON of a history: %s", json);
    char copy[256];
    snprintf(copy, sizeof copy, "%s", names);
    const int64_t columns = cJSON_GetArraySize(history), epochs = count / columns;
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "epoch")), (int)epochs);
    for (char *name = strtok(copy, ","); name != NULL; name = strtok(NULL, ",")) {
        cJSON *values = cJSON_GetObjectItem(history, name);
        ck_assert_msg(values != NULL && cJSON_GetArraySize(values) == epochs, "no column '%s' in: %s", name, json);
        for (int epoch = 0; epoch < epochs; epoch++) {
            check_value(name, cJSON_GetArrayItem(values, epoch)->valuedouble, expected[epoch * columns + at]);
        }
        at++;
    }
    ck_assert_int_eq(at, columns);
    cJSON_Delete(root);
    free(expected);
}

/* The lines "name: value" of `clayer evaluate` against Keras' evaluate, in this order. */
void training_check_evaluation(const char *text, const char *stem) {
    int64_t count = 0;
    double *expected = training_golden_values(stem, "evaluate", &count);
    for (int64_t i = 0; i < count; i++) {
        const char *colon = strchr(text, ':');
        ck_assert_msg(colon != NULL, "fewer than %d lines", (int)count);
        check_value(text, strtod(colon + 1, NULL), expected[i]);
        text = strchr(colon, '\n') + 1;
    }
    ck_assert_str_eq(text, "");
    free(expected);
}
