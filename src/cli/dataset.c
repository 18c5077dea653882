/* cli/dataset.c: the files of inputs, targets and sample weights that train and evaluate read. */
#include "cli.h"

#include <stdlib.h>

static int load_some(const cly_cli_verb *verb, const clayer_model *model, cly_cli_role role, const cly_cli_list *files,
                     clayer_array ***arrays_out) {
    clayer_array **arrays = calloc(cly_cli_place_count(model, role) + 1, sizeof *arrays);
    if (arrays == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of arrays");
    }
    int status = cly_cli_load_arrays(verb, model, role, files, arrays);
    if (status == CLY_EXIT_DONE) {
        *arrays_out = arrays;
    } else {
        free(arrays);
    }
    return status;
}

int cly_cli_load_dataset(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *x,
                         const cly_cli_list *y, const cly_cli_list *weights, cly_cli_dataset *dataset) {
    dataset->input_count = cly_cli_place_count(model, CLY_CLI_INPUTS);
    dataset->output_count = cly_cli_place_count(model, CLY_CLI_TARGETS);
    int status = load_some(verb, model, CLY_CLI_INPUTS, x, &dataset->x);
    if (status == CLY_EXIT_DONE) {
        status = load_some(verb, model, CLY_CLI_TARGETS, y, &dataset->y);
    }
    if (status == CLY_EXIT_DONE && weights->count > 0) {
        status = load_some(verb, model, CLY_CLI_WEIGHTS, weights, &dataset->weights);
    }
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
