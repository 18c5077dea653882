/* ops/activation.c: Keras' activations: names and parameters, the element-by-element operator and softmax.
 * Source of the formulas: keras/src/activations/activations.py and keras/src/backend/tensorflow/nn.py. */
#include "ops/activation.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "ops/range.h"

#define NUMBER(parameter, value) \
    { .name = (parameter), .fallback = (value) }

static const cly_spec_entry entries[] = {
    {CLY_LINEAR, "linear", NULL, NULL, {{0}}},
    {CLY_RELU,
     "relu",
     "ReLU",
     NULL,
     {{.name = "negative_slope", .fallback = 0, .alias = "alpha"},
      NUMBER("max_value", INFINITY),
      NUMBER("threshold", 0)}},
    {CLY_SIGMOID, "sigmoid", NULL, NULL, {{0}}},
    {CLY_TANH, "tanh", NULL, NULL, {{0}}},
    {CLY_ELU, "elu", "ELU", NULL, {NUMBER("alpha", 1)}},
    {CLY_SELU, "selu", NULL, NULL, {{0}}},
    {CLY_SOFTPLUS, "softplus", NULL, NULL, {{0}}},
    {CLY_SOFTSIGN, "softsign", NULL, NULL, {{0}}},
    {CLY_EXPONENTIAL, "exponential", NULL, NULL, {{0}}},
    {CLY_HARD_SIGMOID, "hard_sigmoid", NULL, NULL, {{0}}},
    {CLY_KERAS2_HARD_SIGMOID, "keras2_hard_sigmoid", NULL, NULL, {{0}}},
    {CLY_SILU, "silu", NULL, "swish", {{0}}},
    {CLY_GELU, "gelu", NULL, NULL, {{.name = "approximate", .kind = CLY_SPEC_BOOL}}},
    {CLY_RELU6, "relu6", NULL, NULL, {{0}}},
    {CLY_LEAKY_RELU, "leaky_relu", "LeakyReLU", NULL, {{.name = "negative_slope", .fallback = 0.2, .alias = "alpha"}}},
    {CLY_MISH, "mish", NULL, NULL, {{0}}},
    {CLY_HARD_SILU, "hard_silu", NULL, "hard_swish", {{0}}},
    {CLY_HARD_TANH, "hard_tanh", NULL, NULL, {{0}}},
    {CLY_TANH_SHRINK, "tanh_shrink", NULL, NULL, {{0}}},
    {CLY_SOFT_SHRINK, "soft_shrink", NULL, NULL, {NUMBER("threshold", 0.5)}},
    {CLY_HARD_SHRINK, "hard_shrink", NULL, NULL, {NUMBER("threshold", 0.5)}},
    {CLY_SQUAREPLUS, "squareplus", NULL, NULL, {NUMBER("b", 4)}},
    {CLY_SPARSE_PLUS, "sparse_plus", NULL, NULL, {{0}}},
    {CLY_SPARSE_SIGMOID, "sparse_sigmoid", NULL, NULL, {{0}}},
    {CLY_CELU, "celu", NULL, NULL, {NUMBER("alpha", 1)}},
    {CLY_LOG_SIGMOID, "log_sigmoid", NULL, NULL, {{0}}},
    {CLY_THRESHOLD,
     "threshold",
     NULL,
     NULL,
     {NUMBER("threshold", 0), {.name = "default_value", .fallback = 0, .alias = "value"}}},
    {CLY_SOFTMAX, "softmax", NULL, NULL, {{0}}},
    {CLY_LOG_SOFTMAX, "log_softmax", NULL, NULL, {{0}}},
    {CLY_SPARSEMAX, "sparsemax", NULL, NULL, {{0}}},
};

const cly_spec_list cly_ops_activations = {.what = "activation", .entries = entries, .count = CLY_COUNT(entries)};

cly_ops_activation cly_ops_activation_from_spec(const cly_spec *spec) {
    cly_ops_activation activation = {.id = CLY_LINEAR};
    if (spec->entry != NULL) {
        activation.id = (cly_ops_activation_id)spec->entry->id;
        for (size_t i = 0; i < CLY_COUNT(activation.parameters); i++) {
            activation.parameters[i] = (float)spec->values[i];
        }
    }
    return activation;
}

void cly_ops_activation_options(const cly_ops_activation *activation, char *options, size_t capacity) {
    const float *p = activation->parameters;
    const bool plain = activation->id == CLY_RELU && p[0] == 0.0f && p[1] == INFINITY && p[2] == 0.0f;
    snprintf(options, capacity, "-DACTIVATION=%d%s", (int)activation->id, plain ? " -DPLAIN" : "");
}

/* ---- the element-by-element operator ---- */

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

static clayer_status run_activation(clayer_context *context, const cly_ops_activation_shape *shape,
                                    const cl_mem *operands, cly_launch *launch, cly_arg each) {
    const float *p = shape->activation.parameters;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, &shape->activation, shape->count, options);
    launch->program = "activation";
    launch->options = options;
    return cly_device_run(context, launch, CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(shape->count),
                          each, CLY_FLOAT4(p[0], p[1], p[2], p[3]));
}

static clayer_status run_vector(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_activation_shape *s = shape;
    cly_launch launch = {.kernel = "activation_vector"};
    const cly_arg each = cly_ops_span(context, s->count, &launch);
    return run_activation(context, s, operands, &launch, each);
}

static clayer_status run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                   cl_mem workspace) {
    (void)workspace;
    const cly_ops_activation_shape *s = shape;
    cly_launch launch = {.kernel = "activation_reference"};
    cly_ops_each(context, s->count, &launch);
    return run_activation(context, s, operands, &launch, CLY_LONG(1));
}

static const cly_ops_implementation implementations[] = {
    {.name = "vector", .cost = vector_cost, .run = run_vector},
    {.name = "reference", .cost = reference_cost, .run = run_reference},
    {0},
};

const cly_ops_operator cly_ops_activation_operator = {.name = "activation", .implementations = implementations};

/* ---- softmax ---- */

static clayer_status run_softmax(clayer_context *context, const void *shape, const cl_mem *operands, cl_mem workspace) {
    (void)workspace;
    const cly_ops_softmax_shape *s = shape;
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, s->outer * s->inner, options);
    cly_launch launch = {.program = "activation",
                         .options = options,
                         .kernel = s->id == CLY_SPARSEMAX ? "sparsemax_reference" : "softmax_reference"};
    cly_ops_each(context, s->outer * s->inner, &launch);
    const cly_arg args[] = {CLY_BUFFER(operands[0]), CLY_BUFFER(operands[1]), CLY_LONG(s->outer),
                            CLY_INT(s->axis),        CLY_LONG(s->inner),      CLY_INT(s->id == CLY_LOG_SOFTMAX)};
    return cly_device_launch(context, &launch, args, CLY_COUNT(args) - (s->id == CLY_SPARSEMAX ? 1 : 0));
}

static const cly_ops_implementation softmax_implementations[] = {
    {.name = "rows", .cost = cly_ops_softmax_rows_cost, .run = cly_ops_softmax_rows_run},
    {.name = "reference", .cost = reference_cost, .run = run_softmax},
    {0},
};

const cly_ops_operator cly_ops_softmax_operator = {.name = "softmax", .implementations = softmax_implementations};
