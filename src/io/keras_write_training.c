/* io/keras_write_training.c: what a model was compiled with, as Keras' compile_config (.keras) or training_config
 * (.h5).
 *
 * Follows get_compile_config of keras/src/trainers/trainer.py and model_metadata of
 * keras/src/legacy/saving/saving_utils.py, and their like in Keras 2. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/device.h"
#include "io/keras_write.h"

/* ---- the optimizer ---- */

static clayer_status write_schedule(const cly_spec *schedule, cJSON **json_out) {
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(schedule, &config));
    if (schedule->name[0] != '\0') {
        CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(schedule->name)));
    }
    status =
        cly_io_keras_write_object("keras.optimizers.schedules", schedule->entry->class_name, config, false, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

/* Keras' own names: of the class in Keras 2, in snake case in Keras 3. */
const char *cly_io_keras_optimizer_name(const cly_spec *spec, int generation) {
    const char *class_name = spec->entry->class_name;
    if (spec->name[0] != '\0') {
        return spec->name;
    }
    if (generation == 2) {
        return class_name;
    }
    bool rmsprop = strcmp(class_name, "RMSprop") == 0;
    return rmsprop ? "rm_sprop" : strcmp(class_name, "AdamW") == 0 ? "adam_w" : spec->entry->name;
}

static clayer_status write_optimizer_config(const cly_train_optimizer *optimizer, int generation, cJSON **config_out) {
    const cly_spec *spec = cly_train_optimizer_spec(optimizer);
    const cly_spec *schedule = cly_train_optimizer_schedule(optimizer);
    cJSON *config = NULL, *rate = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(spec, &config));
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        const char *name = spec->entry->parameters[p].name;
        if (!cly_train_optimizer_saves(name, generation)) {
            cJSON_DeleteItemFromObjectCaseSensitive(config, name);
        }
    }
    if (schedule->entry != NULL) {
        CLY_TRY(write_schedule(schedule, &rate));
    } else {
        rate = cly_io_json_float((double)cly_train_optimizer_get_rate(optimizer)); /* as it stands now */
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, "learning_rate");
    CLY_TRY(cly_io_json_put(config, "learning_rate", rate));
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(cly_io_keras_optimizer_name(spec, generation))));
    *config_out = config;
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

static clayer_status write_optimizer(const cly_train_optimizer *optimizer, const cly_io_keras_style *style,
                                     cJSON **json_out) {
    const char *class_name = cly_train_optimizer_spec(optimizer)->entry->class_name;
    cly_base_text registered = {0};
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(write_optimizer_config(optimizer, style->generation, &config));
    /* Keras 2 registers its optimizers as if they were the user's, and names them so in .h5 files. */
    CLY_TRY(
        cly_base_text_add(&registered, "%s%s", style->generation == 2 && style->legacy ? "Custom>" : "", class_name));
    status = cly_io_keras_write_object("keras.optimizers", registered.chars, config, style->legacy, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    cly_base_text_free(&registered);
    return status;
}

/* ---- all of it ---- */

clayer_status cly_io_keras_write_training(const clayer_model *model, const cly_io_keras_style *style,
                                          cJSON **json_out) {
    const cly_train_compiled *compiled = model->compiled;
    cJSON *json = NULL, *optimizer = NULL;
    clayer_status status = CLAYER_OK;
    if (compiled == NULL) {
        return CLAYER_OK;
    }
    if (compiled->problem != NULL) {
        cly_device_log(model->context, CLAYER_LOG_WARNING,
                       "model '%s': saved without the training configuration of its file, which could not be used: %s",
                       model->name, compiled->problem);
        return CLAYER_OK;
    }
    json = cJSON_CreateObject();
    CLY_TRY(write_optimizer(compiled->optimizer, style, &optimizer));
    CLY_TRY(cly_io_json_put(json, style->legacy ? "optimizer_config" : "optimizer", optimizer));
    CLY_TRY(cly_io_keras_write_losses(model, style, json));
    CLY_TRY(cly_io_keras_write_metrics(model, style, json));
    if (style->generation == 3) { /* Keras 2 takes these for what they are if they are not there */
        CLY_TRY(cly_io_json_put(json, "run_eagerly", cJSON_CreateFalse()));
        CLY_TRY(cly_io_json_put(json, "steps_per_execution", cJSON_CreateNumber(1)));
        CLY_TRY(cly_io_json_put(json, "jit_compile", cJSON_CreateFalse()));
    }
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    return status;
}
