/* cli/reference_positions.h: where elements lie, for the files of the reference. */
#ifndef REFERENCE_POSITIONS_H
#define REFERENCE_POSITIONS_H

#include <math.h>

#include "reference.h"

static inline int64_t reference_product(const int64_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

/* The position-th element of three axes. */
static inline void reference_split(int64_t position, const int64_t sizes[3], int64_t at[3]) {
    at[2] = position % sizes[2];
    at[1] = position / sizes[2] % sizes[1];
    at[0] = position / sizes[2] / sizes[1];
}

/* False where `at` lies outside. */
static inline bool reference_join(const int64_t at[3], const int64_t sizes[3], int64_t *position_out) {
    for (int i = 0; i < 3; i++) {
        if (at[i] < 0 || at[i] >= sizes[i]) {
            return false;
        }
    }
    *position_out = (at[0] * sizes[1] + at[1]) * sizes[2] + at[2];
    return true;
}

static inline int64_t reference_element(bool channels_first, int64_t image, int64_t pixel, int64_t pixels,
                                        int64_t channel, int64_t channels) {
    return channels_first ? (image * channels + channel) * pixels + pixel
                          : (image * pixels + pixel) * channels + channel;
}

/* The position of `in` that tap `tap` of output position `o` looks at; false in the padding. */
static inline bool reference_tap_position(const reference_conv_shape *s, int64_t o, int64_t tap,
                                          int64_t *position_out) {
    int64_t at[3], k[3];
    reference_split(o, s->out, at);
    reference_split(tap, s->kernel, k);
    for (int i = 0; i < 3; i++) {
        at[i] = at[i] * s->stride[i] - s->pad[i] + k[i] * s->dilation[i];
    }
    return reference_join(at, s->in, position_out);
}

/* The two neighbours of output o and the weight of the upper one. */
static inline double reference_neighbours(int64_t o, int64_t in, int64_t out, int64_t *low, int64_t *high) {
    const double position = ((double)o + 0.5) * (double)in / (double)out - 0.5;
    const double below = floor(position);
    *low = below < 0 ? 0 : (int64_t)below;
    *high = (int64_t)below + 1 < in ? (int64_t)below + 1 : in - 1;
    return position - below;
}

#endif
