/* clayer/layers.h: the parameters of every layer, and a layer used on its own, without a model.
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
#include <clayer/export.h>
#include <clayer/status.h>
#include <clayer/tensor.h>

CLAYER_BEGIN_DECLS

/* ---- the 17 convolutional layers ---- */

/* Conv1D, Conv2D, Conv3D: (N, spatial..., C) -> (N, out..., filters), C and filters multiples of groups. */
typedef struct clayer_conv_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t filters;        /* required, > 0 */
    int64_t kernel_size[3]; /* required, > 0 */
    int64_t strides[3];     /* 1; not together with dilation_rate != 1 */
    const char *padding;
    const char *data_format;
    int64_t dilation_rate[3]; /* 1 */
    int64_t groups;           /* 1 */
    const char *activation;
    bool no_bias;
    const char *kernel_initializer; /* "glorot_uniform" */
    const char *bias_initializer;   /* "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *kernel_constraint;
    const char *bias_constraint;
} clayer_conv_config;

/* Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: the gradient of the convolution with the same parameters with
 * respect to its input. Conv3DTranspose takes no dilation_rate. */
typedef struct clayer_conv_transpose_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t filters;
    int64_t kernel_size[3];
    int64_t strides[3];
    const char *padding; /* "valid" or "same" */
    bool has_output_padding; /* false: Keras' None, the output size is chosen so that shapes map back */
    int64_t output_padding[3]; /* one an axis, >= 0 and below its stride; looked at if has_output_padding */
    const char *data_format;
    int64_t dilation_rate[3];
    const char *activation;
    bool no_bias;
    const char *kernel_initializer; /* "glorot_uniform" */
    const char *bias_initializer;   /* "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *kernel_constraint;
    const char *bias_constraint;
} clayer_conv_transpose_config;

/* SeparableConv1D, SeparableConv2D: depthwise, then 1x1 pointwise, then bias and activation. */
typedef struct clayer_separable_conv_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t filters;
    int64_t kernel_size[3];
    int64_t strides[3];
    const char *padding;
    const char *data_format;
    int64_t dilation_rate[3];
    int64_t depth_multiplier; /* 1 */
    const char *activation;
    bool no_bias;
    const char *depthwise_initializer; /* "glorot_uniform" */
    const char *pointwise_initializer; /* "glorot_uniform" */
    const char *bias_initializer;      /* "zeros" */
    const char *depthwise_regularizer;
    const char *pointwise_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *depthwise_constraint;
    const char *pointwise_constraint;
    const char *bias_constraint;
} clayer_separable_conv_config;

/* DepthwiseConv1D, DepthwiseConv2D: (N, spatial..., C) -> (N, out..., C * depth_multiplier); output channel c * m + j
 * is filter j of input channel c. */
typedef struct clayer_depthwise_conv_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t kernel_size[3];
    int64_t strides[3];
    const char *padding;
    int64_t depth_multiplier; /* 1 */
    const char *data_format;
    int64_t dilation_rate[3];
    const char *activation;
    bool no_bias;
    const char *depthwise_initializer; /* "glorot_uniform" */
    const char *bias_initializer;      /* "zeros" */
    const char *depthwise_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *depthwise_constraint;
    const char *bias_constraint;
} clayer_depthwise_conv_config;

/* Cropping1D, Cropping2D, Cropping3D: removes cropping[axis][0] before and [1] after. */
typedef struct clayer_cropping_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_cropping; /* false: Keras' default, (1, 1) in 1D and 3D, 0 in 2D */
    int64_t cropping[3][2];
    const char *data_format; /* 2D and 3D */
} clayer_cropping_config;

/* ZeroPadding1D, ZeroPadding2D, ZeroPadding3D: adds padding[axis][0] zeros before and [1] after. */
typedef struct clayer_zero_padding_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_padding; /* false: Keras' default, 1 on every side */
    int64_t padding[3][2];
    const char *data_format; /* 2D and 3D */
} clayer_zero_padding_config;

/* UpSampling1D, UpSampling2D, UpSampling3D: repeats every value, or in 2D interpolates (half-pixel centres, no
 * antialiasing). */
typedef struct clayer_up_sampling_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t size[3]; /* 2 */
    const char *data_format;   /* 2D and 3D */
    const char *interpolation; /* 2D: "nearest" (default), "bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian",
                                  "mitchellcubic", "area" */
} clayer_up_sampling_config;

/* ---- layers that stand beside them in models ---- */

/* Dense: on the last axis, (..., C) -> (..., units). */
typedef struct clayer_dense_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t units;
    const char *activation;
    bool no_bias;
    const char *kernel_initializer; /* "glorot_uniform" */
    const char *bias_initializer;   /* "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *kernel_constraint;
    const char *bias_constraint;
} clayer_dense_config;

/* Flatten: (N, ...) -> (N, product). With channels_first the channels move last before, as in Keras. */
typedef struct clayer_flatten_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const char *data_format;
} clayer_flatten_config;

/* Reshape: target_shape without the batch; one dimension may be -1. */
typedef struct clayer_reshape_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    clayer_shape target_shape;
} clayer_reshape_config;

/* Activation. */
typedef struct clayer_activation_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const char *activation; /* required */
    const char *activity_regularizer;
} clayer_activation_config;

/* ReLU: max_value where x >= max_value, x where threshold <= x, else negative_slope * (x - threshold). */
typedef struct clayer_relu_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_max_value;
    double max_value;
    double negative_slope;
    double threshold;
} clayer_relu_config;

/* LeakyReLU: x where x >= 0, else negative_slope * x (Keras 2 calls it alpha). */
typedef struct clayer_leaky_relu_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_negative_slope; /* false: 0.3 */
    double negative_slope;
} clayer_leaky_relu_config;

/* PReLU: x where x > 0, else alpha * x, with a trained alpha for each place behind the batch; for all of an axis one
 * where shared_axes names it, counted from 1 behind the batch. Other axes must have a known size. */
typedef struct clayer_prelu_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const char *alpha_initializer; /* "zeros" */
    const char *alpha_regularizer;
    const char *alpha_constraint;
    clayer_shape shared_axes; /* rank 0: none */
} clayer_prelu_config;

/* ELU: x where x > 0, else alpha * (exp(x) - 1). */
typedef struct clayer_elu_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_alpha; /* false: 1 */
    double alpha;
} clayer_elu_config;

/* ThresholdedReLU: x where x > theta, else 0. Of Keras 2 alone: a file of Keras 3 cannot hold it. */
typedef struct clayer_thresholded_relu_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_theta; /* false: 1 */
    double theta;
} clayer_thresholded_relu_config;

/* Softmax over one axis or several together. */
typedef struct clayer_softmax_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
    clayer_shape axes; /* several axes in place of `axis` */
} clayer_softmax_config;

/* Dropout: the identity outside training. In training a share `rate` of the values becomes 0 and the others are
 * multiplied by 1 / (1 - rate); one draw serves for all of an axis where noise_shape has a 1. */
typedef struct clayer_dropout_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double rate; /* 0 <= rate <= 1 */
    bool has_seed;
    int64_t seed;
    clayer_shape noise_shape; /* rank 0: Keras' None */
} clayer_dropout_config;

/* SpatialDropout1D, SpatialDropout2D, SpatialDropout3D: Dropout of whole channels. */
typedef struct clayer_spatial_dropout_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double rate; /* 0 <= rate <= 1 */
    bool has_seed;
    int64_t seed;
    const char *data_format; /* 2D and 3D */
} clayer_spatial_dropout_config;

/* AlphaDropout, which takes a clayer_dropout_config: in training a share `rate` of the values is set to the lower limit
 * of selu, and all are then scaled and moved so that a mean of 0 and a variance of 1 stay. rate < 1 in training. */

/* GaussianDropout: in training each value is multiplied by a normal number of mean 1 and variance rate / (1 - rate). */
typedef struct clayer_gaussian_dropout_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double rate; /* 0 <= rate <= 1; in training below 1 */
    bool has_seed;
    int64_t seed;
} clayer_gaussian_dropout_config;

/* GaussianNoise: in training a normal number of mean 0 is added to each value. */
typedef struct clayer_gaussian_noise_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double stddev; /* at least 0; Keras 3 itself takes at most 1 */
    bool has_seed;
    int64_t seed;
} clayer_gaussian_noise_config;

/* ActivityRegularization: the values as they are; l1 * sum |x| + l2 * sum x^2, over the batch's size, joins the
 * loss. */
typedef struct clayer_activity_regularization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double l1;
    double l2;
} clayer_activity_regularization_config;

/* Permute: axis i of the output is axis dims[i - 1] of the input, both counted from 1 behind the batch. */
typedef struct clayer_permute_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    clayer_shape dims;
} clayer_permute_config;

/* RepeatVector: (N, C) -> (N, n, C). */
typedef struct clayer_repeat_vector_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t n; /* required, > 0 */
} clayer_repeat_vector_config;

/* Embedding: (N, ...) -> (N, ..., output_dim), row x of a table for each number x; fractions are cut off. Numbers from
 * 0 to input_dim - 1 (in layers made in C and files of Keras 3 also from -input_dim, counted from the end): others make
 * clayer_model_predict and the functions of train.h fail where the numbers are an input of the model, else the row is
 * NaN. */
typedef struct clayer_embedding_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t input_dim;  /* required, from 1 to 2^24: numbers are float32 */
    int64_t output_dim; /* required */
    const char *embeddings_initializer; /* "random_uniform" */
    const char *embeddings_regularizer;
    const char *activity_regularizer;
    const char *embeddings_constraint;
    bool mask_zero;            /* the number 0 is a step that does not count for what follows */
    clayer_shape input_length; /* Keras 2: the axes behind the batch; rank 0: None */
} clayer_embedding_config;

/* Masking: steps (rows of the last axis) that are mask_value throughout become 0 and do not count for what follows. */
typedef struct clayer_masking_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double mask_value;
} clayer_masking_config;

/* BatchNormalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, in training with the batch's own mean and
 * variance, which move the moving statistics; else, and with not_trainable, with the moving statistics. The weights
 * have one element for each position on the axis; for several axes (Keras 2) the input's rank, with ones on the others.
 */
typedef struct clayer_batch_normalization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
    double momentum; /* 0.99; -0.0 for an explicit 0 */
    double epsilon;  /* 1e-3; -0.0 for an explicit 0 */
    bool no_center;
    bool no_scale;
    const char *beta_initializer;            /* "zeros" */
    const char *gamma_initializer;           /* "ones" */
    const char *moving_mean_initializer;     /* "zeros" */
    const char *moving_variance_initializer; /* "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
    clayer_shape axes; /* several axes in place of `axis` */
} clayer_batch_normalization_config;

/* LayerNormalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta with the mean and variance over the axes,
 * for each position on the others. gamma and beta have the axes' sizes. */
typedef struct clayer_layer_normalization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
    clayer_shape axes; /* several axes in place of `axis` */
    double epsilon;    /* 1e-3; -0.0 for an explicit 0 */
    bool no_center;
    bool no_scale;
    bool rms_scaling;              /* Keras 3, deprecated there: gamma * x / sqrt(variance + epsilon), no beta */
    const char *beta_initializer;  /* "zeros" */
    const char *gamma_initializer; /* "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
} clayer_layer_normalization_config;

/* GroupNormalization: as LayerNormalization, over everything of one sample that belongs to a group of channels; gamma
 * and beta have one element a channel. */
typedef struct clayer_group_normalization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t groups; /* 32; -1: a group for each channel */
    bool has_axis;  /* false: -1, the last; that of the channels */
    int64_t axis;
    double epsilon; /* 1e-3; -0.0 for an explicit 0 */
    bool no_center;
    bool no_scale;
    const char *beta_initializer;  /* "zeros" */
    const char *gamma_initializer; /* "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
} clayer_group_normalization_config;

/* UnitNormalization: x over the root of its sum of squares over the axes. */
typedef struct clayer_unit_normalization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
    clayer_shape axes; /* several axes in place of `axis` */
} clayer_unit_normalization_config;

/* Rescaling: scale * x + offset, each one number or as many as the last axis has positions. */
typedef struct clayer_rescaling_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const double *scale; /* required; scale_count numbers, copied */
    size_t scale_count;
    const double *offset; /* NULL: 0 */
    size_t offset_count;
} clayer_rescaling_config;

/* Normalization: (x - mean) / sqrt(variance), with a mean and variance for each position on the axes; the root is at
 * least 1e-7. Without numbers here they are weights, as Keras' adapt() leaves them, with a third one that counts the
 * samples. */
typedef struct clayer_normalization_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
    clayer_shape axes;  /* several axes in place of `axis` */
    bool no_axis;       /* Keras' axis=None: one mean and variance for all */
    bool invert;        /* sqrt(variance) * x + mean */
    const double *mean; /* mean_count numbers, copied: one, or one for each position; NULL: weights */
    size_t mean_count;
    const double *variance; /* as many */
    size_t variance_count;
} clayer_normalization_config;

/* Resizing: images (N, rows, cols, C) to height x width by tf.image.resize (half-pixel centres). */
typedef struct clayer_resizing_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t height, width; /* required, > 0 */
    const char *interpolation; /* "bilinear" (default), "nearest", "bicubic", "lanczos3", "lanczos5", "gaussian",
                                  "mitchellcubic", "area" */
    bool crop_to_aspect_ratio; /* the middle that has the target's ratio is resized */
    bool pad_to_aspect_ratio;  /* so much is added that the ratio is the target's */
    const char *fill_mode;     /* "constant" */
    double fill_value;         /* of what is added */
    bool antialias;            /* the filter is widened where images shrink */
    const char *data_format;
} clayer_resizing_config;

/* CenterCrop: the middle of height x width; of an image that is smaller in either direction the middle with that ratio,
 * resized. */
typedef struct clayer_center_crop_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t height, width; /* required, > 0 */
    const char *data_format;
} clayer_center_crop_config;

/* MaxPooling1D-3D, AveragePooling1D-3D ("same" averages only what lies inside). */
typedef struct clayer_pooling_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    int64_t pool_size[3]; /* 2 */
    int64_t strides[3];   /* pool_size */
    const char *padding;
    const char *data_format;
} clayer_pooling_config;

/* GlobalMaxPooling1D-3D, GlobalAveragePooling1D-3D. */
typedef struct clayer_global_pooling_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    const char *data_format;
    bool keepdims;
} clayer_global_pooling_config;

/* Add, Multiply, Average, Maximum, Minimum of any number of inputs, Subtract of two: element by element. Dimensions of
 * 1 repeat, and an input of fewer axes gets ones behind its batch, which must be equal. */
typedef struct clayer_add_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
} clayer_add_config;
typedef clayer_add_config clayer_subtract_config;
typedef clayer_add_config clayer_multiply_config;
typedef clayer_add_config clayer_average_config;
typedef clayer_add_config clayer_maximum_config;
typedef clayer_add_config clayer_minimum_config;

/* Dot: sums of products of two inputs over one axis of each: (N, a..., K) and (N, b..., K) give (N, a..., b...), or
 * (N, 1). */
typedef struct clayer_dot_layer_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    clayer_shape axes; /* required: one for both inputs or two; negative ones count from the end, 0 is the batch */
    bool normalize;    /* vectors are scaled to length 1 before */
} clayer_dot_layer_config;

/* CustomScaleLayer of keras.applications' InceptionResNetV2: the first of two inputs plus `scale` times the second. */
typedef struct clayer_custom_scale_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_scale; /* false: 1 */
    double scale;
} clayer_custom_scale_config;

/* LayerScale of keras.applications' ConvNeXt: the input times a weight for each of its last axis' projection_dim
 * elements. */
typedef struct clayer_layer_scale_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double init_values;     /* what the weight begins as; 0 is -0.0 here: 1e-6 */
    int64_t projection_dim; /* required, > 0 */
} clayer_layer_scale_config;

/* StochasticDepth of the same: in training a sample is 0 with this probability and else divided by 1 - drop_path_rate.
 */
typedef struct clayer_stochastic_depth_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    double drop_path_rate; /* 0 to 1 */
} clayer_stochastic_depth_config;

/* Concatenate along one axis. */
typedef struct clayer_concatenate_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    bool has_axis; /* false: -1, the last */
    int64_t axis;
} clayer_concatenate_config;

/* ---- one layer on its own ---- */

typedef struct clayer_layer clayer_layer;

/* Makes a layer of Keras' class name ("Conv2D"); `config` points to the struct of that class above. Every argument
 * that can be wrong by itself is refused here, before any device work, with a message that names layer, argument,
 * value and limit. Destroy the layer after use; a model it was added to keeps it alive. */
CLAYER_API clayer_status clayer_layer_create(clayer_context *context, const char *class_name, const void *config,
                                             clayer_layer **layer_out);
CLAYER_API void clayer_layer_destroy(clayer_layer *layer);

/* "conv2d_1" and "Conv2D". Borrowed. */
CLAYER_API const char *clayer_layer_get_name(const clayer_layer *layer);
CLAYER_API const char *clayer_layer_get_class_name(const clayer_layer *layer);

/* The output shape for inputs of these shapes, unknown dimensions (-1) included. Errors: CLAYER_INVALID_SHAPE. */
CLAYER_API clayer_status clayer_layer_get_output_shape(const clayer_layer *layer, const clayer_shape *inputs,
                                                       size_t input_count, clayer_shape *output_out);

/* Creates the weights for inputs of these shapes and initialises them; a second call with the same channels does
 * nothing. Dimensions that weights depend on must be known. */
CLAYER_API clayer_status clayer_layer_build(clayer_layer *layer, const clayer_shape *inputs, size_t input_count);

/* Weights in Keras' order, borrowed; write them with clayer_tensor_write. None before clayer_layer_build. */
CLAYER_API size_t clayer_layer_get_weight_count(const clayer_layer *layer);
CLAYER_API clayer_tensor *clayer_layer_get_weight(const clayer_layer *layer, size_t index); /* NULL out of range */
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
