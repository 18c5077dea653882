/* cli/compile.c: what a model is compiled with by the options of train and evaluate: an optimizer, a learning rate or
 * schedule, a loss and metrics for all outputs or for each; what no option says stays as the file has it. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* A config under way, and the memory behind it. */
typedef struct draft {
    clayer_compile_config config;
    const char **losses;   /* one an output */
    double *loss_weights;  /* likewise */
    cly_cli_list *metrics; /* likewise; freed */
    const char *const **metric_lists;
    cly_cli_list all_metrics;
} draft;

static void free_draft(draft *made, size_t outputs) {
    for (size_t i = 0; made->metrics != NULL && i < outputs; i++) {
        cly_cli_free_list(&made->metrics[i]);
    }
    cly_cli_free_list(&made->all_metrics);
    free((void *)made->losses);
    free((void *)made->metric_lists);
    free(made->loss_weights);
    free(made->metrics);
}

/* The output that "OUTPUT=TEXT" names, or -1; the arguments of "huber(delta=1)" name none. */
static int named_output(const clayer_model *model, const char *item, const char **text_out) {
    return cly_cli_named_place(model, CLY_CLI_TARGETS, item, text_out);
}

static int set_losses(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *given, draft *made) {
    const size_t outputs = clayer_model_get_output_count(model);
    const char *text = NULL;
    if (given->count == 1 && named_output(model, given->items[0], &text) < 0) {
        made->config.loss = text;
        made->config.losses = NULL;
        return CLY_EXIT_DONE;
    }
    made->losses = calloc(outputs + 1, sizeof *made->losses);
    if (made->losses == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the losses");
    }
    for (size_t i = 0; i < given->count; i++) {
        int output = named_output(model, given->items[i], &text);
        if (output < 0) {
            return cly_cli_usage(verb, "--loss '%s' names no output: several losses are given as '%s=NAME'", text,
                                 clayer_model_get_output_name(model, 0));
        }
        if (made->losses[output] != NULL) {
            return cly_cli_usage(verb, "the loss of output '%s' is given twice",
                                 clayer_model_get_output_name(model, (size_t)output));
        }
        made->losses[output] = text;
    }
    made->config.loss = NULL;
    made->config.losses = made->losses;
    return CLY_EXIT_DONE;
}

static int set_loss_weights(const cly_cli_verb *verb, const clayer_model *model, const char *text, draft *made) {
    const size_t outputs = clayer_model_get_output_count(model);
    cly_cli_list parts = {NULL, 0};
    int status = cly_cli_split(text, &parts);
    if (status == CLY_EXIT_DONE && parts.count != outputs) {
        status = cly_cli_usage(verb, "--loss-weights '%s': %zu numbers for %zu outputs", text, parts.count, outputs);
    }
    if (status == CLY_EXIT_DONE && (made->loss_weights = calloc(outputs + 1, sizeof(double))) == NULL) {
        status = cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the weights of losses");
    }
    for (size_t i = 0; status == CLY_EXIT_DONE && i < outputs; i++) {
        status = cly_cli_read_number(verb, "--loss-weights", parts.items[i], -1e38, 1e38, &made->loss_weights[i]);
    }
    made->config.loss_weights = made->loss_weights;
    cly_cli_free_list(&parts);
    return status;
}

/* One list of metrics for all outputs, or "OUTPUT=A,B" for some. Either replaces all that the file has. */
static int set_metrics(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *given, draft *made) {
    const size_t outputs = clayer_model_get_output_count(model);
    const char *text = NULL;
    clayer_compile_config *config = &made->config;
    config->metrics = config->weighted_metrics = NULL;
    config->output_metrics = config->output_weighted_metrics = NULL;
    if (given->count == 1 && named_output(model, given->items[0], &text) < 0) {
        int status = cly_cli_split(text, &made->all_metrics);
        config->metrics = (const char *const *)made->all_metrics.items;
        return status;
    }
    made->metrics = calloc(outputs + 1, sizeof *made->metrics);
    made->metric_lists = calloc(outputs + 1, sizeof *made->metric_lists);
    if (made->metrics == NULL || made->metric_lists == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the metrics");
    }
    for (size_t i = 0; i < given->count; i++) {
        int output = named_output(model, given->items[i], &text);
        if (output < 0 || made->metrics[output].items != NULL) {
            return cly_cli_usage(verb, "--metrics '%s': several lists are given as '%s=A,B', one an output", text,
                                 clayer_model_get_output_name(model, 0));
        }
        int status = cly_cli_split(text, &made->metrics[output]);
        if (status != CLY_EXIT_DONE) {
            return status;
        }
        made->metric_lists[output] = (const char *const *)made->metrics[output].items;
    }
    config->output_metrics = made->metric_lists;
    return CLY_EXIT_DONE;
}

static bool is_number(const char *text) {
    char *end = NULL;
    (void)strtod(text, &end);
    return end != text && *end == '\0';
}

static int set_rate(const cly_cli_verb *verb, clayer_model *model, const char *text) {
    double rate = 0;
    int status = cly_cli_read_number(verb, "--learning-rate", text, 0, 1e38, &rate);
    if (status == CLY_EXIT_DONE) {
        clayer_status set = clayer_model_set_learning_rate(model, rate);
        status = set == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(set);
    }
    return status;
}

static int compile_anew(const cly_cli_verb *verb, clayer_model *model, const char *model_path,
                        const cly_cli_compile *wanted, bool schedule) {
    draft made = {.config = {.struct_size = sizeof made.config}};
    int status = CLY_EXIT_DONE;
    if (clayer_model_get_compile_config(model, &made.config) != CLAYER_OK && wanted->losses.count == 0) {
        return cly_cli_usage(verb, "--loss is missing: '%s' tells none (%s)", model_path, clayer_last_error());
    }
    if (wanted->optimizer != NULL) {
        made.config.optimizer = wanted->optimizer;
        made.config.learning_rate_schedule = NULL;
    }
    if (wanted->learning_rate != NULL) {
        made.config.learning_rate_schedule = schedule ? wanted->learning_rate : NULL;
    }
    if (wanted->losses.count > 0) {
        status = set_losses(verb, model, &wanted->losses, &made);
    }
    if (status == CLY_EXIT_DONE && wanted->loss_weights != NULL) {
        status = set_loss_weights(verb, model, wanted->loss_weights, &made);
    }
    if (status == CLY_EXIT_DONE && wanted->metrics.count > 0) {
        status = set_metrics(verb, model, &wanted->metrics, &made);
    }
    if (status == CLY_EXIT_DONE) {
        clayer_status compiled = clayer_model_compile(model, &made.config);
        status = compiled == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(compiled);
    }
    free_draft(&made, clayer_model_get_output_count(model));
    return status;
}

int cly_cli_compile_model(const cly_cli_verb *verb, clayer_model *model, const char *model_path,
                          const cly_cli_compile *wanted) {
    const bool schedule = wanted->learning_rate != NULL && !is_number(wanted->learning_rate);
    int status = CLY_EXIT_DONE;
    if (wanted->optimizer != NULL || schedule || wanted->losses.count > 0 || wanted->loss_weights != NULL ||
        wanted->metrics.count > 0) {
        status = compile_anew(verb, model, model_path, wanted, schedule);
    } else if (!clayer_model_is_compiled(model)) {
        clayer_compile_config config;
        clayer_status why = clayer_model_get_compile_config(model, &config);
        status = why == CLAYER_INVALID_ARGUMENT
                     ? cly_cli_usage(verb, "--loss is missing: '%s' was saved without being compiled", model_path)
                     : cly_cli_fail_status(why);
    }
    if (status == CLY_EXIT_DONE && wanted->learning_rate != NULL && !schedule) {
        status = set_rate(verb, model, wanted->learning_rate);
    }
    return status;
}
