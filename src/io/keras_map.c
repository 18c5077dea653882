/* io/keras_map.c: activations of the user's own, which a file names but does not hold, replaced by those of the
 * library.
 *
 * A configuration names a function ("my_act", or as an object with its module), or holds the code of one without a
 * name,
 * "<lambda>", which is never run. Where the user says what it computes, that text takes its place in the JSON before
 * any of it is read. A raw JSON value carries it: no parser makes one of those. */
#include <string.h>

#include "base/memory.h"
#include "device/device.h"
#include "io/keras.h"
#include "ops/activation.h"

typedef struct mapping {
    const clayer_load_config *config;
    bool used[64];
} mapping;

#define NAMELESS "<lambda>"

/* The name of an activation: of a string, of a function's object, of any other class. */
static const char *activation_name(const cJSON *value) {
    const char *class_name = cly_io_keras_text(value, "class_name");
    if (cJSON_IsString(value)) {
        return value->valuestring;
    }
    if (!cJSON_IsObject(value)) {
        return NULL;
    }
    if (class_name == NULL || strcmp(class_name, "__lambda__") == 0) {
        return NAMELESS; /* both generations write the bare code of one, {"value": [...]} */
    }
    const char *function = cly_io_keras_text(value, "config");
    return strcmp(class_name, "function") == 0 && function != NULL ? function : class_name;
}

/* "my_act" also stands for "package>my_act". */
static bool same_name(const char *wanted, const char *name) {
    const char *end = strrchr(name, '>');
    bool bare = end != NULL && end[1] != '\0' && strcmp(end + 1, wanted) == 0;
    return strcmp(wanted, name) == 0 || bare;
}

static clayer_status map_value(mapping *in, cJSON *object, const char *key) {
    const char *name = activation_name(cJSON_GetObjectItemCaseSensitive(object, key));
    for (size_t i = 0; name != NULL && i < in->config->activation_count; i++) {
        if (same_name(in->config->activations[i].name, name)) {
            cJSON *raw = cJSON_CreateRaw(in->config->activations[i].activation);
            in->used[i] = true;
            if (raw == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, key, raw)) {
                cJSON_Delete(raw);
                return cly_io_json_put(NULL, key, NULL);
            }
            return CLAYER_OK;
        }
    }
    return CLAYER_OK;
}

/* Every "activation" in the tree, whose depth the parser has limited. */
static clayer_status map_tree(mapping *in, cJSON *json) {
    clayer_status status = CLAYER_OK;
    if (cJSON_IsObject(json) && cJSON_GetObjectItemCaseSensitive(json, "activation") != NULL) {
        CLY_TRY(map_value(in, json, "activation"));
    }
    for (cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(map_tree(in, item));
    }
done:
    return status;
}

static clayer_status check_mapping(const clayer_activation_mapping *item) {
    cly_spec spec = {0};
    if (item->name == NULL || item->name[0] == '\0' || item->activation == NULL || item->activation[0] == '\0') {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_load_config: an activation has no name or no text");
    }
    clayer_status status = cly_base_spec_parse(&cly_ops_activations, item->activation, &spec);
    return status == CLAYER_OK ? status : cly_base_prefix(status, "activation '%s'", item->name);
}

clayer_status cly_io_keras_map(clayer_context *context, const clayer_load_config *config, cJSON *json) {
    mapping in = {.config = config};
    clayer_status status = CLAYER_OK;
    if (config == NULL || config->activation_count == 0) {
        return CLAYER_OK;
    }
    CLY_TRY(map_tree(&in, json));
    for (size_t i = 0; i < config->activation_count; i++) {
        if (!in.used[i]) {
            cly_device_log(context, CLAYER_LOG_WARNING, "no layer of the file has an activation '%s'",
                           config->activations[i].name);
        }
    }
done:
    return status;
}

clayer_status cly_io_keras_check_config(const clayer_load_config *config) {
    clayer_status status = CLAYER_OK;
    if (config == NULL) {
        return CLAYER_OK;
    }
    if (config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_load_config: struct_size is %zu, must be %zu",
                             config->struct_size, sizeof(*config));
    }
    if (config->activation_count > CLY_COUNT(((mapping *)NULL)->used) ||
        (config->activation_count > 0 && config->activations == NULL)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_load_config: %s",
                             config->activations == NULL ? "activations is NULL" : "more than 64 activations");
    }
    for (size_t i = 0; i < config->activation_count; i++) {
        CLY_TRY(check_mapping(&config->activations[i]));
    }
done:
    return status;
}
