/* cli/classes.c: reads names of classes and prints the most probable ones of each sample, as decode_predictions of
 * keras.applications finds them. */
#include "classes.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)16 << 20) /* of a file of names */

void cly_cli_free_classes(cly_cli_classes *classes) {
    for (size_t i = 0; i < classes->count; i++) {
        free(classes->items[i].name);
        free(classes->items[i].code);
    }
    free(classes->items);
    *classes = (cly_cli_classes){NULL, 0};
}

/* ---- reading ---- */

static int read_text(const char *path, char **text_out, size_t *length_out) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return cly_cli_fail(CLY_EXIT_FILE, "cannot read '%s': %s", path, strerror(errno));
    }
    char *text = malloc(MOST_BYTES + 1);
    const size_t length = text != NULL ? fread(text, 1, MOST_BYTES, file) : 0;
    const bool failed = ferror(file) != 0, more = text != NULL && !failed && fgetc(file) != EOF;
    const int code = errno;
    fclose(file);
    if (text == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for '%s'", path);
    }
    text[length] = '\0';
    if (failed || more || length == 0 || memchr(text, '\0', length) != NULL) {
        free(text);
        return failed ? cly_cli_fail(CLY_EXIT_FILE, "cannot read '%s': %s", path, strerror(code))
                      : cly_cli_fail(CLY_EXIT_FILE, "'%s' is %s, not a list of names", path,
                                     more          ? "too large"
                                     : length == 0 ? "empty"
                                                   : "binary");
    }
    *text_out = text;
    *length_out = length;
    return CLY_EXIT_DONE;
}

static char *copy_text(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static int alloc_classes(size_t count, const char *path, cly_cli_classes *classes) {
    classes->items = calloc(count + 1, sizeof *classes->items);
    classes->count = classes->items != NULL ? count : 0;
    return classes->items != NULL ? CLY_EXIT_DONE : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for '%s'", path);
}

/* A name a line; blanks and carriage returns at the ends go, and so do empty lines behind the last name. */
static int read_lines(const char *text, const char *path, cly_cli_classes *classes) {
    size_t lines = 1;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    int status = alloc_classes(lines, path, classes);
    size_t count = 0, used = 0;
    for (const char *line = text; status == CLY_EXIT_DONE && *line != '\0'; count++) {
        const size_t whole = strcspn(line, "\n");
        size_t length = whole;
        while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) {
            length--;
        }
        const size_t blanks = strspn(line, " \t") < length ? strspn(line, " \t") : 0;
        classes->items[count].name = copy_text(line + blanks, length - blanks);
        used = length > 0 ? count + 1 : used;
        if (classes->items[count].name == NULL) {
            status = cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for '%s'", path);
        }
        line += whole + (line[whole] == '\n');
    }
    for (size_t i = used; i < count; i++) {
        free(classes->items[i].name);
        classes->items[i].name = NULL;
    }
    classes->count = used;
    return status;
}

/* "name" or ["code", "name"] into the class of that index. */
static int put_class(const cJSON *value, size_t index, const char *path, cly_cli_classes *classes) {
    const cJSON *code = cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2 ? cJSON_GetArrayItem(value, 0) : NULL;
    const cJSON *name = code != NULL ? cJSON_GetArrayItem(value, 1) : value;
    if (!cJSON_IsString(name) || (code != NULL && !cJSON_IsString(code))) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': class %zu is neither a name nor [\"code\", \"name\"]", path, index);
    }
    cly_cli_class *into = &classes->items[index];
    if (into->name != NULL) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': class %zu is named twice", path, index);
    }
    into->name = copy_text(name->valuestring, strlen(name->valuestring));
    into->code = code != NULL ? copy_text(code->valuestring, strlen(code->valuestring)) : NULL;
    return into->name != NULL && (code == NULL || into->code != NULL)
               ? CLY_EXIT_DONE
               : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for '%s'", path);
}

/* The whole number from 0 to count - 1 that a text or a number is; -1 if it is none. */
static int64_t class_index(const char *text, double number, size_t count) {
    if (text != NULL) {
        char *end = NULL;
        number = strtod(text, &end);
        if (text[0] < '0' || text[0] > '9' || *end != '\0') {
            return -1;
        }
    }
    return number >= 0 && number < (double)count && floor(number) == number ? (int64_t)number : -1;
}

static int read_json(const cJSON *json, const char *path, cly_cli_classes *classes) {
    const size_t count = (size_t)cJSON_GetArraySize(json);
    const bool list = cJSON_IsArray(json);
    int status = alloc_classes(count, path, classes);
    size_t next = 0;
    for (const cJSON *item = json->child; status == CLY_EXIT_DONE && item != NULL; item = item->next) {
        const bool named = !list && cJSON_IsNumber(item); /* {"name": 0} */
        const int64_t index = list    ? (int64_t)next++
                              : named ? class_index(NULL, item->valuedouble, count)
                                      : class_index(item->string, 0, count);
        if (index < 0) {
            status = cly_cli_fail(CLY_EXIT_FILE, "'%s': '%s' does not say a class from 0 to %zu", path, item->string,
                                  count - 1);
        } else if (named) {
            const cJSON name = {.type = cJSON_String, .valuestring = item->string};
            status = put_class(&name, (size_t)index, path, classes);
        } else {
            status = put_class(item, (size_t)index, path, classes);
        }
    }
    return status;
}

int cly_cli_read_classes(const char *path, cly_cli_classes *classes_out) {
    char *text = NULL;
    size_t length = 0;
    cly_cli_classes classes = {NULL, 0};
    int status = read_text(path, &text, &length);
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    const char *start = text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); /* a byte-order mark */
    const char first = start[strspn(start, " \t\r\n")];
    if (first == '{' || first == '[') {
        cJSON *json = cJSON_ParseWithOpts(start, NULL, true);
        status = json != NULL ? read_json(json, path, &classes)
                              : cly_cli_fail(CLY_EXIT_FILE, "'%s' begins as JSON but is none", path);
        cJSON_Delete(json);
    } else {
        status = read_lines(start, path, &classes);
    }
    free(text);
    if (status == CLY_EXIT_DONE && classes.count == 0) {
        status = cly_cli_fail(CLY_EXIT_FILE, "'%s' names no class", path);
    }
    if (status == CLY_EXIT_DONE) {
        *classes_out = classes;
    } else {
        cly_cli_free_classes(&classes);
    }
    return status;
}

/* ---- ranking ---- */

int cly_cli_check_classes(const clayer_shape *shape, const char *output, const cly_cli_ranking *ranking) {
    char text[192];
    if (shape->rank != 2 || shape->dims[1] < 1) {
        return cly_cli_fail(CLY_EXIT_USAGE, "--classes: output '%s' has the shape %s, not (samples, classes)", output,
                            cly_cli_format_shape(shape, text, sizeof text));
    }
    const int64_t classes = shape->dims[1] == 1 ? 2 : shape->dims[1];
    if ((int64_t)ranking->classes->count != classes) {
        return cly_cli_fail(CLY_EXIT_USAGE, "classes '%s': %zu names, but output '%s' has %" PRId64 "%s",
                            ranking->classes_path, ranking->classes->count, output, classes,
                            shape->dims[1] == 1 ? " (its one number is the probability of the second)" : " classes");
    }
    return CLY_EXIT_DONE;
}

/* The probabilities of one sample, `count` of them, from `width` outputs (count, or 1). */
static void find_probabilities(const float *y, int64_t width, int64_t count, bool from_logits, double *p) {
    double largest = -INFINITY, sum = 0;
    if (width == 1 && count == 2) {
        p[1] = from_logits ? 1 / (1 + exp(-(double)y[0])) : (double)y[0];
        p[0] = 1 - p[1];
        return;
    }
    for (int64_t c = 0; c < count; c++) {
        p[c] = (double)y[c];
        largest = fmax(largest, p[c]);
    }
    for (int64_t c = 0; c < count && from_logits; c++) {
        p[c] = exp(p[c] - largest);
        sum += p[c];
    }
    for (int64_t c = 0; c < count && from_logits; c++) {
        p[c] /= sum;
    }
}

static void print_class(const cly_cli_ranking *ranking, int64_t index, double p, bool first) {
    const cly_cli_class *of = &ranking->classes->items[index];
    if (!ranking->json) {
        printf("  %.6f  %s", p, of->name);
        printf(of->code != NULL ? " (%s)\n" : "\n", of->code);
        return;
    }
    printf("%s{\"index\": %" PRId64 ", \"class\": ", first ? "" : ", ", index);
    cly_cli_print_json(stdout, of->name);
    if (of->code != NULL) {
        printf(", \"code\": ");
        cly_cli_print_json(stdout, of->code);
    }
    printf(", \"probability\": ");
    cly_cli_print_json_number(p);
    putchar('}');
}

/* `taken` is room for a mark a class. */
static void print_sample(const cly_cli_ranking *ranking, int64_t sample, const double *p, char *taken) {
    const int64_t count = (int64_t)ranking->classes->count, top = ranking->top < count ? ranking->top : count;
    if (ranking->json) {
        printf("%s{\"sample\": ", sample > 0 ? ",\n " : "[");
        if (ranking->sample_names != NULL) {
            cly_cli_print_json(stdout, ranking->sample_names[sample]);
        } else {
            printf("%" PRId64, sample);
        }
        printf(", \"top\": [");
    } else if (ranking->sample_names != NULL) {
        printf("%s:\n", ranking->sample_names[sample]);
    } else {
        printf("sample %" PRId64 ":\n", sample);
    }
    memset(taken, 0, (size_t)count);
    for (int64_t k = 0; k < top; k++) {
        int64_t best = -1;
        for (int64_t c = 0; c < count; c++) { /* NaNs come last */
            best = !taken[c] && (best < 0 || p[c] > p[best] || (isnan(p[best]) && !isnan(p[c]))) ? c : best;
        }
        print_class(ranking, best, p[best], k == 0);
        taken[best] = 1;
    }
    fputs(ranking->json ? "]}" : "", stdout);
}

int cly_cli_print_classes(const clayer_array *output, const cly_cli_ranking *ranking) {
    const clayer_shape *shape = clayer_array_get_shape(output);
    const float *y = clayer_array_get_const_data(output);
    double *p = calloc(ranking->classes->count, sizeof *p + 1);
    if (p == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for %zu probabilities", ranking->classes->count);
    }
    char *taken = (char *)(p + ranking->classes->count);
    for (int64_t i = 0; i < shape->dims[0]; i++) {
        find_probabilities(y + i * shape->dims[1], shape->dims[1], (int64_t)ranking->classes->count,
                           ranking->from_logits, p);
        print_sample(ranking, i, p, taken);
    }
    fputs(ranking->json ? (shape->dims[0] > 0 ? "]" : "[]") : "", stdout);
    free(p);
    return CLY_EXIT_DONE;
}
