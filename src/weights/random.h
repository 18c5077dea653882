/* weights/random.h: the streams of random numbers that TensorFlow's stateless functions draw for an integer seed. */
#ifndef CLY_WEIGHTS_RANDOM_H
#define CLY_WEIGHTS_RANDOM_H

#include <stdint.h>

/* One stream: the key and the first counter of Philox4x32-10, made from the pair (seed, 0) as Keras 3 passes it. */
typedef struct cly_weights_stream {
    uint32_t key[2];
    uint32_t counter[4];
} cly_weights_stream;

cly_weights_stream cly_weights_stream_from_seed(uint64_t seed);

/* The next four numbers of 32 bits; the stream moves on. */
void cly_weights_next(cly_weights_stream *stream, uint32_t numbers_out[4]);

/* `count` values of each distribution, from the start of the stream. Uniform values are those of
 * tf.random.stateless_uniform bit for bit; the normal ones go through the host's log, sin and cos, so they agree with
 * TensorFlow's to rounding. The truncated normal has no value two or more standard deviations from the mean. */
void cly_weights_uniform(cly_weights_stream stream, float low, float high, int64_t count, float *values);
void cly_weights_normal(cly_weights_stream stream, float mean, float stddev, int64_t count, float *values);
void cly_weights_truncated_normal(cly_weights_stream stream, float mean, float stddev, int64_t count, float *values);

#endif
