/* layers/axes.c: layers that act over a list of axes. Where the listed axes do not lie side by side the tensor is
 * turned so that they come last, in their order, and turned back after. Keras:
 * keras/src/backend/common/backend_utils.py. */
#include <string.h>

#include "base/memory.h"
#include "layers/axes.h"

clayer_status cly_layers_expect_axes(const clayer_layer *layer, const clayer_shape *axes, const clayer_shape *shape,
                                     bool listed[CLAYER_MAX_RANK]) {
    clayer_status status = CLAYER_OK;
    char text[CLY_LAYERS_SHAPE_TEXT];
    bool found[CLAYER_MAX_RANK] = {false};
    for (int i = 0; i < axes->rank; i++) {
        int axis = 0;
        CLY_TRY(cly_layers_expect_axis(layer, axes->dims[i], shape, &axis));
        if (found[axis]) {
            status = cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis lists axis %d of the input %s twice", axis,
                                     cly_layers_shape_text(shape, text, sizeof(text)));
            goto done;
        }
        found[axis] = true;
    }
    memcpy(listed, found, sizeof(found));
done:
    return status;
}

clayer_status cly_layers_view_axes(const clayer_layer *layer, const clayer_shape *axes, const clayer_shape *shape,
                                   cly_layers_axes_view *view_out) {
    clayer_status status = CLAYER_OK;
    cly_layers_axes_view view = {.shape = *shape, .outer = 1, .axis = 1, .inner = 1};
    bool listed[CLAYER_MAX_RANK];
    CLY_TRY(cly_layers_expect_axes(layer, axes, shape, listed));
    for (int i = 0; i < shape->rank; i++) {
        const int64_t size = shape->dims[i];
        if (size == 1) {
            continue; /* lies wherever it suits */
        }
        if (!listed[i]) {
            *(view.axis > 1 ? &view.inner : &view.outer) *= size;
        } else {
            view.moved = view.moved || view.inner > 1;
            view.axis *= size;
        }
    }
    if (view.moved) {
        int place = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < shape->rank; i++) {
                if (listed[i] == (pass == 1)) {
                    view.permutation[place++] = i;
                }
            }
        }
        view.outer *= view.inner;
        view.inner = 1;
    }
    *view_out = view;
done:
    return status;
}

clayer_status cly_layers_plan_turn(const cly_layers_axes_view *view, cly_ops_place x, cly_ops_place y, bool back,
                                   cly_ops_steps *steps) {
    clayer_status status = CLAYER_OK;
    cly_ops_step *step = NULL;
    CLY_TRY(cly_ops_steps_add(steps, &cly_ops_transpose_operator, &step));
    cly_ops_transpose_shape *s = &step->shape.transpose;
    s->x = view->shape;
    for (int i = 0; i < view->shape.rank; i++) {
        const int from = view->permutation[i];
        if (back) {
            s->x.dims[i] = view->shape.dims[from];
            s->permutation[from] = i;
        } else {
            s->permutation[i] = from;
        }
    }
    step->operands[0] = x;
    step->operands[1] = y;
    for (int i = 0; i < 2; i++) {
        const cly_ops_place *place = i == 0 ? &x : &y;
        if (place->kind == CLY_TEMPORARY) {
            steps->temporary_bytes[place->index] = cly_layers_bytes(&view->shape);
        }
    }
done:
    return status;
}

clayer_status cly_layers_turn_in(const cly_layers_axes_view *view, cly_ops_place *place, int temporary,
                                 cly_ops_steps *steps) {
    if (!view->moved) {
        return CLAYER_OK;
    }
    const cly_ops_place turned = CLY_PLACE(CLY_TEMPORARY, temporary);
    const clayer_status status = cly_layers_plan_turn(view, *place, turned, false, steps);
    *place = turned;
    return status;
}

clayer_status cly_layers_turn_out(const cly_layers_axes_view *view, int temporary, cly_ops_place place,
                                  cly_ops_steps *steps) {
    return view->moved ? cly_layers_plan_turn(view, CLY_PLACE(CLY_TEMPORARY, temporary), place, true, steps)
                       : CLAYER_OK;
}
