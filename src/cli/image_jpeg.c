/* cli/image_jpeg.c: JPEG pictures by libjpeg (libjpeg-turbo), with its defaults, which are PIL's: the slow integer DCT
 * and smooth chroma. CMYK is taken as Adobe writes it, inverted, and becomes RGB by PIL's formula, without a colour
 * profile. The orientation that EXIF notes is ignored, as keras.utils.load_img does. */
#include "image.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#define MOST_SCANS 500 /* of a progressive file; real ones have about ten, hostile ones take hours */

typedef struct reader {           /* what longjmp must leave as it is stands behind a pointer */
    struct jpeg_error_mgr errors; /* first, so that libjpeg's pointer to it is one to this */
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
    bool damaged; /* warned about data that it had to invent or skip */
    cly_cli_image image;
} reader;

static void on_error(j_common_ptr jpeg) {
    reader *with = (reader *)jpeg->err;
    jpeg->err->format_message(jpeg, with->text);
    longjmp(with->back, 1);
}

/* A file that ends too early is an error; other damage that libjpeg repairs is told once. */
static void on_message(j_common_ptr jpeg, int level) {
    reader *with = (reader *)jpeg->err;
    if (level >= 0) {
        return;
    }
    if (jpeg->err->msg_code == JWRN_JPEG_EOF) {
        on_error(jpeg);
    }
    if (!with->damaged) {
        with->damaged = true;
        jpeg->err->format_message(jpeg, with->text);
    }
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg; /* on_message has told it */
}

static void on_progress(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS) {
        reader *with = (reader *)jpeg->err;
        snprintf(with->text, sizeof with->text, "more than %d scans", MOST_SCANS);
        longjmp(with->back, 1);
    }
}

/* PIL's MULDIV255: a * b / 255, rounded. */
static unsigned multiply(unsigned a, unsigned b) {
    unsigned product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/* Inverted CMYK in `row` to RGB: each colour is what black leaves, less its share of that. */
static void convert_cmyk(const JSAMPLE *row, int64_t width, unsigned char *rgb) {
    for (int64_t x = 0; x < width; x++, row += 4, rgb += 3) {
        const unsigned left = row[3]; /* 255 - black */
        for (int c = 0; c < 3; c++) {
            const unsigned taken = multiply(255u - row[c], left);
            rgb[c] = (unsigned char)(left > taken ? left - taken : 0);
        }
    }
}

/* All that may end in longjmp. */
static int read_rows(j_decompress_ptr jpeg, FILE *file, const char *path, reader *with) {
    cly_cli_image *image = &with->image;
    jpeg_create_decompress(jpeg); /* zeroes all but jpeg->err */
    jpeg->progress = &with->progress;
    jpeg_stdio_src(jpeg, file);
    jpeg_read_header(jpeg, TRUE);
    image->width = jpeg->image_width;
    image->height = jpeg->image_height;
    const bool cmyk = jpeg->num_components == 4;
    if (jpeg->num_components != 1 && jpeg->num_components != 3 && !cmyk) {
        return cly_cli_fail(CLY_EXIT_FILE,
                            "'%s': a JPEG picture of %d components; 1 (grey), 3 (colour) and 4 (CMYK) "
                            "are read",
                            path, jpeg->num_components);
    }
    image->channels = jpeg->num_components == 1 ? 1 : 3;
    jpeg->out_color_space = cmyk ? JCS_CMYK : image->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    int status = cly_cli_alloc_image(image, path);
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    jpeg_start_decompress(jpeg);
    /* libjpeg frees it with itself. */
    JSAMPARRAY inks = cmyk ? jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->image_width * 4, 1) : NULL;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = image->samples + (size_t)jpeg->output_scanline * (size_t)image->width * (size_t)image->channels;
        if (cmyk) {
            jpeg_read_scanlines(jpeg, inks, 1);
            convert_cmyk(inks[0], image->width, row);
        } else {
            jpeg_read_scanlines(jpeg, &row, 1);
        }
    }
    jpeg_finish_decompress(jpeg);
    return CLY_EXIT_DONE;
}

/* A failure of libjpeg comes back here. */
static int read_guarded(j_decompress_ptr jpeg, FILE *file, const char *path, reader *with) {
    if (setjmp(with->back) != 0) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': a damaged JPEG picture: %s", path, with->text);
    }
    return read_rows(jpeg, file, path, with);
}

int cly_cli_read_jpeg(FILE *file, const char *path, cly_cli_image *image_out) {
    reader with = {.damaged = false};
    struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&with.errors)};
    with.errors.error_exit = on_error;
    with.errors.emit_message = on_message;
    with.errors.output_message = on_output;
    with.progress.progress_monitor = on_progress;
    int status = read_guarded(&jpeg, file, path, &with);
    jpeg_destroy_decompress(&jpeg);
    if (status == CLY_EXIT_DONE) {
        if (with.damaged) {
            cly_cli_notice("'%s': %s", path, with.text);
        }
        *image_out = with.image;
    } else {
        cly_cli_free_image(&with.image);
    }
    return status;
}
