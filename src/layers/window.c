/* layers/window.c: what the layers that slide a window over their input share: checks of strides and dilation, output
 * sizes by ops/padding.h, and the operator's shape. */
#include <string.h>

#include "layers/layer.h"

cly_ops_padding cly_layers_padding(const char *text) {
    return strcmp(text, "same") == 0 ? CLY_SAME : strcmp(text, "causal") == 0 ? CLY_CAUSAL : CLY_VALID;
}

clayer_status cly_layers_check_window(const clayer_layer *layer, const int64_t kernel[3], const int64_t strides[3],
                                      const int64_t dilation[3]) {
    int strided = -1, dilated = -1;
    for (int i = 0; i < layer->class->rank; i++) {
        strided = strided < 0 && strides[i] != 1 ? i : strided;
        dilated = dilated < 0 && dilation[i] != 1 ? i : dilated;
        if (cly_ops_effective_kernel(kernel[i], dilation[i]) > INT32_MAX) {
            return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                                   "kernel_size %lld with dilation_rate %lld on axis %d reaches over more than %d",
                                   (long long)kernel[i], (long long)dilation[i], i, INT32_MAX);
        }
    }
    if (strided >= 0 && dilated >= 0) {
        return cly_layers_fail(layer, CLAYER_INVALID_ARGUMENT,
                               "strides %lld (axis %d) together with dilation_rate %lld (axis %d): one of the two must "
                               "be 1 on every axis",
                               (long long)strides[strided], strided, (long long)dilation[dilated], dilated);
    }
    return CLAYER_OK;
}

static clayer_status fail_short(const clayer_layer *layer, const char *what, int64_t kernel, int64_t rate, int64_t n,
                                int axis) {
    if (rate == 1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s %lld exceeds the input %lld on axis %d", what,
                               (long long)kernel, (long long)n, axis);
    }
    return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "%s %lld, dilated to %lld, exceeds the input %lld on axis %d",
                           what, (long long)kernel, (long long)cly_ops_effective_kernel(kernel, rate), (long long)n,
                           axis);
}

clayer_status cly_layers_infer_window(const clayer_layer *layer, const clayer_shape *input, const char *what,
                                      const int64_t kernel[3], const int64_t strides[3], const int64_t dilation[3],
                                      const char *padding, clayer_shape *output) {
    for (int i = 0; i < layer->class->rank; i++) {
        int axis = cly_layers_spatial_axis(layer, i);
        int64_t rate = dilation == NULL ? 1 : dilation[i];
        int64_t n = input->dims[axis];
        if (n == -1) {
            output->dims[axis] = -1;
            continue;
        }
        output->dims[axis] = cly_ops_padding_conv(cly_layers_padding(padding), n, kernel[i], strides[i], rate).out;
        if (output->dims[axis] < 1) {
            return fail_short(layer, what, kernel[i], rate, n, axis);
        }
    }
    return CLAYER_OK;
}

void cly_layers_forget_sizes(const clayer_layer *layer, clayer_shape *output) {
    bool unknown = false;
    for (int i = 0; i < layer->class->rank; i++) {
        unknown = unknown || output->dims[cly_layers_spatial_axis(layer, i)] == -1;
    }
    for (int i = 0; i < layer->class->rank && unknown && layer->generation == 2; i++) {
        output->dims[cly_layers_spatial_axis(layer, i)] = -1;
    }
}

clayer_status cly_layers_infer_depthwise(const clayer_layer *layer, const clayer_shape *input, const int64_t kernel[3],
                                         const int64_t strides[3], const int64_t dilation[3], const char *padding,
                                         clayer_shape *output) {
    clayer_status status =
        cly_layers_infer_window(layer, input, "kernel_size", kernel, strides, dilation, padding, output);
    bool dilated = false;
    for (int i = 0; i < layer->class->rank; i++) {
        dilated = dilated || dilation[i] != 1;
    }
    if (status == CLAYER_OK && dilated) {
        cly_layers_forget_sizes(layer, output);
    }
    return status;
}

clayer_status cly_layers_known_channels(const clayer_layer *layer, const clayer_shape *input, int64_t *channels_out) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    int64_t channels = input->dims[cly_layers_channel_axis(layer)];
    if (channels == -1) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE,
                               "the channel dimension of input %s is unknown; the weights depend on it",
                               cly_layers_shape_text(input, text, sizeof(text)));
    }
    *channels_out = channels;
    return CLAYER_OK;
}

void cly_layers_conv_shape(const clayer_layer *layer, const clayer_shape *input, const clayer_shape *output,
                           const int64_t kernel[3], const int64_t strides[3], const int64_t dilation[3],
                           const char *padding, cly_ops_conv_shape *shape_out) {
    cly_ops_conv_shape *s = shape_out;
    s->batch = input->dims[0];
    s->in_channels = input->dims[cly_layers_channel_axis(layer)];
    s->out_channels = output->dims[cly_layers_channel_axis(layer)];
    s->groups = 1;
    s->channels_first = layer->channels_first;
    cly_layers_spatial(layer, input, s->in);
    cly_layers_spatial(layer, output, s->out);
    cly_layers_lead(layer, kernel, 1, s->kernel);
    cly_layers_lead(layer, strides, 1, s->stride);
    cly_layers_lead(layer, dilation, 1, s->dilation);
    for (int i = 0; i < 3; i++) {
        /* A leading axis of size 1 with a kernel of 1 gets no padding under any rule. */
        s->pad[i] =
            cly_ops_padding_conv(cly_layers_padding(padding), s->in[i], s->kernel[i], s->stride[i], s->dilation[i])
                .before;
    }
}
