/* cli/selftest_run.c: runs one case of the selftest in every variant and compares it with the reference.
 *
 * A variant is the library's own choice, or one implementation of one operator forced by name. */
#include "selftest.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_values(selftest_values *v) {
    for (int i = 0; i < SELFTEST_INPUTS; i++) {
        free(v->x[i]);
        clayer_tensor_destroy(v->inputs[i]);
    }
    for (int i = 0; i < SELFTEST_WEIGHTS; i++) {
        free(v->weights[i]);
    }
    free(v->expected);
    free(v->actual);
    clayer_tensor_destroy(v->output);
}

void cly_selftest_add_failure(selftest_verdict *result, const selftest_layer *layer, const selftest_case *test,
                              const selftest_variant *run, const char *why) {
    if (result->failed < SELFTEST_FAILURES) {
        const bool forced = run != NULL && run->operator_name != NULL;
        snprintf(result->failures[result->failed], sizeof result->failures[0], "%s (%s), %s%s%s: %.200s",
                 layer->class_name, test->text, forced ? run->operator_name : "the library's choice", forced ? " " : "",
                 forced ? run->implementation : "", why);
    }
    result->failed++;
}

/* ---- one case ---- */

float *cly_selftest_floats(selftest_random *random, int64_t count, bool positive) {
    float *floats = malloc((size_t)count * sizeof *floats);
    for (int64_t i = 0; floats != NULL && i < count; i++) {
        const float value = cly_selftest_uniform(random);
        floats[i] = positive ? fabsf(value) + 0.5f : value;
    }
    return floats;
}

int64_t cly_selftest_count(const clayer_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        count *= shape->dims[i];
    }
    return count;
}

static bool same_shape(const clayer_shape *a, const clayer_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

/* Inputs, weights and the expected output. Returns NULL, or why it could not be. */
static const char *fill_values(selftest_random *random, clayer_context *context, const selftest_layer *layer,
                               const selftest_case *test, selftest_values *v) {
    clayer_layer *probe = NULL;
    clayer_shape shape;
    const char *why = NULL;
    if (clayer_layer_create(context, layer->class_name, &test->config, &probe) != CLAYER_OK ||
        clayer_layer_get_output_shape(probe, test->inputs, test->input_count, &shape) != CLAYER_OK ||
        clayer_layer_build(probe, test->inputs, test->input_count) != CLAYER_OK) {
        why = clayer_last_error();
    } else if (!same_shape(&shape, &test->output)) {
        why = "the output shape is not Keras'";
    }
    v->weight_count = why == NULL ? clayer_layer_get_weight_count(probe) : 0;
    for (size_t i = 0; i < v->weight_count; i++) {
        const bool variance = strstr(clayer_layer_get_weight_name(probe, i), "variance") != NULL;
        v->weight_counts[i] = clayer_tensor_get_count(clayer_layer_get_weight(probe, i));
        v->weights[i] = cly_selftest_floats(random, v->weight_counts[i], variance);
        why = v->weights[i] == NULL ? "out of memory" : why;
    }
    clayer_layer_destroy(probe);
    for (size_t i = 0; why == NULL && i < test->input_count; i++) {
        const clayer_shape *in = &test->inputs[i];
        v->x[i] = cly_selftest_floats(random, cly_selftest_count(in), false);
        for (int64_t j = 0; test->numbers > 0 && v->x[i] != NULL && j < cly_selftest_count(in); j++) {
            v->x[i][j] = floorf((v->x[i][j] + 1) / 2 * (float)test->numbers * 0.999f) + 0.5f;
        }
        if (v->x[i] == NULL) {
            why = "out of memory";
        } else if (clayer_tensor_create(context, in->rank, in->dims, &v->inputs[i]) != CLAYER_OK ||
                   clayer_tensor_write(v->inputs[i], v->x[i], cly_selftest_count(in)) != CLAYER_OK) {
            why = clayer_last_error();
        }
    }
    if (why == NULL && clayer_tensor_create(context, shape.rank, shape.dims, &v->output) != CLAYER_OK) {
        why = clayer_last_error();
    }
    v->count = cly_selftest_count(&test->output);
    v->expected = calloc((size_t)v->count, sizeof *v->expected);
    v->actual = malloc((size_t)v->count * sizeof *v->actual);
    if (why == NULL &&
        (v->expected == NULL || v->actual == NULL || !test->expect(test, v->x, v->weights, v->expected))) {
        why = "out of memory for the reference";
    }
    return why;
}

/* Runs the layer on a fresh layer object, so that nothing of an earlier choice is left. */
static clayer_status run_layer(clayer_context *context, const selftest_layer *layer, const selftest_case *test,
                               const selftest_values *v, clayer_layer_profile *profile, const char **impostor) {
    clayer_layer *object = NULL;
    for (int64_t i = 0; i < v->count; i++) {
        v->actual[i] = NAN; /* what a kernel leaves unwritten must not look right by chance */
    }
    clayer_status status = clayer_layer_create(context, layer->class_name, &test->config, &object);
    if (status == CLAYER_OK) {
        status = clayer_layer_build(object, test->inputs, test->input_count);
    }
    for (size_t i = 0; status == CLAYER_OK && i < v->weight_count; i++) {
        clayer_tensor *weight = clayer_layer_get_weight(object, i);
        status = clayer_tensor_write(weight, v->weights[i], clayer_tensor_get_count(weight));
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(v->output, v->actual, v->count);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_forward(object, v->inputs, test->input_count, v->output);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_read(v->output, v->actual, v->count);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_get_profile(object, profile);
    }
    if (status == CLAYER_OK) {
        /* The heaviest operator must be one that this test forces, or "" where nothing is computed. */
        bool listed = profile->operator_name[0] == '\0';
        for (int i = 0; i < SELFTEST_OPERATORS && layer->operators[i] != NULL; i++) {
            listed = listed || strcmp(layer->operators[i], profile->operator_name) == 0;
        }
        *impostor = listed ? NULL : profile->operator_name;
    }
    clayer_layer_destroy(object);
    return status;
}

/* Holds the output against the expected one; adds to the verdict. */
static void compare(const selftest_layer *layer, const selftest_case *test, const selftest_values *v,
                    const selftest_variant *run, selftest_verdict *result) {
    double largest = 0, worst = 0;
    int64_t where = -1;
    for (int64_t i = 0; i < v->count; i++) {
        largest = fmax(largest, fabs(v->expected[i]));
    }
    const double scale = largest > 0 ? largest : 1;
    const double tolerance = test->terms > 0 ? (16 + test->terms) * (double)FLT_EPSILON : 0;
    for (int64_t i = 0; i < v->count; i++) {
        double error = fabs((double)v->actual[i] - v->expected[i]) / scale;
        if (where < 0 && !(error <= tolerance)) { /* NaN too */
            where = i;
        }
        worst = isnan(error) ? INFINITY : fmax(worst, error);
    }
    result->forward.worst = fmax(result->forward.worst, worst);
    if (where >= 0) {
        char why[200];
        snprintf(why, sizeof why, "value %" PRId64 " is %.9g, expected %.9g", where, (double)v->actual[where],
                 v->expected[where]);
        cly_selftest_add_failure(result, layer, test, run, why);
    }
}

/* One variant of one case. CLAYER_UNSUPPORTED from a forced implementation means that it cannot do this shape. */
static void try_variant(clayer_context *context, const selftest_layer *layer, const selftest_case *test,
                        const selftest_values *v, const selftest_variant *run, bool *ran, selftest_verdict *result) {
    clayer_layer_profile profile = {"", "", 0, -1};
    const char *impostor = NULL;
    clayer_status status =
        run->operator_name != NULL ? clayer_context_force(context, run->operator_name, run->implementation) : CLAYER_OK;
    if (status == CLAYER_OK) {
        status = run_layer(context, layer, test, v, &profile, &impostor);
    }
    const bool skipped = status == CLAYER_UNSUPPORTED && run->operator_name != NULL;
    if (status != CLAYER_OK && !skipped) {
        cly_selftest_add_failure(result, layer, test, run, clayer_last_error());
    }
    if (run->operator_name != NULL) {
        (void)clayer_context_force(context, run->operator_name, NULL);
    }
    result->forward.runs += !skipped;
    if (status != CLAYER_OK) {
        return;
    }
    *ran = true;
    if (impostor != NULL) {
        cly_selftest_add_failure(result, layer, test, run, "runs an operator that the selftest does not expect of it");
    } else if (run->operator_name != NULL && strcmp(profile.operator_name, run->operator_name) == 0 &&
               strcmp(profile.implementation, run->implementation) != 0) {
        cly_selftest_add_failure(result, layer, test, run, "another implementation ran than the one asked for");
    }
    compare(layer, test, v, run, result);
}

static void try_case(clayer_context *context, const selftest_layer *layer, const selftest_case *test,
                     selftest_random *random, selftest_verdict *result) {
    selftest_values v = {.count = 0};
    bool ignored = false;
    const char *why = fill_values(random, context, layer, test, &v);
    result->cases++;
    if (why != NULL) {
        cly_selftest_add_failure(result, layer, test, NULL, why);
    } else {
        try_variant(context, layer, test, &v, &(selftest_variant){NULL, NULL}, &ignored, result);
        for (int op = 0; op < SELFTEST_OPERATORS && layer->operators[op] != NULL; op++) {
            const char *const *names = clayer_get_implementations(layer->operators[op]);
            for (int i = 0; names != NULL && names[i] != NULL && i < SELFTEST_IMPLEMENTATIONS; i++) {
                try_variant(context, layer, test, &v, &(selftest_variant){layer->operators[op], names[i]},
                            &result->forward.ran[op][i], result);
            }
        }
        cly_selftest_try_backward(context, layer, test, random, &v, result);
    }
    free_values(&v);
}

void cly_selftest_try(clayer_context *context, const selftest_layer *layer, uint64_t seed, int64_t index,
                      selftest_verdict *result) {
    /* Each case has a seed of its own, so that the same case comes whatever else is tested. */
    uint64_t name = 0;
    for (const char *c = layer->class_name; *c != '\0'; c++) {
        name = name * 131 + (unsigned char)*c;
    }
    selftest_random random = {seed * 1000003 + name * 8191 + (uint64_t)index};
    selftest_case test = {.rank = layer->rank, .index = index};
    layer->make(&random, layer, &test);
    try_case(context, layer, &test, &random, result);
}
