/* arithmetic.h: what arithmetic.cl and arithmetic_gradient.cl share: the functions' numbers, which are those of
 * cly_ops_function in src/ops/arithmetic.h, and how operands are read. */
#include "element.h"

#ifndef FUNCTION
#define FUNCTION 0
#endif

#define FUNCTION_ADD 0
#define FUNCTION_SUBTRACT 1
#define FUNCTION_MULTIPLY 2
#define FUNCTION_DIVIDE 3
#define FUNCTION_MAXIMUM 4
#define FUNCTION_MINIMUM 5
#define FUNCTION_POWER 6
#define FUNCTION_SQUARED_DIFFERENCE 7
#define FUNCTION_EQUAL 8
#define FUNCTION_NOT_EQUAL 9
#define FUNCTION_GREATER 10
#define FUNCTION_GREATER_EQUAL 11
#define FUNCTION_LESS 12
#define FUNCTION_LESS_EQUAL 13
#define FUNCTION_PRELU 14
#define FUNCTION_ADD_SCALED 15
#define FUNCTION_LOGICAL_AND 16
#define FUNCTION_LOGICAL_OR 17
#define FUNCTION_LOGICAL_XOR 18
#define FUNCTION_MODULO 19
#define FUNCTION_FLOOR_DIVIDE 20
#define FUNCTION_SELECT 21
#define FUNCTION_SELECT_NOT 22
#define FUNCTION_SQUARE 23
#define FUNCTION_SQRT 24
#define FUNCTION_RSQRT 25
#define FUNCTION_LOG 26
#define FUNCTION_ABSOLUTE 27
#define FUNCTION_CLIP 28
#define FUNCTION_SIN 29
#define FUNCTION_COS 30
#define FUNCTION_SIGN 31
#define FUNCTION_FLOOR 32
#define FUNCTION_CEIL 33
#define FUNCTION_ROUND 34
#define FUNCTION_ERF 35
#define FUNCTION_LOG1P 36
#define FUNCTION_EXPM1 37
#define FUNCTION_FILL 38
#define FUNCTION_STOP 39
#define FUNCTION_TAN 40
#define FUNCTION_ARCSIN 41
#define FUNCTION_ARCCOS 42
#define FUNCTION_ARCTAN 43
#define FUNCTION_SINH 44
#define FUNCTION_COSH 45
#define FUNCTION_ARCSINH 46
#define FUNCTION_ARCCOSH 47
#define FUNCTION_ARCTANH 48
#define FUNCTION_EXP2 49
#define FUNCTION_LOG2 50
#define FUNCTION_LOG10 51
#define FUNCTION_IS_NAN 52
#define FUNCTION_IS_FINITE 53

/* An operand's step along a row: 1, 0 for the same element throughout, SCALAR for the number p.x and no buffer. */
#define SCALAR -1

/* A vector from `row` + i, and one element. */
#define READ_VECTOR(row, i, step, p) \
    ((step) == SCALAR ? (FLOATV)((p).x) : (step) == 0 ? (FLOATV)((row)[0]) : LOADV((row) + (i)))
#define READ_ELEMENT(row, i, step, p) ((step) == SCALAR ? (p).x : (row)[(step) == 0 ? 0 : (i)])

#define CHOOSE(T, condition, one, other) ((condition) ? (one) : (other))
#define TRUTH(T, condition) CHOOSE(T, condition, (T)(1.0f), (T)(0.0f))
#define IS_TRUE(T, a) ((a) != (T)(0.0f))
/* floor(a / b) as if the quotient were rounded well: a device's division may be off by its last bits, which matters
 * beside whole numbers. What the quotient leaves over sets that right. */
#define LEFT_OVER(a, b) fma(-((a) / (b)), b, a)
#define FLOOR_QUOTIENT(T, a, b) \
    floor(CHOOSE(T, isfinite(LEFT_OVER(a, b)), (a) / (b) + LEFT_OVER(a, b) / (b), (a) / (b)))
