/* ops/activation_cases.c: the table, and values to try. */
#include "ops/activation_cases.h"

#include <check.h>
#include <math.h>

#include "base/memory.h"

const activation_case activation_cases[] = {
    {"linear", "linear", {0}},
    {"relu", "relu", {0, INFINITY, 0}},
    {"relu(max_value=2.5)", "relu", {0, 2.5, 0}},
    {"relu(negative_slope=0.25)", "relu", {0.25, INFINITY, 0}},
    {"relu(0.25, 3, 1)", "relu", {0.25, 3, 1}},
    {"relu(threshold=-1)", "relu", {0, INFINITY, -1}},
    {"sigmoid", "sigmoid", {0}},
    {"tanh", "tanh", {0}},
    {"elu", "elu", {1}},
    {"elu(alpha=0.5)", "elu", {0.5}},
    {"selu", "selu", {0}},
    {"softplus", "softplus", {0}},
    {"softsign", "softsign", {0}},
    {"exponential", "exponential", {0}},
    {"hard_sigmoid", "hard_sigmoid", {0}},
    {"keras2_hard_sigmoid", "keras2_hard_sigmoid", {0}},
    {"silu", "silu", {0}},
    {"swish", "silu", {0}},
    {"gelu", "gelu", {0}},
    {"gelu(approximate=True)", "gelu", {1}},
    {"relu6", "relu6", {0}},
    {"leaky_relu", "leaky_relu", {0.2}},
    {"LeakyReLU(alpha=0.5)", "leaky_relu", {0.5}},
    {"mish", "mish", {0}},
    {"hard_silu", "hard_silu", {0}},
    {"hard_swish", "hard_silu", {0}},
    {"hard_tanh", "hard_tanh", {0}},
    {"tanh_shrink", "tanh_shrink", {0}},
    {"soft_shrink", "soft_shrink", {0.5}},
    {"hard_shrink(1)", "hard_shrink", {1}},
    {"squareplus", "squareplus", {4}},
    {"squareplus(b=0.5)", "squareplus", {0.5}},
    {"sparse_plus", "sparse_plus", {0}},
    {"sparse_sigmoid", "sparse_sigmoid", {0}},
    {"celu(alpha=2)", "celu", {2}},
    {"log_sigmoid", "log_sigmoid", {0}},
    {"threshold(0.5, -3)", "threshold", {0.5, -3}},
};

const size_t activation_case_count = CLY_COUNT(activation_cases);

cly_ops_activation activation_case_parse(const activation_case *c) {
    cly_spec spec;
    ck_assert_msg(cly_base_spec_parse(&cly_ops_activations, c->text, &spec) == CLAYER_OK, "%s", clayer_last_error());
    return cly_ops_activation_from_spec(&spec);
}

float *activation_case_values(test_random *random, int64_t count) {
    static const float corners[] = {0,  -0.0f, 1,  -1,  2.5f,  -2.5f,  3,     -3,     6,      -6,
                                    20, -20,   80, -80, 1e-3f, -1e-3f, 1e-8f, -1e-8f, 1e-20f, -1e-20f};
    float *x = test_random_floats(random, count, -10, 10);
    for (int64_t i = 0; i < count; i++) {
        if (i < (int64_t)CLY_COUNT(corners)) {
            x[i] = corners[i];
        } else if (i % 3 == 0) {
            x[i] *= 0.1f;
        }
    }
    return x;
}
