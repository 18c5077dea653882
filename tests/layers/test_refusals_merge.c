/* layers/test_refusals_merge.c: what the merging layers and those of keras.applications refuse, with the sentence that
 * says why; beside it what they take. */
#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/runner.h"

#define CONFIG(type, ...)                                          \
    &(clayer_##type##_config) {                                    \
        .struct_size = sizeof(clayer_##type##_config), __VA_ARGS__ \
    }
#define SHAPE(...) .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = {__VA_ARGS__}

static const struct {
    const char *class_name;
    const void *config;
    clayer_shape inputs[3];
    size_t count; /* 0: it is refused when it is made */
    const char *wanted;
    clayer_status status;
} rows[] = {
    {"Subtract", NULL, {{SHAPE(2, 3)}}, 1, "1 inputs, takes 2 to 2", CLAYER_INVALID_ARGUMENT},
    {"Subtract", NULL, {{SHAPE(2, 3)}, {SHAPE(2, 3)}, {SHAPE(2, 3)}}, 3, "takes 2 to 2", CLAYER_INVALID_ARGUMENT},
    {"Multiply", NULL, {{SHAPE(2, 4, 5, 3)}, {SHAPE(2, 3)}}, 2, NULL, CLAYER_OK},
    {"Multiply", NULL, {{SHAPE(2, 4, 5, 3)}, {SHAPE(2, 4)}}, 2, "does not fit", CLAYER_INVALID_SHAPE},
    {"Multiply", NULL, {{SHAPE(2, 3)}, {SHAPE(1, 3)}}, 2, "does not fit", CLAYER_INVALID_SHAPE},
    {"Maximum", NULL, {{SHAPE(-1, 3)}, {SHAPE(-1, 1)}, {SHAPE(-1, -1)}}, 3, NULL, CLAYER_OK},
    {"Minimum", NULL, {{SHAPE(2, 3)}, {SHAPE(2, 1)}, {SHAPE(2, 2)}}, 3, "input 2", CLAYER_INVALID_SHAPE},
    {"Average", NULL, {{SHAPE(2, 3)}, {SHAPE(3, 3)}}, 2, "does not fit", CLAYER_INVALID_SHAPE},
    {"Dot", NULL, {{0}}, 0, "axes must be an integer or two", CLAYER_INVALID_ARGUMENT},
    {"Dot", CONFIG(dot_layer, .axes = {SHAPE(1, 1, 1)}), {{0}}, 0, "an integer or two", CLAYER_INVALID_ARGUMENT},
    {"Dot", CONFIG(dot_layer, .axes = {SHAPE(1)}), {{SHAPE(2, 3)}, {SHAPE(2, 3)}}, 2, NULL, CLAYER_OK},
    {"Dot",
     CONFIG(dot_layer, .axes = {SHAPE(1)}),
     {{SHAPE(2, 3)}, {SHAPE(2, 4)}},
     2,
     "differ in the axes that are summed over",
     CLAYER_INVALID_SHAPE},
    {"Dot",
     CONFIG(dot_layer, .axes = {SHAPE(1)}),
     {{SHAPE(2, 3)}, {SHAPE(3, 3)}},
     2,
     "differ in their batches",
     CLAYER_INVALID_SHAPE},
    {"Dot",
     CONFIG(dot_layer, .axes = {SHAPE(-2)}),
     {{SHAPE(2, 3)}, {SHAPE(2, 3)}},
     2,
     "the batch, axis 0",
     CLAYER_INVALID_SHAPE},
    {"Dot",
     CONFIG(dot_layer, .axes = {SHAPE(2)}),
     {{SHAPE(2, 3)}, {SHAPE(2, 3)}},
     2,
     "axis 2 is outside",
     CLAYER_INVALID_SHAPE},
    {"CustomScaleLayer", NULL, {{SHAPE(2, 3)}, {SHAPE(2, 4)}}, 2, "do not fit", CLAYER_INVALID_SHAPE},
    {"CustomScaleLayer", NULL, {{SHAPE(2, 3)}}, 1, "takes 2 to 2", CLAYER_INVALID_ARGUMENT},
    {"LayerScale", NULL, {{0}}, 0, "projection_dim is required", CLAYER_INVALID_ARGUMENT},
    {"LayerScale", CONFIG(layer_scale, .projection_dim = 3), {{SHAPE(2, 3)}}, 1, NULL, CLAYER_OK},
    {"LayerScale",
     CONFIG(layer_scale, .projection_dim = 3),
     {{SHAPE(2, 4)}},
     1,
     "projection_dim",
     CLAYER_INVALID_SHAPE},
    {"StochasticDepth",
     CONFIG(stochastic_depth, .drop_path_rate = 1.5),
     {{0}},
     0,
     "drop_path_rate is 1.5, must be from 0 to 1",
     CLAYER_INVALID_ARGUMENT},
};

START_TEST(test_rows) {
    for (size_t i = 0; i < CLY_COUNT(rows); i++) {
        clayer_layer *layer = NULL;
        clayer_status status = clayer_layer_create(test_context(), rows[i].class_name, rows[i].config, &layer);
        if (status == CLAYER_OK && rows[i].count > 0) {
            status = clayer_layer_build(layer, rows[i].inputs, rows[i].count);
        }
        ck_assert_msg(status == rows[i].status, "row %zu (%s): status '%s': %s", i, rows[i].class_name,
                      clayer_status_string(status), status == CLAYER_OK ? "" : clayer_last_error());
        ck_assert_msg(rows[i].wanted == NULL || strstr(clayer_last_error(), rows[i].wanted) != NULL,
                      "row %zu (%s): \"%s\" lacks \"%s\"", i, rows[i].class_name, clayer_last_error(), rows[i].wanted);
        clayer_layer_destroy(layer);
    }
    test_context_drop();
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.refusals_merge");
    TCase *tcase = tcase_create("refusals");
    tcase_add_test(tcase, test_rows);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
