/* train/optimizers.c: the list of optimizers with every argument of either generation, and what Keras refuses.
 * Sources: keras/src/optimizers/{base_optimizer,<name>}.py, tf_keras/src/optimizers/{optimizer,<name>}.py. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/rules.h"

/* Values that stand for "the generation's own default" in the list. */
#define BY_GENERATION (-1.0)

#define NUMBER(parameter, otherwise) \
    { .name = parameter, .fallback = (otherwise) }
#define FLAG(parameter) \
    { .name = parameter, .kind = CLY_SPEC_BOOL }
#define OPTIONAL(parameter) \
    { .name = parameter, .kind = CLY_SPEC_OPTIONAL, .fallback = NAN }
#define RATE(otherwise) \
    { .name = "learning_rate", .fallback = (otherwise), .alias = "lr" }

/* What all optimizers take. jit_compile, is_legacy_optimizer and decay stand in Keras 2's files. */
#define CLIPS OPTIONAL("clipnorm"), OPTIONAL("clipvalue"), OPTIONAL("global_clipnorm")
#define REST(overwrite_frequency)                                                                          \
    FLAG("use_ema"), NUMBER("ema_momentum", 0.99),                                                         \
        {.name = "ema_overwrite_frequency", .kind = CLY_SPEC_OPTIONAL, .fallback = (overwrite_frequency)}, \
        OPTIONAL("loss_scale_factor"), OPTIONAL("gradient_accumulation_steps"), FLAG("jit_compile"),       \
        FLAG("is_legacy_optimizer"), {                                                                     \
        .name = "decay"                                                                                    \
    }
#define COMMON OPTIONAL("weight_decay"), CLIPS, REST(NAN)

static const cly_spec_entry entries[] = {
    {CLY_RULE_SGD, "sgd", "SGD", NULL, {RATE(0.01), NUMBER("momentum", 0), FLAG("nesterov"), COMMON}},
    {CLY_RULE_RMSPROP,
     "rmsprop",
     "RMSprop",
     NULL,
     {RATE(0.001), NUMBER("rho", 0.9), NUMBER("momentum", 0), NUMBER("epsilon", 1e-7), FLAG("centered"),
      OPTIONAL("weight_decay"), CLIPS, REST(BY_GENERATION)}},
    {CLY_RULE_ADAGRAD,
     "adagrad",
     "Adagrad",
     NULL,
     {RATE(0.001), NUMBER("initial_accumulator_value", 0.1), NUMBER("epsilon", 1e-7), COMMON}},
    {CLY_RULE_ADADELTA,
     "adadelta",
     "Adadelta",
     NULL,
     {RATE(0.001), NUMBER("rho", 0.95), NUMBER("epsilon", 1e-7), COMMON}},
    {CLY_RULE_ADAM,
     "adam",
     "Adam",
     NULL,
     {RATE(0.001), NUMBER("beta_1", 0.9), NUMBER("beta_2", 0.999), NUMBER("epsilon", 1e-7), FLAG("amsgrad"), COMMON,
      FLAG("adaptive_epsilon")}},
    {CLY_TRAIN_ADAMW,
     "adamw",
     "AdamW",
     NULL,
     {RATE(0.001),
      {.name = "weight_decay", .kind = CLY_SPEC_OPTIONAL, .fallback = 0.004},
      NUMBER("beta_1", 0.9),
      NUMBER("beta_2", 0.999),
      NUMBER("epsilon", 1e-7),
      FLAG("amsgrad"),
      CLIPS,
      REST(NAN)}},
    {CLY_RULE_ADAMAX,
     "adamax",
     "Adamax",
     NULL,
     {RATE(0.001), NUMBER("beta_1", 0.9), NUMBER("beta_2", 0.999), NUMBER("epsilon", 1e-7), COMMON}},
    {CLY_RULE_NADAM,
     "nadam",
     "Nadam",
     NULL,
     {RATE(0.001), NUMBER("beta_1", 0.9), NUMBER("beta_2", 0.999), NUMBER("epsilon", 1e-7), COMMON}},
    {CLY_RULE_FTRL,
     "ftrl",
     "Ftrl",
     NULL,
     {RATE(0.001), NUMBER("learning_rate_power", -0.5), NUMBER("initial_accumulator_value", 0.1),
      NUMBER("l1_regularization_strength", 0), NUMBER("l2_regularization_strength", 0),
      NUMBER("l2_shrinkage_regularization_strength", 0), NUMBER("beta", 0), COMMON}},
    {CLY_RULE_LION,
     "lion",
     "Lion",
     NULL,
     {{.name = "learning_rate", .kind = CLY_SPEC_OPTIONAL, .fallback = NAN, .alias = "lr"},
      NUMBER("beta_1", 0.9),
      NUMBER("beta_2", 0.99),
      COMMON}},
};

const cly_spec_list cly_train_optimizers = {
    .what = "optimizer", .entries = entries, .count = CLY_COUNT(entries), .named = true};

double cly_train_fallback(const cly_spec_entry *entry, size_t parameter, int generation) {
    const cly_spec_parameter *p = &entry->parameters[parameter];
    if (entry->id == CLY_RULE_RMSPROP && strcmp(p->name, "ema_overwrite_frequency") == 0) {
        return generation == 2 ? 100.0 : NAN;
    }
    if (entry->id == CLY_RULE_LION && strcmp(p->name, "learning_rate") == 0) {
        return generation == 2 ? 0.0001 : 0.001;
    }
    return p->fallback;
}

bool cly_train_optimizer_saves(const char *argument, int generation) {
    static const char *const never[] = {"decay", "adaptive_epsilon"};
    static const char *const of_2[] = {"jit_compile", "is_legacy_optimizer"};
    static const char *const of_3[] = {"loss_scale_factor", "gradient_accumulation_steps"};
    const char *const *others = generation == 2 ? of_3 : of_2;
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(argument, never[i]) == 0 || strcmp(argument, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* ---- refusals ---- */

static double value_of(const cly_spec *spec, const char *name) {
    return cly_base_spec_get(spec, name);
}

static clayer_status refuse(const cly_spec *spec, const char *name, const char *why) {
    return cly_base_fail(CLAYER_INVALID_ARGUMENT, "optimizer '%s': %s = %g %s", spec->entry->name, name,
                         value_of(spec, name), why);
}

/* Keras 3 takes one way of clipping; Keras 2 lets clipvalue stand beside another and does not look at it. */
static clayer_status check_clipping(const cly_spec *spec, int generation) {
    const bool norm = !isnan(value_of(spec, "clipnorm")), value = !isnan(value_of(spec, "clipvalue"));
    const bool global = !isnan(value_of(spec, "global_clipnorm"));
    if ((norm && global) || (generation == 3 && value && (norm || global))) {
        return cly_base_fail(
            CLAYER_INVALID_ARGUMENT, "optimizer '%s': only one of %s can be set", spec->entry->name,
            generation == 3 ? "clipnorm, clipvalue and global_clipnorm" : "clipnorm and global_clipnorm");
    }
    return CLAYER_OK;
}

static bool is_count(double value, double least) {
    return value >= least && value == floor(value) && value <= 9007199254740992.0;
}

static clayer_status check_steps(const cly_spec *spec, int generation) {
    const double frequency = value_of(spec, "ema_overwrite_frequency"), momentum = value_of(spec, "ema_momentum");
    const double steps = value_of(spec, "gradient_accumulation_steps");
    if (value_of(spec, "use_ema") != 0.0) {
        if (!(momentum >= 0.0 && momentum <= 1.0)) {
            return refuse(spec, "ema_momentum", "is outside 0 to 1");
        }
        if (!isnan(frequency) && frequency != 0.0 && !is_count(frequency, 1.0)) {
            return refuse(spec, "ema_overwrite_frequency", "must be None or an integer from 1 on");
        }
    }
    if (!isnan(steps) && steps != 0.0 && !is_count(steps, 2.0)) {
        return refuse(spec, "gradient_accumulation_steps", "must be None or an integer from 2 on");
    }
    if (generation == 2 && (!isnan(steps) || !isnan(value_of(spec, "loss_scale_factor")))) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "optimizer '%s': %s is Keras 3's, the model is Keras 2's",
                             spec->entry->name, isnan(steps) ? "loss_scale_factor" : "gradient_accumulation_steps");
    }
    if (value_of(spec, "loss_scale_factor") == 0.0) {
        return refuse(spec, "loss_scale_factor", "would divide by zero");
    }
    return CLAYER_OK;
}

/* What Keras 2 up to 2.10 wrote, and others' ways of one argument. */
static clayer_status check_old(const cly_spec *spec, int generation) {
    if (value_of(spec, "decay") != 0.0) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "optimizer '%s': decay = %g is no longer an argument of Keras: use the schedule "
                             "inverse_time_decay",
                             spec->entry->name, value_of(spec, "decay"));
    }
    if (value_of(spec, "is_legacy_optimizer") != 0.0) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "optimizer '%s': is_legacy_optimizer = True: Keras' legacy optimizers are not supported",
                             spec->entry->name);
    }
    if (generation == 3 && value_of(spec, "adaptive_epsilon") != 0.0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT,
                             "optimizer '%s': adaptive_epsilon is Keras 2's, the model is Keras 3's",
                             spec->entry->name);
    }
    return CLAYER_OK;
}

static clayer_status check_ftrl(const cly_spec *spec) {
    static const char *const from_zero[] = {"initial_accumulator_value", "l1_regularization_strength",
                                            "l2_regularization_strength", "l2_shrinkage_regularization_strength"};
    for (size_t i = 0; i < CLY_COUNT(from_zero); i++) {
        if (value_of(spec, from_zero[i]) < 0.0) {
            return refuse(spec, from_zero[i], "must be positive or zero");
        }
    }
    return value_of(spec, "learning_rate_power") > 0.0 ? refuse(spec, "learning_rate_power", "must be negative or zero")
                                                       : CLAYER_OK;
}

static clayer_status check_own(const cly_spec *spec) {
    const double momentum = value_of(spec, "momentum"), beta_1 = value_of(spec, "beta_1");
    switch (spec->entry->id) {
        case CLY_RULE_SGD:
            return momentum >= 0.0 && momentum <= 1.0 ? CLAYER_OK : refuse(spec, "momentum", "is outside 0 to 1");
        case CLY_RULE_LION:
            return beta_1 > 0.0 && beta_1 <= 1.0 ? CLAYER_OK : refuse(spec, "beta_1", "is not above 0 and at most 1");
        case CLY_TRAIN_ADAMW:
            return !isnan(value_of(spec, "weight_decay"))
                       ? CLAYER_OK
                       : cly_base_fail(CLAYER_INVALID_ARGUMENT, "optimizer 'adamw': weight_decay must be a number");
        case CLY_RULE_FTRL:
            return check_ftrl(spec);
        default:
            return CLAYER_OK;
    }
}

clayer_status cly_train_check_optimizer(const cly_spec *spec, int generation) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(check_clipping(spec, generation));
    CLY_TRY(check_steps(spec, generation));
    CLY_TRY(check_old(spec, generation));
    CLY_TRY(check_own(spec));
done:
    return status;
}
