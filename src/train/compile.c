/* train/compile.c: clayer_model_compile: which optimizer, losses and metrics a model trains with. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/compiled.h"
#include "train/loss.h"
#include "train/metric.h"
#include "train/session.h"

/* ---- the state ---- */

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts != NULL && i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void destroy_compiled(cly_train_compiled *compiled) {
    if (compiled == NULL) {
        return;
    }
    cly_train_session_destroy(compiled->session);
    cly_train_optimizer_destroy(compiled->optimizer);
    cly_train_free_texts(compiled->texts);
    for (size_t i = 0; compiled->outputs != NULL && i < compiled->output_count; i++) {
        cly_train_output *output = &compiled->outputs[i];
        free_texts(output->metrics, output->metric_count);
        free_texts(output->weighted_metrics, output->weighted_metric_count);
    }
    free(compiled->outputs);
    free(compiled->problem);
    free(compiled);
}

bool cly_train_reads_logits(const clayer_model *model, const cly_train_compiled *compiled, size_t index) {
    const cly_spec *loss = &compiled->outputs[index].loss;
    return loss->entry != NULL && cly_train_loss_undoes(loss) != CLY_LOGITS_NONE &&
           cly_model_output_logits(model, index) != CLY_LOGITS_NONE;
}

/* model->compiled_needs. What cannot be trained needs nothing, and what was compiled for other outputs tells nothing of
 * these. */
static clayer_status describe_needs(const clayer_model *model, bool *losses, bool *logits,
                                    uint64_t *optimizer_bytes_out) {
    const cly_train_compiled *compiled = model->compiled;
    cly_model_weight *weights = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    const bool fits = compiled->problem == NULL && compiled->output_count == clayer_model_get_output_count(model);
    for (size_t i = 0; losses != NULL && i < clayer_model_get_output_count(model); i++) {
        losses[i] = !fits || compiled->outputs[i].loss.entry != NULL;
        logits[i] = fits && cly_train_reads_logits(model, compiled, i);
    }
    *optimizer_bytes_out = 0;
    if (compiled->optimizer != NULL) {
        CLY_TRY(cly_model_list_weights(model, true, &weights, &count));
        *optimizer_bytes_out = cly_train_optimizer_slot_bytes(compiled->optimizer, weights, count);
    }
done:
    free(weights);
    return status;
}

/* model->compiled_holds: optimizer.variables of Keras 3. */
static clayer_status describe_optimizer(const clayer_model *model, uint64_t *count_out, uint64_t *bytes_out) {
    const cly_train_optimizer *optimizer = model->compiled->optimizer;
    cly_model_weight *weights = NULL;
    size_t count = 0;
    clayer_status status = CLAYER_OK;
    const bool made = model->optimizer != CLY_MODEL_OPTIMIZER_MADE ||
                      (optimizer != NULL && cly_train_optimizer_get_iterations(optimizer) > 0);
    *count_out = *bytes_out = 0;
    if (optimizer != NULL && made && model->optimizer != CLY_MODEL_OPTIMIZER_NONE) {
        if (model->optimizer != CLY_MODEL_OPTIMIZER_SCALARS) {
            CLY_TRY(cly_model_list_weights(model, true, &weights, &count));
        }
        cly_train_optimizer_measure(optimizer, weights, count, count_out, bytes_out);
    }
done:
    free(weights);
    return status;
}

static void replace_compiled(clayer_model *model, cly_train_compiled *compiled) {
    model->optimizer = CLY_MODEL_OPTIMIZER_MADE;
    model->compiled_holds = describe_optimizer;
    destroy_compiled(model->compiled);
    model->compiled = compiled;
    model->compiled_destroy = destroy_compiled;
    model->compiled_needs = describe_needs;
}

clayer_status cly_train_set_problem(clayer_model *model, const char *problem) {
    cly_train_compiled *compiled = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_compiled), &memory));
    compiled = memory;
    CLY_TRY(cly_base_copy_string(problem, &compiled->problem));
    replace_compiled(model, compiled);
    compiled = NULL;
done:
    destroy_compiled(compiled);
    return status;
}

clayer_status cly_train_get_compiled(clayer_model *model, cly_train_compiled **compiled_out) {
    if (model == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model is NULL");
    }
    if (model->compiled == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s' is not compiled: give it an optimizer and a loss by clayer_model_compile",
                             model->name);
    }
    if (model->compiled->problem != NULL) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "model '%s' cannot be trained as its file has it: %s", model->name,
                             model->compiled->problem);
    }
    if (model->compiled->output_count != clayer_model_get_output_count(model)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "model '%s' was compiled with %zu outputs and has %zu: compile it anew", model->name,
                             model->compiled->output_count, clayer_model_get_output_count(model));
    }
    *compiled_out = model->compiled;
    return CLAYER_OK;
}

bool clayer_model_is_compiled(const clayer_model *model) {
    return model != NULL && model->compiled != NULL && model->compiled->problem == NULL;
}

/* ---- compile ---- */

/* Appends copies of a NULL-ended list of metrics. */
static clayer_status add_metrics(const char *const *names, char ***metrics, size_t *count) {
    size_t added = 0;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    while (names != NULL && names[added] != NULL) {
        added++;
    }
    if (added == 0) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(*count + added, sizeof(char *), &memory));
    char **all = memory;
    if (*count > 0) {
        memcpy(all, *metrics, *count * sizeof(char *));
    }
    free(*metrics);
    *metrics = all;
    for (size_t i = 0; i < added; i++) {
        cly_spec spec;
        CLY_TRY(cly_base_spec_parse(&cly_train_metrics, names[i], &spec));
        CLY_TRY(cly_base_copy_string(names[i], &all[*count]));
        (*count)++;
    }
done:
    return status;
}

static clayer_status compile_output(const clayer_model *model, const clayer_compile_config *config, size_t index,
                                    cly_train_output *output) {
    clayer_status status = CLAYER_OK;
    const char *loss = config->losses != NULL ? config->losses[index] : config->loss;
    const char *name = clayer_model_get_output_name(model, index);
    CLY_TRY(cly_base_spec_parse(&cly_train_losses, loss, &output->loss));
    output->weight = config->loss_weights != NULL ? config->loss_weights[index] : 1;
    if (output->loss.entry != NULL) { /* Keras passes over the metrics of an output without a target */
        CLY_TRY(add_metrics(config->metrics, &output->metrics, &output->metric_count));
        CLY_TRY(add_metrics(config->weighted_metrics, &output->weighted_metrics, &output->weighted_metric_count));
    }
    if (config->output_metrics != NULL) {
        CLY_TRY(add_metrics(config->output_metrics[index], &output->metrics, &output->metric_count));
    }
    if (config->output_weighted_metrics != NULL) {
        CLY_TRY(add_metrics(config->output_weighted_metrics[index], &output->weighted_metrics,
                            &output->weighted_metric_count));
    }
done:
    return status != CLAYER_OK ? cly_base_prefix(status, "clayer_model_compile: output '%s'", name) : status;
}

clayer_status clayer_model_compile(clayer_model *model, const clayer_compile_config *config) {
    static const clayer_compile_config defaults = {.struct_size = sizeof(defaults)};
    cly_train_compiled *compiled = NULL;
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    config = config == NULL ? &defaults : config;
    if (model == NULL || config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_compile: %s",
                             model == NULL ? "model is NULL" : "the config's struct_size is not its size");
    }
    if (model->input_count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_compile: model '%s' has no input", model->name);
    }
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_compiled), &memory));
    compiled = memory;
    compiled->output_count = clayer_model_get_output_count(model);
    CLY_TRY(cly_base_alloc(compiled->output_count, sizeof(cly_train_output), &memory));
    compiled->outputs = memory;
    compiled->one_loss = config->losses == NULL;
    compiled->loss_weights = config->loss_weights != NULL;
    CLY_TRY(cly_train_optimizer_create(model->context, config->optimizer != NULL ? config->optimizer : "rmsprop",
                                       config->learning_rate_schedule, model->generation, &compiled->optimizer));
    for (size_t i = 0; i < compiled->output_count; i++) {
        CLY_TRY(compile_output(model, config, i, &compiled->outputs[i]));
    }
    replace_compiled(model, compiled);
    compiled = NULL;
done:
    destroy_compiled(compiled);
    return status;
}

/* ---- the optimizer's state ---- */

clayer_status clayer_model_get_learning_rate(clayer_model *model, double *rate_out) {
    cly_train_compiled *compiled = NULL;
    clayer_status status = cly_train_get_compiled(model, &compiled);
    if (status == CLAYER_OK && rate_out == NULL) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_learning_rate: rate_out is NULL");
    }
    if (status == CLAYER_OK) {
        *rate_out = (double)cly_train_optimizer_get_rate(compiled->optimizer);
    }
    return status;
}

clayer_status clayer_model_set_learning_rate(clayer_model *model, double rate) {
    cly_train_compiled *compiled = NULL;
    clayer_status status = cly_train_get_compiled(model, &compiled);
    return status != CLAYER_OK ? status : cly_train_optimizer_set_rate(compiled->optimizer, (float)rate);
}

clayer_status clayer_model_get_iterations(clayer_model *model, int64_t *iterations_out) {
    cly_train_compiled *compiled = NULL;
    clayer_status status = cly_train_get_compiled(model, &compiled);
    if (status == CLAYER_OK && iterations_out == NULL) {
        status = cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_iterations: iterations_out is NULL");
    }
    if (status == CLAYER_OK) {
        *iterations_out = cly_train_optimizer_get_iterations(compiled->optimizer);
    }
    return status;
}
