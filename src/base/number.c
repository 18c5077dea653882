/* base/number.c: decimal numbers in text. strtod and printf follow the thread's locale, whose decimal point may be a
 * comma; both are called with the "C" locale put in for the thread. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t digits(const char *text) {
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

/* The length of the decimal number at the start of `text`; 0 if there is none. */
static size_t scan(const char *text) {
    size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
    size_t whole = digits(text + i);
    i += whole;
    size_t part = 0;
    if (text[i] == '.') {
        part = digits(text + i + 1);
        i += 1 + part;
    }
    if (whole + part == 0) {
        return 0;
    }
    if (text[i] == 'e' || text[i] == 'E') {
        size_t sign = text[i + 1] == '-' || text[i + 1] == '+' ? 1 : 0;
        size_t exponent = digits(text + i + 1 + sign);
        if (exponent > 0) {
            i += 1 + sign + exponent;
        }
    }
    return i;
}

bool cly_base_read_number(const char *text, double *value_out, size_t *length_out) {
    size_t length = scan(text);
    if (length == 0) {
        return false;
    }
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c_locale != (locale_t)0 ? uselocale(c_locale) : (locale_t)0;
    char *end = NULL;
    double value = strtod(text, &end);
    if (c_locale != (locale_t)0) {
        (void)uselocale(before);
        freelocale(c_locale);
    }
    /* strtod may go further ("0x10"); then the text is not the number that was scanned. */
    if (end != text + length || !isfinite(value)) {
        return false;
    }
    *value_out = value;
    *length_out = length;
    return true;
}

void cly_base_write_number(double value, char *text, size_t size) {
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c_locale != (locale_t)0 ? uselocale(c_locale) : (locale_t)0;
    if (fabs(value) < 1e15 && value == floor(value)) {
        (void)snprintf(text, size, "%.0f", value); /* not "1e+01" */
    } else {
        int precision = 1;
        do {
            (void)snprintf(text, size, "%.*g", precision++, value);
        } while (precision <= 17 && strtod(text, NULL) != value);
    }
    if (c_locale != (locale_t)0) {
        (void)uselocale(before);
        freelocale(c_locale);
    }
}

double cly_base_half_to_double(uint16_t half) {
    int exponent = (half >> 10) & 0x1f;
    int fraction = half & 0x3ff;
    double value;
    if (exponent == 0x1f) {
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    } else if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else {
        value = ldexp(fraction + 1024, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -value : value;
}
