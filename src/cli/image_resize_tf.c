/* cli/image_resize_tf.c: another size for a picture, as tf.image.resize makes it in
 * keras.utils.image_dataset_from_directory: pixels' centres at halves, no wider filter where the picture shrinks,
 * results not rounded. Numbers are float32 as in TensorFlow's kernels; bicubic has Keys' coefficients (a = -0.5) from a
 * table of 1024 steps, and at the edges the weights that are left are made to add up to 1. */
#include "image.h"

#include <math.h>
#include <stdlib.h>

#define STEPS 1024 /* of the table of cubic coefficients */

/* The sources of a target along one axis and their weights: 1, 2 or 4 of them. */
typedef struct place {
    int64_t sources[4];
    float weights[4];
} place;

static int64_t bound(int64_t value, int64_t size) {
    return value < 0 ? 0 : value >= size ? size - 1 : value;
}

/* A coefficient of the table, which holds pairs: of the two sources nearest, and of the two beyond. */
static float coefficient(int64_t step, bool beyond) {
    const float a = -0.5f;
    float x = (float)((double)step / STEPS);
    if (!beyond) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    x += 1;
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static void place_cubic(float where, int64_t size, place *at) {
    const int64_t base = (int64_t)floorf(where), step = lrintf((where - (float)base) * STEPS);
    const float weights[4] = {coefficient(step, true), coefficient(step, false), coefficient(STEPS - step, false),
                              coefficient(STEPS - step, true)};
    float sum = 0;
    for (int k = 0; k < 4; k++) {
        const int64_t source = base - 1 + k;
        at->sources[k] = bound(source, size);
        at->weights[k] = at->sources[k] == source ? weights[k] : 0;
        sum += at->weights[k];
    }
    for (int k = 0; k < 4 && fabsf(sum) >= 1000 * 1.17549435e-38f; k++) {
        at->weights[k] *= 1 / sum;
    }
}

static void find_places(int64_t from, int64_t to, cly_cli_method method, place *places) {
    const float scale = (float)from / (float)to;
    for (int64_t i = 0; i < to; i++) {
        const float centre = ((float)i + 0.5f) * scale, where = centre - 0.5f;
        if (method == CLY_CLI_TF_NEAREST) {
            places[i].sources[0] = bound((int64_t)floorf(centre), from);
        } else if (method == CLY_CLI_TF_BILINEAR) {
            const float base = floorf(where);
            places[i].sources[0] = bound((int64_t)base, from);
            places[i].sources[1] = bound((int64_t)ceilf(where), from);
            places[i].weights[1] = where - base;
        } else {
            place_cubic(where, from, &places[i]);
        }
    }
}

static float sample(const cly_cli_image *image, int64_t y, int64_t x, int c) {
    return (float)cly_cli_sample(image, (y * image->width + x) * image->channels + c);
}

static float bilinear(const cly_cli_image *image, const place *row, const place *column, int c) {
    const float top_left = sample(image, row->sources[0], column->sources[0], c);
    const float top_right = sample(image, row->sources[0], column->sources[1], c);
    const float bottom_left = sample(image, row->sources[1], column->sources[0], c);
    const float bottom_right = sample(image, row->sources[1], column->sources[1], c);
    const float top = top_left + (top_right - top_left) * column->weights[1];
    const float bottom = bottom_left + (bottom_right - bottom_left) * column->weights[1];
    return top + (bottom - top) * row->weights[1];
}

/* Along the columns first, as TensorFlow does. */
static float bicubic(const cly_cli_image *image, const place *row, const place *column, int c) {
    float result = 0;
    for (int x = 0; x < 4; x++) {
        float sum = 0;
        for (int y = 0; y < 4; y++) {
            sum += sample(image, row->sources[y], column->sources[x], c) * row->weights[y];
        }
        result += sum * column->weights[x];
    }
    return result;
}

int cly_cli_resize_tf(const cly_cli_image *image, cly_cli_method method, int64_t height, int64_t width,
                      const char *path, float *values) {
    place *rows = calloc((size_t)(height + width), sizeof *rows);
    if (rows == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for resizing '%s'", path);
    }
    place *columns = rows + height;
    find_places(image->height, height, method, rows);
    find_places(image->width, width, method, columns);
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++) {
            for (int c = 0; c < image->channels; c++) {
                *values++ = method == CLY_CLI_TF_NEAREST ? sample(image, rows[y].sources[0], columns[x].sources[0], c)
                            : method == CLY_CLI_TF_BILINEAR ? bilinear(image, &rows[y], &columns[x], c)
                                                            : bicubic(image, &rows[y], &columns[x], c);
            }
        }
    }
    free(rows);
    return CLY_EXIT_DONE;
}
