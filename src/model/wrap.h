/* model/wrap.h: text broken into lines and cells as the Python package rich does. */
#ifndef CLY_MODEL_WRAP_H
#define CLY_MODEL_WRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Line breaks of one text: line i is bytes [starts[i], starts[i + 1]). */
typedef struct cly_model_lines {
    size_t *starts;
    size_t count, capacity;
} cly_model_lines;

void cly_model_lines_free(cly_model_lines *l);

/* Where lines of `width` cells begin. A word too wide for any line is folded, or stands on a line of its own to be cut
 * later. The list ends with the text's length; freed by cly_model_lines_free. */
clayer_status cly_model_break_lines(const char *text, int width, bool fold, cly_model_lines *l);

/* The end of a line from `start` to `end` without the blanks that reach over its edge. */
size_t cly_model_trim_edge(const char *text, size_t start, size_t end, int width);

clayer_status cly_model_add_blanks(cly_base_text *line, int count);

/* Appends one line of a cell, cut or padded to exactly `width` cells. */
clayer_status cly_model_add_cell_line(cly_base_text *line, const char *text, size_t start, size_t end, int width,
                                      bool right);

#endif
