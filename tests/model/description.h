/* model/description.h: builds a model from a text that make_summaries.py can read too. */
#ifndef CLY_TEST_DESCRIPTION_H
#define CLY_TEST_DESCRIPTION_H

#include <clayer/model.h>

#define DESCRIPTION_LENGTHS 8

typedef struct description {
    clayer_model *model;
    int lengths[DESCRIPTION_LENGTHS]; /* of lines; the first is 0, Keras' default */
    int length_count;
} description;

/* The model of a .model file; the test fails where the file does. Destroy its model. */
description description_read(const char *path);

#endif
