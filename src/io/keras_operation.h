/* io/keras_operation.h: what the readers of operations on tensors share: the arguments of one call by position and
 * name.
 */
#ifndef CLY_IO_KERAS_OPERATION_H
#define CLY_IO_KERAS_OPERATION_H

#include "io/keras.h"
#include "layers/operation.h"

#define CLY_IO_KERAS_MOST_ARGUMENTS 32

/* One call of one operation. */
typedef struct cly_io_keras_operation_call {
    clayer_context *context;
    int generation;
    const char *layer_name;     /* borrowed, as all below */
    const char *operation;      /* "math.add", "keras.src.ops.numpy.Add" */
    const cJSON *positional[8]; /* Keras 2 has the first only */
    size_t positional_count;
    const cJSON *keywords;                          /* of the call; NULL: none */
    const cJSON *config;                            /* of the operation, which in Keras 3 has arguments too */
    const cJSON *used[CLY_IO_KERAS_MOST_ARGUMENTS]; /* what was asked for */
    size_t used_count;
    int tensors;                /* how many of the arguments so far were tensors */
    clayer_node *const *inputs; /* all tensors that it is called on; NULL: not known */
    size_t input_count;
} cly_io_keras_operation_call;

typedef struct cly_io_keras_operation_row cly_io_keras_operation_row;
typedef clayer_status cly_io_keras_operation_build(cly_io_keras_operation_call *call,
                                                   const cly_io_keras_operation_row *entry, clayer_layer **layer_out);

/* keras2 is the name behind the last dot: tf.add, tf.math.add and the + of tensors, __operators__.add, are one. */
struct cly_io_keras_operation_row {
    const char *keras2, *keras3;
    cly_io_keras_operation_build *build;
    int id;           /* a cly_ops_function or cly_layers_operation_kind */
    const char *text; /* of an activation, or the number that joins the operand */
    bool takes_sizes; /* of tensors, beside a tensor of numbers */
};
/* The operation of that name, or NULL. */
const cly_io_keras_operation_row *cly_io_keras_find_operation(int generation, const char *name);

/* The argument of that place (-1: by name only) or one of the names, or NULL; other NULL: one name. */
const cJSON *cly_io_keras_argument(cly_io_keras_operation_call *call, int position, const char *name,
                                   const char *other);

/* The ["layer", call, tensor] of an argument that is a tensor, or NULL. */
const cJSON *cly_io_keras_history(const cJSON *value);

/* An argument that is none, without what Keras 2 (["_CONSTANT_VALUE", -1, value, {...}]) and 3 put around it. */
const cJSON *cly_io_keras_constant(const cJSON *value);

/* CLAYER_UNSUPPORTED with the layer's and the operation's name before the reason. */
clayer_status cly_io_keras_operation_fail(const cly_io_keras_operation_call *call, const char *format, ...)
    CLY_PRINTF(2, 3);

/* ---- arguments of one kind (keras_operation_arguments.c) ---- */

/* An operand of a function: a tensor, a number, or a list of numbers, whose `values` are allocated. */
typedef struct cly_io_keras_operand {
    cly_layers_source source;
    int input;
    double number;
    clayer_shape shape;
    double *values;
} cly_io_keras_operand;
clayer_status cly_io_keras_read_operand(cly_io_keras_operation_call *call, const cJSON *value,
                                        cly_io_keras_operand *operand_out);

/* The tensor that must stand first. */
clayer_status cly_io_keras_read_tensor(cly_io_keras_operation_call *call);
/* A list of tensors stands there instead, as TensorFlow stacks them. */
bool cly_io_keras_is_list(cly_io_keras_operation_call *call);
/* An integer or a list of them; NULL or null: *none_out. */
clayer_status cly_io_keras_read_axes(cly_io_keras_operation_call *call, const cJSON *value, clayer_shape *axes_out,
                                     bool *none_out);
/* The shape of tensor `index` of the call, or a refusal where only the operation itself is read. */
clayer_status cly_io_keras_read_shape(const cly_io_keras_operation_call *call, size_t index,
                                      const clayer_shape **shape_out);
/* Numbers (null: -1) and sizes of tensors, in a list or one alone (keras_operation_sizes.c). */
clayer_status cly_io_keras_read_sizes(cly_io_keras_operation_call *call, const cJSON *value,
                                      cly_layers_sizes *list_out);
/* Whether the call has sizes of tensors among its tensors. */
bool cly_io_keras_has_sizes(const cly_io_keras_operation_call *call);
/* The entries of an index. */
clayer_status cly_io_keras_read_slices(cly_io_keras_operation_call *call, const cJSON *value,
                                       cly_layers_operation_config *config);

/* ---- what makes the layers (keras_operation_build.c and the files beside it) ---- */

cly_io_keras_operation_build cly_io_keras_build_activation, cly_io_keras_build_add_n, cly_io_keras_build_arithmetic,
    cly_io_keras_build_bias, cly_io_keras_build_block, cly_io_keras_build_broadcast, cly_io_keras_build_clip,
    cly_io_keras_build_concatenate, cly_io_keras_build_cumsum, cly_io_keras_build_dot, cly_io_keras_build_einsum,
    cly_io_keras_build_fill, cly_io_keras_build_flip, cly_io_keras_build_frame, cly_io_keras_build_gather,
    cly_io_keras_build_getitem, cly_io_keras_build_halves, cly_io_keras_build_logsumexp, cly_io_keras_build_matmul,
    cly_io_keras_build_mirror, cly_io_keras_build_moments, cly_io_keras_build_norm, cly_io_keras_build_pad,
    cly_io_keras_build_places, cly_io_keras_build_pool, cly_io_keras_build_repeat, cly_io_keras_build_reshape,
    cly_io_keras_build_resize, cly_io_keras_build_response, cly_io_keras_build_roll, cly_io_keras_build_round,
    cly_io_keras_build_same, cly_io_keras_build_shape, cly_io_keras_build_sizes, cly_io_keras_build_slice,
    cly_io_keras_build_softmax, cly_io_keras_build_split, cly_io_keras_build_stack, cly_io_keras_build_standardize,
    cly_io_keras_build_sum, cly_io_keras_build_tile, cly_io_keras_build_transpose, cly_io_keras_build_unit,
    cly_io_keras_build_unstack, cly_io_keras_build_view, cly_io_keras_build_where;

/* The reduction `kind` of a list of tensors over axis 0. */
clayer_status cly_io_keras_build_merge(cly_io_keras_operation_call *call, cly_layers_operation_kind kind,
                                       clayer_layer **layer_out);

/* ---- operations made of several (keras_operation_parts.c) ---- */

/* The model that computes one call, while it is built. */
typedef struct cly_io_keras_parts {
    cly_io_keras_operation_call *call;
    clayer_model *model;
    clayer_node *inputs[CLY_LAYERS_MAX_INPUTS]; /* for the tensors of the call */
    clayer_status status;                       /* of the first part that failed; what follows does nothing */
} cly_io_keras_parts;
cly_io_keras_parts cly_io_keras_open_parts(cly_io_keras_operation_call *call);
/* One operation on `count` nodes, or NULL. */
clayer_node *cly_io_keras_part(cly_io_keras_parts *parts, cly_layers_operation_config config, clayer_node *const *nodes,
                               size_t count);
/* A layer that is none. `config` is that of its class, nameless. */
clayer_node *cly_io_keras_layer_part(cly_io_keras_parts *parts, const cly_layers_class *layer_class, const void *config,
                                     clayer_node *const *nodes, size_t count);
/* f(a), f(a, b), f(a, number), f(number, b); an operation of `kind` over or along axes. */
clayer_node *cly_io_keras_unary(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a);
clayer_node *cly_io_keras_binary(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a, clayer_node *b);
clayer_node *cly_io_keras_by_number(cly_io_keras_parts *parts, cly_ops_function function, clayer_node *a,
                                    double number);
clayer_node *cly_io_keras_over(cly_io_keras_parts *parts, cly_layers_operation_kind kind, clayer_node *a,
                               const clayer_shape *axes, bool keepdims);
/* Elements [start, start + length) of an axis, or the one at `start` without the axis where length is 0. */
clayer_node *cly_io_keras_cut(cly_io_keras_parts *parts, clayer_node *a, int axis, int64_t start, int64_t length);
/* The layer that gives `outputs`, and the end of `parts`. */
clayer_status cly_io_keras_close_parts(cly_io_keras_parts *parts, clayer_node *const *outputs, size_t count,
                                       clayer_layer **layer_out);

/* The layer of a config and of `count` operands that are read. Their values stay the caller's. */
clayer_status cly_io_keras_make_function(cly_io_keras_operation_call *call, cly_layers_operation_config *config,
                                         const cly_io_keras_operand *operands, int count, clayer_layer **layer_out);

/* The layer of an operation's config, under the call's name. */
clayer_status cly_io_keras_make_operation(cly_io_keras_operation_call *call, cly_layers_operation_config *config,
                                          clayer_layer **layer_out);

#endif
