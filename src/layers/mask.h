/* layers/mask.h: Keras' masks: see mask.c. */
#ifndef CLY_LAYERS_MASK_H
#define CLY_LAYERS_MASK_H

#include "layers/layer.h"

typedef enum cly_layers_mask_kind {
    CLY_MASK_ROWS = 0, /* of (..., C): where a row differs from `value` somewhere: Masking */
    CLY_MASK_NUMBERS,  /* of (...): where a number differs from it: Embedding */
    CLY_MASK_ONES,     /* of (..., C): everywhere */
    CLY_MASK_ALL,      /* of masks: what all of them keep */
    CLY_MASK_ANY       /* what any of them keeps */
} cly_layers_mask_kind;

/* The internal class that makes masks; no reader finds it by name. */
extern const cly_layers_class cly_layers_mask;
typedef struct cly_layers_mask_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    cly_layers_mask_kind kind;
    float value;
} cly_layers_mask_config;

/* CLAYER_INVALID_SHAPE unless the mask, an input of the layer, fits: of_steps (N, steps), else as NumPy broadcasts. */
clayer_status cly_layers_expect_mask(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *mask,
                                     bool of_steps);

/* Appends the mean over those steps that count: GlobalAveragePooling1D with a mask as input 1. NaN where none does. */
clayer_status cly_layers_plan_masked_mean(const clayer_layer *layer, const clayer_shape *input, cly_ops_steps *steps);
clayer_status cly_layers_plan_masked_mean_backward(const clayer_layer *layer, const clayer_shape *inputs,
                                                   const bool *wanted, cly_ops_steps *steps);

/* Appends what a softmax with a mask as input 1 reads, and what follows it. Its gradient is that without a mask. */
clayer_status cly_layers_plan_masked_softmax(const clayer_layer *layer, const clayer_shape *inputs,
                                             cly_ops_steps *steps, cly_ops_place *logits_out);
clayer_status cly_layers_plan_masked_result(const clayer_layer *layer, const clayer_shape *inputs,
                                            cly_ops_steps *steps);

/* Appends zeros as the gradient of input `index`. */
clayer_status cly_layers_plan_no_gradient(const clayer_shape *input, int index, cly_ops_steps *steps);

#endif
