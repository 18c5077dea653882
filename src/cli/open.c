/* cli/open.c: opens the device and the model that a verb works with. */
#include "cli.h"

#include <string.h>

/* Warnings are always shown: a slower path must not be taken in silence. */
static void log_line(clayer_log_level level, const char *message, void *data) {
    const bool verbose = *(const bool *)data;
    if (verbose || level != CLAYER_LOG_INFO) {
        static const char *const labels[] = {"info", "warning", "error"};
        fprintf(stderr, "clayer: %s: %s\n", labels[level], message);
    }
}

int cly_cli_open_context(const cly_cli_options *options, bool profiling, clayer_context **context_out) {
    static bool verbose; /* outlives every context */
    verbose = options->verbose;
    const clayer_context_config config = {
        .struct_size = sizeof config,
        .device = options->device,
        .profiling = profiling,
        .log = log_line,
        .log_data = &verbose,
    };
    clayer_status status = clayer_context_create(&config, context_out);
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    if (options->verbose) {
        clayer_device_info info;
        if (clayer_context_get_device(*context_out, &info) == CLAYER_OK) {
            fprintf(stderr, "clayer: info: device %d: %s (%s, driver %s)\n", info.index, info.name, info.platform,
                    info.driver);
        }
    }
    return CLY_EXIT_DONE;
}

/* The first bytes of a file; less than `size` if it is shorter or cannot be read. */
static size_t peek(const char *path, char *bytes, size_t size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    size_t length = fread(bytes, 1, size, file);
    fclose(file);
    return length;
}

static bool is_json(const char *path) {
    char head[256];
    size_t length = peek(path, head, sizeof head);
    size_t blanks = 0;
    while (blanks < length && memchr(" \t\r\n", head[blanks], 4) != NULL) {
        blanks++;
    }
    return blanks < length && head[blanks] == '{';
}

bool cly_cli_is_zip(const char *path) {
    char head[4];
    return peek(path, head, sizeof head) == sizeof head && head[0] == 'P' && head[1] == 'K' &&
           ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
}

static bool has_weights(const clayer_model *model) {
    for (size_t i = 0; i < clayer_model_get_layer_count(model); i++) {
        if (clayer_layer_get_weight_count(clayer_model_get_layer(model, i)) > 0) {
            return true;
        }
    }
    return false;
}

int cly_cli_load_model(const cly_cli_verb *verb, clayer_context *context, const char *path, const char *weights_path,
                       bool without_weights, clayer_model **model_out) {
    const bool json = is_json(path);
    if (weights_path != NULL && !json) {
        return cly_cli_usage(verb, "--weights goes with a JSON config, but '%s' is not one", path);
    }
    clayer_model *model = NULL;
    clayer_load_config config = {.struct_size = sizeof config, .weights_path = weights_path};
    config.activations = cly_cli_get_activations(&config.activation_count);
    clayer_status status = clayer_model_load_with(context, path, &config, &model);
    if (status == CLAYER_INVALID_ARGUMENT) { /* a text of --activation: what is wrong in a file is CLAYER_BAD_FILE */
        return cly_cli_fail_status(status);
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_file(status);
    }
    if (json && weights_path == NULL && !without_weights && has_weights(model)) {
        cly_cli_notice("'%s' is a config without weights: they are as initialised (--weights FILE loads them)", path);
    }
    cly_cli_tell_check(model, path);
    *model_out = model;
    return CLY_EXIT_DONE;
}
