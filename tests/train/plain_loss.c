/* train/plain_loss.c: the definitions of Keras' losses, in double. */
#include "train/plain_loss.h"

#include <math.h>

#define EPSILON 1e-7

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

/* Sums of one term an element. */
static double pointwise(const cly_spec *loss, int generation, bool logits, bool binary, double p, double t) {
    const double e = p - t, delta = cly_base_spec_get(loss, "delta");
    const double smoothing = cly_base_spec_get(loss, "label_smoothing"), sign = binary ? 2.0 * t - 1.0 : t;
    switch ((cly_train_loss_id)loss->entry->id) {
        case CLY_MEAN_SQUARED_ERROR:
            return e * e;
        case CLY_MEAN_ABSOLUTE_ERROR:
            return fabs(e);
        case CLY_MEAN_ABSOLUTE_PERCENTAGE_ERROR:
            return 100.0 * fabs(e) / fmax(fabs(t), EPSILON);
        case CLY_MEAN_SQUARED_LOGARITHMIC_ERROR:
            return pow(log((fmax(p, EPSILON) + 1.0) / (fmax(t, EPSILON) + 1.0)), 2.0);
        case CLY_SQUARED_HINGE:
            return pow(fmax(1.0 - sign * p, 0.0), 2.0);
        case CLY_HINGE:
            return fmax(1.0 - sign * p, 0.0);
        case CLY_LOG_COSH:
            return log(cosh(e));
        case CLY_HUBER:
            return fabs(e) <= delta ? 0.5 * e * e : delta * fabs(e) - 0.5 * delta * delta;
        case CLY_POISSON:
            return p - t * log(p + EPSILON);
        case CLY_KL_DIVERGENCE:
            t = clip(t, EPSILON, 1.0);
            return t * log(t / clip(p, EPSILON, 1.0));
        default: {
            const double more = generation == 2 && !logits ? EPSILON : 0.0;
            const double o = logits ? sigmoid(p) : clip(p, EPSILON, 1.0 - EPSILON);
            t = t * (1.0 - smoothing) + 0.5 * smoothing;
            return -(t * log(o + more) + (1.0 - t) * log(1.0 - o + more));
        }
    }
}

static double crossentropy(const cly_spec *loss, bool logits, const double *p, const double *t, int n) {
    const bool sparse = loss->entry->id == CLY_SPARSE_CATEGORICAL_CROSSENTROPY;
    const double smoothing = sparse ? 0.0 : cly_base_spec_get(loss, "label_smoothing");
    double sum = 0.0, value = 0.0;
    for (int j = 0; j < n; j++) {
        sum += logits ? exp(p[j]) : sparse ? clip(p[j], EPSILON, 1.0 - EPSILON) : p[j];
    }
    for (int j = 0; j < n; j++) {
        const double target = sparse ? (double)(j == (int)t[0]) : t[j] * (1.0 - smoothing) + smoothing / n;
        value -= target * (logits ? p[j] - log(sum) : log(clip(p[j] / sum, EPSILON, 1.0 - EPSILON)));
    }
    return value;
}

double plain_loss(const cly_spec *loss, int generation, bool logits, bool binary, const double *p, const double *t,
                  int n) {
    double sum = 0.0, most = -INFINITY, squares_p = 0.0, squares_t = 0.0;
    switch ((cly_train_loss_id)loss->entry->id) {
        case CLY_CATEGORICAL_CROSSENTROPY:
        case CLY_SPARSE_CATEGORICAL_CROSSENTROPY:
            return crossentropy(loss, logits, p, t, n);
        case CLY_CATEGORICAL_HINGE:
            for (int j = 0; j < n; j++) {
                sum += t[j] * p[j];
                most = fmax(most, (1.0 - t[j]) * p[j]);
            }
            return fmax(most - sum + 1.0, 0.0);
        case CLY_COSINE_SIMILARITY:
            for (int j = 0; j < n; j++) {
                sum += t[j] * p[j];
                squares_p += p[j] * p[j];
                squares_t += t[j] * t[j];
            }
            return -sum / sqrt(squares_p * squares_t);
        default:
            for (int j = 0; j < n; j++) {
                sum += pointwise(loss, generation, logits, binary, p[j], t[j]);
            }
            return loss->entry->id == CLY_KL_DIVERGENCE ? sum : sum / n;
    }
}
