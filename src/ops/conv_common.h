/* ops/conv_common.h: what the convolutions share: sizes of a shape, the plain kernel, arguments. */
#ifndef CLY_OPS_CONV_COMMON_H
#define CLY_OPS_CONV_COMMON_H

#include "ops/conv.h"
#include "ops/range.h"

/* A conv shape's products. "per group" where the name says group. */
typedef struct cly_ops_conv_sizes {
    int64_t taps;
    int64_t in_pixels, out_pixels;
    int64_t group_in, group_out; /* channels */
    double macs;                 /* multiply-adds of the whole operator, taps in the padding counted too */
} cly_ops_conv_sizes;

cly_ops_conv_sizes cly_ops_conv_sizes_of(const cly_ops_conv_shape *shape);

#define CLY_OPS_CHANNELS(s, n) CLY_INT4((n).group_in, (n).group_out, (s)->in_channels, (s)->out_channels)
#define CLY_OPS_PARAMETERS(s)                                                                               \
    CLY_FLOAT4((s)->activation.parameters[0], (s)->activation.parameters[1], (s)->activation.parameters[2], \
               (s)->activation.parameters[3])

/* What kernels take for a bias, operand 2, and as EPILOGUE_ARGUMENTS of epilogue.h, where they write `channels`
 * channels. What is absent is stood in for by the weights: not every driver takes a NULL buffer. */
#define CLY_OPS_BIAS(operands) CLY_BUFFER((operands)[(operands)[2] != NULL ? 2 : 1])
#define CLY_OPS_EPILOGUE(s, operands, channels)                                            \
    CLY_INT((operands)[2] != NULL), CLY_BUFFER((operands)[(operands)[4] != NULL ? 4 : 1]), \
        CLY_INT((operands)[4] != NULL ? (channels) : 0), CLY_OPS_PARAMETERS(s)

/* conv_reference of conv.cl, which a depthwise convolution is too. Operands as conv.h has them. */
clayer_status cly_ops_conv_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                         cl_mem workspace);

/* Every output pixel looks at one input pixel, the same one: x itself serves as columns. */
bool cly_ops_conv_is_pointwise(const cly_ops_conv_shape *shape);

/* conv_transpose_reference of conv_transpose.cl, likewise. */
clayer_status cly_ops_conv_transpose_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                                   cl_mem workspace);

/* conv_weights_reference of conv_weights.cl, which serves depthwise convolutions too. */
clayer_status cly_ops_conv_weights_run_reference(clayer_context *context, const void *shape, const cl_mem *operands,
                                                 cl_mem workspace);

/* im2col of `pixels` pixels, counted over all images, from `first` on: columns[group][pixel][tap][channel]. */
clayer_status cly_ops_conv_columns_last(clayer_context *context, const cly_ops_conv_shape *shape, cl_mem x,
                                        cl_mem columns, int64_t first, int64_t pixels);
/* channels_first, `images` images from `image` on: columns[image][group][tap][channel][pixel]. */
clayer_status cly_ops_conv_columns_first(clayer_context *context, const cly_ops_conv_shape *shape, cl_mem x,
                                         cl_mem columns, int64_t image, int64_t images, int64_t first, int64_t pixels);

/* Costs are in the time of one multiply-add of a GEMM. A plain kernel's multiply-add takes CLY_OPS_PLAIN of it, and
 * each launch as much as CLY_OPS_LAUNCH of them: small problems go to the plain kernel, which is one launch. */
#define CLY_OPS_PLAIN 10.0
#define CLY_OPS_LAUNCH 400000.0

/* Reading and writing one float once more. */
#define CLY_OPS_MOVE 4.0

/* One GEMM of (m x k) by (k x n): its tiles are padded to 32 x 64, and the matrices are copied to be so. */
double cly_ops_gemm_cost(int64_t m, int64_t n, int64_t k);

#endif
