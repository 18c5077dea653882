/* arithmetic.cl: y = f(a, b) with broadcasting, then the activation. -DFUNCTION=<number> says which f.
 *
 * p: the number that stands for an operand, the limits of a clip. */

#include "arithmetic.h"

/* An expression of the type T (float or a vector of it). A NaN stays one. */
#if FUNCTION == FUNCTION_ADD
#define F(T, a, b, p) ((a) + (b))
#elif FUNCTION == FUNCTION_SUBTRACT
#define F(T, a, b, p) ((a) - (b))
#elif FUNCTION == FUNCTION_MULTIPLY
#define F(T, a, b, p) ((a) * (b))
#elif FUNCTION == FUNCTION_DIVIDE
#define F(T, a, b, p) ((a) / (b))
#elif FUNCTION == FUNCTION_MAXIMUM
#define F(T, a, b, p) CHOOSE(T, (a) >= (b) || isnan(a), a, b)
#elif FUNCTION == FUNCTION_MINIMUM
#define F(T, a, b, p) CHOOSE(T, (a) <= (b) || isnan(a), a, b)
#elif FUNCTION == FUNCTION_POWER
#define F(T, a, b, p) pow(a, b)
#elif FUNCTION == FUNCTION_SQUARED_DIFFERENCE
#define F(T, a, b, p) (((a) - (b)) * ((a) - (b)))
#elif FUNCTION == FUNCTION_EQUAL
#define F(T, a, b, p) TRUTH(T, (a) == (b))
#elif FUNCTION == FUNCTION_NOT_EQUAL
#define F(T, a, b, p) TRUTH(T, (a) != (b))
#elif FUNCTION == FUNCTION_GREATER
#define F(T, a, b, p) TRUTH(T, (a) > (b))
#elif FUNCTION == FUNCTION_GREATER_EQUAL
#define F(T, a, b, p) TRUTH(T, (a) >= (b))
#elif FUNCTION == FUNCTION_LESS
#define F(T, a, b, p) TRUTH(T, (a) < (b))
#elif FUNCTION == FUNCTION_LESS_EQUAL
#define F(T, a, b, p) TRUTH(T, (a) <= (b))
#elif FUNCTION == FUNCTION_PRELU
#define F(T, a, b, p) CHOOSE(T, (a) > ZERO(T), a, (a) * (b))
#elif FUNCTION == FUNCTION_ADD_SCALED
#define F(T, a, b, p) fma(b, (T)((p).x), a)
#elif FUNCTION == FUNCTION_LOGICAL_AND
#define F(T, a, b, p) TRUTH(T, IS_TRUE(T, a) && IS_TRUE(T, b))
#elif FUNCTION == FUNCTION_LOGICAL_OR
#define F(T, a, b, p) TRUTH(T, IS_TRUE(T, a) || IS_TRUE(T, b))
#elif FUNCTION == FUNCTION_LOGICAL_XOR
#define F(T, a, b, p) TRUTH(T, TRUTH(T, IS_TRUE(T, a)) != TRUTH(T, IS_TRUE(T, b)))
#elif FUNCTION == FUNCTION_MODULO
#define F(T, a, b, p) CHOOSE(T, fmod(a, b) * (b) < ZERO(T), fmod(a, b) + (b), fmod(a, b))
#elif FUNCTION == FUNCTION_FLOOR_DIVIDE
#define F(T, a, b, p) FLOOR_QUOTIENT(T, a, b)
#elif FUNCTION == FUNCTION_SELECT
#define F(T, a, b, p) CHOOSE(T, IS_TRUE(T, a), b, ZERO(T))
#elif FUNCTION == FUNCTION_SELECT_NOT
#define F(T, a, b, p) CHOOSE(T, IS_TRUE(T, a), ZERO(T), b)
#elif FUNCTION == FUNCTION_SQUARE
#define F(T, a, b, p) ((a) * (a))
#elif FUNCTION == FUNCTION_SQRT
#define F(T, a, b, p) sqrt(a)
#elif FUNCTION == FUNCTION_RSQRT
#define F(T, a, b, p) ((T)(1.0f) / sqrt(a))
#elif FUNCTION == FUNCTION_LOG
#define F(T, a, b, p) log(a)
#elif FUNCTION == FUNCTION_ABSOLUTE
#define F(T, a, b, p) fabs(a)
#elif FUNCTION == FUNCTION_CLIP
#define F(T, a, b, p) CLIP(T, a, (p).y, (p).z)
#elif FUNCTION == FUNCTION_SIN
#define F(T, a, b, p) sin(a)
#elif FUNCTION == FUNCTION_COS
#define F(T, a, b, p) cos(a)
#elif FUNCTION == FUNCTION_SIGN
#define F(T, a, b, p) CHOOSE(T, isnan(a), a, TRUTH(T, (a) > ZERO(T)) - TRUTH(T, (a) < ZERO(T)))
#elif FUNCTION == FUNCTION_FLOOR
#define F(T, a, b, p) floor(a)
#elif FUNCTION == FUNCTION_CEIL
#define F(T, a, b, p) ceil(a)
#elif FUNCTION == FUNCTION_ROUND
#define F(T, a, b, p) rint(a)
#elif FUNCTION == FUNCTION_ERF
#define F(T, a, b, p) erf(a)
#elif FUNCTION == FUNCTION_LOG1P
#define F(T, a, b, p) log1p(a)
#elif FUNCTION == FUNCTION_EXPM1
#define F(T, a, b, p) expm1(a)
#elif FUNCTION == FUNCTION_FILL
#define F(T, a, b, p) ((T)((p).y))
#elif FUNCTION == FUNCTION_STOP
#define F(T, a, b, p) (a)
#elif FUNCTION == FUNCTION_TAN
#define F(T, a, b, p) tan(a)
#elif FUNCTION == FUNCTION_ARCSIN
#define F(T, a, b, p) asin(a)
#elif FUNCTION == FUNCTION_ARCCOS
#define F(T, a, b, p) acos(a)
#elif FUNCTION == FUNCTION_ARCTAN
#define F(T, a, b, p) atan(a)
#elif FUNCTION == FUNCTION_SINH
#define F(T, a, b, p) sinh(a)
#elif FUNCTION == FUNCTION_COSH
#define F(T, a, b, p) cosh(a)
#elif FUNCTION == FUNCTION_ARCSINH
#define F(T, a, b, p) asinh(a)
#elif FUNCTION == FUNCTION_ARCCOSH
#define F(T, a, b, p) acosh(a)
#elif FUNCTION == FUNCTION_ARCTANH
#define F(T, a, b, p) atanh(a)
#elif FUNCTION == FUNCTION_EXP2
#define F(T, a, b, p) exp2(a)
#elif FUNCTION == FUNCTION_LOG2
#define F(T, a, b, p) log2(a)
#elif FUNCTION == FUNCTION_LOG10
#define F(T, a, b, p) log10(a)
#elif FUNCTION == FUNCTION_IS_NAN
#define F(T, a, b, p) TRUTH(T, isnan(a))
#elif FUNCTION == FUNCTION_IS_FINITE
#define F(T, a, b, p) TRUTH(T, isfinite(a))
#endif

/* a and b of y's size, or one element, or a number. */
__kernel void arithmetic_vector(__global const float *a, __global const float *b, __global float *y, const long count,
                                const long each, const int a_step, const int b_step, const float4 p,
                                const float4 parameters) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            const FLOATV left = READ_VECTOR(a, i, a_step, p);
            const FLOATV right = READ_VECTOR(b, i, b_step, p);
            STOREV(activate_vector(F(FLOATV, left, right, p), parameters), y + i);
        } else {
            for (long j = i; j < i_end; j++) {
                const float left = READ_ELEMENT(a, j, a_step, p);
                const float right = READ_ELEMENT(b, j, b_step, p);
                y[j] = activate(F(float, left, right, p), parameters);
            }
        }
    }
}

/* y is (rows / inner, inner, width); strides are an operand's distances along the first two axes. */
__kernel void arithmetic_rows(__global const float *a, __global const float *b, __global float *y, const long rows,
                              const int width, const int4 split, const long inner, const long a_outer,
                              const long a_inner, const int a_step, const long b_outer, const long b_inner,
                              const int b_step, const float4 p, const float4 parameters) {
    FOR_ROWS(row, rows, split) {
        const long o = (long)((INDEX)row / (INDEX)inner), n = (long)((INDEX)row % (INDEX)inner);
        __global const float *from_a = a + o * a_outer + n * a_inner;
        __global const float *from_b = b + o * b_outer + n * b_inner;
        __global float *to = y + row * width;
        FOR_COLUMNS(i, width) {
            if (i + VECTOR <= width) {
                const FLOATV left = READ_VECTOR(from_a, i, a_step, p);
                const FLOATV right = READ_VECTOR(from_b, i, b_step, p);
                STOREV(activate_vector(F(FLOATV, left, right, p), parameters), to + i);
            } else {
                for (int j = i; j < width; j++) {
                    const float left = READ_ELEMENT(from_a, j, a_step, p);
                    const float right = READ_ELEMENT(from_b, j, b_step, p);
                    to[j] = activate(F(float, left, right, p), parameters);
                }
            }
        }
    }
}

/* Any axes. */
__kernel void arithmetic_reference(__global const float *a, __global const float *b, __global float *y,
                                   const long count, const int4 low, const int4 high, const int a_repeats,
                                   const int b_repeats, const int a_step, const int b_step, const float4 p,
                                   const float4 parameters) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const float left = READ_ELEMENT(a, find_element(i, low, high, a_repeats), a_step, p);
    const float right = READ_ELEMENT(b, find_element(i, low, high, b_repeats), b_step, p);
    y[i] = activate(F(float, left, right, p), parameters);
}
