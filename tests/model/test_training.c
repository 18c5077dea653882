/* model/test_training.c: gradients of whole models: against differences, against layers one by one, and the logits'
 * path against the plain one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/training_support.h"
#include "support/runner.h"

static void check_model(clayer_model *model, const cly_model_training_config *config) {
    trainer t;
    open_trainer(&t, model, config, 3, 11);
    check_differences(&t);
    t.scale = 4;
    check_differences(&t);
    close_trainer(&t);
    clayer_model_destroy(model);
}

/* ---- against layers one by one ---- */

START_TEST(a_chain_has_the_bits_of_its_layers) {
    clayer_model *model = new_model("chain");
    clayer_tensor *values[8] = {NULL}, *gradients[8] = {NULL};
    float *expected[8][4] = {{NULL}};
    const clayer_pooling_config pool = {.struct_size = sizeof(pool)};
    trainer t;
    add_input(model, "x", RANK(8, 8, 3), DIMS(8, 8, 3));
    add_conv(model, NULL, 4, 3, "relu");
    MUST(clayer_add_batch_normalization(model, NULL, NULL, NULL));
    MUST(clayer_add_max_pooling2d(model, NULL, &pool, NULL));
    add_conv(model, NULL, 5, 3, "tanh");
    add_flatten(model, NULL);
    add_dense(model, NULL, "last", 6, "softmax");
    const size_t layers = clayer_model_get_layer_count(model);
    open_trainer(&t, model, NULL, 3, 5);
    train_once(&t);
    for (size_t i = 1; i < layers; i++) {
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            const cly_weights_weight *weight = &model->layers[i]->weights[j];
            expected[i][j] = weight->gradient == NULL ? NULL : read_tensor(weight->gradient);
            ck_assert_int_eq(weight->gradient == NULL, !weight->trainable);
        }
    }
    cly_model_training_destroy(t.training);
    t.training = NULL;
    values[0] = t.inputs[0];
    for (size_t i = 1; i < layers; i++) {
        clayer_shape shape = *clayer_tensor_get_shape(values[i - 1]);
        gradients[i - 1] = new_tensor(shape.rank, shape.dims);
        MUST(clayer_layer_get_output_shape(model->layers[i], &shape, 1, &shape));
        values[i] = new_tensor(shape.rank, shape.dims);
        MUST(clayer_layer_set_training(model->layers[i], true));
        MUST(clayer_layer_forward(model->layers[i], &values[i - 1], 1, values[i]));
    }
    const clayer_shape *last = clayer_tensor_get_shape(values[layers - 1]);
    gradients[layers - 1] = new_tensor(last->rank, last->dims);
    MUST(clayer_tensor_write(gradients[layers - 1], t.factors[0], clayer_tensor_get_count(values[layers - 1])));
    for (size_t i = layers; i-- > 1;) {
        MUST(clayer_layer_backward(model->layers[i], &values[i - 1], 1, values[i], gradients[i], &gradients[i - 1]));
        for (size_t j = 0; j < model->layers[i]->weight_count; j++) {
            if (expected[i][j] != NULL) {
                float *actual = read_tensor(model->layers[i]->weights[j].gradient);
                ck_assert_mem_eq(actual, expected[i][j],
                                 (size_t)clayer_tensor_get_count(model->layers[i]->weights[j].tensor) * sizeof(float));
                free(actual);
                free(expected[i][j]);
            }
        }
        clayer_tensor_destroy(values[i]);
        clayer_tensor_destroy(gradients[i]);
    }
    clayer_tensor_destroy(gradients[0]);
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

/* ---- against differences ---- */

START_TEST(branches_add_up) {
    clayer_model *model = new_model("net");
    const clayer_dropout_config still = {.struct_size = sizeof(still), .rate = 0};
    clayer_node *x = add_input(model, "x", RANK(5, 4, 3), DIMS(5, 4, 3)), *passed = NULL;
    clayer_node *a = add_conv(model, x, 3, 3, "tanh"), *b = add_conv(model, a, 3, 1, "sigmoid");
    clayer_node *sum = add_sum(model, a, add_sum(model, b, a)), *twice = add_sum(model, b, b);
    MUST(clayer_add_dropout(model, twice, &still, &passed));
    clayer_node *joined = join(model, sum, add_activation(model, passed, "softplus"));
    clayer_node *more = join(model, joined, add_flatten(model, passed)->inputs[0]);
    add_dense(model, add_flatten(model, more), "last", 2, NULL);
    check_model(model, NULL);
}
END_TEST

START_TEST(shared_layers_sum_over_their_calls) {
    clayer_model *model = new_model("net");
    clayer_layer *shared = NULL, *drop = NULL, *norm = NULL;
    clayer_node *x = add_input(model, "x", RANK(6), DIMS(6)), *nodes[3] = {x}, *dropped = NULL;
    const clayer_dense_config dense = {.struct_size = sizeof(dense), .units = 6, .activation = "tanh"};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5};
    MUST(clayer_layer_create(context, "Dense", &dense, &shared));
    MUST(clayer_layer_create(context, "Dropout", &dropout, &drop));
    MUST(clayer_layer_create(context, "BatchNormalization", NULL, &norm));
    for (int i = 0; i < 3; i++) {
        MUST(clayer_model_add(model, shared, &x, 1, &x));
        MUST(clayer_model_add(model, drop, &x, 1, &dropped));
        MUST(clayer_model_add(model, norm, &dropped, 1, &nodes[i]));
    }
    add_sum(model, add_sum(model, nodes[0], nodes[1]), join(model, nodes[2], x)->inputs[0]);
    clayer_layer_destroy(shared);
    clayer_layer_destroy(drop);
    clayer_layer_destroy(norm);
    check_model(model, NULL);
}
END_TEST

/* One mask a call, another one at the next step, and the same one in the backward pass (above). */
START_TEST(each_call_of_dropout_has_its_mask) {
    clayer_model *model = new_model("net");
    clayer_layer *drop = NULL;
    clayer_node *outputs[2] = {NULL};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5};
    cly_model_training_output output;
    float values[2][2][64];
    trainer t;
    clayer_node *x = add_input(model, "x", RANK(64), DIMS(64));
    MUST(clayer_layer_create(context, "Dropout", &dropout, &drop));
    for (int i = 0; i < 2; i++) {
        MUST(clayer_model_add(model, drop, &x, 1, &outputs[i]));
    }
    MUST(clayer_model_set_outputs(model, outputs, 2));
    open_trainer(&t, model, NULL, 1, 3);
    for (int step = 0; step < 2; step++) {
        MUST(cly_model_training_forward(t.training, t.inputs, step));
        for (size_t i = 0; i < 2; i++) {
            MUST(cly_model_training_get_output(t.training, i, &output));
            ck_assert_ptr_null(output.gradient);
            MUST(cly_device_read(context, output.y, 0, values[step][i], sizeof(values[step][i])));
        }
    }
    for (int i = 0; i < 3; i++) {
        for (int j = i + 1; j < 4; j++) {
            ck_assert_mem_ne(values[i / 2][i % 2], values[j / 2][j % 2], sizeof(values[0][0]));
        }
    }
    close_trainer(&t);
    clayer_layer_destroy(drop);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(regularizers_join_in) {
    clayer_model *model = new_model("net");
    const clayer_conv_config conv = {.struct_size = sizeof(conv),
                                     .filters = 3,
                                     .kernel_size = {3},
                                     .activation = "tanh",
                                     .kernel_regularizer = "l2(0.05)",
                                     .bias_regularizer = "l1_l2(l1=0.2, l2=0.1)",
                                     .bias_initializer = "RandomUniform(0.2, 1)",
                                     .activity_regularizer = "l2(0.3)"};
    const clayer_dense_config dense = {.struct_size = sizeof(dense),
                                       .units = 2,
                                       .activation = "sigmoid",
                                       .kernel_regularizer = "l1(0.1)",
                                       .activity_regularizer = "l1_l2(l1=0.4, l2=0.2)"};
    clayer_node *x = add_input(model, "x", RANK(5, 5, 2), DIMS(5, 5, 2)), *ends[2];
    MUST(clayer_add_conv2d(model, x, &conv, &ends[0]));
    MUST(clayer_add_dense(model, add_flatten(model, ends[0]), &dense, &ends[1]));
    MUST(clayer_model_set_outputs(model, ends + 1, 1));
    ck_assert(cly_model_has_penalties(model));
    check_model(model, NULL);
}
END_TEST

/* An output without a loss still has its penalty, and a weight that has nothing else has that of its own. */
START_TEST(penalties_alone_make_gradients) {
    clayer_model *model = new_model("net");
    const clayer_dense_config dense = {
        .struct_size = sizeof(dense), .name = "silent", .units = 3, .kernel_regularizer = "l2(0.5)", .no_bias = true};
    const clayer_dense_config active = {
        .struct_size = sizeof(active), .name = "active", .units = 3, .activity_regularizer = "l2(0.5)"};
    clayer_node *x = add_input(model, "x", RANK(4), DIMS(4)), *ends[3];
    ends[0] = add_dense(model, x, "heard", 2, "tanh");
    MUST(clayer_add_dense(model, x, &dense, &ends[1]));
    MUST(clayer_add_dense(model, x, &active, &ends[2]));
    MUST(clayer_model_set_outputs(model, ends, 3));
    trainer t;
    open_trainer(&t, model, &(cly_model_training_config){.losses = (const bool[]){true, false, false}}, 3, 4);
    for (int i = 1; i < 3; i++) {
        for (int j = 0; j < 9; j++) {
            t.factors[i][j] = 0;
        }
    }
    check_differences(&t);
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(several_outputs_and_inputs) {
    clayer_model *model = new_model("net");
    const clayer_separable_conv_config separable = {
        .struct_size = sizeof(separable), .filters = 4, .kernel_size = {2}, .activation = "softplus"};
    clayer_node *x = add_input(model, "x", RANK(6, 6, 2), DIMS(6, 6, 2)), *z = add_input(model, "z", RANK(3), DIMS(3));
    clayer_node *outputs[4];
    MUST(clayer_add_separable_conv2d(model, x, &separable, &outputs[0]));
    outputs[1] = add_dense(model, add_flatten(model, outputs[0]), NULL, 3, "elu");
    outputs[2] = add_activation(model, join(model, outputs[1], add_dense(model, z, NULL, 3, "gelu")), "softmax");
    outputs[3] = outputs[1];
    MUST(clayer_model_set_outputs(model, outputs, 4));
    check_model(model, NULL);
}
END_TEST

/* ---- logits ---- */

typedef clayer_node *end_of_net(clayer_model *model, clayer_node *x);

static clayer_node *end_dense(clayer_model *model, clayer_node *x) {
    return add_dense(model, x, NULL, 4, "softmax");
}
static clayer_node *end_sigmoid(clayer_model *model, clayer_node *x) {
    return add_dense(model, x, NULL, 4, "sigmoid");
}
static clayer_node *end_conv(clayer_model *model, clayer_node *x) {
    const clayer_reshape_config reshape = {.struct_size = sizeof(reshape), .target_shape = {3, {2, 1, 4}}};
    MUST(clayer_add_reshape(model, x, &reshape, NULL));
    return add_conv(model, NULL, 4, 3, "softmax");
}
static clayer_node *end_activation(clayer_model *model, clayer_node *x) {
    return add_activation(model, add_dense(model, x, NULL, 4, "tanh"), "sigmoid");
}
static clayer_node *end_softmax(clayer_model *model, clayer_node *x) {
    clayer_node *node = NULL;
    MUST(clayer_add_softmax(model, add_dense(model, x, NULL, 4, NULL), NULL, &node));
    return node;
}
static clayer_node *end_linear(clayer_model *model, clayer_node *x) {
    return add_activation(model, end_dense(model, x), "linear");
}
/* Its output is read again, penalised, and an output twice. */
static clayer_node *end_read_again(clayer_model *model, clayer_node *x) {
    const clayer_dense_config config = {
        .struct_size = sizeof(config), .units = 4, .activation = "softmax", .activity_regularizer = "l2(0.7)"};
    clayer_node *outputs[3] = {NULL};
    MUST(clayer_add_dense(model, x, &config, &outputs[0]));
    outputs[1] = add_dense(model, outputs[0], NULL, 2, "tanh");
    outputs[2] = outputs[0];
    MUST(clayer_model_set_outputs(model, outputs, 3));
    return outputs[0];
}

/* dz from dy, of rows of 4. */
static void through_activation(cly_model_logits kind, const float *y, const float *dy, int64_t count, float *dz) {
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t j = i / 4 * 4; j < i / 4 * 4 + 4; j++) {
            sum += (double)y[j] * (double)dy[j];
        }
        const double v = (double)y[i];
        dz[i] = (float)(kind == CLY_LOGITS_SOFTMAX ? v * ((double)dy[i] - sum) : v * (1 - v) * (double)dy[i]);
    }
}

static void check_logits(end_of_net *end, cly_model_logits kind) {
    clayer_model *model = new_model("net");
    cly_model_training_output output;
    cly_model_weight *weights = NULL;
    size_t count = 0;
    trainer plain, by_logits;
    end(model, add_dense(model, add_input(model, "x", RANK(5), DIMS(5)), NULL, 8, "tanh"));
    ck_assert_int_eq(cly_model_output_logits(model, 0), kind);
    const bool logits[3] = {true, false, false};
    open_trainer(&plain, model, NULL, 3, 21);
    open_trainer(&by_logits, model, &(cly_model_training_config){.logits = logits}, 3, 21);
    (void)forward_loss(&plain);
    MUST(cly_model_training_get_output(plain.training, 0, &output));
    ck_assert_ptr_null(output.logits);
    const int64_t elements = cly_layers_product(&output.shape, 0, output.shape.rank);
    float *y = calloc((size_t)elements, sizeof(float)), *dz = calloc((size_t)elements, sizeof(float));
    MUST(cly_device_read(context, output.y, 0, y, (uint64_t)elements * sizeof(float)));
    through_activation(kind, y, plain.factors[0], elements, dz);
    memcpy(by_logits.factors[0], dz, (size_t)elements * sizeof(float));
    MUST(cly_model_list_weights(model, true, &weights, &count));
    float *expected[8] = {NULL};
    train_once(&plain);
    for (size_t i = 0; i < count; i++) {
        expected[i] = read_tensor(weights[i].weight->gradient);
    }
    train_once(&by_logits);
    for (size_t i = 0; i < count; i++) {
        float *actual = read_tensor(weights[i].weight->gradient);
        for (int64_t j = 0; j < clayer_tensor_get_count(weights[i].weight->tensor); j++) {
            ck_assert_msg(fabsf(actual[j] - expected[i][j]) <= 1e-5f * (1 + fabsf(expected[i][j])),
                          "%s of %s, %lld: %g by logits, %g", weights[i].weight->name, weights[i].layer->name,
                          (long long)j, (double)actual[j], (double)expected[i][j]);
        }
        free(actual);
        free(expected[i]);
    }
    by_logits.scale = 2;
    check_differences(&by_logits); /* of the sum of factors and logits */
    free(weights);
    free(y);
    free(dz);
    close_trainer(&plain);
    close_trainer(&by_logits);
    clayer_model_destroy(model);
}

START_TEST(logits_give_the_gradients_of_the_plain_path) {
    check_logits(end_dense, CLY_LOGITS_SOFTMAX);
    check_logits(end_sigmoid, CLY_LOGITS_SIGMOID);
    check_logits(end_conv, CLY_LOGITS_SOFTMAX);
    check_logits(end_activation, CLY_LOGITS_SIGMOID);
    check_logits(end_softmax, CLY_LOGITS_SOFTMAX);
    check_logits(end_linear, CLY_LOGITS_SOFTMAX);
    check_logits(end_read_again, CLY_LOGITS_SOFTMAX);
}
END_TEST

START_TEST(other_ends_have_no_logits) {
    clayer_model *model = new_model("net");
    const clayer_reshape_config reshape = {.struct_size = sizeof(reshape), .target_shape = {1, {3}}};
    const clayer_dropout_config still = {.struct_size = sizeof(still), .rate = 0};
    trainer t;
    add_input(model, "x", RANK(5), DIMS(5));
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_NONE);
    add_dense(model, NULL, "dense", 3, "tanh");
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_NONE);
    add_dense(model, NULL, NULL, 3, "softmax");
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_SOFTMAX);
    MUST(clayer_add_dropout(model, NULL, &still, NULL));
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_SOFTMAX);
    model->layers[3]->generation = 2; /* whose Dropout always makes a tensor of its own */
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_NONE);
    MUST(clayer_add_reshape(model, NULL, &reshape, NULL));
    ck_assert_int_eq(cly_model_output_logits(model, 0), CLY_LOGITS_NONE);
    ck_assert_int_eq(cly_model_output_logits(model, 1), CLY_LOGITS_NONE);
    const cly_model_training_config config = {.logits = (const bool[]){true}};
    REFUSED(cly_model_training_create(model, &config, &t.training), CLAYER_INVALID_ARGUMENT, "no softmax or sigmoid");
    clayer_model_destroy(model);
}
END_TEST

/* ---- frozen layers and penalties' values ---- */

START_TEST(frozen_layers_have_no_gradients) {
    clayer_model *model = new_model("net");
    trainer t;
    add_input(model, "x", RANK(6), DIMS(6));
    add_dense(model, NULL, "a", 5, "tanh");
    MUST(clayer_add_batch_normalization(model, NULL, NULL, NULL));
    add_dense(model, NULL, "b", 5, "tanh");
    add_dense(model, NULL, "c", 2, NULL);
    open_trainer(&t, model, NULL, 4, 6);
    check_differences(&t);
    const uint64_t held = device_bytes();
    for (int frozen = 1; frozen <= 4; frozen++) {
        clayer_layer_set_trainable(model->layers[frozen], false);
        ck_assert(!clayer_layer_is_trainable(model->layers[frozen]));
        for (size_t i = 0; i < model->layers[frozen]->weight_count; i++) {
            ck_assert_ptr_null(model->layers[frozen]->weights[i].gradient);
        }
        if (frozen < 4) {
            check_differences(&t);
        } else {
            train_once(&t); /* nothing is left to train */
        }
    }
    ck_assert_uint_lt(device_bytes(), held);
    for (int i = 1; i <= 4; i++) {
        clayer_layer_set_trainable(model->layers[i], true);
    }
    check_differences(&t);
    close_trainer(&t);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(frozen_penalties_count_in_keras_2) {
    clayer_model *model = new_model("net");
    const clayer_dense_config config = {.struct_size = sizeof(config),
                                        .units = 1,
                                        .no_bias = true,
                                        .not_trainable = true,
                                        .kernel_initializer = "ones",
                                        .kernel_regularizer = "l2(0.25)"};
    add_input(model, "x", RANK(2), DIMS(2));
    MUST(clayer_add_dense(model, NULL, &config, NULL));
    add_dense(model, NULL, "last", 1, NULL);
    for (int generation = 2; generation <= 3; generation++) {
        trainer t;
        model->generation = generation;
        ck_assert_int_eq(cly_model_has_penalties(model), generation == 2);
        open_trainer(&t, model, NULL, 2, 7);
        t.factors[0][0] = t.factors[0][1] = 0;
        ck_assert_double_eq(forward_loss(&t), generation == 2 ? 0.5 : 0);
        train_once(&t);
        ck_assert_ptr_null(model->layers[1]->weights[0].gradient);
        close_trainer(&t);
    }
    clayer_model_destroy(model);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.training");
    TCase *tcase = tcase_create("training");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, a_chain_has_the_bits_of_its_layers);
    tcase_add_test(tcase, branches_add_up);
    tcase_add_test(tcase, shared_layers_sum_over_their_calls);
    tcase_add_test(tcase, each_call_of_dropout_has_its_mask);
    tcase_add_test(tcase, regularizers_join_in);
    tcase_add_test(tcase, penalties_alone_make_gradients);
    tcase_add_test(tcase, several_outputs_and_inputs);
    tcase_add_test(tcase, logits_give_the_gradients_of_the_plain_path);
    tcase_add_test(tcase, other_ends_have_no_logits);
    tcase_add_test(tcase, frozen_layers_have_no_gradients);
    tcase_add_test(tcase, frozen_penalties_count_in_keras_2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
