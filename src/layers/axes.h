/* layers/axes.h: one axis or several of an input as the middle of (outer, axis, inner), turned there where need be. */
#ifndef CLY_LAYERS_AXES_H
#define CLY_LAYERS_AXES_H

#include "layers/layer.h"

/* The axes (from the end where negative) that `listed` then says of each axis of `shape`; CLAYER_INVALID_SHAPE outside
 * it and where one is named twice. */
clayer_status cly_layers_expect_axes(const clayer_layer *layer, const clayer_shape *axes, const clayer_shape *shape,
                                     bool listed[CLAYER_MAX_RANK]);

/* A tensor of known sizes as (outer, axis, inner), where axis is the product of the listed ones. */
typedef struct cly_layers_axes_view {
    clayer_shape shape; /* as it lies */
    int64_t outer, axis, inner;
    bool moved; /* the listed axes are apart: the tensor is turned first, they come last and inner is 1 */
    int permutation[CLAYER_MAX_RANK];
} cly_layers_axes_view;
clayer_status cly_layers_view_axes(const clayer_layer *layer, const clayer_shape *axes, const clayer_shape *shape,
                                   cly_layers_axes_view *view_out);

/* Appends a turn from x to y, `back`: the other way. Temporaries get their bytes. */
clayer_status cly_layers_plan_turn(const cly_layers_axes_view *view, cly_ops_place x, cly_ops_place y, bool back,
                                   cly_ops_steps *steps);
/* Where the view is moved: turns what lies at *place into the temporary, which *place then names. Else nothing. */
clayer_status cly_layers_turn_in(const cly_layers_axes_view *view, cly_ops_place *place, int temporary,
                                 cly_ops_steps *steps);
/* Where the view is moved: turns the temporary back to `place`. Else nothing: the result was written there. */
clayer_status cly_layers_turn_out(const cly_layers_axes_view *view, int temporary, cly_ops_place place,
                                  cly_ops_steps *steps);

#endif
