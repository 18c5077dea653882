/* ops/arithmetic.h: y = f(a, b) element by element with NumPy's broadcasting, and functions of one tensor that are no
 * activations; their gradients. */
#ifndef CLY_OPS_ARITHMETIC_H
#define CLY_OPS_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

#include <clayer/tensor.h>

#include "ops/activation.h"
#include "ops/operator.h"

/* kernels_cl/arithmetic.h has the same numbers: programs are built with -DFUNCTION=<it>. */
typedef enum cly_ops_function {
    CLY_ADD = 0,
    CLY_SUBTRACT,
    CLY_MULTIPLY,
    CLY_DIVIDE,
    CLY_MAXIMUM,
    CLY_MINIMUM,
    CLY_POWER,
    CLY_SQUARED_DIFFERENCE,
    CLY_EQUAL, /* comparisons give 1 or 0 */
    CLY_NOT_EQUAL,
    CLY_GREATER,
    CLY_GREATER_EQUAL,
    CLY_LESS,
    CLY_LESS_EQUAL,
    CLY_PRELU,       /* a where that is above 0, else a b; at 0 neither has a gradient */
    CLY_ADD_SCALED,  /* a + scalar * b */
    CLY_LOGICAL_AND, /* 1 or 0; what is not 0 is true */
    CLY_LOGICAL_OR,
    CLY_LOGICAL_XOR,
    CLY_MODULO, /* a - b floor(a / b), which has b's sign */
    CLY_FLOOR_DIVIDE,
    CLY_SELECT,     /* b where a is not 0, else 0 */
    CLY_SELECT_NOT, /* b where a is 0, else 0 */
    /* of a alone */
    CLY_SQUARE,
    CLY_SQRT,
    CLY_RSQRT,
    CLY_LOG,
    CLY_ABSOLUTE,
    CLY_CLIP, /* to [limits[0], limits[1]] */
    CLY_SIN,
    CLY_COS,
    CLY_SIGN,
    CLY_FLOOR,
    CLY_CEIL,
    CLY_ROUND, /* halves to the even one */
    CLY_ERF,
    CLY_LOG1P,
    CLY_EXPM1,
    CLY_FILL, /* limits[0], whatever a is */
    CLY_STOP, /* a, without a gradient */
    CLY_TAN,
    CLY_ARCSIN,
    CLY_ARCCOS,
    CLY_ARCTAN,
    CLY_SINH,
    CLY_COSH,
    CLY_ARCSINH,
    CLY_ARCCOSH,
    CLY_ARCTANH,
    CLY_EXP2,
    CLY_LOG2,
    CLY_LOG10,
    CLY_IS_NAN,
    CLY_IS_FINITE,
    CLY_FUNCTION_COUNT
} cly_ops_function;

static inline bool cly_ops_is_unary(cly_ops_function function) {
    return function >= CLY_SQUARE;
}

/* y = f(a, b) and then an activation: a dimension of 1 repeats; all three ranks are equal, y has the larger sizes, and
 * may be larger than both. Where is_scalar says so, an operand is the number `scalar` and its shape and buffer are not
 * looked at; so is b of a function of a alone. Operands: 0 a, 1 b, 2 y (may be a where a has y's shape, and likewise
 * b). */
typedef struct cly_ops_arithmetic_shape {
    clayer_shape a, b, y;
    cly_ops_function function;
    bool is_scalar[2]; /* a, b */
    float scalar;
    float limits[2];
    cly_ops_activation activation;
} cly_ops_arithmetic_shape;
extern const cly_ops_operator cly_ops_arithmetic_operator; /* "arithmetic": "vector", "rows", "reference" */

/* d = dy * the derivative of f by a (of = 0) or b (of = 1), of y's shape, with what TensorFlow's gradients give at
 * kinks and ties: of equal operands of maximum and minimum the first has it all, a clip lets its limits through. The
 * activation plays no part. Operands: 0 a, 1 b, 2 dy, 3 d (may be dy). */
typedef struct cly_ops_arithmetic_gradient_shape {
    cly_ops_arithmetic_shape forward;
    int of;
} cly_ops_arithmetic_gradient_shape;
extern const cly_ops_operator cly_ops_arithmetic_gradient_operator; /* "arithmetic_gradient": likewise */

#endif
