/* cli/selftest_backward.c: the other direction: a layer's gradients against differences of the plain loops.
 *
 * With random numbers dy for the output, L = sum(dy * y) is a number whose derivative along a direction u is
 * <gradient, u>. The plain loops give L in double precision at x + h u and x - h u (with what float32 makes of these
 * points), for one direction through all values of each input and weight, and for some values alone. How much the
 * slopes on both sides differ, and those of h and h / 2, says how far kinks and curves mislead, and is allowed for.
 * Then every implementation must give the gradients that the library's choice gave. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "selftest.h"

enum { SINGLES = 12, STEP = 2048 /* 1 / h */ };

/* Gradients of all inputs, then of all weights that have one, in one block. */
typedef struct gradients {
    float *values;
    int64_t starts[SELFTEST_INPUTS + SELFTEST_WEIGHTS + 1]; /* of each tensor; equal neighbours: it has none */
} gradients;

/* ---- one pass of training ---- */

typedef struct pass {
    clayer_context *context;
    const selftest_layer *layer;
    const selftest_case *test;
    selftest_values *v;
    float *dy;
    clayer_tensor *output_gradient;
    clayer_tensor *input_gradients[SELFTEST_INPUTS];
} pass;

static size_t tensor_count(const pass *p) {
    return p->test->input_count + p->v->weight_count;
}

static clayer_status fill_with_nan(clayer_tensor *tensor) {
    const int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof *values);
    if (values == NULL) {
        return CLAYER_OUT_OF_MEMORY;
    }
    for (int64_t i = 0; i < count; i++) {
        values[i] = NAN; /* what a kernel leaves unwritten must not look right by chance */
    }
    clayer_status status = clayer_tensor_write(tensor, values, count);
    free(values);
    return status;
}

static clayer_status prepare(const pass *p, clayer_layer *object) {
    const selftest_values *v = p->v;
    clayer_status status = clayer_layer_build(object, p->test->inputs, p->test->input_count);
    for (size_t i = 0; status == CLAYER_OK && i < v->weight_count; i++) {
        status = clayer_tensor_write(clayer_layer_get_weight(object, i), v->weights[i], v->weight_counts[i]);
    }
    for (size_t i = 0; status == CLAYER_OK && i < p->test->input_count; i++) {
        status = fill_with_nan(p->input_gradients[i]);
    }
    if (status == CLAYER_OK) {
        status = fill_with_nan(v->output);
    }
    return status == CLAYER_OK ? clayer_layer_set_training(object, true) : status;
}

/* Forward and backward on a fresh layer; the output goes to v->actual, the gradients to `out`. */
static clayer_status run_pass(const pass *p, gradients *out) {
    const selftest_values *v = p->v;
    clayer_layer *object = NULL;
    clayer_status status = clayer_layer_create(p->context, p->layer->class_name, &p->test->config, &object);
    if (status == CLAYER_OK) {
        status = prepare(p, object);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_forward(object, v->inputs, p->test->input_count, v->output);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_backward(object, v->inputs, p->test->input_count, v->output, p->output_gradient,
                                       p->input_gradients);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_read(v->output, v->actual, v->count);
    }
    for (size_t t = 0; t < tensor_count(p); t++) {
        const size_t inputs = p->test->input_count;
        clayer_tensor *tensor =
            t < inputs ? p->input_gradients[t] : clayer_layer_get_weight_gradient(object, t - inputs);
        const int64_t count = status == CLAYER_OK && tensor != NULL ? clayer_tensor_get_count(tensor) : 0;
        out->starts[t + 1] = out->starts[t] + count;
        if (count > 0) {
            status = clayer_tensor_read(tensor, out->values + out->starts[t], count);
        }
    }
    clayer_layer_destroy(object);
    return status;
}

/* ---- against differences ---- */

static bool compute_objective(const pass *p, double *objective_out) {
    const selftest_case *test = p->test;
    selftest_expect *expect = test->expect_training != NULL ? test->expect_training : test->expect;
    double sum = 0;
    if (!expect(test, p->v->x, p->v->weights, p->v->expected)) {
        return false;
    }
    for (int64_t i = 0; i < p->v->count; i++) {
        sum += (double)p->dy[i] * p->v->expected[i];
    }
    *objective_out = sum;
    return true;
}

/* L at `values` moved by `step` along the direction, and <gradient, what they moved by>. Puts the values back. */
static bool objective_at(const pass *p, float *values, const float *direction, int64_t count, float step,
                         const float *gradient, double *objective_out, double *predicted_out) {
    float *kept = malloc((size_t)count * sizeof *kept);
    if (kept == NULL) {
        return false;
    }
    *predicted_out = 0;
    for (int64_t i = 0; i < count; i++) {
        kept[i] = values[i];
        values[i] += step * direction[i];
        *predicted_out += (double)gradient[i] * ((double)values[i] - (double)kept[i]);
    }
    const bool done = compute_objective(p, objective_out);
    for (int64_t i = 0; i < count; i++) {
        values[i] = kept[i];
    }
    free(kept);
    return done;
}

/* The slope of L at h = 1 / steps, what the gradient says of it, and how much it differs between the sides. */
static bool measure(const pass *p, float *values, const float *direction, int64_t count, int steps,
                    const float *gradient, double here, double *slope_out, double *predicted_out, double *bend_out) {
    double up, down, predicted_up, predicted_down;
    if (!objective_at(p, values, direction, count, 1.0f / (float)steps, gradient, &up, &predicted_up) ||
        !objective_at(p, values, direction, count, -1.0f / (float)steps, gradient, &down, &predicted_down)) {
        return false;
    }
    *slope_out = (up - down) * steps / 2;
    *predicted_out = (predicted_up - predicted_down) * steps / 2;
    *bend_out = fabs(up + down - 2 * here) * steps;
    return true;
}

/* One direction. `scale` is how large the gradient's products are. Returns false without memory. */
static bool check_direction(const pass *p, float *values, const float *direction, int64_t count, const float *gradient,
                            double here, double scale, const char *what, selftest_verdict *result) {
    double slope, predicted, bend, half_slope, half_predicted, half_bend;
    if (!measure(p, values, direction, count, STEP, gradient, here, &slope, &predicted, &bend) ||
        !measure(p, values, direction, count, 2 * STEP, gradient, here, &half_slope, &half_predicted, &half_bend)) {
        return false;
    }
    const double allowed = bend + 4 * fabs(slope - half_slope), error = fabs(half_slope - half_predicted);
    if (!(error <= allowed + 2e-4 * scale)) { /* NaN too */
        char why[200];
        snprintf(why, sizeof why, "backward, %s: the slope is %.9g, the gradient says %.9g", what, half_slope,
                 half_predicted);
        cly_selftest_add_failure(result, p->layer, p->test, NULL, why);
    }
    result->backward.worst = fmax(result->backward.worst, isnan(error) ? INFINITY : fmax(0, error - allowed) / scale);
    return true;
}

static bool check_tensor(const pass *p, size_t t, const gradients *own, double here, selftest_random *random,
                         selftest_verdict *result) {
    const size_t inputs = p->test->input_count;
    const int64_t count = own->starts[t + 1] - own->starts[t];
    float *values = t < inputs ? p->v->x[t] : p->v->weights[t - inputs];
    const float *gradient = own->values + own->starts[t];
    float *direction = calloc((size_t)count + 1, sizeof *direction);
    double largest = 0, squares = 0;
    char what[64];
    bool done = direction != NULL;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)gradient[i]));
        squares += (double)gradient[i] * (double)gradient[i];
    }
    largest = largest > 0 ? largest : 1;
    for (int64_t single = 0; done && single < (count < SINGLES ? count : SINGLES); single++) {
        const int64_t i = count <= SINGLES ? single : cly_selftest_between(random, 0, count - 1);
        direction[i] = 1;
        snprintf(what, sizeof what, "%s %zu, value %" PRId64, t < inputs ? "input" : "weight",
                 t < inputs ? t : t - inputs, i);
        done = check_direction(p, values, direction, count, gradient, here, largest, what, result);
        direction[i] = 0;
    }
    for (int64_t i = 0; done && i < count; i++) {
        direction[i] = cly_selftest_flip(random) ? 1 : -1;
    }
    snprintf(what, sizeof what, "all of %s %zu", t < inputs ? "input" : "weight", t < inputs ? t : t - inputs);
    done = done && (count == 0 || check_direction(p, values, direction, count, gradient, here, sqrt(squares) + largest,
                                                  what, result));
    free(direction);
    return done;
}

/* The output of a pass of training, and the gradients that the library's choice gave. */
static bool check_own(const pass *p, const gradients *own, selftest_random *random, selftest_verdict *result) {
    double here = 0, largest = 0;
    bool done = compute_objective(p, &here);
    for (int64_t i = 0; done && i < p->v->count; i++) {
        largest = fmax(largest, fabs(p->v->expected[i]));
    }
    for (int64_t i = 0; done && i < p->v->count; i++) {
        const double error = fabs((double)p->v->actual[i] - p->v->expected[i]);
        if (!(error <= (16 + p->test->terms) * (double)FLT_EPSILON * largest)) {
            char why[200];
            snprintf(why, sizeof why, "in training, value %" PRId64 " is %.9g, expected %.9g", i,
                     (double)p->v->actual[i], p->v->expected[i]);
            cly_selftest_add_failure(result, p->layer, p->test, NULL, why);
            break;
        }
    }
    for (size_t t = 0; done && t < tensor_count(p); t++) {
        done = check_tensor(p, t, own, here, random, result);
    }
    return done;
}

/* ---- every implementation ---- */

static void compare(const pass *p, const selftest_variant *run, const gradients *own, const gradients *other,
                    selftest_verdict *result) {
    for (size_t t = 0; t < tensor_count(p); t++) {
        double largest = 0;
        for (int64_t i = own->starts[t]; i < own->starts[t + 1]; i++) {
            largest = fmax(largest, fabs((double)own->values[i]));
        }
        for (int64_t i = own->starts[t]; i < own->starts[t + 1]; i++) {
            const double error = fabs((double)other->values[i] - (double)own->values[i]);
            if (!(error <= 1e-4 * largest)) {
                char why[200];
                snprintf(why, sizeof why, "backward, value %" PRId64 " of gradient %zu is %.9g, by default %.9g",
                         i - own->starts[t], t, (double)other->values[i], (double)own->values[i]);
                cly_selftest_add_failure(result, p->layer, p->test, run, why);
                return;
            }
        }
    }
}

static void try_forced(const pass *p, const char *op, const char *name, const gradients *own, gradients *other,
                       bool *ran, selftest_verdict *result) {
    const selftest_variant run = {op, name};
    clayer_status status = clayer_context_force(p->context, op, name);
    if (status == CLAYER_OK) {
        status = run_pass(p, other);
    }
    (void)clayer_context_force(p->context, op, NULL);
    if (status == CLAYER_UNSUPPORTED) { /* it cannot do this shape */
        return;
    }
    result->backward.runs++;
    if (status != CLAYER_OK) {
        cly_selftest_add_failure(result, p->layer, p->test, &run, clayer_last_error());
        return;
    }
    *ran = true;
    compare(p, &run, own, other, result);
}

/* ---- the whole ---- */

static bool make_pass(pass *p, selftest_random *random, gradients *own, gradients *other) {
    const clayer_shape *output = &p->test->output;
    int64_t total = 0;
    for (size_t i = 0; i < p->test->input_count; i++) {
        const clayer_shape *in = &p->test->inputs[i];
        total += cly_selftest_count(in);
        if (clayer_tensor_create(p->context, in->rank, in->dims, &p->input_gradients[i]) != CLAYER_OK) {
            return false;
        }
    }
    for (size_t i = 0; i < p->v->weight_count; i++) {
        total += p->v->weight_counts[i];
    }
    p->dy = cly_selftest_floats(random, p->v->count, false);
    own->values = malloc((size_t)total * sizeof(float));
    other->values = malloc((size_t)total * sizeof(float));
    return p->dy != NULL && own->values != NULL && other->values != NULL &&
           clayer_tensor_create(p->context, output->rank, output->dims, &p->output_gradient) == CLAYER_OK &&
           clayer_tensor_write(p->output_gradient, p->dy, p->v->count) == CLAYER_OK;
}

void cly_selftest_try_backward(clayer_context *context, const selftest_layer *layer, const selftest_case *test,
                               selftest_random *random, selftest_values *v, selftest_verdict *result) {
    pass p = {.context = context, .layer = layer, .test = test, .v = v};
    gradients own = {.values = NULL}, other = {.values = NULL};
    if (!make_pass(&p, random, &own, &other)) {
        cly_selftest_add_failure(result, layer, test, NULL, "backward: out of memory");
    } else if (run_pass(&p, &own) != CLAYER_OK) {
        cly_selftest_add_failure(result, layer, test, NULL, clayer_last_error());
    } else {
        result->backward.runs++;
        if (!check_own(&p, &own, random, result)) {
            cly_selftest_add_failure(result, layer, test, NULL, "out of memory for the reference");
        }
        for (int op = 0; op < SELFTEST_OPERATORS && layer->backward[op] != NULL; op++) {
            const char *const *names = clayer_get_implementations(layer->backward[op]);
            for (int i = 0; names != NULL && names[i] != NULL && i < SELFTEST_IMPLEMENTATIONS; i++) {
                try_forced(&p, layer->backward[op], names[i], &own, &other, &result->backward.ran[op][i], result);
            }
        }
    }
    for (int i = 0; i < SELFTEST_INPUTS; i++) {
        clayer_tensor_destroy(p.input_gradients[i]);
    }
    clayer_tensor_destroy(p.output_gradient);
    free(p.dy);
    free(own.values);
    free(other.values);
}
