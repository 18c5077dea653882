/* curve.h: curves as a picture: what a training recorded, drawn as SVG. */
#ifndef CURVE_H
#define CURVE_H

#include <stddef.h>

typedef struct curve {
    const char *name;     /* written above its panel */
    const double *values; /* one a point, from left to right */
    size_t count;
    double last_x; /* what stands below the last point; the first is at 0 */
} curve;

/* Draws a panel for each curve, side by side, under `title`; x_label stands below each. 0, or -1 with errno set if the
 * file cannot be written. */
int curve_write_svg(const char *path, const char *title, const char *x_label, const curve *curves, size_t count);

#endif
