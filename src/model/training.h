/* model/training.h: one pass forward in training mode and one backward through a whole model, for src/train.
 *
 * A training plan holds, for concrete input shapes, the forward and the backward steps of every node and one plan of
 * memory for both: an output, a saved tensor or a gradient keeps its memory from the first step that writes it to the
 * last one that reads it. The loss stands between the passes: whoever trains reads the outputs and writes their
 * gradients. */
#ifndef CLY_MODEL_TRAINING_H
#define CLY_MODEL_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* The activation that a loss undoes: such a loss reads what went into it and gives the gradient of that. */
typedef enum cly_model_logits { CLY_LOGITS_NONE = 0, CLY_LOGITS_SOFTMAX, CLY_LOGITS_SIGMOID } cly_model_logits;

/* The activation that ends output `index` and that a loss may undo, as Keras on TensorFlow sees it: the activation
 * argument of its layer, or an Activation or Softmax layer (whatever its axis), also with a linear Activation or, in
 * Keras 3, a Dropout of rate 0 behind it; nothing after a Flatten, Reshape or the like. Keras' crossentropies take the
 * logits of either activation, softmax or sigmoid, even of the one that is not theirs. */
cly_model_logits cly_model_output_logits(const clayer_model *model, size_t index);

/* The shape of the mask that reaches output `index`, for a pass of `shape` (the output's, batch in front); rank 0:
 * there is none. */
clayer_status cly_model_output_mask(const clayer_model *model, size_t index, const clayer_shape *shape,
                                    clayer_shape *mask_out);

typedef struct cly_model_training_config {
    const bool *losses;          /* per output: it has a loss; NULL: each has */
    const bool *logits;          /* per output: the loss reads the logits there (cly_model_output_logits says some);
                                    NULL: none does */
    uint64_t memory_limit_bytes; /* on what the model needs to train, weights and `other_bytes` included; 0: the
                                    device's memory */
    uint64_t other_bytes;        /* that the caller holds beside: batches, the optimizer's slots */
    bool check_numerics;         /* look for a NaN or an infinity after every node, and name it */
    bool inference; /* forward passes in inference mode, for evaluation: outputs, logits and penalties as in training,
                       but no gradients (cly_model_training_output.gradient is NULL) and no backward pass */
} cly_model_training_config;

typedef struct cly_model_training cly_model_training;

/* Plans lie in it, a few by input shapes, and one set of buffers. `config` is copied, the model is not retained. A
 * change of the graph, of a layer's `trainable` or of forced implementations makes new plans. */
clayer_status cly_model_training_create(clayer_model *model, const cly_model_training_config *config,
                                        cly_model_training **training_out);
void cly_model_training_destroy(cly_model_training *training);

/* Plans for these shapes (one a model input, batch in front) and holds the memory; CLAYER_OUT_OF_MEMORY, with needed
 * and allowed bytes, before anything ran. Also what clayer_model_get_training_plan tells. */
clayer_status cly_model_training_plan(cly_model_training *training, const clayer_shape *input_shapes,
                                      clayer_training_plan *plan_out);

/* Enqueues the forward pass of training. The inputs must stay as they are until after the backward pass. `step` is for
 * messages of check_numerics ("step 12: layer 'conv2d_1' (Conv2D), forward: its output holds a NaN"). */
clayer_status cly_model_training_forward(cly_model_training *training, clayer_tensor *const *inputs, int64_t step);

/* Output `index` between the two passes. A gradient that nobody needs (no loss, or no trainable weight before it) is
 * NULL. */
typedef struct cly_model_training_output {
    clayer_shape shape;
    cl_mem y;
    cl_mem logits;   /* what went into the last activation; NULL unless asked for */
    cl_mem gradient; /* to be written by the loss: with respect to y, or to the logits where these were asked for */
    cl_mem mask;     /* Keras' mask of y, 1 where an entry counts and 0 where it does not; NULL: none */
    clayer_shape mask_shape;
} cly_model_training_output;
clayer_status cly_model_training_get_output(cly_model_training *training, size_t index,
                                            cly_model_training_output *output_out);

/* Enqueues the backward pass. It adds the gradients of activity regularizers to those of the outputs concerned, and
 * leaves in weights[i].gradient of every layer the gradient of scale * (losses + penalties) for each trainable weight:
 * summed over the calls of a shared layer, with that of the weight's own regularizer. `scale` is what the caller's
 * gradients were multiplied by already. A weight that neither a loss nor a penalty depends on has no gradient: NULL,
 * and Keras' optimizers leave such a weight (decay included) as it is. */
clayer_status cly_model_training_backward(cly_model_training *training, float scale);

/* Adds the penalties of the last forward pass, activity regularizers' (over the batch, as Keras has it) and weights',
 * to one float at `offset` of `value`. To be called before the backward pass, which reuses the memory of outputs.
 * Without any it enqueues nothing; cly_model_has_penalties tells. */
clayer_status cly_model_training_add_penalties(cly_model_training *training, cl_mem value, int64_t offset);
bool cly_model_has_penalties(const clayer_model *model);

/* The weights that training moves, in the order of Keras' model.trainable_variables, and all weights in the order of
 * model.weights. *weights_out is freed with free(), the entries are borrowed from their layers. */
typedef struct cly_model_weight {
    clayer_layer *layer;
    size_t index;
    cly_weights_weight *weight;
} cly_model_weight;
clayer_status cly_model_list_weights(const clayer_model *model, bool trainable_only, cly_model_weight **weights_out,
                                     size_t *count_out);

#endif
