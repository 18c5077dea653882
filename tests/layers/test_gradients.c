/* layers/test_gradients.c: every layer's gradients against those of Keras 2 and Keras 3 (tests/golden/gradients), by
 * every implementation of every operator of the forward and the backward pass. What only moves or adds up sixteenths
 * must be exact. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/golden.h"
#include "support/runner.h"

#define LEAST_RUNS 6 /* of each implementation, over all files */

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
    {"activation", 60, CLOSE},
    {"relu", 20, CLOSE},
    {"leakyrelu", 12, CLOSE},
    {"elu", 12, CLOSE},
    {"thresholdedrelu", 4, EXACT},
    {"prelu", 24, CLOSE},
    {"permute", 14, EXACT},
    {"repeatvector", 8, CLOSE},
    {"activityregularization", 4, EXACT},
    {"identity", 4, EXACT},
    {"embedding", 15, CLOSE},
    {"masking", 6, EXACT},
    {"softmax", 12, CLOSE},
    {"batchnormalization", 38, CLOSE},
    {"batchnormalization_axes", 16, CLOSE},
    {"layernormalization", 37, CLOSE},
    {"groupnormalization", 30, CLOSE},
    {"unitnormalization", 16, CLOSE},
    {"rescaling", 18, CLOSE},
    {"normalization", 30, CLOSE},
    {"softmax_axes", 18, CLOSE},
    {"resizing", 38, CLOSE},
    {"centercrop", 12, CLOSE},
    {"upsampling2d_keras2", 6, CLOSE},
    {"upsampling2d_resize", 10, CLOSE},
    {"maxpooling1d", 18, EXACT},
    {"maxpooling2d", 18, EXACT},
    {"maxpooling3d", 18, EXACT},
    {"averagepooling1d", 14, CLOSE},
    {"averagepooling2d", 14, CLOSE},
    {"averagepooling3d", 14, CLOSE},
    {"globalmaxpooling1d", 14, CLOSE}, /* ties share */
    {"globalmaxpooling2d", 14, CLOSE},
    {"globalmaxpooling3d", 14, CLOSE},
    {"globalaveragepooling1d", 10, CLOSE},
    {"globalaveragepooling2d", 10, CLOSE},
    {"globalaveragepooling3d", 10, CLOSE},
    {"add", 12, EXACT},
    {"subtract", 12, EXACT},
    {"multiply", 14, CLOSE},
    {"average", 12, CLOSE},
    {"maximum", 18, CLOSE},
    {"minimum", 18, CLOSE},
    {"dot", 14, CLOSE},
    {"concatenate", 12, EXACT},
    {"operation", 269, CLOSE},
    {"augmentation", 70, CLOSE},
};

static test_usage usage;

/* ---- one case ---- */

/* Grows with the number of values that can meet in one sum: at most all of a tensor's. */
static double tolerance_of(const golden *g, const clayer_array *expected, exactness wanted) {
    const float *values = clayer_array_get_const_data(expected);
    double largest = 1.0;
    double length = (double)clayer_array_get_count(g->output) + (double)clayer_array_get_count(g->inputs[0]);
    if (wanted == EXACT && strstr(g->json, "bilinear") == NULL) {
        return 0.0;
    }
    for (int64_t i = 0; i < clayer_array_get_count(expected); i++) {
        largest = fmax(largest, fabs((double)values[i]));
    }
    for (size_t i = 0; i < g->weight_count; i++) {
        length += (double)clayer_array_get_count(g->weights[i]);
    }
    return (1e-5 + 0.25 * (double)FLT_EPSILON * length) * largest;
}

typedef struct comparison {
    const golden *g;
    exactness wanted;
} comparison;

static void compare_tensor(const comparison *c, const char *part, size_t index, const char *implementation,
                           const clayer_tensor *tensor, const clayer_array *expected) {
    const int64_t count = clayer_array_get_count(expected);
    char what[16];
    float *actual = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(actual);
    (void)snprintf(what, sizeof(what), "%s%zu", part, index);
    ck_assert_msg(tensor != NULL, "%s case %03d: no %s", c->g->file, c->g->number, what);
    ck_assert_int_eq(clayer_tensor_read(tensor, actual, count), CLAYER_OK);
    golden_compare(c->g, what, implementation, actual, expected, tolerance_of(c->g, expected, c->wanted));
    free(actual);
}

static void compare(const test_bench *bench, const char *implementation, void *data) {
    const comparison *c = data;
    const golden *g = c->g;
    golden_compare(g, "y", implementation, bench->actual, g->output, tolerance_of(g, g->output, c->wanted));
    for (size_t i = 0; i < g->input_count; i++) {
        compare_tensor(c, "dx", i, implementation, bench->input_gradients[i], g->input_gradients[i]);
    }
    for (size_t i = 0; i < g->weight_count; i++) {
        const clayer_tensor *gradient = clayer_layer_get_weight_gradient(bench->layer, i);
        const clayer_array *after = g->weights_after[i] != NULL ? g->weights_after[i] : g->weights[i];
        ck_assert_msg((gradient == NULL) == (g->weight_gradients[i] == NULL), "%s case %03d: dw%zu", g->file, g->number,
                      i);
        if (gradient != NULL) {
            compare_tensor(c, "dw", i, implementation, gradient, g->weight_gradients[i]);
        }
        compare_tensor(c, "w", i, implementation, clayer_layer_get_weight(bench->layer, i), after);
    }
    bench->layer->training_step = 0; /* the next run draws the same random numbers */
}

static void run_case(const golden *g, exactness wanted) {
    clayer_layer *layer = NULL;
    test_bench bench;
    comparison c = {g, wanted};
    ck_assert_msg(golden_make_layer(g, &layer) == CLAYER_OK, "%s case %03d: %s\n%s", g->file, g->number,
                  clayer_last_error(), g->json);
    if (golden_has_flag(g, "training") || strstr(g->json, "\"BatchNormalization\"") == NULL) {
        ck_assert_int_eq(clayer_layer_set_training(layer, true), CLAYER_OK);
    } else {
        layer->keeps = true; /* gradients of inference, Keras' training=False */
    }
    golden_open_bench(g, layer, &bench); /* the output's shape may be that of training */
    test_bench_train(&bench, clayer_array_get_const_data(g->output_gradient));
    test_bench_run_all(&bench, &usage, compare, &c);
    test_bench_close(&bench);
}

/* ---- the files ---- */

START_TEST(test_file) {
    char path[64];
    (void)snprintf(path, sizeof(path), "gradients/%s", files[_i].file);
    clayer_archive *archive = golden_open(path);
    int number = 0;
    for (;; number++) {
        golden g;
        if (!golden_read(archive, path, number, &g)) {
            break;
        }
        run_case(&g, files[_i].wanted);
        golden_free(&g);
    }
    ck_assert_int_ge(number, files[_i].cases);
    clayer_archive_destroy(archive);
}
END_TEST

/* After all files: nothing but Dropout, whose numbers are not those of Keras, went unasked. */
START_TEST(test_every_implementation_ran) {
    for (const cly_ops_operator *const *op = cly_ops_operators; *op != NULL; op++) {
        for (const cly_ops_implementation *one = (*op)->implementations; one->name != NULL; one++) {
            ck_assert_msg(*op == &cly_ops_dropout_operator || *op == &cly_ops_noise_operator ||
                              test_usage_has(&usage, (*op)->name, one->name),
                          "%s by %s was asked for by no case", (*op)->name, one->name);
        }
    }
    ck_assert_int_eq(test_usage_report(&usage, LEAST_RUNS), 0);
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.gradients");
    TCase *tcase = tcase_create("files");
    tcase_add_loop_test(tcase, test_file, 0, (int)CLY_COUNT(files));
    tcase_add_test(tcase, test_every_implementation_ran);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
