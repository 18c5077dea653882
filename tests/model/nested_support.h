/* model/nested_support.h: short ways to nest models, and to compare one with the same layers joined without nesting. */
#ifndef CLY_TEST_MODEL_NESTED_SUPPORT_H
#define CLY_TEST_MODEL_NESTED_SUPPORT_H

#include "model/model.h"
#include "model/training_support.h"

/* A call of a nested model with one input (NULL: the node added last); its first node. */
clayer_node *call_model(clayer_model *model, clayer_model *nested, clayer_node *input);

/* Calls a layer of another model, found by path: the two models share it. */
clayer_node *reuse(clayer_model *model, const clayer_model *owner, const char *path, clayer_node *input);
clayer_node *reuse_two(clayer_model *model, const clayer_model *owner, const char *path, clayer_node *a,
                       clayer_node *b);

/* A 3x3 convolution with padding "same". */
clayer_node *named_conv(clayer_model *model, clayer_node *input, const char *name, int64_t filters);

/* A Sequential: (N, 6, 5, 2) -> "first", a convolution with 3 filters, and "activation", relu. */
clayer_model *new_encoder(const char *name);

/* Runs and predicts both on the same random inputs, all of this shape: all outputs are the same bit for bit. */
void check_same(clayer_model *a, clayer_model *b, int rank, const int64_t *dims, uint64_t seed);

/* One step of training of each: so are the gradients of all weights. How many weights have one. */
size_t check_same_gradients(clayer_model *a, clayer_model *b, int64_t batch);

#endif
