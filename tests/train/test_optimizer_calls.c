/* train/test_optimizer_calls.c: what happens to optimizers beside Keras' plain steps: rates that are set, constraints,
 * weights without gradients and other weights, NaN, the generations' defaults; and what they refuse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/context.h"
#include "support/runner.h"
#include "train/bench.h"

static clayer_context *context;

static void set_up(void) {
    context = cly_test_context(NULL, NULL);
}

static void tear_down(void) {
    clayer_context_destroy(context);
}

/* ---- other things that happen ---- */

static const clayer_shape shapes[WEIGHTS] = {{2, {3, 4}}, {1, {5}}};

static void fill_tensor(clayer_tensor *tensor, float value) {
    float values[16];
    for (int i = 0; i < 16; i++) {
        values[i] = value;
    }
    write_tensor(tensor, values);
}

static void start_filled(bench *b, const char *text, const char *schedule, int generation) {
    open_bench(context, b, shapes, text, schedule, generation);
    for (int i = 0; i < WEIGHTS; i++) {
        fill_tensor(b->weights[i].tensor, 1.0f);
        fill_tensor(b->weights[i].gradient, 0.5f);
    }
    build_bench(b);
}

static float first_of(const clayer_tensor *tensor) {
    float values[16];
    ck_assert_int_eq(clayer_tensor_read(tensor, values, clayer_tensor_get_count(tensor)), CLAYER_OK);
    return values[0];
}

static void step_once(bench *b) {
    ck_assert_msg(cly_train_optimizer_step(b->optimizer) == CLAYER_OK, "%s", clayer_last_error());
}

START_TEST(test_rate) {
    bench b;
    start_filled(&b, "SGD(lr=0.5)", "", 3);
    ck_assert(cly_train_optimizer_get_rate(b.optimizer) == 0.5f);
    step_once(&b);
    ck_assert(first_of(b.weights[0].tensor) == 0.75f);
    ck_assert_int_eq(cly_train_optimizer_set_rate(b.optimizer, 0.25f), CLAYER_OK);
    ck_assert(cly_base_spec_get(cly_train_optimizer_spec(b.optimizer), "learning_rate") == 0.25);
    step_once(&b);
    ck_assert(first_of(b.weights[0].tensor) == 0.625f);
    ck_assert_int_eq(cly_train_optimizer_set_rate(b.optimizer, NAN), CLAYER_INVALID_ARGUMENT);
    close_bench(&b);

    start_filled(&b, "sgd", "piecewise_constant_decay([0], [1, 0.5])", 3);
    ck_assert_int_eq(cly_train_optimizer_set_rate(b.optimizer, 0.25f), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("the schedule 'piecewise_constant_decay' gives it");
    step_once(&b);
    ck_assert(first_of(b.weights[0].tensor) == 0.5f);
    ck_assert(cly_train_optimizer_get_rate(b.optimizer) == 0.5f);
    close_bench(&b);
}
END_TEST

/* Constraints come last in a step, also on batches that only add to the accumulators. */
START_TEST(test_constraint) {
    bench b;
    open_bench(context, &b, shapes, "sgd(learning_rate=1, use_ema=True, ema_momentum=0.5)", NULL, 3);
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_constraints, "non_neg", &b.weights[0].constraint), CLAYER_OK);
    ck_assert_int_eq(cly_base_spec_parse(&cly_weights_constraints, "unit_norm", &b.weights[1].constraint), CLAYER_OK);
    for (int i = 0; i < WEIGHTS; i++) {
        fill_tensor(b.weights[i].tensor, 1.0f);
        fill_tensor(b.weights[i].gradient, 3.0f);
    }
    build_bench(&b);
    step_once(&b);
    ck_assert(first_of(b.weights[0].tensor) == 0.0f);
    ck_assert_float_eq_tol(first_of(b.weights[1].tensor), -1.0f / sqrtf(5.0f), 1e-6f);
    ck_assert_int_eq(cly_train_optimizer_finalize(b.optimizer), CLAYER_OK);
    ck_assert(first_of(b.weights[0].tensor) == -2.0f); /* the average saw it before the constraint */
    close_bench(&b);
}
END_TEST

/* A weight that the loss does not depend on stays; none at all is an error. */
START_TEST(test_without_gradient) {
    bench b;
    start_filled(&b, "adam(learning_rate=0.5, weight_decay=0.5)", NULL, 3);
    cly_weights_drop_gradient(&b.weights[0]);
    step_once(&b);
    ck_assert(first_of(b.weights[0].tensor) == 1.0f);
    ck_assert(first_of(b.weights[1].tensor) < 0.6f);
    cly_weights_drop_gradient(&b.weights[1]);
    ck_assert_int_eq(cly_train_optimizer_step(b.optimizer), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("no gradients for any weight");
    ck_assert_int_eq(cly_train_optimizer_get_iterations(b.optimizer), 1);
    ck_assert_int_eq(cly_train_optimizer_build(b.optimizer, NULL, 0), CLAYER_OK);
    ck_assert_int_eq(cly_train_optimizer_step(b.optimizer), CLAYER_OK); /* as Keras: nothing to do */
    close_bench(&b);
}
END_TEST

/* Weights that stay keep their slots, those that come get new ones. */
START_TEST(test_other_weights) {
    bench b;
    cly_train_variable *variables = NULL;
    size_t count = 0;
    start_filled(&b, "sgd(momentum=0.5)", NULL, 3);
    step_once(&b);
    ck_assert_int_eq(cly_train_optimizer_list(b.optimizer, &variables, &count), CLAYER_OK);
    clayer_tensor *kept = variables[3].tensor;
    const float value = first_of(kept);
    ck_assert(value != 0.0f);
    free(variables);
    ck_assert_int_eq(cly_train_optimizer_build(b.optimizer, &b.listed[1], 1), CLAYER_OK);
    build_bench(&b);
    ck_assert_int_eq(cly_train_optimizer_list(b.optimizer, &variables, &count), CLAYER_OK);
    ck_assert_int_eq((int)count, 4);
    ck_assert(variables[3].tensor == kept && first_of(kept) == value);
    ck_assert(first_of(variables[2].tensor) == 0.0f);
    free(variables);
    close_bench(&b);
}
END_TEST

START_TEST(test_bytes) {
    bench b;
    start_filled(&b, "adam(amsgrad=True, use_ema=True)", NULL, 3);
    ck_assert(cly_train_optimizer_slot_bytes(b.optimizer, b.listed, WEIGHTS) == 4 * 17 * sizeof(float));
    close_bench(&b);
    start_filled(&b, "sgd", NULL, 3);
    ck_assert(cly_train_optimizer_slot_bytes(b.optimizer, b.listed, WEIGHTS) == 0);
    close_bench(&b);
    start_filled(&b, "sgd", NULL, 2);
    ck_assert(cly_train_optimizer_slot_bytes(b.optimizer, b.listed, WEIGHTS) == 17 * sizeof(float));
    close_bench(&b);
}
END_TEST

/* Nothing is hidden that went wrong. */
START_TEST(test_nan) {
    static const char *const texts[] = {
        "sgd", "rmsprop", "adam", "lion", "adam(clipnorm=1)", "sgd(clipvalue=1)", "sgd(global_clipnorm=1)"};
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        bench b;
        start_filled(&b, texts[t], NULL, 3);
        fill_tensor(b.weights[0].gradient, NAN);
        step_once(&b);
        ck_assert_msg(isnan(first_of(b.weights[0].tensor)), "%s", texts[t]);
        ck_assert(isnan(first_of(b.weights[1].tensor)) == (strstr(texts[t], "global") != NULL));
        close_bench(&b);
    }
}
END_TEST

/* The generations' own defaults, and what a text says of them. */
START_TEST(test_defaults) {
    static const struct {
        const char *text;
        int generation;
        float rate;
        double frequency; /* NAN: None */
        const char *formatted;
    } cases[] = {
        {"lion", 2, 0.0001f, NAN, "lion"},
        {"lion", 3, 0.001f, NAN, "lion"},
        {"lion(0.001)", 2, 0.001f, NAN, "lion(learning_rate=0.001)"},
        {"RMSprop", 2, 0.001f, 100, "rmsprop"},
        {"RMSprop", 3, 0.001f, NAN, "rmsprop"},
        {"rmsprop(ema_overwrite_frequency=None)", 2, 0.001f, NAN, "rmsprop(ema_overwrite_frequency=None)"},
        {"Adam(0.5, name='mine', jit_compile=True)", 3, 0.5f, NAN,
         "adam(learning_rate=0.5, jit_compile=True, name='mine')"},
        {"adam(decay=0, is_legacy_optimizer=False)", 2, 0.001f, NAN, "adam"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench b;
        cly_base_text text = {0};
        open_bench(context, &b, shapes, cases[i].text, NULL, cases[i].generation);
        const cly_spec *spec = cly_train_optimizer_spec(b.optimizer);
        const double frequency = cly_base_spec_get(spec, "ema_overwrite_frequency");
        ck_assert(cly_train_optimizer_get_rate(b.optimizer) == cases[i].rate);
        ck_assert(frequency == cases[i].frequency || (isnan(frequency) && isnan(cases[i].frequency)));
        ck_assert_int_eq(cly_base_spec_format(spec, &text), CLAYER_OK);
        ck_assert_str_eq(text.chars, cases[i].formatted);
        cly_base_text_free(&text);
        close_bench(&b);
    }
}
END_TEST

START_TEST(test_saved_arguments) {
    ck_assert(cly_train_optimizer_saves("beta_1", 2) && cly_train_optimizer_saves("beta_1", 3));
    ck_assert(cly_train_optimizer_saves("jit_compile", 2) && !cly_train_optimizer_saves("jit_compile", 3));
    ck_assert(!cly_train_optimizer_saves("loss_scale_factor", 2) && cly_train_optimizer_saves("loss_scale_factor", 3));
    ck_assert(!cly_train_optimizer_saves("decay", 2) && !cly_train_optimizer_saves("adaptive_epsilon", 2));
}
END_TEST

/* ---- refusals ---- */

START_TEST(test_refusals) {
    static const struct {
        const char *text;
        int generation; /* 0: both */
        const char *why;
    } cases[] = {
        {"", 0, "no optimizer is named"},
        {"adamz", 0, "unknown optimizer 'adamz': there are sgd, rmsprop"},
        {"sgd(beta_1=0.5)", 0, "no argument 'beta_1'"},
        {"sgd(learning_rate=fast)", 0, "learning_rate must be a number"},
        {"sgd(momentum=1.5)", 0, "momentum = 1.5 is outside 0 to 1"},
        {"sgd(momentum=-0.5)", 0, "momentum = -0.5"},
        {"sgd(clipnorm=1, clipvalue=1)", 3, "only one of clipnorm, clipvalue and global_clipnorm"},
        {"sgd(global_clipnorm=1, clipvalue=1)", 3, "only one of"},
        {"sgd(global_clipnorm=1, clipnorm=1)", 0, "only one of clipnorm"},
        {"adam(use_ema=True, ema_momentum=1.5)", 0, "ema_momentum = 1.5 is outside"},
        {"adam(use_ema=True, ema_overwrite_frequency=-1)", 0, "ema_overwrite_frequency = -1 must be"},
        {"adam(use_ema=True, ema_overwrite_frequency=1.5)", 0, "ema_overwrite_frequency = 1.5 must be"},
        {"adam(gradient_accumulation_steps=1)", 3, "from 2 on"},
        {"adam(gradient_accumulation_steps=2)", 2, "gradient_accumulation_steps is Keras 3's"},
        {"adam(loss_scale_factor=2)", 2, "loss_scale_factor is Keras 3's"},
        {"adam(loss_scale_factor=0)", 3, "divide by zero"},
        {"adam(adaptive_epsilon=True)", 3, "adaptive_epsilon is Keras 2's"},
        {"adam(amsgrad=3)", 0, "amsgrad must be True or False"},
        {"adamw(weight_decay=None)", 0, "weight_decay must be a number"},
        {"lion(beta_1=0)", 0, "beta_1 = 0 is not above 0"},
        {"ftrl(learning_rate_power=0.5)", 0, "learning_rate_power = 0.5 must be negative or zero"},
        {"ftrl(l1_regularization_strength=-1)", 0, "l1_regularization_strength = -1 must be positive or zero"},
        {"ftrl(initial_accumulator_value=-1)", 0, "initial_accumulator_value"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int generation = 2; generation <= 3; generation++) {
            cly_train_optimizer *optimizer = NULL;
            if (cases[i].generation == 0 || cases[i].generation == generation) {
                ck_assert_msg(cly_train_optimizer_create(context, cases[i].text, NULL, generation, &optimizer) ==
                                  CLAYER_INVALID_ARGUMENT,
                              "%s", cases[i].text);
                cly_test_error_has(cases[i].why);
                ck_assert_ptr_null(optimizer);
            }
        }
    }
}
END_TEST

START_TEST(test_unsupported) {
    cly_train_optimizer *optimizer = NULL;
    ck_assert_int_eq(cly_train_optimizer_create(context, "sgd(decay=0.1)", NULL, 2, &optimizer), CLAYER_UNSUPPORTED);
    cly_test_error_has("decay = 0.1");
    ck_assert_int_eq(cly_train_optimizer_create(context, "sgd(is_legacy_optimizer=True)", NULL, 2, &optimizer),
                     CLAYER_UNSUPPORTED);
    cly_test_error_has("is_legacy_optimizer");
    ck_assert_int_eq(cly_train_optimizer_create(context, "sgd", "cosine_decay(1)", 3, &optimizer),
                     CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("needs decay_steps");
    ck_assert_ptr_null(optimizer);
    cly_train_optimizer_destroy(NULL);
}
END_TEST

START_TEST(test_wrong_state) {
    bench b;
    const double values[12] = {0.5};
    start_filled(&b, "adam", NULL, 3);
    ck_assert_int_eq(cly_train_optimizer_set_variable(b.optimizer, 0, values, 1), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("is no number of steps");
    ck_assert_int_eq(cly_train_optimizer_set_variable(b.optimizer, 6, values, 1), CLAYER_INVALID_ARGUMENT);
    cly_test_error_has("has 6 variables");
    ck_assert_int_eq(cly_train_optimizer_set_variable(b.optimizer, 2, values, 11), CLAYER_INVALID_SHAPE);
    cly_test_error_has("'kernel_momentum' has 12 values, got 11");
    ck_assert_int_eq(cly_train_optimizer_set_variable(b.optimizer, 2, values, 12), CLAYER_OK);
    close_bench(&b);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.optimizer_calls");
    TCase *tests = tcase_create("optimizers");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_rate);
    tcase_add_test(tests, test_constraint);
    tcase_add_test(tests, test_without_gradient);
    tcase_add_test(tests, test_other_weights);
    tcase_add_test(tests, test_bytes);
    tcase_add_test(tests, test_nan);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_saved_arguments);
    tcase_add_test(tests, test_refusals);
    tcase_add_test(tests, test_unsupported);
    tcase_add_test(tests, test_wrong_state);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
