/* cli/image_options.c: --resize, --scale, --mean, --std and --bgr: what is done to a picture before a model sees it. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#define MOST_EDGE 65535 /* pixels; JPEG's limit too */

static int read_method(const cly_cli_verb *verb, const char *text, cly_cli_method *method_out) {
    for (int i = 0; i < CLY_CLI_METHOD_COUNT; i++) {
        if (strcmp(text, cly_cli_method_names[i]) == 0) {
            *method_out = (cly_cli_method)i;
            return CLY_EXIT_DONE;
        }
    }
    return cly_cli_usage(verb,
                         "--resize: '%s' is none of nearest, bilinear, bicubic, tf-nearest, tf-bilinear, "
                         "tf-bicubic",
                         text);
}

/* "HxW", "HxW:METHOD", or "METHOD" for the model's own size. */
static int read_size(const cly_cli_verb *verb, const char *text, cly_cli_image_options *options) {
    char *end = NULL;
    const long height = strtol(text, &end, 10);
    if (end == text) {
        return read_method(verb, text, &options->method);
    }
    const char *second = end + 1;
    const long width = *end == 'x' ? strtol(second, &end, 10) : 0;
    if (*second == '\0' || end == second || (*end != '\0' && *end != ':')) {
        return cly_cli_usage(verb, "--resize '%s' is not HEIGHTxWIDTH or HEIGHTxWIDTH:METHOD, such as 224x224:bilinear",
                             text);
    }
    if (height < 1 || height > MOST_EDGE || width < 1 || width > MOST_EDGE) {
        return cly_cli_usage(verb, "--resize '%s': height and width are from 1 to %d", text, MOST_EDGE);
    }
    options->height = height;
    options->width = width;
    return *end == ':' ? read_method(verb, end + 1, &options->method) : CLY_EXIT_DONE;
}

/* "F" or "A/B". */
static int read_scale(const cly_cli_verb *verb, const char *text, cly_cli_image_options *options) {
    char first[64];
    const char *slash = strchr(text, '/');
    const size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof first) {
        return cly_cli_usage(verb, "--scale '%s' is not a number or A/B", text);
    }
    memcpy(first, text, length);
    first[length] = '\0';
    options->divisor = 1;
    int status = cly_cli_read_number(verb, "--scale", first, -1e9, 1e9, &options->factor);
    if (status == CLY_EXIT_DONE && slash != NULL) {
        status = cly_cli_read_number(verb, "--scale", slash + 1, -1e9, 1e9, &options->divisor);
    }
    if (status == CLY_EXIT_DONE && (options->factor == 0 || options->divisor == 0)) {
        status = cly_cli_usage(verb, "--scale '%s' leaves nothing of a picture", text);
    }
    return status;
}

static int read_list(const cly_cli_verb *verb, const char *option, const char *text, double *values, int *count_out) {
    cly_cli_list parts = {NULL, 0};
    int status = cly_cli_split(text, &parts);
    if (status == CLY_EXIT_DONE && parts.count > 4) {
        status = cly_cli_usage(verb, "%s '%s': one number, or one a channel", option, text);
    }
    for (size_t i = 0; status == CLY_EXIT_DONE && i < parts.count; i++) {
        status = cly_cli_read_number(verb, option, parts.items[i], -1e9, 1e9, &values[i]);
    }
    *count_out = (int)parts.count;
    cly_cli_free_list(&parts);
    return status;
}

int cly_cli_read_image_option(const cly_cli_verb *verb, int option, const char *text, cly_cli_image_options *options) {
    static const char *const names[] = {"--resize", "--scale", "--mean", "--std", "--bgr"};
    int status;
    options->given = options->given != NULL ? options->given : names[option - CLY_CLI_RESIZE];
    switch (option) {
        case CLY_CLI_RESIZE:
            return read_size(verb, text, options);
        case CLY_CLI_SCALE:
            return read_scale(verb, text, options);
        case CLY_CLI_MEAN:
            return read_list(verb, "--mean", text, options->mean, &options->mean_count);
        case CLY_CLI_STD:
            status = read_list(verb, "--std", text, options->std, &options->std_count);
            for (int i = 0; status == CLY_EXIT_DONE && i < options->std_count; i++) {
                if (options->std[i] == 0) {
                    status = cly_cli_usage(verb, "--std '%s' divides by zero", text);
                }
            }
            return status;
        default:
            options->bgr = true;
            return CLY_EXIT_DONE;
    }
}
