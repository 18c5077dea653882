/* demo_sheet.h: the picture that the demonstration draws. */
#ifndef DEMO_SHEET_H
#define DEMO_SHEET_H

#include <stddef.h>

typedef struct demo_picture {
    const unsigned char *pixels; /* 28 x 28, 0 black to 255 white */
    int predicted;
    int actual;
} demo_picture;

extern const char *const demo_class_names[10];

/* Draws the pictures in rows of eight under `title`, each with the class predicted: green where it is right, red with
 * the true class below where it is wrong. 0, or -1 with errno set if the PNG cannot be written. */
int demo_write_sheet(const char *path, const char *title, const demo_picture *pictures, size_t count);

#endif
