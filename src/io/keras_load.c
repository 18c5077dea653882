/* io/keras_load.c: whole models from .keras and .h5, and from a JSON configuration with weights.
 *
 * The format is found out by content, the generation of Keras by the version that the file names. Nothing in a file is
 * executed. Every message names the file; what is wrong inside of it is CLAYER_BAD_FILE or CLAYER_UNSUPPORTED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "io/keras.h"

#define CONFIG_LIMIT ((size_t)64 << 20) /* bytes of a model's JSON */
#define METADATA_LIMIT ((size_t)1 << 20)
#define WEIGHTS_MEMBER "model.weights.h5"

typedef enum content {
    CONTENT_UNREADABLE,
    CONTENT_EMPTY,
    CONTENT_ZIP,
    CONTENT_HDF5,
    CONTENT_JSON,
    CONTENT_OTHER
} content;

/* HDF5's signature may stand behind a block of the user's, at 512, 1024, 2048... bytes. */
static bool has_hdf5_signature(FILE *file) {
    char bytes[8];
    for (long offset = 0; offset <= 1L << 20; offset = offset == 0 ? 512 : offset * 2) {
        if (fseek(file, offset, SEEK_SET) != 0 || fread(bytes, sizeof(bytes), 1, file) != 1) {
            return false;
        }
        if (memcmp(bytes, "\x89HDF\r\n\x1a\n", sizeof(bytes)) == 0) {
            return true;
        }
    }
    return false;
}

static content find_content(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return CONTENT_UNREADABLE;
    }
    char start[64] = {0};
    size_t length = fread(start, 1, sizeof(start) - 1, file);
    content found = CONTENT_OTHER;
    if (length == 0) {
        found = ferror(file) ? CONTENT_UNREADABLE : CONTENT_EMPTY;
    } else if (length >= 4 && (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "PK\5\6", 4) == 0)) {
        found = CONTENT_ZIP;
    } else if (has_hdf5_signature(file)) {
        found = CONTENT_HDF5;
    } else if (start[strspn(start, " \t\r\n")] == '{') {
        found = CONTENT_JSON;
    }
    (void)fclose(file);
    return found;
}

/* What is wrong inside a file is the file's fault, whatever function found it, and every message names the file. */
static clayer_status finish(clayer_status status, const char *path) {
    if (status == CLAYER_INVALID_ARGUMENT || status == CLAYER_INVALID_SHAPE) {
        status = CLAYER_BAD_FILE;
    }
    char named[1024]; /* how messages from below name the file */
    (void)snprintf(named, sizeof(named), "'%s", path);
    if (status != CLAYER_OK && strstr(clayer_last_error(), named) == NULL) {
        status = cly_base_prefix(status, "'%s'", path);
    }
    return status;
}

/* 2 or 3 from "2.15.0" or "3.1.1"; a version that is not named is one of Keras 2 or older. */
static clayer_status find_generation(const char *version, int *generation_out) {
    if (version == NULL || version[0] == '2' || version[0] == '1') {
        *generation_out = 2;
    } else if (version[0] == '3') {
        *generation_out = 3;
    } else {
        return cly_base_fail(CLAYER_UNSUPPORTED, "written by Keras '%s'; Keras 1 to 3 are read", version);
    }
    return CLAYER_OK;
}

/* Keras 1 named its version since 1.1. */
static clayer_status modernise(const char *version, cJSON *config) {
    return version == NULL || version[0] == '1' ? cly_io_keras_modernise(config) : CLAYER_OK;
}

/* ---- .keras ---- */

static clayer_status read_json(cly_io_zip *zip, const char *member, size_t limit, cJSON **json_out) {
    void *text = NULL;
    size_t length = 0;
    clayer_status status = cly_io_zip_read(zip, member, limit, &text, &length);
    if (status == CLAYER_OK) {
        status = cly_io_json_parse(text, length, member, json_out);
    }
    free(text);
    return status;
}

static clayer_status read_version(cly_io_zip *zip, int *generation_out) {
    cJSON *metadata = NULL;
    clayer_status status = read_json(zip, "metadata.json", METADATA_LIMIT, &metadata);
    if (status == CLAYER_OK) {
        const char *version = cly_io_keras_text(metadata, "keras_version");
        status = find_generation(version, generation_out);
    }
    cJSON_Delete(metadata);
    return status;
}

/* With the state of the optimizer, if the model is compiled. */
static clayer_status read_archive_weights(cly_io_zip *zip, const char *path, clayer_model *model) {
    void *bytes = NULL;
    size_t length = 0;
    cly_io_hdf5 *file = NULL;
    char where[512];
    clayer_status status = CLAYER_OK;
    (void)snprintf(where, sizeof(where), "%s:%s", path, WEIGHTS_MEMBER);
    CLY_TRY(cly_io_zip_read(zip, WEIGHTS_MEMBER, 0, &bytes, &length));
    status = cly_io_hdf5_open_bytes(bytes, length, where, &file);
    free(bytes);
    CLY_TRY(status);
    CLY_TRY(cly_io_keras_weights(model, file));
    CLY_TRY(cly_io_keras_state(model, file));
done:
    cly_io_hdf5_close(file);
    return status;
}

static clayer_status load_archive(clayer_context *context, const char *path, const clayer_load_config *wanted,
                                  clayer_model **model_out) {
    cly_io_zip *zip = NULL;
    cJSON *config = NULL;
    clayer_model *model = NULL;
    int generation = 3;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_zip_open(path, &zip));
    CLY_TRY(read_json(zip, "config.json", CONFIG_LIMIT, &config));
    CLY_TRY(read_version(zip, &generation));
    CLY_TRY(cly_io_keras_map(context, wanted, config));
    CLY_TRY(cly_io_keras_model(context, config, generation, &model));
    CLY_TRY(cly_io_keras_training(model, cJSON_GetObjectItemCaseSensitive(config, "compile_config")));
    CLY_TRY(read_archive_weights(zip, path, model));
    model->optimizer = CLY_MODEL_OPTIMIZER_ALL;
    CLY_TRY(cly_io_keras_read_archive_check(model, zip));
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    cJSON_Delete(config);
    cly_io_zip_close(zip);
    return status;
}

/* ---- .h5 ---- */

static clayer_status read_training(clayer_model *model, cly_io_hdf5 *file) {
    char *text = NULL;
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_get_text(file, "/", "training_config", &text));
    if (text != NULL) {
        CLY_TRY(cly_io_json_parse(text, strlen(text), "training_config", &config));
        CLY_TRY(cly_io_keras_training(model, config));
    }
done:
    cJSON_Delete(config);
    free(text);
    return status;
}

static clayer_status load_hdf5(clayer_context *context, const char *path, const clayer_load_config *wanted,
                               clayer_model **model_out) {
    cly_io_hdf5 *file = NULL;
    char *text = NULL, *version = NULL;
    cJSON *config = NULL;
    clayer_model *model = NULL;
    int generation = 2;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_open(path, &file));
    CLY_TRY(cly_io_hdf5_get_text(file, "/", "model_config", &text));
    if (text == NULL) {
        status = cly_base_fail(CLAYER_BAD_FILE,
                               "the file holds no model_config: if it holds weights only, load it "
                               "together with the model's JSON (clayer_model_load_json)");
        goto done;
    }
    CLY_TRY(cly_io_hdf5_get_text(file, "/", "keras_version", &version));
    CLY_TRY(find_generation(version, &generation));
    CLY_TRY(cly_io_json_parse(text, strlen(text), "model_config", &config));
    CLY_TRY(modernise(version, config));
    CLY_TRY(cly_io_keras_map(context, wanted, config));
    CLY_TRY(cly_io_keras_model(context, config, generation, &model));
    CLY_TRY(read_training(model, file));
    CLY_TRY(cly_io_keras_weights(model, file));
    CLY_TRY(cly_io_keras_state(model, file));
    model->optimizer =
        cly_io_hdf5_exists(file, "optimizer_weights") ? CLY_MODEL_OPTIMIZER_SCALARS : CLY_MODEL_OPTIMIZER_NONE;
    CLY_TRY(cly_io_keras_read_check(model, file));
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    cJSON_Delete(config);
    free(version);
    free(text);
    cly_io_hdf5_close(file);
    return status;
}

/* ---- JSON with weights ---- */

/* Whether the tree holds what Keras 2 alone writes: modules of tf_keras or of Keras 2's engine, operations as
 * TFOpLambda, calls as lists, the shape of an InputLayer under its old name. The parser has limited the depth. */
static bool is_keras2(const cJSON *json) {
    static const char *const classes[] = {"TFOpLambda", "SlicingOpLambda", "ClassMethod"};
    const char *module = cly_io_keras_text(json, "module"), *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(json, "inbound_nodes");
    if (module != NULL && (strncmp(module, "tf_keras", 8) == 0 || strstr(module, "keras.src.engine") != NULL)) {
        return true;
    }
    for (size_t i = 0; class_name != NULL && i < CLY_COUNT(classes); i++) {
        if (strcmp(class_name, classes[i]) == 0) {
            return true;
        }
    }
    if (cJSON_GetObjectItemCaseSensitive(json, "batch_input_shape") != NULL ||
        (cJSON_IsArray(calls) && cJSON_IsArray(calls->child))) {
        return true;
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        if ((cJSON_IsObject(item) || cJSON_IsArray(item)) && is_keras2(item)) {
            return true;
        }
    }
    return false;
}

/* Keras 2's to_json() writes its version beside the config. Keras 3's does not, nor does the config.json of a .keras
 * file of either, but where the class comes from. */
static clayer_status find_json_generation(const cJSON *json, int *generation_out) {
    const char *version = cly_io_keras_text(json, "keras_version");
    if (version == NULL && cJSON_GetObjectItemCaseSensitive(json, "registered_name") != NULL) {
        *generation_out = is_keras2(json) ? 2 : 3;
        return CLAYER_OK;
    }
    return find_generation(version, generation_out);
}

static clayer_status load_config(clayer_context *context, const char *path, const clayer_load_config *wanted,
                                 clayer_model **model_out) {
    void *text = NULL;
    size_t length = 0;
    cJSON *json = NULL;
    clayer_model *model = NULL;
    int generation = 3;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_read_file(path, CONFIG_LIMIT, &text, &length));
    CLY_TRY(cly_io_json_parse(text, length, "the configuration", &json));
    CLY_TRY(find_json_generation(json, &generation));
    if (cJSON_GetObjectItemCaseSensitive(json, "registered_name") == NULL) { /* which Keras 1 did not write */
        CLY_TRY(generation == 2 ? modernise(cly_io_keras_text(json, "keras_version"), json) : CLAYER_OK);
    }
    CLY_TRY(cly_io_keras_map(context, wanted, json));
    CLY_TRY(cly_io_keras_model(context, json, generation, &model));
    CLY_TRY(cly_io_keras_training(model, cJSON_GetObjectItemCaseSensitive(json, "compile_config")));
    *model_out = model;
    model = NULL;
done:
    clayer_model_destroy(model);
    cJSON_Delete(json);
    free(text);
    return status;
}

static clayer_status load_weights(clayer_model *model, const char *path) {
    cly_io_zip *zip = NULL;
    cly_io_hdf5 *file = NULL;
    clayer_status status = CLAYER_OK;
    switch (find_content(path)) {
        case CONTENT_UNREADABLE:
            return cly_base_fail_errno("read", path);
        case CONTENT_ZIP:
            CLY_TRY(cly_io_zip_open(path, &zip));
            CLY_TRY(read_archive_weights(zip, path, model));
            break;
        case CONTENT_HDF5:
            CLY_TRY(cly_io_hdf5_open(path, &file));
            CLY_TRY(cly_io_keras_weights(model, file));
            break;
        case CONTENT_EMPTY:
        case CONTENT_JSON:
        case CONTENT_OTHER:
            status = cly_base_fail(CLAYER_BAD_FILE, "'%s' is neither a .h5 nor a .keras file with weights", path);
    }
done:
    cly_io_zip_close(zip);
    cly_io_hdf5_close(file);
    return status;
}

static clayer_status load_json(clayer_context *context, const char *path, const clayer_load_config *config,
                               clayer_model **model_out) {
    clayer_model *model = NULL;
    clayer_status status = finish(load_config(context, path, config, &model), path);
    if (status == CLAYER_OK && config->weights_path != NULL) {
        status = finish(load_weights(model, config->weights_path), config->weights_path);
    }
    if (status != CLAYER_OK) {
        clayer_model_destroy(model);
        return status;
    }
    *model_out = model;
    return CLAYER_OK;
}

/* ---- the public functions ---- */

static clayer_status check_pointers(const char *function, const clayer_context *context, const char *path,
                                    clayer_model *const *model_out) {
    if (context == NULL || path == NULL || model_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %s is NULL", function,
                             context == NULL ? "context" : (path == NULL ? "path" : "model_out"));
    }
    return CLAYER_OK;
}

clayer_status clayer_model_load_with(clayer_context *context, const char *path, const clayer_load_config *config,
                                     clayer_model **model_out) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(check_pointers("clayer_model_load", context, path, model_out));
    CLY_TRY(cly_io_keras_check_config(config));
    switch (find_content(path)) {
        case CONTENT_UNREADABLE:
            return cly_base_fail_errno("read", path);
        case CONTENT_EMPTY:
            return cly_base_fail(CLAYER_BAD_FILE, "'%s' is empty", path);
        case CONTENT_ZIP:
            return finish(load_archive(context, path, config, model_out), path);
        case CONTENT_HDF5:
            return finish(load_hdf5(context, path, config, model_out), path);
        case CONTENT_JSON:
            return config != NULL ? load_json(context, path, config, model_out)
                                  : cly_base_fail(CLAYER_BAD_FILE,
                                                  "'%s' looks like JSON, a model without its weights: load it with "
                                                  "them (clayer_model_load_json)",
                                                  path);
        case CONTENT_OTHER:
            break;
    }
    status = cly_base_fail(CLAYER_BAD_FILE, "'%s' is neither a .keras nor a .h5 file", path);
done:
    return status;
}

clayer_status clayer_model_load(clayer_context *context, const char *path, clayer_model **model_out) {
    return clayer_model_load_with(context, path, NULL, model_out);
}

clayer_status clayer_model_load_json(clayer_context *context, const char *json_path, const char *weights_path,
                                     clayer_model **model_out) {
    const clayer_load_config config = {.struct_size = sizeof(config), .weights_path = weights_path};
    clayer_status status = CLAYER_OK;
    CLY_TRY(check_pointers("clayer_model_load_json", context, json_path, model_out));
    CLY_TRY(load_json(context, json_path, &config, model_out));
done:
    return status;
}
