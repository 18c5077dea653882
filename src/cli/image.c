/* cli/image.c: reads a picture and gives it the channels that a model wants, as PIL's convert does, which
 * keras.utils.load_img(color_mode=...) calls: grey is L = (19595 R + 38470 G + 7471 B + 32768) >> 16, alpha is dropped
 * and not blended. 16-bit grey stays as it is for one channel, 0 to 65535, as load_img keeps it; for colours its high
 * byte is taken, as TensorFlow's decoder does (PIL would clip at 255). */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cly_cli_free_image(cly_cli_image *image) {
    free(image->samples);
    *image = (cly_cli_image){.samples = NULL};
}

int cly_cli_alloc_image(cly_cli_image *image, const char *path) {
    if (image->height < 1 || image->width < 1) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': the picture is empty", path);
    }
    if (image->height > CLY_CLI_MOST_PIXELS / image->width) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': %lld x %lld pixels, the limit is %lld in all", path,
                            (long long)image->height, (long long)image->width, (long long)CLY_CLI_MOST_PIXELS);
    }
    /* Zeroed, so that nothing of this process' memory shows whatever a decoder leaves out. */
    image->samples = calloc((size_t)(image->height * image->width), (size_t)image->channels * (image->wide ? 2 : 1));
    return image->samples != NULL ? CLY_EXIT_DONE
                                  : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the picture '%s'", path);
}

static const struct {
    const char *name;
    size_t offset, length;
    const char *bytes;
} others[] = {{"GIF", 0, 4, "GIF8"},         {"BMP", 0, 2, "BM"},     {"WebP", 8, 4, "WEBP"},
              {"TIFF", 0, 4, "II*\0"},       {"TIFF", 0, 4, "MM\0*"}, {"JPEG 2000", 4, 4, "jP  "},
              {"HEIF or AVIF", 4, 4, "ftyp"}};

/* The name of a format that is not read, or NULL. */
static const char *other_format(const unsigned char *head, size_t length) {
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (length >= 12 && memcmp(head + others[i].offset, others[i].bytes, others[i].length) == 0) {
            return others[i].name;
        }
    }
    return NULL;
}

static cly_cli_kind find_kind(FILE *file, const char **other_out) {
    unsigned char head[12];
    size_t length = fread(head, 1, sizeof head, file);
    rewind(file);
    *other_out = other_format(head, length);
    if (length >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0) {
        return CLY_CLI_PNG;
    }
    if (length >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0) {
        return CLY_CLI_JPEG;
    }
    return *other_out != NULL ? CLY_CLI_OTHER_IMAGE : CLY_CLI_NO_IMAGE;
}

cly_cli_kind cly_cli_image_kind(const char *path) {
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        return CLY_CLI_FOLDER;
    }
    /* A pipe would lose what is read of it here. */
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        return CLY_CLI_NO_IMAGE;
    }
    const char *other;
    cly_cli_kind kind = find_kind(file, &other);
    fclose(file);
    return kind;
}

/* ---- channels ---- */

static unsigned grey_of(const unsigned char *rgb) {
    return (rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16;
}

static void convert_pixel(const cly_cli_image *image, int64_t index, int channels, unsigned char *to) {
    const unsigned char *from = image->samples + index * image->channels * (image->wide ? 2 : 1);
    unsigned char high;
    if (image->wide) { /* one value in the machine's order of bytes */
        high = (unsigned char)(cly_cli_sample(image, index) >> 8);
        from = &high;
    }
    const bool colour = image->channels >= 3;
    if (channels == 1) {
        to[0] = (unsigned char)(colour ? grey_of(from) : from[0]);
        return;
    }
    for (int c = 0; c < 3; c++) {
        to[c] = from[colour ? c : 0];
    }
    if (channels == 4) {
        to[3] = image->channels == 4 ? from[3] : image->channels == 2 ? from[1] : 255;
    }
}

static int convert(cly_cli_image *image, int channels, const char *path) {
    if (image->channels == channels) {
        return CLY_EXIT_DONE;
    }
    cly_cli_image converted = {.height = image->height, .width = image->width, .channels = channels};
    int status = cly_cli_alloc_image(&converted, path);
    for (int64_t i = 0; status == CLY_EXIT_DONE && i < image->height * image->width; i++) {
        convert_pixel(image, i, channels, converted.samples + i * channels);
    }
    if (status == CLY_EXIT_DONE) {
        cly_cli_free_image(image);
        *image = converted;
    }
    return status;
}

int cly_cli_read_image(const char *path, int channels, cly_cli_image *image_out) {
    cly_cli_image image = {.samples = NULL};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return cly_cli_fail(CLY_EXIT_FILE, "cannot read '%s': %s", path, strerror(errno));
    }
    const char *other;
    int status;
    switch (find_kind(file, &other)) {
        case CLY_CLI_PNG:
            status = cly_cli_read_png(file, path, &image);
            break;
        case CLY_CLI_JPEG:
            status = cly_cli_read_jpeg(file, path, &image);
            break;
        case CLY_CLI_OTHER_IMAGE:
            status = cly_cli_fail(CLY_EXIT_FILE, "'%s' looks like %s; PNG and JPEG pictures are read", path, other);
            break;
        default:
            status = cly_cli_fail(CLY_EXIT_FILE, "'%s' is neither a PNG nor a JPEG picture", path);
    }
    fclose(file);
    if (status == CLY_EXIT_DONE && image.wide) {
        cly_cli_notice(channels == 1 ? "'%s': 16 bits a pixel, so values up to 65535, as keras.utils.load_img has them"
                                     : "'%s': 16 bits a pixel, of which the high byte is taken",
                       path);
    }
    if (status == CLY_EXIT_DONE) {
        status = convert(&image, channels, path);
    }
    if (status == CLY_EXIT_DONE) {
        *image_out = image;
    } else {
        cly_cli_free_image(&image);
    }
    return status;
}
