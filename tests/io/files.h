/* io/files.h: the model files of a folder, and what two models must have in common. */
#ifndef CLY_TEST_IO_FILES_H
#define CLY_TEST_IO_FILES_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <clayer/model.h>

#define MAX_FILES 512

typedef struct file_list {
    char *names[MAX_FILES];
    int count;
} file_list;

bool ends_with(const char *name, const char *end);

/* The folder's files that end so, sorted; freed by free_files. */
void list_files(const char *folder, const char *end, file_list *list);
void free_files(file_list *list);

/* "folder/k2_conv.npz" for "k2_conv.weights.h5"; static memory, valid until the next call but three. */
const char *beside(const char *folder, const char *name, const char *end);

/* A file of a whole model that loads: not weights alone, no nested model. */
bool is_model_file(const char *name);

/* Calls `check` with every model file of Keras, in golden/models, golden/compiled and io/data, and the model in it;
 * gives their number. */
int with_each_file(void (*check)(const char *path, clayer_model *model));

/* Where the files of an ending are saved here; static memory, valid until the next call but one. */
const char *saved_path(const char *ending);

/* The JSON of a .keras' member or of an attribute of a .h5's root; NULL if it has none. Freed with cJSON_Delete. */
cJSON *read_model_json(const char *path, bool training);

/* The models have the same configuration, weights, optimizer with state, losses and metrics. */
void expect_same_model(clayer_model *actual, clayer_model *expected, const char *what);

#endif
