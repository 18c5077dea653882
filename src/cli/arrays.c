/* cli/arrays.c: the files of `clayer run`: which goes to which input, what must fit, where outputs are written. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE_TEXT 192

void cly_cli_free_arrays(clayer_array **arrays, size_t count) {
    for (size_t i = 0; i < count; i++) {
        clayer_array_destroy(arrays[i]);
        arrays[i] = NULL;
    }
}

/* ---- inputs ---- */

/* The input that "name=FILE" names, with *path_out behind the "="; -1 if `item` is a plain file name. */
static int named_input(const clayer_model *model, const char *item, const char **path_out) {
    const char *equals = strchr(item, '=');
    *path_out = item;
    if (equals == NULL) {
        return -1;
    }
    size_t length = (size_t)(equals - item);
    for (size_t i = 0; i < clayer_model_get_input_count(model); i++) {
        const char *name = clayer_model_get_input_name(model, i);
        if (strlen(name) == length && memcmp(name, item, length) == 0) {
            *path_out = equals + 1;
            return (int)i;
        }
    }
    return -1;
}

/* Takes one array of an archive: that of the input's name, or the only one there is. */
static int take_member(const clayer_archive *archive, const char *path, const char *input_name,
                       clayer_array **array_out) {
    const clayer_array *member = clayer_archive_find(archive, input_name);
    if (member == NULL && clayer_archive_get_count(archive) == 1) {
        member = clayer_archive_get_array(archive, 0);
    }
    if (member == NULL) {
        char names[512] = "";
        for (size_t i = 0; i < clayer_archive_get_count(archive); i++) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", clayer_archive_get_name(archive, i));
        }
        return cly_cli_fail(CLY_EXIT_USAGE, "input '%s': '%s' holds no array of that name (it holds: %s)", input_name,
                            path, names[0] != '\0' ? names : "none");
    }
    clayer_status status = clayer_array_convert(member, CLAYER_FLOAT32, array_out);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

static int load_one(const char *path, const char *input_name, clayer_array **array_out) {
    clayer_archive *archive = NULL;
    clayer_array *array = NULL;
    clayer_status status;
    if (cly_cli_is_zip(path)) {
        status = clayer_archive_load(path, &archive);
        int exit_status =
            status == CLAYER_OK ? take_member(archive, path, input_name, array_out) : cly_cli_fail_file(status);
        clayer_archive_destroy(archive);
        return exit_status;
    }
    status = clayer_array_load(path, &array);
    if (status == CLAYER_OK) {
        status = clayer_array_convert(array, CLAYER_FLOAT32, array_out);
    }
    clayer_array_destroy(array);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(status);
}

/* One archive for all inputs. */
static int load_all(const char *path, const clayer_model *model, clayer_array **inputs) {
    clayer_archive *archive = NULL;
    clayer_status status = clayer_archive_load(path, &archive);
    int exit_status = status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(status);
    for (size_t i = 0; exit_status == CLY_EXIT_DONE && i < clayer_model_get_input_count(model); i++) {
        exit_status = take_member(archive, path, clayer_model_get_input_name(model, i), &inputs[i]);
    }
    clayer_archive_destroy(archive);
    return exit_status;
}

static int load_each(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files,
                     clayer_array **inputs) {
    size_t count = clayer_model_get_input_count(model), next = 0;
    for (size_t i = 0; i < files->count; i++) {
        const char *path;
        int index = named_input(model, files->items[i], &path);
        if (index < 0) { /* the next one that has no file yet, in the model's order */
            while (next < count && inputs[next] != NULL) {
                next++;
            }
            index = (int)next;
        }
        if (index >= (int)count) {
            return cly_cli_usage(verb, "'%s' is one file too many: the model has %zu input%s", path, count,
                                 count == 1 ? "" : "s");
        }
        const char *name = clayer_model_get_input_name(model, (size_t)index);
        if (inputs[index] != NULL) {
            return cly_cli_usage(verb, "input '%s' is given twice", name);
        }
        int status = load_one(path, name, &inputs[index]);
        if (status != CLY_EXIT_DONE) {
            return status;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (inputs[i] == NULL) {
            return cly_cli_usage(verb, "no file for input '%s': the model has %zu inputs",
                                 clayer_model_get_input_name(model, i), count);
        }
    }
    return CLY_EXIT_DONE;
}

/* The array's shape against the model's; nothing is guessed, so a missing channel axis is an error. */
static int check_input(const clayer_model *model, size_t index, const clayer_array *array, int64_t samples) {
    const char *name = clayer_model_get_input_name(model, index);
    const clayer_shape *wanted = clayer_model_get_input_shape(model, index);
    const clayer_shape *given = clayer_array_get_shape(array);
    char wanted_text[SHAPE_TEXT], given_text[SHAPE_TEXT];
    cly_cli_format_shape(wanted, wanted_text, sizeof wanted_text);
    cly_cli_format_shape(given, given_text, sizeof given_text);
    if (given->rank != wanted->rank) {
        bool no_channels = given->rank == wanted->rank - 1 && wanted->dims[wanted->rank - 1] == 1;
        return cly_cli_fail(CLY_EXIT_USAGE, "input '%s': the array has %d axes %s, expects %d %s%s", name, given->rank,
                            given_text, wanted->rank, wanted_text,
                            no_channels ? "; a missing channel axis is not guessed, reshape the array" : "");
    }
    for (int axis = 0; axis < wanted->rank; axis++) {
        if (given->dims[axis] < 1) {
            return cly_cli_fail(CLY_EXIT_USAGE, "input '%s': axis %d of the array is empty %s", name, axis, given_text);
        }
        if (wanted->dims[axis] >= 0 && given->dims[axis] != wanted->dims[axis]) {
            return cly_cli_fail(CLY_EXIT_USAGE,
                                "input '%s': axis %d is %" PRId64 " in the array %s, expects %" PRId64 " %s", name,
                                axis, given->dims[axis], given_text, wanted->dims[axis], wanted_text);
        }
    }
    if (given->dims[0] != samples) {
        return cly_cli_fail(CLY_EXIT_USAGE, "input '%s': axis 0 is %" PRId64 " samples, but %" PRId64 " in input '%s'",
                            name, given->dims[0], samples, clayer_model_get_input_name(model, 0));
    }
    return CLY_EXIT_DONE;
}

int cly_cli_load_inputs(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files,
                        clayer_array **inputs_out) {
    size_t count = clayer_model_get_input_count(model);
    clayer_array **inputs = calloc(count + 1, sizeof *inputs);
    if (inputs == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for %zu inputs", count);
    }
    const char *path = files->items[0];
    bool plain = files->count == 1 && named_input(model, files->items[0], &path) < 0;
    int status = plain && cly_cli_is_zip(path) ? load_all(path, model, inputs) : load_each(verb, model, files, inputs);
    for (size_t i = 0; status == CLY_EXIT_DONE && i < count; i++) {
        const clayer_shape *first = clayer_array_get_shape(inputs[0]);
        status = check_input(model, i, inputs[i], first->rank > 0 ? first->dims[0] : 0);
    }
    if (status == CLY_EXIT_DONE) {
        memcpy(inputs_out, inputs, count * sizeof *inputs);
    } else {
        cly_cli_free_arrays(inputs, count);
    }
    free(inputs);
    return status;
}

/* ---- outputs ---- */

static bool is_npz_name(const char *path) {
    size_t length = strlen(path);
    return length >= 4 && strcmp(path + length - 4, ".npz") == 0;
}

int cly_cli_check_outputs(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files) {
    size_t count = clayer_model_get_output_count(model);
    if (files->count == 0 || files->count == count || (files->count == 1 && is_npz_name(files->items[0]))) {
        return CLY_EXIT_DONE;
    }
    return cly_cli_usage(verb, "%zu -o files for %zu output%s: give one each, or one .npz for all", files->count, count,
                         count == 1 ? "" : "s");
}

static clayer_status save_archive(const clayer_model *model, const char *path, clayer_array *const *outputs) {
    clayer_archive *archive = NULL;
    clayer_status status = clayer_archive_create(&archive);
    for (size_t i = 0; status == CLAYER_OK && i < clayer_model_get_output_count(model); i++) {
        status = clayer_archive_add(archive, clayer_model_get_output_name(model, i), outputs[i]);
    }
    if (status == CLAYER_OK) {
        status = clayer_archive_save(archive, path);
    }
    clayer_archive_destroy(archive);
    return status;
}

/* One archive member under its output's name, or a plain array. */
static clayer_status save_one(const char *path, const char *name, const clayer_array *array) {
    if (!is_npz_name(path)) {
        return clayer_array_save(array, path);
    }
    clayer_archive *archive = NULL;
    clayer_status status = clayer_archive_create(&archive);
    if (status == CLAYER_OK) {
        status = clayer_archive_add(archive, name, array);
    }
    if (status == CLAYER_OK) {
        status = clayer_archive_save(archive, path);
    }
    clayer_archive_destroy(archive);
    return status;
}

int cly_cli_save_outputs(const clayer_model *model, const cly_cli_list *files, clayer_array *const *outputs) {
    clayer_status status = CLAYER_OK;
    if (files->count == 1 && is_npz_name(files->items[0])) {
        status = save_archive(model, files->items[0], outputs);
    } else {
        for (size_t i = 0; status == CLAYER_OK && i < files->count; i++) {
            status = save_one(files->items[i], clayer_model_get_output_name(model, i), outputs[i]);
        }
    }
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(status);
}
