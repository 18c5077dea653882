/* layers/draw.c: random layers that are linear in their inputs. Arguments and sizes are drawn until the layer accepts
 * them, so the rules about what fits are not repeated here. */
#include "layers/draw.h"

#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/runner.h"

typedef union any_config {
    clayer_conv_config conv;
    clayer_conv_transpose_config transpose;
    clayer_separable_conv_config separable;
    clayer_depthwise_conv_config depthwise;
    clayer_cropping_config cropping;
    clayer_zero_padding_config padding;
    clayer_up_sampling_config resize;
    clayer_pooling_config pool;
    clayer_global_pooling_config global;
    clayer_dense_config dense;
    clayer_flatten_config flatten;
    clayer_concatenate_config concatenate;
    clayer_add_config add;
} any_config;

/* The window of a case. Few distinct kernels, so that the device's compiler is not what is measured. */
typedef struct window {
    int64_t kernel[3], strides[3], dilation[3];
    const char *padding, *format;
    bool no_bias;
} window;

static window draw_window(test_random *random, bool causal) {
    static const char *const paddings[] = {"valid", "same", "causal"};
    window w = {.padding = paddings[test_random_int(random, 0, causal ? 2 : 1)],
                .format = test_random_chance(random, 40) ? "channels_first" : "channels_last",
                .no_bias = test_random_chance(random, 40)};
    const bool dilated = test_random_chance(random, 30);
    for (int i = 0; i < 3; i++) {
        w.kernel[i] = test_random_int(random, 1, 3);
        w.strides[i] = dilated ? 1 : test_random_int(random, 1, 3);
        w.dilation[i] = dilated ? test_random_int(random, 1, 3) : 1;
    }
    return w;
}

#define FILL_WINDOW(config)                                   \
    memcpy((config).kernel_size, w.kernel, sizeof(w.kernel)); \
    memcpy((config).strides, w.strides, sizeof(w.strides));   \
    (config).padding = w.padding;                             \
    (config).data_format = w.format;                          \
    (config).no_bias = w.no_bias

/* ---- one function a family ---- */

static void draw_conv(test_random *random, int rank, any_config *config) {
    const window w = draw_window(random, rank == 1);
    config->conv = (clayer_conv_config){.struct_size = sizeof(config->conv)};
    FILL_WINDOW(config->conv);
    memcpy(config->conv.dilation_rate, w.dilation, sizeof(w.dilation));
    config->conv.groups = test_random_chance(random, 25) ? 2 : 1;
    config->conv.filters = 2 * test_random_int(random, 1, test_random_chance(random, 20) ? 20 : 4);
}

static void draw_transpose(test_random *random, int rank, any_config *config) {
    const window w = draw_window(random, false);
    config->transpose = (clayer_conv_transpose_config){.struct_size = sizeof(config->transpose)};
    FILL_WINDOW(config->transpose);
    config->transpose.filters = test_random_int(random, 1, 9);
    config->transpose.has_output_padding = test_random_chance(random, 40);
    for (int i = 0; i < 3; i++) {
        config->transpose.dilation_rate[i] = rank == 3 ? 1 : w.dilation[i];
        config->transpose.output_padding[i] = test_random_int(random, 0, w.strides[i] - 1);
    }
}

static void draw_depthwise(test_random *random, int rank, any_config *config) {
    (void)rank;
    const window w = draw_window(random, false);
    config->depthwise = (clayer_depthwise_conv_config){.struct_size = sizeof(config->depthwise)};
    FILL_WINDOW(config->depthwise);
    memcpy(config->depthwise.dilation_rate, w.dilation, sizeof(w.dilation));
    config->depthwise.depth_multiplier = test_random_int(random, 1, 3);
}

static void draw_separable(test_random *random, int rank, any_config *config) {
    const window w = draw_window(random, rank == 1);
    config->separable = (clayer_separable_conv_config){.struct_size = sizeof(config->separable)};
    FILL_WINDOW(config->separable);
    memcpy(config->separable.dilation_rate, w.dilation, sizeof(w.dilation));
    config->separable.depth_multiplier = test_random_int(random, 1, 3);
    config->separable.filters = test_random_int(random, 1, 9);
}

static void draw_cropping(test_random *random, int rank, any_config *config) {
    config->cropping = (clayer_cropping_config){.struct_size = sizeof(config->cropping), .has_cropping = true};
    config->cropping.data_format = rank > 1 && test_random_chance(random, 40) ? "channels_first" : NULL;
    for (int i = 0; i < 6; i++) {
        config->cropping.cropping[i / 2][i % 2] = test_random_int(random, 0, 2);
    }
}

static void draw_padding(test_random *random, int rank, any_config *config) {
    config->padding = (clayer_zero_padding_config){.struct_size = sizeof(config->padding), .has_padding = true};
    config->padding.data_format = rank > 1 && test_random_chance(random, 40) ? "channels_first" : NULL;
    for (int i = 0; i < 6; i++) {
        config->padding.padding[i / 2][i % 2] = test_random_int(random, 0, 3);
    }
}

static void draw_resize(test_random *random, int rank, any_config *config) {
    config->resize = (clayer_up_sampling_config){.struct_size = sizeof(config->resize)};
    config->resize.data_format = rank > 1 && test_random_chance(random, 40) ? "channels_first" : NULL;
    config->resize.interpolation = rank == 2 && test_random_chance(random, 60) ? "bilinear" : NULL;
    for (int i = 0; i < 3; i++) {
        config->resize.size[i] = test_random_int(random, 1, 4);
    }
}

static void draw_pool(test_random *random, int rank, any_config *config) {
    (void)rank;
    const window w = draw_window(random, false);
    config->pool =
        (clayer_pooling_config){.struct_size = sizeof(config->pool), .padding = w.padding, .data_format = w.format};
    memcpy(config->pool.pool_size, w.kernel, sizeof(w.kernel));
    memcpy(config->pool.strides, w.strides, sizeof(w.strides));
}

static void draw_global(test_random *random, int rank, any_config *config) {
    (void)rank;
    config->global = (clayer_global_pooling_config){.struct_size = sizeof(config->global),
                                                    .keepdims = test_random_chance(random, 50)};
    config->global.data_format = test_random_chance(random, 40) ? "channels_first" : NULL;
}

static void draw_dense(test_random *random, int rank, any_config *config) {
    (void)rank;
    config->dense = (clayer_dense_config){.struct_size = sizeof(config->dense),
                                          .units = test_random_int(random, 1, 40),
                                          .no_bias = test_random_chance(random, 40)};
}

static void draw_flatten(test_random *random, int rank, any_config *config) {
    (void)random, (void)rank;
    config->flatten = (clayer_flatten_config){.struct_size = sizeof(config->flatten), .data_format = "channels_first"};
}

static void draw_concatenate(test_random *random, int rank, any_config *config) {
    config->concatenate = (clayer_concatenate_config){
        .struct_size = sizeof(config->concatenate), .has_axis = true, .axis = test_random_int(random, 1, rank + 1)};
}

static void draw_add(test_random *random, int rank, any_config *config) {
    (void)random, (void)rank;
    config->add = (clayer_add_config){.struct_size = sizeof(config->add)};
}

static const struct {
    const char *name;
    int rank; /* spatial axes of the input */
    void (*draw)(test_random *random, int rank, any_config *config);
} kinds[] = {
    {"Conv1D", 1, draw_conv},
    {"Conv2D", 2, draw_conv},
    {"Conv3D", 3, draw_conv},
    {"Conv1DTranspose", 1, draw_transpose},
    {"Conv2DTranspose", 2, draw_transpose},
    {"Conv3DTranspose", 3, draw_transpose},
    {"DepthwiseConv1D", 1, draw_depthwise},
    {"DepthwiseConv2D", 2, draw_depthwise},
    {"SeparableConv1D", 1, draw_separable},
    {"SeparableConv2D", 2, draw_separable},
    {"Cropping1D", 1, draw_cropping},
    {"Cropping2D", 2, draw_cropping},
    {"Cropping3D", 3, draw_cropping},
    {"ZeroPadding1D", 1, draw_padding},
    {"ZeroPadding2D", 2, draw_padding},
    {"ZeroPadding3D", 3, draw_padding},
    {"UpSampling1D", 1, draw_resize},
    {"UpSampling2D", 2, draw_resize},
    {"UpSampling3D", 3, draw_resize},
    {"AveragePooling1D", 1, draw_pool},
    {"AveragePooling2D", 2, draw_pool},
    {"AveragePooling3D", 3, draw_pool},
    {"GlobalAveragePooling1D", 1, draw_global},
    {"GlobalAveragePooling2D", 2, draw_global},
    {"GlobalAveragePooling3D", 3, draw_global},
    {"Dense", 1, draw_dense},
    {"Flatten", 2, draw_flatten},
    {"Concatenate", 2, draw_concatenate},
    {"Add", 2, draw_add},
};

const int test_linear_kinds = (int)CLY_COUNT(kinds);

/* ---- inputs ---- */

static clayer_shape draw_shape(test_random *random, int rank) {
    static const int64_t most[] = {0, 30, 10, 6};
    clayer_shape shape = {.rank = rank + 2, .dims = {test_random_int(random, 1, 3)}};
    for (int i = 1; i < shape.rank; i++) {
        shape.dims[i] = test_random_int(random, 1, most[rank]);
    }
    return shape;
}

size_t test_draw_linear(test_random *random, int kind, clayer_layer **layer_out, clayer_shape shapes[8]) {
    for (int attempt = 0; attempt < 1000; attempt++) {
        any_config config;
        clayer_layer *layer = NULL;
        clayer_shape output;
        size_t count = 1;
        kinds[kind].draw(random, kinds[kind].rank, &config);
        shapes[0] = draw_shape(random, kinds[kind].rank);
        while (kinds[kind].draw == draw_concatenate && count < 3) {
            shapes[count] = shapes[0];
            shapes[count++].dims[config.concatenate.axis] = test_random_int(random, 1, 5);
        }
        while (kinds[kind].draw == draw_add && count < 4) {
            shapes[count] = shapes[0];
            for (int i = 1; i < shapes[0].rank; i++) {
                shapes[count].dims[i] = test_random_chance(random, 30) ? 1 : shapes[0].dims[i];
            }
            count++;
        }
        clayer_status status = clayer_layer_create(test_context(), kinds[kind].name, &config, &layer);
        status = status != CLAYER_OK ? status : clayer_layer_get_output_shape(layer, shapes, count, &output);
        if (status == CLAYER_OK) {
            *layer_out = layer;
            return count;
        }
        clayer_layer_destroy(layer);
    }
    ck_abort_msg("%s: no arguments that fit in 1000 draws: %s", kinds[kind].name, clayer_last_error());
    return 0;
}
