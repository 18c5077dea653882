/* model/test_large.c: graphs of hundreds and thousands of layers are built and planned in a time that grows as they do,
 * nested or not; several models share programs. */
#include <stdio.h>
#include <stdlib.h>

#include "model/nested_support.h"
#include "model/plan.h"
#include "support/clock.h"
#include "support/runner.h"

/* `count` times a 1x1 convolution and an addition of what went into it; 2 nodes each. */
static void add_residuals(clayer_model *model, clayer_node *node, int count) {
    for (int i = 0; i < count; i++) {
        node = add_sum(model, node, add_conv(model, node, 2, 1, "relu"));
    }
}

/* The same chain five models deep: each level holds the one below, and its own part of the layers behind it. */
static clayer_model *new_deep(int layers_a_level) {
    clayer_model *model = NULL;
    for (int level = 0; level < 5; level++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "level%d", level);
        clayer_model *next = new_model(name);
        clayer_node *node = add_input(next, NULL, 3, DIMS(4, 4, 2));
        node = model == NULL ? node : call_model(next, model, node);
        add_residuals(next, node, layers_a_level / 2);
        clayer_model_destroy(model);
        model = next;
    }
    return model;
}

/* Milliseconds in all, of which the bound leaves room for slow machines and sanitizers. */
START_TEST(eight_hundred_layers_are_planned_at_once) {
    clayer_model *plain = new_model("plain"), *deep = new_deep(160);
    add_residuals(plain, add_input(plain, NULL, 3, DIMS(4, 4, 2)), 400);
    clayer_model *models[2] = {plain, deep};
    clayer_model_plan plans[2];
    for (int i = 0; i < 2; i++) {
        clayer_training_plan training;
        MUST(clayer_model_get_plan(models[i], NULL, 1, &plans[i]));
        const double start = cly_test_cpu_ms();
        MUST(clayer_model_get_plan(models[i], NULL, 2, &plans[i]));
        const double planned = cly_test_cpu_ms();
        MUST(clayer_model_get_training_plan(models[i], NULL, 2, &training));
        const double trained = cly_test_cpu_ms();
        printf("%s: planned in %.2f ms, for training in %.2f ms; activations %llu of %llu bytes\n", models[i]->name,
               planned - start, trained - planned, (unsigned long long)plans[i].activation_bytes,
               (unsigned long long)plans[i].activation_sum_bytes);
        ck_assert_double_lt(planned - start, 500);
        ck_assert_double_lt(trained - planned, 2000);
    }
    ck_assert_mem_eq(&plans[0], &plans[1], sizeof(plans[0]));
    ck_assert_uint_lt(plans[0].activation_bytes * 20, plans[0].activation_sum_bytes);
    clayer_model_destroy(plain);
    clayer_model_destroy(deep);
}
END_TEST

/* 16 times the layers take about 16 times the time, twice that where they leave the caches of a busy processor; where
 * each looks at all others it is 256 times. */
START_TEST(thousands_of_layers_are_added_in_linear_time) {
    double times[2] = {1e9, 1e9};
    for (int round = 0; round < 3; round++) {
        for (int size = 0; size < 2; size++) {
            const int count = size == 0 ? 1000 : 16000;
            const double start = cly_test_cpu_ms();
            clayer_model *model = new_model("wide");
            clayer_node *node = add_input(model, NULL, 1, DIMS(3));
            for (int i = 0; i < count; i++) {
                node = add_activation(model, node, "relu");
            }
            const double took = cly_test_cpu_ms() - start;
            times[size] = took < times[size] ? took : times[size];
            ck_assert_str_eq(clayer_layer_get_name(node->layer), size == 0 ? "activation_999" : "activation_15999");
            clayer_model_destroy(model);
        }
    }
    printf("1,000 layers: %.1f ms, 16,000: %.1f ms\n", times[0], times[1]);
    ck_assert_double_lt(times[1], 4 * 16 * times[0]);
}
END_TEST

/* Programs belong to the context: a second model of the same shapes makes none, nor does a nested one. */
START_TEST(models_share_programs) {
    clayer_counters before, after;
    for (int i = 0; i < 3; i++) {
        clayer_model *model = new_model("net"), *block = new_encoder("block");
        clayer_node *input = add_input(model, NULL, 3, DIMS(6, 5, 2));
        if (i == 2) {
            call_model(model, block, input);
        } else {
            add_activation(model, named_conv(model, input, "first", 3), "relu");
        }
        test_random random = test_random_start(4, 0);
        clayer_array *x = random_array(&random, CLAYER_FLOAT32, 4, DIMS(2, 6, 5, 2)), *y = NULL;
        MUST(clayer_context_get_counters(context, &before));
        MUST(clayer_model_predict(model, &x, 1, NULL, &y));
        MUST(clayer_context_get_counters(context, &after));
        if (i > 0) {
            ck_assert_uint_eq(after.programs_built, before.programs_built);
            ck_assert_uint_eq(after.programs_loaded, before.programs_loaded);
            ck_assert_uint_gt(after.programs_reused, before.programs_reused);
        } else {
            ck_assert_uint_gt(after.programs_built + after.programs_loaded,
                              before.programs_built + before.programs_loaded);
        }
        clayer_array_destroy(x);
        clayer_array_destroy(y);
        clayer_model_destroy(model);
        clayer_model_destroy(block);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.large");
    TCase *tcase = tcase_create("large");
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, eight_hundred_layers_are_planned_at_once);
    tcase_add_test(tcase, models_share_programs);
    tcase_add_test(tcase, thousands_of_layers_are_added_in_linear_time);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
