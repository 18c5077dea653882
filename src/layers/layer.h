/* layers/layer.h: what a layer is inside, and what a file of src/layers gives for each class.
 *
 * A class is a table of parameters and four functions: check the arguments against each other, infer the output shape,
 * declare the weights, and plan: write the steps (operators on named places) for one concrete shape. There is no
 * forward function: whoever runs a layer runs its steps. */
#ifndef CLY_LAYERS_LAYER_H
#define CLY_LAYERS_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/layers.h>

#include "layers/params.h"
#include "ops/step.h"
#include "weights/weight.h"

#define CLY_LAYERS_WEIGHTS 8 /* the most weights a layer has */
#define CLY_LAYERS_MAX_INPUTS 64

typedef struct cly_layers_class {
    const char *name;      /* Keras' class: "Conv2D" */
    const char *auto_name; /* "conv2d": Keras numbers nameless layers conv2d, conv2d_1, ... */
    int rank;              /* spatial axes; 0 where there are none */
    size_t config_size;
    const cly_layers_param *params;
    size_t min_inputs, max_inputs; /* 0, 0 stands for 1, 1 */
    /* Arguments against each other (stride with dilation, causal in 2D); may fill layer->state. NULL: nothing. */
    clayer_status (*check)(clayer_layer *layer);
    /* The output shape; input ranks and unknown (-1) dimensions are looked at here. */
    clayer_status (*infer)(const clayer_layer *layer, const clayer_shape *inputs, size_t count, clayer_shape *output_out);
    /* cly_layers_add_weight for each, in Keras' order. NULL: no weights. */
    clayer_status (*declare)(clayer_layer *layer, const clayer_shape *inputs, size_t count);
    /* Writes the steps for concrete shapes that `infer` has accepted. No steps: the output is the input's memory
     * (Flatten, Dropout, Reshape), which the model uses without a copy. */
    clayer_status (*plan)(const clayer_layer *layer, const clayer_shape *inputs, size_t count, const clayer_shape *output,
                          cly_ops_steps *steps);
} cly_layers_class;

struct clayer_layer {
    const cly_layers_class *class;
    clayer_context *context; /* retained */
    int references;          /* the caller's and the models' */
    char *name;
    bool trainable;
    bool channels_first;         /* resolved from data_format where the class has it */
    cly_ops_activation activation; /* parsed where the class has it */
    void *config;                /* the public struct with all defaults in place, owned */
    cly_weights_weight weights[CLY_LAYERS_WEIGHTS];
    size_t weight_count;
    bool built;
    clayer_shape built_for; /* the first input's shape at build */
    /* for clayer_layer_forward on its own: the last plan and its memory */
    cly_ops_steps steps;
    clayer_shape *planned_inputs;
    size_t planned_count;
    cl_mem temporaries[CLY_OPS_TEMPORARIES];
    cl_mem workspace;
    clayer_layer_profile profile;
};

/* layers.def lists all classes: CLY_LAYER(Conv2D, conv2d, clayer_conv_config) makes `cly_layers_conv2d`. */
#define CLY_LAYER(class_name, function, config_type) extern const cly_layers_class cly_layers_##function;
#define CLY_MERGE(class_name, function, config_type) extern const cly_layers_class cly_layers_##function;
#define CLY_INPUT_LAYER(class_name, function, config_type) extern const cly_layers_class cly_layers_##function;
#include "layers/layers.def"
#undef CLY_LAYER
#undef CLY_MERGE
#undef CLY_INPUT_LAYER

/* The class of Keras' name ("Conv2D", also aliases such as "Convolution2D"), or NULL. */
const cly_layers_class *cly_layers_find_class(const char *name);

/* As clayer_layer_create, from the class. `config` is the class' public struct; NULL: all defaults. */
clayer_status cly_layers_create(clayer_context *context, const cly_layers_class *layer_class, const void *config,
                                clayer_layer **layer_out);
clayer_layer *cly_layers_retain(clayer_layer *layer);

/* "Conv2D 'conv2d_1'", for messages; `text` holds at least 160 bytes. Returns text. */
const char *cly_layers_describe(const clayer_layer *layer, char *text, size_t capacity);

/* The config's InputLayer: what clayer_add_input and the readers use. */
typedef struct cly_layers_input_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    clayer_shape batch_shape; /* with the batch */
} cly_layers_input_config;

/* ---- for the files of src/layers ---- */

/* Declares the next weight; specs are text of the config. */
clayer_status cly_layers_add_weight(clayer_layer *layer, const char *name, const clayer_shape *shape, bool trainable,
                                    const char *initializer, const char *regularizer, const char *constraint);

/* Where channels and spatial axes lie in a batched shape of layer->class->rank spatial axes. */
int cly_layers_channel_axis(const clayer_layer *layer);
int cly_layers_spatial_axis(const clayer_layer *layer, int i);

/* CLAYER_INVALID_SHAPE unless the shape has rank + 2 axes: "Conv2D 'c': input has 3 axes, expects 4 (N, rows, cols, C)". */
clayer_status cly_layers_expect_rank(const clayer_layer *layer, const clayer_shape *shape);

/* The spatial part of a shape as three sizes with leading ones. */
void cly_layers_spatial(const clayer_layer *layer, const clayer_shape *shape, int64_t sizes[3]);

/* (outer, in[3], inner) of ops/window.h for a shape: channels_last has inner = C. */
void cly_layers_outer_inner(const clayer_layer *layer, const clayer_shape *shape, int64_t *outer_out, int64_t *inner_out);

/* Appends the layer's activation as steps of its own on the output, if it is not element by element (softmax). */
clayer_status cly_layers_plan_activation(const clayer_layer *layer, const clayer_shape *output, cly_ops_steps *steps);

#endif
