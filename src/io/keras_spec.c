/* io/keras_spec.c: small readers of Keras' JSON, and the objects that layers choose by name: activations, initializers,
 * regularizers and constraints, as keras/src/saving/serialization_lib.py and Keras 2's older form write them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/keras.h"
#include "ops/activation.h"
#include "weights/weight.h"

/* ---- small readers ---- */

/* {"class_name": "__tuple__", "items": [...]}, {"class_name": "TensorShape", "items": [...]},
 * {"class_name": "__numpy__" or "__tuple__", "config": {"value": ...}}, {"type": "ndarray", "value": ...} */
const cJSON *cly_io_keras_unwrap(const cJSON *value) {
    static const char *const wrappers[] = {"__tuple__", "__numpy__", "__tensor__", "TensorShape", "ListWrapper"};
    const char *class_name = cly_io_keras_text(value, "class_name"), *type = cly_io_keras_text(value, "type");
    if (type != NULL && strcmp(type, "ndarray") == 0) { /* TensorFlow 1 and Keras 2 to 2.2 */
        const cJSON *inner = cJSON_GetObjectItemCaseSensitive(value, "value");
        return inner != NULL ? inner : value;
    }
    for (size_t i = 0; class_name != NULL && i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
        if (strcmp(class_name, wrappers[i]) == 0) {
            const cJSON *items = cJSON_GetObjectItemCaseSensitive(value, "items");
            const cJSON *config = cJSON_GetObjectItemCaseSensitive(value, "config");
            const cJSON *inner = items != NULL ? items : cJSON_GetObjectItemCaseSensitive(config, "value");
            return inner != NULL ? inner : value;
        }
    }
    return value;
}

const cJSON *cly_io_keras_get(const cJSON *object, const char *key) {
    return cly_io_keras_unwrap(cJSON_GetObjectItemCaseSensitive(object, key));
}

const char *cly_io_keras_text(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

bool cly_io_keras_integer(const cJSON *value, int64_t *integer_out) {
    if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble) ||
        fabs(value->valuedouble) > 9007199254740992.0) {
        return false;
    }
    *integer_out = (int64_t)value->valuedouble;
    return true;
}

bool cly_io_keras_shape(const cJSON *value, clayer_shape *shape_out) {
    clayer_shape shape = {0};
    const cJSON *item = NULL;
    if (!cJSON_IsArray(value)) {
        return false;
    }
    cJSON_ArrayForEach(item, value) {
        int64_t dim = -1;
        if (shape.rank == CLAYER_MAX_RANK || (!cJSON_IsNull(item) && !cly_io_keras_integer(item, &dim))) {
            return false;
        }
        shape.dims[shape.rank++] = dim;
    }
    *shape_out = shape;
    return true;
}

clayer_status cly_io_keras_own(const cJSON *object, const char *what) {
    static const char *const modules[] = {"keras", "tf_keras", "tensorflow", "builtins"};
    const char *registered = cly_io_keras_text(object, "registered_name");
    const char *class_name = cly_io_keras_text(object, "class_name");
    const char *module = cly_io_keras_text(object, "module");
    const char *package = registered != NULL && strchr(registered, '>') != NULL ? registered : class_name;
    /* What tf_keras registers so is its own, of InceptionResNetV2. */
    const bool custom_scale = package != NULL && strcmp(package, "Custom>CustomScaleLayer") == 0;
    if (package != NULL && strchr(package, '>') != NULL && !custom_scale) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s' is a custom object, whose code is not in the file", what,
                             package);
    }
    bool own = module == NULL;
    for (size_t i = 0; !own && i < sizeof(modules) / sizeof(modules[0]); i++) {
        size_t length = strlen(modules[i]);
        own = strncmp(module, modules[i], length) == 0 && (module[length] == '\0' || module[length] == '.');
    }
    if (!own) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "%s '%s' of module '%s' is a custom object, whose code is not in the "
                             "file",
                             what, class_name == NULL ? "?" : class_name, module);
    }
    return CLAYER_OK;
}

/* ---- objects to spec text ---- */

static clayer_status set_list(const cly_spec_list *list, cly_spec *spec, const char *name, const cJSON *value) {
    double numbers[CLY_SPEC_NUMBERS];
    size_t count = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, value) {
        if (count == CLY_SPEC_NUMBERS || !cJSON_IsNumber(item)) {
            return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s': %s is not a list of at most %d numbers", list->what,
                                 spec->entry->name, name, CLY_SPEC_NUMBERS);
        }
        numbers[count++] = item->valuedouble;
    }
    return cly_base_spec_set_list(list, spec, name, numbers, count);
}

static clayer_status set_argument(const cly_spec_list *list, cly_spec *spec, const cJSON *argument) {
    const char *name = argument->string;
    const cJSON *value = cly_io_keras_unwrap(argument);
    if (cJSON_IsNumber(value) || cJSON_IsBool(value)) {
        double number = cJSON_IsNumber(value) ? value->valuedouble : (double)cJSON_IsTrue(value);
        return cly_base_spec_set_number(list, spec, name, number);
    }
    if (cJSON_IsString(value)) {
        return cly_base_spec_set_text(list, spec, name, value->valuestring);
    }
    if (cJSON_IsArray(value)) {
        return set_list(list, spec, name, value);
    }
    /* A generator of seeds instead of a seed: any values will do. */
    const char *class_name = cly_io_keras_text(value, "class_name");
    if (strcmp(name, "seed") == 0 && class_name != NULL && strcmp(class_name, "SeedGenerator") == 0) {
        return cly_base_spec_set_text(list, spec, name, "None");
    }
    return cly_base_fail(CLAYER_UNSUPPORTED, "%s '%s': %s has a value of a kind that is not known", list->what,
                         spec->entry->name, name);
}

/* Keys that say nothing here: those of the layer that stands where an activation is wanted; the type that metrics are
 * added up in, which is float32 here as there; the function that a class of losses or metrics stands for; the type that
 * TensorFlow 1 gave initializers, which was the layer's. */
static bool is_common_key(const cly_spec_list *list, const char *key) {
    static const char *const keys[] = {"name", "trainable", "dtype"};
    static const char *const class_keys[] = {"fn", "dtype", "name"};
    bool activation = list == &cly_ops_activations, named = list->named;
    if (list == &cly_weights_initializers && strcmp(key, "dtype") == 0) {
        return true;
    }
    const char *const *common = activation ? keys : class_keys;
    for (size_t i = 0; (activation || named) && i < 3; i++) {
        if (strcmp(common[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* null is None, where that is not the fallback anyway. */
static void set_none(const cly_spec_list *list, cly_spec *spec, const char *name) {
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        const cly_spec_parameter *parameter = &spec->entry->parameters[p];
        if (strcmp(parameter->name, name) == 0 && parameter->kind == CLY_SPEC_OPTIONAL) {
            (void)cly_base_spec_set_text(list, spec, name, "None");
        }
    }
}

clayer_status cly_io_keras_arguments(const cly_spec_list *list, const cJSON *config, cly_spec *spec) {
    const cJSON *argument = NULL;
    clayer_status status = CLAYER_OK;
    cJSON_ArrayForEach(argument, config) {
        if (argument->string == NULL) {
            return cly_base_fail(CLAYER_BAD_FILE, "%s '%s': its config is not an object", list->what,
                                 spec->entry->name);
        }
        if (cJSON_IsNull(argument)) {
            set_none(list, spec, argument->string);
        } else if (!is_common_key(list, argument->string)) {
            CLY_TRY(set_argument(list, spec, argument));
        }
    }
done:
    return status;
}

static clayer_status find_name(const cly_spec_list *list, const char *name, int generation, cly_spec *spec_out) {
    bool activation = list == &cly_ops_activations;
    if (activation && generation == 2 && strcmp(name, "hard_sigmoid") == 0) {
        name = "keras2_hard_sigmoid";
    } else if (activation && (name[0] >= 'A' && name[0] <= 'Z')) {
        /* A class by its bare name has other defaults than the function. */
        return cly_base_fail(CLAYER_UNSUPPORTED, "unknown activation '%s'", name);
    }
    clayer_status status = cly_base_spec_find(list, name, spec_out);
    if (activation && status == CLAYER_INVALID_ARGUMENT) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "activation '%s' is none of Keras' own, and what it computes is not in the file: "
                             "clayer_load_config can say it (clayer ... --activation '%s=relu')",
                             name, name);
    }
    return status == CLAYER_INVALID_ARGUMENT ? CLAYER_UNSUPPORTED : status;
}

/* Softmax as a layer: only its default axis is what the function of that name does. */
static clayer_status find_softmax(const cly_spec_list *list, const cJSON *config, cly_spec *spec_out) {
    int64_t axis = -1;
    const cJSON *value = cly_io_keras_get(config, "axis");
    if (value != NULL && (!cly_io_keras_integer(value, &axis) || axis != -1)) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "activation 'Softmax': axis is not -1");
    }
    return cly_base_spec_find(list, "softmax", spec_out);
}

static clayer_status read_object(const cly_spec_list *list, const cJSON *value, int generation, cly_spec *spec_out) {
    const char *class_name = cly_io_keras_text(value, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(value, "config");
    clayer_status status = CLAYER_OK;
    if (class_name == NULL && list == &cly_ops_activations &&
        cJSON_GetObjectItemCaseSensitive(value, "value") != NULL) {
        class_name = "__lambda__"; /* both generations write the bare code of one */
    }
    if (class_name == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "%s has no class_name", list->what);
    }
    CLY_TRY(cly_io_keras_own(value, list->what));
    if (strcmp(class_name, "function") == 0 && cJSON_IsString(config)) {
        return find_name(list, config->valuestring, generation, spec_out);
    }
    if (strcmp(class_name, "__lambda__") == 0) {
        return cly_base_fail(
            CLAYER_UNSUPPORTED,
            "%s '<lambda>' is a Lambda: it holds Python code, which is not run; clayer_load_config can say what it "
            "computes (clayer ... --activation '<lambda>=relu')",
            list->what);
    }
    if (list == &cly_ops_activations && strcmp(class_name, "Softmax") == 0) {
        return find_softmax(list, config, spec_out);
    }
    status = cly_base_spec_find(list, class_name, spec_out);
    if (status != CLAYER_OK) {
        return status == CLAYER_INVALID_ARGUMENT ? CLAYER_UNSUPPORTED : status;
    }
    CLY_TRY(cly_io_keras_arguments(list, config, spec_out));
done:
    return status == CLAYER_INVALID_ARGUMENT ? CLAYER_UNSUPPORTED : status;
}

clayer_status cly_io_keras_spec(const cly_spec_list *list, const cJSON *value, int generation, char **text_out) {
    cly_spec spec = {0};
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    if (cJSON_IsNull(value)) {
        *text_out = NULL;
        return CLAYER_OK;
    }
    if (cJSON_IsRaw(value)) { /* the user's own text: keras_map.c */
        CLY_TRY(cly_base_spec_parse(list, value->valuestring, &spec));
    } else if (cJSON_IsString(value)) {
        CLY_TRY(find_name(list, value->valuestring, generation, &spec));
    } else if (cJSON_IsObject(value)) {
        CLY_TRY(read_object(list, value, generation, &spec));
    } else {
        status = cly_base_fail(CLAYER_BAD_FILE, "%s is neither a name nor an object", list->what);
        goto done;
    }
    CLY_TRY(cly_base_spec_format(&spec, &text));
    *text_out = text.chars;
    text = (cly_base_text){0};
done:
    cly_base_text_free(&text);
    return status;
}
