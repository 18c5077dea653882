/* train/nets.h: small nets and data of a seed, for tests of training. */
#ifndef TEST_TRAIN_NETS_H
#define TEST_TRAIN_NETS_H

#include <check.h>
#include <string.h>

#include <clayer/model.h>
#include <clayer/train.h>

#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define REFUSED(call, expected, part)                                                                              \
    do {                                                                                                           \
        ck_assert_int_eq((call), (expected));                                                                      \
        ck_assert_msg(strstr(clayer_last_error(), (part)) != NULL, "message '%s' lacks '%s'", clayer_last_error(), \
                      (part));                                                                                     \
    } while (0)

/* (6, 6, 1) images: convolution, batch normalisation, dropout, pooling, 3 classes by softmax. */
clayer_model *net_images(clayer_context *context);
/* 4 numbers: a hidden layer and one number, "dense". */
clayer_model *net_numbers(clayer_context *context, const char *activation);

/* NULL: "adam(learning_rate=0.01)". */
void net_compile(clayer_model *model, const char *optimizer, const char *loss, const char *metric);

/* The model's data: `samples` random inputs, and labels 0 .. classes - 1, or random numbers where classes is 0. */
typedef struct net_data {
    clayer_array *x, *y;
    const clayer_array *xs[1], *ys[1];
    clayer_dataset dataset; /* points into this struct */
} net_data;
void net_make_data(const clayer_model *model, uint64_t seed, int64_t samples, int classes, net_data *data);
void net_free_data(net_data *data);

/* All weights one after another, allocated. */
float *net_weights(clayer_model *model, size_t *count_out);
/* Bit for bit. */
bool net_same_weights(clayer_model *a, clayer_model *b);

#endif
