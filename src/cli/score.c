/* cli/score.c: accuracy and loss of an output against integer labels, as Keras computes them.
 *
 * Keras' sparse_categorical_crossentropy clips probabilities to [1e-7, 1 - 1e-7], takes their logarithm and hands that
 * to a softmax cross-entropy, which normalises the clipped probabilities again. With one class the loss is
 * binary_crossentropy and the accuracy that of a threshold of 0.5. Sums are in double. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>

static const float EPSILON = 1e-7f; /* keras.config.epsilon() */

static float clip(float p) {
    return p < EPSILON ? EPSILON : p > 1 - EPSILON ? 1 - EPSILON : p;
}

/* -log(softmax(z)[label]) of log-probabilities or logits z. */
static double categorical_loss(const float *y, int64_t classes, int64_t label, bool from_logits) {
    double largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < classes; c++) {
        largest = fmax(largest, from_logits ? (double)y[c] : log((double)clip(y[c])));
    }
    for (int64_t c = 0; c < classes; c++) {
        sum += exp((from_logits ? (double)y[c] : log((double)clip(y[c]))) - largest);
    }
    return largest + log(sum) - (from_logits ? (double)y[label] : log((double)clip(y[label])));
}

static double binary_loss(float y, int64_t label, bool from_logits) {
    if (from_logits) {
        return fmax((double)y, 0) - (label == 1 ? (double)y : 0) + log1p(exp(-fabs((double)y)));
    }
    float p = clip(y);
    return -log((double)(label == 1 ? p : 1 - p));
}

/* The first of the largest, as argmax has it. */
static int64_t predicted_class(const float *y, int64_t classes, bool from_logits) {
    if (classes == 1) {
        return y[0] > (from_logits ? 0.0f : 0.5f);
    }
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++) {
        if (y[c] > y[best]) {
            best = c;
        }
    }
    return best;
}

/* Whether the labels have the output's shape without its last axis, or with a last axis of 1. */
static bool shapes_fit(const clayer_shape *output, const clayer_shape *labels) {
    bool column = labels->rank == output->rank && labels->dims[labels->rank - 1] == 1;
    if (!column && labels->rank != output->rank - 1) {
        return false;
    }
    for (int i = 0; i < output->rank - 1; i++) {
        if (labels->dims[i] != output->dims[i]) {
            return false;
        }
    }
    return true;
}

/* The sums over all labels (float64, so that a label that is not a whole number is seen). */
static int add_up(const clayer_array *output, const double *labels, bool from_logits, const char *name,
                  cly_cli_score *score) {
    const clayer_shape *shape = clayer_array_get_shape(output);
    const float *y = clayer_array_get_const_data(output);
    const int64_t classes = shape->dims[shape->rank - 1];
    const int64_t limit = classes == 1 ? 2 : classes;
    const int64_t total = classes > 0 ? clayer_array_get_count(output) / classes : 0;
    double loss = 0;
    int64_t correct = 0;
    for (int64_t i = 0; i < total; i++, y += classes) {
        if (!(labels[i] >= 0 && labels[i] < (double)limit) || floor(labels[i]) != labels[i]) {
            return cly_cli_fail(CLY_EXIT_FILE,
                                "labels '%s': label %" PRId64 " is %g, expects a whole number from 0 to %" PRId64, name,
                                i, labels[i], limit - 1);
        }
        const int64_t label = (int64_t)labels[i];
        correct += predicted_class(y, classes, from_logits) == label;
        loss += classes == 1 ? binary_loss(y[0], label, from_logits) : categorical_loss(y, classes, label, from_logits);
    }
    *score = (cly_cli_score){.correct = correct, .total = total, .loss = loss / (double)(total > 0 ? total : 1)};
    return CLY_EXIT_DONE;
}

int cly_cli_compute_score(const clayer_array *output, const clayer_array *labels, bool from_logits, const char *name,
                          cly_cli_score *score_out) {
    const clayer_shape *shape = clayer_array_get_shape(output);
    if (shape->rank < 1 || !shapes_fit(shape, clayer_array_get_shape(labels))) {
        char output_text[192], label_text[192];
        return cly_cli_fail(CLY_EXIT_USAGE, "labels '%s': shape %s does not fit the output %s", name,
                            cly_cli_format_shape(clayer_array_get_shape(labels), label_text, sizeof label_text),
                            cly_cli_format_shape(shape, output_text, sizeof output_text));
    }
    clayer_array *numbers = NULL;
    clayer_status converted = clayer_array_convert(labels, CLAYER_FLOAT64, &numbers);
    if (converted != CLAYER_OK) {
        return cly_cli_fail_status(converted);
    }
    int status = add_up(output, clayer_array_get_const_data(numbers), from_logits, name, score_out);
    clayer_array_destroy(numbers);
    return status;
}
