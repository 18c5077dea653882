/* cli/image_png.c: PNG pictures by libpng, as PIL opens them: 8 bits a value (of 16 the high byte, except for grey
 * without alpha, which stays wide), palettes as their colours, 1, 2 and 4 bits of grey stretched to 0..255; gamma and
 * colour profiles are not applied. */
#include "image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* What longjmp must leave as it is stands behind a pointer. */
typedef struct reader {
    char text[160]; /* libpng's complaint */
    png_bytep *rows;
    cly_cli_image image;
} reader;

static void on_error(png_structp png, png_const_charp message) {
    reader *with = png_get_error_ptr(png);
    snprintf(with->text, sizeof with->text, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png; /* about what does not change pixels: profiles, texts, unknown chunks */
    (void)message;
}

/* Asks for the form above and says what comes. Transparency becomes alpha, except beside wide grey. */
static void choose_form(png_structp png, png_infop info, cly_cli_image *image) {
    const int colour = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    const bool transparent = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    image->width = png_get_image_width(png, info);
    image->height = png_get_image_height(png, info);
    image->wide = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    }
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (transparent && !image->wide) {
        png_set_tRNS_to_alpha(png);
    }
    if (depth == 16 && !image->wide) {
        png_set_strip_16(png);
    }
    const uint16_t one = 1;
    if (image->wide && *(const unsigned char *)&one == 1) { /* this machine's order of bytes */
        png_set_swap(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    image->channels = png_get_channels(png, info);
}

/* All that may end in longjmp. */
static int read_rows(png_structp png, png_infop info, FILE *file, const char *path, reader *with) {
    cly_cli_image *image = &with->image;
    png_init_io(png, file);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* our own limit is on the pixels */
    png_set_option(png, PNG_SKIP_sRGB_CHECK_PROFILE, PNG_OPTION_ON);
    png_read_info(png, info);
    image->width = png_get_image_width(png, info);
    image->height = png_get_image_height(png, info);
    if (image->height > CLY_CLI_MOST_PIXELS / image->width) {
        return cly_cli_alloc_image(image, path); /* says so, before libpng makes room for a row */
    }
    choose_form(png, info, image);
    int status = cly_cli_alloc_image(image, path);
    if (status != CLY_EXIT_DONE) {
        return status;
    }
    const size_t row_bytes = (size_t)image->width * (size_t)image->channels * (image->wide ? 2 : 1);
    if (row_bytes != png_get_rowbytes(png, info)) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': rows of %zu bytes where %zu were expected", path,
                            png_get_rowbytes(png, info), row_bytes);
    }
    with->rows = calloc((size_t)image->height, sizeof *with->rows);
    if (with->rows == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the rows of '%s'", path);
    }
    for (int64_t y = 0; y < image->height; y++) {
        with->rows[y] = image->samples + (size_t)y * row_bytes;
    }
    png_read_image(png, with->rows);
    png_read_end(png, NULL);
    return CLY_EXIT_DONE;
}

/* A failure of libpng comes back here. */
static int read_guarded(png_structp png, png_infop info, FILE *file, const char *path, reader *with) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        return cly_cli_fail(CLY_EXIT_FILE, "'%s': a damaged PNG picture: %s", path, with->text);
    }
    return read_rows(png, info, file, path, with);
}

int cly_cli_read_png(FILE *file, const char *path, cly_cli_image *image_out) {
    reader with = {.rows = NULL};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &with, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    int status = info != NULL ? read_guarded(png, info, file, path, &with)
                              : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for libpng");
    png_destroy_read_struct(&png, &info, NULL);
    free(with.rows);
    if (status == CLY_EXIT_DONE) {
        *image_out = with.image;
    } else {
        cly_cli_free_image(&with.image);
    }
    return status;
}
