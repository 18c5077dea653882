/* clayer/model_layers.h: the parameters of the layers that stand beside the convolutional ones in models. What all
 * layers share stands in layers.h, which takes this header. */
#ifndef CLAYER_MODEL_LAYERS_H
#define CLAYER_MODEL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/tensor.h>

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

/* Identity: the values as they are. */
typedef struct clayer_identity_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
} clayer_identity_config;

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

#endif
