/* io/keras_training.c: what a model was compiled with, from Keras' compile_config (.keras) or training_config (.h5).
 *
 * Follows compile_args_from_training_config of keras/src/legacy/saving/saving_utils.py, compile_from_config of
 * keras/src/trainers/trainer.py and their like in Keras 2: the optimizer, and for losses, their weights and metrics one
 * for all outputs, a list by output or a dict by the output's name. What Keras knows and this library does not leaves a
 * model that runs and says, when it is to be trained, why it cannot be. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/keras.h"
#include "model/model.h"
#include "train/compiled.h"
#include "train/loss.h"
#include "train/metric.h"

/* A list of texts that NULL ends. */
typedef struct texts {
    char **items;
    size_t count, capacity;
} texts;

typedef struct setup {
    const clayer_model *model;
    size_t outputs;
    char *optimizer, *schedule;
    char *loss;           /* one for all, */
    char **losses;        /* or by output */
    double *loss_weights; /* by output; NULL: none were given */
    texts *metrics, *weighted_metrics;
} setup;

static void free_lists(texts *lists, size_t count) {
    for (size_t i = 0; lists != NULL && i < count; i++) {
        cly_io_free_strings(lists[i].items, lists[i].count);
    }
    free(lists);
}

static void free_setup(setup *in) {
    free(in->optimizer);
    free(in->schedule);
    free(in->loss);
    cly_io_free_strings(in->losses, in->losses == NULL ? 0 : in->outputs);
    free(in->loss_weights);
    free_lists(in->metrics, in->outputs);
    free_lists(in->weighted_metrics, in->outputs);
}

/* ---- one loss or metric ---- */

/* One, not several: a name or an object. */
static bool is_single(const cJSON *json) {
    return cJSON_IsString(json) || cJSON_GetObjectItemCaseSensitive(json, "class_name") != NULL;
}

/* A function in the clothes of an object, {"class_name": "MeanMetricWrapper", "config": {"fn": ..., "name": ...}}: the
 * function's name, or NULL. */
static const char *wrapped_function(const cJSON *json) {
    static const char *const wrappers[] = {"MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "LossFunctionWrapper"};
    const char *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *function = cJSON_GetObjectItemCaseSensitive(config, "fn");
    for (size_t i = 0; class_name != NULL && i < CLY_COUNT(wrappers); i++) {
        if (strcmp(wrappers[i], class_name) == 0) {
            return cJSON_IsString(function) ? function->valuestring : cly_io_keras_text(function, "config");
        }
    }
    return NULL;
}

static clayer_status read_single(const cly_spec_list *list, const cJSON *json, int generation, cly_spec *spec) {
    const char *function = wrapped_function(json);
    char *text = NULL;
    clayer_status status = CLAYER_OK;
    if (function != NULL) {
        CLY_TRY(cly_base_spec_find(list, function, spec));
        CLY_TRY(cly_io_keras_arguments(list, cJSON_GetObjectItemCaseSensitive(json, "config"), spec));
        return CLAYER_OK;
    }
    CLY_TRY(cly_io_keras_spec(list, json, generation, &text));
    CLY_TRY(cly_base_spec_parse(list, text, spec));
done:
    free(text);
    return status;
}

/* *text_out stays NULL for null. */
static clayer_status read_loss(const setup *in, const cJSON *json, char **text_out) {
    cly_spec spec = {0};
    clayer_status status = CLAYER_OK;
    if (cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    CLY_TRY(read_single(&cly_train_losses, json, in->model->generation, &spec));
    /* Keras 2's "auto" is what it is without a word. */
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && spec.entry->parameters[p].name != NULL; p++) {
        const cly_spec_parameter *parameter = &spec.entry->parameters[p];
        if (strcmp(parameter->name, "reduction") == 0 && strcmp(parameter->choices[(int)spec.values[p]], "auto") == 0) {
            spec.values[p] = parameter->fallback;
        }
    }
    CLY_TRY(cly_io_keras_format(&spec, text_out));
done:
    return status;
}

/* The name in logs, where it is not the one that goes with the function. Keras 2 puts the output's name before it when
 * there are several outputs. */
static clayer_status set_metric_name(const setup *in, const cJSON *config, size_t output, cly_spec *spec) {
    const char *name = cly_io_keras_text(config, "name");
    const char *output_name = clayer_model_get_output_name(in->model, output);
    size_t length = strlen(output_name);
    if (name != NULL && in->model->generation == 2 && in->outputs > 1 && strncmp(name, output_name, length) == 0 &&
        name[length] == '_' && name[length + 1] != '\0') {
        name += length + 1;
    }
    if (name != NULL && in->model->generation == 2 && strncmp(name, "weighted_", strlen("weighted_")) == 0) {
        name += strlen("weighted_"); /* put there where an unweighted metric has the name, and put there again */
    }
    if (name == NULL || strcmp(name, spec->entry->name) == 0) {
        return CLAYER_OK;
    }
    return cly_base_spec_set_text(&cly_train_metrics, spec, "name", name);
}

static clayer_status add_text(texts *list, char *text) {
    void *items = list->items;
    clayer_status status = cly_base_grow(&items, &list->capacity, list->count, sizeof(char *));
    if (status != CLAYER_OK) {
        free(text);
        return status;
    }
    list->items = items;
    list->items[list->count++] = text;
    return CLAYER_OK;
}

/* Of which the shapes say what they are. */
static bool is_word_by_shape(const char *name) {
    static const char *const words[] = {"accuracy", "acc", "crossentropy", "ce"};
    for (size_t i = 0; i < CLY_COUNT(words); i++) {
        if (cly_base_same_word(words[i], name)) {
            return true;
        }
    }
    return false;
}

static clayer_status add_metric(const setup *in, const cJSON *json, size_t output, texts *list) {
    cly_spec spec = {0};
    char *text = NULL;
    clayer_status status = CLAYER_OK;
    if (cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    if (cJSON_IsString(json)) {
        if (!is_word_by_shape(json->valuestring)) {
            CLY_TRY(cly_base_spec_find(&cly_train_metrics, json->valuestring, &spec));
        }
        CLY_TRY(cly_base_copy_string(json->valuestring, &text)); /* logs have the name that was given */
        return add_text(list, text);
    }
    CLY_TRY(read_single(&cly_train_metrics, json, in->model->generation, &spec));
    CLY_TRY(set_metric_name(in, cJSON_GetObjectItemCaseSensitive(json, "config"), output, &spec));
    if (wrapped_function(json) != NULL && is_word_by_shape(spec.name)) { /* Keras 2's files have it found out */
        CLY_TRY(cly_base_copy_string(spec.name, &text));
    } else {
        CLY_TRY(cly_io_keras_format(&spec, &text));
    }
    return add_text(list, text);
done:
    return status;
}

/* One, or a list of them. */
static clayer_status add_metrics(const setup *in, const cJSON *json, size_t output, texts *list) {
    clayer_status status = CLAYER_OK;
    if (!cJSON_IsArray(json)) {
        return add_metric(in, json, output, list);
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        CLY_TRY(add_metrics(in, item, output, list));
    }
done:
    return status;
}

/* ---- by output ---- */

static clayer_status find_output(const setup *in, const char *name, const char *what, size_t *index_out) {
    for (size_t i = 0; i < in->outputs; i++) {
        if (name != NULL && (strcmp(cly_model_loss_name(in->model, i), name) == 0 ||
                             strcmp(clayer_model_get_output_name(in->model, i), name) == 0)) {
            *index_out = i;
            return CLAYER_OK;
        }
    }
    return cly_base_fail(CLAYER_UNSUPPORTED, "%s names an output '%s' that the model has not", what,
                         name == NULL ? "?" : name);
}

/* Entry `item` of a list or dict, the `place`th, belongs to which output? */
static clayer_status output_of(const setup *in, const cJSON *json, const cJSON *item, size_t place, const char *what,
                               size_t *index_out) {
    if (cJSON_IsObject(json)) {
        return find_output(in, item->string, what, index_out);
    }
    if (place >= in->outputs) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "%s has more entries than the model has outputs, %zu", what,
                             in->outputs);
    }
    *index_out = place;
    return CLAYER_OK;
}

static clayer_status fail_kind(const char *what) {
    return cly_base_fail(CLAYER_BAD_FILE, "%s is neither one, nor a list, nor a dict by output", what);
}

static clayer_status read_losses(const cJSON *json, setup *in) {
    size_t place = 0, index = 0;
    clayer_status status = CLAYER_OK;
    if (json == NULL || cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    if (is_single(json)) {
        return read_loss(in, json, &in->loss);
    }
    if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
        return fail_kind("loss");
    }
    CLY_TRY(cly_base_alloc(in->outputs, sizeof(char *), (void **)&in->losses));
    for (const cJSON *item = json->child; item != NULL; item = item->next, place++) {
        CLY_TRY(output_of(in, json, item, place, "loss", &index));
        CLY_TRY(read_loss(in, item, &in->losses[index]));
    }
done:
    return status;
}

static clayer_status read_loss_weights(const cJSON *json, setup *in) {
    size_t place = 0, index = 0;
    clayer_status status = CLAYER_OK;
    if (json == NULL || cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(in->outputs, sizeof(double), (void **)&in->loss_weights));
    for (size_t i = 0; i < in->outputs; i++) {
        in->loss_weights[i] = cJSON_IsNumber(json) ? json->valuedouble : 1.0;
    }
    if (cJSON_IsNumber(json)) {
        return CLAYER_OK;
    }
    if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
        return fail_kind("loss_weights");
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next, place++) {
        CLY_TRY(output_of(in, json, item, place, "loss_weights", &index));
        if (!cJSON_IsNumber(item) && !cJSON_IsNull(item)) {
            return cly_base_fail(CLAYER_BAD_FILE, "loss_weights holds something that is no number");
        }
        in->loss_weights[index] = cJSON_IsNumber(item) ? item->valuedouble : 1.0;
    }
done:
    return status;
}

/* Whether a list is one for every output: with one output it is, unless its entries are lists; with several it is in
 * Keras 2 where it holds no lists. */
static bool is_for_all(const setup *in, const cJSON *json) {
    bool flat = cJSON_IsArray(json);
    for (const cJSON *item = flat ? json->child : NULL; item != NULL; item = item->next) {
        flat = flat && is_single(item);
    }
    return is_single(json) || (cJSON_IsArray(json) && in->outputs == 1) || (flat && in->model->generation == 2);
}

static bool has_loss(const setup *in, size_t output) {
    return in->loss != NULL || (in->losses != NULL && in->losses[output] != NULL);
}

static clayer_status read_metrics(const cJSON *json, const char *what, setup *in, texts **lists) {
    size_t place = 0, index = 0;
    clayer_status status = CLAYER_OK;
    if (json == NULL || cJSON_IsNull(json)) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(in->outputs, sizeof(texts), (void **)lists));
    if (is_for_all(in, json)) {
        for (size_t i = 0; i < in->outputs; i++) {
            if (has_loss(in, i)) { /* Keras passes over the others */
                CLY_TRY(add_metrics(in, json, i, &(*lists)[i]));
            }
        }
        return CLAYER_OK;
    }
    if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
        return fail_kind(what);
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next, place++) {
        CLY_TRY(output_of(in, json, item, place, what, &index));
        CLY_TRY(add_metrics(in, item, index, &(*lists)[index]));
    }
done:
    return status;
}

/* ---- all of it ---- */

/* The lists as clayer_compile_config has them, each ended by NULL; they stay those of the setup. */
static clayer_status end_lists(const setup *in, texts *lists, const char *const ***lists_out) {
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    if (lists == NULL) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(in->outputs, sizeof(char **), &memory));
    *lists_out = memory;
    for (size_t i = 0; i < in->outputs; i++) {
        CLY_TRY(add_text(&lists[i], NULL));
        lists[i].count--;
        (*lists_out)[i] = (const char *const *)lists[i].items;
    }
done:
    return status;
}

static clayer_status compile(clayer_model *model, const cJSON *json, setup *in) {
    const char *const **metrics = NULL, *const **weighted = NULL;
    const cJSON *optimizer = cJSON_GetObjectItemCaseSensitive(json, "optimizer_config");
    clayer_status status = CLAYER_OK;
    if (optimizer == NULL) {
        optimizer = cJSON_GetObjectItemCaseSensitive(json, "optimizer");
    }
    if (optimizer == NULL) {
        return cly_base_fail(CLAYER_BAD_FILE, "it has no optimizer");
    }
    CLY_TRY(cly_io_keras_optimizer(optimizer, model->generation, &in->optimizer, &in->schedule));
    CLY_TRY(read_losses(cJSON_GetObjectItemCaseSensitive(json, "loss"), in));
    CLY_TRY(read_loss_weights(cJSON_GetObjectItemCaseSensitive(json, "loss_weights"), in));
    CLY_TRY(read_metrics(cJSON_GetObjectItemCaseSensitive(json, "metrics"), "metrics", in, &in->metrics));
    CLY_TRY(read_metrics(cJSON_GetObjectItemCaseSensitive(json, "weighted_metrics"), "weighted_metrics", in,
                         &in->weighted_metrics));
    CLY_TRY(end_lists(in, in->metrics, &metrics));
    CLY_TRY(end_lists(in, in->weighted_metrics, &weighted));
    const clayer_compile_config config = {
        .struct_size = sizeof(config),
        .optimizer = in->optimizer,
        .learning_rate_schedule = in->schedule,
        .loss = in->loss,
        .losses = (const char *const *)in->losses,
        .loss_weights = in->loss_weights,
        .output_metrics = metrics,
        .output_weighted_metrics = weighted,
    };
    CLY_TRY(clayer_model_compile(model, &config));
done:
    free((void *)metrics);
    free((void *)weighted);
    return status;
}

clayer_status cly_io_keras_training(clayer_model *model, const cJSON *json) {
    setup in = {.model = model, .outputs = clayer_model_get_output_count(model)};
    if (json == NULL || cJSON_IsNull(json) || (cJSON_IsObject(json) && json->child == NULL)) {
        return CLAYER_OK;
    }
    clayer_status status =
        cJSON_IsObject(json) ? compile(model, json, &in) : cly_base_fail(CLAYER_BAD_FILE, "it is no object");
    if (status != CLAYER_OK && status != CLAYER_OUT_OF_MEMORY) {
        status = cly_train_set_problem(model, clayer_last_error());
    }
    free_setup(&in);
    return status;
}
