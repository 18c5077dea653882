/* layers/operation.h: what Keras' files have as operations on tensors (TFOpLambda of Keras 2, keras.ops of Keras 3) and
 * no layer computes. Its config comes from the reader alone (io/keras_operation.c): no application makes one. */
#ifndef CLY_LAYERS_OPERATION_H
#define CLY_LAYERS_OPERATION_H

#include "layers/layer.h"

typedef enum cly_layers_operation_kind {
    CLY_OPERATION_FUNCTION = 0, /* of one or two operands, with NumPy's broadcasting */
    CLY_OPERATION_SUM,          /* over axes; of input 0, as all below */
    CLY_OPERATION_MEAN,
    CLY_OPERATION_ANY,       /* 1 where some value on the axes is not 0 */
    CLY_OPERATION_EXPAND,    /* new axes of 1 */
    CLY_OPERATION_SQUEEZE,   /* axes of 1 go; all_axes: all but the batch */
    CLY_OPERATION_TRANSPOSE, /* axis i is axis axes.dims[i] of the input */
    CLY_OPERATION_SLICE,     /* x[:, 1:3, 0] */
    CLY_OPERATION_SAME       /* a cast to float32 and the like */
} cly_layers_operation_kind;

typedef enum cly_layers_source { CLY_SOURCE_INPUT = 0, CLY_SOURCE_NUMBER, CLY_SOURCE_CONSTANT } cly_layers_source;

/* One entry of an index. */
typedef struct cly_layers_slice {
    enum { CLY_SLICE_RANGE = 0, CLY_SLICE_INDEX, CLY_SLICE_NEW_AXIS, CLY_SLICE_ELLIPSIS } kind;
    int64_t start, stop; /* of a range as Python has it, negative ones from the end; an index is `start` */
    bool has_start, has_stop;
} cly_layers_slice;

#define CLY_LAYERS_SLICES (2 * CLAYER_MAX_RANK)

typedef struct cly_layers_operation_config {
    size_t struct_size;
    const char *name;
    bool not_trainable;
    cly_layers_operation_kind kind;
    cly_ops_function function;
    cly_layers_source sources[2];
    int inputs[2];             /* which input an operand is */
    double numbers[2];         /* or which number; a constant is layer->constants, which no file of weights has */
    clayer_shape constants[2]; /* its shape */
    float limits[2];           /* of a clip */
    clayer_shape axes;         /* negative ones count from the end */
    bool all_axes, keepdims;
    cly_layers_slice slices[CLY_LAYERS_SLICES];
    size_t slice_count;
} cly_layers_operation_config;

extern const cly_layers_class cly_layers_operation;

/* Slices (operation_slice.c): the shape, and a step an axis that is cut, from the first on, through temporaries 0 and
 * 1; backward pads with zeros from the last on. */
clayer_status cly_layers_infer_slice(const clayer_layer *layer, const clayer_shape *input, clayer_shape *output_out);
clayer_status cly_layers_plan_slice(const clayer_layer *layer, const clayer_shape *input, bool backward,
                                    cly_ops_steps *steps);

#endif
