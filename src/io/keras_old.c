/* io/keras_old.c: the layers of Keras 1 (2015 to 2017) in the words of Keras 2, before any of them is read.
 *
 * Follows the conversions of Keras 2's legacy/interfaces.py: "nb_filter" and "nb_row" are filters and kernel_size,
 * "border_mode" is padding, and so on. What has no counterpart is left as it is, and refused by its name as any unknown
 * argument. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"

/* ---- classes ---- */

static const struct {
    const char *old, *name;
} classes[] = {
    {"Convolution1D", "Conv1D"},       {"Convolution2D", "Conv2D"},
    {"Convolution3D", "Conv3D"},       {"AtrousConvolution1D", "Conv1D"},
    {"AtrousConvolution2D", "Conv2D"}, {"SeparableConvolution2D", "SeparableConv2D"},
    {"TimeDistributedDense", "Dense"}, {"Deconvolution2D", "Conv2DTranspose"},
};

/* ---- arguments: any class whose name holds `part`, the first that does ---- */

static const struct {
    const char *part, *old, *name; /* name NULL: it says nothing here */
} arguments[] = {
    {"", "input_dtype", NULL},
    {"", "dim_ordering", "data_format"},
    {"", "border_mode", "padding"},
    {"", "bias", "use_bias"},
    {"Embedding", "init", "embeddings_initializer"},
    {"Embedding", "W_regularizer", "embeddings_regularizer"},
    {"Embedding", "W_constraint", "embeddings_constraint"},
    {"PReLU", "init", "alpha_initializer"},
    {"Transpose", "output_shape", NULL}, /* as Keras 2, which computes it */
    {"", "init", "kernel_initializer"},
    {"", "W_regularizer", "kernel_regularizer"},
    {"", "b_regularizer", "bias_regularizer"},
    {"", "W_constraint", "kernel_constraint"},
    {"", "b_constraint", "bias_constraint"},
    {"Conv", "nb_filter", "filters"},
    {"Conv", "filter_length", "kernel_size"},
    {"Conv", "subsample", "strides"},
    {"Conv", "subsample_length", "strides"},
    {"Conv", "atrous_rate", "dilation_rate"},
    {"Conv", "input_dim", NULL},
    {"Conv", "input_length", NULL},
    {"Conv", "depthwise_init", "depthwise_initializer"},
    {"Conv", "pointwise_init", "pointwise_initializer"},
    {"Dense", "output_dim", "units"},
    {"Dense", "input_dim", NULL},
    {"Dense", "input_length", NULL},
    {"Pooling1D", "pool_length", "pool_size"},
    {"Pooling1D", "stride", "strides"},
    {"UpSampling1D", "length", "size"},
    {"Dropout", "p", "rate"},
    {"GaussianNoise", "sigma", "stddev"},
    {"BatchNormalization", "beta_init", "beta_initializer"},
    {"BatchNormalization", "gamma_init", "gamma_initializer"},
};

static clayer_status fail_memory(void) {
    return cly_io_json_put(NULL, "old argument", NULL);
}

static clayer_status rename_member(cJSON *object, const char *old, const char *name) {
    return cly_io_json_put(object, name, cJSON_DetachItemFromObjectCaseSensitive(object, old));
}

static clayer_status replace_text(cJSON *object, const char *key, const char *text) {
    cJSON *value = cJSON_CreateString(text);
    if (value == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, key, value)) {
        cJSON_Delete(value);
        return fail_memory();
    }
    return CLAYER_OK;
}

/* nb_row and nb_col, or kernel_dim1 to 3, to one kernel_size. */
static clayer_status join_kernel(cJSON *config) {
    static const char *const names[] = {"kernel_dim1", "kernel_dim2", "kernel_dim3", "nb_row", "nb_col"};
    cJSON *sizes = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < CLY_COUNT(names); i++) {
        cJSON *size = cJSON_DetachItemFromObjectCaseSensitive(config, names[i]);
        sizes = size != NULL && sizes == NULL ? cJSON_CreateArray() : sizes;
        if (size != NULL && (sizes == NULL || !cJSON_AddItemToArray(sizes, size))) {
            cJSON_Delete(size);
            cJSON_Delete(sizes);
            return fail_memory();
        }
    }
    if (sizes != NULL) {
        status = cly_io_json_put(config, "kernel_size", sizes);
    }
    return status;
}

/* "th" and "tf" of data_format; an axis of -1 is as it was. */
static clayer_status read_ordering(cJSON *config) {
    const char *text = cly_io_keras_text(config, "data_format");
    if (text != NULL && strcmp(text, "th") == 0) {
        return replace_text(config, "data_format", "channels_first");
    }
    return text != NULL && strcmp(text, "tf") == 0 ? replace_text(config, "data_format", "channels_last") : CLAYER_OK;
}

/* The one value that Keras 2 kept: of BatchNormalization's mode, by axis and with moving statistics; no dropout within
 * an Embedding. */
static void drop_zero(cJSON *config, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(config, key);
    if (cJSON_IsNumber(value) && value->valuedouble == 0.0) {
        cJSON_DeleteItemFromObjectCaseSensitive(config, key);
    }
}

/* ---- values ---- */

/* ZeroPadding2D's (top, bottom, left, right), as a list or a dict, to a pair an axis; ZeroPadding1D's dict to a pair.
 */
static clayer_status read_padding(const char *class_name, cJSON *config) {
    static const char *const sides[] = {"top_pad", "bottom_pad", "left_pad", "right_pad"};
    const cJSON *padding = cJSON_GetObjectItemCaseSensitive(config, "padding");
    int amounts[CLY_COUNT(sides)] = {0};
    clayer_status status = CLAYER_OK;
    if (strncmp(class_name, "ZeroPadding", strlen("ZeroPadding")) != 0 ||
        (!cJSON_IsObject(padding) && cJSON_GetArraySize(padding) != 4)) {
        return CLAYER_OK;
    }
    for (int i = 0; i < 4; i++) {
        const cJSON *item = cJSON_IsObject(padding) ? cJSON_GetObjectItemCaseSensitive(padding, sides[i])
                                                    : cJSON_GetArrayItem(padding, i);
        if (item != NULL && (!cJSON_IsNumber(item) || item->valuedouble != item->valueint)) {
            return CLAYER_OK; /* which is refused as it is */
        }
        amounts[i] = item == NULL ? 0 : item->valueint;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, "padding");
    if (strcmp(class_name, "ZeroPadding1D") == 0) {
        return cly_io_json_put(config, "padding", cJSON_CreateIntArray(amounts + 2, 2));
    }
    cJSON *pairs = cJSON_AddArrayToObject(config, "padding");
    CLY_TRY(cly_io_json_put(pairs, NULL, cJSON_CreateIntArray(amounts, 2)));
    CLY_TRY(cly_io_json_put(pairs, NULL, cJSON_CreateIntArray(amounts + 2, 2)));
done:
    return status;
}

/* A regularizer or constraint, {"name": "WeightRegularizer", "l2": 0.01}, to a class with its config. */
static clayer_status read_rule(cJSON *config, const char *key) {
    static const char *const penalties[] = {"L1L2Regularizer", "WeightRegularizer", "ActivityRegularizer"};
    cJSON *old = cJSON_GetObjectItemCaseSensitive(config, key);
    const char *name = cly_io_keras_text(old, "name");
    cJSON *rule = NULL, *members = NULL;
    clayer_status status = CLAYER_OK;
    if (name == NULL || cJSON_GetObjectItemCaseSensitive(old, "class_name") != NULL) {
        return CLAYER_OK;
    }
    for (size_t i = 0; i < CLY_COUNT(penalties); i++) {
        name = strcmp(penalties[i], name) == 0 ? "L1L2" : name;
    }
    rule = cJSON_CreateObject();
    status = cly_io_json_put(rule, "class_name", cJSON_CreateString(name));
    members = cJSON_DetachItemFromObjectCaseSensitive(config, key);
    cJSON_DeleteItemFromObjectCaseSensitive(members, "name");
    status = status == CLAYER_OK ? cly_io_json_put(rule, "config", members) : status;
    CLY_TRY(cly_io_json_put(config, key, rule));
done:
    return status;
}

static clayer_status read_rules(cJSON *config) {
    static const char *const keys[] = {"kernel_regularizer", "bias_regularizer",       "activity_regularizer",
                                       "kernel_constraint",  "bias_constraint",        "gamma_regularizer",
                                       "beta_regularizer",   "embeddings_regularizer", "embeddings_constraint"};
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < CLY_COUNT(keys); i++) {
        CLY_TRY(read_rule(config, keys[i]));
    }
done:
    return status;
}

/* ---- Merge ---- */

/* {"class_name": "Merge", "config": {"mode": "sum", ...}}: a class a mode in Keras 2. */
static clayer_status read_merge(cJSON *layer, cJSON *config) {
    static const char *const modes[][2] = {{"sum", "Add"},     {"mul", "Multiply"},       {"ave", "Average"},
                                           {"max", "Maximum"}, {"concat", "Concatenate"}, {"dot", "Dot"}};
    static const char *const unused[] = {"mode",      "mode_type",       "dot_axes",          "output_shape",
                                         "arguments", "output_mask",     "output_shape_type", "concat_axis",
                                         "layers",    "output_mask_type"};
    const char *mode = cly_io_keras_text(config, "mode"), *own = cly_io_keras_text(config, "name"), *name = NULL;
    cJSON *axis = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; mode != NULL && i < CLY_COUNT(modes); i++) {
        name = strcmp(modes[i][0], mode) == 0 ? modes[i][1] : name;
    }
    if (name == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "Merge '%s': the mode '%s' is not supported", own == NULL ? "?" : own,
                             mode == NULL ? "?" : mode);
    }
    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(config, "layers")) > 0) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "Merge '%s': a Sequential that begins with several is not supported",
                             own == NULL ? "?" : own);
    }
    if (strcmp(name, "Concatenate") == 0) {
        axis = cJSON_DetachItemFromObjectCaseSensitive(config, "concat_axis");
    } else if (strcmp(name, "Dot") == 0) {
        axis = cJSON_DetachItemFromObjectCaseSensitive(config, "dot_axes");
    }
    for (size_t i = 0; i < CLY_COUNT(unused); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(config, unused[i]);
    }
    if (axis != NULL) {
        CLY_TRY(cly_io_json_put(config, strcmp(name, "Dot") == 0 ? "axes" : "axis", axis));
    }
    CLY_TRY(replace_text(layer, "class_name", name));
done:
    return status;
}

/* ---- layers ---- */

static clayer_status read_arguments(const char *class_name, cJSON *config) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < CLY_COUNT(arguments); i++) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(config, arguments[i].old);
        if (item == NULL || strstr(class_name, arguments[i].part) == NULL) {
            continue;
        }
        if (arguments[i].name == NULL) {
            cJSON_DeleteItemFromObjectCaseSensitive(config, arguments[i].old);
        } else if (cJSON_GetObjectItemCaseSensitive(config, arguments[i].name) == NULL) {
            CLY_TRY(rename_member(config, arguments[i].old, arguments[i].name));
        }
    }
    CLY_TRY(join_kernel(config));
    CLY_TRY(read_ordering(config));
    CLY_TRY(read_padding(class_name, config));
    CLY_TRY(read_rules(config));
    drop_zero(config, "mode");
    drop_zero(config, "dropout");
done:
    return status;
}

static clayer_status read_layer(cJSON *layer) {
    cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    const char *class_name = cly_io_keras_text(layer, "class_name");
    clayer_status status = CLAYER_OK;
    if (strcmp(class_name, "Merge") == 0) {
        return read_merge(layer, config);
    }
    for (size_t i = 0; i < CLY_COUNT(classes); i++) {
        if (strcmp(classes[i].old, class_name) == 0) {
            CLY_TRY(replace_text(layer, "class_name", classes[i].name));
            class_name = classes[i].name;
            break;
        }
    }
    CLY_TRY(read_arguments(class_name, config));
done:
    return status;
}

clayer_status cly_io_keras_modernise(cJSON *json) {
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_text(json, "class_name") != NULL &&
        cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "config"))) {
        CLY_TRY(read_layer(json));
    }
    for (cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(cly_io_keras_modernise(item));
    }
done:
    return status;
}
