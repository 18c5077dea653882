/* train/golden.h: what real Keras' training set-up computed, from tests/golden/training: one case after another. */
#ifndef TEST_TRAIN_GOLDEN_H
#define TEST_TRAIN_GOLDEN_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include <clayer/array.h>

#include "base/spec.h"

typedef struct golden {
    const clayer_archive *archive;
    const char *file;
    int number;
    char *text; /* the json, for messages */
    cJSON *json;
    int generation;         /* 2 or 3 */
    const char *class_name; /* these two lie in json */
    const cJSON *config;
} golden;

/* tests/golden/training/<name>.npz; the test fails without it. */
clayer_archive *golden_open(const char *name);

/* Case `number` of an archive that golden_open gave for `file`. False: there is none. */
bool golden_read(const clayer_archive *archive, const char *file, int number, golden *out);
void golden_free(golden *g);

/* The JSON has "name": true beside the configuration. */
bool golden_has_flag(const golden *g, const char *name);

/* The array NNN.<part>; NULL: there is none. */
const clayer_array *golden_find(const golden *g, const char *part);

/* Its elements as float32, allocated, and its shape (shape_out may be NULL). NULL: there is none. */
float *golden_floats(const golden *g, const char *part, clayer_shape *shape_out);

/* The class with the arguments of the configuration, without those that are None, "fn", "dtype" and the names in
 * `ignored` (ended by NULL; may be NULL). The test fails if the list does not take an argument. */
void golden_spec(const golden *g, const cly_spec_list *list, const char *const *ignored, cly_spec *spec_out);

/* Fails with the worst index where `actual` is further than absolute + relative * |expected| from `expected`. */
void golden_compare(const golden *g, const char *what, const float *actual, const clayer_array *expected,
                    double absolute, double relative);

#endif
