/* clayer/layers.h: the parameters of every layer (conv_layers.h, model_layers.h, image_layers.h), and a layer used on
 * its own, without a model.
 *
 * Parameters have Keras' names and meanings. A config struct begins with `size_t struct_size` (set it to sizeof the
 * struct); a zero in any other field means Keras' default, so a field whose zero would be another legal value says so
 * in its name (`no_bias`, `has_output_padding`). Strings and arrays are copied.
 *
 *  - Axis order is dim1, dim2, dim3 (depth, rows, cols); a layer of rank r looks at the first r entries. Sizes
 *    (kernel_size, strides, ...) take one value for all axes or one each: {3} is Keras' integer 3, {3, 5} a tuple.
 *  - data_format: "channels_last" (N, spatial..., C) or "channels_first" (N, C, spatial...). NULL: image_data_format
 *    of $KERAS_HOME/keras.json or ~/.keras/keras.json, else channels_last.
 *  - padding: "valid", "same"; Conv1D and SeparableConv1D also "causal". NULL: "valid".
 *  - activation, initializer, regularizer, constraint: a name with optional arguments, Keras' names in either spelling:
 *    "relu", "leaky_relu(negative_slope=0.1)", "RandomNormal(stddev=0.02, seed=7)", "l1_l2(l1=0.01, l2=0.02)",
 *    "max_norm(2, axis=[0, 1, 2])". NULL: Keras' default of that layer (for an activation "linear").
 *    An activation name means what Keras 3 means by it; "keras2_hard_sigmoid" is the older one.
 *  - not_trainable: Keras' trainable=False. name: NULL gives Keras' automatic name, such as "conv2d_1",
 *    once the layer is in a model; a layer alone is then "conv2d".
 *
 * Weights are stored as Keras stores them: convolution kernel (k..., C_in / groups, filters), transposed
 * (k..., filters, C_in), depthwise (k..., C_in, depth_multiplier), separable 1D pointwise (1, C_in * m, filters). */
#ifndef CLAYER_LAYERS_H
#define CLAYER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/context.h>
#include <clayer/conv_layers.h>
#include <clayer/export.h>
#include <clayer/image_layers.h>
#include <clayer/model_layers.h>
#include <clayer/status.h>
#include <clayer/tensor.h>

CLAYER_BEGIN_DECLS

/* ---- one layer on its own ---- */

typedef struct clayer_layer clayer_layer;

/* Makes a layer of Keras' class name ("Conv2D"); `config` points to the struct of that class above. Every argument
 * that can be wrong by itself is refused here, before any device work, with a message that names layer, argument,
 * value and limit. Destroy the layer after use; a model it was added to keeps it alive. */
CLAYER_API clayer_status clayer_layer_create(clayer_context *context, const char *class_name, const void *config,
                                             clayer_layer **layer_out);
CLAYER_API void clayer_layer_destroy(clayer_layer *layer);

/* Makes the layer what Keras calls TimeDistributed of it: applied to every step of axis 1 of an input (N, T, ...), with
 * the same weights. `name` is that of the TimeDistributed (NULL: automatic); the layer's own stays for files. Call it
 * before the layer is built or added. Errors: CLAYER_UNSUPPORTED for merges and layers that make masks; for models
 * there is clayer_model_add_distributed. In training a BatchNormalization of Keras 3 takes each step by itself. Source:
 * keras.layers.TimeDistributed. */
CLAYER_API clayer_status clayer_layer_distribute(clayer_layer *layer, const char *name);

/* "conv2d_1" and "Conv2D". Borrowed. */
CLAYER_API const char *clayer_layer_get_name(const clayer_layer *layer);
CLAYER_API const char *clayer_layer_get_class_name(const clayer_layer *layer);

/* The output shape for inputs of these shapes, unknown dimensions (-1) included; in training, where that is set, which
 * matters to RandomCrop. Errors: CLAYER_INVALID_SHAPE. */
CLAYER_API clayer_status clayer_layer_get_output_shape(const clayer_layer *layer, const clayer_shape *inputs,
                                                       size_t input_count, clayer_shape *output_out);

/* Creates the weights for inputs of these shapes and initialises them; a second call with the same channels does
 * nothing. Dimensions that weights depend on must be known. */
CLAYER_API clayer_status clayer_layer_build(clayer_layer *layer, const clayer_shape *inputs, size_t input_count);

/* Weights in Keras' order, borrowed; write them with clayer_tensor_write. None before clayer_layer_build. */
CLAYER_API size_t clayer_layer_get_weight_count(const clayer_layer *layer);
CLAYER_API clayer_tensor *clayer_layer_get_weight(const clayer_layer *layer, size_t index);   /* NULL out of range */
CLAYER_API const char *clayer_layer_get_weight_name(const clayer_layer *layer, size_t index); /* "kernel" */
CLAYER_API bool clayer_layer_is_weight_trainable(const clayer_layer *layer, size_t index);

/* Keras' layer.trainable, which at first is what the config says. Frozen, no weight moves, and BatchNormalization runs
 * on its moving statistics. Takes effect at the next pass of training. */
CLAYER_API void clayer_layer_set_trainable(clayer_layer *layer, bool trainable);
CLAYER_API bool clayer_layer_is_trainable(const clayer_layer *layer);

/* Runs the layer, in inference unless clayer_layer_set_training says otherwise, building it first if need be; `output`
 * must have the shape that clayer_layer_get_output_shape gives and share no memory with an input. Returns when the work
 * is enqueued: reading the output waits for it. */
CLAYER_API clayer_status clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                              clayer_tensor *output);

/* Training, which is off at first. While it is on, forward passes are those of Keras' training=True (Dropout drops,
 * BatchNormalization takes the batch's statistics and moves its own), they keep what a backward pass needs, and
 * clayer_layer_backward may follow; the memory for that is given back when it is turned off. */
CLAYER_API clayer_status clayer_layer_set_training(clayer_layer *layer, bool training);

/* The gradients of a number L that depends on the output, from its gradient dL/d output: with respect to input i into
 * input_gradients[i], of the input's shape, and with respect to every trainable weight into
 * clayer_layer_get_weight_gradient; both are overwritten, not added to. Regularizers play no part.
 *
 * The last clayer_layer_forward must have run in training on these inputs and this output, whose values are still
 * theirs; several backward passes may follow one forward pass. input_gradients, or entries of it, may be NULL where
 * none is wanted; what it names shares memory with none of the other tensors. The same values give the same bits in
 * every run on one device. Returns when the work is enqueued. Errors: CLAYER_INVALID_ARGUMENT (no such forward pass,
 * shared memory, another context), CLAYER_INVALID_SHAPE, CLAYER_OUT_OF_MEMORY. */
CLAYER_API clayer_status clayer_layer_backward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                               clayer_tensor *output, clayer_tensor *output_gradient,
                                               clayer_tensor *const *input_gradients);

/* What the last backward pass left for weight `index`, of the weight's shape. Borrowed, until training is turned off.
 * NULL out of range, where the weight is not trainable, and before the first backward pass. */
CLAYER_API clayer_tensor *clayer_layer_get_weight_gradient(const clayer_layer *layer, size_t index);

/* What the last run of a layer, forward or backward, did. Strings are static or borrowed from the layer. */
typedef struct clayer_layer_profile {
    const char *operator_name;  /* the heaviest operator of the layer: "conv"; "" if it only passes data on */
    const char *implementation; /* "im2col" */
    uint64_t workspace_bytes;
    double device_ms; /* from events; negative if the context was made without profiling */
} clayer_layer_profile;

/* Copies the profile of the last run; with profiling it waits for that run. */
CLAYER_API clayer_status clayer_layer_get_profile(clayer_layer *layer, clayer_layer_profile *profile_out);

CLAYER_END_DECLS

#endif
