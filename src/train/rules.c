/* train/rules.c: what each optimizer keeps for a weight and which numbers its update takes, in Keras' float32.
 * Sources: keras/src/optimizers/<name>.py, tf_keras/src/optimizers/<name>.py; where Keras computes in Python's doubles
 * first (1 - beta_1), so do we. */
#include "train/rules.h"

#include <math.h>

#include "base/memory.h"

static double value_of(const cly_train_optimizer *optimizer, const char *name) {
    return cly_base_spec_get(&optimizer->spec, name);
}

static float number_of(const cly_train_optimizer *optimizer, const char *name) {
    return (float)value_of(optimizer, name);
}

static bool flag_of(const cly_train_optimizer *optimizer, const char *name) {
    return value_of(optimizer, name) != 0.0;
}

/* base ^ the number of the step, from 1. */
static float power_of(const cly_train_optimizer *optimizer, float base, int64_t ahead) {
    return powf(base, (float)(cly_train_moves(optimizer) + 1 + ahead));
}

static void set_four(float target[4], float x, float y, float z, float w) {
    target[0] = x;
    target[1] = y;
    target[2] = z;
    target[3] = w;
}

/* ---- each ---- */

/* Keras 2 keeps momenta also where the momentum is 0. */
static void prepare_sgd(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const bool slot = cly_train_slot_of(optimizer, 0) != NULL;
    update->flags |= slot ? CLY_UPDATE_MOMENTUM : 0u;
    update->flags |= flag_of(optimizer, "nesterov") ? CLY_UPDATE_NESTEROV : 0u;
    update->a[0] = number_of(optimizer, "momentum");
}

static void prepare_rmsprop(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const double rho = value_of(optimizer, "rho");
    update->flags |= value_of(optimizer, "momentum") > 0.0 ? CLY_UPDATE_MOMENTUM : 0u;
    update->flags |= flag_of(optimizer, "centered") ? CLY_UPDATE_CENTERED : 0u;
    set_four(update->a, (float)rho, (float)(1.0 - rho), number_of(optimizer, "epsilon"),
             number_of(optimizer, "momentum"));
}

static void prepare_adagrad(cly_train_optimizer *optimizer, cly_ops_update *update) {
    update->a[2] = number_of(optimizer, "epsilon");
}

static void prepare_adadelta(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const double rho = value_of(optimizer, "rho");
    set_four(update->a, (float)rho, (float)(1.0 - rho), number_of(optimizer, "epsilon"), 0.0f);
}

/* adaptive_epsilon is tf_keras' alone. */
static void prepare_adam(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const double beta_1 = value_of(optimizer, "beta_1"), beta_2 = value_of(optimizer, "beta_2");
    const float root = sqrtf(1.0f - power_of(optimizer, (float)beta_2, 0));
    const float rate = update->rate * root / (1.0f - power_of(optimizer, (float)beta_1, 0));
    const float epsilon = number_of(optimizer, "epsilon");
    update->flags |= flag_of(optimizer, "amsgrad") ? CLY_UPDATE_LARGEST : 0u;
    set_four(update->a, (float)(1.0 - beta_1), (float)(1.0 - beta_2),
             flag_of(optimizer, "adaptive_epsilon") ? epsilon * root : epsilon, rate);
}

static void prepare_adamax(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const double beta_1 = value_of(optimizer, "beta_1");
    set_four(update->a, (float)(1.0 - beta_1), number_of(optimizer, "beta_2"), number_of(optimizer, "epsilon"),
             1.0f - power_of(optimizer, (float)beta_1, 0));
}

/* The momentum of step `moves` + 1. */
static float nadam_momentum(const cly_train_optimizer *optimizer, int64_t moves) {
    return number_of(optimizer, "beta_1") * (1.0f - 0.5f * powf(0.96f, (float)(moves + 1)));
}

/* tf_keras' product takes in the momentum once for every weight, except where the number that its tracing left with the
 * weight is the iteration + 2: a weight of number c leaves it alone at iteration c - 2. V weights have the numbers
 * V + 1 to 2 V where fit() makes the optimizer's state. (They are 1 to V in a model that was loaded, which tf_keras so
 * trains to other weights than the same model before it was saved; we train both as it trains the latter.) */
static void multiply_product(cly_train_optimizer *optimizer, int64_t moves, size_t turn) {
    const bool multiplies =
        optimizer->generation == 2 ? (int64_t)(optimizer->turns + 1 + turn) != moves + 2 : turn == 0;
    if (multiplies) {
        optimizer->product *= nadam_momentum(optimizer, moves);
    }
}

static void prepare_nadam(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const int64_t moves = cly_train_moves(optimizer);
    const float beta_1 = number_of(optimizer, "beta_1"), beta_2 = number_of(optimizer, "beta_2");
    const float now = nadam_momentum(optimizer, moves), next = nadam_momentum(optimizer, moves + 1);
    multiply_product(optimizer, moves, optimizer->turn);
    set_four(update->a, 1.0f - beta_1, 1.0f - beta_2, number_of(optimizer, "epsilon"),
             1.0f - power_of(optimizer, beta_2, 0));
    set_four(update->b, next, 1.0f - optimizer->product * next, 1.0f - now, 1.0f - optimizer->product);
}

/* tf_keras does not store its product. We go on with the one that training without a stop would have. */
void cly_train_restore_product(cly_train_optimizer *optimizer) {
    optimizer->is_set = false;
    if (optimizer->rule->rule != CLY_RULE_NADAM || optimizer->generation != 2) {
        return;
    }
    optimizer->product = 1.0f;
    for (int64_t moves = 0; moves < optimizer->iterations && optimizer->product > 0.0f; moves++) {
        for (size_t turn = 0; turn < optimizer->turns; turn++) {
            multiply_product(optimizer, moves, turn);
        }
    }
}

static void prepare_ftrl(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const float power = (float)-value_of(optimizer, "learning_rate_power");
    const float l2 =
        number_of(optimizer, "l2_regularization_strength") + number_of(optimizer, "beta") / (2.0f * update->rate);
    update->flags |= power == 0.5f ? CLY_UPDATE_ROOT : 0u;
    set_four(update->a, power, number_of(optimizer, "l1_regularization_strength"),
             (float)(2.0 * value_of(optimizer, "l2_shrinkage_regularization_strength")), 2.0f * l2);
}

static void prepare_lion(cly_train_optimizer *optimizer, cly_ops_update *update) {
    const float beta_1 = number_of(optimizer, "beta_1"), beta_2 = number_of(optimizer, "beta_2");
    set_four(update->a, beta_1, 1.0f - beta_1, beta_2, 1.0f - beta_2);
}

/* ---- the table ---- */

#define ADAM_SLOTS                                                           \
    {                                                                        \
        {.names = {"m", "momentum"}}, {.names = {"v", "velocity"}}, {        \
            .names = {"vhat", "velocity_hat"}, .when = "amsgrad", .group = 1 \
        }                                                                    \
    }

static const cly_train_rule rules[] = {
    {CLY_RULE_SGD, CLY_RULE_SGD, {{.names = {"m", "momentum"}, .when = "momentum", .always_in_2 = true}}, prepare_sgd},
    {CLY_RULE_RMSPROP,
     CLY_RULE_RMSPROP,
     {{.names = {"velocity", "velocity"}},
      {.names = {"momentum", "momentum"}, .when = "momentum", .group = 1},
      {.names = {"average_gradient", "average_gradient"}, .when = "centered", .group = 2}},
     prepare_rmsprop},
    {CLY_RULE_ADAGRAD,
     CLY_RULE_ADAGRAD,
     {{.names = {"accumulator", "accumulator"}, .initial = "initial_accumulator_value"}},
     prepare_adagrad},
    {CLY_RULE_ADADELTA,
     CLY_RULE_ADADELTA,
     {{.names = {"accumulated_grad", "accumulated_grad"}},
      {.names = {"accumulated_delta_var", "accumulated_delta_var"}}},
     prepare_adadelta},
    {CLY_RULE_ADAM, CLY_RULE_ADAM, ADAM_SLOTS, prepare_adam},
    {CLY_TRAIN_ADAMW, CLY_RULE_ADAM, ADAM_SLOTS, prepare_adam},
    {CLY_RULE_ADAMAX, CLY_RULE_ADAMAX, {{.names = {"m", "momentum"}}, {.names = {"u", "norm"}}}, prepare_adamax},
    {CLY_RULE_NADAM, CLY_RULE_NADAM, {{.names = {"m", "momentum"}}, {.names = {"v", "velocity"}}}, prepare_nadam},
    {CLY_RULE_FTRL,
     CLY_RULE_FTRL,
     {{.names = {"accumulator", "accumulator"}, .initial = "initial_accumulator_value"},
      {.names = {"linear", "linear"}}},
     prepare_ftrl},
    {CLY_RULE_LION, CLY_RULE_LION, {{.names = {"m", "momentum"}}}, prepare_lion},
};

const cly_train_rule *cly_train_find_rule(int id) {
    for (size_t i = 0; i < CLY_COUNT(rules); i++) {
        if (rules[i].id == id) {
            return &rules[i];
        }
    }
    return NULL;
}

/* The moving averages come first, then the accumulators, then the slots by their groups. */
static const cly_train_slot average_slot = {.names = {"average", "average"}, .group = -2};
static const cly_train_slot accumulator_slot = {.names = {"gradient_accumulator", "gradient_accumulator"}, .group = -1};

const cly_train_slot *cly_train_slot_of(const cly_train_optimizer *optimizer, int kind) {
    if (kind == CLY_TRAIN_AVERAGE) {
        return flag_of(optimizer, "use_ema") ? &average_slot : NULL;
    }
    if (kind == CLY_TRAIN_ACCUMULATOR) {
        return value_of(optimizer, "gradient_accumulation_steps") > 0.0 ? &accumulator_slot : NULL;
    }
    const cly_train_slot *slot = &optimizer->rule->slots[kind];
    const bool there = slot->names[0] != NULL && (slot->when == NULL || value_of(optimizer, slot->when) > 0.0 ||
                                                  (slot->always_in_2 && optimizer->generation == 2));
    return there ? slot : NULL;
}

int64_t cly_train_moves(const cly_train_optimizer *optimizer) {
    const double steps = value_of(optimizer, "gradient_accumulation_steps");
    return steps > 0.0 ? optimizer->iterations / (int64_t)steps : optimizer->iterations;
}
