/* common.h: put before every program: vectors, loops over rows and spans, and the activations.
 *
 * OpenCL C 1.2. Programs are built with -DVECTOR=16 on CPUs and -DVECTOR=4 elsewhere, and with -DACTIVATION=<id> where
 * an activation is part of the kernel. fma(), never mad(): some CPUs' compilers make two instructions of the latter. */

#ifndef VECTOR
#define VECTOR 4
#endif
#ifndef ACTIVATION
#define ACTIVATION 0
#endif

/* What positions are counted and divided in: 32-bit division takes half the time or less. -DWIDE is given where a count
 * passes 2^31; offsets into tensors are always long. */
#ifdef WIDE
typedef long INDEX;
#else
typedef int INDEX;
#endif

#define PASTE_TOKENS(a, b) a##b
#define PASTE(a, b) PASTE_TOKENS(a, b)
#define FLOATV PASTE(float, VECTOR)

/* Unaligned vectors. vload16 and vstore16 become 16 scalars on some CPUs; a pointer to a type of lower alignment does
 * not. */
#if defined(__clang__) && VECTOR == 16
typedef FLOATV __attribute__((aligned(4))) unaligned_vector;
#define LOADV(pointer) ((FLOATV) * (__global const unaligned_vector *)(pointer))
#define STOREV(value, pointer) (*(__global unaligned_vector *)(pointer) = (value))
#else
#define LOADV(pointer) PASTE(vload, VECTOR)(0, pointer)
#define STOREV(value, pointer) PASTE(vstore, VECTOR)(value, 0, pointer)
#endif

/* The rows of a work-item on axis 1; `split` is (multiplier, step, rows each) of cly_ops_rows. */
#define FOR_ROWS(row, rows, split)                                              \
    for (long row = (long)get_global_id(1) * (split).x,                         \
              row##_end = min((long)(rows), row + (long)(split).y * (split).z); \
         row < row##_end; row += (split).y)

/* The vectors of a row on axis 0; i + VECTOR may lie behind its end. */
#define FOR_COLUMNS(i, width) \
    for (int i = (int)get_global_id(0) * VECTOR; i < (width); i += (int)get_global_size(0) * VECTOR)

/* A CPU's work-item has the whole row, so the last vector may move back over what is done already, where that gives the
 * same again: y is not x. */
#define MOVED_BACK(i, width) (VECTOR == 16 && (width) >= VECTOR ? min(i, (width)-VECTOR) : (i))

/* Vectors of a span on axis 0; `each` is from cly_ops_span. */
#define FOR_SPAN(i, count, each) \
    for (long i = (long)get_global_id(0) * (each), i##_end = min((long)(count), i + (each)); i < i##_end; i += VECTOR)

/* Kahan's sum, of type T: keeps long sums exact. `carry` starts as 0. */
#define COMPENSATED(T, total, carry, value)     \
    {                                           \
        const T corrected = (value) - (carry);  \
        const T next = (total) + corrected;     \
        (carry) = (next - (total)) - corrected; \
        (total) = next;                         \
    }

/* ---- activations ---- */

/* The same numbers as cly_ops_activation_id in src/ops/activation.h; a test compares them. */
#define ACT_LINEAR 0
#define ACT_RELU 1
#define ACT_SIGMOID 2
#define ACT_TANH 3
#define ACT_ELU 4
#define ACT_SELU 5
#define ACT_SOFTPLUS 6
#define ACT_SOFTSIGN 7
#define ACT_EXPONENTIAL 8
#define ACT_HARD_SIGMOID 9
#define ACT_KERAS2_HARD_SIGMOID 10
#define ACT_SILU 11
#define ACT_GELU 12
#define ACT_RELU6 13
#define ACT_LEAKY_RELU 14
#define ACT_MISH 15
#define ACT_HARD_SILU 16
#define ACT_HARD_TANH 17
#define ACT_TANH_SHRINK 18
#define ACT_SOFT_SHRINK 19
#define ACT_HARD_SHRINK 20
#define ACT_SQUAREPLUS 21
#define ACT_SPARSE_PLUS 22
#define ACT_SPARSE_SIGMOID 23
#define ACT_CELU 24
#define ACT_LOG_SIGMOID 25
#define ACT_THRESHOLD 26
#define ACT_SOFTMAX 100
#define ACT_LOG_SOFTMAX 101
#define ACT_SPARSEMAX 102

/* Each is an expression of the type T (float or a vector of it), the value x and the parameters p. Comparisons are
 * written so that a NaN stays one wherever it does in Keras. */
#define ZERO(T) ((T)(0.0f))
#define SOFTPLUS(T, x) (fmax(x, ZERO(T)) + log1p(exp(-fabs(x))))
#define CLIP(T, x, low, high) ((x) < (T)(low) ? (T)(low) : ((x) > (T)(high) ? (T)(high) : (x)))

#if ACTIVATION == ACT_LINEAR
#define APPLY(T, x, p) (x)
#elif ACTIVATION == ACT_RELU && defined(PLAIN)
/* Without a slope, a largest value and a threshold, as nearly all are: nothing that takes registers of the loops before
 * it. */
#define APPLY(T, x, p) ((x) < ZERO(T) ? ZERO(T) : (x))
#elif ACTIVATION == ACT_RELU
/* keras/src/activations/activations.py, ReLU.static_call; p: negative_slope, max_value (INFINITY: none), threshold */
#define RELU_KEPT(T, x, p) ((p).z == 0.0f ? ((x) < ZERO(T) ? ZERO(T) : (x)) : ((x) > (T)((p).z) ? (x) : ZERO(T)))
#define RELU_CLIPPED(T, x, p) ((p).y == INFINITY ? RELU_KEPT(T, x, p) : CLIP(T, RELU_KEPT(T, x, p), 0.0f, (p).y))
#define APPLY(T, x, p) \
    ((p).x == 0.0f ? RELU_CLIPPED(T, x, p) : RELU_CLIPPED(T, x, p) - (T)((p).x) * fmax((T)((p).z) - (x), ZERO(T)))
#elif ACTIVATION == ACT_SIGMOID
#define APPLY(T, x, p) ((T)(1.0f) / ((T)(1.0f) + exp(-(x))))
#elif ACTIVATION == ACT_TANH
#define APPLY(T, x, p) tanh(x)
#elif ACTIVATION == ACT_ELU
#define APPLY(T, x, p) ((x) > ZERO(T) ? (x) : (T)((p).x) * expm1(x))
#elif ACTIVATION == ACT_SELU
#define APPLY(T, x, p) ((x) < ZERO(T) ? (T)(1.7580993408473766f) * expm1(x) : (T)(1.0507009873554805f) * (x))
#elif ACTIVATION == ACT_SOFTPLUS
#define APPLY(T, x, p) SOFTPLUS(T, x)
#elif ACTIVATION == ACT_SOFTSIGN
#define APPLY(T, x, p) ((x) / ((T)(1.0f) + fabs(x)))
#elif ACTIVATION == ACT_EXPONENTIAL
#define APPLY(T, x, p) exp(x)
#elif ACTIVATION == ACT_HARD_SIGMOID
#define APPLY(T, x, p) (CLIP(T, (x) + (T)(3.0f), 0.0f, 6.0f) / (T)(6.0f))
#elif ACTIVATION == ACT_KERAS2_HARD_SIGMOID
#define APPLY(T, x, p) CLIP(T, (T)(0.2f) * (x) + (T)(0.5f), 0.0f, 1.0f)
#elif ACTIVATION == ACT_SILU
#define APPLY(T, x, p) ((x) / ((T)(1.0f) + exp(-(x))))
#elif ACTIVATION == ACT_GELU
/* Forms that keep the digits of large negative x: erfc where 1 + erf would lose them, and for the approximation
 * (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)) */
#define GELU_ERF(T, x) ((T)(0.5f) * (x)*erfc((x) * (T)(-0.70710678118654752f)))
#define GELU_TANH(T, x) ((x) / ((T)(1.0f) + exp((T)(-1.5957691216057308f) * ((x) + (T)(0.044715f) * (x) * (x) * (x)))))
#define APPLY(T, x, p) ((p).x != 0.0f ? GELU_TANH(T, x) : GELU_ERF(T, x))
#elif ACTIVATION == ACT_RELU6
#define APPLY(T, x, p) CLIP(T, x, 0.0f, 6.0f)
#elif ACTIVATION == ACT_LEAKY_RELU
#define APPLY(T, x, p) ((x) < ZERO(T) ? (T)((p).x) * (x) : (x))
#elif ACTIVATION == ACT_MISH
/* tanh(softplus(x)) = e (e + 2) / (e (e + 2) + 2) with e = exp(x), which is 1 long before e overflows */
#define MISH_E(T, x) exp(fmin(x, (T)(20.0f)))
#define MISH_N(T, x) (MISH_E(T, x) * (MISH_E(T, x) + (T)(2.0f)))
#define APPLY(T, x, p) ((x) * (MISH_N(T, x) / (MISH_N(T, x) + (T)(2.0f))))
#elif ACTIVATION == ACT_HARD_SILU
#define APPLY(T, x, p) ((x) * (CLIP(T, (x) + (T)(3.0f), 0.0f, 6.0f) / (T)(6.0f)))
#elif ACTIVATION == ACT_HARD_TANH
#define APPLY(T, x, p) CLIP(T, x, -1.0f, 1.0f)
#elif ACTIVATION == ACT_TANH_SHRINK
#define APPLY(T, x, p) ((x)-tanh(x))
#elif ACTIVATION == ACT_SOFT_SHRINK
#define APPLY(T, x, p) ((x) > (T)((p).x) ? (x) - (T)((p).x) : ((x) < (T)(-(p).x) ? (x) + (T)((p).x) : ZERO(T)))
#elif ACTIVATION == ACT_HARD_SHRINK
#define APPLY(T, x, p) (fabs(x) > (T)((p).x) ? (x) : ZERO(T))
#elif ACTIVATION == ACT_SQUAREPLUS
/* (x + root) / 2; for negative x as b / (root - x) / 2, which does not lose their digits */
#define SQUAREPLUS_ROOT(T, x, p) sqrt((x) * (x) + (T)((p).x))
#define APPLY(T, x, p)                                                    \
    ((T)(0.5f) * ((x) < ZERO(T) ? (T)((p).x) / (SQUAREPLUS_ROOT(T, x, p) - (x)) : (x) + SQUAREPLUS_ROOT(T, x, p)))
#elif ACTIVATION == ACT_SPARSE_PLUS
#define APPLY(T, x, p) \
    ((x) <= (T)(-1.0f) ? ZERO(T) : ((x) < (T)(1.0f) ? (T)(0.25f) * ((x) + (T)(1.0f)) * ((x) + (T)(1.0f)) : (x)))
#elif ACTIVATION == ACT_SPARSE_SIGMOID
#define APPLY(T, x, p) CLIP(T, (T)(0.5f) * ((x) + (T)(1.0f)), 0.0f, 1.0f)
#elif ACTIVATION == ACT_CELU
#define APPLY(T, x, p) ((x) < ZERO(T) ? (T)((p).x) * expm1((x) / (T)((p).x)) : (x))
#elif ACTIVATION == ACT_LOG_SIGMOID
#define APPLY(T, x, p) (-SOFTPLUS(T, -(x)))
#elif ACTIVATION == ACT_THRESHOLD
#define APPLY(T, x, p) ((x) > (T)((p).x) ? (x) : (T)((p).y))
#endif

static float activate(const float x, const float4 p) {
    return APPLY(float, x, p);
}

static FLOATV activate_vector(const FLOATV x, const float4 p) {
    return APPLY(FLOATV, x, p);
}
