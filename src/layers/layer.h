/* layers/layer.h: what a layer is inside, and what a file of src/layers gives for each class.
 *
 * A class is a table of parameters and five functions: check the arguments against each other, infer the output shape,
 * declare the weights, plan and plan_backward: write the steps (operators on named places) for one concrete shape.
 * There is no forward or backward function: whoever runs a layer runs its steps. */
#ifndef CLY_LAYERS_LAYER_H
#define CLY_LAYERS_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/layers.h>

#include "layers/params.h"
#include "ops/padding.h"
#include "ops/step.h"
#include "weights/weight.h"

#define CLY_LAYERS_WEIGHTS 8 /* the most weights a layer has */
#define CLY_LAYERS_MAX_INPUTS 64

/* What becomes of Keras' masks, which say of each step (element, but for the last axis) whether it counts
 * (src/model/masks.c). */
typedef enum cly_layers_masks {
    CLY_MASKS_STOP = 0,    /* the output has none */
    CLY_MASKS_PASS,        /* that of the input */
    CLY_MASKS_PASS_KERAS3, /* in Keras 2 none */
    CLY_MASKS_MERGE,       /* those of all inputs become one */
    CLY_MASKS_CONCATENATE,
    CLY_MASKS_MAKE, /* one of its own */
    CLY_MASKS_USE,  /* it is an input behind the others, which the layer must take; the output has none */
    CLY_MASKS_USE_AND_PASS
} cly_layers_masks;

typedef struct cly_layers_class {
    const char *name;      /* Keras' class: "Conv2D" */
    const char *auto_name; /* "conv2d": Keras numbers nameless layers conv2d, conv2d_1, ... */
    int rank;              /* spatial axes; 0 where there are none */
    size_t config_size;
    const cly_layers_param *params;
    size_t min_inputs, max_inputs; /* 0, 0 stands for 1, 1 */
    cly_layers_masks masks;
    /* Arguments against each other (stride with dilation, causal in 2D). NULL: nothing. */
    clayer_status (*check)(clayer_layer *layer);
    /* The output shape; input ranks and unknown (-1) dimensions are looked at here. */
    clayer_status (*infer)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out);
    /* That of training, if it is another. NULL: it is the same. */
    clayer_status (*infer_training)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                    clayer_shape *output_out);
    /* cly_layers_add_weight for each, in Keras' order. NULL: no weights. */
    clayer_status (*declare)(clayer_layer *layer, const clayer_shape *inputs, size_t count);
    /* Writes the steps for concrete shapes that `infer` has accepted. No steps: the output is the input's memory
     * (Flatten, Dropout, Reshape), which the model uses without a copy. steps->training and steps->keeps, set before,
     * say what the steps are for. */
    clayer_status (*plan)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps);
    /* Writes the steps that make the gradients of the inputs where `wanted` says so and of every trainable weight,
     * after forward steps that were written with the same steps->training and steps->keeps. Called by
     * cly_layers_plan_backward, and only where there are forward steps and something is wanted. */
    clayer_status (*plan_backward)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps);
} cly_layers_class;

struct clayer_model;

/* What a layer that is a model needs of src/model, which this folder does not know. */
typedef struct cly_layers_nesting {
    void (*destroy)(struct clayer_model *nested);
    void (*set_trainable)(struct clayer_model *nested, bool trainable);
} cly_layers_nesting;

struct clayer_layer {
    const cly_layers_class *class;
    clayer_context *context; /* retained */
    int references;          /* the caller's and the models' */
    char *name;              /* NULL until it is given one: by its config, or by the model it is added to */
    bool trainable;
    int generation;                /* of Keras that wrote the file, 2 or 3; 3 for layers made in C */
    const char *dtype;             /* the policy that the file names, static, for writing it again; NULL: float32, which
                                      all layers run in */
    bool channels_first;           /* resolved from data_format where the class has it */
    cly_ops_activation activation; /* parsed where the class has it */
    char *origin;       /* the JSON that a file has in the layer's place, for writing it again; owned; NULL: none */
    char *origin_class; /* of an operation on tensors: what Keras calls it, "TFOpLambda"; owned */
    char *inner_name;   /* of a TimeDistributed: the name that the layer has in it; owned; NULL: it is none */
    void *config;       /* the public struct with all defaults in place, owned */
    cly_weights_weight weights[CLY_LAYERS_WEIGHTS];
    size_t weight_count;
    size_t declared; /* weights that the running declare() has named; a built layer's are compared, not made anew */
    bool built;
    clayer_shape built_for;              /* the first input's shape at build */
    struct clayer_model *nested;         /* the model that this layer is, retained; NULL for all others */
    uint64_t place;                      /* in which models it is nested: cly_layers_place; 0: in none */
    const cly_layers_nesting *nesting;   /* set with it */
    cl_mem constants[CLY_OPS_CONSTANTS]; /* numbers of the config on the device, made at build */
    size_t constant_counts[CLY_OPS_CONSTANTS];
    uint64_t training_step; /* increased before each forward pass of training; Dropout's numbers depend on it */
    /* for clayer_layer_forward and _backward on its own: the last plan and its memory */
    bool training; /* steps->training of its plans */
    bool keeps;    /* likewise */
    cly_ops_steps steps;
    clayer_shape *planned_inputs;
    size_t planned_count;
    cl_mem temporaries[CLY_OPS_TEMPORARIES], saved[CLY_OPS_SAVED], workspace;
    uint64_t temporary_bytes[CLY_OPS_TEMPORARIES], saved_bytes[CLY_OPS_SAVED], workspace_bytes;
    cl_mem *ran_inputs; /* planned_count, of the last forward pass; only compared */
    cl_mem ran_output;  /* likewise; NULL: none that a backward pass could follow */
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

/* The class as Keras shows it, which for an operation on tensors is not the one that computes it. */
const char *cly_layers_class_name(const clayer_layer *layer);

/* "Conv2D 'conv2d_1'", for messages ("Conv2D" while nameless); `text` holds CLY_LAYERS_DESCRIPTION bytes. Returns
 * text. */
#define CLY_LAYERS_DESCRIPTION 160
const char *cly_layers_describe(const clayer_layer *layer, char *text, size_t capacity);

/* The model that files and summaries show in the layer, or NULL. An operation on tensors that is made of several is a
 * model too, for whoever runs it alone. */
static inline struct clayer_model *cly_layers_shown_model(const clayer_layer *layer) {
    return layer->origin_class == NULL ? layer->nested : NULL;
}

/* What Keras makes a nameless layer's name of. */
const char *cly_layers_auto_name(const clayer_layer *layer);

/* (N, T, ...) as (N T, ...). */
clayer_status cly_layers_fold_steps(const clayer_layer *layer, const clayer_shape *shape, clayer_shape *folded_out);

/* Internal classes that do so in a model, of two axes at least; no reader finds them by name. The second is given the
 * shapes of what is unfolded and of what was folded, and reads the first. */
extern const cly_layers_class cly_layers_fold, cly_layers_unfold;

/* The functions of the class for a call of the layer, which may be distributed over the steps of axis 1
 * (time_distributed.c). */
clayer_status cly_layers_infer(const clayer_layer *layer, const clayer_shape *inputs, size_t count, bool training,
                               clayer_shape *output_out);
clayer_status cly_layers_declare(clayer_layer *layer, const clayer_shape *inputs, size_t count);
clayer_status cly_layers_plan(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                              const clayer_shape *output, cly_ops_steps *steps);

/* As clayer_layer_get_output_shape, which asks for what the layer is set to, training or not. */
clayer_status cly_layers_get_output_shape(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                          bool training, clayer_shape *output_out);

/* Writes the backward steps of a layer whose forward pass has steps; none if nothing is wanted and no weight is
 * trainable. Where the forward pass has no steps the backward one has none either: the gradient of the input is that of
 * the output. */
clayer_status cly_layers_plan_backward(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                       const clayer_shape *output, const bool *wanted, cly_ops_steps *steps);

/* The model that a call of the layer is a call of, or NULL: not the one in a TimeDistributed, nor an operation. */
static inline struct clayer_model *cly_layers_called_model(const clayer_layer *layer) {
    return layer->inner_name == NULL && layer->origin_class == NULL ? layer->nested : NULL;
}

/* Every config struct begins as this one does. */
typedef clayer_add_config cly_layers_common_config;

/* What clayer_layer_get_profile gives after `layer` ran these steps. */
void cly_layers_note_run(clayer_layer *layer, const cly_ops_steps *steps, double device_ms);

/* The config's InputLayer: what clayer_add_input and the readers use. */
typedef struct cly_layers_input_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    clayer_shape batch_shape; /* with the batch */
} cly_layers_input_config;

/* ---- for the files of src/layers ---- */

/* Fails with "Conv2D 'conv2d_1': " before the formatted reason. */
clayer_status cly_layers_fail(const clayer_layer *layer, clayer_status status, const char *format, ...)
    CLY_PRINTF(3, 4);

/* The term of the loss that the layer's output gives: its activity_regularizer; entry NULL: none
 * (activity_regularization.c). */
clayer_status cly_layers_activity_regularizer(const clayer_layer *layer, cly_spec *regularizer_out);

/* A seed from the layer's path and a word: without one in the config a layer of one path does alike in every run. */
uint64_t cly_layers_seed(const clayer_layer *layer, const char *word);

/* The place of what stands in the nested model `name` at `place`. */
uint64_t cly_layers_place(uint64_t place, const char *name);

/* The layer stands there: weights that nobody wrote since they were made start anew. */
clayer_status cly_layers_settle(clayer_layer *layer, uint64_t place);

/* Declares the next weight; specs are text of the config. An unknown dimension is refused, naming the weight. */
clayer_status cly_layers_add_weight(clayer_layer *layer, const char *name, const clayer_shape *shape, bool trainable,
                                    const char *initializer, const char *regularizer, const char *constraint);

/* For declare(): `total` floats that repeat the `count` given ones, for steps to read; a built layer's must not change
 * their number. */
clayer_status cly_layers_hold_constant(clayer_layer *layer, int index, const double *values, size_t count,
                                       size_t total);
/* For plan(): an operand of the step is that constant. */
void cly_layers_use_constant(const clayer_layer *layer, int index, cly_ops_step *step, int operand);

/* ---- shapes (shape.c) ---- */

/* "(None, 5, 7, 3)"; `text` holds CLY_LAYERS_SHAPE_TEXT bytes. Returns text. */
#define CLY_LAYERS_SHAPE_TEXT 192
const char *cly_layers_shape_text(const clayer_shape *shape, char *text, size_t capacity);

/* data_format where the config leaves it open: image_data_format of Keras' configuration file, else channels_last.
 * The result is static. A damaged file is CLAYER_BAD_FILE. */
clayer_status cly_layers_default_data_format(const char **format_out);

/* Where channels and spatial axes lie in a batched shape of layer->class->rank spatial axes. */
int cly_layers_channel_axis(const clayer_layer *layer);
int cly_layers_spatial_axis(const clayer_layer *layer, int i);

/* CLAYER_INVALID_SHAPE unless the shape has rank + 2 axes: "Conv2D 'c': input (None, 5, 7) has 3 axes, expects 4: (N,
 * rows, cols, C)". */
clayer_status cly_layers_expect_rank(const clayer_layer *layer, const clayer_shape *shape);

/* An axis that counts from the end where negative: 0 <= *axis_out < shape->rank. */
clayer_status cly_layers_expect_axis(const clayer_layer *layer, int64_t axis, const clayer_shape *shape, int *axis_out);

/* `values` of the class' rank, moved to the end of three with `fill` before: {3, 5} in 2D gives {fill, 3, 5}. */
void cly_layers_lead(const clayer_layer *layer, const int64_t values[3], int64_t fill, int64_t sizes[3]);

/* The spatial part of a shape as three sizes with leading ones. */
void cly_layers_spatial(const clayer_layer *layer, const clayer_shape *shape, int64_t sizes[3]);

/* (outer, in[3], inner) of ops/window.h for a shape: channels_last has inner = C. */
void cly_layers_outer_inner(const clayer_layer *layer, const clayer_shape *shape, int64_t *outer_out,
                            int64_t *inner_out);

/* The product of dims[from .. to - 1]; -1 if one of them is unknown, -2 if it overflows. */
int64_t cly_layers_product(const clayer_shape *shape, int from, int to);

bool cly_layers_same_shape(const clayer_shape *a, const clayer_shape *b);

/* ---- what convolutions share (window.c) ---- */

/* "valid", "same" or "causal". */
cly_ops_padding cly_layers_padding(const char *text);

/* Refuses strides with dilation and kernels whose dilated size exceeds 32 bits. */
clayer_status cly_layers_check_window(const clayer_layer *layer, const int64_t kernel[3], const int64_t strides[3],
                                      const int64_t dilation[3]);

/* The spatial sizes of a convolution or pooling, written at `output`; -1 stays -1. `what` names the window in
 * messages: "kernel_size". dilation NULL: 1. */
clayer_status cly_layers_infer_window(const clayer_layer *layer, const clayer_shape *input, const char *what,
                                      const int64_t kernel[3], const int64_t strides[3], const int64_t dilation[3],
                                      const char *padding, clayer_shape *output);

/* The same for depthwise kernels, as Keras 2 shows it (below). */
clayer_status cly_layers_infer_depthwise(const clayer_layer *layer, const clayer_shape *input, const int64_t kernel[3],
                                         const int64_t strides[3], const int64_t dilation[3], const char *padding,
                                         clayer_shape *output);

/* Keras 2 on TensorFlow forgets all spatial sizes of a 2D upsampling or dilated depthwise convolution once one of them
 * is unknown, and its summary shows that. Does nothing for Keras 3. */
void cly_layers_forget_sizes(const clayer_layer *layer, clayer_shape *output);

/* CLAYER_INVALID_SHAPE if the channel dimension is unknown; *channels_out otherwise. */
clayer_status cly_layers_known_channels(const clayer_layer *layer, const clayer_shape *input, int64_t *channels_out);

/* The part of a convolution's shape that every convolution fills in the same way, for `input` as `in`. */
void cly_layers_conv_shape(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                           const int64_t kernel[3], const int64_t strides[3], const int64_t dilation[3],
                           const char *padding, cly_ops_conv_shape *shape_out);

/* ---- steps that layers share (steps.c) ---- */

#define CLY_PLACE(kind_, index_) ((cly_ops_place){.kind = (kind_), .index = (index_)})

/* No steps: the output is the input's memory. */
clayer_status cly_layers_plan_nothing(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                      const clayer_shape *output, cly_ops_steps *steps);

/* A backward pass follows, in training or not. */
static inline bool cly_layers_keeps(const cly_ops_steps *steps) {
    return steps->training || steps->keeps;
}

/* Bytes of a tensor of this shape, which is known and fits. */
uint64_t cly_layers_bytes(const clayer_shape *shape);

/* The gradient of weight `index` is asked for. */
bool cly_layers_is_trained(const clayer_layer *layer, int index);

/* A layer's activation follows its last operator. It is fused into that where it acts element by element, but where a
 * backward pass needs the activation's input that goes to CLY_SAVED 0 and the activation is a step of its own; so is
 * one over an axis (softmax). */
#define CLY_LAYERS_SAVED_PREACTIVATION 0

/* What to fuse into the last operator; linear: nothing. */
cly_ops_activation cly_layers_fused_activation(const clayer_layer *layer, const cly_ops_steps *steps);
/* Where the last operator writes. */
cly_ops_place cly_layers_preactivation(const clayer_layer *layer, const cly_ops_steps *steps);
/* Appends the activation as a step of its own if it was not fused. */
clayer_status cly_layers_plan_activation(const clayer_layer *layer, const clayer_shape *output, cly_ops_steps *steps);

/* Backward: appends dz = dy f'(z) into CLY_TEMPORARY 0 and gives that place, or the output's gradient where the
 * activation is linear or steps->logits says that this is dz. */
clayer_status cly_layers_plan_activation_gradient(const clayer_layer *layer, const clayer_shape *output,
                                                  cly_ops_steps *steps, cly_ops_place *dz_out);
/* Beside the backward steps of steps->logits, for what else reads the layer's output: appends dz = dy f'(z) from
 * CLY_OUTPUT_GRADIENT into CLY_INPUT_GRADIENT 0, both of the output's shape. */
clayer_status cly_layers_plan_logits_gradient(const clayer_layer *layer, const clayer_shape *output,
                                              cly_ops_steps *steps);
/* Backward: appends the gradient of the bias, weight `index`, if that is trained; dz has the output's shape. */
clayer_status cly_layers_plan_bias_gradient(const clayer_layer *layer, const clayer_shape *output, int index,
                                            cly_ops_place dz, cly_ops_steps *steps);
/* Backward: appends a step of `op` with a convolution's shape (whose activation is left out) on three
 * operands: of "conv" and the like x, w, y, of the gradients of weights x, dy, dw. */
clayer_status cly_layers_plan_conv_gradient(const cly_ops_operator *op, const cly_ops_conv_shape *shape,
                                            cly_ops_place first, cly_ops_place second, cly_ops_place result,
                                            cly_ops_steps *steps);
/* Backward: appends all gradients of a layer that is one convolution with bias and activation. */
typedef struct cly_layers_conv_gradients {
    const cly_ops_operator *weights, *input; /* the operators that give them */
    bool transposed;                         /* in the gradient of the kernel, dz and the input change places */
    bool has_bias;                           /* weight 1; the kernel is weight 0 */
} cly_layers_conv_gradients;
clayer_status cly_layers_plan_conv_backward(const clayer_layer *layer, const cly_layers_conv_gradients *gradients,
                                            const cly_ops_conv_shape *shape, const clayer_shape *output,
                                            const bool *wanted, cly_ops_steps *steps);
/* Appends a window of `before` zeros on each axis (negative: crops); with `backward` its gradient. */
clayer_status cly_layers_plan_window(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                                     const int64_t before[3], bool backward, cly_ops_steps *steps);

/* ---- a layer on its own (run.c, backward.c) ---- */

/* An input or gradient that the caller gives: not NULL, of this layer's context, and not in the memory of `apart`
 * (NULL: anything goes). `what` is "input 0". */
clayer_status cly_layers_check_tensor(const clayer_layer *layer, const clayer_tensor *tensor, const char *what,
                                      const clayer_tensor *apart, const char *apart_what);

/* CLAYER_INVALID_SHAPE unless the tensor has this shape. */
clayer_status cly_layers_expect_shape(const clayer_layer *layer, const clayer_tensor *tensor, const char *what,
                                      const clayer_shape *shape);

/* Chooses implementations, makes what memory is missing, and enqueues the steps; the profile then tells of them.
 * `bindings` has inputs, output and gradients; weights and the layer's own memory are filled in. */
clayer_status cly_layers_run_steps(clayer_layer *layer, cly_ops_steps *steps, cly_ops_bindings *bindings);

/* The same for a layer without steps, which a copy stands for. */
clayer_status cly_layers_run_copy(clayer_layer *layer, const clayer_tensor *source, clayer_tensor *target);

/* Gives back what only training needs. */
void cly_layers_release_training(clayer_layer *layer);

#endif
