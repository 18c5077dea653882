/* io/keras_write_spec.c: things chosen by name, from their text to Keras' JSON: the other way of keras_spec.c.
 *
 * As keras/src/saving/serialization_lib.py and Keras 2's write them: an initializer, regularizer or constraint is an
 * object, an activation the name of a function. An activation with arguments is not a function any more: Keras has a
 * layer for some of those, and no way to write the others. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras_write.h"
#include "ops/activation.h"

/* ---- values ---- */

/* Whole numbers by these names are integers for Keras; other numbers must be floats, which it tells apart. */
static bool is_integer_name(const char *name) {
    static const char *const names[] = {"axis",
                                        "boundaries",
                                        "class_id",
                                        "decay_steps",
                                        "ema_overwrite_frequency",
                                        "first_decay_steps",
                                        "gradient_accumulation_steps",
                                        "ignore_class",
                                        "k",
                                        "num_labels",
                                        "num_thresholds",
                                        "top_k",
                                        "warmup_steps"};
    for (size_t i = 0; i < CLY_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static cJSON *make_number(const char *name, double value) {
    if (!isfinite(value)) {
        return cJSON_CreateNull(); /* how a spec says None */
    }
    bool whole = value == floor(value) && is_integer_name(name);
    return whole ? cJSON_CreateNumber(value) : cly_io_json_float(value);
}

static clayer_status make_list(const char *name, const double *numbers, size_t count, cJSON **json_out) {
    cJSON *list = cJSON_CreateArray();
    clayer_status status = list == NULL ? cly_io_json_put(NULL, name, NULL) : CLAYER_OK;
    for (size_t i = 0; i < count && status == CLAYER_OK; i++) {
        status = cly_io_json_put(list, NULL, make_number(name, numbers[i]));
    }
    if (status != CLAYER_OK) {
        cJSON_Delete(list);
        return status;
    }
    *json_out = list;
    return CLAYER_OK;
}

/* One axis is an integer, several are a list; *json_out stays NULL for none. */
static clayer_status make_axes(unsigned bits, cJSON **json_out) {
    double axes[16];
    size_t count = 0;
    for (int axis = -8; axis <= 7; axis++) {
        if ((bits >> (unsigned)(axis + 8) & 1u) != 0) {
            axes[count++] = axis;
        }
    }
    if (count > 1) {
        return make_list("axis", axes, count, json_out);
    }
    *json_out = count == 1 ? cJSON_CreateNumber(axes[0]) : NULL;
    return CLAYER_OK;
}

static clayer_status make_value(const cly_spec *spec, size_t index, cJSON **json_out) {
    const cly_spec_parameter *parameter = &spec->entry->parameters[index];
    const double value = spec->values[index];
    size_t count = 0;
    const double *numbers = NULL;
    switch (parameter->kind) {
        case CLY_SPEC_NUMBER:
        case CLY_SPEC_OPTIONAL:
            *json_out = make_number(parameter->name, value);
            return CLAYER_OK;
        case CLY_SPEC_BOOL:
            *json_out = cJSON_CreateBool(value != 0.0);
            return CLAYER_OK;
        case CLY_SPEC_SEED:
            *json_out = value < 0.0 ? cJSON_CreateNull() : cJSON_CreateNumber(value);
            return CLAYER_OK;
        case CLY_SPEC_CHOICE:
            *json_out = cJSON_CreateString(parameter->choices[(size_t)value]);
            return CLAYER_OK;
        case CLY_SPEC_AXES:
            return make_axes((unsigned)value, json_out);
        case CLY_SPEC_LIST:
            numbers = cly_base_spec_get_list(spec, parameter->name, &count);
            if (count > 0) {
                return make_list(parameter->name, numbers, count, json_out);
            }
            *json_out = cJSON_CreateNull();
            return CLAYER_OK;
    }
    return CLAYER_OK;
}

clayer_status cly_io_keras_write_arguments(const cly_spec *spec, cJSON **config_out) {
    cJSON *config = cJSON_CreateObject();
    clayer_status status = config == NULL ? cly_io_json_put(NULL, "config", NULL) : CLAYER_OK;
    for (size_t p = 0; status == CLAYER_OK && p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        const cly_spec_parameter *parameter = &spec->entry->parameters[p];
        cJSON *value = NULL;
        status = make_value(spec, p, &value);
        /* No axes are None, which older versions do not know as an argument. */
        if (status == CLAYER_OK && (value != NULL || parameter->kind != CLY_SPEC_AXES)) {
            status = cly_io_json_put(config, parameter->name, value);
        }
    }
    if (status != CLAYER_OK) {
        cJSON_Delete(config);
        return status;
    }
    *config_out = config;
    return CLAYER_OK;
}

clayer_status cly_io_keras_write_object(const char *module, const char *class_name, cJSON *config, bool legacy,
                                        cJSON **json_out) {
    cJSON *object = cJSON_CreateObject();
    clayer_status status = CLAYER_OK;
    if (object == NULL) {
        cJSON_Delete(config);
        return cly_io_json_put(NULL, class_name, NULL);
    }
    if (!legacy) {
        status = cly_io_json_put(object, "module", cJSON_CreateString(module));
    }
    if (status == CLAYER_OK) {
        status = cly_io_json_put(object, "class_name", cJSON_CreateString(class_name));
    }
    if (status != CLAYER_OK) {
        cJSON_Delete(config);
        goto done;
    }
    CLY_TRY(cly_io_json_put(object, "config", config));
    if (!legacy) {
        CLY_TRY(cly_io_json_put(object, "registered_name", cJSON_CreateNull()));
    }
    *json_out = object;
    object = NULL;
done:
    cJSON_Delete(object);
    return status;
}

/* ---- activations ---- */

/* Names that one generation has and the other has not, or has for something else; NULL: there is no such function. */
static const struct {
    int generation;
    const char *name, *written;
} activation_names[] = {
    {2, "silu", "swish"},      {2, "keras2_hard_sigmoid", "hard_sigmoid"},
    {2, "hard_sigmoid", NULL}, {3, "keras2_hard_sigmoid", NULL},
    {2, "hard_silu", NULL},    {2, "hard_tanh", NULL},
    {2, "tanh_shrink", NULL},  {2, "soft_shrink", NULL},
    {2, "hard_shrink", NULL},  {2, "squareplus", NULL},
    {2, "sparse_plus", NULL},  {2, "sparse_sigmoid", NULL},
    {2, "celu", NULL},         {2, "log_sigmoid", NULL},
    {2, "threshold", NULL},    {2, "sparsemax", NULL},
};

static const char *activation_name(const char *name, int generation) {
    for (size_t i = 0; i < CLY_COUNT(activation_names); i++) {
        if (activation_names[i].generation == generation && strcmp(activation_names[i].name, name) == 0) {
            return activation_names[i].written;
        }
    }
    return name;
}

static bool has_arguments(const cly_spec *spec) {
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        if (spec->values[p] != spec->entry->parameters[p].fallback) {
            return true;
        }
    }
    return false;
}

/* relu(max_value=6) as the layer ReLU: what Keras writes for Conv2D(activation=ReLU(6)). */
static clayer_status write_activation_layer(const cly_spec *spec, const cly_io_keras_style *style, cJSON **json_out) {
    const char *class_name = spec->entry->class_name;
    cJSON *config = NULL, *policy = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(spec, &config));
    if (style->generation == 2 && strcmp(class_name, "LeakyReLU") == 0) {
        cJSON *slope = cJSON_DetachItemFromObjectCaseSensitive(config, "negative_slope");
        CLY_TRY(cly_io_json_put(config, "alpha", slope));
    }
    const cly_layers_class *class = cly_layers_find_class(class_name);
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(class == NULL ? spec->entry->name : class->auto_name)));
    CLY_TRY(cly_io_json_put(config, "trainable", cJSON_CreateTrue()));
    CLY_TRY(cly_io_keras_write_policy(NULL, style, &policy));
    CLY_TRY(cly_io_json_put(config, "dtype", policy));
    status = cly_io_keras_write_object("keras.layers", class_name, config, false, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

static clayer_status write_activation(const cly_spec *spec, const cly_io_keras_style *style, cJSON **json_out) {
    const char *name = spec->entry == NULL ? "linear" : activation_name(spec->entry->name, style->generation);
    if (name == NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "Keras %d has no activation '%s'", style->generation,
                             spec->entry->name);
    }
    if (spec->entry == NULL || !has_arguments(spec)) {
        *json_out = cJSON_CreateString(name);
        return *json_out == NULL ? cly_io_json_put(NULL, name, NULL) : CLAYER_OK;
    }
    if (spec->entry->class_name == NULL) {
        return cly_base_fail(
            CLAYER_UNSUPPORTED,
            "activation '%s' with other arguments than Keras' defaults cannot be written to Keras' files", name);
    }
    return write_activation_layer(spec, style, json_out);
}

/* ---- all of them ---- */

clayer_status cly_io_keras_write_spec(const cly_spec_list *list, const char *text, const cly_io_keras_style *style,
                                      cJSON **json_out) {
    cly_spec spec = {0};
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_spec_parse(list, text, &spec));
    if (list == &cly_ops_activations) {
        return write_activation(&spec, style, json_out);
    }
    if (spec.entry == NULL) {
        *json_out = cJSON_CreateNull();
        return *json_out == NULL ? cly_io_json_put(NULL, list->what, NULL) : CLAYER_OK;
    }
    const char *module = list == &cly_weights_initializers   ? "keras.initializers"
                         : list == &cly_weights_regularizers ? "keras.regularizers"
                                                             : "keras.constraints";
    CLY_TRY(cly_io_keras_write_arguments(&spec, &config));
    /* Objects within a layer have the whole form in .h5 files too. */
    CLY_TRY(cly_io_keras_write_object(module, spec.entry->class_name, config, false, json_out));
done:
    return status;
}
