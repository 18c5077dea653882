/* layer.c: one layer on the application's own tensors, without a model.
 *
 * A Conv1D with the kernel (-1, 0, 1) takes the difference of a sequence's neighbours: its weights are written here,
 * in Keras' layout (kernel_size, channels in, filters). */
#include <clayer/clayer.h>
#include <stdio.h>

int main(void) {
    const clayer_conv_config config = {.struct_size = sizeof config, .filters = 1, .kernel_size = {3}, .no_bias = true};
    const clayer_shape shape = {.rank = 3, .dims = {1, 8, 1}}; /* one sequence of 8 steps, 1 channel */
    const float sequence[8] = {0, 1, 4, 9, 16, 25, 36, 49};
    const float kernel[3] = {-1, 0, 1};
    float differences[6];
    clayer_context *context = NULL;
    clayer_layer *layer = NULL;
    clayer_tensor *x = NULL, *y = NULL;
    clayer_shape result;

    clayer_status status = clayer_context_create(NULL, &context);
    if (status == CLAYER_OK) {
        status = clayer_layer_create(context, "Conv1D", &config, &layer);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_build(layer, &shape, 1); /* now there are weights */
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(clayer_layer_get_weight(layer, 0), kernel, 3);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_create(context, shape.rank, shape.dims, &x);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(x, sequence, 8);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_get_output_shape(layer, &shape, 1, &result);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_create(context, result.rank, result.dims, &y);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_forward(layer, &x, 1, y);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_read(y, differences, 6); /* waits for the device */
    }
    for (int i = 0; status == CLAYER_OK && i < 6; i++) {
        printf(i < 5 ? "%g " : "%g\n", (double)differences[i]);
    }
    if (status != CLAYER_OK) {
        fprintf(stderr, "layer: %s\n", clayer_last_error());
    }
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(x);
    clayer_layer_destroy(layer);
    clayer_context_destroy(context);
    return status != CLAYER_OK;
}
