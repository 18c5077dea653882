/* model/fold.h: what convolutions take of BatchNormalizations beside them (fold.c). A model keeps one set of it for all
 * of its plans. */
#ifndef CLY_MODEL_FOLD_H
#define CLY_MODEL_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "layers/layer.h"
#include "ops/fold.h"

/* A BatchNormalization: its layer and which weights are what; -1: missing. layer NULL: none. */
typedef struct cly_model_normalisation {
    clayer_layer *layer;
    int gamma, beta, mean, variance;
    float epsilon;
} cly_model_normalisation;

/* The results of a fold, as indexes of CLY_FOLDED. */
enum { CLY_MODEL_FOLDED_KERNEL = 0, CLY_MODEL_FOLDED_BIAS, CLY_MODEL_FOLDED_NORM, CLY_MODEL_FOLDED };

typedef struct cly_model_fold {
    cly_model_normalisation before, behind;
    clayer_layer *layer; /* whose kernel and bias (-1: none) have `before` in them; NULL: there is none */
    int kernel, bias;
    cly_ops_fold how;                 /* and how */
    int64_t channels;                 /* of `behind` */
    cl_mem buffers[CLY_MODEL_FOLDED]; /* made and kept up to date by cly_model_fold_update; NULL: not wanted */
    uint64_t versions[2 + 2 * 4];     /* of the weights that they were made from */
    bool counted;                     /* while a plan adds up its bytes */
    struct cly_model_fold *next;
} cly_model_fold;

/* The fold of `list` that is alike, or a new one put before it; borrowed from the list. */
clayer_status cly_model_fold_find(cly_model_fold **list, const cly_model_fold *like, cly_model_fold **fold_out);

/* Bytes of all results. */
uint64_t cly_model_fold_bytes(const cly_model_fold *fold);

/* Makes the memory, if there is none, and the values, if a weight changed. Enqueues only. */
clayer_status cly_model_fold_update(clayer_context *context, cly_model_fold *fold);

/* Frees a list with its memory. */
void cly_model_folds_destroy(clayer_context *context, cly_model_fold *list);

#endif
