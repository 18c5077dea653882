/* cli/dataset.c: the files of inputs, targets and sample weights that train and evaluate read. */
#include "cli.h"

#include <stdlib.h>

static int load_some(const cly_cli_verb *verb, const clayer_model *model, cly_cli_role role, const cly_cli_list *files,
                     const bool *needed, clayer_array ***arrays_out) {
    clayer_array **arrays = calloc(cly_cli_place_count(model, role) + 1, sizeof *arrays);
    if (arrays == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of arrays");
    }
    int status = cly_cli_load_arrays(verb, model, role, files, needed, arrays);
    if (status == CLY_EXIT_DONE) {
        *arrays_out = arrays;
    } else {
        free(arrays);
    }
    return status;
}

/* Then weights may be given for some outputs only. */
static bool all_named(const clayer_model *model, const cly_cli_list *files) {
    const char *path;
    for (size_t i = 0; i < files->count; i++) {
        if (cly_cli_named_place(model, CLY_CLI_WEIGHTS, files->items[i], &path) < 0) {
            return false;
        }
    }
    return true;
}

/* needed[i]: output i has a loss. */
static int find_losses(clayer_model *model, bool *needed, size_t count) {
    clayer_compile_config config;
    clayer_status status = clayer_model_get_compile_config(model, &config);
    for (size_t i = 0; status == CLAYER_OK && i < count; i++) {
        needed[i] = config.losses == NULL || config.losses[i] != NULL;
    }
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

int cly_cli_load_dataset(const cly_cli_verb *verb, clayer_model *model, const cly_cli_list *x, const cly_cli_list *y,
                         const cly_cli_list *weights, cly_cli_dataset *dataset) {
    const size_t outputs = cly_cli_place_count(model, CLY_CLI_TARGETS);
    bool *with_loss = calloc(outputs + 1, sizeof *with_loss), *none = calloc(outputs + 1, sizeof *none);
    if (with_loss == NULL || none == NULL) {
        free(with_loss);
        free(none);
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of targets");
    }
    dataset->input_count = cly_cli_place_count(model, CLY_CLI_INPUTS);
    dataset->output_count = outputs;
    int status = find_losses(model, with_loss, outputs);
    if (status == CLY_EXIT_DONE) {
        status = load_some(verb, model, CLY_CLI_INPUTS, x, NULL, &dataset->x);
    }
    if (status == CLY_EXIT_DONE) {
        status = load_some(verb, model, CLY_CLI_TARGETS, y, with_loss, &dataset->y);
    }
    if (status == CLY_EXIT_DONE && weights->count > 0) {
        status = load_some(verb, model, CLY_CLI_WEIGHTS, weights, all_named(model, weights) ? none : NULL,
                           &dataset->weights);
    }
    free(with_loss);
    free(none);
    dataset->data = (clayer_dataset){
        .struct_size = sizeof dataset->data,
        .x = (const clayer_array *const *)dataset->x,
        .y = (const clayer_array *const *)dataset->y,
        .sample_weight = (const clayer_array *const *)dataset->weights,
    };
    return status;
}

void cly_cli_free_dataset(cly_cli_dataset *dataset) {
    if (dataset->x != NULL) {
        cly_cli_free_arrays(dataset->x, dataset->input_count);
    }
    if (dataset->y != NULL) {
        cly_cli_free_arrays(dataset->y, dataset->output_count);
    }
    if (dataset->weights != NULL) {
        cly_cli_free_arrays(dataset->weights, dataset->output_count);
    }
    free(dataset->x);
    free(dataset->y);
    free(dataset->weights);
    *dataset = (cly_cli_dataset){.x = NULL};
}
