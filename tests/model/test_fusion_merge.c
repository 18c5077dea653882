/* model/test_fusion_merge.c: activations in the last step of the merging layer before them, and which stay apart. */
#include <stdio.h>

#include "model/fusion_support.h"
#include "support/runner.h"

static clayer_node *merge(clayer_model *model, int kind, clayer_node *a, clayer_node *b) {
    clayer_node *node = NULL, *const inputs[] = {a, b};
    switch (kind) {
        case 0:
            MUST(clayer_add_subtract(model, inputs, 2, NULL, &node));
            break;
        case 1:
            MUST(clayer_add_multiply(model, inputs, 2, NULL, &node));
            break;
        case 2:
            MUST(clayer_add_maximum(model, inputs, 2, NULL, &node));
            break;
        default:
            MUST(clayer_add_minimum(model, inputs, 2, NULL, &node));
            break;
    }
    return node;
}

/* Of tensors of one size and of a gate a channel, as the excitation of MobileNetV3 is, in each implementation. */
START_TEST(merging_layers_take_the_activation_behind_them) {
    static const char *const activations[] = {"relu", "silu", "tanh", "gelu"}, *const formats[] = {"channels_last",
                                                                                                   "channels_first"};
    for (int number = 0; number < 4 * 2 * 2 * 2; number++) {
        const int kind = number / 8, act = number / 4 % 2 == 0 ? kind % 3 : 3, gated = number / 2 % 2;
        clayer_model *model = new_model("net");
        clayer_node *x = add_input(model, "x", RANK(6, 5, 4), DIMS(6, 5, 4)), *y = NULL;
        if (gated) {
            MUST(clayer_add_global_average_pooling2d(
                model, x, CONFIG(clayer_global_pooling_config, .keepdims = true, .data_format = formats[number % 2]),
                &y));
        } else {
            y = add_conv(model, x, 4, 3, NULL);
        }
        add_activation(model, merge(model, kind, x, y), activations[act]);
        const char *const *names = clayer_get_implementations("arithmetic");
        for (size_t i = 0; names[i] != NULL; i++) {
            if (gated && strcmp(names[i], "vector") == 0) {
                continue;
            }
            MUST(clayer_context_force(context, "arithmetic", names[i]));
            const clayer_model_plan plan = check_model(model, 1 + 2 * (number % 2), ROUNDING, names[i]);
            ck_assert_uint_eq(plan.fused_activations, strcmp(activations[act], "gelu") != 0);
        }
        MUST(clayer_context_force(context, "arithmetic", NULL));
        clayer_model_destroy(model);
    }
}
END_TEST

/* Behind several steps the last one takes it. */
START_TEST(an_average_of_three_takes_the_activation) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(6, 6, 4), DIMS(6, 6, 4)), *node = NULL;
    clayer_node *y = add_conv(model, x, 4, 3, NULL), *z = add_conv(model, x, 4, 1, NULL);
    MUST(clayer_add_average(model, (clayer_node *[]){y, x, z}, 3, NULL, &node));
    add_activation(model, node, "relu");
    ck_assert_uint_eq(check_model(model, 2, ROUNDING, "average").fused_activations, 1);
    clayer_model_destroy(model);
}
END_TEST

/* Functions of two tensors that no merging layer has: PReLU. */
START_TEST(other_functions_keep_their_activation_apart) {
    clayer_model *model = new_model("net");
    clayer_node *x = add_input(model, "x", RANK(6, 6, 4), DIMS(6, 6, 4)), *node = NULL;
    MUST(clayer_add_prelu(model, add_conv(model, x, 4, 3, NULL), NULL, &node));
    add_activation(model, node, "tanh");
    ck_assert_uint_eq(check_model(model, 2, ROUNDING, "prelu").fused_activations, 0);
    clayer_model_destroy(model);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("model.fusion_merge");
    TCase *tests = tcase_create("merge");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, open_context, close_context);
    tcase_add_test(tests, merging_layers_take_the_activation_behind_them);
    tcase_add_test(tests, an_average_of_three_takes_the_activation);
    tcase_add_test(tests, other_functions_keep_their_activation_apart);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
