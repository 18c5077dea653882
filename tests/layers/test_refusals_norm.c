/* layers/test_refusals_norm.c: what normalisations, Rescaling, Resizing and CenterCrop refuse, with the sentence that
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
#define NUMBERS(name, ...) \
    .name = (double[]){__VA_ARGS__}, .name##_count = sizeof((double[]){__VA_ARGS__}) / sizeof(double)

static const struct {
    const char *class_name;
    const void *config;
    clayer_shape input; /* rank 0: it is refused when it is made */
    const char *wanted; /* a part of the sentence; NULL: it is accepted */
    clayer_status status;
} rows[] = {
    {"BatchNormalization",
     CONFIG(batch_normalization, .has_axis = true, .axis = 1, .axes = {SHAPE(1, 2)}),
     {0},
     "axis is given twice",
     CLAYER_INVALID_ARGUMENT},
    {"BatchNormalization",
     CONFIG(batch_normalization, .axes = {SHAPE(1, 1)}),
     {0},
     "axis lists 1 twice",
     CLAYER_INVALID_ARGUMENT},
    {"BatchNormalization",
     CONFIG(batch_normalization, .axes = {SHAPE(3, -1)}),
     {SHAPE(2, 4, 4, 3)},
     "axis lists axis 3 of the input (2, 4, 4, 3) twice",
     CLAYER_INVALID_SHAPE},
    {"BatchNormalization", CONFIG(batch_normalization, .axes = {SHAPE(1, 3)}), {SHAPE(2, 4, 4, 3)}, NULL, CLAYER_OK},
    {"LayerNormalization",
     CONFIG(layer_normalization, .axes = {.rank = 9}),
     {0},
     "axis lists 9 axes, must list 1 to 8",
     CLAYER_INVALID_ARGUMENT},
    {"LayerNormalization",
     CONFIG(layer_normalization, .axes = {SHAPE(1, 4)}),
     {SHAPE(2, 4, 4, 3)},
     "axis 4 is outside the input (2, 4, 4, 3)",
     CLAYER_INVALID_SHAPE},
    {"LayerNormalization",
     NULL,
     {SHAPE(2, 4, -1)},
     "weight 'gamma' of shape (None,): the size is unknown",
     CLAYER_INVALID_SHAPE},
    {"LayerNormalization", NULL, {SHAPE(-1, -1, 3)}, NULL, CLAYER_OK},
    {"GroupNormalization", CONFIG(group_normalization, .groups = -2), {0}, "groups is -2", CLAYER_INVALID_ARGUMENT},
    {"GroupNormalization",
     CONFIG(group_normalization, .groups = 4),
     {SHAPE(2, 5, 6)},
     "6 channels of the input (2, 5, 6) make no 4 groups",
     CLAYER_INVALID_SHAPE},
    {"GroupNormalization",
     CONFIG(group_normalization, .groups = 2, .has_axis = true, .axis = 0),
     {SHAPE(2, 5, 6)},
     "axis 0 is the batch",
     CLAYER_INVALID_SHAPE},
    {"GroupNormalization", CONFIG(group_normalization, .groups = -1), {SHAPE(2, 5, 6)}, NULL, CLAYER_OK},
    {"UnitNormalization",
     CONFIG(unit_normalization, .has_axis = true, .axis = -4),
     {SHAPE(2, 5, 6)},
     "axis -4 is outside",
     CLAYER_INVALID_SHAPE},
    {"Rescaling", NULL, {0}, "scale is required", CLAYER_INVALID_ARGUMENT},
    {"Rescaling",
     CONFIG(rescaling, NUMBERS(scale, 1.0, 2.0)),
     {SHAPE(2, 4, 4, 3)},
     "scale has 2 values, which do not fit the input (2, 4, 4, 3)",
     CLAYER_INVALID_SHAPE},
    {"Rescaling",
     CONFIG(rescaling, NUMBERS(scale, 1.0), NUMBERS(offset, 1.0, 2.0)),
     {SHAPE(2, 4, 4, 3)},
     "offset has 2 values",
     CLAYER_INVALID_SHAPE},
    {"Rescaling", CONFIG(rescaling, NUMBERS(scale, 1.0, 2.0, 3.0)), {SHAPE(2, 4, 4, 3)}, NULL, CLAYER_OK},
    {"Normalization",
     CONFIG(normalization, NUMBERS(mean, 1.0)),
     {0},
     "mean has 1 values and variance 0: both must be given",
     CLAYER_INVALID_ARGUMENT},
    {"Normalization",
     CONFIG(normalization, .no_axis = true, .axes = {SHAPE(1)}),
     {0},
     "axis is given twice",
     CLAYER_INVALID_ARGUMENT},
    {"Normalization",
     CONFIG(normalization, NUMBERS(mean, 1.0, 2.0), NUMBERS(variance, 1.0, 2.0)),
     {SHAPE(2, 4, 3)},
     "mean has 2 values, which do not fit the input (2, 4, 3)",
     CLAYER_INVALID_SHAPE},
    {"Normalization",
     CONFIG(normalization, NUMBERS(mean, 1.0), NUMBERS(variance, 4.0)),
     {SHAPE(2, 4, 3)},
     NULL,
     CLAYER_OK},
    {"Softmax", CONFIG(softmax, .axes = {SHAPE(1, -3)}), {SHAPE(2, 4, 3, 3)}, "twice", CLAYER_INVALID_SHAPE},
    {"Resizing", CONFIG(resizing, .height = 4), {0}, "width is required", CLAYER_INVALID_ARGUMENT},
    {"Resizing",
     CONFIG(resizing, .height = 4, .width = 4, .interpolation = "cubic"),
     {0},
     "interpolation is 'cubic', must be one of nearest, bilinear",
     CLAYER_INVALID_ARGUMENT},
    {"Resizing",
     CONFIG(resizing, .height = 4, .width = 4, .fill_mode = "reflect"),
     {0},
     "fill_mode is 'reflect', must be one of constant",
     CLAYER_INVALID_ARGUMENT},
    {"Resizing",
     CONFIG(resizing, .height = 4, .width = 4, .crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true),
     {0},
     "crop_to_aspect_ratio and pad_to_aspect_ratio are both true",
     CLAYER_INVALID_ARGUMENT},
    {"Resizing", CONFIG(resizing, .height = 4, .width = 4), {SHAPE(4, 4, 3)}, "expects 4", CLAYER_INVALID_SHAPE},
    {"Resizing", CONFIG(resizing, .height = 4, .width = 4), {SHAPE(-1, -1, -1, 3)}, NULL, CLAYER_OK},
    {"CenterCrop", CONFIG(center_crop, .height = -4, .width = 4), {0}, "height is -4", CLAYER_INVALID_ARGUMENT},
    {"CenterCrop", CONFIG(center_crop, .height = 4, .width = 4), {SHAPE(1, 2, 9, 3)}, NULL, CLAYER_OK},
};

START_TEST(test_rows) {
    for (size_t i = 0; i < CLY_COUNT(rows); i++) {
        clayer_layer *layer = NULL;
        clayer_status status = clayer_layer_create(test_context(), rows[i].class_name, rows[i].config, &layer);
        if (status == CLAYER_OK && rows[i].input.rank > 0) {
            status = clayer_layer_build(layer, &rows[i].input, 1);
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
    Suite *suite = suite_create("layers.refusals_norm");
    TCase *tcase = tcase_create("refusals");
    tcase_add_test(tcase, test_rows);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
