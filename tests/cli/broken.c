/* cli/broken.c: stands between the command and clayer_layer_forward and _backward (linked with --wrap) and spoils one
 * value: of the output, by a thousandth of the largest, for the class that CLAYER_BREAK names, or of the gradient of
 * the first input, by a tenth, for the class that CLAYER_BREAK_BACKWARD names. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clayer/layers.h>

static bool is_named(const clayer_layer *layer, const char *variable) {
    const char *broken = getenv(variable);
    return broken != NULL && strcmp(clayer_layer_get_class_name(layer), broken) == 0;
}

/* Adds a share of the largest value to one in the middle. */
static clayer_status spoil(clayer_tensor *tensor, float share) {
    const int64_t count = clayer_tensor_get_count(tensor);
    float *values = malloc((size_t)count * sizeof *values), largest = 0;
    if (values == NULL) {
        return CLAYER_OUT_OF_MEMORY;
    }
    clayer_status status = clayer_tensor_read(tensor, values, count);
    for (int64_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(values[i]));
    }
    values[count / 2] += share * largest;
    if (status == CLAYER_OK) {
        status = clayer_tensor_write(tensor, values, count);
    }
    free(values);
    return status;
}

clayer_status __real_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output);
clayer_status __wrap_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output);

clayer_status __wrap_clayer_layer_forward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                          clayer_tensor *output) {
    clayer_status status = __real_clayer_layer_forward(layer, inputs, input_count, output);
    return status == CLAYER_OK && is_named(layer, "CLAYER_BREAK") ? spoil(output, 1e-3f) : status;
}

clayer_status __real_clayer_layer_backward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                           clayer_tensor *output, clayer_tensor *output_gradient,
                                           clayer_tensor *const *input_gradients);
clayer_status __wrap_clayer_layer_backward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                           clayer_tensor *output, clayer_tensor *output_gradient,
                                           clayer_tensor *const *input_gradients);

clayer_status __wrap_clayer_layer_backward(clayer_layer *layer, clayer_tensor *const *inputs, size_t input_count,
                                           clayer_tensor *output, clayer_tensor *output_gradient,
                                           clayer_tensor *const *input_gradients) {
    clayer_status status =
        __real_clayer_layer_backward(layer, inputs, input_count, output, output_gradient, input_gradients);
    return status == CLAYER_OK && is_named(layer, "CLAYER_BREAK_BACKWARD") ? spoil(input_gradients[0], 0.1f) : status;
}
