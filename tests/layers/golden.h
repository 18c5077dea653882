/* layers/golden.h: the cases that real Keras made: a layer's configuration, its tensors and what Keras gave. */
#ifndef TEST_LAYERS_GOLDEN_H
#define TEST_LAYERS_GOLDEN_H

#include "layers/support.h"

typedef struct golden {
    const char *file;
    int number;
    char *json; /* as text, for messages too; freed by golden_free */
    const clayer_array *inputs[8], *weights[CLY_LAYERS_WEIGHTS], *output;
    size_t input_count, weight_count;
    /* of gradients/ only: what arrives at the output, what Keras made of it, and weights that the call itself changed;
     * NULL where there is none */
    const clayer_array *output_gradient, *input_gradients[8], *weight_gradients[CLY_LAYERS_WEIGHTS];
    const clayer_array *weights_after[CLY_LAYERS_WEIGHTS];
    double tolerance;
} golden;

/* tests/golden/<name>.npz; the test fails without it. */
clayer_archive *golden_open(const char *name);

/* Case `number` of an archive that golden_open gave for `file`. False: there is none. */
bool golden_read(const clayer_archive *archive, const char *file, int number, golden *out);
void golden_free(golden *g);

/* The layer of the case's configuration. */
clayer_status golden_make_layer(const golden *g, clayer_layer **layer_out);

/* The JSON has "name": true beside the configuration. */
bool golden_has_flag(const golden *g, const char *name);

/* Takes over `layer`, whose weights are compared with Keras' shapes, and opens a bench for it. */
void golden_open_bench(const golden *g, clayer_layer *layer, test_bench *bench);

/* Fails with the worst index where `actual` is further than `tolerance` from what Keras has. */
void golden_compare(const golden *g, const char *what, const char *implementation, const float *actual,
                    const clayer_array *expected, double tolerance);

#endif
