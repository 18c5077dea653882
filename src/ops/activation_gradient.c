/* ops/activation_gradient.c: gradients of the activations, element by element, and of softmax and its kin. Source: the
 * gradients that TensorFlow gives Keras' expressions, keras/src/activations/activations.py. */
#include <math.h>

#include "base/memory.h"
#include "ops/activation.h"
#include "ops/range.h"

/* kernels_cl/activation_gradient.cl has the formulas that this goes with. */
bool cly_ops_activation_needs_input(const cly_ops_activation *activation) {
    const float *p = activation->parameters;
    switch (activation->id) {
        case CLY_RELU: /* beyond a clip x tells more than y; a slope below 0 folds y over */
            return p[2] != 0 || p[0] < 0 || !(isinf(p[1]) || (p[1] == 6 && p[0] == 0));
        case CLY_LEAKY_RELU:
        case CLY_ELU:
            return p[0] < 0;
        case CLY_KERAS2_HARD_SIGMOID:
        case CLY_HARD_TANH: /* clips, which let their limits through */
        case CLY_SILU:
        case CLY_GELU:
        case CLY_MISH:
        case CLY_HARD_SILU:
        case CLY_TANH_SHRINK:
        case CLY_THRESHOLD:
        case CLY_SPARSEMAX:
            return true;
        case CLY_LINEAR:
        case CLY_SIGMOID:
        case CLY_TANH:
        case CLY_SELU:
        case CLY_SOFTPLUS:
        case CLY_SOFTSIGN:
        case CLY_EXPONENTIAL:
        case CLY_HARD_SIGMOID:
        case CLY_RELU6:
        case CLY_SOFT_SHRINK:
        case CLY_HARD_SHRINK:
        case CLY_SQUAREPLUS:
        case CLY_SPARSE_PLUS:
        case CLY_SPARSE_SIGMOID:
        case CLY_CELU:
        case CLY_LOG_SIGMOID:
        case CLY_SOFTMAX:
        case CLY_LOG_SOFTMAX:
        case CLY_ELEMENTWISE_COUNT:
            break;
    }
    return false;
}

static double vector_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 1;
}

static double reference_cost(const clayer_context *context, const void *shape) {
    (void)context;
    (void)shape;
    return 2;
}

static clayer_status run(clayer_context *context, const cly_ops_activation_shape *s, const cl_mem *operands,
                         cly_launch *launch, cly_arg each) {
    const float *p = s->activation.parameters;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &s->activation, s->count, options);
    launch->program = "activation_gradient";
    launch->options = options;
    return cly_device_run(context, launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),
                          CLY_LONG(s->count), each, CLY_FLOAT4(p[0], p[1], p[2], p[3]));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_activation_shape *s = shape;
    cly_launch launch = {.kernel = "activation_gradient_vector"};
    const cly_arg each = cly_ops_span(context, s->count, &launch);
    return run(context, s, operands, &launch, each);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_activation_shape *s = shape;
    cly_launch launch = {.kernel = "activation_gradient_reference"};
    cly_ops_each(context, s->count, &launch);
    return run(context, s, operands, &launch, CLY_LONG(1));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_activation_gradient_operator = {.name = "activation_gradient",
                                                               .implementations = implementations};

/* ---- softmax ---- */

static clayer_status run_softmax(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_softmax_shape *s = shape;
    const cly_ops_activation none = {.id = CLY_LINEAR};
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &none, s->outer * s->axis * s->inner, options);
    cly_launch launch = {
        .program = "activation_gradient",
        .options = options,
        .kernel = s->id == CLY_SPARSEMAX ? "sparsemax_gradient_reference" : "softmax_gradient_reference"};
    cly_ops_each(context, s->outer * s->inner, &launch);
    const cly_arg args[] = {
        CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_BUFFER(operands[2]),          CLY_LONG(s->outer),
        CLY_INT(s->axis),        CLY_LONG(s->inner),      CLY_INT(s->id == CLY_LOG_SOFTMAX)};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args) - (s->id == CLY_SPARSEMAX ? 1 : 0));
}

static const cly_ops_implementation softmax_implementations[] = {
    {.name = "rows", .cost = cly_ops_softmax_rows_cost, .run = cly_ops_softmax_rows_gradient_run},
    {.name = "reference", .cost = reference_cost, .run = run_softmax},
    {0},
};

const cly_ops_operator cly_ops_softmax_gradient_operator = {.name = "softmax_gradient",
                                                            .implementations = softmax_implementations};
