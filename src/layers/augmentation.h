/* layers/augmentation.h: the part of the layers that change images at random which runs in training only. */
#ifndef CLY_LAYERS_AUGMENTATION_H
#define CLY_LAYERS_AUGMENTATION_H

#include "layers/layer.h"

/* The number of one of Keras' names, in whose order the ops have them. */
cly_ops_fill cly_layers_fill_mode(const char *name);

/* Whether the layer's class can be trained through. */
bool cly_layers_augments(const clayer_layer *layer);

/* Appends the steps of a layer of such a class in training. */
clayer_status cly_layers_plan_augmentation(const clayer_layer *layer, const clayer_shape *input,
                                           const clayer_shape *output, bool backward, cly_ops_steps *steps);

#endif
