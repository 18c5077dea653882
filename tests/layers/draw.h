/* layers/draw.h: random layers that are linear in their inputs, with inputs that fit them. */
#ifndef TEST_LAYERS_DRAW_H
#define TEST_LAYERS_DRAW_H

#include "layers/layer.h"
#include "support/random.h"

/* Classes that test_draw_linear knows, numbered from 0. */
extern const int test_linear_kinds;

/* Makes a layer of class `kind` and the shapes of its inputs, at most 8; gives how many there are. */
size_t test_draw_linear(test_random *random, int kind, clayer_layer **layer_out, clayer_shape shapes[8]);

#endif
