/* io/files.c: the model files of a folder, and what two models must have in common. */
#include "io/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/keras_write.h"
#include "io/support.h"

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool ends_with(const char *name, const char *end) {
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

void list_files(const char *folder, const char *end, file_list *list) {
    DIR *stream = opendir(folder);
    ck_assert_msg(stream != NULL, "no folder %s", folder);
    list->count = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (ends_with(entry->d_name, end)) {
            ck_assert_int_lt(list->count, MAX_FILES);
            list->names[list->count] = malloc(strlen(entry->d_name) + 1);
            ck_assert_ptr_nonnull(list->names[list->count]);
            memcpy(list->names[list->count], entry->d_name, strlen(entry->d_name) + 1);
            list->count++;
        }
    }
    (void)closedir(stream);
    qsort(list->names, (size_t)list->count, sizeof(char *), compare_names);
}

void free_files(file_list *list) {
    for (int i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
}

const char *beside(const char *folder, const char *name, const char *end) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    size_t stem = strcspn(name, ".");
    (void)snprintf(path, sizeof(paths[0]), "%s/%.*s%s", folder, (int)stem, name, end);
    return path;
}

bool is_model_file(const char *name) {
    return !ends_with(name, "weights.h5") && strcmp(name, "kinds.h5") != 0;
}

cJSON *read_model_json(const char *path, bool training) {
    cJSON *json = NULL, *part = NULL;
    char *text = NULL;
    size_t length = 0;
    if (ends_with(path, ".keras")) {
        cly_io_zip *zip = NULL;
        void *bytes = NULL;
        MUST(cly_io_zip_open(path, &zip));
        MUST(cly_io_zip_read(zip, "config.json", 0, &bytes, &length));
        MUST(cly_io_json_parse(bytes, length, path, &json));
        free(bytes);
        cly_io_zip_close(zip);
        part = cJSON_DetachItemFromObjectCaseSensitive(json, "compile_config");
        cJSON_Delete(training ? json : part);
        return training ? part : json;
    }
    cly_io_hdf5 *file = NULL;
    MUST(cly_io_hdf5_open(path, &file));
    MUST(cly_io_hdf5_get_text(file, "/", training ? "training_config" : "model_config", &text));
    cly_io_hdf5_close(file);
    if (text != NULL) {
        MUST(cly_io_json_parse(text, strlen(text), path, &json));
    }
    free(text);
    return json;
}

static const char *const folders[] = {CLAYER_TEST_DATA "/models", CLAYER_TEST_DATA "/compiled",
                                      CLAYER_TEST_DATA "/nested", CLAYER_TEST_DATA "/../io/data"};

int with_each_file(void (*check)(const char *path, clayer_model *model)) {
    static const char *const endings[] = {".keras", ".h5"};
    int checked = 0;
    for (size_t f = 0; f < sizeof(folders) / sizeof(folders[0]); f++) {
        for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++) {
            file_list list;
            list_files(folders[f], endings[e], &list);
            for (int i = 0; i < list.count; i++) {
                char path[512];
                clayer_model *model = NULL;
                (void)snprintf(path, sizeof(path), "%s/%s", folders[f], list.names[i]);
                if (is_model_file(list.names[i])) {
                    MUST(clayer_model_load(context, path, &model));
                    check(path, model);
                    clayer_model_destroy(model);
                    checked++;
                }
            }
            free_files(&list);
        }
    }
    return checked;
}

const char *saved_path(const char *ending) {
    static char names[2][32];
    static int next;
    char *name = names[next++ % 2];
    (void)snprintf(name, sizeof(names[0]), "saved%s", ending);
    return temporary_path(name);
}

/* ---- two models ---- */

static char *describe(clayer_model *model) {
    const cly_io_keras_style style = {.generation = model->generation};
    cJSON *json = NULL, *training = NULL;
    char *text = NULL;
    MUST(cly_io_keras_write_model(model, &style, &json));
    MUST(cly_io_keras_write_training(model, &style, &training));
    if (training != NULL) {
        MUST(cly_io_json_put(json, "compile_config", training));
    }
    MUST(cly_io_json_print(json, &text));
    cJSON_Delete(json);
    return text;
}

static void expect_same_tensor(clayer_tensor *actual, clayer_tensor *expected, const char *what, const char *name) {
    int64_t count = clayer_tensor_get_count(expected);
    size_t bytes = (size_t)count * sizeof(float);
    ck_assert_int_eq(clayer_tensor_get_count(actual), count);
    float *values[2] = {malloc(bytes), malloc(bytes)};
    ck_assert(values[0] != NULL && values[1] != NULL);
    MUST(clayer_tensor_read(actual, values[0], count));
    MUST(clayer_tensor_read(expected, values[1], count));
    ck_assert_msg(memcmp(values[0], values[1], bytes) == 0, "%s: %s differs", what, name);
    free(values[0]);
    free(values[1]);
}

static void expect_same_state(clayer_model *actual, clayer_model *expected, const char *what) {
    cly_train_variable *variables[2] = {NULL, NULL};
    size_t counts[2] = {0, 0};
    MUST(cly_train_optimizer_list(actual->compiled->optimizer, &variables[0], &counts[0]));
    MUST(cly_train_optimizer_list(expected->compiled->optimizer, &variables[1], &counts[1]));
    ck_assert_msg(counts[0] == counts[1], "%s: %zu variables of the optimizer, not %zu", what, counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++) {
        const cly_train_variable *a = &variables[0][i], *b = &variables[1][i];
        ck_assert_str_eq(a->name, b->name);
        ck_assert_msg(a->integer == b->integer && a->scalar == b->scalar && (a->tensor == NULL) == (b->tensor == NULL),
                      "%s: '%s' is %lld, %g, not %lld, %g", what, a->name, (long long)a->integer, (double)a->scalar,
                      (long long)b->integer, (double)b->scalar);
        if (b->tensor != NULL) {
            expect_same_tensor(a->tensor, b->tensor, what, b->name);
        }
    }
    free(variables[0]);
    free(variables[1]);
}

/* The members of objects in any order, which operations of Keras 3 keep from their file. */
static bool same_json(const char *left, const char *right) {
    cJSON *a = cJSON_Parse(left), *b = cJSON_Parse(right);
    const bool same = a != NULL && b != NULL && cJSON_Compare(a, b, 1);
    cJSON_Delete(a);
    cJSON_Delete(b);
    return same;
}

void expect_same_model(clayer_model *actual, clayer_model *expected, const char *what) {
    char *texts[2] = {describe(actual), describe(expected)};
    size_t same = 0; /* the message shows where they part */
    while (texts[0][same] != '\0' && texts[0][same] == texts[1][same]) {
        same++;
    }
    size_t from = same < 100 ? 0 : same - 100;
    ck_assert_msg(same_json(texts[0], texts[1]), "%s\nis     %.200s\nshould %.200s", what, texts[0] + from,
                  texts[1] + from);
    free(texts[0]);
    free(texts[1]);
    ck_assert_uint_eq(actual->layer_count, expected->layer_count);
    for (size_t i = 0; i < expected->layer_count; i++) {
        const clayer_layer *layer = expected->layers[i];
        ck_assert_uint_eq(actual->layers[i]->weight_count, layer->weight_count);
        ck_assert_msg(cly_layers_param_find(layer->class->params, "seed") == NULL ||
                          actual->layers[i]->training_step == layer->training_step,
                      "%s: '%s' goes on at another step", what, layer->name);
        for (size_t w = 0; w < layer->weight_count; w++) {
            expect_same_tensor(actual->layers[i]->weights[w].tensor, layer->weights[w].tensor, what, layer->name);
        }
    }
    ck_assert_msg(clayer_model_is_compiled(actual) == clayer_model_is_compiled(expected), "%s: compiled", what);
    if (clayer_model_is_compiled(expected)) {
        expect_same_state(actual, expected, what);
    }
}
