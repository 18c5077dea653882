/* cli/verify.c: `clayer run --verify REF.npz`: every layer's output beside Keras' own, from a reference that
 * scripts/keras_reference.py wrote: inputs/NAME, outputs/NAME, layers/PATH and for further calls layers/PATH:CALL. */
#include "verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct compared { /* one output of a layer or of the model */
    char *name;           /* "encoder/conv2d_1:1"; owned */
    clayer_shape shape;
    double difference;  /* relative to the largest value; infinite where the shapes differ */
    const char *reason; /* why it could not be compared, or NULL; static */
    bool is_output;     /* of the model, with all fusions on */
} compared;

typedef struct verification {
    const clayer_archive *reference;
    bool *seen; /* members of the reference that were compared */
    compared *items;
    size_t count, capacity;
    bool out_of_memory;
} verification;

/* ---- comparing ---- */

/* The largest difference over the largest value of the reference. */
static double difference_of(const float *wanted, const float *given, int64_t count) {
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < count; i++) {
        const double x = (double)wanted[i], y = (double)given[i];
        const bool same = wanted[i] == given[i] || (isnan(x) && isnan(y));
        largest = isfinite(x) ? fmax(largest, fabs(x)) : largest;
        difference = fmax(difference, same ? 0 : isfinite(x) && isfinite(y) ? fabs(x - y) : HUGE_VAL);
    }
    return difference > 0 ? difference / fmax(largest, 1e-30) : 0;
}

static bool same_shape(const clayer_shape *a, const clayer_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

/* The place of a member in the reference, or -1. */
static int64_t find_member(const clayer_archive *reference, const char *folder, const char *name) {
    const size_t length = strlen(folder);
    for (size_t i = 0; i < clayer_archive_get_count(reference); i++) {
        const char *member = clayer_archive_get_name(reference, i);
        if (strncmp(member, folder, length) == 0 && strcmp(member + length, name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

static void add_compared(verification *of, const char *name, const clayer_shape *shape, double difference,
                         const char *reason, bool is_output) {
    if (of->count == of->capacity) {
        const size_t capacity = of->capacity > 0 ? of->capacity * 2 : 64;
        compared *items = realloc(of->items, capacity * sizeof *items);
        if (items != NULL) {
            of->items = items;
            of->capacity = capacity;
        }
    }
    char *copy = of->count < of->capacity ? malloc(strlen(name) + 1) : NULL;
    if (copy == NULL) {
        of->out_of_memory = true;
        return;
    }
    strcpy(copy, name);
    of->items[of->count++] = (compared){copy, *shape, difference, reason, is_output};
}

/* Values beside the member of that place; -1: there is none. */
static void compare(verification *of, const char *name, int64_t member, const clayer_shape *shape, const float *values,
                    int64_t count, bool is_output) {
    if (member < 0) {
        add_compared(of, name, shape, 0, "not in the reference", is_output);
        return;
    }
    of->seen[member] = true;
    const clayer_array *wanted = clayer_archive_get_array(of->reference, (size_t)member);
    clayer_array *floats = NULL;
    if (!same_shape(clayer_array_get_shape(wanted), shape)) {
        add_compared(of, name, shape, HUGE_VAL, NULL, is_output);
    } else if (clayer_array_convert(wanted, CLAYER_FLOAT32, &floats) != CLAYER_OK) {
        of->out_of_memory = true;
    } else {
        add_compared(of, name, shape, difference_of(clayer_array_get_const_data(floats), values, count), NULL,
                     is_output);
    }
    clayer_array_destroy(floats);
}

/* A clayer_observe_callback. Here calls are counted for each layer, in the reference for each path: a layer that stands
 * in a nested model and beside it has fewer calls under each. */
static void see_layer(const char *path, size_t call, const clayer_shape *shape, const float *values, int64_t count,
                      void *data) {
    verification *of = data;
    const size_t size = strlen(path) + 24;
    char *name = malloc(size);
    int64_t member = -1;
    if (name == NULL) {
        of->out_of_memory = true;
        return;
    }
    for (size_t below = 0; below <= call && member < 0; below++) {
        snprintf(name, size, call > below ? "%s:%zu" : "%s", path, call - below);
        member = find_member(of->reference, "layers/", name);
        member = member >= 0 && of->seen[member] ? -1 : member;
    }
    compare(of, name, member, shape, values, count, false);
    free(name);
}

/* What the reference has and no layer here: it is fused into its neighbour in the file's reader, or of another model.
 */
static void add_unseen(verification *of) {
    for (size_t i = 0; i < clayer_archive_get_count(of->reference); i++) {
        const char *name = clayer_archive_get_name(of->reference, i);
        if (!of->seen[i] && strncmp(name, "layers/", 7) == 0) {
            add_compared(of, name + 7, clayer_array_get_shape(clayer_archive_get_array(of->reference, i)), 0,
                         "not computed here, where no output needs it", false);
        }
    }
}

/* ---- running ---- */

/* Borrowed arrays of the reference, in the model's order. */
static int find_inputs(const clayer_model *model, const clayer_archive *reference, const char *path,
                       const clayer_array **inputs) {
    for (size_t i = 0; i < clayer_model_get_input_count(model); i++) {
        const char *name = clayer_model_get_input_name(model, i);
        const int64_t member = find_member(reference, "inputs/", name);
        if (member < 0) {
            return cly_cli_fail(CLY_EXIT_FILE,
                                "'%s' holds no 'inputs/%s': is it a reference of this model, made by "
                                "keras_reference.py?",
                                path, name);
        }
        inputs[i] = clayer_archive_get_array(reference, (size_t)member);
    }
    return CLY_EXIT_DONE;
}

static int predict(clayer_model *model, const clayer_array **inputs, clayer_array **outputs) {
    const clayer_shape *shape = clayer_array_get_shape(inputs[0]);
    const clayer_predict_config config = {.struct_size = sizeof config,
                                          .batch_size = shape->rank > 0 && shape->dims[0] > 0 ? shape->dims[0] : 1};
    /* predict reads them only */
    clayer_status status = clayer_model_predict(model, (clayer_array *const *)(uintptr_t)inputs,
                                                clayer_model_get_input_count(model), &config, outputs);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

/* Once layer by layer, once as the model runs otherwise, with what it fuses. */
static int run_both(clayer_model *model, const clayer_array **inputs, clayer_array **outputs, verification *of) {
    const size_t count = clayer_model_get_output_count(model);
    clayer_status status = clayer_model_observe(model, see_layer, of);
    int exit_status = status == CLAYER_OK ? predict(model, inputs, outputs) : cly_cli_fail_status(status);
    cly_cli_free_arrays(outputs, count);
    if (exit_status == CLY_EXIT_DONE) {
        add_unseen(of);
        status = clayer_model_observe(model, NULL, NULL);
        exit_status = status == CLAYER_OK ? predict(model, inputs, outputs) : cly_cli_fail_status(status);
    }
    for (size_t i = 0; exit_status == CLY_EXIT_DONE && i < count; i++) {
        const char *name = clayer_model_get_output_name(model, i);
        compare(of, name, find_member(of->reference, "outputs/", name), clayer_array_get_shape(outputs[i]),
                clayer_array_get_const_data(outputs[i]), clayer_array_get_count(outputs[i]), true);
    }
    return exit_status;
}

/* ---- printing ---- */

static bool differs(const compared *item, double tolerance) {
    return item->reason == NULL && !(item->difference <= tolerance);
}

static void print_line(const compared *item, double tolerance) {
    char shape[192];
    cly_cli_format_shape(&item->shape, shape, sizeof shape);
    printf("%-7s %-44s %-24s ", item->is_output ? "output" : "layer", item->name, shape);
    if (item->reason != NULL) {
        printf("not compared: %s\n", item->reason);
    } else if (isinf(item->difference)) {
        printf("differs: another shape, or not finite\n");
    } else {
        printf("%8.1e%s\n", item->difference, differs(item, tolerance) ? "  differs" : "");
    }
}

static void print_json_line(const compared *item, bool first) {
    printf("%s\n  {\"kind\": \"%s\", \"name\": ", first ? "" : ",", item->is_output ? "output" : "layer");
    cly_cli_print_json(stdout, item->name);
    printf(", \"shape\": [");
    for (int i = 0; i < item->shape.rank; i++) {
        printf("%s%" PRId64, i > 0 ? ", " : "", item->shape.dims[i]);
    }
    printf("], \"difference\": ");
    item->reason == NULL ? cly_cli_print_json_number(item->difference) : (void)fputs("null", stdout);
    printf(", \"compared\": %s}", item->reason == NULL ? "true" : "false");
}

/* The table and its conclusion; CLY_EXIT_CHECK where something differs, or nothing was compared. */
static int print_all(const verification *of, double tolerance, bool json) {
    const compared *first = NULL, *worst = NULL;
    size_t different = 0, left_out = 0;
    fputs(json ? "{\"layers\": [" : "", stdout);
    for (size_t i = 0; i < of->count; i++) {
        const compared *item = &of->items[i];
        json ? print_json_line(item, i == 0) : print_line(item, tolerance);
        left_out += item->reason != NULL;
        different += differs(item, tolerance);
        first = first == NULL && differs(item, tolerance) ? item : first;
        worst = item->reason == NULL && (worst == NULL || item->difference > worst->difference) ? item : worst;
    }
    const bool failed = different > 0 || worst == NULL;
    if (json) {
        printf("],\n \"tolerance\": %.9g, \"differ\": %zu, \"not_compared\": %zu, \"first\": ", tolerance, different,
               left_out);
        first != NULL ? cly_cli_print_json(stdout, first->name) : (void)fputs("null", stdout);
        puts("}");
    } else if (worst != NULL) {
        printf("\n%zu compared, %zu not; the largest difference is %.1e, of '%s' (of the largest value; limit %g)\n",
               of->count - left_out, left_out, worst->difference, worst->name, tolerance);
    }
    if (failed) {
        return first != NULL
                   ? cly_cli_fail(CLY_EXIT_CHECK,
                                  "%zu of %zu differ; the first in the order of running is "
                                  "%s '%s'",
                                  different, of->count - left_out, first->is_output ? "output" : "layer", first->name)
                   : cly_cli_fail(CLY_EXIT_CHECK, "nothing could be compared");
    }
    return CLY_EXIT_DONE;
}

int cly_cli_verify(clayer_model *model, const char *path, double tolerance, bool json) {
    const size_t input_count = clayer_model_get_input_count(model), count = clayer_model_get_output_count(model);
    clayer_archive *reference = NULL;
    clayer_status loaded = clayer_archive_load(path, &reference);
    if (loaded != CLAYER_OK) {
        return cly_cli_fail_file(loaded);
    }
    verification of = {.reference = reference, .seen = calloc(clayer_archive_get_count(reference) + 1, 1)};
    const clayer_array **inputs = calloc(input_count + 1, sizeof *inputs);
    clayer_array **outputs = calloc(count + 1, sizeof *outputs);
    int status = of.seen != NULL && inputs != NULL && outputs != NULL
                     ? find_inputs(model, reference, path, inputs)
                     : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the comparison");
    if (status == CLY_EXIT_DONE) {
        status = run_both(model, inputs, outputs, &of);
    }
    if (status == CLY_EXIT_DONE) {
        status = of.out_of_memory ? cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the comparison")
                                  : print_all(&of, tolerance, json);
    }
    if (outputs != NULL) {
        cly_cli_free_arrays(outputs, count);
    }
    for (size_t i = 0; i < of.count; i++) {
        free(of.items[i].name);
    }
    free(of.items);
    free(of.seen);
    free(inputs);
    free(outputs);
    clayer_archive_destroy(reference);
    return status;
}
