/* cli/arrays.c: arrays in files: which goes to which input or output of the model, what must fit, where outputs are
 * written. Arrays keep the type and the mapping that they were loaded with; the library converts a batch at a time. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHAPE_TEXT 192

void cly_cli_free_arrays(clayer_array **arrays, size_t count) {
    for (size_t i = 0; i < count; i++) {
        clayer_array_destroy(arrays[i]);
        arrays[i] = NULL;
    }
}

/* ---- what files are for: inputs, targets, sample weights ---- */

static const struct {
    const char *noun;
    const char *short_name; /* what numpy.savez calls such an array, where the model has one only */
    bool outputs;           /* belongs to the model's outputs, not to its inputs */
} roles[] = {
    [CLY_CLI_INPUTS] = {"input", "x", false},
    [CLY_CLI_TARGETS] = {"target", "y", true},
    [CLY_CLI_WEIGHTS] = {"sample weight", "sample_weight", true},
};

size_t cly_cli_place_count(const clayer_model *model, cly_cli_role role) {
    return roles[role].outputs ? clayer_model_get_output_count(model) : clayer_model_get_input_count(model);
}

static const char *place_name(const clayer_model *model, cly_cli_role role, size_t index) {
    return roles[role].outputs ? clayer_model_get_output_name(model, index) : clayer_model_get_input_name(model, index);
}

int cly_cli_named_place(const clayer_model *model, cly_cli_role role, const char *item, const char **rest_out) {
    const char *equals = strchr(item, '=');
    *rest_out = item;
    if (equals == NULL) {
        return -1;
    }
    size_t length = (size_t)(equals - item);
    for (size_t i = 0; i < cly_cli_place_count(model, role); i++) {
        const char *name = place_name(model, role, i);
        if (strlen(name) == length && memcmp(name, item, length) == 0) {
            *rest_out = equals + 1;
            return (int)i;
        }
    }
    return -1;
}

/* Takes one array out of an archive: that of the place's name, or where the archive is for one place the only one there
 * is, or that of the usual name. */
static int take_member(clayer_archive *archive, const char *path, const clayer_model *model, cly_cli_role role,
                       size_t index, bool for_one, clayer_array **array_out) {
    const char *wanted = place_name(model, role, index), *name = NULL;
    if (clayer_archive_find(archive, wanted) != NULL) {
        name = wanted;
    } else if (for_one && clayer_archive_get_count(archive) == 1) {
        name = clayer_archive_get_name(archive, 0);
    } else if (cly_cli_place_count(model, role) == 1 && clayer_archive_find(archive, roles[role].short_name) != NULL) {
        name = roles[role].short_name;
    }
    if (name == NULL) {
        char names[512] = "";
        for (size_t i = 0; i < clayer_archive_get_count(archive); i++) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", clayer_archive_get_name(archive, i));
        }
        return cly_cli_fail(CLY_EXIT_USAGE, "%s '%s': '%s' holds no array of that name (it holds: %s)",
                            roles[role].noun, wanted, path, names[0] != '\0' ? names : "none");
    }
    clayer_status status = clayer_archive_take(archive, name, array_out);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

static int load_one(const char *path, const clayer_model *model, cly_cli_role role, size_t index,
                    clayer_array **array_out) {
    clayer_archive *archive = NULL;
    clayer_status status;
    if (cly_cli_is_zip(path)) {
        status = clayer_archive_load(path, &archive);
        int exit_status = status == CLAYER_OK ? take_member(archive, path, model, role, index, true, array_out)
                                              : cly_cli_fail_file(status);
        clayer_archive_destroy(archive);
        return exit_status;
    }
    status = clayer_array_load(path, array_out);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(status);
}

static bool is_needed(const bool *needed, size_t index) {
    return needed == NULL || needed[index];
}

/* One archive for all places. */
static int load_all(const char *path, const clayer_model *model, cly_cli_role role, const bool *needed,
                    clayer_array **arrays) {
    clayer_archive *archive = NULL;
    clayer_status status = clayer_archive_load(path, &archive);
    int exit_status = status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_file(status);
    const size_t count = cly_cli_place_count(model, role);
    for (size_t i = 0; exit_status == CLY_EXIT_DONE && i < count; i++) {
        if (is_needed(needed, i)) {
            exit_status = take_member(archive, path, model, role, i, count == 1, &arrays[i]);
        }
    }
    clayer_archive_destroy(archive);
    return exit_status;
}

static int load_each(const cly_cli_verb *verb, const clayer_model *model, cly_cli_role role, const cly_cli_list *files,
                     const bool *needed, clayer_array **arrays) {
    const char *noun = roles[role].noun;
    size_t count = cly_cli_place_count(model, role), next = 0;
    const bool all = files->count >= count; /* then plain names go to places that need none, too */
    for (size_t i = 0; i < files->count; i++) {
        const char *path;
        int index = cly_cli_named_place(model, role, files->items[i], &path);
        if (index < 0) { /* the next one that has no file yet, in the model's order */
            while (next < count && (arrays[next] != NULL || !(all || is_needed(needed, next)))) {
                next++;
            }
            index = (int)next;
        }
        if (index >= (int)count) {
            return cly_cli_usage(verb, "'%s' is one file too many: the model has %zu %s%s", path, count,
                                 roles[role].outputs ? "output" : "input", count == 1 ? "" : "s");
        }
        if (arrays[index] != NULL) {
            return cly_cli_usage(verb, "%s '%s' is given twice", noun, place_name(model, role, (size_t)index));
        }
        const bool misnamed = path == files->items[i] && strchr(path, '=') != NULL && access(path, F_OK) != 0;
        if (misnamed) {
            return cly_cli_usage(verb, "'%s': the model has no %s of that name; the first is '%s'", path,
                                 roles[role].outputs ? "output" : "input", place_name(model, role, 0));
        }
        int status = load_one(path, model, role, (size_t)index, &arrays[index]);
        if (status != CLY_EXIT_DONE) {
            return status;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (arrays[i] == NULL && is_needed(needed, i)) {
            return cly_cli_usage(verb, "no file for %s '%s': the model has %zu %ss", noun, place_name(model, role, i),
                                 count, roles[role].outputs ? "output" : "input");
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

int cly_cli_load_arrays(const cly_cli_verb *verb, const clayer_model *model, cly_cli_role role,
                        const cly_cli_list *files, const bool *needed, clayer_array **arrays_out) {
    size_t count = cly_cli_place_count(model, role);
    clayer_array **arrays = calloc(count + 1, sizeof *arrays);
    if (arrays == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for %zu %ss", count, roles[role].noun);
    }
    const char *path = files->items[0];
    bool plain = files->count == 1 && cly_cli_named_place(model, role, files->items[0], &path) < 0;
    int status = plain && cly_cli_is_zip(path) ? load_all(path, model, role, needed, arrays)
                                               : load_each(verb, model, role, files, needed, arrays);
    if (status == CLY_EXIT_DONE) {
        memcpy(arrays_out, arrays, count * sizeof *arrays);
    } else {
        cly_cli_free_arrays(arrays, count);
    }
    free(arrays);
    return status;
}

int cly_cli_check_inputs(const clayer_model *model, clayer_array *const *inputs) {
    int status = CLY_EXIT_DONE;
    for (size_t i = 0; status == CLY_EXIT_DONE && i < clayer_model_get_input_count(model); i++) {
        const clayer_shape *first = clayer_array_get_shape(inputs[0]);
        status = check_input(model, i, inputs[i], first->rank > 0 ? first->dims[0] : 0);
    }
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
