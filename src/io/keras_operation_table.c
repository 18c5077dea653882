/* io/keras_operation_table.c: which operations on tensors there are, under the names of both generations of Keras, and
 * what makes their layers (keras_operation_build.c and the files beside it).
 *
 * Names are those of TensorFlow's functions and of keras/src/ops/{numpy, nn, core, math, image}.py. */
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

static const row rows[] = {
    {"add", "Add", cly_io_keras_build_arithmetic, CLY_ADD, NULL},
    {"subtract", "Subtract", cly_io_keras_build_arithmetic, CLY_SUBTRACT, NULL},
    {"multiply", "Multiply", cly_io_keras_build_arithmetic, CLY_MULTIPLY, NULL},
    {"divide", "Divide", cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL},
    {"truediv", "TrueDivide", cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL},
    {"realdiv", NULL, cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL},
    {"maximum", "Maximum", cly_io_keras_build_arithmetic, CLY_MAXIMUM, NULL},
    {"minimum", "Minimum", cly_io_keras_build_arithmetic, CLY_MINIMUM, NULL},
    {"pow", "Power", cly_io_keras_build_arithmetic, CLY_POWER, NULL},
    {"squared_difference", NULL, cly_io_keras_build_arithmetic, CLY_SQUARED_DIFFERENCE, NULL},
    {"equal", "Equal", cly_io_keras_build_arithmetic, CLY_EQUAL, NULL},
    {"not_equal", "NotEqual", cly_io_keras_build_arithmetic, CLY_NOT_EQUAL, NULL},
    {"greater", "Greater", cly_io_keras_build_arithmetic, CLY_GREATER, NULL},
    {"greater_equal", "GreaterEqual", cly_io_keras_build_arithmetic, CLY_GREATER_EQUAL, NULL},
    {"less", "Less", cly_io_keras_build_arithmetic, CLY_LESS, NULL},
    {"less_equal", "LessEqual", cly_io_keras_build_arithmetic, CLY_LESS_EQUAL, NULL},
    {"negative", "Negative", cly_io_keras_build_arithmetic, CLY_MULTIPLY, "-1"},
    {"reciprocal", "Reciprocal", cly_io_keras_build_arithmetic, CLY_DIVIDE, "1"},
    {"square", "Square", cly_io_keras_build_arithmetic, CLY_SQUARE, NULL},
    {"sqrt", "Sqrt", cly_io_keras_build_arithmetic, CLY_SQRT, NULL},
    {"rsqrt", "Rsqrt", cly_io_keras_build_arithmetic, CLY_RSQRT, NULL},
    {"log", "Log", cly_io_keras_build_arithmetic, CLY_LOG, NULL},
    {"abs", "Absolute", cly_io_keras_build_arithmetic, CLY_ABSOLUTE, NULL},
    {"logical_and", "LogicalAnd", cly_io_keras_build_arithmetic, CLY_LOGICAL_AND, NULL},
    {"logical_or", "LogicalOr", cly_io_keras_build_arithmetic, CLY_LOGICAL_OR, NULL},
    {NULL, "LogicalXor", cly_io_keras_build_arithmetic, CLY_LOGICAL_XOR, NULL},
    {"logical_not", "LogicalNot", cly_io_keras_build_arithmetic, CLY_EQUAL, "0"},
    {"floormod", "Mod", cly_io_keras_build_arithmetic, CLY_MODULO, NULL},
    {"floor_div", "FloorDivide", cly_io_keras_build_arithmetic, CLY_FLOOR_DIVIDE, NULL},
    {"bias_add", NULL, cly_io_keras_build_bias, CLY_ADD, NULL},
    {"where", "Where", cly_io_keras_build_where, CLY_OPERATION_WHERE, NULL},
    {"zeros_like", "ZerosLike", cly_io_keras_build_fill, CLY_FILL, "0"},
    {"ones_like", "OnesLike", cly_io_keras_build_fill, CLY_FILL, "1"},
    {NULL, "FullLike", cly_io_keras_build_fill, CLY_FILL, NULL},
    {"sin", "Sin", cly_io_keras_build_arithmetic, CLY_SIN, NULL},
    {"cos", "Cos", cly_io_keras_build_arithmetic, CLY_COS, NULL},
    {"sign", "Sign", cly_io_keras_build_arithmetic, CLY_SIGN, NULL},
    {"floor", "Floor", cly_io_keras_build_arithmetic, CLY_FLOOR, NULL},
    {"ceil", "Ceil", cly_io_keras_build_arithmetic, CLY_CEIL, NULL},
    {"round", "Round", cly_io_keras_build_round, CLY_ROUND, NULL},
    {"erf", "Erf", cly_io_keras_build_arithmetic, CLY_ERF, NULL},
    {"log1p", "Log1p", cly_io_keras_build_arithmetic, CLY_LOG1P, NULL},
    {"expm1", "Expm1", cly_io_keras_build_arithmetic, CLY_EXPM1, NULL},
    {"stop_gradient", "StopGradient", cly_io_keras_build_arithmetic, CLY_STOP, NULL},
    {"clip_by_value", "Clip", cly_io_keras_build_clip, CLY_CLIP, NULL},
    {"max_pool", "MaxPool", cly_io_keras_build_pool, 0, "max"},
    {"max_pool1d", NULL, cly_io_keras_build_pool, 1, "max"},
    {"max_pool2d", NULL, cly_io_keras_build_pool, 2, "max"},
    {"max_pool3d", NULL, cly_io_keras_build_pool, 3, "max"},
    {"avg_pool", "AveragePool", cly_io_keras_build_pool, 0, "average"},
    {"avg_pool1d", NULL, cly_io_keras_build_pool, 1, "average"},
    {"avg_pool2d", NULL, cly_io_keras_build_pool, 2, "average"},
    {"avg_pool3d", NULL, cly_io_keras_build_pool, 3, "average"},
    {"relu", "Relu", cly_io_keras_build_activation, 0, "relu"},
    {NULL, "ReLU", cly_io_keras_build_activation, 0, "relu"},
    {"relu6", "Relu6", cly_io_keras_build_activation, 0, "relu6"},
    {"leaky_relu", "LeakyRelu", cly_io_keras_build_activation, 0, "leaky_relu"},
    {"elu", "Elu", cly_io_keras_build_activation, 0, "elu"},
    {"selu", "Selu", cly_io_keras_build_activation, 0, "selu"},
    {"celu", "Celu", cly_io_keras_build_activation, 0, "celu"},
    {"silu", "Silu", cly_io_keras_build_activation, 0, "silu"},
    {"swish", NULL, cly_io_keras_build_activation, 0, "silu"},
    {"gelu", "Gelu", cly_io_keras_build_activation, 0, "gelu"},
    {"mish", "Mish", cly_io_keras_build_activation, 0, "mish"},
    {"sigmoid", "Sigmoid", cly_io_keras_build_activation, 0, "sigmoid"},
    {"log_sigmoid", "LogSigmoid", cly_io_keras_build_activation, 0, "log_sigmoid"},
    {NULL, "HardSigmoid", cly_io_keras_build_activation, 0, "hard_sigmoid"},
    {NULL, "HardSilu", cly_io_keras_build_activation, 0, "hard_silu"},
    {NULL, "HardTanh", cly_io_keras_build_activation, 0, "hard_tanh"},
    {"tanh", "Tanh", cly_io_keras_build_activation, 0, "tanh"},
    {"softplus", "Softplus", cly_io_keras_build_activation, 0, "softplus"},
    {"softsign", "Softsign", cly_io_keras_build_activation, 0, "softsign"},
    {"exp", "Exp", cly_io_keras_build_activation, 0, "exponential"},
    {"softmax", "Softmax", cly_io_keras_build_softmax, 0, "softmax"},
    {"log_softmax", "LogSoftmax", cly_io_keras_build_softmax, 0, "log_softmax"},
    {"concat", "Concatenate", cly_io_keras_build_concatenate, 0, NULL},
    {"add_n", NULL, cly_io_keras_build_add_n, 0, NULL},
    {"reduce_mean", "Mean", cly_io_keras_build_sum, CLY_OPERATION_MEAN, NULL},
    {"reduce_sum", "Sum", cly_io_keras_build_sum, CLY_OPERATION_SUM, NULL},
    {"reduce_any", "Any", cly_io_keras_build_sum, CLY_OPERATION_ANY, NULL},
    {"reduce_all", "All", cly_io_keras_build_sum, CLY_OPERATION_ALL, NULL},
    {"reduce_max", "Max", cly_io_keras_build_sum, CLY_OPERATION_MAX, NULL},
    {"reduce_min", "Min", cly_io_keras_build_sum, CLY_OPERATION_MIN, NULL},
    {NULL, "Amax", cly_io_keras_build_sum, CLY_OPERATION_MAX, NULL},
    {NULL, "Amin", cly_io_keras_build_sum, CLY_OPERATION_MIN, NULL},
    {"reduce_variance", "Var", cly_io_keras_build_sum, CLY_OPERATION_VARIANCE, NULL},
    {"reduce_std", "Std", cly_io_keras_build_sum, CLY_OPERATION_DEVIATION, NULL},
    {"l2_normalize", "Normalize", cly_io_keras_build_unit, CLY_OPERATION_UNIT, NULL},
    {"expand_dims", "ExpandDims", cly_io_keras_build_view, CLY_OPERATION_EXPAND, NULL},
    {"squeeze", "Squeeze", cly_io_keras_build_view, CLY_OPERATION_SQUEEZE, NULL},
    {"transpose", "Transpose", cly_io_keras_build_transpose, CLY_OPERATION_TRANSPOSE, NULL},
    {NULL, "Swapaxes", cly_io_keras_build_places, CLY_OPERATION_SWAP, NULL},
    {NULL, "Moveaxis", cly_io_keras_build_places, CLY_OPERATION_MOVE, NULL},
    {"stack", "Stack", cly_io_keras_build_stack, CLY_OPERATION_STACK, NULL},
    {"split", "Split", cly_io_keras_build_split, 0, NULL},
    {NULL, "ArraySplit", cly_io_keras_build_split, 0, "uneven"},
    {"unstack", "Unstack", cly_io_keras_build_unstack, 0, NULL},
    {NULL, "Moments", cly_io_keras_build_moments, 0, NULL},
    {"depth_to_space", "DepthToSpace", cly_io_keras_build_block, CLY_OPERATION_DEPTH_TO_SPACE, NULL},
    {"space_to_depth", "SpaceToDepth", cly_io_keras_build_block, CLY_OPERATION_SPACE_TO_DEPTH, NULL},
    {"tile", "Tile", cly_io_keras_build_tile, CLY_OPERATION_TILE, NULL},
    {"repeat", "Repeat", cly_io_keras_build_repeat, CLY_OPERATION_REPEAT, NULL},
    {"slice", NULL, cly_io_keras_build_slice, CLY_OPERATION_SLICE, NULL},
    {"reverse", "Flip", cly_io_keras_build_flip, CLY_OPERATION_FLIP, NULL},
    {"pad", "Pad", cly_io_keras_build_pad, CLY_OPERATION_PAD, NULL},
    {"image.resize", "Resize", cly_io_keras_build_resize, 0, NULL},
    {"matmul", "Matmul", cly_io_keras_build_matmul, CLY_OPERATION_MATMUL, NULL},
    {"reshape", "Reshape", cly_io_keras_build_reshape, 0, NULL},
    {"getitem", "GetItem", cly_io_keras_build_getitem, CLY_OPERATION_SLICE, NULL},
    {"cast", "Cast", cly_io_keras_build_same, CLY_OPERATION_SAME, NULL},
    {"identity", "Identity", cly_io_keras_build_same, CLY_OPERATION_SAME, NULL},
};

/* The part behind "math.", "nn." and so on; NULL for what lies elsewhere, as strings.length. */
static const char *last_name(const char *function) {
    static const char *const folders[] = {"tf.", "compat.v1.", "math.", "nn.", "__operators__.", "linalg."};
    for (size_t i = 0; i < CLY_COUNT(folders); i++) {
        if (strncmp(function, folders[i], strlen(folders[i])) == 0) {
            function += strlen(folders[i]);
        }
    }
    return strchr(function, '.') == NULL || strcmp(function, "image.resize") == 0 ? function : NULL;
}

const row *cly_io_keras_find_operation(int generation, const char *name) {
    const char *wanted = generation == 2 ? last_name(name) : name;
    for (size_t i = 0; wanted != NULL && i < CLY_COUNT(rows); i++) {
        const char *own = generation == 2 ? rows[i].keras2 : rows[i].keras3;
        if (own != NULL && strcmp(own, wanted) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
