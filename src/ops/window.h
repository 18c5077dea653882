/* ops/window.h: a window on a tensor that may reach over its edges: zero padding and cropping are one operator.
 *
 * Tensors here and in resize.h and pool.h are (outer, in[0], in[1], in[2], inner): channels_last has inner = C and
 * outer = N, channels_first outer = N * C and inner = 1. Lower ranks have leading ones. */
#ifndef CLY_OPS_WINDOW_H
#define CLY_OPS_WINDOW_H

#include <stdint.h>

#include "ops/operator.h"

/* y[o] = x[o - before] where that lies inside, else 0: before > 0 pads, before < 0 crops. Its gradient is the operator
 * itself with in and out exchanged and before negated. Operands: 0 x, 1 y. */
typedef struct cly_ops_window_shape {
    int64_t outer, inner;
    int64_t in[3], out[3];
    int64_t before[3];
} cly_ops_window_shape;
extern const cly_ops_operator cly_ops_window_operator; /* "window": "vector", "reference" */

#endif
