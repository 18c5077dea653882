/* layers/golden.c: the cases that real Keras made, read from tests/golden. */
#include "layers/golden.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "support/runner.h"

clayer_archive *golden_open(const char *name) {
    char path[1024];
    clayer_archive *archive = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s.npz", CLAYER_TEST_DATA, name);
    ck_assert_msg(clayer_archive_load(path, &archive) == CLAYER_OK, "%s", clayer_last_error());
    return archive;
}

static const clayer_array *find(const clayer_archive *archive, int number, const char *part, int index) {
    char name[32];
    (void)snprintf(name, sizeof(name), index < 0 ? "%03d.%s" : "%03d.%s%d", number, part, index);
    return clayer_archive_find(archive, name);
}

bool golden_read(const clayer_archive *archive, const char *file, int number, golden *out) {
    const clayer_array *json = find(archive, number, "json", -1);
    *out = (golden){.file = file, .number = number};
    if (json == NULL) {
        return false;
    }
    size_t length = (size_t)clayer_array_get_count(json);
    out->json = calloc(length + 1, 1);
    ck_assert_ptr_nonnull(out->json);
    memcpy(out->json, clayer_array_get_const_data(json), length);
    out->inputs[0] = find(archive, number, "x", -1);
    out->input_gradients[0] = find(archive, number, "dx", -1);
    out->input_count = out->inputs[0] != NULL;
    while (out->input_count < 8 && find(archive, number, "x", (int)out->input_count) != NULL) {
        out->inputs[out->input_count] = find(archive, number, "x", (int)out->input_count);
        out->input_gradients[out->input_count] = find(archive, number, "dx", (int)out->input_count);
        out->input_count++;
    }
    while (out->weight_count < CLY_LAYERS_WEIGHTS && find(archive, number, "w", (int)out->weight_count) != NULL) {
        out->weights[out->weight_count] = find(archive, number, "w", (int)out->weight_count);
        out->weight_gradients[out->weight_count] = find(archive, number, "dw", (int)out->weight_count);
        out->weights_after[out->weight_count] = find(archive, number, "after_w", (int)out->weight_count);
        out->weight_count++;
    }
    out->output = find(archive, number, "y", -1);
    out->output_gradient = find(archive, number, "dy", -1);
    ck_assert_ptr_nonnull(out->output);
    return true;
}

void golden_free(golden *g) {
    free(g->json);
    *g = (golden){0};
}

clayer_status golden_make_layer(const golden *g, clayer_layer **layer_out) {
    cJSON *json = NULL;
    clayer_status status = cly_io_json_parse(g->json, strlen(g->json), g->file, &json);
    if (status == CLAYER_OK) {
        const cJSON *generation = cJSON_GetObjectItemCaseSensitive(json, "keras");
        ck_assert(cJSON_IsNumber(generation));
        status = cly_io_keras_layer(test_context(), json, generation->valueint, layer_out);
    }
    cJSON_Delete(json);
    return status;
}

bool golden_has_flag(const golden *g, const char *name) {
    cJSON *json = NULL;
    ck_assert_int_eq(cly_io_json_parse(g->json, strlen(g->json), g->file, &json), CLAYER_OK);
    bool flag = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
    cJSON_Delete(json);
    return flag;
}

void golden_open_bench(const golden *g, clayer_layer *layer, test_bench *bench) {
    clayer_shape shapes[8];
    const float *inputs[8], *weights[CLY_LAYERS_WEIGHTS];
    for (size_t i = 0; i < g->input_count; i++) {
        shapes[i] = *clayer_array_get_shape(g->inputs[i]);
        inputs[i] = clayer_array_get_const_data(g->inputs[i]);
    }
    for (size_t i = 0; i < g->weight_count; i++) {
        weights[i] = clayer_array_get_const_data(g->weights[i]);
    }
    test_bench_open(bench, layer, shapes, inputs, g->input_count, weights, g->weight_count);
    for (size_t i = 0; i < g->weight_count; i++) {
        ck_assert_msg(cly_layers_same_shape(clayer_tensor_get_shape(clayer_layer_get_weight(layer, i)),
                                            clayer_array_get_shape(g->weights[i])),
                      "%s case %03d: weight %zu has another shape than Keras'\n%s", g->file, g->number, i, g->json);
    }
    ck_assert_msg(cly_layers_same_shape(clayer_tensor_get_shape(bench->output), clayer_array_get_shape(g->output)),
                  "%s case %03d: the output has another shape than Keras'\n%s", g->file, g->number, g->json);
}

void golden_compare(const golden *g, const char *what, const char *implementation, const float *actual,
                    const clayer_array *expected, double tolerance) {
    const float *values = clayer_array_get_const_data(expected);
    int64_t worst = 0;
    double worst_error = -1.0;
    for (int64_t i = 0; i < clayer_array_get_count(expected); i++) {
        double error = fabs((double)actual[i] - (double)values[i]);
        error = isnan(error) ? INFINITY : error;
        if (error > worst_error) {
            worst_error = error;
            worst = i;
        }
    }
    ck_assert_msg(worst_error <= tolerance,
                  "%s case %03d by %s: %s index %lld is %.9g, Keras has %.9g (tolerance %.3g)\n%s", g->file, g->number,
                  implementation, what, (long long)worst, (double)actual[worst], (double)values[worst], tolerance,
                  g->json);
}
