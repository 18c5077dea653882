/* layers/operation.h: what Keras' files have as operations on tensors (TFOpLambda of Keras 2, keras.ops of Keras 3) and
 * no layer computes. Its config comes from the reader alone (io/keras_operation.c): no application makes one. */
#ifndef CLY_LAYERS_OPERATION_H
#define CLY_LAYERS_OPERATION_H

#include "layers/layer.h"

typedef enum cly_layers_operation_kind {
    CLY_OPERATION_FUNCTION = 0, /* of one or two operands, with NumPy's broadcasting */
    CLY_OPERATION_WHERE,        /* operand 1 where operand 0 is not 0, else operand 2 */
    CLY_OPERATION_SUM,          /* over axes; of input 0, as all below that say nothing else */
    CLY_OPERATION_MEAN,
    CLY_OPERATION_ANY, /* 1 where some value on the axes is not 0 */
    CLY_OPERATION_ALL, /* 1 where none is 0 */
    CLY_OPERATION_MAX, /* of the gradient equal ones get equal shares */
    CLY_OPERATION_MIN,
    CLY_OPERATION_VARIANCE,
    CLY_OPERATION_DEVIATION,      /* its root */
    CLY_OPERATION_UNIT,           /* x over its length on the axes, whose square is numbers[0] at least */
    CLY_OPERATION_EXPAND,         /* new axes of 1 */
    CLY_OPERATION_SQUEEZE,        /* axes of 1 go; all_axes: all but the batch */
    CLY_OPERATION_TRANSPOSE,      /* axis i is axis axes.dims[i] of the input */
    CLY_OPERATION_SWAP,           /* two axes change places */
    CLY_OPERATION_MOVE,           /* axis axes.dims[0] to place axes.dims[1] */
    CLY_OPERATION_STACK,          /* all inputs along a new axis, axes.dims[0] */
    CLY_OPERATION_DEPTH_TO_SPACE, /* of (N, rows, cols, channels); `block` channels squared become a square of pixels */
    CLY_OPERATION_SPACE_TO_DEPTH,
    CLY_OPERATION_TILE,      /* the whole of axis i axes.dims[i] times */
    CLY_OPERATION_REPEAT,    /* each element of axis axes.dims[0] `block` times */
    CLY_OPERATION_SLICE,     /* x[:, 1:3, 0] */
    CLY_OPERATION_FLIP,      /* axes turned round */
    CLY_OPERATION_PAD,       /* by pads and `edge`, numbers[0] being the value */
    CLY_OPERATION_MATMUL,    /* of the last two axes of inputs 0 and 1 */
    CLY_OPERATION_SAME,      /* a cast to float32 and the like */
    CLY_OPERATION_SIZES,     /* sizes of tensors: see cly_layers_gives_sizes */
    CLY_OPERATION_RESHAPE,   /* to sizes[0], of which one may be -1 */
    CLY_OPERATION_RESIZE,    /* images to sizes[0], by `method` */
    CLY_OPERATION_BROADCAST, /* to sizes[0] */
    CLY_OPERATION_ARGMAX,    /* the first place on an axis */
    CLY_OPERATION_ARGMIN,
    CLY_OPERATION_PRODUCT, /* over axes that are neighbours */
    CLY_OPERATION_CUMSUM,  /* along an axis */
    CLY_OPERATION_EINSUM   /* of operands 0 and 1, the latter perhaps constant, by `labels` */
} cly_layers_operation_kind;

/* How CLY_OPERATION_SIZES makes its list. */
typedef enum cly_layers_sizes_kind {
    CLY_SIZES_SHAPE = 0, /* those of input 0 */
    CLY_SIZES_LIST,      /* sizes[0] */
    CLY_SIZES_PART,      /* slices[0] of that */
    CLY_SIZES_FUNCTION   /* of sizes[0] and sizes[1], one by one or one with all */
} cly_layers_sizes_kind;

/* A list of numbers and of sizes that inputs give: entry i is numbers[i], or if inputs[i] > 0 all sizes that input
 * inputs[i] - 1 gives. */
typedef struct cly_layers_sizes {
    int count;
    int64_t numbers[CLAYER_MAX_RANK];
    int inputs[CLAYER_MAX_RANK];
} cly_layers_sizes;

typedef enum cly_layers_source { CLY_SOURCE_INPUT = 0, CLY_SOURCE_NUMBER, CLY_SOURCE_CONSTANT } cly_layers_source;

/* One entry of an index. */
typedef struct cly_layers_slice {
    enum { CLY_SLICE_RANGE = 0, CLY_SLICE_INDEX, CLY_SLICE_NEW_AXIS, CLY_SLICE_ELLIPSIS } kind;
    int64_t start, stop; /* of a range as Python has it, negative ones from the end; an index is `start` */
    int64_t step;        /* 0: 1 */
    bool has_start, has_stop;
} cly_layers_slice;

#define CLY_LAYERS_SLICES (2 * CLAYER_MAX_RANK)
#define CLY_LAYERS_OPERANDS 3

typedef struct cly_layers_operation_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    cly_layers_operation_kind kind;
    cly_ops_function function;
    cly_layers_source sources[CLY_LAYERS_OPERANDS];
    int inputs[CLY_LAYERS_OPERANDS];     /* which input an operand is */
    double numbers[CLY_LAYERS_OPERANDS]; /* or which number */
    /* or the shape of layer->constants[k], which no file of weights has; the last one shares the first one's place */
    clayer_shape constants[CLY_LAYERS_OPERANDS];
    float limits[2];   /* of a clip */
    clayer_shape axes; /* negative ones count from the end */
    bool all_axes, keepdims;
    cly_layers_slice slices[CLY_LAYERS_SLICES];
    size_t slice_count;
    int64_t block;
    int64_t pads[CLAYER_MAX_RANK][2]; /* before and after axis i of axes.rank */
    cly_ops_edge edge;
    bool transposes[2]; /* the matrices of input 0, 1 */
    cly_layers_sizes_kind sizes_kind;
    cly_layers_sizes sizes[2];
    bool is_scalar; /* the sizes are one, and no list */
    cly_ops_resample_method method;
    bool antialias;
    bool exclusive, back;                /* of a running sum */
    char labels[3][CLAYER_MAX_RANK + 1]; /* the axes of operands 0 and 1 and of the result: "bij" */
} cly_layers_operation_config;

/* Which of the constants on the device operand k is. */
static inline int cly_layers_constant_of(int operand) {
    return operand % CLY_OPS_CONSTANTS;
}

extern const cly_layers_class cly_layers_operation;

/* tf.shape and what is made of it: the sizes that the layer gives are known where shapes are, not computed: they are
 * the shape of its output, -1 for what is not known, and its memory means nothing. */
bool cly_layers_gives_sizes(const clayer_layer *layer);
/* What Keras shows as the shape of an output: that of the list of sizes where it is one. */
clayer_shape cly_layers_shown_shape(const clayer_layer *layer, const clayer_shape *output);

/* What a kind of operation is made of, as in cly_layers_class. */
typedef struct cly_layers_operation_work {
    clayer_status (*infer)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                           clayer_shape *output_out);
    clayer_status (*plan)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                          const clayer_shape *output, cly_ops_steps *steps);
    /* NULL where there are no forward steps, after which it is not called. */
    clayer_status (*plan_backward)(const clayer_layer *layer, const clayer_shape *inputs, size_t count,
                                   const clayer_shape *output, const bool *wanted, cly_ops_steps *steps);
} cly_layers_operation_work;

extern const cly_layers_operation_work cly_layers_reductions; /* operation_reduce.c */
extern const cly_layers_operation_work cly_layers_unit;       /* likewise */
extern const cly_layers_operation_work cly_layers_views;      /* operation_axes.c: expand, squeeze */
extern const cly_layers_operation_work cly_layers_transposes; /* likewise: transpose, swap, move */
extern const cly_layers_operation_work cly_layers_stacks;     /* operation_place.c */
extern const cly_layers_operation_work cly_layers_blocks;     /* likewise: depth to space and back */
extern const cly_layers_operation_work cly_layers_repeats;    /* likewise: tile, repeat */
extern const cly_layers_operation_work cly_layers_slices;     /* operation_slice.c: slice, flip, pad */
extern const cly_layers_operation_work cly_layers_matmul;     /* operation_matmul.c */
extern const cly_layers_operation_work cly_layers_walks;      /* operation_walk.c */
extern const cly_layers_operation_work cly_layers_einsum;     /* operation_einsum.c */
extern const cly_layers_operation_work cly_layers_sizes_of;   /* operation_sizes.c */
extern const cly_layers_operation_work cly_layers_reshapes;   /* likewise, by sizes of tensors */
extern const cly_layers_operation_work cly_layers_resizes;    /* likewise */
extern const cly_layers_operation_work cly_layers_broadcasts; /* likewise */

/* Which of `rank` axes config->axes means; the batch stays out of it (operation_axes.c). */
clayer_status cly_layers_choose_axes(const clayer_layer *layer, int rank, bool chosen[CLAYER_MAX_RANK]);

#endif
