/* train/schedule.c: Keras' learning-rate schedules, in float32 and in Keras' order of operations.
 * Source: keras/src/optimizers/schedules/learning_rate_schedule.py, which both generations share. */
#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "train/optimizer.h"

enum { EXPONENTIAL = 1, PIECEWISE, POLYNOMIAL, INVERSE_TIME, COSINE, COSINE_RESTARTS };

/* Arguments without a default are None until given. */
#define NEEDED(parameter) \
    { .name = parameter, .kind = CLY_SPEC_OPTIONAL, .fallback = NAN }
#define STEPS(parameter) \
    { .name = parameter, .kind = CLY_SPEC_OPTIONAL, .fallback = NAN, .low = DBL_MIN, .high = DBL_MAX }
#define NUMBER(parameter, otherwise) \
    { .name = parameter, .fallback = (otherwise) }
#define FLAG(parameter) \
    { .name = parameter, .kind = CLY_SPEC_BOOL }
#define LIST(parameter) \
    { .name = parameter, .kind = CLY_SPEC_LIST }

static const cly_spec_entry entries[] = {
    {EXPONENTIAL,
     "exponential_decay",
     "ExponentialDecay",
     NULL,
     {NEEDED("initial_learning_rate"), STEPS("decay_steps"), NEEDED("decay_rate"), FLAG("staircase")}},
    {PIECEWISE,
     "piecewise_constant_decay",
     "PiecewiseConstantDecay",
     "piecewise_constant",
     {LIST("boundaries"), LIST("values")}},
    {POLYNOMIAL,
     "polynomial_decay",
     "PolynomialDecay",
     NULL,
     {NEEDED("initial_learning_rate"), STEPS("decay_steps"), NUMBER("end_learning_rate", 0.0001), NUMBER("power", 1),
      FLAG("cycle")}},
    {INVERSE_TIME,
     "inverse_time_decay",
     "InverseTimeDecay",
     NULL,
     {NEEDED("initial_learning_rate"), STEPS("decay_steps"), NEEDED("decay_rate"), FLAG("staircase")}},
    {COSINE,
     "cosine_decay",
     "CosineDecay",
     NULL,
     {NEEDED("initial_learning_rate"), STEPS("decay_steps"), NUMBER("alpha", 0), NEEDED("warmup_target"),
      NUMBER("warmup_steps", 0)}},
    {COSINE_RESTARTS,
     "cosine_decay_restarts",
     "CosineDecayRestarts",
     NULL,
     {NEEDED("initial_learning_rate"), STEPS("first_decay_steps"), NUMBER("t_mul", 2), NUMBER("m_mul", 1),
      NUMBER("alpha", 0)}},
};

const cly_spec_list cly_train_schedules = {
    .what = "learning rate schedule", .entries = entries, .count = CLY_COUNT(entries), .named = true};

static float number_of(const cly_spec *schedule, const char *name) {
    return (float)cly_base_spec_get(schedule, name);
}

static bool flag_of(const cly_spec *schedule, const char *name) {
    return cly_base_spec_get(schedule, name) != 0.0;
}

/* ---- each ---- */

/* Steps as a share of decay_steps, whole numbers with staircase. */
static float share_of(const cly_spec *schedule, float step) {
    const float share = step / number_of(schedule, "decay_steps");
    return flag_of(schedule, "staircase") ? floorf(share) : share;
}

/* Boundaries are compared as whole steps; the first value holds up to and with the first of them. */
static float piecewise(const cly_spec *schedule, int64_t step) {
    size_t count = 0, value_count = 0;
    const double *boundaries = cly_base_spec_get_list(schedule, "boundaries", &count);
    const double *values = cly_base_spec_get_list(schedule, "values", &value_count);
    size_t place = 0;
    while (place < count && (double)step > trunc(boundaries[place])) {
        place++;
    }
    return (float)values[place];
}

static float polynomial(const cly_spec *schedule, float step) {
    float steps = number_of(schedule, "decay_steps");
    const float end = number_of(schedule, "end_learning_rate");
    if (flag_of(schedule, "cycle")) {
        steps *= step == 0.0f ? 1.0f : ceilf(step / steps);
    } else {
        step = step < steps ? step : steps;
    }
    const float left = powf(1.0f - step / steps, number_of(schedule, "power"));
    return (number_of(schedule, "initial_learning_rate") - end) * left + end;
}

static float cosine_from(const cly_spec *schedule, float start, float share) {
    const double alpha = cly_base_spec_get(schedule, "alpha");
    const float cosine = 0.5f * (1.0f + cosf((float)3.14159265358979323846 * share));
    return start * ((float)(1.0 - alpha) * cosine + (float)alpha);
}

static float cosine(const cly_spec *schedule, float step) {
    const float steps = number_of(schedule, "decay_steps"), initial = number_of(schedule, "initial_learning_rate");
    const float target = number_of(schedule, "warmup_target"), warmup = number_of(schedule, "warmup_steps");
    if (isnan(target)) {
        return cosine_from(schedule, initial, (step < steps ? step : steps) / steps);
    }
    step = step < steps + warmup ? step : steps + warmup;
    return step < warmup ? (target - initial) * (step / warmup) + initial
                         : cosine_from(schedule, target, (step - warmup) / steps);
}

static float cosine_restarts(const cly_spec *schedule, float step) {
    const float t_mul = number_of(schedule, "t_mul"), alpha = number_of(schedule, "alpha");
    float share = step / number_of(schedule, "first_decay_steps");
    float restarts = floorf(share);
    if (t_mul == 1.0f) {
        share -= restarts;
    } else {
        restarts = floorf(logf(1.0f - share * (1.0f - t_mul)) / logf(t_mul));
        const float factor = powf(t_mul, restarts);
        share = (share - (1.0f - factor) / (1.0f - t_mul)) / factor;
    }
    const float height = 0.5f * powf(number_of(schedule, "m_mul"), restarts);
    const float cosine = height * (1.0f + cosf((float)3.14159265358979323846 * share));
    return number_of(schedule, "initial_learning_rate") * ((1.0f - alpha) * cosine + alpha);
}

/* ---- all ---- */

static clayer_status check_lists(const cly_spec *schedule) {
    size_t count = 0, values = 0;
    const double *boundaries = cly_base_spec_get_list(schedule, "boundaries", &count);
    (void)cly_base_spec_get_list(schedule, "values", &values);
    if (count == 0 || count + 1 != values) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "learning rate schedule '%s': %zu boundaries and %zu values; it takes one value more "
                             "than boundaries, and one boundary at least",
                             schedule->entry->name, count, values);
    }
    for (size_t i = 1; i < count; i++) {
        if (boundaries[i] < boundaries[i - 1]) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "learning rate schedule '%s': its boundaries must increase",
                                 schedule->entry->name);
        }
    }
    return CLAYER_OK;
}

/* What a text or file left out; only warmup_target may be None. */
static clayer_status check(const cly_spec *schedule) {
    const cly_spec_parameter *parameters = schedule->entry->parameters;
    for (size_t p = 0; p < CLY_SPEC_PARAMETERS && parameters[p].name != NULL; p++) {
        if (parameters[p].kind == CLY_SPEC_OPTIONAL && isnan(schedule->values[p]) &&
            !(schedule->entry->id == COSINE && p == 3)) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "learning rate schedule '%s' needs %s", schedule->entry->name,
                                 parameters[p].name);
        }
    }
    return schedule->entry->id == PIECEWISE ? check_lists(schedule) : CLAYER_OK;
}

clayer_status cly_train_schedule_rate(const cly_spec *schedule, int64_t step, float *rate_out) {
    clayer_status status = CLAYER_OK;
    const float at = (float)step;
    if (schedule->entry == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "there is no learning rate schedule");
    }
    CLY_TRY(check(schedule));
    const float initial = number_of(schedule, "initial_learning_rate");
    switch (schedule->entry->id) {
        case EXPONENTIAL:
            *rate_out = initial * powf(number_of(schedule, "decay_rate"), share_of(schedule, at));
            break;
        case PIECEWISE:
            *rate_out = piecewise(schedule, step);
            break;
        case POLYNOMIAL:
            *rate_out = polynomial(schedule, at);
            break;
        case INVERSE_TIME:
            *rate_out = initial / (1.0f + number_of(schedule, "decay_rate") * share_of(schedule, at));
            break;
        case COSINE:
            *rate_out = cosine(schedule, at);
            break;
        default:
            *rate_out = cosine_restarts(schedule, at);
            break;
    }
done:
    return status;
}
