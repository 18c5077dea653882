/* io/keras_write.h: what the writers of Keras' files share.
 *
 * Everything is written for the generation of Keras that the model came from (model->generation). The .h5 format has
 * the older, "legacy" form of layers and training configuration: {"class_name", "config"} alone. */
#ifndef CLY_IO_KERAS_WRITE_H
#define CLY_IO_KERAS_WRITE_H

#include "io/keras.h"
#include "layers/layer.h"
#include "model/model.h"
#include "train/compiled.h"

/* The versions that files name: those that the formats were taken from. */
#define CLY_IO_KERAS2_VERSION "2.15.0"
#define CLY_IO_KERAS3_VERSION "3.5.0"

/* Of the generation that the model came from. */
const char *cly_io_keras_version(const clayer_model *model);

/* Whether the model is written as a Sequential. */
bool cly_io_keras_is_sequential(const clayer_model *model);

typedef struct cly_io_keras_style {
    int generation;                    /* 2 or 3 */
    bool legacy;                       /* the form of .h5 files */
    const cly_io_keras_layers *shared; /* layers that stand in several models: cly_io_keras_write_model finds them */
} cly_io_keras_style;

/* ---- JSON (keras_write_spec.c, keras_write_layer.c, keras_write_model.c, keras_write_training.c) ----
 * *json_out is freed with cJSON_Delete. */

/* {"module", "class_name", "config", "registered_name": null}, in legacy form class_name and config; takes `config`
 * over. */
clayer_status cly_io_keras_write_object(const char *module, const char *class_name, cJSON *config, bool legacy,
                                        cJSON **json_out);

/* What a layer's parameter holds: a name for an activation, an object for an initializer and the like. text NULL: null,
 * "linear" for an activation. */
clayer_status cly_io_keras_write_spec(const cly_spec_list *list, const char *text, const cly_io_keras_style *style,
                                      cJSON **json_out);

/* The arguments of a spec by Keras' names. */
clayer_status cly_io_keras_write_arguments(const cly_spec *spec, cJSON **config_out);

/* [null, 5, 7, 3] */
cJSON *cly_io_keras_write_shape(const clayer_shape *shape);
/* Keras' float32 policy, or the one that the layer was read with. */
clayer_status cly_io_keras_write_policy(const char *dtype, const cly_io_keras_style *style, cJSON **json_out);

/* A layer without its calls. */
clayer_status cly_io_keras_write_layer(const clayer_layer *layer, const cly_io_keras_style *style, cJSON **json_out);
/* A TimeDistributed, the layer or model in which `write` writes. */
typedef clayer_status cly_io_keras_layer_writer(const clayer_layer *layer, const cly_io_keras_style *style,
                                                cJSON **json_out);
clayer_status cly_io_keras_write_distributed(const clayer_layer *layer, const cly_io_keras_style *style,
                                             cly_io_keras_layer_writer *write, cJSON **json_out);

/* The model's class_name, config and what else stands beside them, without compile_config. */
clayer_status cly_io_keras_write_model(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out);

/* ---- calls (keras_write_calls.c) ---- */

/* Whether a call of the layer has its tensors in a list. */
bool cly_io_keras_takes_list(const clayer_layer *layer);
/* The inputs of a call without the mask behind them. */
size_t cly_io_keras_count_inputs(const clayer_node *node);

/* Puts a layer's name and inbound_nodes into its JSON. */
clayer_status cly_io_keras_write_calls(const clayer_model *model, const clayer_layer *layer, int generation,
                                       cJSON *json);

typedef struct cly_io_keras_tensor_list {
    clayer_node *const *nodes;
    size_t count, next; /* next: the first that is not written yet */
    int generation;
    bool output; /* those of output_layers */
} cly_io_keras_tensor_list;

/* Puts input_layers or output_layers: nested as `form`, what the file had (JSON; NULL: a list). */
clayer_status cly_io_keras_write_tensors(cJSON *config, const char *key, const char *form,
                                         cly_io_keras_tensor_list *list);

/* Optimizer, losses and metrics: compile_config, in legacy form training_config. */
clayer_status cly_io_keras_write_training(const clayer_model *model, const cly_io_keras_style *style, cJSON **json_out);

/* Their part of that (keras_write_losses.c): loss and loss_weights, metrics and weighted_metrics, put into `json`. */
clayer_status cly_io_keras_write_losses(const clayer_model *model, const cly_io_keras_style *style, cJSON *json);
clayer_status cly_io_keras_write_metrics(const clayer_model *model, const cly_io_keras_style *style, cJSON *json);

/* What Keras calls the optimizer where nobody named it: "Adam", "adam". */
const char *cly_io_keras_optimizer_name(const cly_spec *spec, int generation);

/* ---- HDF5 (keras_write_weights.c, keras_write_state.c) ---- */

/* layers/<class>_<number>/vars/<number>, as in .keras and .weights.h5. */
clayer_status cly_io_keras_write_weights(const clayer_model *model, cly_io_hdf5_image *image);
/* layer_names, weight_names and a group a layer, below `top` ("model_weights", or "/" in a file of weights alone). */
clayer_status cly_io_keras_write_legacy_weights(const clayer_model *model, cly_io_hdf5_image *image, const char *top);

/* The optimizer's variables: optimizer/vars/<number>, in legacy form optimizer_weights with names. */
clayer_status cly_io_keras_write_state(const clayer_model *model, const cly_io_keras_style *style,
                                       cly_io_hdf5_image *image);

/* The model's check (keras_check.c). Drops one that the model no longer passes; call it before writing. */
clayer_status cly_io_keras_renew_check(clayer_model *model);
/* Its group in an image; in a .keras, the member that holds it, whose bytes are freed with free(). Nothing without a
 * check: the member's name is then NULL. */
clayer_status cly_io_keras_write_check(const clayer_model *model, cly_io_hdf5_image *image);
clayer_status cly_io_keras_make_check(const clayer_model *model, cly_io_zip_member *member_out);

/* Keras' name of a weight within a model: "conv2d/kernel:0" in Keras 2, "sequential/conv2d/kernel" in Keras 3. */
clayer_status cly_io_keras_weight_path(const clayer_model *model, const clayer_layer *layer, size_t index,
                                       cly_base_text *text);

#endif
