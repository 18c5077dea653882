/* cli/image.h: pictures as inputs of a model: PNG and JPEG files, the channels and the size that the model wants.
 *
 * What a picture becomes is what keras.utils.load_img makes of it (PIL): see image.c and image_resize.c. libpng and
 * libjpeg are used by the command alone, the library takes arrays. */
#ifndef CLY_CLI_IMAGE_H
#define CLY_CLI_IMAGE_H

#include "cli.h"

/* Pixels of one picture: PIL's limit against decompression bombs. */
#define CLY_CLI_MOST_PIXELS ((int64_t)178956970)

/* A picture in rows from the top, `channels` values a pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
typedef struct cly_cli_image {
    int64_t height, width;
    int channels;
    bool wide;              /* 16 bits a value; grey only */
    unsigned char *samples; /* owned; freed by cly_cli_free_image */
} cly_cli_image;

void cly_cli_free_image(cly_cli_image *image);
/* Memory for the samples of what height, width, channels and wide say. `path` is for the message, here and below. */
int cly_cli_alloc_image(cly_cli_image *image, const char *path);

typedef enum cly_cli_kind {
    CLY_CLI_NO_IMAGE = 0,
    CLY_CLI_PNG,
    CLY_CLI_JPEG,
    CLY_CLI_OTHER_IMAGE, /* of a known format that is not read */
    CLY_CLI_FOLDER
} cly_cli_kind;

/* What the file is, told by its content; CLY_CLI_NO_IMAGE also if it cannot be read. */
cly_cli_kind cly_cli_image_kind(const char *path);

/* Reads a picture and makes it have 1, 3 or 4 channels. Exit status CLY_EXIT_FILE for what is damaged, empty, larger
 * than CLY_CLI_MOST_PIXELS or of no format that is read. */
int cly_cli_read_image(const char *path, int channels, cly_cli_image *image_out);

/* The decoders (image_png.c, image_jpeg.c): `file` stands at its beginning; *image_out has 1 to 4 channels. */
int cly_cli_read_png(FILE *file, const char *path, cly_cli_image *image_out);
int cly_cli_read_jpeg(FILE *file, const char *path, cly_cli_image *image_out);

/* ---- size (image_resize.c) ---- */

typedef enum cly_cli_method {
    CLY_CLI_NEAREST = 0, /* as keras.utils.load_img(interpolation=...), which is PIL */
    CLY_CLI_BILINEAR,
    CLY_CLI_BICUBIC,
    CLY_CLI_TF_NEAREST, /* as keras.utils.image_dataset_from_directory(interpolation=...), which is tf.image.resize */
    CLY_CLI_TF_BILINEAR,
    CLY_CLI_TF_BICUBIC,
    CLY_CLI_METHOD_COUNT
} cly_cli_method;

extern const char *const cly_cli_method_names[CLY_CLI_METHOD_COUNT];

/* The picture in another size: height * width * channels floats in `values`, still 0 to 255 (wide: to 65535). */
int cly_cli_resize_image(const cly_cli_image *image, cly_cli_method method, int64_t height, int64_t width,
                         const char *path, float *values);
/* The parts of that by PIL and by TensorFlow (image_resize.c, image_resize_tf.c), for another size than the picture's.
 */
int cly_cli_resize_pil(const cly_cli_image *image, cly_cli_method method, cly_cli_image *resized, const char *path);
int cly_cli_resize_tf(const cly_cli_image *image, cly_cli_method method, int64_t height, int64_t width,
                      const char *path, float *values);

static inline unsigned cly_cli_sample(const cly_cli_image *image, int64_t index) {
    return image->wide ? (unsigned)((const uint16_t *)(const void *)image->samples)[index] : image->samples[index];
}

static inline void cly_cli_set_sample(cly_cli_image *image, int64_t index, unsigned value) {
    if (image->wide) {
        ((uint16_t *)(void *)image->samples)[index] = (uint16_t)value;
    } else {
        image->samples[index] = (unsigned char)value;
    }
}

/* ---- pictures as inputs (image_options.c, images.c) ---- */

typedef struct cly_cli_image_options { /* zeroed: as they are, in the model's size */
    int64_t height, width;             /* 0: the model's, or the picture's own */
    cly_cli_method method;
    double factor, divisor; /* value * factor / divisor; 0: not scaled */
    double mean[4], std[4]; /* then minus mean, then divided by std; one number or one a channel */
    int mean_count, std_count;
    bool bgr;          /* the channels in reverse order, before the means */
    const char *given; /* the first of these options that was given, for messages; NULL: none */
} cly_cli_image_options;

/* The long options, whose values are below; cly_cli_read_image_option takes them. */
enum { CLY_CLI_RESIZE = 0x100, CLY_CLI_SCALE, CLY_CLI_MEAN, CLY_CLI_STD, CLY_CLI_BGR };
#define CLY_CLI_IMAGE_OPTIONS                                                                               \
    {"resize", required_argument, NULL, CLY_CLI_RESIZE}, {"scale", required_argument, NULL, CLY_CLI_SCALE}, \
        {"mean", required_argument, NULL, CLY_CLI_MEAN}, {"std", required_argument, NULL, CLY_CLI_STD}, {   \
        "bgr", no_argument, NULL, CLY_CLI_BGR                                                               \
    }

int cly_cli_read_image_option(const cly_cli_verb *verb, int option, const char *text, cly_cli_image_options *options);

typedef struct cly_cli_names { /* of the samples: files */
    char **items;
    size_t count, capacity;
} cly_cli_names;

void cly_cli_free_names(cly_cli_names *names);

/* As cly_cli_load_arrays for the model's inputs, where files may be pictures or folders of them too: all pictures of an
 * input become one float32 array in its layout. `names_out` gets the samples' file names, from the first input that is
 * given as pictures; freed by cly_cli_free_names, also after an error. */
int cly_cli_load_inputs(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files,
                        const cly_cli_image_options *options, clayer_array **arrays_out, cly_cli_names *names_out);

#endif
