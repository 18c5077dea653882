/* ops/padding.h: Keras' rule for output sizes and padding on one axis, the only place where it stands.
 * Source: shared rules in the Keras documentation of Conv2D and Conv2DTranspose; tests hold it against a table that
 * Keras made. */
#ifndef CLY_OPS_PADDING_H
#define CLY_OPS_PADDING_H

#include <stdbool.h>
#include <stdint.h>

typedef enum cly_ops_padding { CLY_VALID = 0, CLY_SAME, CLY_CAUSAL } cly_ops_padding;

/* What a window does on one axis. */
typedef struct cly_ops_axis {
    int64_t out;
    int64_t before; /* zeros added (or skipped taps) before the first element */
} cly_ops_axis;

/* (k - 1) * dilation + 1 */
static inline int64_t cly_ops_effective_kernel(int64_t kernel, int64_t dilation) {
    return (kernel - 1) * dilation + 1;
}

/* Convolution and pooling of n elements; out < 1 where the kernel does not fit ('valid', n < effective kernel). */
cly_ops_axis cly_ops_padding_conv(cly_ops_padding padding, int64_t n, int64_t kernel, int64_t stride, int64_t dilation);

/* Transposed convolution of n elements. `out` is the size it makes and `before` the padding of the convolution that
 * maps it back to n. output_padding < 0 means None. False where no such convolution exists. */
bool cly_ops_padding_transpose(cly_ops_padding padding, int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                               int64_t output_padding, cly_ops_axis *axis_out);

#endif
