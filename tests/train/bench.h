/* train/bench.h: two weights, "kernel" and "bias", with gradients, and an optimizer of them. */
#ifndef TEST_TRAIN_BENCH_H
#define TEST_TRAIN_BENCH_H

#include "train/optimizer.h"

#define WEIGHTS 2

typedef struct bench {
    cly_weights_weight weights[WEIGHTS];
    cly_model_weight listed[WEIGHTS]; /* without layers */
    cly_train_optimizer *optimizer;
} bench;

/* The values are not initialised, and the optimizer not built. The test fails if the texts do not parse. */
void open_bench(clayer_context *context, bench *b, const clayer_shape shapes[WEIGHTS], const char *text,
                const char *schedule, int generation);
void build_bench(bench *b);
void close_bench(bench *b);

/* All values of the tensor. */
void write_tensor(clayer_tensor *tensor, const float *values);

#endif
