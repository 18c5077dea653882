/* cli/command.c: runs a program and keeps what it printed. */
#include "cli/command.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- folder ---- */

static char folder[256];

static void remove_folder(void) {
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[768];
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    if (directory != NULL) {
        closedir(directory);
    }
    (void)rmdir(folder);
}

const char *command_folder(void) {
    if (folder[0] == '\0') {
        const char *parent = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/clayer-test-XXXXXX", parent != NULL ? parent : "/tmp");
        ck_assert_msg(mkdtemp(folder) != NULL, "cannot create '%s'", folder);
        atexit(remove_folder);
    }
    return folder;
}

static const char *join(const char *parent, const char *name) {
    static char paths[512][768];
    static int next;
    char *path = paths[next++ % 512];
    snprintf(path, sizeof paths[0], "%s/%s", parent, name);
    return path;
}

const char *command_path(const char *name) {
    return join(command_folder(), name);
}

const char *command_golden(const char *name) {
    return join(CLAYER_TEST_DATA, name);
}

/* ---- running ---- */

static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read '%s'", path);
    size_t length = 0, capacity = 1 << 20;
    char *text = malloc(capacity + 1);
    ck_assert(text != NULL);
    length = fread(text, 1, capacity, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

/* This process' environment, with `added` instead of what it has under the same names. */
static char **merge_environment(const char *const *added) {
    size_t old = 0, more = 0;
    while (environ[old] != NULL) {
        old++;
    }
    while (added != NULL && added[more] != NULL) {
        more++;
    }
    char **merged = calloc(old + more + 1, sizeof *merged);
    ck_assert(merged != NULL);
    size_t count = 0;
    for (size_t i = 0; i < more; i++) {
        merged[count++] = (char *)added[i];
    }
    for (size_t i = 0; i < old; i++) {
        bool replaced = false;
        for (size_t j = 0; j < more; j++) {
            size_t name = (size_t)(strchr(added[j], '=') - added[j]) + 1;
            replaced = replaced || strncmp(environ[i], added[j], name) == 0;
        }
        if (!replaced) {
            merged[count++] = environ[i];
        }
    }
    return merged;
}

command_result command_run_to(const char *const *argv, const char *const *environment, const char *out_path) {
    char out[768], err[768];
    snprintf(out, sizeof out, "%s", out_path != NULL ? out_path : command_path("stdout"));
    snprintf(err, sizeof err, "%s", command_path("stderr"));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char **merged = merge_environment(environment);
    pid_t child;
    int code = posix_spawn(&child, argv[0], &actions, NULL, (char *const *)argv, merged);
    ck_assert_msg(code == 0, "cannot start '%s': %s", argv[0], strerror(code));
    int wait_status;
    ck_assert_int_eq(waitpid(child, &wait_status, 0), child);
    posix_spawn_file_actions_destroy(&actions);
    free(merged);
    return (command_result){
        .status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
        .out = out_path != NULL ? calloc(1, 1) : read_text(out),
        .err = read_text(err),
    };
}

void command_free(command_result *result) {
    free(result->out);
    free(result->err);
    *result = (command_result){0, NULL, NULL};
}

void command_expect_error(command_result result, int wanted, const char *part) {
    CHECK_STATUS(result, wanted);
    CHECK_HOLDS(result.err, part);
    const char *line_end = strchr(result.err, '\n');
    ck_assert_msg(strncmp(result.err, "clayer: ", 8) == 0 && line_end != NULL && line_end[1] == '\0',
                  "not one line 'clayer: ...': %s", result.err);
    ck_assert_str_eq(result.out, "");
    command_free(&result);
}

/* ---- arrays ---- */

clayer_array *command_golden_array(const char *stem, const char *name) {
    char file[256];
    snprintf(file, sizeof file, "models/%s.npz", stem);
    clayer_archive *archive = NULL;
    clayer_array *copy = NULL;
    ck_assert_msg(clayer_archive_load(command_golden(file), &archive) == CLAYER_OK, "%s", clayer_last_error());
    const clayer_array *array = clayer_archive_find(archive, name);
    ck_assert_msg(array != NULL, "no '%s' in '%s'", name, file);
    ck_assert_msg(clayer_array_convert(array, CLAYER_FLOAT32, &copy) == CLAYER_OK, "%s", clayer_last_error());
    clayer_archive_destroy(archive);
    return copy;
}

void command_check_close(const clayer_array *actual, const clayer_array *expected, const char *what) {
    const clayer_shape *a = clayer_array_get_shape(actual), *e = clayer_array_get_shape(expected);
    ck_assert_int_eq(clayer_array_get_type(actual), CLAYER_FLOAT32);
    ck_assert_msg(a->rank == e->rank, "%s: rank %d, expected %d", what, a->rank, e->rank);
    for (int i = 0; i < a->rank; i++) {
        ck_assert_msg(a->dims[i] == e->dims[i], "%s: axis %d is %ld, expected %ld", what, i, (long)a->dims[i],
                      (long)e->dims[i]);
    }
    const float *x = clayer_array_get_const_data(actual), *y = clayer_array_get_const_data(expected);
    int64_t count = clayer_array_get_count(expected);
    float largest = 0;
    ck_assert_msg(count > 0, "%s: nothing to compare", what);
    for (int64_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(y[i]));
    }
    for (int64_t i = 0; i < count; i++) {
        ck_assert_msg(fabsf(x[i] - y[i]) <= 1e-4f * fmaxf(largest, 1e-3f), "%s: value %ld is %g, expected %g", what,
                      (long)i, (double)x[i], (double)y[i]);
    }
}
