/* cli/costs.c: what a model takes: memory and multiply-adds of each layer, and the planned device memory. */
#include "costs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct row {
    char *path;
    clayer_layer_costs costs; /* without its path */
} row;

typedef struct table {
    row *rows;
    size_t count, capacity;
    bool full; /* out of memory */
    uint64_t output_bytes, weight_bytes, multiply_adds;
} table;

/* ---- rows ---- */

static void add_row(const clayer_layer_costs *costs, void *data) {
    table *t = data;
    if (t->count == t->capacity) {
        size_t capacity = 2 * t->capacity + 16;
        row *rows = realloc(t->rows, capacity * sizeof *rows);
        t->full = t->full || rows == NULL;
        t->rows = rows == NULL ? t->rows : rows;
        t->capacity = rows == NULL ? t->capacity : capacity;
    }
    char *path = t->full ? NULL : strdup(costs->path);
    t->full = t->full || path == NULL;
    if (!t->full) {
        t->rows[t->count++] = (row){path, *costs};
        t->output_bytes += costs->output_bytes;
        t->weight_bytes += costs->weight_bytes;
        t->multiply_adds += costs->multiply_adds;
    }
}

static void free_table(table *t) {
    for (size_t i = 0; i < t->count; i++) {
        free(t->rows[i].path);
    }
    free(t->rows);
}

/* A model whose input has unknown dimensions has no rows: *known_out is false then. */
static int read_table(clayer_model *model, int64_t batch_size, table *t, bool *known_out) {
    clayer_status status = clayer_model_get_costs(model, NULL, batch_size, add_row, t);
    *known_out = status == CLAYER_OK;
    if (status != CLAYER_OK && status != CLAYER_INVALID_SHAPE) {
        return cly_cli_fail_status(status);
    }
    return t->full ? cly_cli_fail(CLY_EXIT_MEMORY, "summary: out of memory for the layers' costs") : CLY_EXIT_DONE;
}

/* ---- as a table ---- */

/* "1,234,567"; `text` holds at least 32 bytes. Returns text. */
static const char *format_count(uint64_t count, char *text) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count), end = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            text[end++] = ',';
        }
        text[end++] = digits[i];
    }
    text[end] = '\0';
    return text;
}

static void print_row(int width, const char *path, const char *calls, const char *shape, const clayer_layer_costs *c) {
    char output[32], weights[32], products[32];
    printf("%-*s %5s  %-24s %12s %12s %20s\n", width, path, calls, shape,
           cly_cli_format_bytes(c->output_bytes, output, sizeof output),
           c->weight_bytes > 0 ? cly_cli_format_bytes(c->weight_bytes, weights, sizeof weights) : "-",
           c->multiply_adds > 0 ? format_count(c->multiply_adds, products) : "-");
}

int cly_cli_print_costs(clayer_model *model, int64_t batch_size) {
    table t = {NULL, 0, 0, false, 0, 0, 0};
    bool known = false;
    int status = read_table(model, batch_size, &t, &known);
    if (status == CLY_EXIT_DONE && !known) {
        printf("\nCosts of a batch of %" PRId64 ": not known before an input is (%s)\n", batch_size,
               clayer_last_error());
    } else if (status == CLY_EXIT_DONE) {
        size_t width = strlen("Layer");
        char text[192];
        for (size_t i = 0; i < t.count; i++) {
            width = strlen(t.rows[i].path) > width ? strlen(t.rows[i].path) : width;
        }
        printf("\nCosts of a batch of %" PRId64 ":\n%-*s %5s  %-24s %12s %12s %20s\n", batch_size, (int)width, "Layer",
               "Calls", "Output Shape", "Output", "Weights", "Multiply-adds");
        for (size_t i = 0; i < t.count; i++) {
            char calls[24];
            snprintf(calls, sizeof calls, "%zu", t.rows[i].costs.calls);
            print_row((int)width, t.rows[i].path, calls,
                      cly_cli_format_shape(&t.rows[i].costs.output, text, sizeof text), &t.rows[i].costs);
        }
        const clayer_layer_costs total = {
            .output_bytes = t.output_bytes, .weight_bytes = t.weight_bytes, .multiply_adds = t.multiply_adds};
        print_row((int)width, "Total", "", "", &total);
        printf("Multiply-adds a sample: %s\n", format_count(t.multiply_adds / (uint64_t)batch_size, text));
    }
    free_table(&t);
    return status;
}

/* ---- plans ---- */

/* One line more; a layer that cannot be trained through is no fault of a summary. */
static void print_training_plan(clayer_model *model, int64_t batch_size) {
    clayer_training_plan plan;
    char total[32], gradients[32], optimizer[32], activations[32], workspace[32];
    clayer_status status = clayer_model_get_training_plan(model, NULL, batch_size, &plan);
    if (status != CLAYER_OK) {
        printf("  to train: not possible (%s)\n", clayer_last_error());
        return;
    }
    printf("  to train: %s (gradients %s, optimizer %s, activations %s, workspace %s)\n",
           cly_cli_format_bytes(plan.total_bytes, total, sizeof total),
           cly_cli_format_bytes(plan.gradient_bytes, gradients, sizeof gradients),
           cly_cli_format_bytes(plan.optimizer_bytes, optimizer, sizeof optimizer),
           cly_cli_format_bytes(plan.activation_bytes, activations, sizeof activations),
           cly_cli_format_bytes(plan.workspace_bytes, workspace, sizeof workspace));
}

/* What neighbouring layers compute, if anything. */
static void print_fused(const clayer_model_plan *plan) {
    const struct {
        size_t count;
        const char *what;
    } fused[] = {{plan->fused_batch_normalizations, "batch normalizations"},
                 {plan->fused_activations, "activations"},
                 {plan->fused_paddings, "paddings"},
                 {plan->fused_croppings, "croppings"},
                 {plan->fused_inputs, "inputs of concatenations"}};
    const char *before = "  fused: ";
    for (size_t i = 0; i < sizeof fused / sizeof fused[0]; i++) {
        if (fused[i].count > 0) {
            printf("%s%zu %s", before, fused[i].count, fused[i].what);
            before = ", ";
        }
    }
    if (before[0] == ',') {
        printf("\n");
    }
}

int cly_cli_print_plans(clayer_model *model, int64_t batch_size) {
    clayer_model_plan plan;
    char total[32], weights[32], folded[32], activations[32], unshared[32], workspace[32];
    clayer_status status = clayer_model_get_plan(model, NULL, batch_size, &plan);
    if (status == CLAYER_INVALID_SHAPE) {
        /* An input with unknown dimensions: Keras' table is all there is to say. */
        printf("\nPlanned device memory for a batch of %" PRId64 ": not known before an input is (%s)\n", batch_size,
               clayer_last_error());
        return CLY_EXIT_DONE;
    }
    if (status != CLAYER_OK) {
        return cly_cli_fail_status(status);
    }
    printf("\nPlanned device memory for a batch of %" PRId64 ": %s\n", batch_size,
           cly_cli_format_bytes(plan.total_bytes, total, sizeof total));
    printf("  weights %s%s%s, activations %s (%s without sharing), workspace %s\n",
           cly_cli_format_bytes(plan.weight_bytes, weights, sizeof weights), plan.folded_bytes > 0 ? ", folded " : "",
           plan.folded_bytes > 0 ? cly_cli_format_bytes(plan.folded_bytes, folded, sizeof folded) : "",
           cly_cli_format_bytes(plan.activation_bytes, activations, sizeof activations),
           cly_cli_format_bytes(plan.activation_sum_bytes, unshared, sizeof unshared),
           cly_cli_format_bytes(plan.workspace_bytes, workspace, sizeof workspace));
    print_fused(&plan);
    print_training_plan(model, batch_size);
    return CLY_EXIT_DONE;
}

/* ---- as JSON ---- */

static void print_shape_json(const clayer_shape *shape) {
    putchar('[');
    for (int i = 0; i < shape->rank; i++) {
        printf("%s%" PRId64, i == 0 ? "" : ", ", shape->dims[i]);
    }
    putchar(']');
}

static void print_row_json(const row *r, bool first) {
    fputs(first ? "\n    {\"layer\": " : ",\n    {\"layer\": ", stdout);
    cly_cli_print_json(stdout, r->path);
    fputs(", \"class\": ", stdout);
    cly_cli_print_json(stdout, clayer_layer_get_class_name(r->costs.layer));
    printf(", \"calls\": %zu, \"output_shape\": ", r->costs.calls);
    print_shape_json(&r->costs.output);
    printf(", \"output_bytes\": %" PRIu64 ", \"weight_bytes\": %" PRIu64 ", \"multiply_adds\": %" PRIu64 "}",
           r->costs.output_bytes, r->costs.weight_bytes, r->costs.multiply_adds);
}

/* "null" where nothing is known, which unknown dimensions and layers without a gradient mean. */
static int print_plans_json(clayer_model *model, int64_t batch_size) {
    clayer_model_plan plan;
    clayer_training_plan training;
    clayer_status status = clayer_model_get_plan(model, NULL, batch_size, &plan);
    if (status != CLAYER_OK && status != CLAYER_INVALID_SHAPE) {
        return cly_cli_fail_status(status);
    }
    fputs("  \"plan\": ", stdout);
    if (status == CLAYER_OK) {
        printf("{\"weight_bytes\": %" PRIu64 ", \"folded_bytes\": %" PRIu64 ", \"activation_bytes\": %" PRIu64
               ", \"activation_sum_bytes\": %" PRIu64 ", \"workspace_bytes\": %" PRIu64 ", \"total_bytes\": %" PRIu64
               ", ",
               plan.weight_bytes, plan.folded_bytes, plan.activation_bytes, plan.activation_sum_bytes,
               plan.workspace_bytes, plan.total_bytes);
        printf(
            "\"fused\": {\"batch_normalizations\": %zu, \"activations\": %zu, \"paddings\": %zu, "
            "\"croppings\": %zu, \"concatenate_inputs\": %zu}},\n",
            plan.fused_batch_normalizations, plan.fused_activations, plan.fused_paddings, plan.fused_croppings,
            plan.fused_inputs);
    } else {
        fputs("null,\n", stdout);
    }
    fputs("  \"training_plan\": ", stdout);
    if (clayer_model_get_training_plan(model, NULL, batch_size, &training) == CLAYER_OK) {
        printf("{\"weight_bytes\": %" PRIu64 ", \"gradient_bytes\": %" PRIu64 ", \"optimizer_bytes\": %" PRIu64
               ", \"activation_bytes\": %" PRIu64 ", \"activation_sum_bytes\": %" PRIu64
               ", \"workspace_bytes\": %" PRIu64 ", \"total_bytes\": %" PRIu64 "}\n}\n",
               training.weight_bytes, training.gradient_bytes, training.optimizer_bytes, training.activation_bytes,
               training.activation_sum_bytes, training.workspace_bytes, training.total_bytes);
    } else {
        fputs("null\n}\n", stdout);
    }
    return CLY_EXIT_DONE;
}

int cly_cli_print_costs_json(clayer_model *model, int64_t batch_size) {
    table t = {NULL, 0, 0, false, 0, 0, 0};
    bool known = false;
    int status = read_table(model, batch_size, &t, &known);
    if (status == CLY_EXIT_DONE) {
        fputs("{\n  \"model\": ", stdout);
        cly_cli_print_json(stdout, clayer_model_get_name(model));
        printf(",\n  \"batch_size\": %" PRId64 ",\n  \"layers\": ", batch_size);
        for (size_t i = 0; i < t.count; i++) {
            fputs(i == 0 ? "[" : "", stdout);
            print_row_json(&t.rows[i], i == 0);
        }
        fputs(known ? (t.count == 0 ? "[],\n" : "\n  ],\n") : "null,\n", stdout);
        printf("  \"output_bytes\": %" PRIu64 ", \"weight_bytes\": %" PRIu64 ", \"multiply_adds\": %" PRIu64 ",\n",
               t.output_bytes, t.weight_bytes, t.multiply_adds);
        status = print_plans_json(model, batch_size);
    }
    free_table(&t);
    return status;
}
