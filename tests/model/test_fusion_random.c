/* model/test_fusion_random.c: random graphs give with fusion what they give without. */
#include <stdio.h>

#include "model/fusion_support.h"
#include "support/runner.h"

static clayer_node *random_node(test_random *random, clayer_model *model) {
    const int64_t count = (int64_t)model->node_count;
    return model
        ->nodes[test_random_int(random, count > 3 && test_random_chance(random, 80) ? count - 3 : 0, count - 1)];
}

static clayer_node *random_alike(test_random *random, clayer_model *model, const clayer_node *node, bool concatenates) {
    for (int tries = 0; tries < 10; tries++) {
        clayer_node *other = random_node(random, model);
        bool fits = other->shape.rank == 4;
        for (int i = 1; fits && i < (concatenates ? 3 : 4); i++) {
            fits = other->shape.dims[i] == node->shape.dims[i];
        }
        if (fits) {
            return other;
        }
    }
    return NULL;
}

static void add_random_layer(test_random *random, clayer_model *model) {
    static const char *const activations[] = {"relu", "softmax", "sigmoid", "elu", "gelu"}, *const paddings[] = {
                                                                                                "valid", "same"};
    clayer_node *input =
        test_random_chance(random, 75) ? model->nodes[model->node_count - 1] : random_node(random, model);
    clayer_node *other = NULL;
    const char *padding =
        paddings[input->shape.dims[1] < 4 || input->shape.dims[2] < 4 || test_random_chance(random, 50)];
    const int64_t size = test_random_int(random, 1, 3), stride = test_random_int(random, 1, 4) / 4 + 1;
    switch (test_random_int(random, 0, 15)) {
        case 0:
        case 1:
        case 2:
            MUST(clayer_add_conv2d(
                model, input,
                CONFIG(clayer_conv_config, .filters = test_random_int(random, 1, 20), .kernel_size = {size},
                       .strides = {stride}, .padding = padding, .no_bias = test_random_chance(random, 50)),
                NULL));
            break;
        case 3:
            MUST(clayer_add_depthwise_conv2d(
                model, input,
                CONFIG(clayer_depthwise_conv_config, .kernel_size = {size}, .strides = {stride}, .padding = padding),
                NULL));
            break;
        case 4:
            MUST(clayer_add_separable_conv2d(model, input,
                                             CONFIG(clayer_separable_conv_config, .filters = 5, .kernel_size = {size},
                                                    .padding = padding, .activation = activations[size]),
                                             NULL));
            break;
        case 5:
            MUST(clayer_add_conv2d_transpose(
                model, input,
                CONFIG(clayer_conv_transpose_config, .filters = 3, .kernel_size = {size}, .padding = padding), NULL));
            break;
        case 6:
        case 7:
        case 8:
            normalise(model, input, 3);
            break;
        case 9:
        case 10:
            add_activation(model, input, activations[test_random_int(random, 0, 4)]);
            break;
        case 11:
            MUST(clayer_add_zero_padding2d(
                model, input,
                CONFIG(clayer_zero_padding_config, .has_padding = true,
                       .padding = {{test_random_int(random, 0, 2), 1}, {test_random_int(random, 0, 1), 0}}),
                NULL));
            break;
        case 12:
            if (input->shape.dims[1] > 4 && input->shape.dims[2] > 4) {
                MUST(clayer_add_cropping2d(model, input,
                                           CONFIG(clayer_cropping_config, .has_cropping = true,
                                                  .cropping = {{test_random_int(random, 0, 2), 1}, {0, 1}}),
                                           NULL));
            }
            break;
        case 13:
            MUST(clayer_add_max_pooling2d(
                model, input,
                CONFIG(clayer_pooling_config, .pool_size = {size}, .strides = {stride}, .padding = padding), NULL));
            break;
        case 14:
            other = random_alike(random, model, input, false);
            if (other != NULL) {
                add_sum(model, input, other);
            }
            break;
        default:
            other = random_alike(random, model, input, true);
            if (other != NULL) {
                join(model, input, other);
            }
            break;
    }
}

static size_t check_random_graph(uint64_t seed, uint64_t number) {
    test_random random = test_random_start(seed, number);
    char text[64];
    (void)snprintf(text, sizeof(text), "graph %llu of seed %llu", (unsigned long long)number, (unsigned long long)seed);
    clayer_model *model = new_model("net");
    MUST(clayer_add_input(model, 3, DIMS(8, 7, test_random_int(&random, 1, 20)), NULL));
    const int64_t layers = test_random_int(&random, 2, 24);
    for (int64_t i = 0; i < layers; i++) {
        add_random_layer(&random, model);
    }
    clayer_node *outputs[MOST_OUTPUTS] = {model->nodes[model->node_count - 1]};
    const size_t count = (size_t)test_random_int(&random, 1, 2);
    for (size_t i = 1; i < count; i++) {
        outputs[i] = random_node(&random, model);
    }
    MUST(clayer_model_set_outputs(model, outputs, count));
    const clayer_model_plan plan = check_model(model, test_random_int(&random, 1, 3), 1e-4, text);
    clayer_model_destroy(model);
    return plan.fused_batch_normalizations + plan.fused_activations + plan.fused_paddings + plan.fused_croppings +
           plan.fused_inputs;
}

START_TEST(random_graphs_give_the_same_fused) {
    const uint64_t seed = test_seed("model.fusion_random");
    size_t fused = 0;
    const int cases = test_cases(60);
    for (int i = 0; i < cases; i++) {
        fused += check_random_graph(seed, (uint64_t)i);
    }
    ck_assert_uint_gt(fused, (size_t)cases);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("model.fusion_random");
    TCase *tests = tcase_create("fusion");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, random_graphs_give_the_same_fused);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
