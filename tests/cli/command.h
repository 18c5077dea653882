/* cli/command.h: runs a program and keeps what it printed, for tests of the command and of the examples.
 *
 * Programs are started with posix_spawn and this process uses no OpenCL itself. */
#ifndef CLY_TEST_COMMAND_H
#define CLY_TEST_COMMAND_H

#include <clayer/array.h>

typedef struct command_result {
    int status; /* the exit status; 128 + signal if one ended it */
    char *out;  /* what stood on standard output, NUL-terminated */
    char *err;
} command_result;

/* Runs argv (NULL-terminated) with `environment` ("NAME=value", NULL-terminated, or NULL) added to this one's.
 * `out_path` NULL keeps the output; otherwise it goes to that file. */
command_result command_run_to(const char *const *argv, const char *const *environment, const char *out_path);
void command_free(command_result *result);

/* RUN("devices", "--json"): the command `clayer` with these arguments. */
#define RUN(...) command_run_to((const char *const[]){CLAYER_COMMAND, __VA_ARGS__, NULL}, NULL, NULL)

/* Fails unless the status is `wanted`, saying what was printed. */
#define CHECK_STATUS(result, wanted)                                                                             \
    ck_assert_msg((result).status == (wanted), "exit status %d, expected %d\nout: %s\nerr: %s", (result).status, \
                  (wanted), (result).out, (result).err)

/* Fails unless `text` holds `part`. */
#define CHECK_HOLDS(text, part) ck_assert_msg(strstr((text), (part)) != NULL, "no '%s' in: %s", (part), (text))

/* One line that begins with "clayer: ", with status `wanted`; frees the result. */
void command_expect_error(command_result result, int wanted, const char *part);

/* A folder for this process' files, removed with them at exit. */
const char *command_folder(void);
/* folder/name; static memory, valid for the next 500 calls. */
const char *command_path(const char *name);
/* tests/golden/name; likewise. */
const char *command_golden(const char *name);

/* An array of golden/models/<stem>.npz, as a copy. */
clayer_array *command_golden_array(const char *stem, const char *name);
/* Fails unless `actual` has the shape of `expected` and values within 1e-4 of them, relative to the largest. */
void command_check_close(const clayer_array *actual, const clayer_array *expected, const char *what);

#endif
