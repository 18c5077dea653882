/* curve.c: curves as SVG: a panel each, with a frame, a few lines at round numbers, and the curve. */
#include "curve.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { WIDTH = 420, HEIGHT = 260, LEFT = 56, RIGHT = 16, TOP = 72, BOTTOM = 44 };

/* A panel's corner and the values at its edges. */
typedef struct panel {
    double x, y;
    double low, high, last_x;
} panel;

static double place_x(const panel *in, double x) {
    return in->x + LEFT + (WIDTH - LEFT - RIGHT) * x / in->last_x;
}

static double place_y(const panel *in, double value) {
    return in->y + HEIGHT - (HEIGHT) * (value - in->low) / (in->high - in->low);
}

/* The step between lines, 1, 2 or 5 times a power of ten, of which four to nine fit. */
static double round_step(double span) {
    double power = pow(10, floor(log10(span / 4)));
    double step = span / 4 / power;
    return power * (step >= 5 ? 5 : step >= 2 ? 2 : 1);
}

static void draw_lines(FILE *file, const panel *in) {
    double step = round_step(in->high - in->low);
    for (double value = ceil(in->low / step) * step; value <= in->high + step / 1e6; value += step) {
        fprintf(file, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#ddd'/>", place_x(in, 0),
                place_x(in, in->last_x), place_y(in, value), place_y(in, value));
        fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='end'>%g</text>\n", place_x(in, 0) - 6,
                place_y(in, value) + 4, round(value / step) * step);
    }
    step = round_step(in->last_x);
    for (double x = 0; x <= in->last_x; x += step) {
        fprintf(file, "<text x='%.1f' y='%.1f' text-anchor='middle'>%g</text>\n", place_x(in, x), in->y + HEIGHT + 18,
                x);
    }
}

static void draw(FILE *file, const curve *drawn, const char *x_label, double x) {
    panel in = {.x = x, .y = TOP, .low = INFINITY, .high = -INFINITY, .last_x = drawn->last_x > 0 ? drawn->last_x : 1};
    for (size_t i = 0; i < drawn->count; i++) {
        if (isfinite(drawn->values[i])) {
            in.low = fmin(in.low, drawn->values[i]);
            in.high = fmax(in.high, drawn->values[i]);
        }
    }
    if (!(in.low < in.high)) { /* nothing, or one value only */
        in.low = isfinite(in.low) ? in.low - 0.5 : 0;
        in.high = in.low + 1;
    }
    fprintf(file, "<text x='%.1f' y='%d' class='name'>%s</text>\n", place_x(&in, 0), TOP - 12, drawn->name);
    draw_lines(file, &in);
    fprintf(file, "<rect x='%.1f' y='%.1f' width='%d' height='%d' fill='none' stroke='#888'/>\n", place_x(&in, 0), in.y,
            WIDTH - LEFT - RIGHT, HEIGHT);
    fprintf(file, "<polyline fill='none' stroke='#1f6fb4' stroke-width='1.5' points='");
    for (size_t i = 0; i < drawn->count; i++) {
        if (isfinite(drawn->values[i])) {
            double at = drawn->count > 1 ? in.last_x * (double)i / (double)(drawn->count - 1) : 0;
            fprintf(file, "%.1f,%.1f ", place_x(&in, at), place_y(&in, drawn->values[i]));
        }
    }
    fprintf(file, "'/>\n<text x='%.1f' y='%.1f' text-anchor='middle'>%s</text>\n", place_x(&in, in.last_x / 2),
            in.y + HEIGHT + 36, x_label);
}

int curve_write_svg(const char *path, const char *title, const char *x_label, const curve *curves, size_t count) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    fprintf(file,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%zu' height='%d' font-family='sans-serif' font-size='12' "
            "fill='#333'>\n<style>.title{font-size:18px}.name{font-size:14px}</style>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n<text x='%d' y='32' class='title'>%s</text>\n",
            count * WIDTH, TOP + HEIGHT + BOTTOM, LEFT, title);
    for (size_t i = 0; i < count; i++) {
        draw(file, &curves[i], x_label, (double)(i * WIDTH));
    }
    fputs("</svg>\n", file);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) {
        errno = errno != 0 ? errno : EIO;
        return -1;
    }
    return 0;
}
