/* model/test_nested_training.c: nested models train as the same layers do without nesting: order of weights, frozen
 * ones, inference, whole fits; and what an observer of a run is shown. */
#include <clayer/train.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/nested_support.h"
#include "support/runner.h"

/* ---- weights ---- */

/* before, encoder, after, encoder again. */
static clayer_model *new_outer(clayer_model *encoder) {
    clayer_model *outer = new_model("outer");
    MUST(clayer_add_input(outer, 3, DIMS(6, 5, 2), NULL));
    named_conv(outer, NULL, "before", 2);
    call_model(outer, encoder, NULL);
    named_conv(outer, NULL, "after", 2);
    call_model(outer, encoder, NULL);
    return outer;
}

/* The names of the layers of trainable weights, one a weight. */
static void check_trainable(const clayer_model *model, const char *const *expected, size_t expected_count) {
    cly_model_weight *weights = NULL;
    size_t count = 0;
    MUST(cly_model_list_weights(model, true, &weights, &count));
    ck_assert_uint_eq(count, expected_count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(weights[i].layer->name, expected[i]);
    }
    free(weights);
}

/* Keras' order of model.weights: those of a nested model where it stands, each once. */
START_TEST(weights_come_in_keras_order) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_outer(encoder);
    check_trainable(outer, (const char *const[]){"before", "before", "first", "first", "after", "after"}, 6);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* As Keras' property, whatever the layers were before; then the flag of each layer decides, as in Keras 3, and in
 * either generation once a model was loaded. */
START_TEST(setting_trainable_reaches_all_layers) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_outer(encoder);
    clayer_layer *layer = clayer_model_find_layer(outer, "encoder");
    clayer_layer *first = clayer_model_find_layer(outer, "encoder/first");
    clayer_layer_set_trainable(layer, false);
    ck_assert(!clayer_layer_is_trainable(layer) && !clayer_layer_is_trainable(first));
    check_trainable(outer, (const char *const[]){"before", "before", "after", "after"}, 4);
    trainer t;
    open_trainer(&t, outer, NULL, 2, 1);
    train_once(&t);
    free(weight_gradient(&t, "before", 0));
    ck_assert_ptr_null(first->weights[0].gradient);
    clayer_layer_set_trainable(first, true);
    train_once(&t);
    free(weight_gradient(&t, "encoder/first", 0));
    close_trainer(&t);
    check_trainable(outer, (const char *const[]){"before", "before", "first", "first", "after", "after"}, 6);
    clayer_layer_set_trainable(first, false);
    clayer_layer_set_trainable(layer, true);
    ck_assert(clayer_layer_is_trainable(first));
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* training=False on the call of a model is one on each call in it: in Keras 2. */
START_TEST(inference_reaches_the_inner_calls) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer"), *flat = NULL;
    MUST(clayer_add_input(outer, 3, DIMS(6, 5, 2), NULL));
    call_model(outer, encoder, NULL)->inference = true;
    named_conv(outer, NULL, "after", 2);
    outer->generation = 2;
    MUST(cly_model_flat(outer, &flat));
    ck_assert(cly_model_stays_in_inference(flat->nodes[1]) && cly_model_stays_in_inference(flat->nodes[2]));
    ck_assert(!cly_model_stays_in_inference(flat->nodes[3]));
    outer->generation = 3;
    MUST(cly_model_flat(outer, &flat));
    ck_assert(!cly_model_stays_in_inference(flat->nodes[1]));
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* ---- passes ---- */

/* A trainer that was there before the graph grew follows it. */
START_TEST(training_follows_a_changed_graph) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_model("outer");
    trainer t;
    MUST(clayer_add_input(outer, 3, DIMS(6, 5, 2), NULL));
    named_conv(outer, NULL, "before", 2);
    open_trainer(&t, outer, NULL, 2, 1);
    train_once(&t);
    call_model(outer, encoder, NULL);
    call_model(outer, encoder, named_conv(outer, NULL, "back", 2));
    free(t.factors[0]);
    test_random random = test_random_start(3, 0);
    t.factors[0] = test_random_floats(&random, 2 * 6 * 5 * 3, -1, 1);
    train_once(&t);
    free(weight_gradient(&t, "encoder/first", 0));
    close_trainer(&t);
    ck_assert_ptr_null(clayer_model_find_layer(encoder, "first")->weights[0].gradient);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* The logits of a loss may lie in a nested model. */
START_TEST(logits_are_found_within) {
    clayer_model *head = new_model("head"), *outer = new_model("outer");
    add_input(head, NULL, 1, DIMS(4));
    add_dense(head, NULL, "classes", 3, "softmax");
    MUST(clayer_add_input(outer, 1, DIMS(4), NULL));
    call_model(outer, head, NULL);
    ck_assert_int_eq(cly_model_output_logits(outer, 0), CLY_LOGITS_SOFTMAX);
    ck_assert_int_eq(cly_model_output_logits(outer, 1), CLY_LOGITS_NONE);
    const cly_model_training_config config = {.logits = (const bool[]){true}};
    trainer t;
    open_trainer(&t, outer, &config, 3, 5);
    check_differences(&t);
    close_trainer(&t);
    clayer_model_destroy(head);
    clayer_model_destroy(outer);
}
END_TEST

/* check_numerics names the path. */
START_TEST(what_is_not_finite_is_named_by_path) {
    clayer_model *encoder = new_encoder("encoder"), *outer = new_outer(encoder);
    const cly_model_training_config config = {.check_numerics = true};
    clayer_tensor *bias = clayer_model_find_layer(outer, "encoder/first")->weights[1].tensor;
    trainer t;
    open_trainer(&t, outer, &config, 2, 5);
    MUST(clayer_tensor_write(bias, (const float[]){0, 1.0f / 0.0f, 0}, 3));
    REFUSED(cly_model_training_forward(t.training, t.inputs, 0), CLAYER_NOT_FINITE,
            "layer 'encoder/first' (Conv2D), forward: its output holds an infinity");
    close_trainer(&t);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

/* ---- fit ---- */

/* conv with a penalty, batch normalisation, relu, dropout; added to `model` behind the node added last. */
static void add_block(clayer_model *model, const clayer_model *owner) {
    const clayer_conv_config conv = {.struct_size = sizeof(conv),
                                     .name = "conv",
                                     .filters = 2,
                                     .kernel_size = {3},
                                     .padding = "same",
                                     .kernel_regularizer = "L2(0.01)",
                                     .activity_regularizer = "L1(0.001)"};
    const clayer_batch_normalization_config norm = {.struct_size = sizeof(norm), .name = "norm"};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .name = "dropout", .rate = 0.25};
    if (owner != NULL) {
        reuse(model, owner, "conv", NULL);
        reuse(model, owner, "norm", NULL);
        reuse(model, owner, "dropout", NULL);
        return;
    }
    MUST(clayer_add_conv2d(model, NULL, &conv, NULL));
    MUST(clayer_add_batch_normalization(model, NULL, &norm, NULL));
    MUST(clayer_add_dropout(model, NULL, &dropout, NULL));
}

static clayer_model *new_fit_model(bool nests) {
    clayer_model *model = new_model("net"), *block = NULL;
    MUST(clayer_add_input(model, 3, DIMS(6, 5, 2), NULL));
    if (nests) {
        block = new_model("block");
        add_input(block, NULL, 3, DIMS(-1, -1, 2));
        add_block(block, NULL);
        call_model(model, block, NULL);
        call_model(model, block, NULL);
    } else {
        add_block(model, NULL);
        add_block(model, model);
    }
    add_flatten(model, NULL);
    add_dense(model, NULL, "classes", 3, "softmax");
    clayer_model_destroy(block);
    const clayer_compile_config compile = {
        .struct_size = sizeof(compile), .optimizer = "adam", .losses = (const char *const[]){"mse"}};
    MUST(clayer_model_compile(model, &compile));
    return model;
}

/* As if the layers stood in no nested model: they start and drop by their paths. */
static void take_out(const clayer_model *model) {
    clayer_model *flat = NULL;
    MUST(cly_model_flat(model, &flat));
    for (size_t i = 0; i < flat->layer_count; i++) {
        MUST(cly_layers_settle(flat->layers[i], 0));
    }
}

/* Weights, moving statistics and losses after a whole fit, bit for bit. */
START_TEST(a_nested_model_is_fitted_as_its_layers_are) {
    test_random random = test_random_start(11, 0);
    clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(21, 6, 5, 2));
    clayer_array *y = random_array(&random, CLAYER_FLOAT32, 2, DIMS(21, 3));
    const clayer_dataset data = {
        .struct_size = sizeof(data), .x = (const clayer_array *const[]){x}, .y = (const clayer_array *const[]){y}};
    const clayer_fit_config config = {
        .struct_size = sizeof(config), .batch_size = 4, .epochs = 3, .seed = 5, .validation_split = 0.2};
    clayer_model *models[2] = {new_fit_model(true), new_fit_model(false)};
    take_out(models[0]);
    cly_model_weight *weights[2] = {NULL};
    size_t counts[2] = {0, 0};
    clayer_training_plan plans[2];
    for (int i = 0; i < 2; i++) {
        MUST(clayer_model_fit(models[i], &data, &config, NULL));
        MUST(cly_model_list_weights(models[i], false, &weights[i], &counts[i]));
        MUST(clayer_model_get_training_plan(models[i], NULL, 4, &plans[i]));
    }
    ck_assert_uint_eq(counts[0], 8);
    ck_assert_uint_eq(counts[1], 8);
    ck_assert_mem_eq(&plans[0], &plans[1], sizeof(plans[0]));
    for (size_t i = 0; i < 8; i++) {
        ck_assert_str_eq(weights[0][i].layer->name, weights[1][i].layer->name);
        float *a = read_tensor(weights[0][i].weight->tensor), *b = read_tensor(weights[1][i].weight->tensor);
        ck_assert_mem_eq(a, b, (size_t)clayer_tensor_get_count(weights[0][i].weight->tensor) * sizeof(float));
        free(a);
        free(b);
    }
    check_same(models[0], models[1], 4, DIMS(3, 6, 5, 2), 12);
    for (int i = 0; i < 2; i++) {
        free(weights[i]);
        clayer_model_destroy(models[i]);
    }
    clayer_array_destroy(x);
    clayer_array_destroy(y);
}
END_TEST

/* Keras runs all of a nested model in training: a normalisation moves its averages, whoever reads its output. At the
 * top what leads to no output is not in the model. */
START_TEST(statistics_move_where_nobody_reads_them) {
    test_random random = test_random_start(13, 0);
    clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(4, 6, 5, 2));
    clayer_array *y = random_array(&random, CLAYER_FLOAT32, 2, DIMS(4, 3));
    const clayer_dataset data = {
        .struct_size = sizeof(data), .x = (const clayer_array *const[]){x}, .y = (const clayer_array *const[]){y}};
    const clayer_fit_config config = {.struct_size = sizeof(config), .batch_size = 4, .epochs = 1};
    const clayer_compile_config compile = {
        .struct_size = sizeof(compile), .optimizer = "sgd", .losses = (const char *const[]){"mse"}};
    const clayer_batch_normalization_config norm = {.struct_size = sizeof(norm), .name = "norm"};
    clayer_model *block = new_model("block"), *model = new_model("net");
    clayer_node *input = add_input(block, NULL, 3, DIMS(6, 5, 2)), *unread = NULL, *both[2] = {NULL};
    clayer_node *conv = named_conv(block, input, "conv", 2);
    MUST(clayer_add_batch_normalization(block, conv, &norm, &unread));
    MUST(clayer_model_set_outputs(block, (clayer_node *const[]){conv, unread}, 2));
    clayer_node *image = add_input(model, NULL, 3, DIMS(6, 5, 2));
    MUST(clayer_model_add_model(model, block, &image, 1, both));
    MUST(clayer_add_batch_normalization(model, both[0], &norm, NULL));
    add_flatten(model, both[0]);
    add_dense(model, NULL, "classes", 3, "softmax");
    MUST(clayer_model_compile(model, &compile));
    MUST(clayer_model_fit(model, &data, &config, NULL));
    static const char *const paths[] = {"block/norm", "norm"};
    for (int i = 0; i < 2; i++) {
        float *mean = read_tensor(clayer_layer_get_weight(clayer_model_find_layer(model, paths[i]), 2));
        ck_assert_msg((mean[0] != 0.0f && mean[1] != 0.0f) == (i == 0), "%s: %g, %g", paths[i], (double)mean[0],
                      (double)mean[1]);
        free(mean);
    }
    clayer_model_destroy(model);
    clayer_model_destroy(block);
    clayer_array_destroy(x);
    clayer_array_destroy(y);
}
END_TEST

/* ---- observers ---- */

typedef struct seen {
    char paths[16][40];
    size_t calls[16], count;
    int64_t values[16];
    float last; /* the first value of what was shown last */
} seen;

static void note(const char *path, size_t call, const clayer_shape *shape, const float *values, int64_t count,
                 void *data) {
    seen *s = data;
    ck_assert_uint_lt(s->count, 16);
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++) {
        product *= shape->dims[i];
    }
    ck_assert_int_eq(product, count);
    (void)snprintf(s->paths[s->count], sizeof(s->paths[0]), "%s", path);
    s->calls[s->count] = call;
    s->values[s->count++] = count;
    s->last = values[0];
}

START_TEST(an_observer_sees_every_call) {
    static const char *const expected[] = {
        "before", "encoder/first", "encoder/activation", "after", "encoder/first", "encoder/activation", "flatten"};
    static const size_t calls[] = {0, 0, 0, 0, 1, 1, 0};
    clayer_model *encoder = new_encoder("encoder"), *outer = new_outer(encoder);
    clayer_tensor *y = new_tensor(2, DIMS(2, 90));
    seen s = {.count = 0};
    add_flatten(outer, NULL);
    test_random random = test_random_start(2, 0);
    clayer_tensor *x = random_tensor(&random, 4, DIMS(2, 6, 5, 2));
    MUST(clayer_model_run(outer, &x, 1, &y, 1));
    float *plain = read_tensor(y);
    MUST(clayer_model_observe(outer, note, &s));
    MUST(clayer_model_run(outer, &x, 1, &y, 1));
    float *observed = read_tensor(y);
    ck_assert_uint_eq(s.count, 7);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_str_eq(s.paths[i], expected[i]);
        ck_assert_uint_eq(s.calls[i], calls[i]);
        ck_assert_int_eq(s.values[i], i == 0 || i == 3 ? 2 * 6 * 5 * 2 : 2 * 6 * 5 * 3);
    }
    ck_assert(s.last == observed[0]);
    for (size_t i = 0; i < 180; i++) { /* fused, an activation may be computed elsewhere, but for the same result */
        ck_assert(plain[i] == observed[i]);
    }
    MUST(clayer_model_observe(outer, NULL, NULL));
    MUST(clayer_model_run(outer, &x, 1, &y, 1));
    ck_assert_uint_eq(s.count, 7);
    REFUSED(clayer_model_observe(NULL, note, &s), CLAYER_INVALID_ARGUMENT, "model is NULL");
    free(plain);
    free(observed);
    clayer_tensor_destroy(x);
    clayer_tensor_destroy(y);
    clayer_model_destroy(encoder);
    clayer_model_destroy(outer);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.nested_training");
    TCase *tcase = tcase_create("nested_training");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, weights_come_in_keras_order);
    tcase_add_test(tcase, setting_trainable_reaches_all_layers);
    tcase_add_test(tcase, inference_reaches_the_inner_calls);
    tcase_add_test(tcase, statistics_move_where_nobody_reads_them);
    tcase_add_test(tcase, training_follows_a_changed_graph);
    tcase_add_test(tcase, logits_are_found_within);
    tcase_add_test(tcase, what_is_not_finite_is_named_by_path);
    tcase_add_test(tcase, a_nested_model_is_fitted_as_its_layers_are);
    tcase_add_test(tcase, an_observer_sees_every_call);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
