/* cli/image_resize.c: another size for a picture, as PIL's Image.resize makes it for keras.utils.load_img(target_size,
 * interpolation): nearest takes the pixel under the centre; bilinear and bicubic (a = -0.5) are convolutions whose
 * filter is as wide as the picture shrinks, first along the rows, then along the columns, each rounded to whole
 * values, with weights of 22 bits behind the point. Colours with alpha are weighted by it. */
#include "image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_BITS 22 /* 32 less 8 of the value, less 2 for what negative weights add */

const char *const cly_cli_method_names[CLY_CLI_METHOD_COUNT] = {"nearest",    "bilinear",    "bicubic",
                                                                "tf-nearest", "tf-bilinear", "tf-bicubic"};

/* ---- nearest ---- */

/* The source of each target; PIL adds the step up, for 16 bits it multiplies, which rounds otherwise. */
static void find_nearest(int64_t from, int64_t to, bool multiply, int64_t *sources) {
    const double step = (double)from / (double)to;
    double place = step * 0.5;
    for (int64_t i = 0; i < to; i++) {
        const int64_t source = (int64_t)(multiply ? step * ((double)i + 0.5) : place);
        sources[i] = source < from ? source : from - 1;
        place += step;
    }
}

static int resize_nearest(const cly_cli_image *image, cly_cli_image *resized, const char *path) {
    int64_t *rows = malloc((size_t)(resized->height + resized->width) * sizeof *rows);
    if (rows == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for resizing '%s'", path);
    }
    int64_t *columns = rows + resized->height;
    find_nearest(image->height, resized->height, image->wide, rows);
    find_nearest(image->width, resized->width, image->wide, columns);
    const size_t size = (size_t)image->channels * (image->wide ? 2 : 1);
    unsigned char *to = resized->samples;
    for (int64_t y = 0; y < resized->height; y++) {
        for (int64_t x = 0; x < resized->width; x++, to += size) {
            memcpy(to, image->samples + (size_t)(rows[y] * image->width + columns[x]) * size, size);
        }
    }
    free(rows);
    return CLY_EXIT_DONE;
}

/* ---- bilinear and bicubic ---- */

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* Which sources a target is made of, and their weights; `width` weights a target. */
typedef struct kernel {
    int64_t *first, *count;
    double *weights;
    int32_t *whole; /* the same, times 2^WEIGHT_BITS: for 8 bits a value */
    int64_t width;
} kernel;

static void free_kernel(kernel *of) {
    free(of->first);
    free(of->weights);
    free(of->whole);
}

static int make_kernel(int64_t from, int64_t to, bool is_cubic, const char *path, kernel *made) {
    const double scale = (double)from / (double)to, stretch = scale < 1 ? 1 : scale;
    const double support = (is_cubic ? 2 : 1) * stretch;
    made->width = (int64_t)ceil(support) * 2 + 1;
    made->first = malloc((size_t)to * 2 * sizeof *made->first);
    made->weights = made->width <= INT64_MAX / 16 / to ? calloc((size_t)(to * made->width), sizeof(double)) : NULL;
    made->whole = made->weights != NULL ? calloc((size_t)(to * made->width), sizeof(int32_t)) : NULL;
    if (made->first == NULL || made->whole == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for resizing '%s'", path);
    }
    made->count = made->first + to;
    for (int64_t i = 0; i < to; i++) {
        const double centre = ((double)i + 0.5) * scale;
        const double low = centre - support + 0.5, high = centre + support + 0.5;
        const int64_t first = low < 0 ? 0 : (int64_t)low, end = high > (double)from ? from : (int64_t)high;
        double *weights = made->weights + i * made->width, sum = 0;
        for (int64_t k = 0; k < end - first; k++) {
            const double x = ((double)(k + first) - centre + 0.5) * (1 / stretch);
            weights[k] = is_cubic ? cubic(x) : triangle(x);
            sum += weights[k];
        }
        for (int64_t k = 0; k < end - first && sum != 0; k++) {
            weights[k] /= sum;
            const double whole = weights[k] * (1 << WEIGHT_BITS);
            made->whole[i * made->width + k] = (int32_t)(whole < 0 ? whole - 0.5 : whole + 0.5);
        }
        made->first[i] = first;
        made->count[i] = end - first;
    }
    return CLY_EXIT_DONE;
}

/* Target `i` of an axis, from sources that lie `stride` values apart; rounded and held to the range. */
static unsigned convolve(const cly_cli_image *image, const kernel *with, int64_t i, int64_t start, int64_t stride) {
    const long most = image->wide ? 65535 : 255;
    long value;
    if (image->wide) {
        const double *weights = with->weights + i * with->width;
        double sum = 0;
        for (int64_t k = 0; k < with->count[i]; k++) {
            sum += (double)cly_cli_sample(image, start + k * stride) * weights[k];
        }
        value = sum < 0 ? 0 : (long)(sum + 0.5);
    } else {
        const int32_t *weights = with->whole + i * with->width;
        int32_t sum = 1 << (WEIGHT_BITS - 1);
        for (int64_t k = 0; k < with->count[i]; k++) {
            sum += image->samples[start + k * stride] * weights[k];
        }
        value = sum < 0 ? 0 : sum >> WEIGHT_BITS;
    }
    return (unsigned)(value > most ? most : value);
}

/* One direction: `resized` has the target's size in it and the source's in the other. */
static int convolve_axis(const cly_cli_image *image, bool rows, bool is_cubic, cly_cli_image *resized,
                         const char *path) {
    kernel with = {.first = NULL};
    const int channels = image->channels;
    int status = rows ? make_kernel(image->height, resized->height, is_cubic, path, &with)
                      : make_kernel(image->width, resized->width, is_cubic, path, &with);
    const int64_t stride = rows ? image->width * channels : channels;
    for (int64_t y = 0; status == CLY_EXIT_DONE && y < resized->height; y++) {
        for (int64_t x = 0; x < resized->width; x++) {
            const int64_t i = rows ? y : x;
            const int64_t start =
                rows ? (with.first[i] * image->width + x) * channels : (y * image->width + with.first[i]) * channels;
            for (int c = 0; c < channels; c++) {
                cly_cli_set_sample(resized, (y * resized->width + x) * channels + c,
                                   convolve(image, &with, i, start + c, stride));
            }
        }
    }
    free_kernel(&with);
    return status;
}

/* PIL's MULDIV255. */
static unsigned multiply(unsigned a, unsigned b) {
    unsigned product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/* RGBA with the colours multiplied by alpha, and back. */
static void multiply_alpha(cly_cli_image *image, bool back) {
    unsigned char *pixel = image->samples;
    for (int64_t i = 0; i < image->height * image->width; i++, pixel += 4) {
        const unsigned alpha = pixel[3];
        for (int c = 0; c < 3; c++) {
            if (!back) {
                pixel[c] = (unsigned char)multiply(pixel[c], alpha);
            } else if (alpha != 0 && alpha != 255) {
                const unsigned value = 255u * pixel[c] / alpha;
                pixel[c] = (unsigned char)(value > 255 ? 255 : value);
            }
        }
    }
}

static int copy_image(const cly_cli_image *image, cly_cli_image *copy, const char *path) {
    *copy = *image;
    int status = cly_cli_alloc_image(copy, path);
    if (status == CLY_EXIT_DONE) {
        memcpy(copy->samples, image->samples,
               (size_t)(image->height * image->width) * (size_t)image->channels * (image->wide ? 2 : 1));
    }
    return status;
}

static int resize_smoothly(const cly_cli_image *image, bool is_cubic, cly_cli_image *resized, const char *path) {
    cly_cli_image weighted = {.samples = NULL}, between = *image;
    int status = CLY_EXIT_DONE;
    between.samples = NULL;
    between.width = resized->width;
    if (image->channels == 4) {
        status = copy_image(image, &weighted, path);
        if (status == CLY_EXIT_DONE) {
            multiply_alpha(&weighted, false);
            image = &weighted;
        }
    }
    const cly_cli_image *narrowed = image;
    if (status == CLY_EXIT_DONE && resized->width != image->width && resized->height != image->height) {
        status = cly_cli_alloc_image(&between, path);
        if (status == CLY_EXIT_DONE) {
            status = convolve_axis(image, false, is_cubic, &between, path);
            narrowed = &between;
        }
    }
    if (status == CLY_EXIT_DONE) {
        status = convolve_axis(narrowed, resized->height != image->height, is_cubic, resized, path);
    }
    if (status == CLY_EXIT_DONE && image->channels == 4) {
        multiply_alpha(resized, true);
    }
    free(between.samples);
    free(weighted.samples);
    return status;
}

int cly_cli_resize_pil(const cly_cli_image *image, cly_cli_method method, cly_cli_image *resized, const char *path) {
    return method == CLY_CLI_NEAREST ? resize_nearest(image, resized, path)
                                     : resize_smoothly(image, method == CLY_CLI_BICUBIC, resized, path);
}

/* ---- any of them ---- */

int cly_cli_resize_image(const cly_cli_image *image, cly_cli_method method, int64_t height, int64_t width,
                         const char *path, float *values) {
    const bool same = height == image->height && width == image->width;
    if (!same && method >= CLY_CLI_TF_NEAREST) {
        return cly_cli_resize_tf(image, method, height, width, path, values);
    }
    cly_cli_image resized = *image;
    int status = CLY_EXIT_DONE;
    if (!same) {
        resized.height = height;
        resized.width = width;
        resized.samples = NULL;
        status = cly_cli_alloc_image(&resized, path);
        if (status == CLY_EXIT_DONE) {
            status = cly_cli_resize_pil(image, method, &resized, path);
        }
    }
    for (int64_t i = 0; status == CLY_EXIT_DONE && i < height * width * image->channels; i++) {
        values[i] = (float)cly_cli_sample(&resized, i);
    }
    if (!same) {
        free(resized.samples);
    }
    return status;
}
