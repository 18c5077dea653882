/* io/keras_write_losses.c: the losses and metrics that a model was compiled with, as Keras' configurations have them.
 *
 * One without arguments is written by its function's name, another one as an object of its class. Follows Keras'
 * serialize functions of losses and metrics and keras/src/trainers/compile_utils.py; for Keras 2's .h5 files, which
 * hold metrics under the names that logs have, tf_keras/src/engine/compile_utils.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
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

/* Keras numbers these where they have no name: precision, precision_1, ... */
static bool is_numbered(const cly_spec_entry *entry) {
    return strcmp(entry->name, "auc") == 0 || strcmp(entry->name, "precision") == 0 ||
           strcmp(entry->name, "recall") == 0;
}

static clayer_status write_metric_object(const cly_spec *spec, const cly_io_keras_style *style, cJSON **json_out) {
    const cly_spec_entry *entry = full_entry(&cly_train_metrics, spec->entry);
    cJSON *config = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_keras_write_arguments(spec, &config));
    drop_unknown(spec, config);
    if (spec->name[0] != '\0' || is_numbered(entry)) {
        const char *name = spec->name[0] != '\0' ? spec->name : entry->name;
        CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(name)));
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

/* ---- Keras 2's .h5: every metric an object, because words would be taken for what suits the outputs' own shapes; with
 * several outputs its name begins with its output's ---- */

/* What "accuracy" is for an output: compile() asks the shapes of the targets, of which the loss tells here. */
static const char *resolve(const clayer_model *model, size_t output, const char *text) {
    static const char *const names[2][3] = {
        {"binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"},
        {"binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"}};
    const cly_spec *loss = &model->compiled->outputs[output].loss;
    const clayer_shape *shape = clayer_model_get_output_shape(model, output);
    const bool accuracy = cly_base_same_word(text, "accuracy") || cly_base_same_word(text, "acc");
    if (!accuracy && !cly_base_same_word(text, "crossentropy") && !cly_base_same_word(text, "ce")) {
        return text;
    }
    bool single = shape->rank > 0 && shape->dims[shape->rank - 1] == 1;
    bool sparse = loss->entry != NULL && strncmp(loss->entry->name, "sparse_", strlen("sparse_")) == 0;
    return names[accuracy ? 0 : 1][single ? 0 : sparse ? 1 : 2];
}

/* {"class_name": "MeanMetricWrapper", "config": {"name", "dtype", "fn"}} */
static clayer_status write_wrapper(const char *function, const char *name, cJSON **json_out) {
    cJSON *config = cJSON_CreateObject();
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(name)));
    CLY_TRY(cly_io_json_put(config, "dtype", cJSON_CreateString("float32")));
    CLY_TRY(cly_io_json_put(config, "fn", cJSON_CreateString(function)));
    status = cly_io_keras_write_object(NULL, "MeanMetricWrapper", config, true, json_out);
    config = NULL;
done:
    cJSON_Delete(config);
    return status;
}

static clayer_status write_found_out(const clayer_model *model, size_t output, const char *text,
                                     const cly_io_keras_style *style, cJSON **json_out) {
    cly_base_text name = {0};
    cly_spec spec = {0};
    cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    const char *function = resolve(model, output, text);
    const bool several = model->compiled->output_count > 1;
    CLY_TRY(cly_base_text_add(&name, "%s%s", several ? clayer_model_get_output_name(model, output) : "",
                              several ? "_" : ""));
    if (is_function(function, 2)) {
        CLY_TRY(cly_base_text_add(&name, "%s", text));
        CLY_TRY(write_wrapper(function, name.chars, json_out));
        goto done;
    }
    CLY_TRY(cly_base_spec_parse(&cly_train_metrics, text, &spec));
    CLY_TRY(cly_base_text_add(&name, "%s", spec.name[0] != '\0' ? spec.name : spec.entry->name));
    CLY_TRY(write_metric_object(&spec, style, &json));
    cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "name");
    CLY_TRY(cly_io_json_put(config, "name", cJSON_CreateString(name.chars)));
    *json_out = json;
    json = NULL;
done:
    cJSON_Delete(json);
    cly_base_text_free(&name);
    return status;
}

/* ---- all metrics ---- */

static clayer_status write_metric(const clayer_model *model, size_t output, const char *text,
                                  const cly_io_keras_style *style, cJSON **json_out) {
    cly_spec spec;
    clayer_status status = CLAYER_OK;
    if (style->generation == 2 && style->legacy) {
        return write_found_out(model, output, text, style, json_out);
    }
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

static clayer_status write_metric_list(const clayer_model *model, size_t output, bool weighted,
                                       const cly_io_keras_style *style, cJSON **json_out) {
    const cly_train_output *from = &model->compiled->outputs[output];
    char *const *metrics = weighted ? from->weighted_metrics : from->metrics;
    const size_t count = weighted ? from->weighted_metric_count : from->metric_count;
    cJSON *list = NULL, *item = NULL;
    clayer_status status = CLAYER_OK;
    if (count == 0) {
        *json_out = cJSON_CreateNull();
        return CLAYER_OK;
    }
    list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(write_metric(model, output, metrics[i], style, &item));
        CLY_TRY(cly_io_json_put(list, NULL, item));
    }
    *json_out = list;
    list = NULL;
done:
    cJSON_Delete(list);
    return status;
}

/* null without any; a list for one output, a list of lists for several, where null stands for none. */
static clayer_status put_metrics(const clayer_model *model, bool weighted, const cly_io_keras_style *style,
                                 cJSON *json) {
    const cly_train_compiled *compiled = model->compiled;
    const char *key = weighted ? "weighted_metrics" : "metrics";
    cJSON *lists = NULL, *item = NULL;
    size_t total = 0;
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < compiled->output_count; i++) {
        total += weighted ? compiled->outputs[i].weighted_metric_count : compiled->outputs[i].metric_count;
    }
    if (total == 0 || compiled->output_count == 1) {
        CLY_TRY(write_metric_list(model, 0, weighted, style, &item));
        return cly_io_json_put(json, key, item);
    }
    lists = cJSON_CreateArray();
    for (size_t i = 0; i < compiled->output_count; i++) {
        CLY_TRY(write_metric_list(model, i, weighted, style, &item));
        CLY_TRY(cly_io_json_put(lists, NULL, item));
    }
    status = cly_io_json_put(json, key, lists);
    lists = NULL;
done:
    cJSON_Delete(lists);
    return status;
}

clayer_status cly_io_keras_write_losses(const clayer_model *model, const cly_io_keras_style *style, cJSON *json) {
    clayer_status status = put_losses(model->compiled, style, json);
    return status == CLAYER_OK ? put_loss_weights(model->compiled, json) : status;
}

clayer_status cly_io_keras_write_metrics(const clayer_model *model, const cly_io_keras_style *style, cJSON *json) {
    clayer_status status = put_metrics(model, false, style, json);
    return status == CLAYER_OK ? put_metrics(model, true, style, json) : status;
}
