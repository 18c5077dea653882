/* cli/selftest_train.c: whole steps of training: a small linear model by a few optimizers, with Keras' formulas,
 * against plain loops in double precision, and twice for the same bits.
 *
 * The model is y = x w + b with the mean squared error, whose gradient is 2 (y - t) / count. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"

enum { IN = 5, OUT = 3, BATCH = 4, STEPS = 5, WEIGHTS = IN * OUT + OUT };

static const double RATE = 0.05, EPSILON = 1e-7;

/* What an optimizer keeps for a weight, and one step: what is added to the weight. */
typedef struct slots {
    double a, b;
} slots;
typedef double update(slots *state, double gradient, int step);

static double step_sgd(slots *state, double gradient, int step) {
    (void)step;
    state->a = 0.9 * state->a - RATE * gradient;
    return 0.9 * state->a - RATE * gradient;
}

static double step_rmsprop(slots *state, double gradient, int step) {
    (void)step;
    state->a = 0.9 * state->a + 0.1 * gradient * gradient;
    return -RATE * gradient / sqrt(state->a + EPSILON);
}

static double step_adagrad(slots *state, double gradient, int step) {
    state->a = (step == 1 ? 0.1 : state->a) + gradient * gradient;
    return -RATE * gradient / sqrt(state->a + EPSILON);
}

static double step_adam(slots *state, double gradient, int step) {
    state->a = 0.9 * state->a + 0.1 * gradient;
    state->b = 0.999 * state->b + 0.001 * gradient * gradient;
    return -RATE * sqrt(1 - pow(0.999, step)) / (1 - pow(0.9, step)) * state->a / (sqrt(state->b) + EPSILON);
}

static const struct {
    const char *text;
    update *step;
} optimizers[] = {{"sgd(learning_rate=0.05, momentum=0.9, nesterov=True)", step_sgd},
                  {"rmsprop(learning_rate=0.05)", step_rmsprop},
                  {"adagrad(learning_rate=0.05)", step_adagrad},
                  {"adam(learning_rate=0.05)", step_adam}};
enum { OPTIMIZERS = sizeof optimizers / sizeof optimizers[0] };

/* ---- plain loops ---- */

/* `weights` is the kernel (IN, OUT), then the bias. */
static void train_plainly(const float *x, const float *t, const float *start, update *step, double *weights) {
    slots states[WEIGHTS] = {{0, 0}};
    for (int i = 0; i < WEIGHTS; i++) {
        weights[i] = (double)start[i];
    }
    for (int s = 0; s < STEPS; s++) {
        double gradient[WEIGHTS] = {0};
        for (int sample = s * BATCH; sample < (s + 1) * BATCH; sample++) {
            for (int out = 0; out < OUT; out++) {
                double y = weights[IN * OUT + out];
                for (int in = 0; in < IN; in++) {
                    y += (double)x[sample * IN + in] * weights[in * OUT + out];
                }
                const double dy = 2 * (y - (double)t[sample * OUT + out]) / (BATCH * OUT);
                gradient[IN * OUT + out] += dy;
                for (int in = 0; in < IN; in++) {
                    gradient[in * OUT + out] += dy * (double)x[sample * IN + in];
                }
            }
        }
        for (int i = 0; i < WEIGHTS; i++) {
            weights[i] += step(&states[i], gradient[i], s + 1);
        }
    }
}

/* ---- the device ---- */

static clayer_status make_model(clayer_context *context, const char *optimizer, const float *start,
                                clayer_model **model_out) {
    const clayer_dense_config dense = {.struct_size = sizeof dense, .name = "line", .units = OUT};
    const clayer_compile_config compile = {
        .struct_size = sizeof compile, .optimizer = optimizer, .loss = "mean_squared_error"};
    clayer_status status = clayer_model_create(context, "selftest", model_out);
    if (status == CLAYER_OK) {
        status = clayer_add_input(*model_out, 1, (int64_t[]){IN}, NULL);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_dense(*model_out, NULL, &dense, NULL);
    }
    if (status == CLAYER_OK) {
        clayer_layer *layer = clayer_model_find_layer(*model_out, "line");
        status = clayer_tensor_write(clayer_layer_get_weight(layer, 0), start, IN * OUT);
        if (status == CLAYER_OK) {
            status = clayer_tensor_write(clayer_layer_get_weight(layer, 1), start + IN * OUT, OUT);
        }
    }
    return status == CLAYER_OK ? clayer_model_compile(*model_out, &compile) : status;
}

static clayer_status train_on_device(clayer_context *context, const char *optimizer, const clayer_array *x,
                                     const clayer_array *t, const float *start, float *weights) {
    const clayer_dataset data = {.struct_size = sizeof data, .x = &x, .y = &t};
    const clayer_fit_config fit = {.struct_size = sizeof fit, .batch_size = BATCH, .no_shuffle = true};
    clayer_model *model = NULL;
    clayer_status status = make_model(context, optimizer, start, &model);
    if (status == CLAYER_OK) {
        status = clayer_model_fit(model, &data, &fit, NULL);
    }
    if (status == CLAYER_OK) {
        clayer_layer *layer = clayer_model_find_layer(model, "line");
        status = clayer_tensor_read(clayer_layer_get_weight(layer, 0), weights, IN * OUT);
        if (status == CLAYER_OK) {
            status = clayer_tensor_read(clayer_layer_get_weight(layer, 1), weights + IN * OUT, OUT);
        }
    }
    clayer_model_destroy(model);
    return status;
}

/* ---- the comparison ---- */

static void complain(selftest_verdict *result, const char *optimizer, const char *why) {
    if (result->failed < SELFTEST_FAILURES) {
        snprintf(result->failures[result->failed], sizeof result->failures[0], "%s: %.400s", optimizer, why);
    }
    result->failed++;
}

/* Against how far the weights moved: that is what training does. */
static void compare(const float *actual, const double *expected, const float *start, const char *optimizer,
                    selftest_verdict *result) {
    double moved = 0;
    for (int i = 0; i < WEIGHTS; i++) {
        moved = fmax(moved, fabs(expected[i] - (double)start[i]));
    }
    for (int i = 0; i < WEIGHTS; i++) {
        const double error = fabs((double)actual[i] - expected[i]) / moved;
        result->forward.worst = fmax(result->forward.worst, isnan(error) ? INFINITY : error);
        if (!(error <= 1e-4)) {
            char why[200];
            snprintf(why, sizeof why, "weight %d is %.9g after %d steps, expected %.9g", i, (double)actual[i], STEPS,
                     expected[i]);
            complain(result, optimizer, why);
            return;
        }
    }
}

static void try_optimizer(clayer_context *context, int index, const clayer_array *x, const clayer_array *t,
                          const float *start, selftest_verdict *result) {
    const char *text = optimizers[index].text;
    float first[WEIGHTS] = {0}, second[WEIGHTS] = {0};
    double expected[WEIGHTS];
    train_plainly(clayer_array_get_const_data(x), clayer_array_get_const_data(t), start, optimizers[index].step,
                  expected);
    result->cases++;
    result->forward.runs += 2;
    if (train_on_device(context, text, x, t, start, first) != CLAYER_OK ||
        train_on_device(context, text, x, t, start, second) != CLAYER_OK) {
        complain(result, text, clayer_last_error());
        return;
    }
    compare(first, expected, start, text, result);
    if (memcmp(first, second, sizeof first) != 0) {
        complain(result, text, "two runs from the same weights on the same data differ");
    }
}

void cly_selftest_try_training(clayer_context *context, uint64_t seed, selftest_verdict *result) {
    clayer_array *x = NULL, *t = NULL;
    selftest_random random = {seed};
    float start[WEIGHTS];
    if (clayer_array_create(CLAYER_FLOAT32, 2, (int64_t[]){BATCH * STEPS, IN}, &x) != CLAYER_OK ||
        clayer_array_create(CLAYER_FLOAT32, 2, (int64_t[]){BATCH * STEPS, OUT}, &t) != CLAYER_OK) {
        complain(result, "training", clayer_last_error());
    } else {
        float *inputs = clayer_array_get_data(x), *targets = clayer_array_get_data(t);
        for (int i = 0; i < BATCH * STEPS * IN; i++) {
            inputs[i] = cly_selftest_uniform(&random);
        }
        for (int i = 0; i < BATCH * STEPS * OUT; i++) {
            targets[i] = cly_selftest_uniform(&random);
        }
        for (int i = 0; i < WEIGHTS; i++) {
            start[i] = cly_selftest_uniform(&random);
        }
        for (int i = 0; i < OPTIMIZERS; i++) {
            try_optimizer(context, i, x, t, start, result);
        }
    }
    clayer_array_destroy(x);
    clayer_array_destroy(t);
}
