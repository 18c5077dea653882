/* weights/weight.h: a named trainable tensor, and what may be asked of it: initializer, regularizer, constraint. */
#ifndef CLY_WEIGHTS_WEIGHT_H
#define CLY_WEIGHTS_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "base/spec.h"
#include "device/device.h"

/* The names and arguments, for the spec text of layers.h. */
extern const cly_spec_list cly_weights_initializers;
extern const cly_spec_list cly_weights_regularizers;
extern const cly_spec_list cly_weights_constraints;

typedef struct cly_weights_weight {
    const char *name; /* static: "kernel" */
    clayer_tensor *tensor;
    clayer_tensor *gradient; /* of the last backward pass; NULL until one needs it */
    bool trainable;
    uint64_t drawn; /* the version of the tensor with its first values */
    cly_spec initializer, regularizer, constraint;
} cly_weights_weight;

/* Fills `values` (the product of shape) on the host. Fans as Keras computes them: the last two axes are in and out,
 * those before multiply both. A seed given in the spec makes the values those that Keras on TensorFlow draws for
 * uniform distributions; without one, `seed` is used, so that a run can be repeated. */
clayer_status cly_weights_initialize(const cly_spec *initializer, const clayer_shape *shape, uint64_t seed,
                                     float *values);

/* Creates the tensor on `context` and initialises it. */
clayer_status cly_weights_create(cly_weights_weight *weight, clayer_context *context, const clayer_shape *shape,
                                 uint64_t seed);

/* First values of another seed, where nobody wrote to the tensor since it was made. */
clayer_status cly_weights_redraw(cly_weights_weight *weight, uint64_t seed);
void cly_weights_free(cly_weights_weight *weight);

/* Makes the gradient's tensor if there is none, and gives its memory back; its values are not initialised. */
clayer_status cly_weights_hold_gradient(cly_weights_weight *weight, clayer_context *context);
void cly_weights_drop_gradient(cly_weights_weight *weight);

/* A regularizer's penalty r(w) of a tensor of `shape`, of a weight or of what a layer gave. Adds scale * r(w) to the
 * float at value_offset of `value`, and scale * dr/dw to `gradient`; either NULL: not wanted. Enqueues only. Without a
 * regularizer (entry NULL) nothing is done; CLAYER_INVALID_SHAPE where Keras refuses the shape. */
clayer_status cly_weights_penalty(clayer_context *context, const cly_spec *regularizer, const clayer_shape *shape,
                                  cl_mem w, float scale, cl_mem value, int64_t value_offset, cl_mem gradient,
                                  cl_mem workspace);
uint64_t cly_weights_penalty_workspace_bytes(const clayer_context *context, const cly_spec *regularizer,
                                             const clayer_shape *shape);

/* Puts w back to what the constraint allows, as after an update. Enqueues only; nothing without a constraint.
 * CLAYER_INVALID_SHAPE where an axis is not one of the shape's. */
clayer_status cly_weights_constrain(clayer_context *context, const cly_spec *constraint, const clayer_shape *shape,
                                    cl_mem w, cl_mem workspace);
uint64_t cly_weights_constrain_workspace_bytes(const clayer_context *context, const cly_spec *constraint,
                                               const clayer_shape *shape);

#endif
