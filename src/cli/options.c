/* cli/options.c: options that all verbs share, one-line errors and the exit status of each kind of failure. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *label, const char *format, va_list args) {
    char line[2048];
    vsnprintf(line, sizeof line, format, args);
    /* One line, whatever a file name or a driver's text holds. */
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
    fflush(stdout);
    fprintf(stderr, "clayer: %s%s\n", label, line);
}

int cly_cli_fail(int exit_status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
    return exit_status;
}

void cly_cli_notice(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say("notice: ", format, args);
    va_end(args);
}

int cly_cli_usage(const cly_cli_verb *verb, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return cly_cli_fail(CLY_EXIT_USAGE, "%s: %s (see clayer %s --help)", verb->name, text, verb->name);
}

static int exit_status_of(clayer_status status) {
    switch (status) {
        case CLAYER_OK:
            return CLY_EXIT_DONE;
        case CLAYER_INVALID_ARGUMENT:
        case CLAYER_INVALID_SHAPE:
            return CLY_EXIT_USAGE;
        case CLAYER_UNSUPPORTED:
        case CLAYER_IO_ERROR:
        case CLAYER_BAD_FILE:
            return CLY_EXIT_FILE;
        case CLAYER_NO_DEVICE:
        case CLAYER_DEVICE_ERROR:
        case CLAYER_BUILD_FAILED:
            return CLY_EXIT_DEVICE;
        case CLAYER_OUT_OF_MEMORY:
            return CLY_EXIT_MEMORY;
        case CLAYER_NOT_FINITE:
        case CLAYER_CHECK_FAILED:
            return CLY_EXIT_CHECK;
    }
    return CLY_EXIT_DEVICE;
}

int cly_cli_fail_status(clayer_status status) {
    const char *detail = clayer_last_error();
    return cly_cli_fail(exit_status_of(status), "%s", detail[0] != '\0' ? detail : clayer_status_string(status));
}

int cly_cli_fail_file(clayer_status status) {
    int exit_status = cly_cli_fail_status(status);
    return exit_status == CLY_EXIT_USAGE ? CLY_EXIT_FILE : exit_status;
}

/* ---- activations of the user's own ---- */

#define ACTIVATIONS 64

/* Of this run of the command; the names are freed by its end. */
static clayer_activation_mapping activations[ACTIVATIONS];
static size_t activation_count;

int cly_cli_add_activation(const cly_cli_verb *verb, const char *text) {
    const char *sign = strchr(text, '=');
    if (sign == NULL || sign == text || sign[1] == '\0') {
        return cly_cli_usage(verb, "--activation '%s' is not NAME=TEXT, such as my_act=relu(0.1,20)", text);
    }
    if (activation_count == ACTIVATIONS) {
        return cly_cli_usage(verb, "more than %d times --activation", ACTIVATIONS);
    }
    const size_t length = (size_t)(sign - text);
    char *name = malloc(length + 1);
    if (name == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the name of an activation");
    }
    memcpy(name, text, length);
    name[length] = '\0';
    activations[activation_count++] = (clayer_activation_mapping){.name = name, .activation = sign + 1};
    return CLY_EXIT_DONE;
}

const clayer_activation_mapping *cly_cli_get_activations(size_t *count_out) {
    *count_out = activation_count;
    return activations;
}

/* ---- options ---- */

/* Stops the verb with `exit_status`. */
static int stop(cly_cli_options *options, int exit_status) {
    options->exit_status = exit_status;
    return CLY_CLI_STOP;
}

int cly_cli_next_option(const cly_cli_verb *verb, int argc, char **argv, const char *shorts, const struct option *longs,
                        cly_cli_options *options) {
    opterr = 0;
    for (;;) {
        int option = getopt_long(argc, argv, shorts, longs, NULL);
        switch (option) {
            case -1:
                return CLY_CLI_END;
            case 'd':
                options->device = optarg;
                break;
            case 'v':
                options->verbose = true;
                break;
            case 'j':
                options->json = true;
                break;
            case CLY_CLI_ACTIVATION: {
                int added = cly_cli_add_activation(verb, optarg);
                if (added != CLY_EXIT_DONE) {
                    return stop(options, added);
                }
                break;
            }
            case 'h':
                fputs(verb->help, stdout);
                return stop(options, CLY_EXIT_DONE);
            case ':':
                return stop(options, cly_cli_usage(verb, "option '%s' needs a value", argv[optind - 1]));
            case '?':
                if (optopt > ' ' && optopt < 0x7f && strncmp(argv[optind - 1], "--", 2) != 0) {
                    return stop(options, cly_cli_usage(verb, "unknown option '-%c'", optopt));
                }
                return stop(options, cly_cli_usage(verb, "unknown or misused option '%s'", argv[optind - 1]));
            default:
                return option;
        }
    }
}

int cly_cli_read_count(const cly_cli_verb *verb, const char *option, const char *text, int64_t *value_out) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > INT32_MAX) {
        return cly_cli_usage(verb, "%s '%s' is not a whole number from 1 to %d", option, text, INT32_MAX);
    }
    *value_out = value;
    return CLY_EXIT_DONE;
}

int cly_cli_read_number(const cly_cli_verb *verb, const char *option, const char *text, double low, double high,
                        double *value_out) {
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) {
        return cly_cli_usage(verb, "%s '%s' is not a number", option, text);
    }
    if (value < low || value > high) {
        return cly_cli_usage(verb, "%s %s is outside %g to %g", option, text, low, high);
    }
    *value_out = value;
    return CLY_EXIT_DONE;
}

int cly_cli_read_bytes(const cly_cli_verb *verb, const char *option, const char *text, uint64_t *bytes_out) {
    static const char units[] = "KMGT";
    char *end = NULL;
    double value = strtod(text, &end);
    const char *unit = isalpha((unsigned char)*end) ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit != NULL) {
        value *= ldexp(1, 10 * (int)(unit - units + 1));
        end++;
        end += *end == 'i';
    }
    end += *end == 'B';
    if (end == text || *end != '\0' || !(value >= 1 && value < 0x1p63)) {
        return cly_cli_usage(verb, "%s '%s' is not a number of bytes such as 500M or 2G", option, text);
    }
    *bytes_out = (uint64_t)value;
    return CLY_EXIT_DONE;
}

/* A copy of text[0 .. length) without the blanks around it. */
static char *copy_part(const char *text, size_t length) {
    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

int cly_cli_split(const char *text, cly_cli_list *list_out) {
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++) {
        most += *c == ',';
    }
    cly_cli_list list = {.items = calloc(most + 1, sizeof *list.items)};
    int depth = 0;
    char quote = '\0';
    const char *start = text;
    for (const char *c = text; list.items != NULL; c++) {
        if (*c == '\0' || (*c == ',' && depth <= 0 && quote == '\0')) {
            char *part = copy_part(start, (size_t)(c - start));
            if (part == NULL) {
                break;
            }
            list.items[list.count++] = part;
            start = c + 1;
            if (*c == '\0') {
                *list_out = list;
                return CLY_EXIT_DONE;
            }
        } else if (quote != '\0') {
            quote = *c == quote ? '\0' : quote;
        } else if (*c == '"' || *c == '\'') {
            quote = *c;
        } else {
            depth += (*c == '(' || *c == '[') - (*c == ')' || *c == ']');
        }
    }
    cly_cli_free_list(&list);
    return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the parts of '%s'", text);
}

void cly_cli_free_list(cly_cli_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (cly_cli_list){NULL, 0};
}
