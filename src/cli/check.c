/* cli/check.c: `clayer convert --with-check`: gives a model an input, and what it answers, as the check that travels
 * with its file; and tells of the check of a file that was loaded. */
#include "cli.h"

#include <stdlib.h>

/* Of a random input: the batch, where the model does not fix it, and dimensions that the model leaves open. */
enum { SAMPLES = 2, OPEN_SIZE = 64 };

/* Numbers in [0, 1) that are the same everywhere. */
static int make_input(const clayer_shape *shape, int64_t samples, uint32_t *state, clayer_array **array_out) {
    int64_t dims[CLAYER_MAX_RANK];
    for (int i = 0; i < shape->rank; i++) {
        dims[i] = i == 0 ? samples : shape->dims[i] < 0 ? OPEN_SIZE : shape->dims[i];
    }
    clayer_status status = clayer_array_create(CLAYER_FLOAT32, shape->rank, dims, array_out);
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    float *values = clayer_array_get_data(*array_out);
    for (int64_t i = 0; i < clayer_array_get_count(*array_out); i++) {
        *state = *state * 1664525u + 1013904223u;
        values[i] = (float)(*state >> 8) / (float)(1 << 24);
    }
    return CLY_EXIT_DONE;
}

static int make_inputs(const clayer_model *model, clayer_array **inputs) {
    const size_t count = clayer_model_get_input_count(model);
    int64_t samples = SAMPLES;
    for (size_t i = 0; i < count; i++) { /* one fixed batch is all inputs' */
        const int64_t fixed = clayer_model_get_input_shape(model, i)->dims[0];
        samples = fixed > 0 ? fixed : samples;
    }
    uint32_t state = 1;
    int status = CLY_EXIT_DONE;
    for (size_t i = 0; status == CLY_EXIT_DONE && i < count; i++) {
        status = make_input(clayer_model_get_input_shape(model, i), samples, &state, &inputs[i]);
    }
    return status;
}

int cly_cli_set_check(const cly_cli_verb *verb, clayer_model *model, const cly_cli_list *files) {
    const size_t count = clayer_model_get_input_count(model);
    clayer_array **inputs = calloc(count + 1, sizeof *inputs);
    if (inputs == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of inputs");
    }
    int status = files->count > 0 ? cly_cli_load_arrays(verb, model, CLY_CLI_INPUTS, files, NULL, inputs)
                                  : make_inputs(model, inputs);
    if (status == CLY_EXIT_DONE && files->count > 0) {
        status = cly_cli_check_inputs(model, inputs);
    }
    if (status == CLY_EXIT_DONE) {
        clayer_status set = clayer_model_set_check(model, inputs, count);
        status = set == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(set);
    }
    cly_cli_free_arrays(inputs, count);
    free(inputs);
    return status;
}

void cly_cli_tell_check(const clayer_model *model, const char *path) {
    double difference = 0;
    if (clayer_model_get_check(model, &difference)) {
        cly_cli_notice("'%s' holds a check, which this device passes (difference %.2g of the largest value)", path,
                       difference);
    }
}
