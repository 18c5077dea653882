/* model/cells.c: UTF-8 text as the columns of a terminal: layers may have Chinese names, which are two columns wide. */
#include "model/cells.h"

typedef struct range {
    uint32_t first, last;
} range;

/* Two columns: East Asian wide and full-width, emoji (Unicode's EastAsianWidth.txt, blocks joined). */
static const range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26A1, 0x26A1},   {0x2705, 0x2705},   {0x2728, 0x2728},
    {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
    {0x2B50, 0x2B50},   {0x2E80, 0x3029},   {0x302E, 0x303E},   {0x3041, 0x3098},   {0x309B, 0x3247},
    {0x3250, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},
    {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18DFF}, {0x1B000, 0x1B2FF},
    {0x1F300, 0x1F320}, {0x1F330, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F3A0, 0x1F3CA}, {0x1F3E0, 0x1F3F0},
    {0x1F400, 0x1F43E}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F550, 0x1F567}, {0x1F5FB, 0x1F64F},
    {0x1F680, 0x1F6C5}, {0x1F6EB, 0x1F6EC}, {0x1F7E0, 0x1F7EB}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945},
    {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
};

/* None: combining marks, joiners, variation selectors. */
static const range narrow[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},   {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064}, {0x20D0, 0x20FF},   {0x302A, 0x302D},
    {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

static bool lies_in(const range *ranges, size_t count, uint32_t point) {
    for (size_t i = 0; i < count && ranges[i].first <= point; i++) {
        if (point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static int cells_of(uint32_t point) {
    if (point < 32 || (point >= 0x7F && point < 0xA0) || lies_in(narrow, sizeof(narrow) / sizeof(narrow[0]), point)) {
        return 0;
    }
    return lies_in(wide, sizeof(wide) / sizeof(wide[0]), point) ? 2 : 1;
}

cly_model_glyph cly_model_read_glyph(const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    int length = bytes[0] < 0x80   ? 1
                 : bytes[0] < 0xC2 ? 0
                 : bytes[0] < 0xE0 ? 2
                 : bytes[0] < 0xF0 ? 3
                 : bytes[0] < 0xF5 ? 4
                                   : 0;
    uint32_t point = length < 2 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            length = 0;
            break;
        }
        point = (point << 6) | (bytes[i] & 0x3Fu);
    }
    if (length == 0) {
        return (cly_model_glyph){bytes[0], 1, 1};
    }
    return (cly_model_glyph){point, length, cells_of(point)};
}

bool cly_model_is_space(uint32_t point) {
    return (point >= 9 && point <= 13) || (point >= 28 && point <= 32) || point == 0x85 || point == 0xA0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
           point == 0x202F || point == 0x205F || point == 0x3000;
}

int cly_model_count_cells(const char *text, size_t bytes) {
    int cells = 0;
    for (size_t i = 0; i < bytes;) {
        cly_model_glyph glyph = cly_model_read_glyph(text + i);
        cells += glyph.cells;
        i += (size_t)glyph.bytes;
    }
    return cells;
}

size_t cly_model_count_points(const char *text, size_t bytes) {
    size_t points = 0;
    for (size_t i = 0; i < bytes; points++) {
        i += (size_t)cly_model_read_glyph(text + i).bytes;
    }
    return points;
}

size_t cly_model_fit_cells(const char *text, size_t bytes, int cells) {
    size_t taken = 0;
    while (taken < bytes) {
        cly_model_glyph glyph = cly_model_read_glyph(text + taken);
        if (glyph.cells > cells) {
            break;
        }
        cells -= glyph.cells;
        taken += (size_t)glyph.bytes;
    }
    return taken;
}

size_t cly_model_fit_points(const char *text, size_t bytes, size_t points) {
    size_t taken = 0;
    for (; points > 0 && taken < bytes; points--) {
        taken += (size_t)cly_model_read_glyph(text + taken).bytes;
    }
    return taken;
}
