/* io/keras_save.c: models to .keras, .h5, weights and JSON files that real Keras reads: the other way of keras_load.c.
 *
 * A file is made in memory, then written beside its place, flushed and renamed (base/path.h): whatever fails leaves the
 * old file as it was and nothing beside it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/path.h"
#include "io/keras_write.h"

bool cly_io_keras_is_sequential(const clayer_model *model) {
    /* A layer stands in a Sequential once. */
    return model->sequential && model->node_count == model->layer_count;
}

const char *cly_io_keras_version(const clayer_model *model) {
    return model->generation == 2 ? CLY_IO_KERAS2_VERSION : CLY_IO_KERAS3_VERSION;
}

static bool ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), end_length = strlen(ending);
    return length >= end_length && strcmp(path + length - end_length, ending) == 0;
}

static bool is_hdf5_name(const char *path) {
    return ends_with(path, ".h5") || ends_with(path, ".hdf5");
}

static clayer_status check_arguments(const char *function, const clayer_model *model, const char *path) {
    if (model == NULL || path == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "%s: %s is NULL", function, model == NULL ? "model" : "path");
    }
    return CLAYER_OK;
}

/* Every message names the file. */
static clayer_status finish(clayer_status status, const char *path) {
    bool named = status == CLAYER_OK || strstr(clayer_last_error(), path) != NULL;
    return named ? status : cly_base_prefix(status, "'%s'", path);
}

/* ---- .keras ---- */

static clayer_status print_metadata(const clayer_model *model, char **text_out) {
    cJSON *metadata = cJSON_CreateObject();
    char date[32] = "";
    struct tm parts;
    time_t now = time(NULL);
    clayer_status status = CLAYER_OK;
    if (localtime_r(&now, &parts) != NULL) {
        (void)strftime(date, sizeof(date), "%Y-%m-%d@%H:%M:%S", &parts);
    }
    CLY_TRY(cly_io_json_put(metadata, "keras_version", cJSON_CreateString(cly_io_keras_version(model))));
    CLY_TRY(cly_io_json_put(metadata, "date_saved", cJSON_CreateString(date)));
    CLY_TRY(cly_io_json_print(metadata, text_out));
done:
    cJSON_Delete(metadata);
    return status;
}

static clayer_status print_config(const clayer_model *model, char **text_out) {
    const cly_io_keras_style style = {.generation = model->generation};
    cJSON *json = NULL, *training = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_model(model, &style, &json));
    CLY_TRY(cly_io_keras_write_training(model, &style, &training));
    if (training != NULL || style.generation == 3) {
        CLY_TRY(cly_io_json_put(json, "compile_config", training != NULL ? training : cJSON_CreateObject()));
    }
    CLY_TRY(cly_io_json_print(json, text_out));
done:
    cJSON_Delete(json);
    return status;
}

static clayer_status make_weights(const clayer_model *model, bool with_state, void **bytes_out, size_t *length_out) {
    const cly_io_keras_style style = {.generation = model->generation};
    cly_io_hdf5_image *image = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_create(&image));
    CLY_TRY(cly_io_keras_write_weights(model, image));
    if (with_state) {
        CLY_TRY(cly_io_keras_write_state(model, &style, image));
    }
    CLY_TRY(cly_io_hdf5_get_image(image, bytes_out, length_out));
done:
    cly_io_hdf5_discard(image);
    return status;
}

static clayer_status save_archive(const clayer_model *model, const char *path) {
    char *metadata = NULL, *config = NULL;
    void *weights = NULL, *bytes = NULL;
    size_t weights_length = 0, length = 0;
    cly_io_zip_member check = {.name = NULL};
    clayer_status status = CLAYER_OK;
    CLY_TRY(print_metadata(model, &metadata));
    CLY_TRY(print_config(model, &config));
    CLY_TRY(make_weights(model, true, &weights, &weights_length));
    CLY_TRY(cly_io_keras_make_check(model, &check));
    const cly_io_zip_member members[] = {
        {.name = "metadata.json", .bytes = metadata, .length = strlen(metadata)},
        {.name = "config.json", .bytes = config, .length = strlen(config)},
        {.name = "model.weights.h5", .bytes = weights, .length = weights_length},
        check,
    };
    CLY_TRY(cly_io_zip_write(members, CLY_COUNT(members) - (check.name == NULL), &bytes, &length));
    CLY_TRY(cly_base_write_file(path, bytes, length));
done:
    free(metadata);
    free(config);
    free(weights);
    free((void *)(uintptr_t)check.bytes);
    free(bytes);
    return status;
}

/* ---- .h5 ---- */

static clayer_status put_text(cly_io_hdf5_image *image, const char *name, const cJSON *json) {
    char *text = NULL;
    clayer_status status = cly_io_json_print(json, &text);
    if (status == CLAYER_OK) {
        status = cly_io_hdf5_set_text(image, "/", name, text);
    }
    free(text);
    return status;
}

static clayer_status fill_hdf5(const clayer_model *model, cly_io_hdf5_image *image) {
    const cly_io_keras_style style = {.generation = model->generation, .legacy = true};
    cJSON *json = NULL, *training = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_model(model, &style, &json));
    CLY_TRY(cly_io_keras_write_training(model, &style, &training));
    CLY_TRY(cly_io_hdf5_set_text(image, "/", "keras_version", cly_io_keras_version(model)));
    CLY_TRY(cly_io_hdf5_set_text(image, "/", "backend", "tensorflow"));
    CLY_TRY(put_text(image, "model_config", json));
    if (training != NULL) {
        CLY_TRY(put_text(image, "training_config", training));
    }
    CLY_TRY(cly_io_keras_write_legacy_weights(model, image, "model_weights"));
    CLY_TRY(cly_io_keras_write_state(model, &style, image));
    CLY_TRY(cly_io_keras_write_check(model, image));
done:
    cJSON_Delete(json);
    cJSON_Delete(training);
    return status;
}

static clayer_status save_hdf5(const clayer_model *model, const char *path) {
    cly_io_hdf5_image *image = NULL;
    void *bytes = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_hdf5_create(&image));
    CLY_TRY(fill_hdf5(model, image));
    CLY_TRY(cly_io_hdf5_get_image(image, &bytes, &length));
    CLY_TRY(cly_base_write_file(path, bytes, length));
done:
    cly_io_hdf5_discard(image);
    free(bytes);
    return status;
}

clayer_status clayer_model_save(clayer_model *model, const char *path) {
    clayer_status status = check_arguments("clayer_model_save", model, path);
    if (status != CLAYER_OK) {
        return status;
    }
    if (ends_with(path, ".weights.h5")) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "'%s': a file of that ending holds weights alone (clayer_model_save_weights)", path);
    }
    status = cly_io_keras_renew_check(model);
    if (status != CLAYER_OK) {
        return finish(status, path);
    }
    if (ends_with(path, ".keras")) {
        return finish(save_archive(model, path), path);
    }
    if (is_hdf5_name(path)) {
        return finish(save_hdf5(model, path), path);
    }
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': a model's file ends in .keras, .h5 or .hdf5", path);
}

/* ---- weights alone ---- */

static clayer_status save_weights(const clayer_model *model, const char *path) {
    cly_io_hdf5_image *image = NULL;
    void *bytes = NULL;
    size_t length = 0;
    clayer_status status = CLAYER_OK;
    if (ends_with(path, ".weights.h5")) {
        CLY_TRY(make_weights(model, false, &bytes, &length));
    } else {
        CLY_TRY(cly_io_hdf5_create(&image));
        CLY_TRY(cly_io_keras_write_legacy_weights(model, image, "/"));
        CLY_TRY(cly_io_hdf5_get_image(image, &bytes, &length));
    }
    CLY_TRY(cly_base_write_file(path, bytes, length));
done:
    cly_io_hdf5_discard(image);
    free(bytes);
    return status;
}

clayer_status clayer_model_save_weights(clayer_model *model, const char *path) {
    clayer_status status = check_arguments("clayer_model_save_weights", model, path);
    if (status != CLAYER_OK) {
        return status;
    }
    if (!is_hdf5_name(path)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': a file of weights ends in .weights.h5, .h5 or .hdf5",
                             path);
    }
    return finish(save_weights(model, path), path);
}

/* ---- the configuration alone ---- */

/* Keras 2's to_json() has its version beside the model, Keras 3's what the .keras has. */
static clayer_status print_json(const clayer_model *model, char **text_out) {
    const cly_io_keras_style style = {.generation = model->generation};
    cJSON *json = NULL, *inner = NULL;
    clayer_status status = CLAYER_OK;
    if (model->generation == 3) {
        return print_config(model, text_out);
    }
    json = cJSON_CreateObject();
    CLY_TRY(cly_io_keras_write_model(model, &style, &inner));
    CLY_TRY(cly_io_json_put(json, "class_name",
                            cJSON_CreateString(cly_io_keras_is_sequential(model) ? "Sequential" : "Functional")));
    CLY_TRY(cly_io_json_put(json, "config", cJSON_DetachItemFromObjectCaseSensitive(inner, "config")));
    CLY_TRY(cly_io_json_put(json, "keras_version", cJSON_CreateString(cly_io_keras_version(model))));
    CLY_TRY(cly_io_json_put(json, "backend", cJSON_CreateString("tensorflow")));
    CLY_TRY(cly_io_json_print(json, text_out));
done:
    cJSON_Delete(json);
    cJSON_Delete(inner);
    return status;
}

clayer_status clayer_model_save_json(clayer_model *model, const char *path) {
    char *text = NULL;
    clayer_status status = check_arguments("clayer_model_save_json", model, path);
    if (status != CLAYER_OK) {
        return status;
    }
    status = print_json(model, &text);
    if (status == CLAYER_OK) {
        status = cly_base_write_file(path, text, strlen(text));
    }
    free(text);
    return finish(status, path);
}
