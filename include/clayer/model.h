/* clayer/model.h: models: layers joined to a graph, built in C or loaded from Keras' files.
 *
 * Ownership: the caller destroys the models and layers it creates or loads; nodes, names and shapes got from a model
 * are borrowed and live as long as it does. Threads: one at a time per model; several models in parallel. */
#ifndef CLAYER_MODEL_H
#define CLAYER_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <clayer/array.h>
#include <clayer/context.h>
#include <clayer/export.h>
#include <clayer/layers.h>
#include <clayer/status.h>
#include <clayer/tensor.h>

CLAYER_BEGIN_DECLS

typedef struct clayer_model clayer_model;
typedef struct clayer_node clayer_node; /* one call of a layer in a model, and its output */

/* ---- building ---- */

/* An empty model; name NULL: "model". Destroy it after use. */
CLAYER_API clayer_status clayer_model_create(clayer_context *context, const char *name, clayer_model **model_out);
CLAYER_API void clayer_model_destroy(clayer_model *model);

/* An input of `rank` dimensions without the batch; -1 is unknown. node_out may be NULL here and below. */
CLAYER_API clayer_status clayer_add_input(clayer_model *model, int rank, const int64_t *dims, clayer_node **node_out);

/* The same with a name, by which `clayer run -i name=FILE` knows it: see clayer_model_get_input_name. */
CLAYER_API clayer_status clayer_add_named_input(clayer_model *model, const char *name, int rank, const int64_t *dims,
                                                clayer_node **node_out);

/* Calls `layer` on the outputs of `inputs` (NULL: of the node added last); the model keeps the layer alive. Shapes are
 * checked and weights created at once. A layer that is added several times shares its weights. A nameless layer gets
 * Keras' automatic name; two layers of one name are refused. */
CLAYER_API clayer_status clayer_model_add(clayer_model *model, clayer_layer *layer, clayer_node *const *inputs,
                                          size_t input_count, clayer_node **node_out);

/* Calls a whole model as a layer, on one node for each of its inputs; nodes_out (NULL: none are wanted) gets one for
 * each of its outputs. As in Keras its layers and weights are shared with every other call of it, here, in other models
 * and on its own, and its name is that of the layer ("functional", "sequential" where it has none). `model` keeps
 * `nested` alive, whose graph cannot be changed any more: build it first. Its layers are found by their path,
 * "encoder/conv2d_1"; clayer_layer_set_trainable of the layer that it is sets all of them. */
CLAYER_API clayer_status clayer_model_add_model(clayer_model *model, clayer_model *nested, clayer_node *const *inputs,
                                                size_t input_count, clayer_node **nodes_out);

/* Calls a whole model of one input and one output on every step of axis 1 of `input` (NULL: of the node added last), as
 * Keras' TimeDistributed does: (N, T, ...) becomes (N, T, ...) of what it makes of each (N, ...). `name` is that of the
 * TimeDistributed (NULL: automatic); where `nested` is distributed under that name already that layer is called again.
 * Everything else is as with clayer_model_add_model, the layers' paths begin with the name of the TimeDistributed. In
 * training Keras 3, so models made in C too, takes the statistics of a BatchNormalization of each step by itself.
 * Errors: CLAYER_UNSUPPORTED for other numbers of inputs or outputs. */
CLAYER_API clayer_status clayer_model_add_distributed(clayer_model *model, clayer_model *nested, const char *name,
                                                      clayer_node *input, clayer_node **node_out);

/* clayer_add_conv2d and so on: create a layer from its config and add it. `input` NULL means the node added last, so
 * sequential code is short and functional code is the same functions. config NULL: all defaults, where the layer has
 * any. The argument `config` is the struct of layers.h for that layer. */
#define CLAYER_DECLARE_ADD(function, config_type)                                                                      \
    CLAYER_API clayer_status clayer_add_##function(clayer_model *model, clayer_node *input, const config_type *config, \
                                                   clayer_node **node_out)
#define CLAYER_DECLARE_MERGE(function, config_type)                                                 \
    CLAYER_API clayer_status clayer_add_##function(clayer_model *model, clayer_node *const *inputs, \
                                                   size_t input_count, const config_type *config,   \
                                                   clayer_node **node_out)

CLAYER_DECLARE_ADD(conv1d, clayer_conv_config);
CLAYER_DECLARE_ADD(conv2d, clayer_conv_config);
CLAYER_DECLARE_ADD(conv3d, clayer_conv_config);
CLAYER_DECLARE_ADD(conv1d_transpose, clayer_conv_transpose_config);
CLAYER_DECLARE_ADD(conv2d_transpose, clayer_conv_transpose_config);
CLAYER_DECLARE_ADD(conv3d_transpose, clayer_conv_transpose_config);
CLAYER_DECLARE_ADD(separable_conv1d, clayer_separable_conv_config);
CLAYER_DECLARE_ADD(separable_conv2d, clayer_separable_conv_config);
CLAYER_DECLARE_ADD(depthwise_conv1d, clayer_depthwise_conv_config);
CLAYER_DECLARE_ADD(depthwise_conv2d, clayer_depthwise_conv_config);
CLAYER_DECLARE_ADD(cropping1d, clayer_cropping_config);
CLAYER_DECLARE_ADD(cropping2d, clayer_cropping_config);
CLAYER_DECLARE_ADD(cropping3d, clayer_cropping_config);
CLAYER_DECLARE_ADD(zero_padding1d, clayer_zero_padding_config);
CLAYER_DECLARE_ADD(zero_padding2d, clayer_zero_padding_config);
CLAYER_DECLARE_ADD(zero_padding3d, clayer_zero_padding_config);
CLAYER_DECLARE_ADD(up_sampling1d, clayer_up_sampling_config);
CLAYER_DECLARE_ADD(up_sampling2d, clayer_up_sampling_config);
CLAYER_DECLARE_ADD(up_sampling3d, clayer_up_sampling_config);
CLAYER_DECLARE_ADD(dense, clayer_dense_config);
CLAYER_DECLARE_ADD(flatten, clayer_flatten_config);
CLAYER_DECLARE_ADD(reshape, clayer_reshape_config);
CLAYER_DECLARE_ADD(permute, clayer_permute_config);
CLAYER_DECLARE_ADD(repeat_vector, clayer_repeat_vector_config);
CLAYER_DECLARE_ADD(activation, clayer_activation_config);
CLAYER_DECLARE_ADD(relu, clayer_relu_config);
CLAYER_DECLARE_ADD(leaky_relu, clayer_leaky_relu_config);
CLAYER_DECLARE_ADD(prelu, clayer_prelu_config);
CLAYER_DECLARE_ADD(elu, clayer_elu_config);
CLAYER_DECLARE_ADD(thresholded_relu, clayer_thresholded_relu_config);
CLAYER_DECLARE_ADD(softmax, clayer_softmax_config);
CLAYER_DECLARE_ADD(dropout, clayer_dropout_config);
CLAYER_DECLARE_ADD(layer_scale, clayer_layer_scale_config);
CLAYER_DECLARE_ADD(stochastic_depth, clayer_stochastic_depth_config);
CLAYER_DECLARE_ADD(spatial_dropout1d, clayer_spatial_dropout_config);
CLAYER_DECLARE_ADD(spatial_dropout2d, clayer_spatial_dropout_config);
CLAYER_DECLARE_ADD(spatial_dropout3d, clayer_spatial_dropout_config);
CLAYER_DECLARE_ADD(gaussian_noise, clayer_gaussian_noise_config);
CLAYER_DECLARE_ADD(gaussian_dropout, clayer_gaussian_dropout_config);
CLAYER_DECLARE_ADD(alpha_dropout, clayer_dropout_config);
CLAYER_DECLARE_ADD(identity, clayer_identity_config);
CLAYER_DECLARE_ADD(activity_regularization, clayer_activity_regularization_config);
CLAYER_DECLARE_ADD(embedding, clayer_embedding_config);
CLAYER_DECLARE_ADD(masking, clayer_masking_config);
CLAYER_DECLARE_ADD(batch_normalization, clayer_batch_normalization_config);
CLAYER_DECLARE_ADD(layer_normalization, clayer_layer_normalization_config);
CLAYER_DECLARE_ADD(group_normalization, clayer_group_normalization_config);
CLAYER_DECLARE_ADD(unit_normalization, clayer_unit_normalization_config);
CLAYER_DECLARE_ADD(rescaling, clayer_rescaling_config);
CLAYER_DECLARE_ADD(normalization, clayer_normalization_config);
CLAYER_DECLARE_ADD(resizing, clayer_resizing_config);
CLAYER_DECLARE_ADD(center_crop, clayer_center_crop_config);
CLAYER_DECLARE_ADD(random_flip, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_rotation, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_translation, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_zoom, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_crop, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_height, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_width, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_contrast, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_brightness, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_hue, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_saturation, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_sharpness, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_color_degeneration, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_posterization, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_invert, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_grayscale, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_color_jitter, clayer_augmentation_config);
CLAYER_DECLARE_ADD(solarization, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_gaussian_blur, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_shear, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_perspective, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_elastic_transform, clayer_augmentation_config);
CLAYER_DECLARE_ADD(random_erasing, clayer_augmentation_config);
CLAYER_DECLARE_ADD(mix_up, clayer_augmentation_config);
CLAYER_DECLARE_ADD(cut_mix, clayer_augmentation_config);
CLAYER_DECLARE_ADD(rand_augment, clayer_augmentation_config);
CLAYER_DECLARE_ADD(aug_mix, clayer_augmentation_config);
CLAYER_DECLARE_ADD(max_pooling1d, clayer_pooling_config);
CLAYER_DECLARE_ADD(max_pooling2d, clayer_pooling_config);
CLAYER_DECLARE_ADD(max_pooling3d, clayer_pooling_config);
CLAYER_DECLARE_ADD(average_pooling1d, clayer_pooling_config);
CLAYER_DECLARE_ADD(average_pooling2d, clayer_pooling_config);
CLAYER_DECLARE_ADD(average_pooling3d, clayer_pooling_config);
CLAYER_DECLARE_ADD(global_max_pooling1d, clayer_global_pooling_config);
CLAYER_DECLARE_ADD(global_max_pooling2d, clayer_global_pooling_config);
CLAYER_DECLARE_ADD(global_max_pooling3d, clayer_global_pooling_config);
CLAYER_DECLARE_ADD(global_average_pooling1d, clayer_global_pooling_config);
CLAYER_DECLARE_ADD(global_average_pooling2d, clayer_global_pooling_config);
CLAYER_DECLARE_ADD(global_average_pooling3d, clayer_global_pooling_config);
CLAYER_DECLARE_MERGE(add, clayer_add_config);
CLAYER_DECLARE_MERGE(subtract, clayer_subtract_config);
CLAYER_DECLARE_MERGE(multiply, clayer_multiply_config);
CLAYER_DECLARE_MERGE(average, clayer_average_config);
CLAYER_DECLARE_MERGE(maximum, clayer_maximum_config);
CLAYER_DECLARE_MERGE(minimum, clayer_minimum_config);
CLAYER_DECLARE_MERGE(concatenate, clayer_concatenate_config);
CLAYER_DECLARE_MERGE(dot, clayer_dot_layer_config);
CLAYER_DECLARE_MERGE(custom_scale_layer, clayer_custom_scale_config);

/* Which nodes are outputs; without this call the node added last is the one output. */
CLAYER_API clayer_status clayer_model_set_outputs(clayer_model *model, clayer_node *const *nodes, size_t count);

/* ---- loading ---- */

/* Reads a whole model: .keras (Keras 3's format, as Keras 2.12 and later and Keras 3 write it) or .h5 (both), told
 * apart by content. Nothing in a file is executed. Errors: CLAYER_IO_ERROR, CLAYER_BAD_FILE (damaged, a weight missing
 * or misshapen), CLAYER_UNSUPPORTED (an unknown layer, Lambda, a custom object), each naming file, layer and reason. */
CLAYER_API clayer_status clayer_model_load(clayer_context *context, const char *path, clayer_model **model_out);

/* Reads a model from the JSON of to_json() and its weights from a weights-only .h5, .weights.h5 or whole-model file;
 * weights_path NULL leaves the weights as initialised. */
CLAYER_API clayer_status clayer_model_load_json(clayer_context *context, const char *json_path,
                                                const char *weights_path, clayer_model **model_out);

/* What an activation that a file only names is: "my_act" or, for one that the file holds as code, "<lambda>", and the
 * text of one of the library's activations (see layers.h): "relu(0.1, 20)". */
typedef struct clayer_activation_mapping {
    const char *name;
    const char *activation;
} clayer_activation_mapping;

typedef struct clayer_load_config {
    size_t struct_size;
    const clayer_activation_mapping *activations; /* at most 64; they come before Keras' own of the same name */
    size_t activation_count;
    const char *weights_path; /* for the JSON of to_json(): as in clayer_model_load_json; NULL: as initialised */
} clayer_load_config;

/* As clayer_model_load and, for a path that holds JSON, clayer_model_load_json. What the file has of the mapped
 * activations is not looked at, nor run. config NULL: as clayer_model_load. Errors: CLAYER_INVALID_ARGUMENT for a text
 * that is no activation, else as there. */
CLAYER_API clayer_status clayer_model_load_with(clayer_context *context, const char *path,
                                                const clayer_load_config *config, clayer_model **model_out);

/* ---- saving ---- */

/* Writes the whole model for Keras: architecture, weights and, where it is compiled, losses, metrics, optimizer and the
 * optimizer's state. The path's ending says how: ".keras" (version 3) or ".h5" / ".hdf5" (legacy). The file is that of
 * the generation of Keras that the model came from; a model made in C is Keras 3's. It is written beside its place,
 * flushed to the disk and renamed, so that whatever fails leaves the old file. Errors: CLAYER_IO_ERROR,
 * CLAYER_INVALID_ARGUMENT (another ending). */
CLAYER_API clayer_status clayer_model_save(clayer_model *model, const char *path);

/* The weights alone: ".weights.h5" (Keras 3's layout) or ".h5" (legacy save_weights); the other way by
 * clayer_model_load_json. */
CLAYER_API clayer_status clayer_model_save_weights(clayer_model *model, const char *path);

/* The architecture alone, Keras' to_json(). */
CLAYER_API clayer_status clayer_model_save_json(clayer_model *model, const char *path);

/* ---- a check that travels with the file ---- */

/* How far an output may differ from the one stored, relative to the largest value. */
#define CLAYER_CHECK_TOLERANCE 3e-4

/* Runs the model on `inputs` (one a model input, few samples) and keeps them and its outputs as the model's check:
 * clayer_model_save writes both where no Keras looks, and clayer_model_load runs the model on the inputs, on the device
 * at hand, and fails with CLAYER_CHECK_FAILED if an output differs by more than CLAYER_CHECK_TOLERANCE. Saving runs it
 * too and leaves out a check that the model no longer passes, because it was trained or changed since. inputs NULL: no
 * check any more. */
CLAYER_API clayer_status clayer_model_set_check(clayer_model *model, clayer_array *const *inputs, size_t input_count);

/* Whether the model has a check; difference_out (or NULL) gets the largest difference found by the last run of it. */
CLAYER_API bool clayer_model_get_check(const clayer_model *model, double *difference_out);

/* ---- looking ---- */

/* The model's name, and how many inputs and outputs it has. */
CLAYER_API const char *clayer_model_get_name(const clayer_model *model);
CLAYER_API size_t clayer_model_get_input_count(const clayer_model *model);
CLAYER_API size_t clayer_model_get_output_count(const clayer_model *model);
/* The name of the input or output layer; of several outputs of one layer the later ones are numbered: "split",
 * "split_1". NULL if index is out of range. */
CLAYER_API const char *clayer_model_get_input_name(const clayer_model *model, size_t index);
CLAYER_API const char *clayer_model_get_output_name(const clayer_model *model, size_t index);
/* With the batch in front (-1); NULL if index is out of range. */
CLAYER_API const clayer_shape *clayer_model_get_input_shape(const clayer_model *model, size_t index);
CLAYER_API const clayer_shape *clayer_model_get_output_shape(const clayer_model *model, size_t index);

/* Layers in the model's order, inputs included; NULL if out of range or of no such name. A nested model is one layer
 * here, and those in it have a path: "encoder/conv2d_1". */
CLAYER_API size_t clayer_model_get_layer_count(const clayer_model *model);
CLAYER_API clayer_layer *clayer_model_get_layer(const clayer_model *model, size_t index);
CLAYER_API clayer_layer *clayer_model_find_layer(const clayer_model *model, const char *name);
/* The model that a layer is; NULL for any other layer. Borrowed from the layer. */
CLAYER_API clayer_model *clayer_layer_get_nested(const clayer_layer *layer);

typedef enum clayer_summary_style { CLAYER_SUMMARY_KERAS2 = 0, CLAYER_SUMMARY_KERAS3 } clayer_summary_style;

/* Called with each line of a summary, without its newline; `line` is valid during the call. */
typedef void clayer_print_callback(const char *line, void *data);

typedef struct clayer_summary_config {
    size_t struct_size;
    clayer_summary_style style;
    int line_length;    /* 0: Keras' default */
    bool expand_nested; /* show the layers of nested models below them */
} clayer_summary_config;

/* Prints Keras' table of layers, output shapes and parameters, byte for byte as model.summary() of that generation
 * prints it to a plain (not interactive) output of 80 columns. A model built in C prints as Sequential if every layer
 * was added to "the last one" by NULL, else as functional; a loaded one as it was saved. config NULL: defaults. */
CLAYER_API clayer_status clayer_model_summary(clayer_model *model, const clayer_summary_config *config,
                                              clayer_print_callback *print, void *data);

typedef struct clayer_dot_config {
    size_t struct_size;
    const char *rankdir; /* where the arrows go: "TB" (NULL), "LR", "BT" or "RL" */
    bool expand_nested;  /* draw the layers of nested models, in a frame */
    bool hide_shapes;
} clayer_dot_config;

/* Draws the model as a graph in the DOT language, which Graphviz and others render: what Keras' model_to_dot draws. The
 * text goes to `print` line by line. config NULL: defaults. */
CLAYER_API clayer_status clayer_model_to_dot(clayer_model *model, const clayer_dot_config *config,
                                             clayer_print_callback *print, void *data);

/* Device memory needed to run, known before running: what the model holds itself, without the tensors that are passed
 * to clayer_model_run. */
typedef struct clayer_model_plan {
    uint64_t weight_bytes;         /* of weights and of numbers that layers keep on the device */
    uint64_t activation_bytes;     /* buffers between layers, shared by lifetime */
    uint64_t activation_sum_bytes; /* what they would take unshared */
    uint64_t workspace_bytes;      /* scratch memory within layers, shared by all */
    uint64_t folded_bytes;         /* what convolutions take of BatchNormalizations beside them */
    uint64_t total_bytes;          /* weights + activations + workspace + folded */
    /* How many layers are computed by their neighbour, by kind: see clayer_fusion. For a Concatenate it is the inputs
     * that are written straight into its output. */
    size_t fused_batch_normalizations, fused_activations, fused_paddings, fused_croppings, fused_inputs;
} clayer_model_plan;

/* The plan for concrete input shapes (one a model input, batch in front). input_shapes NULL: the model's own shapes
 * with a batch of `batch_size`; a dimension that stays unknown is CLAYER_INVALID_SHAPE. */
CLAYER_API clayer_status clayer_model_get_plan(clayer_model *model, const clayer_shape *input_shapes,
                                               int64_t batch_size, clayer_model_plan *plan_out);

/* What one layer of a model takes for one batch, summed over its calls. */
typedef struct clayer_layer_costs {
    const char *path; /* its name, within nested models "encoder/conv2d_1"; valid during the call */
    const clayer_layer *layer;
    size_t calls;
    clayer_shape output;   /* of the first call, with the batch */
    uint64_t output_bytes; /* of all outputs: what they would take if none shared memory */
    uint64_t weight_bytes;
    /* Of convolutions and Dense, as papers count them: each output of a convolution takes kernel volume times input
     * channels / groups, the padding's zeros included, and each input of a transposed one likewise. Biases,
     * activations, normalisations, pooling, resizing and arithmetic are not counted. */
    uint64_t multiply_adds;
} clayer_layer_costs;

/* Called for each layer that the outputs need, those of nested models included and inputs not, in the order in which
 * they run first. */
typedef void clayer_costs_callback(const clayer_layer_costs *costs, void *data);

/* The costs of predicting one batch; shapes as for clayer_model_get_plan. */
CLAYER_API clayer_status clayer_model_get_costs(clayer_model *model, const clayer_shape *input_shapes,
                                                int64_t batch_size, clayer_costs_callback *callback, void *data);

/* Device memory needed to train, known before the first step: what the model, its gradients and its optimizer hold. */
typedef struct clayer_training_plan {
    uint64_t weight_bytes;         /* as in clayer_model_plan */
    uint64_t gradient_bytes;       /* of the trainable weights */
    uint64_t optimizer_bytes;      /* slots; 0 before clayer_model_compile */
    uint64_t activation_bytes;     /* outputs, what layers keep for the backward pass, and gradients of outputs, shared
                                      by lifetime */
    uint64_t activation_sum_bytes; /* what they would take unshared */
    uint64_t workspace_bytes;      /* scratch memory within layers, shared by all */
    uint64_t total_bytes;
} clayer_training_plan;

/* As clayer_model_get_plan, for one step of training. */
CLAYER_API clayer_status clayer_model_get_training_plan(clayer_model *model, const clayer_shape *input_shapes,
                                                        int64_t batch_size, clayer_training_plan *plan_out);

/* ---- running ---- */

/* What a model may have computed by a neighbouring layer when it predicts (never when it trains): the results are the
 * same but for rounding, and exactly the same where values only move. */
typedef enum clayer_fusion {
    CLAYER_FUSE_BATCH_NORMALIZATION = 1, /* as the last step of the convolution or Dense before it, to the bit; else in
                                            kernel and bias of the one behind it */
    CLAYER_FUSE_ACTIVATION = 2,          /* as the last step of the layer before */
    CLAYER_FUSE_PADDING = 4,             /* ZeroPadding, by the window of the convolution or pooling behind it */
    CLAYER_FUSE_CROPPING = 8,            /* Cropping, by that before or behind it */
    CLAYER_FUSE_CONCATENATE = 16,        /* its inputs are written in their places of its output at once */
    CLAYER_FUSE_ALL = 31
} clayer_fusion;

/* Which of them are used: clayer_fusion values or'ed, 0 for none. All of them are to begin with. */
CLAYER_API clayer_status clayer_model_set_fusion(clayer_model *model, unsigned set);

/* Called after each batch with the samples done; return false to stop (the call then fails). */
typedef bool clayer_progress_callback(int64_t done, int64_t total, void *data);

typedef struct clayer_predict_config {
    size_t struct_size;
    int64_t batch_size; /* 0: 32 */
    clayer_progress_callback *progress;
    void *progress_data;
} clayer_predict_config;

/* Runs the model on host arrays (any numeric type, converted to float32), one a model input, with the same number of
 * samples in front; outputs_out[i] is a new float32 array to destroy, for each model output. config NULL: defaults. */
CLAYER_API clayer_status clayer_model_predict(clayer_model *model, clayer_array *const *inputs, size_t input_count,
                                              const clayer_predict_config *config, clayer_array **outputs_out);

/* The same on device tensors of the caller, one batch. Returns when the work is enqueued. */
CLAYER_API clayer_status clayer_model_run(clayer_model *model, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *const *outputs, size_t output_count);

/* Called after each call of a layer, in the order in which they run, with the layer's path ("encoder/conv2d_1" within
 * nested models), which of its calls it is (0 for the first), and the `count` values of its output. `path`, `shape` and
 * `values` are valid during the call. */
typedef void clayer_observe_callback(const char *path, size_t call, const clayer_shape *shape, const float *values,
                                     int64_t count, void *data);

/* From now on every run and prediction shows what each layer gave, with all fusions off: slow, for checks against
 * another implementation layer by layer. callback NULL: no more. */
CLAYER_API clayer_status clayer_model_observe(clayer_model *model, clayer_observe_callback *callback, void *data);

CLAYER_END_DECLS

#endif
