/* arithmetic_gradient.cl: d = dy * the derivative of f(a, b) by a, or with `of` 1 by b, as TensorFlow's gradients have
 * it (tensorflow/python/ops/math_grad.py): of equal operands of maximum and minimum the first has all of it. */

#include "arithmetic.h"

#define ONE(T) ((T)(1.0f))

/* Expressions of the type T; BY_B of a function of a alone is never asked for. */
#if FUNCTION == FUNCTION_ADD
#define BY_A(T, a, b, p) ONE(T)
#define BY_B(T, a, b, p) ONE(T)
#elif FUNCTION == FUNCTION_SUBTRACT
#define BY_A(T, a, b, p) ONE(T)
#define BY_B(T, a, b, p) (-ONE(T))
#elif FUNCTION == FUNCTION_MULTIPLY
#define BY_A(T, a, b, p) (b)
#define BY_B(T, a, b, p) (a)
#elif FUNCTION == FUNCTION_DIVIDE
#define BY_A(T, a, b, p) (ONE(T) / (b))
#define BY_B(T, a, b, p) (-(a) / (b) / (b))
#elif FUNCTION == FUNCTION_MAXIMUM
#define BY_A(T, a, b, p) TRUTH(T, (a) >= (b))
#define BY_B(T, a, b, p) CHOOSE(T, (a) >= (b), ZERO(T), ONE(T))
#elif FUNCTION == FUNCTION_MINIMUM
#define BY_A(T, a, b, p) TRUTH(T, (a) <= (b))
#define BY_B(T, a, b, p) CHOOSE(T, (a) <= (b), ZERO(T), ONE(T))
#elif FUNCTION == FUNCTION_POWER
#define BY_A(T, a, b, p) ((b)*pow(a, (b)-ONE(T)))
#define BY_B(T, a, b, p) CHOOSE(T, (a) > ZERO(T), pow(a, b) * log(a), ZERO(T))
#elif FUNCTION == FUNCTION_SQUARED_DIFFERENCE
#define BY_A(T, a, b, p) ((T)(2.0f) * ((a) - (b)))
#define BY_B(T, a, b, p) ((T)(-2.0f) * ((a) - (b)))
#elif FUNCTION == FUNCTION_PRELU
#define BY_A(T, a, b, p) CHOOSE(T, (a) > ZERO(T), ONE(T), CHOOSE(T, (a) < ZERO(T), b, ZERO(T)))
#define BY_B(T, a, b, p) CHOOSE(T, (a) < ZERO(T), a, ZERO(T))
#elif FUNCTION == FUNCTION_ADD_SCALED
#define BY_A(T, a, b, p) ONE(T)
#define BY_B(T, a, b, p) ((T)((p).x))
#elif FUNCTION == FUNCTION_MODULO
#define BY_A(T, a, b, p) ONE(T)
#define BY_B(T, a, b, p) (-FLOOR_QUOTIENT(T, a, b))
#elif FUNCTION == FUNCTION_SELECT
#define BY_A(T, a, b, p) ZERO(T)
#define BY_B(T, a, b, p) TRUTH(T, IS_TRUE(T, a))
#elif FUNCTION == FUNCTION_SELECT_NOT
#define BY_A(T, a, b, p) ZERO(T)
#define BY_B(T, a, b, p) CHOOSE(T, IS_TRUE(T, a), ZERO(T), ONE(T))
#elif FUNCTION == FUNCTION_SQUARE
#define BY_A(T, a, b, p) ((T)(2.0f) * (a))
#elif FUNCTION == FUNCTION_SQRT
#define BY_A(T, a, b, p) ((T)(0.5f) / sqrt(a))
#elif FUNCTION == FUNCTION_RSQRT
#define BY_A(T, a, b, p) ((T)(-0.5f) / ((a)*sqrt(a)))
#elif FUNCTION == FUNCTION_LOG
#define BY_A(T, a, b, p) (ONE(T) / (a))
#elif FUNCTION == FUNCTION_ABSOLUTE
#define BY_A(T, a, b, p) (TRUTH(T, (a) > ZERO(T)) - TRUTH(T, (a) < ZERO(T)))
#elif FUNCTION == FUNCTION_CLIP
#define BY_A(T, a, b, p) CHOOSE(T, (a) < (T)((p).y) || (a) > (T)((p).z), ZERO(T), ONE(T))
#elif FUNCTION == FUNCTION_SIN
#define BY_A(T, a, b, p) cos(a)
#elif FUNCTION == FUNCTION_COS
#define BY_A(T, a, b, p) (-sin(a))
#elif FUNCTION == FUNCTION_ERF
#define BY_A(T, a, b, p) ((T)(1.1283791670955126f) * exp(-(a) * (a)))
#elif FUNCTION == FUNCTION_LOG1P
#define BY_A(T, a, b, p) (ONE(T) / (ONE(T) + (a)))
#elif FUNCTION == FUNCTION_EXPM1
#define BY_A(T, a, b, p) exp(a)
#elif FUNCTION == FUNCTION_TAN
#define BY_A(T, a, b, p) (ONE(T) + tan(a) * tan(a))
#elif FUNCTION == FUNCTION_ARCSIN
#define BY_A(T, a, b, p) (ONE(T) / sqrt(ONE(T) - (a) * (a)))
#elif FUNCTION == FUNCTION_ARCCOS
#define BY_A(T, a, b, p) (-ONE(T) / sqrt(ONE(T) - (a) * (a)))
#elif FUNCTION == FUNCTION_ARCTAN
#define BY_A(T, a, b, p) (ONE(T) / (ONE(T) + (a) * (a)))
#elif FUNCTION == FUNCTION_SINH
#define BY_A(T, a, b, p) cosh(a)
#elif FUNCTION == FUNCTION_COSH
#define BY_A(T, a, b, p) sinh(a)
#elif FUNCTION == FUNCTION_ARCSINH
#define BY_A(T, a, b, p) (ONE(T) / sqrt(ONE(T) + (a) * (a)))
#elif FUNCTION == FUNCTION_ARCCOSH
#define BY_A(T, a, b, p) (ONE(T) / sqrt((a) * (a)-ONE(T)))
#elif FUNCTION == FUNCTION_ARCTANH
#define BY_A(T, a, b, p) (ONE(T) / (ONE(T) - (a) * (a)))
#elif FUNCTION == FUNCTION_EXP2
#define BY_A(T, a, b, p) (exp2(a) * (T)(0.69314718055994531f))
#elif FUNCTION == FUNCTION_LOG2
#define BY_A(T, a, b, p) ((T)(1.4426950408889634f) / (a))
#elif FUNCTION == FUNCTION_LOG10
#define BY_A(T, a, b, p) ((T)(0.43429448190325183f) / (a))
#else /* comparisons, truth values, steps, and where a gradient stops */
#define BY_A(T, a, b, p) ZERO(T)
#endif
#ifndef BY_B
#define BY_B(T, a, b, p) ZERO(T)
#endif

__kernel void arithmetic_gradient_vector(__global const float *a, __global const float *b, __global const float *dy,
                                         __global float *d, const long count, const long each, const int a_step,
                                         const int b_step, const float4 p, const int of) {
    FOR_SPAN(i, count, each) {
        if (i + VECTOR <= i_end) {
            const FLOATV left = READ_VECTOR(a, i, a_step, p);
            const FLOATV right = READ_VECTOR(b, i, b_step, p);
            STOREV(LOADV(dy + i) * (of ? BY_B(FLOATV, left, right, p) : BY_A(FLOATV, left, right, p)), d + i);
        } else {
            for (long j = i; j < i_end; j++) {
                const float left = READ_ELEMENT(a, j, a_step, p);
                const float right = READ_ELEMENT(b, j, b_step, p);
                d[j] = dy[j] * (of ? BY_B(float, left, right, p) : BY_A(float, left, right, p));
            }
        }
    }
}

/* d and dy are (rows / inner, inner, width), as y of arithmetic_rows. */
__kernel void arithmetic_gradient_rows(__global const float *a, __global const float *b, __global const float *dy,
                                       __global float *d, const long rows, const int width, const int4 split,
                                       const long inner, const long a_outer, const long a_inner, const int a_step,
                                       const long b_outer, const long b_inner, const int b_step, const float4 p,
                                       const int of) {
    FOR_ROWS(row, rows, split) {
        const long o = (long)((INDEX)row / (INDEX)inner), n = (long)((INDEX)row % (INDEX)inner);
        __global const float *from_a = a + o * a_outer + n * a_inner;
        __global const float *from_b = b + o * b_outer + n * b_inner;
        __global const float *from = dy + row * width;
        __global float *to = d + row * width;
        FOR_COLUMNS(i, width) {
            if (i + VECTOR <= width) {
                const FLOATV left = READ_VECTOR(from_a, i, a_step, p);
                const FLOATV right = READ_VECTOR(from_b, i, b_step, p);
                STOREV(LOADV(from + i) * (of ? BY_B(FLOATV, left, right, p) : BY_A(FLOATV, left, right, p)), to + i);
            } else {
                for (int j = i; j < width; j++) {
                    const float left = READ_ELEMENT(from_a, j, a_step, p);
                    const float right = READ_ELEMENT(from_b, j, b_step, p);
                    to[j] = from[j] * (of ? BY_B(float, left, right, p) : BY_A(float, left, right, p));
                }
            }
        }
    }
}

__kernel void arithmetic_gradient_reference(__global const float *a, __global const float *b,
                                            __global const float *dy, __global float *d, const long count,
                                            const int4 low, const int4 high, const int a_repeats, const int b_repeats,
                                            const int a_step, const int b_step, const float4 p, const int of) {
    const long i = get_global_id(0);
    if (i >= count) {
        return;
    }
    const float left = READ_ELEMENT(a, find_element(i, low, high, a_repeats), a_step, p);
    const float right = READ_ELEMENT(b, find_element(i, low, high, b_repeats), b_step, p);
    d[i] = dy[i] * (of ? BY_B(float, left, right, p) : BY_A(float, left, right, p));
}
