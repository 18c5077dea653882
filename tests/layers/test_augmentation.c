/* layers/test_augmentation.c: layers that change images at random, by what must hold for any random numbers: images
 * are turned over as the generation of Keras allows, crops are windows, one number changes a whole image or batch, a
 * seed repeats and steps differ. For given numbers suite layers.gradients has Keras' own images. Seeds are fixed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "layers/support.h"
#include "support/runner.h"

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s: %s", #call, clayer_last_error())

typedef clayer_augmentation_config config;

enum { IMAGES = 60, ROWS = 5, COLUMNS = 4, PIXELS = ROWS * COLUMNS, COUNT = IMAGES * PIXELS };

static const clayer_shape shape = {4, {IMAGES, ROWS, COLUMNS, 1}};

/* ---- a layer in training ---- */

/* Every pixel of every image has another value. */
static float pixel(int image, int row, int column) {
    return (float)(image * PIXELS + row * COLUMNS + column) / 8;
}

static clayer_layer *make_layer(const char *class_name, int generation, config c) {
    clayer_layer *layer = NULL;
    c.struct_size = sizeof(c);
    c.has_seed = true;
    c.seed = c.seed != 0 ? c.seed : 7;
    c.data_format = "channels_last";
    OK(clayer_layer_create(test_context(), class_name, &c, &layer));
    layer->generation = generation;
    OK(clayer_layer_set_training(layer, true));
    return layer;
}

/* The next step's images; freed by the caller. */
static float *run(clayer_layer *layer) {
    clayer_tensor *x = NULL, *y = NULL;
    clayer_shape output;
    float values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        values[i] = pixel(i / PIXELS, i / COLUMNS % ROWS, i % COLUMNS);
    }
    OK(clayer_layer_get_output_shape(layer, &shape, 1, &output));
    OK(clayer_tensor_create(test_context(), 4, shape.dims, &x));
    OK(clayer_tensor_create(test_context(), 4, output.dims, &y));
    OK(clayer_tensor_write(x, values, COUNT));
    OK(clayer_layer_forward(layer, &x, 1, y));
    const int64_t count = clayer_tensor_get_count(y);
    float *images = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(images);
    OK(clayer_tensor_read(y, images, count));
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    return images;
}

/* ---- flips ---- */

/* Whether image n is turned over in rows (bit 0) and columns (bit 1): 0 to 3, or -1. */
static int flip_of(const float *images, int n) {
    for (int flip = 0; flip < 4; flip++) {
        bool same = true;
        for (int i = 0; i < PIXELS; i++) {
            const int row = i / COLUMNS, column = i % COLUMNS;
            same = same && images[n * PIXELS + i] ==
                               pixel(n, flip & 1 ? ROWS - 1 - row : row, flip & 2 ? COLUMNS - 1 - column : column);
        }
        if (same) {
            return flip;
        }
    }
    return -1;
}

static const struct {
    const char *mode;
    int generation;
    unsigned allowed; /* bit f: flip f */
} flips[] = {{"horizontal", 2, 1u | 1u << 2}, {"vertical", 2, 1u | 1u << 1}, {NULL, 2, 15},
             {"horizontal", 3, 1u | 1u << 2}, {"vertical", 3, 1u | 1u << 1}, {NULL, 3, 1u | 1u << 3}};

START_TEST(images_are_turned_over_as_keras_allows) {
    clayer_layer *layer = make_layer("RandomFlip", flips[_i].generation, (config){.mode = flips[_i].mode});
    float *images = run(layer);
    int counts[4] = {0}, kinds = 0;
    for (int n = 0; n < IMAGES; n++) {
        const int flip = flip_of(images, n);
        ck_assert_msg(flip >= 0 && flips[_i].allowed >> flip & 1u, "image %d: flip %d", n, flip);
        counts[flip]++;
    }
    for (int flip = 0; flip < 4; flip++) {
        kinds += flips[_i].allowed >> flip & 1u;
    }
    for (int flip = 0; flip < 4; flip++) { /* half of them, or a quarter, by this seed within four deviations */
        const double wanted = flips[_i].allowed >> flip & 1u ? (double)IMAGES / kinds : 0;
        ck_assert_msg(fabs(counts[flip] - wanted) <= 4 * sqrt(wanted / 2), "flip %d: %d images", flip, counts[flip]);
    }
    free(images);
    clayer_layer_destroy(layer);
}
END_TEST

/* ---- crops ---- */

/* One window for the whole batch; in many steps each of them. */
START_TEST(crops_are_windows) {
    enum { HEIGHT = 3, WIDTH = 3, DOWN = ROWS - HEIGHT + 1, RIGHT = COLUMNS - WIDTH + 1 };
    clayer_layer *layer = make_layer("RandomCrop", _i, (config){.height = HEIGHT, .width = WIDTH});
    bool seen[DOWN][RIGHT] = {{false}};
    for (int step = 0; step < 60; step++) {
        float *images = run(layer);
        const int first = (int)(images[0] * 8), down = first / COLUMNS, right = first % COLUMNS;
        ck_assert_msg(down < DOWN && right < RIGHT, "a window at %d, %d", down, right);
        seen[down][right] = true;
        for (int i = 0; i < IMAGES * HEIGHT * WIDTH; i++) {
            const int n = i / (HEIGHT * WIDTH), row = i / WIDTH % HEIGHT, column = i % WIDTH;
            ck_assert_float_eq(images[i], pixel(n, down + row, right + column));
        }
        free(images);
    }
    for (int i = 0; i < DOWN * RIGHT; i++) {
        ck_assert_msg(seen[i / RIGHT][i % RIGHT], "no window at %d, %d", i / RIGHT, i % RIGHT);
    }
    clayer_layer_destroy(layer);
}
END_TEST

/* ---- numbers ---- */

/* Contrasts are the slopes between two pixels; Keras 2 draws one a batch in 1 - 0.5 to 1 + 0.5, Keras 3 one an image
 * from 1. */
START_TEST(a_batch_or_an_image_has_a_contrast) {
    const double factor = 0.5;
    clayer_layer *layer = make_layer(
        "RandomContrast", _i,
        (config){.factor = &factor, .factor_count = 1, .value_range = (double[]){-1e9, 1e9}, .value_range_count = 2});
    float *images = run(layer);
    int others = 0, shown = 0;
    float first = 0;
    for (int n = 0; n < IMAGES; n++) {
        const float *image = images + n * PIXELS, contrast = (image[1] - image[0]) * 8;
        if (_i == 2 && (image[0] <= 0 || image[1] >= 255)) {
            continue; /* cut off */
        }
        first = shown++ == 0 ? contrast : first;
        others += fabsf(contrast - first) > 1e-3f;
        ck_assert_msg(contrast >= (_i == 2 ? 0.499f : 0.999f) && contrast <= 1.501f, "%g", (double)contrast);
    }
    ck_assert_int_gt(shown, IMAGES / 2);
    ck_assert_msg(_i == 2 ? others == 0 : others > shown * 3 / 4, "%d of %d differ", others, shown);
    free(images);
    clayer_layer_destroy(layer);
}
END_TEST

static const struct {
    const char *class_name;
    config config;
} drawing[] = {
    {"RandomFlip", {.mode = NULL}},
    {"RandomRotation", {.factor = (double[]){0.5}, .factor_count = 1}},
    {"RandomTranslation",
     {.height_factor = (double[]){0.5},
      .height_factor_count = 1,
      .width_factor = (double[]){0.5},
      .width_factor_count = 1}},
    {"RandomZoom", {.height_factor = (double[]){0.5}, .height_factor_count = 1}},
    {"RandomContrast", {.factor = (double[]){0.5}, .factor_count = 1}},
    {"RandomBrightness", {.factor = (double[]){0.5}, .factor_count = 1}},
};

START_TEST(a_seed_repeats_and_steps_differ) {
    config other = drawing[_i].config;
    other.seed = 8;
    clayer_layer *layers[3] = {make_layer(drawing[_i].class_name, 3, drawing[_i].config),
                               make_layer(drawing[_i].class_name, 3, drawing[_i].config),
                               make_layer(drawing[_i].class_name, 3, other)};
    float *first[3], *next = run(layers[0]);
    const size_t bytes = COUNT * sizeof(float);
    first[0] = next;
    first[1] = run(layers[1]);
    first[2] = run(layers[2]);
    next = run(layers[0]);
    ck_assert(memcmp(first[0], first[1], bytes) == 0);
    ck_assert(memcmp(first[0], first[2], bytes) != 0);
    ck_assert(memcmp(first[0], next, bytes) != 0);
    free(next);
    for (int i = 0; i < 3; i++) {
        free(first[i]);
        clayer_layer_destroy(layers[i]);
    }
}
END_TEST

/* ---- under TimeDistributed, and refusals ---- */

/* The steps are images like those of the batch. */
START_TEST(steps_of_a_sequence_are_images) {
    clayer_layer *plain = make_layer("RandomFlip", 3, (config){.mode = NULL}), *layer = NULL;
    const int64_t dims[5] = {IMAGES / 5, 5, ROWS, COLUMNS, 1};
    clayer_tensor *x = NULL, *y = NULL;
    float values[COUNT], got[COUNT];
    for (int i = 0; i < COUNT; i++) {
        values[i] = pixel(i / PIXELS, i / COLUMNS % ROWS, i % COLUMNS);
    }
    layer = make_layer("RandomFlip", 3, (config){.mode = NULL});
    OK(clayer_layer_distribute(layer, "steps"));
    OK(clayer_tensor_create(test_context(), 5, dims, &x));
    OK(clayer_tensor_create(test_context(), 5, dims, &y));
    OK(clayer_tensor_write(x, values, COUNT));
    OK(clayer_layer_forward(layer, &x, 1, y));
    OK(clayer_tensor_read(y, got, COUNT));
    float *wanted = run(plain);
    ck_assert_mem_eq(got, wanted, sizeof(got));
    free(wanted);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_layer_destroy(plain);
    clayer_layer_destroy(layer);
}
END_TEST

static const struct {
    const char *class_name;
    int generation;
    bool distributed;
    config config;
    const char *reason;
} refused[] = {
    {"RandomRotation",
     2,
     false,
     {.factor = (double[]){0.5, 0.25}, .factor_count = 2},
     "RandomRotation 'it': the first limit of a factor is the larger, which Keras 2 does not take"},
    {"RandomContrast",
     2,
     false,
     {.factor = (double[]){0}, .factor_count = 1},
     "RandomContrast 'it': factor leaves contrasts from 1 to below 1, which Keras 2 does not take"},
    {"RandomCrop",
     3,
     true,
     {.height = 2, .width = 2},
     "its RandomCrop 'it' would begin elsewhere in each step, which is not supported in training"},
    {"RandomHue",
     3,
     false,
     {.factor = (double[]){0.5}, .factor_count = 1},
     "RandomHue 'it': it changes images at random in training, which is not supported"},
};

START_TEST(what_cannot_be_trained_is_refused_by_name) {
    config c = refused[_i].config;
    c.name = "it";
    clayer_layer *layer = make_layer(refused[_i].class_name, refused[_i].generation, c);
    const int64_t dims[5] = {1, 2, ROWS, COLUMNS, 1};
    const int64_t *const begin = refused[_i].distributed ? dims : dims + 1;
    clayer_tensor *x = NULL, *y = NULL;
    clayer_shape in = {refused[_i].distributed ? 5 : 4, {0}}, out;
    memcpy(in.dims, begin, (size_t)in.rank * sizeof(*dims));
    if (refused[_i].distributed) {
        OK(clayer_layer_distribute(layer, "steps"));
    }
    OK(clayer_layer_get_output_shape(layer, &in, 1, &out));
    OK(clayer_tensor_create(test_context(), in.rank, in.dims, &x));
    OK(clayer_tensor_create(test_context(), out.rank, out.dims, &y));
    ck_assert_int_ne(clayer_layer_forward(layer, &x, 1, y), CLAYER_OK);
    ck_assert_msg(strstr(clayer_last_error(), refused[_i].reason) != NULL, "%s", clayer_last_error());
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_layer_destroy(layer);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("layers.augmentation");
    TCase *tcase = tcase_create("augmentation");
    tcase_add_loop_test(tcase, images_are_turned_over_as_keras_allows, 0, (int)CLY_COUNT(flips));
    tcase_add_loop_test(tcase, crops_are_windows, 2, 4);
    tcase_add_loop_test(tcase, a_batch_or_an_image_has_a_contrast, 2, 4);
    tcase_add_loop_test(tcase, a_seed_repeats_and_steps_differ, 0, (int)CLY_COUNT(drawing));
    tcase_add_test(tcase, steps_of_a_sequence_are_images);
    tcase_add_loop_test(tcase, what_cannot_be_trained_is_refused_by_name, 0, (int)CLY_COUNT(refused));
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
