/* io/keras_layer.c: one layer from its JSON, by the parameter table of its class.
 *
 * What Keras writes for every layer is handled in one place; the rest must stand in the class' table, or be an argument
 * of some Keras version that has its harmless value. Anything else is an error that names it: a value that is not
 * understood could mean another result. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/device.h"
#include "io/keras.h"

#define MOST_NUMBERS (1 << 24) /* of a list in a config */

typedef struct reader {
    clayer_context *context;
    const cly_layers_class *class;
    const char *name;
    cly_layers_common_config *config;
    int generation;
    const char *dtype; /* static; NULL: float32 */
} reader;

/* ---- arguments that mean nothing here, with the values that they may have ---- */

typedef enum harmless {
    ANYTHING,
    ONLY_NULL,
    NOT_TRUE,      /* false or null */
    ALL_ONES,      /* 1 or a list of ones */
    CHANNELS_LAST, /* or null */
    EMPTY          /* null or {} */
} harmless;

static const struct {
    const char *class_part; /* of the class' name; "": any class */
    const char *key;
    harmless allowed;
} harmless_arguments[] = {
    {"", "batch_input_shape", ANYTHING}, /* Keras 2 writes a Sequential's input into its first layer */
    {"", "batch_shape", ANYTHING},
    {"", "activity_regularizer", ONLY_NULL},
    {"", "lora_rank", ONLY_NULL},
    {"", "lora_alpha", ONLY_NULL},
    {"", "quantization_config", ONLY_NULL},
    {"", "quantization_mode", ONLY_NULL},
    {"InputLayer", "sparse", NOT_TRUE},
    {"InputLayer", "ragged", NOT_TRUE},
    {"InputLayer", "optional", NOT_TRUE},
    {"SpatialDropout", "noise_shape", ANYTHING}, /* of Dropout, which Keras 2 derives it from */
    {"Softmax", "robust_masking", NOT_TRUE},
    {"Embedding", "sparse", NOT_TRUE},
    {"BatchNormalization", "synchronized", NOT_TRUE},
    {"BatchNormalization", "renorm", NOT_TRUE},
    {"BatchNormalization", "renorm_clipping", EMPTY},
    {"BatchNormalization", "renorm_momentum", ANYTHING},
    {"BatchNormalization", "virtual_batch_size", ONLY_NULL},
    {"BatchNormalization", "adjustment", ONLY_NULL},
    {"BatchNormalization", "fused", ANYTHING}, /* the same result by another kernel */
    /* Keras 2 derives these from Conv, whose arguments they carry along unused. */
    {"SeparableConv", "kernel_initializer", ANYTHING},
    {"SeparableConv", "kernel_regularizer", ANYTHING},
    {"SeparableConv", "kernel_constraint", ANYTHING},
    {"DepthwiseConv", "kernel_initializer", ANYTHING},
    {"DepthwiseConv", "kernel_regularizer", ANYTHING},
    {"DepthwiseConv", "kernel_constraint", ANYTHING},
    {"Conv", "groups", ALL_ONES},
    {"Conv", "dilation_rate", ALL_ONES},
    {"1D", "data_format", CHANNELS_LAST},
    {"Random", "rng_type", ANYTHING},          /* how Keras 2 keeps the state of its random numbers */
    {"Rand", "bounding_box_format", ANYTHING}, /* of boxes beside the images */
};

static bool is_harmless_value(const cJSON *value, harmless allowed) {
    int64_t number = 0;
    const cJSON *item = NULL;
    switch (allowed) {
        case ANYTHING:
            return true;
        case ONLY_NULL:
            return cJSON_IsNull(value);
        case NOT_TRUE:
            return cJSON_IsNull(value) || cJSON_IsFalse(value);
        case CHANNELS_LAST:
            return cJSON_IsNull(value) || (cJSON_IsString(value) && strcmp(value->valuestring, "channels_last") == 0);
        case EMPTY:
            return cJSON_IsNull(value) || (cJSON_IsObject(value) && value->child == NULL);
        case ALL_ONES:
            if (!cJSON_IsArray(value)) {
                return cly_io_keras_integer(value, &number) && number == 1;
            }
            cJSON_ArrayForEach(item, value) {
                if (!cly_io_keras_integer(item, &number) || number != 1) {
                    return false;
                }
            }
            return true;
    }
    return false;
}

static clayer_status skip_harmless(const reader *in, const char *key, const cJSON *value) {
    for (size_t i = 0; i < CLY_COUNT(harmless_arguments); i++) {
        if (strcmp(harmless_arguments[i].key, key) != 0 ||
            strstr(in->class->name, harmless_arguments[i].class_part) == NULL) {
            continue;
        }
        if (is_harmless_value(value, harmless_arguments[i].allowed)) {
            return CLAYER_OK;
        }
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s has a value that is not supported", key);
    }
    return cly_base_fail(CLAYER_UNSUPPORTED, "unknown argument '%s'", key);
}

/* ---- the common arguments ---- */

/* A policy's name from "float32" or {"class_name": "DTypePolicy", "config": {"name": "float32"}}; NULL if neither. */
static const char *policy_name(const cJSON *value) {
    if (cJSON_IsString(value)) {
        return value->valuestring;
    }
    return cly_io_keras_text(cJSON_GetObjectItemCaseSensitive(value, "config"), "name");
}

static clayer_status read_dtype(reader *in, const cJSON *value) {
    static const char *const others[] = {"float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"};
    static const char *const integers[] = {"bool",  "int8",   "int16",  "int32", "int64",
                                           "uint8", "uint16", "uint32", "uint64"};
    const char *policy = policy_name(value);
    if (cJSON_IsNull(value) || (policy != NULL && strcmp(policy, "float32") == 0)) {
        return CLAYER_OK;
    }
    for (size_t i = 0; policy != NULL && i < CLY_COUNT(others); i++) {
        in->dtype = strcmp(policy, others[i]) == 0 ? others[i] : in->dtype;
    }
    bool input = strcmp(in->class->name, "InputLayer") == 0;
    for (size_t i = 0; policy != NULL && input && i < CLY_COUNT(integers); i++) {
        in->dtype = strcmp(policy, integers[i]) == 0 ? integers[i] : in->dtype;
    }
    if (in->dtype == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "dtype '%s' is not supported", policy == NULL ? "?" : policy);
    }
    cly_device_log(in->context, CLAYER_LOG_WARNING, "%s '%s': dtype '%s' is run in float32", in->class->name, in->name,
                   policy);
    return CLAYER_OK;
}

static clayer_status read_trainable(const reader *in, const cJSON *value) {
    if (!cJSON_IsBool(value)) {
        return cly_base_fail(CLAYER_BAD_FILE, "trainable is neither true nor false");
    }
    in->config->not_trainable = cJSON_IsFalse(value);
    return CLAYER_OK;
}

/* ---- the arguments of the table ---- */

static clayer_status fail_kind(const cly_layers_param *param, const char *wanted) {
    return cly_base_fail(CLAYER_BAD_FILE, "%s must be %s", param->name, wanted);
}

/* [a, b] for one axis (a pair) or several (one each), [[a, b], ...], or an integer. */
static clayer_status read_amounts(const reader *in, const cly_layers_param *param, const cJSON *value) {
    int64_t values[6];
    size_t count = 0;
    int rank = in->class->rank;
    const char *wanted = "an integer, one an axis, or a pair an axis";
    if (cly_io_keras_integer(value, &values[0])) {
        return cly_layers_param_set_integers(param, in->config, values, 1, false);
    }
    int length = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    bool pairs = (rank == 1 && length == 2) || (length == rank && cJSON_IsArray(value->child));
    if (length != rank && !(rank == 1 && length == 2)) {
        return fail_kind(param, wanted);
    }
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, value) {
        const cJSON *entry = cly_io_keras_unwrap(item);
        const cJSON *first = cJSON_IsArray(entry) ? entry->child : entry;
        bool nested = pairs && length == rank;
        if (nested != (cJSON_GetArraySize(entry) == 2) || count + 2 > CLY_COUNT(values) ||
            !cly_io_keras_integer(first, &values[count]) ||
            (nested && !cly_io_keras_integer(first->next, &values[count + 1]))) {
            return fail_kind(param, wanted);
        }
        count += nested ? 2 : 1;
    }
    return cly_layers_param_set_integers(param, in->config, values, count, pairs);
}

/* An integer or one an axis. */
static clayer_status read_sizes(const reader *in, const cly_layers_param *param, const cJSON *value) {
    clayer_shape sizes = {.rank = 1};
    bool single = cly_io_keras_integer(value, &sizes.dims[0]);
    if (!single && (!cly_io_keras_shape(value, &sizes) || sizes.rank != in->class->rank)) {
        return fail_kind(param, "an integer, or one an axis");
    }
    return cly_layers_param_set_integers(param, in->config, sizes.dims, (size_t)sizes.rank, false);
}

/* An axis or a list of them; null and the empty list stand for none where Keras has that. */
static clayer_status read_axis(const reader *in, const cly_layers_param *param, const cJSON *value) {
    clayer_shape axes = {.rank = 1};
    if (cJSON_IsNull(value)) {
        return cly_layers_param_set_none(param, in->config);
    }
    if (!cly_io_keras_integer(value, &axes.dims[0]) && !cly_io_keras_shape(value, &axes)) {
        return fail_kind(param, "an integer or a list of integers");
    }
    return cly_layers_param_set_integers(param, in->config, axes.dims, (size_t)axes.rank, false);
}

/* Appends the numbers of a list, of a list of lists, ...; what would be repeated along an inner axis is refused. */
static bool append_numbers(const cJSON *value, double *values, size_t capacity, size_t *count) {
    const cJSON *item = NULL;
    if (cJSON_IsNumber(value)) {
        const bool fits = *count < capacity;
        if (fits && values != NULL) {
            values[*count] = value->valuedouble;
        }
        *count += fits;
        return fits;
    }
    const int length = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    cJSON_ArrayForEach(item, value) {
        const bool repeats = length > 1 && cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1;
        if (repeats || !append_numbers(cly_io_keras_unwrap(item), values, capacity, count)) {
            return false;
        }
    }
    return length > 0;
}

static clayer_status read_numbers(const reader *in, const cly_layers_param *param, const cJSON *value) {
    clayer_status status = CLAYER_OK;
    size_t count = 0, again = 0;
    void *values = NULL;
    if (!append_numbers(value, NULL, MOST_NUMBERS, &count)) {
        return fail_kind(param, "a number or a list of numbers");
    }
    CLY_TRY(cly_base_alloc(count, sizeof(double), &values));
    (void)append_numbers(value, values, count, &again);
    status = cly_layers_param_set_numbers(param, in->config, values, count);
done:
    free(values);
    return status;
}

static clayer_status read_int(const reader *in, const cly_layers_param *param, const cJSON *value) {
    int64_t integer = 0;
    if (!cly_io_keras_integer(value, &integer)) {
        return fail_kind(param, "one integer");
    }
    return cly_layers_param_set_integers(param, in->config, &integer, 1, false);
}

static clayer_status read_number(const reader *in, const cly_layers_param *param, const cJSON *value) {
    if (!cJSON_IsNumber(value)) {
        return fail_kind(param, "a number");
    }
    return cly_layers_param_set_number(param, in->config, value->valuedouble);
}

static clayer_status read_spec(const reader *in, const cly_layers_param *param, const cJSON *value) {
    char *text = NULL;
    clayer_status status = cly_io_keras_spec(param->list, value, in->generation, &text);
    if (status != CLAYER_OK) {
        return cly_base_prefix(status, "%s", param->name);
    }
    if (text != NULL) {
        status = cly_layers_param_set_text(param, in->config, text);
    }
    free(text);
    return status;
}

/* null stands for the default of what may be left out. */
static bool may_be_null(const cly_layers_param *param) {
    return param->flag_offset != CLY_NO_FLAG || param->kind == CLY_PARAM_CHOICE || param->kind == CLY_PARAM_SPEC ||
           param->kind == CLY_PARAM_SHAPE || param->kind == CLY_PARAM_SIZES || param->kind == CLY_PARAM_NUMBERS;
}

static clayer_status read_param(const reader *in, const cly_layers_param *param, const cJSON *value) {
    clayer_shape shape = {0};
    if (cJSON_IsNull(value) && may_be_null(param) && param->none_offset == 0) {
        return CLAYER_OK;
    }
    switch (param->kind) {
        case CLY_PARAM_AXIS:
            return read_axis(in, param, value);
        case CLY_PARAM_NUMBERS:
            return read_numbers(in, param, value);
        case CLY_PARAM_INT:
            return read_int(in, param, value);
        case CLY_PARAM_SIZES:
            return read_sizes(in, param, value);
        case CLY_PARAM_AMOUNTS:
            return read_amounts(in, param, value);
        case CLY_PARAM_NUMBER:
            return read_number(in, param, value);
        case CLY_PARAM_SPEC:
            return read_spec(in, param, value);
        case CLY_PARAM_SHAPE:
            if (cly_io_keras_integer(value, &shape.dims[0])) { /* shared_axes, input_length */
                shape.rank = 1;
            } else if (!cly_io_keras_shape(value, &shape)) {
                return fail_kind(param, "a list of at most 8 integers");
            }
            return cly_layers_param_set_integers(param, in->config, shape.dims, (size_t)shape.rank, false);
        case CLY_PARAM_BOOL:
            if (!cJSON_IsBool(value)) {
                return fail_kind(param, "true or false");
            }
            return cly_layers_param_set_bool(param, in->config, cJSON_IsTrue(value));
        case CLY_PARAM_CHOICE:
            if (!cJSON_IsString(value)) {
                return fail_kind(param, "a word");
            }
            return cly_layers_param_set_text(param, in->config, value->valuestring);
    }
    return fail_kind(param, "of a known kind");
}

static clayer_status read_argument(reader *in, const cJSON *argument) {
    const char *key = argument->string;
    const cJSON *value = cly_io_keras_unwrap(argument);
    if (strcmp(key, "name") == 0) {
        return CLAYER_OK;
    }
    if (strcmp(key, "trainable") == 0) {
        return read_trainable(in, value);
    }
    if (strcmp(key, "dtype") == 0) {
        return read_dtype(in, value);
    }
    const cly_layers_param *param = cly_layers_param_find(in->class->params, key);
    return param != NULL ? read_param(in, param, value) : skip_harmless(in, key, value);
}

/* ---- the layer ---- */

static clayer_status find_class(const cJSON *json, const char *name, const cly_layers_class **class_out) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    if (class_name == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "layer '%s' has no class_name", name);
    }
    if (strcmp(class_name, "Lambda") == 0) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "Lambda '%s': a Lambda layer holds Python code, which is not run",
                             name);
    }
    clayer_status status = cly_io_keras_own(json, "layer");
    if (status != CLAYER_OK) {
        return cly_base_prefix(status, "%s '%s'", class_name, name);
    }
    *class_out = cly_layers_find_class(class_name);
    if (*class_out == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s': the class %s is not known", class_name, name, class_name);
    }
    return CLAYER_OK;
}

/* A layer of keras.applications, which is not among keras.layers. */
static bool is_helper(const cly_layers_class *class) {
    return class == &cly_layers_custom_scale_layer || class == &cly_layers_layer_scale ||
           class == &cly_layers_stochastic_depth;
}

/* A TimeDistributed, whose config holds the layer that it applies to every step. */
static clayer_status read_distributed(clayer_context *context, const cJSON *json, int generation,
                                      clayer_layer **layer_out) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(config, "layer");
    const char *name = cly_io_keras_text(config, "name"), *class_name = cly_io_keras_text(inner, "class_name");
    clayer_layer *layer = NULL;
    clayer_status status = cly_io_keras_own(json, "layer");
    if (status != CLAYER_OK) {
        return cly_base_prefix(status, "TimeDistributed '%s'", name == NULL ? "" : name);
    }
    if (name == NULL || class_name == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "TimeDistributed '%s': its config has no %s", name == NULL ? "" : name,
                             name == NULL ? "name" : "layer");
    }
    if (cly_io_keras_is_model(inner) || strcmp(class_name, "TimeDistributed") == 0) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "TimeDistributed '%s': a %s in it is not supported", name, class_name);
    }
    status = cly_io_keras_layer(context, inner, generation, &layer);
    status = status == CLAYER_OK ? clayer_layer_distribute(layer, name) : status;
    if (status != CLAYER_OK) {
        status = cly_base_prefix(status, "TimeDistributed '%s'", name);
        goto done;
    }
    layer->trainable = layer->trainable && !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(config, "trainable"));
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}

clayer_status cly_io_keras_layer(clayer_context *context, const cJSON *json, int generation, clayer_layer **layer_out) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *argument = NULL;
    const char *name = cly_io_keras_text(config, "name"), *kind = cly_io_keras_text(json, "class_name");
    reader in = {.context = context, .generation = generation};
    clayer_status status = CLAYER_OK;
    if (cly_io_keras_is_operation(json)) {
        return cly_io_keras_operation(context, json, generation, NULL, 0, layer_out);
    }
    if (kind != NULL && strcmp(kind, "TimeDistributed") == 0) {
        return read_distributed(context, json, generation, layer_out);
    }
    name = name != NULL ? name : cly_io_keras_text(json, "name");
    in.name = name != NULL ? name : "";
    CLY_TRY(find_class(json, in.name, &in.class));
    if (!cJSON_IsObject(config)) {
        status = cly_base_fail(CLAYER_BAD_FILE, "%s '%s': its config is not an object", in.class->name, in.name);
        goto done;
    }
    CLY_TRY(cly_base_alloc(1, in.class->config_size, (void **)&in.config));
    in.config->struct_size = in.class->config_size;
    cJSON_ArrayForEach(argument, config) {
        status = read_argument(&in, argument);
        if (status != CLAYER_OK) {
            status = cly_base_prefix(status == CLAYER_INVALID_ARGUMENT ? CLAYER_BAD_FILE : status, "%s '%s'",
                                     in.class->name, in.name);
            goto done;
        }
    }
    in.config->name = name;
    status = cly_layers_create(context, in.class, in.config, layer_out);
    in.config->name = NULL; /* borrowed from the JSON */
    if (status == CLAYER_OK) {
        (*layer_out)->generation = generation;
        (*layer_out)->dtype = in.dtype;
        if (is_helper(in.class)) { /* whose module and name differ from version to version */
            status = cly_io_json_print(json, &(*layer_out)->origin);
        }
    }
done:
    if (in.config != NULL) {
        cly_layers_params_free(in.class->params, in.config);
    }
    return status;
}
