/* model/cells.h: UTF-8 text as the columns of a terminal. */
#ifndef CLY_MODEL_CELLS_H
#define CLY_MODEL_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One code point of a text. */
typedef struct cly_model_glyph {
    uint32_t point;
    int bytes; /* 1 to 4 */
    int cells; /* 0 (combining), 1 or 2 (East Asian, emoji) */
} cly_model_glyph;

/* The first code point of a NUL-terminated text that is not empty; a byte that is not UTF-8 counts as one point. */
cly_model_glyph cly_model_read_glyph(const char *text);

bool cly_model_is_space(uint32_t point);

/* Cells and code points of the first `bytes` of `text`. */
int cly_model_count_cells(const char *text, size_t bytes);
size_t cly_model_count_points(const char *text, size_t bytes);

/* The bytes of the longest start of `text` (of `bytes`) that takes no more than `cells`. */
size_t cly_model_fit_cells(const char *text, size_t bytes, int cells);
/* The bytes of the first `points` code points, at most `bytes`. */
size_t cly_model_fit_points(const char *text, size_t bytes, size_t points);

#endif
