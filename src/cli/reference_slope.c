/* cli/reference_slope.c: the derivatives of Keras' activations in double precision, at kinks as TensorFlow's gradients
 * have them. */
#include <math.h>
#include <string.h>

#include "reference.h"

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double relu(double x, const double *a) {
    const double slope = a[0], most = a[1], threshold = a[2];
    if (threshold == 0 && isinf(most)) {
        return x > 0 ? 1 : slope;
    }
    double result = x > threshold ? 1 : 0;
    if (!isinf(most)) { /* a clip lets its limits through, relu6 does not */
        result = x < 0 || x > most || (x == most && most == 6 && threshold == 0) ? 0 : result;
    }
    return result + (x < threshold ? slope : 0);
}

static double elu(double x, const double *a) {
    return x > 0 ? 1 : a[0] * exp(x);
}

static double selu(double x, const double *a) {
    (void)a;
    const double scale = 1.0507009873554804934193349852946, alpha = 1.6732632423543772848170429916717;
    return x < 0 ? scale * alpha * exp(x) : scale;
}

static double gelu(double x, const double *a) {
    const double pi = 3.14159265358979323846;
    if (a[0] == 0) {
        return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * pi);
    }
    const double t = tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x);
}

static double mish(double x, const double *a) {
    (void)a;
    const double t = tanh((x > 0 ? x : 0) + log1p(exp(-fabs(x))));
    return t + x * (1 - t * t) * sigmoid(x);
}

/* A function of the value alone, written as one of the value and arguments. */
#define PLAIN(name, expression)                     \
    static double name(double x, const double *a) { \
        (void)a;                                    \
        return (expression);                        \
    }

static double linear(double x, const double *a) {
    (void)x, (void)a;
    return 1;
}

PLAIN(plain_sigmoid, sigmoid(x) * sigmoid(-x))
PLAIN(plain_tanh, 1 / (cosh(x) * cosh(x)))
PLAIN(softplus, sigmoid(x))
PLAIN(softsign, 1 / ((1 + fabs(x)) * (1 + fabs(x))))
PLAIN(exponential, exp(x))
PLAIN(hard_sigmoid, x > -3 && x < 3 ? 1.0 / 6 : 0)
PLAIN(keras2_hard_sigmoid, x >= -2.5 && x <= 2.5 ? 0.2 : 0)
PLAIN(silu, sigmoid(x) + x * sigmoid(x) * sigmoid(-x))
PLAIN(relu6, x > 0 && x < 6 ? 1 : 0)
PLAIN(leaky_relu, x > 0 ? 1 : a[0])
PLAIN(hard_silu, x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1)
PLAIN(hard_tanh, x >= -1 && x <= 1 ? 1 : 0)
PLAIN(tanh_shrink, tanh(x) * tanh(x))
PLAIN(soft_shrink, fabs(x) > a[0] ? 1 : 0)
PLAIN(hard_shrink, fabs(x) > a[0] ? 1 : 0)
PLAIN(squareplus, (1 + x / sqrt(x * x + a[0])) / 2)
PLAIN(sparse_plus, x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1)
PLAIN(sparse_sigmoid, x > -1 && x < 1 ? 0.5 : 0)
PLAIN(celu, (x >= 0 ? 1 : 0) + (x <= 0 ? exp(x / a[0]) : 0)) /* both at 0: Keras writes it as a sum */
PLAIN(log_sigmoid, sigmoid(-x))
PLAIN(threshold, x > a[0] ? 1 : 0)

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
    {"softplus", softplus},
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

bool reference_activation_slope(const reference_activation *activation, double x, double *slope_out) {
    const char *name = activation == NULL || activation->name == NULL ? "linear" : activation->name;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            *slope_out = functions[i].function(x, activation == NULL ? NULL : activation->arguments);
            return true;
        }
    }
    return false;
}
