/* ops/conv.h: convolution of rank 1 to 3 with groups, and its transpose, with bias, normalisation and activation.
 *
 * Rank is data: sizes always have three axes (depth, rows, cols); lower ranks have leading ones. One shape struct
 * describes the convolution that maps `in` to `out`; the transposed operator runs the same struct the other way, from
 * a tensor of size `out` to one of size `in`. Source: keras/src/backend, as shared rules of conv and conv_transpose. */
#ifndef CLY_OPS_CONV_H
#define CLY_OPS_CONV_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/activation.h"
#include "ops/operator.h"

typedef struct cly_ops_conv_shape {
    int64_t batch;
    int64_t in[3], out[3]; /* spatial sizes at the two ends */
    int64_t in_channels, out_channels, groups;
    int64_t kernel[3], stride[3], dilation[3];
    int64_t pad[3]; /* zeros before, per axis; what is needed after follows from the sizes */
    bool channels_first;
    cly_ops_activation activation; /* element by element, after bias and normalisation */
    cly_ops_spacing y; /* where the pixels of what is written lie; channels_last only, and not for gradients */
} cly_ops_conv_shape;

/* y(out) = activation(normalised(conv(x(in), w) + b)). Operands: 0 x, 1 w (k..., in_channels / groups, out_channels),
 * 2 b (out_channels) or NULL, 3 y, 4 the normalisation of y's channels that cly_ops_fold_behind of fold.h made, or
 * NULL: none. With it, y has the bits that "batch_norm" would give behind. */
extern const cly_ops_operator cly_ops_conv_operator; /* "conv": "gemm", "direct", "im2col", "reference" */

/* y(in) = activation(normalised(transposed conv(x(out), w) + b)), a gather. Operands: 0 x, 1 w in the same layout as
 * above: for Keras' Conv2DTranspose that is (k..., filters, C_in) with in_channels = filters and out_channels = C_in,
 * 2 b (in_channels) or NULL, 3 y, 4 as above. */
extern const cly_ops_operator cly_ops_conv_transpose_operator; /* "conv_transpose": "direct", "gemm", "reference" */

/* Depthwise: in_channels = C, out_channels = C * m, groups = C. Operands: 0 x, 1 w (k..., C, m), 2 b (C * m) or NULL,
 * 3 y, 4 as above. */
extern const cly_ops_operator cly_ops_depthwise_operator; /* "depthwise": "direct", "reference" */

/* Multiply-adds of any of these, without the bias, as papers count them: for each output kernel volume times channels
 * that are read, the padding's zeros included. INT64_MAX at most. */
uint64_t cly_ops_conv_multiply_adds(const void *shape);

/* ---- gradients ----
 *
 * The gradient of "conv" with respect to its input is "conv_transpose" with the same shape (linear; operands dy, w,
 * NULL, dx, NULL), and the other way round. None of the following looks at the activation: dy is the gradient of what
 * comes before it, and that of the bias is "reduce" of reduce.h. */

/* dw = the sum over images and output positions of x at each tap by dy: the gradient of "conv" with respect to w.
 * Operands: 0 x (size in), 1 dy (size out), 2 dw (k..., in_channels / groups, out_channels). For "conv_transpose",
 * whose output has the size `in`, 0 is dy and 1 is x. Dense is sizes and kernel of 1 with a row an image. */
extern const cly_ops_operator cly_ops_conv_weights_operator; /* "conv_weights": "direct", "gemm", "reference" */

/* dx of "depthwise". Operands: 0 dy (size out), 1 w (k..., C, m), 3 dx (size in); others are not looked at. */
extern const cly_ops_operator cly_ops_depthwise_transpose_operator; /* "depthwise_transpose": "direct", "reference" */

/* dw of "depthwise". Operands: 0 x (size in), 1 dy (size out), 2 dw (k..., C, m). */
extern const cly_ops_operator cly_ops_depthwise_weights_operator; /* "depthwise_weights": "direct", "reference" */

#endif
