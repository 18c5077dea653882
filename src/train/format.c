/* train/format.c: numbers and file names as Python writes them: repr(float), and str.format with its mini-language for
 * one integer, the epoch, and floats, the logs (the reference of Python's library, "Format Specification
 * Mini-Language"). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "train/history.h"

#define DIGITS 24 /* of a number's shortest form */
#define WIDTH 400 /* of one formatted value at most */

/* ---- numbers ---- */

/* snprintf follows the locale; what is neither a digit nor a sign nor a letter is its decimal point. */
static void make_plain(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        const bool kept = (*from >= '0' && *from <= '9') || (*from >= 'a' && *from <= 'z') ||
                          (*from >= 'A' && *from <= 'Z') || *from == '+' || *from == '-' || *from == '.';
        if (kept) {
            *to++ = *from;
        } else if (to == text || to[-1] != '.') {
            *to++ = '.';
        }
    }
    *to = '\0';
}

/* The fewest digits that give the same float or double, and the exponent of the first. */
static void shortest(double value, bool as_float32, char digits[DIGITS], int *exponent_out) {
    char text[CLY_TRAIN_NUMBER];
    for (int precision = 0; precision < (as_float32 ? 9 : 17); precision++) {
        size_t length = 0;
        double back = 0;
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
        make_plain(text);
        if (cly_base_read_number(text, &back, &length) && (as_float32 ? (float)back == (float)value : back == value)) {
            break;
        }
    }
    size_t count = 0;
    const char *c = text;
    for (; *c != 'e'; c++) {
        if (*c >= '0' && *c <= '9') {
            digits[count++] = *c;
        }
    }
    digits[count] = '\0';
    *exponent_out = atoi(c + 1);
}

void cly_train_write_number(double value, bool as_float32, char text[CLY_TRAIN_NUMBER]) {
    char digits[DIGITS];
    int exponent = 0;
    if (isnan(value) || isinf(value)) {
        (void)snprintf(text, CLY_TRAIN_NUMBER, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    const char *sign = signbit(value) ? "-" : "";
    shortest(fabs(value), as_float32, digits, &exponent);
    const int count = (int)strlen(digits);
    /* NumPy looks at the value, Python at its digits: a rate of 1e-4 is 1e-04 there, being a little less. */
    if (exponent < -4 || exponent >= 16 || (as_float32 && value != 0 && fabs(value) < 1e-4)) {
        (void)snprintf(text, CLY_TRAIN_NUMBER, "%s%c%s%se%+03d", sign, digits[0], count > 1 ? "." : "", digits + 1,
                       exponent);
    } else if (exponent < 0) {
        (void)snprintf(text, CLY_TRAIN_NUMBER, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
    } else if (count <= exponent + 1) {
        (void)snprintf(text, CLY_TRAIN_NUMBER, "%s%s%.*s.0", sign, digits, exponent + 1 - count, "0000000000000000");
    } else {
        (void)snprintf(text, CLY_TRAIN_NUMBER, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    }
}

/* ---- str.format ---- */

typedef struct format {
    char fill, align; /* align 0: the type's own */
    char sign;        /* '-', '+' or ' ' */
    bool alternate;
    int width, precision; /* precision -1: none */
    char type;            /* 0: none */
} format;

static bool is_align(char c) {
    return c == '<' || c == '>' || c == '=' || c == '^';
}

static int take_number(const char **text) {
    int number = 0;
    while (**text >= '0' && **text <= '9' && number < WIDTH) {
        number = number * 10 + (*(*text)++ - '0');
    }
    return number;
}

/* "02d", ">8.3f"; false for what is none. Thousands separators are left out: no file name wants them. */
static bool parse_format(const char *spec, format *f) {
    *f = (format){.fill = ' ', .sign = '-', .precision = -1};
    if (spec[0] != '\0' && is_align(spec[1])) {
        f->fill = *spec++;
        f->align = *spec++;
    } else if (is_align(spec[0])) {
        f->align = *spec++;
    }
    if (*spec == '+' || *spec == '-' || *spec == ' ') {
        f->sign = *spec++;
    }
    if (*spec == '#') {
        f->alternate = true;
        spec++;
    }
    if (*spec == '0') {
        spec++;
        if (f->align == '\0') {
            f->fill = '0';
            f->align = '=';
        }
    }
    f->width = take_number(&spec);
    if (*spec == '.') {
        spec++;
        if (*spec < '0' || *spec > '9') {
            return false;
        }
        f->precision = take_number(&spec);
    }
    if (*spec != '\0') {
        f->type = *spec++;
    }
    return *spec == '\0' && f->width < WIDTH && f->precision < WIDTH / 4;
}

/* Digits without a sign. False: the type does not suit. */
static bool write_float(const format *f, double size, char text[WIDTH]) {
    const int precision = f->precision < 0 ? 6 : f->precision;
    if (f->type == '\0' && f->precision < 0 && !isnan(size) && !isinf(size)) {
        cly_train_write_number(size, false, text);
        return true;
    }
    const char type = f->type == '\0' || f->type == 'n' ? 'g' : f->type == '%' ? 'f' : f->type;
    if (strchr("eEfFgG", type) == NULL) {
        return false;
    }
    const char pattern[] = {
        '%', f->alternate ? '#' : '.', f->alternate ? '.' : '*', f->alternate ? '*' : type, f->alternate ? type : '\0',
        '\0'};
    const int length = snprintf(text, WIDTH, pattern, type == 'g' && precision == 0 ? 1 : precision,
                                f->type == '%' ? size * 100 : size);
    if (length < 0 || length >= WIDTH - 4) {
        return false;
    }
    make_plain(text);
    if (f->type == '\0' && strpbrk(text, ".en") == NULL) {
        strcat(text, ".0");
    }
    if (f->type == '%') {
        strcat(text, "%");
    }
    return true;
}

static bool write_integer(const format *f, int64_t size, char text[WIDTH]) {
    if (f->type != '\0' && strchr("eEfFgG%", f->type) != NULL) {
        return write_float(f, (double)size, text);
    }
    if (f->precision >= 0 || (f->type != '\0' && strchr("dnxXo", f->type) == NULL)) {
        return false;
    }
    const char *pattern = f->type == 'x' ? "%s%llx" : f->type == 'X' ? "%s%llX" : f->type == 'o' ? "%s%llo" : "%s%lld";
    const char *prefix = !f->alternate || f->type == '\0' || strchr("dn", f->type) != NULL ? ""
                         : f->type == 'o'                                                  ? "0o"
                         : f->type == 'X'                                                  ? "0X"
                                                                                           : "0x";
    (void)snprintf(text, WIDTH, pattern, prefix, (unsigned long long)size);
    return true;
}

static clayer_status pad(const format *f, const char *sign, const char *digits, cly_base_text *out) {
    const int length = (int)(strlen(sign) + strlen(digits));
    const int room = f->width > length ? f->width - length : 0;
    const char align = f->align == '\0' ? '>' : f->align;
    const int before = align == '>' ? room : align == '^' ? room / 2 : 0;
    const int between = align == '=' ? room : 0;
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < before; i++) {
        CLY_TRY(cly_base_text_add_bytes(out, &f->fill, 1));
    }
    CLY_TRY(cly_base_text_add(out, "%s", sign));
    for (int i = 0; i < between; i++) {
        CLY_TRY(cly_base_text_add_bytes(out, &f->fill, 1));
    }
    CLY_TRY(cly_base_text_add(out, "%s", digits));
    for (int i = before + between; i < room; i++) {
        CLY_TRY(cly_base_text_add_bytes(out, &f->fill, 1));
    }
done:
    return status;
}

/* One "{name:spec}", without its braces. */
static clayer_status add_field(const char *pattern, const char *field, size_t length, int64_t epoch,
                               const clayer_log *logs, size_t count, cly_base_text *out) {
    char name[CLY_TRAIN_NUMBER * 8], digits[WIDTH];
    format f;
    double value = 0;
    if (length >= sizeof(name)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': a field of %zu bytes is too long", pattern, length);
    }
    memcpy(name, field, length);
    name[length] = '\0';
    char *spec = strchr(name, ':');
    if (spec != NULL) {
        *spec++ = '\0';
    }
    const bool is_epoch = strcmp(name, "epoch") == 0;
    if (!is_epoch && !cly_train_find_log(logs, count, name, &value)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': there is no log '%s' in this epoch", pattern, name);
    }
    bool good = parse_format(spec != NULL ? spec : "", &f);
    if (is_epoch) {
        value = (double)epoch;
        good = good && write_integer(&f, epoch < 0 ? -epoch : epoch, digits);
    } else {
        good = good && write_float(&f, fabs(value), digits);
    }
    if (!good) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': '%s' is no format for %s", pattern, spec,
                             is_epoch ? "a whole number" : "a number");
    }
    const char *sign = signbit(value) && !isnan(value) ? "-" : f.sign == '+' ? "+" : f.sign == ' ' ? " " : "";
    return pad(&f, sign, digits, out);
}

clayer_status cly_train_format_path(const char *pattern, int64_t epoch, const clayer_log *logs, size_t count,
                                    cly_base_text *path) {
    clayer_status status = CLAYER_OK;
    for (const char *c = pattern; *c != '\0'; c++) {
        if ((*c == '{' || *c == '}') && c[1] == *c) {
            CLY_TRY(cly_base_text_add_bytes(path, c++, 1));
        } else if (*c == '{') {
            const char *end = strchr(c, '}');
            if (end == NULL) {
                CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': a brace is not closed", pattern));
            }
            CLY_TRY(add_field(pattern, c + 1, (size_t)(end - c - 1), epoch, logs, count, path));
            c = end;
        } else if (*c == '}') {
            CLY_TRY(cly_base_fail(CLAYER_INVALID_ARGUMENT, "'%s': a closing brace stands alone", pattern));
        } else {
            CLY_TRY(cly_base_text_add_bytes(path, c, 1));
        }
    }
done:
    return status;
}
