/* io/keras_operation_table.c: which operations on tensors there are, under the names of both generations of Keras, and
 * what makes their layers (keras_operation_build.c and the files beside it).
 *
 * Names are those of TensorFlow's functions and of keras/src/ops/{numpy, nn, core, math, image}.py. */
#include <string.h>

#include "base/memory.h"
#include "io/keras_operation.h"

typedef cly_io_keras_operation_row row;

static const row rows[] = {
    {"add", "Add", cly_io_keras_build_arithmetic, CLY_ADD, NULL, false},
    {"subtract", "Subtract", cly_io_keras_build_arithmetic, CLY_SUBTRACT, NULL, false},
    {"multiply", "Multiply", cly_io_keras_build_arithmetic, CLY_MULTIPLY, NULL, false},
    {"divide", "Divide", cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL, false},
    {"truediv", "TrueDivide", cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL, false},
    {"realdiv", NULL, cly_io_keras_build_arithmetic, CLY_DIVIDE, NULL, false},
    {"maximum", "Maximum", cly_io_keras_build_arithmetic, CLY_MAXIMUM, NULL, false},
    {"minimum", "Minimum", cly_io_keras_build_arithmetic, CLY_MINIMUM, NULL, false},
    {"pow", "Power", cly_io_keras_build_arithmetic, CLY_POWER, NULL, false},
    {"squared_difference", NULL, cly_io_keras_build_arithmetic, CLY_SQUARED_DIFFERENCE, NULL, false},
    {"equal", "Equal", cly_io_keras_build_arithmetic, CLY_EQUAL, NULL, false},
    {"not_equal", "NotEqual", cly_io_keras_build_arithmetic, CLY_NOT_EQUAL, NULL, false},
    {"greater", "Greater", cly_io_keras_build_arithmetic, CLY_GREATER, NULL, false},
    {"greater_equal", "GreaterEqual", cly_io_keras_build_arithmetic, CLY_GREATER_EQUAL, NULL, false},
    {"less", "Less", cly_io_keras_build_arithmetic, CLY_LESS, NULL, false},
    {"less_equal", "LessEqual", cly_io_keras_build_arithmetic, CLY_LESS_EQUAL, NULL, false},
    {"negative", "Negative", cly_io_keras_build_arithmetic, CLY_MULTIPLY, "-1", false},
    {"reciprocal", "Reciprocal", cly_io_keras_build_arithmetic, CLY_DIVIDE, "1", false},
    {"square", "Square", cly_io_keras_build_arithmetic, CLY_SQUARE, NULL, false},
    {"sqrt", "Sqrt", cly_io_keras_build_arithmetic, CLY_SQRT, NULL, false},
    {"rsqrt", "Rsqrt", cly_io_keras_build_arithmetic, CLY_RSQRT, NULL, false},
    {"log", "Log", cly_io_keras_build_arithmetic, CLY_LOG, NULL, false},
    {"abs", "Absolute", cly_io_keras_build_arithmetic, CLY_ABSOLUTE, NULL, false},
    {"logical_and", "LogicalAnd", cly_io_keras_build_arithmetic, CLY_LOGICAL_AND, NULL, false},
    {"logical_or", "LogicalOr", cly_io_keras_build_arithmetic, CLY_LOGICAL_OR, NULL, false},
    {NULL, "LogicalXor", cly_io_keras_build_arithmetic, CLY_LOGICAL_XOR, NULL, false},
    {"logical_not", "LogicalNot", cly_io_keras_build_arithmetic, CLY_EQUAL, "0", false},
    {"floormod", "Mod", cly_io_keras_build_arithmetic, CLY_MODULO, NULL, false},
    {"floor_div", "FloorDivide", cly_io_keras_build_arithmetic, CLY_FLOOR_DIVIDE, NULL, false},
    {"bias_add", NULL, cly_io_keras_build_bias, CLY_ADD, NULL, false},
    {"where", "Where", cly_io_keras_build_where, CLY_OPERATION_WHERE, NULL, false},
    {"zeros_like", "ZerosLike", cly_io_keras_build_fill, CLY_FILL, "0", false},
    {"ones_like", "OnesLike", cly_io_keras_build_fill, CLY_FILL, "1", false},
    {NULL, "FullLike", cly_io_keras_build_fill, CLY_FILL, NULL, false},
    {"sin", "Sin", cly_io_keras_build_arithmetic, CLY_SIN, NULL, false},
    {"cos", "Cos", cly_io_keras_build_arithmetic, CLY_COS, NULL, false},
    {"sign", "Sign", cly_io_keras_build_arithmetic, CLY_SIGN, NULL, false},
    {"floor", "Floor", cly_io_keras_build_arithmetic, CLY_FLOOR, NULL, false},
    {"ceil", "Ceil", cly_io_keras_build_arithmetic, CLY_CEIL, NULL, false},
    {"round", "Round", cly_io_keras_build_round, CLY_ROUND, NULL, false},
    {"erf", "Erf", cly_io_keras_build_arithmetic, CLY_ERF, NULL, false},
    {"log1p", "Log1p", cly_io_keras_build_arithmetic, CLY_LOG1P, NULL, false},
    {"expm1", "Expm1", cly_io_keras_build_arithmetic, CLY_EXPM1, NULL, false},
    {"stop_gradient", "StopGradient", cly_io_keras_build_arithmetic, CLY_STOP, NULL, false},
    {"clip_by_value", "Clip", cly_io_keras_build_clip, CLY_CLIP, NULL, false},
    {"max_pool", "MaxPool", cly_io_keras_build_pool, 0, "max", false},
    {"max_pool1d", NULL, cly_io_keras_build_pool, 1, "max", false},
    {"max_pool2d", NULL, cly_io_keras_build_pool, 2, "max", false},
    {"max_pool3d", NULL, cly_io_keras_build_pool, 3, "max", false},
    {"avg_pool", "AveragePool", cly_io_keras_build_pool, 0, "average", false},
    {"avg_pool1d", NULL, cly_io_keras_build_pool, 1, "average", false},
    {"avg_pool2d", NULL, cly_io_keras_build_pool, 2, "average", false},
    {"avg_pool3d", NULL, cly_io_keras_build_pool, 3, "average", false},
    {"relu", "Relu", cly_io_keras_build_activation, 0, "relu", false},
    {NULL, "ReLU", cly_io_keras_build_activation, 0, "relu", false},
    {"relu6", "Relu6", cly_io_keras_build_activation, 0, "relu6", false},
    {"leaky_relu", "LeakyRelu", cly_io_keras_build_activation, 0, "leaky_relu", false},
    {"elu", "Elu", cly_io_keras_build_activation, 0, "elu", false},
    {"selu", "Selu", cly_io_keras_build_activation, 0, "selu", false},
    {"celu", "Celu", cly_io_keras_build_activation, 0, "celu", false},
    {"silu", "Silu", cly_io_keras_build_activation, 0, "silu", false},
    {"swish", NULL, cly_io_keras_build_activation, 0, "silu", false},
    {"gelu", "Gelu", cly_io_keras_build_activation, 0, "gelu", false},
    {"mish", "Mish", cly_io_keras_build_activation, 0, "mish", false},
    {"sigmoid", "Sigmoid", cly_io_keras_build_activation, 0, "sigmoid", false},
    {"log_sigmoid", "LogSigmoid", cly_io_keras_build_activation, 0, "log_sigmoid", false},
    {NULL, "HardSigmoid", cly_io_keras_build_activation, 0, "hard_sigmoid", false},
    {NULL, "HardSilu", cly_io_keras_build_activation, 0, "hard_silu", false},
    {NULL, "HardTanh", cly_io_keras_build_activation, 0, "hard_tanh", false},
    {"tanh", "Tanh", cly_io_keras_build_activation, 0, "tanh", false},
    {"softplus", "Softplus", cly_io_keras_build_activation, 0, "softplus", false},
    {"softsign", "Softsign", cly_io_keras_build_activation, 0, "softsign", false},
    {"exp", "Exp", cly_io_keras_build_activation, 0, "exponential", false},
    {"softmax", "Softmax", cly_io_keras_build_softmax, 0, "softmax", false},
    {"log_softmax", "LogSoftmax", cly_io_keras_build_softmax, 0, "log_softmax", false},
    {"concat", "Concatenate", cly_io_keras_build_concatenate, 0, NULL, false},
    {"add_n", NULL, cly_io_keras_build_add_n, 0, NULL, false},
    {"reduce_mean", "Mean", cly_io_keras_build_sum, CLY_OPERATION_MEAN, NULL, false},
    {"reduce_sum", "Sum", cly_io_keras_build_sum, CLY_OPERATION_SUM, NULL, false},
    {"reduce_any", "Any", cly_io_keras_build_sum, CLY_OPERATION_ANY, NULL, false},
    {"reduce_all", "All", cly_io_keras_build_sum, CLY_OPERATION_ALL, NULL, false},
    {"reduce_prod", "Prod", cly_io_keras_build_sum, CLY_OPERATION_PRODUCT, NULL, false},
    {"argmax", "Argmax", cly_io_keras_build_sum, CLY_OPERATION_ARGMAX, NULL, false},
    {"argmin", "Argmin", cly_io_keras_build_sum, CLY_OPERATION_ARGMIN, NULL, false},
    {"cumsum", "Cumsum", cly_io_keras_build_cumsum, CLY_OPERATION_CUMSUM, NULL, false},
    {"reduce_logsumexp", "Logsumexp", cly_io_keras_build_logsumexp, 0, NULL, false},
    {"norm", "Norm", cly_io_keras_build_norm, 0, NULL, false},
    {"reduce_max", "Max", cly_io_keras_build_sum, CLY_OPERATION_MAX, NULL, false},
    {"reduce_min", "Min", cly_io_keras_build_sum, CLY_OPERATION_MIN, NULL, false},
    {NULL, "Amax", cly_io_keras_build_sum, CLY_OPERATION_MAX, NULL, false},
    {NULL, "Amin", cly_io_keras_build_sum, CLY_OPERATION_MIN, NULL, false},
    {"reduce_variance", "Var", cly_io_keras_build_sum, CLY_OPERATION_VARIANCE, NULL, false},
    {"reduce_std", "Std", cly_io_keras_build_sum, CLY_OPERATION_DEVIATION, NULL, false},
    {"l2_normalize", "Normalize", cly_io_keras_build_unit, CLY_OPERATION_UNIT, NULL, false},
    {"expand_dims", "ExpandDims", cly_io_keras_build_view, CLY_OPERATION_EXPAND, NULL, false},
    {"squeeze", "Squeeze", cly_io_keras_build_view, CLY_OPERATION_SQUEEZE, NULL, false},
    {"transpose", "Transpose", cly_io_keras_build_transpose, CLY_OPERATION_TRANSPOSE, NULL, false},
    {NULL, "Swapaxes", cly_io_keras_build_places, CLY_OPERATION_SWAP, NULL, false},
    {NULL, "Moveaxis", cly_io_keras_build_places, CLY_OPERATION_MOVE, NULL, false},
    {"stack", "Stack", cly_io_keras_build_stack, CLY_OPERATION_STACK, NULL, false},
    {"split", "Split", cly_io_keras_build_split, 0, NULL, false},
    {NULL, "ArraySplit", cly_io_keras_build_split, 0, "uneven", false},
    {"unstack", "Unstack", cly_io_keras_build_unstack, 0, NULL, false},
    {NULL, "Moments", cly_io_keras_build_moments, 0, NULL, false},
    {"depth_to_space", "DepthToSpace", cly_io_keras_build_block, CLY_OPERATION_DEPTH_TO_SPACE, NULL, false},
    {"space_to_depth", "SpaceToDepth", cly_io_keras_build_block, CLY_OPERATION_SPACE_TO_DEPTH, NULL, false},
    {"tile", "Tile", cly_io_keras_build_tile, CLY_OPERATION_TILE, NULL, false},
    {"repeat", "Repeat", cly_io_keras_build_repeat, CLY_OPERATION_REPEAT, NULL, false},
    {"slice", NULL, cly_io_keras_build_slice, CLY_OPERATION_SLICE, NULL, false},
    {"reverse", "Flip", cly_io_keras_build_flip, CLY_OPERATION_FLIP, NULL, false},
    {"pad", "Pad", cly_io_keras_build_pad, CLY_OPERATION_PAD, NULL, false},
    {"image.resize", "Resize", cly_io_keras_build_resize, 0, NULL, true},
    {"matmul", "Matmul", cly_io_keras_build_matmul, CLY_OPERATION_MATMUL, NULL, false},
    {NULL, "Dot", cly_io_keras_build_dot, 0, NULL, false},
    {"tensordot", "Tensordot", cly_io_keras_build_dot, 0, "axes", false},
    {NULL, "Einsum", cly_io_keras_build_einsum, CLY_OPERATION_EINSUM, NULL, false},
    {"reshape", "Reshape", cly_io_keras_build_reshape, 0, NULL, true},
    {"broadcast_to", NULL, cly_io_keras_build_broadcast, CLY_OPERATION_BROADCAST, NULL, true},
    {"shape", NULL, cly_io_keras_build_shape, CLY_OPERATION_SIZES, NULL, false},
    {"getitem", "GetItem", cly_io_keras_build_getitem, CLY_OPERATION_SLICE, NULL, false},
    {"cast", "Cast", cly_io_keras_build_same, CLY_OPERATION_SAME, NULL, false},
    {"identity", "Identity", cly_io_keras_build_same, CLY_OPERATION_SAME, NULL, false},
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
