/* model/wrap.c: text broken into lines and cells as the Python package rich does (rich/_wrap.py, rich/text.py). */
#include "model/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/cells.h"

static clayer_status add_start(cly_model_lines *l, size_t start) {
    void *items = l->starts;
    clayer_status status = cly_base_grow(&items, &l->capacity, l->count, sizeof(size_t));
    if (status == CLAYER_OK) {
        l->starts = items;
        l->starts[l->count++] = start;
    }
    return status;
}

/* The end of the word at `start`: blanks before it (at the start of the text only), itself, and the blanks behind;
 * *solid_out is where those begin. */
static size_t find_word(const char *text, size_t start, size_t *solid_out) {
    size_t end = start;
    bool wanted[] = {true, false, true}; /* blank, solid, blank */
    for (int i = 0; i < 3; i++) {
        while (text[end] != '\0') {
            cly_model_glyph glyph = cly_model_read_glyph(text + end);
            if (cly_model_is_space(glyph.point) != wanted[i]) {
                break;
            }
            end += (size_t)glyph.bytes;
        }
        if (i == 1) {
            *solid_out = end;
        }
    }
    return end;
}

/* Breaks a word that is wider than a line into pieces; *offset_out is the width of the last. */
static clayer_status fold_word(const char *text, size_t start, size_t end, int width, cly_model_lines *l,
                               int *offset_out) {
    clayer_status status = CLAYER_OK;
    while (start < end) {
        size_t piece = cly_model_fit_cells(text + start, end - start, width);
        if (piece == 0) {
            piece = end - start; /* not even one character fits */
        }
        if (start > 0) {
            CLY_TRY(add_start(l, start));
        }
        *offset_out = cly_model_count_cells(text + start, piece);
        start += piece;
    }
done:
    return status;
}

clayer_status cly_model_break_lines(const char *text, int width, bool fold, cly_model_lines *l) {
    clayer_status status = CLAYER_OK;
    size_t length = strlen(text), start = 0, solid = 0;
    int offset = 0;
    l->count = 0;
    CLY_TRY(add_start(l, 0));
    while (start < length) {
        size_t end = find_word(text, start, &solid);
        if (solid == start && end == length && start > 0) {
            break;
        }
        int word = cly_model_count_cells(text + start, solid - start);
        int whole = cly_model_count_cells(text + start, end - start);
        if (width - offset >= word) {
            offset += whole;
        } else if (word > width && fold) {
            CLY_TRY(fold_word(text, start, end, width, l, &offset));
        } else {
            if (start > 0 && (word > width || offset > 0)) {
                CLY_TRY(add_start(l, start));
            }
            offset = start > 0 || word > width ? whole : offset;
        }
        start = end;
    }
    CLY_TRY(add_start(l, length));
done:
    return status;
}

static size_t without_blanks_behind(const char *text, size_t start, size_t end) {
    size_t last = start;
    while (start < end) {
        cly_model_glyph glyph = cly_model_read_glyph(text + start);
        start += (size_t)glyph.bytes;
        last = cly_model_is_space(glyph.point) ? last : start;
    }
    return last;
}

/* Drops blanks behind a line as far as they reach over its edge, where rich counts characters, not cells: a blank
 * behind a Chinese word stays, and may cost the word its end. */
size_t cly_model_trim_edge(const char *text, size_t start, size_t end, int width) {
    size_t solid = without_blanks_behind(text, start, end);
    size_t edge = start + cly_model_fit_points(text + start, end - start, (size_t)width);
    return solid > edge ? solid : edge;
}

clayer_status cly_model_add_blanks(cly_base_text *line, int count) {
    clayer_status status = CLAYER_OK;
    for (; count > 0; count--) {
        CLY_TRY(cly_base_text_add_bytes(line, " ", 1));
    }
done:
    return status;
}

clayer_status cly_model_add_cell_line(cly_base_text *line, const char *text, size_t start, size_t end, int width,
                                      bool right) {
    clayer_status status = CLAYER_OK;
    if (width < 1) {
        return CLAYER_OK;
    }
    end = right ? without_blanks_behind(text, start, end) : cly_model_trim_edge(text, start, end, width);
    int cells = cly_model_count_cells(text + start, end - start);
    bool cut = cells > width;
    if (cut) {
        end = start + cly_model_fit_cells(text + start, end - start, width - 1);
        cells = cly_model_count_cells(text + start, end - start);
    }
    CLY_TRY(cly_model_add_blanks(line, right && !cut ? width - cells : 0));
    CLY_TRY(cly_base_text_add_bytes(line, text + start, end - start));
    if (cut) {
        CLY_TRY(cly_model_add_blanks(line, width - 1 - cells)); /* half of a wide character */
        CLY_TRY(cly_base_text_add(line, "…"));
    } else {
        CLY_TRY(cly_model_add_blanks(line, right ? 0 : width - cells));
    }
done:
    return status;
}

void cly_model_lines_free(cly_model_lines *l) {
    free(l->starts);
    *l = (cly_model_lines){0};
}
