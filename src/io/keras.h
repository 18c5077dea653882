/* io/keras.h: what the readers of Keras' files share. */
#ifndef CLY_IO_KERAS_H
#define CLY_IO_KERAS_H

#include "io/io.h"
#include "layers/layer.h"

/* The member `key` of an object, with Keras' wrappers of tuples, shapes and numbers taken off; NULL if there is none. */
const cJSON *cly_io_keras_get(const cJSON *object, const char *key);
const cJSON *cly_io_keras_unwrap(const cJSON *value);
/* The text of a member that is a string, or NULL. */
const char *cly_io_keras_text(const cJSON *object, const char *key);
/* A number without a fraction that an int64_t and a double both hold exactly. */
bool cly_io_keras_integer(const cJSON *value, int64_t *integer_out);
/* A list of integers and nulls (-1). False if it is something else or longer than CLAYER_MAX_RANK. */
bool cly_io_keras_shape(const cJSON *value, clayer_shape *shape_out);

/* CLAYER_UNSUPPORTED for an object that is not Keras' own: a registered name with a package, another module. */
clayer_status cly_io_keras_own(const cJSON *object, const char *what);

/* Spec text (see layers.h) of an activation, initializer, regularizer or constraint: a name, {"class_name", "config"},
 * or a function by its name. *text_out is to be freed; NULL for null. */
clayer_status cly_io_keras_spec(const cly_spec_list *list, const cJSON *value, int generation, char **text_out);

#endif
