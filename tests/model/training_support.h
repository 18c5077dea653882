/* model/training_support.h: a model in training against numbers: its loss is the sum of all outputs (or logits) times
 * random factors, plus the penalties. */
#ifndef CLY_TEST_MODEL_TRAINING_SUPPORT_H
#define CLY_TEST_MODEL_TRAINING_SUPPORT_H

#include "model/support.h"
#include "model/training.h"

#define TEST_OUTPUTS 4

typedef struct trainer {
    clayer_model *model;
    cly_model_training *training;
    clayer_tensor *inputs[TEST_OUTPUTS];
    size_t input_count, output_count;
    float *factors[TEST_OUTPUTS]; /* dL / d output or logits */
    float scale;                  /* of the loss, in backward passes */
    int64_t step;
} trainer;

/* Random inputs of the model's own shapes with this batch; the factors come from `seed` too. config NULL: zeros. */
void open_trainer(trainer *t, clayer_model *model, const cly_model_training_config *config, int64_t batch,
                  uint64_t seed);
void close_trainer(trainer *t); /* and the model's gradients, but not the model */

/* One forward pass with Dropout's masks of the first; the loss. */
double forward_loss(trainer *t);
/* The same, and a backward pass. */
void train_once(trainer *t);

/* The gradient of weight `index` of a layer after train_once, to be freed. */
float *weight_gradient(const trainer *t, const char *layer, size_t index);

/* Every trained weight's gradient after train_once against differences of the loss at a few elements. */
void check_differences(trainer *t);

/* Layers that are smooth, so that differences are close to the derivative; "same" padding. NULL: the node added last.
 */
clayer_node *add_dense(clayer_model *model, clayer_node *input, const char *name, int64_t units,
                       const char *activation);

#endif
