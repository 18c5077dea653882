/* ops/padding.c: output size and padding of one axis, as Keras (TensorFlow) has them. */
#include "ops/padding.h"

static int64_t at_least_zero(int64_t value) {
    return value > 0 ? value : 0;
}

/* Where the window fits: floor((n - e) / s) + 1, and below 1 where it does not fit at all. */
static int64_t valid_size(int64_t n, int64_t effective, int64_t stride) {
    return n < effective ? 0 : (n - effective) / stride + 1;
}

cly_ops_axis cly_ops_padding_conv(cly_ops_padding padding, int64_t n, int64_t kernel, int64_t stride,
                                  int64_t dilation) {
    const int64_t effective = cly_ops_effective_kernel(kernel, dilation);
    switch (padding) {
        case CLY_SAME: {
            const int64_t out = n > 0 ? (n - 1) / stride + 1 : 0;
            const int64_t total = at_least_zero((out - 1) * stride + effective - n);
            return (cly_ops_axis){.out = out, .before = total / 2}; /* an odd total pads the end */
        }
        case CLY_CAUSAL:
            return (cly_ops_axis){.out = valid_size(n + effective - 1, effective, stride), .before = effective - 1};
        case CLY_VALID:
            break;
    }
    return (cly_ops_axis){.out = valid_size(n, effective, stride), .before = 0};
}

bool cly_ops_padding_transpose(cly_ops_padding padding, int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                               int64_t output_padding, cly_ops_axis *axis_out) {
    const int64_t effective = cly_ops_effective_kernel(kernel, dilation);
    int64_t out = 0;
    if (n < 1 || output_padding >= stride || padding == CLY_CAUSAL) {
        return false;
    }
    if (output_padding >= 0) {
        const int64_t pad = padding == CLY_SAME ? effective / 2 : 0;
        out = (n - 1) * stride + effective - 2 * pad + output_padding;
    } else {
        out = n * stride + (padding == CLY_SAME ? 0 : at_least_zero(effective - stride));
    }
    if (out < 1) {
        return false;
    }
    const cly_ops_axis back = cly_ops_padding_conv(padding, out, kernel, stride, dilation);
    if (back.out != n) {
        return false;
    }
    *axis_out = (cly_ops_axis){.out = out, .before = back.before};
    return true;
}
