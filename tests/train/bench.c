/* train/bench.c: weights on the device, without layers. */
#include "train/bench.h"

#include <check.h>

static const char *const names[WEIGHTS] = {"kernel", "bias"};

void write_tensor(clayer_tensor *tensor, const float *values) {
    ck_assert_int_eq(clayer_tensor_write(tensor, values, clayer_tensor_get_count(tensor)), CLAYER_OK);
}

void open_bench(clayer_context *context, bench *b, const clayer_shape shapes[WEIGHTS], const char *text,
                const char *schedule, int generation) {
    *b = (bench){0};
    for (int i = 0; i < WEIGHTS; i++) {
        b->weights[i].name = names[i];
        b->weights[i].trainable = true;
        ck_assert_int_eq(clayer_tensor_create(context, shapes[i].rank, shapes[i].dims, &b->weights[i].tensor),
                         CLAYER_OK);
        ck_assert_int_eq(cly_weights_hold_gradient(&b->weights[i], context), CLAYER_OK);
        b->listed[i].weight = &b->weights[i];
    }
    ck_assert_msg(cly_train_optimizer_create(context, text, schedule, generation, &b->optimizer) == CLAYER_OK, "%s: %s",
                  text, clayer_last_error());
}

void close_bench(bench *b) {
    cly_train_optimizer_destroy(b->optimizer);
    for (int i = 0; i < WEIGHTS; i++) {
        cly_weights_free(&b->weights[i]);
    }
}

void build_bench(bench *b) {
    ck_assert_msg(cly_train_optimizer_build(b->optimizer, b->listed, WEIGHTS) == CLAYER_OK, "%s", clayer_last_error());
}
