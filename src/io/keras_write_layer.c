/* io/keras_write_layer.c: one layer's JSON from the parameter table of its class: the other way of keras_layer.c.
 *
 * Every argument of the table is written, with its value. What Keras writes besides is left out where it is the value
 * that Keras would take anyway: older versions of a generation then read the file too. */
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"

/* ---- small writers ---- */

cJSON *cly_io_keras_write_shape(const clayer_shape *shape) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list != NULL && i < shape->rank; i++) {
        cJSON *dim = shape->dims[i] < 0 ? cJSON_CreateNull() : cJSON_CreateNumber((double)shape->dims[i]);
        if (dim == NULL || !cJSON_AddItemToArray(list, dim)) {
            cJSON_Delete(dim);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

clayer_status cly_io_keras_write_policy(const char *dtype, const cly_io_keras_style *style, cJSON **json_out) {
    const char *name = dtype == NULL ? "float32" : dtype;
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    if (style->generation == 2) {
        *json_out = cJSON_CreateString(name);
        return *json_out == NULL ? cly_io_json_put(NULL, "dtype", NULL) : CLAYER_OK;
    }
    config = cJSON_CreateObject();
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(name)));
    status = cly_io_keras_write_object("keras", "DTypePolicy", config, false, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

/* ---- what Keras does for single classes ---- */

/* Arguments that a generation does not have. */
static bool is_unknown(const cly_layers_class *class, const char *name, int generation) {
    static const struct {
        int generation;
        const char *class_name, *argument;
    } unknown[] = {
        {2, "ZeroPadding1D", "data_format"},
        {2, "Conv3DTranspose", "dilation_rate"},
        {2, "Activation", "activity_regularizer"},
        {3, "Embedding", "input_length"},
        {3, "SpatialDropout1D", "trainable"},
        {3, "SpatialDropout2D", "trainable"},
        {3, "SpatialDropout3D", "trainable"},
        {2, "LayerNormalization", "rms_scaling"},
        {2, "Resizing", "pad_to_aspect_ratio"},
        {2, "Resizing", "fill_mode"},
        {2, "Resizing", "fill_value"},
        {2, "Resizing", "antialias"},
        {2, "Resizing", "data_format"},
        {2, "CenterCrop", "data_format"},
        {2, "RandomContrast", "value_range"},
        {3, "RandomGrayscale", "seed"},
    };
    if (generation == 2 && strncmp(class->name, "Random", 6) == 0 && strcmp(name, "data_format") == 0) {
        return true;
    }
    for (size_t i = 0; i < CLY_COUNT(unknown); i++) {
        if (unknown[i].generation == generation && strcmp(unknown[i].class_name, class->name) == 0 &&
            strcmp(unknown[i].argument, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- values by kind ---- */

static cJSON *write_integers(const int64_t *values, int count) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list != NULL && i < count; i++) {
        cJSON *value = cJSON_CreateNumber((double)values[i]);
        if (value == NULL || !cJSON_AddItemToArray(list, value)) {
            cJSON_Delete(value);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

/* Keras 2's BatchNormalization names its axes in a list, counted from the front. */
static cJSON *write_axis(const clayer_layer *layer, const clayer_shape *axes, bool none, int generation) {
    const bool listed = generation == 2 && strcmp(layer->class->name, "BatchNormalization") == 0;
    int64_t counted[CLAYER_MAX_RANK];
    if (none) {
        return cJSON_CreateNull();
    }
    for (int i = 0; i < axes->rank; i++) {
        const bool from_end = listed && axes->dims[i] < 0 && layer->built;
        counted[i] = axes->dims[i] + (from_end ? layer->built_for.rank : 0);
    }
    return axes->rank == 1 && !listed ? cJSON_CreateNumber((double)counted[0]) : write_integers(counted, axes->rank);
}

/* One number stands alone, several in a list, none for null. */
static cJSON *write_numbers(const double *values, size_t count) {
    cJSON *list = count > 1 ? cJSON_CreateArray() : NULL;
    if (count < 2) {
        return count == 0 ? cJSON_CreateNull() : cly_io_json_float(values[0]);
    }
    for (size_t i = 0; list != NULL && i < count; i++) {
        cJSON *value = cly_io_json_float(values[i]);
        if (value == NULL || !cJSON_AddItemToArray(list, value)) {
            cJSON_Delete(value);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

/* [[before, after], ...], for one axis [before, after]. */
static cJSON *write_amounts(const int64_t *amounts, int rank) {
    cJSON *list = rank == 1 ? NULL : cJSON_CreateArray();
    if (rank == 1) {
        return write_integers(amounts, 2);
    }
    for (int i = 0; list != NULL && i < rank; i++) {
        cJSON *pair = write_integers(amounts + (ptrdiff_t)i * 2, 2);
        if (pair == NULL || !cJSON_AddItemToArray(list, pair)) {
            cJSON_Delete(pair);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static cJSON *write_shape_argument(const cly_layers_param *param, const clayer_shape *shape) {
    if (strcmp(param->name, "axes") == 0 && shape->rank == 1) { /* of Dot: the same for both */
        return cJSON_CreateNumber((double)shape->dims[0]);
    }
    /* -1 is a dimension to be found out, or an axis from the end */
    if (strcmp(param->name, "target_shape") == 0 || strcmp(param->name, "axes") == 0) {
        return write_integers(shape->dims, shape->rank);
    }
    return shape->rank == 0 ? cJSON_CreateNull() : cly_io_keras_write_shape(shape);
}

/* An argument that was not given and has no default but None. */
static bool is_none(const cly_layers_param *param, const void *config) {
    bool flagged = param->flag_offset != CLY_NO_FLAG;
    return flagged && param->fallback == 0.0 && param->kind != CLY_PARAM_AMOUNTS &&
           !*(const bool *)((const char *)config + param->flag_offset);
}

static cJSON *write_text(const clayer_layer *layer, const cly_layers_param *param, const char *text) {
    if (strcmp(param->name, "data_format") == 0) { /* the configuration file of Keras may have decided */
        text = layer->channels_first ? "channels_first" : "channels_last";
    }
    return text == NULL ? cJSON_CreateNull() : cJSON_CreateString(text);
}

static clayer_status write_value(const clayer_layer *layer, const cly_layers_param *param,
                                 const cly_io_keras_style *style, cJSON **json_out) {
    const void *field = (const char *)layer->config + param->offset;
    const int rank = layer->class->rank;
    if (is_none(param, layer->config)) {
        *json_out = cJSON_CreateNull();
        return CLAYER_OK;
    }
    switch (param->kind) {
        case CLY_PARAM_INT:
            *json_out = cJSON_CreateNumber((double)*(const int64_t *)field);
            return CLAYER_OK;
        case CLY_PARAM_AXIS: {
            const char *config = layer->config;
            const bool none = param->none_offset != 0 && *(const bool *)(config + param->none_offset);
            *json_out = write_axis(layer, (const clayer_shape *)(config + param->list_offset), none, style->generation);
            return CLAYER_OK;
        }
        case CLY_PARAM_NUMBERS:
            *json_out = write_numbers(*(const double *const *)field,
                                      *(const size_t *)((const char *)layer->config + param->list_offset));
            return CLAYER_OK;
        case CLY_PARAM_SIZES: {
            const int64_t *sizes = field;
            bool single = strcmp(layer->class->name, "UpSampling1D") == 0; /* which takes nothing else */
            *json_out = single ? cJSON_CreateNumber((double)sizes[0]) : write_integers(sizes, rank);
            return CLAYER_OK;
        }
        case CLY_PARAM_AMOUNTS:
            *json_out = write_amounts(field, rank);
            return CLAYER_OK;
        case CLY_PARAM_SHAPE:
            *json_out = write_shape_argument(param, field);
            return CLAYER_OK;
        case CLY_PARAM_BOOL:
            *json_out = cJSON_CreateBool(*(const bool *)field != param->negated);
            return CLAYER_OK;
        case CLY_PARAM_NUMBER:
            *json_out = cly_io_json_float(*(const double *)field);
            return CLAYER_OK;
        case CLY_PARAM_CHOICE:
            *json_out = write_text(layer, param, *(const char *const *)field);
            return CLAYER_OK;
        case CLY_PARAM_SPEC:
            break;
    }
    clayer_status status = cly_io_keras_write_spec(param->list, *(const char *const *)field, style, json_out);
    return status == CLAYER_OK ? status : cly_base_prefix(status, "%s", param->name);
}

/* ---- the layer ---- */

static clayer_status write_arguments(const clayer_layer *layer, const cly_io_keras_style *style, cJSON *config) {
    clayer_status status = CLAYER_OK;
    for (const cly_layers_param *param = layer->class->params; param != NULL && param->name != NULL; param++) {
        cJSON *value = NULL;
        /* An alias of a layer's argument is its name in Keras 2. */
        const char *name = style->generation == 2 && param->alias != NULL ? param->alias : param->name;
        if (is_unknown(layer->class, param->name, style->generation)) {
            continue;
        }
        CLY_TRY(write_value(layer, param, style, &value));
        CLY_TRY(cly_io_json_put(config, name, value));
    }
done:
    return status;
}

static clayer_status write_config(const clayer_layer *layer, const cly_io_keras_style *style, cJSON **config_out) {
    cJSON *config = cJSON_CreateObject(), *dtype = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(layer->name)));
    if (layer->class == &cly_layers_input_layer) {
        CLY_TRY(cly_io_json_put(config, "dtype", cJSON_CreateString(layer->dtype == NULL ? "float32" : layer->dtype)));
    } else {
        if (!is_unknown(layer->class, "trainable", style->generation)) {
            CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateBool(layer->trainable)));
        }
        CLY_TRY(cly_io_keras_write_policy(layer->dtype, style, &dtype));
        CLY_TRY(cly_io_json_put(config, "dtype", dtype));
    }
    CLY_TRY(write_arguments(layer, style, config));
    *config_out = config;
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

/* Where Keras has what stands in a file without its module; NULL: among its layers. */
static const char *find_module(const char *class_name, int generation) {
    static const struct {
        const char *class_name, *module;
    } helpers[] = {{"CustomScaleLayer", "keras.src.applications.inception_resnet_v2"},
                   {"LayerScale", "keras.src.applications.convnext"},
                   {"StochasticDepth", "keras.src.applications.convnext"}};
    for (size_t i = 0; i < CLY_COUNT(helpers); i++) {
        if (strcmp(helpers[i].class_name, class_name) == 0) {
            return helpers[i].module;
        }
    }
    return generation == 3 ? cly_io_keras_operation_module(class_name) : NULL;
}

/* As the file had it, under the layer's name; its calls are written beside. */
static clayer_status write_origin(const clayer_layer *layer, const cly_io_keras_style *style, cJSON **json_out) {
    static const char *const names[] = {"module", "registered_name", "build_config", "name", "inbound_nodes"};
    cJSON *json = cJSON_Parse(layer->origin), *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const char *class_name = cly_io_keras_text(json, "class_name");
    const char *module = class_name == NULL ? NULL : find_module(class_name, style->generation);
    clayer_status status = CLAYER_OK;
    for (size_t i = style->legacy ? 0 : 3; i < CLY_COUNT(names); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(json, names[i]);
    }
    if (!style->legacy && module != NULL && cJSON_GetObjectItemCaseSensitive(json, "module") == NULL) {
        CLY_TRY(cly_io_json_put(json, "module", cJSON_CreateString(module)));
        CLY_TRY(cly_io_json_put(json, "registered_name", cJSON_CreateString(class_name)));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, "name"); /* which some operations of Keras 3.0 to 3.8 have not */
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(layer->name)));
    if (cJSON_GetObjectItemCaseSensitive(config, "trainable") != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(config, "trainable");
        CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateBool(layer->trainable)));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}

/* The layer or model as it would be alone, in the config of a TimeDistributed, which Keras 3 reads in its own form
 * only. */
clayer_status cly_io_keras_write_distributed(const clayer_layer *layer, const cly_io_keras_style *style,
                                             cly_io_keras_layer_writer *write, cJSON **json_out) {
    clayer_layer inner = *layer;
    cly_io_keras_style inner_style = *style;
    cJSON *config = cJSON_CreateObject(), *dtype = NULL, *json = NULL;
    clayer_status status = CLAYER_OK;
    inner.name = layer->inner_name;
    inner.inner_name = NULL;
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(layer->name)));
    CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateBool(layer->trainable)));
    CLY_TRY(cly_io_keras_write_policy(layer->dtype, style, &dtype));
    CLY_TRY(cly_io_json_put(config, "dtype", dtype));
    inner_style.legacy = style->legacy && style->generation == 2;
    CLY_TRY(write(&inner, &inner_style, &json));
    CLY_TRY(cly_io_json_put(config, "layer", json));
    status = cly_io_keras_write_object("keras.layers", "TimeDistributed", config, style->legacy, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

clayer_status cly_io_keras_write_layer(const clayer_layer *layer, const cly_io_keras_style *style, cJSON **json_out) {
    cJSON *config = NULL;
    char text[CLY_LAYERS_DESCRIPTION];
    if (layer->origin != NULL) { /* of an operation, or of a layer that is not among keras.layers */
        return write_origin(layer, style, json_out);
    }
    if (layer->inner_name != NULL) {
        return cly_io_keras_write_distributed(layer, style, cly_io_keras_write_layer, json_out);
    }
    clayer_status status = write_config(layer, style, &config);
    if (status == CLAYER_OK) {
        const char *module = find_module(layer->class->name, 2);
        status = cly_io_keras_write_object(module == NULL ? "keras.layers" : module, layer->class->name, config,
                                           style->legacy, json_out);
    }
    return status == CLAYER_OK ? status : cly_base_prefix(status, "%s", cly_layers_describe(layer, text, sizeof(text)));
}
