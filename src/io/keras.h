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

/* Sets the arguments that an object's config holds; what says nothing here is passed over. */
clayer_status cly_io_keras_arguments(const cly_spec_list *list, const cJSON *config, cly_spec *spec);

/* Compiles the model from compile_config (.keras) or training_config (.h5). What cannot be used here becomes the
 * model's problem, of which training tells; only CLAYER_OUT_OF_MEMORY is returned. json NULL or empty: not compiled. */
clayer_status cly_io_keras_training(clayer_model *model, const cJSON *json);

/* The text of a spec, freed with free(). */
clayer_status cly_io_keras_format(const cly_spec *spec, char **text_out);

/* The texts of an optimizer and of its schedule, which stays NULL where there is none; freed with free(), also after an
 * error (keras_optimizer.c). */
clayer_status cly_io_keras_optimizer(const cJSON *json, int generation, char **optimizer_out, char **schedule_out);

/* The optimizer's state of a compiled model, from the file that holds its weights (keras_state.c). */
clayer_status cly_io_keras_state(clayer_model *model, cly_io_hdf5 *file);

/* Adds the input that an InputLayer's JSON describes. node_out may be NULL. */
clayer_status cly_io_keras_input(clayer_model *model, const cJSON *json, int generation, clayer_node **node_out);
bool cly_io_keras_is_input(const cJSON *json);

/* Adds the layers and calls of a Functional's config to an empty model. */
clayer_status cly_io_keras_graph(clayer_model *model, const cJSON *config, int generation);

/* The attribute in which a layer's group of weights notes its training_step; Keras does not know it. */
#define CLY_IO_KERAS_STEP "clayer_training_step"

/* Where a tensor comes from: which call of which layer. */
typedef struct cly_io_keras_ref {
    const char *layer; /* borrowed from the JSON */
    size_t call;
} cly_io_keras_ref;

typedef struct cly_io_keras_refs {
    cly_io_keras_ref *refs; /* freed with free() */
    size_t count, capacity;
    bool inference; /* of a call: it has the argument training=False */
} cly_io_keras_refs;

/* Appends the tensors of input_layers or output_layers: one ["name", call, 0], a list of them, or a dict, whose entries
 * Keras takes in the order of their keys. */
clayer_status cly_io_keras_tensors(const cJSON *json, cly_io_keras_refs *refs);
/* Appends the tensors that one entry of inbound_nodes calls its layer on, in the form of either generation. */
clayer_status cly_io_keras_call(const cJSON *json, cly_io_keras_refs *refs);

#endif
