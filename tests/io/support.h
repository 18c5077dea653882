/* io/support.h: files of the tests' data, temporary files, and short ways to check what is refused. */
#ifndef CLY_TEST_IO_SUPPORT_H
#define CLY_TEST_IO_SUPPORT_H

#include <check.h>
#include <clayer/array.h>
#include <clayer/context.h>
#include <clayer/model.h>
#include <string.h>

#include "io/io.h"
#include "support/random.h"

/* MUST(call) succeeds; REFUSED(call, status, "part of the message") does not. */
#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define REFUSED(call, expected, part)                                                                              \
    do {                                                                                                           \
        ck_assert_int_eq((call), (expected));                                                                      \
        ck_assert_msg(strstr(clayer_last_error(), (part)) != NULL, "message '%s' lacks '%s'", clayer_last_error(), \
                      (part));                                                                                     \
    } while (0)

/* The suite's context, made by the fixture that open_context and close_context are. */
extern clayer_context *context;
void open_context(void);
void close_context(void);

/* A file of tests/io/data or tests/golden: static memory, valid until the next call but three. */
const char *data_path(const char *name);
const char *golden_path(const char *name);

/* A whole file, freed with free(). */
char *read_bytes(const char *path, size_t *length_out);

/* The path of a file in this suite's temporary folder, which close_folder removes. Static memory as above. */
void open_folder(void);
void close_folder(void);
const char *temporary_path(const char *name);
void write_bytes(const char *path, const void *bytes, size_t length);

/* How many files the temporary folder has. */
int count_temporary(void);

/* Flips one to three bytes at places that the generator chooses. */
void damage(test_random *random, char *bytes, size_t length);

/* value(i) of data/make_data.py, arrays of it, and whether an array holds it. */
double expected_value(clayer_type type, int64_t i);
clayer_array *make_array(clayer_type type, int rank, const int64_t *dims);
void expect_values(const clayer_array *array);

/* Predicts with the inputs of the archive (its first arrays) and compares with its others. */
void expect_prediction(clayer_model *model, const char *archive_path);

#endif
