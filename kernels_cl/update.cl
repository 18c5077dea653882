/* update.cl: one step of an optimizer on one weight: its gradient unscaled and clipped, weight decay, the update by the
 * program's RULE, the moving average. Every operation is rounded on its own, as Keras on TensorFlow rounds it.
 * Sources: keras/src/optimizers/<name>.py; what the numbers of a and b are stands in src/ops/update.h. */

#pragma OPENCL FP_CONTRACT OFF

/* The same numbers as cly_ops_rule in src/ops/update.h. */
#define RULE_NONE 0
#define RULE_SGD 1
#define RULE_RMSPROP 2
#define RULE_ADAGRAD 3
#define RULE_ADADELTA 4
#define RULE_ADAM 5
#define RULE_ADAMAX 6
#define RULE_NADAM 7
#define RULE_FTRL 8
#define RULE_LION 9
#ifndef RULE
#define RULE RULE_NONE
#endif

/* The same numbers as those of src/ops/update.h. */
#define CLIP_VALUE 1
#define CLIP_LENGTH 2
#define CLIP_GLOBAL 3
#define FLAG_MOMENTUM 1
#define FLAG_NESTEROV 2
#define FLAG_CENTERED 4
#define FLAG_LARGEST 8
#define FLAG_ROOT 16
#define FLAG_AVERAGE 32
#define FLAG_OVERWRITE 64

/* A vector, or one value where a whole vector would pass the end. */
#define GET(buffer) (whole ? LOADV((buffer) + i) : (FLOATV)((buffer)[i]))
#define PUT(value, buffer)              \
    if (whole) {                        \
        STOREV(value, (buffer) + i);    \
    } else {                            \
        (buffer)[i] = (value).s0;       \
    }
#define ALL(x) ((FLOATV)(x))
#define LARGER(p, q) ((p) < (q) ? (q) : (p))
#define POWER(v) (flags & FLAG_ROOT ? sqrt(v) : pow(v, ALL(a.x)))

/* What the gradients are multiplied by and then divided by; `square`: the sum of their squares. */
static float2 clip_factors(const int clip, const float limit, const float square) {
    const float length = square > 0.0f ? sqrt(square) : square;
    if (clip == CLIP_LENGTH) {
        return (float2)(limit, length > limit || isnan(length) ? length : limit);
    }
    if (clip == CLIP_GLOBAL) {
        return (float2)(limit * fmin(1.0f / length, 1.0f / limit) + (length - length), 1.0f);
    }
    return (float2)(1.0f, 1.0f);
}

__kernel void update(__global const float *gradient, __global float *weight, __global float *slot0,
                     __global float *slot1, __global float *slot2, __global float *average,
                     __global const float *squares, const long square_offset, const long count, const long each,
                     const int clip, const int flags, const float4 before, const float4 a, const float4 b,
                     const float4 ema) {
    const float unscale = before.x, limit = before.y, decay = before.z, rate = before.w;
    const float2 factors = clip_factors(clip, limit, clip > CLIP_VALUE ? squares[square_offset] : 0.0f);
    FOR_SPAN(start, count, each) {
        const bool whole = start + VECTOR <= start_end;
        for (long i = start; i < (whole ? start + 1 : start_end); i++) {
            FLOATV w = GET(weight);
#if RULE != RULE_NONE
            FLOATV g = GET(gradient);
            if (unscale != 1.0f) {
                g /= ALL(unscale);
            }
            if (clip == CLIP_VALUE) {
                g = CLIP(FLOATV, g, -limit, limit);
            } else if (clip == CLIP_LENGTH) {
                g = g * ALL(factors.x) / ALL(factors.y);
            } else if (clip == CLIP_GLOBAL) {
                g *= ALL(factors.x);
            }
            if (decay != 0.0f) {
                w -= w * ALL(decay) * ALL(rate);
            }
#endif
#if RULE == RULE_SGD
            if (flags & FLAG_MOMENTUM) {
                const FLOATV m = GET(slot0) * ALL(a.x) - g * ALL(rate);
                PUT(m, slot0)
                w += flags & FLAG_NESTEROV ? m * ALL(a.x) - g * ALL(rate) : m;
            } else {
                w -= g * ALL(rate);
            }
#elif RULE == RULE_RMSPROP
            const FLOATV velocity = ALL(a.x) * GET(slot0) + ALL(a.y) * (g * g);
            FLOATV denominator = velocity + ALL(a.z);
            PUT(velocity, slot0)
            if (flags & FLAG_CENTERED) {
                const FLOATV mean = ALL(a.x) * GET(slot2) + ALL(a.y) * g;
                denominator = velocity - mean * mean + ALL(a.z);
                PUT(mean, slot2)
            }
            FLOATV increment = ALL(rate) * g / sqrt(denominator);
            if (flags & FLAG_MOMENTUM) {
                increment += ALL(a.w) * GET(slot1);
                PUT(increment, slot1)
            }
            w -= increment;
#elif RULE == RULE_ADAGRAD
            const FLOATV accumulator = GET(slot0) + g * g;
            PUT(accumulator, slot0)
            w -= ALL(rate) * g / sqrt(accumulator + ALL(a.z));
#elif RULE == RULE_ADADELTA
            const FLOATV old = GET(slot1);
            const FLOATV accumulated = ALL(a.x) * GET(slot0) + ALL(a.y) * (g * g);
            const FLOATV delta = -(sqrt(old + ALL(a.z)) * g / sqrt(accumulated + ALL(a.z)));
            const FLOATV moved = ALL(a.x) * old + ALL(a.y) * (delta * delta);
            PUT(accumulated, slot0)
            PUT(moved, slot1)
            w += ALL(rate) * delta;
#elif RULE == RULE_ADAM
            const FLOATV m_old = GET(slot0), v_old = GET(slot1);
            const FLOATV m = m_old + (g - m_old) * ALL(a.x);
            FLOATV v = v_old + (g * g - v_old) * ALL(a.y);
            PUT(m, slot0)
            PUT(v, slot1)
            if (flags & FLAG_LARGEST) {
                const FLOATV largest = GET(slot2);
                v = LARGER(largest, v);
                PUT(v, slot2)
            }
            w -= m * ALL(a.w) / (sqrt(v) + ALL(a.z));
#elif RULE == RULE_ADAMAX
            const FLOATV m_old = GET(slot0);
            const FLOATV m = m_old + (g - m_old) * ALL(a.x);
            const FLOATV u_old = ALL(a.y) * GET(slot1), size = fabs(g);
            const FLOATV u = LARGER(u_old, size);
            PUT(m, slot0)
            PUT(u, slot1)
            w -= ALL(rate) * m / (ALL(a.w) * (u + ALL(a.z)));
#elif RULE == RULE_NADAM
            const FLOATV m_old = GET(slot0), v_old = GET(slot1);
            const FLOATV m = m_old + (g - m_old) * ALL(a.x);
            const FLOATV v = v_old + (g * g - v_old) * ALL(a.y);
            const FLOATV m_hat = ALL(b.x) * m / ALL(b.y) + ALL(b.z) * g / ALL(b.w);
            PUT(m, slot0)
            PUT(v, slot1)
            w -= m_hat * ALL(rate) / (sqrt(v / ALL(a.w)) + ALL(a.z));
#elif RULE == RULE_FTRL
            const FLOATV accumulator = GET(slot0), shifted = g + ALL(a.z) * w;
            const FLOATV grown = accumulator + g * g;
            const FLOATV power = POWER(grown);
            const FLOATV linear = GET(slot1) + (shifted - (power - POWER(accumulator)) / ALL(rate) * w);
            PUT(grown, slot0)
            PUT(linear, slot1)
            w = (CLIP(FLOATV, linear, -a.y, a.y) - linear) / (power / ALL(rate) + ALL(a.w));
#elif RULE == RULE_LION
            const FLOATV m = GET(slot0), direction = m * ALL(a.x) + g * ALL(a.y);
            const FLOATV moved = m * ALL(a.z) + g * ALL(a.w);
            PUT(moved, slot0)
            /* the sign; a NaN stays one */
            w -= ALL(rate) * (direction > ALL(0.0f) ? ALL(1.0f) : direction < ALL(0.0f) ? ALL(-1.0f) : direction);
#endif
            if (flags & FLAG_AVERAGE) {
                const FLOATV mean = ALL(ema.x) * GET(average) + ALL(ema.y) * w;
                PUT(mean, average)
                if (flags & FLAG_OVERWRITE) {
                    w = mean;
                }
            }
            PUT(w, weight)
        }
    }
}

/* Gradients of several steps: total += gradient / unscale; at the last of them the gradient becomes the mean over
 * `steps` and the total 0. */
__kernel void accumulate(__global float *gradient, __global float *total, const long count, const long each,
                         const float unscale, const float steps, const int last) {
    FOR_SPAN(start, count, each) {
        const bool whole = start + VECTOR <= start_end;
        for (long i = start; i < (whole ? start + 1 : start_end); i++) {
            const FLOATV sum = GET(gradient) / ALL(unscale) + GET(total);
            if (last) {
                PUT(sum / ALL(steps), gradient)
                PUT(ALL(0.0f), total)
            } else {
                PUT(sum, total)
            }
        }
    }
}
