/* layers/arithmetic.h: broadcasting and the steps of functions of two tensors, which merging layers and operations on
 * tensors share. */
#ifndef CLY_LAYERS_ARITHMETIC_H
#define CLY_LAYERS_ARITHMETIC_H

#include "layers/layer.h"

/* The shape of a + b, both of one rank; false where they do not fit. With `same_batch` axis 0 must be equal; elsewhere
 * 1 repeats. An unknown size is at least the known one, unless that is 1. */
bool cly_layers_broadcast(const clayer_shape *a, const clayer_shape *b, bool same_batch, clayer_shape *sum_out);

/* Axes of 1 until the rank is `rank`: at the front as NumPy has it, or as Keras' merging layers behind the batch. */
clayer_shape cly_layers_expand_shape(const clayer_shape *shape, int rank, bool behind_batch);

/* What a function is applied to: a tensor of the output's rank, or a number. */
typedef struct cly_layers_operand {
    cly_ops_place place;
    cl_mem constant; /* what CLY_CONSTANT means */
    clayer_shape shape;
    bool is_scalar;
    float scalar;
} cly_layers_operand;

static inline cly_layers_operand cly_layers_tensor(cly_ops_place place, const clayer_shape *shape) {
    return (cly_layers_operand){.place = place, .shape = *shape};
}

static inline cly_layers_operand cly_layers_number(double value) {
    return (cly_layers_operand){.is_scalar = true, .scalar = (float)value};
}

/* Appends y = f(a, b); b NULL for a function of a alone. One of them at least is a tensor. step_out may be NULL: for
 * limits. Dividing by a number multiplies. */
clayer_status cly_layers_plan_function(cly_ops_steps *steps, cly_ops_function function, const cly_layers_operand *a,
                                       const cly_layers_operand *b, cly_ops_place y, const clayer_shape *y_shape,
                                       cly_ops_step **step_out);

/* Appends the gradient of that by a (of = 0) or b (of = 1), of the operand's shape, at `target`. limits: of a clip,
 * else NULL. CLY_TEMPORARY 1 holds what has yet to be added up. */
clayer_status cly_layers_plan_function_gradient(cly_ops_steps *steps, cly_ops_function function,
                                                const cly_layers_operand *a, const cly_layers_operand *b,
                                                const float *limits, int of, cly_ops_place dy,
                                                const clayer_shape *y_shape, cly_ops_place target);

/* Appends target = source / divisor, or the sums of what was repeated from `to` to `from`; same shape: copied. */
clayer_status cly_layers_plan_sum(cly_ops_steps *steps, cly_ops_place source, const clayer_shape *from,
                                  cly_ops_place target, const clayer_shape *to, float divisor);

/* A temporary that is at least `bytes` large. */
cly_ops_place cly_layers_temporary(cly_ops_steps *steps, int index, uint64_t bytes);

#endif
