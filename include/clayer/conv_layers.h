/* clayer/conv_layers.h: the parameters of the 17 convolutional layers. What all layers share stands in layers.h, which
 * takes this header. */
#ifndef CLAYER_CONV_LAYERS_H
#define CLAYER_CONV_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/tensor.h>

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

#endif
