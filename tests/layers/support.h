/* layers/support.h: running one layer on host arrays, by every implementation of its operators. */
#ifndef TEST_LAYERS_SUPPORT_H
#define TEST_LAYERS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <clayer/array.h>

#include "layers/layer.h"

#define TEST_MOST_PAIRS 128
#define TEST_MOST_OPERATORS 12 /* of one layer, forward and backward */

/* How often each implementation of each operator ran, and how often it said that it cannot do the shape. */
typedef struct test_usage {
    struct {
        const char *op, *implementation;
        int ran, refused;
    } pairs[TEST_MOST_PAIRS];
    size_t count;
} test_usage;

/* The context of this suite, made on first use; the default device. */
clayer_context *test_context(void);
void test_context_drop(void);

/* One layer with its tensors, weights written. The test fails where anything of this does. */
typedef struct test_bench {
    clayer_layer *layer;
    clayer_tensor *inputs[8];
    size_t input_count;
    clayer_tensor *output;
    int64_t count;                            /* of the output */
    float *actual;                            /* what the last run gave */
    const float *weights[CLY_LAYERS_WEIGHTS]; /* borrowed: before each run of training they are written anew */
    clayer_tensor *output_gradient;           /* NULL: forward only */
    clayer_tensor *input_gradients[8];
} test_bench;

/* Takes over `layer`; `weights` in Keras' order. */
void test_bench_open(test_bench *bench, clayer_layer *layer, const clayer_shape *shapes, const float *const *inputs,
                     size_t input_count, const float *const *weights, size_t weight_count);
void test_bench_close(test_bench *bench);

/* From now on each run is a forward and a backward pass with this gradient of the output, borrowed. The layer trains
 * already (or keeps what a backward pass needs). */
void test_bench_train(test_bench *bench, const float *output_gradient);

/* Runs with the output and the gradients poisoned by NaN before; the output goes to bench->actual. */
clayer_status test_bench_run(test_bench *bench);

/* For each operator of the layer's steps, and each implementation of it: forces that one, runs, and calls `compare`;
 * refusals are counted. A layer without steps runs once. */
void test_bench_run_all(test_bench *bench, test_usage *usage,
                        void (*compare)(const test_bench *bench, const char *implementation, void *data), void *data);

/* The same for one operator and implementation drawn by `pick`; runs the library's choice where it refuses. Gives the
 * implementation's name. */
const char *test_bench_run_one(test_bench *bench, test_usage *usage, uint64_t pick);

/* Whether that implementation was ever asked for. */
bool test_usage_has(const test_usage *usage, const char *op, const char *implementation);

/* Prints the table; gives how many pairs ran on fewer than `least` cases (fewer do where an
 * implementation is for few shapes). */
int test_usage_report(const test_usage *usage, int least);

#endif
