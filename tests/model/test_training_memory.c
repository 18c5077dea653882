/* model/test_training_memory.c: what training holds is what was foretold, stays so over a thousand steps, and is
 * refused in time; runs repeat bit by bit; what is not finite is found; wrong calls are refused. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/training_support.h"
#include "support/clock.h"
#include "support/runner.h"

#define FLOATS(n) ((uint64_t)(n) * sizeof(float))

/* Convolutions, dropout, a branch and a dense end. */
static clayer_model *make_net(void) {
    clayer_model *model = new_model("net");
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.25};
    clayer_node *x = add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    clayer_node *a = add_conv(model, x, 4, 3, "relu"), *b = add_conv(model, a, 4, 3, NULL);
    MUST(clayer_add_batch_normalization(model, b, NULL, NULL));
    add_sum(model, a, add_activation(model, NULL, "relu"));
    MUST(clayer_add_dropout(model, NULL, &dropout, NULL));
    add_dense(model, add_flatten(model, NULL), "last", 5, "softmax");
    return model;
}

static clayer_training_plan plan_for(trainer *t, int64_t batch) {
    clayer_training_plan plan;
    clayer_shape shape = *clayer_model_get_input_shape(t->model, 0);
    shape.dims[0] = batch;
    MUST(cly_model_training_plan(t->training, &shape, &plan));
    return plan;
}

/* ---- memory ---- */

static clayer_status needs_of_some_optimizer(const clayer_model *model, bool *losses, bool *logits,
                                             uint64_t *optimizer_bytes_out) {
    (void)model;
    if (losses != NULL) {
        losses[0] = logits[0] = false;
    }
    *optimizer_bytes_out = 1000;
    return CLAYER_OK;
}

START_TEST(what_is_held_was_foretold) {
    const uint64_t before = device_bytes();
    clayer_model *model = make_net();
    clayer_training_plan foretold, plan;
    trainer t;
    ck_assert_uint_eq(device_bytes() - before, FLOATS(model->layers[1]->built_for.rank == 4 ? 3 * 9 * 4 + 4 : 0) +
                                                   FLOATS(4 * 9 * 4 + 4) + FLOATS(4 * 4) + FLOATS(256 * 5 + 5));
    MUST(clayer_model_get_training_plan(model, NULL, 6, &foretold));
    ck_assert_uint_eq(foretold.weight_bytes, device_bytes() - before); /* nothing was made to foretell */
    ck_assert_uint_eq(foretold.gradient_bytes, foretold.weight_bytes - FLOATS(2 * 4));
    ck_assert_uint_eq(foretold.optimizer_bytes, 0);
    ck_assert_uint_lt(foretold.activation_bytes, foretold.activation_sum_bytes);
    ck_assert_uint_eq(foretold.total_bytes, foretold.weight_bytes + foretold.gradient_bytes +
                                                foretold.activation_bytes + foretold.workspace_bytes);
    open_trainer(&t, model, NULL, 6, 1);
    const uint64_t inputs = FLOATS(6 * 8 * 8 * 3);
    plan = plan_for(&t, 6);
    ck_assert_mem_eq(&plan, &foretold, sizeof(plan));
    ck_assert_uint_eq(device_bytes() - before, plan.total_bytes + inputs);
    train_once(&t);
    ck_assert_uint_eq(device_bytes() - before, plan.total_bytes + inputs);
    (void)plan_for(&t, 2); /* a smaller batch finds room there */
    ck_assert_uint_eq(device_bytes() - before, plan.total_bytes + inputs);
    plan = plan_for(&t, 9);
    ck_assert_uint_eq(device_bytes() - before, plan.total_bytes + inputs);
    model->compiled_needs = needs_of_some_optimizer;
    MUST(clayer_model_get_training_plan(model, NULL, 6, &plan));
    ck_assert_uint_eq(plan.optimizer_bytes, 1000);
    ck_assert_uint_eq(plan.gradient_bytes, 0); /* there is no loss */
    ck_assert_uint_eq(plan.total_bytes,
                      plan.weight_bytes + plan.activation_bytes + plan.workspace_bytes + plan.optimizer_bytes);
    close_trainer(&t);
    ck_assert_uint_eq(device_bytes() - before, foretold.weight_bytes);
    clayer_model_destroy(model);
    ck_assert_uint_eq(device_bytes(), before);
}
END_TEST

/* The backward pass of an activation reads its output: nothing else of a chain but inputs of convolutions is kept. */
START_TEST(values_that_the_backward_pass_reads_are_kept_alone) {
    clayer_model *model = new_model("chain");
    clayer_training_plan plan;
    add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    for (int i = 0; i < 10; i++) {
        add_conv(model, NULL, 3, 3, NULL);
        add_activation(model, NULL, "relu");
    }
    MUST(clayer_model_get_training_plan(model, NULL, 2, &plan));
    /* 10 outputs, and two gradients of them at a time. */
    ck_assert_uint_eq(plan.activation_bytes, 12 * FLOATS(2 * 8 * 8 * 3));
    ck_assert_uint_eq(plan.activation_sum_bytes, (20 + 20) * FLOATS(2 * 8 * 8 * 3));
    for (size_t i = 0; i < 15; i++) { /* frozen layers keep nothing for it */
        clayer_layer_set_trainable(model->layers[i], false);
    }
    MUST(clayer_model_get_training_plan(model, NULL, 2, &plan));
    ck_assert_uint_lt(plan.activation_bytes, 7 * FLOATS(2 * 8 * 8 * 3));
    clayer_model_destroy(model);
}
END_TEST

START_TEST(a_thousand_steps_take_no_more) {
    clayer_model *model = make_net();
    uint64_t held = 0;
    trainer t;
    open_trainer(&t, model, NULL, 2, 2);
    for (int i = 0; i < 1000; i++) {
        cly_model_training_output output;
        MUST(cly_model_training_forward(t.training, t.inputs, i));
        MUST(cly_model_training_get_output(t.training, 0, &output));
        MUST(cly_device_write(context, output.gradient, 0, t.factors[0], FLOATS(2 * 5)));
        MUST(cly_model_training_backward(t.training, 1));
        held = i == 0 ? device_bytes() : held;
        ck_assert_uint_eq(device_bytes(), held);
    }
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(too_little_memory_is_refused) {
    clayer_model *model = make_net();
    clayer_training_plan plan;
    char needed[64];
    trainer t;
    const clayer_shape shape = {4, {6, 8, 8, 3}};
    MUST(clayer_model_get_training_plan(model, NULL, 6, &plan));
    const uint64_t before = device_bytes();
    for (int i = 0; i < 2; i++) {
        const cly_model_training_config config = {.memory_limit_bytes = plan.total_bytes + 100 - (i == 0),
                                                  .other_bytes = 100};
        MUST(cly_model_training_create(model, &config, &t.training));
        if (i == 0) {
            REFUSED(cly_model_training_plan(t.training, &shape, &plan), CLAYER_OUT_OF_MEMORY,
                    "model 'net': training on a batch of 6 needs");
            snprintf(needed, sizeof(needed), "needs %" PRIu64 " bytes", plan.total_bytes + 100);
            ck_assert_ptr_nonnull(strstr(clayer_last_error(), needed));
            snprintf(needed, sizeof(needed), "allowed are %" PRIu64, plan.total_bytes + 99);
            ck_assert_ptr_nonnull(strstr(clayer_last_error(), needed));
            ck_assert_uint_eq(device_bytes(), before);
        } else {
            MUST(cly_model_training_plan(t.training, &shape, &plan));
        }
        cly_model_training_destroy(t.training);
    }
    /* The device's own memory, and its largest buffer. */
    const clayer_shape large = {4, {4000000, 8, 8, 3}}, huge = {4, {400000000, 8, 8, 3}};
    const cly_model_training_config none = {.losses = NULL};
    MUST(cly_model_training_create(model, &none, &t.training));
    REFUSED(cly_model_training_plan(t.training, &huge, &plan), CLAYER_OUT_OF_MEMORY, "largest buffer");
    if (cly_model_training_plan(t.training, &large, &plan) != CLAYER_OK) {
        ck_assert_uint_eq(device_bytes(), before);
    }
    cly_model_training_destroy(t.training);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(eight_hundred_layers_are_planned_in_time) {
    clayer_training_plan plan;
    clayer_model *model = new_model("deep");
    clayer_node *last = add_input(model, "x", RANK(8, 8, 4), DIMS(8, 8, 4));
    for (int i = 0; i < 800; i += 4) {
        clayer_node *branch = add_conv(model, last, 4, 3, "relu");
        branch = add_activation(model, add_conv(model, branch, 4, 1, NULL), "relu");
        last = add_sum(model, last, branch);
    }
    const double start = cly_test_cpu_ms();
    MUST(clayer_model_get_training_plan(model, NULL, 1, &plan));
    const double ms = cly_test_cpu_ms() - start;
    printf("training of 800 layers planned in %.1f ms\n", ms);
    ck_assert_double_lt(ms, 2000); /* it takes a few dozen; more than that grows out of hand */
    /* What three of four layers give is kept: sums, relu and relu; a few gradients pass. */
    ck_assert_uint_le(plan.activation_bytes, 606 * FLOATS(8 * 8 * 4));
    clayer_model_destroy(model);
}
END_TEST

/* ---- the same bits ---- */

START_TEST(runs_repeat_bit_by_bit) {
    float *first[16] = {NULL};
    for (int run = 0; run < 3; run++) {
        clayer_model *model = make_net();
        cly_model_weight *weights = NULL;
        size_t count = 0;
        trainer t;
        open_trainer(&t, model, NULL, 5, 9);
        train_once(&t);
        if (run == 2) {
            train_once(&t); /* from the same masks */
        }
        MUST(cly_model_list_weights(model, true, &weights, &count));
        for (size_t i = 0; i < count; i++) {
            float *values = read_tensor(weights[i].weight->gradient);
            if (run > 0) {
                ck_assert_mem_eq(values, first[i], FLOATS(clayer_tensor_get_count(weights[i].weight->tensor)));
            }
            free(run > 0 ? values : NULL);
            first[i] = run > 0 ? first[i] : values;
        }
        free(weights);
        close_trainer(&t);
        clayer_model_destroy(model);
    }
    for (size_t i = 0; i < 16; i++) {
        free(first[i]);
    }
}
END_TEST

START_TEST(evaluation_is_inference_with_penalties) {
    clayer_model *model = make_net();
    const cly_model_training_config config = {.inference = true, .logits = (const bool[]){true}};
    cly_model_training_output output;
    float values[15], logits[15];
    trainer t;
    clayer_tensor *y = new_tensor(2, DIMS(3, 5));
    open_trainer(&t, model, &config, 3, 8);
    MUST(clayer_model_run(model, t.inputs, 1, &y, 1));
    float *expected = read_tensor(y);
    const uint64_t steps = model->layers[6]->training_step;
    MUST(cly_model_training_forward(t.training, t.inputs, 0));
    MUST(cly_model_training_get_output(t.training, 0, &output));
    ck_assert_ptr_null(output.gradient);
    ck_assert_uint_eq(model->layers[6]->training_step, steps);
    MUST(cly_device_read(context, output.y, 0, values, sizeof(values)));
    MUST(cly_device_read(context, output.logits, 0, logits, sizeof(logits)));
    for (int i = 0; i < 15; i++) {
        double sum = 0;
        for (int j = i / 5 * 5; j < i / 5 * 5 + 5; j++) {
            sum += exp((double)logits[j]);
        }
        ck_assert_double_eq_tol((double)values[i], (double)expected[i], 1e-6);
        ck_assert_double_eq_tol((double)values[i], exp((double)logits[i]) / sum, 1e-5);
    }
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_INVALID_ARGUMENT, "a backward pass in evaluation");
    ck_assert_ptr_null(model->layers[1]->weights[0].gradient);
    free(expected);
    clayer_tensor_destroy(y);
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

/* ---- what is not finite ---- */

/* Puts `value` at the first element of a tensor. */
static void spoil(clayer_tensor *tensor, float value) {
    float *values = read_tensor(tensor);
    values[0] = value;
    MUST(clayer_tensor_write(tensor, values, clayer_tensor_get_count(tensor)));
    free(values);
}

START_TEST(what_is_not_finite_is_named) {
    clayer_model *model = make_net();
    const cly_model_training_config config = {.check_numerics = true};
    cly_model_training_output output;
    trainer t;
    open_trainer(&t, model, &config, 2, 3);
    train_once(&t);
    const clayer_training_plan plan = plan_for(&t, 2);
    ck_assert_uint_eq(device_bytes(), plan.total_bytes + FLOATS(2 * 8 * 8 * 3));

    MUST(cly_model_training_forward(t.training, t.inputs, 12));
    MUST(cly_model_training_get_output(t.training, 0, &output));
    MUST(cly_device_write(context, output.gradient, 0, (const float[10]){NAN}, FLOATS(10)));
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_NOT_FINITE,
            "step 12: the gradient of the loss of output 'last' holds a NaN");
    MUST(cly_model_training_forward(t.training, t.inputs, 13));
    MUST(cly_model_training_get_output(t.training, 0, &output));
    MUST(cly_device_write(context, output.gradient, 0, (const float[10]){3e38f, -3e38f, 3e38f, 3e38f, 3e38f},
                          FLOATS(10)));
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_NOT_FINITE, "step 13: layer '");
    ck_assert_ptr_nonnull(strstr(clayer_last_error(), "backward: the gradient of "));

    spoil(model->layers[2]->weights[0].tensor, INFINITY);
    REFUSED(cly_model_training_forward(t.training, t.inputs, 14), CLAYER_NOT_FINITE,
            "step 14: layer 'conv2d_1' (Conv2D), forward: its output holds");
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_INVALID_ARGUMENT, "without a forward pass");
    spoil(t.inputs[0], -INFINITY);
    REFUSED(cly_model_training_forward(t.training, t.inputs, 15), CLAYER_NOT_FINITE,
            "step 15: input 'x' holds an infinity");
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

/* ---- refusals ---- */

START_TEST(wrong_calls_are_refused) {
    clayer_model *model = make_net(), *empty = new_model("empty");
    clayer_training_plan plan;
    cly_model_training_output output;
    trainer t;
    const clayer_shape wrong = {4, {2, 8, 8, 4}};
    REFUSED(clayer_model_get_training_plan(empty, NULL, 1, &plan), CLAYER_INVALID_ARGUMENT, "has no input");
    REFUSED(clayer_model_get_training_plan(NULL, NULL, 1, &plan), CLAYER_INVALID_ARGUMENT, "model is NULL");
    REFUSED(clayer_model_get_training_plan(model, NULL, 1, NULL), CLAYER_INVALID_ARGUMENT, "plan_out is NULL");
    REFUSED(clayer_model_get_training_plan(model, NULL, 0, &plan), CLAYER_INVALID_ARGUMENT, "batch_size is 0");
    REFUSED(clayer_model_get_training_plan(model, &wrong, 0, &plan), CLAYER_INVALID_SHAPE, "expected 3, got 4");
    open_trainer(&t, model, NULL, 2, 3);
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_INVALID_ARGUMENT, "without a forward pass");
    REFUSED(cly_model_training_get_output(t.training, 0, &output), CLAYER_INVALID_ARGUMENT, "without a forward pass");
    REFUSED(cly_model_training_add_penalties(t.training, NULL, 0), CLAYER_INVALID_ARGUMENT, "without a forward pass");
    REFUSED(cly_model_training_forward(t.training, (clayer_tensor *[]){NULL}, 1), CLAYER_INVALID_ARGUMENT, "is NULL");
    train_once(&t);
    REFUSED(cly_model_training_backward(t.training, 1), CLAYER_INVALID_ARGUMENT, "without a forward pass");
    MUST(cly_model_training_forward(t.training, t.inputs, 1));
    REFUSED(cly_model_training_get_output(t.training, 1, &output), CLAYER_INVALID_ARGUMENT, "has no output 1");
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){model->nodes[1], model->nodes[2]}, 2));
    REFUSED(cly_model_training_forward(t.training, t.inputs, 1), CLAYER_INVALID_ARGUMENT, "has other outputs");
    close_trainer(&t);
    clayer_model_destroy(model);
    clayer_model_destroy(empty);
}
END_TEST

/* A layer that is added, or an implementation that is forced, between two steps. */
START_TEST(plans_follow_the_graph_and_forced_implementations) {
    clayer_model *model = new_model("net");
    clayer_layer_profile profile;
    trainer t;
    add_input(model, "x", RANK(8, 8, 2), DIMS(8, 8, 2));
    add_conv(model, NULL, 3, 3, "tanh");
    open_trainer(&t, model, NULL, 2, 3);
    train_once(&t);
    MUST(clayer_context_force(context, "conv", "reference"));
    train_once(&t);
    MUST(clayer_layer_get_profile(model->layers[1], &profile));
    ck_assert_str_eq(profile.implementation, "reference");
    MUST(clayer_context_force(context, "conv", NULL));
    add_conv(model, NULL, 3, 1, "tanh");
    check_differences(&t);
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.training_memory");
    TCase *tcase = tcase_create("training memory");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, what_is_held_was_foretold);
    tcase_add_test(tcase, values_that_the_backward_pass_reads_are_kept_alone);
    tcase_add_test(tcase, a_thousand_steps_take_no_more);
    tcase_add_test(tcase, too_little_memory_is_refused);
    tcase_add_test(tcase, eight_hundred_layers_are_planned_in_time);
    tcase_add_test(tcase, runs_repeat_bit_by_bit);
    tcase_add_test(tcase, evaluation_is_inference_with_penalties);
    tcase_add_test(tcase, what_is_not_finite_is_named);
    tcase_add_test(tcase, wrong_calls_are_refused);
    tcase_add_test(tcase, plans_follow_the_graph_and_forced_implementations);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
