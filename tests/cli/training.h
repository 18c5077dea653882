/* cli/training.h: what the suites of train, evaluate and convert share: the data of golden/fit as files, and
 * comparisons with what Keras' own fit and evaluate made of them (make_fit.py). */
#ifndef CLY_TEST_TRAINING_H
#define CLY_TEST_TRAINING_H

#include <clayer/array.h>

/* Saves an array of golden/fit/<stem>.npz as a .npy of this test; returns its path. */
const char *training_save_golden(const char *stem, const char *name);
/* The path of golden/fit/<file>. */
const char *training_model(const char *file);
/* Saves values as a vector; returns its path. */
const char *training_save_vector(const char *name, clayer_type type, const void *values, int64_t count);
/* A whole file; static memory until the next call. */
char *training_read_text(const char *path);
/* How many files of the test's folder have names that match a grep pattern. */
int training_count_files(const char *part);

/* The history that `clayer train --json` printed against Keras', whose columns are `names`: within 1e-3. */
void training_check_history(const char *json, const char *stem, const char *names);
/* The lines that `clayer evaluate` printed against Keras' evaluate, in this order. */
void training_check_evaluation(const char *text, const char *stem);

#endif
