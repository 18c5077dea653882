/* io/keras.h: what the readers of Keras' files share. */
#ifndef CLY_IO_KERAS_H
#define CLY_IO_KERAS_H

#include "io/io.h"
#include "layers/layer.h"

/* The member `key` of an object, with Keras' wrappers of tuples, shapes and numbers taken off; NULL if there is none.
 */
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

/* Adds the input that an InputLayer's JSON describes. node_out may be NULL. */
clayer_status cly_io_keras_input(clayer_model *model, const cJSON *json, int generation, clayer_node **node_out);
bool cly_io_keras_is_input(const cJSON *json);

/* Adds the layers and calls of a Functional's config to an empty model. */
clayer_status cly_io_keras_graph(clayer_model *model, const cJSON *config, int generation);

/* Where a tensor comes from: which call of which layer. */
typedef struct cly_io_keras_ref {
    const char *layer; /* borrowed from the JSON */
    size_t call;
} cly_io_keras_ref;

typedef struct cly_io_keras_refs {
    cly_io_keras_ref *refs; /* freed with free() */
    size_t count, capacity;
} cly_io_keras_refs;

/* Appends the tensors of input_layers or output_layers: one ["name", call, 0], a list of them, or a dict, whose entries
 * Keras takes in the order of their keys. */
clayer_status cly_io_keras_tensors(const cJSON *json, cly_io_keras_refs *refs);
/* Appends the tensors that one entry of inbound_nodes calls its layer on, in the form of either generation. */
clayer_status cly_io_keras_call(const cJSON *json, cly_io_keras_refs *refs);

#endif
