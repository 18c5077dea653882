/* ops/activation.h: y = f(x) element by element, alone or as the last step of another operator; softmax on an axis.
 *
 * kernels_cl/common.h holds the same numbering: kernels are compiled with -DACTIVATION=<id> and take the parameters
 * as a float4. */
#ifndef CLY_OPS_ACTIVATION_H
#define CLY_OPS_ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spec.h"
#include "ops/operator.h"

typedef enum cly_ops_activation_id {
    CLY_LINEAR = 0,
    CLY_RELU, /* parameters: negative_slope, max_value (INFINITY: none), threshold */
    CLY_SIGMOID,
    CLY_TANH,
    CLY_ELU, /* alpha */
    CLY_SELU,
    CLY_SOFTPLUS,
    CLY_SOFTSIGN,
    CLY_EXPONENTIAL,
    CLY_HARD_SIGMOID,        /* relu6(x + 3) / 6 */
    CLY_KERAS2_HARD_SIGMOID, /* clip(0.2 x + 0.5, 0, 1) */
    CLY_SILU,
    CLY_GELU, /* 1: the tanh approximation, 0: erf */
    CLY_RELU6,
    CLY_LEAKY_RELU, /* negative_slope */
    CLY_MISH,
    CLY_HARD_SILU,
    CLY_HARD_TANH,
    CLY_TANH_SHRINK,
    CLY_SOFT_SHRINK, /* threshold */
    CLY_HARD_SHRINK, /* threshold */
    CLY_SQUAREPLUS,  /* b */
    CLY_SPARSE_PLUS,
    CLY_SPARSE_SIGMOID,
    CLY_CELU, /* alpha */
    CLY_LOG_SIGMOID,
    CLY_THRESHOLD, /* threshold, value */
    CLY_ELEMENTWISE_COUNT,
    /* over an axis: not element by element, so run as an operator of its own after the one they belong to */
    CLY_SOFTMAX = 100,
    CLY_LOG_SOFTMAX,
    CLY_SPARSEMAX
} cly_ops_activation_id;

/* The names and parameters, for the spec text of layers.h. */
extern const cly_spec_list cly_ops_activations;

typedef struct cly_ops_activation {
    cly_ops_activation_id id; /* 0: linear */
    float parameters[4];
} cly_ops_activation;

/* From a parsed spec (entry NULL: linear). */
cly_ops_activation cly_ops_activation_from_spec(const cly_spec *spec);
static inline bool cly_ops_activation_is_elementwise(const cly_ops_activation *activation) {
    return activation->id < CLY_ELEMENTWISE_COUNT;
}

/* "-DACTIVATION=3" and what else kernels with a fused activation need (-DPLAIN: a ReLU without arguments); at least 64
 * bytes at `options`. */
void cly_ops_activation_options(const cly_ops_activation *activation, char *options, size_t capacity);

/* y = f(x). Operands: 0 x, 1 y (may be x). */
typedef struct cly_ops_activation_shape {
    int64_t count;
    cly_ops_activation activation;
} cly_ops_activation_shape;
extern const cly_ops_operator cly_ops_activation_operator; /* "activation" */

/* Softmax, log_softmax or sparsemax over the middle of (outer, axis, inner). Operands: 0 x, 1 y (may be x). */
typedef struct cly_ops_softmax_shape {
    int64_t outer, axis, inner;
    cly_ops_activation_id id;
} cly_ops_softmax_shape;
extern const cly_ops_operator cly_ops_softmax_operator; /* "softmax" */

/* ---- gradients ---- */

/* True where the gradient is made from x (silu, gelu, sparsemax, ...), false where y is enough and x need not be kept
 * (the relu family, sigmoid, tanh, softmax, ...). For every id. */
bool cly_ops_activation_needs_input(const cly_ops_activation *activation);

/* dx = dy * f'(x), at kinks what TensorFlow's gradients give. The shape is that of "activation". Operands: 0 x if
 * cly_ops_activation_needs_input, else y; 1 dy; 2 dx (may be dy). */
extern const cly_ops_operator cly_ops_activation_gradient_operator; /* "activation_gradient" */

/* dx of "softmax", whose shape it has. Operands: 0 y, but x for sparsemax (as cly_ops_activation_needs_input says),
 * 1 dy, 2 dx (may be dy). */
extern const cly_ops_operator cly_ops_softmax_gradient_operator; /* "softmax_gradient" */

/* "rows" of the two softmax operators (softmax_rows.c). */
double cly_ops_softmax_rows_cost(const clayer_context *context, const void *shape);
clayer_status cly_ops_softmax_rows_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                       cl_mem workspace);
clayer_status cly_ops_softmax_rows_gradient_run(clayer_context *context, const void *shape, const cl_mem *operands,
                                                cl_mem workspace);

#endif
