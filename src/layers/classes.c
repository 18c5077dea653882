/* layers/classes.c: all layer classes, from layers.def, found by Keras' names and their aliases. */
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"

static const cly_layers_class *const classes[] = {
#define CLY_LAYER(class_name, function, config_type) &cly_layers_##function,
#define CLY_MERGE(class_name, function, config_type) &cly_layers_##function,
#define CLY_INPUT_LAYER(class_name, function, config_type) &cly_layers_##function,
#include "layers/layers.def"
#undef CLY_LAYER
#undef CLY_MERGE
#undef CLY_INPUT_LAYER
};

/* Every config begins with struct_size, name, not_trainable at the same places. */
#define CHECK_COMMON(config_type)                                                                                 \
    _Static_assert(offsetof(config_type, struct_size) == offsetof(cly_layers_common_config, struct_size) &&       \
                       offsetof(config_type, name) == offsetof(cly_layers_common_config, name) &&                 \
                       offsetof(config_type, not_trainable) == offsetof(cly_layers_common_config, not_trainable), \
                   "a config struct must begin as cly_layers_common_config does");
#define CLY_LAYER(class_name, function, config_type) CHECK_COMMON(config_type)
#define CLY_MERGE(class_name, function, config_type) CHECK_COMMON(config_type)
#define CLY_INPUT_LAYER(class_name, function, config_type) CHECK_COMMON(config_type)
#include "layers/layers.def"
#undef CLY_LAYER
#undef CLY_MERGE
#undef CLY_INPUT_LAYER

/* Keras' other names of the same classes; files hold them where a subclass or an older version wrote them. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"Custom>CustomScaleLayer", "CustomScaleLayer"},
    {"Convolution1D", "Conv1D"},
    {"Convolution2D", "Conv2D"},
    {"Convolution3D", "Conv3D"},
    {"Convolution1DTranspose", "Conv1DTranspose"},
    {"Convolution2DTranspose", "Conv2DTranspose"},
    {"Convolution3DTranspose", "Conv3DTranspose"},
    {"SeparableConvolution1D", "SeparableConv1D"},
    {"SeparableConvolution2D", "SeparableConv2D"},
    {"MaxPool1D", "MaxPooling1D"},
    {"MaxPool2D", "MaxPooling2D"},
    {"MaxPool3D", "MaxPooling3D"},
    {"AvgPool1D", "AveragePooling1D"},
    {"AvgPool2D", "AveragePooling2D"},
    {"AvgPool3D", "AveragePooling3D"},
    {"GlobalMaxPool1D", "GlobalMaxPooling1D"},
    {"GlobalMaxPool2D", "GlobalMaxPooling2D"},
    {"GlobalMaxPool3D", "GlobalMaxPooling3D"},
    {"GlobalAvgPool1D", "GlobalAveragePooling1D"},
    {"GlobalAvgPool2D", "GlobalAveragePooling2D"},
    {"GlobalAvgPool3D", "GlobalAveragePooling3D"},
    {"BatchNormalizationV1", "BatchNormalization"},
    {"BatchNormalizationV2", "BatchNormalization"},
};

const char *const cly_layers_data_formats[] = {"channels_last", "channels_first", NULL};
const char *const cly_layers_paddings[] = {"valid", "same", NULL};
const char *const cly_layers_paddings_1d[] = {"valid", "same", "causal", NULL};

const cly_layers_class *cly_layers_find_class(const char *name) {
    const char *wanted = name;
    for (size_t i = 0; i < CLY_COUNT(aliases); i++) {
        if (strcmp(name, aliases[i].alias) == 0) {
            wanted = aliases[i].name;
        }
    }
    for (size_t i = 0; i < CLY_COUNT(classes); i++) {
        if (strcmp(wanted, classes[i]->name) == 0) {
            return classes[i];
        }
    }
    return NULL;
}
