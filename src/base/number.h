/* base/number.h: decimal numbers in text, the same in every locale. */
#ifndef CLY_BASE_NUMBER_H
#define CLY_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a decimal number ("-3", "0.5", ".5", "1.", "1e-3") at the start of `text`; no blanks, hexadecimal, infinity
 * or NaN, and none that overflows. *length_out is how many bytes it took. */
bool cly_base_read_number(const char *text, double *value_out, size_t *length_out);

/* The shortest text that reads back as the same double. `size` at least 32. */
void cly_base_write_number(double value, char *text, size_t size);

/* The value of IEEE 754's half precision. */
double cly_base_half_to_double(uint16_t half);

#endif
