/* layers/support.c: one layer with its tensors, run by implementations forced by name. */
#include "layers/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/range.h"
#include "support/runner.h"

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s: %s", #call, clayer_last_error())

static clayer_context *context;

clayer_context *test_context(void) {
    if (context == NULL) {
        OK(clayer_context_create(NULL, &context));
    }
    return context;
}

void test_context_drop(void) {
    clayer_context_destroy(context);
    context = NULL;
}

void test_bench_open(test_bench *bench, clayer_layer *layer, const clayer_shape *shapes, const float *const *inputs,
                     size_t input_count, const float *const *weights, size_t weight_count) {
    clayer_shape output;
    *bench = (test_bench){.layer = layer, .input_count = input_count};
    ck_assert_uint_le(input_count, 8);
    OK(clayer_layer_get_output_shape(layer, shapes, input_count, &output));
    OK(clayer_layer_build(layer, shapes, input_count));
    ck_assert_msg(clayer_layer_get_weight_count(layer) == weight_count, "%s: %zu weights, Keras has %zu",
                  clayer_layer_get_name(layer), clayer_layer_get_weight_count(layer), weight_count);
    for (size_t i = 0; i < weight_count; i++) {
        clayer_tensor *weight = clayer_layer_get_weight(layer, i);
        OK(clayer_tensor_write(weight, weights[i], clayer_tensor_get_count(weight)));
        bench->weights[i] = weights[i];
    }
    for (size_t i = 0; i < input_count; i++) {
        OK(clayer_tensor_create(test_context(), shapes[i].rank, shapes[i].dims, &bench->inputs[i]));
        OK(clayer_tensor_write(bench->inputs[i], inputs[i], clayer_tensor_get_count(bench->inputs[i])));
    }
    OK(clayer_tensor_create(test_context(), output.rank, output.dims, &bench->output));
    bench->count = clayer_tensor_get_count(bench->output);
    bench->actual = malloc((size_t)bench->count * sizeof(float));
    ck_assert_ptr_nonnull(bench->actual);
}

void test_bench_close(test_bench *bench) {
    for (size_t i = 0; i < bench->input_count; i++) {
        clayer_tensor_destroy(bench->inputs[i]);
        clayer_tensor_destroy(bench->input_gradients[i]);
    }
    clayer_tensor_destroy(bench->output_gradient);
    clayer_tensor_destroy(bench->output);
    clayer_layer_destroy(bench->layer);
    free(bench->actual);
    *bench = (test_bench){0};
}

void test_bench_train(test_bench *bench, const float *output_gradient) {
    const clayer_shape *shape = clayer_tensor_get_shape(bench->output);
    OK(clayer_tensor_create(test_context(), shape->rank, shape->dims, &bench->output_gradient));
    OK(clayer_tensor_write(bench->output_gradient, output_gradient, bench->count));
    for (size_t i = 0; i < bench->input_count; i++) {
        shape = clayer_tensor_get_shape(bench->inputs[i]);
        OK(clayer_tensor_create(test_context(), shape->rank, shape->dims, &bench->input_gradients[i]));
    }
}

static void poison(clayer_tensor *tensor) {
    const int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof(float));
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < count; i++) {
        values[i] = NAN;
    }
    OK(clayer_tensor_write(tensor, values, count));
    free(values);
}

static void prepare_training(const test_bench *bench) {
    for (size_t i = 0; i < bench->input_count; i++) {
        poison(bench->input_gradients[i]);
    }
    for (size_t i = 0; i < clayer_layer_get_weight_count(bench->layer); i++) {
        clayer_tensor *weight = clayer_layer_get_weight(bench->layer, i);
        clayer_tensor *gradient = clayer_layer_get_weight_gradient(bench->layer, i);
        OK(clayer_tensor_write(weight, bench->weights[i], clayer_tensor_get_count(weight)));
        if (gradient != NULL) {
            poison(gradient);
        }
    }
}

clayer_status test_bench_run(test_bench *bench) {
    poison(bench->output);
    if (bench->output_gradient != NULL) {
        prepare_training(bench);
    }
    clayer_status status = clayer_layer_forward(bench->layer, bench->inputs, bench->input_count, bench->output);
    if (status == CLAYER_OK && bench->output_gradient != NULL) {
        status = clayer_layer_backward(bench->layer, bench->inputs, bench->input_count, bench->output,
                                       bench->output_gradient, bench->input_gradients);
    }
    if (status == CLAYER_OK) {
        OK(clayer_tensor_read(bench->output, bench->actual, bench->count));
    }
    return status;
}

static size_t add_operators(const cly_ops_steps *steps, const cly_ops_operator *ops[TEST_MOST_OPERATORS],
                            size_t count) {
    for (size_t i = 0; i < steps->count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++) {
            known = known || ops[j] == steps->steps[i].op;
        }
        if (!known) {
            ck_assert_uint_lt(count, TEST_MOST_OPERATORS);
            ops[count++] = steps->steps[i].op;
        }
    }
    return count;
}

/* The distinct operators of the layer's steps for its tensors, of both passes where it trains. */
static size_t find_operators(const test_bench *bench, const cly_ops_operator *ops[TEST_MOST_OPERATORS]) {
    static const bool wanted[8] = {true, true, true, true, true, true, true, true};
    const bool training = bench->layer->training, keeps = bench->layer->keeps;
    cly_ops_steps forward = {.training = training, .keeps = keeps}, backward = {.training = training, .keeps = keeps};
    const clayer_shape *output = clayer_tensor_get_shape(bench->output);
    clayer_shape shapes[8];
    for (size_t i = 0; i < bench->input_count; i++) {
        shapes[i] = *clayer_tensor_get_shape(bench->inputs[i]);
    }
    OK(bench->layer->class->plan(bench->layer, shapes, bench->input_count, output, &forward));
    size_t count = add_operators(&forward, ops, 0);
    if (bench->output_gradient != NULL && forward.count > 0) {
        OK(cly_layers_plan_backward(bench->layer, shapes, bench->input_count, output, wanted, &backward));
        count = add_operators(&backward, ops, count);
    }
    cly_ops_steps_free(&forward);
    cly_ops_steps_free(&backward);
    return count;
}

static void note(test_usage *usage, const char *op, const char *implementation, bool ran) {
    size_t i = 0;
    while (i < usage->count &&
           (strcmp(usage->pairs[i].op, op) != 0 || strcmp(usage->pairs[i].implementation, implementation) != 0)) {
        i++;
    }
    ck_assert_uint_lt(i, TEST_MOST_PAIRS);
    if (i == usage->count) {
        usage->pairs[i].op = op;
        usage->pairs[i].implementation = implementation;
        usage->count++;
    }
    usage->pairs[i].ran += ran;
    usage->pairs[i].refused += !ran;
}

void test_bench_run_all(test_bench *bench, test_usage *usage,
                        void (*compare)(const test_bench *bench, const char *implementation, void *data), void *data) {
    const cly_ops_operator *ops[TEST_MOST_OPERATORS];
    size_t count = find_operators(bench, ops);
    if (count == 0) {
        OK(test_bench_run(bench));
        compare(bench, "copy of the input", data);
    }
    for (size_t i = 0; i < count; i++) {
        for (const cly_ops_implementation *one = ops[i]->implementations; one->name != NULL; one++) {
            OK(clayer_context_force(test_context(), ops[i]->name, one->name));
            clayer_status status = test_bench_run(bench);
            ck_assert_msg(status == CLAYER_OK || status == CLAYER_UNSUPPORTED, "%s by %s: %s", ops[i]->name, one->name,
                          clayer_last_error());
            note(usage, ops[i]->name, one->name, status == CLAYER_OK);
            if (status == CLAYER_OK) {
                compare(bench, one->name, data);
            }
        }
        OK(clayer_context_force(test_context(), ops[i]->name, NULL));
    }
}

const char *test_bench_run_one(test_bench *bench, test_usage *usage, uint64_t pick) {
    const cly_ops_operator *ops[TEST_MOST_OPERATORS];
    size_t count = find_operators(bench, ops), choices = 0;
    if (count == 0) {
        OK(test_bench_run(bench));
        return "copy of the input";
    }
    const cly_ops_operator *op = ops[pick % count];
    while (op->implementations[choices].name != NULL) {
        choices++;
    }
    const char *name = op->implementations[pick / count % choices].name;
    OK(clayer_context_force(test_context(), op->name, name));
    clayer_status status = test_bench_run(bench);
    OK(clayer_context_force(test_context(), op->name, NULL));
    note(usage, op->name, name, status == CLAYER_OK);
    if (status == CLAYER_UNSUPPORTED) {
        name = "the library's choice";
        status = test_bench_run(bench);
    }
    ck_assert_msg(status == CLAYER_OK, "%s by %s: %s", op->name, name, clayer_last_error());
    return name;
}

bool test_usage_has(const test_usage *usage, const char *op, const char *implementation) {
    bool seen = false;
    for (size_t i = 0; i < usage->count; i++) {
        seen = seen ||
               (strcmp(usage->pairs[i].op, op) == 0 && strcmp(usage->pairs[i].implementation, implementation) == 0);
    }
    return seen;
}

/* "direct" of the convolutions is for CPUs and for 16 channels or more of the result, which few cases have; ops.conv
 * and ops.conv_gradient draw enough of these. */
static int least_of(const char *op, const char *implementation, int least) {
    const bool wide = strcmp(implementation, "direct") == 0 && strncmp(op, "conv", strlen("conv")) == 0;
    return !wide ? least : cly_ops_is_cpu(test_context()) ? least / 20 : 0;
}

int test_usage_report(const test_usage *usage, int least) {
    int few = 0;
    for (size_t i = 0; i < usage->count; i++) {
        bool too_few = usage->pairs[i].ran < least_of(usage->pairs[i].op, usage->pairs[i].implementation, least);
        printf("%-20s %-12s ran %4d, refused %4d%s\n", usage->pairs[i].op, usage->pairs[i].implementation,
               usage->pairs[i].ran, usage->pairs[i].refused, too_few ? "  <- too few" : "");
        few += too_few;
    }
    fflush(stdout);
    return few;
}
