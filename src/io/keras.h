/* io/keras.h: what the readers of Keras' files share. */
#ifndef CLY_IO_KERAS_H
#define CLY_IO_KERAS_H

#include "io/io.h"
#include "layers/layer.h"
#include "model/model.h"

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

/* Puts the activations of the load configuration into the JSON of a model in the place of those that they stand for
 * (keras_map.c). NULL: none. A name that the file has not is told to the log. */
clayer_status cly_io_keras_map(clayer_context *context, const clayer_load_config *config, cJSON *json);
/* CLAYER_INVALID_ARGUMENT for a configuration that makes no sense. */
clayer_status cly_io_keras_check_config(const clayer_load_config *config);

/* The model's check (keras_check.c), if the file holds one: it becomes the model's, which must pass it. */
clayer_status cly_io_keras_read_check(clayer_model *model, cly_io_hdf5 *file);
clayer_status cly_io_keras_read_archive_check(clayer_model *model, cly_io_zip *zip);

/* Adds the input that an InputLayer's JSON describes. node_out may be NULL. */
clayer_status cly_io_keras_input(clayer_model *model, const cJSON *json, int generation, clayer_node **node_out);
bool cly_io_keras_is_input(const cJSON *json);

/* Puts the layers of a model of Keras 1 into the words of Keras 2 (keras_old.c). */
clayer_status cly_io_keras_modernise(cJSON *json);

/* ---- models in models (keras_nested.c) ---- */

/* A layer or model that the file holds, kept for places that mean the same one. */
typedef struct cly_io_keras_seen {
    const cJSON *json;   /* borrowed */
    clayer_layer *layer; /* retained */
} cly_io_keras_seen;

/* What the readers of one file share. Zeroed but for the first two; cly_io_keras_close_scope frees it. */
typedef struct cly_io_keras_scope {
    clayer_context *context;
    int generation;
    int depth;               /* how many models the one that is read is nested in */
    uint64_t place;          /* which those are: cly_layers_place */
    cly_io_keras_seen *seen; /* all layers so far */
    size_t seen_count, seen_capacity;
    clayer_node *const *inputs; /* what the layer that is read next is called on, of an operation alone */
    size_t input_count;
} cly_io_keras_scope;

void cly_io_keras_close_scope(cly_io_keras_scope *scope);

/* Whether the JSON of a layer is that of a model: Sequential, Functional or Model. */
bool cly_io_keras_is_model(const cJSON *json);

/* The JSON of the model in a TimeDistributed; NULL: it has none, or is none. */
const cJSON *cly_io_keras_distributed_model(const cJSON *json);

/* Whether the layer is made for its first call: an operation, and what has a Sequential whose input's shape the file
 * does not say, perhaps in a TimeDistributed. */
bool cly_io_keras_needs_shape(const cJSON *json);

/* The model that `json` describes, with the models in it. `shape` is that of the input of a Sequential that does not
 * say its own; NULL: unknown. */
clayer_status cly_io_keras_read_model(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                                      clayer_model **model_out);

/* A layer, which may be a model, or the one that the file means by the same object elsewhere. */
clayer_status cly_io_keras_read_layer(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                                      clayer_layer **layer_out);

/* Adds the layers and calls of a Functional's config to an empty model. */
clayer_status cly_io_keras_graph(cly_io_keras_scope *scope, clayer_model *model, const cJSON *config);

/* ---- the weights of a layer that may be a model (keras_slots.c) ---- */

/* Distinct layers in Keras' order, models taken apart. */
typedef struct cly_io_keras_layers {
    clayer_layer **layers; /* borrowed; the list is freed with free() */
    size_t count, capacity;
} cly_io_keras_layers;

/* Whether the layer is in the list. */
bool cly_io_keras_holds(const cly_io_keras_layers *list, const clayer_layer *layer);
clayer_status cly_io_keras_append(cly_io_keras_layers *list, clayer_layer *layer);
/* Appends `layer`, or the layers in it, once each. */
clayer_status cly_io_keras_flatten(clayer_layer *layer, cly_io_keras_layers *list);

typedef enum cly_io_keras_order {
    CLY_IO_KERAS_TRAINABLE_FIRST, /* those that training moves, then all others: how Keras writes legacy files */
    CLY_IO_KERAS_STATISTICS_LAST, /* as if every layer were trainable */
    CLY_IO_KERAS_BY_LAYER,
    CLY_IO_KERAS_ORDERS
} cly_io_keras_order;

typedef struct cly_io_keras_slot {
    clayer_layer *layer;
    size_t index; /* of the weight */
} cly_io_keras_slot;

/* All weights of a layer and of those in it; *slots_out is freed with free(). */
clayer_status cly_io_keras_list_slots(clayer_layer *layer, cly_io_keras_order order, cly_io_keras_slot **slots_out,
                                      size_t *count_out);
bool cly_io_keras_has_weights(const clayer_layer *layer);

/* "/layer" for a TimeDistributed, whose group holds that of the layer that has the weights; else "". */
const char *cly_io_keras_within(const clayer_layer *layer);

/* ---- reading weights (keras_weights.c) ---- */

/* Reads the dataset at `path`, whose shape must be the weight's. */
clayer_status cly_io_keras_read_weight(const clayer_layer *layer, size_t index, cly_io_hdf5 *file, const char *path);
/* What keras_write_weights.c notes in `group` of a layer that draws random numbers. */
clayer_status cly_io_keras_read_step(clayer_layer *layer, cly_io_hdf5 *file, const char *group);
/* The next layer of the model that has weights; NULL if there is none. */
clayer_layer *cly_io_keras_next_weighted(const clayer_model *model, size_t *index);
/* The legacy layout below `top` (keras_weights_legacy.c). */
clayer_status cly_io_keras_legacy_weights(const clayer_model *model, cly_io_hdf5 *file, const char *top);

/* ---- layers that several models share (keras_weights_shared.c) ---- */

/* For every layer of the model, how many before it have a group of the same name in Keras 3's layout, which ends in
 * that number: "conv2d", "conv2d_1". *numbers_out is freed with free(). */
clayer_status cly_io_keras_number_layers(const clayer_model *model, size_t **numbers_out);
/* Where fewer groups are there than layers, Keras 2 counted only those that it had not visited. If layer `index` is one
 * that it had, its number becomes CLY_IO_KERAS_NO_GROUP, and those of the later layers of its kind one less. To be
 * called for each layer in turn. */
#define CLY_IO_KERAS_NO_GROUP SIZE_MAX
clayer_status cly_io_keras_settle_group(const cly_io_keras_layers *visited, const clayer_model *model, size_t index,
                                        cly_io_hdf5 *file, const char *prefix, size_t *numbers);
/* The layer among those visited that was the same one when the file was written, as far as name, class and shapes tell;
 * NULL: none. */
clayer_layer *cly_io_keras_find_twin(const cly_io_keras_layers *visited, const clayer_layer *layer);
/* Gives `to` the weights of its twin, and tells the log. */
clayer_status cly_io_keras_copy_twin(const clayer_layer *from, clayer_layer *to);

/* The member by which the writer says that layers in several models are the same one; Keras does not know it. */
#define CLY_IO_KERAS_SHARED "clayer_shared_object_id"

/* ---- kernels of Keras 1 and of Theano (keras_weights_old.c) ---- */

typedef struct cly_io_keras_origin {
    bool keras1; /* also where no version is named */
    bool theano;
} cly_io_keras_origin;

clayer_status cly_io_keras_read_origin(cly_io_hdf5 *file, const char *top, cly_io_keras_origin *origin_out);
/* Whether a weight that the file has in this shape must be turned into what it is today, */
bool cly_io_keras_is_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                const clayer_shape *shape);
/* the shape that it then has (any other weight keeps its own), */
void cly_io_keras_modern_shape(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                               clayer_shape *shape);
/* and reading it so; the shapes fit. */
clayer_status cly_io_keras_read_old_kernel(const cly_io_keras_origin *origin, const clayer_layer *layer, size_t index,
                                           cly_io_hdf5 *file, const char *path);

/* The attribute in which a layer's group of weights notes its training_step; Keras does not know it. */
#define CLY_IO_KERAS_STEP "clayer_training_step"

/* Where a tensor comes from: which output of which call of which layer. */
typedef struct cly_io_keras_ref {
    const char *layer; /* borrowed from the JSON */
    size_t call;       /* as the file counts: see cly_io_keras_first_call */
    size_t tensor;
    const char *key; /* of the dict of inputs that it stands in, borrowed; NULL: none */
} cly_io_keras_ref;

typedef struct cly_io_keras_refs {
    cly_io_keras_ref *refs; /* freed with free() */
    size_t count, capacity;
    bool has_mask;  /* of a call: the last ref is the argument `mask` */
    bool inference; /* of a call: it has the argument training=False */
    bool training;  /* of a call: it has the argument training=True */
    bool objects;   /* of a call: in Keras 3's form, {"args", "kwargs"} */
} cly_io_keras_refs;

/* Appends the tensors of input_layers or output_layers: one ["name", call, 0], a list of them, or a dict, whose entries
 * Keras takes in the order of their keys. */
clayer_status cly_io_keras_tensors(const cJSON *json, cly_io_keras_refs *refs);
/* Keeps in the model the dicts and nested lists of its inputs and outputs, which its callers see in Keras; `outputs`
 * are the tensors of output_layers. */
clayer_status cly_io_keras_keep_forms(clayer_model *model, const cJSON *config, const cly_io_keras_refs *outputs);
/* Whether the JSON among the layers of a Functional is that of an operation on tensors (keras_operation.c), and the
 * layer that computes it. inputs: what it is called on first; NULL: not known, and what depends on it is refused. */
bool cly_io_keras_is_operation(const cJSON *json);
clayer_status cly_io_keras_operation(clayer_context *context, const cJSON *json, int generation,
                                     clayer_node *const *inputs, size_t input_count, clayer_layer **layer_out);
/* Keras 3's module of an operation that is known, or NULL. */
const char *cly_io_keras_operation_module(const char *class_name);
/* Visits the ["layer", call, tensor] of all tensors that an operation is called on, in order. */
typedef clayer_status cly_io_keras_visit(cJSON *history, void *data);
clayer_status cly_io_keras_walk_tensors(cJSON *json, cly_io_keras_visit *visit, void *data);
/* Appends the tensors that one entry of inbound_nodes calls an operation on. */
clayer_status cly_io_keras_operation_tensors(const cJSON *json, cly_io_keras_refs *refs);

/* Appends the tensors that one entry of inbound_nodes calls its layer on, in the form of either generation; a mask
 * comes last. */
clayer_status cly_io_keras_call(const cJSON *json, cly_io_keras_refs *refs);

#endif
