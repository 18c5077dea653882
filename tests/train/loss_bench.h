/* train/loss_bench.h: one loss on host arrays: its value, gradient and single values. */
#ifndef TEST_TRAIN_LOSS_BENCH_H
#define TEST_TRAIN_LOSS_BENCH_H

#include "train/losses.h"

/* The suite's context, as a fixture. */
void bench_open(void);
void bench_close(void);

int64_t bench_count(const clayer_shape *shape);

/* What one evaluation gave; freed by bench_drop. */
typedef struct outcome {
    float value;
    float *gradient, *values;
    clayer_shape values_shape;
    int bad_labels;
} outcome;

/* Value and gradient of scale * loss, in poisoned memory, and the unreduced values. The test fails if anything does. */
outcome bench_evaluate(const cly_train_loss_shape *shape, const float *y_pred, const float *y_true, const float *weight,
                       float scale);
void bench_drop(outcome *out);

#endif
