/* io/keras_optimizer.c: an optimizer and its learning-rate schedule from Keras' JSON: a name, or an object in either
 * generation's form, those of Keras 2 up to 2.10 included ("lr", "decay").
 *
 * Sources: keras/src/optimizers/base_optimizer.py and tf_keras/src/optimizers/{__init__,optimizer}.py. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "io/keras.h"
#include "train/optimizer.h"

clayer_status cly_io_keras_format(const cly_spec *spec, char **text_out) {
    cly_base_text text = {0};
    clayer_status status = cly_base_spec_format(spec, &text);
    if (status != CLAYER_OK) {
        cly_base_text_free(&text);
        return status;
    }
    *text_out = text.chars;
    return CLAYER_OK;
}

/* "Custom>Adam": Keras 2 registers its own optimizers as a user would. */
static const char *own_name(const char *name) {
    static const char package[] = "Custom>";
    return strncmp(name, package, sizeof(package) - 1) == 0 ? name + sizeof(package) - 1 : name;
}

/* Keras 2 up to 2.10 lowered the rate by decay: lr / (1 + decay * iterations). */
static clayer_status read_decay(double rate, double decay, char **text_out) {
    char numbers[2][32];
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    cly_base_write_number(rate, numbers[0], sizeof(numbers[0]));
    cly_base_write_number(decay, numbers[1], sizeof(numbers[1]));
    CLY_TRY(cly_base_text_add(&text, "inverse_time_decay(initial_learning_rate=%s, decay_steps=1, decay_rate=%s)",
                              numbers[0], numbers[1]));
    *text_out = text.chars;
    text = (cly_base_text){0};
done:
    cly_base_text_free(&text);
    return status;
}

/* A schedule in the place of the rate, and decay, which an optimizer of today does not take, are taken out of `config`
 * (a copy of ours). */
static clayer_status read_schedule(cJSON *config, int generation, char **text_out) {
    const cJSON *rate = cJSON_GetObjectItemCaseSensitive(config, "learning_rate");
    const cJSON *old_rate = cJSON_GetObjectItemCaseSensitive(config, "lr");
    const cJSON *decay = cJSON_GetObjectItemCaseSensitive(config, "decay");
    clayer_status status = CLAYER_OK;
    rate = rate == NULL ? old_rate : rate;
    if (cJSON_IsObject(rate) && cly_io_keras_unwrap(rate) == rate) {
        CLY_TRY(cly_io_keras_spec(&cly_train_schedules, rate, generation, text_out));
        cJSON_DeleteItemFromObjectCaseSensitive(config, rate->string);
    } else if (cJSON_IsNumber(decay) && decay->valuedouble != 0.0) {
        CLY_TRY(read_decay(cJSON_IsNumber(rate) ? rate->valuedouble : 0.01, decay->valuedouble, text_out));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, "decay");
done:
    return status;
}

/* The name stands in the names of variables in .h5 files. */
static clayer_status set_optimizer_name(const cJSON *config, cly_spec *spec) {
    const char *name = cly_io_keras_text(config, "name");
    bool own = name != NULL && name[0] != '\0' && strlen(name) < CLY_SPEC_NAME && strpbrk(name, "'\"/") == NULL;
    return own ? cly_base_spec_set_text(&cly_train_optimizers, spec, "name", name) : CLAYER_OK;
}

clayer_status cly_io_keras_optimizer(const cJSON *json, int generation, char **optimizer_out, char **schedule_out) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    const char *registered = cly_io_keras_text(json, "registered_name");
    cJSON *config = NULL;
    cly_spec spec;
    clayer_status status = CLAYER_OK;
    if (cJSON_IsString(json) || cJSON_IsNull(json)) {
        const char *name = cJSON_IsNull(json) ? "rmsprop" : json->valuestring;
        CLY_TRY(cly_base_spec_find(&cly_train_optimizers, name, &spec));
        return cly_io_keras_format(&spec, optimizer_out);
    }
    if (class_name == NULL || (registered != NULL && strcmp(own_name(registered), own_name(class_name)) != 0)) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "the optimizer is not one of Keras' own");
    }
    CLY_TRY(cly_base_spec_find(&cly_train_optimizers, own_name(class_name), &spec));
    config = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(json, "config"), 1);
    if (!cJSON_IsObject(config)) {
        status = cly_base_fail(CLAYER_BAD_FILE, "optimizer '%s' has no config", class_name);
        goto done;
    }
    CLY_TRY(read_schedule(config, generation, schedule_out));
    CLY_TRY(cly_io_keras_arguments(&cly_train_optimizers, config, &spec));
    CLY_TRY(set_optimizer_name(config, &spec));
    CLY_TRY(cly_io_keras_format(&spec, optimizer_out));
done:
    cJSON_Delete(config);
    return status;
}
