/* cli/reference_activation.c: Keras' activations in double precision. Formulas: keras/src/activations/activations.py.
 */
#include <math.h>
#include <string.h>

#include "reference.h"

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double softplus(double x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double relu(double x, const double *a) {
    const double slope = a[0], most = a[1], threshold = a[2];
    double y = threshold != 0 ? (x > threshold ? x : 0) : x < 0 ? 0 : x;
    if (!isinf(most)) {
        y = clip(y, 0, most);
    }
    return slope != 0 && x < threshold ? y - slope * (threshold - x) : y;
}

static double elu(double x, const double *a) {
    return x > 0 ? x : a[0] * expm1(x);
}

static double selu(double x, const double *a) {
    (void)a;
    const double scale = 1.0507009873554804934193349852946, alpha = 1.6732632423543772848170429916717;
    return x > 0 ? scale * x : scale * alpha * expm1(x);
}

static double gelu(double x, const double *a) {
    const double inner = sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
    return a[0] != 0 ? 0.5 * x * (1 + tanh(inner)) : 0.5 * x * erfc(-x / sqrt(2));
}

static double soft_shrink(double x, const double *a) {
    return x > a[0] ? x - a[0] : x < -a[0] ? x + a[0] : 0;
}

static double sparse_plus(double x, const double *a) {
    (void)a;
    return x <= -1 ? 0 : x < 1 ? 0.25 * (x + 1) * (x + 1) : x;
}

/* A function of the value alone, written as one of the value and arguments. */
#define PLAIN(name, expression)                     \
    static double name(double x, const double *a) { \
        (void)a;                                    \
        return (expression);                        \
    }

PLAIN(linear, x)
PLAIN(plain_sigmoid, sigmoid(x))
PLAIN(plain_tanh, tanh(x))
PLAIN(plain_softplus, softplus(x))
PLAIN(softsign, x / (1 + fabs(x)))
PLAIN(exponential, exp(x))
PLAIN(hard_sigmoid, clip(x + 3, 0, 6) / 6)
PLAIN(keras2_hard_sigmoid, clip(0.2 * x + 0.5, 0, 1))
PLAIN(silu, x *sigmoid(x))
PLAIN(relu6, clip(x, 0, 6))
PLAIN(leaky_relu, x < 0 ? a[0] * x : x)
PLAIN(mish, x *tanh(softplus(x)))
PLAIN(hard_silu, x *clip(x + 3, 0, 6) / 6)
PLAIN(hard_tanh, clip(x, -1, 1))
PLAIN(tanh_shrink, x - tanh(x))
PLAIN(hard_shrink, fabs(x) > a[0] ? x : 0)
PLAIN(squareplus, (x + sqrt(x * x + a[0])) / 2)
PLAIN(sparse_sigmoid, clip((x + 1) / 2, 0, 1))
PLAIN(celu, x > 0 ? x : a[0] * expm1(x / a[0]))
PLAIN(log_sigmoid, -softplus(-x))
PLAIN(threshold, x > a[0] ? x : a[1])

static const struct {
    const char *name;
    double (*function)(double x, const double *arguments);
} functions[] = {
    {"linear", linear},
    {"relu", relu},
    {"sigmoid", plain_sigmoid},
    {"tanh", plain_tanh},
    {"elu", elu},
    {"selu", selu},
    {"softplus", plain_softplus},
    {"softsign", softsign},
    {"exponential", exponential},
    {"hard_sigmoid", hard_sigmoid},
    {"keras2_hard_sigmoid", keras2_hard_sigmoid},
    {"silu", silu},
    {"gelu", gelu},
    {"relu6", relu6},
    {"leaky_relu", leaky_relu},
    {"mish", mish},
    {"hard_silu", hard_silu},
    {"hard_tanh", hard_tanh},
    {"tanh_shrink", tanh_shrink},
    {"soft_shrink", soft_shrink},
    {"hard_shrink", hard_shrink},
    {"squareplus", squareplus},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", sparse_sigmoid},
    {"celu", celu},
    {"log_sigmoid", log_sigmoid},
    {"threshold", threshold},
};

bool reference_activate(const reference_activation *activation, double x, double *y_out) {
    const char *name = activation == NULL || activation->name == NULL ? "linear" : activation->name;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            *y_out = functions[i].function(x, activation == NULL ? NULL : activation->arguments);
            return true;
        }
    }
    return false;
}
