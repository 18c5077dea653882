/* layers/test_golden.c: every layer against what Keras 2 and Keras 3 gave (tests/golden/<class>.npz), by every
 * implementation of every operator, read from Keras' own configuration. What only moves data must be exact. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "layers/golden.h"
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
    {"dropout", 10, EXACT},
    {"elu", 8, CLOSE},
    {"thresholdedrelu", 3, EXACT},
    {"prelu", 20, CLOSE},
    {"permute", 14, EXACT},
    {"repeatvector", 8, EXACT},
    {"spatialdropout1d", 2, EXACT},
    {"spatialdropout2d", 4, EXACT},
    {"spatialdropout3d", 4, EXACT},
    {"gaussiannoise", 6, EXACT},
    {"gaussiandropout", 6, EXACT},
    {"alphadropout", 8, EXACT},
    {"activityregularization", 4, EXACT},
    {"identity", 4, EXACT},
    {"embedding", 15, EXACT},
    {"masking", 6, EXACT},
    {"batchnormalization", 19, CLOSE},
    {"batchnormalization_axes", 8, CLOSE},
    {"batchnormalization_small", 10, CLOSE},
    {"layernormalization", 37, CLOSE},
    {"groupnormalization", 30, CLOSE},
    {"unitnormalization", 16, CLOSE},
    {"rescaling", 18, CLOSE},
    {"normalization", 30, CLOSE},
    {"softmax_axes", 18, CLOSE},
    {"resizing", 41, CLOSE},
    {"centercrop", 12, CLOSE},
    {"upsampling2d_keras2", 7, CLOSE},
    {"upsampling2d_resize", 10, CLOSE},
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
    {"subtract", 12, EXACT},
    {"multiply", 14, CLOSE},
    {"average", 12, CLOSE},
    {"maximum", 14, EXACT},
    {"minimum", 14, EXACT},
    {"dot", 14, CLOSE},
    {"concatenate", 12, EXACT},
    {"gradients/operation", 269, CLOSE},
    {"stochasticdepth", 2, EXACT},
};

static test_usage usage;

/* ---- one case ---- */

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
    ck_assert_int_eq(bench->count, clayer_array_get_count(g->output));
    golden_compare(g, "y", implementation, bench->actual, g->output, g->tolerance);
}

static void run_case(golden *g, exactness wanted) {
    clayer_layer *layer = NULL;
    test_bench bench;
    ck_assert_msg(golden_make_layer(g, &layer) == CLAYER_OK, "%s case %03d: %s\n%s", g->file, g->number,
                  clayer_last_error(), g->json);
    golden_open_bench(g, layer, &bench);
    g->tolerance = tolerance_of(g, wanted);
    test_bench_run_all(&bench, &usage, compare, g);
    test_bench_close(&bench);
}

/* ---- the files ---- */

START_TEST(test_file) {
    clayer_archive *archive = golden_open(files[_i].file);
    int number = 0;
    for (;; number++) {
        golden g;
        if (!golden_read(archive, files[_i].file, number, &g)) {
            break;
        }
        run_case(&g, files[_i].wanted);
        golden_free(&g);
    }
    ck_assert_int_ge(number, files[_i].cases);
    clayer_archive_destroy(archive);
}
END_TEST

/* After all files: no operator of the forward pass got away without cases. The default device may leave an
 * implementation out, but nothing may go unasked. */
START_TEST(test_every_implementation_ran) {
    static const cly_ops_operator *const operators[] = {
        &cly_ops_conv_operator,       &cly_ops_conv_transpose_operator, &cly_ops_depthwise_operator,
        &cly_ops_window_operator,     &cly_ops_resize_operator,         &cly_ops_pool_operator,
        &cly_ops_arithmetic_operator, &cly_ops_batch_norm_operator,     &cly_ops_activation_operator,
        &cly_ops_gather_operator,     &cly_ops_differs_operator,        &cly_ops_copy_operator,
        &cly_ops_transpose_operator,  &cly_ops_softmax_operator,        &cly_ops_group_norm_operator,
        &cly_ops_normalize_operator,  &cly_ops_resample_operator};
    for (size_t i = 0; i < CLY_COUNT(operators); i++) {
        for (const cly_ops_implementation *one = operators[i]->implementations; one->name != NULL; one++) {
            ck_assert_msg(test_usage_has(&usage, operators[i]->name, one->name), "%s by %s was asked for by no case",
                          operators[i]->name, one->name);
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
    tcase_add_test(tcase, test_every_implementation_ran);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
