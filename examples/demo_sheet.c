/* demo_sheet.c: a sheet of small grey pictures with names below them, written as PNG, with a font of its own. */
#include "demo_sheet.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = 28,     /* of a picture, in its own pixels */
    ZOOM = 4,      /* sheet pixels per picture pixel */
    TEXT_ZOOM = 2, /* sheet pixels per font pixel */
    LINE = 10 * TEXT_ZOOM,
    COLUMNS = 8,
    MARGIN = 24,
    CELL_WIDTH = SIDE * ZOOM + 24,
    CELL_HEIGHT = SIDE * ZOOM + 2 * LINE + 16,
    HEADER = 3 * LINE + 4
};

typedef struct color {
    unsigned char r, g, b;
} color;

static const color PAPER = {250, 250, 248}, INK = {40, 40, 46}, RIGHT = {24, 124, 62}, WRONG = {200, 32, 38},
                   GREY = {120, 120, 126};

typedef struct sheet {
    size_t width, height;
    unsigned char *rgb;
} sheet;

const char *const demo_class_names[10] = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                          "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/* ---- font: five columns and seven rows a letter; 'g', 'p' and 'y' sit two rows lower ---- */

typedef struct glyph {
    char letter;
    const char *rows[7];
} glyph;

static const glyph font[] = {
    {'A', {".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"}},
    {'B', {"####.", "#...#", "#...#", "####.", "#...#", "#...#", "####."}},
    {'C', {".###.", "#...#", "#....", "#....", "#....", "#...#", ".###."}},
    {'D', {"####.", "#...#", "#...#", "#...#", "#...#", "#...#", "####."}},
    {'F', {"#####", "#....", "#....", "####.", "#....", "#....", "#...."}},
    {'I', {".###.", "..#..", "..#..", "..#..", "..#..", "..#..", ".###."}},
    {'M', {"#...#", "##.##", "#.#.#", "#.#.#", "#...#", "#...#", "#...#"}},
    {'N', {"#...#", "##..#", "##..#", "#.#.#", "#..##", "#..##", "#...#"}},
    {'P', {"####.", "#...#", "#...#", "####.", "#....", "#....", "#...."}},
    {'S', {".####", "#....", "#....", ".###.", "....#", "....#", "####."}},
    {'T', {"#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."}},
    {'a', {".....", ".....", ".###.", "....#", ".####", "#...#", ".####"}},
    {'b', {"#....", "#....", "####.", "#...#", "#...#", "#...#", "####."}},
    {'c', {".....", ".....", ".###.", "#....", "#....", "#....", ".###."}},
    {'d', {"....#", "....#", ".####", "#...#", "#...#", "#...#", ".####"}},
    {'e', {".....", ".....", ".###.", "#...#", "#####", "#....", ".###."}},
    {'f', {"..##.", ".#...", "####.", ".#...", ".#...", ".#...", ".#..."}},
    {'g', {".####", "#...#", "#...#", "#...#", ".####", "....#", ".###."}},
    {'h', {"#....", "#....", "####.", "#...#", "#...#", "#...#", "#...#"}},
    {'i', {"..#..", ".....", ".##..", "..#..", "..#..", "..#..", ".###."}},
    {'k', {"#....", "#....", "#..#.", "#.#..", "##...", "#.#..", "#..#."}},
    {'l', {".##..", "..#..", "..#..", "..#..", "..#..", "..#..", ".###."}},
    {'m', {".....", ".....", "##.#.", "#.#.#", "#.#.#", "#.#.#", "#.#.#"}},
    {'n', {".....", ".....", "####.", "#...#", "#...#", "#...#", "#...#"}},
    {'o', {".....", ".....", ".###.", "#...#", "#...#", "#...#", ".###."}},
    {'p', {"####.", "#...#", "#...#", "#...#", "####.", "#....", "#...."}},
    {'r', {".....", ".....", "#.##.", "##..#", "#....", "#....", "#...."}},
    {'s', {".....", ".....", ".####", "#....", ".###.", "....#", "####."}},
    {'t', {".#...", ".#...", "####.", ".#...", ".#...", ".#...", "..##."}},
    {'u', {".....", ".....", "#...#", "#...#", "#...#", "#...#", ".####"}},
    {'v', {".....", ".....", "#...#", "#...#", "#...#", ".#.#.", "..#.."}},
    {'w', {".....", ".....", "#...#", "#.#.#", "#.#.#", "#.#.#", ".#.#."}},
    {'y', {"#...#", "#...#", "#...#", "#...#", ".####", "....#", ".###."}},
    {'0', {".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."}},
    {'1', {"..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."}},
    {'2', {".###.", "#...#", "....#", "..##.", ".#...", "#....", "#####"}},
    {'3', {".###.", "#...#", "....#", "..##.", "....#", "#...#", ".###."}},
    {'4', {"...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."}},
    {'5', {"#####", "#....", "####.", "....#", "....#", "#...#", ".###."}},
    {'6', {".###.", "#....", "#....", "####.", "#...#", "#...#", ".###."}},
    {'7', {"#####", "....#", "...#.", "...#.", "..#..", "..#..", "..#.."}},
    {'8', {".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."}},
    {'9', {".###.", "#...#", "#...#", ".####", "....#", "....#", ".###."}},
    {'-', {".....", ".....", ".....", ".###.", ".....", ".....", "....."}},
    {':', {".....", ".....", "..#..", ".....", ".....", "..#..", "....."}},
    {',', {".....", ".....", ".....", ".....", "..##.", "..#..", ".#..."}},
    {' ', {".....", ".....", ".....", ".....", ".....", ".....", "....."}},
};

/* ---- drawing ---- */

static void fill(sheet *s, size_t x, size_t y, size_t width, size_t height, color c) {
    for (size_t row = y; row < y + height && row < s->height; row++) {
        for (size_t column = x; column < x + width && column < s->width; column++) {
            memcpy(s->rgb + 3 * (row * s->width + column), &c, 3);
        }
    }
}

static void draw_letter(sheet *s, size_t x, size_t y, char letter, color c) {
    const size_t drop = strchr("gpy", letter) != NULL ? 2 : 0;
    for (size_t g = 0; g < sizeof font / sizeof font[0]; g++) {
        for (size_t i = 0; font[g].letter == letter && i < 7 * 5; i++) {
            if (font[g].rows[i / 5][i % 5] == '#') {
                fill(s, x + i % 5 * TEXT_ZOOM, y + (i / 5 + drop) * TEXT_ZOOM, TEXT_ZOOM, TEXT_ZOOM, c);
            }
        }
    }
}

static void draw_text(sheet *s, size_t x, size_t y, const char *text, color c) {
    for (; *text != '\0'; text++, x += 6 * TEXT_ZOOM) {
        draw_letter(s, x, y, *text, c);
    }
}

static void draw_picture(sheet *s, size_t x, size_t y, const demo_picture *picture) {
    const color mark = picture->predicted == picture->actual ? RIGHT : WRONG;
    if (picture->predicted != picture->actual) {
        fill(s, x - 4, y - 4, SIDE * ZOOM + 8, SIDE * ZOOM + 8, mark);
    }
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        /* Inverted: the garments of the data set are bright on black, and paper is white. */
        unsigned char grey = (unsigned char)(255 - picture->pixels[i]);
        fill(s, x + i % SIDE * ZOOM, y + i / SIDE * ZOOM, ZOOM, ZOOM, (color){grey, grey, grey});
    }
    y += SIDE * ZOOM + 8;
    draw_text(s, x, y, demo_class_names[picture->predicted], mark);
    if (picture->predicted != picture->actual) {
        draw_text(s, x, y + LINE, demo_class_names[picture->actual], GREY);
    }
}

/* ---- PNG ---- */

static int write_png(const char *path, const sheet *s) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return -1;
    }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    int result = -1;
    errno = ENOMEM;
    if (info != NULL && setjmp(png_jmpbuf(png)) == 0) { /* libpng comes back here with 1 when a write fails */
        errno = EIO;
        png_init_io(png, file);
        png_set_IHDR(png, info, (png_uint_32)s->width, (png_uint_32)s->height, 8, PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        for (size_t row = 0; row < s->height; row++) {
            png_write_row(png, s->rgb + 3 * row * s->width);
        }
        png_write_end(png, info);
        result = 0;
    }
    png_destroy_write_struct(&png, &info);
    int closed = fclose(file);
    return closed == 0 ? result : -1;
}

int demo_write_sheet(const char *path, const char *title, const demo_picture *pictures, size_t count) {
    const size_t rows = (count + COLUMNS - 1) / COLUMNS;
    sheet s = {.width = 2 * MARGIN + COLUMNS * CELL_WIDTH - 24, .height = MARGIN + HEADER + rows * CELL_HEIGHT};
    s.rgb = malloc(3 * s.width * s.height);
    if (s.rgb == NULL) {
        errno = ENOMEM;
        return -1;
    }
    fill(&s, 0, 0, s.width, s.height, PAPER);
    draw_text(&s, MARGIN, MARGIN, title, INK);
    draw_text(&s, MARGIN, MARGIN + LINE, "Mistakes are framed, with the true name in grey", GREY);
    for (size_t i = 0; i < count; i++) {
        draw_picture(&s, MARGIN + i % COLUMNS * CELL_WIDTH, MARGIN + HEADER + i / COLUMNS * CELL_HEIGHT, &pictures[i]);
    }
    int result = write_png(path, &s);
    free(s.rgb);
    return result;
}
