/* layers/test_refusals.c: what Keras refuses is refused with a sentence that names the layer, the argument and the
 * value; beside them the same arguments one step on the good side, so that nothing is refused wholesale. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/runner.h"

#define CONV(...)                                              \
    &(clayer_conv_config) {                                    \
        .struct_size = sizeof(clayer_conv_config), __VA_ARGS__ \
    }
#define TRANSPOSE(...)                                                   \
    &(clayer_conv_transpose_config) {                                    \
        .struct_size = sizeof(clayer_conv_transpose_config), __VA_ARGS__ \
    }
#define SEPARABLE(...)                                                   \
    &(clayer_separable_conv_config) {                                    \
        .struct_size = sizeof(clayer_separable_conv_config), __VA_ARGS__ \
    }
#define DEPTHWISE(...)                                                   \
    &(clayer_depthwise_conv_config) {                                    \
        .struct_size = sizeof(clayer_depthwise_conv_config), __VA_ARGS__ \
    }
#define CROP(...)                                                  \
    &(clayer_cropping_config) {                                    \
        .struct_size = sizeof(clayer_cropping_config), __VA_ARGS__ \
    }
#define PAD(...)                                                       \
    &(clayer_zero_padding_config) {                                    \
        .struct_size = sizeof(clayer_zero_padding_config), __VA_ARGS__ \
    }
#define UP(...)                                                       \
    &(clayer_up_sampling_config) {                                    \
        .struct_size = sizeof(clayer_up_sampling_config), __VA_ARGS__ \
    }
#define DENSE(...)                                              \
    &(clayer_dense_config) {                                    \
        .struct_size = sizeof(clayer_dense_config), __VA_ARGS__ \
    }
#define RESHAPE(...)                                              \
    &(clayer_reshape_config) {                                    \
        .struct_size = sizeof(clayer_reshape_config), __VA_ARGS__ \
    }
#define POOL(...)                                                 \
    &(clayer_pooling_config) {                                    \
        .struct_size = sizeof(clayer_pooling_config), __VA_ARGS__ \
    }
#define RELU(...)                                              \
    &(clayer_relu_config) {                                    \
        .struct_size = sizeof(clayer_relu_config), __VA_ARGS__ \
    }
#define SOFTMAX(...)                                              \
    &(clayer_softmax_config) {                                    \
        .struct_size = sizeof(clayer_softmax_config), __VA_ARGS__ \
    }
#define DROPOUT(...)                                              \
    &(clayer_dropout_config) {                                    \
        .struct_size = sizeof(clayer_dropout_config), __VA_ARGS__ \
    }
#define NORM(...)                                                             \
    &(clayer_batch_normalization_config) {                                    \
        .struct_size = sizeof(clayer_batch_normalization_config), __VA_ARGS__ \
    }
#define ACTIVATION(...)                                              \
    &(clayer_activation_config) {                                    \
        .struct_size = sizeof(clayer_activation_config), __VA_ARGS__ \
    }
#define CONCATENATE(...)                                              \
    &(clayer_concatenate_config) {                                    \
        .struct_size = sizeof(clayer_concatenate_config), __VA_ARGS__ \
    }
#define ADD                                      \
    &(clayer_add_config) {                       \
        .struct_size = sizeof(clayer_add_config) \
    }
#define SHAPE(...) .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = {__VA_ARGS__}
/* The user's own keras.json must not decide what is tested. */
#define NO_KERAS_HOME "/nonexistent"
#define BIG ((int64_t)INT32_MAX)

typedef struct row {
    const char *class_name;
    const void *config;
    clayer_shape input;
    const char *wanted; /* a part of the sentence; NULL: it is accepted */
    clayer_status status;
} row;

/* ---- refused when the layer is made ---- */

static const row arguments[] = {
    {"Conv4D", CONV(.filters = 1), {0}, "'Conv4D'", CLAYER_INVALID_ARGUMENT},
    {"InputLayer", ADD, {0}, "'InputLayer'", CLAYER_INVALID_ARGUMENT},
    {"Conv2D", NULL, {0}, "Conv2D: filters is required", CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = 4, .name = "c"), {0}, "Conv2D 'c': kernel_size is required", CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = -3, .kernel_size = {3}), {0}, "filters is -3, must be from 1", CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = BIG + 1, .kernel_size = {3}),
     {0},
     "filters is 2147483648, must be from 1 to 2147483647",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {-3}), {0}, "kernel_size is -3", CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {3, -1}), {0}, "kernel_size is -1", CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {0, 3}),
     {0},
     "kernel_size is 0 on the first axis",
     CLAYER_INVALID_ARGUMENT},
    {"Conv3D",
     CONV(.filters = 4, .kernel_size = {3, 5}),
     {0},
     "kernel_size has 2 values, must have 1 for all axes or 3",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {3}, .strides = {-1}), {0}, "strides is -1", CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .dilation_rate = {1, -2}),
     {0},
     "dilation_rate is -2",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .padding = "full"),
     {0},
     "padding is 'full', must be one of valid, same",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .padding = "causal"),
     {0},
     "padding is 'causal'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv3D",
     CONV(.filters = 4, .kernel_size = {3}, .padding = "causal"),
     {0},
     "padding is 'causal'",
     CLAYER_INVALID_ARGUMENT},
    {"SeparableConv2D",
     SEPARABLE(.filters = 4, .kernel_size = {3}, .padding = "causal"),
     {0},
     "padding is 'causal'",
     CLAYER_INVALID_ARGUMENT},
    {"DepthwiseConv1D",
     DEPTHWISE(.kernel_size = {3}, .padding = "causal"),
     {0},
     "padding is 'causal'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv1DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .padding = "causal"),
     {0},
     "padding is 'causal'",
     CLAYER_INVALID_ARGUMENT},
    {"MaxPooling1D", POOL(.padding = "causal"), {0}, "padding is 'causal'", CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .data_format = "NHWC"),
     {0},
     "data_format is 'NHWC', must be one of channels_last, channels_first",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .strides = {2}, .dilation_rate = {2}),
     {0},
     "strides 2 (axis 0) together with dilation_rate 2 (axis 0)",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .strides = {1, 2}, .dilation_rate = {3, 1}),
     {0},
     "strides 2 (axis 1) together with dilation_rate 3 (axis 0)",
     CLAYER_INVALID_ARGUMENT},
    {"Conv1D",
     CONV(.filters = 4, .kernel_size = {3}, .strides = {2}, .dilation_rate = {2}),
     {0},
     "strides 2",
     CLAYER_INVALID_ARGUMENT},
    {"SeparableConv2D",
     SEPARABLE(.filters = 4, .kernel_size = {3}, .strides = {2}, .dilation_rate = {2}),
     {0},
     "strides 2",
     CLAYER_INVALID_ARGUMENT},
    {"DepthwiseConv2D",
     DEPTHWISE(.kernel_size = {3}, .strides = {2}, .dilation_rate = {2}),
     {0},
     "strides 2",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .strides = {2}, .dilation_rate = {2}),
     {0},
     "strides 2",
     CLAYER_INVALID_ARGUMENT},
    {"Conv3DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .dilation_rate = {1, 2, 1}),
     {0},
     "dilation_rate is 2; this layer takes only 1",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {1 << 20}, .dilation_rate = {1 << 20}),
     {0},
     "kernel_size 1048576 with dilation_rate 1048576 on axis 0",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .groups = 3),
     {0},
     "filters 4 is not a multiple of groups 3",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {3}, .groups = -1), {0}, "groups is -1", CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .activation = "reluu"),
     {0},
     "activation: unknown activation 'reluu'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .kernel_initializer = "he"),
     {0},
     "kernel_initializer: unknown initializer 'he'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .kernel_initializer = "he_normal(gain=2)"),
     {0},
     "has no argument 'gain'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .bias_regularizer = "l3"),
     {0},
     "bias_regularizer: unknown regularizer 'l3'",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .kernel_constraint = "max_norm(axis=9)"),
     {0},
     "kernel_constraint",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2D", &(clayer_conv_config){.filters = 4}, {0}, "Conv2D: struct_size is 0", CLAYER_INVALID_ARGUMENT},
    {"Conv2D", &(clayer_conv_config){.struct_size = 100000}, {0}, "struct_size is 100000", CLAYER_INVALID_ARGUMENT},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .has_output_padding = true, .output_padding = {1, 0}),
     {0},
     "output_padding 1 on axis 0 must be less than the stride 1",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .strides = {3, 2}, .has_output_padding = true,
               .output_padding = {2, 2}),
     {0},
     "output_padding 2 on axis 1 must be less than the stride 2",
     CLAYER_INVALID_ARGUMENT},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 4, .kernel_size = {3}, .has_output_padding = true, .output_padding = {-1}),
     {0},
     "output_padding is -1",
     CLAYER_INVALID_ARGUMENT},
    {"SeparableConv1D",
     SEPARABLE(.filters = 4, .kernel_size = {3}, .depth_multiplier = -2),
     {0},
     "depth_multiplier is -2",
     CLAYER_INVALID_ARGUMENT},
    {"DepthwiseConv2D",
     DEPTHWISE(.kernel_size = {3}, .depth_multiplier = -1),
     {0},
     "depth_multiplier is -1",
     CLAYER_INVALID_ARGUMENT},
    {"Cropping1D", CROP(.has_cropping = true, .cropping = {{2, -1}}), {0}, "cropping is -1", CLAYER_INVALID_ARGUMENT},
    {"Cropping2D",
     CROP(.has_cropping = true, .cropping = {{0, 0}, {-2, 0}}),
     {0},
     "cropping is -2",
     CLAYER_INVALID_ARGUMENT},
    {"ZeroPadding3D",
     PAD(.has_padding = true, .padding = {{0, 0}, {0, 0}, {0, -4}}),
     {0},
     "padding is -4",
     CLAYER_INVALID_ARGUMENT},
    {"ZeroPadding2D",
     PAD(.has_padding = true, .padding = {{BIG + 1, 0}}),
     {0},
     "padding is 2147483648",
     CLAYER_INVALID_ARGUMENT},
    {"UpSampling2D", UP(.size = {-2}), {0}, "size is -2", CLAYER_INVALID_ARGUMENT},
    {"UpSampling2D", UP(.interpolation = "linear"), {0}, "interpolation is 'linear'", CLAYER_INVALID_ARGUMENT},
    {"Dense", NULL, {0}, "units is required", CLAYER_INVALID_ARGUMENT},
    {"Dense", DENSE(.units = -1), {0}, "units is -1", CLAYER_INVALID_ARGUMENT},
    {"Reshape",
     RESHAPE(.target_shape = {SHAPE(-1, -1)}),
     {0},
     "target_shape has 2 dimensions of -1",
     CLAYER_INVALID_ARGUMENT},
    {"Reshape", RESHAPE(.target_shape = {SHAPE(2, 0)}), {0}, "target_shape has a 0", CLAYER_INVALID_ARGUMENT},
    {"Reshape", RESHAPE(.target_shape = {SHAPE(-2)}), {0}, "target_shape is -2", CLAYER_INVALID_ARGUMENT},
    {"Reshape", RESHAPE(.target_shape = {.rank = 9}), {0}, "target_shape has 9 dimensions", CLAYER_INVALID_ARGUMENT},
    {"Reshape",
     RESHAPE(.target_shape = {SHAPE(1, 1, 1, 1, 1, 1, 1, 1)}),
     {0},
     "target_shape has 8 dimensions",
     CLAYER_UNSUPPORTED},
    {"Activation", ACTIVATION(.activation = NULL), {0}, "activation is required", CLAYER_INVALID_ARGUMENT},
    {"ReLU",
     RELU(.has_max_value = true, .max_value = -1),
     {0},
     "max_value is -1, must be at least 0",
     CLAYER_INVALID_ARGUMENT},
    {"ReLU", RELU(.negative_slope = -0.5), {0}, "negative_slope is -0.5", CLAYER_INVALID_ARGUMENT},
    {"ReLU", RELU(.threshold = NAN), {0}, "threshold is not a finite number", CLAYER_INVALID_ARGUMENT},
    {"Dropout", DROPOUT(.rate = 1.5), {0}, "rate is 1.5, must be from 0 to 1", CLAYER_INVALID_ARGUMENT},
    {"MaxPooling2D", POOL(.pool_size = {-2}), {0}, "pool_size is -2", CLAYER_INVALID_ARGUMENT},
    {"AveragePooling3D", POOL(.strides = {2, -1, 1}), {0}, "strides is -1", CLAYER_INVALID_ARGUMENT},
};

/* ---- refused when the input is known ---- */

static const row shapes[] = {
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .name = "c"),
     {SHAPE(1, 5, 5)},
     "Conv2D 'c': input (1, 5, 5) has 3 axes, expects 4: (N, rows, cols, C)",
     CLAYER_INVALID_SHAPE},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .data_format = "channels_first"),
     {SHAPE(1, 2, 5, 5, 3)},
     "has 5 axes, expects 4: (N, C, rows, cols)",
     CLAYER_INVALID_SHAPE},
    {"Conv1D", CONV(.filters = 4, .kernel_size = {3}), {SHAPE(1, 5)}, "expects 3: (N, steps, C)", CLAYER_INVALID_SHAPE},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {7}),
     {SHAPE(1, 9, 5, 3)},
     "kernel_size 7 exceeds the input 5 on axis 2",
     CLAYER_INVALID_SHAPE},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {5}), {SHAPE(1, 9, 5, 3)}, NULL, CLAYER_OK},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {7}, .padding = "same"), {SHAPE(1, 9, 5, 3)}, NULL, CLAYER_OK},
    {"Conv1D",
     CONV(.filters = 4, .kernel_size = {3}, .dilation_rate = {4}),
     {SHAPE(1, 8, 3)},
     "kernel_size 3, dilated to 9, exceeds the input 8 on axis 1",
     CLAYER_INVALID_SHAPE},
    {"Conv1D", CONV(.filters = 4, .kernel_size = {3}, .dilation_rate = {4}), {SHAPE(1, 9, 3)}, NULL, CLAYER_OK},
    {"Conv1D", CONV(.filters = 4, .kernel_size = {9}, .padding = "causal"), {SHAPE(1, 1, 3)}, NULL, CLAYER_OK},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {3}, .data_format = "channels_first"),
     {SHAPE(1, 8, 8, 2)},
     "kernel_size 3 exceeds the input 2 on axis 3",
     CLAYER_INVALID_SHAPE},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {1}, .groups = 2),
     {SHAPE(1, 5, 5, 3)},
     "the input's 3 channels are not a multiple of groups 2",
     CLAYER_INVALID_SHAPE},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {1}, .groups = 2), {SHAPE(1, 5, 5, -1)}, NULL, CLAYER_OK},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {1}),
     {SHAPE(1, 0, 5, 3)},
     "input dimension 0 on axis 1",
     CLAYER_INVALID_SHAPE},
    {"Conv2D",
     CONV(.filters = 4, .kernel_size = {1}),
     {SHAPE(1, BIG + 1, 5, 3)},
     "input dimension 2147483648",
     CLAYER_INVALID_SHAPE},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {1}), {SHAPE(BIG, BIG, BIG, 3)}, "overflows", CLAYER_INVALID_SHAPE},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {1}), {.rank = 9}, "an input of 9 axes", CLAYER_INVALID_SHAPE},
    {"Conv2D", CONV(.filters = 4, .kernel_size = {1}), {.rank = 0}, "an input of 0 axes", CLAYER_INVALID_SHAPE},
    {"MaxPooling2D",
     POOL(.pool_size = {3}),
     {SHAPE(1, 2, 4, 1)},
     "pool_size 3 exceeds the input 2 on axis 1",
     CLAYER_INVALID_SHAPE},
    {"MaxPooling2D", POOL(.pool_size = {3}, .padding = "same"), {SHAPE(1, 2, 4, 1)}, NULL, CLAYER_OK},
    {"GlobalMaxPooling2D", NULL, {SHAPE(1, 3, 3)}, "expects 4", CLAYER_INVALID_SHAPE},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 2, .kernel_size = {4}, .strides = {3}, .padding = "same", .has_output_padding = true),
     {SHAPE(1, 3, 3, 2)},
     "no convolution maps the output back to it",
     CLAYER_INVALID_SHAPE},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 2, .kernel_size = {3}, .strides = {3}, .padding = "same", .has_output_padding = true),
     {SHAPE(1, 3, 3, 2)},
     NULL,
     CLAYER_OK},
    {"Conv2DTranspose",
     TRANSPOSE(.filters = 2, .kernel_size = {3}, .strides = {1 << 20}),
     {SHAPE(1, 4096, 3, 2)},
     "output dimension 4294967296 on axis 1 exceeds 2147483647",
     CLAYER_INVALID_SHAPE},
    {"SeparableConv2D",
     SEPARABLE(.filters = 2, .kernel_size = {1}, .depth_multiplier = BIG),
     {SHAPE(1, 4, 3, 2)},
     "2 channels times depth_multiplier 2147483647",
     CLAYER_INVALID_SHAPE},
    {"DepthwiseConv2D",
     DEPTHWISE(.kernel_size = {1}, .depth_multiplier = BIG),
     {SHAPE(1, 4, 3, 2)},
     "output dimension 4294967294 on axis 3",
     CLAYER_INVALID_SHAPE},
    {"Cropping1D",
     CROP(.has_cropping = true, .cropping = {{2, 3}}),
     {SHAPE(1, 5, 3)},
     "cropping (2, 3) leaves nothing of the input 5 on axis 1",
     CLAYER_INVALID_SHAPE},
    {"Cropping1D", CROP(.has_cropping = true, .cropping = {{2, 2}}), {SHAPE(1, 5, 3)}, NULL, CLAYER_OK},
    {"Cropping2D",
     CROP(.has_cropping = true, .cropping = {{0, 0}, {BIG, BIG}}),
     {SHAPE(1, 5, 5, 3)},
     "leaves nothing of the input 5 on axis 2",
     CLAYER_INVALID_SHAPE},
    {"Cropping3D",
     NULL,
     {SHAPE(1, 3, 2, 3, 1)},
     "cropping (1, 1) leaves nothing of the input 2 on axis 2",
     CLAYER_INVALID_SHAPE},
    {"ZeroPadding1D",
     PAD(.has_padding = true, .padding = {{BIG, 0}}),
     {SHAPE(1, 1, 1)},
     "output dimension 2147483648 on axis 1",
     CLAYER_INVALID_SHAPE},
    {"UpSampling3D",
     UP(.size = {1, 1, BIG}),
     {SHAPE(1, 1, 1, 2, 1)},
     "output dimension 4294967294 on axis 3",
     CLAYER_INVALID_SHAPE},
    {"Dense", DENSE(.units = 3), {SHAPE(5)}, "input has 1 axis, expects 2 or more", CLAYER_INVALID_SHAPE},
    {"Reshape",
     RESHAPE(.target_shape = {SHAPE(3, -1)}),
     {SHAPE(2, 4)},
     "input (2, 4) cannot take target_shape (3, None)",
     CLAYER_INVALID_SHAPE},
    {"Reshape", RESHAPE(.target_shape = {SHAPE(2, 2)}), {SHAPE(2, 4)}, NULL, CLAYER_OK},
    {"Reshape",
     RESHAPE(.target_shape = {SHAPE(2, 3)}),
     {SHAPE(2, 4)},
     "cannot take target_shape (2, 3)",
     CLAYER_INVALID_SHAPE},
    {"Flatten", NULL, {SHAPE(1, BIG, BIG, BIG)}, "overflows", CLAYER_INVALID_SHAPE},
    {"Softmax",
     SOFTMAX(.has_axis = true, .axis = 3),
     {SHAPE(2, 4, 4)},
     "axis 3 is outside the input (2, 4, 4)",
     CLAYER_INVALID_SHAPE},
    {"Softmax", SOFTMAX(.has_axis = true, .axis = -3), {SHAPE(2, 4, 4)}, NULL, CLAYER_OK},
    {"BatchNormalization",
     NORM(.has_axis = true, .axis = -4),
     {SHAPE(2, 4, 4)},
     "axis -4 is outside",
     CLAYER_INVALID_SHAPE},
    {"Concatenate",
     CONCATENATE(.has_axis = true, .axis = 5),
     {SHAPE(2, 4, 4)},
     "axis 5 is outside",
     CLAYER_INVALID_SHAPE},
};

static void expect(clayer_status status, const row *r, size_t index) {
    if (r->wanted == NULL) {
        ck_assert_msg(status == CLAYER_OK, "row %zu (%s): %s", index, r->class_name, clayer_last_error());
        return;
    }
    ck_assert_msg(status == r->status, "row %zu (%s): status '%s', wanted '%s' with \"%s\"", index, r->class_name,
                  clayer_status_string(status), clayer_status_string(r->status), r->wanted);
    ck_assert_msg(strstr(clayer_last_error(), r->wanted) != NULL, "row %zu (%s): \"%s\" lacks \"%s\"", index,
                  r->class_name, clayer_last_error(), r->wanted);
}

START_TEST(test_arguments) {
    for (size_t i = 0; i < CLY_COUNT(arguments); i++) {
        clayer_layer *layer = NULL;
        expect(clayer_layer_create(test_context(), arguments[i].class_name, arguments[i].config, &layer), &arguments[i],
               i);
        ck_assert_ptr_null(layer);
    }
}
END_TEST

START_TEST(test_shapes) {
    for (size_t i = 0; i < CLY_COUNT(shapes); i++) {
        clayer_layer *layer = NULL;
        clayer_shape output = {.rank = -7};
        ck_assert_msg(clayer_layer_create(test_context(), shapes[i].class_name, shapes[i].config, &layer) == CLAYER_OK,
                      "row %zu: %s", i, clayer_last_error());
        clayer_status status = clayer_layer_get_output_shape(layer, &shapes[i].input, 1, &output);
        expect(status, &shapes[i], i);
        ck_assert_int_eq(output.rank == -7, status != CLAYER_OK);
        clayer_layer_destroy(layer);
    }
}
END_TEST

/* ---- several inputs ---- */

static const struct {
    const char *class_name;
    const void *config;
    clayer_shape inputs[3], output;
    const char *wanted;
} merges[] = {
    {"Add",
     ADD,
     {{SHAPE(2, 5, 3)}, {SHAPE(2, 4, 3)}, {SHAPE(2, 5, 3)}},
     {0},
     "input 1 of shape (2, 4, 3) does not fit"},
    {"Add", ADD, {{SHAPE(2, 5, 3)}, {SHAPE(1, 5, 3)}, {SHAPE(2, 5, 3)}}, {0}, "does not fit"},
    {"Add", ADD, {{SHAPE(2, 5, 3)}, {SHAPE(2, 3)}, {SHAPE(-1, 5, 1)}}, {SHAPE(2, 5, 3)}, NULL},
    {"Add", ADD, {{SHAPE(-1, -1, 3)}, {SHAPE(-1, 7, 3)}, {SHAPE(-1, 1, 3)}}, {SHAPE(-1, 7, 3)}, NULL},
    {"Concatenate", NULL, {{SHAPE(2, 5, 3)}, {SHAPE(2, 4, 3)}, {SHAPE(2, 5, 3)}}, {0}, "on an axis other than 2"},
    {"Concatenate", NULL, {{SHAPE(2, 5, 3)}, {SHAPE(2, 3)}, {SHAPE(2, 5, 3)}}, {0}, "input 1 of shape (2, 3) differs"},
    {"Concatenate", NULL, {{SHAPE(-1, 5, 3)}, {SHAPE(2, -1, 4)}, {SHAPE(2, 5, 3)}}, {SHAPE(2, 5, 10)}, NULL},
    {"Concatenate",
     CONCATENATE(.has_axis = true, .axis = 1),
     {{SHAPE(2, 5, 3)}, {SHAPE(2, -1, 3)}, {SHAPE(2, 5, 3)}},
     {SHAPE(2, -1, 3)},
     NULL},
};

START_TEST(test_merges) {
    for (size_t i = 0; i < CLY_COUNT(merges); i++) {
        clayer_layer *layer = NULL;
        clayer_shape output = {0};
        ck_assert_int_eq(clayer_layer_create(test_context(), merges[i].class_name, merges[i].config, &layer),
                         CLAYER_OK);
        clayer_status status = clayer_layer_get_output_shape(layer, merges[i].inputs, 3, &output);
        if (merges[i].wanted == NULL) {
            ck_assert_msg(status == CLAYER_OK, "row %zu: %s", i, clayer_last_error());
            ck_assert_msg(cly_layers_same_shape(&output, &merges[i].output), "row %zu: wrong shape", i);
        } else {
            ck_assert_int_eq(status, CLAYER_INVALID_SHAPE);
            ck_assert_msg(strstr(clayer_last_error(), merges[i].wanted) != NULL, "row %zu: \"%s\"", i,
                          clayer_last_error());
        }
        ck_assert_int_eq(clayer_layer_get_output_shape(layer, merges[i].inputs, 0, &output), CLAYER_INVALID_ARGUMENT);
        clayer_layer_destroy(layer);
    }
}
END_TEST

/* ---- refused at build and at run ---- */

START_TEST(test_build) {
    const clayer_shape unknown = {SHAPE(-1, 5, 5, -1)}, three = {SHAPE(-1, -1, -1, 3)}, four = {SHAPE(1, 9, 9, 4)};
    const clayer_shape huge = {SHAPE(1, BIG, BIG, 1)};
    clayer_layer *layer = NULL;
    ck_assert_int_eq(clayer_layer_create(test_context(), "Conv2D", CONV(.filters = 2, .kernel_size = {3}), &layer),
                     CLAYER_OK);
    ck_assert_int_eq(clayer_layer_build(layer, &unknown, 1), CLAYER_INVALID_SHAPE);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "channel dimension of input (None, 5, 5, None) is unknown"));
    ck_assert_uint_eq(clayer_layer_get_weight_count(layer), 0);
    ck_assert_int_eq(clayer_layer_build(layer, &three, 1), CLAYER_OK);
    ck_assert_int_eq(clayer_layer_build(layer, &three, 1), CLAYER_OK);
    ck_assert_uint_eq(clayer_layer_get_weight_count(layer), 2);
    ck_assert_str_eq(clayer_layer_get_weight_name(layer, 0), "kernel");
    ck_assert_ptr_null(clayer_layer_get_weight(layer, 2));
    ck_assert_int_eq(clayer_layer_build(layer, &four, 1), CLAYER_INVALID_SHAPE);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "'kernel' of shape (3, 3, 3, 2), this input needs (3, 3, 4, 2)"));
    ck_assert_uint_eq(clayer_layer_get_weight_count(layer), 2);
    clayer_layer_destroy(layer);

    ck_assert_int_eq(clayer_layer_create(test_context(), "Conv2D", CONV(.filters = BIG, .kernel_size = {BIG}), &layer),
                     CLAYER_OK);
    ck_assert_int_ne(clayer_layer_build(layer, &huge, 1), CLAYER_OK);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "overflows"));
    clayer_layer_destroy(layer);
}
END_TEST

START_TEST(test_forward) {
    clayer_layer *layer = NULL;
    clayer_tensor *x = NULL, *y = NULL, *wrong = NULL;
    ck_assert_int_eq(clayer_tensor_create(test_context(), 4, (int64_t[]){1, 5, 5, 2}, &x), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_create(test_context(), 4, (int64_t[]){1, 3, 3, 2}, &y), CLAYER_OK);
    ck_assert_int_eq(clayer_tensor_create(test_context(), 4, (int64_t[]){1, 3, 3, 3}, &wrong), CLAYER_OK);
    ck_assert_int_eq(
        clayer_layer_create(test_context(), "Conv2D", CONV(.filters = 2, .kernel_size = {3}, .name = "c"), &layer),
        CLAYER_OK);
    ck_assert_int_eq(clayer_layer_forward(layer, &x, 1, wrong), CLAYER_INVALID_SHAPE);
    ck_assert_str_eq(clayer_last_error(),
                     "Conv2D 'c': the output tensor has shape (1, 3, 3, 3), must have (1, 3, 3, 2)");
    ck_assert_int_eq(clayer_layer_forward(layer, &x, 1, x), CLAYER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "shares its memory with input 0"));
    ck_assert_int_eq(clayer_layer_forward(layer, &x, 0, y), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_layer_forward(layer, NULL, 1, y), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_layer_forward(layer, &(clayer_tensor *){NULL}, 1, y), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_layer_forward(layer, &x, 1, y), CLAYER_OK);
    clayer_layer_profile profile;
    ck_assert_int_eq(clayer_layer_get_profile(layer, &profile), CLAYER_OK);
    ck_assert_str_eq(profile.operator_name, "conv");
    ck_assert_str_ne(profile.implementation, "");
    clayer_layer_destroy(layer);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(wrong);
}
END_TEST

/* ---- keras.json ---- */

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* What a layer without data_format does with a keras.json of this text (NULL: no file). */
static clayer_status with_keras_json(const char *text, bool *first_out) {
    char folder[] = "/tmp/clayer-layers-XXXXXX", path[64];
    clayer_layer *layer = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/keras.json", folder);
    if (text != NULL) {
        write_file(path, text);
    }
    ck_assert_int_eq(setenv("KERAS_HOME", folder, 1), 0);
    clayer_status status =
        clayer_layer_create(test_context(), "Conv2D", CONV(.filters = 2, .kernel_size = {3}), &layer);
    *first_out = status == CLAYER_OK && layer->channels_first;
    clayer_layer_destroy(layer);
    ck_assert_int_eq(setenv("KERAS_HOME", NO_KERAS_HOME, 1), 0);
    (void)unlink(path);
    (void)rmdir(folder);
    return status;
}

START_TEST(test_keras_json) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"image_data_format\": 1}",
                                      "{\"image_data_format\": \"NCHW\"}",
                                      "{\"image_data_format\": \"channels_first\"} more"};
    bool first = false;
    ck_assert_int_eq(with_keras_json("{\"floatx\": \"float32\", \"image_data_format\": \"channels_first\"}\n", &first),
                     CLAYER_OK);
    ck_assert(first);
    ck_assert_int_eq(with_keras_json("{\"image_data_format\": \"channels_last\"}", &first), CLAYER_OK);
    ck_assert(!first);
    ck_assert_int_eq(with_keras_json("{}", &first), CLAYER_OK);
    ck_assert(!first);
    ck_assert_int_eq(with_keras_json(NULL, &first), CLAYER_OK);
    ck_assert(!first);
    for (size_t i = 0; i < CLY_COUNT(bad); i++) {
        ck_assert_msg(with_keras_json(bad[i], &first) == CLAYER_BAD_FILE, "\"%s\" was taken", bad[i]);
        ck_assert_msg(strstr(clayer_last_error(), "keras.json") != NULL, "%s", clayer_last_error());
    }
}
END_TEST

/* ---- NULL, and the end ---- */

START_TEST(test_null) {
    clayer_layer *layer = NULL;
    ck_assert_int_eq(clayer_layer_create(NULL, "Conv2D", NULL, &layer), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_layer_create(test_context(), NULL, NULL, &layer), CLAYER_INVALID_ARGUMENT);
    ck_assert_int_eq(clayer_layer_create(test_context(), "Conv2D", NULL, NULL), CLAYER_INVALID_ARGUMENT);
    clayer_layer_destroy(NULL);
    ck_assert_ptr_null(clayer_layer_get_name(NULL));
    ck_assert_uint_eq(clayer_layer_get_weight_count(NULL), 0);
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.refusals");
    TCase *tcase = tcase_create("refusals");
    tcase_add_test(tcase, test_arguments);
    tcase_add_test(tcase, test_shapes);
    tcase_add_test(tcase, test_merges);
    tcase_add_test(tcase, test_build);
    tcase_add_test(tcase, test_forward);
    tcase_add_test(tcase, test_keras_json);
    tcase_add_test(tcase, test_null);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    if (setenv("KERAS_HOME", NO_KERAS_HOME, 1) != 0) {
        return EXIT_FAILURE;
    }
    return cly_test_main(make);
}
