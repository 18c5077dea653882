/* io/keras_write_training.c: what a model was compiled with, as Keras' compile_config (.keras) or training_config
 * (.h5).
 *
 * Follows get_compile_config of keras/src/trainers/trainer.py and model_metadata of
 * keras/src/legacy/saving/saving_utils.py, and their like in Keras 2. A loss or metric without arguments is written by
 * its function's name, another one as an object of its class. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/device.h"
#include "io/keras_write.h"
#include "train/loss.h"
#include "train/metric.h"

/* ---- small parts ---- */

/* "mse" and "MeanSquaredError" are two entries of one id, of which the first has Keras' full names. */
static const cly_spec_entry *full_entry(const cly_spec_list *list, const cly_spec_entry *entry) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i].id == entry->id && list->entries[i].class_name != NULL) {
            return &list->entries[i];
        }
    }
    return entry;
}

static bool is_given(const cly_spec *spec, size_t index) {
    double value = spec->values[index], fallback = spec->entry->parameters[index].fallback;
    return !(value == fallback || (isnan(value) && isnan(fallback)));
}

static bool has_arguments(const cly_spec *spec) {
    bool given = spec->name[0] != '\0';
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        given = given || is_given(spec, p);
    }
    return given;
}

/* Arguments that not every version of Keras knows are written only where they were given. */
static void drop_unknown(const cly_spec *spec, cJSON *config) {
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        bool axis = strcmp(spec->entry->parameters[p].name, "axis") == 0;
        if (axis && !is_given(spec, p)) {
            cJSON_DeleteItemFromObjectCaseSensitive(config, "axis");
        }
    }
}

static clayer_status replace(cJSON *config, const char *key, cJSON *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(config, key);
    return cly_io_json_put(config, key, value);
}

static clayer_status write_word(const char *word, cJSON **json_out) {
    *json_out = cJSON_CreateString(word);
    return *json_out == NULL ? cly_io_json_put(NULL, word, NULL) : CLAYER_OK;
}

/* ---- the optimizer ---- */

static clayer_status write_schedule(const cly_spec *schedule, cJSON **json_out) {
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(schedule, &config));
    CLY_TRY(cly_io_json_put(
        config, "name", cJSON_CreateString(schedule->name[0] != '\0' ? schedule->name : schedule->entry->class_name)));
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
    CLY_TRY(replace(config, "learning_rate", rate));
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

/* ---- losses ---- */

static clayer_status write_loss(const cly_spec *loss, const cly_io_keras_style *style, cJSON **json_out) {
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    if (loss->entry == NULL) {
        *json_out = cJSON_CreateNull();
        return *json_out == NULL ? cly_io_json_put(NULL, "loss", NULL) : CLAYER_OK;
    }
    const cly_spec_entry *entry = full_entry(&cly_train_losses, loss->entry);
    if (!has_arguments(loss)) {
        return write_word(entry->name, json_out);
    }
    CLY_TRY(cly_io_keras_write_arguments(loss, &config));
    drop_unknown(loss, config);
    if (loss->name[0] != '\0') {
        CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(loss->name)));
    }
    const char *reduction = cly_io_keras_text(config, "reduction");
    if (style->generation == 2 && reduction != NULL && strcmp(reduction, "sum_over_batch_size") == 0) {
        CLY_TRY(replace(config, "reduction", cJSON_CreateString("auto"))); /* what it has unless told otherwise */
    }
    status = cly_io_keras_write_object("keras.losses", entry->class_name, config, style->legacy, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

/* One for all outputs as it stands, otherwise a list. */
static clayer_status put_losses(const cly_train_compiled *compiled, const cly_io_keras_style *style, cJSON *json) {
    cJSON *list = NULL, *item = NULL;
    clayer_status status = CLAYER_OK;
    if (compiled->one_loss || compiled->output_count == 1) {
        CLY_TRY(write_loss(&compiled->outputs[0].loss, style, &item));
        return cly_io_json_put(json, "loss", item);
    }
    list = cJSON_CreateArray();
    for (size_t i = 0; i < compiled->output_count; i++) {
        CLY_TRY(write_loss(&compiled->outputs[i].loss, style, &item));
        CLY_TRY(cly_io_json_put(list, NULL, item));
    }
    status = cly_io_json_put(json, "loss", list);
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

static clayer_status put_loss_weights(const cly_train_compiled *compiled, cJSON *json) {
    cJSON *list = NULL;
    clayer_status status = CLAYER_OK;
    if (!compiled->loss_weights) {
        return cly_io_json_put(json, "loss_weights", cJSON_CreateNull());
    }
    list = cJSON_CreateArray();
    for (size_t i = 0; i < compiled->output_count; i++) {
        CLY_TRY(cly_io_json_put(list, NULL, cly_io_json_float(compiled->outputs[i].weight)));
    }
    status = cly_io_json_put(json, "loss_weights", list);
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* ---- metrics ---- */

/* Words that Keras takes for a metric, or a function of that name. */
static bool is_function(const char *name, int generation) {
    static const char *const words[] = {"accuracy", "acc", "crossentropy", "ce"};
    static const char *const not_in_keras3[] = {"log_cosh",   "logcosh", "huber",
                                                "huber_loss", "kld",     "kullback_leibler_divergence"};
    cly_spec spec;
    for (size_t i = 0; i < CLY_COUNT(words); i++) {
        if (cly_base_same_word(words[i], name)) {
            return true;
        }
    }
    for (size_t i = 0; i < CLY_COUNT(not_in_keras3); i++) {
        if (generation == 3 && strcmp(not_in_keras3[i], name) == 0) {
            return false;
        }
    }
    const char *end = strstr(name, "_accuracy");
    return (end != NULL && end[strlen("_accuracy")] == '\0') ||
           (cly_base_spec_find(&cly_train_losses, name, &spec) == CLAYER_OK &&
            (spec.entry->class_name == NULL || strcmp(spec.entry->class_name, name) != 0));
}

static clayer_status write_metric_object(const cly_spec *spec, const cly_io_keras_style *style, cJSON **json_out) {
    const cly_spec_entry *entry = full_entry(&cly_train_metrics, spec->entry);
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(spec, &config));
    drop_unknown(spec, config);
    if (spec->name[0] != '\0') {
        CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(spec->name)));
    }
    CLY_TRY(cly_io_json_put(config, "dtype", cJSON_CreateString("float32")));
    if (entry->class_name == NULL) {
        status = cly_base_fail(CLAYER_UNSUPPORTED, "metric '%s' with arguments has no class in Keras", entry->name);
        goto done;
    }
    status = cly_io_keras_write_object("keras.metrics", entry->class_name, config, style->legacy, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

static clayer_status write_metric(const char *text, const cly_io_keras_style *style, cJSON **json_out) {
    cly_spec spec;
    clayer_status status = CLAYER_OK;
    if (is_function(text, style->generation)) {
        return write_word(text, json_out);
    }
    CLY_TRY(cly_base_spec_parse(&cly_train_metrics, text, &spec));
    if (!has_arguments(&spec) && is_function(spec.entry->name, style->generation)) {
        return write_word(spec.entry->name, json_out);
    }
    CLY_TRY(write_metric_object(&spec, style, json_out));
done:
    return status;
}

static clayer_status write_metric_list(char *const *metrics, size_t count, const cly_io_keras_style *style,
                                       cJSON **json_out) {
    cJSON *list = cJSON_CreateArray(), *item = NULL;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(write_metric(metrics[i], style, &item));
        CLY_TRY(cly_io_json_put(list, NULL, item));
    }
    *json_out = list;
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* null without any; a list for one output, a list of lists for several, where null stands for none. */
static clayer_status put_metrics(const cly_train_compiled *compiled, bool weighted, const cly_io_keras_style *style,
                                 cJSON *json) {
    const char *key = weighted ? "weighted_metrics" : "metrics";
    cJSON *lists = NULL, *item = NULL;
    size_t total = 0;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < compiled->output_count; i++) {
        const cly_train_output *output = &compiled->outputs[i];
        total += weighted ? output->weighted_metric_count : output->metric_count;
    }
    if (total == 0) {
        return cly_io_json_put(json, key, cJSON_CreateNull());
    }
    lists = cJSON_CreateArray();
    for (size_t i = 0; i < compiled->output_count; i++) {
        const cly_train_output *output = &compiled->outputs[i];
        size_t count = weighted ? output->weighted_metric_count : output->metric_count;
        if (count == 0) {
            CLY_TRY(cly_io_json_put(lists, NULL, cJSON_CreateNull()));
            continue;
        }
        CLY_TRY(write_metric_list(weighted ? output->weighted_metrics : output->metrics, count, style, &item));
        if (compiled->output_count == 1) {
            cJSON_Delete(lists);
            lists = item;
            break;
        }
        CLY_TRY(cly_io_json_put(lists, NULL, item));
    }
    status = cly_io_json_put(json, key, lists);
    lists = NULL;
done:
    cJSON_Delete(lists);
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
    CLY_TRY(put_losses(compiled, style, json));
    CLY_TRY(put_loss_weights(compiled, json));
    CLY_TRY(put_metrics(compiled, false, style, json));
    CLY_TRY(put_metrics(compiled, true, style, json));
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
