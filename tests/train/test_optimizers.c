/* train/test_optimizers.c: optimizers against Keras: five steps of every case, the state and its names, the end of fit;
 * going on from a state that was set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/context.h"
#include "support/runner.h"
#include "train/bench.h"
#include "train/golden.h"

#define STEPS 5

static clayer_context *context;

static void set_up(void) {
    context = cly_test_context(NULL, NULL);
}

static void tear_down(void) {
    clayer_context_destroy(context);
}

static const char *const names[WEIGHTS] = {"kernel", "bias"};

/* ---- Keras ---- */

/* The array of another name than NNN.*, "g0.1". */
static const clayer_array *shared(const golden *g, const char *kind, int weight, int step) {
    char name[32];
    (void)snprintf(name, sizeof(name), "%s%d.%d", kind, weight, step);
    return clayer_archive_find(g->archive, name);
}

static const clayer_array *part(const golden *g, int weight, const char *which) {
    char name[32];
    (void)snprintf(name, sizeof(name), "v%d.%s", weight, which);
    return golden_find(g, name);
}

/* The texts of the optimizer and of the schedule that its learning_rate may be. */
static void texts_of(const golden *g, cly_base_text *optimizer, cly_base_text *schedule) {
    static const char *const no_rate[] = {"learning_rate", "name", NULL};
    static const char *const no_name[] = {"name", NULL};
    const cJSON *rate = cJSON_GetObjectItem(g->config, "learning_rate");
    cly_spec spec;
    golden_spec(g, &cly_train_optimizers, cJSON_IsObject(rate) ? no_rate : no_name, &spec);
    ck_assert_int_eq(cly_base_spec_format(&spec, optimizer), CLAYER_OK);
    if (cJSON_IsObject(rate)) {
        const golden inner = {.file = g->file,
                              .number = g->number,
                              .text = g->text,
                              .class_name = cJSON_GetObjectItem(rate, "class_name")->valuestring,
                              .config = cJSON_GetObjectItem(rate, "config")};
        golden_spec(&inner, &cly_train_schedules, no_name, &spec);
        ck_assert_int_eq(cly_base_spec_format(&spec, schedule), CLAYER_OK);
    }
}

static void compare_weights(const golden *g, const bench *b, const char *which) {
    for (int i = 0; i < WEIGHTS; i++) {
        float values[16];
        char what[64];
        const clayer_array *expected = part(g, i, which);
        ck_assert_ptr_nonnull(expected);
        ck_assert_int_eq(clayer_tensor_read(b->weights[i].tensor, values, clayer_array_get_count(expected)), CLAYER_OK);
        (void)snprintf(what, sizeof(what), "%s after %s", names[i], which);
        golden_compare(g, what, values, expected, 2e-7, 2e-6);
    }
}

/* Step `number` (from 1) with Keras' gradients. */
static void step(const golden *g, bench *b, int number) {
    for (int i = 0; i < WEIGHTS; i++) {
        write_tensor(b->weights[i].gradient, clayer_array_get_const_data(shared(g, "g", i, number)));
    }
    ck_assert_msg(cly_train_optimizer_step(b->optimizer) == CLAYER_OK, "%s", clayer_last_error());
}

/* All values of the state, one after another; the count. */
static int64_t flatten(const bench *b, float *values) {
    cly_train_variable *variables = NULL;
    size_t count = 0;
    int64_t at = 0;
    ck_assert_int_eq(cly_train_optimizer_list(b->optimizer, &variables, &count), CLAYER_OK);
    for (size_t i = 0; i < count; i++) {
        if (variables[i].tensor == NULL) {
            values[at++] = variables[i].is_integer ? (float)variables[i].integer : variables[i].scalar;
        } else {
            const int64_t size = clayer_tensor_get_count(variables[i].tensor);
            ck_assert_int_eq(clayer_tensor_read(variables[i].tensor, values + at, size), CLAYER_OK);
            at += size;
        }
    }
    free(variables);
    return at;
}

static void compare_state(const golden *g, const bench *b) {
    const cJSON *slots = cJSON_GetObjectItem(g->json, "slots");
    const clayer_array *expected = golden_find(g, "slots");
    cly_train_variable *variables = NULL;
    float values[128];
    size_t count = 0;
    ck_assert_int_eq(cly_train_optimizer_list(b->optimizer, &variables, &count), CLAYER_OK);
    ck_assert_int_eq((int)count, cJSON_GetArraySize(slots));
    for (size_t i = 0; i < count; i++) {
        const cJSON *slot = cJSON_GetArrayItem(slots, (int)i), *shape = cJSON_GetArrayItem(slot, 1);
        ck_assert_str_eq(variables[i].name, cJSON_GetArrayItem(slot, 0)->valuestring);
        ck_assert_int_eq(variables[i].shape.rank, cJSON_GetArraySize(shape));
        for (int axis = 0; axis < variables[i].shape.rank; axis++) {
            ck_assert_int_eq(variables[i].shape.dims[axis], cJSON_GetArrayItem(shape, axis)->valueint);
        }
    }
    free(variables);
    ck_assert_int_eq(flatten(b, values), clayer_array_get_count(expected));
    /* Ftrl's linear terms are small differences of numbers around 1 */
    golden_compare(g, "state", values, expected, strcmp(g->class_name, "Ftrl") == 0 ? 1e-6 : 2e-7, 2e-6);
}

/* tf_keras' Nadam computes otherwise by how it runs; ours is what fit() does with an optimizer that was just made: see
 * src/train/rules.c. */
static bool is_other_run(const golden *g) {
    const cJSON *runs = cJSON_GetObjectItem(g->json, "runs");
    return runs != NULL && strcmp(runs->valuestring, "fit") != 0;
}

static void start(const golden *g, bench *b, const char *optimizer, const char *schedule) {
    clayer_shape shapes[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) {
        shapes[i] = *clayer_array_get_shape(part(g, i, "0"));
    }
    open_bench(context, b, shapes, optimizer, schedule, g->generation);
    for (int i = 0; i < WEIGHTS; i++) {
        write_tensor(b->weights[i].tensor, clayer_array_get_const_data(part(g, i, "0")));
    }
    build_bench(b);
}

static void check_golden(const golden *g) {
    cly_base_text optimizer = {0}, schedule = {0};
    char number[8];
    bench b;
    texts_of(g, &optimizer, &schedule);
    start(g, &b, optimizer.chars, schedule.chars);
    for (int i = 1; i <= STEPS; i++) {
        step(g, &b, i);
        (void)snprintf(number, sizeof(number), "%d", i);
        compare_weights(g, &b, number);
    }
    compare_state(g, &b);
    ck_assert_int_eq(cly_train_optimizer_get_iterations(b.optimizer), STEPS);
    ck_assert_int_eq(cly_train_optimizer_finalize(b.optimizer), CLAYER_OK);
    compare_weights(g, &b, part(g, 0, "final") != NULL ? "final" : "5");
    close_bench(&b);
    cly_base_text_free(&optimizer);
    cly_base_text_free(&schedule);
}

static void for_each_golden(void (*check)(const golden *g)) {
    clayer_archive *archive = golden_open("optimizers");
    golden g;
    int count = 0, checked = 0;
    for (; golden_read(archive, "optimizers", count, &g); count++) {
        if (!is_other_run(&g)) {
            check(&g);
            checked++;
        }
        golden_free(&g);
    }
    ck_assert_int_eq(count, 146);
    ck_assert_int_eq(checked, 138);
    clayer_archive_destroy(archive);
}

START_TEST(test_keras) {
    for_each_golden(check_golden);
}
END_TEST

/* ---- going on ---- */

static void copy_state(const bench *from, bench *to) {
    cly_train_variable *variables = NULL;
    size_t count = 0;
    ck_assert_int_eq(cly_train_optimizer_list(from->optimizer, &variables, &count), CLAYER_OK);
    for (size_t i = 0; i < count; i++) {
        float values[16];
        double wide[16];
        int64_t size = 1;
        wide[0] = variables[i].is_integer ? (double)variables[i].integer : (double)variables[i].scalar;
        if (variables[i].tensor != NULL) {
            size = clayer_tensor_get_count(variables[i].tensor);
            ck_assert_int_eq(clayer_tensor_read(variables[i].tensor, values, size), CLAYER_OK);
            for (int64_t j = 0; j < size; j++) {
                wide[j] = (double)values[j];
            }
        }
        ck_assert_msg(cly_train_optimizer_set_variable(to->optimizer, i, wide, size) == CLAYER_OK, "%s",
                      clayer_last_error());
    }
    for (int i = 0; i < WEIGHTS; i++) {
        float values[16];
        const int64_t size = clayer_tensor_get_count(from->weights[i].tensor);
        ck_assert_int_eq(clayer_tensor_read(from->weights[i].tensor, values, size), CLAYER_OK);
        write_tensor(to->weights[i].tensor, values);
    }
    free(variables);
}

static void check_same_bits(const golden *g, const bench *a, const bench *b) {
    float one[16], other[16];
    for (int i = 0; i < WEIGHTS; i++) {
        const int64_t size = clayer_tensor_get_count(a->weights[i].tensor);
        ck_assert_int_eq(clayer_tensor_read(a->weights[i].tensor, one, size), CLAYER_OK);
        ck_assert_int_eq(clayer_tensor_read(b->weights[i].tensor, other, size), CLAYER_OK);
        ck_assert_msg(memcmp(one, other, (size_t)size * sizeof(float)) == 0, "case %03d: %s goes on otherwise\n%s",
                      g->number, names[i], g->text);
    }
}

/* Three steps, the state taken over by another optimizer, and two more in both. */
static void check_going_on(const golden *g) {
    cly_base_text optimizer = {0}, schedule = {0};
    bench whole, cut;
    float before[128], after[128];
    texts_of(g, &optimizer, &schedule);
    start(g, &whole, optimizer.chars, schedule.chars);
    for (int i = 1; i <= 3; i++) {
        step(g, &whole, i);
    }
    start(g, &cut, optimizer.chars, schedule.chars);
    copy_state(&whole, &cut);
    const int64_t count = flatten(&whole, before);
    ck_assert(flatten(&cut, after) == count && memcmp(before, after, (size_t)count * sizeof(float)) == 0);
    for (int i = 4; i <= STEPS; i++) {
        step(g, &whole, i);
        step(g, &cut, i);
        check_same_bits(g, &whole, &cut);
    }
    close_bench(&whole);
    close_bench(&cut);
    cly_base_text_free(&optimizer);
    cly_base_text_free(&schedule);
}

START_TEST(test_going_on) {
    for_each_golden(check_going_on);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.optimizers");
    TCase *tests = tcase_create("optimizers");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_keras);
    tcase_add_test(tests, test_going_on);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
