/* layers/test_golden.c: every layer against what Keras 2 and Keras 3 gave (tests/golden/<class>.npz), by every
 * implementation of every operator, read from Keras' own configuration. What only moves data must be exact. */
#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/io.h"
#include "layers/support.h"
#include "support/runner.h"

#define LEAST_RUNS 6 /* of each implementation, over all files: Flatten moves channels in as many */

typedef enum exactness { CLOSE, EXACT } exactness;

static const struct {
    const char *file;
    int cases; /* the file holds at least as many */
    exactness wanted;
} files[] = {
    {"conv1d", 40, CLOSE},
    {"conv2d", 40, CLOSE},
    {"conv3d", 40, CLOSE},
    {"separableconv1d", 40, CLOSE},
    {"separableconv2d", 40, CLOSE},
    {"depthwiseconv2d", 40, CLOSE},
    {"conv2dtranspose", 40, CLOSE},
    {"conv3dtranspose", 40, CLOSE},
    {"cropping1d", 40, EXACT},
    {"cropping2d", 40, EXACT},
    {"cropping3d", 40, EXACT},
    {"upsampling1d", 40, EXACT},
    {"upsampling2d", 40, EXACT},
    {"upsampling3d", 40, EXACT},
    {"zeropadding1d", 40, EXACT},
    {"zeropadding2d", 40, EXACT},
    {"zeropadding3d", 40, EXACT},
    {"dense", 16, CLOSE},
    {"flatten", 12, EXACT},
    {"reshape", 12, EXACT},
    {"activation", 42, CLOSE},
    {"relu", 12, CLOSE},
    {"leakyrelu", 10, CLOSE},
    {"softmax", 12, CLOSE},
    {"dropout", 8, EXACT},
    {"batchnormalization", 19, CLOSE},
    {"maxpooling1d", 14, EXACT},
    {"maxpooling2d", 14, EXACT},
    {"maxpooling3d", 14, EXACT},
    {"averagepooling1d", 14, CLOSE},
    {"averagepooling2d", 14, CLOSE},
    {"averagepooling3d", 14, CLOSE},
    {"globalmaxpooling1d", 10, EXACT},
    {"globalmaxpooling2d", 10, EXACT},
    {"globalmaxpooling3d", 10, EXACT},
    {"globalaveragepooling1d", 10, CLOSE},
    {"globalaveragepooling2d", 10, CLOSE},
    {"globalaveragepooling3d", 10, CLOSE},
    {"add", 12, CLOSE},
    {"concatenate", 12, EXACT},
};

static test_usage usage;

/* ---- one case ---- */

typedef struct golden {
    const char *file;
    int number;
    char *json; /* as text, for messages */
    const clayer_array *inputs[8], *weights[CLY_LAYERS_WEIGHTS], *output;
    size_t input_count, weight_count;
    double tolerance;
} golden;

static const clayer_array *find(const clayer_archive *archive, int number, const char *part, int index) {
    char name[32];
    (void)snprintf(name, sizeof(name), index < 0 ? "%03d.%s" : "%03d.%s%d", number, part, index);
    return clayer_archive_find(archive, name);
}

/* False: the archive has no such case. */
static bool read_case(const clayer_archive *archive, int number, golden *out) {
    const clayer_array *json = find(archive, number, "json", -1);
    if (json == NULL) {
        return false;
    }
    size_t length = (size_t)clayer_array_get_count(json);
    out->number = number;
    out->json = calloc(length + 1, 1);
    ck_assert_ptr_nonnull(out->json);
    memcpy(out->json, clayer_array_get_const_data(json), length);
    out->inputs[0] = find(archive, number, "x", -1);
    out->input_count = out->inputs[0] != NULL;
    while (out->input_count < 8 && find(archive, number, "x", (int)out->input_count) != NULL) {
        out->inputs[out->input_count] = find(archive, number, "x", (int)out->input_count);
        out->input_count++;
    }
    while (out->weight_count < CLY_LAYERS_WEIGHTS && find(archive, number, "w", (int)out->weight_count) != NULL) {
        out->weights[out->weight_count] = find(archive, number, "w", (int)out->weight_count);
        out->weight_count++;
    }
    out->output = find(archive, number, "y", -1);
    ck_assert_ptr_nonnull(out->output);
    return true;
}

static clayer_status make_layer(const golden *g, clayer_layer **layer_out) {
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

/* Grows with the longest sum: a weight's numbers for one output are at most those without the smaller of its channel
 * axes; without weights, a window's numbers are at most those of one sample. */
static double tolerance_of(const golden *g, exactness wanted) {
    double largest = 1.0, length = 1.0;
    const float *y = clayer_array_get_const_data(g->output);
    if (wanted == EXACT && strstr(g->json, "bilinear") == NULL) {
        return 0.0;
    }
    for (int64_t i = 0; i < clayer_array_get_count(g->output); i++) {
        largest = fmax(largest, fabs((double)y[i]));
    }
    for (size_t i = 0; i < g->weight_count; i++) {
        const clayer_shape *shape = clayer_array_get_shape(g->weights[i]);
        if (shape->rank >= 2) {
            double narrow = fmin((double)shape->dims[shape->rank - 1], (double)shape->dims[shape->rank - 2]);
            length += (double)clayer_array_get_count(g->weights[i]) / narrow;
        }
    }
    if (g->weight_count == 0) {
        const clayer_shape *shape = clayer_array_get_shape(g->inputs[0]);
        length += (double)(clayer_array_get_count(g->inputs[0]) / shape->dims[0]);
    }
    return (1e-5 + (double)FLT_EPSILON * length) * largest;
}

static void compare(const test_bench *bench, const char *implementation, void *data) {
    const golden *g = data;
    const float *expected = clayer_array_get_const_data(g->output);
    int64_t worst = 0;
    double worst_error = -1.0;
    ck_assert_int_eq(bench->count, clayer_array_get_count(g->output));
    for (int64_t i = 0; i < bench->count; i++) {
        double error = fabs((double)bench->actual[i] - (double)expected[i]);
        error = isnan(error) ? INFINITY : error;
        if (error > worst_error) {
            worst_error = error;
            worst = i;
        }
    }
    ck_assert_msg(worst_error <= g->tolerance,
                  "%s case %03d by %s: index %lld is %.9g, Keras has %.9g (tolerance %.3g)\n%s", g->file, g->number,
                  implementation, (long long)worst, (double)bench->actual[worst], (double)expected[worst], g->tolerance,
                  g->json);
}

static void run_case(golden *g, exactness wanted) {
    clayer_layer *layer = NULL;
    clayer_shape shapes[8];
    const float *inputs[8], *weights[CLY_LAYERS_WEIGHTS];
    test_bench bench;
    ck_assert_msg(make_layer(g, &layer) == CLAYER_OK, "%s case %03d: %s\n%s", g->file, g->number, clayer_last_error(),
                  g->json);
    for (size_t i = 0; i < g->input_count; i++) {
        shapes[i] = *clayer_array_get_shape(g->inputs[i]);
        inputs[i] = clayer_array_get_const_data(g->inputs[i]);
    }
    for (size_t i = 0; i < g->weight_count; i++) {
        weights[i] = clayer_array_get_const_data(g->weights[i]);
    }
    test_bench_open(&bench, layer, shapes, inputs, g->input_count, weights, g->weight_count);
    for (size_t i = 0; i < g->weight_count; i++) {
        ck_assert_msg(cly_layers_same_shape(clayer_tensor_get_shape(clayer_layer_get_weight(layer, i)),
                                            clayer_array_get_shape(g->weights[i])),
                      "%s case %03d: weight %zu has another shape than Keras'\n%s", g->file, g->number, i, g->json);
    }
    ck_assert_msg(cly_layers_same_shape(clayer_tensor_get_shape(bench.output), clayer_array_get_shape(g->output)),
                  "%s case %03d: the output has another shape than Keras'\n%s", g->file, g->number, g->json);
    g->tolerance = tolerance_of(g, wanted);
    test_bench_run_all(&bench, &usage, compare, g);
    test_bench_close(&bench);
}

/* ---- the files ---- */

static clayer_archive *open_file(const char *name) {
    char path[1024];
    clayer_archive *archive = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s.npz", CLAYER_TEST_DATA, name);
    ck_assert_msg(clayer_archive_load(path, &archive) == CLAYER_OK, "%s", clayer_last_error());
    return archive;
}

START_TEST(test_file) {
    clayer_archive *archive = open_file(files[_i].file);
    int number = 0;
    for (;; number++) {
        golden g = {.file = files[_i].file};
        if (!read_case(archive, number, &g)) {
            break;
        }
        run_case(&g, files[_i].wanted);
        free(g.json);
    }
    ck_assert_int_ge(number, files[_i].cases);
    clayer_archive_destroy(archive);
}
END_TEST

/* Keras 3's further interpolations are refused by name, not run as something else. */
START_TEST(test_other_interpolations_are_refused) {
    clayer_archive *archive = open_file("upsampling2d_resize");
    int number = 0;
    for (;; number++) {
        golden g = {.file = "upsampling2d_resize"};
        clayer_layer *layer = NULL;
        if (!read_case(archive, number, &g)) {
            break;
        }
        ck_assert_int_eq(make_layer(&g, &layer), CLAYER_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(clayer_last_error(), "interpolation"));
        free(g.json);
    }
    ck_assert_int_eq(number, 10);
    clayer_archive_destroy(archive);
}
END_TEST

/* After all files: no implementation got away without cases. */
START_TEST(test_every_implementation_ran) {
    for (const cly_ops_operator *const *op = cly_ops_operators; *op != NULL; op++) {
        for (const cly_ops_implementation *one = (*op)->implementations; one->name != NULL; one++) {
            bool seen = false;
            for (size_t i = 0; i < usage.count; i++) {
                seen = seen || (strcmp(usage.pairs[i].op, (*op)->name) == 0 &&
                                strcmp(usage.pairs[i].implementation, one->name) == 0);
            }
            /* The default device may leave an implementation out, but nothing may go unasked. */
            ck_assert_msg(seen, "%s by %s was asked for by no case", (*op)->name, one->name);
        }
    }
    ck_assert_int_eq(test_usage_report(&usage, LEAST_RUNS), 0);
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.golden");
    TCase *tcase = tcase_create("files");
    tcase_add_loop_test(tcase, test_file, 0, (int)CLY_COUNT(files));
    tcase_add_test(tcase, test_other_interpolations_are_refused);
    tcase_add_test(tcase, test_every_implementation_ran);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
