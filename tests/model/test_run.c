/* model/test_run.c: running on device tensors: a model gives what its layers give one by one, whoever shares memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/support.h"
#include "support/runner.h"

#define MOST 24 /* nodes of a random graph */

/* ---- the reference: every layer alone, every output with its own memory ---- */

static clayer_tensor **run_layers(clayer_model *model, clayer_tensor *const *inputs) {
    clayer_tensor **values = calloc(model->node_count, sizeof(*values));
    size_t input = 0;
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < model->node_count; i++) {
        const clayer_node *node = model->nodes[i];
        clayer_tensor *given[MOST];
        clayer_shape shapes[MOST], shape;
        if (node->input_count == 0) {
            values[i] = inputs[input++];
            continue;
        }
        for (size_t j = 0; j < node->input_count; j++) {
            given[j] = values[node->inputs[j]->index];
            shapes[j] = *clayer_tensor_get_shape(given[j]);
        }
        MUST(clayer_layer_get_output_shape(node->layer, shapes, node->input_count, &shape));
        values[i] = new_tensor(shape.rank, shape.dims);
        MUST(clayer_layer_forward(node->layer, given, node->input_count, values[i]));
    }
    return values;
}

/* Runs the model, before that its plan: memory as promised, outputs bit for bit those of the layers; so without fusion,
 * which model.fusion has. */
static void check_run(clayer_model *model, clayer_tensor *const *inputs, bool fresh, const char *text) {
    clayer_node *const *nodes = NULL;
    size_t output_count = cly_model_outputs(model, &nodes);
    clayer_shape shapes[4], shape;
    clayer_tensor *outputs[MOST];
    clayer_model_plan plan;
    for (size_t i = 0; i < model->input_count; i++) {
        shapes[i] = *clayer_tensor_get_shape(inputs[i]);
    }
    MUST(clayer_model_set_fusion(model, 0));
    MUST(clayer_model_get_plan(model, shapes, 0, &plan));
    clayer_tensor **values = run_layers(model, inputs);
    for (size_t i = 0; i < output_count; i++) {
        shape = *clayer_tensor_get_shape(values[nodes[i]->index]);
        outputs[i] = new_tensor(shape.rank, shape.dims);
    }
    uint64_t before = device_bytes();
    MUST(clayer_model_run(model, inputs, model->input_count, outputs, output_count));
    if (fresh) {
        ck_assert_msg(device_bytes() - before == plan.activation_bytes + plan.workspace_bytes, "%s", text);
    }
    ck_assert_msg(plan.activation_bytes <= plan.activation_sum_bytes, "%s", text);
    for (size_t i = 0; i < output_count; i++) {
        size_t bytes = (size_t)clayer_tensor_get_count(outputs[i]) * sizeof(float);
        float *actual = read_tensor(outputs[i]), *expected = read_tensor(values[nodes[i]->index]);
        ck_assert_msg(memcmp(actual, expected, bytes) == 0, "output %zu ('%s') differs: %s", i, nodes[i]->layer->name,
                      text);
        free(actual);
        free(expected);
        clayer_tensor_destroy(outputs[i]);
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->input_count > 0) {
            clayer_tensor_destroy(values[i]);
        }
    }
    free(values);
}

/* ---- outputs of every kind ---- */

static clayer_tensor *image(uint64_t seed) {
    test_random random = test_random_start(seed, 0);
    return random_tensor(&random, RANK(3, 5, 6, 2), DIMS(3, 5, 6, 2));
}

static void check_outputs(clayer_model *model, clayer_node *const *nodes, size_t count, const char *text) {
    clayer_tensor *x = image(3);
    MUST(clayer_model_set_outputs(model, nodes, count));
    check_run(model, &x, true, text);
    check_run(model, &x, false, text);
    clayer_tensor_destroy(x);
}

START_TEST(outputs_may_be_inputs_aliases_and_each_other) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(5, 6, 2), DIMS(5, 6, 2));
    clayer_node *flat = add_flatten(model, x);
    clayer_node *conv = add_conv(model, x, 2, 3, NULL);
    clayer_node *flat_conv = add_flatten(model, conv);
    clayer_node *relu = add_activation(model, conv, "relu");
    clayer_node *sum = add_sum(model, relu, relu);
    clayer_node *again = add_activation(model, add_flatten(model, sum), "tanh");
    check_outputs(model, (clayer_node *[]){x}, 1, "the input");
    check_outputs(model, (clayer_node *[]){x, x, flat}, 3, "the input three times");
    check_outputs(model, (clayer_node *[]){conv, conv}, 2, "one node twice");
    check_outputs(model, (clayer_node *[]){flat_conv, conv, relu}, 3, "an alias first, and what reads it");
    check_outputs(model, (clayer_node *[]){relu, conv}, 2, "a value and the activation of it");
    check_outputs(model, (clayer_node *[]){relu}, 1, "an activation in place in the output");
    check_outputs(model, (clayer_node *[]){sum}, 1, "a sum of one value with itself");
    check_outputs(model, (clayer_node *[]){sum, relu}, 2, "a sum and its part");
    check_outputs(model, (clayer_node *[]){again, flat, sum}, 3, "in place behind an alias of an output");
    check_outputs(model, (clayer_node *[]){again}, 1, "in place behind an alias");
    clayer_model_destroy(model);
}
END_TEST

/* ---- random graphs ---- */

static clayer_node *random_node(test_random *random, clayer_model *model) {
    clayer_node *last = model->nodes[test_random_int(random, model->node_count > 3 ? (int64_t)model->node_count - 4 : 0,
                                                     (int64_t)model->node_count - 1)];
    return test_random_chance(random, 30) ? model->nodes[test_random_int(random, 0, (int64_t)model->node_count - 1)]
                                          : last;
}

static clayer_node *random_sum(test_random *random, clayer_model *model, clayer_node *first) {
    clayer_node *inputs[3] = {first}, *node = NULL;
    size_t count = 1, wanted = (size_t)test_random_int(random, 2, 3);
    for (int tries = 0; tries < 20 && count < wanted; tries++) {
        clayer_node *other = random_node(random, model);
        if (other->shape.dims[3] == first->shape.dims[3]) {
            inputs[count++] = other;
        }
    }
    if (count > 1) {
        MUST(clayer_add_add(model, inputs, count, NULL, &node));
    }
    return node;
}

static void add_random_layer(test_random *random, clayer_model *model) {
    static const char *const activations[] = {"relu", "softmax", "sigmoid"};
    clayer_node *input = random_node(random, model);
    const clayer_pooling_config pooling = {
        .struct_size = sizeof(pooling), .pool_size = {2}, .strides = {1}, .padding = "same"};
    const clayer_dropout_config dropout = {.struct_size = sizeof(dropout), .rate = 0.5};
    const clayer_separable_conv_config separable = {.struct_size = sizeof(separable),
                                                    .filters = test_random_int(random, 1, 4),
                                                    .kernel_size = {2},
                                                    .padding = "same"};
    switch (test_random_int(random, 0, 9)) {
        case 0:
        case 1:
            add_conv(model, input, test_random_int(random, 1, 4), test_random_int(random, 1, 3),
                     test_random_chance(random, 30) ? "softmax" : "elu");
            break;
        case 2:
        case 3:
            add_activation(model, input, activations[test_random_int(random, 0, 2)]);
            break;
        case 4:
            MUST(clayer_add_batch_normalization(model, input, NULL, NULL));
            break;
        case 5:
            MUST(clayer_add_dropout(model, input, &dropout, NULL));
            break;
        case 6:
            MUST(clayer_add_max_pooling2d(model, input, &pooling, NULL));
            break;
        case 7:
            MUST(clayer_add_separable_conv2d(model, input, &separable, NULL));
            break;
        case 8:
            join(model, input, random_node(random, model));
            break;
        default:
            (void)random_sum(random, model, input);
            break;
    }
}

/* Sizes are unknown in the model; the same model then runs at several. */
static void check_random_graph(uint64_t seed, uint64_t number) {
    test_random random = test_random_start(seed, number);
    char text[64];
    (void)snprintf(text, sizeof(text), "graph %llu", (unsigned long long)number);
    clayer_model *model = new_model(text);
    size_t input_count = (size_t)test_random_int(&random, 1, 2), layers = (size_t)test_random_int(&random, 1, MOST - 4);
    for (size_t i = 0; i < input_count; i++) {
        MUST(clayer_add_input(model, 3, DIMS(-1, -1, test_random_int(&random, 1, 3)), NULL));
    }
    for (size_t i = 0; i < layers; i++) {
        add_random_layer(&random, model);
    }
    clayer_node *outputs[3];
    size_t output_count = (size_t)test_random_int(&random, 1, 3);
    for (size_t i = 0; i < output_count; i++) {
        outputs[i] =
            test_random_chance(&random, 60) ? model->nodes[model->node_count - 1] : random_node(&random, model);
    }
    MUST(clayer_model_set_outputs(model, outputs, output_count));
    for (int run = 0; run < 3; run++) {
        clayer_tensor *inputs[2] = {NULL};
        int64_t batch = test_random_int(&random, 1, 3), rows = test_random_int(&random, 1, 9);
        for (size_t i = 0; i < input_count; i++) {
            inputs[i] = random_tensor(&random, 4, DIMS(batch, rows, 5, model->inputs[i]->shape.dims[3]));
        }
        check_run(model, inputs, run == 0, text);
        for (size_t i = 0; i < input_count; i++) {
            clayer_tensor_destroy(inputs[i]);
        }
    }
    clayer_model_destroy(model);
}

START_TEST(random_graphs_give_what_their_layers_give) {
    uint64_t seed = test_seed("model.run");
    for (int i = 0; i < test_cases(60); i++) {
        check_random_graph(seed, (uint64_t)i);
    }
}
END_TEST

/* ---- shared layers, profiles ---- */

START_TEST(a_shared_layer_works_at_each_of_its_shapes) {
    clayer_model *model = new_model("net");
    clayer_layer *layer = NULL;
    const clayer_conv_config config = {.struct_size = sizeof(config), .filters = 2, .kernel_size = {3}};
    clayer_node *x = add_input(model, "x", RANK(9, 8, 2), DIMS(9, 8, 2)), *first = NULL, *second = NULL;
    MUST(clayer_layer_create(context, "Conv2D", &config, &layer));
    MUST(clayer_model_add(model, layer, &x, 1, &first));
    MUST(clayer_model_add(model, layer, &first, 1, &second));
    clayer_layer_destroy(layer);
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){second, first}, 2));
    test_random random = test_random_start(5, 0);
    clayer_tensor *input = random_tensor(&random, RANK(2, 9, 8, 2), DIMS(2, 9, 8, 2));
    check_run(model, &input, true, "shared");
    clayer_tensor_destroy(input);
    clayer_model_destroy(model);
}
END_TEST

START_TEST(the_profile_names_the_heaviest_operator_and_its_time) {
    const clayer_context_config config = {.struct_size = sizeof(config), .profiling = true};
    clayer_context *usual = context;
    clayer_layer_profile profile;
    const clayer_separable_conv_config separable = {
        .struct_size = sizeof(separable), .filters = 40, .kernel_size = {3}, .activation = "softmax"};
    for (int profiling = 0; profiling < 2; profiling++) {
        if (profiling == 1) {
            MUST(clayer_context_create(&config, &context));
        }
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(8, 8, 2), DIMS(8, 8, 2));
        MUST(clayer_add_separable_conv2d(model, NULL, &separable, NULL));
        add_flatten(model, NULL);
        test_random random = test_random_start(5, 0);
        clayer_tensor *x = random_tensor(&random, RANK(2, 8, 8, 2), DIMS(2, 8, 8, 2));
        clayer_tensor *y = new_tensor(RANK(2, 1440), DIMS(2, 1440));
        MUST(clayer_model_run(model, &x, 1, &y, 1));
        MUST(clayer_layer_get_profile(clayer_model_find_layer(model, "separable_conv2d"), &profile));
        ck_assert_str_eq(profile.operator_name, "conv");
        ck_assert_str_ne(profile.implementation, "");
        ck_assert(profiling == 1 ? profile.device_ms > 0 : profile.device_ms < 0);
        MUST(clayer_layer_get_profile(clayer_model_find_layer(model, "flatten"), &profile));
        ck_assert_str_eq(profile.operator_name, "");
        clayer_tensor_destroy(x);
        clayer_tensor_destroy(y);
        clayer_model_destroy(model);
    }
    clayer_context_destroy(context);
    context = usual;
}
END_TEST

/* ---- refusals ---- */

START_TEST(tensors_that_do_not_fit_are_refused) {
    clayer_model *model = new_model("net"), *empty = new_model("empty");
    clayer_context *usual = context, *second = NULL;
    clayer_node *x = add_input(model, "image", RANK(4, 4, 2), DIMS(4, 4, 2));
    clayer_node *conv = add_conv(model, x, 2, 1, NULL);
    MUST(clayer_model_set_outputs(model, (clayer_node *[]){conv, x}, 2));
    clayer_tensor *in = new_tensor(4, DIMS(3, 4, 4, 2)), *out = new_tensor(4, DIMS(3, 4, 4, 2)),
                  *out2 = new_tensor(4, DIMS(3, 4, 4, 2)), *wide = new_tensor(4, DIMS(3, 4, 4, 3)),
                  *flat = new_tensor(2, DIMS(3, 32));
    MUST(clayer_context_create(NULL, &second));
    context = second;
    clayer_tensor *foreign = new_tensor(4, DIMS(3, 4, 4, 2));
    context = usual;
#define RUN(a, b, c) clayer_model_run(model, (clayer_tensor *[]){a}, 1, (clayer_tensor *[]){b, c}, 2)
    MUST(RUN(in, out, out2));
    REFUSED(RUN(NULL, out, out2), CLAYER_INVALID_ARGUMENT, "input 0 is NULL");
    REFUSED(RUN(in, out, NULL), CLAYER_INVALID_ARGUMENT, "output 1 is NULL");
    REFUSED(RUN(wide, out, out2), CLAYER_INVALID_SHAPE, "input 'image': axis 3: expected 2, got 3");
    REFUSED(RUN(flat, out, out2), CLAYER_INVALID_SHAPE, "input 'image' has 2 axes, expected 4");
    REFUSED(RUN(in, wide, out2), CLAYER_INVALID_SHAPE, "output 'conv2d': axis 3: expected 2, got 3");
    REFUSED(RUN(in, out, flat), CLAYER_INVALID_SHAPE, "output 'image' has 4 axes, the tensor 2");
    REFUSED(RUN(in, in, out2), CLAYER_INVALID_ARGUMENT, "output 0 and input 0 are the same memory");
    REFUSED(RUN(in, out, out), CLAYER_INVALID_ARGUMENT, "outputs 0 and 1 are the same memory");
    REFUSED(RUN(foreign, out, out2), CLAYER_INVALID_ARGUMENT, "input 0 is a tensor of another context");
    REFUSED(RUN(in, out, foreign), CLAYER_INVALID_ARGUMENT, "output 1 is a tensor of another context");
    REFUSED(clayer_model_run(model, &in, 0, &out, 1), CLAYER_INVALID_ARGUMENT, "has 1 input, got 0");
    REFUSED(clayer_model_run(model, &in, 1, &out, 1), CLAYER_INVALID_ARGUMENT, "has 2 outputs, got 1");
    REFUSED(clayer_model_run(empty, &in, 1, &out, 1), CLAYER_INVALID_ARGUMENT, "no input");
    REFUSED(clayer_model_run(NULL, &in, 1, &out, 1), CLAYER_INVALID_ARGUMENT, "model is NULL");
#undef RUN
    clayer_tensor *const all[] = {in, out, out2, wide, flat, foreign};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        clayer_tensor_destroy(all[i]);
    }
    clayer_context_destroy(second);
    clayer_model_destroy(model);
    clayer_model_destroy(empty);
}
END_TEST

/* ---- threads ---- */

typedef struct job {
    clayer_model *model;
    clayer_tensor *x, *y;
    const float *expected;
    int failures;
} job;

/* check's assertions belong to the main thread. */
static void *run_many(void *data) {
    job *j = data;
    int64_t count = clayer_tensor_get_count(j->y);
    float *values = malloc((size_t)count * sizeof(float));
    for (int i = 0; i < 30; i++) {
        clayer_status status = clayer_model_run(j->model, &j->x, 1, &j->y, 1);
        if (status == CLAYER_OK) {
            status = clayer_tensor_read(j->y, values, count);
        }
        j->failures += status != CLAYER_OK || memcmp(values, j->expected, (size_t)count * sizeof(float)) != 0;
    }
    free(values);
    return NULL;
}

START_TEST(two_models_run_in_two_threads_on_one_context) {
    job jobs[2] = {{0}};
    pthread_t threads[2];
    float *expected[2];
    for (int i = 0; i < 2; i++) {
        clayer_model *model = new_model("net");
        add_input(model, "x", RANK(5, 6, 2), DIMS(5, 6, 2));
        add_conv(model, NULL, 4 + i, 3, "relu");
        add_conv(model, NULL, 2, 3, "softmax");
        jobs[i] = (job){.model = model, .x = image((uint64_t)i), .y = new_tensor(4, DIMS(3, 5, 6, 2))};
        MUST(clayer_model_run(model, &jobs[i].x, 1, &jobs[i].y, 1));
        expected[i] = read_tensor(jobs[i].y);
        jobs[i].expected = expected[i];
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_many, &jobs[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(jobs[i].failures, 0);
        free(expected[i]);
        clayer_tensor_destroy(jobs[i].x);
        clayer_tensor_destroy(jobs[i].y);
        clayer_model_destroy(jobs[i].model);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.run");
    TCase *tcase = tcase_create("run");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_set_timeout(tcase, 280);
    tcase_add_test(tcase, outputs_may_be_inputs_aliases_and_each_other);
    tcase_add_test(tcase, random_graphs_give_what_their_layers_give);
    tcase_add_test(tcase, a_shared_layer_works_at_each_of_its_shapes);
    tcase_add_test(tcase, the_profile_names_the_heaviest_operator_and_its_time);
    tcase_add_test(tcase, tensors_that_do_not_fit_are_refused);
    tcase_add_test(tcase, two_models_run_in_two_threads_on_one_context);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
